//! The writer of a run: one thread, large transactions, at most half a second behind.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::agent::{self, NewAgents};
use super::block::{self, Insert, ROWS, SampleBlock, WordNumbers};
use super::ids::id_range;
use super::sealing::Sealing;
use super::{StoreError, connect, exchange, now_unix_us};
use crate::reading::{Reading, SignalInfo};
use crate::run::{Delivered, RunId};
use crate::sample::{Batch, EndpointId, MOST_EXCHANGES, Race, Sink, Subject};

/// Batches that may wait for the writer; at a thousand samples each, more than a second of load.
const WAITING: usize = 256;
/// A transaction ends after this long …
const COMMIT_EVERY: Duration = Duration::from_millis(300);
/// … or with this many rows.
const COMMIT_ROWS: usize = 20_000;

/// Is shown every batch on its way into the store.
pub type Observer = Box<dyn FnMut(&Batch) + Send>;

enum Record {
    Samples(Batch),
    Readings(Vec<Reading>),
    Delivered(Delivered),
}

/// The words that a run's samples and readings refer to by their places in these lists.
#[derive(Clone, Debug, Default)]
pub struct RunWords<'a> {
    /// What is called.
    pub endpoints: &'a [Subject],
    /// Who calls.
    pub user_classes: Vec<&'a str>,
    /// What is read from the system.
    pub signals: &'a [SignalInfo],
    /// Checks that are counted and decide nothing.
    pub soft_checks: &'a [String],
    /// The agents that make its load; none if this process does.
    pub agents: Option<NewAgents<'a>>,
}

/// Appends one run's samples and readings to the store.
pub struct RunWriter {
    sender: SyncSender<Record>,
    thread: JoinHandle<Result<u64, StoreError>>,
    counts: WordCounts,
}

/// How many words of each kind a run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordCounts {
    /// What is called.
    pub endpoints: usize,
    /// Who calls.
    pub user_classes: usize,
    /// What is read.
    pub signals: usize,
}

impl RunWriter {
    /// Starts the writer of a run.
    ///
    /// # Errors
    /// If the store cannot be opened or written.
    pub fn start(
        path: &Path,
        run: RunId,
        words: &RunWords<'_>,
        observer: Observer,
    ) -> Result<Self, StoreError> {
        let mut connection = connect(path)?;
        let numbers = Numbers::enter(&mut connection, run, words)?;
        Self::spawn(connection, Writer::new(run, numbers), observer)
    }

    /// Starts a writer that goes on where the one of a run that agents made has ended without a word; none if the run has no
    /// agents.
    ///
    /// # Errors
    /// If the store cannot be opened or written.
    pub fn resume(path: &Path, run: RunId, observer: Observer) -> Result<Option<Self>, StoreError> {
        let connection = connect(path)?;
        let Some(words) = agent::words(&connection, run)? else { return Ok(None) };
        let numbers = serde_json::from_str(&words).map_err(|_| StoreError::WriterGone)?;
        let writer = Writer::new(run, numbers).behind(&connection)?;
        Self::spawn(connection, writer, observer).map(Some)
    }

    fn spawn(mut connection: Connection, writer: Writer, observer: Observer) -> Result<Self, StoreError> {
        let counts = writer.numbers.counts();
        let (sender, receiver) = sync_channel(WAITING);
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer.run(&mut connection, &receiver, observer))
            .map_err(|_| StoreError::WriterGone)?;
        Ok(Self { sender, thread, counts })
    }

    /// Where workers hand their batches in. A batch that comes after the writer has failed is
    /// lost; [`RunWriter::finish`] tells of the failure.
    pub fn sink(&self) -> Sink {
        let sender = self.sender.clone();
        Arc::new(move |batch| {
            let _ = sender.send(Record::Samples(batch));
        })
    }

    /// Hands in what agents have delivered. A batch that is not the next one of its agent is ignored.
    pub fn delivered(&self) -> impl Fn(Delivered) + use<> {
        let sender = self.sender.clone();
        move |delivered| {
            let _ = sender.send(Record::Delivered(delivered));
        }
    }

    /// Hands readings in.
    pub fn readings(&self) -> impl Fn(Vec<Reading>) + use<> {
        let sender = self.sender.clone();
        move |readings| {
            let _ = sender.send(Record::Readings(readings));
        }
    }

    /// How many words of each kind the run has.
    pub fn counts(&self) -> WordCounts {
        self.counts
    }

    /// Whether the writer has failed.
    pub fn has_failed(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits until everything handed in is in the store; how many samples were stored. All sinks
    /// must be gone by then.
    ///
    /// # Errors
    /// If the store could not be written.
    pub fn finish(self) -> Result<u64, StoreError> {
        drop(self.sender);
        self.thread.join().unwrap_or(Err(StoreError::WriterGone))
    }
}

