//! Faults: what is done to the system during a run on purpose, at stated times.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use super::program::Program;
use crate::unit;

/// Something that is done to the system during a run, and undone again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its name; claims call it by it, and it is a phase of the run.
    pub name: String,
    /// When it begins.
    pub start: FaultStart,
    /// How long it lasts; none for one that is over at once, or stays until the run ends.
    pub lasts: Option<Duration>,
    /// What is done.
    pub action: FaultAction,
    /// The loads that it belongs to; empty for all.
    pub loads: Vec<String>,
    /// The profiles that it belongs to; empty for all.
    pub profiles: Vec<String>,
}

/// When a fault begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultStart {
    /// This long after the load's start.
    Load(Duration),
    /// This long after the load's end, while the system works off its backlog.
    Drain(Duration),
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultAction {
    /// Something to the processes of a service that loadproof has started.
    Service(ServiceFault, String),
    /// Something to all connections through a proxy.
    Proxy(ProxyFault, String),
    /// A command, and what undoes it.
    Command(Box<CommandFault>),
}

/// What is done to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceFault {
    /// TERM, and KILL when its time is up; started again at the end of the fault.
    Stop,
    /// KILL; started again at the end of the fault.
    Kill,
    /// Frozen where it stands (SIGSTOP); goes on at the end of the fault (SIGCONT).
    Pause,
    /// Stopped and started again at once.
    Restart,
}

/// What is done to the connections through a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyFault {
    /// What is sent arrives later by `delay`, give or take `jitter`, in each direction.
    Delay {
        /// How much later.
        delay: Duration,
        /// Uniformly this much more or less.
        jitter: Duration,
    },
    /// At most so many bytes per second pass in each direction, all connections together.
    Bandwidth(u64),
    /// Open connections are reset (RST); so are new ones while it lasts.
    Reset,
    /// Nothing passes: connections stay open, and what was sent arrives when it is over, as after lost packets.
    Blackhole,
    /// Open connections are closed, and new ones are refused.
    Cut,
}

/// A command that makes a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandFault {
    /// What is run; the fault begins when it has ended with exit code 0.
    pub run: Program,
    /// What undoes it. It is run in every case, after a kill of loadproof at its next start.
    pub undo: Option<Program>,
    /// How long each of them may take.
    pub within: Duration,
}

/// A TCP proxy in front of an address, for faults of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where its connections lead: `host:port`.
    pub to: String,
}

