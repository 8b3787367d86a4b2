//! Carrying out a planned run: the system under test up, signals on, load, drain, everything into
//! the store, the system down again, whatever happens in between.
//!
//! This is where the rooms meet: it holds the order of things and nothing else.

mod abort;
mod drain;
mod environment;
mod progress;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

pub use progress::{Moment, Progress};

use self::abort::AbortWatch;
use self::progress::Watched;
use crate::load::{self, Clock, LoadError, LoadRun, Running};
use crate::plan::PlannedRun;
use crate::run::{ExperimentId, HookFacts, LoadFacts, PhaseSpan, RunId, RunState};
use crate::sample::Phase;
use crate::scenario::hook::{Hook, Moment as HookMoment};
use crate::scenario::load::{Executor, Load};
use crate::scenario::profile::Profile;
use crate::scenario::{Scenario, ScenarioError};
use crate::signals::{Collector, CollectorReport, Latest, SignalError};
use crate::stats::histogram::Live;
use crate::store::{NewRun, RunEnd, RunWriter, Store, StoreError};
use crate::target::hook::{self, Around, HookRun};
use crate::target::{self, Target, TargetError};

/// From setting everything up to the first request.
const LEAD: Duration = Duration::from_millis(200);
/// How often it is checked that target and store are still there.
const LOOK: Duration = Duration::from_millis(200);
/// How often processes are looked at.
const PROCESS_EVERY: Duration = Duration::from_millis(500);

/// What all runs of a command have in common.
#[derive(Clone)]
pub struct Setting {
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// The store's file.
    pub store: PathBuf,
    /// Folder of the services' log files.
    pub logs: PathBuf,
    /// Folder of the originals of patched files.
    pub journal: PathBuf,
    /// Threads that make load.
    pub workers: u16,
    /// The user's own name for the runs.
    pub label: Option<String>,
    /// The environment that they are made in (`--env`), if one was named.
    pub env: Option<String>,
    /// The experiment that the runs belong to.
    pub experiment: Option<ExperimentId>,
    /// The command line, for the store and for repeating it.
    pub command: String,
    /// Becomes true when the user wants to end it.
    pub interrupt: watch::Receiver<bool>,
}

/// A run that has been carried out.
#[derive(Debug)]
pub struct Carried {
    /// Its number.
    pub run: RunId,
    /// How it ended.
    pub state: RunState,
    /// Samples in the store.
    pub samples: u64,
    /// What became of its signals.
    pub signals: CollectorReport,
    /// Why it ended as it did; empty if as planned.
    pub note: String,
}

/// Why a run could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The system under test did not come up, or went down.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// No load could be made.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A signal's source cannot be read by any means.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// The scenario lacks something.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The user ended it before there was anything to store.
    #[error("interrupted before the load began")]
    Interrupted,
}

/// Carries out one run. Samples that were taken are stored in every case.
///
/// # Errors
/// If the target does not come up or goes down, or load, signals or store fail; the run is then
/// stored as `failed` with what it has.
pub async fn carry_out(
    setting: &Setting,
    planned: &PlannedRun,
    progress: &mut dyn Progress,
) -> Result<Carried, ExecuteError> {
    let profile = setting.scenario.profile(&planned.profile)?;
    // Before anything is started: a store that cannot be written makes all else idle.
    let mut store = Store::open(&setting.store)?;
    let around = Hooks::new(setting, planned, profile);
    let mut hooks = Vec::new();
    let mut interrupt = setting.interrupt.clone();
    let target = tokio::select! {
        target = bring_up(setting, profile, planned, &around, &mut hooks, progress) => target?,
        () = interrupted(&mut interrupt) => return Err(ExecuteError::Interrupted),
    };
    let processes = target.services().map(|(name, pid)| (name.to_owned(), pid)).collect();
    let collector = Collector::new(&setting.scenario.signals, processes, PROCESS_EVERY)?;
    let clock = Clock::starting_in(LEAD);
    let run = store.begin_run(&new_run(setting, planned, profile, &clock))?;
    let measured = measure(setting, planned, run, clock, collector, &around, target, progress).await;
    match measured {
        Ok(mut measured) => {
            hooks.append(&mut measured.beside);
            let after = match measured.outcome.state {
                RunState::Done => around.run(HookMoment::After, &mut hooks).await,
                _ => Ok(()),
            };
            let end = end_of(&mut measured.outcome, after.err(), &hooks, &clock);
            store.end_run(run, &end)?;
            measured.target.stop().await?;
            match measured.outcome.error {
                Some(error) => Err(error),
                None => Ok(Carried {
                    run,
                    state: end.state,
                    samples: measured.samples,
                    signals: measured.signals,
                    note: end.note,
                }),
            }
        }
        Err(error) => {
            store.end_run(run, &RunEnd::failed(error.to_string()))?;
            Err(error)
        }
    }
}

