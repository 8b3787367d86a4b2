//! How a series changes, and how its newest release stands.

use std::f64::consts::FRAC_PI_2;

use super::model::{Change, Point, Series, Standing};
use crate::run::RunId;
use crate::stats::contingency::fisher;
use crate::stats::gate::{self, Releases, Worse};
use crate::stats::quantile::geometric_mean;
use crate::stats::regimes::{self, Ties};

/// The smallest share of answers that is told from none.
const LEAST_SHARE: f64 = 1e-4;
/// Level at which failures are more frequent than before by chance, for a change over several releases.
const ALPHA: f64 = 0.001;

/// On which scale a series is judged.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scale<'a> {
    /// As ratios. `resolution`: the smallest difference that its values can show.
    Ratio {
        /// In the unit of the values, above 0.
        resolution: f64,
    },
    /// Shares of answers, by the failures of each point: as a ratio of answers, 2.5 % of failures where there were none would
    /// pass for noise.
    Failures(&'a [Failures]),
}

/// The samples of a point that did not end as expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Failures {
    /// So many, …
    pub(super) failed: f64,
    /// … of so many.
    pub(super) n: f64,
}

impl Failures {
    /// Its level: the arcsine of the square root of the share, on which the error by sampling is the same for all shares. A
    /// step of 0.03, as on the logarithms of other metrics, is one from 0 to 0.09 %, or from 5 % to 6.4 %.
    fn level(self) -> f64 {
        (self.failed / self.n.max(1.0)).clamp(0.0, 1.0).sqrt().asin()
    }

    /// The standard error of the level.
    fn error(self) -> f64 {
        0.5 / self.n.max(1.0).sqrt()
    }
}

/// A stretch as it is judged.
struct Judged {
    /// Values that logarithms can be taken of; empty if there are none.
    values: Vec<f64>,
    errors: Vec<f64>,
    /// Places of points of which every sample failed.
    halts: Vec<usize>,
    worse: Worse,
    resolution: f64,
}

/// Finds the changes of each stretch, and how the newest release stands in the last. `accepted`: runs.
pub(super) fn judge(series: &mut Series, accepted: &[RunId], scale: Scale<'_>) {
    let starts: Vec<usize> = std::iter::once(0).chain(series.breaks.iter().map(|b| b.place)).collect();
    let ends = starts.iter().skip(1).copied().chain([series.points.len()]);
    let more_is_better = series.more_is_better();
    for (start, end) in starts.iter().copied().zip(ends) {
        let points = &series.points[start..end];
        let values: Vec<f64> = points.iter().map(|p| p.value).collect();
        let is_accepted = |point: &Point| point.runs.iter().any(|run| accepted.contains(run));
        let accepted: Vec<usize> = points
            .iter()
            .enumerate()
            .filter(|(_, point)| is_accepted(point))
            .map(|(place, _)| place)
            .collect();
        let judged = judged(&values, start, more_is_better, scale);
        let lifted = regimes::lifted(&judged.values, judged.resolution);
        let begins = lifted.as_ref().and_then(|v| regimes::begins(&bounded(v), Ties::Counted));
        let begins = beyond_chance(begins.unwrap_or_default(), start, end, scale);
        let updates: Vec<usize> = series
            .updates
            .iter()
            .map(|update| update.place)
            .filter(|place| (start..end).contains(place))
            .map(|place| place - start)
            .collect();
        // Of the last stretch this is what stands.
        let releases = Releases {
            values: &judged.values,
            begins: &begins,
            accepted: &accepted,
            updates: &updates,
            worse: judged.worse,
            resolution: judged.resolution,
            errors: &judged.errors,
            halts: &judged.halts,
        };
        let standing = gate::standing(&releases);
        series.newest = in_series(answered(standing, &judged.values, scale), start);
        let shown = match scale {
            Scale::Ratio { .. } => lifted,
            Scale::Failures(_) => regimes::lifted(&values, LEAST_SHARE),
        };
        let shown = shown.unwrap_or_default();
        for (place, begin) in begins.iter().enumerate() {
            let from = place.checked_sub(1).map_or(0, |before| begins[before]);
            let to = begins.get(place + 1).copied().unwrap_or(values.len());
            let mean = |values: &[f64]| geometric_mean(values).unwrap_or(f64::NAN);
            let ratio = mean(&shown[*begin..to]) / mean(&shown[from..*begin]);
            series.changes.push(Change {
                place: start + begin,
                ratio,
                is_worse: (ratio > 1.0) != more_is_better,
            });
        }
    }
}

