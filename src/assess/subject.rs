//! How users name runs and experiments.

use super::error::AssessError;
use super::experiment;
use crate::run::{Arm, ExperimentId, Judged, RunFacts};
use crate::store::{Reference, Store};

/// `e1` is an experiment; anything else names a run.
///
/// # Errors
/// If there is no such run.
pub fn subject(text: &str, store: &Store) -> Result<Judged, AssessError> {
    if let Some(number) = text.strip_prefix('e').and_then(|n| n.parse().ok()) {
        return Ok(Judged::Experiment(ExperimentId(number)));
    }
    Ok(Judged::Run(run(text, store)?.id))
}

/// The run that is named: by its number, its label or profile, or as `latest`.
///
/// # Errors
/// If there is none.
pub fn run(text: &str, store: &Store) -> Result<RunFacts, AssessError> {
    let Ok(reference) = text.parse::<Reference>();
    Ok(store.run(&reference)?)
}

/// `3`, `e1`, or `e1:after`: an experiment with one of its treatments.
///
/// # Errors
/// If there is no such run.
pub fn with_profile<'a>(text: &'a str, store: &Store) -> Result<(Judged, Option<&'a str>), AssessError> {
    match text.split_once(':') {
        Some((experiment, profile)) if experiment.starts_with('e') => {
            Ok((subject(experiment, store)?, Some(profile)))
        }
        _ => Ok((subject(text, store)?, None)),
    }
}

/// The runs that are named, in that order; of an experiment those of one arm. `otherwise` stands in for
/// no name at all.
///
/// # Errors
/// If there is no such run or experiment.
pub fn runs(
    names: &[String],
    otherwise: &str,
    arm: Arm,
    store: &Store,
) -> Result<Vec<RunFacts>, AssessError> {
    let otherwise = [otherwise.to_owned()];
    let mut runs = Vec::new();
    for name in if names.is_empty() { &otherwise[..] } else { names } {
        match subject(name, store)? {
            Judged::Run(id) => runs.push(store.run(&Reference::Run(id))?),
            Judged::Experiment(id) => {
                let evidence = experiment::evidence(id, store)?;
                runs.extend(evidence.into_iter().filter(|run| run.start.arm == Some(arm)));
            }
        }
    }
    Ok(runs)
}
