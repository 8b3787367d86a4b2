//! Claims and stored runs in, verdicts out.
//!
//! First the audit: can the runs be trusted? Then the manipulation checks: was the treatment
//! seen to act? Then each claim: its value is worked out once per round, and the rounds decide. Pure
//! over what the store returns; everything here can be done again from a stored run.

pub mod audit;
pub mod capacities;
mod conclusion;
mod decide;
mod decided;
mod estimate;
mod evidence;
pub mod faults;
pub mod floor;
mod hold;
pub mod lateness;
mod needed;
pub mod objective;
pub mod pilot;
pub mod qualification;
mod repeats;
mod rounds;
mod side;
mod survivors;
mod symptom;
mod uncounted;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

pub use conclusion::Verdict;
pub use decided::{Decided, Input};
pub use estimate::Scale;
pub use hold::{Held, HeldValue};
pub use repeats::Repeats;
pub use symptom::SeenSign;

use self::audit::{Audit, Grade};
use self::decide::Terms;
use self::evidence::Reading;
use self::lateness::Lateness;
use self::rounds::Round;
use crate::claim::{Amount, Bound, Claim, CountOf, Evaluated, Expression, Metric, Side, Statistic, Unit};
use crate::run::{Arm, MeasuredRun, RunFacts, RunId, RunState, Seal};
pub use crate::stats::ledger::{LEAST_ROUNDS, Ledger, Look, Occasion, TOTAL_ALPHA};

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
    /// How the experiment was carried out; none for runs that are no experiment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conduct: Option<Conduct>,
}

/// How an experiment was carried out, as far as its verdicts depend on it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conduct {
    /// Rounds that were planned.
    pub planned_rounds: usize,
    /// Whether their number is fixed, so that nothing is decided before the last.
    pub is_fixed: bool,
    /// The looks that were made, in order.
    pub looks: Vec<Look>,
    /// Rounds that were made again.
    pub repeats: Repeats,
    /// What the pilot came to; none without one.
    pub pilot: Option<String>,
}

/// How to judge.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What the looks of an experiment have spent, and why it is looked at; none for runs that are looked at once, with
    /// all of the error.
    pub look: Option<(Ledger, Occasion)>,
    /// The rounds of an experiment that were made again.
    pub repeats: Repeats,
    /// Decide claims even of runs that the audit calls invalid.
    pub allow_invalid: bool,
    /// Whether a run in which most requests fail is no failure by itself.
    pub allow_failures: bool,
    /// Why the runs only indicate, however many there are: they were not made in interleaved rounds.
    pub only_indicates: Option<String>,
    /// What the last selftest has found the generator to add to every time.
    pub floor: Option<floor::Floor>,
    /// Audits that were made when a baseline was saved.
    pub saved_audits: BTreeMap<RunId, audit::RunAudit>,
    /// Whether the plan and the looks of an experiment are those that were written.
    pub seal: Seal,
}

impl Judgement {
    /// The one verdict over all gating claims: invalid before refuted before undecided; none
    /// without a gating claim.
    pub fn overall(&self) -> Option<Verdict> {
        self.claims.iter().filter(|c| c.claim.gates).map(|c| c.verdict).max()
    }

