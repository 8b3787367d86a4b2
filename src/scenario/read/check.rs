//! `check`, `soft_check`: conditions on an answer.
//!
//! A condition on a value is the value itself, or a table of comparisons:
//! `{ json = { "/state" = "done", "/stock" = { above = 0 } } }`.

use std::ops::RangeInclusive;
use std::time::Duration;

use regex::Regex;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::body::json_template;
use super::book::{Book, Flow};
use super::defaults::check_name;
use crate::scenario::check::{Check, JsonPlace, SoftCheck, Test, Wanted};
use crate::scenario::fields::{Fields, Located, duration, whole, wrong_type};
use crate::scenario::json::Json;
use crate::scenario::json_path::JsonPath;
use crate::scenario::problem::Place;
use crate::scenario::template::is_template;

/// A comparison with a value.
type TestOf = fn(Wanted) -> Test;

/// The comparisons of a value.
const COMPARISONS: [&str; 9] =
    ["equals", "differs", "at_least", "at_most", "above", "below", "contains", "matches", "exists"];

/// `soft_check = { "in stock" = { json = { "/stock" = { above = 0 } } } }`: checks by the names under
/// which they are counted.
pub(super) fn soft_checks(
    step: &mut Fields<'_>,
    book: &mut Book<'_>,
    flow: &mut Vec<Flow>,
) -> Vec<SoftCheck> {
    let Some(table) = step.table("soft_check") else { return Vec::new() };
    let mut soft = Vec::new();
    for (name, value) in table.entries() {
        let Some(of_name) = Fields::of(value, table.file(), "a check", table.problems) else { continue };
        let checks = of_table(of_name, book, flow);
        soft.push(SoftCheck { place: book.soft_check(&name.value), checks });
    }
    soft
}

/// `check = { contains = "…", matches = "…", json = { "/pointer" = value }, header = { name = "…" },
/// size = { at_most = 1000 }, time = { at_most = "200ms" } }`.
pub(super) fn checks(
    step: &mut Fields<'_>,
    key: &'static str,
    book: &mut Book<'_>,
    flow: &mut Vec<Flow>,
) -> Vec<Check> {
    step.table(key).map_or(Vec::new(), |table| of_table(table, book, flow))
}

fn of_table(mut table: Fields<'_>, book: &mut Book<'_>, flow: &mut Vec<Flow>) -> Vec<Check> {
    let mut checks: Vec<Check> = Vec::new();
    for text in table.texts("contains") {
        checks.extend(book.text(&text, flow).map(|text| Check::Body(Test::Contains(text))));
    }
    for pattern in table.texts("matches") {
        checks.extend(regex(&table, &pattern).map(|pattern| Check::Body(Test::Matches(pattern))));
    }
    if let Some(json) = table.table("json") {
        for (place, value) in json.entries() {
            let Some(at) = json_place(&json, &place) else { continue };
            let tests = tests(&json, value, book, flow);
            checks.extend(tests.into_iter().map(|test| Check::Json { at: at.clone(), test }));
        }
    }
    if let Some(header) = table.table("header") {
        for (name, value) in header.entries() {
            check_name(header.problems, &name);
            let name = name.value.to_ascii_lowercase();
            let tests = text_tests(&header, value, book, flow);
            checks.extend(tests.into_iter().map(|test| Check::Header { name: name.clone(), test }));
        }
    }
    let size = range(&mut table, "size", "a number of bytes", whole, u64::MAX);
    checks.extend(size.map(Check::Size));
    let time = range(&mut table, "time", "a duration such as `\"200ms\"`", duration, Duration::MAX);
    checks.extend(time.map(Check::Time));
    table.finish();
    checks
}

/// What must hold of a text: it is never a list or an object, so that a table is one of comparisons.
fn text_tests<'a>(
    parent: &Fields<'a>,
    value: &'a Spanned<DeValue<'a>>,
    book: &mut Book<'_>,
    flow: &mut Vec<Flow>,
) -> Vec<Test> {
    let place = Place { file: parent.file(), span: value.span() };
    match value.get_ref() {
        DeValue::Table(members) if members.is_empty() => {
            parent.problems.add(
                &place,
                "nothing is compared",
                format!("needs one of: {}", COMPARISONS.join(", ")),
            );
            Vec::new()
        }
        DeValue::Table(members) => comparisons(parent, members, place, book, flow),
        DeValue::Array(_) => {
            wrong_type(parent.problems, &place, "header", "a text, or comparisons", value.get_ref());
            Vec::new()
        }
        _ => tests(parent, value, book, flow),
    }
}

