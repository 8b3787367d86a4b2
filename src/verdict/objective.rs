//! Whether a run kept to the objectives of search goals: what a search for capacity goes by.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::audit::{self, Grade, RunAudit};
use super::hold::evaluated;
use crate::capacity::{Broken, Goal, Mode, Trial};
use crate::claim::{CountOf, Expression, Selection, SignalMetric, Statistic, seen_text};
use crate::run::MeasuredRun;
use crate::sample::{Outcome, Subject};
use crate::stats::sizes::Sizes;
use crate::unit;

/// Checks of the audit that speak of loadproof itself.
const OF_GENERATOR: [&str; 4] = ["scheduling lag", "generator CPU", "generator starved", "sockets and ports"];

/// Share of an open load's rate that has to be answered during the load. The last answers always come
/// after it.
const KEEPING_UP: f64 = 0.9;

/// What an objective implies of outcomes, unless it speaks of them itself.
const AS_EXPECTED: &str = "run.answered_share >= 0.99";

/// What it implies of refusals, unless it says itself how many there may be: a request that is refused is load that the
/// system has not taken, whether or not the scenario foresees the refusal.
const NOT_REFUSED: &str = "run.rejected_share <= 0.01";

/// A run at a load, held against goals.
///
/// Beside a goal's objective answers have to keep up with the rate, no start may be dropped, 99 % of the requests have to
/// end as expected and at most 1 % may be refused unless it says so of outcomes or refusals itself, the backlog has to be empty in time where the scenario waits for
/// that, and loadproof itself has to keep up.
pub fn tried(run: &Arc<MeasuredRun>, load: f64, goals: &[Goal]) -> Trial {
    let metric = |text: &str| {
        evaluated(run, &Expression::new(text), &Selection::default()).map_or(f64::NAN, |(value, _)| value)
    };
    let achieved_per_s = achieved_per_s(run);
    let audit = audit::of_run(run);
    let whatever: Vec<Broken> = generator(&audit).into_iter().chain(behind(run, achieved_per_s)).collect();
    let backlog: Vec<Broken> = undrained(run).into_iter().collect();
    let of_goal = |goal: &Goal| {
        let own = goal.objective.iter().filter_map(|condition| missed(run, condition));
        let implied = implied(&goal.objective).into_iter().filter_map(|condition| missed(run, &condition));
        let before = whatever.iter().cloned().chain(own);
        before.chain(implied).chain(backlog.iter().cloned()).collect()
    };
    Trial {
        run: run.facts.id,
        load,
        achieved_per_s,
        mean_ms: metric("run.mean"),
        p50_ms: metric("run.p50"),
        p99_ms: metric("run.p99"),
        not_ok_share: 1.0 - metric("run.ok_share"),
        answers: answers(run),
        missed: goals.iter().map(of_goal).collect(),
        not_held: super::hold::check(std::slice::from_ref(run))
            .iter()
            .filter(|held| !held.holds)
            .map(super::Held::text)
            .collect(),
        disturbance: audit::disturbance(&audit.checks).map(|check| format!("{}: {}", check.name, check.text)),
        reasons: run.reasons.clone(),
    }
}

/// What an objective implies of every run.
fn implied(objective: &[Expression]) -> Vec<Expression> {
    let counted: Vec<CountOf> = objective
        .iter()
        .flat_map(|condition| condition.statistics().unwrap_or_default())
        .filter_map(|(_, statistic)| match statistic {
            Statistic::Share(of) | Statistic::Count(of) => Some(of),
            _ => None,
        })
        .collect();
    // Fast errors and refusals are no capacity, unless the objective says itself how many there may be.
    let is_about_outcomes = counted.iter().any(|of| *of != CountOf::All);
    let is_about_refusals = |of: &CountOf| {
        matches!(
            of,
            CountOf::Outcome(Outcome::Ok | Outcome::Rejected) | CountOf::Status(_) | CountOf::Within(_)
        )
    };
    let texts = [
        Some("run.dropped == 0"),
        (!is_about_outcomes).then_some(AS_EXPECTED),
        (!counted.iter().any(is_about_refusals)).then_some(NOT_REFUSED),
    ];
    texts.into_iter().flatten().map(Expression::new).collect()
}

