//! Claims and stored runs in, verdicts out.
//!
//! First the audit: may the runs be believed at all? Then the manipulation checks: was the treatment
//! seen to act? Then each claim: its value is worked out once per round, and the rounds decide. Pure
//! over what the store returns; everything here can be done again from a stored run.

pub mod audit;
mod decide;
mod estimate;
mod evidence;
pub mod faults;
mod hold;
pub mod looks;
pub mod objective;
pub mod qualification;
mod rounds;
mod symptom;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

pub use decide::{Decided, Input, Verdict};
pub use estimate::Scale;
pub use hold::{Held, HeldValue};
pub use symptom::SeenSign;

use self::audit::{Audit, Grade};
use self::decide::Terms;
use self::rounds::Round;
use crate::claim::{Claim, Side};
use crate::run::{Arm, MeasuredRun, RunFacts, RunId, RunState};

/// What the runs say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judgement {
    /// Whether the runs may be believed.
    pub audit: Audit,
    /// What had to be seen to be true of the arms.
    pub held: Vec<Held>,
    /// What was seen of trouble in the system.
    pub symptoms: Vec<SeenSign>,
    /// The claims, in the order of the scenario; those of several treatments one after another.
    pub claims: Vec<Decided>,
    /// Rounds that hold a complete run of every arm; 0 for a single run.
    pub rounds: usize,
    /// Two-sided alpha that the gating claims share.
    pub alpha: f64,
    /// How many claims share it.
    pub gating: usize,
    /// Whether verdicts were wanted although the audit calls the runs invalid.
    pub allows_invalid: bool,
}

/// How to judge.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Most rounds that were planned; 0 if none were.
    pub most_rounds: usize,
    /// Whether no round will follow, for a reason that has nothing to do with what was seen.
    pub was_planned_end: bool,
    /// Decide claims even of runs that the audit calls invalid.
    pub allow_invalid: bool,
    /// Audits that were made when a baseline was saved.
    pub saved_audits: BTreeMap<RunId, audit::RunAudit>,
}

impl Judgement {
    /// The one verdict over all gating claims: invalid before refuted before undecided; none
    /// without a gating claim.
    pub fn overall(&self) -> Option<Verdict> {
        self.claims.iter().filter(|c| c.claim.gates).map(|c| c.verdict).max()
    }

    /// Adds something that is known of the arms from outside.
    pub fn add_check(&mut self, check: audit::Check) {
        self.audit.grade = self.audit.grade.max(check.grade);
        self.audit.between_arms.push(check);
    }

    /// The part of it that is about one treatment.
    #[must_use]
    pub fn of_profile(&self, profile: &str) -> Self {
        let claims = self.claims.iter().filter(|c| c.profile == profile).cloned().collect();
        Self { claims, ..self.clone() }
    }

    /// How many claims have a verdict, gating or not.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.claims.iter().filter(|c| c.verdict == verdict).count()
    }
}

/// Judges a single run by the claims that speak of one run.
pub fn of_run(run: &Arc<MeasuredRun>, options: &Options) -> Judgement {
    let facts = &run.facts;
    let audit = audit::of_runs(std::slice::from_ref(run), &options.saved_audits);
    let held = hold::check(std::slice::from_ref(run));
    let claims = about(facts, &facts.start.claims, |claim| claim.is_decided_by(facts.start.arm.map(side_of)));
    let gating = claims.iter().filter(|c| c.gates).count();
    let invalid = why_invalid(&audit, &held, options);
    let unsteady = audit.unsteady();
    let round = Round::single(run);
    let decided = claims
        .iter()
        .map(|claim| {
            let terms = Terms {
                profile: &facts.start.profile,
                alpha: looks::ALPHA,
                last_alpha: looks::ALPHA,
                about_one_run: true,
                closed_load: facts.start.load_facts.executor == "closed",
                invalid: invalid.as_deref(),
                unsteady: unsteady.as_deref(),
            };
            decide::decide(claim, &[round.evaluate(claim)], &terms)
        })
        .collect();
    let allows_invalid = options.allow_invalid;
    let symptoms = symptom::look(std::slice::from_ref(run));
    Judgement {
        audit,
        held,
        symptoms,
        claims: decided,
        rounds: 0,
        alpha: looks::ALPHA,
        gating,
        allows_invalid,
    }
}

