//! The samples of a run as they come out of their blocks: all of them by the column, or one by one in words.

use std::collections::BTreeMap;

use super::block::{self, Column, Malformed, SampleBlock, Wanted};
use super::ids::id_range;
use super::words::Words;
use super::{Store, StoreError};
use crate::run::RunId;
use crate::sample::{ExportedSample, Key, Kind, Outcome, Phase, Race, SampleColumns, Subject, TimedSample};

/// What [`Store::samples`] gives.
const MEASURED: Wanted = Wanted::of(&[
    Column::Endpoint,
    Column::Outcome,
    Column::Phase,
    Column::Status,
    Column::Intended,
    Column::Sent,
    Column::Done,
    Column::Key,
    Column::BytesIn,
    Column::BytesOut,
    Column::UserClass,
    Column::User,
    Column::Repeats,
    Column::Journey,
    Column::Redirects,
]);

/// What [`Store::each_time`] gives.
const TIMES: Wanted = Wanted::of(&[
    Column::Endpoint,
    Column::Outcome,
    Column::Phase,
    Column::Intended,
    Column::Sent,
    Column::Done,
]);

impl Store {
    /// The samples of a run.
    ///
    /// # Errors
    /// If the store cannot be read, or a block of samples is not as any loadproof writes it.
    pub fn samples(&self, run: RunId) -> Result<SampleColumns, StoreError> {
        self.require_samples(run)?;
        let mut columns = SampleColumns::default();
        let mut places: BTreeMap<i64, u32> = BTreeMap::new();
        // Ids of samples whose place in the columns follows from no sample before: only where some are missing.
        let mut starts: Vec<(i64, usize)> = Vec::new();
        let mut after = i64::MIN;
        self.each_block(run, MEASURED, |block| {
            if block.first() != after {
                starts.push((block.first(), columns.outcome.len()));
            }
            after = block.end();
            let mut last = (0, None);
            for endpoint in block.column(Column::Endpoint) {
                if last != (*endpoint, last.1) || last.1.is_none() {
                    last = (*endpoint, Some(self.place(*endpoint, &mut places, &mut columns)?));
                }
                columns.subject.extend(last.1);
            }
            append(block, &mut columns).map_err(|error| damaged(run, block, error))
        })?;
        columns.entrants = self.entrants(run, &starts, columns.outcome.len())?;
        Ok(columns)
    }

