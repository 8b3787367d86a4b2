//! All that is known of the run that goes on: what a late joiner has to be told.

use serde::Serialize;

use super::event::{Begin, Claims, Done, Event, Failure, Note, PhaseBegun, Tick, Times};

/// Ticks that are kept of a run; of more, two at a time become one.
const MOST_TICKS: usize = 1200;
/// Notes that are kept.
const MOST_NOTES: usize = 200;

/// How far things are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Nothing goes on, and nothing has.
    #[default]
    Idle,
    /// A command is under way, in a run or between two.
    Running,
    /// Finished.
    Done,
}

/// The run that goes on, or the last one.
#[derive(Debug, Default, Serialize)]
pub struct State {
    /// How far things are.
    pub stage: Stage,
    /// The run.
    pub begin: Option<Begin>,
    /// Its phases so far.
    pub phases: Vec<PhaseBegun>,
    /// Its ticks so far, without the endpoints' metrics; the further back, the coarser if it lasts long.
    pub ticks: Vec<Tick>,
    /// Its last tick, whole.
    pub last: Option<Tick>,
    /// Why samples did not end well.
    pub failures: Vec<Failure>,
    /// What the claims come to so far.
    pub claims: Option<Claims>,
    /// What has happened.
    pub notes: Vec<Note>,
    /// What came of it, once all is done.
    pub done: Option<Done>,
    /// Ticks of the run that are told as one.
    #[serde(skip)]
    merged: Merge,
}

/// How many ticks become one.
#[derive(Debug)]
struct Merge {
    of: u32,
    /// How many of them are in the newest one.
    filled: u32,
}

impl Default for Merge {
    fn default() -> Self {
        Self { of: 1, filled: 0 }
    }
}

impl State {
    /// A command begins: nothing is left of the one before.
    pub fn reset(&mut self) {
        *self = Self { stage: Stage::Running, ..Self::default() };
    }

    /// Takes an event in.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Begin(begin) => self.begin(begin),
            Event::Phase(phase) => self.phases.push(phase.clone()),
            Event::Tick(tick) => self.tick(tick),
            Event::Failure(failures) => failures.rows.iter().for_each(|row| self.failure(row)),
            Event::Claims(claims) => self.claims = Some(claims.clone()),
            Event::Note(note) => {
                if self.notes.len() == MOST_NOTES {
                    self.notes.remove(0);
                }
                self.notes.push(note.clone());
            }
            Event::Done(done) => {
                self.stage = Stage::Done;
                self.done = Some(done.clone());
            }
        }
    }

    /// Another run of the same command: claims and notes stay.
    fn begin(&mut self, begin: &Begin) {
        *self = Self {
            stage: Stage::Running,
            begin: Some(begin.clone()),
            claims: self.claims.take(),
            notes: std::mem::take(&mut self.notes),
            ..Self::default()
        };
    }

    fn tick(&mut self, tick: &Tick) {
        self.last = Some(tick.clone());
        let tick = Tick { endpoints: Vec::new(), ..tick.clone() };
        match self.ticks.last_mut() {
            Some(last) if self.merged.filled < self.merged.of => {
                *last = merged(last, self.merged.filled, &tick);
            }
            _ => {
                self.ticks.push(tick);
                self.merged.filled = 0;
            }
        }
        self.merged.filled += 1;
        if self.ticks.len() > MOST_TICKS {
            self.ticks = self.ticks.chunks(2).map(in_one).collect();
            self.merged = Merge { of: self.merged.of * 2, filled: self.merged.of * 2 };
        }
    }

    fn failure(&mut self, row: &Failure) {
        match self.failures.iter_mut().find(|known| known.place == row.place) {
            Some(known) => *known = row.clone(),
            None => self.failures.push(row.clone()),
        }
    }
}

fn in_one(ticks: &[Tick]) -> Tick {
    match ticks {
        [one, other] => merged(one, 1, other),
        one => one[0].clone(),
    }
}

/// Two ticks as one, the first of which stands for `weight` already: what is high stays, so that no peak is lost;
/// rates are averaged.
fn merged(one: &Tick, weight: u32, other: &Tick) -> Tick {
    let weight = f64::from(weight);
    let higher = |a: Option<Times>, b: Option<Times>| match (a, b) {
        // What has no end is higher than all.
        (Some(a), Some(b)) => Some([0, 1, 2].map(|place| Some(a[place]?.max(b[place]?)))),
        (a, b) => a.or(b),
    };
    let signals = other.signals.iter().map(|(name, unit, value)| {
        let before = one.signals.iter().find(|signal| signal.0 == *name).map_or(*value, |signal| signal.2);
        (name.clone(), unit.clone(), value.max(before))
    });
    Tick {
        users: one.users.max(other.users),
        in_flight: one.in_flight.max(other.in_flight),
        rate: (one.rate * weight + other.rate) / (weight + 1.0),
        times: higher(one.times, other.times),
        own_cores: other.own_cores.or(one.own_cores),
        signals: signals.collect(),
        ..other.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_keeps_its_peaks_in_few_ticks() {
        let mut state = State::default();
        for second in 0..10_000_u32 {
            let p99 = (second != 5_555).then_some(3.0);
            state.take(&Event::Tick(Tick {
                t: f64::from(second),
                times: Some([Some(1.0), Some(2.0), p99]),
                rate: 10.0,
                ..Tick::default()
            }));
        }
        assert!(state.ticks.len() <= MOST_TICKS, "{}", state.ticks.len());
        assert!(state.ticks.is_sorted_by(|a, b| a.t < b.t));
        assert_eq!(
            state.ticks.iter().filter(|tick| tick.times == Some([Some(1.0), Some(2.0), None])).count(),
            1
        );
        assert!(state.ticks.iter().all(|tick| tick.rate == 10.0));
        assert_eq!(state.ticks.last().unwrap().t, 9_999.0);
    }

    #[test]
    fn a_further_run_starts_afresh_and_keeps_notes_and_claims() {
        let begin = Begin {
            run: 1,
            scenario: "shop".to_owned(),
            profile: "a".to_owned(),
            load: "l".to_owned(),
            load_text: String::new(),
            load_s: None,
            part: None,
            endpoints: Vec::new(),
        };
        let mut state = State::default();
        state.take(&Event::Note(Note::now("a")));
        state.take(&Event::Begin(begin.clone()));
        state.take(&Event::Tick(Tick::default()));
        state.take(&Event::Claims(Claims { rounds: 1, rows: Vec::new() }));
        state.take(&Event::Begin(begin));
        assert_eq!((state.ticks.len(), state.notes.len()), (0, 1));
        assert!(state.claims.is_some() && state.last.is_none());
    }
}
