//! What coordinator and agents say to each other over NATS.
//!
//! Orders are requests with answers, in JSON; plans and files are asked for in pieces; batches are frames. Nothing of it goes
//! into a durable stream: what a plan holds may be secret, and what has to last is in the spools.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::spool::Finished;
use crate::load::Share;
use crate::scenario::load::Load;

/// The form of all this; agents and coordinators of different forms refuse each other.
pub(super) const PROTOCOL: u32 = 1;
/// Bytes of a piece of a file.
pub(super) const PIECE: usize = 256 << 10;
/// Bytes of the longest message in JSON.
pub(super) const LONGEST: usize = 256 << 10;
/// Bytes of the largest plan with its files.
pub(super) const LARGEST_PLAN: u64 = 256 << 20;

/// Where coordinators call for agents.
pub(super) const CALLS: &str = "loadproof.agents";

/// Where an agent takes orders.
pub(super) fn orders(id: &str) -> String {
    format!("loadproof.agent.{id}")
}

/// Where the pieces of a run's plan are asked for.
pub(super) fn pieces(token: &str) -> String {
    format!("loadproof.run.{token}.pieces")
}

/// Where the agents of a run tell how it goes.
pub(super) fn states(token: &str) -> String {
    format!("loadproof.run.{token}.states")
}

/// Where an agent of a run sends its batches.
pub(super) fn batches(token: &str, agent: u16) -> String {
    format!("loadproof.run.{token}.batches.{agent}")
}

/// Where all agents of a run send their batches.
pub(super) fn all_batches(token: &str) -> String {
    format!("loadproof.run.{token}.batches.*")
}

/// Where an agent hears which of its batches are stored.
pub(super) fn stored(token: &str, agent: u16) -> String {
    format!("loadproof.run.{token}.stored.{agent}")
}

/// A coordinator looks for agents.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) protocol: u32,
    pub(super) version: String,
}

/// An agent says what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Introduction {
    pub(super) protocol: u32,
    pub(super) version: String,
    /// Distinguishes it from all others, those of its name included.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) machine: String,
    pub(super) processor: String,
    pub(super) kernel: String,
    pub(super) cores: u32,
    pub(super) workers: u16,
    /// Whether it works for another coordinator.
    pub(super) is_busy: bool,
}

/// What an agent is told to do. `session`: by whom; it works for one at a time.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) session: String,
    pub(super) what: What,
}

/// What an agent is told to do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum What {
    /// To tell its time.
    TellTime,
    /// To work for this session from now on, or to go on with that.
    Join,
    /// To get ready for a run.
    Prepare(Assignment),
    /// To begin when its clock shows so many µs.
    Start { token: String, zero_us: i64, salt: Option<u64> },
    /// To end the load early.
    Stop { token: String },
    /// To work for this session no longer.
    Leave,
}

/// An agent's answer to an order.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    Time { clock_us: i64, unix_us: i64 },
    Ready(Ready),
    Done,
    Refused(String),
}

/// A run, for one agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Assignment {
    pub(super) token: String,
    pub(super) agent: u16,
    pub(super) share: Share,
    /// The work, then the scenario's files.
    pub(super) items: Vec<Item>,
}

/// Something that is asked for in pieces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Item {
    /// The file's name; empty for the work.
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// A piece that is asked for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PieceOf {
    pub(super) item: usize,
    pub(super) from: u64,
}

/// What all agents of a run make together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct WorkItem {
    pub(super) scenario: PathBuf,
    pub(super) vars: Vec<(String, String)>,
    pub(super) load: Load,
    pub(super) base_url: String,
    pub(super) seed: u64,
}

/// What shows that an agent will do the same work as the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ready {
    pub(super) fingerprint: String,
    /// The variables of the environment that its requests ask for, each with what tells its values apart.
    pub(super) variables: BTreeMap<String, String>,
}

/// How a run goes at an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) agent: u16,
    /// The orders of who tells this.
    pub(super) id: String,
    pub(super) users: u32,
    pub(super) in_flight: u32,
    pub(super) journeys_begun: u64,
    pub(super) users_done: bool,
    pub(super) finished: Option<Finished>,
    /// Why it cannot make its share.
    pub(super) error: Option<String>,
}

/// Which of an agent's batches are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stored {
    /// All below this number.
    pub(super) batches: u64,
    /// Whether the run is sealed and on the disk: the agent may forget it.
    pub(super) is_sealed: bool,
}

/// A message as JSON; its types rule a failure out.
pub(super) fn json<T: Serialize>(message: &T) -> bytes::Bytes {
    serde_json::to_vec(message).unwrap_or_default().into()
}

/// A message from JSON; none if it is of another kind, or too long.
pub(super) fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    (bytes.len() <= LONGEST).then(|| serde_json::from_slice(bytes).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::scenario::load::Executor;

    #[test]
    fn work_comes_back_as_it_was_though_json_has_no_infinite_rates() {
        let executor =
            Executor::Closed { users: 3, spawn_rate: f64::INFINITY, run_time: Duration::from_millis(1_500) };
        let work = WorkItem {
            scenario: "shop.toml".into(),
            vars: vec![("a".to_owned(), "b".to_owned())],
            load: Load::of(executor, vec![0, 2], Duration::from_secs(10)),
            base_url: "http://127.0.0.1:1".to_owned(),
            seed: 7,
        };
        assert_eq!(read::<WorkItem>(&json(&work)), Some(work));
    }

    #[test]
    fn an_order_comes_back_as_it_was() {
        let what = What::Start { token: "t".to_owned(), zero_us: -5, salt: None };
        let order = read::<Order>(&json(&Order { session: "s".to_owned(), what })).unwrap();
        assert!(matches!(order.what, What::Start { zero_us: -5, .. }));
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_read(bytes: Vec<u8>) {
            let _ = (read::<Order>(&bytes), read::<State>(&bytes), read::<Stored>(&bytes), read::<WorkItem>(&bytes));
        }
    }

    #[test]
    fn long_messages_are_not_read() {
        let long = format!("{{\"batches\": 1, \"is_sealed\": {}true}}", " ".repeat(LONGEST));
        assert_eq!(read::<Stored>(long.as_bytes()), None);
    }
}
