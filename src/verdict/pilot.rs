//! What a pilot round says of the rounds to come: how long their runs should be, and how many claims probably take.
//!
//! Blind to the difference between the arms: for each need the arm counts that needs more, and no value of one arm is
//! held against the other's. So it costs no error, and the pilot is no evidence.

use std::sync::Arc;

use super::audit::steady;
use super::evidence::Reading;
use super::rounds::{self, Round};
use crate::claim::{Claim, Form, Seen, Stretch};
use crate::run::MeasuredRun;
use crate::stats::pilot::{
    EVENTS_BEYOND, HIGH_QUANTILE, MOST_LONGER, Need, RunTime, SAMPLES_FOR_ABSOLUTE, probable_rounds,
    run_time, spread_of_ratio,
};
use crate::unit;

/// How far the truth is taken to lie from the bound when rounds are planned, as a factor.
pub const MARGIN: f64 = 1.1;

/// How long runs were to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stated<'a> {
    /// The run time, s, above 0; how long the load took, where it has none.
    pub run_time_s: f64,
    /// The part of it that is not steady and stays as long in longer runs, s.
    pub fixed_s: f64,
    /// The stage that gets longer, where it has a name.
    pub hold: &'a str,
}

/// What a pilot came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Pilot {
    /// Seconds that runs should last: at least as long as stated, at most four times that.
    pub run_time_s: f64,
    /// Seconds that would meet all needs; infinite if that cannot be known.
    pub wanted_s: f64,
    /// Why runs should be longer than stated, the most demanding need first; empty if they need not.
    pub reasons: Vec<String>,
    /// Rounds that the gating claims will probably take if the truth lies [`MARGIN`] from their bounds; none if that
    /// cannot be known.
    pub rounds: Option<usize>,
}

/// Whether a claim may need longer runs than stated.
fn has_needs(claim: &Claim) -> bool {
    let statistics = claim.value.statistics().unwrap_or_default();
    let mut quantiles = statistics.iter().filter_map(|(_, statistic)| statistic.quantile());
    let is_absolute = claim.value.form() == Form::Positive && statistics.len() == 1;
    let is_settled = claim.select.phase == Some(Stretch::Settled);
    claim.gates
        && (is_settled || quantiles.any(|p| p < 1.0 && (p >= HIGH_QUANTILE || is_absolute && p > 0.0)))
}

/// Whether a pilot could lengthen the runs of a load: some gating claim about it rests on events that may be too few.
pub fn is_useful(claims: &[Claim], load: &str) -> bool {
    let is_about = |claim: &Claim| claim.loads.is_empty() || claim.loads.iter().any(|name| name == load);
    claims.iter().any(|claim| is_about(claim) && has_needs(claim))
}

/// What the runs of a pilot come to, one of each arm.
pub fn of(runs: &[Arc<MeasuredRun>], stated: Stated<'_>) -> Pilot {
    let mut needs: Vec<(RunTime, String)> = Vec::new();
    let mut rounds: Option<usize> = None;
    let facts = runs.last().map(|run| &run.facts);
    let claims =
        facts.map_or_else(Vec::new, |facts| super::about(facts, &facts.start.claims, |claim| claim.gates));
    for round in rounds::pair(runs) {
        for (claim, treatment) in claims
            .iter()
            .flat_map(|claim| round.treatments().into_iter().map(move |treatment| (claim, treatment)))
            .filter(|(claim, treatment)| claim.is_of(treatment))
        {
            needs.extend(of_claim(claim, &round, &treatment, stated));
            rounds = rounds.max(rounds_of(claim, &round, &treatment));
        }
        if claims.iter().any(|claim| claim.select.phase == Some(Stretch::Settled)) {
            needs.extend(round.runs().iter().map(|run| settling(run, stated)));
        }
    }
    needs.retain(|(time, _)| time.wanted_s > stated.run_time_s);
    needs.sort_by(|a, b| b.0.wanted_s.total_cmp(&a.0.wanted_s));
    let mut reasons: Vec<String> = needs.iter().map(|(_, reason)| reason.clone()).collect();
    reasons.dedup();
    let (run_time_s, wanted_s) = needs
        .first()
        .map_or((stated.run_time_s, stated.run_time_s), |(longest, _)| (longest.seconds, longest.wanted_s));
    Pilot { run_time_s, wanted_s, reasons, rounds }
}

