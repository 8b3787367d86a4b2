//! `[load.NAME]`: loads. The key that names the amount decides the executor: `users`, `rate` or
//! `iterations`.

use std::time::Duration;

use crate::claim::Expression;
use crate::scenario::fields::{Fields, Located};
use crate::scenario::journey::UserClass;
use crate::scenario::load::{Abort, Arrivals, Executor, Load};

/// When `abort_when` is first looked at, if `abort_after` does not say.
const ABORT_AFTER: Duration = Duration::from_secs(10);

/// The keys that decide a load's executor.
const AMOUNTS: [&str; 3] = ["users", "rate", "iterations"];

/// All keys of loads.
const KEYS: [&str; 14] = [
    "users",
    "rate",
    "iterations",
    "run_time",
    "spawn_rate",
    "max_in_flight",
    "drop_after",
    "arrivals",
    "concurrency",
    "over",
    "user_class",
    "grace",
    "abort_when",
    "abort_after",
];

/// `conditions`: extended by the texts of `abort_when`, to be checked when all names are known.
pub(in crate::scenario) fn read(
    file: &mut Fields<'_>,
    user_classes: &[UserClass],
    conditions: &mut Vec<Located<String>>,
) -> Vec<(String, Load)> {
    let Some(table) = file.table("load") else { return Vec::new() };
    table
        .entries()
        .into_iter()
        .filter_map(|(name, value)| {
            let fields = Fields::of(value, table.file(), "a load", table.problems)?;
            let load = load(fields, user_classes, conditions);
            if load.is_none() {
                table.problems.note_unread("load", Some(&name.value));
            }
            Some((name.value, load?))
        })
        .collect()
}

fn load(
    mut table: Fields<'_>,
    user_classes: &[UserClass],
    conditions: &mut Vec<Located<String>>,
) -> Option<Load> {
    let amounts: Vec<&str> = AMOUNTS.into_iter().filter(|k| table.has(k)).collect();
    let executor = match amounts.as_slice() {
        ["users"] => closed(&mut table),
        ["rate"] => open(&mut table),
        ["iterations"] => shared(&mut table),
        _ => {
            let title = "a load needs exactly one of `users`, `rate`, `iterations`";
            table.problems.add(&table.place, title, "in this load");
            table.know(&KEYS);
            table.finish();
            return None;
        }
    };
    let user_classes = classes(&mut table, user_classes);
    let grace = table.duration("grace").unwrap_or(Duration::from_secs(10));
    let abort = abort(&mut table, conditions);
    table.finish();
    Some(Load { executor: executor?, user_classes, grace, abort })
}

/// `abort_when = "run.failed_share > 0.1"`, `abort_after = "10s"`
fn abort(table: &mut Fields<'_>, conditions: &mut Vec<Located<String>>) -> Option<Abort> {
    let after = table.duration("abort_after").unwrap_or(ABORT_AFTER);
    let when = table.text("abort_when")?;
    let abort = Abort { when: Expression::new(when.value.trim()), after };
    conditions.push(when);
    Some(abort)
}

fn closed(table: &mut Fields<'_>) -> Option<Executor> {
    let users = count(table, "users");
    table.require("run_time");
    let run_time = table.duration("run_time");
    let spawn_rate = table.rate("spawn_rate").unwrap_or(f64::INFINITY);
    Some(Executor::Closed { users: users?, spawn_rate, run_time: run_time? })
}

fn open(table: &mut Fields<'_>) -> Option<Executor> {
    let rate = table.rate("rate");
    table.require("run_time");
    let run_time = table.duration("run_time");
    let max_in_flight = count(table, "max_in_flight").unwrap_or(1000);
    let drop_after = table.duration("drop_after").unwrap_or(Duration::from_secs(10));
    let arrivals = match table.text("arrivals") {
        None => Arrivals::Constant,
        Some(text) => match text.value.as_str() {
            "constant" => Arrivals::Constant,
            "poisson" => Arrivals::Poisson,
            other => {
                table.problems.add_unknown(&text.place, "kind of arrivals", other, &["constant", "poisson"]);
                Arrivals::Constant
            }
        },
    };
    Some(Executor::Open { rate: rate?, arrivals, run_time: run_time?, max_in_flight, drop_after })
}

fn shared(table: &mut Fields<'_>) -> Option<Executor> {
    let iterations = table.count("iterations", 1);
    table.require("concurrency");
    let concurrency = count(table, "concurrency");
    let over = table.duration("over");
    Some(Executor::Shared { iterations: iterations?, concurrency: concurrency?, over })
}

fn count(table: &mut Fields<'_>, key: &'static str) -> Option<u32> {
    table.count(key, 1).map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}

/// `user_class = ["A", "B"]`; all of them if it is not given.
fn classes(table: &mut Fields<'_>, user_classes: &[UserClass]) -> Vec<usize> {
    if user_classes.is_empty() {
        table.problems.add(&table.place, "a load needs a user class", "the scenario has no `[[user_class]]`");
    }
    if !table.has("user_class") {
        return (0..user_classes.len()).collect();
    }
    table
        .texts("user_class")
        .iter()
        .filter_map(|name| {
            let found = user_classes.iter().position(|c| c.name == name.value);
            if found.is_none() {
                let known: Vec<&str> = user_classes.iter().map(|c| c.name.as_str()).collect();
                table.problems.add_unknown(&name.place, "user class", &name.value, &known);
            }
            found
        })
        .collect()
}