/// The store's numbers of a run's words.
#[derive(Serialize, Deserialize)]
struct Numbers {
    /// Names of checks: few, and kept as they are.
    soft_checks: Vec<String>,
    endpoints: Vec<i64>,
    user_classes: Vec<i64>,
    signals: Vec<i64>,
}

impl Numbers {
    fn counts(&self) -> WordCounts {
        let Self { endpoints, user_classes, signals, .. } = self;
        WordCounts { endpoints: endpoints.len(), user_classes: user_classes.len(), signals: signals.len() }
    }

    fn enter(connection: &mut Connection, run: RunId, of_run: &RunWords<'_>) -> Result<Self, StoreError> {
        let transaction = connection.transaction()?;
        let mut numbers = Self {
            soft_checks: of_run.soft_checks.to_vec(),
            endpoints: Vec::new(),
            user_classes: Vec::new(),
            signals: Vec::new(),
        };
        for endpoint in of_run.endpoints {
            let key = params![endpoint.kind.word(), endpoint.traffic_class, endpoint.endpoint];
            transaction.execute(
                "INSERT OR IGNORE INTO endpoint (kind, traffic_class, name) VALUES (?1, ?2, ?3)",
                key,
            )?;
            let find = "SELECT id FROM endpoint WHERE kind = ?1 AND traffic_class = ?2 AND name = ?3";
            numbers.endpoints.push(transaction.query_row(find, key, |row| row.get(0))?);
        }
        for class in &of_run.user_classes {
            transaction.execute("INSERT OR IGNORE INTO user_class (name) VALUES (?1)", [class])?;
            let find = "SELECT id FROM user_class WHERE name = ?1";
            numbers.user_classes.push(transaction.query_row(find, [class], |row| row.get(0))?);
        }
        for signal in of_run.signals {
            transaction.execute(
                "INSERT INTO signal (run, name, unit, is_counter, source) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![run.0, signal.name, signal.unit, signal.is_counter, signal.source],
            )?;
            numbers.signals.push(transaction.last_insert_rowid());
        }
        if let Some(agents) = of_run.agents {
            let words = serde_json::to_string(&numbers).map_err(|_| StoreError::WriterGone)?;
            agent::begin(&transaction, run, agents, &words)?;
        }
        transaction.commit()?;
        Ok(numbers)
    }
}

struct Writer {
    run: RunId,
    numbers: Numbers,
    /// The store's numbers of each worker's reasons.
    reasons: HashMap<u16, Vec<i64>>,
    samples: u64,
    /// The last samples, until there are enough of them.
    block: SampleBlock,
    insert: Insert,
    readings: u64,
    /// How many exchanges are stored, …
    exchanges: u64,
    /// … and how many of an endpoint and a reason: every worker keeps as many as a run may.
    kept: HashMap<(EndpointId, String), usize>,
    last_us: i64,
    sealing: Sealing,
}

impl Writer {
    fn new(run: RunId, numbers: Numbers) -> Self {
        let mut block = SampleBlock::default();
        block.begin(row_id(run, 0));
        Self {
            run,
            numbers,
            reasons: HashMap::new(),
            samples: 0,
            block,
            insert: Insert::default(),
            readings: 0,
            exchanges: 0,
            kept: HashMap::new(),
            last_us: 0,
            sealing: Sealing::of(run),
        }
    }

