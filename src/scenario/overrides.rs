//! Values of a load that the command line sets in place of the file's.

use std::time::Duration;

use super::limits;
use super::load::{Executor, Load};

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

/// Why a load cannot be changed so.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OverrideError {
    /// A flag that a load has no use for.
    #[error("`{flag}` does not apply to this load: it is {executor}")]
    Useless {
        /// The flag.
        flag: &'static str,
        /// What it is.
        executor: &'static str,
    },
    /// A load that would do nothing, or too much.
    #[error("`{flag}`: {reason}")]
    Limit {
        /// The flag.
        flag: &'static str,
        /// What is wrong with its value.
        reason: String,
    },
}

impl LoadOverrides {
    /// The flags that are set.
    fn flags(&self) -> impl Iterator<Item = &'static str> {
        [
            ("--users", self.users.is_some()),
            ("--spawn-rate", self.spawn_rate.is_some()),
            ("--run-time", self.run_time.is_some()),
            ("--rate", self.rate.is_some()),
            ("--iterations", self.iterations.is_some()),
        ]
        .into_iter()
        .filter_map(|(flag, is_set)| is_set.then_some(flag))
    }

    fn check(&self) -> Result<(), OverrideError> {
        let reasons = [
            ("--users", self.users.and_then(limits::users)),
            ("--run-time", self.run_time.and_then(limits::time)),
            ("--rate", self.rate.and_then(limits::rate)),
        ];
        let first = reasons.into_iter().find_map(|(flag, reason)| Some((flag, reason?)));
        first.map_or(Ok(()), |(flag, reason)| Err(OverrideError::Limit { flag, reason }))
    }
}

impl Load {
    /// This load with some of its values replaced.
    ///
    /// # Errors
    /// Names the flag that this load has no use for, or whose value is too much, or nothing.
    pub fn with(&self, overrides: &LoadOverrides) -> Result<Self, OverrideError> {
        overrides.check()?;
        let mut load = self.clone();
        let (useful, executor): (&[&str], _) = match &load.parts[..] {
            [part] => useful(&part.executor),
            _ => (&[], "made of several parts"),
        };
        if let Some(flag) = overrides.flags().find(|flag| !useful.contains(flag)) {
            return Err(OverrideError::Useless { flag, executor });
        }
        for part in &mut load.parts {
            set(&mut part.executor, overrides);
        }
        Ok(load)
    }
}

/// The flags that an executor has use for, and what it is called.
fn useful(executor: &Executor) -> (&'static [&'static str], &'static str) {
    match executor {
        Executor::Closed { .. } => (&["--users", "--spawn-rate", "--run-time"], "closed"),
        Executor::Open { .. } => (&["--users", "--rate", "--run-time"], "open"),
        Executor::Shared { .. } => (&["--users", "--iterations", "--run-time"], "shared"),
        Executor::StagedUsers { .. } => (&[], "made of stages"),
        Executor::StagedRate { .. } => (&["--users"], "made of stages"),
        Executor::Bursts { .. } => (&["--users"], "made of bursts"),
        Executor::Replay { .. } => (&["--users"], "recorded"),
    }
}

fn set(executor: &mut Executor, overrides: &LoadOverrides) {
    match executor {
        Executor::Closed { users, spawn_rate, run_time } => {
            replace(users, overrides.users);
            replace(spawn_rate, overrides.spawn_rate);
            replace(run_time, overrides.run_time);
        }
        Executor::Open { rate, run_time, max_in_flight, .. } => {
            replace(rate, overrides.rate);
            replace(run_time, overrides.run_time);
            replace(max_in_flight, overrides.users);
        }
        Executor::Shared { iterations, concurrency, over } => {
            replace(iterations, overrides.iterations);
            replace(concurrency, overrides.users);
            if overrides.run_time.is_some() {
                *over = overrides.run_time;
            }
        }
        Executor::StagedRate { max_in_flight, .. }
        | Executor::Bursts { max_in_flight, .. }
        | Executor::Replay { max_in_flight, .. } => {
            replace(max_in_flight, overrides.users);
        }
        Executor::StagedUsers { .. } => {}
    }
}

fn replace<T>(value: &mut T, with: Option<T>) {
    if let Some(with) = with {
        *value = with;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed() -> Load {
        let run_time = Duration::from_secs(5);
        Load::of(Executor::Closed { users: 3, spawn_rate: 1.0, run_time }, vec![0], Duration::ZERO)
    }

    fn said(load: &Load, overrides: &LoadOverrides) -> String {
        load.with(overrides).map_or_else(|error| error.to_string(), |load| load.text())
    }

    #[test]
    fn a_flag_replaces_what_the_load_has_and_nothing_else() {
        let users = LoadOverrides { users: Some(9), ..LoadOverrides::default() };
        let rate = LoadOverrides { rate: Some(9.0), ..LoadOverrides::default() };
        assert_eq!(said(&closed(), &users), "9 users, 1 spawned per second, 5 s");
        assert_eq!(said(&closed(), &rate), "`--rate` does not apply to this load: it is closed");
        let mut parts = closed();
        parts.parts.extend(closed().parts);
        assert_eq!(
            said(&parts, &users),
            "`--users` does not apply to this load: it is made of several parts"
        );
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        let many = LoadOverrides { users: Some(u32::MAX), ..LoadOverrides::default() };
        assert!(said(&closed(), &many).starts_with("`--users`: at most "), "{}", said(&closed(), &many));
        let never = LoadOverrides { run_time: Some(Duration::ZERO), ..LoadOverrides::default() };
        assert_eq!(said(&closed(), &never), "`--run-time`: a load of no time sends nothing");
    }
}
