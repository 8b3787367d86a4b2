//! `[[claim]]`: statements with bounds. A claim says what it is about with one key: `value` for any
//! formula, or a word for the common shapes (`always`, `grows`, `constant`, `drains`,
//! `recovers`, `recovers_after`, `detected_after`, `leaks`, `degrades`, `accounts_for`), which stand for formulas.

mod bound;
mod capacity;
mod formula;
mod known;
mod select;
mod sense;
mod share;
mod subject;

pub(in crate::scenario) use formula::{condition, live_conditions};
pub(in crate::scenario) use known::Known;
pub(super) use select::{loads, profiles, select};

use bound::tolerates;
use select::{loads_with_window, profiles_with_faults};
use subject::{SUBJECTS, subject};

use crate::claim::{Claim, Rule, Selection, Statistic};
use crate::scenario::fields::Fields;

pub(in crate::scenario) fn read(file: &mut Fields<'_>, known: &Known<'_>) -> Vec<Claim> {
    file.tables("claim").into_iter().filter_map(|table| claim(table, known)).collect()
}

/// Whether a claim gates, and whether it spares single runs.
fn gate(table: &mut Fields<'_>) -> (bool, bool) {
    let gate = table.read("gate", "`true`, `false` or `\"experiments\"`", |value| {
        let only_experiments = value.as_str() == Some("experiments");
        value.as_bool().map(|gates| (gates, false)).or(only_experiments.then_some((true, true)))
    });
    gate.map_or((true, false), |gate| gate.value)
}

fn claim(mut table: Fields<'_>, known: &Known<'_>) -> Option<Claim> {
    let (problems, place) = (table.problems, table.place.clone());
    let id = table.text("id").map_or(String::new(), |l| l.value);
    let title = table.required_text("title");
    let why = table.text("why").map_or(String::new(), |l| l.value);
    let select = select(&mut table, known);
    let (gates, spares_runs) = gate(&mut table);
    let is_selective = select != Selection::default();
    let every_run = table.flag("every_run").unwrap_or(false);
    let tolerates = tolerates(&mut table);
    let answers_differ = table.flag("answers_differ").unwrap_or(false);
    let loads = loads(&mut table, &select, known);
    let profiles = profiles(&mut table, known);
    let deployments = table.texts("deployments").into_iter().map(|l| l.value).collect();
    let subject = subject(&mut table, known);
    if subject.is_none() {
        // What belongs to a subject that cannot be read is no mistake of its own.
        table.know(&SUBJECTS);
        table.know(&["arm", "above", "tolerance", "at_least", "at_most", "within"]);
    }
    table.finish();
    let (value, bound, rule) = subject?;
    let is_cpu = |statistic: &Statistic| matches!(statistic, Statistic::CpuPerRequest(_));
    if is_selective && value.statistics().is_ok_and(|found| found.iter().any(|(_, s)| is_cpu(s))) {
        let title = "CPU time is known of all requests together, not of a selection";
        problems.add(&place, title, "leave out `select`, or `cpu_per_request`");
    }
    share::check(&value, &select, &place, problems);
    capacity::check(&value, is_selective || every_run, &place, problems);
    let rule = if every_run { Rule::EveryRun } else { rule };
    let loads = if loads.is_empty() { loads_with_window(&value, known) } else { loads };
    let profiles = if profiles.is_empty() { profiles_with_faults(&value, &select, known) } else { profiles };
    let title = title?.value;
    Some(Claim {
        id,
        title,
        why,
        value,
        bound,
        rule,
        select,
        tolerates,
        answers_differ,
        gates,
        spares_runs,
        loads,
        deployments,
        profiles,
    })
}
