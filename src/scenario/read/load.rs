//! `[load.NAME]`: loads. The key that names the amount decides the executor: `users`, `rate`,
//! `iterations`, `stages`, `burst` or `replay`. `[[load.NAME.part]]` puts several of them into one load.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::{replay, stages};
use crate::claim::Expression;
use crate::scenario::World;
use crate::scenario::fields::{Fields, Located};
use crate::scenario::journey::UserClass;
use crate::scenario::limits;
use crate::scenario::load::{Abort, Arrivals, Executor, Load, LoadPart};
use crate::scenario::replay::Replay;

/// When `abort_when` is first looked at, if `abort_after` does not say.
const ABORT_AFTER: Duration = Duration::from_secs(10);

/// Indices of dispersion that arrivals may have: beyond them they are as good as even, or all at once.
const DISPERSIONS: std::ops::RangeInclusive<f64> = 0.01..=1000.0;

/// The keys that decide an executor.
const AMOUNTS: [&str; 6] = ["users", "rate", "iterations", "stages", "burst", "replay"];

/// All keys of loads and their parts.
const KEYS: [&str; 21] = [
    "users",
    "rate",
    "iterations",
    "stages",
    "burst",
    "replay",
    "speed_up",
    "part",
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
    "name",
    "start_after",
];

/// What loads are made of, and where the files are that they name.
#[derive(Clone, Copy)]
pub(in crate::scenario) struct Work<'a> {
    pub(in crate::scenario) user_classes: &'a [UserClass],
    /// The names of all journeys, by their places.
    pub(in crate::scenario) journeys: &'a [&'a str],
    pub(in crate::scenario) folder: &'a Path,
    pub(in crate::scenario) world: &'a dyn World,
}

/// `conditions`: extended by the texts of `abort_when`, to be checked when all names are known.
pub(in crate::scenario) fn read(
    file: &mut Fields<'_>,
    work: Work<'_>,
    conditions: &mut Vec<Located<String>>,
) -> Vec<(String, Load)> {
    let Some(table) = file.table("load") else { return Vec::new() };
    table
        .entries()
        .into_iter()
        .filter_map(|(name, value)| {
            let fields = Fields::of(value, table.file(), "a load", table.problems)?;
            let load = load(fields, work, conditions);
            if load.is_none() {
                table.problems.note_unread("load", Some(&name.value));
            }
            Some((name.value, load?))
        })
        .collect()
}

fn load(mut table: Fields<'_>, work: Work<'_>, conditions: &mut Vec<Located<String>>) -> Option<Load> {
    let parts = if table.has("part") {
        if let Some(amount) = AMOUNTS.into_iter().find(|key| table.has(key)) {
            let title = format!("a load with parts has no `{amount}` of its own");
            table.problems.add(&table.key_place(amount), title, "set it in one of the parts");
            table.know(&KEYS);
        }
        parts(&mut table, work)
    } else {
        let user_classes = classes(&mut table, work.user_classes);
        let executor = executor(&mut table, "a load", true, (work, &user_classes));
        if executor.is_none() && AMOUNTS.iter().filter(|key| table.has(key)).count() != 1 {
            table.know(&KEYS);
            table.finish();
            return None;
        }
        executor.map(|executor| {
            vec![LoadPart { name: String::new(), executor, user_classes, start_after: Duration::ZERO }]
        })
    };
    let grace = table.duration("grace").unwrap_or(Duration::from_secs(10));
    let abort = abort(&mut table, conditions);
    let (place, problems) = (table.place.clone(), table.problems);
    table.finish();
    let load = Load { parts: parts?, grace, abort };
    let mut names = BTreeSet::new();
    for name in load.stage_names() {
        if !names.insert(name.clone()) {
            problems.add(&place, format!("two stages of a load are called `{name}`"), "in this load");
        }
    }
    Some(load)
}

