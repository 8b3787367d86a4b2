//! What an answer is worth: its outcome, and the variables taken from it. Pure.

use hyper::HeaderMap;
use minijinja::value::{Serde, Value};

use super::words;
use crate::sample::{Outcome, status_text};
use crate::scenario::journey::{Check, Extract, ExtractFrom, Request};

/// An answer, as far as its request asked to keep it.
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) headers: &'a HeaderMap,
    /// Empty unless the request needs it.
    pub(super) body: &'a [u8],
}

/// An outcome, and the reason for it unless it is `ok` or `rejected`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Judgement {
    pub(super) outcome: Outcome,
    pub(super) reason: Option<String>,
}

impl Judgement {
    /// Not as expected, and why.
    pub(super) fn failed(reason: String) -> Self {
        Self { outcome: Outcome::Failed, reason: Some(reason) }
    }
}

/// Judges an answer and takes its variables.
pub(super) fn judge(request: &Request, answer: &Answer<'_>) -> (Judgement, Vec<(String, Value)>) {
    if request.reject.contains(&answer.status) {
        return (Judgement { outcome: Outcome::Rejected, reason: None }, Vec::new());
    }
    if !request.expect.accepts(answer.status) {
        let said = words::of_server(answer.body).map_or(String::new(), |said| format!(": {said}"));
        return (Judgement::failed(format!("status {}{said}", status_text(answer.status))), Vec::new());
    }
    let mut document = Document::new(answer.body);
    if let Some(reason) = request.checks.iter().find_map(|c| broken(c, answer, &mut document)) {
        return (Judgement::failed(reason), Vec::new());
    }
    let mut variables = Vec::with_capacity(request.extract.len());
    for extract in &request.extract {
        match take(extract, answer, &mut document) {
            Some(value) => variables.push((extract.variable.clone(), value)),
            None => {
                return (
                    Judgement::failed(format!("`{}` not found in the answer", extract.variable)),
                    Vec::new(),
                );
            }
        }
    }
    (Judgement { outcome: Outcome::Ok, reason: None }, variables)
}

/// Whether all checks hold of an answer.
pub(super) fn holds(checks: &[Check], answer: &Answer<'_>) -> bool {
    first_broken(checks, answer).is_none()
}

/// Why the first of the checks that does not hold does not; none if all do.
pub(super) fn first_broken(checks: &[Check], answer: &Answer<'_>) -> Option<String> {
    let mut document = Document::new(answer.body);
    checks.iter().find_map(|check| broken(check, answer, &mut document))
}

/// A body that is parsed as JSON when somebody first asks for it.
struct Document<'a> {
    body: &'a [u8],
    /// `null` for a body that is no JSON: it has nothing to point at, either.
    json: Option<serde_json::Value>,
}

impl<'a> Document<'a> {
    fn new(body: &'a [u8]) -> Self {
        Self { body, json: None }
    }

    fn at(&mut self, pointer: &str) -> Option<&serde_json::Value> {
        let body = self.body;
        self.json.get_or_insert_with(|| serde_json::from_slice(body).unwrap_or_default()).pointer(pointer)
    }
}

/// Why a check does not hold; none if it does.
fn broken(check: &Check, answer: &Answer<'_>, document: &mut Document<'_>) -> Option<String> {
    let text = || String::from_utf8_lossy(answer.body);
    match check {
        Check::Contains(wanted) => (!text().contains(wanted)).then(|| format!("body without `{wanted}`")),
        Check::Matches(regex) => (!regex.is_match(&text())).then(|| format!("body does not match `{regex}`")),
        Check::Json { pointer, equals } => {
            let found = document.at(pointer);
            (found != Some(equals)).then(|| format!("`{pointer}` is not {equals}"))
        }
        Check::Header { name, equals } => {
            let found = answer.headers.get(name).and_then(|v| v.to_str().ok());
            (found != Some(equals)).then(|| format!("header `{name}` is not `{equals}`"))
        }
    }
}

