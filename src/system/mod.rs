//! The system under test: its services are started, probed, reset and stopped; whatever happens,
//! they are stopped.
//!
//! Normal ends go through [`System::stop`]; early returns and panics through `Drop`; a kill of
//! loadproof itself through a watchdog per service.

mod gate;
pub mod hook;
mod http;
pub mod patch;
mod ready;
mod reset;
mod service;
mod strays;
mod watchdog;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use reset::reset;

use self::hook::Around;
use self::patch::Patched;
use self::ready::Probe;
use self::service::{RunningService, Strays};
use crate::scenario::profile::{Profile, Service};
use crate::web::Way;

/// How long a system that is up already may take to answer.
const REACHABLE_WITHIN: Duration = Duration::from_secs(5);
/// Time between two looks at whether a service is ready.
const PROBE_EVERY: Duration = Duration::from_millis(50);

/// Why the system under test is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    /// Somebody else listens where a service should.
    #[error(
        "port {port} of service `{service}` is already taken by another process\n  \
         hint: end that process (`ss -ltnp 'sport = :{port}'` shows it), or give the service another port"
    )]
    PortTaken {
        /// The service.
        service: String,
        /// The port.
        port: u16,
    },
    /// A service's program cannot be started.
    #[error("cannot start service `{service}`: `{program}`: {error}{hint}")]
    Start {
        /// The service.
        service: String,
        /// Its program.
        program: String,
        /// The system's words.
        error: std::io::Error,
        /// What to do about it; empty if nobody knows.
        hint: String,
    },
    /// A service's log file cannot be made.
    #[error("cannot write the log `{path}`: {error}")]
    Log {
        /// The file.
        path: PathBuf,
        /// The system's words.
        error: std::io::Error,
    },
    /// A service ended before it was ready, or during the run.
    #[error("service `{service}` ended with {status}; the end of its log, `{log}`:\n{tail}")]
    Ended {
        /// The service.
        service: String,
        /// How it ended.
        status: String,
        /// Its log file.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// A service was not ready in time.
    #[error(
        "service `{service}` was not ready within {within:?} ({probe}); the end of its log, `{log}`:\n{tail}"
    )]
    NotReady {
        /// The service.
        service: String,
        /// The time it had.
        within: Duration,
        /// What was asked, and the last answer.
        probe: String,
        /// Its log file.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// A system that should be up does not answer.
    #[error(
        "cannot reach `{url}`: {reason}\n  \
         hint: start the system, or correct its address; a scenario's profile can start its services"
    )]
    Unreachable {
        /// Where it should be.
        url: String,
        /// What happened.
        reason: String,
    },
    /// A file cannot be patched.
    #[error("cannot patch `{file}`: {reason}")]
    Patch {
        /// The file.
        file: String,
        /// Why not.
        reason: String,
    },
    /// The originals of patched files cannot be kept.
    #[error("cannot keep the originals of patched files in `{folder}`: {reason}")]
    Journal {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A patched file cannot be put back.
    #[error(
        "cannot restore `{file}`: {reason}\n  hint: the original is `{kept}`; compare the two, and copy it back"
    )]
    NotRestored {
        /// The file.
        file: PathBuf,
        /// Where its original is.
        kept: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A hook failed that may not.
    #[error("hook `{hook}` failed with {status}; the end of its log, `{log}`:\n{tail}")]
    Hook {
        /// The hook.
        hook: String,
        /// How it ended.
        status: String,
        /// Its log file.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// A reset was refused.
    #[error("cannot reset the system: {method} {url}: {reason}")]
    Reset {
        /// The request's method.
        method: String,
        /// Its URL.
        url: String,
        /// What happened.
        reason: String,
    },
}

/// A system under test that is up.
#[derive(Debug)]
pub struct System {
    services: Vec<RunningService>,
    patched: Option<Patched>,
}

/// Brings the system up under a profile: patches its files (their originals go to `journal`), then
/// starts its services in order, each after the one before is ready; their output goes to files among
/// the logs. For a profile without services, waits until its base URL answers. `way`: how that is reached.
///
/// # Errors
/// If a port is taken, a program cannot be started, or a service is not ready in time. Services
/// that had been started are stopped.
pub async fn start(
    profile: &Profile,
    around: &Around,
    way: &Way,
    journal: &Path,
) -> Result<System, SystemError> {
    let mut system = System { services: Vec::new(), patched: None };
    if !profile.patches.is_empty() {
        system.patched = Some(Patched::apply(&profile.patches, journal)?);
    }
    if profile.services.is_empty() {
        http::reachable(&around.base_url, way, REACHABLE_WITHIN).await?;
        return Ok(system);
    }
    for service in &profile.services {
        refuse_taken_port(service).await?;
        let log = around.logs.join(format!("{}-{}.log", profile.name, service.name));
        // Among the target's before it is ready: an early return stops it with the others.
        system.services.push(RunningService::start(
            &service.name,
            &service.program,
            service.stop_within,
            &log,
            Strays::End,
        )?);
        if let Some(started) = system.services.last_mut() {
            wait_until_ready(service, started, around, way).await?;
        }
    }
    Ok(system)
}

impl System {
    /// The names and process ids of its services.
    pub fn services(&self) -> impl Iterator<Item = (&str, u32)> {
        self.services.iter().map(|s| (s.name(), s.process()))
    }

    /// Looks whether all services are still there.
    ///
    /// # Errors
    /// If one has ended, with the end of its log.
    pub fn check_alive(&mut self) -> Result<(), SystemError> {
        self.services.iter_mut().try_for_each(RunningService::check_alive)
    }

    /// Stops the services, the last started first: TERM to their process groups, then KILL. Then
    /// puts the patched files back.
    ///
    /// # Errors
    /// If a file was changed by somebody else meanwhile.
    pub async fn stop(mut self) -> Result<(), SystemError> {
        while let Some(service) = self.services.pop() {
            service.stop().await;
        }
        self.patched.take().map_or(Ok(()), Patched::restore)
    }
}

impl Drop for System {
    /// In the same order as [`System::stop`]: a list drops its first element first.
    fn drop(&mut self) {
        while self.services.pop().is_some() {}
    }
}

async fn refuse_taken_port(service: &Service) -> Result<(), SystemError> {
    let Some(address) = http::address_of(&service.ready) else { return Ok(()) };
    match http::accepts(&address).await {
        Ok(taken) => Err(SystemError::PortTaken {
            service: service.name.clone(),
            port: taken.peer_addr().map_or(0, |a| a.port()),
        }),
        Err(_) => Ok(()),
    }
}

async fn wait_until_ready(
    service: &Service,
    started: &mut RunningService,
    around: &Around,
    way: &Way,
) -> Result<(), SystemError> {
    let deadline = tokio::time::Instant::now() + service.ready_within;
    let mut probe = Probe::new(service, started.log().to_owned(), around, way);
    loop {
        started.check_alive()?;
        let Err(last) = probe.ask().await else { return Ok(()) };
        if tokio::time::Instant::now() >= deadline {
            return Err(SystemError::NotReady {
                service: service.name.clone(),
                within: service.ready_within,
                probe: format!("{}: {last}", probe.text()),
                log: started.log().to_owned(),
                tail: started.log_tail(),
            });
        }
        tokio::time::sleep(PROBE_EVERY).await;
    }
}

#[cfg(test)]
mod tests;
