//! Waiting for a backlog to empty.

use std::time::Duration;

use crate::scenario::profile::Drain;
use crate::signals::Latest;

/// How often the latest readings are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// How a drain ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Drained {
    /// The backlog was empty at this time, µs since the run's start.
    At(i64),
    /// There was work left at the deadline.
    NotInTime,
    /// It could not be watched, for this reason.
    Unknown(String),
}

/// Waits until all signals of a drain read 0 twice in a row, in readings taken after `since_us`; the first of the two is
/// when it was empty. What cannot be read is not waited for.
///
/// Twice, because a message on its way from one queue to the next may be in neither for a moment.
pub(super) async fn until_empty(drain: &Drain, latest: &Latest, since_us: i64) -> Drained {
    let wait = async {
        let mut first_us = None;
        loop {
            match (readings_at(drain, latest, since_us), first_us) {
                (Some((at_us, true)), None) => first_us = Some(at_us),
                (Some((at_us, true)), Some(first)) if at_us > first => return Drained::At(first),
                (Some((_, false)), _) => first_us = None,
                _ => {}
            }
            if let Some(reason) = unreadable(drain, latest, since_us) {
                return Drained::Unknown(reason);
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    match tokio::time::timeout(drain.within, wait).await {
        Ok(drained) => drained,
        Err(_) => match unread(drain, latest, since_us) {
            Some(name) => Drained::Unknown(format!("`{name}` was not read after the load")),
            None => Drained::NotInTime,
        },
    }
}

/// The time of the oldest of the signals' latest readings, and whether all are 0; none if one of
/// them has not been read since `since_us`.
fn readings_at(drain: &Drain, latest: &Latest, since_us: i64) -> Option<(i64, bool)> {
    let readings: Option<Vec<(i64, f64)>> =
        drain.until_zero.iter().map(|name| latest.reading(name).filter(|(at, _)| *at >= since_us)).collect();
    let readings = readings?;
    let oldest_us = readings.iter().map(|(at, _)| *at).min()?;
    Some((oldest_us, readings.iter().all(|(_, value)| *value == 0.0)))
}

/// The first signal that cannot be read, and why.
fn unreadable(drain: &Drain, latest: &Latest, since_us: i64) -> Option<String> {
    drain.until_zero.iter().find_map(|name| {
        let why = latest.unreadable(name, since_us)?;
        Some(format!("the source of `{name}` could not be read: {why}"))
    })
}

/// The first signal without a reading since `since_us`.
fn unread<'a>(drain: &'a Drain, latest: &Latest, since_us: i64) -> Option<&'a str> {
    let is_read = |name: &str| latest.reading(name).is_some_and(|(at, _)| at >= since_us);
    drain.until_zero.iter().map(String::as_str).find(|name| !is_read(name))
}
