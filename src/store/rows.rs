//! Samples as rows, for archives: out of the store and back, every column as it stands.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::block::{Insert, SampleBlock, Wanted};
use super::checksum::{Blocks, SAMPLES};
use super::ids::id_range;
use super::{Store, StoreError, sql_integer};
use crate::run::{Judged, RunId, Seal};
use crate::sample::StoredSample;

/// Takes the samples of a run out.
pub(super) fn delete_samples(connection: &Connection, run: RunId) -> Result<(), StoreError> {
    connection.execute("DELETE FROM sample_block WHERE id >= ?1 AND id < ?2", id_range(run))?;
    Ok(())
}

impl Store {
    /// Hands every sample of a run to `each` as it is stored, in order.
    ///
    /// # Errors
    /// If the store cannot be read, the samples were pruned, or `each` fails.
    pub fn each_row<E: From<StoreError>>(
        &self,
        run: RunId,
        mut each: impl FnMut(&StoredSample) -> Result<(), E>,
    ) -> Result<(), E> {
        self.require_samples(run)?;
        self.each_block(run, Wanted::ALL, |block| {
            (0..block.len()).try_for_each(|place| each(&block.stored(place)))
        })
    }

    /// Begins to put the samples of pruned runs back. Nothing is in the store until [`Attaching::finish`].
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn attaching(&self) -> Result<Attaching<'_>, StoreError> {
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
        Ok(Attaching { store: self, transaction, current: None, attached: Vec::new() })
    }
}

/// Samples on their way back into the store: all of them, or none if one is not as it was sealed.
pub struct Attaching<'a> {
    store: &'a Store,
    transaction: Transaction<'a>,
    current: Option<Run>,
    attached: Vec<(RunId, u64)>,
}

/// The run whose samples are coming in.
struct Run {
    id: RunId,
    rows: u64,
    sums: Blocks,
    /// The last of them, that are not in the store yet.
    block: SampleBlock,
    insert: Insert,
}

impl Attaching<'_> {
    /// Says whose samples come now. `seal`: what their archive says of the run's seal.
    ///
    /// # Errors
    /// If the run's samples are not missing from this store, or it is another run.
    pub fn begin(&mut self, run: RunId, seal: &str) -> Result<(), StoreError> {
        self.end_of_run()?;
        let of_store = self.store.written_seal(Judged::Run(run))?;
        if of_store.as_deref() != Some(seal) {
            return Err(StoreError::OtherArchive { run });
        }
        if self.store.pruned(run)?.is_none() {
            return Err(StoreError::NotPruned(run));
        }
        self.current = Some(Run {
            id: run,
            rows: 0,
            sums: Blocks::of(run, SAMPLES),
            block: SampleBlock::default(),
            insert: Insert::default(),
        });
        Ok(())
    }

    /// Puts a sample back.
    ///
    /// # Errors
    /// If it is not as it was sealed, or the store cannot be written.
    pub fn add(&mut self, sample: &StoredSample) -> Result<(), StoreError> {
        let Some(run) = &mut self.current else {
            return Err(StoreError::NotAsSealed("a sample of no run".to_owned()));
        };
        let [from, to] = id_range(run.id);
        if !(from..to).contains(&sample.numbers[0]) {
            return Err(StoreError::NotAsSealed(format!("a sample of another run than {}", run.id)));
        }
        let optional =
            [sample.reason, sample.key].map(|value| value.map_or(ValueRef::Null, ValueRef::Integer));
        let values = sample.numbers.iter().map(|number| ValueRef::Integer(*number)).chain(optional);
        run.rows += 1;
        if let Some(block) = run.sums.add(values) {
            check_block(&self.transaction, &block)?;
        }
        if run.block.ends_before(sample.numbers[0]) {
            run.insert.put(&self.transaction, &run.block)?;
            run.block.begin(sample.numbers[0]);
        }
        run.block.push_stored(sample);
        Ok(())
    }

    /// Keeps what came back: the runs and how many samples each has.
    ///
    /// # Errors
    /// If something is missing or not as it was sealed; the store is then as it was.
    pub fn finish(mut self) -> Result<Vec<(RunId, u64)>, StoreError> {
        self.end_of_run()?;
        self.transaction.commit()?;
        Ok(self.attached)
    }

    fn end_of_run(&mut self) -> Result<(), StoreError> {
        let Some(mut run) = self.current.take() else { return Ok(()) };
        if let Some(block) = run.sums.rest() {
            check_block(&self.transaction, &block)?;
        }
        run.insert.put(&self.transaction, &run.block)?;
        self.transaction.execute("DELETE FROM pruned WHERE run = ?1", [run.id.0])?;
        match self.store.seal(run.id, true)? {
            Seal::Whole { .. } => {}
            seal => {
                let why = seal.breach().unwrap_or_else(|| format!("run {} has no seal", run.id));
                return Err(StoreError::NotAsSealed(why));
            }
        }
        self.attached.push((run.id, run.rows));
        Ok(())
    }
}

/// Refuses a block of samples that is not as it was sealed.
fn check_block(connection: &Connection, block: &super::Block) -> Result<(), StoreError> {
    let sql = "SELECT count(*) FROM seal_block WHERE run = ?1 AND part = ?2 AND number = ?3 AND sha256 = ?4";
    let number = sql_integer(block.first / super::checksum::BLOCK);
    let found: i64 = connection
        .prepare_cached(sql)?
        .query_row(params![block.run.0, SAMPLES, number, block.sha256], |row| row.get(0))?;
    if found == 1 { Ok(()) } else { Err(StoreError::NotAsSealed(block.to_string())) }
}
