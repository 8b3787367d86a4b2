//! Carries out a planned run: starts the system under test and its signals, makes the load, drains, writes everything
//! to the store, and stops the system on every exit path. Above it: sessions of runs, experiments, searches for
//! capacity, the selftest.
//!
//! This is where the rooms meet: it holds the order of things and nothing else.

mod abort;
mod agents;
pub mod capacity;
pub mod collect;
mod drain;
mod environment;
mod fault;
pub mod experiment;
pub mod faults;
mod hooks;
mod pilot;
mod progress;
mod rounds;
pub mod selftest;
pub mod session;
mod setting;
mod stage;
pub mod tryout;
pub mod unfinished;
mod watched;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

pub use environment::{git_commit, machine};
pub use progress::{Audience, Begun, Moment, Progress};
pub use setting::{ExecuteError, Setting};

use self::abort::AbortWatch;
use self::hooks::Hooks;
use self::setting::interrupted;
use self::stage::{Outcome, Stage};
use self::watched::Watched;
use crate::agents::{Found, signals as agent_signals};
use crate::load::{self, Clock, Kept, LoadRun, OwnSignals};
use crate::plan::PlannedRun;
use crate::reading::Reading;
use crate::run::{AgentFacts, Judged, LoadFacts, RunEnd, RunId, RunStart, RunState, StoredHistogram};
use crate::scenario::Scenario;
use crate::scenario::hook::Moment as HookMoment;
use crate::scenario::load::Load;
use crate::scenario::profile::Profile;
use crate::scenario::signal::SignalSource;
use crate::signals::{Collector, CollectorReport};
use crate::store::{NewAgents, RunWords, RunWriter, Store};
use crate::summary::histograms::Histograms;
use crate::summary::live::Live;
use crate::system::fault::{FaultRun, Times};
use crate::system::hook::{self, HookRun};
use crate::system::{self, System, SystemError, Wanted};
use crate::utc;

/// From setting everything up to the first request.
const LEAD: Duration = Duration::from_millis(200);
/// How often processes are looked at.
const PROCESS_EVERY: Duration = Duration::from_millis(500);

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
    /// Whether the user ended it, though its load may be complete.
    pub was_interrupted: bool,
    /// The seal of what is stored of it.
    pub seal: Option<String>,
}

