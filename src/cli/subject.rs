//! How users name runs and experiments.

use anyhow::Result;

use crate::run::{Arm, ExperimentId, Judged, RunFacts};
use crate::store::{Reference, Store};

/// `e1` is an experiment; anything else names a run.
pub(super) fn subject(text: &str, store: &Store) -> Result<Judged> {
    if let Some(number) = text.strip_prefix('e').and_then(|n| n.parse().ok()) {
        return Ok(Judged::Experiment(ExperimentId(number)));
    }
    let reference: Reference = text.parse()?;
    Ok(Judged::Run(store.run(&reference)?.id))
}

/// The runs that are named, in that order; of an experiment those of one arm. `otherwise` stands in for
/// no name at all.
pub(super) fn runs(names: &[String], otherwise: &str, arm: Arm, store: &Store) -> Result<Vec<RunFacts>> {
    let otherwise = [otherwise.to_owned()];
    let mut runs = Vec::new();
    for name in if names.is_empty() { &otherwise[..] } else { names } {
        match subject(name, store)? {
            Judged::Run(id) => runs.push(store.run(&Reference::Run(id))?),
            Judged::Experiment(id) => {
                runs.extend(store.experiment(id)?.into_iter().filter(|r| r.start.arm == Some(arm)));
            }
        }
    }
    Ok(runs)
}