/// How a run ended, with a failed hook after it, if there is one, as its error.
fn end_of(outcome: &mut Outcome, failed: Option<TargetError>, hooks: &[HookRun], clock: &Clock) -> RunEnd {
    if let Some(error) = failed {
        outcome.state = RunState::Failed;
        outcome.error = Some(error.into());
    }
    let note = outcome.error.as_ref().map_or(std::mem::take(&mut outcome.note), ToString::to_string);
    RunEnd {
        state: outcome.state,
        note,
        phases: std::mem::take(&mut outcome.phases),
        hooks: hooks.iter().map(|hook| hook_facts(hook, clock)).collect(),
        clock_step_us: clock.wall_step_us(),
    }
}

/// The hooks of a run, and what they are told.
struct Hooks {
    hooks: Vec<Hook>,
    around: Around,
}

impl Hooks {
    fn new(setting: &Setting, planned: &PlannedRun, profile: &Profile) -> Self {
        let hooks = setting.scenario.hooks.iter().chain(&profile.hooks).cloned().collect();
        let around = Around {
            profile: planned.profile.clone(),
            host: planned.host.clone(),
            logs: setting.logs.clone(),
        };
        Self { hooks, around }
    }

    async fn run(&self, moment: HookMoment, runs: &mut Vec<HookRun>) -> Result<(), TargetError> {
        hook::run_all(&self.hooks, moment, &self.around, runs).await
    }
}

fn hook_facts(run: &HookRun, clock: &Clock) -> HookFacts {
    HookFacts {
        name: run.name.clone(),
        moment: run.moment.word().to_owned(),
        command: run.command.clone(),
        start_us: clock.us(run.start),
        end_us: clock.us(run.end),
        exit_code: run.exit_code,
        note: run.note.clone(),
    }
}

/// Everything up that the load needs, the hooks before it included.
async fn bring_up(
    setting: &Setting,
    profile: &Profile,
    planned: &PlannedRun,
    hooks: &Hooks,
    runs: &mut Vec<HookRun>,
    progress: &mut dyn Progress,
) -> Result<Target, TargetError> {
    if !profile.services.is_empty() {
        let names: Vec<&str> = profile.services.iter().map(|s| s.name.as_str()).collect();
        progress.note(&format!("{}: starting {}", planned.profile, names.join(", ")));
    }
    let target = target::start(profile, &planned.host, &setting.logs, &setting.journal).await?;
    target::reset(profile, &planned.host).await?;
    hooks.run(HookMoment::Before, runs).await?;
    Ok(target)
}

fn new_run(setting: &Setting, planned: &PlannedRun, profile: &Profile, clock: &Clock) -> NewRun {
    let scenario = &setting.scenario;
    NewRun {
        scenario: scenario.name.clone(),
        scenario_file: scenario.file.clone(),
        fingerprint: scenario.fingerprint(&planned.load),
        load: planned.load_name.clone(),
        load_text: planned.load.text(),
        profile: planned.profile.clone(),
        label: setting.label.clone(),
        arm: planned.arm,
        part_of: setting.experiment.zip(planned.part).map(|(e, part)| (e, part.round)),
        started_unix_us: clock.unix_us(),
        seed: planned.seed,
        command: setting.command.clone(),
        environment: environment::facts(profile, &planned.host, setting.workers),
        load_facts: load_facts(&planned.load, setting.workers),
        claims: scenario.claims.clone(),
        must_hold: profile.must_hold.clone(),
        env: setting.env.clone(),
    }
}

