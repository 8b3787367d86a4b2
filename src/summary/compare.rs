//! Two arms side by side: what changed, by how much. (Whether the change is beyond doubt is a
//! matter of intervals over rounds, and of `verdict`.)

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::arm::{ArmSummary, Curve, SignalSeries};
use super::comparison::{
    Comparison, CurveShift, EnvironmentFact, SignalComparison, SignalMetrics, SubjectComparison, Warning,
};
use super::explain::explain;
use super::frame::FrameError;
use super::shift;
use super::subject::{Distribution, QUANTILES, Summary};
use super::summarise::summarise;
use super::superiority::superiority;
use crate::run::{Arm, MeasuredRun, RunState};
use crate::sample::{Kind, PROBE_CLASS, Phase, Subject};

/// A share of questions, or a difference of shares, that may show in response times.
const MUCH: f64 = 0.25;

/// Compares the runs of two arms, at least one of each, in the order of their rounds.
///
/// # Errors
/// If the samples cannot be summarised.
pub fn of_runs(
    baseline: &[Arc<MeasuredRun>],
    treatment: &[Arc<MeasuredRun>],
) -> Result<Comparison, FrameError> {
    let arms = (summarise(Arm::Baseline, baseline)?, summarise(Arm::Treatment, treatment)?);
    let rounds = rounds(baseline, treatment);
    let (explanations, superiority) = (explain(&rounds), superiority(&rounds));
    Ok(Comparison { superiority, explanations, ..compare(arms.0, arms.1) })
}

/// Puts two arms side by side.
pub fn compare(baseline: ArmSummary, treatment: ArmSummary) -> Comparison {
    let subjects = compared(&baseline.summaries, &treatment.summaries);
    let tags = compared(&baseline.tags, &treatment.tags);
    let warnings = warnings(&baseline, &treatment, &subjects);
    Comparison {
        signals: signals(&baseline, &treatment),
        environment: environment(&baseline, &treatment),
        subjects,
        tags,
        warnings,
        superiority: None,
        explanations: Vec::new(),
        shifts: curve_shifts([&baseline, &treatment]),
        baseline,
        treatment,
    }
}

fn curve_shifts(arms: [&ArmSummary; 2]) -> Vec<CurveShift> {
    let shift = |curve: &Curve| {
        let other = arms[1].curves.iter().find(|other| other.name == curve.name)?;
        let points = shift::shifts(arms, [curve, other]);
        (!points.is_empty()).then(|| CurveShift { name: curve.name.clone(), points })
    };
    arms[0].curves.iter().filter_map(shift).collect()
}

/// The complete runs of both arms, round by round. Of saved baselines nothing is known but metrics.
fn rounds<'a>(
    baseline: &'a [Arc<MeasuredRun>],
    treatment: &'a [Arc<MeasuredRun>],
) -> Vec<[&'a MeasuredRun; 2]> {
    let counts = |run: &MeasuredRun| {
        run.facts.end.state == RunState::Done && run.is_ordered() && !run.checksum.is_empty()
    };
    let partner =
        |run: &MeasuredRun| treatment.iter().find(|other| other.facts.start.round == run.facts.start.round);
    let pairs = baseline.iter().filter_map(|run| Some([run.as_ref(), partner(run)?.as_ref()]));
    pairs.filter(|pair| pair.iter().all(|run| counts(run))).collect()
}

fn compared(baseline: &[Summary], treatment: &[Summary]) -> Vec<SubjectComparison> {
    let all: BTreeSet<&Subject> = baseline.iter().chain(treatment).map(|s| &s.subject).collect();
    let of = |arm: &[Summary], subject: &Subject| arm.iter().find(|s| s.subject == *subject).cloned();
    all.into_iter()
        .map(|subject| {
            let (baseline, treatment) = (of(baseline, subject), of(treatment, subject));
            let both = baseline.as_ref().zip(treatment.as_ref());
            SubjectComparison {
                subject: subject.clone(),
                rate_ratio: both.and_then(|(b, t)| ratio(t.rate_per_s, b.rate_per_s)),
                response_ratios: both.and_then(|(b, t)| quantile_ratios(b.response, t.response)),
                service_ratios: both.and_then(|(b, t)| quantile_ratios(b.service, t.service)),
                baseline,
                treatment,
            }
        })
        .collect()
}

/// `treatment / baseline`; none for a baseline of 0, and where either has no end: such a change has no size.
pub fn ratio(treatment: f64, baseline: f64) -> Option<f64> {
    (baseline > 0.0 && baseline.is_finite() && treatment.is_finite()).then_some(treatment / baseline)
}

fn quantile_ratios(
    baseline: Option<Distribution>,
    treatment: Option<Distribution>,
) -> Option<[f64; QUANTILES.len()]> {
    let (baseline, treatment) = (baseline?, treatment?);
    let mut ratios = [f64::NAN; QUANTILES.len()];
    for (i, value) in ratios.iter_mut().enumerate() {
        *value = ratio(treatment.quantiles_us[i], baseline.quantiles_us[i]).unwrap_or(f64::NAN);
    }
    Some(ratios)
}

