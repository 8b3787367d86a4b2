//! Runs as they are read from the store to be judged.

use std::sync::Arc;

use super::error::AssessError;
use crate::run::{MeasuredRun, Metric, RunFacts, RunId, RunState, Seal, StoredHistogram};
use crate::store::{Reference, Store};
use crate::summary;
use crate::summary::histograms::Histograms;

/// Reads a run whole, but for its checksum.
///
/// # Errors
/// If the store cannot be read.
pub fn measured(store: &Store, facts: RunFacts) -> Result<Arc<MeasuredRun>, AssessError> {
    let (samples, signals) = (store.samples(facts.id)?, store.signals(facts.id)?);
    let (reasons, slowest) = (store.reasons(facts.id)?, store.slowest(facts.id)?);
    let (soft_checks, checksum) = (store.soft_checks(facts.id)?, String::new());
    let seal = Seal::default();
    Ok(Arc::new(MeasuredRun { facts, samples, signals, reasons, soft_checks, slowest, checksum, seal }))
}

/// Reads a run by its number, as [`measured`] does.
///
/// # Errors
/// If there is no such run, or the store cannot be read.
pub fn measured_by_id(store: &Store, run: RunId) -> Result<Arc<MeasuredRun>, AssessError> {
    measured(store, store.run(&Reference::Run(run))?)
}

/// Reads runs as [`measured`] does.
///
/// # Errors
/// If the store cannot be read.
pub fn all_measured(store: &Store, runs: Vec<RunFacts>) -> Result<Vec<Arc<MeasuredRun>>, AssessError> {
    runs.into_iter().map(|facts| measured(store, facts)).collect()
}

/// The histograms of a run's times: those that are kept, or else out of its samples, which are then read one by one; they
/// are kept from then on. Empty of a run without samples.
///
/// # Errors
/// If the store cannot be read or written.
pub fn histograms(store: &Store, run: &RunFacts) -> Result<Vec<StoredHistogram>, AssessError> {
    let kept = store.histograms(run.id)?;
    if !kept.is_empty() || run.samples == 0 {
        return Ok(kept);
    }
    let histograms = histograms_of_samples(store, run.id)?;
    // Of a run under way more will come.
    if run.end.state != RunState::Running {
        store.keep_histograms(run.id, &histograms)?;
    }
    Ok(histograms)
}

/// The histograms of a run's times out of its samples, whatever is kept.
pub(super) fn histograms_of_samples(store: &Store, run: RunId) -> Result<Vec<StoredHistogram>, AssessError> {
    let mut histograms = Histograms::default();
    let subjects = store.each_time(run, |sample| histograms.add(sample))?;
    Ok(histograms.stored(&subjects))
}

/// The metrics of a run.
///
/// # Errors
/// If there is no such run, or it cannot be read or summed up.
pub fn metrics(store: &Store, run: RunId) -> Result<Vec<Metric>, AssessError> {
    let measured = measured_by_id(store, run)?;
    Ok(summary::metrics::metrics(&measured)?)
}

/// Reads the run of a report: with its checksum and its seal.
pub(super) fn with_checksum(store: &Store, facts: RunFacts) -> Result<Arc<MeasuredRun>, AssessError> {
    let (checksum, seal) = store.checksum_and_seal(facts.id)?;
    let measured = Arc::unwrap_or_clone(measured(store, facts)?);
    Ok(Arc::new(MeasuredRun { checksum, seal, ..measured }))
}

/// Reads the runs of a report, with the checksums that it shows.
pub(super) fn all_with_checksums(
    store: &Store,
    runs: Vec<RunFacts>,
) -> Result<Vec<Arc<MeasuredRun>>, AssessError> {
    runs.into_iter().map(|facts| with_checksum(store, facts)).collect()
}
