//! The shift function: by how much each percentile changes from one arm to the other.

use serde::Serialize;

use super::arm::{ArmSummary, Curve};
use crate::stats::interval::Interval;
use crate::stats::mean::{Moments, log_ratios};
use crate::stats::quantile::geometric_mean;

/// The percentiles at which it is worked out.
pub(super) const PERCENTILES: [f64; 11] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99];
/// Two-sided alpha of its intervals; they inform and decide nothing.
const ALPHA: f64 = 0.05;

/// What one percentile changes by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Shift {
    /// The percentile, in (0, 1).
    pub p: f64,
    /// `treatment / baseline`: over the rounds the geometric mean.
    pub ratio: f64,
    /// Where the true ratio lies, at 95 %, by a t interval over the rounds' logarithms; none below two rounds.
    pub interval: Option<Interval>,
}

/// The shift function of a curve that both arms have. Rounds that both arms have complete count. A percentile that lies among
/// unanswered requests in any of them has no change.
///
/// Source: Doksum 1974, Annals of Statistics 2(2), here of ratios and over rounds.
pub(super) fn shifts(arms: [&ArmSummary; 2], curves: [&Curve; 2]) -> Vec<Shift> {
    let rounds: Vec<[usize; 2]> = arms[0]
        .runs
        .iter()
        .enumerate()
        .filter_map(|(place, run)| {
            Some([place, arms[1].runs.iter().position(|other| other.start.round == run.start.round)?])
        })
        .collect();
    let shift = |(p, baseline): &(f64, Vec<f64>)| {
        let (_, treatment) = curves[1].anchors.iter().find(|(other, _)| other == p)?;
        let of = |values: &[f64], arm: usize| -> Option<Vec<f64>> {
            let value =
                |round: &[usize; 2]| values.get(round[arm]).copied().filter(|v| *v > 0.0 && v.is_finite());
            rounds.iter().map(value).collect()
        };
        let (baseline, treatment) = (of(baseline, 0)?, of(treatment, 1)?);
        let logs = log_ratios(&baseline, &treatment);
        let ratios: Vec<f64> = logs.iter().map(|log| log.exp()).collect();
        let interval = Moments::of(&logs).map(|moments| moments.interval(ALPHA).map(f64::exp));
        Some(Shift { p: *p, ratio: geometric_mean(&ratios)?, interval })
    };
    curves[0].anchors.iter().filter_map(shift).collect()
}
