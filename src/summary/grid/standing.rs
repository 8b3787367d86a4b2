//! Which cells of a grid are worth having: those that no other one dominates.

use serde::Serialize;

use super::{ALPHA, Cell};
use crate::stats::mean::{Moments, log_ratios};

/// Differences below this factor are none: of loads with a given rate, cells differ in throughput by chance alone.
pub const RELEVANT: f64 = 1.01;

/// Share of requests that did not end as expected from which on a cell stands outside of the comparison.
pub const MOST_ERRORS: f64 = 0.01;

/// Whether another cell is better than one: in throughput or p95 by 1 % or more, and in the other not worse by so much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "standing", content = "by", rename_all = "snake_case")]
pub enum Standing {
    /// No cell is, by the means over the rounds.
    Undominated,
    /// The named one is, by the means; the rounds do not tell them apart.
    PerhapsDominated(String),
    /// The named one is, and the rounds tell them apart: in what it is better in, at an error of 5 % over all pairs.
    Dominated(String),
    /// More than 1 % of its requests failed.
    Failing,
    /// A round has no throughput, or requests that were not answered reach its p95.
    Unknown,
}

/// Sets each cell's standing.
pub(super) fn judge(cells: &mut [Cell]) {
    let found: Vec<Standing> = cells.iter().map(|cell| standing(cell, cells)).collect();
    for (cell, standing) in cells.iter_mut().zip(found) {
        cell.standing = standing;
    }
}

/// By how much a cell has to be beaten in a single round to be left out of the following ones.
pub const SCREENING: f64 = 1.1;

/// The cells that a screening round leaves, in order: the baseline, and those that no cell beats by 10 % or more in
/// throughput or p95 without being worse in the other.
pub fn survivors(cells: &[Cell]) -> Vec<&Cell> {
    let beats = |other: &Cell, cell: &Cell| {
        let gains = [other.throughput.mean / cell.throughput.mean, cell.p95_us.mean / other.p95_us.mean];
        gains.iter().any(|gain| *gain >= SCREENING) && gains.iter().all(|gain| *gain > 1.0 / RELEVANT)
    };
    let is_beaten = |cell: &Cell| cells.iter().any(|other| is_comparable(other) && beats(other, cell));
    cells.iter().filter(|cell| cell.is_baseline || (is_comparable(cell) && !is_beaten(cell))).collect()
}

fn is_comparable(cell: &Cell) -> bool {
    cell.throughput.is_known() && cell.p95_us.is_known() && cell.error_share <= MOST_ERRORS
}

fn standing(cell: &Cell, cells: &[Cell]) -> Standing {
    if !(cell.throughput.is_known() && cell.p95_us.is_known()) {
        return Standing::Unknown;
    }
    if cell.error_share > MOST_ERRORS {
        return Standing::Failing;
    }
    let others: Vec<&Cell> = cells.iter().filter(|other| is_comparable(other) && *other != cell).collect();
    // Ordered pairs, and two metrics for each.
    let alpha = ALPHA / (others.len().max(1) * (others.len() + 1) * 2) as f64;
    let mut perhaps = None;
    // The best of those that dominate it is named: the one with the lowest p95.
    let mut better: Vec<(&Cell, [Gain; 2])> =
        others.into_iter().filter_map(|other| Some((other, gains(cell, other, alpha)?))).collect();
    better.sort_by(|(a, _), (b, _)| a.p95_us.mean.total_cmp(&b.p95_us.mean));
    for (other, gains) in better {
        if gains.iter().any(|gain| gain.is_told_apart) {
            return Standing::Dominated(other.profile.clone());
        }
        perhaps.get_or_insert_with(|| other.profile.clone());
    }
    perhaps.map_or(Standing::Undominated, Standing::PerhapsDominated)
}

/// By how much a cell is better than another one in a metric.
struct Gain {
    /// Logarithm of the factor, above 0 for the better.
    log: f64,
    is_told_apart: bool,
}

