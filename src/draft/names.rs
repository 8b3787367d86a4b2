//! Names: of variables, and of endpoints whose paths hold a varying part.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Draft, Request};
use super::template::Template;

/// Variables that exist already, or mean something else in expressions.
const TAKEN: [&str; 14] = [
    "user",
    "iteration",
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
    "none",
    "true",
    "false",
    "self",
    "loop",
];
/// Functions of templates: variables of these names would hide them.
const FUNCTIONS: [&str; 25] = [
    "hex",
    "uuid",
    "int",
    "decimal",
    "pick",
    "chance",
    "date",
    "first_name",
    "last_name",
    "user_name",
    "email",
    "phone",
    "company",
    "street",
    "city",
    "state",
    "zip",
    "word",
    "sentence",
    "body",
    "env",
    "now",
    "timestamp",
    "range",
    "dict",
];

/// A variable's name from any text: `orderId` and `order-id` become `order_id`.
pub(super) fn variable(text: &str) -> String {
    let mut name = String::new();
    let mut is_after_lower = false;
    for c in text.chars().take(60) {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && is_after_lower {
                name.push('_');
            }
            name.push(c.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        is_after_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    let name = name.trim_matches('_');
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return format!("value_{name}").trim_end_matches('_').to_owned();
    }
    if TAKEN.contains(&name) || FUNCTIONS.contains(&name) {
        return format!("{name}_value");
    }
    name.to_owned()
}

/// The name of an environment variable from any text.
pub(super) fn environment(text: &str) -> String {
    variable(text).trim_end_matches("_value").to_ascii_uppercase()
}

/// `name`, or `name_2` and so on if it is taken.
pub(super) fn unused(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(name) {
        return name.to_owned();
    }
    (2..=u32::MAX).map(|n| format!("{name}_{n}")).find(|name| !is_taken(name)).unwrap_or_default()
}

/// Whether a part of a path names one thing of many: a number, a UUID, a hash, `p-17`, an address.
pub(super) fn is_id(segment: &str) -> bool {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-_~:=%".contains(c);
    if segment.contains('@') || segment.contains("%40") {
        return true;
    }
    if digits == 0 || !segment.chars().all(is_word) {
        return false;
    }
    if digits == segment.len() {
        return true;
    }
    let is_hex = segment.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let letters = segment.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_numbered = letters.len() < segment.len() && letters.ends_with(['-', '_']) && letters.len() <= 12;
    let is_version = segment.starts_with(['v', 'V']) && digits + 1 == segment.len();
    let is_long = segment.len() >= 16 && digits >= 3;
    !is_version && ((is_hex && segment.len() >= 8) || is_numbered || is_long)
}

/// Gives names to endpoints whose paths hold values: requests for different things are one endpoint.
pub(super) fn name_endpoints(draft: &mut Draft) {
    let mut names: BTreeMap<(String, Option<String>), BTreeSet<String>> = BTreeMap::new();
    let key = |request: &Request| (shape(request, true), request.origin.clone());
    for request in draft.requests_mut() {
        if request.name.is_none() {
            names.entry(key(request)).or_default().insert(shape(request, false));
        }
    }
    for request in draft.requests_mut() {
        let is_literal = |segment: &Template| segment.as_literal().is_none_or(|text| !is_id(text));
        let known = names.get(&key(request));
        let is_told_apart = known.is_some_and(|names| names.len() > 1);
        if request.name.is_some() || (request.target.segments.iter().all(is_literal) && !is_told_apart) {
            continue;
        }
        // The name that says most: `{order_id}` rather than `{id}`.
        request.name = known.and_then(|names| names.iter().max_by_key(|name| name.len()).cloned());
    }
}

/// `GET /orders/{id}`; without words `GET /orders/{}`.
fn shape(request: &Request, is_bare: bool) -> String {
    let mut shape = format!("{} ", request.method);
    for segment in &request.target.segments {
        shape.push('/');
        match segment.as_literal() {
            Some(text) if !is_id(text) => shape.push_str(text),
            _ if is_bare => shape.push_str("{}"),
            Some(_) => shape.push_str("{id}"),
            None => shape.push_str(&format!("{{{}}}", segment.first_word().unwrap_or("id"))),
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_have_names_that_expressions_can_say() {
        for (text, name) in [
            ("orderId", "order_id"),
            ("X-CSRF-Token", "x_csrf_token"),
            ("base url", "base_url"),
            ("2fa", "value_2fa"),
            ("é", "value"),
            ("user", "user_value"),
            ("email", "email_value"),
            ("ID", "id"),
        ] {
            assert_eq!(variable(text), name);
        }
        assert_eq!(environment("api-key"), "API_KEY");
        assert_eq!(unused("id", |name| ["id", "id_2"].contains(&name)), "id_3");
    }

    #[test]
    fn ids_are_told_from_words() {
        for id in [
            "7",
            "2024",
            "p-17",
            "0190f3a0-7e1c-7000-8000-5d0c2b6f6f10",
            "deadbeef01",
            "a@b.example",
            "order_12",
        ] {
            assert!(is_id(id), "{id}");
        }
        for word in ["orders", "v1", "v2", "index.html", "oauth2", "", "s3", "cafe", "login-form"] {
            assert!(!is_id(word), "{word}");
        }
    }
}
