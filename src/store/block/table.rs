//! Blocks on their way into `sample_block` and out of it.

use rusqlite::{Connection, Row};

use super::{COLUMNS, Column, ID_ROWS, Malformed, SampleBlock, Wanted, digits};
use crate::run::RunId;
use crate::store::StoreError;
use crate::store::ids::id_range;

/// The columns as they are stored: times after the first as differences, which are short.
pub(super) const STORED: [&str; COLUMNS] = [
    "endpoint",
    "user_class",
    "user",
    "journey",
    "phase",
    "outcome",
    "status",
    "intended_us",
    "lateness_us",
    "receiving_us",
    "service_us",
    "bytes_in",
    "bytes_out",
    "redirects",
    "repeats",
    "reason",
    "key",
];

/// All columns of `sample_block`, in their order.
fn columns() -> String {
    let least = STORED.map(|name| format!("{name}_least")).join(", ");
    format!("id, samples, {least}, {}", STORED.join(", "))
}

/// Puts blocks into the store, each in place of what stands there of it.
pub(in crate::store) struct Insert {
    sql: String,
    digits: Vec<u8>,
    differences: Vec<i64>,
}

impl Default for Insert {
    fn default() -> Self {
        let values = vec!["?"; 2 + 2 * COLUMNS].join(", ");
        let sql = format!("INSERT OR REPLACE INTO sample_block ({}) VALUES ({values})", columns());
        Self { sql, digits: Vec::new(), differences: Vec::new() }
    }
}

impl Insert {
    /// Stores a block; nothing of an empty one.
    pub(in crate::store) fn put(
        &mut self,
        connection: &Connection,
        block: &SampleBlock,
    ) -> Result<(), StoreError> {
        if block.len() == 0 {
            return Ok(());
        }
        let mut statement = connection.prepare_cached(&self.sql)?;
        statement.raw_bind_parameter(1, block.first)?;
        statement.raw_bind_parameter(2, block.end() - block.first)?;
        for column in Column::ALL {
            let place = column as usize;
            let values = block.column(column);
            let subtracted = match column {
                Column::Sent => Some((Column::Sent, Column::Intended)),
                Column::FirstByte => Some((Column::Done, Column::FirstByte)),
                Column::Done => Some((Column::Done, Column::Sent)),
                _ => None,
            };
            let values = match subtracted {
                Some((from, what)) => {
                    self.differences.clear();
                    let pairs = block.column(from).iter().zip(block.column(what));
                    self.differences.extend(pairs.map(|(from, what)| from - what));
                    &self.differences
                }
                None => values,
            };
            let least = digits::write(values, &mut self.digits);
            statement.raw_bind_parameter(3 + place, least)?;
            statement.raw_bind_parameter(3 + COLUMNS + place, self.digits.as_slice())?;
        }
        statement.raw_execute()?;
        Ok(())
    }
}

/// A block as it stands in the store.
struct Raw<'a> {
    id: i64,
    samples: i64,
    least: [i64; COLUMNS],
    digits: [&'a [u8]; COLUMNS],
}

impl<'a> Raw<'a> {
    fn of(row: &'a Row<'_>) -> Result<Self, rusqlite::Error> {
        let mut raw =
            Self { id: row.get(0)?, samples: row.get(1)?, least: [0; COLUMNS], digits: [&[]; COLUMNS] };
        for place in 0..COLUMNS {
            raw.least[place] = row.get(2 + place)?;
            raw.digits[place] = row.get_ref(2 + COLUMNS + place)?.as_blob()?;
        }
        Ok(raw)
    }

    /// How many samples it has, if it can have them. `after`: the id after that of the last sample before.
    fn samples(&self, after: i64) -> Result<usize, Malformed> {
        const IMPOSSIBLE: Malformed = Malformed("it has an impossible number of samples");
        let most = ID_ROWS - self.id.rem_euclid(ID_ROWS);
        if self.id < after {
            return Err(Malformed("it overlaps the block before"));
        }
        if !(1..=most).contains(&self.samples) {
            return Err(IMPOSSIBLE);
        }
        usize::try_from(self.samples).map_err(|_| IMPOSSIBLE)
    }

