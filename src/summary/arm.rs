//! What the runs of one arm came to together.

use serde::Serialize;

use super::faults::FaultMetrics;
use super::modes::Histogram;
use super::race::RaceMetrics;
use super::rounds::{RareOutage, RoundGroups};
use super::series::Series;
use super::stages::StageMetrics;
use super::subject::Summary;
use super::traffic::Traffic;
use crate::run::{Arm, FailureReason, RunFacts, SlowSample};

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
    /// A summary per tag of users' requests, called `name = value`; a request with several tags counts in each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Summary>,
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
    pub races: Vec<RaceMetrics>,
    /// The named stages of its load, in order of time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageMetrics>,
    /// What was done to its system on purpose, in order of time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultMetrics>,
    /// Endpoints and effects whose times have several modes.
    pub modes: Vec<Histogram>,
    /// Percentiles whose rounds fall into two groups.
    pub round_groups: Vec<RoundGroups>,
    /// An outage that only few of its rounds hold.
    pub rare_outage: Option<RareOutage>,
}

/// How one time behaves by percentile and over the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// A subject's title, `all production requests` for a traffic class, or `page = checkout` for a tag.
    pub name: String,
    /// `request` curves show response time, `effect` curves effect latency.
    pub is_effect: bool,
    /// True for the curve of a whole traffic class.
    pub is_class: bool,
    /// True for the curve of the requests with a tag.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_tag: bool,
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
    pub is_counter: bool,
}
