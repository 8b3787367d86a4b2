//! The store, as the live page asks for it.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::evidence::{self, Circumstances};
use super::exit::UsageError;
use super::subject::subject;
use super::{compare, export, trend};
use crate::live::{Archive, Entry, Problem, Wanted};
use crate::run::{Arm, ExperimentId, Judged, RunFacts, RunId};
use crate::store::{Store, StoreError};
use crate::unit;

/// Makes the pages of what is in a store.
pub(super) struct Shelf {
    store: PathBuf,
}

impl Shelf {
    /// Of the store in a file, which need not be there yet.
    pub(super) fn new(store: &Path) -> Self {
        Self { store: store.to_owned() }
    }

    fn open(&self) -> Result<Store, Problem> {
        Store::open(&self.store).map_err(|error| Problem::Failed(error.to_string()))
    }
}

impl Archive for Shelf {
    fn entries(&self) -> Result<Vec<Entry>, Problem> {
        if !self.store.exists() {
            return Ok(Vec::new());
        }
        let runs = self.open()?.runs().map_err(|error| Problem::Failed(error.to_string()))?;
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

    fn page(&self, wanted: &Wanted) -> Result<String, Problem> {
        let mut store = self.open()?;
        let here = Circumstances::now(&store, false);
        let page = match wanted {
            Wanted::Report(of) => named(of, &store).and_then(|(subject, profile)| match subject {
                Judged::Run(run) => evidence::of_run(run, &store, &here)?.page(None),
                Judged::Experiment(id) => evidence::of_experiment(id, &store, &here)?.page(profile),
            }),
            Wanted::Comparison { baseline, treatment } => compare::page(baseline, treatment, &store),
            Wanted::Trend(scenario) => trend::page(scenario, &mut store),
        };
        page.map_err(|error| problem(&error))
    }

    fn samples(&self, of: &str, to: &mut dyn Write) -> Result<(), Problem> {
        let store = self.open()?;
        let written = named(of, &store).and_then(|(subject, _)| {
            let runs: Vec<RunId> = match subject {
                Judged::Run(run) => vec![run],
                Judged::Experiment(id) => store.experiment(id)?.iter().map(|run| run.id).collect(),
            };
            export::csv(&store, &runs, to)
        });
        written.map_err(|error| problem(&error))
    }
}

/// `3`, `e1`, or `e1:after`: an experiment with one of its treatments.
fn named<'a>(of: &'a str, store: &Store) -> anyhow::Result<(Judged, Option<&'a str>)> {
    match of.split_once(':') {
        Some((experiment, profile)) if experiment.starts_with('e') => {
            Ok((subject(experiment, store)?, Some(profile)))
        }
        _ => Ok((subject(of, store)?, None)),
    }
}

fn problem(error: &anyhow::Error) -> Problem {
    let text = error.to_string();
    let is_mistake = error.is::<UsageError>()
        || matches!(error.downcast_ref(), Some(StoreError::NoRun(_) | StoreError::NoExperiment(_)));
    if is_mistake { Problem::NotFound(text) } else { Problem::Failed(text) }
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
