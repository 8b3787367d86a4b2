//! Loads: named amounts of traffic.

use std::time::Duration;

use super::replay::Replay;
use super::stages::Stages;
use crate::claim::Expression;
use crate::unit;

/// How traffic is made, and by whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// What it is made of, at the same time or one after the other; never empty.
    pub parts: Vec<LoadPart>,
    /// How long requests under way may take after the load has ended.
    pub grace: Duration,
    /// A condition that ends the run early once it is seen to be true.
    pub abort: Option<Abort>,
}

/// A part of a load: users, or starts of journeys, that follow one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadPart {
    /// Its name; empty for the only part of a load.
    pub name: String,
    /// The rule by which journeys start.
    pub executor: Executor,
    /// User classes (places in the scenario's list) that make it.
    pub user_classes: Vec<usize>,
    /// From the load's start to its own.
    pub start_after: Duration,
}

/// A condition that ends a run early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abort {
    /// An expression over the run so far, true or false.
    pub when: Expression,
    /// How long after the load's start it is first looked at.
    pub after: Duration,
}

/// The rule by which journeys start.
#[derive(Clone, Debug, PartialEq)]
pub enum Executor {
    /// A number of users, each of which waits for its answers: a slow system gets less load.
    Closed {
        /// Users at full load.
        users: u32,
        /// Users added per second; infinite for all at once.
        spawn_rate: f64,
        /// From the start, the ramp included.
        run_time: Duration,
    },
    /// Journeys start at a rate, however slow the system is.
    Open {
        /// Journeys started per second.
        rate: f64,
        /// How the starts are spread.
        arrivals: Arrivals,
        /// From the start.
        run_time: Duration,
        /// Most journeys at a time; each has its own connection.
        max_in_flight: u32,
        /// A start that finds no free place for this long is dropped.
        drop_after: Duration,
    },
    /// A number of journeys, shared by a number of users.
    Shared {
        /// Total number of journeys.
        iterations: u64,
        /// Most journeys at a time.
        concurrency: u32,
        /// Spreads the starts evenly over this time; none starts each as soon as it can.
        over: Option<Duration>,
    },
    /// A number of users that changes: those that are too many leave at the end of their journey.
    StagedUsers {
        /// Users over time.
        stages: Stages,
    },
    /// Journeys start at a rate that changes, however slow the system is.
    StagedRate {
        /// Journeys started per second, over time.
        stages: Stages,
        /// How the starts are spread.
        arrivals: Arrivals,
        /// Most journeys at a time; each has its own connection.
        max_in_flight: u32,
        /// A start that finds no free place for this long is dropped.
        drop_after: Duration,
    },
    /// Journeys start when they were recorded to, however slow the system is.
    Replay {
        /// What was recorded.
        replay: Replay,
        /// Most journeys at a time; each has its own connection.
        max_in_flight: u32,
        /// A start that finds no free place for this long is dropped.
        drop_after: Duration,
    },
    /// Many journeys start at once, again and again.
    Bursts {
        /// Journeys of a burst.
        size: u32,
        /// From the start of one to the start of the next; the last has as much time.
        every: Duration,
        /// How many bursts.
        times: u32,
        /// Most journeys at a time; each has its own connection.
        max_in_flight: u32,
        /// A start that finds no free place for this long is dropped.
        drop_after: Duration,
    },
}

/// How the starts of an open load are spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arrivals {
    /// Evenly.
    Constant,
    /// As a Poisson process: independent of each other.
    Poisson,
    /// With gamma-distributed gaps: in clusters, or more evenly than a Poisson process.
    Gamma {
        /// The index of dispersion of their counts over long times, which is the squared coefficient of variation of the
        /// gaps: above 1 they come in clusters, at 1 they are a Poisson process.
        dispersion: f64,
    },
}

/// What kind of load something is: what can be said of its audit depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadKind {
    /// Users wait for their answers.
    Closed,
    /// Journeys start whatever became of those before them.
    Open,
    /// A number of journeys is worked off.
    Shared,
    /// Parts of different kinds.
    Mixed,
}

impl LoadKind {
    /// The word for it in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::Shared => "shared",
            Self::Mixed => "mixed",
        }
    }
}

impl Executor {
    /// What kind of load it makes.
    pub fn kind(&self) -> LoadKind {
        match self {
            Self::Closed { .. } | Self::StagedUsers { .. } => LoadKind::Closed,
            Self::Open { .. } | Self::StagedRate { .. } | Self::Bursts { .. } | Self::Replay { .. } => {
                LoadKind::Open
            }
            Self::Shared { .. } => LoadKind::Shared,
        }
    }

    /// How long it lasts, where that is known beforehand.
    pub fn run_time(&self) -> Option<Duration> {
        match self {
            Self::Closed { run_time, .. } | Self::Open { run_time, .. } => Some(*run_time),
            Self::Shared { over, .. } => *over,
            Self::StagedUsers { stages } | Self::StagedRate { stages, .. } => Some(stages.end()),
            Self::Bursts { every, times, .. } => Some(every.saturating_mul(*times)),
            Self::Replay { replay, .. } => Some(replay.run_time()),
        }
    }