impl ServiceFault {
    /// All of them with their words in files and in the store.
    pub const ALL: [(&'static str, Self); 4] =
        [("stop", Self::Stop), ("kill", Self::Kill), ("pause", Self::Pause), ("restart", Self::Restart)];
}

impl Fault {
    /// The words for the kinds of faults of a proxy.
    pub const OF_PROXY: [&'static str; 5] = ["delay", "bandwidth", "reset", "blackhole", "cut"];

    /// The word for the kind of a command.
    pub const COMMAND: &'static str = "command";

    /// The word for its kind.
    pub fn kind(&self) -> &'static str {
        match &self.action {
            FaultAction::Service(fault, _) => {
                ServiceFault::ALL.iter().find(|(_, known)| known == fault).map_or("", |(word, _)| *word)
            }
            FaultAction::Proxy(fault, _) => match fault {
                ProxyFault::Delay { .. } => "delay",
                ProxyFault::Bandwidth(_) => "bandwidth",
                ProxyFault::Reset => "reset",
                ProxyFault::Blackhole => "blackhole",
                ProxyFault::Cut => "cut",
            },
            FaultAction::Command(_) => Self::COMMAND,
        }
    }

    /// Whether it belongs to the runs of a profile under a load.
    pub fn is_of(&self, load: &str, profile: &str) -> bool {
        let holds = |names: &[String], name: &str| names.is_empty() || names.iter().any(|n| n == name);
        holds(&self.loads, load) && holds(&self.profiles, profile)
    }

    /// Whether it is over as soon as it is done.
    pub fn is_over_at_once(&self) -> bool {
        self.lasts.is_none() && !self.stays()
    }

    /// Whether it stays until the run ends.
    pub fn stays(&self) -> bool {
        let is_over_at_once = match &self.action {
            FaultAction::Service(fault, _) => *fault == ServiceFault::Restart,
            FaultAction::Proxy(fault, _) => *fault == ProxyFault::Reset,
            FaultAction::Command(command) => command.undo.is_none(),
        };
        self.lasts.is_none() && !is_over_at_once
    }

    /// What it does, and for how long: `pause engine for 3 s`.
    pub fn text(&self) -> String {
        let what = match &self.action {
            FaultAction::Service(_, name) => format!("{} {name}", self.kind()),
            FaultAction::Proxy(fault, name) => match fault {
                ProxyFault::Delay { delay, jitter } if jitter.is_zero() => {
                    format!("delay {name} by {}", short(*delay))
                }
                ProxyFault::Delay { delay, jitter } => {
                    format!("delay {name} by {} ± {}", short(*delay), short(*jitter))
                }
                ProxyFault::Bandwidth(bytes) => format!("limit {name} to {}/s", unit::size(*bytes)),
                ProxyFault::Reset | ProxyFault::Blackhole | ProxyFault::Cut => {
                    format!("{} {name}", self.kind())
                }
            },
            FaultAction::Command(command) => crate::redact::command(&command.run.command.join(" ")),
        };
        match self.lasts {
            Some(lasts) => format!("{what} for {}", span(lasts)),
            None if self.stays() => format!("{what} until the run ends"),
            None => what,
        }
    }

    /// What it does to a run's work, whatever the service is called in a profile: equal text is an equal fault.
    pub(super) fn canonical(&self) -> String {
        let what = match &self.action {
            // Its arms may call the service that is replaced by different names.
            FaultAction::Service(fault, _) => format!("{fault:?}"),
            FaultAction::Proxy(fault, name) => format!("{fault:?} {name}"),
            FaultAction::Command(_) => Self::COMMAND.to_owned(),
        };
        format!("{} {:?} {:?} {what}", self.name, self.start, self.lasts)
    }
}

impl fmt::Display for FaultStart {
    /// `at 20 s`, `2 s into the drain`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(at) => write!(f, "at {}", span(*at)),
            Self::Drain(at) => write!(f, "{} into the drain", span(*at)),
        }
    }
}

fn short(time: Duration) -> String {
    unit::time(time.as_secs_f64() * 1e6)
}

fn span(time: Duration) -> String {
    unit::span(time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(lasts: Option<u64>, action: FaultAction) -> Fault {
        let start = FaultStart::Load(Duration::from_secs(20));
        let lasts = lasts.map(Duration::from_secs);
        Fault { name: "f".to_owned(), start, lasts, action, loads: Vec::new(), profiles: Vec::new() }
    }

    #[test]
    fn a_fault_says_what_it_does_and_for_how_long() {
        let service = |fault| FaultAction::Service(fault, "engine".to_owned());
        let proxy = |fault| FaultAction::Proxy(fault, "payment".to_owned());
        let ms = Duration::from_millis;
        assert_eq!(fault(Some(3), service(ServiceFault::Pause)).text(), "pause engine for 3 s");
        assert_eq!(fault(None, service(ServiceFault::Kill)).text(), "kill engine until the run ends");
        assert_eq!(fault(None, service(ServiceFault::Restart)).text(), "restart engine");
        assert_eq!(fault(None, proxy(ProxyFault::Reset)).text(), "reset payment");
        let delay = ProxyFault::Delay { delay: ms(200), jitter: ms(50) };
        insta::assert_snapshot!(fault(Some(5), proxy(delay)).text(), @"delay payment by 200 ms ± 50.0 ms for 5 s");
    }

    #[test]
    fn equal_faults_of_services_with_other_names_are_equal_work() {
        let of = |name: &str| fault(Some(3), FaultAction::Service(ServiceFault::Kill, name.to_owned()));
        assert_eq!(of("checkout-py").canonical(), of("checkout-rs").canonical());
        assert_ne!(of("a").canonical(), fault(Some(4), of("a").action).canonical());
    }
}