    /// What that verdict is called: `met`, `indicated`, …
    pub fn word(&self) -> Option<&'static str> {
        self.claims
            .iter()
            .filter(|c| c.claim.gates)
            .max_by_key(|c| (c.verdict, c.word == "not indicated"))
            .map(|c| c.word)
    }

    /// What the gating claims come to, as an exit code tells it: indications for a claim pass, those against it fail if
    /// `fails_on_indication`. Without a gating claim, invalid if the audit says so, or the treatment was not seen to take
    /// effect.
    pub fn consequence(&self, fails_on_indication: bool) -> Option<Verdict> {
        let gating = self.claims.iter().filter(|c| c.claim.gates);
        let worst = gating.map(|c| c.consequence(fails_on_indication)).max();
        let is_in_doubt = self.audit.grade == Grade::Invalid || self.held.iter().any(|held| !held.holds);
        let is_void = is_in_doubt && !self.allows_invalid;
        worst.or_else(|| is_void.then_some(Verdict::Invalid))
    }

    /// Adds something that is known of the arms from outside.
    pub fn add_check(&mut self, check: audit::Check) {
        self.audit.add(check);
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
    let mut audit = audit::of_runs(std::slice::from_ref(run), &options.saved_audits);
    let held = hold::check(std::slice::from_ref(run));
    let side = facts.start.arm.map(side_of);
    let is_meant = |claim: &Claim| claim.is_decided_by(side) && claim.is_of(&facts.start.profile);
    let claims = about(facts, &facts.start.claims, is_meant);
    let of_run = |claim: &Claim| Claim { gates: claim.gates && !claim.spares_runs, ..claim.clone() };
    let claims: Vec<Claim> = claims.iter().map(of_run).collect();
    let gating = claims.iter().filter(|c| c.gates).count();
    let lateness = Lateness::of(&audit, &held, why_invalid(&audit, &held, options));
    let invalid = lateness.other.clone();
    let unsteady = audit.unsteady();
    let rounds = [Round::single(run)];
    let closed_load = has_closed_users(facts);
    let mut decided: Vec<Decided> = claims
        .iter()
        .map(|claim| {
            let (values, corrected) = evaluated(claim, &rounds, None, closed_load);
            let survivors = partial(claim, &rounds, None);
            let terms = Terms {
                profile: &facts.start.profile,
                alpha: TOTAL_ALPHA,
                last_alpha: TOTAL_ALPHA,
                about_one_run: true,
                closed_load,
                corrected: corrected.as_deref(),
                survivors: survivors.as_ref(),
                aborted: None,
                only_indicates: None,
                invalid: invalid.as_deref(),
                unsteady: unsteady.as_deref(),
            };
            lateness.judge(claim, &rounds, None, &terms, decide::decide(claim, &values, &terms))
        })
        .collect();
    if lateness.is_borne(&decided) {
        audit.bear_lateness();
    }
    decided.extend(mostly_failed(&facts.start.profile, &rounds, None, options));
    let allows_invalid = options.allow_invalid;
    let symptoms = symptom::look(std::slice::from_ref(run));
    Judgement {
        audit,
        held,
        symptoms,
        claims: decided,
        rounds: 0,
        alpha: TOTAL_ALPHA,
        gating,
        allows_invalid,
        conduct: None,
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
    let is_empty = rounds.is_empty();
    // Where no round is complete, the runs that there are say why.
    let counted: Vec<Arc<MeasuredRun>> =
        if is_empty { runs.to_vec() } else { rounds.iter().flat_map(Round::runs).collect() };
    let mut audit = audit::of_runs(&counted, &options.saved_audits);
    if let Some(check) = audit::seal::of(&options.seal) {
        audit.add(check);
    }
    if is_empty {
        audit.add(audit::no_round());
    }
    let held = if is_empty { Vec::new() } else { hold::check(&counted) };
    let treatments = rounds.first().map_or_else(|| treatments_of(runs), Round::treatments);
    let last = runs.last().map(|r| &r.facts);
    let claims: Vec<Claim> = last.map_or_else(Vec::new, |facts| about(facts, claims, |_| true));
    let gating_of = |treatment: &String| claims.iter().filter(|c| c.gates && c.is_of(treatment)).count();
    let gating = match &treatments[..] {
        [] => claims.iter().filter(|c| c.gates).count(),
        some => some.iter().map(gating_of).sum(),
    };
    let look = options.look.as_ref();
    let alpha = look.map_or(TOTAL_ALPHA, |(ledger, occasion)| ledger.shown_alpha(rounds.len(), *occasion));
    let last_alpha = look.map_or(TOTAL_ALPHA, |(ledger, _)| ledger.last_alpha());
    let share = |claim: &Claim, alpha: f64| if claim.gates { alpha / gating.max(1) as f64 } else { alpha };
    let closed_load = counted.first().is_some_and(|r| has_closed_users(&r.facts));
    let mut decided = Vec::new();
    let mut is_borne = !treatments.is_empty();
    let baseline =
        counted.iter().find(|r| is_baseline(&r.facts)).map_or("", |r| r.facts.start.profile.as_str());
    for treatment in &treatments {
        // What is wrong with one treatment says nothing of the others.
        let is_meant =
            |profile: &str, arm: Option<Arm>| arm == Some(Arm::Baseline) || profile == treatment.as_str();
        let of_treatment: Vec<Arc<MeasuredRun>> =
            counted.iter().filter(|r| is_meant(&r.facts.start.profile, r.facts.start.arm)).cloned().collect();
        let held: Vec<Held> = held.iter().filter(|h| is_meant(&h.profile, h.arm)).cloned().collect();
        let mut of_arms = audit.of(&of_treatment);
        if let Some(check) = audit::seal::of(&options.seal) {
            of_arms.add(check);
        }
        if let Some(check) = options.repeats.check(baseline, treatment, rounds.len()) {
            of_arms.add(check.clone());
            audit.add(check);
        }
        let lateness = Lateness::of(&of_arms, &held, why_invalid(&of_arms, &held, options));
        let invalid = lateness.other.clone();
        let unsteady = of_arms.unsteady();
        let first = decided.len();
        for claim in claims.iter().filter(|claim| claim.is_of(treatment)) {
            let (values, corrected) = evaluated(claim, &rounds, Some(treatment), closed_load);
            let survivors = partial(claim, &rounds, Some(treatment));
            let aborted = aborted(claim, runs, treatment);
            let terms = Terms {
                profile: treatment,
                alpha: share(claim, alpha),
                last_alpha: share(claim, last_alpha),
                about_one_run: false,
                closed_load,
                corrected: corrected.as_deref(),
                survivors: survivors.as_ref(),
                aborted: aborted.as_deref(),
                only_indicates: options.only_indicates.as_deref(),
                invalid: invalid.as_deref(),
                unsteady: unsteady.as_deref(),
            };
            let of_claim = decide::decide(claim, &values, &terms);
            let of_claim = lateness.judge(claim, &rounds, Some(treatment), &terms, of_claim);
            decided.push(match &options.floor {
                Some(floor) => floor.weigh(claim, &rounds, treatment, &terms, of_claim),
                None => of_claim,
            });
        }
        decided.extend(mostly_failed(treatment, &rounds, Some(treatment), options));
        is_borne &= !of_arms.is_late_only() || lateness.is_borne(&decided[first..]);
    }
    if audit.is_late_only() && is_borne {
        audit.bear_lateness();
    }
    let allows_invalid = options.allow_invalid;
    let symptoms = symptom::look(&counted);
    Judgement {
        audit,
        held,
        symptoms,
        claims: decided,
        rounds: rounds.len(),
        alpha,
        gating,
        allows_invalid,
        conduct: None,
    }
}

/// The profiles of the treatments that have a run, in order of name.
fn treatments_of(runs: &[Arc<MeasuredRun>]) -> Vec<String> {
    let others = runs.iter().map(|run| &run.facts).filter(|facts| !is_baseline(facts));
    others.map(|facts| facts.start.profile.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The objective that every run has; it stands among the claims where it is missed.
pub const MOST_AS_EXPECTED: &str = "Most requests end as expected";

/// The objective that every run has, and the runs of a treatment together, where it is missed: most requests end as
/// expected. `profile`: whose runs they are. `treatment`: the same, for runs of rounds.
fn mostly_failed(
    profile: &str,
    rounds: &[Round],
    treatment: Option<&str>,
    options: &Options,
) -> Option<Decided> {
    let half = Amount { value: 0.5, unit: Unit::Percent };
    let claim = Claim {
        why: "Every run has this objective; `--allow-failures` lifts it.".to_owned(),
        ..Claim::new(MOST_AS_EXPECTED, Expression::new("run.answered_share"), Bound::AtLeast(half))
    };
    let (values, _) = evaluated(&claim, rounds, treatment, false);
    let terms = Terms {
        profile,
        alpha: TOTAL_ALPHA,
        last_alpha: TOTAL_ALPHA,
        about_one_run: true,
        closed_load: false,
        corrected: None,
        survivors: None,
        aborted: None,
        only_indicates: None,
        invalid: None,
        unsteady: None,
    };
    let decided = decide::decide(&claim, &values, &terms);
    (decided.verdict == Verdict::Refuted && !options.allow_failures).then_some(decided)
}

/// Why a claim speaks of a part of the requests only, if so.
fn partial(claim: &Claim, rounds: &[Round], treatment: Option<&str>) -> Option<survivors::Survivors> {
    survivors::look(claim, rounds, treatment).or_else(|| uncounted::look(claim, rounds, treatment))
}

/// What a claim came to in each round, and what it came to corrected for coordinated omission, where the load is closed
/// and its quantile is high enough for that to matter.
#[expect(clippy::type_complexity, reason = "the same twice")]
fn evaluated(
    claim: &Claim,
    rounds: &[Round],
    treatment: Option<&str>,
    closed_load: bool,
) -> (Vec<Result<Evaluated, String>>, Option<Vec<Result<Evaluated, String>>>) {
    let by = |reading| rounds.iter().map(|round| round.evaluate(claim, treatment, reading)).collect();
    let is_high = |statistic: &Statistic| match statistic {
        Statistic::Time(_, Metric::Quantile(p)) => *p >= HELD_BACK_FROM,
        Statistic::Time(_, Metric::Mean) | Statistic::Share(CountOf::Within(_)) => true,
        _ => false,
    };
    let statistics = claim.value.statistics().unwrap_or_default();
    let matters = closed_load && claim.select.effect.is_none() && statistics.iter().any(|(_, s)| is_high(s));
    (by(Reading::Measured), matters.then(|| by(Reading::Corrected)))
}

/// From this quantile on, the requests that a stalled user of a closed load did not make are missed.
const HELD_BACK_FROM: f64 = 0.9;

/// The runs of a claim's arms that `abort_when` has ended, in a sentence: they are evidence, not missing data.
fn aborted(claim: &Claim, runs: &[Arc<MeasuredRun>], treatment: &str) -> Option<String> {
    let sides = claim.value.sides().ok()?;
    let is_of = |side: Side, facts: &RunFacts| match side {
        Side::Baseline => is_baseline(facts),
        Side::Treatment | Side::Run => !is_baseline(facts) && facts.start.profile == treatment,
    };
    sides.into_iter().find_map(|side| {
        let of_side: Vec<&RunFacts> = runs.iter().map(|r| &r.facts).filter(|f| is_of(side, f)).collect();
        let ended: Vec<&&RunFacts> = of_side.iter().filter(|facts| facts.end.is_aborted()).collect();
        let first = ended.first()?;
        Some(format!(
            "{} of {} runs of {} were aborted, which counts as evidence against it: run {}: {}",
            ended.len(),
            of_side.len(),
            first.start.profile,
            first.id,
            first.end.note
        ))
    })
}

/// Checks what must hold of runs: their manipulation checks.
pub fn held(runs: &[Arc<MeasuredRun>]) -> Vec<Held> {
    hold::check(runs)
}

/// Whether users wait for answers before they go on: a stall then holds back what it would have hit.
fn has_closed_users(facts: &RunFacts) -> bool {
    facts.start.load_facts.executor == "closed"
        || facts.start.parts.iter().any(|part| part.executor == "closed")
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