/// Sizes of the `ok` answers by endpoint; empty where they are not known.
fn answers(run: &MeasuredRun) -> BTreeMap<String, Sizes> {
    let samples = &run.samples;
    let mut of_subjects = vec![Sizes::default(); samples.subjects.len()];
    for i in audit::requests(run).filter(|i| samples.outcome[*i] == Outcome::Ok) {
        if let Some(bytes) = samples.bytes_in.get(i) {
            of_subjects[samples.subject[i] as usize].add(*bytes);
        }
    }
    let named = samples.subjects.iter().map(Subject::title).zip(of_subjects);
    named.filter(|(_, sizes)| sizes.n() > 0).collect()
}

/// Answers that do not keep up with the rate of an open load.
fn behind(run: &MeasuredRun, achieved_per_s: f64) -> Option<Broken> {
    let rate = run.facts.start.load_facts.rate_per_s.filter(|rate| achieved_per_s < KEEPING_UP * rate)?;
    let (achieved, rate) = (unit::significant(achieved_per_s), unit::significant(rate));
    Some(Broken {
        mode: Mode::Backlog,
        condition: "answers keep up with the rate".to_owned(),
        seen: format!("{achieved} of {rate} requests per second were answered during the load"),
    })
}

/// A backlog that was not empty in time.
fn undrained(run: &MeasuredRun) -> Option<Broken> {
    let drain = run.facts.end.phases.iter().find(|phase| phase.name == "drain" && !phase.complete)?;
    Some(Broken {
        mode: Mode::Backlog,
        condition: "the backlog drains in time".to_owned(),
        seen: match &drain.unknown[..] {
            "" => "it did not".to_owned(),
            reason => format!("not known: {reason}"),
        },
    })
}

/// Requests that were answered `ok` during the load, per second: one that is answered after it was no
/// throughput then.
fn achieved_per_s(run: &MeasuredRun) -> f64 {
    let end_us = run.facts.load_end_us().unwrap_or(i64::MAX);
    let samples = &run.samples;
    let achieved = audit::requests(run)
        .filter(|i| samples.outcome[*i] == Outcome::Ok && samples.done_us[*i] <= end_us)
        .count();
    achieved as f64 * 1e6 / end_us.max(1) as f64
}

/// What the audit says of loadproof, if it could not keep up.
fn generator(audit: &RunAudit) -> Option<Broken> {
    let bad = audit.checks.iter().find(|c| c.grade == Grade::Invalid && OF_GENERATOR.contains(&&*c.name))?;
    Some(Broken { mode: Mode::Generator, condition: bad.name.to_string(), seen: bad.text.clone() })
}

/// A condition that does not hold, and what was seen.
fn missed(run: &Arc<MeasuredRun>, condition: &Expression) -> Option<Broken> {
    let seen = match evaluated(run, condition, &Selection::default()) {
        Ok((value, _)) if value != 0.0 => return None,
        Ok((_, seen)) => seen_text(&seen),
        Err(reason) => reason,
    };
    Some(Broken { mode: mode(condition), condition: condition.to_string(), seen })
}

/// What it is about: the first statistic tells.
fn mode(condition: &Expression) -> Mode {
    let statistics = condition.statistics().unwrap_or_default();
    statistics.first().map_or(Mode::Other, |(_, statistic)| match statistic {
        Statistic::Time(..) | Statistic::Recovery(_) | Statistic::Detection(_) => Mode::Latency,
        Statistic::Count(_) | Statistic::Share(_) | Statistic::CheckShare(_) => Mode::Errors,
        Statistic::DrainTime
        | Statistic::Excursion(..)
        | Statistic::Signal(SignalMetric::Max | SignalMetric::Last | SignalMetric::Growth, _) => {
            Mode::Backlog
        }
        _ => Mode::Other,
    })
}
