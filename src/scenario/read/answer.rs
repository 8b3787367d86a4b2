//! What is expected of an answer, and taken from it: statuses, checks, extractions.

use regex::Regex;
use toml::de::DeValue;

use crate::sample::{grpc_status, grpc_status_of_word};
use crate::scenario::fields::{Fields, Located, whole, wrong_type};
use crate::scenario::journey::{Check, Extract, ExtractFrom, Protocol};
use crate::scenario::problem::Place;

/// A status, or a list of them.
pub(super) fn statuses(step: &mut Fields<'_>, key: &'static str) -> Option<Located<Vec<u16>>> {
    let Located { value, place } = step.value(key)?;
    let items: Vec<&toml::Spanned<DeValue<'_>>> = match value.get_ref() {
        DeValue::Array(array) => array.iter().collect(),
        _ => vec![value],
    };
    let statuses = items
        .into_iter()
        .filter_map(|item| {
            let number = || whole(item.get_ref()).and_then(|n| u16::try_from(n).ok());
            let status = match item.get_ref().as_str() {
                Some(word) => grpc_status_of_word(word),
                None => number().filter(|status| (100..=599).contains(status)),
            };
            if status.is_none() {
                let place = Place { file: place.file, span: item.span() };
                wrong_type(
                    step.problems,
                    &place,
                    key,
                    "an HTTP status from 100 to 599, or one of gRPC such as `\"NOT_FOUND\"`",
                    item.get_ref(),
                );
            }
            status
        })
        .collect();
    Some(Located { value: statuses, place })
}

/// Notes statuses of the other protocol: no answer would ever have them.
pub(super) fn check_statuses<'a>(
    step: &Fields<'_>,
    protocol: &Protocol,
    statuses: impl Iterator<Item = &'a Located<Vec<u16>>>,
) {
    for Located { value, place } in statuses {
        let (is_other, label) = match protocol {
            Protocol::Http(_) => (value.iter().any(|s| *s >= grpc_status(0)), "HTTP has numbers: 200, 404"),
            Protocol::Grpc(_) => {
                (value.iter().any(|s| *s < grpc_status(0)), "gRPC has words: `\"NOT_FOUND\"`")
            }
        };
        if is_other {
            step.problems.add(place, "a status of another protocol", label);
        }
    }
}

/// `check = { contains = "…", matches = "…", json = { "/pointer" = value }, header = { name = "…" } }`.
pub(super) fn checks(step: &mut Fields<'_>, key: &'static str) -> Vec<Check> {
    let Some(mut table) = step.table(key) else { return Vec::new() };
    let mut checks: Vec<Check> =
        table.texts("contains").into_iter().map(|text| Check::Contains(text.value)).collect();
    checks.extend(table.texts("matches").iter().filter_map(|t| Some(Check::Matches(regex(&table, t)?))));
    if let Some(json) = table.table("json") {
        for (pointer, value) in json.entries() {
            check_pointer(&json, &pointer);
            checks.push(Check::Json {
                pointer: pointer.value,
                equals: super::canonical::json(value.get_ref()),
            });
        }
    }
    checks.extend(
        super::defaults::named_texts(&mut table, "header")
            .into_iter()
            .map(|(name, value)| Check::Header { name, equals: value.value }),
    );
    table.finish();
    checks
}

/// `extract = { name = "/json/pointer", other = { header = "location" }, third = { regex = "…" } }`.
pub(super) fn extracts(step: &mut Fields<'_>) -> Vec<Extract> {
    let Some(table) = step.table("extract") else { return Vec::new() };
    let problems = table.problems;
    table
        .entries()
        .into_iter()
        .filter_map(|(variable, value)| {
            let place = Place { file: table.file(), span: value.span() };
            let from = match value.get_ref().as_str() {
                Some(pointer) => {
                    let pointer = Located { value: pointer.to_owned(), place };
                    check_pointer(&table, &pointer);
                    ExtractFrom::Json(pointer.value)
                }
                None => extract_table(Fields::of(value, table.file(), "an extraction", problems)?)?,
            };
            Some(Extract { variable: variable.value, from })
        })
        .collect()
}

fn extract_table(mut table: Fields<'_>) -> Option<ExtractFrom> {
    let (json, header, pattern) = (table.text("json"), table.text("header"), table.text("regex"));
    let from = match (json, header, pattern) {
        (Some(pointer), None, None) => {
            check_pointer(&table, &pointer);
            Some(ExtractFrom::Json(pointer.value))
        }
        (None, Some(name), None) => Some(ExtractFrom::Header(name.value.to_ascii_lowercase())),
        (None, None, Some(pattern)) => regex(&table, &pattern).map(ExtractFrom::Regex),
        _ => {
            table.problems.add(
                &table.place,
                "an extraction needs exactly one of `json`, `header`, `regex`",
                "in this extraction",
            );
            None
        }
    };
    table.finish();
    from
}

pub(super) fn check_pointer(table: &Fields<'_>, pointer: &Located<String>) {
    if !pointer.value.is_empty() && !pointer.value.starts_with('/') {
        let title = format!("`{}` is not a JSON pointer", pointer.value);
        let help = format!("did you mean `/{}`?", pointer.value.trim_start_matches("$.").replace('.', "/"));
        table.problems.add_with_help(&pointer.place, title, "starts with `/`", Some(help));
    }
}

fn regex(table: &Fields<'_>, pattern: &Located<String>) -> Option<Regex> {
    match Regex::new(&pattern.value) {
        Ok(regex) => Some(regex),
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim().to_owned();
            table.problems.add(&pattern.place, "bad regular expression", reason);
            None
        }
    }
}
