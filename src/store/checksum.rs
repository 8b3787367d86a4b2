//! Checksums of a run's rows, block by block: for reports, for seals, and for finding what was changed afterwards.

use std::collections::BTreeSet;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::block::{self, Column, ROWS, SampleBlock, Wanted};
use super::ids::id_range;
use super::{Store, StoreError};
use crate::checksum::Sum;
use crate::run::RunId;

/// Rows under one checksum.
pub(super) const BLOCK: u64 = ROWS as u64;

/// Rows of a run that are summed up together.
pub(super) struct Part {
    /// What a row is called.
    pub(super) name: &'static str,
    rows: Rows,
}

/// How the rows of a part are come by. Columns are named one by one, so that a new one changes no checksum of a run that
/// was stored before.
enum Rows {
    /// Samples, from their blocks.
    Samples,
    /// Asks for the rows in a fixed order; ?1 and ?2 bound the ids of the run's rows.
    Sql(&'static str),
    /// Asks for one word by its number, ?1: words that a column of the run's samples refers to.
    Word(Column, &'static str),
}

pub(super) const SAMPLES: &str = "sample";
pub(super) const ENTRANTS: &str = "entrant";
pub(super) const READINGS: &str = "reading";

/// Whether the writer of a run sums a part up while it writes; the rest is little.
pub(super) fn is_summed_up_by_writer(part: &Part) -> bool {
    matches!(part.rows, Rows::Samples | Rows::Word(..)) || [ENTRANTS, READINGS].contains(&part.name)
}

/// What was measured.
const MEASURED: [Part; 4] = [
    Part { name: SAMPLES, rows: Rows::Samples },
    Part {
        name: ENTRANTS,
        rows: Rows::Sql(
            "SELECT sample, race FROM entrant WHERE sample >= ?1 AND sample < ?2 ORDER BY sample",
        ),
    },
    Part {
        name: READINGS,
        rows: Rows::Sql(
            "SELECT id, signal, at_us, value FROM reading WHERE id >= ?1 AND id < ?2 ORDER BY id",
        ),
    },
    Part {
        name: "soft check",
        rows: Rows::Sql(
            "SELECT name, endpoint, phase, passed, failed FROM soft_check WHERE run >= ?1 >> 32 AND run < ?2 >> 32 \
              ORDER BY name, endpoint, phase",
        ),
    },
];

/// The words that what was measured refers to by number, and what failed requests said.
const WORDS: [Part; 5] = [
    Part {
        name: "endpoints",
        rows: Rows::Word(
            Column::Endpoint,
            "SELECT id, kind, traffic_class, name FROM endpoint WHERE id = ?1",
        ),
    },
    Part {
        name: "user classes",
        rows: Rows::Word(Column::UserClass, "SELECT id, name FROM user_class WHERE id = ?1"),
    },
    Part { name: "reasons", rows: Rows::Word(Column::Reason, "SELECT id, text FROM reason WHERE id = ?1") },
    Part {
        name: "signals",
        rows: Rows::Sql(
            "SELECT id, name, unit, is_counter, source FROM signal WHERE run = ?1 >> 32 ORDER BY id",
        ),
    },
    Part {
        name: "exchanges",
        rows: Rows::Sql(
            "SELECT x.id, e.kind, e.traffic_class, e.name, x.user, x.journey, x.outcome, x.reason, x.sent_us, x.done_us, \
              x.redirects, x.request, x.answer FROM exchange x JOIN endpoint e ON e.id = x.endpoint \
              WHERE x.id >= ?1 AND x.id < ?2 ORDER BY x.id",
        ),
    },
];

/// What explains it.
pub(super) const FACTS: [Part; 8] = [
    Part {
        name: "facts",
        rows: Rows::Sql(
            "SELECT id, scenario, scenario_file, fingerprint, load, load_text, profile, label, experiment, arm, round, state, \
              started_at, started_unix_us, last_us, machine, seed, command, tool_version, samples, claims, must_hold, \
              end_note, clock_step_us, executor, max_in_flight, rate_per_s, workers, deployment, trace_url, keys, races, \
              raised, symptoms, parts, stages FROM run WHERE id = ?1 >> 32",
        ),
    },
    Part {
        name: "environment",
        rows: Rows::Sql("SELECT name, value FROM environment WHERE run = ?1 >> 32 ORDER BY name"),
    },
    Part {
        name: "phases",
        rows: Rows::Sql(
            "SELECT name, start_us, end_us, complete, unknown FROM run_phase WHERE run = ?1 >> 32 ORDER BY start_us, name",
        ),
    },
    Part {
        name: "hooks",
        rows: Rows::Sql(
            "SELECT name, moment, command, start_us, end_us, exit_code, note FROM hook WHERE run = ?1 >> 32 ORDER BY id",
        ),
    },
    Part {
        name: "scenario files",
        rows: Rows::Sql(
            "SELECT r.path, r.sha256, s.text FROM run_source r JOIN source s ON s.sha256 = r.sha256 \
              WHERE r.run = ?1 >> 32 ORDER BY r.path",
        ),
    },
    Part {
        name: "faults",
        rows: Rows::Sql(
            "SELECT name, kind, text, due_us, lasts_us, start_us, end_us, outcome, note FROM fault \
              WHERE run = ?1 >> 32 ORDER BY name",
        ),
    },
    Part {
        // By itself: runs without tags, and those from before there were any, have no such row.
        name: "tags",
        rows: Rows::Sql("SELECT tags FROM run WHERE id = ?1 >> 32 AND tags <> '[]'"),
    },
    Part {
        name: "agents",
        rows: Rows::Sql(
            "SELECT number, name, machine, processor, kernel, cores, first_worker, workers, offset_us, offset_error_us, \
              drift_us, batches, samples, taken, state, note FROM agent WHERE run = ?1 >> 32 ORDER BY number",
        ),
    },
];

/// What is kept of a run when its samples are pruned, and is all that tells of them from then on.
const KEPT: [Part; 6] = [
    Part {
        name: "histograms",
        rows: Rows::Sql(
            "SELECT kind, traffic_class, endpoint, outcome, phase, samples, response, service FROM histogram \
              WHERE run = ?1 >> 32 ORDER BY kind, traffic_class, endpoint, outcome, phase",
        ),
    },
    Part {
        name: "metrics",
        rows: Rows::Sql(
            "SELECT kind, traffic_class, endpoint, name, value, n FROM metric WHERE run = ?1 >> 32 \
              ORDER BY kind, traffic_class, endpoint, name",
        ),
    },
    Part {
        name: "audit checks",
        rows: Rows::Sql("SELECT name, grade, text FROM audit_check WHERE run = ?1 >> 32 ORDER BY name"),
    },
    Part {
        name: "verdicts",
        rows: Rows::Sql(
            "SELECT id, profile, title, formula, gates, verdict, reason, rounds, estimate, low, high, alpha, word, \
              decided_unix_us FROM verdict WHERE run = ?1 >> 32 ORDER BY id",
        ),
    },
    Part {
        name: "values of claims",
        rows: Rows::Sql(
            "SELECT c.verdict, c.round, c.value FROM claim_value c JOIN verdict v ON v.id = c.verdict \
              WHERE v.run = ?1 >> 32 ORDER BY c.verdict, c.round",
        ),
    },
    Part { name: "pruning", rows: Rows::Sql("SELECT at_unix_us, samples FROM pruned WHERE run = ?1 >> 32") },
];

/// Whether rows of a part are samples, or are found by them: a run whose samples were pruned has none.
pub(super) fn rests_on_samples(part: &Part) -> bool {
    matches!(part.rows, Rows::Samples | Rows::Word(..))
}

/// Columns of `run` that are in no checksum: they tell of the process while it runs.
#[cfg(test)]
const UNSEALED: [&str; 2] = ["heartbeat_unix_us", "process"];

/// Some rows of a run that follow each other, with their checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The run.
    pub run: RunId,
    /// What a row is called: `sample`, `entrant`, `reading`, `soft check`, …
    pub part: &'static str,
    /// Place of the first row within the run.
    pub first: u64,
    /// Place of the last row.
    pub last: u64,
    /// SHA-256, in hex, of the rows' values as SQLite has them.
    pub sha256: String,
}

impl std::fmt::Display for Block {
    /// `sample 3:0 to 3:255`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { run, part, first, last, .. } = self;
        write!(f, "{part} {run}:{first} to {run}:{last}")
    }
}

