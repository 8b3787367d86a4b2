//! Scenario files: text in, checked values out. Knows no HTTP and touches no file itself: the
//! caller hands in the texts and the environment.
//!
//! [`compile`] reads a scenario file and what it includes, checks everything at once and gives a
//! [`Scenario`] that cannot be wrong any more: every template is parsed, every name resolved,
//! every weight possible. A request that holds no template is fixed text from here on.

pub mod auth;
pub mod broker;
pub mod capacity;
pub mod check;
mod compile;
mod decimal;
mod doubts;
mod effort;
pub mod endpoint;
mod extend;
pub mod fault;
pub mod feeder;
mod fields;
mod fix;
mod functions;
pub mod generators;
pub mod grid;
pub mod hook;
pub mod hosts;
pub mod journey;
pub mod json;
pub mod json_path;
pub mod keys;
pub mod lasting;
mod limits;
pub mod load;
mod names;
pub mod overrides;
pub mod patch;
mod planned;
mod problem;
pub mod profile;
pub mod program;
pub mod raise;
mod read;
mod renamed;
pub mod replay;
pub mod rpc;
pub mod schema;
pub mod scope;
pub mod signal;
pub mod socket;
mod source;
mod substitute;
pub mod stages;
pub mod template;
pub mod timeline;
mod trying;
pub mod transport;
mod variables;
mod written;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use compile::compile;
pub use fix::{Fixed, fix};
pub use problem::ScenarioError;
pub(crate) use problem::suggestion;

use self::auth::Auth;
use self::broker::{Broker, Subscription};
use self::capacity::CapacitySpec;
use self::fault::{Fault, Proxy};
use self::feeder::{Feeder, Order};
use self::hook::Hook;
use self::hosts::AllowedHosts;
use self::journey::{Journey, UserClass};
use self::keys::KeyList;
use self::load::Load;
use self::profile::{Drain, Profile};
use self::signal::SignalSource;
use self::template::Templates;
use self::transport::{HttpVersion, Network, Tls};
use crate::claim::{Claim, Expression, Symptom};
use crate::redact::Redactor;
use crate::run::{Arm, KeyFacts, RaisedEvent, Source, Tagged};
use crate::sample::Subject;
use crate::web::Way;

/// What a scenario may know of the world: its files and its environment.
pub trait World {
    /// The text of a file.
    fn read(&self, path: &Path) -> std::io::Result<String>;
    /// The bytes of a file.
    fn read_bytes(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        self.read(path).map(String::into_bytes)
    }
    /// An environment variable.
    fn variable(&self, name: &str) -> Option<String>;
    /// Names and values that take the place of those in `[vars]`.
    fn vars(&self) -> Vec<(String, String)> {
        Vec::new()
    }
    /// The grid whose cells are further profiles; without an axis for none.
    fn grid(&self) -> grid::Grid {
        grid::Grid::default()
    }
}