    /// Takes the wanted columns apart.
    fn unpack(&self, after: i64, wanted: Wanted, block: &mut SampleBlock) -> Result<(), Malformed> {
        block.begin(self.id);
        let samples = self.samples(after)?;
        for digits in self.digits {
            digits::fit(digits, samples)?;
        }
        block.samples = samples;
        let later = wanted.any(&[Column::FirstByte, Column::Done]);
        for column in Column::ALL {
            let is_wanted = match column {
                Column::Intended => later || wanted.any(&[Column::Intended, Column::Sent]),
                Column::Sent => later || wanted.any(&[Column::Sent]),
                Column::Done => later,
                _ => wanted.any(&[column]),
            };
            if is_wanted {
                let place = column as usize;
                digits::read(self.digits[place], self.least[place], samples, &mut block.columns[place])?;
            }
        }
        let times = [Column::Intended, Column::Sent, Column::FirstByte, Column::Done];
        let Ok([intended, sent, first_byte, done]) =
            block.columns.get_disjoint_mut(times.map(|column| column as usize))
        else {
            return Err(OUT_OF_RANGE);
        };
        add(sent, intended)?;
        add(done, sent)?;
        for (time, done) in first_byte.iter_mut().zip(&*done) {
            *time = done.checked_sub(*time).ok_or(OUT_OF_RANGE)?;
        }
        Ok(())
    }
}

const OUT_OF_RANGE: Malformed = Malformed("a time is out of range");

/// Adds one column to another.
fn add(to: &mut [i64], what: &[i64]) -> Result<(), Malformed> {
    for (to, what) in to.iter_mut().zip(what) {
        *to = to.checked_add(*what).ok_or(OUT_OF_RANGE)?;
    }
    Ok(())
}

/// Shows `each` the blocks of a run in their order, with the wanted columns; of a malformed one why it is, and the block
/// without its samples.
pub(in crate::store) fn scan<E: From<StoreError>>(
    connection: &Connection,
    run: RunId,
    wanted: Wanted,
    mut each: impl FnMut(&SampleBlock, Result<(), Malformed>) -> Result<(), E>,
) -> Result<(), E> {
    let sql = format!("SELECT {} FROM sample_block WHERE id >= ?1 AND id < ?2 ORDER BY id", columns());
    let mut statement = connection.prepare_cached(&sql).map_err(StoreError::from)?;
    let mut rows = statement.query(id_range(run)).map_err(StoreError::from)?;
    let (mut block, mut after) = (SampleBlock::default(), i64::MIN);
    while let Some(row) = rows.next().map_err(StoreError::from)? {
        let raw = Raw::of(row).map_err(StoreError::from)?;
        let unpacked = raw.unpack(after, wanted, &mut block);
        if unpacked.is_err() {
            block.begin(raw.id);
        }
        each(&block, unpacked)?;
        after = raw.id.saturating_add(raw.samples.clamp(1, ID_ROWS));
    }
    Ok(())
}

/// The last block of a run, whole; none if it has no samples.
pub(in crate::store) fn last(connection: &Connection, run: RunId) -> Result<Option<SampleBlock>, StoreError> {
    let sql =
        format!("SELECT {} FROM sample_block WHERE id >= ?1 AND id < ?2 ORDER BY id DESC LIMIT 1", columns());
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(id_range(run))?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut block = SampleBlock::default();
    let raw = Raw::of(row)?;
    let damaged = |Malformed(why)| StoreError::Damaged { run, from: raw.id - id_range(run)[0], why };
    raw.unpack(i64::MIN, Wanted::ALL, &mut block).map_err(damaged)?;
    Ok(Some(block))
}

/// Whether the store has samples of a run.
pub(in crate::store) fn has_samples(connection: &Connection, run: RunId) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM sample_block WHERE id >= ?1 AND id < ?2 LIMIT 1)";
    Ok(connection.query_row(sql, id_range(run), |row| row.get::<_, i64>(0))? > 0)
}