/// Carries out one run. Samples that were taken are stored in every case.
///
/// # Errors
/// If the target does not come up or goes down, or load, signals or store fail; the run is then
/// stored as `failed` with what it has.
pub async fn carry_out(
    setting: &Setting,
    planned: &PlannedRun,
    audience: &mut Audience,
) -> Result<Carried, ExecuteError> {
    let profile = setting.scenario.profile(&planned.profile)?;
    // Before anything is started: a store that cannot be written makes all else idle.
    let mut store = Store::open(&setting.store)?;
    let around = Hooks::new(setting, planned, profile);
    let mut hooks = Vec::new();
    let mut interrupt = setting.interrupt.clone();
    let system = tokio::select! {
        system = bring_up(setting, profile, planned, &around, &mut hooks, audience) => system?,
        () = interrupted(&mut interrupt) => return Err(ExecuteError::Interrupted),
    };
    let processes = system.services();
    let sources = &setting.scenario.signals;
    let sources: Vec<&SignalSource> = sources.iter().filter(|s| s.is_of(&planned.profile)).collect();
    let pids = around.around.pids.clone();
    let mut collector =
        Collector::new(&sources, processes, PROCESS_EVERY, &setting.scenario.way().straight())?
            .following(move |service| pids.of(service));
    let first_readings = collector.first_readings().await;
    let found = tokio::select! {
        found = agents::prepare(setting, planned) => found?,
        () = interrupted(&mut interrupt) => return Err(ExecuteError::Interrupted),
    };
    let clock = Clock::starting_in(if found.is_some() { agents::LEAD } else { LEAD });
    let start = start(setting, planned, profile, &clock);
    let run = store.begin_run(&start, &setting.scenario.sources)?;
    audience.begin(&Begun {
        run,
        scenario: Arc::clone(&setting.scenario),
        planned: planned.clone(),
        experiment: setting.experiment,
    });
    let reading = (collector, first_readings);
    let of_run = (run, found.as_ref());
    let measuring = measure(setting, planned, of_run, clock, reading, &around, system, audience);
    let measured = Box::pin(measuring).await;
    match measured {
        Ok(mut measured) => {
            let during = hook::none_failed(&around.hooks, &around.around, &measured.hooks);
            hooks.append(&mut measured.hooks);
            let after = match measured.outcome.state {
                // What comes after is done whatever has failed before: it may be there to clean up.
                RunState::Done => around.run(HookMoment::After, &mut hooks).await.and(during),
                _ => Ok(()),
            };
            let faults = measured.faults.iter().map(|run| fault::facts(run, &clock)).collect();
            let agents = std::mem::take(&mut measured.agents);
            let end = RunEnd { faults, agents, ..end_of(&mut measured.outcome, after.err(), &hooks, &clock) };
            store.keep_histograms(run, &measured.histograms)?;
            store.end_run(run, &end)?;
            if let (Some(fleet), Some(found)) = (&setting.fleet, &found) {
                agents::release(fleet, found, &store, &end.agents).await?;
            }
            measured.system.stop().await?;
            match measured.outcome.error {
                Some(error) => Err(error),
                None => Ok(Carried {
                    run,
                    state: end.state,
                    samples: measured.samples,
                    signals: measured.signals,
                    note: end.note,
                    was_interrupted: measured.outcome.was_interrupted,
                    seal: store.written_seal(Judged::Run(run))?,
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
fn end_of(outcome: &mut Outcome, failed: Option<SystemError>, hooks: &[HookRun], clock: &Clock) -> RunEnd {
    if let Some(error) = failed {
        outcome.state = RunState::Failed;
        outcome.error = Some(error.into());
    }
    let note = outcome.error.as_ref().map_or(std::mem::take(&mut outcome.note), ToString::to_string);
    RunEnd {
        state: outcome.state,
        note,
        phases: std::mem::take(&mut outcome.phases),
        hooks: hooks.iter().map(|hook| hooks::facts(hook, clock)).collect(),
        faults: Vec::new(),
        agents: Vec::new(),
        clock_step_us: clock.wall_step_us(),
    }
}

/// Everything up that the load needs, the hooks before it included.
async fn bring_up(
    setting: &Setting,
    profile: &Profile,
    planned: &PlannedRun,
    hooks: &Hooks,
    runs: &mut Vec<HookRun>,
    audience: &mut Audience,
) -> Result<System, SystemError> {
    if !profile.services.is_empty() {
        let names: Vec<&str> = profile.services.iter().map(|s| s.name.as_str()).collect();
        audience.note(&format!("{}: starting {}", planned.profile, names.join(", ")));
    }
    let way = setting.scenario.way();
    let wanted = Wanted { profile, proxies: &setting.scenario.proxies, seed: planned.seed };
    let system = system::start(wanted, &hooks.around, &way, &setting.journal).await?;
    system::reset(profile, &hooks.around, &way).await?;
    hooks.run(HookMoment::Before, runs).await?;
    Ok(system)
}

/// What is known of a run before its first request.
fn start(setting: &Setting, planned: &PlannedRun, profile: &Profile, clock: &Clock) -> RunStart {
    let scenario = &setting.scenario;
    RunStart {
        scenario: scenario.name.clone(),
        scenario_file: scenario.file.clone(),
        fingerprint: scenario.fingerprint(&planned.stated_load, &planned.faults),
        load: planned.load_name.clone(),
        load_text: planned.load.text(),
        profile: planned.profile.clone(),
        label: setting.label.clone(),
        arm: planned.arm,
        experiment: setting.experiment.filter(|_| planned.part.is_some()),
        round: planned.part.filter(|_| setting.experiment.is_some()).map(|part| part.round),
        started_at: utc::to_second(clock.unix_us()),
        started_unix_us: clock.unix_us(),
        seed: planned.seed,
        command: setting.command.clone(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        environment: environment::facts(setting, profile, planned),
        load_facts: load_facts(&planned.load, setting.load_workers()),
        parts: if planned.load.parts.len() > 1 { planned.load.part_facts() } else { Vec::new() },
        stages: if planned.load.is_plain() { Vec::new() } else { planned.load.stage_facts() },
        claims: scenario.claims.clone(),
        must_hold: profile.must_hold_under(&planned.load_name),
        deployment: setting.deployment.clone(),
        keys: scenario.key_facts(),
        races: scenario.races.clone(),
        raised: scenario.raised.clone(),
        tags: scenario.tags.clone(),
        symptoms: scenario.symptoms.clone(),
        trace_url: scenario.trace.as_ref().map(|trace| trace.url.clone().unwrap_or_default()),
    }
}

fn load_facts(load: &Load, workers: u16) -> LoadFacts {
    LoadFacts {
        executor: load.kind().word().to_owned(),
        max_in_flight: load.max_in_flight(),
        rate_per_s: load.mean_rate(),
        workers,
    }
}

/// What a run's identifiers are salted with: when it begins, unless its system begins afresh and so holds none of those that
/// other runs with its seed have left.
fn salt(scenario: &Scenario, planned: &PlannedRun, clock: &Clock) -> Option<u64> {
    let profile = scenario.profile(&planned.profile).ok()?;
    (!profile.begins_afresh()).then(|| clock.unix_us().unsigned_abs())
}

/// The measured part of a run.
struct Measured {
    system: System,
    outcome: Outcome,
    samples: u64,
    histograms: Vec<StoredHistogram>,
    signals: CollectorReport,
    /// The hooks that ran during the load.
    hooks: Vec<HookRun>,
    /// What was done to the system on purpose.
    faults: Vec<FaultRun>,
    /// What became of the agents that made the load.
    agents: Vec<AgentFacts>,
}

/// Load, signals, faults and the hooks during the load, from the first request to the last reading.
#[expect(clippy::too_many_arguments, reason = "the rooms meet here")]
async fn measure(
    setting: &Setting,
    planned: &PlannedRun,
    (run, found): (RunId, Option<&Found>),
    clock: Clock,
    (collector, first_readings): (Collector, Vec<Reading>),
    hooks: &Hooks,
    system: System,
    audience: &mut Audience,
) -> Result<Measured, ExecuteError> {
    let scenario = &setting.scenario;
    let live = Arc::new(Mutex::new(Live::new(&scenario.endpoints)));
    let mut signals = collector.infos().to_vec();
    let own_from = signals.len();
    match found {
        Some(found) => signals.extend(agent_signals::infos(&found.agents)),
        None => signals.extend(OwnSignals::infos(setting.pacing)),
    }
    let words = RunWords {
        endpoints: &scenario.endpoints,
        user_classes: scenario.user_classes.iter().map(|class| class.name.as_str()).collect(),
        signals: &signals,
        soft_checks: &scenario.soft_checks,
        agents: found.map(|found| NewAgents { token: &found.token, agents: &found.agents }),
    };
    let histograms = Arc::new(Mutex::new(Histograms::default()));
    let writer = RunWriter::start(&setting.store, run, &words, observer(&live, &histograms))?;
    let salt = salt(scenario, planned, &clock);
    let (running, from_agents) = match setting.fleet.as_deref().zip(found) {
        Some((fleet, found)) => {
            let of = (setting.store.as_path(), run);
            let (running, collected) = agents::start(fleet, found, &writer, of, (clock, salt)).await?;
            (running, Some((fleet, found, collected)))
        }
        None => {
            let load = LoadRun {
                scenario: Arc::clone(scenario),
                load: planned.load.clone(),
                base_url: planned.base_url.clone(),
                seed: planned.seed,
                salt,
                workers: setting.workers,
                share: None,
                pacing: setting.pacing,
                clock,
                kept: Kept::Failed,
                own: Some(Arc::new(OwnSignals::new(own_from, Arc::new(writer.readings())))),
            };
            (load::start(load, writer.sink()).await?, None)
        }
    };
    let (stop, stopping) = watch::channel(false);
    let latest = collector.latest();
    let emit = writer.readings();
    emit(first_readings);
    let collect = collector.run(move || clock.now_us(), emit, stopping.clone());
    let during = hook::run_during_load(&hooks.hooks, &hooks.around, clock.zero(), stopping.clone());
    let (drain_begins, drain) = watch::channel(None);
    let (tell, told) = std::sync::mpsc::channel();
    let tools = system.fault_tools(&hooks.around, &scenario.way(), &setting.undo);
    let times = Times { zero: clock.zero(), drain, stop: stopping };
    // The last ones are over when nobody listens any more.
    let tell = move |text| drop(tell.send(text));
    let faults = system::fault::carry_out(&planned.faults, &tools, &times, &tell);
    let mut stage = Stage {
        setting,
        planned,
        clock,
        writer: &writer,
        system: &system,
        latest: latest.clone(),
        watched: Watched::new(audience, planned, setting.experiment, &running, Arc::clone(&live), latest),
        abort: planned.load.abort.clone().map(|abort| AbortWatch::new(abort, live)),
        drain_begins,
        told,
    };
    let drive = async {
        let outcome = stage.play(running).await;
        let _ = stop.send(true);
        outcome
    };
    let (signals, hooks, faults, outcome) = futures_util::future::join4(collect, during, faults, drive).await;
    let agents = match from_agents {
        Some((fleet, found, collected)) => agents::end(fleet, found, collected).await?,
        None => Vec::new(),
    };
    let samples = writer.finish()?;
    let histograms = histograms.lock().unwrap_or_else(PoisonError::into_inner).stored(&scenario.endpoints);
    Ok(Measured { system, outcome, samples, histograms, signals, hooks, faults, agents })
}

/// Sees every batch on the thread that stores it.
fn observer(live: &Arc<Mutex<Live>>, histograms: &Arc<Mutex<Histograms>>) -> crate::store::Observer {
    let (live, histograms) = (Arc::clone(live), Arc::clone(histograms));
    Box::new(move |batch| {
        histograms.lock().unwrap_or_else(PoisonError::into_inner).add_batch(batch);
        live.lock().unwrap_or_else(PoisonError::into_inner).add(batch);
    })
}
