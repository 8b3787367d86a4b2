//! The plan of a load as facts: its parts, and its levels over time.

use std::time::Duration;

use super::load::{Executor, Load, LoadPart};
use super::stages::Stages;
use crate::run::{PartFacts, StageFacts};

/// Stretches of a replay whose rates are told: as planned, and as they came to be.
const REPLAY_WINDOWS: u32 = 10;
/// From so many starts on there are enough in each.
const REPLAY_WINDOWED: usize = 100;

impl Load {
    /// Whether it is of one part whose level is reached once and stays: its values say all there is to it.
    pub fn is_plain(&self) -> bool {
        matches!(self.only(), Some(Executor::Closed { .. } | Executor::Open { .. } | Executor::Shared { .. }))
    }

    /// Its parts, in order.
    pub fn part_facts(&self) -> Vec<PartFacts> {
        let mut first_user = 0_u32;
        let facts = |part: &LoadPart| {
            let max_in_flight = part.executor.max_in_flight();
            let executor = part.executor.kind().word().to_owned();
            let facts = PartFacts { name: part.name.clone(), executor, first_user, max_in_flight };
            first_user = first_user.saturating_add(max_in_flight);
            facts
        };
        self.parts.iter().map(facts).collect()
    }

    /// Its levels over time, part by part. A part that ends when its work is done has none; the level of one without
    /// stages has the part's name.
    pub fn stage_facts(&self) -> Vec<StageFacts> {
        self.parts.iter().flat_map(of_part).collect()
    }

    /// The names of its stages; one that several stages have stands there as often.
    pub fn stage_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.stage_facts().into_iter().map(|stage| stage.name).collect();
        // What changes and then stays is one stage.
        names.dedup();
        names.retain(|name| !name.is_empty());
        names
    }
}

fn of_part(part: &LoadPart) -> Vec<StageFacts> {
    let facts = |name: &str, of: &str, start: Duration, end: Duration, from: f64, to: f64| StageFacts {
        name: name.to_owned(),
        part: part.name.clone(),
        of: of.to_owned(),
        start_us: us(part.start_after.saturating_add(start)),
        end_us: us(part.start_after.saturating_add(end)),
        from,
        to,
    };
    let all = |stages: &Stages, of: &str| {
        stages.iter().map(|s| facts(&s.name, of, s.start, s.end, s.from, s.to)).collect::<Vec<_>>()
    };
    match &part.executor {
        Executor::Closed { users, spawn_rate, run_time } => {
            let mut stages = Stages::default();
            let ramp = Duration::try_from_secs_f64(f64::from(users.saturating_sub(1)) / spawn_rate);
            let ramp = ramp.unwrap_or(Duration::MAX);
            if ramp < *run_time {
                stages.change(&part.name, f64::from(*users), ramp);
                stages.hold(&part.name, run_time.saturating_sub(ramp));
            } else {
                stages.change(&part.name, spawn_rate * run_time.as_secs_f64(), *run_time);
            }
            all(&stages, "users")
        }
        Executor::StagedUsers { stages } => all(stages, "users"),
        Executor::Open { rate, run_time, .. } => {
            vec![facts(&part.name, "per second", Duration::ZERO, *run_time, *rate, *rate)]
        }
        Executor::StagedRate { stages, .. } => all(stages, "per second"),
        Executor::Bursts { size, every, times, .. } => {
            let level = f64::from(*size);
            let burst = |n: u32| {
                let (start, end) = (every.saturating_mul(n), every.saturating_mul(n + 1));
                facts(&format!("burst {}", n + 1), "at once", start, end, level, level)
            };
            (0..*times).map(burst).collect()
        }
        Executor::Replay { replay, .. } => {
            let run_time = replay.run_time();
            let windows = if replay.count() < REPLAY_WINDOWED { 1 } else { REPLAY_WINDOWS };
            let window = |n: u32| {
                let (start, end) = (run_time * n / windows, run_time * (n + 1) / windows);
                let rate = replay.due_within(start, end) as f64 / end.saturating_sub(start).as_secs_f64();
                let name = match windows {
                    1 => part.name.clone(),
                    _ => format!("{} {} of {windows}", part.name, n + 1).trim_start().to_owned(),
                };
                facts(&name, "per second", start, end, rate, rate)
            };
            (0..windows).map(window).collect()
        }
        Executor::Shared { iterations, over, .. } => over.map_or(Vec::new(), |over| {
            let rate = *iterations as f64 / over.as_secs_f64();
            vec![facts(&part.name, "per second", Duration::ZERO, over, rate, rate)]
        }),
    }
}

fn us(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
