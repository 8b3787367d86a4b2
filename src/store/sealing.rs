//! What a run's writer sums up while it writes.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::block::SampleBlock;
use super::checksum::{self as rows, Block, Blocks, SampleSums, Used};
use super::{StoreError, seal};
use crate::run::RunId;

/// The sums of a run's rows, in the order in which they are written, and the words that they refer to.
pub(super) struct Sealing {
    run: RunId,
    samples: SampleSums,
    entrants: Blocks,
    readings: Blocks,
    /// Blocks that are complete and not kept yet.
    complete: Vec<Block>,
    used: Used,
}

impl Sealing {
    pub(super) fn of(run: RunId) -> Self {
        Self {
            run,
            samples: SampleSums::of(run),
            entrants: Blocks::of(run, rows::ENTRANTS),
            readings: Blocks::of(run, rows::READINGS),
            complete: Vec::new(),
            used: Used::default(),
        }
    }

    /// A block of samples to which nothing will be added.
    pub(super) fn samples(&mut self, block: &SampleBlock) {
        self.complete.extend(self.samples.add(block));
        self.used.note(block);
    }

    /// A sample that raced others.
    pub(super) fn entrant(&mut self, sample: i64, race: i64) {
        self.complete.extend(self.entrants.add([sample, race].map(ValueRef::Integer)));
    }

    /// A reading.
    pub(super) fn reading(&mut self, id: i64, signal: i64, at_us: i64, value: f64) {
        let numbers = [id, signal, at_us].map(ValueRef::Integer);
        // The store has one zero.
        let value = ValueRef::Real(value + 0.0);
        self.complete.extend(self.readings.add(numbers.into_iter().chain([value])));
    }

    /// Keeps the blocks that are complete, with the rows that they are of.
    pub(super) fn keep(&mut self, connection: &Connection) -> Result<(), StoreError> {
        seal::keep(connection, &self.complete)?;
        self.complete.clear();
        Ok(())
    }

    /// Keeps what is left: the last blocks and the words.
    pub(super) fn finish(&mut self, connection: &Connection, samples: u64) -> Result<(), StoreError> {
        let rest = [self.samples.rest(), self.entrants.rest(), self.readings.rest()];
        self.complete.extend(rest.into_iter().flatten());
        self.complete.extend(rows::of_used_words(connection, self.run, &self.used)?);
        self.keep(connection)?;
        seal::note_written(connection, self.run, samples)
    }
}
