//! Checksums of what was measured: for reports, and for finding what was changed afterwards.

use rusqlite::types::ValueRef;

use super::read::id_range;
use super::{Store, StoreError};
use crate::checksum::{self, Sum};
use crate::run::RunId;

/// Rows under one checksum.
const BLOCK: usize = 256;

/// The tables that hold what was measured, by what a row of theirs is called, with the question for a run's rows.
const MEASURED: [(&str, &str); 4] = [
    ("sample", "SELECT * FROM sample WHERE id >= ?1 AND id < ?2 ORDER BY id"),
    ("entrant", "SELECT * FROM entrant WHERE sample >= ?1 AND sample < ?2 ORDER BY sample"),
    ("reading", "SELECT * FROM reading WHERE id >= ?1 AND id < ?2 ORDER BY id"),
    (
        "soft check",
        "SELECT * FROM soft_check WHERE run >= ?1 >> 32 AND run < ?2 >> 32 ORDER BY run, name, endpoint, phase",
    ),
];

/// Some rows of a run that follow each other, with their checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The run.
    pub run: RunId,
    /// `sample`, `entrant`, `reading` or `soft check`.
    pub table: &'static str,
    /// Place of the first row within the run.
    pub first: usize,
    /// Place of the last row.
    pub last: usize,
    /// SHA-256, in hex, of the rows' values as SQLite has them.
    pub sha256: String,
}

impl std::fmt::Display for Block {
    /// `sample 3:0 to 3:255`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { run, table, first, last, .. } = self;
        write!(f, "{table} {run}:{first} to {run}:{last}")
    }
}

impl Store {
    /// The checksum of everything that was measured in a run: SHA-256, in hex, over those of its [`Block`]s.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn checksum(&self, run: RunId) -> Result<String, StoreError> {
        let blocks = self.blocks(run)?;
        Ok(checksum::sha256(blocks.into_iter().map(|block| block.sha256).collect::<String>()))
    }

    /// Everything that was measured in a run, block by block.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn blocks(&self, run: RunId) -> Result<Vec<Block>, StoreError> {
        let mut blocks = Vec::new();
        for (table, question) in MEASURED {
            let mut statement = self.connection.prepare_cached(question)?;
            let columns = statement.column_count();
            let mut rows = statement.query(id_range(run))?;
            let (mut place, mut hash) = (0, Sum::default());
            let mut close = |hash: &mut Sum, next: usize| {
                let sha256 = hash.take();
                let first = (next - 1) / BLOCK * BLOCK;
                blocks.push(Block { run, table, first, last: next - 1, sha256 });
            };
            while let Some(row) = rows.next()? {
                for column in 0..columns {
                    add(&mut hash, row.get_ref(column)?);
                }
                place += 1;
                if place % BLOCK == 0 {
                    close(&mut hash, place);
                }
            }
            if place % BLOCK != 0 {
                close(&mut hash, place);
            }
        }
        Ok(blocks)
    }
}

/// A value with its type and length, so that no two rows have the same bytes.
fn add(hash: &mut Sum, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => hash.add([0]),
        ValueRef::Integer(number) => {
            hash.add([1]);
            hash.add(number.to_le_bytes());
        }
        ValueRef::Real(number) => {
            hash.add([2]);
            hash.add(number.to_bits().to_le_bytes());
        }
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            hash.add([3]);
            hash.add((bytes.len() as u64).to_le_bytes());
            hash.add(bytes);
        }
    }
}
