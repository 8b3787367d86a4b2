//! Samples as they stand in the store: up to 256 of them in a row of `sample_block`, each column as decimal digits of one
//! width. Plain SQL takes them apart again (the view `sample`), and they take a third of the room of a row each.

mod convert;
mod digits;
mod table;

use crate::checksum::Sum;
use crate::sample::{STORED_COLUMNS as SAMPLE, Sample, StoredSample};

pub(super) use convert::convert;
pub(super) use table::{Insert, has_samples, last, scan};

/// Samples of a full block; also rows under one checksum of a seal.
pub(super) const ROWS: usize = 256;
/// As many, for ids.
const ID_ROWS: i64 = 256;
/// Columns of a sample beside its id.
const COLUMNS: usize = SAMPLE.len() - 1;
/// No value is larger, or smaller with a minus: differences of three fit into 64 bits. As a time it is 36,000 years.
const BOUND: i64 = 1 << 60;

/// A column of a sample, in the order of [`SAMPLE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Endpoint,
    UserClass,
    User,
    Journey,
    Phase,
    Outcome,
    Status,
    Intended,
    Sent,
    FirstByte,
    Done,
    BytesIn,
    BytesOut,
    Redirects,
    Repeats,
    /// One more than its number; 0 for none.
    Reason,
    /// One more than its code; 0 for none.
    Key,
}

impl Column {
    const ALL: [Self; COLUMNS] = [
        Self::Endpoint,
        Self::UserClass,
        Self::User,
        Self::Journey,
        Self::Phase,
        Self::Outcome,
        Self::Status,
        Self::Intended,
        Self::Sent,
        Self::FirstByte,
        Self::Done,
        Self::BytesIn,
        Self::BytesOut,
        Self::Redirects,
        Self::Repeats,
        Self::Reason,
        Self::Key,
    ];
}

/// Some columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted(u32);

impl Wanted {
    pub(super) const ALL: Self = Self((1 << COLUMNS) - 1);

    pub(super) const fn of(columns: &[Column]) -> Self {
        let (mut bits, mut place) = (0, 0);
        while place < columns.len() {
            bits |= 1 << columns[place] as u32;
            place += 1;
        }
        Self(bits)
    }

    fn any(self, columns: &[Column]) -> bool {
        self.0 & Self::of(columns).0 != 0
    }
}

/// Why a block cannot be taken apart, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// Up to [`ROWS`] samples that follow each other, column by column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SampleBlock {
    /// The id of the first one.
    first: i64,
    samples: usize,
    /// Those that are not wanted are empty.
    columns: [Vec<i64>; COLUMNS],
}

impl SampleBlock {
    /// An empty block for samples with ids from `first` on.
    pub(super) fn begin(&mut self, first: i64) {
        self.first = first;
        self.samples = 0;
        self.columns.iter_mut().for_each(Vec::clear);
    }

    pub(super) fn first(&self) -> i64 {
        self.first
    }

    pub(super) fn len(&self) -> usize {
        self.samples
    }

    /// The id after that of the last one.
    pub(super) fn end(&self) -> i64 {
        self.first.saturating_add(i64::try_from(self.samples).unwrap_or(i64::MAX))
    }

    /// A column; empty if it was not wanted.
    pub(super) fn column(&self, column: Column) -> &[i64] {
        &self.columns[column as usize]
    }

    /// Adds a sample as it was stored; the block has room for it.
    pub(super) fn push_stored(&mut self, sample: &StoredSample) {
        let optional =
            [sample.reason, sample.key].map(|value| value.map_or(0, |value| value.saturating_add(1)));
        let (numbers, last) = (sample.numbers.iter().skip(1), &optional);
        let mut values = [0; COLUMNS];
        for (value, given) in values.iter_mut().zip(numbers.chain(last)) {
            *value = *given;
        }
        self.push(&values);
    }

