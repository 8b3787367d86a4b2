//! What a report says: every number a text already, in reading order. One type for both kinds of
//! report; a run's has one arm and no changes.

mod answer;
mod build;
mod called;
mod charts;
mod doubts;
mod endpoints;
mod explained;
mod faults;
mod grid;
mod headline;
mod judged;
mod planned;
mod races;
mod stages;
mod words;

use serde::Serialize;

use super::About;

pub use answer::Answer;
pub use build::{comparison, run};
pub use called::word;
pub(crate) use charts::signal_unit;
pub use endpoints::{Cell, Column, SubjectLine, SubjectRow, SubjectSection};
pub use faults::FaultRow;
pub use grid::{
    EffectRow, EffectTable, GridRow, GridSection, TradeOff, TradeOffPoint, section as grid_section,
};
pub use headline::{Fact, Headline, Tile, Validity};
pub(in crate::report) use judged::claim as claim_row;
pub use judged::{CheckRow, ClaimRow, HeldRow, Judged, Strip, SymptomRow, claims, sentence};
pub use stages::StageRow;

/// A whole report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// `comparison` or `run`.
    pub kind: &'static str,
    /// Its heading: the scenario's name.
    pub title: String,
    /// What the page is called in a tab.
    pub page_title: String,
    /// What it says of itself.
    pub about: About,
    /// The arms, baseline first; one for a run.
    pub arms: Vec<ArmHead>,
    /// Load and amount of evidence: `30 users … · 1 round · 12 345 samples`.
    pub subtitle: String,
    /// The answer.
    pub headline: Headline,
    /// Audit, manipulation checks and claims.
    pub judged: Judged,
    /// What was found, in sentences made of the tables' own numbers.
    pub finding: Vec<String>,
    /// The arms in which requests failed or effects were not seen, a sentence each.
    pub failing: Vec<String>,
    /// What makes it doubtful, and what to do about it.
    pub warnings: Vec<String>,
    /// What no formula allows for, where it is visible: rounds that resemble each other, several modes, rare outages.
    pub doubts: Vec<String>,
    /// How often a request of the treatment is faster, in a sentence; empty for a run.
    pub superiority: String,
    /// Times with several modes.
    pub modes: Vec<ModesChart>,
    /// Sources of the differences (comparisons only).
    pub explained: Vec<Explained>,
    /// Requests, then effects; one row per subject.
    pub sections: Vec<SubjectSection>,
    /// Percentile curves.
    pub percentile_charts: Vec<PercentileChart>,
    /// Rows on one time axis.
    pub timeline: Option<Timeline>,
    /// Signals side by side.
    pub signals: Vec<SignalRow>,
    /// Time from the load's end to an empty backlog, per arm.
    pub drains: Vec<DrainRow>,
    /// What requests raced each other for, per arm.
    pub races: Vec<RaceRow>,
    /// The named stages of the load, per arm.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageRow>,
    /// What was done to the system on purpose, per arm.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultRow>,
    /// The tuning matrix that its arms are cells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grid: Option<GridSection>,
    /// Why samples did not end well, per arm.
    pub failures: Vec<FailureRow>,
    /// The slowest requests, per arm.
    pub slowest: Vec<SlowRow>,
    /// Commands that were run around the runs.
    pub hooks: Vec<HookRow>,
    /// Machine, versions and system.
    pub environment: Vec<EnvironmentRow>,
    /// The runs behind it.
    pub runs: Vec<RunRow>,
    /// What the instrument's last selftest on this machine found.
    pub qualification: String,
    /// The commands that make the same again.
    pub reproduce: Vec<String>,
}

/// An arm in headings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ArmHead {
    /// `baseline` or `treatment`; for a run's report `run`.
    pub role: &'static str,
    /// The profile's name, and the label if there is one.
    pub name: String,
}

/// A difference and what carries it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// Anchor within the page.
    pub id: &'static str,
    /// What differs.
    pub title: &'static str,
    /// By how much, and what carries it.
    pub sentence: String,
    /// What the values of parts are: `slower`, `per second`.
    pub value_heading: &'static str,
    /// Whether parts add something by being asked for more or less often.
    pub has_mix: bool,
    /// Whether the rounds tell the arms apart.
    pub is_told_apart: bool,
    /// A table for each way of parting.
    pub tables: Vec<PartingTable>,
}