fn signals(baseline: &ArmSummary, treatment: &ArmSummary) -> Vec<SignalComparison> {
    let all: BTreeMap<&str, &SignalSeries> =
        baseline.signals.iter().chain(&treatment.signals).map(|s| (s.series.name.as_str(), s)).collect();
    let metrics = |arm: &ArmSummary, name: &str| {
        SignalMetrics::of(&arm.signals.iter().find(|s| s.series.name == name)?.series)
    };
    all.into_iter()
        .map(|(name, signal)| SignalComparison {
            name: name.to_owned(),
            unit: signal.unit.clone(),
            is_counter: signal.is_counter,
            baseline: metrics(baseline, name),
            treatment: metrics(treatment, name),
        })
        .collect()
}

/// The arms' environments; facts in which an arm's own runs differ show all their values.
fn environment(baseline: &ArmSummary, treatment: &ArmSummary) -> Vec<EnvironmentFact> {
    let names: BTreeSet<&String> =
        baseline.runs.iter().chain(&treatment.runs).flat_map(|r| r.start.environment.keys()).collect();
    let of = |arm: &ArmSummary, name: &String| {
        let values: BTreeSet<&str> =
            arm.runs.iter().filter_map(|r| r.start.environment.get(name)).map(String::as_str).collect();
        values.into_iter().collect::<Vec<_>>().join(" · ")
    };
    names
        .into_iter()
        .map(|name| EnvironmentFact {
            name: name.clone(),
            baseline: of(baseline, name),
            treatment: of(treatment, name),
        })
        .collect()
}

fn warnings(baseline: &ArmSummary, treatment: &ArmSummary, subjects: &[SubjectComparison]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let fingerprint =
        |arm: &ArmSummary| arm.runs.first().map(|r| r.start.fingerprint.clone()).unwrap_or_default();
    if fingerprint(baseline) != fingerprint(treatment) {
        warnings.push(Warning::WorkloadDiffers {
            baseline: fingerprint(baseline),
            treatment: fingerprint(treatment),
        });
    }
    if seeds_differ(baseline, treatment) {
        warnings.push(Warning::SeedsDiffer);
    }
    for arm in [baseline, treatment] {
        warnings.extend(arm_warnings(arm));
    }
    let [in_baseline, in_treatment] = [baseline, treatment].map(probe_share);
    if in_baseline.max(in_treatment) > MUCH && (in_baseline - in_treatment).abs() > MUCH {
        warnings.push(Warning::ProbesDiffer { baseline: in_baseline, treatment: in_treatment });
    }
    if baseline.runs.len() == 1 || treatment.runs.len() == 1 {
        warnings.push(Warning::SinglePair);
    }
    for one_sided in subjects.iter().filter(|s| s.baseline.is_none() != s.treatment.is_none()) {
        warnings.push(Warning::OneArmOnly { subject: one_sided.subject.title() });
    }
    warnings
}

/// Whether users of the two arms drew different numbers: in a round that both have, or in all if there are no rounds.
fn seeds_differ(baseline: &ArmSummary, treatment: &ArmSummary) -> bool {
    let of_rounds = |arm: &ArmSummary| {
        let mut seeds: BTreeMap<Option<u32>, BTreeSet<u64>> = BTreeMap::new();
        for run in &arm.runs {
            seeds.entry(run.start.round).or_default().insert(run.start.seed);
        }
        seeds
    };
    let all = |seeds: &BTreeMap<Option<u32>, BTreeSet<u64>>| -> BTreeSet<u64> {
        seeds.values().flatten().copied().collect()
    };
    let (baseline, treatment) = (of_rounds(baseline), of_rounds(treatment));
    let mut both =
        baseline.iter().filter(|(round, _)| round.is_some() && treatment.contains_key(round)).peekable();
    if both.peek().is_none() {
        return all(&baseline) != all(&treatment);
    }
    // A round that was made again may have other seeds the second time.
    both.any(|(round, seeds)| seeds.is_disjoint(&treatment[round]))
}

/// The share of an arm's requests that were the tool's own questions.
fn probe_share(arm: &ArmSummary) -> f64 {
    let requests = || arm.summaries.iter().filter(|s| s.subject.kind == Kind::Request);
    let total: u64 = requests().map(|s| s.counts.total()).sum();
    let probes: u64 =
        requests().filter(|s| s.subject.traffic_class == PROBE_CLASS).map(|s| s.counts.total()).sum();
    probes as f64 / total.max(1) as f64
}

fn arm_warnings(arm: &ArmSummary) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut unwatched: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for run in &arm.runs {
        if run.end.state != RunState::Done {
            warnings.push(Warning::RunIncomplete { run: run.id.0, state: run.end.state.word().to_owned() });
        }
        let drains = run.end.phases.iter().filter(|p| p.name == Phase::Drain.word() && !p.complete);
        for drain in drains {
            match &drain.unknown[..] {
                "" => warnings.push(Warning::NotDrained { run: run.id.0 }),
                reason => unwatched.entry(reason).or_default().push(run.id.0),
            }
        }
    }
    let unknown =
        |(reason, runs): (&str, Vec<i64>)| Warning::DrainUnknown { runs, reason: reason.to_owned() };
    warnings.extend(unwatched.into_iter().map(unknown));
    let dropped: u64 = arm.summaries.iter().map(|s| s.counts.dropped).sum();
    if dropped > 0 {
        warnings.push(Warning::Dropped { arm: arm.arm, count: dropped });
    }
    warnings
}
