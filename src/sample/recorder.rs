//! Where a worker, or an import, collects its samples: they leave in batches.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use super::{Batch, EndpointId, Exchange, Phase, ReasonId, Sample, SoftChecks};

/// Samples that leave together when they come fast.
const BATCH: usize = 1024;
/// Different reasons that a worker tells apart; further ones share the last place.
const REASONS: usize = 1000;

/// Where batches go. It may block for a moment when its reader is behind; the lateness of the
/// next samples then shows it.
pub type Sink = Arc<dyn Fn(Batch) + Send + Sync>;

/// Collects the samples of one worker, and hands them to a sink by the batch.
pub struct Recorder {
    worker: u16,
    sink: Sink,
    samples: RefCell<Vec<Sample>>,
    reasons: RefCell<HashMap<String, ReasonId>>,
    new_reasons: RefCell<Vec<String>>,
    exchanges: RefCell<Vec<Exchange>>,
    /// Few: one for each check of each endpoint.
    soft_checks: RefCell<Vec<SoftChecks>>,
    taken: Cell<u64>,
}

impl Recorder {
    /// The notebook of a worker.
    pub fn new(worker: u16, sink: Sink) -> Self {
        Self {
            worker,
            sink,
            samples: RefCell::new(Vec::with_capacity(BATCH)),
            reasons: RefCell::new(HashMap::new()),
            new_reasons: RefCell::new(Vec::new()),
            exchanges: RefCell::new(Vec::new()),
            soft_checks: RefCell::new(Vec::new()),
            taken: Cell::new(0),
        }
    }

    /// Writes a sample down.
    pub fn record(&self, sample: Sample) {
        self.samples.borrow_mut().push(sample);
        self.taken.set(self.taken.get() + 1);
        if self.samples.borrow().len() >= BATCH {
            self.flush();
        }
    }

    /// Counts a check that decides nothing.
    pub fn soft_check(&self, check: u16, endpoint: EndpointId, phase: Phase, has_passed: bool) {
        let mut all = self.soft_checks.borrow_mut();
        let is_it =
            |known: &SoftChecks| known.check == check && known.endpoint == endpoint && known.phase == phase;
        let place = all.iter().position(is_it).unwrap_or_else(|| {
            all.push(SoftChecks { check, endpoint, phase, passed: 0, failed: 0 });
            all.len() - 1
        });
        let counts = &mut all[place];
        *(if has_passed { &mut counts.passed } else { &mut counts.failed }) += 1;
    }

    /// The id of a reason, new or known. `shown`: what stands in the store for a new one.
    pub fn reason(&self, text: &str, shown: impl FnOnce(&str) -> String) -> ReasonId {
        let mut reasons = self.reasons.borrow_mut();
        if let Some(id) = reasons.get(text) {
            return *id;
        }
        let text = if reasons.len() < REASONS { text } else { "other reasons (too many to tell apart)" };
        if let Some(id) = reasons.get(text) {
            return *id;
        }
        let id = ReasonId(u16::try_from(reasons.len() + 1).unwrap_or(u16::MAX));
        reasons.insert(text.to_owned(), id);
        self.new_reasons.borrow_mut().push(shown(text));
        id
    }

    /// Keeps what a request and its answer said. Whoever calls it bounds how often.
    pub fn keep(&self, exchange: Exchange) {
        self.exchanges.borrow_mut().push(exchange);
    }

    /// Sends what has come together.
    pub fn flush(&self) {
        let samples = self.samples.replace(Vec::with_capacity(BATCH));
        let (exchanges, soft_checks) = (self.exchanges.take(), self.soft_checks.take());
        if samples.is_empty() && exchanges.is_empty() && soft_checks.is_empty() {
            return;
        }
        let new_reasons = self.new_reasons.take();
        (self.sink)(Batch { worker: self.worker, samples, new_reasons, exchanges, soft_checks });
    }

    /// How many samples were written down.
    pub fn taken(&self) -> u64 {
        self.taken.get()
    }
}
