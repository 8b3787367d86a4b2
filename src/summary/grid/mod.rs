//! Grids: the cells of a tuning matrix side by side, which of them no other one dominates, and what each factor does.
//!
//! Rounds that hold a run of every cell count. Each run gives one value per metric; what is compared are logarithms,
//! round by round, so that what a round does to all of its cells cancels.

mod effects;
mod standing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use super::frame::{FrameError, total};
use super::metrics::followed;
use super::subject::QUANTILES;
use crate::run::{FACTOR, MeasuredRun, Metric, RunState};
use crate::sample::Outcome;
use crate::stats::factorial::Factorial;
use crate::stats::interval::Interval;
use crate::stats::mean::Moments;

pub use effects::{Change, Effect, Effects};
pub use standing::{Standing, survivors};

/// Two-sided error of a single interval.
pub const ALPHA: f64 = 0.05;

/// A tuning matrix.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Grid {
    /// Its factors, in order of name.
    pub factors: Vec<Factor>,
    /// Rounds that hold a run of every cell.
    pub rounds: usize,
    /// Its cells: all combinations, or those that were run. The baseline is among them.
    pub cells: Vec<Cell>,
    /// What the factors do to each metric; empty unless every combination was run.
    pub effects: Vec<Effects>,
}

/// A factor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Factor {
    /// Its name.
    pub name: String,
    /// Its levels: that of the baseline first, the others in order.
    pub levels: Vec<String>,
}

/// A combination of levels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// Its profile.
    pub profile: String,
    /// Its level of each factor.
    pub levels: Vec<String>,
    /// Whether it is the baseline.
    pub is_baseline: bool,
    /// Requests that ended as expected within the load, per second.
    pub throughput: Estimate,
    /// p50 of the response times of all requests of users, µs.
    pub p50_us: Estimate,
    /// p95 of the same.
    pub p95_us: Estimate,
    /// Share of those requests that did not end as expected, over all rounds, in [0, 1].
    pub error_share: f64,
    /// Whether another cell is better in both throughput and p95.
    pub standing: Standing,
}

/// A metric of a cell over its rounds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Geometric mean over the rounds; ∞ where requests were not answered.
    pub mean: f64,
    /// Where that lies at 95 %, of this cell by itself; none with one round, or where a round has no finite value.
    pub interval: Option<Interval>,
    /// A value per round.
    #[serde(skip)]
    pub values: Vec<f64>,
}

impl Estimate {
    fn of(values: Vec<f64>) -> Self {
        let logs: Vec<f64> = values.iter().map(|value| value.ln()).collect();
        let is_known = logs.iter().all(|log| log.is_finite());
        let mean = (logs.iter().sum::<f64>() / logs.len().max(1) as f64).exp();
        let interval = Moments::of(&logs).filter(|_| is_known).map(|m| m.interval(ALPHA).map(f64::exp));
        Self { mean, interval, values }
    }

    /// Whether every round has a value that a logarithm can be taken of.
    pub fn is_known(&self) -> bool {
        !self.values.is_empty() && self.values.iter().all(|value| *value > 0.0 && value.is_finite())
    }
}

/// A run's level of each factor.
fn levels(run: &MeasuredRun) -> BTreeMap<&str, &str> {
    let facts = run.facts.start.environment.iter();
    facts.filter_map(|(name, level)| Some((name.strip_prefix(FACTOR)?, level.as_str()))).collect()
}

