//! Secrets become environment variables: none of them stands in a scenario.

use std::sync::LazyLock;

use regex::Regex;

use super::model::{Body, Draft, Findings, Part, Request, Secret};
use super::names;
use super::template::Template;
use super::tree::Tree;
use crate::redact::{self, is_secret_name};

impl Findings {
    /// The environment variable for a secret. An equal value is the same secret.
    pub(super) fn secret(&mut self, wanted: &str, value: &str, what: &str) -> Template {
        let known = |secret: &&Secret| {
            if value.is_empty() { secret.variable == wanted } else { secret.value == value }
        };
        if let Some(secret) = self.secrets.iter().find(known) {
            return Template::env(&secret.variable);
        }
        let variable = names::unused(wanted, |name| self.secrets.iter().any(|s| s.variable == name));
        let template = Template::env(&variable);
        self.secrets.push(Secret { variable, what: what.to_owned(), value: value.to_owned() });
        template
    }

    /// What an `authorization` header says, with the credentials in a variable.
    pub(super) fn authorization(&mut self, value: &str) -> Template {
        let (scheme, credentials) = value.trim().split_once(' ').unwrap_or(("", value.trim()));
        let (wanted, what) = match scheme.to_ascii_lowercase().as_str() {
            "basic" => ("BASIC_CREDENTIALS", "base64 of `user:password`, for Basic authentication"),
            "bearer" => ("TOKEN", "a bearer token"),
            _ => ("AUTHORIZATION", "credentials of the header `authorization`"),
        };
        let secret = self.secret(wanted, credentials.trim(), what);
        if scheme.is_empty() { secret } else { Template::literal(format!("{scheme} ")).then(secret) }
    }
}

/// Puts variables in the place of all secrets of a draft's requests.
pub(super) fn hide(draft: &mut Draft) {
    let mut findings = std::mem::take(&mut draft.findings);
    for request in draft.requests_mut() {
        hide_in(request, &mut findings);
    }
    for journey in &mut draft.journeys {
        for (name, value) in &mut journey.variables {
            hide_value(name, value, "the variable", &mut findings);
        }
    }
    draft.findings = findings;
}

fn hide_in(request: &mut Request, findings: &mut Findings) {
    for (name, value) in &mut request.headers {
        match (name.as_str(), value.as_literal()) {
            ("authorization" | "proxy-authorization", Some(text)) => *value = findings.authorization(text),
            ("cookie", Some(text)) => *value = cookies(text, findings),
            _ => hide_value(name, value, "the header", findings),
        }
    }
    for (name, value) in &mut request.target.query {
        if let Some(value) = value {
            hide_value(name, value, "the parameter", findings);
        }
    }
    for segment in &mut request.target.segments {
        hide_value("", segment, "a part of a path", findings);
    }
    match &mut request.body {
        Some(Body::Json(tree)) => hide_in_tree("", tree, findings),
        Some(Body::Form(fields)) => {
            for (name, value) in fields {
                hide_value(name, value, "the field", findings);
            }
        }
        Some(Body::Multipart(parts)) => {
            for (name, part) in parts {
                if let Part::Text(value) = part {
                    hide_value(name, value, "the field", findings);
                }
            }
        }
        Some(Body::Text(text)) => {
            if let Some(literal) = text.as_literal() {
                *text = hidden_in_text(literal, findings);
            }
        }
        Some(Body::File(_)) | None => {}
    }
}

fn hide_in_tree(name: &str, tree: &mut Tree<Template>, findings: &mut Findings) {
    match tree {
        Tree::Text(value) => hide_value(name, value, "the field", findings),
        Tree::List(items) => {
            for item in items {
                hide_in_tree(name, item, findings);
            }
        }
        Tree::Table(entries) => {
            for (name, value) in entries {
                hide_in_tree(name, value, findings);
            }
        }
        Tree::Null | Tree::Bool(_) | Tree::Number(_) => {}
    }
}

