//! What is in a store, and pages about it: what the live page shows besides the run under way.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::assessment;
use super::context::ReportContext;
use super::error::AssessError;
use super::{comparison, runs, samples, subject, trend};
use crate::report::model;
use crate::run::{Arm, ExperimentId, Judged, RunFacts, RunId, RunState, StoredHistogram};
use crate::store::Store;
use crate::summary::histograms::{KEPT_QUANTILES, of_all_requests};
use crate::unit;
use crate::verdict::Verdict;

/// A page about what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// The report of a run (`3`) or an experiment (`e1`).
    Report(String),
    /// Two runs side by side.
    Comparison {
        /// The run that is compared with.
        baseline: String,
        /// The run that is compared.
        treatment: String,
    },
    /// A scenario over releases.
    Trend(String),
}

/// A run, or an experiment with all of its runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// `3` or `e1`.
    pub name: String,
    /// Start in UTC.
    pub started_at: String,
    /// `supported`, `refuted`, … over all gating claims; empty where nothing was decided.
    pub verdict: String,
    /// What that is called: `met` of a run.
    pub verdict_word: String,
    /// p95 of all requests; empty of an experiment, and where it is not known.
    pub p95: String,
    /// Share of requests that failed, were not answered or were dropped; the same.
    pub errors: String,
    /// How it ended, or `running`.
    pub state: String,
    /// The scenario's name.
    pub scenario: String,
    /// The load's name.
    pub load: String,
    /// Its profiles.
    pub profiles: String,
    /// The user's own name for it; often empty.
    pub label: String,
    /// How many samples it has.
    pub samples: String,
    /// What reports can be had of it: itself, or each treatment of several (`e1:after`).
    pub reports: Vec<String>,
    /// The runs of an experiment; empty for a run.
    pub runs: Vec<Self>,
}

impl Entry {
    /// The runs that it stands for: itself, or those of an experiment.
    fn and_runs(&mut self) -> Vec<&mut Self> {
        if self.runs.is_empty() { vec![self] } else { self.runs.iter_mut().collect() }
    }
}

/// Two metrics of a run.
#[derive(Clone, Debug, Default)]
struct Outline {
    p95: String,
    errors: String,
}

/// Runs of more samples, and without histograms, are not read for the history.
const MOST_SAMPLES: u64 = 1_000_000;
/// Runs without histograms that are read each time that the history is shown: the newest ones.
const MOST_READ: usize = 40;

/// Makes pages of what is in a store. It is best asked while no run goes on: reading many samples takes a processor,
/// which the load would lack.
#[derive(Clone, Debug)]
pub struct History {
    store: PathBuf,
    command: String,
    /// Metrics of runs, which do not change once a run has ended.
    outlines: Arc<Mutex<BTreeMap<RunId, Outline>>>,
}

impl History {
    /// Of the store in a file, which need not be there yet. `command`: what the pages say that they were made by.
    pub fn new(store: &Path, command: String) -> Self {
        Self { store: store.to_owned(), command, outlines: Arc::default() }
    }

    /// What is in the store, the newest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>, AssessError> {
        if !self.store.exists() {
            return Ok(Vec::new());
        }
        let store = Store::open(&self.store)?;
        let runs = store.runs()?;
        let verdicts = gating_verdicts(&store)?;
        let mut entries: Vec<Entry> = Vec::new();
        // An experiment stands where its newest run does.
        for run in &runs {
            match run.start.experiment {
                None => entries.push(entry(run)),
                Some(id) if entries.iter().any(|entry| entry.name == experiment_name(id)) => {}
                Some(id) => {
                    let of: Vec<&RunFacts> =
                        runs.iter().filter(|run| run.start.experiment == Some(id)).collect();
                    entries.push(experiment(id, &of));
                }
            }
        }
        for entry in &mut entries {
            if let Some(verdict) = verdicts.get(&entry.name) {
                verdict.word().clone_into(&mut entry.verdict);
                model::word(*verdict, entry.runs.is_empty()).clone_into(&mut entry.verdict_word);
            }
        }
        let outlines = self.outlines(&store, &runs);
        for entry in entries.iter_mut().flat_map(Entry::and_runs) {
            if let Some(outline) = outlines.get(&entry.name) {
                entry.p95.clone_from(&outline.p95);
                entry.errors.clone_from(&outline.errors);
            }
        }
        Ok(entries)
    }

    /// The metrics of runs that have ended, by name: out of their histograms. The samples of the newest runs that have none
    /// yet are read, once.
    fn outlines(&self, store: &Store, runs: &[RunFacts]) -> BTreeMap<String, Outline> {
        let mut known = self.outlines.lock().unwrap_or_else(PoisonError::into_inner);
        let mut read = 0;
        let ended = runs.iter().filter(|run| run.end.state != RunState::Running && run.samples > 0);
        for run in ended {
            if known.contains_key(&run.id) {
                continue;
            }
            let mut histograms = store.histograms(run.id).unwrap_or_default();
            if histograms.is_empty() && run.samples <= MOST_SAMPLES && read < MOST_READ {
                read += 1;
                histograms = runs::histograms(store, run).unwrap_or_default();
            }
            if !histograms.is_empty() {
                known.insert(run.id, outline(&histograms));
            }
        }
        known.iter().map(|(run, outline)| (run.to_string(), outline.clone())).collect()
    }

    /// A page as HTML.
    ///
    /// # Errors
    /// If there is nothing that it could be about, or it cannot be made.
    pub fn page(&self, page: &Page) -> Result<String, AssessError> {
        let mut store = Store::open(&self.store)?;
        let context = ReportContext::now(&store, &self.command, false);
        match page {
            Page::Report(of) => {
                let (judged, profile) = subject::with_profile(of, &store)?;
                assessment::of(judged, &store, &context)?.page(profile)
            }
            Page::Comparison { baseline, treatment } => {
                comparison::of_named(baseline, treatment, false, &store, &context)?.page(None)
            }
            Page::Trend(scenario) => trend::page(scenario, &mut store),
        }
    }

    /// Writes the samples of a run (`3`), or of an experiment (`e1`), as CSV.
    ///
    /// # Errors
    /// If there is no such thing, or it cannot be read or written.
    pub fn samples(&self, of: &str, to: &mut dyn Write) -> Result<(), AssessError> {
        let store = Store::open(&self.store)?;
        let runs: Vec<RunId> = match subject::with_profile(of, &store)?.0 {
            Judged::Run(run) => vec![run],
            Judged::Experiment(id) => store.experiment(id)?.iter().map(|run| run.id).collect(),
        };
        samples::csv(&store, &runs, to)
    }
}

