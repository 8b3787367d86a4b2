//! `--screen TIME`: one short round of a whole grid, from which follows which cells the rounds are for.
//!
//! It is an experiment of its own. None of its runs counts in the rounds, so that a cell does not profit from the chance
//! that has left it in.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;

use crate::assess::experiment as assess;
use crate::cli::agent;
use crate::cli::arguments::Experiment as Command;
use crate::cli::choices::seed;
use crate::cli::command_line::command_line;
use crate::cli::exit::UsageError;
use crate::cli::output;
use crate::cli::viewers::Viewers;
use crate::execute::experiment::{Experiment, ExperimentFlags, Start, StopRules};
use crate::scenario::overrides::LoadOverrides;
use crate::scenario::{ExperimentSpec, Scenario};
use crate::store::{Ending, Store};

/// The experiment with the arms that are left after a screening round, if one is wanted; none if the user ended it.
pub(super) fn screened(
    command: &Command,
    scenario: &Arc<Scenario>,
    all: ExperimentSpec,
    path: &Path,
    viewers: &Viewers,
) -> Result<Option<ExperimentSpec>> {
    let Some(run_time) = command.screen else { return Ok(Some(all)) };
    let common = &command.common;
    let flags = ExperimentFlags {
        base_url: common.overrides.base_url(),
        load: LoadOverrides { run_time: Some(run_time), ..common.overrides.of_load() },
        // Other requests than those of the rounds.
        seed: seed(common).wrapping_add(1) & (u64::MAX >> 1),
        no_pilot: true,
        command: command_line(),
    };
    let round = ExperimentSpec { rounds: 1, is_exact: true, pilot: Some(false), ..all.clone() };
    let experiment = Experiment::new(scenario, Start::New(round), flags, path)?;
    if common.dry_run {
        output::result(&format!("screening, which may leave fewer arms:\n{}", experiment.plan()))?;
        return Ok(Some(all));
    }
    let rules = StopRules { budget: None, allow_invalid: common.outputs.allow_invalid };
    let mut options = viewers.session_options(common, experiment.plan());
    options.agents = agent::wanted(common, Path::new(&scenario.file), &super::grid(command)?)?;
    let (id, ending) = experiment.carry_out(rules, path, options)?;
    if ending? == Ending::Interrupted {
        output::say(&format!("interrupted while screening, e{id}"));
        return Ok(None);
    }
    let Some(found) = assess::screened(id, &Store::open(path)?)? else {
        let text =
            format!("screening e{id} has no complete round: leave out --screen, or see `loadproof runs`");
        return Err(UsageError(text).into());
    };
    let is_left = |profile: &String| found.left.contains(profile);
    let treatments = all.treatments.iter().filter(|profile| is_left(profile)).cloned().collect();
    let left = ExperimentSpec { treatments, ..all };
    output::say(&format!(
        "screening e{id}: {} of {} combinations are left: {}",
        found.left.len(),
        found.cells,
        found.left.join("; ")
    ));
    if left.treatments.is_empty() {
        let text = format!(
            "screening e{id} leaves no combination besides the baseline: see `loadproof report e{id}`"
        );
        return Err(UsageError(text).into());
    }
    Ok(Some(left))
}
