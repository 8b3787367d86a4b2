//! What an answer is worth: its outcome, and the variables taken from it. Pure, but for the user's
//! draws.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use minijinja::value::Value;
use rand::RngExt;

use super::headers::Headers;
use super::words;
use crate::sample::{Outcome, status_text};
use crate::scenario::check::{Check, Extract, ExtractFrom, JsonPlace, Test, Wanted, Which, captured};
use crate::scenario::journey::{Expect, Request};
use crate::scenario::json::Json;
use crate::scenario::scope::Scope;
use crate::scenario::template::{RenderError, Templates};

/// An answer, as far as its request asked to keep it.
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) headers: &'a Headers,
    /// Empty unless the request needs it.
    pub(super) body: &'a [u8],
    /// Bytes of the body as they came.
    pub(super) size: u64,
    /// From sending to the whole answer.
    pub(super) time: Duration,
}

/// For whom answers are judged: what checks compare with may be rendered.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    pub(super) templates: &'a Templates,
    pub(super) scope: &'a Arc<Scope>,
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

impl Judge<'_> {
    /// Judges an answer and takes its variables.
    pub(super) fn judge(self, request: &Request, answer: &Answer<'_>) -> (Judgement, Vec<(String, Value)>) {
        if request.reject.contains(&answer.status) {
            return (Judgement { outcome: Outcome::Rejected, reason: None }, Vec::new());
        }
        if !request.expect.accepts(answer.status) {
            let said = words::of_server(answer.status, answer.body)
                .map_or(String::new(), |said| format!(": {said}"));
            // Of an error the status says enough.
            let wanted = match &request.expect {
                Expect::Statuses(list) if answer.status < 400 => {
                    let list: Vec<String> = list.iter().map(|status| status_text(*status)).collect();
                    format!(", expected {}", list.join(" or "))
                }
                _ => String::new(),
            };
            let status = status_text(answer.status);
            return (Judgement::failed(format!("status {status}{wanted}{said}")), Vec::new());
        }
        match self.read(&request.checks, &request.extract, answer) {
            Ok(variables) => (Judgement { outcome: Outcome::Ok, reason: None }, variables),
            Err(reason) => (Judgement::failed(reason), Vec::new()),
        }
    }

    /// The variables that are taken from an answer.
    ///
    /// # Errors
    /// If a check does not hold of it, or what a variable is taken from is not there.
    pub(super) fn read(
        self,
        checks: &[Check],
        extract: &[Extract],
        answer: &Answer<'_>,
    ) -> Result<Vec<(String, Value)>, String> {
        let mut document = Document::new(answer.body);
        if let Some(reason) = checks.iter().find_map(|c| self.broken(c, answer, &mut document)) {
            return Err(reason);
        }
        let mut variables = Vec::with_capacity(extract.len());
        for extract in extract {
            let value = self.take(extract, answer, &mut document)?;
            variables.push((extract.variable.clone(), value));
        }
        Ok(variables)
    }

    /// Whether all checks hold of an answer.
    pub(super) fn holds(self, checks: &[Check], answer: &Answer<'_>) -> bool {
        self.first_broken(checks, answer).is_none()
    }

    /// Why the first of the checks that does not hold does not; none if all do.
    pub(super) fn first_broken(self, checks: &[Check], answer: &Answer<'_>) -> Option<String> {
        let mut document = Document::new(answer.body);
        checks.iter().find_map(|check| self.broken(check, answer, &mut document))
    }

    /// Why a check does not hold; none if it does.
    fn broken(self, check: &Check, answer: &Answer<'_>, document: &mut Document<'_>) -> Option<String> {
        match check {
            Check::Body(test) => {
                let body = String::from_utf8_lossy(answer.body);
                let why = self.fails(test, Some(Found::Text(body)))?;
                Some(format!("body {why}"))
            }
            Check::Json { at, test } => {
                let why = self.fails(test, document.at(at).first().map(|json| Found::Json(json)))?;
                Some(if document.is_json() {
                    format!("`{at}` {why}")
                } else {
                    format!("`{at}` {why}: the body is not JSON")
                })
            }
            Check::Header { name, test } => {
                let values: Vec<_> = answer.headers.values(name).collect();
                let fails = |value: Option<&Cow<'_, str>>| {
                    self.fails(test, value.map(|value| Found::Text(Cow::Borrowed(value))))
                };
                let why = match &values[..] {
                    [] => fails(None)?,
                    [first, ..] if values.iter().all(|value| fails(Some(value)).is_some()) => {
                        fails(Some(first))?
                    }
                    _ => return None,
                };
                Some(format!("header `{name}` {why}"))
            }
            Check::Size(range) => (!range.contains(&answer.size)).then(|| {
                let is_small = answer.size < *range.start();
                let (words, bound) =
                    if is_small { ("less than", range.start()) } else { ("more than", range.end()) };
                format!("body of {words} {bound} bytes")
            }),
            Check::Time(range) => (!range.contains(&answer.time)).then(|| {
                let is_fast = answer.time < *range.start();
                let (words, bound) =
                    if is_fast { ("less than", range.start()) } else { ("more than", range.end()) };
                format!("answered in {words} {bound:?}")
            }),
        }
    }

    /// Why a test of a value fails; none if it does not.
    fn fails(self, test: &Test, found: Option<Found<'_>>) -> Option<String> {
        if let Test::Exists(wanted) = test {
            let exists = found.is_some();
            return (exists != *wanted).then(|| if exists { "is there" } else { "is missing" }.to_owned());
        }
        let Some(found) = found else { return Some("is missing".to_owned()) };
        match self.compare(test, &found) {
            Ok(why) => why,
            Err(error) => Some(format!("cannot be compared: {error}")),
        }
    }

    fn compare(self, test: &Test, found: &Found<'_>) -> Result<Option<String>, RenderError> {
        let unless = |holds: bool, why: String| (!holds).then_some(why);
        Ok(match test {
            Test::Equals(wanted) => {
                unless(self.with(wanted, |json| found.is(json))?, format!("is not {}", shown(wanted, found)))
            }
            Test::Differs(wanted) => {
                unless(!self.with(wanted, |json| found.is(json))?, format!("is {}", shown(wanted, found)))
            }
            Test::AtLeast(wanted) => {
                self.ordered(found, wanted, "less than", |found, wanted| found >= wanted)?
            }
            Test::AtMost(wanted) => {
                self.ordered(found, wanted, "more than", |found, wanted| found <= wanted)?
            }
            Test::Above(wanted) => {
                self.ordered(found, wanted, "not above", |found, wanted| found > wanted)?
            }
            Test::Below(wanted) => {
                self.ordered(found, wanted, "not below", |found, wanted| found < wanted)?
            }
            Test::Contains(text) => {
                let text = self.templates.render(text, self.scope)?;
                let text = String::from_utf8_lossy(&text);
                unless(found.text().contains(text.as_ref()), format!("without `{text}`"))
            }
            Test::Matches(regex) => {
                unless(regex.is_match(&found.text()), format!("does not match `{regex}`"))
            }
            Test::Exists(_) => None,
        })
    }

    fn ordered(
        self,
        found: &Found<'_>,
        wanted: &Wanted,
        words: &str,
        holds: fn(f64, f64) -> bool,
    ) -> Result<Option<String>, RenderError> {
        let Some(number) = found.number() else { return Ok(Some("is not a number".to_owned())) };
        self.with(wanted, |json| match json.as_number() {
            Some(wanted) if holds(number, wanted) => None,
            Some(_) => Some(format!("is {words} {}", shown(wanted, found))),
            None => Some("is compared with what is not a number".to_owned()),
        })
    }

    /// What a value is compared with, rendered if need be.
    fn with<T>(self, wanted: &Wanted, compare: impl FnOnce(&Json<'_>) -> T) -> Result<T, RenderError> {
        match wanted {
            Wanted::Fixed(json) => Ok(compare(json)),
            Wanted::Rendered(text) => {
                let text = self.templates.render(text, self.scope)?;
                let json = std::str::from_utf8(&text).ok().and_then(Json::parse);
                Ok(compare(&json.unwrap_or(Json::Null)))
            }
        }
    }

    /// The value of a variable, or why there is none.
    fn take(
        self,
        extract: &Extract,
        answer: &Answer<'_>,
        document: &mut Document<'_>,
    ) -> Result<Value, String> {
        let mut values: Vec<Value> = match &extract.from {
            ExtractFrom::Json(place @ JsonPlace::Pointer(_)) => {
                match (document.at(place).first(), extract.which) {
                    // What is asked of a pointer to a list is one of its items.
                    (Some(Json::List(items)), Some(_)) => items.iter().map(Json::value).collect(),
                    (found, _) => found.map(|json| json.value()).into_iter().collect(),
                }
            }
            ExtractFrom::Json(place) => document.at(place).into_iter().map(Json::value).collect(),
            ExtractFrom::Header(name) => answer.headers.values(name).map(Value::from).collect(),
            ExtractFrom::Regex(regex) => {
                let text = String::from_utf8_lossy(answer.body);
                let is_first = matches!(extract.which, None | Some(Which::First));
                captured(regex, &text, is_first).into_iter().map(Value::from).collect()
            }
        };
        let taken = match extract.which {
            Some(Which::All) => return Ok(Value::from(values)),
            None | Some(Which::First) => (!values.is_empty()).then(|| values.swap_remove(0)),
            Some(Which::Last) => values.pop(),
            Some(Which::Random) if values.is_empty() => None,
            Some(Which::Random) => {
                let place = self.scope.draw(|rng| rng.random_range(0..values.len()));
                Some(values.swap_remove(place))
            }
        };
        match (taken, &extract.default) {
            (Some(value), _) => Ok(value),
            (None, Some(default)) => self.templates.evaluate(default, self.scope).map_err(|e| e.to_string()),
            (None, None) => Err(match &extract.from {
                ExtractFrom::Json(_) if !document.is_json() => {
                    format!("`{}` cannot be taken: the body is not JSON", extract.variable)
                }
                ExtractFrom::Json(place) => {
                    format!("`{}` not found in the answer: nothing at `{place}`", extract.variable)
                }
                _ => format!("`{}` not found in the answer", extract.variable),
            }),
        }
    }
}