/// What another cell gains over `cell` in throughput and p95, if it dominates it.
fn gains(cell: &Cell, other: &Cell, alpha: f64) -> Option<[Gain; 2]> {
    let gain = |better: &[f64], worse: &[f64]| {
        let logs = log_ratios(worse, better);
        let log = logs.iter().sum::<f64>() / logs.len() as f64;
        let is_told_apart = Moments::of(&logs).is_some_and(|m| m.interval(alpha).low > 0.0);
        Gain { log, is_told_apart: is_told_apart && log >= RELEVANT.ln() }
    };
    let gains = [
        gain(&other.throughput.values, &cell.throughput.values),
        // The lower the better.
        gain(&cell.p95_us.values, &other.p95_us.values),
    ];
    let relevant = RELEVANT.ln();
    let is_better = gains.iter().any(|gain| gain.log >= relevant);
    let is_worse = gains.iter().any(|gain| gain.log <= -relevant);
    (is_better && !is_worse).then_some(gains)
}

#[cfg(test)]
mod tests {
    use super::super::Estimate;
    use super::*;

    fn cell(name: &str, throughput: &[f64], p95_us: &[f64]) -> Cell {
        Cell {
            profile: name.to_owned(),
            levels: Vec::new(),
            is_baseline: false,
            throughput: Estimate::of(throughput.to_vec()),
            p50_us: Estimate::of(p95_us.to_vec()),
            p95_us: Estimate::of(p95_us.to_vec()),
            error_share: 0.0,
            standing: Standing::Unknown,
        }
    }

    fn judged(mut cells: Vec<Cell>) -> Vec<Standing> {
        judge(&mut cells);
        cells.into_iter().map(|cell| cell.standing).collect()
    }

    #[test]
    fn a_cell_is_dominated_by_one_that_is_better_and_nowhere_worse() {
        let found = judged(vec![
            cell("slow", &[100.0, 101.0, 99.0, 100.0], &[9e3, 9.1e3, 9e3, 8.9e3]),
            cell("fast", &[300.0, 303.0, 297.0, 300.0], &[3e3, 3e3, 3.1e3, 3e3]),
            cell("wide", &[400.0, 403.0, 397.0, 400.0], &[6e3, 6e3, 6.1e3, 6e3]),
        ]);
        assert_eq!(found, [Standing::Dominated("fast".into()), Standing::Undominated, Standing::Undominated]);
    }

    #[test]
    fn chance_dominates_nothing_for_certain_and_one_round_tells_nothing_apart() {
        let noisy = judged(vec![
            cell("a", &[100.0, 100.0, 100.0], &[9e3, 3e3, 5e3]),
            cell("b", &[100.3, 99.9, 100.1], &[4e3, 8e3, 3e3]),
        ]);
        assert_eq!(noisy, [Standing::PerhapsDominated("b".into()), Standing::Undominated]);
        let single = judged(vec![cell("a", &[100.0], &[9e3]), cell("b", &[200.0], &[4e3])]);
        assert_eq!(single, [Standing::PerhapsDominated("b".into()), Standing::Undominated]);
        // Below 1 % is no difference.
        let equal = judged(vec![cell("a", &[100.0], &[5e3]), cell("b", &[100.5], &[4.99e3])]);
        assert_eq!(equal, [Standing::Undominated, Standing::Undominated]);
    }

    #[test]
    fn screening_leaves_the_baseline_and_what_is_not_clearly_beaten() {
        let mut baseline = cell("baseline", &[50.0], &[9e3]);
        baseline.is_baseline = true;
        let cells = [
            baseline,
            cell("best", &[100.0], &[5e3]),
            cell("near", &[95.0], &[5.2e3]),
            cell("beaten", &[80.0], &[5.1e3]),
            cell("wide", &[200.0], &[8e3]),
            cell("lost", &[0.0], &[f64::INFINITY]),
        ];
        let names: Vec<&str> = survivors(&cells).iter().map(|cell| cell.profile.as_str()).collect();
        assert_eq!(names, ["baseline", "best", "near", "wide"]);
    }

    #[test]
    fn what_failed_or_never_answered_is_not_on_the_front() {
        let mut failing = cell("failing", &[900.0, 900.0], &[1e3, 1e3]);
        failing.error_share = 0.2;
        let found = judged(vec![
            failing,
            cell("lost", &[50.0, 50.0], &[1e3, f64::INFINITY]),
            cell("sound", &[100.0, 100.0], &[9e3, 9e3]),
        ]);
        assert_eq!(found, [Standing::Failing, Standing::Unknown, Standing::Undominated]);
    }
}
