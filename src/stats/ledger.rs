//! The error that an experiment may spend on looks, and what its looks have spent.
//!
//! Whoever looks more often finds more, chance included: five budget ends in turn supported 12.9 % of claims without
//! an effect, instead of 5 %. So every look at which a verdict may be given is entered here, planned or not, and
//! the alphas of all looks never exceed the total (Bonferroni's bound), whatever is looked at when.

use serde::{Deserialize, Serialize};

use super::decision::LOOKS;

/// The error that all looks share, two-sided.
pub const TOTAL_ALPHA: f64 = 0.05;
/// With fewer rounds no verdict is given, so a look costs nothing.
pub const LEAST_ROUNDS: usize = LOOKS[0].0;
/// What an unplanned look takes of what is left.
const UNPLANNED_PART: f64 = 0.5;

/// Why rounds are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// It was planned before the first round.
    Planned,
    /// A budget of time or rounds was spent.
    BudgetEnd,
    /// Someone stopped the experiment, and verdicts were shown.
    Interruption,
    /// It was continued, and verdicts were shown before.
    Resume,
    /// A report was asked for before the experiment was complete.
    Report,
}

/// A look that was made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Complete rounds at that time.
    pub rounds: usize,
    /// Two-sided alpha that it spent.
    pub alpha: f64,
    /// Why it was made.
    pub occasion: Occasion,
}

/// The looks of an experiment: a value to be stored with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// Rounds that were planned.
    planned_rounds: usize,
    /// Looks that were made, in order.
    looks: Vec<Look>,
}

impl Ledger {
    /// Of an experiment of `planned_rounds` before its first look.
    pub fn new(planned_rounds: usize) -> Self {
        Self { planned_rounds, looks: Vec::new() }
    }

    /// `(rounds, alpha)` of the planned looks, in order; the alphas add up to [`TOTAL_ALPHA`].
    ///
    /// After 5 and 10 rounds as [`LOOKS`] has them, and at the end with all that is left. An experiment of more than
    /// 20 rounds has one look, at its end.
    pub fn planned(&self) -> Vec<(usize, f64)> {
        let (end, last) = (self.planned_rounds, LOOKS[LOOKS.len() - 1].0);
        let mut looks: Vec<(usize, f64)> =
            LOOKS.iter().copied().filter(|(rounds, _)| end <= last && *rounds < end).collect();
        looks.push((end, TOTAL_ALPHA - looks.iter().map(|look| look.1).sum::<f64>()));
        looks
    }

    /// The looks that were made, in order.
    pub fn looks(&self) -> &[Look] {
        &self.looks
    }

    /// What they have spent.
    pub fn spent(&self) -> f64 {
        self.looks.iter().map(|look| look.alpha).sum()
    }

    /// What is left for further looks, at least 0.
    pub fn left(&self) -> f64 {
        (TOTAL_ALPHA - self.spent()).max(0.0)
    }

    /// Two-sided alpha that a look after `rounds` complete rounds has, without making it.
    ///
    /// - Below [`LEAST_ROUNDS`] there is no verdict: 0.
    /// - After as many rounds as a look before, that look's: the same evidence costs once.
    /// - A planned look, the end or beyond it, shares what is left with the planned looks after it, in
    ///   proportion to their planned alphas: all of its planned alpha while nothing unplanned was spent.
    /// - Any other look takes half of what is left, so that something always stays.
    pub fn alpha(&self, rounds: usize) -> f64 {
        if rounds < LEAST_ROUNDS {
            return 0.0;
        }
        if let Some(same) = self.looks.iter().find(|look| look.rounds == rounds) {
            return same.alpha;
        }
        if rounds >= self.planned_rounds {
            return self.left();
        }
        let planned = self.planned();
        let Some(own) = planned.iter().find(|look| look.0 == rounds) else {
            return UNPLANNED_PART * self.left();
        };
        let reserved: f64 = planned.iter().filter(|look| look.0 >= rounds).map(|look| look.1).sum();
        // While all went as planned this is the planned alpha to the last digit.
        if self.left() >= reserved { own.1 } else { self.left() * own.1 / reserved }
    }