fn load_facts(load: &Load, workers: u16) -> LoadFacts {
    let (executor, rate_per_s) = match load.executor {
        Executor::Closed { .. } => ("closed", None),
        Executor::Open { rate, .. } => ("open", Some(rate)),
        Executor::Shared { .. } => ("shared", None),
    };
    LoadFacts { executor: executor.to_owned(), places: load.places(), rate_per_s, workers }
}

/// How the measured part of a run ended.
struct Outcome {
    state: RunState,
    /// Why it ended early, if not by an error.
    note: String,
    phases: Vec<PhaseSpan>,
    error: Option<ExecuteError>,
}

/// The measured part of a run.
struct Measured {
    target: Target,
    outcome: Outcome,
    samples: u64,
    signals: CollectorReport,
    beside: Vec<HookRun>,
}

/// Load, signals and the hooks beside them, from the first request to the last reading.
#[expect(clippy::too_many_arguments, reason = "the rooms meet here")]
async fn measure(
    setting: &Setting,
    planned: &PlannedRun,
    run: RunId,
    clock: Clock,
    collector: Collector,
    hooks: &Hooks,
    mut target: Target,
    progress: &mut dyn Progress,
) -> Result<Measured, ExecuteError> {
    let live = Arc::new(Mutex::new(Live::default()));
    let scenario = &setting.scenario;
    let writer =
        RunWriter::start(&setting.store, run, scenario, collector.infos(), observer(&live, scenario))?;
    let load = LoadRun {
        scenario: Arc::clone(scenario),
        load: planned.load.clone(),
        host: planned.host.clone(),
        seed: planned.seed,
        workers: setting.workers,
        clock,
    };
    let running = load::start(load, writer.sink()).await?;
    let (stop, stopping) = watch::channel(false);
    let latest = collector.latest();
    let emit = writer.readings();
    let collect = collector.run(move || clock.now_us(), emit, stopping.clone());
    let beside = hook::beside(&hooks.hooks, &hooks.around, clock.zero(), stopping);
    let mut stage = Stage {
        setting,
        planned,
        clock,
        writer: &writer,
        target: &mut target,
        latest,
        watched: Watched::new(planned, setting.experiment, &running, Arc::clone(&live)),
        abort: planned.load.abort.clone().map(|abort| AbortWatch::new(abort, live)),
        progress,
    };
    let drive = async {
        let outcome = stage.play(running).await;
        let _ = stop.send(true);
        outcome
    };
    let (signals, beside, outcome) = futures_util::future::join3(collect, beside, drive).await;
    let samples = writer.finish()?;
    Ok(Measured { target, outcome, samples, signals, beside })
}

fn observer(live: &Arc<Mutex<Live>>, scenario: &Arc<Scenario>) -> crate::store::Observer {
    let (live, scenario) = (Arc::clone(live), Arc::clone(scenario));
    Box::new(move |batch| {
        live.lock().unwrap_or_else(PoisonError::into_inner).add(batch, &scenario.endpoints);
    })
}

/// Everything that has to be kept an eye on while a run goes on.
struct Stage<'a> {
    setting: &'a Setting,
    planned: &'a PlannedRun,
    clock: Clock,
    writer: &'a RunWriter,
    target: &'a mut Target,
    latest: Latest,
    watched: Watched,
    abort: Option<AbortWatch>,
    progress: &'a mut dyn Progress,
}

/// Why a run goes no further.
enum Cut {
    Interrupted,
    /// What `abort_when` saw.
    Aborted(String),
    Failed(ExecuteError),
}

