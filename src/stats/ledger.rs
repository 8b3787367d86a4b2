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
/// What an unplanned look takes of what is left, where its time has nothing to do with what was seen.
const BLIND_PART: f64 = 0.5;
/// The same where somebody chose its time: who stops as soon as it looks good has looked at every round, and only the
/// last of these looks is entered. So little keeps all of them within the total (4.5 % of experiments without an effect
/// are decided, 7.8 % with a half), since looks that hang together spend less than Bonferroni's bound.
const CHOSEN_PART: f64 = 1.0 / 64.0;
/// The same where a single look is planned, which spends all of the error by itself.
const CHOSEN_PART_OF_ONE: f64 = 1.0 / 1024.0;

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

impl Occasion {
    const ALL: [(&'static str, Self); 5] = [
        ("planned", Self::Planned),
        ("budget_end", Self::BudgetEnd),
        ("interruption", Self::Interruption),
        ("resume", Self::Resume),
        ("report", Self::Report),
    ];

    /// The word for it in a store.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, occasion)| *occasion == self).map_or("", |(word, _)| *word)
    }

    /// The one of that word; an unknown one is of a report.
    pub fn of(word: &str) -> Self {
        Self::ALL.iter().find(|(known, _)| *known == word).map_or(Self::Report, |(_, occasion)| *occasion)
    }
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
    /// Whether exactly so many were planned, with one look at their end.
    is_exact: bool,
    /// Looks that were made, in order.
    looks: Vec<Look>,
}

impl Ledger {
    /// Of an experiment of at most `planned_rounds` before its first look.
    pub fn new(planned_rounds: usize) -> Self {
        Self { planned_rounds, is_exact: false, looks: Vec::new() }
    }

    /// Of an experiment of exactly `rounds`, which has one look, at its end.
    pub fn exactly(rounds: usize) -> Self {
        Self { is_exact: true, ..Self::new(rounds) }
    }

    /// The same after looks that were made before.
    #[must_use]
    pub fn with_looks(self, looks: Vec<Look>) -> Self {
        Self { looks, ..self }
    }

    /// Rounds that were planned.
    pub fn planned_rounds(&self) -> usize {
        self.planned_rounds
    }

    /// Whether the number of rounds is fixed, since the only planned look is the one at the end.
    pub fn is_fixed(&self) -> bool {
        self.planned().len() == 1
    }

    /// `(rounds, alpha)` of the planned looks, in order; the alphas add up to [`TOTAL_ALPHA`].
    ///
    /// After 5 and 10 rounds as [`LOOKS`] has them, and at the end with all that is left. An experiment of exactly so
    /// many rounds, or of more than 20, has one look, at its end.
    pub fn planned(&self) -> Vec<(usize, f64)> {
        let (end, last) = (self.planned_rounds, LOOKS[LOOKS.len() - 1].0);
        let has_early = !self.is_exact && end <= last;
        let mut looks: Vec<(usize, f64)> =
            LOOKS.iter().copied().filter(|(rounds, _)| has_early && *rounds < end).collect();
        looks.push((end, TOTAL_ALPHA - looks.iter().map(|look| look.1).sum::<f64>()));
        looks
    }

    /// Whether a look after exactly `rounds` was planned, so that the experiment may end there.
    pub fn is_planned(&self, rounds: usize) -> bool {
        rounds >= self.planned_rounds
            || rounds >= LEAST_ROUNDS && self.planned().iter().any(|look| look.0 == rounds)
    }

    /// Two-sided alpha of the intervals that are shown after `rounds`: that of the look, and below [`LEAST_ROUNDS`],
    /// where no verdict is given, that of the first planned one.
    pub fn shown_alpha(&self, rounds: usize, occasion: Occasion) -> f64 {
        if rounds < LEAST_ROUNDS { self.planned()[0].1 } else { self.alpha(rounds, occasion) }
    }