/// Sums up the rows of a part as they come.
#[derive(Debug)]
pub(super) struct Blocks {
    run: RunId,
    part: &'static str,
    rows: u64,
    row: Vec<u8>,
    sum: Sum,
}

impl Blocks {
    pub(super) fn of(run: RunId, part: &'static str) -> Self {
        Self { run, part, rows: 0, row: Vec::new(), sum: Sum::default() }
    }

    /// Adds a row; the block that it completes.
    pub(super) fn add<'a>(&mut self, values: impl IntoIterator<Item = ValueRef<'a>>) -> Option<Block> {
        self.row.clear();
        for value in values {
            encode(value, &mut self.row);
        }
        self.sum.add(&self.row);
        self.rows += 1;
        self.rows.is_multiple_of(BLOCK).then(|| self.close())
    }

    /// The last block, if it holds less than others.
    pub(super) fn rest(&mut self) -> Option<Block> {
        (!self.rows.is_multiple_of(BLOCK)).then(|| self.close())
    }

    fn close(&mut self) -> Block {
        let last = self.rows - 1;
        let first = last / BLOCK * BLOCK;
        Block { run: self.run, part: self.part, first, last, sha256: self.sum.take() }
    }
}

/// Sums up the samples of a run, block by block.
pub(super) struct SampleSums {
    run: RunId,
    sum: Sum,
    bytes: Vec<u8>,
    /// The places of the first and the last sample that are in the sum.
    open: Option<(u64, u64)>,
    is_malformed: bool,
}

