//! `[[user_class]]`: user classes.

use std::time::Duration;

use super::book::Book;
use super::weight;
use crate::scenario::fields::{Fields, Located, duration, number, wrong_type};
use crate::scenario::journey::{Think, UserClass};
use crate::scenario::problem::Place;

pub(in crate::scenario) fn read(file: &mut Fields<'_>, book: &Book<'_>) -> Vec<UserClass> {
    file.tables("user_class")
        .into_iter()
        .filter_map(|mut table| {
            let name = table.required_text("name");
            let weight = table.number("weight").map_or(1.0, |w| weight(&w, table.problems));
            let journeys = journeys(&mut table, book);
            let start = table.text("start").and_then(|name| journey(&table, &name, book));
            let think = think(&mut table);
            if name.is_none() {
                table.problems.note_unread("user class", None);
            }
            table.finish();
            Some(UserClass { name: name?.value, weight, journeys, think, start })
        })
        .collect()
}

/// `journeys = { Name = weight, … }`.
fn journeys(table: &mut Fields<'_>, book: &Book<'_>) -> Vec<(usize, f64)> {
    table.require("journeys");
    let Some(journeys) = table.table("journeys") else { return Vec::new() };
    if journeys.entries().is_empty() {
        journeys.problems.add(&journeys.place, "a user class without journeys", "needs at least one");
    }
    journeys
        .entries()
        .into_iter()
        .filter_map(|(name, value)| {
            let place = Place { file: journeys.file(), span: value.span() };
            let Some(number) = number(value.get_ref()) else {
                wrong_type(journeys.problems, &place, &name.value, "a weight", value.get_ref());
                return None;
            };
            let weight = weight(&Located { value: number, place }, journeys.problems);
            Some((journey(&journeys, &name, book)?, weight))
        })
        .collect()
}

fn journey(table: &Fields<'_>, name: &Located<String>, book: &Book<'_>) -> Option<usize> {
    let found = book.journey(&name.value);
    if found.is_none() {
        table.problems.add_unknown(&name.place, "journey", &name.value, &book.journey_names());
    }
    found
}

/// `think = "1s"`, or `{ uniform = ["0.5s", "2s"] }`, `{ exponential = "1s" }`, `{ pacing = "100ms" }`.
fn think(table: &mut Fields<'_>) -> Think {
    let Some(Located { value, place }) = table.value("think") else { return Think::None };
    if let Some(constant) = duration(value.get_ref()) {
        return Think::Constant(constant);
    }
    let Some(mut fields) = Fields::of(value, place.file, "think", table.problems) else { return Think::None };
    let uniform = fields.items("uniform");
    let (constant, exponential, pacing) =
        (fields.duration("constant"), fields.duration("exponential"), fields.duration("pacing"));
    if let [from, to] = uniform.as_slice()
        && let (Some(least), Some(most)) = (duration(from.value.get_ref()), duration(to.value.get_ref()))
        && least > most
    {
        let title = format!("`uniform` goes from {least:?} down to {most:?}");
        fields.problems.add(&fields.key_place("uniform"), title, "write the shorter one first");
        fields.finish();
        return Think::None;
    }
    let think = match (constant, exponential, pacing, uniform.as_slice()) {
        (Some(time), None, None, []) => Some(Think::Constant(time)),
        (None, Some(mean), None, []) => Some(Think::Exponential(mean)),
        (None, None, Some(interval), []) => Some(Think::Pacing(interval)),
        (None, None, None, [from, to]) => range(duration(from.value.get_ref()), duration(to.value.get_ref())),
        _ => None,
    };
    if think.is_none() {
        let forms = "needs one of: constant, uniform = [from, to], exponential, pacing";
        fields.problems.add(&fields.place, "this is not a think time", forms);
    }
    fields.finish();
    think.unwrap_or(Think::None)
}

fn range(from: Option<Duration>, to: Option<Duration>) -> Option<Think> {
    match (from, to) {
        (Some(from), Some(to)) if from <= to => Some(Think::Uniform(from, to)),
        _ => None,
    }
}
