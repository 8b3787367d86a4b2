//! What is known of each signal by now, for those who wait for one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::reading::{Reading, SignalId, SignalInfo};

/// Beyond twice the time between two readings, a signal without one is called silent after so long: answers take a moment.
const PATIENCE: Duration = Duration::from_secs(2);
/// A signal that was missed so many times in a row cannot be read; a single failure may be a hiccup.
const MISSED: u32 = 3;

/// The latest values, kept up to date while a collector runs; clones see the same values.
#[derive(Clone, Debug)]
pub struct Latest {
    infos: Arc<[SignalInfo]>,
    /// How long each may be without a reading before it is silent, µs.
    patience_us: Arc<[i64]>,
    states: Arc<Mutex<Vec<State>>>,
}

/// What is known of a signal.
#[derive(Clone, Debug, Default)]
struct State {
    /// When it was read, µs since the run's start, and its value then.
    last: Option<(i64, f64)>,
    /// Readings since then that gave no value.
    missed: u32,
    /// When the last of them was, µs since the run's start.
    missed_us: i64,
    /// Why the last of them gave none.
    why: String,
}

/// The latest value of a total.
#[derive(Clone, Debug, PartialEq)]
pub struct Total {
    /// The signal's name.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// When it was read, µs since the run's start.
    pub at_us: i64,
    /// Its value.
    pub value: f64,
}

impl Latest {
    /// `every`: the time between two readings of each signal.
    pub(super) fn new(infos: &[SignalInfo], every: &[Duration]) -> Self {
        let patience = |every: &Duration| i64::try_from((2 * *every + PATIENCE).as_micros());
        Self {
            infos: infos.into(),
            patience_us: every.iter().map(|every| patience(every).unwrap_or(i64::MAX)).collect(),
            states: Arc::new(Mutex::new(vec![State::default(); infos.len()])),
        }
    }

    pub(super) fn note(&self, readings: &[Reading]) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        for reading in readings {
            let last = Some((reading.at_us, reading.value));
            states[usize::from(reading.signal.0)] = State { last, ..State::default() };
        }
    }

    /// Notes that a signal was asked for and had no value.
    pub(super) fn miss(&self, signal: SignalId, at_us: i64, why: &str) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut states[usize::from(signal.0)];
        state.missed += 1;
        state.missed_us = at_us;
        why.clone_into(&mut state.why);
    }

    /// The latest reading of a signal: `(µs since the run's start, value)`; none if there is none.
    pub fn reading(&self, name: &str) -> Option<(i64, f64)> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)[self.place(name)?].last
    }

    /// What a signal is at now; none if it was never read, or is silent.
    pub fn now(&self, name: &str, now_us: i64) -> Option<f64> {
        let (at_us, value) = self.reading(name)?;
        (now_us - at_us <= self.patience_us[self.place(name)?]).then_some(value)
    }

    /// Why a signal cannot be read: it was missed several times in a row, the last time since `since_us`. None as long as it
    /// may still come.
    pub fn unreadable(&self, name: &str, since_us: i64) -> Option<String> {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &states[self.place(name)?];
        (state.missed >= MISSED && state.missed_us >= since_us).then(|| state.why.clone())
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.infos.iter().position(|info| info.name == name)
    }

    /// The latest values of all signals that are no totals: `(name, unit, value)`. Those that are silent are left out: an
    /// old value is not what they are at now.
    pub fn levels(&self, now_us: i64) -> Vec<(String, String, f64)> {
        self.current(now_us, false).map(|(info, (_, value))| (info.name, info.unit, value)).collect()
    }

    /// The latest values of all signals that are totals, without those that are silent.
    pub fn totals(&self, now_us: i64) -> Vec<Total> {
        self.current(now_us, true)
            .map(|(info, (at_us, value))| Total { name: info.name, unit: info.unit, at_us, value })
            .collect()
    }

    /// The signals that have not been read for longer than their source should take, and for how long, s.
    pub fn silent(&self, now_us: i64) -> Vec<(String, f64)> {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let all = self.infos.iter().zip(self.patience_us.iter()).zip(states.iter());
        all.filter_map(|((info, patience_us), state)| {
            let since_us = now_us - state.last.map_or(0, |(at_us, _)| at_us);
            (since_us > *patience_us).then(|| (info.name.clone(), since_us as f64 / 1e6))
        })
        .collect()
    }

    fn current(
        &self,
        now_us: i64,
        are_counters: bool,
    ) -> impl Iterator<Item = (SignalInfo, (i64, f64))> + use<> {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let all = self.infos.iter().zip(self.patience_us.iter()).zip(states.iter());
        let seen = all.filter_map(|((info, patience_us), state)| {
            let last = state.last.filter(|(at_us, _)| now_us - at_us <= *patience_us)?;
            (info.is_counter == are_counters).then(|| (info.clone(), last))
        });
        seen.collect::<Vec<_>>().into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;

    fn latest() -> Latest {
        let info = |name: &str, is_counter| SignalInfo {
            name: name.to_owned(),
            unit: String::new(),
            is_counter,
            source: String::new(),
        };
        let every = [Duration::from_millis(500), Duration::from_secs(5)];
        Latest::new(&[info("depth", false), info("seen", true)], &every)
    }

    fn read(latest: &Latest, signal: u16, at_us: i64, value: f64) {
        latest.note(&[Reading { signal: SignalId(signal), at_us, value }]);
    }

    #[test]
    fn an_old_value_is_not_told_as_what_a_signal_is_at_now() {
        let latest = latest();
        read(&latest, 0, S, 7.0);
        read(&latest, 1, S, 3.0);
        assert_eq!(latest.levels(4 * S), [("depth".to_owned(), String::new(), 7.0)]);
        assert_eq!((latest.levels(5 * S).len(), latest.totals(5 * S).len()), (0, 1));
        assert_eq!(latest.silent(13 * S), [("depth".to_owned(), 12.0)]);
        assert_eq!(latest.reading("depth"), Some((S, 7.0)), "it stays known when that was");
    }

    #[test]
    fn a_signal_that_was_never_read_is_silent_from_the_start() {
        let latest = latest();
        assert!(latest.silent(3 * S).is_empty());
        assert_eq!(latest.silent(4 * S), [("depth".to_owned(), 4.0)]);
    }

    #[test]
    fn a_signal_is_unreadable_when_it_was_missed_again_and_again() {
        let latest = latest();
        for at_us in [S, 2 * S] {
            latest.miss(SignalId(0), at_us, "status 503");
        }
        assert_eq!(latest.unreadable("depth", 0), None);
        latest.miss(SignalId(0), 3 * S, "status 503");
        assert_eq!(latest.unreadable("depth", 3 * S).as_deref(), Some("status 503"));
        assert_eq!(latest.unreadable("depth", 4 * S), None, "it was not asked for since");
        read(&latest, 0, 5 * S, 1.0);
        assert_eq!(latest.unreadable("depth", 0), None);
    }
}
