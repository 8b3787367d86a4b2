//! When a load is level, and when it changes: the phases that its samples carry.

use std::time::Duration;

use super::load::{Executor, Load, LoadPart};
use super::stages::Stages;
use crate::sample::Phase;

/// The phases of a load over its time, from its start on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// Where each begins, in order; the first at zero. Two steady ones that are neighbours have different levels.
    begins: Vec<(Duration, Phase)>,
    /// When the load ends, where that is known beforehand.
    pub end: Option<Duration>,
}

/// What a part does for a stretch.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Changing,
    /// Its level stays; nothing is to be done at zero.
    Level(f64),
}

/// A stretch of a part; without an end, it lasts until the run ends.
struct Stretch {
    start: Duration,
    end: Option<Duration>,
    state: State,
}

impl Load {
    /// Its phases: the load is steady while the level of each part stays, and one of them does something.
    pub fn timeline(&self) -> Timeline {
        let parts: Vec<Vec<Stretch>> = self.parts.iter().map(stretches).collect();
        let stretches = || parts.iter().flatten();
        let mut bounds: Vec<Duration> = stretches().flat_map(|s| [Some(s.start), s.end]).flatten().collect();
        bounds.push(Duration::ZERO);
        bounds.sort_unstable();
        bounds.dedup();
        let end = self.run_time();
        let mut begins: Vec<(Duration, Phase)> = Vec::new();
        let mut before = Vec::new();
        for at in bounds.into_iter().filter(|at| at.is_zero() || end.is_none_or(|end| *at < end)) {
            let now: Vec<Option<State>> = parts.iter().map(|part| state(part, at)).collect();
            let phase = phase(&now);
            let goes_on = begins.last().is_some_and(|(_, last)| *last == phase);
            if !goes_on || (phase == Phase::Steady && now != before) {
                begins.push((at, phase));
            }
            before = now;
        }
        Timeline { begins, end }
    }

    /// When it is steady for the first time; its end, or zero, if it never is.
    pub fn ramp(&self) -> Duration {
        let timeline = self.timeline();
        let steady = timeline.begins.iter().find(|(_, phase)| *phase == Phase::Steady);
        steady.map_or(timeline.end.unwrap_or_default(), |(at, _)| *at)
    }
}

impl Timeline {
    /// The phase of a moment of the load.
    pub fn phase(&self, at: Duration) -> Phase {
        if self.end.is_some_and(|end| at >= end) {
            return Phase::Drain;
        }
        let place = self.begins.partition_point(|(begin, _)| *begin <= at);
        self.begins.get(place.saturating_sub(1)).map_or(Phase::Steady, |(_, phase)| *phase)
    }

    /// Phases with start and end, as far as the load has come by `until`.
    pub fn spans(&self, until: Duration) -> Vec<(Phase, Duration, Duration)> {
        let last = self.end.map_or(until, |end| end.min(until));
        let ends = self.begins.iter().skip(1).map(|(begin, _)| *begin).chain([last]);
        let spans = self.begins.iter().zip(ends).map(|((begin, phase), end)| (*phase, *begin, end.min(last)));
        spans.filter(|(_, start, end)| end > start || start.is_zero()).collect()
    }
}

/// What a part does at a moment; none before its start and after its end.
fn state(part: &[Stretch], at: Duration) -> Option<State> {
    part.iter().find(|s| s.start <= at && s.end.is_none_or(|end| at < end)).map(|s| s.state)
}

fn phase(parts: &[Option<State>]) -> Phase {
    let states = || parts.iter().flatten();
    let changes = states().any(|state| *state == State::Changing);
    let does_something = states().any(|state| matches!(state, State::Level(level) if *level > 0.0));
    if !changes && does_something { Phase::Steady } else { Phase::Ramp }
}

