//! What a run's writer sums up while it writes.

use std::collections::BTreeSet;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::checksum::{self as rows, Block, Blocks, SAMPLE, Which};
use super::{StoreError, seal};
use crate::run::RunId;
use crate::sample::{EndpointId, UserClassId};

/// The sums of a run's rows, in the order in which they are written, and the words that they refer to.
pub(super) struct Sealing {
    run: RunId,
    samples: Blocks,
    entrants: Blocks,
    readings: Blocks,
    /// Blocks that are complete and not kept yet.
    complete: Vec<Block>,
    /// Whether an endpoint, by its place, has a sample …
    endpoints: Vec<bool>,
    /// … or a class of users has.
    user_classes: Vec<bool>,
    /// The store's numbers of the reasons that samples have.
    reasons: BTreeSet<i64>,
}

impl Sealing {
    pub(super) fn of(run: RunId) -> Self {
        let blocks = |part| Blocks::of(run, part);
        Self {
            run,
            samples: blocks(rows::SAMPLES),
            entrants: blocks(rows::ENTRANTS),
            readings: blocks(rows::READINGS),
            complete: Vec::new(),
            endpoints: Vec::new(),
            user_classes: Vec::new(),
            reasons: BTreeSet::new(),
        }
    }

    /// A sample, as its columns are bound: numbers first, then reason and key.
    pub(super) fn sample(
        &mut self,
        numbers: &[i64; SAMPLE.len() - 2],
        reason: Option<i64>,
        key: Option<i64>,
        words: (EndpointId, UserClassId),
    ) {
        let optional = [reason, key].map(|value| value.map_or(ValueRef::Null, ValueRef::Integer));
        let values = numbers.iter().map(|number| ValueRef::Integer(*number)).chain(optional);
        self.complete.extend(self.samples.add(values));
        note(&mut self.endpoints, words.0.0.into());
        note(&mut self.user_classes, words.1.0.into());
        if let Some(reason) = reason {
            self.reasons.insert(reason);
        }
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

    /// Keeps what is left: the last blocks and the words. The numbers of endpoints and classes of users are the store's.
    pub(super) fn finish(
        &mut self,
        connection: &Connection,
        endpoints: &[i64],
        user_classes: &[i64],
        samples: u64,
    ) -> Result<(), StoreError> {
        for blocks in [&mut self.samples, &mut self.entrants, &mut self.readings] {
            self.complete.extend(blocks.rest());
        }
        let reasons = std::mem::take(&mut self.reasons);
        let endpoints = used(endpoints, &self.endpoints);
        let user_classes = used(user_classes, &self.user_classes);
        for (part, numbers) in
            [(rows::ENDPOINTS, endpoints), (rows::USER_CLASSES, user_classes), (rows::REASONS, reasons)]
        {
            self.words(connection, part, &numbers)?;
        }
        self.keep(connection)?;
        seal::note_written(connection, self.run, samples)
    }

    fn words(
        &mut self,
        connection: &Connection,
        part: &'static str,
        numbers: &BTreeSet<i64>,
    ) -> Result<(), StoreError> {
        let Some(sql) = Which::Words.parts().iter().find(|words| words.name == part).map(rows::Part::of_one)
        else {
            return Ok(());
        };
        let (mut statement, mut blocks) = (connection.prepare_cached(&sql)?, Blocks::of(self.run, part));
        for number in numbers {
            let mut found = statement.query([number])?;
            while let Some(row) = found.next()? {
                self.complete.extend(blocks.add(rows::values(row)?));
            }
        }
        self.complete.extend(blocks.rest());
        Ok(())
    }
}

fn note(places: &mut Vec<bool>, place: usize) {
    if places.len() <= place {
        places.resize(place + 1, false);
    }
    places[place] = true;
}

/// The numbers of those that were used, in the order of numbers.
fn used(numbers: &[i64], is_used: &[bool]) -> BTreeSet<i64> {
    numbers.iter().zip(is_used).filter(|(_, is_used)| **is_used).map(|(number, _)| *number).collect()
}