impl SampleSums {
    pub(super) fn of(run: RunId) -> Self {
        Self { run, sum: Sum::default(), bytes: Vec::new(), open: None, is_malformed: false }
    }

    /// Adds the samples of a block; the checksum that is then complete. Where samples are missing, several blocks are
    /// under one checksum.
    pub(super) fn add(&mut self, block: &SampleBlock) -> Option<Block> {
        let (first, last) = (self.place(block.first()), self.place(block.end() - 1));
        let closed = self.make_room(first);
        block.add_to(&mut self.sum, &mut self.bytes);
        self.open = Some((self.open.map_or(first, |(first, _)| first), last));
        closed
    }

    /// Adds a block that cannot be read: its checksum is that of nothing.
    fn add_malformed(&mut self, block: &SampleBlock) -> Option<Block> {
        let place = self.place(block.first());
        let closed = self.make_room(place);
        self.is_malformed = true;
        self.open = Some((self.open.map_or(place, |(first, _)| first), place));
        closed
    }

    /// Closes a checksum that samples from a place on are not under.
    fn make_room(&mut self, first: u64) -> Option<Block> {
        let is_other = self.open.is_some_and(|(open, _)| open / BLOCK != first / BLOCK);
        if is_other { self.rest() } else { None }
    }

    /// The last checksum.
    pub(super) fn rest(&mut self) -> Option<Block> {
        let (first, last) = self.open.take()?;
        let sum = self.sum.take();
        let sha256 = if std::mem::take(&mut self.is_malformed) { String::new() } else { sum };
        Some(Block { run: self.run, part: SAMPLES, first: first / BLOCK * BLOCK, last, sha256 })
    }

    fn place(&self, id: i64) -> u64 {
        id.saturating_sub(id_range(self.run)[0]).unsigned_abs()
    }
}

/// The words that the samples of a run refer to, by the store's numbers.
#[derive(Debug, Default)]
pub(super) struct Used {
    endpoints: BTreeSet<i64>,
    user_classes: BTreeSet<i64>,
    reasons: BTreeSet<i64>,
}

impl Used {
    /// Notes what a block refers to.
    pub(super) fn note(&mut self, block: &SampleBlock) {
        for (column, numbers, less) in [
            (Column::Endpoint, &mut self.endpoints, 0),
            (Column::UserClass, &mut self.user_classes, 0),
            (Column::Reason, &mut self.reasons, 1),
        ] {
            let mut before = None;
            for number in block.column(column) {
                if before != Some(number) && *number >= less {
                    numbers.insert(number - less);
                }
                before = Some(number);
            }
        }
    }