    /// The ledger after a look at `rounds` rounds, with the alpha that it has: [`Self::alpha`].
    ///
    /// Looks that give no verdict, and repeated ones, are not entered.
    #[must_use]
    pub fn look(&self, rounds: usize, occasion: Occasion) -> (Self, f64) {
        let (mut ledger, alpha) = (self.clone(), self.alpha(rounds));
        if rounds >= LEAST_ROUNDS && ledger.looks.iter().all(|look| look.rounds != rounds) {
            ledger.looks.push(Look { rounds, alpha, occasion });
        }
        (ledger, alpha)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Alphas of looks at these rounds, in order.
    fn alphas(planned_rounds: usize, rounds: &[usize]) -> Vec<f64> {
        let mut ledger = Ledger::new(planned_rounds);
        let mut alphas = Vec::new();
        for rounds in rounds {
            let (after, alpha) = ledger.look(*rounds, Occasion::Planned);
            ledger = after;
            alphas.push((alpha * 1e9).round() / 1e9);
        }
        alphas
    }

    #[test]
    fn planned_looks_have_their_alphas() {
        assert_eq!(alphas(20, &[5, 10, 20]), [0.010, 0.015, 0.025]);
        assert_eq!(alphas(5, &[5]), [0.05]);
        assert_eq!(alphas(8, &[5, 8]), [0.010, 0.04]);
        assert_eq!(alphas(10, &[5, 10]), [0.010, 0.04]);
    }

    #[test]
    fn more_than_twenty_rounds_have_one_look() {
        assert_eq!(Ledger::new(21).planned(), [(21, 0.05)]);
        assert_eq!(alphas(21, &[21]), [0.05]);
        assert_eq!(alphas(200, &[200]), [0.05]);
    }

    #[test]
    fn unplanned_looks_take_half_and_the_rest_is_shared() {
        // 0.04 is left after the first look; two budget ends; 10 and 20 share 0.01 as 0.015 to 0.025.
        assert_eq!(alphas(20, &[5, 7, 8, 10, 20]), [0.010, 0.02, 0.01, 0.003_75, 0.006_25]);
        // A planned look that was missed leaves its alpha to all.
        assert_eq!(alphas(20, &[7, 20]), [0.025, 0.025]);
    }

    #[test]
    fn the_same_rounds_cost_once_and_too_few_nothing() {
        assert_eq!(alphas(20, &[3, 4, 5, 5, 7, 7, 5]), [0.0, 0.0, 0.010, 0.010, 0.02, 0.02, 0.010]);
        let (ledger, _) = Ledger::new(20).look(3, Occasion::Interruption);
        assert_eq!(ledger, Ledger::new(20));
        // Nothing is left once the last look was made.
        assert_eq!(alphas(10, &[10, 11]), [0.05, 0.0]);
        assert_eq!(Ledger::new(0).alpha(0), 0.0);
    }

    #[test]
    fn a_ledger_is_stored_and_read_back() {
        let (ledger, _) = Ledger::new(20).look(7, Occasion::BudgetEnd);
        let text = serde_json::to_string(&ledger).unwrap();
        assert_eq!(serde_json::from_str::<Ledger>(&text).unwrap(), ledger);
    }

    proptest! {
        #[test]
        fn all_looks_together_never_spend_more_than_the_total(
            planned in 0_usize..40, looks in prop::collection::vec(0_usize..50, 0..60),
        ) {
            let mut ledger = Ledger::new(planned);
            prop_assert!((ledger.planned().iter().map(|look| look.1).sum::<f64>() - TOTAL_ALPHA).abs() < 1e-12);
            for rounds in looks {
                let (after, alpha) = ledger.look(rounds, Occasion::Report);
                prop_assert!(alpha >= 0.0);
                ledger = after;
                prop_assert!(ledger.spent() <= TOTAL_ALPHA + 1e-12);
            }
        }

        #[test]
        fn unplanned_looks_always_leave_something_for_the_end(looks in prop::collection::vec(5_usize..20, 0..20)) {
            let mut ledger = Ledger::new(20);
            for rounds in looks {
                ledger = ledger.look(rounds, Occasion::Resume).0;
            }
            prop_assert!(ledger.alpha(20) > 0.0);
        }
    }
}
