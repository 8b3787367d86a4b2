//! Searches for capacity: a load is raised until the objective is missed, and narrowed down to where.

use std::path::Path;
use std::sync::Arc;

use super::session::{Session, SessionOptions};
use super::setting::ExecuteError;
use crate::assess::capacity as assess;
use crate::capacity::{Capacity, Limits, Search, Try};
use crate::plan::{Choices, Plan};
use crate::run::RunState;
use crate::scenario::Scenario;
use crate::scenario::capacity::CapacitySpec;
use crate::scenario::load::Executor;
use crate::scenario::overrides::LoadOverrides;
use crate::store::Store;
use crate::unit;

/// From one load to the next on the way up.
const FACTOR: f64 = 1.5;
/// Nothing beyond this many times the first load is tried, if nobody says where to end.
const MOST_TIMES: f64 = 1000.0;
/// Loads beyond the capacity that show how the system breaks, as multiples of it.
const BEYOND: [f64; 2] = [1.5, 2.0];

/// A search, ready to be carried out.
#[derive(Clone, Debug)]
pub struct CapacitySearch {
    scenario: Arc<Scenario>,
    profile: String,
    choices: Choices,
    spec: CapacitySpec,
    limits: Limits,
    plan: Plan,
}

impl CapacitySearch {
    /// Plans one: the load of `choices` is raised.
    ///
    /// # Errors
    /// If the scenario has no such profile, or the load has nothing to raise.
    pub fn new(
        scenario: &Arc<Scenario>,
        profile: &str,
        choices: Choices,
        spec: CapacitySpec,
    ) -> Result<Self, ExecuteError> {
        let (own, is_whole) = own_load(&choices)?;
        let from = spec.from.unwrap_or(own);
        let limits = Limits {
            from,
            to: spec.to.unwrap_or(from * MOST_TIMES),
            factor: FACTOR,
            precision: spec.precision,
            repeats: spec.repeats,
            is_whole,
        };
        let plan = Plan::single(scenario, profile, &at(&choices, from)?)?;
        Ok(Self { scenario: Arc::clone(scenario), profile: profile.to_owned(), choices, spec, limits, plan })
    }

    /// The first run; which ones follow depends on what it comes to.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Searches, and looks `beyond` what was found if that is wanted; none if the user ended it.
    ///
    /// # Errors
    /// If a run cannot be carried out, or judged.
    pub fn carry_out(
        &self,
        beyond: bool,
        store: &Path,
        options: SessionOptions,
    ) -> Result<Option<Capacity>, ExecuteError> {
        let session = Session::new(&self.scenario, store, options, None)?;
        Tries { search: self, store, session, made: Vec::new() }.carry_out(beyond)
    }
}

/// The runs of a search.
struct Tries<'a> {
    search: &'a CapacitySearch,
    /// The store's file.
    store: &'a Path,
    session: Session,
    made: Vec<Try>,
}

impl Tries<'_> {
    fn carry_out(&mut self, beyond: bool) -> Result<Option<Capacity>, ExecuteError> {
        let limits = self.search.limits;
        let mut search = Search::new(limits);
        while let Some(load) = search.next_load() {
            let Some(met) = self.make(load)? else { return Ok(None) };
            search.note(load, met);
        }
        if let Some(found) = search.found().filter(|_| beyond) {
            for times in BEYOND {
                let load = if limits.is_whole { (found * times).round() } else { found * times };
                if load <= limits.to && self.make(load)?.is_none() {
                    return Ok(None);
                }
            }
        }
        Ok(Some(Capacity::of(search.found(), search.missed(), &self.made)))
    }

    /// Tries a load; whether the objective was met, or none if the user ended it.
    fn make(&mut self, load: f64) -> Result<Option<bool>, ExecuteError> {
        let CapacitySearch { scenario, profile, choices, spec, .. } = self.search;
        let plan = Plan::single(scenario, profile, &at(choices, load)?)?;
        let Some(planned) = plan.runs.first() else { return Ok(None) };
        let carried = self.session.carry_out(planned)?;
        if carried.state != RunState::Done || self.session.is_interrupted() {
            return Ok(None);
        }
        let made = assess::tried(carried.run, load, &spec.objective, &Store::open(self.store)?)?;
        let met = made.broken.is_empty();
        let words = match made.broken.first() {
            None => "met".to_owned(),
            Some(broken) => format!("missed: {} ({})", broken.condition, broken.seen),
        };
        self.session.audience().note(&format!("{}: {words}", unit::plain(load)));
        self.made.push(made);
        Ok(Some(met))
    }
}

/// The choices with another rate, or another number of users.
fn at(choices: &Choices, load: f64) -> Result<Choices, ExecuteError> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "users of a load; saturates")]
    let overrides = match choices.load.only() {
        Some(Executor::Closed { .. }) => {
            LoadOverrides { users: Some(load as u32), ..LoadOverrides::default() }
        }
        _ => LoadOverrides { rate: Some(load), ..LoadOverrides::default() },
    };
    Ok(Choices { load: choices.load.with(&overrides)?, ..choices.clone() })
}

/// The load's own rate or users, and whether that is a whole number.
fn own_load(choices: &Choices) -> Result<(f64, bool), ExecuteError> {
    match choices.load.only() {
        Some(Executor::Closed { users, .. }) => Ok(((*users).into(), true)),
        Some(Executor::Open { rate, .. }) => Ok((*rate, false)),
        _ => Err(ExecuteError::NothingToRaise(choices.load_name.clone())),
    }
}