/// Journeys, user classes, loads, profiles and signals for one system, checked.
#[derive(Debug)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What it is for; reports print it.
    pub why: String,
    /// The file as the user named it.
    pub file: String,
    /// The target's base URL, unless a profile says otherwise.
    pub base_url: String,
    /// The hosts that its requests may go to.
    pub allowed_hosts: AllowedHosts,
    /// What is called: [`EndpointId`](crate::sample::EndpointId) is a place in this list.
    pub endpoints: Vec<Subject>,
    /// Named sequences of steps.
    pub journeys: Vec<Journey>,
    /// Who performs them: `UserClassId` is a place in this list.
    pub user_classes: Vec<UserClass>,
    /// Amounts of traffic, by name.
    pub loads: BTreeMap<String, Load>,
    /// Configurations of the system under test, by name.
    pub profiles: BTreeMap<String, Profile>,
    /// How `experiment` uses them.
    pub experiment: Option<ExperimentSpec>,
    /// How `capacity` searches.
    pub capacity: Option<CapacitySpec>,
    /// What is read from the system while it is loaded.
    pub signals: Vec<SignalSource>,
    /// When the system's backlog counts as empty.
    pub drain: Option<Drain>,
    /// Commands around every run.
    pub hooks: Vec<Hook>,
    /// What is done to the system during its runs on purpose.
    pub faults: Vec<Fault>,
    /// TCP proxies that are up during every run, for faults of the network.
    pub proxies: Vec<Proxy>,
    /// What is claimed of the system.
    pub claims: Vec<Claim>,
    /// What tells that something is going wrong.
    pub symptoms: Vec<Symptom>,
    /// Keys with a stated popularity: list `k` of a [`crate::sample::Key`] is place `k` here …
    pub keys: Vec<KeyList>,
    /// … and beyond these a place among the feeders.
    pub feeders: Vec<Feeder>,
    /// What requests race each other for: a [`crate::sample::Race`] knows its place in this list.
    pub races: Vec<String>,
    /// Queues that all users share.
    pub queues: Vec<String>,
    /// Checks that are counted and decide nothing: a [`crate::sample::SoftChecks`] knows its place in
    /// this list.
    pub soft_checks: Vec<String>,
    /// Counters that all users share.
    pub counters: Vec<String>,
    /// The events that the system raises when it is asked for something.
    pub raised: Vec<RaisedEvent>,
    /// The tags of what is called, where it has some.
    pub tags: Vec<Tagged>,
    /// Credentials that requests are sent with: [`Request::auth`](journey::Request::auth) is a place in this list.
    pub auths: Vec<Auth>,
    /// Where events go to and come from.
    pub brokers: Vec<Broker>,
    /// The events that are awaited.
    pub subscriptions: Vec<Subscription>,
    /// Whether requests carry trace ids.
    pub trace: Option<Trace>,
    /// The version of HTTP that is spoken; gRPC goes over HTTP/2 in any case.
    pub http: HttpVersion,
    /// What is trusted of servers over TLS, and what they are shown.
    pub tls: Tls,
    /// The way to the system, where it is not the direct one.
    pub network: Network,
    /// Every template of the journeys, parsed.
    pub templates: Arc<Templates>,
    /// Its files, without what may be secret in them.
    pub sources: Vec<Source>,
    /// Where they have literals that look like secrets: `shop.toml, line 3`.
    pub literals: Vec<String>,
    /// Hides what is secret in messages, the values of its environment variables among it.
    pub redactor: Arc<Redactor>,
    /// What its files should say otherwise, as it is shown to people; empty if nothing.
    pub warnings: String,
    /// The variables of the environment that its requests ask for, each with what tells its values apart.
    pub workload_variables: BTreeMap<String, String>,
    /// The workload's text in a canonical form; equal text is equal work. See
    /// [`Scenario::fingerprint`].
    canonical_workload: String,
}

/// Requests carry trace ids (`traceparent`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Where a trace can be looked at: a URL with `{trace_id}` in it.
    pub url: Option<String>,
}

/// The arms of an experiment and how often they run.
#[derive(Clone, Debug, PartialEq)]
pub struct ExperimentSpec {
    /// Profile of the baseline.
    pub baseline: String,
    /// Profiles of the treatments; never empty, more than one for a matrix.
    pub treatments: Vec<String>,
    /// Load of every run.
    pub load: String,
    /// Most rounds; each holds one run of each profile.
    pub rounds: u32,
    /// Whether exactly so many are wanted, with one look at their end.
    pub is_exact: bool,
    /// Whether a pilot round goes before them; none leaves that to what is claimed.
    pub pilot: Option<bool>,
    /// A round that would end later than this is not begun.
    pub budget: Option<Duration>,
}

impl ExperimentSpec {
    /// Whether the number of rounds is fixed: no look before their end may end them.
    pub fn has_fixed_rounds(&self) -> bool {
        self.is_exact || self.rounds <= FIRST_LOOK || self.rounds > MOST_ROUNDS
    }

    /// The arm that a profile plays; none for one that plays none.
    pub fn arm_of(&self, profile: &str) -> Option<Arm> {
        if self.baseline == profile {
            return Some(Arm::Baseline);
        }
        self.treatments.iter().any(|t| t == profile).then_some(Arm::Treatment)
    }
}

/// Most rounds of an experiment that names no number: the last of the looks.
pub const MOST_ROUNDS: u32 = 20;
/// Rounds of the first look.
const FIRST_LOOK: u32 = 5;

