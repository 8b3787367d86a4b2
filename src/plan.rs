//! The plan: which runs, in which order, with which seeds. A value, made before anything is
//! touched, that can be printed (`--dry-run`) as well as carried out.

use std::fmt;
use std::time::Duration;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64Mcg;
use serde::Serialize;

use crate::run::Arm;
use crate::scenario::fault::Fault;
use crate::scenario::load::Load;
use crate::scenario::{ExperimentSpec, Scenario, ScenarioError};
use crate::unit;
use crate::web;

/// Runs in the order in which they are carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The runs; never empty.
    pub runs: Vec<PlannedRun>,
    /// How many rounds they form; 0 for a run outside an experiment.
    pub rounds: u32,
}

/// A run that is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedRun {
    /// The profile's name.
    pub profile: String,
    /// The target's base URL.
    pub base_url: String,
    /// The load's name.
    pub load_name: String,
    /// The load, with the command line's values in it, as it is run.
    pub load: Load,
    /// The same as it was stated: a pilot may have made it last longer, which is no other work.
    pub stated_load: Load,
    /// What is done to the system during it on purpose.
    pub faults: Vec<Fault>,
    /// Seed of all draws; the same in both arms of a round.
    pub seed: u64,
    /// The arm that the scenario's experiment, or this one, gives its profile.
    pub arm: Option<Arm>,
    /// Part and round in an experiment.
    pub part: Option<Part>,
}

/// What a run is within an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Its arm.
    pub arm: Arm,
    /// Its round, from 1; 0 for the pilot.
    pub round: u32,
}

/// The number of the pilot among the rounds.
pub const PILOT: u32 = 0;

/// What the command line asks for beyond the scenario.
#[derive(Clone, Debug)]
pub struct Choices {
    /// The target's base URL in place of the scenario's and the profiles'.
    pub base_url: Option<String>,
    /// The load's name.
    pub load_name: String,
    /// The load, with the command line's values in it.
    pub load: Load,
    /// Random seed.
    pub seed: u64,
}

impl Plan {
    /// A single run under a profile.
    ///
    /// # Errors
    /// If the scenario has no such profile.
    pub fn single(scenario: &Scenario, profile: &str, choices: &Choices) -> Result<Self, ScenarioError> {
        let mut run = planned(scenario, profile, choices, choices.seed, None)?;
        run.arm = scenario.experiment.as_ref().and_then(|e| e.arm_of(profile));
        Ok(Self { runs: vec![run], rounds: 0 })
    }

    /// Rounds of all arms, interleaved so that drift of the machine falls on all alike: every odd
    /// round has an order drawn by the seed, and the round after it the reverse.
    ///
    /// # Errors
    /// If the scenario lacks a profile.
    pub fn experiment(
        scenario: &Scenario,
        spec: &ExperimentSpec,
        rounds: u32,
        choices: &Choices,
    ) -> Result<Self, ScenarioError> {
        let mut runs = Vec::new();
        let treatments = spec.treatments.iter().map(|t| (Arm::Treatment, t));
        let arms: Vec<(Arm, &String)> =
            std::iter::once((Arm::Baseline, &spec.baseline)).chain(treatments).collect();
        for (round, order) in (1..=rounds).zip(orders(arms.len(), choices.seed)) {
            let seed = round_seed(choices.seed, round);
            for place in order {
                let (arm, profile) = arms[place];
                runs.push(planned(scenario, profile, choices, seed, Some(Part { arm, round }))?);
            }
        }
        Ok(Self { runs, rounds })
    }

    /// The same with a round before the first, whose runs are no evidence.
    ///
    /// # Errors
    /// If the scenario lacks a profile.
    pub fn with_pilot(
        self,
        scenario: &Scenario,
        spec: &ExperimentSpec,
        choices: &Choices,
    ) -> Result<Self, ScenarioError> {
        let arms = std::iter::once((Arm::Baseline, &spec.baseline))
            .chain(spec.treatments.iter().map(|treatment| (Arm::Treatment, treatment)));
        let seed = round_seed(choices.seed, PILOT);
        let pilot = |(arm, profile): (Arm, &String)| {
            planned(scenario, profile, choices, seed, Some(Part { arm, round: PILOT }))
        };
        let mut runs = arms.map(pilot).collect::<Result<Vec<_>, _>>()?;
        runs.extend(self.runs);
        Ok(Self { runs, ..self })
    }

