//! How a load can last longer and be the same load: what a pilot may set.

use std::time::Duration;

use super::fault::{Fault, FaultStart};
use super::load::{Executor, Load};
use crate::unit;

/// What of a load grows when it lasts longer.
#[derive(Clone, Debug, PartialEq)]
pub enum Lasting {
    /// Its run time.
    RunTime,
    /// Its only hold; all that changes stays as it is.
    Hold {
        /// Its length, without the stages around it.
        seconds: f64,
        /// The stage's name; empty if it has none.
        name: String,
    },
    /// How many bursts it has.
    Bursts {
        /// From the start of one to the start of the next.
        every: Duration,
    },
    /// How many journeys it has.
    Iterations {
        /// As stated.
        stated: u64,
    },
    /// Nothing: a longer one would be another load, for this reason.
    Fixed(&'static str),
}

impl Load {
    /// What of it grows when it lasts longer under these faults.
    pub fn lasting(&self, faults: &[Fault]) -> Lasting {
        match self.only() {
            None => Lasting::Fixed("the load's parts keep their times, which belong together"),
            Some(Executor::Closed { .. } | Executor::Open { .. }) => Lasting::RunTime,
            Some(Executor::Bursts { every, .. }) => Lasting::Bursts { every: *every },
            Some(Executor::Shared { iterations, .. }) => Lasting::Iterations { stated: *iterations },
            Some(Executor::Replay { .. }) => Lasting::Fixed("recorded starts keep their times"),
            Some(Executor::StagedUsers { stages } | Executor::StagedRate { stages, .. }) => {
                let Some(hold) = stages.only_hold() else {
                    return Lasting::Fixed(
                        "its stages keep their times, since a longer stage is another load for what follows it",
                    );
                };
                let is_later = |fault: &Fault| match fault.start {
                    FaultStart::Load(at) => at.saturating_add(fault.lasts.unwrap_or_default()) > hold.end,
                    FaultStart::Drain(_) => false,
                };
                if faults.iter().any(is_later) {
                    return Lasting::Fixed("a fault belongs to a stage after its hold, which would move");
                }
                let seconds = hold.end.saturating_sub(hold.start).as_secs_f64();
                Lasting::Hold { seconds, name: hold.name.clone() }
            }
        }
    }

    /// Makes it last so long in place of `stated`, or as little longer as whole bursts and journeys allow. Never
    /// shorter; as it is, if it is [`Lasting::Fixed`]. `stated` is its run time, or how long it took where it has none.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "journeys of a load; saturates"
    )]
    pub fn last(&mut self, time: Duration, stated: Duration) {
        if self.only().is_none() {
            return;
        }
        match self.parts.first_mut().map(|part| &mut part.executor) {
            Some(Executor::Closed { run_time, .. } | Executor::Open { run_time, .. }) => *run_time = time,
            Some(Executor::Bursts { every, times, .. }) => {
                let whole = (time.as_secs_f64() / every.as_secs_f64()).ceil() as u32;
                *times = whole.max(*times);
            }
            Some(Executor::Shared { iterations, over, .. }) => {
                let whole = (*iterations as f64 * share(time, stated)).ceil() as u64;
                *over = over.map(|over| over.mul_f64(whole as f64 / *iterations as f64));
                *iterations = whole.max(*iterations);
            }
            Some(Executor::StagedUsers { stages } | Executor::StagedRate { stages, .. }) => {
                stages.lengthen_hold(time.saturating_sub(stated));
            }
            Some(Executor::Replay { .. }) | None => {}
        }
    }
}

/// How many times `stated` a time is; at least once.
fn share(time: Duration, stated: Duration) -> f64 {
    let share = time.as_secs_f64() / stated.as_secs_f64();
    // What arithmetic leaves makes no journey more.
    if share.is_finite() { ((share * 1e6).round() / 1e6).max(1.0) } else { 1.0 }
}

impl Lasting {
    /// The part of a run time that stays as it is when the load lasts longer, s. `ramp`: from the load's start until all
    /// users are there.
    pub fn fixed_s(&self, run_time: Duration, ramp: Duration) -> f64 {
        match self {
            Self::RunTime | Self::Bursts { .. } => ramp.as_secs_f64(),
            Self::Hold { seconds, .. } => (run_time.as_secs_f64() - seconds).max(0.0),
            Self::Iterations { .. } => 0.0,
            Self::Fixed(_) => run_time.as_secs_f64(),
        }
    }

