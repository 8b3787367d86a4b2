//! Loads: named amounts of traffic.

use std::time::Duration;

use crate::claim::Expression;
use crate::unit;

/// How traffic is made, and by whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// The rule by which journeys start.
    pub executor: Executor,
    /// User classes (places in the scenario's list) that make it.
    pub user_classes: Vec<usize>,
    /// How long requests under way may take after the load has ended.
    pub grace: Duration,
    /// A condition that ends the run early once it is seen to be true.
    pub abort: Option<Abort>,
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
}

/// How the starts of an open load are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// Evenly.
    Constant,
    /// As a Poisson process: independent of each other.
    Poisson,
}

/// Values of a load that the command line sets in place of the file's.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LoadOverrides {
    /// Users of a closed load, most journeys at a time of the others.
    pub users: Option<u32>,
    /// Users added per second.
    pub spawn_rate: Option<f64>,
    /// How long, ramp included.
    pub run_time: Option<Duration>,
    /// Journeys started per second.
    pub rate: Option<f64>,
    /// Total number of journeys.
    pub iterations: Option<u64>,
}

impl Load {
    /// This load with some of its values replaced.
    ///
    /// # Errors
    /// Names the flag that this load's executor has no use for.
    pub fn with(&self, overrides: &LoadOverrides) -> Result<Self, UselessOverride> {
        let mut load = self.clone();
        let useless = |flag, executor| UselessOverride { flag, executor };
        match &mut load.executor {
            Executor::Closed { users, spawn_rate, run_time } => {
                replace(users, overrides.users);
                replace(spawn_rate, overrides.spawn_rate);
                replace(run_time, overrides.run_time);
                refuse(overrides.rate.is_some(), || useless("--rate", "closed"))?;
                refuse(overrides.iterations.is_some(), || useless("--iterations", "closed"))?;
            }
            Executor::Open { rate, run_time, max_in_flight, .. } => {
                replace(rate, overrides.rate);
                replace(run_time, overrides.run_time);
                replace(max_in_flight, overrides.users);
                refuse(overrides.spawn_rate.is_some(), || useless("--spawn-rate", "open"))?;
                refuse(overrides.iterations.is_some(), || useless("--iterations", "open"))?;
            }
            Executor::Shared { iterations, concurrency, over } => {
                replace(iterations, overrides.iterations);
                replace(concurrency, overrides.users);
                if overrides.run_time.is_some() {
                    *over = overrides.run_time;
                }
                refuse(overrides.rate.is_some(), || useless("--rate", "shared"))?;
                refuse(overrides.spawn_rate.is_some(), || useless("--spawn-rate", "shared"))?;
            }
        }
        Ok(load)
    }

    /// How long it lasts, where that is known beforehand.
    pub fn run_time(&self) -> Option<Duration> {
        match self.executor {
            Executor::Closed { run_time, .. } | Executor::Open { run_time, .. } => Some(run_time),
            Executor::Shared { over, .. } => over,
        }
    }

    /// Makes it last so long, where it lasts a stated time.
    pub fn last(&mut self, time: Duration) {
        match &mut self.executor {
            Executor::Closed { run_time, .. } | Executor::Open { run_time, .. } => *run_time = time,
            Executor::Shared { .. } => {}
        }
    }

    /// When all users are there.
    pub fn ramp(&self) -> Duration {
        match self.executor {
            Executor::Closed { users, spawn_rate, .. } => {
                Duration::try_from_secs_f64(f64::from(users.saturating_sub(1)) / spawn_rate)
                    .unwrap_or(Duration::ZERO)
            }
            Executor::Open { .. } | Executor::Shared { .. } => Duration::ZERO,
        }
    }

    /// Places for journeys under way: users, or the cap on journeys at a time.
    pub fn max_in_flight(&self) -> u32 {
        match self.executor {
            Executor::Closed { users, .. } => users,
            Executor::Open { max_in_flight, .. } => max_in_flight,
            Executor::Shared { concurrency, .. } => concurrency,
        }
    }

    /// In words: `30 users, 5 spawned per second, 3 min`.
    pub fn text(&self) -> String {
        let time = |d: Duration| unit::span(d.as_secs_f64());
        match &self.executor {
            Executor::Closed { users, spawn_rate, run_time } => {
                let spawned = if spawn_rate.is_finite() {
                    format!("{} spawned per second", unit::plain(*spawn_rate))
                } else {
                    "all at once".to_owned()
                };
                format!("{} users, {spawned}, {}", unit::count(u64::from(*users)), time(*run_time))
            }
            Executor::Open { rate, arrivals, run_time, max_in_flight, .. } => format!(
                "{} per second, {}, at most {} at a time, {}",
                unit::plain(*rate),
                match arrivals {
                    Arrivals::Constant => "evenly spread",
                    Arrivals::Poisson => "Poisson arrivals",
                },
                unit::count(u64::from(*max_in_flight)),
                time(*run_time)
            ),
            Executor::Shared { iterations, concurrency, over } => {
                let over = over.map_or(String::new(), |o| format!(", over {}", time(o)));
                format!(
                    "{} journeys, {} at a time{over}",
                    unit::count(*iterations),
                    unit::count(u64::from(*concurrency))
                )
            }
        }
    }

    /// A text that is equal for equal loads: part of the workload's fingerprint.
    pub(super) fn canonical(&self) -> String {
        format!("{:?} {:?} {:?}", self.executor, self.user_classes, self.grace)
    }
}

/// A flag that a load has no use for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{flag}` does not apply to this load: it is {executor}")]
pub struct UselessOverride {
    flag: &'static str,
    executor: &'static str,
}

fn replace<T>(value: &mut T, with: Option<T>) {
    if let Some(with) = with {
        *value = with;
    }
}

fn refuse(useless: bool, error: impl FnOnce() -> UselessOverride) -> Result<(), UselessOverride> {
    if useless { Err(error()) } else { Ok(()) }
}