    /// The same of a run that has rows already: what it writes goes behind them.
    fn behind(self, connection: &Connection) -> Result<Self, StoreError> {
        let first = row_id(self.run, 0);
        let rows = |table: &str| {
            let sql = format!("SELECT coalesce(max(id) + 1 - ?1, 0) FROM {table} WHERE id >= ?1 AND id < ?2");
            connection.query_row(&sql, [first, row_id(RunId(self.run.0 + 1), 0)], |row| row.get::<_, i64>(0))
        };
        let (readings, exchanges) = (rows("reading")?.unsigned_abs(), rows("exchange")?.unsigned_abs());
        let Some(mut block) = block::last(connection, self.run)? else {
            return Ok(Self { readings, exchanges, ..self });
        };
        let samples = (block.end() - first).unsigned_abs();
        // The last one may have room.
        if block.ends_before(block.end()) {
            block.begin(block.end());
        }
        Ok(Self { samples, block, readings, exchanges, ..self })
    }

    fn run(
        mut self,
        connection: &mut Connection,
        receiver: &Receiver<Record>,
        mut observer: Observer,
    ) -> Result<u64, StoreError> {
        loop {
            let (records, ended) = gather(receiver, &mut observer);
            // The store is locked for as long as the rows take, not while they come together.
            let transaction =
                connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            for record in &records {
                match record {
                    Record::Samples(batch) => self.append(&transaction, batch)?,
                    Record::Readings(readings) => self.append_readings(&transaction, readings)?,
                    Record::Delivered(delivered) => {
                        if agent::is_next(&transaction, self.run, delivered)? {
                            self.append(&transaction, &delivered.batch)?;
                            self.append_readings(&transaction, &delivered.readings)?;
                        }
                    }
                }
            }
            // Those that make no whole block yet, too: whoever reads the store is not behind for want of more.
            self.insert.put(&transaction, &self.block)?;
            self.note_progress(&transaction)?;
            self.sealing.keep(&transaction)?;
            if ended {
                if self.block.len() > 0 {
                    self.sealing.samples(&self.block);
                }
                self.sealing.finish(&transaction, self.samples)?;
            }
            transaction.commit()?;
            if ended {
                return Ok(self.samples);
            }
        }
    }

    fn append(&mut self, transaction: &Connection, batch: &Batch) -> Result<(), StoreError> {
        self.enter_reasons(transaction, batch)?;
        self.enter_races(transaction, batch)?;
        self.enter_exchanges(transaction, batch)?;
        let numbers = WordNumbers {
            endpoints: &self.numbers.endpoints,
            user_classes: &self.numbers.user_classes,
            reasons: self.reasons.get(&batch.worker).map_or(&[], Vec::as_slice),
        };
        let mut rest = batch.samples.as_slice();
        while !rest.is_empty() {
            let taken = self.block.fill(rest, &numbers);
            rest = &rest[taken..];
            if self.block.len() == ROWS {
                self.insert.put(transaction, &self.block)?;
                self.sealing.samples(&self.block);
                self.block.begin(self.block.end());
            }
        }
        self.samples += batch.samples.len() as u64;
        let last_us = batch.samples.iter().map(|sample| sample.done_us).max();
        self.last_us = self.last_us.max(last_us.unwrap_or(0));
        self.count_soft_checks(transaction, batch)
    }

    /// Adds to the counts of checks.
    fn count_soft_checks(&self, transaction: &Connection, batch: &Batch) -> Result<(), StoreError> {
        for counted in &batch.soft_checks {
            let Some(name) = self.numbers.soft_checks.get(usize::from(counted.check)) else { continue };
            transaction
                .prepare_cached(
                    "INSERT INTO soft_check (run, name, endpoint, phase, passed, failed) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                     ON CONFLICT DO UPDATE SET passed = passed + excluded.passed, failed = failed + excluded.failed",
                )?
                .execute(params![
                    self.run.0,
                    name,
                    self.numbers.endpoints[usize::from(counted.endpoint.0)],
                    counted.phase as u8,
                    super::sql_integer(counted.passed),
                    super::sql_integer(counted.failed),
                ])?;
        }
        Ok(())
    }

