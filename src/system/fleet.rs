//! The services of a system that is up, shared by those who look after them and the faults that stop them.
//!
//! A service that a fault has stopped is away: nobody misses it until it is started again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::Signal;

use super::SystemError;
use super::hook::Around;
use super::pids::Pids;
use super::ready::Probe;
use super::service::{RunningService, Strays};
use crate::scenario::profile::Service;
use crate::web::Way;

/// The services of a system, in the order in which they were started first.
#[derive(Clone, Debug, Default)]
pub(super) struct Fleet {
    members: Arc<Mutex<Vec<Member>>>,
    pids: Pids,
}

#[derive(Debug)]
struct Member {
    service: Service,
    /// None while it is away.
    running: Option<RunningService>,
    log: PathBuf,
}

impl Fleet {
    /// One without services yet, whose process ids are known to others by `pids`.
    pub(super) fn new(pids: Pids) -> Self {
        Self { members: Arc::default(), pids }
    }

    /// Starts a service, the first time or again, with its output in `log`; whether it is ready is another question.
    pub(super) fn start(&self, service: &Service, log: &Path) -> Result<(), SystemError> {
        let running =
            RunningService::start(&service.name, &service.program, service.stop_within, log, Strays::End)?;
        self.pids.note(&service.name, Some(running.process()));
        let mut members = self.lock();
        match members.iter_mut().find(|member| member.service.name == service.name) {
            Some(member) => (member.running, member.log) = (Some(running), log.to_owned()),
            None => {
                members.push(Member {
                    service: service.clone(),
                    running: Some(running),
                    log: log.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Waits until a service that was started can take load.
    pub(super) async fn wait_until_ready(
        &self,
        service: &Service,
        around: &Around,
        way: &Way,
    ) -> Result<(), SystemError> {
        let deadline = tokio::time::Instant::now() + service.ready_within;
        let log = self.log(&service.name);
        let mut probe = Probe::new(service, log.clone(), around, way);
        loop {
            self.with(&service.name, RunningService::check_alive).unwrap_or(Ok(()))?;
            let Err(last) = probe.ask().await else { return Ok(()) };
            if tokio::time::Instant::now() >= deadline {
                return Err(SystemError::NotReady {
                    service: service.name.clone(),
                    within: service.ready_within,
                    probe: format!("{}: {last}", probe.text()),
                    tail: super::service::tail_of(&log),
                    log,
                });
            }
            tokio::time::sleep(super::PROBE_EVERY).await;
        }
    }

    /// The names and process ids of those that run.
    pub(super) fn running(&self) -> Vec<(String, u32)> {
        let members = self.lock();
        let process =
            |member: &Member| Some((member.service.name.clone(), member.running.as_ref()?.process()));
        members.iter().filter_map(process).collect()
    }

    /// Looks whether all that should be there are.
    pub(super) fn check_alive(&self) -> Result<(), SystemError> {
        let mut members = self.lock();
        members
            .iter_mut()
            .filter_map(|member| member.running.as_mut())
            .try_for_each(RunningService::check_alive)
    }

    /// What a service of the name is.
    pub(super) fn service(&self, name: &str) -> Option<Service> {
        self.lock().iter().find(|member| member.service.name == name).map(|member| member.service.clone())
    }

    /// The log of its last start.
    pub(super) fn log(&self, name: &str) -> PathBuf {
        let members = self.lock();
        members.iter().find(|member| member.service.name == name).map(|m| m.log.clone()).unwrap_or_default()
    }

    /// Takes a service that runs out of it, for a fault to stop; none if it does not run.
    pub(super) fn take(&self, name: &str) -> Option<RunningService> {
        let taken = self.lock().iter_mut().find(|member| member.service.name == name)?.running.take()?;
        self.pids.note(name, None);
        Some(taken)
    }

    /// Sends a signal to a service's processes; false if it does not run.
    pub(super) fn signal(&self, name: &str, signal: Signal) -> bool {
        self.with(name, |running| running.signal_all(signal)).is_some()
    }

    #[cfg(test)]
    pub(super) fn mark(&self, name: &str) -> Option<super::strays::Mark> {
        self.with(name, |running| running.mark().clone())
    }

    /// Takes the service that was started last of those that run; the others are forgotten.
    pub(super) fn take_last(&self) -> Option<RunningService> {
        loop {
            let member = self.lock().pop()?;
            self.pids.note(&member.service.name, None);
            if member.running.is_some() {
                return member.running;
            }
        }
    }

    fn with<T>(&self, name: &str, work: impl FnOnce(&mut RunningService) -> T) -> Option<T> {
        let mut members = self.lock();
        let member = members.iter_mut().find(|member| member.service.name == name)?;
        member.running.as_mut().map(work)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Member>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
