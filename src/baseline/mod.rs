//! Saved baselines: runs as small files made for git, to compare later runs with.
//!
//! A file keeps per-run histograms (three significant digits) by endpoint, traffic class, phase, outcome and
//! status, thinned signals, the environment and the audit; from these the runs are rebuilt, so that claims and
//! reports treat them as any others. Lost is the order of samples in time, and with it what high
//! quantiles rest on: claims from p99 up against a saved baseline stay undecided.

mod rebuild;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::checksum;
use crate::claim::{Claim, Expression};
use crate::run::{LoadFacts, MeasuredRun, PhaseSpan, Tagged};
use crate::sample::{Kind, Outcome, Phase};
use crate::stats::histogram::compact;
use crate::verdict::audit::{self, RunAudit};

/// The file's form; it changes only with a new number.
pub const SCHEMA: &str = "loadproof.baseline/2";
/// The form before: some keys had other names, which are read still.
const FIRST_SCHEMA: &str = "loadproof.baseline/1";
/// Most readings that are kept of a signal.
const MOST_READINGS: usize = 120;

/// Why a file is no baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It is no JSON of the right form.
    #[error("not a saved baseline: {0}")]
    Form(#[from] serde_json::Error),
    /// It has another form.
    #[error("the file has schema `{0}`, this loadproof knows `{SCHEMA}`")]
    Schema(String),
    /// It was changed after it was written.
    #[error("its checksum does not fit: the file was changed after it was saved")]
    Changed,
}

/// A saved baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// [`SCHEMA`]
    pub schema: String,
    /// SHA-256, in hex, of the file with this field empty.
    pub checksum: String,
    /// When it was saved, for people.
    pub saved_at: String,
    /// Version of loadproof that saved it.
    pub tool_version: String,
    /// The scenario's name.
    pub scenario: String,
    /// The load's name and text.
    pub load: (String, String),
    /// The workload's fingerprint.
    pub fingerprint: String,
    /// Machine, versions and system facts.
    pub environment: BTreeMap<String, String>,
    /// How the load was made.
    pub load_facts: LoadFacts,
    /// What was claimed.
    pub claims: Vec<Claim>,
    /// The runs.
    pub runs: Vec<SavedRun>,
}

/// A saved run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedRun {
    /// Its number in the store that it came from.
    pub run: i64,
    /// The profile's name.
    pub profile: String,
    /// The user's own name for it.
    pub label: Option<String>,
    /// Start in UTC.
    pub started_at: String,
    /// How long it was measured, s.
    pub duration_s: f64,
    /// Seed of its draws.
    pub seed: u64,
    /// Its phases.
    pub phases: Vec<PhaseSpan>,
    /// What had to hold.
    pub must_hold: Vec<Expression>,
    /// What the audit said.
    pub audit: RunAudit,
    /// The tags of what it called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tagged>,
    /// Its samples, counted.
    pub cells: Vec<Cell>,
    /// Its signals.
    pub signals: Vec<SavedSignal>,
}

/// The samples of a run that agree in everything but their times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// `request` or `effect`.
    pub kind: Kind,
    /// The class of their traffic.
    #[serde(alias = "class")]
    pub traffic_class: String,
    /// What was called.
    pub endpoint: String,
    /// Their part of the run.
    pub phase: Phase,
    /// How they ended.
    pub outcome: Outcome,
    /// HTTP status, 0 for none.
    pub status: u16,
    /// Response times: `(µs, count)`, ascending.
    pub response_us: Vec<(u64, u64)>,
    /// Service times, likewise.
    pub service_us: Vec<(u64, u64)>,
}

/// The readings of a signal, thinned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedSignal {
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Whether it is a counter.
    #[serde(alias = "is_total")]
    pub is_counter: bool,
    /// `(µs since the run's start, value)`: smallest and largest of each stretch, first and last.
    pub readings: Vec<(i64, f64)>,
}