fn hide_value(name: &str, value: &mut Template, what: &str, findings: &mut Findings) {
    let Some(text) = value.as_literal() else { return };
    if text.is_empty() || !(is_secret_name(name) || redact::is_secret_value(text)) {
        return;
    }
    let (wanted, what) = if name.is_empty() {
        ("SECRET".to_owned(), what.to_owned())
    } else {
        (names::environment(name), format!("{what} `{name}`"))
    };
    *value = findings.secret(&wanted, text, &what);
}

/// A name and its value in a form, in JSON or in XML.
#[expect(clippy::unwrap_used, reason = "a fixed pattern")]
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"([A-Za-z][A-Za-z0-9_.\-]{1,60})(=|"\s*:\s*"|>)([^"&<>\s]{1,4096})"#).unwrap()
});

/// A text of any kind in which values with names of secrets are variables.
fn hidden_in_text(text: &str, findings: &mut Findings) -> Template {
    let (mut hidden, mut end) = (Template::default(), 0);
    for found in NAMED.captures_iter(text) {
        let (Some(name), Some(value)) = (found.get(1), found.get(3)) else { continue };
        if !is_secret_name(name.as_str()) {
            continue;
        }
        let what = format!("the field `{}`", name.as_str());
        let secret = findings.secret(&names::environment(name.as_str()), value.as_str(), &what);
        hidden = hidden.then(Template::literal(&text[end..value.start()])).then(secret);
        end = value.end();
    }
    hidden.then(Template::literal(&text[end..]))
}

/// `a=1; b=2` with variables for the values: every cookie may be a session.
fn cookies(text: &str, findings: &mut Findings) -> Template {
    let mut template = Template::default();
    for (at, pair) in text.split(';').map(str::trim).filter(|pair| !pair.is_empty()).enumerate() {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let separator = if at == 0 { "" } else { "; " };
        let wanted = format!("COOKIE_{}", names::environment(name));
        let secret = findings.secret(&wanted, value, &format!("the cookie `{name}`"));
        template = template.then(Template::literal(format!("{separator}{name}="))).then(secret);
    }
    template
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_equal_secret_is_one_variable_and_another_has_its_own() {
        let mut findings = Findings::default();
        let first = findings.secret("TOKEN", "a", "a token");
        assert_eq!(findings.secret("OTHER", "a", "the same"), first);
        assert_eq!(findings.secret("TOKEN", "b", "another").source(), "{{ env(\"TOKEN_2\") }}");
        assert_eq!(findings.secrets.len(), 2);
    }

    #[test]
    fn secrets_are_found_in_texts_of_any_kind() {
        for (text, hidden) in [
            ("a=1&password=x&a=2", "a=1&password={{ env(\"PASSWORD\") }}&a=2"),
            ("<a><api-key>x</api-key></a>", "<a><api-key>{{ env(\"API_KEY\") }}</api-key></a>"),
            ("{\"token\": \"x\",}", "{\"token\": \"{{ env(\"TOKEN\") }}\",}"),
            ("a=b", "a=b"),
        ] {
            assert_eq!(hidden_in_text(text, &mut Findings::default()).source(), hidden);
        }
    }

    #[test]
    fn authorization_keeps_its_scheme() {
        let mut findings = Findings::default();
        assert_eq!(findings.authorization("Bearer abc").source(), "Bearer {{ env(\"TOKEN\") }}");
        assert_eq!(findings.authorization("Basic dTpw").source(), "Basic {{ env(\"BASIC_CREDENTIALS\") }}");
        assert_eq!(findings.authorization("abcdef").source(), "{{ env(\"AUTHORIZATION\") }}");
        assert_eq!(
            cookies("a=1; b=2", &mut findings).source(),
            "a={{ env(\"COOKIE_A\") }}; b={{ env(\"COOKIE_B\") }}"
        );
    }
}
