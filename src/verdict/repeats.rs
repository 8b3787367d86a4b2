//! Rounds that were made again, and whether one arm is behind it.

use std::collections::BTreeSet;

use serde::Serialize;

use super::audit::{Check, Grade};
use crate::run::{Repetition, RunId};
use crate::stats::contingency::fisher;
use crate::unit;

/// The check's name.
const NAME: &str = "repeated rounds";
/// Disturbances that fall on one arm more often than chance has it this rarely are not put down to chance.
const CHANCE: f64 = 0.05;

/// The rounds of an experiment that were made again, by the runs that were disturbed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Repeats(pub Vec<Repetition>);

impl Repeats {
    /// How many rounds were made again; one that was made again twice counts twice.
    pub fn count(&self) -> usize {
        self.0.iter().map(|one| one.last_run).collect::<BTreeSet<RunId>>().len()
    }

    /// Whether a run is of an attempt that was given up.
    pub fn gave_up(&self, run: RunId, round: Option<u32>) -> bool {
        self.0.iter().any(|one| Some(one.round) == round && run <= one.last_run)
    }

    /// Whether what disturbed runs fell on one of two profiles more often than chance allows: a treatment that starves
    /// the generator must not be made again until it looks good. `rounds`: those that were not given up. None if no
    /// round was made again.
    pub(super) fn check(&self, baseline: &str, treatment: &str, rounds: usize) -> Option<Check> {
        let first = self.0.first()?;
        let attempts = (rounds + self.count()) as u64;
        let of = |profile: &str| {
            let runs = self.0.iter().filter(|one| one.profile == profile);
            (runs.count() as u64).min(attempts)
        };
        let [before, after] = [of(baseline), of(treatment)];
        let p = fisher([[before, after], [attempts - before, attempts - after]]);
        let made_again = match self.count() {
            1 => "1 round was repeated".to_owned(),
            n => format!("{n} rounds were repeated"),
        };
        let counts = format!(
            "{made_again}: {before} of {attempts} runs of `{baseline}` and {after} of `{treatment}` were disturbed"
        );
        let text = if p < CHANCE {
            let more = if after > before { treatment } else { baseline };
            format!(
                "{counts}, which chance does not explain (p = {}): `{more}` disturbs the generator itself, so that its \
                 rounds must not be repeated until they look good; run load and system on separate machines",
                unit::significant(p)
            )
        } else {
            format!("{counts}; first run {} ({}): {}", first.run, first.profile, first.reason)
        };
        let grade = if p < CHANCE { Grade::Invalid } else { Grade::Valid };
        Some(Check { name: NAME.into(), grade, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Disturbances of a run of each of these profiles, one a repeated round.
    fn of(profiles: &[&str]) -> Repeats {
        let one = |(number, profile): (i64, &&str)| Repetition {
            round: 1,
            last_run: RunId(number * 2),
            run: RunId(number * 2 - 1),
            profile: (*profile).to_owned(),
            reason: "generator starved: it waited".to_owned(),
        };
        Repeats((1..).zip(profiles).map(one).collect())
    }

    #[test]
    fn disturbances_of_one_arm_alone_void_the_experiment() {
        let check = of(&["after"; 5]).check("before", "after", 5).unwrap();
        assert_eq!(check.grade, Grade::Invalid, "{}", check.text);
        assert!(check.text.contains("0 of 10 runs of `before` and 5 of `after`"), "{}", check.text);
        assert!(check.text.contains("`after` disturbs the generator"), "{}", check.text);
        // The other arm starves it as well.
        assert_eq!(of(&["before"; 5]).check("before", "after", 5).unwrap().grade, Grade::Invalid);
    }

    #[test]
    fn disturbances_of_both_arms_or_of_few_rounds_are_chance() {
        assert_eq!(of(&[]).check("before", "after", 5), None);
        for profiles in [&["after", "before", "after", "before", "after"][..], &["after", "after"]] {
            let check = of(profiles).check("before", "after", 5).unwrap();
            assert_eq!(check.grade, Grade::Valid, "{}", check.text);
            assert!(check.text.contains("first run 1 (after): generator starved"), "{}", check.text);
        }
        // What befalls another treatment says nothing of this one.
        assert_eq!(of(&["other"; 5]).check("before", "after", 5).unwrap().grade, Grade::Valid);
    }

    #[test]
    fn what_was_given_up_is_told_from_what_was_made_again() {
        let repeats = of(&["after", "before"]);
        assert_eq!(repeats.count(), 2);
        assert!(repeats.gave_up(RunId(4), Some(1)) && !repeats.gave_up(RunId(5), Some(1)));
        assert!(!repeats.gave_up(RunId(4), Some(2)) && !repeats.gave_up(RunId(4), None));
    }
}