/// What a claim needs of a run: events beyond its high quantiles, samples of an absolute one.
fn of_claim(claim: &Claim, round: &Round, treatment: &str, stated: Stated<'_>) -> Vec<(RunTime, String)> {
    let Ok(evaluated) = round.evaluate(claim, Some(treatment), Reading::Measured) else { return Vec::new() };
    let unmeasured_s = match claim.select.phase {
        _ if claim.select.stage.as_ref().is_some_and(|stage| stage != stated.hold) => stated.run_time_s,
        Some(Stretch::Settled) => stated.fixed_s + round.warm_up_us(claim) as f64 / 1e6,
        Some(_) => stated.fixed_s,
        None if claim.select.stage.is_some() => stated.fixed_s,
        None => 0.0,
    };
    let time = |need: Need<'_>| run_time(stated.run_time_s, unmeasured_s, &[need]);
    let is_absolute = claim.value.form() == Form::Positive && evaluated.seen.len() == 1;
    let mut needs = Vec::new();
    for seen in &evaluated.seen {
        let name = format!("`{}.{}`", seen.side.word(), seen.statistic);
        let Some(p) = seen.statistic.quantile().filter(|p| *p > 0.0 && *p < 1.0) else { continue };
        if let Some(clusters) = seen.found.clusters.filter(|_| p >= HIGH_QUANTILE) {
            let reason = format!(
                "{name} is based on {clusters} independent event{} per run, and {} are wanted",
                if clusters == 1 { "" } else { "s" },
                unit::plain(EVENTS_BEYOND)
            );
            needs.push((time(Need::Events { seen: &[clusters as f64] }), reason));
        }
        if is_absolute {
            let reason = format!(
                "{name} is based on {} samples per run, and {} are wanted",
                unit::count(seen.found.n),
                unit::plain(SAMPLES_FOR_ABSOLUTE)
            );
            needs.push((time(Need::Samples { seen: &[seen.found.n as f64] }), reason));
        }
    }
    needs
}

/// How long a run has to be for its warm-up to be a small part of it.
fn settling(run: &MeasuredRun, stated: Stated<'_>) -> (RunTime, String) {
    let wanted_s = stated.fixed_s + steady::wanted_s(run);
    let seconds = wanted_s.clamp(stated.run_time_s, MOST_LONGER * stated.run_time_s);
    let reason = format!(
        "run {} ({}) took too long to become steady for a run of {}",
        run.facts.id,
        run.facts.start.profile,
        unit::span(stated.run_time_s)
    );
    (RunTime { seconds, wanted_s }, reason)
}

