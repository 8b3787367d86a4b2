//! TCP proxies in front of the system's addresses, and what faults do to the connections through them.
//!
//! A proxy forwards bytes and understands none of them. What it draws (jitter) follows from the run's seed, the proxy's
//! name, and the number and direction of the connection.

mod connection;
mod pump;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use self::connection::Connection;
use self::pump::{Direction, Link};
use super::SystemError;
use crate::scenario::fault::{Proxy, ProxyFault};

/// How long a proxy may take to listen again after it was cut.
const LISTENS_WITHIN: Duration = Duration::from_secs(5);
/// How long it waits before it tries again what the system has refused.
const RETRY: Duration = Duration::from_millis(20);

/// What is being done to the connections of a proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Effects {
    /// Delay and jitter.
    delay: Option<(Duration, Duration)>,
    /// Bytes per second.
    bandwidth: Option<u64>,
    is_blackhole: bool,
    /// Connections are closed, and none is accepted.
    is_cut: bool,
    /// New connections are reset, too.
    is_reset: bool,
    /// How often open connections were reset: those that are older than the last time go.
    resets: u64,
}

/// The proxies of a run; dropped, they close all connections.
#[derive(Debug, Default)]
pub(super) struct Proxies {
    running: Vec<(Switch, Task)>,
}

/// Turns the effects of a proxy on and off.
#[derive(Clone, Debug)]
pub(super) struct Switch {
    name: String,
    effects: watch::Sender<Effects>,
    is_listening: watch::Receiver<bool>,
    link: Arc<Link>,
    accepted: Arc<AtomicU64>,
}

/// What has gone through a proxy so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Traffic {
    /// Connections that were let in.
    pub(super) accepted: u64,
    /// Whether one of them is open.
    pub(super) is_open: bool,
    /// Bytes that came in from either side.
    pub(super) bytes: u64,
}

/// Ends with its owner.
#[derive(Debug)]
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Proxies {
    /// Starts proxies. `seed`: of all that they draw.
    ///
    /// # Errors
    /// If one cannot listen.
    pub(super) async fn start(proxies: &[Proxy], seed: u64) -> Result<Self, SystemError> {
        let mut all = Self::default();
        for proxy in proxies {
            let listener = TcpListener::bind(proxy.listen).await.map_err(|error| SystemError::Proxy {
                proxy: proxy.name.clone(),
                address: proxy.listen,
                error,
            })?;
            let (effects, seen) = watch::channel(Effects::default());
            let (listens, is_listening) = watch::channel(true);
            let (link, accepted) = (Arc::<Link>::default(), Arc::<AtomicU64>::default());
            let door = Door {
                address: proxy.listen,
                to: proxy.to.clone(),
                seed: format!("{seed} {}", proxy.name),
                link: Arc::clone(&link),
                accepted: Arc::clone(&accepted),
                effects: seen,
                listens,
            };
            let task = tokio::spawn(door.serve(listener));
            let switch = Switch { name: proxy.name.clone(), effects, is_listening, link, accepted };
            all.running.push((switch, Task(task.abort_handle())));
        }
        Ok(all)
    }

    /// What turns their effects on and off.
    pub(super) fn switches(&self) -> Vec<Switch> {
        self.running.iter().map(|(switch, _)| switch.clone()).collect()
    }
}

impl Switch {
    /// The name of its proxy.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What has gone through its proxy so far.
    pub(super) fn traffic(&self) -> Traffic {
        let bytes = [Direction::ToSystem, Direction::ToClient].map(|way| self.link.lane(way).bytes());
        Traffic {
            accepted: self.accepted.load(Ordering::Relaxed),
            // The door looks out for effects, and each connection does.
            is_open: self.effects.receiver_count() > 1,
            bytes: bytes.iter().sum(),
        }
    }

    /// Begins a fault.
    pub(super) fn begin(&self, fault: ProxyFault) {
        self.effects.send_modify(|effects| match fault {
            ProxyFault::Delay { delay, jitter } => effects.delay = Some((delay, jitter)),
            ProxyFault::Bandwidth(bytes) => effects.bandwidth = Some(bytes),
            ProxyFault::Reset => (effects.is_reset, effects.resets) = (true, effects.resets + 1),
            ProxyFault::Blackhole => effects.is_blackhole = true,
            ProxyFault::Cut => effects.is_cut = true,
        });
    }

    /// Ends a fault.
    ///
    /// # Errors
    /// If the proxy cannot listen again.
    pub(super) async fn end(&self, fault: ProxyFault) -> Result<(), String> {
        self.effects.send_modify(|effects| match fault {
            ProxyFault::Delay { .. } => effects.delay = None,
            ProxyFault::Bandwidth(_) => effects.bandwidth = None,
            ProxyFault::Reset => effects.is_reset = false,
            ProxyFault::Blackhole => effects.is_blackhole = false,
            ProxyFault::Cut => effects.is_cut = false,
        });
        if fault != ProxyFault::Cut {
            return Ok(());
        }
        let mut is_listening = self.is_listening.clone();
        match tokio::time::timeout(LISTENS_WITHIN, is_listening.wait_for(|listens| *listens)).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err("another process has taken its address in the meantime".to_owned()),
        }
    }
}

/// Where a proxy lets connections in.
struct Door {
    address: SocketAddr,
    to: String,
    seed: String,
    link: Arc<Link>,
    accepted: Arc<AtomicU64>,
    effects: watch::Receiver<Effects>,
    listens: watch::Sender<bool>,
}

impl Door {
    /// Lets connections in until nobody can turn anything on or off any more.
    async fn serve(mut self, listener: TcpListener) {
        let mut listener = Some(listener);
        let mut connections = JoinSet::new();
        let mut number = 0_u64;
        loop {
            if self.effects.borrow_and_update().is_cut {
                listener = None;
                self.listens.send_replace(false);
                if self.effects.changed().await.is_err() {
                    return;
                }
                continue;
            }
            let Some(open) = &listener else {
                match TcpListener::bind(self.address).await {
                    Ok(again) => {
                        listener = Some(again);
                        self.listens.send_replace(true);
                    }
                    Err(_) => tokio::time::sleep(RETRY).await,
                }
                continue;
            };
            tokio::select! {
                accepted = open.accept() => match accepted {
                    Ok((client, _)) => {
                        let connection = Connection {
                            to: self.to.clone(),
                            seed: format!("{} {number}", self.seed),
                            link: Arc::clone(&self.link),
                            effects: self.effects.clone(),
                        };
                        number += 1;
                        self.accepted.store(number, Ordering::Relaxed);
                        connections.spawn(connection.carry(client));
                    }
                    // Too many open files, say: some will be closed.
                    Err(_) => tokio::time::sleep(RETRY).await,
                },
                changed = self.effects.changed() => if changed.is_err() {
                    return;
                },
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
