//! How a series changes, and how its newest release stands.

use super::model::{Change, Point, Series, Standing};
use crate::run::RunId;
use crate::stats::gate::{self, Releases, Worse};
use crate::stats::quantile::geometric_mean;
use crate::stats::regimes::{self, Ties};

/// Finds the changes of each stretch, and how the newest release stands in the last. `accepted`: runs.
pub(super) fn judge(series: &mut Series, accepted: &[RunId], resolution: f64) {
    let starts: Vec<usize> = std::iter::once(0).chain(series.breaks.iter().map(|b| b.place)).collect();
    let ends = starts.iter().skip(1).copied().chain([series.points.len()]);
    let more_is_better = series.more_is_better();
    let worse = if more_is_better { Worse::Down } else { Worse::Up };
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
        let lifted = regimes::lifted(&values, resolution);
        let begins = lifted.as_ref().and_then(|v| regimes::begins(&bounded(v), Ties::Counted));
        let begins = begins.unwrap_or_default();
        let updates: Vec<usize> = series
            .updates
            .iter()
            .map(|update| update.place)
            .filter(|place| (start..end).contains(place))
            .map(|place| place - start)
            .collect();
        // Of the last stretch this is what stands.
        let releases = Releases {
            values: &values,
            begins: &begins,
            accepted: &accepted,
            updates: &updates,
            worse,
            resolution,
        };
        series.newest = in_series(gate::standing(&releases), start);
        let lifted = lifted.unwrap_or_default();
        for (place, begin) in begins.iter().enumerate() {
            let from = place.checked_sub(1).map_or(0, |before| begins[before]);
            let to = begins.get(place + 1).copied().unwrap_or(values.len());
            let mean = |values: &[f64]| geometric_mean(values).unwrap_or(f64::NAN);
            let ratio = mean(&lifted[*begin..to]) / mean(&lifted[from..*begin]);
            series.changes.push(Change {
                place: start + begin,
                ratio,
                is_worse: (ratio > 1.0) != more_is_better,
            });
        }
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
