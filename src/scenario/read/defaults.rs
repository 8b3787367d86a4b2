//! `[defaults]`: what every request has unless it says otherwise.

use std::time::Duration;

use crate::scenario::fields::{Fields, Located, wrong_type};
use crate::scenario::problem::Place;

/// What every request has unless it says otherwise.
#[derive(Debug)]
pub(in crate::scenario) struct Defaults {
    pub(in crate::scenario) connect_timeout: Duration,
    pub(in crate::scenario) timeout: Duration,
    pub(in crate::scenario) headers: Vec<(String, Located<String>)>,
}

pub(in crate::scenario) fn read(file: &mut Fields<'_>) -> Defaults {
    let (connect_timeout, timeout) = (Duration::from_secs(5), Duration::from_secs(30));
    let mut defaults = Defaults { connect_timeout, timeout, headers: Vec::new() };
    if let Some(mut table) = file.table("defaults") {
        if let Some(timeout) = table.duration("connect_timeout") {
            defaults.connect_timeout = timeout;
        }
        if let Some(timeout) = table.duration("timeout") {
            defaults.timeout = timeout;
        }
        defaults.headers = headers(&mut table);
        table.finish();
    }
    defaults
}

/// `headers = { name = "value" }`, with names in lower case.
pub(in crate::scenario) fn headers(table: &mut Fields<'_>) -> Vec<(String, Located<String>)> {
    named_texts(table, "headers")
}

/// A table of header names, given back in lower case, and texts.
pub(super) fn named_texts(table: &mut Fields<'_>, key: &'static str) -> Vec<(String, Located<String>)> {
    let Some(headers) = table.table(key) else { return Vec::new() };
    let problems = headers.problems;
    headers
        .entries()
        .into_iter()
        .filter_map(|(name, value)| {
            if !is_token(&name.value) {
                problems.add(&name.place, format!("`{}` is not a header name", name.value), "not a name");
            }
            let place = Place { file: headers.file(), span: value.span() };
            match value.get_ref().as_str() {
                Some(text) => {
                    Some((name.value.to_ascii_lowercase(), Located { value: text.to_owned(), place }))
                }
                None => {
                    wrong_type(problems, &place, &name.value, "a string", value.get_ref());
                    None
                }
            }
        })
        .collect()
}

/// Whether a text can be a header's name (RFC 9110 §5.1).
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}
