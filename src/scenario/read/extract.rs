//! `extract`: variables that later steps take from an answer.

use super::binding::check_variable;
use super::book::{Book, Flow};
use super::check::{element_place, json_place, regex};
use super::defaults::check_name;
use crate::scenario::check::{Extract, ExtractFrom, Which};
use crate::scenario::fields::{Fields, Located};
use crate::scenario::problem::Place;
use crate::scenario::template::Computed;

/// The words for which of several values is taken.
const WHICH: [(&str, Which); 4] =
    [("first", Which::First), ("last", Which::Last), ("all", Which::All), ("random", Which::Random)];

/// `extract = { name = "/json/pointer", ids = "$.items[*].id", other = { header = "location" },
/// third = { regex = "…", which = "last", default = "none" }, token = { css = "input[name=token]", attribute = "value" } }`.
pub(super) fn extracts(step: &mut Fields<'_>, book: &mut Book<'_>, flow: &mut Vec<Flow>) -> Vec<Extract> {
    let Some(table) = step.table("extract") else { return Vec::new() };
    let mut found = Vec::new();
    for (variable, value) in table.entries() {
        check_variable(table.problems, &variable);
        let place = Place { file: table.file(), span: value.span() };
        let extract = match value.get_ref().as_str() {
            Some(text) => {
                let at = json_place(&table, &Located { value: text.to_owned(), place });
                at.map(|at| Extract {
                    variable: variable.value.clone(),
                    from: ExtractFrom::Json(at),
                    which: None,
                    default: None,
                })
            }
            None => Fields::of(value, table.file(), "an extraction", table.problems)
                .and_then(|table| in_full(table, &variable.value, book, flow)),
        };
        found.extend(extract);
        flow.push(Flow::Gives(variable.value));
    }
    found
}

fn in_full(
    mut table: Fields<'_>,
    variable: &str,
    book: &mut Book<'_>,
    flow: &mut Vec<Flow>,
) -> Option<Extract> {
    let (json, header, pattern) = (table.text("json"), table.text("header"), table.text("regex"));
    let (css, attribute) = (table.text("css"), table.text("attribute"));
    if let Some(attribute) = attribute.as_ref().filter(|_| css.is_none()) {
        table.problems.add(
            &attribute.place,
            "`attribute` belongs to `css`",
            "of the elements that a selector finds",
        );
    }
    let from = match (json, header, pattern, css) {
        (Some(place), None, None, None) => json_place(&table, &place).map(ExtractFrom::Json),
        (None, Some(name), None, None) => {
            check_name(table.problems, &name);
            Some(ExtractFrom::Header(name.value.to_ascii_lowercase()))
        }
        (None, None, Some(pattern), None) => regex(&table, &pattern).map(ExtractFrom::Regex),
        (None, None, None, Some(selector)) => {
            element_place(&table, &selector, attribute.map(|l| l.value)).map(ExtractFrom::Css)
        }
        _ => {
            table.problems.add(
                &table.place,
                "an extraction needs exactly one of `json`, `css`, `header`, `regex`",
                "in this extraction",
            );
            None
        }
    };
    let which = table.text("which").and_then(|word| which(&table, &word));
    let is_optional = table.flag("optional").unwrap_or(false);
    let default = table.value("default").and_then(|value| book.computed(value.value, &value.place, flow));
    table.finish();
    let default = default.or(is_optional.then(|| Computed::Fixed(().into())));
    Some(Extract { variable: variable.to_owned(), from: from?, which, default })
}

fn which(table: &Fields<'_>, word: &Located<String>) -> Option<Which> {
    let found = WHICH.iter().find(|(name, _)| *name == word.value);
    if found.is_none() {
        table.problems.add_unknown(&word.place, "choice", &word.value, &WHICH.map(|(name, _)| name));
    }
    found.map(|(_, which)| *which)
}
