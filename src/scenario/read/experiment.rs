//! `[experiment]`: the arms, their load and how often they run.

use std::collections::BTreeMap;

use crate::scenario::ExperimentSpec;
use crate::scenario::fields::{Fields, Located};
use crate::scenario::load::Load;
use crate::scenario::profile::Profile;

pub(in crate::scenario) fn read(
    file: &mut Fields<'_>,
    loads: &BTreeMap<String, Load>,
    profiles: &BTreeMap<String, Profile>,
) -> Option<ExperimentSpec> {
    let mut table = file.table("experiment")?;
    let baseline = table.required_text("baseline");
    let treatment = table.required_text("treatment");
    let load = table.required_text("load");
    let rounds = table.count("rounds", 1).unwrap_or(5);
    for (what, name, known) in [
        ("profile", &baseline, names(profiles)),
        ("profile", &treatment, names(profiles)),
        ("load", &load, names(loads)),
    ] {
        check(&table, what, name.as_ref(), &known);
    }
    table.finish();
    Some(ExperimentSpec {
        baseline: baseline?.value,
        treatment: treatment?.value,
        load: load?.value,
        rounds: u32::try_from(rounds).unwrap_or(u32::MAX),
    })
}

fn names<T>(map: &BTreeMap<String, T>) -> Vec<&str> {
    map.keys().map(String::as_str).collect()
}

fn check(table: &Fields<'_>, what: &str, name: Option<&Located<String>>, known: &[&str]) {
    if let Some(name) = name
        && !known.contains(&name.value.as_str())
    {
        table.problems.add_unknown(&name.place, what, &name.value, known);
    }
}
