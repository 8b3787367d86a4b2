//! What is normal of a run's requests, second by second: the band that they kept before something happened to their
//! system. Recovery and detection are told by it.

use std::collections::{BTreeMap, BTreeSet};

use super::quantile::type8;

/// Seconds before the event that are needed to know what is normal.
pub(super) const LEAST_BEFORE: usize = 5;
/// The band ends this much above what 95 % of the seconds before the event kept to.
pub(super) const MARGIN: f64 = 1.2;
/// The share of answers that are not as expected may be this much above that of the time before the event.
const MARGIN_SHARE: f64 = 0.01;

/// A request, as far as the band is concerned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// Seconds of the run at which it was due.
    pub at_s: f64,
    /// Seconds of the run at which it was done, or given up.
    pub done_s: f64,
    /// Response time in ms; infinite if it was not answered as expected.
    pub time: f64,
    /// Whether it ended as expected: ok, or rejected where rejections are expected.
    pub is_as_expected: bool,
}

/// Something that happened to a system, in seconds of the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// From here on the load was steady.
    pub steady_s: f64,
    /// Up to here nothing had happened: its own start, or that of something else before it.
    pub calm_until_s: f64,
    /// Its start.
    pub start_s: f64,
    /// Its end.
    pub end_s: f64,
    /// When the next thing happened; infinite if nothing did.
    pub until_s: f64,
}

impl Event {
    /// The only one of its run.
    pub fn only(steady_s: f64, start_s: f64, end_s: f64) -> Self {
        Self { steady_s, calm_until_s: start_s, start_s, end_s, until_s: f64::INFINITY }
    }
}

/// What the seconds before an event kept to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Band {
    /// Medians of response times, at most.
    pub(super) slowest: f64,
    /// Shares of requests that did not end as expected, at most.
    pub(super) worst: f64,
    /// Seconds from one with requests to the next, at most.
    pub(super) furthest: i64,
}

impl Band {
    /// That of the steady seconds before an event; none if there are fewer than five.
    ///
    /// Medians: 1.2 times their own 95 % quantile (type 8). Outcomes: 1.2 times the 95 % quantile of the seconds' shares,
    /// or one percentage point above the share of all requests before, whichever is more. Only whole seconds count, and
    /// requests that had ended: those under way when the event began already tell of it.
    pub(super) fn before(requests: &[Request], event: &Event) -> Option<Self> {
        let whole_s = event.steady_s + (event.calm_until_s - event.steady_s).floor();
        let ended: Vec<Request> =
            requests.iter().filter(|request| request.done_s <= event.calm_until_s).copied().collect();
        let before = seconds(&ended, event.steady_s, whole_s, event.steady_s);
        if before.len() < LEAST_BEFORE {
            return None;
        }
        let kept = |of: fn(&Second) -> f64| {
            let mut values: Vec<f64> = before.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            type8(&values, 0.95).unwrap_or(f64::NAN) * MARGIN
        };
        let unexpected = before.iter().map(|second| second.unexpected).sum::<f64>();
        let share = unexpected / before.iter().map(|second| second.requests).sum::<f64>();
        Some(Self {
            slowest: kept(|second| second.median),
            worst: kept(Second::unexpected_share).max(share + MARGIN_SHARE),
            furthest: before.windows(2).map(|pair| pair[1].place - pair[0].place).max().unwrap_or(1),
        })
    }

    /// Whether a second is within it.
    pub(super) fn holds(&self, second: &Second) -> bool {
        second.median <= self.slowest && second.unexpected_share() <= self.worst
    }
}

/// The requests of one second.
pub(super) struct Second {
    /// Whole seconds since the origin.
    pub(super) place: i64,
    /// Median response time.
    pub(super) median: f64,
    pub(super) requests: f64,
    /// Of them, those that did not end as expected.
    pub(super) unexpected: f64,
}

impl Second {
    pub(super) fn unexpected_share(&self) -> f64 {
        self.unexpected / self.requests
    }
}

/// The seconds with requests from `from_s` to `until_s`, counted from `origin_s`, in order.
pub(super) fn seconds(requests: &[Request], from_s: f64, until_s: f64, origin_s: f64) -> Vec<Second> {
    let of_second = |(place, requests): (i64, Vec<Request>)| {
        let mut times: Vec<f64> = requests.iter().map(|request| request.time).collect();
        times.sort_by(f64::total_cmp);
        let median = type8(&times, 0.5)?;
        let unexpected = requests.iter().filter(|request| !request.is_as_expected).count() as f64;
        Some(Second { place, median, requests: times.len() as f64, unexpected })
    };
    by_second(requests, from_s, until_s, origin_s).into_iter().filter_map(of_second).collect()
}

/// The requests that each second from `from_s` to `until_s`, counted from `origin_s`, is judged by: those that were due in it,
/// or, where nothing was, those that were under way all through it. The requests of an outage are slow: a closed load has no
/// others.
pub(super) fn by_second(
    requests: &[Request],
    from_s: f64,
    until_s: f64,
    origin_s: f64,
) -> BTreeMap<i64, Vec<Request>> {
    let mut by_second: BTreeMap<i64, Vec<Request>> = BTreeMap::new();
    for request in requests.iter().filter(|request| request.at_s >= from_s && request.at_s < until_s) {
        #[expect(clippy::cast_possible_truncation, reason = "seconds of a run")]
        by_second.entry((request.at_s - origin_s).floor() as i64).or_default().push(*request);
    }
    let due: BTreeSet<i64> = by_second.keys().copied().collect();
    for request in requests.iter().filter(|request| request.at_s < until_s && request.done_s > from_s) {
        let first = (request.at_s.max(from_s) - origin_s).ceil();
        let end = (request.done_s.min(until_s) - origin_s).floor();
        #[expect(clippy::cast_possible_truncation, reason = "seconds of a run")]
        for place in (first as i64..end as i64).filter(|place| !due.contains(place)) {
            by_second.entry(place).or_default().push(*request);
        }
    }
    by_second
}
