//! What the load tells of itself, as signals beside those of the system: time spent spinning, and how long answers that
//! had come waited to be read.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::timer::Pacing;
use crate::reading::{RECEIVE_DELAY, Reading, SPINNING, SignalId, SignalInfo};

/// Takes readings.
pub type Readings = Arc<dyn Fn(Vec<Reading>) + Send + Sync>;

/// One answer of so many has its delay looked at.
const ONE_OF: u64 = 16;
/// The golden ratio's fractional part in 64 bits: multiples of it are spread evenly, and no regular order of users falls in
/// with them (Weyl's sequence).
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The load's own signals, over all workers.
pub struct OwnSignals {
    /// Their place among the signals of the run.
    first: u16,
    readings: Readings,
    spun_us: AtomicU64,
}

impl OwnSignals {
    /// What they are called, in their order.
    pub fn infos(pacing: Pacing) -> Vec<SignalInfo> {
        let info = |name: &str, unit: &str, is_counter| SignalInfo {
            name: name.to_owned(),
            unit: unit.to_owned(),
            is_counter,
            source: "load".to_owned(),
        };
        let spinning = (pacing == Pacing::Spin).then(|| info(SPINNING, "s", true));
        [Some(info(RECEIVE_DELAY, "µs", false)), spinning].into_iter().flatten().collect()
    }

    /// Those of a run whose signals before them are so many.
    pub fn new(before: usize, readings: Readings) -> Self {
        Self { first: u16::try_from(before).unwrap_or(u16::MAX), readings, spun_us: AtomicU64::new(0) }
    }

    fn receive_delay(&self) -> SignalId {
        SignalId(self.first)
    }

    fn spinning(&self) -> SignalId {
        SignalId(self.first.saturating_add(1))
    }
}

/// A worker's part of them.
pub(super) struct Own {
    signals: Option<Arc<OwnSignals>>,
    clock: Clock,
    /// Whether it tells of all workers' spinning: one of them does.
    tells_spinning: bool,
    requests: Cell<u64>,
    delays: RefCell<Vec<Reading>>,
    /// What of its own spinning is counted.
    spun: Cell<Duration>,
}

impl Own {
    pub(super) fn new(signals: Option<Arc<OwnSignals>>, clock: Clock, worker: u16) -> Self {
        Self {
            signals,
            clock,
            tells_spinning: worker == 0,
            requests: Cell::new(0),
            delays: RefCell::default(),
            spun: Cell::default(),
        }
    }

    /// Whether the delay of the next answer is wanted.
    pub(super) fn wants_delay(&self) -> bool {
        let number = self.requests.get().wrapping_add(1);
        self.requests.set(number);
        self.signals.is_some() && number.wrapping_mul(GOLDEN) < u64::MAX / ONE_OF
    }

    /// An answer was complete at `done`, so long after it had come.
    pub(super) fn delayed(&self, done: Instant, delay: Duration) {
        let Some(signals) = &self.signals else { return };
        let value = delay.as_nanos() as f64 / 1e3;
        let reading = Reading { signal: signals.receive_delay(), at_us: self.clock.us(done), value };
        self.delays.borrow_mut().push(reading);
    }

    /// Hands over what has come together. `spun`: the time so far that the worker has spun; none if it never does.
    pub(super) fn flush(&self, spun: Option<Duration>) {
        let Some(signals) = &self.signals else { return };
        let mut readings = self.delays.take();
        if let Some(spun) = spun {
            let new = spun.saturating_sub(self.spun.replace(spun));
            let new_us = u64::try_from(new.as_micros()).unwrap_or(u64::MAX);
            let total_us = signals.spun_us.fetch_add(new_us, Ordering::Relaxed).saturating_add(new_us);
            if self.tells_spinning {
                let (signal, at_us) = (signals.spinning(), self.clock.now_us());
                readings.push(Reading { signal, at_us, value: total_us as f64 / 1e6 });
            }
        }
        if !readings.is_empty() {
            (signals.readings)(readings);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::load::clock::tests::starting_at;

    fn told(first: usize) -> (Arc<OwnSignals>, Arc<Mutex<Vec<Reading>>>) {
        let readings = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&readings);
        let signals = OwnSignals::new(first, Arc::new(move |more| taken.lock().unwrap().extend(more)));
        (Arc::new(signals), readings)
    }

    #[test]
    fn one_answer_of_sixteen_has_its_delay_looked_at() {
        let start = Instant::now();
        let own = Own::new(Some(told(0).0), starting_at(start), 0);
        let wanted: Vec<bool> = (0..16_000).map(|_| own.wants_delay()).collect();
        let count = wanted.iter().filter(|is_wanted| **is_wanted).count();
        assert!((990..=1_010).contains(&count), "{count}");
        // Of eight users in turn, none is looked at more than others.
        let of_first = wanted.iter().step_by(8).filter(|is_wanted| **is_wanted).count();
        assert!((115..=135).contains(&of_first), "{of_first}");
        assert!(!Own::new(None, starting_at(start), 0).wants_delay(), "nobody would hear of it");
    }

    #[test]
    fn delays_stand_at_the_time_of_their_answer_and_spinning_is_told_by_one_worker_for_all() {
        let start = Instant::now();
        let (signals, readings) = told(7);
        let of_worker = |number| Own::new(Some(Arc::clone(&signals)), starting_at(start), number);
        let (first, second) = (of_worker(0), of_worker(1));
        second.delayed(start + Duration::from_millis(3), Duration::from_nanos(42_500));
        second.flush(Some(Duration::from_millis(500)));
        second.flush(Some(Duration::from_millis(500)));
        first.flush(Some(Duration::from_millis(250)));
        let readings = readings.lock().unwrap();
        let [delay, spun] = readings[..] else { panic!("{readings:?}") };
        assert_eq!((delay.signal, delay.at_us, delay.value), (SignalId(7), 3_000, 42.5));
        assert_eq!((spun.signal, spun.value), (SignalId(8), 0.75));
    }
}
