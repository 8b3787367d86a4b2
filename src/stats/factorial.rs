//! Full factorial designs: every combination of the levels of some factors, each measured once per round.
//!
//! Effects are contrasts of the cells' values. Values are taken on a logarithmic scale, so an effect is the logarithm of a
//! factor, and an interaction says by which factor two changes together differ from the product of both. A contrast is
//! worked out within each round: what a round adds to all of its cells cancels, and the rounds' contrasts are independent
//! values for a t interval, whatever the spread of single cells.
//!
//! Source: Montgomery, Design and Analysis of Experiments, 8th edition, chapters 5.1 and 6.2; rounds are the blocks of
//! chapter 5.6. For two levels, Montgomery's interaction effect is half of the difference of differences used here.

/// The shape of a full factorial: how many levels each factor has, the reference level first. Cells are numbered with the
/// last factor changing fastest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factorial {
    levels: Vec<usize>,
}

impl Factorial {
    /// One of factors with so many levels each.
    pub fn new(levels: Vec<usize>) -> Self {
        Self { levels }
    }

    /// How many combinations there are; 1 without a factor.
    pub fn cells(&self) -> usize {
        self.levels.iter().product()
    }

    /// The levels of a cell, one place per factor.
    pub fn levels_of(&self, mut cell: usize) -> Vec<usize> {
        let mut places: Vec<usize> = self
            .levels
            .iter()
            .rev()
            .map(|count| {
                let place = cell % count;
                cell /= count;
                place
            })
            .collect();
        places.reverse();
        places
    }

    /// By how much the values at `level` of `factor` exceed those at its reference level, on average over the other
    /// factors' levels. `values`: one per cell.
    pub fn main_effect(&self, values: &[f64], factor: usize, level: usize) -> f64 {
        self.mean_at(values, &[(factor, level)]) - self.mean_at(values, &[(factor, 0)])
    }

    /// By how much two changes together exceed the sum of both, on average over the other factors' levels: the
    /// difference of differences. `a`, `b`: factor and level. `values`: one per cell.
    pub fn interaction(&self, values: &[f64], a: (usize, usize), b: (usize, usize)) -> f64 {
        let at = |level_a, level_b| self.mean_at(values, &[(a.0, level_a), (b.0, level_b)]);
        at(a.1, b.1) - at(a.1, 0) - at(0, b.1) + at(0, 0)
    }

    /// The mean over the cells that have these levels.
    fn mean_at(&self, values: &[f64], fixed: &[(usize, usize)]) -> f64 {
        let is_meant = |cell: &usize| {
            let levels = self.levels_of(*cell);
            fixed.iter().all(|(factor, level)| levels[*factor] == *level)
        };
        let cells: Vec<usize> = (0..self.cells()).filter(is_meant).collect();
        cells.iter().map(|cell| values[*cell]).sum::<f64>() / cells.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Montgomery, 8th edition, section 6.2: reactant concentration (A) and catalyst (B), three replicates of each.
    /// Cells: (1), b, a, ab.
    const YIELD: [[f64; 4]; 3] =
        [[28.0, 18.0, 36.0, 31.0], [25.0, 19.0, 32.0, 30.0], [27.0, 23.0, 32.0, 29.0]];

    #[test]
    fn effects_are_those_of_montgomery_6_2() {
        let design = Factorial::new(vec![2, 2]);
        let mean = |of: &dyn Fn(&[f64]) -> f64| YIELD.iter().map(|round| of(round)).sum::<f64>() / 3.0;
        let close =
            |found: f64, expected: f64| assert!((found - expected).abs() < 0.005, "{found} {expected}");
        close(mean(&|v| design.main_effect(v, 0, 1)), 8.33);
        close(mean(&|v| design.main_effect(v, 1, 1)), -5.00);
        close(mean(&|v| design.interaction(v, (0, 1), (1, 1))) / 2.0, 1.67);
    }

    #[test]
    fn the_last_factor_changes_fastest() {
        let design = Factorial::new(vec![2, 3]);
        let cells: Vec<Vec<usize>> = (0..design.cells()).map(|cell| design.levels_of(cell)).collect();
        assert_eq!(cells, [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]);
        assert_eq!(Factorial::new(Vec::new()).cells(), 1);
    }

    proptest! {
        /// Values made of a sum over the factors: main effects are found as they were put in, and nothing interacts.
        #[test]
        fn sums_have_their_own_effects_and_no_interaction(
            a in prop::collection::vec(-5.0..5.0_f64, 3),
            b in prop::collection::vec(-5.0..5.0_f64, 2),
            c in prop::collection::vec(-5.0..5.0_f64, 4),
            round in -5.0..5.0_f64,
        ) {
            let design = Factorial::new(vec![3, 2, 4]);
            let value = |cell| {
                let at = design.levels_of(cell);
                a[at[0]] + b[at[1]] + c[at[2]] + round
            };
            let values: Vec<f64> = (0..design.cells()).map(value).collect();
            for (factor, effects) in [&a, &b, &c].into_iter().enumerate() {
                for level in 1..effects.len() {
                    let found = design.main_effect(&values, factor, level);
                    prop_assert!((found - (effects[level] - effects[0])).abs() < 1e-9);
                }
            }
            prop_assert!(design.interaction(&values, (0, 2), (2, 3)).abs() < 1e-9);
            prop_assert!(design.interaction(&values, (1, 1), (2, 1)).abs() < 1e-9);
        }
    }
}
