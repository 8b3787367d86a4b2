//! `[[symptom]]`: what a run looks like when something is going wrong, and what to do about it.

use super::claim::{Known, condition, loads, profiles, select};
use crate::claim::Symptom;
use crate::scenario::fields::Fields;

pub(in crate::scenario) fn read(file: &mut Fields<'_>, known: &Known<'_>) -> Vec<Symptom> {
    file.tables("symptom").into_iter().filter_map(|table| symptom(table, known)).collect()
}

fn symptom(mut table: Fields<'_>, known: &Known<'_>) -> Option<Symptom> {
    let title = table.required_text("title");
    let remedy = table.required_text("remedy");
    let select = select(&mut table, known);
    let loads = loads(&mut table, &select, known);
    let profiles = profiles(&mut table, known);
    let when = table.required_text("when").and_then(|text| condition(&text, known, table.problems));
    table.finish();
    Some(Symptom { title: title?.value, when: when?, select, remedy: remedy?.value, loads, profiles })
}