    fn of(&self, column: Column) -> &BTreeSet<i64> {
        match column {
            Column::Endpoint => &self.endpoints,
            Column::UserClass => &self.user_classes,
            _ => &self.reasons,
        }
    }
}

/// Which rows of a run are summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// What reports and bundles name: samples, readings and what else was counted.
    Measured,
    /// The words that these refer to, and what failed requests said.
    Words,
    /// What explains them.
    Facts,
    /// What is kept of them when samples are pruned; no run's own seal covers it.
    Kept,
}

impl Which {
    pub(super) fn parts(self) -> &'static [Part] {
        match self {
            Self::Measured => &MEASURED,
            Self::Words => &WORDS,
            Self::Facts => &FACTS,
            Self::Kept => &KEPT,
        }
    }
}

impl Store {
    /// Everything that was measured in a run, block by block.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn blocks(&self, run: RunId) -> Result<Vec<Block>, StoreError> {
        self.require_samples(run)?;
        summed_up(&self.connection, run, Which::Measured)
    }
}

/// Rows of a run, summed up as they stand in the store.
pub(super) fn summed_up(connection: &Connection, run: RunId, which: Which) -> Result<Vec<Block>, StoreError> {
    some_summed_up(connection, run, which, |_| true)
}

/// The rows of some parts of a run, summed up as they stand in the store.
pub(super) fn some_summed_up(
    connection: &Connection,
    run: RunId,
    which: Which,
    is_meant: impl Fn(&Part) -> bool,
) -> Result<Vec<Block>, StoreError> {
    let parts = || which.parts().iter().filter(|part| is_meant(part));
    let mut used = Used::default();
    if parts().any(|part| matches!(part.rows, Rows::Word(..))) {
        let wanted = Wanted::of(&[Column::Endpoint, Column::UserClass, Column::Reason]);
        block::scan(connection, run, wanted, |block, read| {
            // The samples' own checksum tells of a block that cannot be read.
            if read.is_ok() {
                used.note(block);
            }
            Ok::<_, StoreError>(())
        })?;
    }
    let mut blocks = Vec::new();
    for part in parts() {
        match part.rows {
            Rows::Samples => blocks.extend(of_samples(connection, run)?),
            Rows::Sql(sql) => blocks.extend(of_rows(connection, run, part.name, sql)?),
            Rows::Word(column, sql) => {
                blocks.extend(of_words(connection, run, part.name, sql, used.of(column))?);
            }
        }
    }
    Ok(blocks)
}

/// The words that a run's samples refer to.
pub(super) fn of_used_words(
    connection: &Connection,
    run: RunId,
    used: &Used,
) -> Result<Vec<Block>, StoreError> {
    let mut blocks = Vec::new();
    for part in &WORDS {
        if let Rows::Word(column, sql) = part.rows {
            blocks.extend(of_words(connection, run, part.name, sql, used.of(column))?);
        }
    }
    Ok(blocks)
}

fn of_samples(connection: &Connection, run: RunId) -> Result<Vec<Block>, StoreError> {
    let (mut blocks, mut sums) = (Vec::<Block>::new(), SampleSums::of(run));
    block::scan(connection, run, Wanted::ALL, |block, read| {
        blocks.extend(match read {
            Ok(()) => sums.add(block),
            Err(_) => sums.add_malformed(block),
        });
        Ok::<_, StoreError>(())
    })?;
    blocks.extend(sums.rest());
    Ok(blocks)
}

fn of_rows(
    connection: &Connection,
    run: RunId,
    part: &'static str,
    sql: &str,
) -> Result<Vec<Block>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let wants = statement.parameter_count();
    let mut rows = statement.query(rusqlite::params_from_iter(&id_range(run)[..wants]))?;
    let (mut sums, mut blocks) = (Blocks::of(run, part), Vec::new());
    while let Some(row) = rows.next()? {
        blocks.extend(sums.add(values(row)?));
    }
    blocks.extend(sums.rest());
    Ok(blocks)
}

