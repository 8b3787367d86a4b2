//! What is normal of a run's requests, second by second: the band that they kept before something happened to their
//! system. Recovery and detection are told by it.

use std::collections::{BTreeMap, BTreeSet};

use super::quantile::{type8, type8_of};
use super::sizes::{SHRUNK, Sizes};

/// Seconds before the event that are needed to know what is normal.
pub(super) const LEAST_BEFORE: usize = 5;
/// The band ends this much above what 95 % of the seconds before the event kept to.
pub(super) const MARGIN: f64 = 1.2;
/// The share of answers that are not as expected, refused or small may be this much above that of the time before the event.
const MARGIN_SHARE: f64 = 0.01;
/// A request is slow if it takes so many times as long as …
const SLOW: f64 = 2.0;
/// … this share of its endpoint's requests before the event.
const USUAL: f64 = 0.98;
/// The share of slow requests may be this much above that of the time before the event, …
const MARGIN_SLOW: f64 = 0.03;
/// … and so many requests of a second may be slow by chance. By simulation of 10 to 500 requests a second, log-normal and
/// with a hundredth ten times as slow, at most 1 % of 20 s without a change then leave the band (14 % with one).
const SLOW_BY_CHANCE: f64 = 2.0;

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
    /// Whether it was rejected, expected or not.
    pub is_rejected: bool,
    /// What was called: requests of equal numbers are alike.
    pub endpoint: u32,
    /// Size of an `ok` answer, bytes; none of other answers, and where it is not known.
    pub bytes: Option<u32>,
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
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Band {
    /// Medians of response times, at most.
    slowest: f64,
    /// Shares of requests that did not end as expected, that were rejected, whose answers were small, at most.
    worst: [f64; 3],
    /// Shares of requests that were slow, at most.
    slow: f64,
    /// Seconds from one with requests to the next, at most.
    pub(super) furthest: i64,
    /// By endpoint.
    usual: BTreeMap<u32, Usual>,
}

/// What is usual of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Usual {
    /// A request that takes longer than this is slow, ms.
    slow_ms: f64,
    /// The median size of its `ok` answers, bytes; none where it is not known.
    bytes: Option<u32>,
}

/// In which way a request fared worse than usual, apart from its time.
type Fared = fn(&Band, &Request) -> bool;

impl Band {
    /// The ways in which a request can fare, in the order of `worst`.
    const WAYS: [Fared; 3] =
        [|_, request| !request.is_as_expected, |_, request| request.is_rejected, Self::is_small];

    /// That of the steady seconds before an event; none if there are fewer than five.
    ///
    /// Medians: 1.2 times their own 95 % quantile (type 8). Shares of requests that did not end as expected, that were
    /// rejected, or whose `ok` answers had at most half of the median size of their endpoint's: 1.2 times the 95 % quantile
    /// of the seconds' shares, or one percentage point above the share of all requests before, whichever is more. Slow
    /// requests, those that took twice as long as 98 % of their endpoint's before: likewise, with three points and two
    /// requests of each second beyond. Only whole seconds count, and requests that had ended: those under way when the event
    /// began already tell of it.
    pub(super) fn before(requests: &[Request], event: &Event) -> Option<Self> {
        let whole_s = event.steady_s + (event.calm_until_s - event.steady_s).floor();
        let ended: Vec<Request> =
            requests.iter().filter(|request| request.done_s <= event.calm_until_s).copied().collect();
        let (places, before): (Vec<i64>, Vec<Vec<Request>>) =
            by_second(&ended, event.steady_s, whole_s, event.steady_s).into_iter().unzip();
        if before.len() < LEAST_BEFORE {
            return None;
        }
        let mut band = Self {
            slowest: f64::NAN,
            worst: [0.0; 3],
            slow: 0.0,
            furthest: places.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(1),
            usual: usual(before.iter().flatten()),
        };
        let kept = |mut values: Vec<f64>| type8_of(&mut values, 0.95).unwrap_or(f64::NAN) * MARGIN;
        band.slowest = kept(before.iter().filter_map(|second| median(second)).collect());
        let of = |is: &dyn Fn(&Request) -> bool, margin: f64| {
            let shares = before.iter().map(|second| share(second, is)).collect();
            let all: Vec<Request> = before.iter().flatten().copied().collect();
            kept(shares).max(share(&all, is) + margin)
        };
        let worst = Self::WAYS.map(|way| of(&|request| way(&band, request), MARGIN_SHARE));
        let slow = of(&|request| band.is_slow(request), MARGIN_SLOW);
        Some(Self { worst, slow, ..band })
    }