/// The values of the stretch that begins at a place, as they are judged.
fn judged(values: &[f64], start: usize, more_is_better: bool, scale: Scale<'_>) -> Judged {
    match scale {
        Scale::Ratio { resolution } => Judged {
            values: values.to_vec(),
            errors: Vec::new(),
            halts: Vec::new(),
            worse: if more_is_better { Worse::Down } else { Worse::Up },
            resolution,
        },
        Scale::Failures(counted) => {
            let counted = &counted[start..start + values.len()];
            Judged {
                values: counted.iter().map(|of| of.level().exp()).collect(),
                errors: counted.iter().map(|of| of.error()).collect(),
                halts: (0..counted.len()).filter(|at| counted[*at].failed >= counted[*at].n).collect(),
                worse: Worse::Up,
                resolution: LEAST_SHARE,
            }
        }
    }
}

/// The begins of regimes without those whose failures differ by no more than chance from those of the regime before.
fn beyond_chance(mut begins: Vec<usize>, start: usize, end: usize, scale: Scale<'_>) -> Vec<usize> {
    let Scale::Failures(counted) = scale else { return begins };
    let counted = &counted[start..end];
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole numbers of samples")]
    let total = |of: &[Failures]| {
        let failed = of.iter().map(|of| of.failed).sum::<f64>() as u64;
        [failed, (of.iter().map(|of| of.n).sum::<f64>() as u64).saturating_sub(failed)]
    };
    let mut place = 0;
    while place < begins.len() {
        let from = place.checked_sub(1).map_or(0, |before| begins[before]);
        let to = begins.get(place + 1).copied().unwrap_or(counted.len());
        if fisher([total(&counted[from..begins[place]]), total(&counted[begins[place]..to])]) < ALPHA {
            place += 1;
        } else {
            begins.remove(place);
        }
    }
    begins
}

/// A standing by levels of failures as one by shares of answers.
fn answered(standing: Standing, levels: &[f64], scale: Scale<'_>) -> Standing {
    let Scale::Failures(_) = scale else { return standing };
    let newest = levels.last().map_or(f64::NAN, |value| value.ln());
    let share = |level: f64| level.clamp(0.0, FRAC_PI_2).cos().powi(2);
    let of = |ratio: f64| if ratio > 0.0 { share(newest) / share(newest - ratio.ln()) } else { 0.0 };
    match standing {
        Standing::Better { ratio } => Standing::Better { ratio: of(ratio) },
        Standing::Suspect { ratio } => Standing::Suspect { ratio: of(ratio) },
        Standing::Regression { ratio, since } => Standing::Regression { ratio: of(ratio), since },
        other => other,
    }
}

/// The newest release, with places of the whole series. `start`: of its stretch.
fn in_series(standing: Standing, start: usize) -> Standing {
    match standing {
        Standing::Regression { ratio, since } => Standing::Regression { ratio, since: start + since },
        other => other,
    }
}

/// Positive values with ∞ replaced by ten times the largest of the others: changes are found by logarithms.
fn bounded(values: &[f64]) -> Vec<f64> {
    let most = values.iter().copied().filter(|v| v.is_finite()).fold(0.0, f64::max);
    values.iter().map(|v| if v.is_infinite() && most > 0.0 { 10.0 * most } else { *v }).collect()
}