    /// A run of this length in place of `stated`: `1 min`, `4000 journeys`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "journeys of a load; saturates"
    )]
    pub fn text(&self, time: Duration, stated: Duration) -> String {
        match self {
            Self::RunTime | Self::Hold { .. } | Self::Fixed(_) => {
                unit::span((time.as_secs_f64() * 10.0).round() / 10.0)
            }
            Self::Bursts { every } => {
                let bursts = (time.as_secs_f64() / every.as_secs_f64()).ceil();
                format!("{} bursts", unit::count(bursts as u64))
            }
            Self::Iterations { stated: iterations } => {
                let journeys = (*iterations as f64 * share(time, stated)).ceil();
                format!("{} journeys", unit::count(journeys as u64))
            }
        }
    }

    /// What to state if runs are too short.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::RunTime => "state a longer `run_time`",
            Self::Hold { .. } => "state a longer `hold`",
            Self::Bursts { .. } => "state more bursts (`times`)",
            Self::Iterations { .. } => "state more `iterations`",
            Self::Fixed(_) => "state a longer load",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::fault::{FaultAction, ServiceFault};
    use crate::scenario::load::LoadPart;
    use crate::scenario::stages::Stages;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn load(executor: Executor) -> Load {
        Load::of(executor, vec![0], s(10))
    }

    /// Up in 10 s, a hold of 60 s, down in 5 s.
    fn trapeze() -> Load {
        let mut stages = Stages::default();
        stages.change("", 20.0, s(10));
        stages.hold("full", s(60));
        stages.change("", 0.0, s(5));
        load(Executor::StagedUsers { stages })
    }

    fn fault(at: FaultStart, lasts: Option<Duration>) -> Fault {
        Fault {
            name: "paused".to_owned(),
            start: at,
            lasts,
            action: FaultAction::Service(ServiceFault::Pause, "shop".to_owned()),
            loads: Vec::new(),
            profiles: Vec::new(),
        }
    }

    #[test]
    fn an_only_hold_grows_and_the_slopes_stay() {
        let mut load = trapeze();
        let lasting = load.lasting(&[]);
        assert_eq!(lasting, Lasting::Hold { seconds: 60.0, name: "full".to_owned() });
        assert_eq!(lasting.fixed_s(s(75), s(10)), 15.0);
        load.last(s(195), s(75));
        assert_eq!(load.text(), "0 to 20 users over 10 s, 20 users for 3 min (full), 20 to 0 users over 5 s");
        assert_eq!(load.run_time(), Some(s(195)));
    }

    #[test]
    fn a_fault_after_the_hold_keeps_it() {
        let lasting = |start, lasts| trapeze().lasting(&[fault(start, lasts)]);
        assert!(matches!(lasting(FaultStart::Load(s(40)), Some(s(30))), Lasting::Hold { .. }));
        assert!(matches!(lasting(FaultStart::Load(s(40)), Some(s(31))), Lasting::Fixed(_)));
        assert!(matches!(lasting(FaultStart::Load(s(72)), None), Lasting::Fixed(_)));
        assert!(matches!(lasting(FaultStart::Drain(s(9)), None), Lasting::Hold { .. }));
    }

    #[test]
    fn stages_of_several_levels_parts_and_recordings_keep_their_times() {
        let mut stages = Stages::default();
        stages.hold("nothing", s(5));
        stages.change("", 20.0, Duration::ZERO);
        stages.hold("before", s(60));
        let one = load(Executor::StagedUsers { stages: stages.clone() });
        assert!(matches!(one.lasting(&[]), Lasting::Hold { .. }), "a level of 0 is no load");
        stages.change("", 100.0, Duration::ZERO);
        stages.hold("spike", s(20));
        let mut several = load(Executor::StagedUsers { stages });
        assert!(matches!(several.lasting(&[]), Lasting::Fixed(_)));
        let before = several.clone();
        several.last(s(300), s(85));
        assert_eq!(several, before);
        let open = Executor::Shared { iterations: 10, concurrency: 2, over: None };
        let parts: Vec<LoadPart> = (0..2).flat_map(|_| load(open.clone()).parts).collect();
        assert!(matches!(Load { parts, ..trapeze() }.lasting(&[]), Lasting::Fixed(_)));
    }

    #[test]
    fn counts_grow_by_as_much_as_the_time() {
        let shared = |over| load(Executor::Shared { iterations: 1_000, concurrency: 5, over });
        let mut by_speed = shared(None);
        by_speed.last(Duration::from_millis(7_777), Duration::from_millis(3_333));
        assert_eq!(by_speed.journeys(), Some(2_334.0), "2333.4 journeys are 2334");
        let mut by_time = shared(Some(s(10)));
        by_time.last(s(25), s(10));
        assert_eq!((by_time.journeys(), by_time.run_time()), (Some(2_500.0), Some(s(25))));
        let lasting = by_time.lasting(&[]);
        assert_eq!(lasting, Lasting::Iterations { stated: 2_500 });
        assert_eq!(lasting.text(s(50), s(25)), "5000 journeys");
        let before = by_speed.clone();
        by_speed.last(s(5), Duration::ZERO);
        assert_eq!(by_speed, before, "nothing was measured");
    }

    #[test]
    fn bursts_get_more_and_keep_size_and_gap() {
        let (max_in_flight, drop_after) = (50, s(1));
        let mut bursts =
            load(Executor::Bursts { size: 10, every: s(20), times: 3, max_in_flight, drop_after });
        assert_eq!(bursts.lasting(&[]).text(s(61), s(60)), "4 bursts");
        bursts.last(s(61), s(60));
        assert_eq!(bursts.run_time(), Some(s(80)));
        assert_eq!(bursts.journeys(), Some(40.0));
    }
}
