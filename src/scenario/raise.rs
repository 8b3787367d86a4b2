//! Loads of other levels: what a search for capacity raises.

use super::limits;
use super::load::{Executor, Load};
use super::overrides::{LoadOverrides, OverrideError};
use crate::run::LoadUnit;

impl Load {
    /// Its own level; none if it has nothing to raise: a number of journeys is worked off at the system's own speed, and what was
    /// recorded starts when it did.
    pub fn level(&self) -> Option<(f64, LoadUnit)> {
        match self.only() {
            Some(Executor::Closed { users, .. }) => Some(((*users).into(), LoadUnit::Users)),
            Some(Executor::Open { rate, .. }) => Some((*rate, LoadUnit::PerSecond)),
            _ if self.parts.iter().any(|part| is_fixed(&part.executor)) => None,
            _ => Some((1.0, LoadUnit::Times)),
        }
    }

    /// The same load at another level, in the unit of [`Load::level`].
    ///
    /// # Errors
    /// If that is more than one machine can make.
    pub fn at_level(&self, level: f64) -> Result<Self, OverrideError> {
        match self.level() {
            Some((_, LoadUnit::Users)) => {
                self.with(&LoadOverrides { users: Some(users(level)), ..LoadOverrides::default() })
            }
            Some((_, LoadUnit::PerSecond)) => {
                self.with(&LoadOverrides { rate: Some(level), ..LoadOverrides::default() })
            }
            Some((_, LoadUnit::Times)) => self.times(level),
            None => Ok(self.clone()),
        }
    }

    /// All levels multiplied.
    fn times(&self, factor: f64) -> Result<Self, OverrideError> {
        let mut load = self.clone();
        for part in &mut load.parts {
            let executor = &mut part.executor;
            multiply(executor, factor);
            let reason = match executor {
                Executor::Open { rate, .. } => limits::rate(*rate),
                Executor::StagedRate { stages, .. } => limits::rate(stages.peak()),
                Executor::Closed { .. } | Executor::StagedUsers { .. } => {
                    limits::users(executor.max_in_flight())
                }
                Executor::Bursts { .. } | Executor::Shared { .. } | Executor::Replay { .. } => None,
            };
            if let Some(reason) = reason {
                return Err(OverrideError::Limit { flag: "--to", reason });
            }
        }
        Ok(load)
    }
}

fn is_fixed(executor: &Executor) -> bool {
    matches!(executor, Executor::Shared { .. } | Executor::Replay { .. })
}

fn multiply(executor: &mut Executor, factor: f64) {
    match executor {
        Executor::Closed { users: own, spawn_rate, .. } => {
            *own = users(f64::from(*own) * factor);
            // The ramp keeps its length.
            *spawn_rate *= factor;
        }
        Executor::Open { rate, .. } => *rate *= factor,
        Executor::StagedUsers { stages } | Executor::StagedRate { stages, .. } => stages.multiply(factor),
        Executor::Bursts { size, .. } => *size = users(f64::from(*size) * factor),
        Executor::Shared { .. } | Executor::Replay { .. } => {}
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "users of a load; saturates")]
fn users(level: f64) -> u32 {
    level.round().max(1.0) as u32
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scenario::load::LoadPart;
    use crate::scenario::stages::Stages;

    fn second() -> Duration {
        Duration::from_secs(1)
    }

    fn load(executors: Vec<Executor>) -> Load {
        let part = |executor| LoadPart {
            name: String::new(),
            executor,
            user_classes: vec![0],
            start_after: Duration::ZERO,
        };
        Load { parts: executors.into_iter().map(part).collect(), grace: second(), abort: None }
    }

    fn closed(users: u32) -> Executor {
        Executor::Closed { users, spawn_rate: 2.0, run_time: second() }
    }

    #[test]
    fn a_plain_load_is_raised_in_its_own_unit() {
        let plain = load(vec![closed(4)]);
        assert_eq!(plain.level(), Some((4.0, LoadUnit::Users)));
        assert_eq!(plain.at_level(9.0).unwrap().only(), Some(&closed(9)));
    }

    #[test]
    fn stages_and_parts_are_multiplied_together() {
        let mut stages = Stages::default();
        stages.change("", 10.0, second());
        let staged = load(vec![Executor::StagedUsers { stages }, closed(4)]);
        assert_eq!(staged.level(), Some((1.0, LoadUnit::Times)));
        let more = staged.at_level(1.5).unwrap();
        assert_eq!(more.max_in_flight(), 21);
        assert_eq!(more.run_time(), staged.run_time());
        let refused = staged.at_level(1e6).unwrap_err().to_string();
        assert!(refused.starts_with("`--to`: at most "), "{refused}");
    }

    #[test]
    fn a_number_of_journeys_has_no_level() {
        let shared = Executor::Shared { iterations: 10, concurrency: 2, over: None };
        assert_eq!(load(vec![shared]).level(), None);
    }
}
