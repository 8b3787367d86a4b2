//! What faults did to the runs of an arm: how soon they showed, how long their effect lasted, and what it cost.

use std::sync::Arc;

use serde::Serialize;

use crate::run::{FaultFacts, FaultOutcome, MeasuredRun, RunFacts};
use crate::sample::{Kind, Outcome, PROBE_CLASS, Phase, SampleColumns};
use crate::stats::band::{Event, Request};
use crate::stats::detection::time_to_detect;
use crate::stats::quantile::type8_of;
use crate::stats::recovery::time_to_recover_as_expected;

/// A fault in the runs of an arm: counts add up, times are medians over the runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FaultMetrics {
    /// Its name.
    pub name: String,
    /// What it did, and for how long.
    pub text: String,
    /// Runs that were to have it.
    pub runs: usize,
    /// Those in which it was carried out as planned.
    pub done: usize,
    /// What became of it in the first of the others; empty if there is none.
    pub problem: String,
    /// What was noted when it was carried out in the first run; often empty.
    pub note: String,
    /// Start and end, s, of the first run that had it; no end where it stayed.
    pub span_s: Option<(f64, Option<f64>)>,
    /// From its start until requests failed, were refused or were answered with much less, s.
    pub errors_s: Told,
    /// From its start until requests were slow, s.
    pub latency_s: Told,
    /// From its end until everything was as before, s.
    pub recovery_s: Told,
    /// Users' requests that were due from its start to the recovery.
    pub n: u64,
    /// Those of them that did not end as expected.
    pub unexpected: u64,
    /// By how many fewer requests were due from its start to the recovery, and answered in the end, than at the rate before
    /// it: work that was lost, or that users who waited never asked for. None where the load's own level changes, or
    /// nothing is known of the recovery.
    pub missing: Option<f64>,
}

/// A time that may not be known.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// Seconds; none if it never happened.
    Seconds(Option<f64>),
    /// Why it is not known.
    Unknown(String),
}

/// What a run shows of a fault.
struct OfRun {
    errors_s: Option<f64>,
    latency_s: Option<f64>,
    recovery_s: Result<Option<f64>, String>,
    n: u64,
    unexpected: u64,
    missing: Option<f64>,
}

/// When a run's load was steady for the first time, s; its start if it never was.
pub fn steady_from_s(facts: &RunFacts) -> f64 {
    let steady = facts.end.phases.iter().find(|phase| phase.name == Phase::Steady.word());
    s(steady.map_or(0, |phase| phase.start_us))
}

/// A fault as an event among the others of its run: what is normal was seen before the first of them, and its own effect
/// is looked at until the next one.
///
/// # Errors
/// If it did not happen as planned.
pub fn fault_event(facts: &RunFacts, fault: &FaultFacts) -> Result<Event, String> {
    let (start_us, end_us) = fault.event_us()?;
    let starts = || facts.end.faults.iter().filter_map(|fault| fault.start_us);
    let next_us = starts().filter(|start| *start > start_us && *start >= end_us).min();
    Ok(Event {
        steady_s: steady_from_s(facts),
        calm_until_s: s(starts().min().unwrap_or(start_us)),
        start_s: s(start_us),
        end_s: s(end_us),
        until_s: next_us.map_or(f64::INFINITY, s),
    })
}

/// The sample at a place as detection and recovery see it. Those whose answers were wrong have no time, but they are
/// no recovery either; nor are refusals and small answers that were not seen before. `is_chosen`: whether its outcome was asked for, and so is as expected.
pub fn request(samples: &SampleColumns, place: usize, is_chosen: bool) -> Request {
    let is_as_expected = is_chosen || samples.outcome[place].is_answered();
    let took = (samples.done_us[place] - samples.intended_us[place]) as f64 / 1e3;
    Request {
        at_s: s(samples.intended_us[place]),
        done_s: s(samples.done_us[place]),
        time: if is_as_expected { took } else { f64::INFINITY },
        is_as_expected,
        is_rejected: !is_chosen && samples.outcome[place] == Outcome::Rejected,
        endpoint: samples.subject[place],
        bytes: (samples.outcome[place] == Outcome::Ok)
            .then(|| samples.bytes_in.get(place).copied())
            .flatten()
            .filter(|_| samples.subjects[samples.subject[place] as usize].kind == Kind::Request),
    }
}

/// The faults of an arm's runs, in order of time.
pub(super) fn metrics(runs: &[Arc<MeasuredRun>]) -> Vec<FaultMetrics> {
    let mut names: Vec<&str> = Vec::new();
    for fault in runs.iter().flat_map(|run| &run.facts.end.faults) {
        if !names.contains(&fault.name.as_str()) {
            names.push(&fault.name);
        }
    }
    names.into_iter().filter_map(|name| over_runs(name, runs)).collect()
}