    /// Hands the times of every sample of a run to `each`, one by one; what the places of their subjects mean.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn each_time(
        &self,
        run: RunId,
        mut each: impl FnMut(&TimedSample),
    ) -> Result<Vec<Subject>, StoreError> {
        self.require_samples(run)?;
        let (mut numbers, mut subjects) = (Vec::new(), Vec::new());
        self.each_block(run, TIMES, |block| {
            for place in 0..block.len() {
                let of = |column| block.column(column)[place];
                let endpoint = of(Column::Endpoint);
                let subject = match numbers.iter().position(|number| *number == endpoint) {
                    Some(subject) => subject,
                    None => {
                        numbers.push(endpoint);
                        subjects.push(self.subject(endpoint)?);
                        subjects.len() - 1
                    }
                };
                let refused = |error| damaged(run, block, error);
                each(&TimedSample {
                    subject,
                    outcome: outcome(of(Column::Outcome)).map_err(refused)?,
                    phase: phase(of(Column::Phase)).map_err(refused)?,
                    intended_us: of(Column::Intended),
                    sent_us: of(Column::Sent),
                    done_us: of(Column::Done),
                });
            }
            Ok::<_, StoreError>(())
        })?;
        Ok(subjects)
    }

    /// The place of an endpoint among the subjects.
    fn place(
        &self,
        endpoint: i64,
        places: &mut BTreeMap<i64, u32>,
        columns: &mut SampleColumns,
    ) -> Result<u32, StoreError> {
        if let Some(place) = places.get(&endpoint) {
            return Ok(*place);
        }
        let place = u32::try_from(columns.subjects.len()).unwrap_or(u32::MAX);
        columns.subjects.push(self.subject(endpoint)?);
        places.insert(endpoint, place);
        Ok(place)
    }

    fn entrants(
        &self,
        run: RunId,
        starts: &[(i64, usize)],
        samples: usize,
    ) -> Result<Vec<(usize, Race)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT sample, race FROM entrant WHERE sample >= ?1 AND sample < ?2 ORDER BY sample",
        )?;
        let mut rows = statement.query(id_range(run))?;
        let mut entrants = Vec::new();
        while let Some(row) = rows.next()? {
            let (sample, race): (i64, i64) = (row.get(0)?, row.get(1)?);
            let next = starts.partition_point(|(id, _)| *id <= sample);
            let end = starts.get(next).map_or(samples, |(_, place)| *place);
            let place = next.checked_sub(1).and_then(|start| {
                let (id, place) = starts[start];
                usize::try_from(sample - id).ok()?.checked_add(place)
            });
            // That a sample is missing is told by the seal.
            entrants.extend(
                place.filter(|place| *place < end).map(|place| (place, Race::from_code(race.unsigned_abs()))),
            );
        }
        Ok(entrants)
    }

    /// Hands every sample of a run to `each`, one by one: memory stays flat however long the run.
    ///
    /// # Errors
    /// If the store cannot be read, or `each` fails.
    pub fn each_sample<E: From<StoreError>>(
        &self,
        run: RunId,
        mut each: impl FnMut(&ExportedSample) -> Result<(), E>,
    ) -> Result<(), E> {
        self.require_samples(run)?;
        let tags = self.tags(run)?;
        let mut words = Words::of(self);
        let mut sample = ExportedSample { run: run.0, ..ExportedSample::default() };
        self.each_block(run, Wanted::ALL, |block| {
            for place in 0..block.len() {
                show(block, place, &mut words, &mut sample)?;
                if !tags.is_empty() {
                    sample.tags = tags.get(&sample.subject()).cloned();
                }
                each(&sample)?;
            }
            Ok(())
        })
    }

    /// The tags of what a run called, as JSON objects.
    fn tags(&self, run: RunId) -> Result<BTreeMap<Subject, String>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT kind, traffic_class, endpoint, json_group_object(tag, value) FROM endpoint_tags WHERE run = ?1 \
             GROUP BY kind, traffic_class, endpoint",
        )?;
        let tags = statement.query_map([run.0], |row| {
            let kind: String = row.get(0)?;
            let kind = Kind::of_word(&kind);
            Ok((Subject { kind, traffic_class: row.get(1)?, endpoint: row.get(2)? }, row.get(3)?))
        })?;
        Ok(tags.collect::<Result<_, _>>()?)
    }

    /// Shows `each` the blocks of a run's samples, in their order, with the wanted columns.
    ///
    /// # Errors
    /// If the store or a block cannot be read, or `each` fails.
    pub(super) fn each_block<E: From<StoreError>>(
        &self,
        run: RunId,
        wanted: Wanted,
        mut each: impl FnMut(&SampleBlock) -> Result<(), E>,
    ) -> Result<(), E> {
        block::scan(&self.connection, run, wanted, |block, read| match read {
            Ok(()) => each(block),
            Err(error) => Err(damaged(run, block, error).into()),
        })
    }
}

fn damaged(run: RunId, block: &SampleBlock, Malformed(why): Malformed) -> StoreError {
    StoreError::Damaged { run, from: block.first().saturating_sub(id_range(run)[0]), why }
}

