//! From runs in the store to reports in every form: what all commands that report something share.

use std::sync::Arc;

use anyhow::Result;

use super::command_line::command_line;
use super::exit::UsageError;
use super::qualified;
use crate::baseline::Baseline;
use crate::report::{About, Of, html, json, junit, markdown, model};
use crate::run::{Arm, ExperimentId, RunFacts, RunId};
use crate::stats::arm::{self, MeasuredRun};
use crate::stats::compare::{self, ArmSummary, Comparison};
use crate::store::{Ending, Reference, Store};
use crate::verdict::audit::{Check, Grade};
use crate::verdict::{self, Judgement, Options};

/// When, where and how a report is made: all of it that does not follow from the runs.
#[derive(Clone, Debug)]
pub(super) struct Circumstances {
    pub(super) allow_invalid: bool,
    pub(super) generated_at: String,
    pub(super) store: String,
    pub(super) command: String,
    pub(super) qualification: Option<String>,
}

impl Circumstances {
    /// Here and now.
    pub(super) fn now(store: &Store, allow_invalid: bool) -> Self {
        Self {
            allow_invalid,
            generated_at: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
            store: store.path().display().to_string(),
            command: command_line(),
            qualification: qualified::text(store.path()),
        }
    }

    /// Those of a report that was made before.
    pub(super) fn of(about: &About) -> Self {
        Self {
            allow_invalid: about.allow_invalid,
            generated_at: about.generated_at.clone(),
            store: about.store.clone(),
            command: about.command.clone(),
            qualification: about.qualification.clone(),
        }
    }

    fn about(&self, of: Of) -> About {
        About {
            of,
            allow_invalid: self.allow_invalid,
            generated_at: self.generated_at.clone(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            store: self.store.clone(),
            command: self.command.clone(),
            qualification: self.qualification.clone(),
        }
    }
}

/// What was found out of some runs, with a report for each treatment.
pub(super) struct Evidence {
    pub(super) judgement: Judgement,
    pub(super) reports: Vec<Made>,
}

impl Evidence {
    /// The page about one treatment; about the first if none is named.
    pub(super) fn page(&self, profile: Option<&str>) -> Result<String> {
        let is_wanted = |made: &&Made| profile.is_none_or(|profile| profile == made.profile);
        let made = self.reports.iter().find(is_wanted);
        made.ok_or_else(|| UsageError(format!("there is no treatment `{}`", profile.unwrap_or_default())))?
            .html()
    }
}

/// A report, ready to be written in any form.
pub(super) struct Made {
    /// What its files are called.
    pub(super) name: String,
    /// The profile that it is about.
    pub(super) profile: String,
    pub(super) model: model::Report,
    pub(super) judgement: Judgement,
    figures: Figures,
}

enum Figures {
    Run(Box<ArmSummary>),
    Comparison(Box<Comparison>),
}

impl Made {
    pub(super) fn html(&self) -> Result<String> {
        Ok(html::render(&self.model)?)
    }

    pub(super) fn json(&self) -> Result<String> {
        Ok(match &self.figures {
            Figures::Run(summary) => json::run(summary, &self.judgement, &self.model)?,
            Figures::Comparison(comparison) => json::comparison(comparison, &self.judgement, &self.model)?,
        })
    }

    pub(super) fn junit(&self) -> Result<String> {
        Ok(junit::render(&self.model)?)
    }