/// The worst verdict of each run and experiment over its gating claims, by name.
fn gating_verdicts(store: &Store) -> Result<BTreeMap<String, Verdict>, AssessError> {
    let mut verdicts: BTreeMap<String, Verdict> = BTreeMap::new();
    for (of, word) in store.gating_verdicts()? {
        let Some(verdict) = Verdict::ALL.into_iter().find(|verdict| verdict.word() == word) else {
            continue;
        };
        let name = match of {
            Judged::Run(run) => run.to_string(),
            Judged::Experiment(id) => experiment_name(id),
        };
        let worst = verdicts.entry(name).or_insert(verdict);
        *worst = verdict.max(*worst);
    }
    Ok(verdicts)
}

/// A run's p95, to within 0.1 %, and errors; empty where its histograms cannot be read, or hold no request.
fn outline(kept: &[StoredHistogram]) -> Outline {
    let Some(all) = of_all_requests(kept).ok().flatten() else { return Outline::default() };
    let wrong = all.counts.failed + all.counts.error + all.counts.dropped;
    let p95 = KEPT_QUANTILES.iter().position(|p| (p - 0.95).abs() < 1e-9);
    let p95 = p95.zip(all.quantiles_us).map(|(place, quantiles)| quantiles[place]);
    Outline {
        p95: p95.map_or(String::new(), unit::time),
        errors: unit::share(wrong as f64 / all.counts.total().max(1) as f64),
    }
}

fn experiment_name(id: ExperimentId) -> String {
    format!("e{id}")
}

fn entry(run: &RunFacts) -> Entry {
    let part = run.start.arm.filter(|_| run.start.experiment.is_some()).zip(run.start.round);
    Entry {
        name: run.id.to_string(),
        started_at: run.start.started_at.trim_end_matches('Z').replace('T', " "),
        verdict: String::new(),
        verdict_word: String::new(),
        p95: String::new(),
        errors: String::new(),
        state: run.end.state.word().to_owned(),
        scenario: run.start.scenario.clone(),
        load: run.start.load.clone(),
        profiles: run.start.profile.clone(),
        label: part.map_or(run.start.label.clone().unwrap_or_default(), |(arm, round)| {
            let of = if run.is_pilot() { "the pilot".to_owned() } else { format!("round {round}") };
            format!("{} of {of}", arm.word())
        }),
        samples: unit::count(run.samples),
        reports: vec![run.id.to_string()],
        runs: Vec::new(),
    }
}

/// An experiment of these runs, the newest first; there is at least one.
fn experiment(id: ExperimentId, runs: &[&RunFacts]) -> Entry {
    let profiles = |arm: Arm| {
        let mut profiles: Vec<&str> = runs
            .iter()
            .filter(|run| run.start.arm == Some(arm))
            .map(|run| run.start.profile.as_str())
            .collect();
        profiles.sort_unstable();
        profiles.dedup();
        profiles
    };
    let (baseline, treatments) = (profiles(Arm::Baseline), profiles(Arm::Treatment));
    let name = experiment_name(id);
    let rounds = runs.iter().filter_map(|run| run.start.round).max().unwrap_or(0);
    let is_running = runs[0].end.state == RunState::Running;
    Entry {
        started_at: entry(runs[runs.len() - 1]).started_at,
        state: if is_running { runs[0].end.state.word().to_owned() } else { format!("{rounds} rounds") },
        profiles: format!("{} against {}", treatments.join(", "), baseline.join(", ")),
        label: runs[0].start.label.clone().unwrap_or_default(),
        samples: unit::count(runs.iter().map(|run| run.samples).sum()),
        reports: match &treatments[..] {
            [] | [_] => vec![name.clone()],
            several => several.iter().map(|profile| format!("{name}:{profile}")).collect(),
        },
        runs: runs.iter().map(|run| entry(run)).collect(),
        name,
        ..entry(runs[0])
    }
}