    /// Places for journeys under way: users, or the cap on journeys at a time.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "users of a load; saturates")]
    pub fn max_in_flight(&self) -> u32 {
        match self {
            Self::Closed { users, .. } => *users,
            Self::StagedUsers { stages } => stages.peak().ceil() as u32,
            Self::Open { max_in_flight, .. }
            | Self::StagedRate { max_in_flight, .. }
            | Self::Bursts { max_in_flight, .. }
            | Self::Replay { max_in_flight, .. } => *max_in_flight,
            Self::Shared { concurrency, .. } => *concurrency,
        }
    }

    /// Journeys that it starts, where that is known beforehand.
    pub fn journeys(&self) -> Option<f64> {
        match self {
            Self::Closed { .. } | Self::StagedUsers { .. } => None,
            Self::Open { rate, run_time, .. } => Some(rate * run_time.as_secs_f64()),
            Self::StagedRate { stages, .. } => Some(stages.area()),
            Self::Bursts { size, times, .. } => Some(f64::from(*size) * f64::from(*times)),
            Self::Replay { replay, .. } => Some(replay.count() as f64),
            Self::Shared { iterations, .. } => Some(*iterations as f64),
        }
    }

    /// In words: `30 users, 5 spawned per second, 3 min`.
    pub fn text(&self) -> String {
        let time = |d: Duration| unit::span(d.as_secs_f64());
        let count = |n: &u32| unit::count(u64::from(*n));
        match self {
            Self::Closed { users, spawn_rate, run_time } => {
                let spawned = if spawn_rate.is_finite() {
                    format!("{} spawned per second", unit::plain(*spawn_rate))
                } else {
                    "all at once".to_owned()
                };
                format!("{} users, {spawned}, {}", count(users), time(*run_time))
            }
            Self::Open { rate, arrivals, run_time, max_in_flight, .. } => format!(
                "{} per second, {}, at most {} at a time, {}",
                unit::plain(*rate),
                arrivals.text(),
                count(max_in_flight),
                time(*run_time)
            ),
            Self::Shared { iterations, concurrency, over } => {
                let over = over.map_or(String::new(), |o| format!(", over {}", time(o)));
                format!("{} journeys, {} at a time{over}", unit::count(*iterations), count(concurrency))
            }
            Self::StagedUsers { stages } => stages.text("users"),
            Self::StagedRate { stages, arrivals, max_in_flight, .. } => format!(
                "{}, {}, at most {} at a time",
                stages.text("per second"),
                arrivals.text(),
                count(max_in_flight)
            ),
            Self::Bursts { size, every, times, max_in_flight, .. } => format!(
                "{} bursts of {} journeys, one every {}, at most {} at a time",
                count(times),
                count(size),
                time(*every),
                count(max_in_flight)
            ),
            Self::Replay { replay, max_in_flight, .. } => format!(
                "{}, at most {} at a time, {}",
                replay.text(),
                count(max_in_flight),
                time(replay.run_time())
            ),
        }
    }

    fn canonical(&self) -> String {
        match self {
            Self::StagedUsers { stages } => format!("StagedUsers {}", stages.canonical()),
            Self::StagedRate { stages, arrivals, max_in_flight, drop_after } => {
                format!("StagedRate {} {arrivals:?} {max_in_flight:?} {drop_after:?}", stages.canonical())
            }
            Self::Replay { replay, max_in_flight, drop_after } => {
                format!("{} {max_in_flight:?} {drop_after:?}", replay.canonical())
            }
            // As stored fingerprints were made.
            Self::Closed { .. } | Self::Open { .. } | Self::Shared { .. } | Self::Bursts { .. } => {
                format!("{self:?}")
            }
        }
    }
}

impl Arrivals {
    fn text(self) -> String {
        match self {
            Self::Constant => "evenly spread".to_owned(),
            Self::Poisson => "Poisson arrivals".to_owned(),
            Self::Gamma { dispersion } => {
                format!("gamma arrivals with an index of dispersion of {}", unit::plain(dispersion))
            }
        }
    }

    /// Whether the starts of a share of a load are of the same kind as those of all of it, so that workers can draw their
    /// own.
    pub fn can_be_shared_out(self) -> bool {
        !matches!(self, Self::Gamma { .. })
    }
}

impl LoadPart {
    /// From the load's start to its end, where that is known beforehand.
    pub fn end(&self) -> Option<Duration> {
        Some(self.start_after.saturating_add(self.executor.run_time()?))
    }

    /// In words, with its name where it has one.
    fn text(&self) -> String {
        let name = if self.name.is_empty() { String::new() } else { format!("{}: ", self.name) };
        let after = if self.start_after.is_zero() {
            String::new()
        } else {
            format!(", from {} on", unit::span(self.start_after.as_secs_f64()))
        };
        format!("{name}{}{after}", self.executor.text())
    }
}