/// What a value should have been, for reasons: those of rendered values would all differ.
fn shown(wanted: &Wanted, found: &Found<'_>) -> String {
    match (wanted, found) {
        (Wanted::Fixed(Json::Text(text)), Found::Text(_)) => format!("`{text}`"),
        (Wanted::Fixed(json), _) => json.to_string(),
        (Wanted::Rendered(_), _) => "what the check asks for".to_owned(),
    }
}

/// A value that was found in an answer.
enum Found<'a> {
    Json(&'a Json<'a>),
    Text(Cow<'a, str>),
}

impl Found<'_> {
    fn is(&self, wanted: &Json<'_>) -> bool {
        match (self, wanted) {
            (Self::Json(found), wanted) => found.is_same(wanted),
            (Self::Text(found), Json::Text(wanted)) => found == wanted,
            (Self::Text(found), wanted) => *found == wanted.to_string(),
        }
    }

    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Json(Json::Text(text)) | Self::Text(text) => Cow::Borrowed(text),
            Self::Json(other) => Cow::Owned(other.to_string()),
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Json(json) => json.as_number(),
            Self::Text(text) => text.trim().parse().ok(),
        }
    }
}

/// A body that is parsed as JSON when somebody first asks for it.
struct Document<'a> {
    /// Bytes that are not UTF-8 are U+FFFD in it: one of them is no reason not to read the rest.
    text: Cow<'a, str>,
    /// `null` for a body that is no JSON: it has nothing to point at, either.
    json: Option<Json<'a>>,
    is_json: bool,
}

