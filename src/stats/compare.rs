//! Two arms side by side: what changed, by how much. (Whether the change is beyond doubt is a
//! matter of intervals over rounds, and of `verdict`.)

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use super::arm::{self, MeasuredRun};
use super::explain::{Explanation, explain};
use super::frame::FrameError;
use super::race::RaceFigures;
use super::series::Series;
use super::shift::{self, Shift};
use super::summary::{Distribution, QUANTILES, Subject, Summary};
use super::traffic::Traffic;
use crate::run::{Arm, FailureReason, RunFacts, RunState, SlowSample};
use crate::sample::{Kind, PROBE_CLASS, Phase};

/// A share of questions, or a difference of shares, that may show in response times.
const MUCH: f64 = 0.25;

/// Everything one arm's runs came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArmSummary {
    /// Which arm.
    pub arm: Arm,
    /// Its runs, in order of time; never empty.
    pub runs: Vec<RunFacts>,
    /// A summary per subject, in order of subject.
    pub summaries: Vec<Summary>,
    /// All requests of users together, polling left out; none without one.
    pub total: Option<Summary>,
    /// Time from the load's end to an empty backlog, s, one per run; none for a run without a drain
    /// or one whose drain met its deadline.
    pub drain_s: Vec<Option<f64>>,
    /// A curve of response time (for an effect: of effect latency) per subject and per traffic
    /// class, see [`Curve`].
    pub curves: Vec<Curve>,
    /// Signals over time; with several runs, the median at each step.
    pub signals: Vec<SignalSeries>,
    /// Answered requests per second over time, one line per traffic class.
    pub throughput: Vec<Series>,
    /// Users' requests over time.
    pub traffic: Traffic,
    /// Its slowest requests, the slowest first; none from a saved baseline.
    pub slowest: Vec<SlowSample>,
    /// Why samples did not end well, the most frequent first; none from a saved baseline.
    pub reasons: Vec<FailureReason>,
    /// Of each run, SHA-256, in hex, of everything that was measured in it; empty from a saved baseline.
    pub checksums: Vec<String>,
    /// What its requests raced each other for, and how that ended.
    pub races: Vec<RaceFigures>,
}

/// How one time behaves by percentile and over the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// A subject's title, or `all production requests` for a traffic class.
    pub name: String,
    /// `request` curves show response time, `effect` curves effect latency.
    pub is_effect: bool,
    /// True for the curve of a whole traffic class.
    pub is_class: bool,
    /// Values behind it.
    pub n: u64,
    /// `(p in [0, 1), µs)`, increasing in both; ends at the last percentile with ten samples
    /// beyond it.
    pub percentiles: Vec<(f64, f64)>,
    /// `(seconds since the run's start, p95 in µs)` by window of the samples' intended start.
    pub p95_over_time: Vec<(f64, f64)>,
    /// Where the percentiles lie in other runs of the kind, at 95 %: `(p, low in µs, high in µs)`; empty below three runs.
    pub ribbon: Vec<(f64, f64, f64)>,
    /// Percentiles at which arms are compared, as far as ten samples lie on both sides, with each run's value, µs.
    #[serde(skip)]
    pub anchors: Vec<(f64, Vec<f64>)>,
    /// `(seconds since the run's start, p50 in µs)`, the same windows.
    pub p50_over_time: Vec<(f64, f64)>,
    /// The windows' width, s.
    pub window_s: f64,
}

/// A signal over the time of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SignalSeries {
    /// Its values over time.
    pub series: Series,
    /// Its unit (`messages`, `bytes`, `s`), empty if none is known.
    pub unit: String,
    /// True for a total that only grows: shown as its increase per second.
    pub is_total: bool,
}

/// One subject in both arms.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SubjectComparison {
    /// What was called, by whom.
    pub subject: Subject,
    /// In the baseline; none where it was not called.
    pub baseline: Option<Summary>,
    /// In the treatment; none where it was not called.
    pub treatment: Option<Summary>,
    /// `treatment / baseline` of the rates; none where either is missing or the baseline is 0.
    pub rate_ratio: Option<f64>,
    /// `treatment / baseline` of the response-time quantiles, in the order of
    /// [`QUANTILES`].
    pub response_ratios: Option<[f64; QUANTILES.len()]>,
    /// The same for service times.
    pub service_ratios: Option<[f64; QUANTILES.len()]>,
}