impl Load {
    /// A load of one part.
    pub fn of(executor: Executor, user_classes: Vec<usize>, grace: Duration) -> Self {
        let part = LoadPart { name: String::new(), executor, user_classes, start_after: Duration::ZERO };
        Self { parts: vec![part], grace, abort: None }
    }

    /// The executor of a load of one part that starts with it.
    pub fn only(&self) -> Option<&Executor> {
        match &self.parts[..] {
            [part] if part.start_after.is_zero() => Some(&part.executor),
            _ => None,
        }
    }

    /// The recorded starts that it makes again, in words; none if it makes none.
    pub fn replayed(&self) -> Option<String> {
        let replays = self.parts.iter().filter_map(|part| match &part.executor {
            Executor::Replay { replay, .. } => Some(replay.text()),
            _ => None,
        });
        let replays: Vec<String> = replays.collect();
        (!replays.is_empty()).then(|| replays.join("; "))
    }

    /// What kind of load its parts make.
    pub fn kind(&self) -> LoadKind {
        let mut kinds = self.parts.iter().map(|part| part.executor.kind());
        let first = kinds.next().unwrap_or(LoadKind::Mixed);
        if kinds.all(|kind| kind == first) { first } else { LoadKind::Mixed }
    }

    /// How long it lasts, where that is known beforehand.
    pub fn run_time(&self) -> Option<Duration> {
        self.parts.iter().map(LoadPart::end).try_fold(Duration::ZERO, |longest, end| Some(longest.max(end?)))
    }

    /// Whether it has a run time of its own: one with stages or parts has its times as they are.
    pub fn can_last(&self) -> bool {
        matches!(self.only(), Some(Executor::Closed { .. } | Executor::Open { .. }))
    }

    /// Places for journeys under way: users, or the cap on journeys at a time, of all parts.
    pub fn max_in_flight(&self) -> u32 {
        self.parts.iter().map(|part| part.executor.max_in_flight()).fold(0, u32::saturating_add)
    }

    /// Journeys that it starts, where that is known beforehand.
    pub fn journeys(&self) -> Option<f64> {
        self.parts.iter().map(|part| part.executor.journeys()).sum()
    }

    /// Journeys started per second of an open load: the mean where it changes.
    pub fn mean_rate(&self) -> Option<f64> {
        if let Some(Executor::Open { rate, .. }) = self.only() {
            return Some(*rate);
        }
        let seconds = self.run_time()?.as_secs_f64();
        (self.kind() == LoadKind::Open && seconds > 0.0).then_some(self.journeys()? / seconds)
    }

    /// In words: `30 users, 5 spawned per second, 3 min`.
    pub fn text(&self) -> String {
        self.parts.iter().map(LoadPart::text).collect::<Vec<_>>().join("; ")
    }

    /// A text that is equal for equal loads: part of the workload's fingerprint.
    pub(super) fn canonical(&self) -> String {
        let part = |part: &LoadPart| {
            let after = if part.start_after.is_zero() && self.parts.len() == 1 {
                String::new()
            } else {
                format!("{:?} ", part.start_after)
            };
            format!("{} {:?} {after}", part.executor.canonical(), part.user_classes)
        };
        format!("{}{:?}", self.parts.iter().map(part).collect::<String>(), self.grace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(users: u32, run_s: u64) -> Executor {
        Executor::Closed { users, spawn_rate: f64::INFINITY, run_time: Duration::from_secs(run_s) }
    }

    fn part(name: &str, executor: Executor, after_s: u64) -> LoadPart {
        let start_after = Duration::from_secs(after_s);
        LoadPart { name: name.to_owned(), executor, user_classes: vec![0], start_after }
    }

    #[test]
    fn a_load_of_one_part_has_the_canonical_text_that_stored_runs_have() {
        let load = Load::of(closed(3, 5), vec![0, 2], Duration::from_secs(10));
        let text = "Closed { users: 3, spawn_rate: inf, run_time: 5s } [0, 2] 10s";
        assert_eq!(load.canonical(), text);
    }

    #[test]
    fn parts_add_up() {
        let open = Executor::Bursts {
            size: 10,
            every: Duration::from_secs(2),
            times: 3,
            max_in_flight: 50,
            drop_after: Duration::from_secs(1),
        };
        let grace = Duration::from_secs(10);
        let load = Load { parts: vec![part("a", closed(3, 5), 0), part("b", open, 4)], grace, abort: None };
        assert_eq!(load.run_time(), Some(Duration::from_secs(10)));
        assert_eq!((load.max_in_flight(), load.kind(), load.journeys()), (53, LoadKind::Mixed, None));
        assert_eq!(
            load.text(),
            "a: 3 users, all at once, 5 s; b: 3 bursts of 10 journeys, one every 2 s, at most 50 at a time, from 4 s on"
        );
        let swapped = Load { parts: vec![load.parts[1].clone(), load.parts[0].clone()], ..load.clone() };
        assert_ne!(load.canonical(), swapped.canonical());
    }
}
