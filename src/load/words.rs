//! The words in which a server says what is wrong: a message in its JSON, or the title of its page.

use serde_json::Value;

/// Characters that are kept.
const MOST: usize = 100;
/// Names under which APIs say what went wrong, the most telling first (RFC 9457's `detail` and `title` among them).
const NAMES: [&str; 8] =
    ["detail", "message", "error_description", "error_message", "error", "title", "reason", "errors"];

/// What the body of a failed answer says, on one line; none if it says nothing that its status does not. Numbers that only
/// tell one answer from the other are left out, so that equal complaints count together.
pub(super) fn of_server(status: u16, body: &str) -> Option<String> {
    let text = body.trim();
    let said = match text.chars().next()? {
        '{' | '[' => in_json(&serde_json::from_str(text).ok()?)?,
        '<' => title(text)?,
        // A short text is a message; a long one is a page of something.
        _ if text.len() <= 2 * MOST && !text.contains('\n') => text.to_owned(),
        _ => return None,
    };
    let said = without_numbers(&said.split_whitespace().collect::<Vec<_>>().join(" "));
    let says_more = !said.is_empty() && !said.eq_ignore_ascii_case("ok") && !repeats(status, &said);
    says_more.then(|| cut(&said))
}

/// Whether a text is nothing but the status in words, `502 Bad Gateway`.
fn repeats(status: u16, said: &str) -> bool {
    let words = said.strip_prefix(&status.to_string()).unwrap_or(said).trim();
    let known = hyper::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    words.is_empty() || known.is_some_and(|known| known.eq_ignore_ascii_case(words))
}

fn in_json(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(all) => all.iter().find_map(in_json),
        Value::Object(fields) => NAMES.iter().find_map(|name| fields.get(*name).and_then(in_json)),
        _ => None,
    }
}

/// The text of `<title>`, or of the first heading.
fn title(html: &str) -> Option<String> {
    ["title", "h1"].iter().find_map(|tag| {
        let lower = html.to_ascii_lowercase();
        let start = lower.find(&format!("<{tag}"))?;
        let start = start + lower[start..].find('>')? + 1;
        let end = start + lower[start..].find("</")?;
        let text = html[start..end].trim();
        (!text.is_empty()).then(|| unescaped(text))
    })
}

fn unescaped(text: &str) -> String {
    let pairs =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Words that hold four digits or more become `…`: numbers of orders, times, UUIDs.
fn without_numbers(text: &str) -> String {
    let is_number = |word: &str| word.chars().filter(char::is_ascii_digit).count() >= 4;
    text.split(' ').map(|word| if is_number(word) { "…" } else { word }).collect::<Vec<_>>().join(" ")
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_quoted_whatever_form_its_answer_has() {
        for (body, said) in [
            (r#"{"detail": "CSRF cookie not set"}"#, Some("CSRF cookie not set")),
            (r#"{"error": {"code": 17, "message": "out of stock"}}"#, Some("out of stock")),
            (r#"{"errors": [{"field": "name", "message": "is too long"}]}"#, Some("is too long")),
            (r#"{"error": "invalid_grant", "error_description": "no such client"}"#, Some("no such client")),
            ("<!doctype html><TITLE>403 Forbidden</TITLE><p>…", None),
            ("<!doctype html><TITLE>CSRF cookie not set</TITLE><p>…", Some("CSRF cookie not set")),
            ("<html><h1 class=x>Server Error (500)</h1></html>", Some("Server Error (500)")),
            ("order 123456 was not found\n", Some("order … was not found")),
            ("id 0190a3b4-77aa-7cde-8d2e-1f3b5c7d9e0f is taken", Some("id … is taken")),
            (r#"{"status": "error"}"#, None),
            ("", None),
            ("ok", None),
            ("Forbidden\n", None),
            ("line\nline", None),
        ] {
            assert_eq!(of_server(403, body).as_deref(), said, "{body}");
        }
        assert_eq!(of_server(403, &"x ".repeat(90)).map(|said| said.chars().count()), Some(100));
    }
}
