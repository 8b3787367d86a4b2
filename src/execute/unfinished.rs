//! Searches for capacity that were cut short, and go on: trials that are stored are not made again.

use std::sync::Arc;

use super::setting::{ExecuteError, ResumeError};
use crate::assess::AssessError;
use crate::capacity::Searched;
use crate::plan::Choices;
use crate::run::{CapacityEnding, CapacityId};
use crate::scenario::Scenario;
use crate::store::{CapacityFacts, Reference, Store, TrialRow};

/// A search that was cut short, as it is stored.
#[derive(Clone, Debug)]
pub struct UnfinishedSearch {
    facts: CapacityFacts,
    searched: Searched,
}

impl UnfinishedSearch {
    /// The search of a name: `c3`, or `latest`.
    ///
    /// # Errors
    /// If there is none, it has nothing left to try, or was changed after it was stored.
    pub fn find(name: &str, store: &Store) -> Result<Self, ExecuteError> {
        let id = if name == "latest" {
            store.latest_capacity()?.ok_or(ResumeError::NoSearch)?
        } else {
            let number = name.strip_prefix('c').and_then(|number| number.parse().ok());
            CapacityId(number.ok_or_else(|| ResumeError::NotASearch(name.to_owned()))?)
        };
        let facts = store.capacity(id)?;
        if facts.ended == Some(CapacityEnding::Found) {
            return Err(ResumeError::Found(id).into());
        }
        // Resuming seals the search anew, which would hide an earlier change.
        if let Some(changed) = store.capacity_seal(id)?.breach() {
            return Err(ResumeError::Changed { id, changed }.into());
        }
        let searched = serde_json::from_str(&facts.planned.subject).map_err(AssessError::from)?;
        Ok(Self { facts, searched })
    }

    /// Its number.
    pub fn id(&self) -> CapacityId {
        self.facts.id
    }

    /// The seed of all its randomness.
    pub fn seed(&self) -> u64 {
        self.facts.planned.seed
    }

    /// Its load's name.
    pub fn load(&self) -> &str {
        &self.searched.load
    }

    /// Its profiles, the baseline first.
    pub fn profiles(&self) -> &[String] {
        &self.searched.profiles
    }

    /// What it goes by.
    pub(super) fn searched(&self) -> &Searched {
        &self.searched
    }

    /// Its trials, in order of time.
    pub(super) fn trials(&self) -> &[TrialRow] {
        &self.facts.trials
    }

    /// Refuses what the flags name if it is not what the search has.
    ///
    /// # Errors
    /// If they name another load, or other profiles.
    pub fn expect(&self, load: Option<&str>, profiles: &[String]) -> Result<(), ResumeError> {
        let other = |what, found: String, given: String| {
            Err(ResumeError::OtherSearch { id: self.id(), what, found, given })
        };
        match load {
            Some(load) if load != self.load() => other("load", self.load().to_owned(), load.to_owned()),
            _ if !profiles.is_empty() && profiles != self.profiles() => {
                other("profiles", self.profiles().join(","), profiles.join(","))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a scenario and choices that ask for other work than its trials did.
    pub(super) fn check_work(
        &self,
        scenario: &Arc<Scenario>,
        choices: &Choices,
        store: &Store,
    ) -> Result<(), ExecuteError> {
        let (id, planned) = (self.id(), &self.facts.planned);
        let what = format!("capacity search {id}");
        if planned.scenario != scenario.name {
            let (found, given) = (planned.scenario.clone(), scenario.name.clone());
            return Err(ResumeError::OtherScenario { what, found, given }.into());
        }
        let trial_s = choices.load.run_time().map_or(0.0, |time| time.as_secs_f64());
        // It went through text, which may cost a last digit.
        let is_as_long = (trial_s - self.searched.terms.trial_s).abs() < 1e-9;
        let mut is_same = is_as_long && choices.load.level().is_some();
        for profile in self.profiles() {
            let Some(trial) = self.trials().iter().find(|trial| trial.profile == *profile) else { continue };
            let faults = scenario.faults_under(self.load(), profile);
            let asked = scenario.fingerprint(&choices.load.at_level(trial.load)?, &faults);
            is_same &= store.run(&Reference::Run(trial.run))?.start.fingerprint == asked;
        }
        if is_same {
            Ok(())
        } else {
            Err(ResumeError::OtherWork { what, command: planned.command.clone() }.into())
        }
    }
}