/// The grid that an experiment's runs form; none if they have no factors, or no round holds all cells.
///
/// # Errors
/// If the samples cannot be summarised.
pub fn of_runs(runs: &[Arc<MeasuredRun>]) -> Result<Option<Grid>, FrameError> {
    let done: Vec<&MeasuredRun> =
        runs.iter().map(Arc::as_ref).filter(|run| run.facts.end.state == RunState::Done).collect();
    let Some(factors) = factors(&done) else { return Ok(None) };
    let profiles: BTreeSet<&str> = done.iter().map(|run| run.facts.start.profile.as_str()).collect();
    let mut rounds: BTreeMap<Option<u32>, BTreeMap<&str, &MeasuredRun>> = BTreeMap::new();
    for run in &done {
        rounds.entry(run.facts.start.round).or_default().insert(&run.facts.start.profile, run);
    }
    rounds.retain(|_, cells| cells.len() == profiles.len());
    if rounds.is_empty() {
        return Ok(None);
    }
    let mut cells = Vec::new();
    for profile in profiles {
        let of_cell: Vec<&MeasuredRun> = rounds.values().map(|cells| cells[profile]).collect();
        cells.push(cell(&of_cell, &factors)?);
    }
    // As a table is read: by the first factor, then by the second, each with the baseline's level first.
    let place = |cell: &Cell| -> Vec<Option<usize>> {
        let levels = factors.iter().zip(&cell.levels);
        levels.map(|(factor, level)| factor.levels.iter().position(|known| known == level)).collect()
    };
    cells.sort_by_key(place);
    standing::judge(&mut cells);
    let design = Factorial::new(factors.iter().map(|factor| factor.levels.len()).collect());
    let effects =
        if design.cells() == cells.len() { effects::of_cells(&design, &factors, &cells) } else { Vec::new() };
    Ok(Some(Grid { factors, rounds: rounds.len(), cells, effects }))
}

/// The factors that all runs have, with every level that occurs; none without one.
fn factors(runs: &[&MeasuredRun]) -> Option<Vec<Factor>> {
    let first = levels(runs.first()?);
    let names: Vec<&str> = first.keys().copied().collect();
    if names.is_empty() || runs.iter().any(|run| !levels(run).keys().eq(names.iter())) {
        return None;
    }
    let baseline = runs.iter().find(|run| run.facts.start.arm == Some(crate::run::Arm::Baseline));
    let reference = baseline.map_or(first, |run| levels(run));
    let factor = |name: &str| {
        let all: BTreeSet<&str> = runs.iter().filter_map(|run| levels(run).get(name).copied()).collect();
        let mut all: Vec<&str> = all.into_iter().filter(|level| *level != reference[name]).collect();
        let number = |level: &str| level.parse::<f64>().ok();
        if all.iter().all(|level| number(level).is_some()) {
            all.sort_by(|a, b| number(a).unwrap_or(0.0).total_cmp(&number(b).unwrap_or(0.0)));
        }
        let levels = std::iter::once(reference[name]).chain(all).map(str::to_owned).collect();
        Factor { name: name.to_owned(), levels }
    };
    Some(names.iter().map(|name| factor(name)).collect())
}

/// A cell, of a run in each round; its standing is judged later.
fn cell(runs: &[&MeasuredRun], factors: &[Factor]) -> Result<Cell, FrameError> {
    let (mut throughput, mut p50, mut p95) = (Vec::new(), Vec::new(), Vec::new());
    let (mut bad, mut all) = (0, 0);
    for run in runs {
        let metrics = followed(run)?;
        let of_all = metrics.iter().find(|metric| metric.name == Metric::THROUGHPUT);
        throughput.push(of_all.map_or(0.0, |metric| metric.value));
        let total = total(&run.samples, run.facts.load_s())?;
        // Where nothing was answered, it took for ever.
        let times = total.as_ref().and_then(|total| total.response);
        let quantile = |p: f64| {
            let place = QUANTILES.iter().position(|known| (known - p).abs() < 1e-12);
            times.zip(place).map_or(f64::INFINITY, |(times, place)| times.quantiles_us[place])
        };
        p50.push(quantile(0.5));
        p95.push(quantile(0.95));
        let counts = total.map(|total| total.counts).unwrap_or_default();
        all += counts.total();
        bad += counts.total() - counts.of(Outcome::Ok) - counts.of(Outcome::Rejected);
    }
    let (first, of_run) = (&runs[0].facts.start, levels(runs[0]));
    let level = |factor: &Factor| of_run.get(factor.name.as_str()).copied().unwrap_or_default().to_owned();
    Ok(Cell {
        profile: first.profile.clone(),
        levels: factors.iter().map(level).collect(),
        is_baseline: first.arm == Some(crate::run::Arm::Baseline),
        throughput: Estimate::of(throughput),
        p50_us: Estimate::of(p50),
        p95_us: Estimate::of(p95),
        error_share: if all == 0 { 1.0 } else { bad as f64 / all as f64 },
        standing: Standing::Unknown,
    })
}