fn take(extract: &Extract, answer: &Answer<'_>, document: &mut Document<'_>) -> Option<Value> {
    match &extract.from {
        ExtractFrom::Json(pointer) => match document.at(pointer)? {
            serde_json::Value::String(text) => Some(Value::from(text.as_str())),
            other => Some(Value::from(Serde(other.clone()))),
        },
        ExtractFrom::Header(name) => answer.headers.get(name)?.to_str().ok().map(Value::from),
        ExtractFrom::Regex(regex) => {
            let text = String::from_utf8_lossy(answer.body);
            let found = regex.captures(&text)?;
            found.get(1).or_else(|| found.get(0)).map(|m| Value::from(m.as_str()))
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;
    use crate::load::prepared::tests::{requests_of, scenario};

    /// Judges an answer to a request whose step has these keys, too.
    fn judged(keys: &str, status: u16, body: &str) -> (Outcome, Option<String>, Vec<(String, Value)>) {
        let request = requests_of(&scenario(&format!("{{ request = \"GET /a\", {keys} }}"))).remove(0);
        let headers = HeaderMap::from_iter([(hyper::header::ETAG, HeaderValue::from_static("v7"))]);
        let answer = Answer { status, headers: &headers, body: body.as_bytes() };
        let (Judgement { outcome, reason }, variables) = judge(&request, &answer);
        (outcome, reason, variables)
    }

    #[test]
    fn a_status_decides_first() {
        let outcome = |keys, status| judged(keys, status, "").0;
        assert_eq!(outcome("", 204), Outcome::Ok);
        assert_eq!(outcome("", 404), Outcome::Failed);
        assert_eq!(outcome("expect = 404", 404), Outcome::Ok);
        assert_eq!(outcome("expect = 404", 200), Outcome::Failed);
        assert_eq!(outcome("reject = [409, 429]", 429), Outcome::Rejected);
        assert_eq!(judged("", 503, "").1.as_deref(), Some("status 503"));
        assert_eq!(judged("reject = 409", 409, "").1, None, "a refusal needs no reason");
    }

    #[test]
    fn the_first_check_that_does_not_hold_is_the_reason() {
        let checks = r#"check = {
            contains = "done", matches = "id.: *[0-9]+", json = { "/state" = "done" }, header = { etag = "v7" },
        }"#;
        let reason = |body| judged(checks, 200, body).1;
        assert_eq!(reason(r#"{"id": 5, "state": "done"}"#), None);
        assert_eq!(reason(r#"{"id": 5, "state": "open"}"#).as_deref(), Some("body without `done`"));
        assert_eq!(
            reason(r#"{"id": "x", "state": "done"}"#).as_deref(),
            Some("body does not match `id.: *[0-9]+`")
        );
        assert_eq!(reason(r#"{"id": 5, "was": "done"}"#).as_deref(), Some("`/state` is not \"done\""));
        let header = r#"check = { header = { etag = "v8" } }"#;
        assert_eq!(judged(header, 200, "").1.as_deref(), Some("header `etag` is not `v8`"));
    }

    #[test]
    fn variables_are_taken_with_their_types_or_not_at_all() {
        let extract = r#"extract = {
            text = "/name", number = "/n", tag = { header = "etag" }, part = { regex = "n.: ([0-9])" },
        }"#;
        let (outcome, _, variables) = judged(extract, 200, r#"{"name": "Ada", "n": 37}"#);
        assert_eq!(outcome, Outcome::Ok);
        let value = |name| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        assert_eq!(value("text"), Some(Value::from("Ada")));
        assert_eq!(value("number"), Some(Value::from(37)));
        assert_eq!(value("tag"), Some(Value::from("v7")));
        assert_eq!(value("part"), Some(Value::from("3")), "the first group");
        let (outcome, reason, variables) = judged(extract, 200, r#"{"name": "Ada"}"#);
        assert_eq!((outcome, variables), (Outcome::Failed, Vec::new()));
        assert_eq!(reason.as_deref(), Some("`number` not found in the answer"));
    }
}
