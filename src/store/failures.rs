//! The samples of a run that people ask for first: the slowest, and those that did not end well.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::block::{Column, Wanted};
use super::ids::id_range;
use super::samples::outcome;
use super::words::Words;
use super::{Store, StoreError};
use crate::run::{FailureReason, RunId, SampleId, SlowSample};
use crate::sample::{Kind, Outcome};

/// Samples that are named as the slowest.
const SLOWEST: usize = 5;
/// Reasons that are named.
const MOST_REASONS: usize = 50;

/// What is needed of a sample to name it as slow.
const SLOW: Wanted = Wanted::of(&[
    Column::Endpoint,
    Column::Outcome,
    Column::Status,
    Column::User,
    Column::Journey,
    Column::Intended,
    Column::Sent,
    Column::Done,
]);
const WHY: Wanted = Wanted::of(&[Column::Endpoint, Column::Outcome, Column::Reason, Column::Intended]);

/// Samples that ended alike.
struct Alike {
    count: u64,
    first_us: i64,
    last_us: i64,
    /// The place of the first one within the run.
    first: u32,
}

impl Alike {
    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.first_us = self.first_us.min(other.first_us);
        self.last_us = self.last_us.max(other.last_us);
        self.first = self.first.min(other.first);
    }
}

impl Store {
    /// The requests of users that took longest, the slowest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn slowest(&self, run: RunId) -> Result<Vec<SlowSample>, StoreError> {
        let mut words = Words::of(self);
        let mut slowest: Vec<SlowSample> = Vec::new();
        self.each_block(run, SLOW, |block| {
            let of = |column| block.column(column);
            let times = of(Column::Done).iter().zip(of(Column::Intended));
            for (place, (done, intended)) in times.enumerate() {
                let response_us = done - intended;
                let last = slowest.get(SLOWEST - 1).map_or(i64::MIN, |slow| slow.response_us);
                let ended = outcome(of(Column::Outcome)[place]).unwrap_or(Outcome::Error);
                if slowest.len() == SLOWEST && response_us <= last || ended == Outcome::Dropped {
                    continue;
                }
                let subject = words.subject(of(Column::Endpoint)[place])?;
                if subject.kind != Kind::Request || subject.is_probe() {
                    continue;
                }
                let slow = SlowSample {
                    run,
                    endpoint: subject.endpoint.clone(),
                    traffic_class: subject.traffic_class.clone(),
                    outcome: ended.word().to_owned(),
                    status: u16::try_from(of(Column::Status)[place]).unwrap_or(0),
                    user: u32::try_from(of(Column::User)[place]).unwrap_or(u32::MAX),
                    journey: u32::try_from(of(Column::Journey)[place]).unwrap_or(u32::MAX),
                    intended_us: *intended,
                    response_us,
                    service_us: done - of(Column::Sent)[place],
                };
                // Among equal ones the first stays before the others.
                let at = slowest.partition_point(|other| other.response_us >= response_us);
                slowest.insert(at, slow);
                slowest.truncate(SLOWEST);
            }
            Ok::<_, StoreError>(())
        })?;
        Ok(slowest)
    }

    /// The different reasons why samples of a run did not end well, the most frequent first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn reasons(&self, run: RunId) -> Result<Vec<FailureReason>, StoreError> {
        let mut counted: HashMap<[i64; 3], Alike> = HashMap::new();
        self.each_block(run, WHY, |block| {
            let of = |column| block.column(column);
            let well = Outcome::Rejected as i64;
            for (place, code) in of(Column::Outcome).iter().enumerate().filter(|(_, code)| **code > well) {
                let at = of(Column::Intended)[place];
                let first =
                    u32::try_from(block.first() - id_range(run)[0] + to_id(place)).unwrap_or(u32::MAX);
                let one = Alike { count: 1, first_us: at, last_us: at, first };
                let key = [*code, of(Column::Endpoint)[place], of(Column::Reason)[place]];
                counted.entry(key).and_modify(|known| known.add(&one)).or_insert(one);
            }
            Ok::<_, StoreError>(())
        })?;
        // Endpoints of several traffic classes are one here.
        let mut words = Words::of(self);
        let mut named: BTreeMap<(&str, String, Option<String>), Alike> = BTreeMap::new();
        for ([code, endpoint, reason], alike) in counted {
            let Ok(outcome) = outcome(code) else { continue };
            let endpoint = words.subject(endpoint)?.endpoint.clone();
            let reason = if reason == 0 { None } else { Some(words.reason(reason - 1)?.clone()) };
            named
                .entry((outcome.word(), endpoint, reason))
                .and_modify(|known| known.add(&alike))
                .or_insert(alike);
        }
        let mut sorted: Vec<_> = named.into_iter().collect();
        sorted.sort_by_key(|(_, alike)| Reverse(alike.count));
        sorted.truncate(MOST_REASONS);
        let mut reasons = Vec::with_capacity(sorted.len());
        for ((outcome, endpoint, reason), Alike { count, first_us, last_us, first }) in sorted {
            let reason = reason.unwrap_or_default();
            let exchange = self.exchange_about(run, &endpoint, &reason)?.map(|kept| kept.to_string());
            reasons.push(FailureReason {
                outcome: outcome.to_owned(),
                endpoint,
                reason,
                count,
                first_us,
                last_us,
                first: SampleId { run, sequence: first },
                exchange,
            });
        }
        Ok(reasons)
    }
}

fn to_id(place: usize) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}