    /// Makes the runs of all rounds last so long in place of `stated`; the pilot's stay as they are.
    pub fn make_last(&mut self, run_time: Duration, stated: Duration) {
        for run in self.runs.iter_mut().filter(|run| run.part.is_some_and(|part| part.round != PILOT)) {
            run.load.last(run_time, stated);
        }
    }

    /// The runs of a round, in order.
    pub fn round(&self, round: u32) -> impl Iterator<Item = &PlannedRun> {
        self.runs.iter().filter(move |r| r.part.is_some_and(|p| p.round == round))
    }

    /// How long the loads of its runs take together, in seconds, as far as that is known.
    pub fn load_seconds(&self) -> f64 {
        self.runs.iter().filter_map(|r| r.load.run_time()).map(|t| t.as_secs_f64()).sum()
    }
}

fn planned(
    scenario: &Scenario,
    profile: &str,
    choices: &Choices,
    seed: u64,
    part: Option<Part>,
) -> Result<PlannedRun, ScenarioError> {
    let settings = scenario.profile(profile)?;
    let base_url = choices.base_url.as_ref().or(settings.base_url.as_ref()).unwrap_or(&scenario.base_url);
    Ok(PlannedRun {
        profile: profile.to_owned(),
        base_url: base_url.trim_end_matches('/').to_owned(),
        load_name: choices.load_name.clone(),
        load: choices.load.clone(),
        stated_load: choices.load.clone(),
        faults: scenario.faults_under(&choices.load_name, profile),
        seed,
        arm: part.map(|p| p.arm),
        part,
    })
}

/// The order of `arms` arms in each round: one is drawn, the next is its reverse, and so on.
pub(crate) fn orders(arms: usize, seed: u64) -> impl Iterator<Item = Vec<usize>> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    std::iter::repeat_with(move || {
        let mut order: Vec<usize> = (0..arms).collect();
        order.shuffle(&mut rng);
        let reverse = order.iter().rev().copied().collect();
        [order, reverse]
    })
    .flatten()
}

/// A seed per round that stays within SQLite's integers.
pub(crate) fn round_seed(seed: u64, round: u32) -> u64 {
    (seed.wrapping_mul(1_000_003).wrapping_add(round.into())) & (u64::MAX >> 1)
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let load = self.load_seconds();
        writeln!(f, "{} run(s), {} of load in all", self.runs.len(), unit::span(load))?;
        for (number, run) in (1..).zip(&self.runs) {
            let part = run.part.map_or(String::new(), |part| match part.round {
                PILOT => format!("pilot   {:<10} ", part.arm.word()),
                round => format!("round {round} {:<10} ", part.arm.word()),
            });
            writeln!(
                f,
                "{number:>3}. {part}{} at {}: load {} ({}), seed {}",
                run.profile,
                web::shown(&run.base_url),
                run.load_name,
                run.load.text(),
                run.seed
            )?;
            for fault in &run.faults {
                writeln!(f, "     fault {}: {}, {}", fault.name, fault.text(), fault.start)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_two_rounds_hold_an_order_and_its_reverse() {
        for (arms, seed) in (0..50).flat_map(|seed| [(2, seed), (3, seed)]) {
            let orders: Vec<Vec<usize>> = orders(arms, seed).take(6).collect();
            for pair in orders.chunks(2) {
                assert!(pair[0].iter().eq(pair[1].iter().rev()), "{pair:?}");
            }
        }
        let firsts: Vec<usize> = (0..50).map(|seed| orders(2, seed).next().unwrap()[0]).collect();
        assert!(firsts.contains(&0) && firsts.contains(&1));
    }

    #[test]
    fn rounds_have_seeds_of_their_own_that_sqlite_can_hold() {
        assert_ne!(round_seed(7, 1), round_seed(7, 2));
        assert!(round_seed(u64::MAX, 9) <= u64::MAX >> 1);
    }
}