    /// A sample as it is stored.
    pub(super) fn stored(&self, place: usize) -> StoredSample {
        let mut numbers = [0; SAMPLE.len() - 2];
        numbers[0] = self.first.saturating_add(i64::try_from(place).unwrap_or(i64::MAX));
        for (number, column) in numbers[1..].iter_mut().zip(&self.columns) {
            *number = column[place];
        }
        let optional = |column: Column| match self.column(column)[place] {
            0 => None,
            value => Some(value - 1),
        };
        StoredSample { numbers, reason: optional(Column::Reason), key: optional(Column::Key) }
    }

    /// Whether a sample of an id belongs to the next block.
    pub(super) fn ends_before(&self, id: i64) -> bool {
        id % ID_ROWS == 0 || id != self.end()
    }

    /// Adds the values of a sample, in the order of the columns.
    fn push(&mut self, values: &[i64; COLUMNS]) {
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.push(value.clamp(&-BOUND, &BOUND).to_owned());
        }
        self.samples += 1;
    }

    /// Adds samples, as far as there is room; how many. `numbers`: what the store calls their words.
    pub(super) fn fill(&mut self, samples: &[Sample], numbers: &WordNumbers<'_>) -> usize {
        let taken = &samples[..samples.len().min(ROWS - self.samples)];
        let mut put = |column: Column, value: &dyn Fn(&Sample) -> i64| {
            self.columns[column as usize].extend(taken.iter().map(value));
        };
        put(Column::Endpoint, &|s| numbers.endpoints[usize::from(s.endpoint.0)]);
        put(Column::UserClass, &|s| numbers.user_classes[usize::from(s.user_class.0)]);
        put(Column::User, &|s| s.user.into());
        put(Column::Journey, &|s| s.journey.into());
        put(Column::Phase, &|s| (s.phase as u8).into());
        put(Column::Outcome, &|s| (s.outcome as u8).into());
        put(Column::Status, &|s| s.status.into());
        put(Column::Intended, &|s| s.intended_us.clamp(-BOUND, BOUND));
        put(Column::Sent, &|s| s.sent_us.clamp(-BOUND, BOUND));
        put(Column::FirstByte, &|s| s.first_byte_us.clamp(-BOUND, BOUND));
        put(Column::Done, &|s| s.done_us.clamp(-BOUND, BOUND));
        put(Column::BytesIn, &|s| s.bytes_in.into());
        put(Column::BytesOut, &|s| s.bytes_out.into());
        put(Column::Redirects, &|s| s.redirects.into());
        put(Column::Repeats, &|s| s.repeats.into());
        put(Column::Reason, &|s| {
            let known = usize::from(s.reason.0).checked_sub(1).and_then(|place| numbers.reasons.get(place));
            known.map_or(0, |number| number + 1)
        });
        put(Column::Key, &|s| match s.key.code() {
            0 => 0,
            code => super::sql_integer(code).min(BOUND - 1) + 1,
        });
        self.samples += taken.len();
        taken.len()
    }

    /// The checksum of its rows' values, as [`super::checksum::Blocks`] sums up rows that SQLite gives. `bytes` is room
    /// for them.
    pub(super) fn add_to(&self, sum: &mut Sum, bytes: &mut Vec<u8>) {
        bytes.clear();
        for (place, id) in (self.first..self.end()).enumerate() {
            let mut row = [0_u8; 9 * SAMPLE.len()];
            let mut end = 0;
            let mut put = |value: Option<i64>| {
                if let Some(value) = value {
                    row[end] = 1;
                    row[end + 1..end + 9].copy_from_slice(&value.to_le_bytes());
                    end += 8;
                }
                end += 1;
            };
            put(Some(id));
            let (numbers, optional) = self.columns.split_at(Column::Reason as usize);
            for column in numbers {
                put(Some(column[place]));
            }
            for column in optional {
                put((column[place] != 0).then(|| column[place] - 1));
            }
            bytes.extend_from_slice(&row[..end]);
        }
        sum.add(bytes);
    }
}

/// What the store calls the words that samples refer to by their places.
pub(super) struct WordNumbers<'a> {
    pub(super) endpoints: &'a [i64],
    pub(super) user_classes: &'a [i64],
    /// Of the worker whose samples they are.
    pub(super) reasons: &'a [i64],
}

#[cfg(test)]
mod tests;
