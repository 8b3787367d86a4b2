//! `[experiment]`: the arms, their load and how often they run.

use std::collections::BTreeMap;

use crate::scenario::fields::{Fields, Located};
use crate::scenario::load::Load;
use crate::scenario::profile::Profile;
use crate::scenario::{ExperimentSpec, MOST_ROUNDS};

pub(in crate::scenario) fn read(
    file: &mut Fields<'_>,
    loads: &BTreeMap<String, Load>,
    profiles: &BTreeMap<String, Profile>,
) -> Option<ExperimentSpec> {
    let mut table = file.table("experiment")?;
    let baseline = table.required_text("baseline");
    table.require("treatment");
    let treatments = table.texts("treatment");
    let load = table.required_text("load");
    let rounds = table.count("rounds", 1).unwrap_or(MOST_ROUNDS.into());
    let budget = table.duration("budget");
    let pilot = table.flag("pilot");
    for name in baseline.iter().chain(&treatments) {
        check(&table, "profile", name, &names(profiles));
    }
    if let Some(name) = &load {
        check(&table, "load", name, &names(loads));
    }
    if let Some(same) = treatments.iter().find(|t| baseline.as_ref().is_some_and(|b| b.value == t.value)) {
        table.problems.add(&same.place, "a treatment cannot be the baseline", "name another profile");
    }
    table.finish();
    Some(ExperimentSpec {
        baseline: baseline?.value,
        treatments: treatments.into_iter().map(|l| l.value).collect(),
        load: load?.value,
        rounds: u32::try_from(rounds).unwrap_or(u32::MAX),
        is_exact: false,
        pilot,
        budget,
    })
}

fn names<T>(map: &BTreeMap<String, T>) -> Vec<&str> {
    map.keys().map(String::as_str).collect()
}

fn check(table: &Fields<'_>, what: &str, name: &Located<String>, known: &[&str]) {
    if !known.contains(&name.value.as_str()) {
        table.problems.add_unknown(&name.place, what, &name.value, known);
    }
}