    /// Whether a second's requests, at least one, are within it.
    pub(super) fn holds(&self, second: &[Request]) -> bool {
        let n = second.len() as f64;
        let slow = second.iter().filter(|request| self.is_slow(request)).count() as f64;
        median(second).is_none_or(|median| median <= self.slowest)
            && self.ways().all(|(way, most)| share(second, &|request| way(self, request)) <= most)
            && slow <= self.slow * n + SLOW_BY_CHANCE
    }

    /// The ways in which a request can fare, with the share of a second's requests that may.
    fn ways(&self) -> impl Iterator<Item = (Fared, f64)> {
        Self::WAYS.into_iter().zip(self.worst)
    }

    /// When it was known that so many of a second's requests had fared in one way that the second is out of the band, in
    /// seconds of the run.
    pub(super) fn ended_badly_at(&self, second: &[Request]) -> Option<f64> {
        let known = self.ways().filter_map(|(way, most)| {
            let ended = second.iter().filter(|request| way(self, request)).map(|request| request.done_s);
            beyond(ended.collect(), most * second.len() as f64)
        });
        known.min_by(f64::total_cmp)
    }

    /// When it was known that more than half of a second's requests took longer than the band's median, or too many of them
    /// longer than is usual.
    pub(super) fn was_slow_at(&self, second: &[Request]) -> Option<f64> {
        let n = second.len() as f64;
        let later = |is: &dyn Fn(&Request) -> bool, limit_ms: &dyn Fn(&Request) -> f64, most: f64| {
            let known = second.iter().filter(|request| is(request)).filter_map(|request| {
                let limit_s = limit_ms(request) / 1e3;
                (request.done_s - request.at_s > limit_s).then_some(request.at_s + limit_s)
            });
            beyond(known.collect(), most)
        };
        let of_median = later(&|_| true, &|_| self.slowest, 0.5 * n);
        let is_slow = |request: &Request| self.is_slow(request);
        let of_tail = later(&is_slow, &|request| self.slow_ms(request), self.slow * n + SLOW_BY_CHANCE);
        of_median.into_iter().chain(of_tail).min_by(f64::total_cmp)
    }

    fn slow_ms(&self, request: &Request) -> f64 {
        self.usual.get(&request.endpoint).map_or(f64::INFINITY, |usual| usual.slow_ms)
    }

    /// One that never came to an expected end is counted as that, not as slow.
    fn is_slow(&self, request: &Request) -> bool {
        request.time.is_finite() && request.time > self.slow_ms(request)
    }

    fn is_small(&self, request: &Request) -> bool {
        let usual = self.usual.get(&request.endpoint).and_then(|usual| usual.bytes);
        usual
            .zip(request.bytes)
            .is_some_and(|(usual, bytes)| usual > 0 && f64::from(bytes) <= f64::from(usual) * SHRUNK)
    }
}

/// What is usual of each endpoint.
fn usual<'a>(requests: impl Iterator<Item = &'a Request>) -> BTreeMap<u32, Usual> {
    let mut seen: BTreeMap<u32, (Vec<f64>, Sizes)> = BTreeMap::new();
    for request in requests {
        let (times, sizes) = seen.entry(request.endpoint).or_default();
        times.extend(Some(request.time).filter(|time| time.is_finite()));
        if let Some(bytes) = request.bytes {
            sizes.add(bytes);
        }
    }
    let of = |(endpoint, (mut times, sizes)): (u32, (Vec<f64>, Sizes))| {
        let slow_ms = type8_of(&mut times, USUAL).map_or(f64::INFINITY, |time| time * SLOW);
        (endpoint, Usual { slow_ms, bytes: sizes.median() })
    };
    seen.into_iter().map(of).collect()
}