fn stretches(part: &LoadPart) -> Vec<Stretch> {
    let start = part.start_after;
    let end = part.end();
    match &part.executor {
        Executor::Closed { users, spawn_rate, .. } => {
            // All are there when the last of them comes.
            let ramp = f64::from(users.saturating_sub(1)) / spawn_rate;
            let full = start.saturating_add(Duration::try_from_secs_f64(ramp).unwrap_or(Duration::MAX));
            vec![
                Stretch { start, end: Some(full), state: State::Changing },
                Stretch { start: full, end, state: State::Level(f64::from(*users)) },
            ]
        }
        Executor::StagedUsers { stages } | Executor::StagedRate { stages, .. } => of_stages(stages, start),
        Executor::Open { rate, .. } => vec![Stretch { start, end, state: State::Level(*rate) }],
        Executor::Shared { .. } | Executor::Bursts { .. } | Executor::Replay { .. } => {
            vec![Stretch { start, end, state: State::Level(1.0) }]
        }
    }
}

fn of_stages(stages: &Stages, start: Duration) -> Vec<Stretch> {
    let stretch = |stage: &super::stages::Stage| {
        let state = if stage.is_level() { State::Level(stage.to) } else { State::Changing };
        Stretch { start: start + stage.start, end: Some(start + stage.end), state }
    };
    stages.iter().map(stretch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn load(executor: Executor) -> Load {
        Load::of(executor, vec![0], s(10))
    }

    fn staged() -> Executor {
        let mut stages = Stages::default();
        stages.change("", 10.0, s(2));
        stages.hold("", s(3));
        stages.change("", 40.0, Duration::ZERO);
        stages.hold("spike", s(1));
        stages.change("", 0.0, s(2));
        Executor::StagedUsers { stages }
    }

    #[test]
    fn users_that_are_spawned_one_by_one_are_a_ramp() {
        let load = load(Executor::Closed { users: 21, spawn_rate: 10.0, run_time: s(10) });
        assert_eq!(load.ramp(), s(2));
        let timeline = load.timeline();
        assert_eq!(timeline.phase(s(0)), Phase::Ramp);
        assert_eq!(timeline.phase(s(2)), Phase::Steady);
        assert_eq!(timeline.phase(s(10)), Phase::Drain);
        let spans = timeline.spans(s(12));
        assert_eq!(spans, [(Phase::Ramp, s(0), s(2)), (Phase::Steady, s(2), s(10))]);
        assert_eq!(timeline.spans(s(1)), [(Phase::Ramp, s(0), s(1))], "one that was cut short");
    }

    #[test]
    fn users_that_will_never_all_be_there_are_a_ramp_to_the_end() {
        let load = load(Executor::Closed { users: 1_000, spawn_rate: 1.0, run_time: s(10) });
        assert_eq!(load.timeline().spans(s(10)), [(Phase::Ramp, s(0), s(10))]);
        assert_eq!(load.ramp(), s(10));
    }

    #[test]
    fn a_load_without_a_known_end_is_steady_for_ever() {
        let load = load(Executor::Shared { iterations: 5, concurrency: 1, over: None });
        assert_eq!((load.ramp(), load.timeline().phase(s(86_400))), (s(0), Phase::Steady));
        assert_eq!(load.timeline().spans(s(7)), [(Phase::Steady, s(0), s(7))]);
    }

    #[test]
    fn levels_that_stay_are_steady_and_those_that_change_are_not() {
        let spans = load(staged()).timeline().spans(s(9));
        assert_eq!(
            spans,
            [
                (Phase::Ramp, s(0), s(2)),
                (Phase::Steady, s(2), s(5)),
                (Phase::Steady, s(5), s(6)),
                (Phase::Ramp, s(6), s(8))
            ],
            "each level is a separate stretch"
        );
    }

    #[test]
    fn a_load_is_steady_when_no_part_changes() {
        let open = Executor::Shared { iterations: 5, concurrency: 1, over: Some(s(9)) };
        let mut mixed = load(staged());
        mixed.parts.push(LoadPart { start_after: s(1), ..load(open).parts.remove(0) });
        assert_eq!(
            mixed.timeline().spans(s(20)),
            [
                (Phase::Ramp, s(0), s(2)),
                (Phase::Steady, s(2), s(5)),
                (Phase::Steady, s(5), s(6)),
                (Phase::Ramp, s(6), s(8)),
                (Phase::Steady, s(8), s(10))
            ]
        );
    }
}
