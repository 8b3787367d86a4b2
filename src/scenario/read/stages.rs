//! `stages`: levels of a load, one after another.

use std::time::Duration;

use crate::claim::Stretch;
use crate::scenario::fields::{Fields, Located, number};
use crate::scenario::limits;
use crate::scenario::problem::Problems;
use crate::scenario::stages::Stages;
use crate::unit;

/// Stages, by what changes in them.
pub(super) enum Read {
    Users(Stages),
    Rate(Stages),
}

/// What a stage says.
struct Said {
    name: String,
    /// `users` or `rate`, and its value; none for a stage that only holds.
    level: Option<(&'static str, f64)>,
    over: Option<Duration>,
    hold: Option<Duration>,
}

/// `stages = [{ users = 20, over = "30s", name = "up" }, { hold = "1m" }, { users = 0, over = "10s" }]`.
/// `{ users = 20, hold = "1m" }` goes there at once. The level before the first is zero.
pub(super) fn read(table: &mut Fields<'_>) -> Option<Read> {
    let key_place = table.key_place("stages");
    let mut stages = Stages::default();
    let mut kind = None;
    let mut is_right = true;
    for Located { value, place } in table.items("stages") {
        let fields = Fields::of(value, place.file, "stages", table.problems);
        let Some(said) = fields.and_then(stage) else {
            is_right = false;
            continue;
        };
        if let Some((key, level)) = said.level {
            if kind.is_some_and(|kind| kind != key) {
                let title = "the stages of a load change either `users` or `rate`";
                table.problems.add(&place, title, "put the other into a separate part");
                is_right = false;
            }
            kind = kind.or(Some(key));
            stages.change(&said.name, level, said.over.unwrap_or_default());
        }
        if let Some(hold) = said.hold {
            stages.hold(&said.name, hold);
        }
    }
    if !is_right {
        return None;
    }
    if stages.peak() <= 0.0 {
        let title = "these stages send nothing";
        table.problems.add(&key_place, title, "no `users` or `rate` above 0 lasts for any time");
        return None;
    }
    if let Some(reason) = limits::time(stages.end()) {
        table.problems.add(&key_place, format!("`stages`: {reason}"), "too long");
        return None;
    }
    Some(if kind == Some("rate") { Read::Rate(stages) } else { Read::Users(stages) })
}

/// Names of stages and parts are phases of a run, besides those that every run has.
pub(super) fn check_name(name: &Located<String>, what: &str, problems: &Problems) {
    if Stretch::ALL.iter().any(|(word, _)| *word == name.value) {
        let title = format!("{what} cannot be called `{}`", name.value);
        problems.add(&name.place, title, "that is a phase of every run");
    }
}

fn stage(mut table: Fields<'_>) -> Option<Said> {
    let name = table.text("name");
    if let Some(name) = &name {
        check_name(name, "a stage", table.problems);
    }
    let users = table.count("users", 0).map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    let rate = table.read("rate", "a rate from 0 up such as `500` or `\"30/m\"`", |value| {
        number(value)
            .or_else(|| unit::parse_rate(value.as_str()?).ok())
            .filter(|rate| *rate >= 0.0 && rate.is_finite())
    });
    let (over, hold) = (table.duration("over"), table.duration("hold"));
    let level = match (users, &rate) {
        (Some(users), None) => Some(("users", f64::from(users), limits::users(users))),
        (None, Some(rate)) => Some(("rate", rate.value, limits::rate(rate.value))),
        (None, None) => None,
        (Some(_), Some(_)) => {
            table.problems.add(&table.place, "a stage has `users` or `rate`", "leave out one of them");
            return None;
        }
    };
    if let Some((key, _, Some(reason))) = &level {
        table.problems.add(&table.key_place(key), format!("`{key}`: {reason}"), "too many");
    }
    let title = match (&level, over, hold) {
        (Some(_), None, None) => {
            "a stage needs `over` (how long the change takes) or `hold` (how long it stays)"
        }
        (None, _, None) | (None, Some(_), _) => {
            "a stage without `users` or `rate` needs `hold`, and no `over`"
        }
        _ => "",
    };
    // What was written and could not be read has been noted.
    let read = [
        ("users", users.is_some()),
        ("rate", rate.is_some()),
        ("over", over.is_some()),
        ("hold", hold.is_some()),
    ];
    let is_noted = read.into_iter().any(|(key, is_read)| table.has(key) && !is_read);
    let is_of_k6 = table.has("target") || table.has("duration");
    if is_of_k6 {
        table.know(&["target", "duration"]);
    }
    let (problems, place) = (table.problems, table.place.clone());
    table.finish();
    if is_noted {
        return None;
    }
    if !title.is_empty() {
        let help = is_of_k6.then(|| "a stage is written as `{ users = 20, over = \"30s\" }`".to_owned());
        problems.add_with_help(&place, title, "in this stage", help);
        return None;
    }
    let name = name.map_or(String::new(), |located| located.value);
    Some(Said { name, level: level.map(|(key, level, _)| (key, level)), over, hold })
}
