//! The values that a request sends, each with what it is called: those that an answer gave before become variables.

use crate::draft::model::{Body, Part, Request};
use crate::draft::names;
use crate::draft::template::Template;
use crate::draft::tree::Tree;

/// Headers that hold nothing from answers.
const PLAIN_HEADERS: [&str; 7] =
    ["accept", "accept-language", "content-type", "origin", "referer", "x-requested-with", "accept-charset"];
/// Characters of a value at most.
const LONGEST: usize = 4096;

/// A value that a request sends.
pub(super) struct Value<'a> {
    /// Its field, parameter or header; for a part of a path, what stands before it (`orders` gives `order_id`).
    pub(super) name: String,
    pub(super) text: &'a str,
    pub(super) place: Place,
}

/// Where in a request a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the path or the query.
    Url,
    /// In a header or a field of a form: what hidden inputs hold comes back there.
    Field,
    /// A text of JSON.
    Text,
    /// A number of JSON.
    Number,
}

impl Value<'_> {
    /// What is asked for in answers, and under which name; the name is empty for texts that no other thing could be.
    pub(super) fn key(&self) -> Option<(String, String)> {
        if self.text.is_empty() || self.text.len() > LONGEST {
            return None;
        }
        if is_distinct(self.text) {
            return Some((String::new(), self.text.to_owned()));
        }
        let name = bare(&self.name);
        (self.place == Place::Field || is_id_name(&name)).then(|| (name, self.text.to_owned()))
    }
}

/// Whether a text is no word that two places have by chance.
pub(super) fn is_distinct(text: &str) -> bool {
    let has = |test: fn(&char) -> bool| text.chars().any(|c| test(&c));
    let is_numeric = text.bytes().all(|byte| byte.is_ascii_digit());
    if is_numeric {
        return text.len() >= 6;
    }
    let is_mixed =
        has(char::is_ascii_digit) || (has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase));
    text.len() >= 8
        && is_mixed
        && !has(char::is_ascii_whitespace)
        && !text.starts_with('/')
        && !text.contains("://")
}

/// Whether what has this bare name stands for a thing, or for a moment of a conversation.
fn is_id_name(bare: &str) -> bool {
    bare.ends_with("id")
        || ["token", "csrf", "xsrf", "nonce", "etag", "cursor", "version", "revision"]
            .iter()
            .any(|w| bare.contains(w))
}

/// A name without what separates its words, in lower case.
pub(super) fn bare(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// `order_id` for what stands behind `orders`.
pub(super) fn id_of(plural: &str) -> String {
    let singular = match plural {
        word if word.ends_with("ies") => format!("{}y", &word[..word.len() - 3]),
        word if word.ends_with("ss") => word.to_owned(),
        word => word.strip_suffix('s').unwrap_or(word).to_owned(),
    };
    if singular.is_empty() { "id".to_owned() } else { format!("{singular}_id") }
}

/// Visits every value of a request. What `of` gives for one, an expression, takes its place.
pub(super) fn visit(request: &mut Request, of: &mut dyn FnMut(&Value<'_>) -> Option<String>) {
    let mut before = String::new();
    for segment in &mut request.target.segments {
        let Some(text) = segment.as_literal().map(str::to_owned) else { continue };
        if names::is_id(&text) || is_distinct(&text) {
            replace_encoded(segment, &text, id_of(&before), of);
        } else {
            before = text;
        }
    }
    for (name, value) in &mut request.target.query {
        if let Some((value, text)) =
            value.as_mut().and_then(|v| v.as_literal().map(str::to_owned).map(|t| (v, t)))
        {
            replace_encoded(value, &text, name.clone(), of);
        }
    }
    for (name, value) in &mut request.headers {
        let Some(text) = value.as_literal().filter(|_| !PLAIN_HEADERS.contains(&name.as_str())) else {
            continue;
        };
        let (scheme, text) = match text.split_once(' ') {
            Some((scheme, rest)) if name == "authorization" => (format!("{scheme} "), rest),
            _ => (String::new(), text),
        };
        let called = if name == "authorization" { "token" } else { name.as_str() };
        let found = of(&Value { name: called.to_owned(), text, place: Place::Field });
        if let Some(expression) = found {
            *value = Template::literal(scheme).then(Template::expression(expression));
        }
    }
    match &mut request.body {
        Some(Body::Json(tree)) => visit_tree("", tree, of),
        Some(Body::Form(fields)) => {
            for (name, value) in fields {
                replace(value, name, Place::Field, of);
            }
        }
        Some(Body::Multipart(parts)) => {
            for (name, part) in parts {
                if let Part::Text(value) = part {
                    replace(value, name, Place::Field, of);
                }
            }
        }
        Some(Body::Text(_) | Body::File(_)) | None => {}
    }
}

fn visit_tree(name: &str, tree: &mut Tree<Template>, of: &mut dyn FnMut(&Value<'_>) -> Option<String>) {
    match tree {
        Tree::Text(value) => replace(value, name, Place::Text, of),
        Tree::Number(number) => {
            let text = number.to_string();
            if let Some(expression) = of(&Value { name: name.to_owned(), text: &text, place: Place::Number })
            {
                *tree = Tree::Text(Template::expression(expression));
            }
        }
        // A list of ids is called by its own name: `ids`, `product_ids`.
        Tree::List(items) => {
            let one = name.strip_suffix('s').unwrap_or(name);
            for item in items {
                visit_tree(one, item, of);
            }
        }
        Tree::Table(entries) => {
            for (name, value) in entries {
                visit_tree(name, value, of);
            }
        }
        Tree::Null | Tree::Bool(_) => {}
    }
}

fn replace(value: &mut Template, name: &str, place: Place, of: &mut dyn FnMut(&Value<'_>) -> Option<String>) {
    let Some(text) = value.as_literal() else { return };
    if let Some(expression) = of(&Value { name: name.to_owned(), text, place }) {
        *value = Template::expression(expression);
    }
}

/// The same for what stands percent-encoded in a URL.
fn replace_encoded(
    value: &mut Template,
    text: &str,
    name: String,
    of: &mut dyn FnMut(&Value<'_>) -> Option<String>,
) {
    let decoded = decoded(text);
    if let Some(expression) = of(&Value { name, text: &decoded, place: Place::Url }) {
        let filter = if decoded == text { "" } else { " | urlencode" };
        *value = Template::expression(format!("{expression}{filter}"));
    }
}

/// A text of a URL without percent-encoding.
pub(super) fn decoded(text: &str) -> String {
    if !text.contains(['%', '+']) {
        return text.to_owned();
    }
    let pair = format!("x={text}");
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_say_what_may_come_from_an_answer() {
        assert!(is_distinct("a8f3c2d1e9") && is_distinct("0190f3a0-7e1c") && is_distinct("123456"));
        assert!(!is_distinct("customer") && !is_distinct("12") && !is_distinct("/orders/12345678"));
        assert_eq!(id_of("orders"), "order_id");
        assert_eq!(id_of("categories"), "category_id");
        assert_eq!(id_of(""), "id");
        let key = |name: &str, text: &str| Value { name: name.to_owned(), text, place: Place::Text }.key();
        assert_eq!(key("quantity", "2"), None);
        assert_eq!(key("orderId", "2"), Some(("orderid".to_owned(), "2".to_owned())));
        assert_eq!(key("anything", "a8f3c2d1e9"), Some((String::new(), "a8f3c2d1e9".to_owned())));
    }
}