/// The median response time of some requests, which may be infinite; none without requests.
fn median(requests: &[Request]) -> Option<f64> {
    let mut times: Vec<f64> = requests.iter().map(|request| request.time).collect();
    times.sort_by(f64::total_cmp);
    type8(&times, 0.5)
}

fn share(requests: &[Request], is: &dyn Fn(&Request) -> bool) -> f64 {
    requests.iter().filter(|request| is(request)).count() as f64 / requests.len().max(1) as f64
}

/// When more than so many things had happened; none if no more did.
fn beyond(mut times: Vec<f64>, most: f64) -> Option<f64> {
    times.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
    times.get(most.floor() as usize).copied()
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

/// An `ok` request at the start of a run, for tests.
#[cfg(test)]
pub(super) const PLAIN: Request = Request {
    at_s: 0.0,
    done_s: 0.0,
    time: 0.0,
    is_as_expected: true,
    is_rejected: false,
    endpoint: 0,
    bytes: None,
};

#[cfg(test)]
mod tests {
    use super::*;

    /// 30 requests a second for 20 s, of two endpoints, 20 and 500 ms, with answers of 2000 bytes.
    fn calm() -> Vec<Request> {
        let request = |i: u32| {
            let (at_s, endpoint) = (f64::from(i) / 30.0, u32::from(i % 5 > 1));
            let time = if endpoint == 0 { 20.0 } else { 500.0 };
            Request { at_s, done_s: at_s + time / 1e3, time, endpoint, bytes: Some(2000), ..PLAIN }
        };
        (0..600).map(request).collect()
    }

    fn holds(change: impl Fn(usize, &mut Request)) -> Vec<bool> {
        let mut requests = calm();
        let band = Band::before(&requests, &Event::only(0.0, 8.0, 8.0)).unwrap();
        for (place, request) in requests.iter_mut().enumerate().filter(|(_, request)| request.at_s >= 10.0) {
            change(place, request);
        }
        let mut held: Vec<bool> = by_second(&requests, 8.0, 20.0, 8.0)
            .values()
            .map(|second| {
                let held = band.holds(second);
                let is_known = band.ended_badly_at(second).is_some() || band.was_slow_at(second).is_some();
                assert_eq!(held, !is_known, "what is out of the band is detected");
                held
            })
            .collect();
        assert_eq!(held.drain(..2).collect::<Vec<_>>(), [true, true]);
        held
    }

    #[test]
    fn each_way_of_faring_worse_is_out_of_the_band() {
        let all = |held: Vec<bool>, wanted: bool| held.iter().all(|held| *held == wanted);
        assert!(all(holds(|_, _| {}), true));
        assert!(all(holds(|place, r| r.is_rejected = place % 10 == 0), false), "refusals");
        assert!(all(holds(|place, r| r.bytes = Some(if place % 10 == 0 { 900 } else { 2000 })), false));
        assert!(all(holds(|_, r| r.bytes = Some(1200)), true), "somewhat smaller answers");
        assert!(all(holds(|_, r| r.bytes = Some(90_000)), true));
        let slow = |r: &mut Request, ms: f64| (r.time, r.done_s) = (ms, r.at_s + ms / 1e3);
        assert!(
            all(holds(|place, r| slow(r, if place % 5 == 4 { 1500.0 } else { r.time })), false),
            "a fifth"
        );
        // 40 % of all, far below the median of all.
        assert!(all(holds(|_, r| slow(r, if r.endpoint == 0 { 400.0 } else { r.time })), false));
        assert!(
            all(holds(|place, r| slow(r, if place % 30 == 4 { 1500.0 } else { r.time })), true),
            "one of 30"
        );
        assert!(all(holds(|_, r| slow(r, r.time * 1.15)), true));
    }

    #[test]
    fn what_was_usual_before_is_no_departure() {
        let mut requests = calm();
        for (place, request) in requests.iter_mut().enumerate() {
            request.is_rejected = place % 3 == 0;
            request.bytes = (!request.is_rejected).then_some(if place % 3 == 1 { 10 } else { 2000 });
        }
        let band = Band::before(&requests, &Event::only(0.0, 8.0, 8.0)).unwrap();
        assert!(by_second(&requests, 8.0, 19.0, 8.0).values().all(|second| band.holds(second)));
    }
}
