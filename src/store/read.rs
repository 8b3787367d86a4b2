//! What was measured in a run: samples, readings, and why samples did not end well.

use std::collections::BTreeMap;

use rusqlite::Row;

use super::schema::RUN_SHIFT;
use super::{Store, StoreError};
use crate::reading::SignalColumn;
use crate::run::{FailureReason, RunId, SampleId, SlowSample, SoftCheckCount};
use crate::sample::{
    ExportedSample, Key, Kind, Outcome, PROBE_CLASS, Phase, Race, SampleColumns, Subject, TimedSample,
};

impl Store {
    /// The samples of a run.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn samples(&self, run: RunId) -> Result<SampleColumns, StoreError> {
        self.require_samples(run)?;
        let mut columns = SampleColumns::default();
        let mut places: BTreeMap<i64, u32> = BTreeMap::new();
        let mut statement = self.connection.prepare_cached(
            "SELECT endpoint, outcome, phase, status, intended_us, sent_us, done_us, key, \
             bytes_in, bytes_out, user_class, user, repeats, journey, redirects FROM sample \
             WHERE id >= ?1 AND id < ?2 ORDER BY id",
        )?;
        let mut rows = statement.query(id_range(run))?;
        while let Some(row) = rows.next()? {
            let endpoint: i64 = row.get(0)?;
            let place = match places.get(&endpoint) {
                Some(place) => *place,
                None => {
                    columns.subjects.push(self.subject(endpoint)?);
                    let place = u32::try_from(columns.subjects.len() - 1).unwrap_or(u32::MAX);
                    places.insert(endpoint, place);
                    place
                }
            };
            columns.subject.push(place);
            columns.outcome.push(outcome(row.get(1)?)?);
            columns.phase.push(phase(row.get(2)?)?);
            columns.status.push(row.get(3)?);
            columns.intended_us.push(row.get(4)?);
            columns.sent_us.push(row.get(5)?);
            columns.done_us.push(row.get(6)?);
            let key: Option<i64> = row.get(7)?;
            columns.key.push(Key::from_code(key.unwrap_or(0).unsigned_abs()));
            columns.bytes_in.push(row.get(8)?);
            columns.bytes_out.push(row.get(9)?);
            let (class, user): (u32, u32) = (row.get(10)?, row.get(11)?);
            columns.caller.push(u64::from(class) << 32 | u64::from(user));
            columns.repeats += u64::from(row.get::<_, u8>(12)?);
            columns.journey.push(row.get(13)?);
            columns.redirects.push(row.get(14)?);
        }
        columns.entrants = self.entrants(run)?;
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
        let mut statement = self.connection.prepare_cached(
            "SELECT endpoint, outcome, phase, intended_us, sent_us, done_us FROM sample WHERE id >= ?1 AND id < ?2",
        )?;
        let mut rows = statement.query(id_range(run))?;
        while let Some(row) = rows.next()? {
            let endpoint: i64 = row.get(0)?;
            let subject = match numbers.iter().position(|number| *number == endpoint) {
                Some(place) => place,
                None => {
                    numbers.push(endpoint);
                    subjects.push(self.subject(endpoint)?);
                    subjects.len() - 1
                }
            };
            each(&TimedSample {
                subject,
                outcome: outcome(row.get(1)?)?,
                phase: phase(row.get(2)?)?,
                intended_us: row.get(3)?,
                sent_us: row.get(4)?,
                done_us: row.get(5)?,
            });
        }
        Ok(subjects)
    }

    fn entrants(&self, run: RunId) -> Result<Vec<(usize, Race)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT sample, race FROM entrant WHERE sample >= ?1 AND sample < ?2 ORDER BY sample",
        )?;
        let entrants = statement.query_map(id_range(run), |row| {
            let (sample, race): (i64, i64) = (row.get(0)?, row.get(1)?);
            // A run's samples are numbered from 0, in the order in which they are read.
            let place = usize::try_from(sample - id_range(run)[0]).unwrap_or(usize::MAX);
            Ok((place, Race::from_code(race.unsigned_abs())))
        })?;
        Ok(entrants.collect::<Result<_, _>>()?)
    }

    fn subject(&self, endpoint: i64) -> Result<Subject, StoreError> {
        let find = "SELECT kind, traffic_class, name FROM endpoint WHERE id = ?1";
        Ok(self.connection.query_row(find, [endpoint], |row| {
            let kind: String = row.get(0)?;
            Ok(Subject { kind: Kind::of_word(&kind), traffic_class: row.get(1)?, endpoint: row.get(2)? })
        })?)
    }

    /// The signals of a run with their readings, in order of name.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn signals(&self, run: RunId) -> Result<Vec<SignalColumn>, StoreError> {
        let mut names = self
            .connection
            .prepare_cached("SELECT id, name, unit, is_counter FROM signal WHERE run = ?1 ORDER BY name")?;
        let mut signals: Vec<(i64, SignalColumn)> = names
            .query_map([run.0], |row| {
                let (name, unit, is_counter) = (row.get(1)?, row.get(2)?, row.get(3)?);
                Ok((row.get(0)?, SignalColumn { name, unit, is_counter, readings: Vec::new() }))
            })?
            .collect::<Result<_, _>>()?;
        let places: BTreeMap<i64, usize> = signals.iter().enumerate().map(|(i, (id, _))| (*id, i)).collect();
        let mut readings = self.connection.prepare_cached(
            "SELECT signal, at_us, value FROM reading WHERE id >= ?1 AND id < ?2 ORDER BY id",
        )?;
        let mut rows = readings.query(id_range(run))?;
        while let Some(row) = rows.next()? {
            if let Some(place) = places.get(&row.get::<_, i64>(0)?) {
                signals[*place].1.readings.push((row.get(1)?, row.get(2)?));
            }
        }
        // Workers hand theirs over in turns.
        for (_, signal) in &mut signals {
            signal.readings.sort_by_key(|(at_us, _)| *at_us);
        }
        Ok(signals.into_iter().map(|(_, signal)| signal).collect())
    }

    /// How often the checks of a run that decide nothing have passed.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn soft_checks(&self, run: RunId) -> Result<Vec<SoftCheckCount>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT name, endpoint, phase, passed, failed FROM soft_check WHERE run = ?1 \
             ORDER BY name, endpoint, phase",
        )?;
        let mut rows = statement.query([run.0])?;
        let mut counts = Vec::new();
        while let Some(row) = rows.next()? {
            counts.push(SoftCheckCount {
                name: row.get(0)?,
                subject: self.subject(row.get(1)?)?,
                phase: phase(row.get(2)?)?,
                passed: row.get::<_, i64>(3)?.unsigned_abs(),
                failed: row.get::<_, i64>(4)?.unsigned_abs(),
            });
        }
        Ok(counts)
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
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT run, sequence, kind, traffic_class, endpoint, user_class, user, journey, phase, outcome, \
                 status, reason, intended_us, sent_us, first_byte_us, done_us, bytes_in, bytes_out, \
                 key_list, key, redirects, repeats FROM samples WHERE run = ?1",
            )
            .map_err(StoreError::from)?;
        let mut rows = statement.query([run.0]).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            let mut sample = exported(row).map_err(StoreError::from)?;
            if !tags.is_empty()
                && let Some(own) = tags.get(&sample.subject())
            {
                sample.tags.clone_from(own);
            }
            each(&sample)?;
        }
        Ok(())
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

    /// The requests of users that took longest, the slowest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn slowest(&self, run: RunId) -> Result<Vec<SlowSample>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT endpoint, traffic_class, outcome, status, user, journey, intended_us, response_us, service_us \
             FROM samples WHERE run = ?1 AND kind = 'request' AND traffic_class <> ?2 AND outcome <> 'dropped' \
             ORDER BY response_us DESC, sequence LIMIT 5",
        )?;
        let rows = statement.query_map(rusqlite::params![run.0, PROBE_CLASS], |row| {
            Ok(SlowSample {
                run,
                endpoint: row.get(0)?,
                traffic_class: row.get(1)?,
                outcome: row.get(2)?,
                status: row.get(3)?,
                user: row.get(4)?,
                journey: row.get(5)?,
                intended_us: row.get(6)?,
                response_us: row.get(7)?,
                service_us: row.get(8)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The different reasons why samples of a run did not end well, the most frequent first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn reasons(&self, run: RunId) -> Result<Vec<FailureReason>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT outcome, endpoint, coalesce(reason, ''), count(*), min(intended_us), max(intended_us), min(sequence) \
             FROM samples \
             WHERE run = ?1 AND outcome IN ('failed', 'error', 'dropped') \
             GROUP BY outcome, endpoint, reason ORDER BY count(*) DESC, outcome, endpoint, reason LIMIT 50",
        )?;
        let rows = statement.query_map([run.0], |row| {
            Ok(FailureReason {
                outcome: row.get(0)?,
                endpoint: row.get(1)?,
                reason: row.get(2)?,
                count: row.get::<_, i64>(3)?.unsigned_abs(),
                first_us: row.get(4)?,
                last_us: row.get(5)?,
                first: SampleId { run, sequence: row.get(6)? },
                exchange: None,
            })
        })?;
        let mut reasons = rows.collect::<Result<Vec<_>, _>>()?;
        for reason in &mut reasons {
            let kept = self.exchange_about(run, &reason.endpoint, &reason.reason)?;
            reason.exchange = kept.map(|kept| kept.to_string());
        }
        Ok(reasons)
    }
}

pub(super) fn id_range(run: RunId) -> [i64; 2] {
    [run.0 << RUN_SHIFT, (run.0 + 1) << RUN_SHIFT]
}

fn exported(row: &Row<'_>) -> rusqlite::Result<ExportedSample> {
    Ok(ExportedSample {
        run: row.get(0)?,
        sequence: row.get(1)?,
        kind: row.get(2)?,
        traffic_class: row.get(3)?,
        endpoint: row.get(4)?,
        user_class: row.get(5)?,
        user: row.get(6)?,
        journey: row.get(7)?,
        phase: row.get(8)?,
        outcome: row.get(9)?,
        status: row.get(10)?,
        reason: row.get(11)?,
        intended_us: row.get(12)?,
        sent_us: row.get(13)?,
        first_byte_us: row.get(14)?,
        done_us: row.get(15)?,
        bytes_in: row.get(16)?,
        bytes_out: row.get(17)?,
        key_list: row.get(18)?,
        key: row.get(19)?,
        redirects: row.get(20)?,
        repeats: row.get(21)?,
        tags: String::new(),
    })
}

pub(super) fn outcome(code: u8) -> rusqlite::Result<Outcome> {
    Outcome::ALL.get(usize::from(code)).copied().ok_or_else(|| unknown_code(1, code))
}

pub(super) fn phase(code: u8) -> rusqlite::Result<Phase> {
    Phase::ALL.get(usize::from(code)).copied().ok_or_else(|| unknown_code(2, code))
}

fn unknown_code(column: usize, code: u8) -> rusqlite::Error {
    rusqlite::Error::IntegralValueOutOfRange(column, code.into())
}