/// What must hold of a value: that it is a given one, or comparisons.
fn tests<'a>(
    parent: &Fields<'a>,
    value: &'a Spanned<DeValue<'a>>,
    book: &mut Book<'_>,
    flow: &mut Vec<Flow>,
) -> Vec<Test> {
    let DeValue::Table(members) = value.get_ref() else {
        return wanted(parent, value, book, flow).map(Test::Equals).into_iter().collect();
    };
    let is_comparison = |name: &str| COMPARISONS.contains(&name);
    if !members.keys().any(|name| is_comparison(name.get_ref())) {
        return wanted(parent, value, book, flow).map(Test::Equals).into_iter().collect();
    }
    let place = Place { file: parent.file(), span: value.span() };
    comparisons(parent, members, place, book, flow)
}

fn comparisons<'a>(
    parent: &Fields<'a>,
    members: &'a DeTable<'a>,
    place: Place,
    book: &mut Book<'_>,
    flow: &mut Vec<Flow>,
) -> Vec<Test> {
    let mut table = Fields::new(members, place, "a comparison", parent.problems);
    let mut found = Vec::new();
    let with_value: [(&'static str, TestOf); 6] = [
        ("equals", Test::Equals),
        ("differs", Test::Differs),
        ("at_least", Test::AtLeast),
        ("at_most", Test::AtMost),
        ("above", Test::Above),
        ("below", Test::Below),
    ];
    for (key, test) in with_value {
        let Some(Located { value, place }) = table.value(key) else { continue };
        let is_equality = ["equals", "differs"].contains(&key);
        let is_number = matches!(value.get_ref(), DeValue::Integer(_) | DeValue::Float(_));
        let is_rendered = value.get_ref().as_str().is_some_and(is_template);
        if is_equality || is_number || is_rendered {
            found.extend(wanted(&table, value, book, flow).map(test));
        } else {
            wrong_type(table.problems, &place, key, "a number", value.get_ref());
        }
    }
    for text in table.texts("contains") {
        found.extend(book.text(&text, flow).map(Test::Contains));
    }
    for pattern in table.texts("matches") {
        found.extend(regex(&table, &pattern).map(Test::Matches));
    }
    found.extend(table.flag("exists").map(Test::Exists));
    table.finish();
    found
}

/// A value to compare with; one with templates is rendered for each request.
fn wanted(
    parent: &Fields<'_>,
    value: &Spanned<DeValue<'_>>,
    book: &mut Book<'_>,
    flow: &mut Vec<Flow>,
) -> Option<Wanted> {
    if is_template(&json_template(value.get_ref())) {
        let place = Place { file: parent.file(), span: value.span() };
        return book.json(value, &place, flow).map(Wanted::Rendered);
    }
    Json::parse(&json_template(value.get_ref())).map(|json| Wanted::Fixed(json.into_owned()))
}

/// `size = { at_least = 10, at_most = 1000 }`.
fn range<T: Copy + Default + PartialOrd>(
    table: &mut Fields<'_>,
    key: &'static str,
    expected: &str,
    read: impl Fn(&DeValue<'_>) -> Option<T>,
    most: T,
) -> Option<RangeInclusive<T>> {
    let mut bounds = table.table(key)?;
    let mut bound = |name: &'static str, default: T| match bounds.value(name) {
        Some(Located { value, place }) => {
            let bound = read(value.get_ref());
            if bound.is_none() {
                wrong_type(bounds.problems, &place, name, expected, value.get_ref());
            }
            bound
        }
        None => Some(default),
    };
    let (low, high) = (bound("at_least", T::default()), bound("at_most", most));
    if !bounds.has("at_least") && !bounds.has("at_most") {
        let title = format!("`{key}` needs `at_least` or `at_most`");
        bounds.problems.add(&bounds.place, title, "in this check");
    }
    let (low, high) = (low?, high?);
    if low > high {
        bounds.problems.add(&bounds.place, "no answer can do this", "`at_least` is above `at_most`");
    }
    bounds.finish();
    Some(low..=high)
}

/// A place in JSON documents: a pointer, or a path from `$`.
pub(super) fn json_place(table: &Fields<'_>, text: &Located<String>) -> Option<JsonPlace> {
    if !text.value.starts_with('$') {
        check_pointer(table, text);
        return Some(JsonPlace::Pointer(text.value.clone()));
    }
    match JsonPath::parse(&text.value) {
        Ok(path) => Some(JsonPlace::Path(path)),
        Err(error) => {
            let title = format!("`{}` is not a JSON path", text.value);
            table.problems.add(&text.place, title, error.message().to_owned());
            None
        }
    }
}

/// Notes a JSON pointer that is none.
pub(super) fn check_pointer(table: &Fields<'_>, pointer: &Located<String>) {
    if !pointer.value.is_empty() && !pointer.value.starts_with('/') {
        let title = format!("`{}` is not a JSON pointer", pointer.value);
        let help = format!("did you mean `/{}`?", pointer.value.replace('.', "/"));
        table.problems.add_with_help(&pointer.place, title, "starts with `/`", Some(help));
    }
}

/// A regular expression, or a note that it is none.
pub(super) fn regex(table: &Fields<'_>, pattern: &Located<String>) -> Option<Regex> {
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
