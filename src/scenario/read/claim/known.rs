//! What claims may speak of.

use std::collections::{BTreeMap, BTreeSet};

use crate::run::{RaisedEvent, Tagged};
use crate::sample::Subject;
use crate::scenario::fault::Fault;
use crate::scenario::hook::{Hook, Moment};
use crate::scenario::load::Load;
use crate::scenario::profile::Profile;
use crate::scenario::signal::SignalSource;

/// What claims may speak of.
pub(in crate::scenario) struct Known<'a> {
    pub(in crate::scenario) endpoints: &'a [Subject],
    pub(in crate::scenario) loads: &'a BTreeMap<String, Load>,
    pub(in crate::scenario) profiles: Vec<String>,
    /// Signals that are read, those of processes included.
    pub(in crate::scenario) signals: Vec<String>,
    /// Services with CPU time.
    pub(in crate::scenario) services: Vec<String>,
    /// Hooks that run beside the load, stages of loads, and faults.
    pub(in crate::scenario) events: Vec<String>,
    /// What is done to the system on purpose.
    pub(in crate::scenario) faults: &'a [Fault],
    /// What requests race each other for.
    pub(in crate::scenario) races: &'a [String],
    /// Checks that are counted and decide nothing.
    pub(in crate::scenario) soft_checks: &'a [String],
    /// The tags of what is called.
    pub(in crate::scenario) tags: &'a [Tagged],
    /// Streams that requests raise events in.
    pub(in crate::scenario) streams: Vec<String>,
    /// Goals of the search for capacity.
    pub(in crate::scenario) goals: Vec<String>,
}

impl<'a> Known<'a> {
    pub(in crate::scenario) fn new(
        endpoints: &'a [Subject],
        loads: &'a BTreeMap<String, Load>,
        profiles: &BTreeMap<String, Profile>,
        signals: &[SignalSource],
        hooks: &[Hook],
    ) -> Self {
        let services: BTreeSet<&str> =
            profiles.values().flat_map(|p| &p.services).map(|s| s.name.as_str()).collect();
        let of_processes =
            services.iter().chain(&["loadproof"]).flat_map(|s| [format!("{s} cpu"), format!("{s} memory")]);
        let signals =
            signals.iter().flat_map(SignalSource::names).map(str::to_owned).chain(of_processes).collect();
        let services = services.into_iter().map(str::to_owned).collect();
        let all = hooks.iter().chain(profiles.values().flat_map(|p| &p.hooks));
        let beside = all.filter(|h| matches!(h.moment, Moment::Beside(_))).map(|h| h.name.clone());
        let events = beside.chain(loads.values().flat_map(Load::stage_names)).collect();
        Self {
            endpoints,
            loads,
            profiles: profiles.keys().cloned().collect(),
            signals,
            services,
            events,
            faults: &[],
            races: &[],
            soft_checks: &[],
            tags: &[],
            streams: Vec::new(),
            goals: Vec::new(),
        }
    }

    /// The same, with races and the streams of raised events.
    pub(in crate::scenario) fn racing(self, races: &'a [String], raised: &[RaisedEvent]) -> Self {
        let streams: BTreeSet<&String> = raised.iter().map(|r| &r.stream).collect();
        Self { races, streams: streams.into_iter().cloned().collect(), ..self }
    }
}

impl<'a> Known<'a> {
    /// The same, with the goals of the search for capacity.
    pub(in crate::scenario) fn searching(self, goals: impl IntoIterator<Item = String>) -> Self {
        Self { goals: goals.into_iter().collect(), ..self }
    }

    /// The same, with the tags of what is called.
    pub(in crate::scenario) fn tagging(self, tags: &'a [Tagged]) -> Self {
        Self { tags, ..self }
    }

    /// The same, with checks that are counted and decide nothing.
    pub(in crate::scenario) fn checking(self, soft_checks: &'a [String]) -> Self {
        Self { soft_checks, ..self }
    }

    /// The same, with faults.
    pub(in crate::scenario) fn faulting(mut self, faults: &'a [Fault]) -> Self {
        self.events.extend(faults.iter().map(|fault| fault.name.clone()));
        Self { faults, ..self }
    }

    /// The names of stages and faults that runs under a load have.
    pub(in crate::scenario) fn windows(&self, name: &str, load: &Load) -> Vec<String> {
        let is_of = |fault: &&Fault| fault.loads.is_empty() || fault.loads.iter().any(|load| load == name);
        let faults = self.faults.iter().filter(is_of).map(|fault| fault.name.clone());
        load.stage_names().into_iter().chain(faults).collect()
    }
}