impl Scenario {
    /// SHA-256, in hex, of journeys, bodies, user classes, `load` as it is run and the faults of the run: two runs
    /// with equal fingerprints asked the same work of their targets. Profile, base URL, seed and
    /// signals do not enter.
    pub fn fingerprint(&self, load: &Load, faults: &[Fault]) -> String {
        let mut faults: Vec<String> = faults.iter().map(Fault::canonical).collect();
        faults.sort();
        let faults = faults.join("\n");
        crate::checksum::sha256(format!("{}{}{faults}", self.canonical_workload, load.canonical()))
    }

    /// The faults of the runs of a profile under a load.
    pub fn faults_under(&self, load: &str, profile: &str) -> Vec<Fault> {
        self.faults.iter().filter(|fault| fault.is_of(load, profile)).cloned().collect()
    }

    /// What its samples are about, in the order of the lists of [`crate::sample::Key`].
    pub fn key_facts(&self) -> Vec<KeyFacts> {
        let keys = self.keys.iter().map(|list| KeyFacts {
            name: list.name.clone(),
            text: list.text(),
            bucket_shares: list.bucket_shares(),
            is_drawn: true,
        });
        let feeders = self.feeders.iter().map(|feeder| KeyFacts {
            name: feeder.name.clone(),
            text: feeder.text(),
            bucket_shares: Vec::new(),
            is_drawn: feeder.order == Order::Random,
        });
        keys.chain(feeders).collect()
    }

    /// A condition on a run, from the command line: checked against what this scenario has.
    ///
    /// # Errors
    /// If it is no such condition.
    pub fn condition(&self, text: &str) -> Result<Expression, ScenarioError> {
        compile::condition(self, text)
    }

    /// When the system's backlog counts as empty under a profile: by the signals that are read there; none if
    /// there are none.
    pub fn drain_under(&self, profile: &str) -> Option<Drain> {
        let drain = self.drain.as_ref()?;
        let read = self.signals.iter().filter(|source| source.is_of(profile));
        let read: Vec<&str> = read.flat_map(SignalSource::names).collect();
        let until_zero = drain.until_zero.iter().filter(|name| read.contains(&name.as_str()));
        let until_zero: Vec<String> = until_zero.cloned().collect();
        (!until_zero.is_empty()).then_some(Drain { until_zero, within: drain.within })
    }

    /// How its system is reached outside of the load: as the load reaches it.
    pub fn way(&self) -> Way {
        let Self { tls, network, .. } = self;
        Way {
            insecure: tls.insecure,
            ca: tls.ca.as_ref().map(|pem| pem.0.clone()),
            identity: tls.identity.as_ref().map(|(certificate, key)| format!("{}\n{}", certificate.0, key.0)),
            proxy: network.proxy.as_ref().map(|proxy| proxy.secret_url.clone()),
            unix_socket: network.unix_socket.clone(),
        }
    }

    /// The load of a name.
    ///
    /// # Errors
    /// With a suggestion, if there is none of that name.
    pub fn load(&self, name: &str) -> Result<&Load, ScenarioError> {
        named(&self.loads, "load", name)
    }

    /// The profile of a name.
    ///
    /// # Errors
    /// With a suggestion, if there is none of that name.
    pub fn profile(&self, name: &str) -> Result<&Profile, ScenarioError> {
        named(&self.profiles, "profile", name)
    }
}

fn named<'a, T>(map: &'a BTreeMap<String, T>, what: &str, name: &str) -> Result<&'a T, ScenarioError> {
    map.get(name).ok_or_else(|| {
        let known: Vec<&str> = map.keys().map(String::as_str).collect();
        ScenarioError::plain(format!("the scenario has no {what} `{name}`"), suggestion(name, &known))
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::Path;

    use super::World;

    /// One scenario, whatever file is asked for; no variable of the environment is set.
    pub(crate) struct Written(pub(crate) String);

    impl World for Written {
        fn read(&self, _path: &Path) -> std::io::Result<String> {
            Ok(self.0.clone())
        }

        fn variable(&self, _name: &str) -> Option<String> {
            None
        }
    }
}
