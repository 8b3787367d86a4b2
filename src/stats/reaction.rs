//! How a signal answers to an event: when it left the range that it kept before, and when it was back for good.

use super::band::Event;

/// Readings before an event that are needed to know what is normal.
const LEAST_READINGS: usize = 3;
/// A reading is out of the range if it lies beyond it by more than this part of its width.
const MARGIN: f64 = 0.2;

/// Why nothing can be said of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRange {
    /// It was not read often enough before the event.
    #[error("fewer than {LEAST_READINGS} readings before the event")]
    TooFewBefore,
    /// It was not read after the event.
    #[error("no reading after the event")]
    NoneAfter,
}

/// A time, and the readings that it was made from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kept {
    /// Seconds; none if it never happened.
    pub seconds: Option<f64>,
    /// Readings before and after the event.
    pub readings: usize,
}

/// Seconds from an event's start to the first reading out of the range of the readings before it, up to `until_s`.
///
/// `points`: `(seconds of the run, level)`, in order of time. The range reaches from the smallest to the largest reading
/// between `steady_s` and `calm_until_s`, and a fifth of its width beyond. A signal that rested at one value is out of it
/// with any other one, as that of a breaker is. The time is as fine as the readings.
///
/// # Errors
/// If there are fewer than three readings before the event, or none after its start.
pub fn time_to_react(points: &[(f64, f64)], event: &Event) -> Result<Kept, NoRange> {
    let range = Range::before(points, event)?;
    let after = between(points, event.start_s, event.until_s);
    let readings = range.readings + after.len();
    if after.is_empty() {
        return Err(NoRange::NoneAfter);
    }
    let first = after.iter().find(|(_, level)| !range.holds(*level));
    Ok(Kept { seconds: first.map(|(at_s, _)| at_s - event.start_s), readings })
}

/// Seconds from an event's end to the first reading from which on all are within the range of those before the event, up
/// to `until_s`: 0 where all after its end are, none where the last is not.
///
/// # Errors
/// If there are fewer than three readings before the event, or none after its end.
pub fn time_to_settle(points: &[(f64, f64)], event: &Event) -> Result<Kept, NoRange> {
    let range = Range::before(points, event)?;
    let after = between(points, event.end_s, event.until_s);
    let readings = range.readings + after.len();
    if after.is_empty() {
        return Err(NoRange::NoneAfter);
    }
    let seconds = match after.iter().rposition(|(_, level)| !range.holds(*level)) {
        None => Some(0.0),
        Some(last) => after.get(last + 1).map(|(at_s, _)| at_s - event.end_s),
    };
    Ok(Kept { seconds, readings })
}

/// What a signal kept to.
struct Range {
    low: f64,
    high: f64,
    readings: usize,
}

impl Range {
    fn before(points: &[(f64, f64)], event: &Event) -> Result<Self, NoRange> {
        let before = between(points, event.steady_s, event.calm_until_s);
        if before.len() < LEAST_READINGS {
            return Err(NoRange::TooFewBefore);
        }
        let low = before.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
        let high = before.iter().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
        let beyond = MARGIN * (high - low);
        Ok(Self { low: low - beyond, high: high + beyond, readings: before.len() })
    }

    fn holds(&self, level: f64) -> bool {
        (self.low..=self.high).contains(&level)
    }
}

/// The points from one time to another.
fn between(points: &[(f64, f64)], from_s: f64, until_s: f64) -> &[(f64, f64)] {
    let start = points.partition_point(|(at_s, _)| *at_s < from_s);
    let end = points.partition_point(|(at_s, _)| *at_s < until_s);
    &points[start..end.max(start)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A breaker, read every half second, that is open from one time to another.
    fn breaker(open_s: f64, closed_s: f64) -> Vec<(f64, f64)> {
        (0..80)
            .map(|i| f64::from(i) / 2.0)
            .map(|at_s| (at_s, f64::from(u8::from((open_s..closed_s).contains(&at_s)))))
            .collect()
    }

    fn seconds(found: Result<Kept, NoRange>) -> Option<f64> {
        found.unwrap().seconds
    }

    #[test]
    fn a_breaker_opens_and_closes() {
        let event = Event::only(0.0, 20.0, 25.0);
        let points = breaker(21.0, 27.0);
        assert_eq!(seconds(time_to_react(&points, &event)), Some(1.0));
        assert_eq!(seconds(time_to_settle(&points, &event)), Some(2.0));
    }

    #[test]
    fn what_never_happens_has_no_time() {
        let event = Event::only(0.0, 20.0, 25.0);
        assert_eq!(seconds(time_to_react(&breaker(99.0, 99.0), &event)), None);
        assert_eq!(seconds(time_to_settle(&breaker(99.0, 99.0), &event)), Some(0.0));
        assert_eq!(seconds(time_to_settle(&breaker(21.0, 99.0), &event)), None);
        // It flaps, and what follows the next event is not looked at.
        let mut flapping = breaker(21.0, 26.0);
        flapping[70].1 = 1.0;
        assert_eq!(seconds(time_to_settle(&flapping, &event)), Some(10.5));
        assert_eq!(seconds(time_to_settle(&flapping, &Event { until_s: 33.0, ..event })), Some(1.0));
    }

    #[test]
    fn a_signal_that_wavers_keeps_a_range() {
        let points: Vec<(f64, f64)> = (0..60).map(|i| (f64::from(i), f64::from(i % 3))).collect();
        let event = Event::only(0.0, 30.0, 31.0);
        assert_eq!(seconds(time_to_react(&points, &event)), None);
        assert_eq!(time_to_react(&points[..2], &event), Err(NoRange::TooFewBefore));
        assert_eq!(time_to_react(&points[..30], &event), Err(NoRange::NoneAfter));
    }
}