    pub(super) fn markdown(&self) -> String {
        markdown::render(&self.model)
    }
}

/// A single run, with the claims that speak of one run.
pub(super) fn of_run(run: RunId, store: &Store, here: &Circumstances) -> Result<Evidence> {
    let measured = summed(store, store.run(&Reference::Run(run))?)?;
    let options = Options { allow_invalid: here.allow_invalid, ..Options::default() };
    let judgement = verdict::of_run(&measured, &options);
    let arm = measured.facts.arm.unwrap_or(Arm::Treatment);
    let summary = Box::new(arm::summarise(arm, std::slice::from_ref(&measured))?);
    let made = Made {
        name: format!("run-{run}"),
        profile: measured.facts.profile.clone(),
        model: model::run(&summary, &judgement, here.about(Of::Run { run })),
        judgement: judgement.clone(),
        figures: Figures::Run(summary),
    };
    Ok(Evidence { judgement, reports: vec![made] })
}

/// The arms of an experiment, over all its rounds.
pub(super) fn of_experiment(id: ExperimentId, store: &Store, here: &Circumstances) -> Result<Evidence> {
    let facts = store.experiment_facts(id)?;
    let runs = load_summed(store, store.experiment(id)?)?;
    if let Some(missing) =
        [Arm::Baseline, Arm::Treatment].into_iter().find(|a| !runs.iter().any(|r| r.facts.arm == Some(*a)))
    {
        let text = format!("experiment e{id} has no run of the {} yet: nothing to compare", missing.word());
        return Err(UsageError(text).into());
    }
    let options = Options {
        most_rounds: usize::try_from(facts.planned.rounds).unwrap_or(usize::MAX),
        was_planned_end: facts.ended.is_some_and(Ending::was_planned),
        allow_invalid: here.allow_invalid,
        ..Options::default()
    };
    let judgement = verdict::of_rounds(&runs, &options);
    let of = |treatment: &str| Of::Experiment { experiment: id, treatment: treatment.to_owned() };
    of_arms(&runs, judgement, &format!("experiment-{id}"), here, of)
}

/// Two runs as the arms of one round; what is claimed is what the treatment's scenario claims.
pub(super) fn of_two_runs(
    baseline: RunId,
    treatment: RunId,
    store: &Store,
    here: &Circumstances,
) -> Result<Evidence> {
    let find = |run: RunId| store.run(&Reference::Run(run));
    let mut facts = [find(baseline)?, find(treatment)?];
    for (run, arm) in facts.iter_mut().zip([Arm::Baseline, Arm::Treatment]) {
        (run.arm, run.round) = (Some(arm), Some(1));
    }
    let [first, second] = &mut facts;
    first.claims.clone_from(&second.claims);
    let runs = load_summed(store, facts.into())?;
    let options = Options {
        most_rounds: 1,
        was_planned_end: true,
        allow_invalid: here.allow_invalid,
        ..Options::default()
    };
    let judgement = verdict::of_rounds(&runs, &options);
    let name = format!("compare-{baseline}-{treatment}");
    of_arms(&runs, judgement, &name, here, |_| Of::Runs { baseline, treatment })
}

/// Later runs beside a saved baseline: the first with its first run, and so on.
pub(super) fn of_saved(
    name: &str,
    baseline: &Baseline,
    runs: &[RunId],
    store: &Store,
    here: &Circumstances,
) -> Result<Evidence> {
    let rebuilt = baseline.rebuild();
    let mut later = Vec::new();
    for (round, run) in (1..).zip(runs) {
        let facts = store.run(&Reference::Run(*run))?;
        later.push(RunFacts { arm: Some(Arm::Treatment), round: Some(round), ..facts });
    }
    // What is claimed is what the later scenario claims.
    let claims = later.last().map_or_else(Vec::new, |run| run.claims.clone());
    let options = Options {
        most_rounds: later.len(),
        was_planned_end: true,
        allow_invalid: here.allow_invalid,
        saved_audits: rebuilt.audits,
    };
    let mut all = rebuilt.runs;
    all.extend(load_summed(store, later)?);
    let mut judgement = verdict::of_rounds_with(&all, &claims, &options);
    judgement.add_check(Check {
        name: "saved baseline".into(),
        grade: Grade::Warn,
        text: format!(
            "`{name}` of {}: times within 0.1 %, without their order; claims from p99 up stay undecided",
            baseline.saved_at
        ),
    });
    let of = |treatment: &str| Of::Saved {
        baseline: name.to_owned(),
        runs: runs.to_vec(),
        treatment: treatment.to_owned(),
    };
    of_arms(&all, judgement, &format!("compare-{name}"), here, of)
}

/// A baseline beside each of its treatments, one report each.
pub(super) fn of_arms(
    runs: &[Arc<MeasuredRun>],
    judgement: Judgement,
    name: &str,
    here: &Circumstances,
    of: impl Fn(&str) -> Of,
) -> Result<Evidence> {
    let of_arm = |arm: Arm| runs.iter().filter(move |r| r.facts.arm == Some(arm));
    let baseline: Vec<Arc<MeasuredRun>> = of_arm(Arm::Baseline).cloned().collect();
    let mut profiles: Vec<&str> = Vec::new();
    for run in of_arm(Arm::Treatment) {
        if !profiles.contains(&run.facts.profile.as_str()) {
            profiles.push(&run.facts.profile);
        }
    }
    let report = |profile: &&str| -> Result<Made> {
        let treatment: Vec<Arc<MeasuredRun>> =
            of_arm(Arm::Treatment).filter(|r| r.facts.profile == **profile).cloned().collect();
        let comparison = compare::of_runs(&baseline, &treatment)?;
        let judgement = judgement.of_profile(profile);
        Ok(Made {
            name: if profiles.len() == 1 { name.to_owned() } else { format!("{name}-{profile}") },
            profile: (*profile).to_owned(),
            model: model::comparison(&comparison, &judgement, here.about(of(profile))),
            judgement,
            figures: Figures::Comparison(Box::new(comparison)),
        })
    };
    let reports = profiles.iter().map(report).collect::<Result<_>>()?;
    Ok(Evidence { judgement, reports })
}

/// Judges an experiment so far, for the look that decides whether it goes on.
pub(super) fn judge_so_far(id: ExperimentId, store: &Store, allow_invalid: bool) -> Result<Judgement> {
    let most_rounds = usize::try_from(store.experiment_facts(id)?.planned.rounds).unwrap_or(usize::MAX);
    let runs = load(store, store.experiment(id)?)?;
    Ok(verdict::of_rounds(&runs, &Options { most_rounds, allow_invalid, ..Options::default() }))
}

/// Whether the arms of a round were seen to be what they should be.
pub(super) fn is_held(id: ExperimentId, round: u32, store: &Store) -> Result<bool> {
    let of_round =
        store.experiment(id)?.into_iter().filter(|r| r.round == Some(round) && !r.must_hold.is_empty());
    let runs = load(store, of_round.collect())?;
    Ok(verdict::held(&runs).iter().all(|h| h.holds))
}

/// Reads the runs of a report, with the checksums that it shows.
fn load_summed(store: &Store, runs: Vec<RunFacts>) -> Result<Vec<Arc<MeasuredRun>>> {
    runs.into_iter().map(|facts| summed(store, facts)).collect()
}

/// Reads the run of a report: with its checksum, which takes as long again as its samples.
fn summed(store: &Store, facts: RunFacts) -> Result<Arc<MeasuredRun>> {
    let checksum = store.checksum(facts.id)?;
    let measured = Arc::unwrap_or_clone(measured(store, facts)?);
    Ok(Arc::new(MeasuredRun { checksum, ..measured }))
}

/// Reads the runs whole.
pub(super) fn load(store: &Store, runs: Vec<RunFacts>) -> Result<Vec<Arc<MeasuredRun>>> {
    runs.into_iter().map(|facts| measured(store, facts)).collect()
}

/// Reads a run whole, but for its checksum.
pub(super) fn measured(store: &Store, facts: RunFacts) -> Result<Arc<MeasuredRun>> {
    let (samples, signals) = (store.samples(facts.id)?, store.signals(facts.id)?);
    let (reasons, slowest) = (store.reasons(facts.id)?, store.slowest(facts.id)?);
    let checksum = String::new();
    Ok(Arc::new(MeasuredRun { facts, samples, signals, reasons, slowest, checksum }))
}
