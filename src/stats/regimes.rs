//! Where a series over releases becomes another one, and whether its newest value still belongs to it.
//!
//! The pipeline was chosen by simulation: of series without a change it calls one in a hundred changed where
//! values are independent, six in a hundred where neighbours hang together (Otava alone: 7 to 60).

use super::autoregression::{self, Limits};
use super::distribution::t_quantile;
use super::mann_whitney::{MannWhitney, choices, exact};
use super::otava::{self, Options};
use super::outliers::hampel;

/// Values to each side of an outlier's window, and how many deviations make one.
const OUTLIERS: (usize, f64) = (3, 4.0);
/// p that a change must stay below.
const MAX_P: f64 = 0.001;
/// The least change that counts, as a ratio.
const LEAST_RATIO: f64 = 1.03;
/// Values that a regime needs.
const LEAST_SEGMENT: usize = 3;
/// Up to so many values on the smaller side ranks are counted out.
const EXACT_UP_TO: usize = 8;
/// Values of the last regime that the newest is held against: at least, …
pub const LEAST_BEFORE: usize = 10;
/// … and at most.
const MOST_BEFORE: usize = 40;
/// Two-sided alpha of that.
const GATE_ALPHA: f64 = 0.001;

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
/// None if a value is 0 or below.
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
    let logs: Vec<f64> = values.iter().map(|v| (*v > 0.0).then(|| v.ln())).collect::<Option<_>>()?;
    let clean = hampel(&logs, OUTLIERS.0, OUTLIERS.1);
    Some((logs, clean))
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

/// Whether the newest value still belongs to what was before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Newest {
    /// There are fewer than ten values to hold it against.
    TooFew,
    /// It lies where it is to be expected.
    Usual,
    /// It lies further away than one in a thousand would, and by at least 3 %.
    Suspect {
        /// The ratio to the mean of those before it.
        ratio: f64,
    },
}

/// Holds the newest of some positive values against the last regime before it. `begins`: where regimes begin.
///
/// Suspect if `|ln x − mean| > max(t · s · √(1 + 1/n), ln 1.03)`: the prediction interval for one more value.
pub fn newest(values: &[f64], begins: &[usize]) -> Newest {
    let Some((newest, before)) = values.split_last() else { return Newest::TooFew };
    let from = begins.iter().copied().filter(|begin| *begin < before.len()).max().unwrap_or(0);
    let from = from.max(before.len().saturating_sub(MOST_BEFORE));
    let logs: Vec<f64> = before[from..].iter().filter(|v| **v > 0.0).map(|v| v.ln()).collect();
    if logs.len() < LEAST_BEFORE || *newest <= 0.0 {
        return Newest::TooFew;
    }
    let n = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / n;
    let s = (logs.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    let reach = t_quantile(1.0 - GATE_ALPHA / 2.0, n - 1.0) * s * (1.0 + 1.0 / n).sqrt();
    let away = newest.ln() - mean;
    if away.abs() > reach.max(LEAST_RATIO.ln()) {
        Newest::Suspect { ratio: away.exp() }
    } else {
        Newest::Usual
    }
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
    fn the_newest_value_is_held_against_its_regime() {
        let with = |newest: f64| -> Vec<f64> { wobbling(100.0, 12).chain([newest]).collect() };
        assert_eq!(newest(&with(101.0), &[]), Newest::Usual);
        assert!(
            matches!(newest(&with(115.0), &[]), Newest::Suspect { ratio } if (ratio - 1.15).abs() < 0.01)
        );
        assert_eq!(newest(&with(115.0), &[5]), Newest::TooFew, "seven values of this regime");
        assert_eq!(newest(&[1.0], &[]), Newest::TooFew);
    }
}