/// The traffic in parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartingTable {
    /// `By endpoint`
    pub by: &'static str,
    /// The parts.
    pub rows: Vec<PartRow>,
}

/// A part of the traffic in both arms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartRow {
    /// What it is.
    pub name: String,
    /// Its share of the traffic in each arm.
    pub shares: [String; 2],
    /// The value within it in each arm.
    pub values: [String; 2],
    /// What it adds to the difference by what changed within it.
    pub within: String,
    /// What it adds by being asked for more or less often.
    pub mix: String,
    /// Both together.
    pub carries: String,
    /// Where that lies, at 95 %; empty below two rounds.
    pub interval: String,
}

/// A histogram of times with several modes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModesChart {
    /// Anchor within the page.
    pub id: String,
    /// Its heading: the endpoint or effect, and the arm.
    pub title: String,
    /// Which modes there are, in a sentence.
    pub finding: String,
    /// Place of its arm: 0 is drawn as a baseline is, 1 as a treatment.
    pub arm: usize,
    /// Each bin's share of the times.
    pub shares: Vec<f64>,
    /// Where each mode is highest, as a share of the axis from left to right, and its time.
    pub marks: Vec<(f64, String)>,
    /// The times at both ends of the axis.
    pub ends: [String; 2],
}

/// Samples by outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All.
    pub total: String,
    /// Answered as expected.
    pub ok: String,
    /// Expected refusals.
    pub rejected: String,
    /// Wrong answers.
    pub failed: String,
    /// No answer.
    pub error: String,
    /// Never sent.
    pub dropped: String,
    /// `200 × 12, 404 × 3`.
    pub statuses: String,
}

/// One signal in all arms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignalRow {
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Whether it tells of the load generator, not of the system.
    pub is_of_generator: bool,
    /// Its metrics per arm; none where it was never seen.
    pub arms: Vec<Option<SignalCells>>,
}

/// What a signal came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignalCells {
    /// Smallest value.
    pub min: String,
    /// Mean over the readings.
    pub mean: String,
    /// Largest value.
    pub max: String,
    /// Last value.
    pub last: String,
}

/// How an arm's backlog drained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DrainRow {
    /// The arm's name.
    pub arm: String,
    /// `drained within 12.3 s (median; 11.9 s to 13.0 s) of the load's end`; `did not drain within 2 min of the load's end`;
    /// why it is not known.
    pub text: String,
}

/// Races of one kind in one arm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RaceRow {
    /// The arm's name.
    pub arm: String,
    /// What they were for.
    pub name: String,
    /// How many there were.
    pub races: String,
    /// Requests in each: `2`, or `12 to 50`.
    pub entrants: String,
    /// How much of them was under way at one moment, on average.
    pub overlap: String,
    /// Races all of whose requests were under way at one moment.
    pub together: String,
    /// Median time between their first and last request.
    pub spread: String,
    /// The endpoints that raced: the columns of the endings.
    pub endpoints: Vec<String>,
    /// How they ended, the most frequent first.
    pub endings: Vec<EndingRow>,
    /// Further ways in which they ended.
    pub further: usize,
}

/// A way in which races ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EndingRow {
    /// How each endpoint's request ended: `ok`, `rejected 409`; of many `5 ok, others rejected 422`.
    pub ended: Vec<String>,
    /// Races that ended so.
    pub races: String,
    /// Their share of all.
    pub share: String,
}

/// A reason why samples did not end well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailureRow {
    /// The arm's name.
    pub arm: String,
    /// `failed`, `error` or `dropped`.
    pub outcome: String,
    /// What was called.
    pub endpoint: String,
    /// Why.
    pub reason: String,
    /// How often.
    pub count: String,
    /// When the first was due, since the load's start.
    pub first: String,
    /// When the last was due.
    pub last: String,
    /// The first, for `loadproof runs show`.
    pub sample: String,
    /// What one of them asked and was answered, as text; empty if none was kept.
    pub exchange: String,
}

/// One of the slowest requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SlowRow {
    /// The arm's name.
    pub arm: String,
    /// The run's number.
    pub run: String,
    /// What was called.
    pub name: String,
    /// Response time.
    pub response: String,
    /// Service time.
    pub service: String,
    /// How it ended.
    pub ended: String,
    /// When it was due, since the load's start.
    pub at: String,
    /// Its trace id; empty if it has none.
    pub trace_id: String,
    /// Where its trace can be looked at; empty if nowhere.
    pub trace_url: String,
}

