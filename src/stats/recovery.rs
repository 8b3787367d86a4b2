//! How long a system takes to be itself again after a fault or a burst.

use std::collections::BTreeMap;

use super::band::{Band, Event, LEAST_BEFORE, MARGIN, Request, by_second};
use super::quantile::{median, type7};

/// Seconds in a row that have to be normal again.
const IN_A_ROW: usize = 3;
/// Of the seconds from a recovery on, the share that may be out of the band again.
const MOST_AFTERWARDS: f64 = 0.2;

/// Why a recovery cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRecovery {
    /// Too little was measured before the event.
    #[error("fewer than {LEAST_BEFORE} s of samples before the event")]
    TooLittleBefore,
    /// Too little was measured after the event.
    #[error("fewer than {IN_A_ROW} s of samples after the event")]
    TooLittleAfter,
}

/// Seconds from an event's end until the medians of each second are back in the band that they kept
/// between `steady_s` and the event's start: at most 1.2 times their own 95 % quantile, for three
/// seconds in a row. None if they never are.
///
/// `points`: `(seconds, response time in any unit)`. `start_s`, `end_s`: the event.
///
/// # Errors
/// If too little was measured before or after the event.
pub fn time_to_recover(
    points: &[(f64, f64)],
    steady_s: f64,
    start_s: f64,
    end_s: f64,
) -> Result<Option<f64>, NoRecovery> {
    let before = medians(points, steady_s, start_s, steady_s);
    if before.len() < LEAST_BEFORE {
        return Err(NoRecovery::TooLittleBefore);
    }
    let mut kept: Vec<f64> = before.values().copied().collect();
    kept.sort_by(f64::total_cmp);
    let limit = type7(&kept, 0.95).unwrap_or(f64::NAN) * MARGIN;
    let after: Vec<(i64, f64)> = medians(points, end_s, f64::INFINITY, end_s).into_iter().collect();
    if after.len() < IN_A_ROW {
        return Err(NoRecovery::TooLittleAfter);
    }
    let normal = after.windows(IN_A_ROW).find(|seconds| seconds.iter().all(|(_, m)| *m <= limit));
    Ok(normal.map(|seconds| seconds[0].0 as f64))
}

/// Seconds from an event's end until response times and the answers themselves are back to what they were before it, for
/// three seconds in a row, and stay so; none if they never do.
///
/// They do not stay so where later on three seconds in a row, or more than a fifth of all that are left, are out of
/// the band: a fault that shows late is no recovery.
///
/// A second is back if all of it is in the band of the seconds before the event: the median of its response times, the
/// shares of its requests that did not end as expected, that were rejected, that were answered with at most half of
/// what is usual, and that were slow for their endpoint. So fast refusals and empty answers are no recovery, and neither
/// is a median behind which many requests wait. A second in which nothing was due
/// counts by the requests that were under way all through it: those
/// of an outage are slow. One without any is skipped, but ends the row where before the event
/// requests never were so far apart. A second whose median is infinite is not recovered,
/// and where 95 % of the seconds before the event had infinite medians, nothing but outcomes tells.
///
/// # Errors
/// If too little was measured before or after the event.
pub fn time_to_recover_as_expected(requests: &[Request], event: &Event) -> Result<Option<f64>, NoRecovery> {
    let band = Band::before(requests, event).ok_or(NoRecovery::TooLittleBefore)?;
    let after = by_second(requests, event.end_s, event.until_s, event.end_s);
    if after.len() < IN_A_ROW {
        return Err(NoRecovery::TooLittleAfter);
    }
    let normal: Vec<bool> = after.values().map(|second| band.holds(second)).collect();
    let places: Vec<i64> = after.into_keys().collect();
    let is_joined = |row: &[i64]| row.windows(2).all(|pair| pair[1] - pair[0] <= band.furthest);
    let last_relapse = normal.windows(IN_A_ROW).rposition(|row| row.iter().all(|is_normal| !is_normal));
    let stays = |from: usize| {
        let bad = normal[from..].iter().filter(|is_normal| !**is_normal).count();
        let most = MOST_AFTERWARDS * (normal.len() - from) as f64;
        last_relapse.is_none_or(|relapse| relapse < from) && (bad < IN_A_ROW || bad as f64 <= most)
    };
    let from = (0..=places.len() - IN_A_ROW).find(|from| {
        let row = *from..*from + IN_A_ROW;
        normal[row.clone()].iter().all(|is_normal| *is_normal) && is_joined(&places[row]) && stays(*from)
    });
    Ok(from.map(|from| places[from] as f64))
}