/// `[[load.NAME.part]]`
fn parts(table: &mut Fields<'_>, work: Work<'_>) -> Option<Vec<LoadPart>> {
    let mut names = BTreeSet::new();
    let mut parts = Vec::new();
    let tables = table.tables("part");
    let stated = tables.len();
    for mut fields in tables {
        let name = fields.required_text("name").map_or(String::new(), |located| {
            if !names.insert(located.value.clone()) {
                let title = format!("two parts are called `{}`", located.value);
                fields.problems.add(&located.place, title, "give each part a unique name");
            }
            stages::check_name(&located, "a part", fields.problems);
            located.value
        });
        let user_classes = classes(&mut fields, work.user_classes);
        let executor = executor(&mut fields, "a part", false, (work, &user_classes));
        let start_after = fields.duration("start_after").unwrap_or_default();
        if let Some(reason) = limits::time(start_after).filter(|_| !start_after.is_zero()) {
            fields.problems.add(&fields.key_place("start_after"), reason, "too late");
        }
        match executor {
            Some(executor) => {
                fields.finish();
                parts.push(LoadPart { name, executor, user_classes, start_after });
            }
            None => {
                fields.know(&KEYS);
                fields.finish();
            }
        }
    }
    if stated == 0 {
        table.problems.add(&table.key_place("part"), "a load needs a part", "there is none in this list");
    }
    (stated > 0 && parts.len() == stated).then_some(parts)
}

