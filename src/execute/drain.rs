//! Waiting for a backlog to empty.

use std::time::Duration;

use crate::scenario::profile::Drain;
use crate::signals::Latest;

/// How often the latest readings are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Waits until all signals of a drain read 0 twice in a row, in readings taken after `since_us`.
/// Gives the time of the first of the two (µs since the run's start), or none when the deadline
/// has passed.
///
/// Twice, because a message on its way from one queue to the next may be in neither for a moment.
pub(super) async fn until_empty(drain: &Drain, latest: &Latest, since_us: i64) -> Option<i64> {
    let wait = async {
        let mut first_us = None;
        loop {
            match (readings_at(drain, latest, since_us), first_us) {
                (Some((at_us, true)), None) => first_us = Some(at_us),
                (Some((at_us, true)), Some(first)) if at_us > first => return first,
                (Some((_, false)), _) => first_us = None,
                _ => {}
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(drain.within, wait).await.ok()
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