impl<'a> Document<'a> {
    fn new(body: &'a [u8]) -> Self {
        Self { text: String::from_utf8_lossy(body), json: None, is_json: false }
    }

    /// Whether the body is JSON.
    fn is_json(&mut self) -> bool {
        self.parsed();
        self.is_json
    }

    fn parsed(&mut self) -> &Json<'a> {
        let (text, is_json) = (&self.text, &mut self.is_json);
        self.json.get_or_insert_with(|| {
            let json = match text {
                Cow::Borrowed(text) => Json::parse(unmarked(text)),
                Cow::Owned(text) => Json::parse(unmarked(text)).map(Json::into_owned),
            };
            *is_json = json.is_some();
            json.unwrap_or(Json::Null)
        })
    }

    /// The values at a place, in order.
    fn at(&mut self, place: &JsonPlace) -> Vec<&Json<'a>> {
        match place {
            JsonPlace::Pointer(pointer) => self.parsed().at(pointer).into_iter().collect(),
            JsonPlace::Path(path) => {
                let pointers = path.pointers(unmarked(&self.text));
                let json = self.parsed();
                pointers.iter().filter_map(|pointer| json.at(pointer)).collect()
            }
        }
    }
}

/// A text without its byte order mark, which may be ignored (RFC 8259 §8.1).
fn unmarked(text: &str) -> &str {
    text.trim_start_matches('\u{feff}')
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;
    use hyper::header::{AGE, ETAG, HeaderValue, SET_COOKIE};

    use super::*;
    use crate::load::prepared::tests::{requests_of, scenario};

    /// Judges an answer to a request whose step has these keys, too.
    fn judged(keys: &str, status: u16, body: &str) -> (Outcome, Option<String>, Vec<(String, Value)>) {
        let scenario = scenario(&format!("{{ let = {{ id = 0 }}, request = \"GET /a\", {keys} }}"));
        let request = requests_of(&scenario).remove(0);
        let header = |name, value| (name, HeaderValue::from_static(value));
        let headers = HeaderMap::from_iter([
            header(ETAG, "v7"),
            header(SET_COOKIE, "a=1"),
            header(SET_COOKIE, "b=2"),
            header(AGE, "30"),
        ]);
        let (body, time) = (body.as_bytes(), Duration::from_millis(150));
        let answer = Answer { status, headers: &headers.into(), body, size: body.len() as u64, time };
        let scope = Scope::new(1, || 0);
        scope.set("id", &Json::parse("12345678901234567890123").unwrap().value());
        let judge = Judge { templates: &scenario.templates, scope: &scope };
        let (Judgement { outcome, reason }, variables) = judge.judge(&request, &answer);
        (outcome, reason, variables)
    }

    #[test]
    fn bytes_that_are_not_utf8_spoil_only_what_they_stand_in() {
        let mut document = Document::new(b"{\"id\": 1, \"s\": \"a\xff\", \"half\": \"\\ud83d\"}");
        let at = |document: &mut Document<'_>, place: &str| {
            let place = JsonPlace::Pointer(place.to_owned());
            document.at(&place).first().map(ToString::to_string)
        };
        assert_eq!(at(&mut document, "/id").as_deref(), Some("1"));
        assert_eq!(at(&mut document, "/s").as_deref(), Some("\"a\u{fffd}\""));
        assert!(document.is_json() && !Document::new(b"\xff").is_json());
        assert!(Document::new("\u{feff}[]".as_bytes()).is_json());
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
        assert_eq!(reason(r#"{"id": 5, "was": "done"}"#).as_deref(), Some("`/state` is missing"));
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
        assert_eq!(reason.as_deref(), Some("`number` not found in the answer: nothing at `/n`"));
    }

    #[test]
    fn checks_compare_with_what_templates_give_and_numbers_as_numbers() {
        let body =
            r#"{"id": 12345678901234567890123, "n": 3, "price": 1.50, "items": [{"id": 7}], "none": null}"#;
        let reason = |check: &str| judged(&format!("check = {check}"), 200, body).1;
        for holds in [
            r#"{ json = { "/id" = "{{ id }}" } }"#,
            r#"{ json = { "/n" = 3.0, "/price" = 1.5, "/none" = { exists = true }, "/other" = { exists = false } } }"#,
            r#"{ json = { "/n" = { at_least = 3, below = 3.5, differs = 4 }, "/price" = { above = "{{ 1 }}", at_most = 1.5 } } }"#,
            r#"{ json = { "$.items[0].id" = 7, "/items" = [{ id = 7.0 }], "/items/0" = { equals = { id = 7 } } } }"#,
            r#"{ contains = "{{ id }}", header = { etag = { matches = "^v[0-9]$" }, set-cookie = "b=2", age = { at_least = 30 } } }"#,
            r#"{ size = { at_least = 10, at_most = 1000 }, time = { at_most = "150ms" } }"#,
        ] {
            assert_eq!(reason(holds), None, "{holds}");
        }
        for (check, why) in [
            (r#"{ json = { "/n" = { above = 3 } } }"#, "`/n` is not above 3"),
            (r#"{ json = { "/n" = "3" } }"#, "`/n` is not \"3\""),
            (r#"{ json = { "/n" = "{{ id }}" } }"#, "`/n` is not what the check asks for"),
            (r#"{ json = { "/items" = { at_least = 1 } } }"#, "`/items` is not a number"),
            (r#"{ json = { "/none" = { at_most = 1 } } }"#, "`/none` is not a number"),
            (r#"{ json = { "/other" = { at_most = 1 } } }"#, "`/other` is missing"),
            (r#"{ json = { "/other" = { differs = 1 } } }"#, "`/other` is missing"),
            (r#"{ header = { set-cookie = "c=3" } }"#, "header `set-cookie` is not `c=3`"),
            (r"{ header = { age = { above = 30 } } }", "header `age` is not above 30"),
            (r"{ size = { at_most = 10 } }", "body of more than 10 bytes"),
            (r#"{ time = { at_most = "100ms" } }"#, "answered in more than 100ms"),
        ] {
            assert_eq!(reason(check).as_deref(), Some(why), "{check}");
        }
    }

    #[test]
    fn of_several_values_the_wanted_one_is_taken_and_a_missing_one_may_have_a_default() {
        let body = r#"{"items": [{"id": 1}, {"id": 2}, {"id": 3.50}], "word": "a1 b2"}"#;
        let taken = |extract: &str| {
            let (outcome, _, variables) = judged(&format!("extract = {{ x = {extract} }}"), 200, body);
            (outcome == Outcome::Ok).then(|| variables[0].1.to_string())
        };
        for (extract, wanted) in [
            (r#""$.items[*].id""#, Some("1")),
            (r#"{ json = "$.items[*].id", which = "last" }"#, Some("3.50")),
            (r#"{ json = "$.items[*].id", which = "all" }"#, Some("[1, 2, 3.50]")),
            (r#"{ json = "/items", which = "last" }"#, Some("{'id': 3.50}")),
            (r#"{ header = "set-cookie", which = "all" }"#, Some("['a=1', 'b=2']")),
            (r#"{ header = "set-cookie", which = "last" }"#, Some("b=2")),
            (r#"{ regex = "[a-z]([0-9])", which = "all" }"#, Some("['1', '2']")),
            (r#""/other""#, None),
            (r#"{ json = "/other", optional = true }"#, Some("None")),
            (r#"{ json = "/other", default = 5 }"#, Some("5")),
            (r#"{ json = "$.other[*]", which = "all" }"#, Some("[]")),
            (r#"{ json = "$.other[*]", which = "random" }"#, None),
        ] {
            assert_eq!(taken(extract).as_deref(), wanted, "{extract}");
        }
        let random = taken(r#"{ json = "$.items[*].id", which = "random" }"#).unwrap();
        assert!(["1", "2", "3.50"].contains(&random.as_str()), "{random}");
    }
}
