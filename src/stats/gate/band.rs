//! The band in which one more value of a regime is to be expected.

use serde::Serialize;

use crate::stats::distribution::{normal_quantile, t_quantile};
use crate::stats::mean::Moments;
use crate::stats::outliers::hampel;
use crate::stats::regimes::{LEAST_RATIO, OUTLIERS};

/// Values of a regime that the newest is held against: at least, …
pub const LEAST_BEFORE: usize = 4;
/// … and at most.
pub(super) const MOST_BEFORE: usize = 40;
/// Two-sided alpha of one release.
pub(super) const GATE_ALPHA: f64 = 0.001;
/// By how much wider a band is for the first releases on a machine whose software was updated: what the update does to
/// the metric is not known.
pub(super) const AFTER_UPDATE: f64 = 2.0;

/// Where one more value of a regime is to be expected.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Band {
    /// Mean of the logarithms.
    pub mean_ln: f64,
    /// How far from it a value may lie, as a logarithm, at least ln 1.03.
    pub reach_ln: f64,
}

/// How many standard errors a value may lie from others by chance alone: two-sided, at the alpha of one release.
pub(super) fn chance() -> f64 {
    normal_quantile(1.0 - GATE_ALPHA / 2.0)
}

impl Band {
    /// That of a regime of positive values, in order of releases; none below four values.
    ///
    /// `mean ± max(t_{n−1, 0.9995}·s·√(1 + 1/n), ln 1.03)` of the logarithms of the last 40 values, without those
    /// that Hampel's filter marks as outliers, as long as four are left. They are left out rather than replaced by
    /// their window's median: replacing shrinks s, and short series of normal values then raise ten times the
    /// false alarms (four values: 2.3 % instead of 0.1 %).
    pub fn of(values: &[f64]) -> Option<Self> {
        Self::of_logs(&values.iter().map(|v| v.ln()).collect::<Vec<f64>>())
    }

    /// That for a release of which it is not known what an update of the machine does to it.
    pub(super) fn widened(self) -> Self {
        Self { reach_ln: AFTER_UPDATE * self.reach_ln, ..self }
    }

    pub(super) fn of_logs(logs: &[f64]) -> Option<Self> {
        let last = &logs[logs.len().saturating_sub(MOST_BEFORE)..];
        let clean = hampel(last, OUTLIERS.0, OUTLIERS.1);
        let kept: Vec<f64> =
            last.iter().zip(&clean).filter(|(x, clean)| x == clean).map(|(x, _)| *x).collect();
        let used = if kept.len() < LEAST_BEFORE { last } else { &kept };
        let moments = Moments::of(used).filter(|moments| moments.n >= LEAST_BEFORE)?;
        let t = t_quantile(1.0 - GATE_ALPHA / 2.0, moments.df());
        let reach = t * moments.sd * (1.0 + 1.0 / moments.n as f64).sqrt();
        Some(Self { mean_ln: moments.mean, reach_ln: reach.max(LEAST_RATIO.ln()) })
    }
}
