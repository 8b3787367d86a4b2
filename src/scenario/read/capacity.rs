//! `[capacity]`: objective and bounds of the search for the highest load that meets it.

use std::collections::BTreeMap;

use super::claim::{Known, condition};
use crate::scenario::capacity::{CapacitySpec, PRECISION, REPEATS};
use crate::scenario::fields::{Fields, Located};
use crate::scenario::load::{Executor, Load};
use crate::unit;

pub(in crate::scenario) fn read(
    file: &mut Fields<'_>,
    loads: &BTreeMap<String, Load>,
    known: &Known<'_>,
) -> Option<CapacitySpec> {
    let mut table = file.table("capacity")?;
    let problems = table.problems;
    table.require("objective");
    let objective = table.texts("objective");
    let objective = objective.iter().filter_map(|text| condition(text, known, problems)).collect();
    let load = table.required_text("load");
    if let Some(load) = &load {
        check_load(load, loads, &table);
    }
    let from = table.rate("from");
    let to = table.rate("to");
    if let (Some(least), Some(most)) = (from, to)
        && least > most
    {
        let place = table.key_place("to");
        problems.add(&place, "`to` is below `from`", "below `from`");
    }
    let run_time = table.duration("run_time");
    let repeats = table.count("repeats", 1).map_or(REPEATS, |n| u32::try_from(n | 1).unwrap_or(REPEATS));
    let precision = precision(&mut table);
    table.finish();
    Some(CapacitySpec { objective, load: load?.value, from, to, run_time, repeats, precision })
}

fn check_load(name: &Located<String>, loads: &BTreeMap<String, Load>, table: &Fields<'_>) {
    match loads.get(&name.value).map(Load::only) {
        None => {
            let known: Vec<&str> = loads.keys().map(String::as_str).collect();
            table.problems.add_unknown(&name.place, "load", &name.value, &known);
        }
        Some(Some(Executor::Closed { .. } | Executor::Open { .. })) => {}
        Some(_) => {
            let label = "has no single rate or number of users to raise";
            table.problems.add(&name.place, format!("load `{}` cannot be raised", name.value), label);
        }
    }
}

/// `"5%"`, or a share.
fn precision(table: &mut Fields<'_>) -> f64 {
    let Some(located) = table.value("precision") else { return PRECISION };
    let value = located.value.get_ref();
    let percent = value.as_str().and_then(|text| text.trim().strip_suffix('%')?.trim().parse::<f64>().ok());
    let share = percent.map(|p| p / 100.0).or_else(|| crate::scenario::fields::number(value));
    match share.filter(|s| *s >= 0.001 && *s <= 0.5) {
        Some(share) => share,
        None => {
            let (least, most) = (unit::share(0.001), unit::share(0.5));
            let label = format!("expected a share from {least} to {most}, such as `\"5%\"`");
            table.problems.add(&located.place, "impossible precision", label);
            PRECISION
        }
    }
}