fn of_words(
    connection: &Connection,
    run: RunId,
    part: &'static str,
    sql: &str,
    numbers: &BTreeSet<i64>,
) -> Result<Vec<Block>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let (mut sums, mut blocks) = (Blocks::of(run, part), Vec::new());
    for number in numbers {
        let mut found = statement.query([number])?;
        while let Some(row) = found.next()? {
            blocks.extend(sums.add(values(row)?));
        }
    }
    blocks.extend(sums.rest());
    Ok(blocks)
}

/// The values of a row.
pub(super) fn values<'a>(row: &'a Row<'_>) -> rusqlite::Result<Vec<ValueRef<'a>>> {
    (0..row.as_ref().column_count()).map(|column| row.get_ref(column)).collect()
}

/// A value with its type and length, so that no two rows have the same bytes.
fn encode(value: ValueRef<'_>, row: &mut Vec<u8>) {
    match value {
        ValueRef::Null => row.push(0),
        ValueRef::Integer(number) => {
            row.push(1);
            row.extend(number.to_le_bytes());
        }
        ValueRef::Real(number) => {
            row.push(2);
            row.extend(number.to_bits().to_le_bytes());
        }
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            row.push(3);
            row.extend((bytes.len() as u64).to_le_bytes());
            row.extend(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_in_a_checksum_or_named_as_one_that_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store.db")).unwrap();
        let columns = |table: &str| -> Vec<String> {
            let mut names = store.connection.prepare("SELECT name FROM pragma_table_info(?1)").unwrap();
            names.query_map([table], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        let summed = |part: &Part| -> Vec<String> {
            let (Rows::Sql(sql) | Rows::Word(_, sql)) = part.rows else {
                return crate::sample::STORED_COLUMNS.map(str::to_owned).to_vec();
            };
            let statement = store.connection.prepare(sql).unwrap();
            statement.column_names().map(str::to_owned).collect()
        };
        for (table, part, others) in [
            ("run", &FACTS[0], &UNSEALED[..]),
            ("run_phase", &FACTS[2], &["run"]),
            ("hook", &FACTS[3], &["id", "run"]),
            ("fault", &FACTS[5], &["run"]),
            ("sample", &MEASURED[0], &["block"]),
            ("agent", &FACTS[7], &["run"]),
            ("entrant", &MEASURED[1], &[]),
            ("reading", &MEASURED[2], &[]),
            ("soft_check", &MEASURED[3], &["run"]),
            ("signal", &WORDS[3], &["run"]),
            ("exchange", &WORDS[4], &["endpoint"]),
            ("histogram", &KEPT[0], &["run"]),
            ("metric", &KEPT[1], &["run"]),
            ("audit_check", &KEPT[2], &["run"]),
            ("verdict", &KEPT[3], &["experiment", "run"]),
            ("claim_value", &KEPT[4], &[]),
            ("pruned", &KEPT[5], &["run", "sha256"]),
        ] {
            let tags = if table == "run" { summed(&FACTS[6]) } else { Vec::new() };
            let summed = [summed(part), tags].concat();
            let missing: Vec<String> = columns(table)
                .into_iter()
                .filter(|column| !summed.contains(column) && !others.contains(&column.as_str()))
                .collect();
            assert!(missing.is_empty(), "{table}: {missing:?} would not be sealed");
        }
    }

    #[test]
    fn rows_with_other_values_have_other_bytes() {
        let bytes = |values: &[ValueRef<'_>]| {
            let mut row = Vec::new();
            for value in values {
                encode(*value, &mut row);
            }
            row
        };
        let (a, bc, ab, c) =
            (ValueRef::Text(b"a"), ValueRef::Text(b"bc"), ValueRef::Text(b"ab"), ValueRef::Text(b"c"));
        assert_ne!(bytes(&[a, bc]), bytes(&[ab, c]));
        assert_ne!(bytes(&[ValueRef::Integer(0)]), bytes(&[ValueRef::Null]));
        assert_ne!(bytes(&[ValueRef::Integer(0)]), bytes(&[ValueRef::Real(0.0)]));
    }
}
