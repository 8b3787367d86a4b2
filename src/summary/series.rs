//! Values over the time of a run.

use serde::Serialize;

/// A named line over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Series {
    /// What it shows.
    pub name: String,
    /// `(seconds since the run's start, value)`, in order of time. A missing stretch is a gap of
    /// more than twice the usual step.
    pub points: Vec<(f64, f64)>,
}

impl Series {
    /// Smallest value; none for an empty series.
    pub fn min(&self) -> Option<f64> {
        self.points.iter().map(|p| p.1).min_by(f64::total_cmp)
    }

    /// Largest value; none for an empty series.
    pub fn max(&self) -> Option<f64> {
        self.points.iter().map(|p| p.1).max_by(f64::total_cmp)
    }

    /// Last value; none for an empty series.
    pub fn last(&self) -> Option<f64> {
        self.points.last().map(|p| p.1)
    }

    /// Arithmetic mean over the points; none for an empty series.
    pub fn mean(&self) -> Option<f64> {
        (!self.points.is_empty())
            .then(|| self.points.iter().map(|p| p.1).sum::<f64>() / self.points.len() as f64)
    }
}
