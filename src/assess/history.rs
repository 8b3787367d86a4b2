//! What is in a store, and pages about it: what the live page shows besides the run under way.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::assessment;
use super::context::ReportContext;
use super::error::AssessError;
use super::{comparison, samples, subject, trend};
use crate::run::{Arm, ExperimentId, Judged, RunFacts, RunId};
use crate::store::Store;
use crate::unit;

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

/// Makes pages of what is in a store. It is best asked while no run goes on: reading many samples takes a processor,
/// which the load would lack.
#[derive(Clone, Debug)]
pub struct History {
    store: PathBuf,
    command: String,
}

impl History {
    /// Of the store in a file, which need not be there yet. `command`: what the pages say that they were made by.
    pub fn new(store: &Path, command: String) -> Self {
        Self { store: store.to_owned(), command }
    }

    /// What is in the store, the newest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>, AssessError> {
        if !self.store.exists() {
            return Ok(Vec::new());
        }
        let runs = Store::open(&self.store)?.runs()?;
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
        Ok(entries)
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

fn experiment_name(id: ExperimentId) -> String {
    format!("e{id}")
}

fn entry(run: &RunFacts) -> Entry {
    let part = run.start.arm.filter(|_| run.start.experiment.is_some()).zip(run.start.round);
    Entry {
        name: run.id.to_string(),
        started_at: run.start.started_at.trim_end_matches('Z').replace('T', " "),
        state: run.end.state.word().to_owned(),
        scenario: run.start.scenario.clone(),
        load: run.start.load.clone(),
        profiles: run.start.profile.clone(),
        label: part.map_or(run.start.label.clone().unwrap_or_default(), |(arm, round)| {
            format!("{} of round {round}", arm.word())
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
    let is_running = runs[0].end.state == crate::run::RunState::Running;
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