impl Baseline {
    /// Runs of one arm as a baseline; none without a run.
    pub fn of(runs: &[MeasuredRun], now: &str) -> Option<Self> {
        let first = &runs.first()?.facts;
        let mut baseline = Self {
            schema: SCHEMA.to_owned(),
            checksum: String::new(),
            saved_at: now.to_owned(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: first.start.scenario.clone(),
            load: (first.start.load.clone(), first.start.load_text.clone()),
            fingerprint: first.start.fingerprint.clone(),
            environment: first.start.environment.clone(),
            load_facts: first.start.load_facts.clone(),
            claims: first.start.claims.clone(),
            runs: runs.iter().map(saved).collect(),
        };
        baseline.checksum = baseline.own_checksum();
        Some(baseline)
    }

    /// As a file: a line per run's cell and signal, so that git shows what changed.
    pub fn text(&self) -> String {
        serde_json::to_string(self)
            .unwrap_or_default()
            .replace("{\"kind\"", "\n{\"kind\"")
            .replace("{\"run\"", "\n{\"run\"")
            + "\n"
    }

    /// A baseline from its file's text.
    ///
    /// # Errors
    /// If it is none, of another form, or was changed.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let value: serde_json::Value = serde_json::from_str(text)?;
        let is_first = match value["schema"].as_str() {
            Some(SCHEMA) => false,
            Some(FIRST_SCHEMA) => true,
            other => return Err(BaselineError::Schema(other.unwrap_or("none").to_owned())),
        };
        let baseline: Self = serde_json::from_value(value)?;
        // Written again, a file of the first form would have the new names.
        let checksum = if is_first { checksum_of(text, &baseline.checksum) } else { baseline.own_checksum() };
        if baseline.checksum != checksum {
            return Err(BaselineError::Changed);
        }
        Ok(baseline)
    }

    fn own_checksum(&self) -> String {
        let blank = Self { checksum: String::new(), ..self.clone() };
        checksum::sha256(serde_json::to_string(&blank).unwrap_or_default())
    }
}

/// The checksum of a file's text, which states it as `stated`.
fn checksum_of(text: &str, stated: &str) -> String {
    let field = |value: &str| format!("\"checksum\":\"{value}\"");
    let one_line = text.trim_end().replace("\n{\"kind\"", "{\"kind\"").replace("\n{\"run\"", "{\"run\"");
    checksum::sha256(one_line.replacen(&field(stated), &field(""), 1))
}

fn saved(run: &MeasuredRun) -> SavedRun {
    let facts = &run.facts;
    SavedRun {
        run: facts.id.0,
        profile: facts.start.profile.clone(),
        label: facts.start.label.clone(),
        started_at: facts.start.started_at.clone(),
        duration_s: facts.duration_s,
        seed: facts.start.seed,
        phases: facts.end.phases.clone(),
        must_hold: facts.start.must_hold.clone(),
        tags: facts.start.tags.clone(),
        audit: audit::of_run(run),
        cells: cells(run),
        signals: run
            .signals
            .iter()
            .map(|signal| SavedSignal {
                name: signal.name.clone(),
                unit: signal.unit.clone(),
                is_counter: signal.is_counter,
                readings: thinned(&signal.readings),
            })
            .collect(),
    }
}

fn cells(run: &MeasuredRun) -> Vec<Cell> {
    let samples = &run.samples;
    let mut times: BTreeMap<(u32, Phase, Outcome, u16), [Vec<u64>; 2]> = BTreeMap::new();
    for i in 0..samples.subject.len() {
        let key = (samples.subject[i], samples.phase[i], samples.outcome[i], samples.status[i]);
        let [response, service] = times.entry(key).or_default();
        response.push(u64::try_from(samples.done_us[i] - samples.intended_us[i]).unwrap_or(0));
        service.push(u64::try_from(samples.done_us[i] - samples.sent_us[i]).unwrap_or(0));
    }
    let mut cells: Vec<Cell> = times
        .into_iter()
        .map(|((subject, phase, outcome, status), [response, service])| {
            let subject = &samples.subjects[subject as usize];
            Cell {
                kind: subject.kind,
                traffic_class: subject.traffic_class.clone(),
                endpoint: subject.endpoint.clone(),
                phase,
                outcome,
                status,
                response_us: compact(&response),
                service_us: compact(&service),
            }
        })
        .collect();
    cells.sort_by(|a, b| {
        (a.kind, &a.traffic_class, &a.endpoint).cmp(&(b.kind, &b.traffic_class, &b.endpoint))
    });
    cells
}

/// First, last, and the smallest and largest of each stretch between.
fn thinned(readings: &[(i64, f64)]) -> Vec<(i64, f64)> {
    if readings.len() <= MOST_READINGS {
        return readings.to_vec();
    }
    let stretch = readings.len().div_ceil(MOST_READINGS / 2 - 1);
    let mut kept: Vec<(i64, f64)> = readings
        .chunks(stretch)
        .flat_map(|part| {
            let by_value = |a: &&(i64, f64), b: &&(i64, f64)| a.1.total_cmp(&b.1);
            [part.iter().min_by(by_value), part.iter().max_by(by_value)].into_iter().flatten().copied()
        })
        .chain(readings.first().copied())
        .chain(readings.last().copied())
        .collect();
    kept.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    kept.dedup();
    kept
}