/// One signal in both arms.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SignalComparison {
    /// The signal's name.
    pub name: String,
    /// Its unit, empty if none is known.
    pub unit: String,
    /// True for a total that only grows.
    pub is_total: bool,
    /// Its figures in the baseline; none where it was never seen.
    pub baseline: Option<SignalFigures>,
    /// Its figures in the treatment; none where it was never seen.
    pub treatment: Option<SignalFigures>,
}

/// What a signal came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SignalFigures {
    /// Smallest value.
    pub min: f64,
    /// Mean over the readings.
    pub mean: f64,
    /// Largest value.
    pub max: f64,
    /// Last value.
    pub last: f64,
    /// By how much it rose, falls left out: what a counter has counted.
    pub increase: f64,
}

impl SignalFigures {
    /// The figures of a series; none for an empty one.
    pub fn of(series: &Series) -> Option<Self> {
        let last = series.last()?;
        let (min, mean, max) = (series.min()?, series.mean()?, series.max()?);
        // A counter that falls was reset, and counts on from there.
        let increase = series.points.windows(2).map(|pair| (pair[1].1 - pair[0].1).max(0.0)).sum();
        Some(Self { min, mean, max, last, increase })
    }
}

/// A fact of the environment in both arms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EnvironmentFact {
    /// What it is: `kernel`, `service shopstream`.
    pub name: String,
    /// In the baseline, empty if unknown there.
    pub baseline: String,
    /// In the treatment, empty if unknown there.
    pub treatment: String,
}

impl EnvironmentFact {
    /// Whether the arms differ in it.
    pub fn differs(&self) -> bool {
        self.baseline != self.treatment
    }

    /// Whether it is what arms are there to differ in: the system's services, where it is, and its commit. A machine is not.
    pub fn is_of_system(&self) -> bool {
        ["target", "git commit"].contains(&self.name.as_str()) || self.name.starts_with("service ")
    }
}

/// What makes a comparison doubtful; shown by every form of report.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "warning", rename_all = "snake_case")]
pub enum Warning {
    /// The arms did different work, and the user insisted.
    WorkloadDiffers {
        /// The baseline's fingerprint.
        baseline: String,
        /// The treatment's fingerprint.
        treatment: String,
    },
    /// The arms drew different requests.
    SeedsDiffer,
    /// A run did not end as planned.
    RunIncomplete {
        /// The run's number.
        run: i64,
        /// How it ended.
        state: String,
    },
    /// A run's backlog was not empty when its drain met the deadline.
    NotDrained {
        /// The run's number.
        run: i64,
    },
    /// One pair of runs: what differs may be the machine's mood.
    SinglePair,
    /// Requests were dropped: the load that was asked for was not reached.
    Dropped {
        /// The arm.
        arm: Arm,
        /// How many.
        count: u64,
    },
    /// The tool's own questions make up much of the requests, and not equally in both arms.
    ProbesDiffer {
        /// Their share of the baseline's requests, in [0, 1].
        baseline: f64,
        /// Their share of the treatment's requests, in [0, 1].
        treatment: f64,
    },
    /// An endpoint was called in one arm only.
    OneArmOnly {
        /// The subject's title.
        subject: String,
    },
}

/// Both arms side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The baseline.
    pub baseline: ArmSummary,
    /// The treatment.
    pub treatment: ArmSummary,
    /// Requests and effects per endpoint and traffic class, in order of subject.
    pub subjects: Vec<SubjectComparison>,
    /// Signals, in order of name.
    pub signals: Vec<SignalComparison>,
    /// Environment, in order of name.
    pub environment: Vec<EnvironmentFact>,
    /// What makes it doubtful.
    pub warnings: Vec<Warning>,
    /// By how much each percentile changes, for each curve that both arms have.
    pub shifts: Vec<CurveShift>,
    /// What carries the differences; empty where only summaries were compared.
    pub explanations: Vec<Explanation>,
}

/// The shift function of a curve.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CurveShift {
    /// The curve's name.
    pub name: String,
    /// Its percentiles, in order.
    pub points: Vec<Shift>,
}