/// Judges the runs of an experiment, or two runs that are compared: a round holds one run of each
/// profile. Runs that did not end as planned, and rounds that lack an arm, are left out.
pub fn of_rounds(runs: &[Arc<MeasuredRun>], options: &Options) -> Judgement {
    of_rounds_with(runs, runs.first().map_or(&[], |r| &r.facts.start.claims), options)
}

/// The same by other claims than those that were made with the first run.
pub fn of_rounds_with(runs: &[Arc<MeasuredRun>], claims: &[Claim], options: &Options) -> Judgement {
    let rounds = rounds::pair(runs);
    let counted: Vec<Arc<MeasuredRun>> = rounds.iter().flat_map(Round::runs).collect();
    let audit = audit::of_runs(&counted, &options.saved_audits);
    let held = hold::check(&counted);
    let treatments = rounds.first().map_or_else(Vec::new, Round::treatments);
    let last = runs.last().map(|r| &r.facts);
    let claims: Vec<Claim> = last.map_or_else(Vec::new, |facts| about(facts, claims, |_| true));
    let gating = claims.iter().filter(|c| c.gates).count() * treatments.len().max(1);
    let alpha = looks::alpha(rounds.len(), options.most_rounds, options.was_planned_end);
    let last_alpha = looks::alpha(options.most_rounds.max(rounds.len()), options.most_rounds, true);
    let share = |claim: &Claim, alpha: f64| if claim.gates { alpha / gating.max(1) as f64 } else { alpha };
    let invalid = why_invalid(&audit, &held, options);
    let unsteady = audit.unsteady();
    let closed_load = counted.first().is_some_and(|r| r.facts.start.load_facts.executor == "closed");
    let mut decided = Vec::new();
    for treatment in &treatments {
        for claim in &claims {
            let values: Vec<_> = rounds.iter().map(|round| round.evaluate_for(claim, treatment)).collect();
            let terms = Terms {
                profile: treatment,
                alpha: share(claim, alpha),
                last_alpha: share(claim, last_alpha),
                about_one_run: false,
                closed_load,
                invalid: invalid.as_deref(),
                unsteady: unsteady.as_deref(),
            };
            decided.push(decide::decide(claim, &values, &terms));
        }
    }
    let allows_invalid = options.allow_invalid;
    let symptoms = symptom::look(&counted);
    Judgement { audit, held, symptoms, claims: decided, rounds: rounds.len(), alpha, gating, allows_invalid }
}

/// Checks what must hold of runs: their manipulation checks.
pub fn held(runs: &[Arc<MeasuredRun>]) -> Vec<Held> {
    hold::check(runs)
}

/// The claims that are about a run's load and deployment.
fn about(facts: &RunFacts, claims: &[Claim], wanted: impl Fn(&Claim) -> bool) -> Vec<Claim> {
    let here = |claim: &&Claim| {
        claim.is_about(&facts.start.load, facts.start.deployment.as_deref()) && wanted(claim)
    };
    claims.iter().filter(here).cloned().collect()
}

/// Why no claim may be decided, if so.
fn why_invalid(audit: &Audit, held: &[Held], options: &Options) -> Option<String> {
    // A switch that did nothing cannot be looked past: there is no treatment to speak of.
    if let Some(unseen) = held.iter().find(|h| !h.holds) {
        return Some(unseen.text());
    }
    (audit.grade == Grade::Invalid && !options.allow_invalid).then(|| audit.worst())
}

fn side_of(arm: Arm) -> Side {
    match arm {
        Arm::Baseline => Side::Baseline,
        Arm::Treatment => Side::Treatment,
    }
}

/// Whether a run counts: it was carried out as planned.
fn counts(facts: &RunFacts) -> bool {
    facts.end.state == RunState::Done
}

/// Whether it is of the baseline.
fn is_baseline(facts: &RunFacts) -> bool {
    facts.start.arm == Some(Arm::Baseline)
}
