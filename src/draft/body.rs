//! Bodies as scenarios write them, from the text that was sent and its media type.

use url::form_urlencoded;

use super::model::{Body, Request};
use super::noise;
use super::template::{CLOSE, OPEN, Template};
use super::tree::Tree;

/// What a form is without files.
const FORM: &str = "application/x-www-form-urlencoded";

impl Body {
    /// A body from its text: as a value if it is JSON, as fields if it is a form, else as the text that it is.
    pub(super) fn parse(text: &str, media: &str) -> Self {
        Self::parse_template(&Template::literal(text), media)
    }

    /// The same for a text with expressions.
    pub(super) fn parse_template(template: &Template, media: &str) -> Self {
        let kind = essence(media);
        let (text, expressions) = template.marked();
        let of = |text: &str| Template::unmarked(text, &expressions);
        if is_json(&kind) || (kind.is_empty() && text.trim_start().starts_with(['{', '['])) {
            let json = if expressions.is_empty() { text.clone() } else { with_quoted_marks(&text) };
            let tree = serde_json::from_str::<Tree>(&json).ok().filter(Tree::is_expressible);
            if let Some(tree) = tree {
                return Self::Json(tree.with_templates(&of));
            }
        }
        // `a` alone would be sent as `a=`.
        if kind == FORM && text.split('&').all(|pair| pair.contains('=')) {
            let pairs: Vec<(String, Template)> = form_urlencoded::parse(text.as_bytes())
                .map(|(name, value)| (of(&name).source(), of(&value)))
                .collect();
            if let Some(form) = Self::form(pairs) {
                return form;
            }
        }
        Self::Text(template.clone())
    }

    /// A form, if no name occurs twice: fields are a table.
    pub(super) fn form(pairs: Vec<(String, Template)>) -> Option<Self> {
        let mut names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let is_table = !pairs.is_empty() && names.windows(2).all(|pair| pair[0] != pair[1]);
        is_table.then_some(Self::Form(pairs))
    }

    /// The media type that is sent with it unless a header says otherwise.
    fn media(&self) -> &'static str {
        match self {
            Self::Json(_) => "application/json",
            Self::Form(_) => FORM,
            Self::Multipart(_) => "multipart/form-data",
            Self::Text(_) => "text/plain",
            Self::File(_) => "",
        }
    }
}

/// JSON in which marks of expressions are texts, wherever a value stands.
fn with_quoted_marks(text: &str) -> String {
    let (mut json, mut is_text, mut is_escaped) = (String::with_capacity(text.len()), false, false);
    for c in text.chars() {
        if is_text {
            is_text = is_escaped || c != '"';
            is_escaped = c == '\\' && !is_escaped;
            json.push(c);
            continue;
        }
        match c {
            OPEN => json.extend(['"', c]),
            CLOSE => json.extend([c, '"']),
            _ => json.push(c),
        }
        is_text = c == '"';
    }
    json
}

impl Request {
    /// Takes headers over, without noise. To be called when the body is there: it implies a media type.
    pub(super) fn take_headers<'a>(&mut self, headers: impl IntoIterator<Item = (&'a str, &'a str)>) {
        self.take_header_templates(headers.into_iter().map(|(name, value)| (name, Template::literal(value))));
    }

    /// The same for values with expressions.
    pub(super) fn take_header_templates<'a>(
        &mut self,
        headers: impl IntoIterator<Item = (&'a str, Template)>,
    ) {
        let implied = self.body.as_ref().map_or("", Body::media);
        for (name, value) in headers {
            let name = name.trim().to_ascii_lowercase();
            let (text, expressions) = value.marked();
            let value: String = text.trim().chars().filter(|c| !c.is_control()).collect();
            let is_implied = match name.as_str() {
                // Without a body there is nothing that it could be about.
                "content-type" => implied == essence(&value) || self.body.is_none(),
                "accept" => value == "*/*",
                _ => false,
            };
            if is_token(&name) && !noise::is_header(&name) && !is_implied && !value.is_empty() {
                self.add_header(&name, Template::unmarked(&value, &expressions));
            }
        }
    }
}

/// A media type without its parameters, in lower case.
pub(super) fn essence(media: &str) -> String {
    media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a media type, without parameters, is one of JSON.
pub(super) fn is_json(essence: &str) -> bool {
    essence == "application/json" || essence == "text/json" || essence.ends_with("+json")
}

/// Whether a text can be a header's name, or a method (RFC 9110 §5.6.2).
pub(super) fn is_token(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::model::Target;

    #[test]
    fn bodies_are_what_their_text_and_media_type_say() {
        assert!(matches!(Body::parse(r#"{"a": 1}"#, "application/json; charset=utf-8"), Body::Json(_)));
        assert!(matches!(Body::parse(r#"{"a": 1}"#, ""), Body::Json(_)));
        assert!(matches!(Body::parse("{", "application/json"), Body::Text(_)));
        assert!(matches!(Body::parse("<a/>", "application/xml"), Body::Text(_)));
        let form = Body::parse("a=1+2&b=%C3%A9", FORM);
        let expected =
            vec![("a".to_owned(), Template::literal("1 2")), ("b".to_owned(), Template::literal("é"))];
        assert_eq!(form, Body::Form(expected));
        let open = Template::literal("{\"a\": ").then(Template::expression("b"));
        let open = open.then(Template::literal(", \"c\": \"d ")).then(Template::expression("e"));
        let Body::Json(Tree::Table(table)) = Body::parse_template(&open.then(Template::literal("\"}")), "")
        else {
            panic!("not JSON");
        };
        let texts = table.iter().map(|(_, value)| match value {
            Tree::Text(text) => text.source(),
            _ => String::new(),
        });
        assert_eq!(texts.collect::<Vec<_>>(), ["{{ b }}", "d {{ e }}"]);
        assert_eq!(Body::parse("a=1&a=2", FORM), Body::Text(Template::literal("a=1&a=2")));
    }

    #[test]
    fn headers_are_taken_over_without_noise() {
        let mut request = Request::new("POST", Target::default());
        request.body = Some(Body::parse("{}", "application/json"));
        request.take_headers([
            ("Content-Type", "application/json"),
            ("Sec-Fetch-Mode", "cors"),
            ("Accept", "text/html"),
            ("X-Tenant", "a"),
            ("bad name", "b"),
        ]);
        let names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["accept", "x-tenant"]);
        request.headers.clear();
        request.take_headers([("content-type", "application/vnd.api+json")]);
        assert_eq!(request.headers[0].1.as_literal(), Some("application/vnd.api+json"));
    }
}
