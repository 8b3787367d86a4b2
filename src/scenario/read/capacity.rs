//! `[capacity]`: goals and bounds of the search for the highest load that meets them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::claim::{Known, condition};
use crate::claim::Expression;
use crate::scenario::capacity::{CapacitySpec, DurationSum, GoalSpec};
use crate::scenario::fields::{Fields, Located};
use crate::scenario::load::Load;
use crate::unit;

pub(in crate::scenario) fn read(
    file: &mut Fields<'_>,
    loads: &BTreeMap<String, Load>,
    known: &Known<'_>,
) -> Option<CapacitySpec> {
    let mut table = file.table("capacity")?;
    let problems = table.problems;
    let load = table.required_text("load");
    let from = table.rate("from");
    let to = table.rate("to");
    if let (Some(least), Some(most)) = (from, to)
        && least > most
    {
        let place = table.key_place("to");
        problems.add(&place, "`to` is below `from`", "below `from`");
    }
    let run_time = table.duration("run_time");
    if let Some(load) = &load {
        check_load(load, run_time, loads, &table);
    }
    let budget = table.duration("budget");
    let common = goal(&mut table, &GoalSpec::new(Vec::new()), run_time);
    let objective = objective(&mut table, known);
    let mut goals: Vec<GoalSpec> = Vec::new();
    for table in table.tables("goal") {
        let place = table.place.clone();
        let Some(goal) = named(table, &common, run_time, known) else { continue };
        if goals.iter().any(|other| other.name == goal.name) {
            problems.add(&place, format!("there are two goals `{}`", goal.name), "the second one");
        }
        goals.push(goal);
    }
    if table.has("goal") && table.has("objective") {
        let place = table.key_place("objective");
        problems.add(&place, "`objective` and `goal` exclude each other", "the objective of the only goal");
    } else if !table.has("goal") {
        table.require("objective");
        goals = vec![GoalSpec { objective, ..common }];
    }
    table.finish();
    Some(CapacitySpec { goals, load: load?.value, from, to, run_time, budget })
}

/// `[[capacity.goal]]`: what it does not say is as in `[capacity]`.
fn named(
    mut table: Fields<'_>,
    common: &GoalSpec,
    run_time: Option<Duration>,
    known: &Known<'_>,
) -> Option<GoalSpec> {
    let name = table.required_text("name");
    table.require("objective");
    let objective = objective(&mut table, known);
    let goal = goal(&mut table, common, run_time);
    table.finish();
    Some(GoalSpec { name: name?.value, objective, ..goal })
}

fn objective(table: &mut Fields<'_>, known: &Known<'_>) -> Vec<Expression> {
    let problems = table.problems;
    table.texts("objective").iter().filter_map(|text| condition(text, known, problems)).collect()
}

/// Everything of a goal but its objective.
fn goal(table: &mut Fields<'_>, otherwise: &GoalSpec, run_time: Option<Duration>) -> GoalSpec {
    let trials = table.count("repeats", 1);
    let trials = trials.map(|trials| DurationSum::Trials(u32::try_from(trials).unwrap_or(u32::MAX)));
    let time = table.duration("duration_sum");
    if let (Some(time), Some(trial)) = (time, run_time)
        && time < trial
    {
        let place = table.key_place("duration_sum");
        table.problems.add(&place, "the duration sum is shorter than one trial", "less than `run_time`");
    }
    if time.is_some() && trials.is_some() {
        let place = table.key_place("repeats");
        let label = "the duration sum, as a number of trials";
        table.problems.add(&place, "`repeats` and `duration_sum` exclude each other", label);
    }
    let width = share(table, "width", 0.001, 0.5);
    let exceed_ratio = share(table, "exceed_ratio", 0.0, 0.9);
    GoalSpec {
        duration_sum: time.map(DurationSum::Time).or(trials).unwrap_or(otherwise.duration_sum),
        exceed_ratio: exceed_ratio.unwrap_or(otherwise.exceed_ratio),
        width: width.unwrap_or(otherwise.width),
        ..otherwise.clone()
    }
}

fn check_load(
    name: &Located<String>,
    run_time: Option<Duration>,
    loads: &BTreeMap<String, Load>,
    table: &Fields<'_>,
) {
    let problems = table.problems;
    let Some(load) = loads.get(&name.value) else {
        let known: Vec<&str> = loads.keys().map(String::as_str).collect();
        return problems.add_unknown(&name.place, "load", &name.value, &known);
    };
    if load.level().is_none() {
        let label = "its journeys are fixed in number or recorded, so it has no level to raise";
        problems.add(&name.place, format!("load `{}` cannot be raised", name.value), label);
    } else if run_time.is_some() && !load.can_last() {
        let title = format!("load `{}` lasts as long as its stages and parts say", name.value);
        problems.add(&table.key_place("run_time"), title, "leave it out");
    }
}

/// `"5%"`, or a number.
fn share(table: &mut Fields<'_>, key: &'static str, least: f64, most: f64) -> Option<f64> {
    let located = table.value(key)?;
    let value = located.value.get_ref();
    let percent = value.as_str().and_then(|text| text.trim().strip_suffix('%')?.trim().parse::<f64>().ok());
    let share = percent.map(|p| p / 100.0).or_else(|| crate::scenario::fields::number(value));
    let share = share.filter(|share| (least..=most).contains(share));
    if share.is_none() {
        let (least, most) = (unit::share(least), unit::share(most));
        let label = format!("expected a share from {least} to {most}, such as `\"5%\"`");
        table.problems.add(&located.place, format!("impossible `{key}`"), label);
    }
    share
}