/// The median of each second from `origin_s` on, of the points from `from_s` to `until_s`.
fn medians(points: &[(f64, f64)], from_s: f64, until_s: f64, origin_s: f64) -> BTreeMap<i64, f64> {
    let mut seconds: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for (at, value) in points.iter().filter(|p| p.0 >= from_s && p.0 < until_s) {
        #[expect(clippy::cast_possible_truncation, reason = "seconds of a run")]
        seconds.entry((at - origin_s).floor() as i64).or_default().push(*value);
    }
    seconds.into_iter().filter_map(|(second, values)| Some((second, median(&values)?))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::band::PLAIN;
    use super::*;

    fn as_expected(
        requests: &[Request],
        steady_s: f64,
        start_s: f64,
        end_s: f64,
    ) -> Result<Option<f64>, NoRecovery> {
        time_to_recover_as_expected(requests, &Event::only(steady_s, start_s, end_s))
    }

    /// Ten samples a second: 1.0 or 1.1, and `slow` from 20 s to 25 s, then falling back over 4 s.
    fn points(slow: f64) -> Vec<(f64, f64)> {
        (0..600)
            .map(|i| {
                let at = f64::from(i) / 10.0;
                let usual = 1.0 + f64::from(i % 2) / 10.0;
                (at, if (20.0..29.0).contains(&at) { slow } else { usual })
            })
            .collect()
    }

    #[test]
    fn recovery_counts_from_the_events_end_to_the_first_normal_second() {
        assert_eq!(time_to_recover(&points(30.0), 0.0, 20.0, 25.0), Ok(Some(4.0)));
        assert_eq!(time_to_recover(&points(1.0), 0.0, 20.0, 25.0), Ok(Some(0.0)));
    }

    #[test]
    fn a_system_that_stays_slow_never_recovers() {
        let slow: Vec<(f64, f64)> =
            points(1.0).into_iter().map(|(t, v)| (t, if t >= 20.0 { 9.0 } else { v })).collect();
        assert_eq!(time_to_recover(&slow, 0.0, 20.0, 25.0), Ok(None));
    }

    #[test]
    fn too_little_to_judge_by_is_said() {
        assert_eq!(time_to_recover(&points(9.0), 17.0, 20.0, 25.0), Err(NoRecovery::TooLittleBefore));
        assert_eq!(time_to_recover(&points(9.0)[..252], 0.0, 20.0, 25.0), Err(NoRecovery::TooLittleAfter));
    }

    /// 30 requests a second for 20 s; from `bad_from_s` until `bad_until_s` nine of ten are refused at once.
    fn refusing(bad_from_s: f64, bad_until_s: f64) -> Vec<Request> {
        let request = |i: u32| {
            let at_s = f64::from(i) / 30.0;
            let is_refused = (bad_from_s..bad_until_s).contains(&at_s) && !i.is_multiple_of(10);
            Request {
                at_s,
                done_s: at_s + 0.01,
                time: if is_refused { 0.5 } else { 10.0 },
                is_as_expected: !is_refused,
                ..PLAIN
            }
        };
        (0..600).map(request).collect()
    }

    #[test]
    fn fast_refusals_are_no_recovery() {
        let for_good = refusing(8.0, f64::INFINITY);
        assert_eq!(as_expected(&for_good, 0.0, 8.0, 10.0), Ok(None));
        let times: Vec<(f64, f64)> = for_good.iter().map(|r| (r.at_s, r.time)).collect();
        assert_eq!(time_to_recover(&times, 0.0, 8.0, 10.0), Ok(Some(0.0)), "times alone do not see it");
        assert_eq!(as_expected(&refusing(8.0, 13.5), 0.0, 8.0, 10.0), Ok(Some(4.0)));
        assert_eq!(as_expected(&refusing(8.0, 8.0), 0.0, 8.0, 10.0), Ok(Some(0.0)));
    }

    #[test]
    fn answers_that_never_came_are_no_recovery() {
        let mut requests = refusing(8.0, 8.0);
        for request in requests.iter_mut().filter(|request| request.at_s >= 8.0 && request.at_s < 12.0) {
            (request.time, request.is_as_expected) = (f64::INFINITY, false);
        }
        assert_eq!(as_expected(&requests, 0.0, 8.0, 10.0), Ok(Some(2.0)));
    }

    #[test]
    fn an_outage_in_which_nothing_is_due_is_none() {
        // A closed load: what is under way when the server hangs holds all its users back.
        let mut requests = refusing(8.0, 8.0);
        requests.retain(|request| !(9.0..16.0).contains(&request.at_s));
        for request in requests.iter_mut().filter(|request| (8.9..9.0).contains(&request.at_s)) {
            (request.time, request.done_s) = (7000.0, 16.0);
        }
        assert_eq!(as_expected(&requests, 0.0, 8.0, 8.0), Ok(Some(8.0)));
        // And none comes back.
        requests.retain(|request| request.at_s < 9.0);
        for request in requests.iter_mut().filter(|request| request.at_s >= 8.9) {
            (request.time, request.done_s, request.is_as_expected) = (f64::INFINITY, 20.0, false);
        }
        assert_eq!(as_expected(&requests, 0.0, 8.0, 8.0), Ok(None));
        // Nor does silence count.
        let silent: Vec<Request> =
            refusing(8.0, 8.0).into_iter().filter(|r| !(9.0..16.0).contains(&r.at_s)).collect();
        assert_eq!(as_expected(&silent, 0.0, 8.0, 8.0), Ok(Some(8.0)));
    }

    #[test]
    fn slow_answers_as_usual_are_no_outage() {
        // One user, whose answers take 3 s.
        let request = |i: u32| {
            let at_s = f64::from(i) * 3.0;
            Request { at_s, done_s: at_s + 3.0, time: 3000.0, ..PLAIN }
        };
        let requests: Vec<Request> = (0..20).map(request).collect();
        assert_eq!(as_expected(&requests, 0.0, 30.0, 30.0), Ok(Some(0.0)));
    }

    #[test]
    fn a_relapse_is_no_recovery() {
        // The fault shows 3.5 s after the event, and stays.
        assert_eq!(as_expected(&refusing(11.5, 99.0), 0.0, 8.0, 8.0), Ok(None));
        // Or for a while.
        assert_eq!(as_expected(&refusing(11.5, 15.0), 0.0, 8.0, 8.0), Ok(Some(7.0)));
        // A single second is chance; two of each four are not.
        assert_eq!(as_expected(&refusing(14.0, 15.0), 0.0, 8.0, 8.0), Ok(Some(0.0)));
        let mut flapping = refusing(8.0, 8.0);
        for request in flapping.iter_mut().filter(|r| r.at_s >= 11.0 && (r.at_s - 11.0) % 4.0 < 2.0) {
            (request.time, request.is_as_expected) = (f64::INFINITY, false);
        }
        assert_ne!(as_expected(&flapping, 0.0, 8.0, 8.0), Ok(Some(0.0)));
    }

    #[test]
    fn failures_as_usual_as_before_do_not_count_against_a_recovery() {
        // One of thirty requests always fails.
        let mut requests = refusing(8.0, 12.0);
        for request in requests.iter_mut().step_by(30) {
            request.is_as_expected = false;
        }
        assert_eq!(as_expected(&requests, 0.0, 8.0, 10.0), Ok(Some(2.0)));
        assert_eq!(as_expected(&requests[..100], 0.0, 3.0, 3.0), Err(NoRecovery::TooLittleBefore));
        assert_eq!(as_expected(&requests[..330], 0.0, 8.0, 9.5), Err(NoRecovery::TooLittleAfter));
    }

    proptest! {
        #[test]
        fn with_all_as_expected_times_alone_tell(
            times in prop::collection::vec(1.0..1.2_f64, 60..200), slow in 1.0..5.0_f64,
        ) {
            let requests: Vec<Request> = times.iter().enumerate().map(|(i, time)| {
                let at_s = i as f64 / 5.0;
                let time = if (8.0..9.0).contains(&at_s) { time * slow } else { *time };
                Request { at_s, done_s: at_s + time / 1e3, time, ..PLAIN }
            }).collect();
            // The band reaches a little higher by type 8: no second that was back before is out of it now. None relapses.
            let points: Vec<(f64, f64)> = requests.iter().map(|r| (r.at_s, r.time)).collect();
            let by_times = time_to_recover(&points, 0.0, 7.0, 8.0);
            let by_both = as_expected(&requests, 0.0, 7.0, 8.0);
            prop_assert_eq!(by_times.is_ok(), by_both.is_ok());
            if let (Ok(Some(by_times)), Ok(by_both)) = (by_times, by_both) {
                prop_assert!(by_both.is_some_and(|s| s <= by_times));
            }
        }
    }
}
