//! Where a worker, or an import, collects its samples: they leave in batches.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use super::{Batch, Exchange, ReasonId, Sample};

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
        if samples.is_empty() && self.exchanges.borrow().is_empty() {
            return;
        }
        let (new_reasons, exchanges) = (self.new_reasons.take(), self.exchanges.take());
        (self.sink)(Batch { worker: self.worker, samples, new_reasons, exchanges });
    }

    /// How many samples were written down.
    pub fn taken(&self) -> u64 {
        self.taken.get()
    }
}
