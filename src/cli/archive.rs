//! The store, as the live page asks for it.

use std::collections::{BTreeMap, btree_map};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::evidence::{self, Circumstances};
use super::exit::UsageError;
use super::subject::subject;
use super::{compare, export, trend};
use crate::live::{Archive, Entry, Problem, Wanted};
use crate::report::model;
use crate::run::{Arm, ExperimentId, Judged, RunFacts, RunId, RunState};
use crate::stats::frame;
use crate::stats::summary::QUANTILES;
use crate::store::{Store, StoreError};
use crate::unit;
use crate::verdict::Verdict;

/// Makes the pages of what is in a store.
pub(super) struct Shelf {
    store: PathBuf,
    /// Figures of runs, which do not change once a run has ended.
    outlines: Mutex<BTreeMap<RunId, Outline>>,
}

/// A run in two figures.
#[derive(Clone, Debug, Default)]
struct Outline {
    p95: String,
    errors: String,
}

/// Runs of more samples are not read for the history.
const MOST_SAMPLES: u64 = 1_000_000;
/// Runs that the history reads the samples of: the newest ones.
const MOST_READ: usize = 40;

impl Shelf {
    /// Of the store in a file, which need not be there yet.
    pub(super) fn new(store: &Path) -> Self {
        Self { store: store.to_owned(), outlines: Mutex::default() }
    }

    /// The figures of the newest runs that have ended, by name.
    fn outlines(&self, store: &Store, runs: &[RunFacts]) -> BTreeMap<String, Outline> {
        let mut known = self.outlines.lock().unwrap_or_else(PoisonError::into_inner);
        let is_readable = |run: &&RunFacts| {
            run.state != RunState::Running && run.samples > 0 && run.samples <= MOST_SAMPLES
        };
        for run in runs.iter().filter(is_readable).take(MOST_READ) {
            if let btree_map::Entry::Vacant(place) = known.entry(run.id) {
                place.insert(outline(store, run));
            }
        }
        known.iter().map(|(run, outline)| (run.to_string(), outline.clone())).collect()
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
        let store = self.open()?;
        let failed = |error: StoreError| Problem::Failed(error.to_string());
        let runs = store.runs().map_err(failed)?;
        let mut verdicts: BTreeMap<String, Verdict> = BTreeMap::new();
        for (of, word) in store.gating_verdicts().map_err(failed)? {
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
        let mut entries: Vec<Entry> = Vec::new();
        // An experiment stands where its newest run does.
        for run in &runs {
            match run.experiment {
                None => entries.push(entry(run)),
                Some(id) if entries.iter().any(|entry| entry.name == experiment_name(id)) => {}
                Some(id) => {
                    let of: Vec<&RunFacts> = runs.iter().filter(|run| run.experiment == Some(id)).collect();
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

/// A run's p95 and errors; empty where its samples cannot be summed up: the report says why.
fn outline(store: &Store, run: &RunFacts) -> Outline {
    let total = store.samples(run.id).ok().and_then(|samples| frame::total(&samples, run.duration_s).ok()?);
    let Some(total) = total else { return Outline::default() };
    let counts = &total.counts;
    let wrong = counts.failed + counts.error + counts.dropped;
    let p95 = QUANTILES.iter().position(|p| (p - 0.95).abs() < 1e-9);
    let p95 = p95.zip(total.response).and_then(|(place, times)| times.quantile(place).value());
    Outline {
        p95: p95.map_or(String::new(), unit::time),
        errors: unit::share(wrong as f64 / counts.total().max(1) as f64),
    }
}

fn experiment_name(id: ExperimentId) -> String {
    format!("e{id}")
}

fn entry(run: &RunFacts) -> Entry {
    let part = run.arm.filter(|_| run.experiment.is_some()).zip(run.round);
    Entry {
        name: run.id.to_string(),
        started_at: run.started_at.trim_end_matches('Z').replace('T', " "),
        verdict: String::new(),
        verdict_word: String::new(),
        p95: String::new(),
        errors: String::new(),
        state: run.state.word().to_owned(),
        scenario: run.scenario.clone(),
        load: run.load.clone(),
        profiles: run.profile.clone(),
        label: part.map_or(run.label.clone().unwrap_or_default(), |(arm, round)| {
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
        let mut profiles: Vec<&str> =
            runs.iter().filter(|run| run.arm == Some(arm)).map(|run| run.profile.as_str()).collect();
        profiles.sort_unstable();
        profiles.dedup();
        profiles
    };
    let (baseline, treatments) = (profiles(Arm::Baseline), profiles(Arm::Treatment));
    let name = experiment_name(id);
    let rounds = runs.iter().filter_map(|run| run.round).max().unwrap_or(0);
    let is_running = runs[0].state == RunState::Running;
    Entry {
        started_at: entry(runs[runs.len() - 1]).started_at,
        state: if is_running { runs[0].state.word().to_owned() } else { format!("{rounds} rounds") },
        profiles: format!("{} against {}", treatments.join(", "), baseline.join(", ")),
        label: runs[0].label.clone().unwrap_or_default(),
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