    /// Two-sided alpha that the last planned look will have if all goes on as planned: for planning.
    pub fn last_alpha(&self) -> f64 {
        let end = self.planned_rounds;
        if let Some(made) = self.looks.iter().find(|look| look.rounds == end) {
            return made.alpha;
        }
        let after = self.looks.iter().map(|look| look.rounds).max().unwrap_or(0);
        let to_come = self.planned().into_iter().filter(|look| look.0 > after);
        let reserved: f64 = to_come.map(|look| look.1).sum();
        let own = self.planned()[self.planned().len() - 1].1;
        if self.left() >= reserved { own } else { self.left() * own / reserved }
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
    /// - The end of a budget takes half of what is left; any other look, whose time somebody has chosen, a 64th, or
    ///   a 1024th where one look is planned. So something always stays.
    pub fn alpha(&self, rounds: usize, occasion: Occasion) -> f64 {
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
            let part = match occasion {
                Occasion::BudgetEnd => BLIND_PART,
                _ if self.is_fixed() => CHOSEN_PART_OF_ONE,
                _ => CHOSEN_PART,
            };
            return part * self.left();
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
        let (mut ledger, alpha) = (self.clone(), self.alpha(rounds, occasion));
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
            let (after, alpha) = ledger.look(*rounds, Occasion::BudgetEnd);
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
    fn exactly_so_many_rounds_have_one_look() {
        assert_eq!(Ledger::exactly(12).planned(), [(12, 0.05)]);
        assert_eq!([5, 10, 12, 13].map(|n| Ledger::exactly(12).is_planned(n)), [false, false, true, true]);
        assert_eq!(
            [4, 5, 7, 10, 20].map(|n| Ledger::new(20).is_planned(n)),
            [false, true, false, true, true]
        );
        assert!(Ledger::exactly(12).is_fixed() && Ledger::new(5).is_fixed() && Ledger::new(21).is_fixed());
        assert!(!Ledger::new(6).is_fixed());
        // Cut short, it spends half, so that it can be completed.
        assert_eq!(Ledger::exactly(12).alpha(8, Occasion::BudgetEnd), 0.025);
    }

    #[test]
    fn intervals_have_a_level_before_the_first_look_too() {
        assert_eq!([1, 4, 5].map(|n| Ledger::new(20).shown_alpha(n, Occasion::Report)), [0.010; 3]);
        assert_eq!(Ledger::exactly(1).shown_alpha(1, Occasion::Planned), 0.05);
        assert_eq!(Ledger::new(3).shown_alpha(3, Occasion::Planned), 0.05);
    }

    #[test]
    fn the_last_look_has_what_all_others_leave() {
        assert_eq!(Ledger::new(20).last_alpha(), 0.025);
        let (first, _) = Ledger::new(20).look(5, Occasion::Planned);
        assert_eq!(first.last_alpha(), 0.025);
        let (interrupted, _) = first.look(7, Occasion::BudgetEnd);
        assert!((interrupted.last_alpha() - 0.0125).abs() < 1e-12);
        assert_eq!(interrupted.look(20, Occasion::Planned).0.last_alpha(), interrupted.left());
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
    fn a_look_at_a_chosen_time_takes_little() {
        for occasion in [Occasion::Interruption, Occasion::Report, Occasion::Resume] {
            assert_eq!(Ledger::new(20).alpha(8, occasion), 0.05 / 64.0);
            assert_eq!(Ledger::exactly(20).alpha(8, occasion), 0.05 / 1024.0);
            assert_eq!(Ledger::new(20).alpha(5, occasion), 0.010, "planned looks are planned");
        }
    }

    #[test]
    fn the_same_rounds_cost_once_and_too_few_nothing() {
        assert_eq!(alphas(20, &[3, 4, 5, 5, 7, 7, 5]), [0.0, 0.0, 0.010, 0.010, 0.02, 0.02, 0.010]);
        let (ledger, _) = Ledger::new(20).look(3, Occasion::Interruption);
        assert_eq!(ledger, Ledger::new(20));
        // Nothing is left once the last look was made.
        assert_eq!(alphas(10, &[10, 11]), [0.05, 0.0]);
        assert_eq!(Ledger::new(0).alpha(0, Occasion::Planned), 0.0);
    }

    #[test]
    fn an_occasion_is_stored_as_it_is_written_as_json() {
        for (word, occasion) in Occasion::ALL {
            assert_eq!(serde_json::to_value(occasion).unwrap(), word);
            assert_eq!(Occasion::of(occasion.word()), occasion);
        }
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
                ledger = ledger.look(rounds, Occasion::BudgetEnd).0;
            }
            prop_assert!(ledger.alpha(20, Occasion::Planned) > 0.0);
        }
    }
}
