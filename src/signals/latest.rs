//! The latest value of each signal, for those who wait for one.

use std::sync::{Arc, Mutex, PoisonError};

use crate::reading::{Reading, SignalInfo};

/// The latest values, kept up to date while a collector runs; clones see the same values.
#[derive(Clone, Debug)]
pub struct Latest {
    infos: Arc<[SignalInfo]>,
    values: Arc<Mutex<Vec<Option<Value>>>>,
}

/// When (µs since the run's start), and what.
type Value = (i64, f64);

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
    pub(super) fn new(infos: &[SignalInfo]) -> Self {
        Self { infos: infos.into(), values: Arc::new(Mutex::new(vec![None; infos.len()])) }
    }

    pub(super) fn note(&self, readings: &[Reading]) {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        for reading in readings {
            values[usize::from(reading.signal.0)] = Some((reading.at_us, reading.value));
        }
    }

    /// The latest reading of a signal: `(µs since the run's start, value)`; none if there is none.
    pub fn reading(&self, name: &str) -> Option<(i64, f64)> {
        let place = self.infos.iter().position(|info| info.name == name)?;
        self.values.lock().unwrap_or_else(PoisonError::into_inner)[place]
    }

    /// The latest values of all signals that are no totals: `(name, unit, value)`.
    pub fn levels(&self) -> Vec<(String, String, f64)> {
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = self.infos.iter().zip(values.iter()).filter(|(info, _)| !info.is_counter);
        seen.filter_map(|(info, value)| Some((info.name.clone(), info.unit.clone(), (*value)?.1))).collect()
    }

    /// The latest values of all signals that are totals.
    pub fn totals(&self) -> Vec<Total> {
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = self.infos.iter().zip(values.iter()).filter(|(info, _)| info.is_counter);
        seen.filter_map(|(info, value)| {
            let (at_us, value) = (*value)?;
            Some(Total { name: info.name.clone(), unit: info.unit.clone(), at_us, value })
        })
        .collect()
    }
}
