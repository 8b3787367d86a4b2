//! The measured part of a run: load, drain and effects, with an eye on target, store and user.

use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::abort::AbortWatch;
use super::drain::{self, Drained};
use super::setting::{ExecuteError, Setting, interrupted};
use super::watched::Watched;
use crate::load::{Clock, Running};
use crate::plan::PlannedRun;
use crate::run::{PhaseSpan, RunState};
use crate::sample::Phase;
use crate::signals::Latest;
use crate::store::{RunWriter, StoreError};
use crate::system::System;

/// How often it is checked that target and store are still there.
const LOOK: Duration = Duration::from_millis(200);

/// What is said of a run that was ended when its load was complete.
const ENDED_IN_DRAIN: &str = "the load is complete; ended by the user during the drain";

/// How the measured part of a run ended.
pub(super) struct Outcome {
    pub(super) state: RunState,
    /// Why it ended early, if not by an error.
    pub(super) note: String,
    pub(super) phases: Vec<PhaseSpan>,
    pub(super) error: Option<ExecuteError>,
    /// Whether the user ended it, though its load may be complete.
    pub(super) was_interrupted: bool,
}

impl Outcome {
    fn failed(phases: Vec<PhaseSpan>, error: ExecuteError) -> Self {
        Self { state: RunState::Failed, error: Some(error), ..Self::done(phases) }
    }

    fn done(phases: Vec<PhaseSpan>) -> Self {
        Self { state: RunState::Done, note: String::new(), phases, error: None, was_interrupted: false }
    }
}

/// Everything that has to be kept an eye on while a run goes on.
pub(super) struct Stage<'a> {
    pub(super) setting: &'a Setting,
    pub(super) planned: &'a PlannedRun,
    pub(super) clock: Clock,
    pub(super) writer: &'a RunWriter,
    pub(super) system: &'a System,
    pub(super) latest: Latest,
    pub(super) watched: Watched<'a>,
    pub(super) abort: Option<AbortWatch>,
    /// Hears when the drain begins.
    pub(super) drain_begins: watch::Sender<Option<Instant>>,
    /// What is done to the system meanwhile, in sentences.
    pub(super) told: Receiver<String>,
}

/// Why a run goes no further.
enum Cut {
    Interrupted,
    /// What `abort_when` saw.
    Aborted(String),
    Failed(ExecuteError),
}

impl Stage<'_> {
    /// Waits for everything to end, in order.
    pub(super) async fn play(&mut self, mut running: Running) -> Outcome {
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
            // The load is complete: that its backlog was not watched to the end takes nothing from it, unless effects are
            // awaited that nobody will see now.
            if matches!(cut, Some(Cut::Interrupted))
                && let Ok(finished) = tokio::time::timeout(LOOK, &mut finish).await
            {
                return match finished {
                    Ok(_) => Outcome {
                        note: ENDED_IN_DRAIN.to_owned(),
                        was_interrupted: true,
                        ..Outcome::done(phases)
                    },
                    Err(error) => Outcome::failed(phases, error.into()),
                };
            }
        }
        if cut.is_none() {
            // Effects may take longer than the backlog; their own deadlines bound the wait.
            match self.watch(Phase::Drain, &mut finish).await {
                Ok(Ok(_)) => return Outcome::done(phases),
                Ok(Err(error)) => return Outcome::failed(phases, error.into()),
                Err(ended) => cut = Some(ended),
            }
        }
        stopper.stop();
        let finished = finish.await;
        let error = finished.err().map(ExecuteError::from);
        match cut {
            Some(Cut::Failed(error)) => Outcome::failed(phases, error),
            Some(Cut::Aborted(note)) => {
                Outcome { state: RunState::Failed, note, error, ..Outcome::done(phases) }
            }
            _ => Outcome {
                state: RunState::Interrupted,
                note: "ended by the user".to_owned(),
                error,
                was_interrupted: true,
                ..Outcome::done(phases)
            },
        }
    }

    /// Waits for `end`, showing progress and looking after target, store and user meanwhile.
    async fn watch<T>(
        &mut self,
        phase: Phase,
        end: &mut (impl Future<Output = T> + Unpin),
    ) -> Result<T, Cut> {
        let mut looks = tokio::time::interval(LOOK);
        let mut interrupt = self.setting.interrupt.clone();
        loop {
            tokio::select! {
                ended = &mut *end => return Ok(ended),
                () = interrupted(&mut interrupt) => return Err(Cut::Interrupted),
                _ = looks.tick() => self.check()?,
                () = tokio::time::sleep_until(self.watched.next()) => {
                    self.watched.show(phase, self.clock.now_us());
                }
            }
        }
    }

    /// Whether the run can go on.
    fn check(&mut self) -> Result<(), Cut> {
        for text in self.told.try_iter() {
            self.watched.note(&text);
        }
        self.system.check_alive().map_err(|e| Cut::Failed(e.into()))?;
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
        let now = Duration::from_micros(u64::try_from(now_us).unwrap_or(0));
        let timeline = self.planned.load.timeline();
        let end_us = timeline.end.map_or(now_us, us).min(now_us);
        let mut push = |phase: Phase, start_us, end_us| {
            phases.push(PhaseSpan {
                name: phase.word().to_owned(),
                start_us,
                end_us,
                complete,
                unknown: String::new(),
            });
        };
        for (phase, start, end) in timeline.spans(now) {
            push(phase, us(start), us(end));
        }
        push(Phase::CoolDown, end_us, now_us);
    }

    /// Waits until the system has worked off its backlog, if the scenario says how to see that.
    async fn drain(&mut self, phases: &mut Vec<PhaseSpan>) -> Result<(), Cut> {
        let Some(drain) = self.setting.scenario.drain_under(&self.planned.profile) else { return Ok(()) };
        let start_us = self.clock.now_us();
        self.drain_begins.send_replace(Some(Instant::now()));
        let latest = self.latest.clone();
        let empty = drain::until_empty(&drain, &latest, start_us);
        tokio::pin!(empty);
        let drained = self.watch(Phase::Drain, &mut empty).await;
        let now_us = self.clock.now_us();
        let (end_us, complete, unknown) = match &drained {
            Ok(Drained::At(at_us)) => (*at_us, true, String::new()),
            Ok(Drained::NotInTime) => (now_us, false, String::new()),
            Ok(Drained::Unknown(reason)) => (now_us, false, reason.clone()),
            Err(_) => (now_us, false, "the run was ended before".to_owned()),
        };
        let name = Phase::Drain.word().to_owned();
        phases.push(PhaseSpan { name, start_us, end_us, complete, unknown });
        drained.map(|_| ())
    }
}