impl Stage<'_> {
    async fn play(&mut self, mut running: Running) -> Outcome {
        let stopper = running.stopper();
        let users_done = running.users_done();
        let finish = running.finish();
        tokio::pin!(users_done, finish);
        let mut phases = Vec::new();
        let mut cut = self.watch(Phase::Steady, &mut users_done).await.err();
        if cut.is_some() {
            stopper.stop();
            users_done.await;
        }
        self.note_load(&mut phases, cut.is_none());
        if cut.is_none() {
            cut = self.drain(&mut phases).await.err();
        }
        if cut.is_none() {
            // Effects may take longer than the backlog; their own deadlines bound the wait.
            match self.watch(Phase::Drain, &mut finish).await {
                Ok(Ok(_)) => {
                    return Outcome { state: RunState::Done, note: String::new(), phases, error: None };
                }
                Ok(Err(error)) => {
                    return Outcome {
                        state: RunState::Failed,
                        note: String::new(),
                        phases,
                        error: Some(error.into()),
                    };
                }
                Err(ended) => cut = Some(ended),
            }
        }
        stopper.stop();
        let finished = finish.await;
        let error = finished.err().map(ExecuteError::from);
        match cut {
            Some(Cut::Failed(error)) => {
                Outcome { state: RunState::Failed, note: String::new(), phases, error: Some(error) }
            }
            Some(Cut::Aborted(note)) => Outcome { state: RunState::Failed, note, phases, error },
            _ => {
                Outcome { state: RunState::Interrupted, note: "ended by the user".to_owned(), phases, error }
            }
        }
    }

    /// Waits for `end`, showing progress and looking after target, store and user meanwhile.
    async fn watch<T>(
        &mut self,
        phase: Phase,
        end: &mut (impl Future<Output = T> + Unpin),
    ) -> Result<T, Cut> {
        let mut looks = tokio::time::interval(LOOK);
        let mut shows = tokio::time::interval(self.progress.interval());
        let mut interrupt = self.setting.interrupt.clone();
        loop {
            tokio::select! {
                ended = &mut *end => return Ok(ended),
                () = interrupted(&mut interrupt) => return Err(Cut::Interrupted),
                _ = looks.tick() => self.check()?,
                _ = shows.tick() => {
                    let moment = self.watched.moment(phase, self.clock.now_us(), &self.latest);
                    self.progress.show(&moment);
                }
            }
        }
    }

    /// Whether the run can go on.
    fn check(&mut self) -> Result<(), Cut> {
        self.target.check_alive().map_err(|e| Cut::Failed(e.into()))?;
        if self.writer.has_failed() {
            return Err(Cut::Failed(StoreError::WriterGone.into()));
        }
        let seen = self.abort.as_mut().and_then(|abort| abort.seen(self.clock.now_us(), &self.latest));
        seen.map_or(Ok(()), |text| Err(Cut::Aborted(text)))
    }

    /// The phases of the load itself.
    fn note_load(&mut self, phases: &mut Vec<PhaseSpan>, complete: bool) {
        let now_us = self.clock.now_us();
        let us = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        let load = &self.planned.load;
        let end_us = load.run_time().map_or(now_us, us).min(now_us);
        let ramp_us = us(load.ramp()).min(end_us);
        let mut push = |phase: Phase, start_us, end_us| {
            phases.push(PhaseSpan { name: phase.word().to_owned(), start_us, end_us, complete });
        };
        if ramp_us > 0 {
            push(Phase::Ramp, 0, ramp_us);
        }
        push(Phase::Steady, ramp_us, end_us);
        push(Phase::CoolDown, end_us, now_us);
    }

    /// Waits until the system has worked off its backlog, if the scenario says how to see that.
    async fn drain(&mut self, phases: &mut Vec<PhaseSpan>) -> Result<(), Cut> {
        let Some(drain) = self.setting.scenario.drain.clone() else { return Ok(()) };
        let start_us = self.clock.now_us();
        let latest = self.latest.clone();
        let empty = drain::until_empty(&drain, &latest, start_us);
        tokio::pin!(empty);
        let drained_us = self.watch(Phase::Drain, &mut empty).await;
        let (end_us, complete) = match &drained_us {
            Ok(Some(at_us)) => (*at_us, true),
            _ => (self.clock.now_us(), false),
        };
        let name = Phase::Drain.word().to_owned();
        phases.push(PhaseSpan { name, start_us, end_us, complete });
        drained_us.map(|_| ())
    }
}

/// Ends when the user wants to end the run; never, if nobody can.
async fn interrupted(interrupt: &mut watch::Receiver<bool>) {
    if interrupt.wait_for(|wanted| *wanted).await.is_err() {
        std::future::pending::<()>().await;
    }
}