/// A command that was run around a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HookRow {
    /// The run's number.
    pub run: String,
    /// Its name.
    pub name: String,
    /// `before`, `beside` or `after` the load.
    pub moment: String,
    /// The command.
    pub command: String,
    /// Its start, since the load's.
    pub start: String,
    /// How long it took.
    pub duration: String,
    /// Its exit code, or why it has none.
    pub ended: String,
}

/// A fact of the environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EnvironmentRow {
    /// What it is.
    pub name: String,
    /// Its value per arm.
    pub values: Vec<String>,
    /// Whether the arms differ in it.
    pub differs: bool,
    /// Whether arms are there to differ in it.
    pub is_of_system: bool,
}

/// A run behind a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunRow {
    /// Its number.
    pub id: String,
    /// `baseline`, `treatment`, or empty.
    pub arm: String,
    /// Its round, or empty.
    pub round: String,
    /// The profile's name.
    pub profile: String,
    /// How it ended.
    pub state: String,
    /// Start in UTC.
    pub started_at: String,
    /// How long it was measured.
    pub duration: String,
    /// Seed of its draws.
    pub seed: String,
    /// Samples in the store.
    pub samples: String,
    /// First digits of the workload's fingerprint.
    pub fingerprint: String,
    /// First digits of the checksum of everything that was measured; empty from a saved baseline.
    pub checksum: String,
}

/// A percentile curve in all arms.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PercentileChart {
    /// Anchor within the page.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// What it shows, in a sentence for those who cannot see it.
    pub finding: String,
    /// The curves.
    pub lines: Vec<Line>,
    /// Where they lie in other runs of their kind, at 95 %.
    pub ribbons: Vec<Ribbon>,
    /// By how much each percentile changes (comparisons only).
    pub shift: Option<ShiftChart>,
    /// The same as a table: percentile, then a value per line.
    pub table: Vec<Vec<String>>,
}

/// Where a curve lies in other runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ribbon {
    /// Place of its arm.
    pub arm: usize,
    /// `(percentile, low, high)`
    pub points: Vec<(f64, f64, f64)>,
}

/// A shift function.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShiftChart {
    /// Anchor within the page.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// What it shows, in a sentence for those who cannot see it.
    pub finding: String,
    /// The percentiles, in order.
    pub points: Vec<ShiftPoint>,
    /// The same as a table: percentile, change, interval.
    pub table: Vec<Vec<String>>,
}

/// A percentile's change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShiftPoint {
    /// The percentile, in (0, 1).
    pub p: f64,
    /// `treatment / baseline`
    pub ratio: f64,
    /// Lower end of its interval; the ratio itself where there is none.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Rows of charts on one time axis.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timeline {
    /// Where the axis ends, s.
    pub end_s: f64,
    /// Stretches that are shaded.
    pub phases: Vec<PhaseBand>,
    /// The rows.
    pub rows: Vec<TimeRow>,
}

/// A shaded stretch of the time axis.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhaseBand {
    /// `ramp`, `steady`, …
    pub name: String,
    /// Start, s.
    pub start_s: f64,
    /// End, s.
    pub end_s: f64,
    /// Whether something was done to the system then, by a hook beside the load.
    pub is_fault: bool,
}

/// One row of a timeline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimeRow {
    /// Anchor within the page.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// Whether it tells of the load generator, not of the system.
    pub is_of_generator: bool,
    /// What its axis counts, for the heading.
    pub unit: String,
    /// How its values are printed, and whether its axis is logarithmic.
    pub scale: Scale,
    /// What it shows, in a sentence.
    pub finding: String,
    /// The lines.
    pub lines: Vec<Line>,
}

/// What the values of a time row are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Times in µs, on a logarithmic axis.
    Time,
    /// Amounts, on a linear axis from 0.
    Amount,
}

/// A line of a chart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// The arm's name.
    pub name: String,
    /// Place of its arm: 0 is drawn as a baseline is, 1 as a treatment.
    pub arm: usize,
    /// Its points.
    pub points: Vec<(f64, f64)>,
}
