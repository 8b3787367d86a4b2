//! The system under test: its services are started, probed, reset and stopped; whatever happens,
//! they are stopped.
//!
//! Normal ends go through [`System::stop`]; early returns and panics through `Drop`; a kill of
//! loadproof itself through a watchdog per service.

pub mod fault;
mod fleet;
mod gate;
pub mod hook;
mod http;
mod journal;
pub mod patch;
mod pids;
mod proxy;
mod ready;
mod reset;
mod service;
mod strays;
mod watchdog;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use pids::Pids;
pub use reset::reset;

use self::fault::FaultTools;
use self::fleet::Fleet;
use self::hook::Around;
use self::patch::Patched;
use self::proxy::Proxies;
use crate::scenario::fault::Proxy;
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
    /// A proxy cannot listen.
    #[error(
        "proxy `{proxy}` cannot listen at `{address}`: {error}\n  \
         hint: end the process that does (`ss -ltnp 'sport = :{port}'` shows it), or give the proxy another address",
        port = address.port()
    )]
    Proxy {
        /// The proxy.
        proxy: String,
        /// Where it should listen.
        address: std::net::SocketAddr,
        /// The system's words.
        error: std::io::Error,
    },
    /// What a fault of an earlier run has left cannot be undone.
    #[error(
        "cannot undo fault `{fault}` of an earlier run: {reason}\n  \
         hint: undo it by hand, then delete `{file}`, which says how"
    )]
    NotUndone {
        /// The fault.
        fault: String,
        /// Why not.
        reason: String,
        /// Where it is written down what undoes it.
        file: PathBuf,
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
    services: Fleet,
    proxies: Proxies,
    patched: Option<Patched>,
}

/// What is brought up.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The system's configuration.
    pub profile: &'a Profile,
    /// Proxies in front of it.
    pub proxies: &'a [Proxy],
    /// Seed of what the proxies draw.
    pub seed: u64,
}

/// Brings the system up under a profile: patches its files (their originals go to `journal`), starts the proxies, then
/// its services in order, each after the one before is ready; their output goes to files among
/// the logs. For a profile without services, waits until its base URL answers. `way`: how that is reached.
///
/// # Errors
/// If a port is taken, a program cannot be started, or a service is not ready in time. Services
/// that had been started are stopped.
pub async fn start(
    wanted: Wanted<'_>,
    around: &Around,
    way: &Way,
    journal: &Path,
) -> Result<System, SystemError> {
    let Wanted { profile, proxies, seed } = wanted;
    let mut system = System {
        services: Fleet::new(around.pids.clone()),
        proxies: Proxies::start(proxies, seed).await?,
        patched: None,
    };
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
        // Among the system's before it is ready: an early return stops it with the others.
        system.services.start(service, &log)?;
        system.services.wait_until_ready(service, around, way).await?;
    }
    Ok(system)
}

impl System {
    /// The names and process ids of its services.
    pub fn services(&self) -> Vec<(String, u32)> {
        self.services.running()
    }

    /// Looks whether all services are still there that no fault has stopped.
    ///
    /// # Errors
    /// If one has ended, with the end of its log.
    pub fn check_alive(&self) -> Result<(), SystemError> {
        self.services.check_alive()
    }

    /// What faults need to act on it. `undo`: folder of what is to be undone.
    pub fn fault_tools(&self, around: &Around, way: &Way, undo: &Path) -> FaultTools {
        FaultTools {
            services: self.services.clone(),
            proxies: self.proxies.switches(),
            around: around.clone(),
            way: way.clone(),
            undo: undo.to_owned(),
        }
    }

    /// Stops the services, the last started first: TERM to their process groups, then KILL. Then
    /// puts the patched files back.
    ///
    /// # Errors
    /// If a file was changed by somebody else meanwhile.
    pub async fn stop(mut self) -> Result<(), SystemError> {
        while let Some(service) = self.services.take_last() {
            service.stop().await;
        }
        self.patched.take().map_or(Ok(()), Patched::restore)
    }
}

impl Drop for System {
    /// In the same order as [`System::stop`]: a list drops its first element first.
    fn drop(&mut self) {
        while self.services.take_last().is_some() {}
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

#[cfg(test)]
mod tests;