/// The executor of a load or of a part of one.
fn executor(
    table: &mut Fields<'_>,
    what: &str,
    may_have_parts: bool,
    (work, of_load): (Work<'_>, &[usize]),
) -> Option<Executor> {
    let amounts: Vec<&str> = AMOUNTS.into_iter().filter(|k| table.has(k)).collect();
    match amounts.as_slice() {
        ["users"] => closed(table),
        ["rate"] => open(table),
        ["iterations"] => shared(table),
        ["stages"] => staged(table),
        ["burst"] => bursts(table),
        ["replay"] => replay(table, work, of_load),
        _ => {
            let or_parts = if may_have_parts { ", `part`" } else { "" };
            let title = format!(
                "{what} needs exactly one of `users`, `rate`, `iterations`, `stages`, `burst`, `replay`{or_parts}"
            );
            table.problems.add(&table.place, title, format!("in this {}", what.trim_start_matches("a ")));
            None
        }
    }
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
    let users = users(table, "users");
    table.require("run_time");
    let run_time = time(table, "run_time");
    let spawn_rate = table.rate("spawn_rate").unwrap_or(f64::INFINITY);
    Some(Executor::Closed { users: users?, spawn_rate, run_time: run_time? })
}

fn open(table: &mut Fields<'_>) -> Option<Executor> {
    let rate = table.rate("rate");
    if let Some(reason) = rate.and_then(limits::rate) {
        table.problems.add(&table.key_place("rate"), reason, "too many");
    }
    table.require("run_time");
    let run_time = time(table, "run_time");
    let (max_in_flight, drop_after) = places(table, 1000);
    let arrivals = arrivals(table);
    Some(Executor::Open { rate: rate?, arrivals, run_time: run_time?, max_in_flight, drop_after })
}

fn shared(table: &mut Fields<'_>) -> Option<Executor> {
    let iterations = table.count("iterations", 1);
    let concurrency = if table.has("concurrency") { users(table, "concurrency") } else { Some(1) };
    let over = if table.has("over") { Some(time(table, "over")?) } else { None };
    Some(Executor::Shared { iterations: iterations?, concurrency: concurrency?, over })
}

/// `stages = [{ users = 20, over = "30s" }, { hold = "1m" }]`, or the same with `rate`.
fn staged(table: &mut Fields<'_>) -> Option<Executor> {
    match stages::read(table) {
        None => {
            table.know(&["max_in_flight", "drop_after", "arrivals"]);
            None
        }
        Some(stages::Read::Users(stages)) => Some(Executor::StagedUsers { stages }),
        Some(stages::Read::Rate(stages)) => {
            let (max_in_flight, drop_after) = places(table, 1000);
            let arrivals = arrivals(table);
            Some(Executor::StagedRate { stages, arrivals, max_in_flight, drop_after })
        }
    }
}

/// `burst = { size = 100, every = "10s", times = 5 }`
fn bursts(table: &mut Fields<'_>) -> Option<Executor> {
    let mut burst = table.table("burst")?;
    burst.require("size");
    burst.require("every");
    burst.require("times");
    let (size, every, times) =
        (users(&mut burst, "size"), time(&mut burst, "every"), count(&mut burst, "times"));
    if let (Some(every), Some(times)) = (every, times)
        && !every.is_zero()
        && let Some(reason) = limits::time(every.saturating_mul(times))
    {
        burst.problems.add(&burst.key_place("times"), reason, "too long");
    }
    burst.finish();
    let (max_in_flight, drop_after) = places(table, size.unwrap_or_default().max(1000));
    Some(Executor::Bursts { size: size?, every: every?, times: times?, max_in_flight, drop_after })
}

/// `replay = "starts.csv"`, `speed_up = 2`
fn replay(table: &mut Fields<'_>, work: Work<'_>, of_load: &[usize]) -> Option<Executor> {
    let file = table.text("replay");
    let speed_up = table.rate("speed_up").unwrap_or(1.0);
    let (max_in_flight, drop_after) = places(table, 1000);
    let file = file?;
    let of_work = replay::Work { journeys: work.journeys, user_classes: work.user_classes, of_load };
    let starts = match replay::starts(&work.folder.join(&file.value), work.world, &of_work) {
        Ok(starts) => starts,
        Err(reason) => {
            table.problems.add(&file.place, format!("cannot replay `{}`", file.value), reason);
            return None;
        }
    };
    let replay = Replay::new(file.value, speed_up, starts)?;
    if let Some(reason) = limits::rate(replay.mean_rate()).or_else(|| limits::time(replay.run_time())) {
        table.problems.add(&file.place, reason, "change `speed_up`");
    }
    Some(Executor::Replay { replay, max_in_flight, drop_after })
}

/// How many journeys of an open load may be under way, and how long a start waits for that.
fn places(table: &mut Fields<'_>, usual: u32) -> (u32, Duration) {
    let max_in_flight = users(table, "max_in_flight").unwrap_or(usual);
    (max_in_flight, table.duration("drop_after").unwrap_or(Duration::from_secs(10)))
}

fn arrivals(table: &mut Fields<'_>) -> Arrivals {
    if table.value("arrivals").is_some_and(|value| value.value.get_ref().as_table().is_some()) {
        return gamma(table).unwrap_or(Arrivals::Constant);
    }
    let Some(text) = table.text("arrivals") else { return Arrivals::Constant };
    match text.value.as_str() {
        "constant" => Arrivals::Constant,
        "poisson" => Arrivals::Poisson,
        other => {
            table.problems.add_unknown(&text.place, "kind of arrivals", other, &["constant", "poisson"]);
            Arrivals::Constant
        }
    }
}

/// `arrivals = { dispersion = 4 }`
fn gamma(table: &mut Fields<'_>) -> Option<Arrivals> {
    let mut gamma = table.table("arrivals")?;
    gamma.require("dispersion");
    let dispersion = gamma.number("dispersion");
    let problems = gamma.problems;
    gamma.finish();
    let dispersion = dispersion?;
    if !DISPERSIONS.contains(&dispersion.value) {
        let title =
            format!("`dispersion` has to lie between {} and {}", DISPERSIONS.start(), DISPERSIONS.end());
        problems.add(&dispersion.place, title, "1 is a Poisson process, higher values make clusters");
        return None;
    }
    Some(Arrivals::Gamma { dispersion: dispersion.value })
}

/// A time in which something is to be done.
fn time(table: &mut Fields<'_>, key: &'static str) -> Option<Duration> {
    let time = table.duration(key)?;
    if let Some(reason) = limits::time(time) {
        let label = if time.is_zero() { "longer than zero" } else { "shorter" };
        table.problems.add(&table.key_place(key), format!("`{key}`: {reason}"), label);
    }
    Some(time)
}

/// A number of users, or of places for journeys.
fn users(table: &mut Fields<'_>, key: &'static str) -> Option<u32> {
    let users = count(table, key)?;
    if let Some(reason) = limits::users(users) {
        table.problems.add(&table.key_place(key), format!("`{key}`: {reason}"), "too many");
    }
    Some(users)
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
