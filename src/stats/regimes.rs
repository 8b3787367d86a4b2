//! Where a series over releases becomes another one. Whether its newest value still belongs to it is asked in
//! [`super::gate`].
//!
//! The pipeline was chosen by simulation: of series without a change it calls one in a hundred changed where
//! values are independent, six in a hundred where neighbours hang together (Otava alone: 7 to 60).

use super::autoregression::{self, Limits};
use super::mann_whitney::{MannWhitney, choices, exact};
use super::otava::{self, Options};
use super::outliers::hampel;

/// Values to each side of an outlier's window, and how many deviations make one.
pub(super) const OUTLIERS: (usize, f64) = (3, 4.0);
/// p that a change must stay below.
const MAX_P: f64 = 0.001;
/// The least change that counts, as a ratio.
pub(super) const LEAST_RATIO: f64 = 1.03;
/// Values that a regime needs.
const LEAST_SEGMENT: usize = 3;
/// Up to so many values on the smaller side ranks are counted out.
const EXACT_UP_TO: usize = 8;

/// What ranks make of equal values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ties {
    /// Few values are counted out with their ties ([`exact`]). A normal approximation would hide a plain
    /// step after a dozen values as soon as one of them occurs twice, and values in whole microseconds often do.
    Counted,
    /// The normal approximation as soon as there is one: the pipeline as it was simulated and published with its
    /// reference series.
    Normal,
}

/// Where new regimes begin in a series of positive values, in order: the first places of each but the first.
/// None if a value is 0 or below, or not finite.
///
/// On logarithms: outliers replaced (Hampel), Otava's split and merge, then in turns a filter that knows how
/// much neighbours resemble each other, regimes of fewer than three values dropped, and ranks of the values as they
/// came, until nothing is dropped any more.
pub fn begins(values: &[f64], ties: Ties) -> Option<Vec<usize>> {
    let (logs, clean) = logs(values)?;
    let mut points: Vec<usize> =
        otava::change_points(&clean, Options::default()).iter().map(|point| point.index).collect();
    loop {
        points = autoregression::keep(&clean, &points, Limits { p: MAX_P, change: LEAST_RATIO.ln() });
        let dropped = short(&points, logs.len()).or_else(|| unsure(&points, &logs, ties));
        match dropped {
            Some(place) => points.remove(place),
            None => return Some(points),
        };
    }
}

fn logs(values: &[f64]) -> Option<(Vec<f64>, Vec<f64>)> {
    let logs: Vec<f64> =
        values.iter().map(|v| (*v > 0.0 && v.is_finite()).then(|| v.ln())).collect::<Option<_>>()?;
    let clean = hampel(&logs, OUTLIERS.0, OUTLIERS.1);
    Some((logs, clean))
}

/// Values that logarithms can be taken of: as they are if all are above 0; if some are 0, each `x + resolution/2`.
///
/// `resolution`: the smallest difference that the values can show, in their unit, above 0. None if a value is
/// below 0 or NaN, or if one is 0 and the resolution is not above 0. +∞ stays.
pub fn lifted(values: &[f64], resolution: f64) -> Option<Vec<f64>> {
    if values.iter().any(|v| v.is_nan() || *v < 0.0) {
        return None;
    }
    if values.iter().all(|v| *v > 0.0) {
        return Some(values.to_vec());
    }
    (resolution > 0.0).then(|| values.iter().map(|v| v + resolution / 2.0).collect())
}

/// The first point with too few values before or after it.
fn short(points: &[usize], n: usize) -> Option<usize> {
    (0..points.len()).find(|place| {
        let (from, at, to) = neighbours(points, *place, n);
        at - from < LEAST_SEGMENT || to - at < LEAST_SEGMENT
    })
}

/// The point that ranks speak against most, if they speak against any.
fn unsure(points: &[usize], logs: &[f64], ties: Ties) -> Option<usize> {
    let objection = |place: usize| {
        let (from, at, to) = neighbours(points, place, logs.len());
        let (left, right) = (&logs[from..at], &logs[at..to]);
        let test = MannWhitney::of(left, right)?;
        let is_counted =
            left.len().min(right.len()) <= EXACT_UP_TO && (ties == Ties::Counted || !test.has_ties());
        let counted = is_counted.then(|| exact(left, right)).flatten();
        let p = counted.map_or_else(|| test.p_asymptotic(), |p| p.two_sided);
        // The smallest p that so few values can have, and half as much again.
        let least = 1.5 * 2.0 / choices(left.len() + right.len(), left.len());
        Some(p / least.max(MAX_P))
    };
    let objections = (0..points.len()).filter_map(|place| Some((place, objection(place)?)));
    let worst = objections.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))?;
    (worst.1 > 1.0).then_some(worst.0)
}

/// Where the regime before a point begins, the point, and where the regime that it begins ends.
fn neighbours(points: &[usize], place: usize, n: usize) -> (usize, usize, usize) {
    let from = place.checked_sub(1).map_or(0, |before| points[before]);
    (from, points[place], points.get(place + 1).copied().unwrap_or(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wobbling(level: f64, n: i32) -> impl Iterator<Item = f64> {
        (0..n).map(move |i| level * (1.0 + 0.01 * f64::from((i * 7) % 5 - 2)))
    }

    #[test]
    fn a_step_is_seen_though_a_value_occurs_twice() {
        let values = [
            9.40, 9.03, 9.06, 9.42, 9.59, 9.37, 9.36, 9.33, 9.37, 9.45, 9.50, 9.50, 12.0, 11.8, 11.5, 12.5,
            11.6,
        ];
        assert_eq!(begins(&values, Ties::Counted), Some(vec![12]));
        assert_eq!(begins(&values, Ties::Normal), Some(vec![]));
    }

    #[test]
    fn a_step_begins_a_regime_and_a_spike_does_not() {
        let step: Vec<f64> = wobbling(100.0, 30).chain(wobbling(120.0, 20)).collect();
        assert_eq!(begins(&step, Ties::Counted), Some(vec![30]));
        let mut spike: Vec<f64> = wobbling(100.0, 50).collect();
        spike[25] = 400.0;
        assert_eq!(begins(&spike, Ties::Counted), Some(vec![]));
        assert_eq!(begins(&[1.0, 0.0], Ties::Counted), None);
        assert_eq!(begins(&[], Ties::Counted), Some(vec![]));
    }

    #[test]
    fn zeros_are_lifted_by_half_the_resolution_and_nothing_else_is() {
        assert_eq!(lifted(&[3.0, 1.0], 0.5), Some(vec![3.0, 1.0]));
        assert_eq!(lifted(&[3.0, 0.0], 0.5), Some(vec![3.25, 0.25]));
        assert_eq!(lifted(&[], 0.5), Some(vec![]));
        assert_eq!(lifted(&[3.0, 0.0], 0.0), None);
        assert_eq!(lifted(&[3.0, -1.0], 0.5), None);
        assert_eq!(lifted(&[3.0, f64::NAN], 0.5), None);
    }
}