/// Adds a block's samples to all columns but that of their subjects.
fn append(block: &SampleBlock, columns: &mut SampleColumns) -> Result<(), Malformed> {
    let of = |column| block.column(column);
    for code in of(Column::Outcome) {
        columns.outcome.push(outcome(*code)?);
    }
    for code in of(Column::Phase) {
        columns.phase.push(phase(*code)?);
    }
    narrow(of(Column::Status), &mut columns.status)?;
    columns.intended_us.extend_from_slice(of(Column::Intended));
    columns.sent_us.extend_from_slice(of(Column::Sent));
    columns.done_us.extend_from_slice(of(Column::Done));
    columns.key.extend(of(Column::Key).iter().map(|key| Key::from_code((key - 1).max(0).unsigned_abs())));
    narrow(of(Column::BytesIn), &mut columns.bytes_in)?;
    narrow(of(Column::BytesOut), &mut columns.bytes_out)?;
    for (class, user) in of(Column::UserClass).iter().zip(of(Column::User)) {
        let number = |value: &i64| u32::try_from(*value).map(u64::from).map_err(|_| OUT_OF_RANGE);
        columns.caller.push(number(class)? << 32 | number(user)?);
    }
    columns.repeats += of(Column::Repeats).iter().map(|repeats| repeats.unsigned_abs()).sum::<u64>();
    narrow(of(Column::Journey), &mut columns.journey)?;
    narrow(of(Column::Redirects), &mut columns.redirects)
}

const OUT_OF_RANGE: Malformed = Malformed("a number is out of range");

/// Adds numbers to a column of a narrower type.
fn narrow<T: TryFrom<i64>>(from: &[i64], to: &mut Vec<T>) -> Result<(), Malformed> {
    to.reserve(from.len());
    for value in from {
        to.push(T::try_from(*value).map_err(|_| OUT_OF_RANGE)?);
    }
    Ok(())
}

/// The outcome of a code.
pub(super) fn outcome(code: i64) -> Result<Outcome, Malformed> {
    let known = usize::try_from(code).ok().and_then(|code| Outcome::ALL.get(code));
    known.copied().ok_or(Malformed("there is no such outcome"))
}

fn phase(code: i64) -> Result<Phase, Malformed> {
    let known = usize::try_from(code).ok().and_then(|code| Phase::ALL.get(code));
    known.copied().ok_or(Malformed("there is no such phase"))
}

/// One sample in words, in place of the one before.
fn show(
    block: &SampleBlock,
    place: usize,
    words: &mut Words<'_>,
    sample: &mut ExportedSample,
) -> Result<(), StoreError> {
    let of = |column| block.column(column)[place];
    let run = RunId(sample.run);
    let refused = |error| damaged(run, block, error);
    sample.sequence = block.first() - id_range(run)[0] + i64::try_from(place).unwrap_or(i64::MAX);
    let subject = words.subject(of(Column::Endpoint))?;
    subject.kind.word().clone_into(&mut sample.kind);
    sample.traffic_class.clone_from(&subject.traffic_class);
    sample.endpoint.clone_from(&subject.endpoint);
    sample.user_class.clone_from(words.user_class(of(Column::UserClass))?);
    sample.reason = match of(Column::Reason) {
        0 => None,
        reason => Some(words.reason(reason - 1)?.clone()),
    };
    phase(of(Column::Phase)).map_err(refused)?.word().clone_into(&mut sample.phase);
    outcome(of(Column::Outcome)).map_err(refused)?.word().clone_into(&mut sample.outcome);
    sample.user = of(Column::User);
    sample.journey = of(Column::Journey);
    sample.status = of(Column::Status);
    sample.intended_us = of(Column::Intended);
    sample.sent_us = of(Column::Sent);
    sample.first_byte_us = of(Column::FirstByte);
    sample.done_us = of(Column::Done);
    sample.bytes_in = of(Column::BytesIn);
    sample.bytes_out = of(Column::BytesOut);
    let key = of(Column::Key);
    sample.key_list = (key != 0).then(|| (key - 1) >> Key::NUMBER_BITS);
    sample.key = (key != 0).then(|| (key - 1) & Key::MOST.cast_signed());
    sample.redirects = of(Column::Redirects);
    sample.repeats = of(Column::Repeats);
    Ok(())
}