    /// Notes which of the samples, all of them yet to be inserted, were released together.
    fn enter_races(&mut self, transaction: &Connection, batch: &Batch) -> Result<(), StoreError> {
        for (place, sample) in (self.samples..).zip(&batch.samples) {
            if sample.race != Race::NONE {
                let race = super::sql_integer(sample.race.code());
                transaction
                    .prepare_cached("INSERT INTO entrant (sample, race) VALUES (?1, ?2)")?
                    .execute(params![row_id(self.run, place), race])?;
                self.sealing.entrant(row_id(self.run, place), race);
            }
        }
        Ok(())
    }

    fn enter_exchanges(&mut self, transaction: &Connection, batch: &Batch) -> Result<(), StoreError> {
        for said in &batch.exchanges {
            let kept = self.kept.entry((said.endpoint, said.reason.clone())).or_default();
            if *kept < MOST_EXCHANGES {
                *kept += 1;
                let endpoint = self.numbers.endpoints[usize::from(said.endpoint.0)];
                exchange::insert(transaction, row_id(self.run, self.exchanges), endpoint, said)?;
                self.exchanges += 1;
            }
        }
        Ok(())
    }

    fn enter_reasons(&mut self, transaction: &Connection, batch: &Batch) -> Result<(), StoreError> {
        let known = self.reasons.entry(batch.worker).or_default();
        for text in &batch.new_reasons {
            transaction.execute("INSERT OR IGNORE INTO reason (text) VALUES (?1)", [text])?;
            let find = "SELECT id FROM reason WHERE text = ?1";
            known.push(transaction.query_row(find, [text], |row| row.get(0))?);
        }
        Ok(())
    }

    fn append_readings(&mut self, transaction: &Connection, readings: &[Reading]) -> Result<(), StoreError> {
        let mut insert = transaction
            .prepare_cached("INSERT INTO reading (id, signal, at_us, value) VALUES (?1, ?2, ?3, ?4)")?;
        for reading in readings.iter().filter(|r| r.value.is_finite()) {
            let id = row_id(self.run, self.readings);
            let signal = self.numbers.signals[usize::from(reading.signal.0)];
            insert.execute(params![id, signal, reading.at_us, reading.value])?;
            self.sealing.reading(id, signal, reading.at_us, reading.value);
            self.readings += 1;
            self.last_us = self.last_us.max(reading.at_us);
        }
        Ok(())
    }

    /// Shows that the run is alive, and how far it has come.
    fn note_progress(&self, transaction: &Connection) -> Result<(), StoreError> {
        transaction
            .prepare_cached(
                "UPDATE run SET heartbeat_unix_us = ?2, samples = ?3, last_us = max(last_us, ?4) WHERE id = ?1",
            )?
            .execute(params![self.run.0, now_unix_us(), super::sql_integer(self.samples), self.last_us])?;
        Ok(())
    }
}

/// What comes in until the next commit is due, and whether nothing will come any more.
fn gather(receiver: &Receiver<Record>, observer: &mut Observer) -> (Vec<Record>, bool) {
    let deadline = Instant::now() + COMMIT_EVERY;
    let (mut records, mut rows) = (Vec::new(), 0);
    while rows < COMMIT_ROWS {
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(record) => {
                if let Record::Samples(batch) | Record::Delivered(Delivered { batch, .. }) = &record {
                    observer(batch);
                    rows += batch.samples.len();
                }
                records.push(record);
            }
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => return (records, true),
        }
    }
    (records, false)
}

fn row_id(run: RunId, place: u64) -> i64 {
    id_range(run)[0] | super::sql_integer(place)
}
