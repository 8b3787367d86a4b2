//! How long a system takes to be itself again after a fault or a burst.

use std::collections::BTreeMap;

use super::quantile::{median, type7};

/// Seconds before the event that are needed to know what is normal.
const LEAST_BEFORE: usize = 5;
/// Seconds in a row that have to be normal again.
const IN_A_ROW: usize = 3;
/// The band ends this much above what 95 % of the seconds before the event kept to.
const MARGIN: f64 = 1.2;

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
    use super::*;

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
}