/// Rounds that a claim probably takes, by how much the halves of its runs differ.
fn rounds_of(claim: &Claim, round: &Round, treatment: &str) -> Option<usize> {
    let view = round.view(claim, Some(treatment), Reading::Measured).ok()?;
    let evaluated = round.evaluate(claim, Some(treatment), Reading::Measured).ok()?;
    let halves = |seen: &Seen| view.halves(seen.side, &seen.statistic);
    let of_arms: Vec<[f64; 2]> = evaluated.seen.iter().map(halves).collect::<Option<_>>()?;
    let of_ratio = spread_of_ratio(&of_arms)?;
    let sd = if of_arms.len() == 1 { of_ratio / std::f64::consts::SQRT_2 } else { of_ratio };
    probable_rounds(sd, MARGIN.ln())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::{Amount, Bound, Expression, Selection, Unit};
    use crate::run::Arm;
    use crate::verdict::audit::tests::run_of;

    fn claim(value: &str, bound: Bound) -> Claim {
        Claim::new(value, Expression::new(value), bound)
    }

    fn ratio() -> Claim {
        let twice = Amount { value: 2.0, unit: Unit::Times };
        claim("baseline.p99 / treatment.p99", Bound::AtLeast(twice))
    }

    fn absolute() -> Claim {
        claim("treatment.p95", Bound::AtMost(Amount { value: 500.0, unit: Unit::Time }))
    }

    /// A run of 60 s with 20 requests a second, of which one in every `slow` seconds takes `ms` longer.
    fn run(arm: Arm, slow: i64, ms: i64, claims: &[Claim]) -> Arc<MeasuredRun> {
        let took = |i: i64| 10 + i % 3 + if i % (20 * slow) == 7 { ms } else { 0 };
        let requests: Vec<(i64, i64, i64)> = (0..1200).map(|i| (i * 50, i * 50, i * 50 + took(i))).collect();
        let mut run = run_of(&requests);
        run.facts.start.arm = Some(arm);
        run.facts.start.round = Some(0);
        run.facts.start.profile = arm.word().to_owned();
        run.facts.start.claims = claims.to_vec();
        Arc::new(run)
    }

    const STATED: Stated<'_> = Stated { run_time_s: 60.0, fixed_s: 0.0, hold: "" };

    #[test]
    fn runs_get_as_long_as_the_arm_with_fewer_events_needs() {
        let claims = [ratio()];
        let pilot = |baseline: i64, treatment: i64| {
            of(
                &[run(Arm::Baseline, baseline, 90, &claims), run(Arm::Treatment, treatment, 90, &claims)],
                STATED,
            )
        };
        let few = pilot(5, 6);
        assert_eq!(few.run_time_s, 180.0, "{few:?}");
        assert_eq!(
            few.reasons[0],
            "`treatment.p99` is based on 10 independent events per run, and 30 are wanted"
        );
        // Which arm is which does not matter.
        assert_eq!(pilot(6, 5).run_time_s, few.run_time_s);
        assert!(few.rounds.is_some());
    }

    #[test]
    fn a_pilot_is_blind_to_the_difference_between_the_arms() {
        let claims = [ratio()];
        let pilot =
            |ms: i64| of(&[run(Arm::Baseline, 5, 90, &claims), run(Arm::Treatment, 6, ms, &claims)], STATED);
        assert_eq!(pilot(90), pilot(900));
    }

    #[test]
    fn what_has_enough_is_left_as_stated() {
        let claims = [absolute()];
        let found = of(&[run(Arm::Baseline, 5, 90, &claims), run(Arm::Treatment, 5, 90, &claims)], STATED);
        assert_eq!((found.run_time_s, found.reasons.len()), (60.0, 0));
        assert_eq!(of(&[], STATED).run_time_s, 60.0);
    }

    #[test]
    fn a_claim_about_a_stage_that_stays_as_long_cannot_be_met_by_longer_runs() {
        let claims = [Claim {
            select: Selection { stage: Some("spike".to_owned()), ..Selection::default() },
            ..absolute()
        }];
        let run = |arm| {
            let mut run = Arc::unwrap_or_clone(run(arm, 5, 90, &claims));
            // 10 s of 60: 200 requests, of the 400 that are wanted.
            run.facts.start.stages = vec![crate::run::StageFacts {
                name: "spike".to_owned(),
                start_us: 20_000_000,
                end_us: 30_000_000,
                ..Default::default()
            }];
            Arc::new(run)
        };
        let found =
            |hold| of(&[run(Arm::Baseline), run(Arm::Treatment)], Stated { fixed_s: 50.0, hold, ..STATED });
        let grows = found("spike");
        assert_eq!((grows.run_time_s, grows.wanted_s), (70.0, 70.0), "{grows:?}");
        assert!(found("before").wanted_s.is_infinite());
    }

    #[test]
    fn only_claims_that_may_need_more_make_a_pilot() {
        assert!(is_useful(&[ratio()], "any") && is_useful(&[absolute()], "any"));
        let change = Bound::AtMost(Amount { value: 0.5, unit: Unit::Change });
        assert!(!is_useful(&[claim("treatment.p50 / baseline.p50", change)], "any"));
        assert!(!is_useful(&[Claim { gates: false, ..ratio() }], "any"));
        assert!(!is_useful(&[Claim { loads: vec!["other".to_owned()], ..ratio() }], "any"));
        let settled = Selection { phase: Some(Stretch::Settled), ..Selection::default() };
        assert!(is_useful(
            &[Claim { select: settled, ..claim("treatment.throughput / baseline.throughput", change) }],
            "any"
        ));
    }
}