/// Compares the runs of two arms, at least one of each, in the order of their rounds.
///
/// # Errors
/// If the samples cannot be summarised.
pub fn of_runs(
    baseline: &[Arc<MeasuredRun>],
    treatment: &[Arc<MeasuredRun>],
) -> Result<Comparison, FrameError> {
    let arms = (arm::summarise(Arm::Baseline, baseline)?, arm::summarise(Arm::Treatment, treatment)?);
    let explanations = explain(&rounds(baseline, treatment));
    Ok(Comparison { explanations, ..compare(arms.0, arms.1) })
}

/// Puts two arms side by side.
pub fn compare(baseline: ArmSummary, treatment: ArmSummary) -> Comparison {
    let subjects = subjects(&baseline, &treatment);
    let warnings = warnings(&baseline, &treatment, &subjects);
    Comparison {
        signals: signals(&baseline, &treatment),
        environment: environment(&baseline, &treatment),
        subjects,
        warnings,
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

/// The complete runs of both arms, round by round. Of saved baselines nothing is known but figures.
fn rounds<'a>(
    baseline: &'a [Arc<MeasuredRun>],
    treatment: &'a [Arc<MeasuredRun>],
) -> Vec<[&'a MeasuredRun; 2]> {
    let counts =
        |run: &MeasuredRun| run.facts.state == RunState::Done && run.is_ordered() && !run.checksum.is_empty();
    let partner = |run: &MeasuredRun| treatment.iter().find(|other| other.facts.round == run.facts.round);
    let pairs = baseline.iter().filter_map(|run| Some([run.as_ref(), partner(run)?.as_ref()]));
    pairs.filter(|pair| pair.iter().all(|run| counts(run))).collect()
}

fn subjects(baseline: &ArmSummary, treatment: &ArmSummary) -> Vec<SubjectComparison> {
    let all: BTreeSet<&Subject> =
        baseline.summaries.iter().chain(&treatment.summaries).map(|s| &s.subject).collect();
    let of =
        |arm: &ArmSummary, subject: &Subject| arm.summaries.iter().find(|s| s.subject == *subject).cloned();
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

/// `treatment / baseline`; none for a baseline of 0.
fn ratio(treatment: f64, baseline: f64) -> Option<f64> {
    (baseline > 0.0).then_some(treatment / baseline)
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
    let figures = |arm: &ArmSummary, name: &str| {
        SignalFigures::of(&arm.signals.iter().find(|s| s.series.name == name)?.series)
    };
    all.into_iter()
        .map(|(name, signal)| SignalComparison {
            name: name.to_owned(),
            unit: signal.unit.clone(),
            is_total: signal.is_total,
            baseline: figures(baseline, name),
            treatment: figures(treatment, name),
        })
        .collect()
}

/// The arms' environments; facts in which an arm's own runs differ show all their values.
fn environment(baseline: &ArmSummary, treatment: &ArmSummary) -> Vec<EnvironmentFact> {
    let names: BTreeSet<&String> =
        baseline.runs.iter().chain(&treatment.runs).flat_map(|r| r.environment.keys()).collect();
    let of = |arm: &ArmSummary, name: &String| {
        let values: BTreeSet<&str> =
            arm.runs.iter().filter_map(|r| r.environment.get(name)).map(String::as_str).collect();
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
    let fingerprint = |arm: &ArmSummary| arm.runs.first().map(|r| r.fingerprint.clone()).unwrap_or_default();
    if fingerprint(baseline) != fingerprint(treatment) {
        warnings.push(Warning::WorkloadDiffers {
            baseline: fingerprint(baseline),
            treatment: fingerprint(treatment),
        });
    }
    let [baseline_seeds, treatment_seeds] =
        [baseline, treatment].map(|arm| arm.runs.iter().map(|r| r.seed).collect::<BTreeSet<u64>>());
    if baseline_seeds != treatment_seeds {
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
    for run in &arm.runs {
        if run.state != RunState::Done {
            warnings.push(Warning::RunIncomplete { run: run.id.0, state: run.state.word().to_owned() });
        }
        if run.phases.iter().any(|p| p.name == Phase::Drain.word() && !p.complete) {
            warnings.push(Warning::NotDrained { run: run.id.0 });
        }
    }
    let dropped: u64 = arm.summaries.iter().map(|s| s.counts.dropped).sum();
    if dropped > 0 {
        warnings.push(Warning::Dropped { arm: arm.arm, count: dropped });
    }
    warnings
}