fn over_runs(name: &str, runs: &[Arc<MeasuredRun>]) -> Option<FaultMetrics> {
    let had: Vec<(&MeasuredRun, &FaultFacts)> =
        runs.iter().filter_map(|run| Some((run.as_ref(), run.facts.fault(name)?))).collect();
    let (_, first) = had.first()?;
    let of_runs: Vec<Result<OfRun, String>> = had.iter().map(|(run, fault)| of_run(run, fault)).collect();
    let known: Vec<&OfRun> = of_runs.iter().filter_map(|run| run.as_ref().ok()).collect();
    let told = |of: &dyn Fn(&OfRun) -> Result<Option<f64>, String>| {
        let values: Result<Vec<f64>, String> = of_runs
            .iter()
            .map(|run| of(run.as_ref().map_err(Clone::clone)?).map(|s| s.unwrap_or(f64::INFINITY)))
            .collect();
        match values {
            // Of a fault that showed in most runs, and in some never, the median tells; it may have no end.
            Ok(mut values) => Told::Seconds(type8_of(&mut values, 0.5).filter(|s| s.is_finite())),
            Err(reason) => Told::Unknown(reason),
        }
    };
    let missing: Option<Vec<f64>> = known.iter().map(|run| run.missing).collect();
    let odd = had.iter().find(|(_, fault)| fault.outcome != FaultOutcome::Done);
    Some(FaultMetrics {
        name: name.to_owned(),
        text: first.text.clone(),
        runs: had.len(),
        done: had.iter().filter(|(_, fault)| fault.outcome == FaultOutcome::Done).count(),
        problem: odd.and_then(|(_, fault)| fault.event_us().err()).unwrap_or_default(),
        note: first.note.clone(),
        span_s: had.iter().find_map(|(_, fault)| Some((s(fault.start_us?), fault.end_us.map(s)))),
        errors_s: told(&|run| Ok(run.errors_s)),
        latency_s: told(&|run| Ok(run.latency_s)),
        recovery_s: told(&|run| run.recovery_s.clone()),
        n: known.iter().map(|run| run.n).sum(),
        unexpected: known.iter().map(|run| run.unexpected).sum(),
        missing: missing.and_then(|mut values| type8_of(&mut values, 0.5)),
    })
}

fn of_run(run: &MeasuredRun, fault: &FaultFacts) -> Result<OfRun, String> {
    if !run.is_ordered() {
        return Err("the order of its requests is unknown".to_owned());
    }
    let event = fault_event(&run.facts, fault)?;
    let samples = &run.samples;
    let is_wanted: Vec<bool> =
        samples.subjects.iter().map(|s| s.kind == Kind::Request && s.traffic_class != PROBE_CLASS).collect();
    let places = || (0..samples.subject.len()).filter(|i| is_wanted[samples.subject[*i] as usize]);
    let requests: Vec<Request> = places().map(|i| request(samples, i, false)).collect();
    let detection = time_to_detect(&requests, &event).map_err(|e| e.to_string())?;
    let recovery_s = time_to_recover_as_expected(&requests, &event).map_err(|e| e.to_string());
    let recovered_s = match recovery_s {
        Ok(Some(seconds)) => Some(event.end_s + seconds),
        _ => None,
    };
    let until_s = recovered_s.unwrap_or(event.until_s);
    let hit = requests.iter().filter(|r| (event.start_s..until_s).contains(&r.at_s));
    let (n, unexpected) = hit.fold((0, 0), |(n, bad), r| (n + 1, bad + u64::from(!r.is_as_expected)));
    let ok_within = |from_s: f64, until_s: f64| {
        let is_ok = |i: &usize| {
            samples.outcome[*i] == Outcome::Ok && (from_s..until_s).contains(&s(samples.intended_us[*i]))
        };
        places().filter(is_ok).count() as f64
    };
    let missing = recovered_s.filter(|_| run.facts.start.stages.is_empty()).map(|recovered_s| {
        let calm_s = event.calm_until_s - event.steady_s;
        let usual = ok_within(event.steady_s, event.calm_until_s) / calm_s * (recovered_s - event.start_s);
        (usual - ok_within(event.start_s, recovered_s)).max(0.0)
    });
    Ok(OfRun {
        errors_s: detection.errors_s,
        latency_s: detection.latency_s,
        recovery_s,
        n,
        unexpected,
        missing,
    })
}

fn s(us: i64) -> f64 {
    us as f64 / 1e6
}
