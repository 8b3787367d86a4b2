//! What the factors of a grid do to a metric, alone and in pairs.

use serde::Serialize;

use super::{ALPHA, Cell, Estimate, Factor};
use crate::stats::factorial::Factorial;
use crate::stats::interval::Interval;
use crate::stats::mean::Moments;

/// The effects on one metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effects {
    /// `throughput`, `p50` or `p95`.
    pub metric: &'static str,
    /// Why there are none; empty if there are.
    pub missing: String,
    /// Of each factor's levels, compared with the baseline's, on average over the other factors.
    pub main: Vec<Effect>,
    /// Of two factors together.
    pub interactions: Vec<Effect>,
}

/// A change of a factor from the baseline's level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The factor's name.
    pub factor: String,
    /// The baseline's level.
    pub from: String,
    /// The other level.
    pub to: String,
}

/// What one change does, or what two do beyond the product of both.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// One change, or two.
    pub changes: Vec<Change>,
    /// The factor by which the metric changes.
    pub ratio: f64,
    /// Where that lies at 95 %, by itself; none with one round.
    pub interval: Option<Interval>,
    /// Whether it differs from 1 at an error of 5 % that all effects on the metric share.
    pub is_told_apart: bool,
}

impl Effect {
    /// How much more of the factor there is, if its levels are positive numbers and it is the only one that changes:
    /// what the metric would change by if it were proportional.
    pub fn proportional(&self) -> Option<f64> {
        let [Change { from, to, .. }] = &self.changes[..] else { return None };
        let number = |level: &str| level.parse::<f64>().ok().filter(|n| n.is_finite() && *n > 0.0);
        Some(number(to)? / number(from)?)
    }
}

/// The effects on each metric. `cells`: all combinations, the last factor changing fastest.
pub(super) fn of_cells(design: &Factorial, factors: &[Factor], cells: &[Cell]) -> Vec<Effects> {
    let of = |metric, of: fn(&Cell) -> &Estimate| effects(metric, design, factors, cells, of);
    vec![
        of("throughput", |cell| &cell.throughput),
        of("p50", |cell| &cell.p50_us),
        of("p95", |cell| &cell.p95_us),
    ]
}

fn effects(
    metric: &'static str,
    design: &Factorial,
    factors: &[Factor],
    cells: &[Cell],
    of: fn(&Cell) -> &Estimate,
) -> Effects {
    if let Some(unknown) = cells.iter().find(|cell| !of(cell).is_known()) {
        let missing = format!("{} has a round without a finite value", unknown.profile);
        return Effects { metric, missing, main: Vec::new(), interactions: Vec::new() };
    }
    let rounds = of(&cells[0]).values.len();
    let by_round: Vec<Vec<f64>> =
        (0..rounds).map(|round| cells.iter().map(|cell| of(cell).values[round].ln()).collect()).collect();
    let changes = changes(factors);
    let pairs: Vec<[&Place; 2]> = changes
        .iter()
        .enumerate()
        .flat_map(|(at, a)| changes[at + 1..].iter().map(move |b| [a, b]))
        .filter(|[a, b]| a.factor != b.factor)
        .collect();
    let alpha = ALPHA / (changes.len() + pairs.len()).max(1) as f64;
    let effect = |places: &[&Place], contrast: &dyn Fn(&[f64]) -> f64| {
        let logs: Vec<f64> = by_round.iter().map(|values| contrast(values)).collect();
        let moments = Moments::of(&logs);
        let is_told_apart = moments.is_some_and(|m| !m.interval(alpha).contains(0.0));
        Effect {
            changes: places.iter().map(|place| place.of(factors)).collect(),
            ratio: (logs.iter().sum::<f64>() / rounds as f64).exp(),
            interval: moments.map(|m| m.interval(ALPHA).map(f64::exp)),
            is_told_apart,
        }
    };
    let main =
        |place: &Place| effect(&[place], &|values| design.main_effect(values, place.factor, place.level));
    let together = |[a, b]: &[&Place; 2]| {
        effect(&[a, b], &|values| design.interaction(values, (a.factor, a.level), (b.factor, b.level)))
    };
    Effects {
        metric,
        missing: String::new(),
        main: changes.iter().map(main).collect(),
        interactions: pairs.iter().map(together).collect(),
    }
}

/// A factor and a level of it, other than the baseline's.
struct Place {
    factor: usize,
    level: usize,
}

impl Place {
    fn of(&self, factors: &[Factor]) -> Change {
        let Factor { name, levels } = &factors[self.factor];
        Change { factor: name.clone(), from: levels[0].clone(), to: levels[self.level].clone() }
    }
}

fn changes(factors: &[Factor]) -> Vec<Place> {
    let of_factor = |(factor, of): (usize, &Factor)| {
        (1..of.levels.len()).map(move |level| Place { factor, level }).collect::<Vec<_>>()
    };
    factors.iter().enumerate().flat_map(of_factor).collect()
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    use super::super::Standing;
    use super::*;

    /// A value that is spread evenly around 0.
    fn noise(rng: &mut Pcg64Mcg, half: f64) -> f64 {
        rng.random_range(-half..half)
    }

    /// Workers 1, 2, 3 and batches of 10, 50: throughput ×1.9 and ×2.6 by workers, ×1.2 by batches, and ×0.8 for three
    /// workers with large batches; rounds differ by up to a third, runs by 3 %.
    fn simulated(rounds: usize, seed: u64) -> Effects {
        let factors =
            [("workers", vec!["1", "2", "3"]), ("batch", vec!["10", "50"])].map(|(name, levels)| Factor {
                name: name.to_owned(),
                levels: levels.into_iter().map(str::to_owned).collect(),
            });
        let design = Factorial::new(vec![3, 2]);
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let of_rounds: Vec<f64> = (0..rounds).map(|_| noise(&mut rng, 0.3)).collect();
        let cells: Vec<Cell> = (0..design.cells())
            .map(|cell| {
                let at = design.levels_of(cell);
                let joint = if at == [2, 1] { 0.8 } else { 1.0 };
                let truth = 100.0 * [1.0, 1.9, 2.6][at[0]] * [1.0, 1.2][at[1]] * joint;
                let values: Vec<f64> =
                    of_rounds.iter().map(|round| truth * (round + noise(&mut rng, 0.03)).exp()).collect();
                Cell {
                    profile: format!("{at:?}"),
                    levels: Vec::new(),
                    is_baseline: cell == 0,
                    throughput: Estimate::of(values.clone()),
                    p50_us: Estimate::of(values.clone()),
                    p95_us: Estimate::of(values),
                    error_share: 0.0,
                    standing: Standing::Unknown,
                }
            })
            .collect();
        of_cells(&design, &factors, &cells).remove(0)
    }

    #[test]
    fn effects_that_were_put_in_are_found_and_others_are_not() {
        let found = simulated(8, 3);
        let told = |effect: &Effect| effect.is_told_apart;
        // On average over batches, three workers are worth 2.6 · √0.8.
        let expected = [1.9, 2.6 * 0.8_f64.sqrt(), 1.2 * 0.8_f64.cbrt()];
        for (effect, expected) in found.main.iter().zip(expected) {
            assert!((effect.ratio / expected - 1.0).abs() < 0.03, "{effect:?} {expected}");
            assert!(effect.interval.unwrap().low < effect.ratio && told(effect), "{effect:?}");
        }
        let [two, three] = &found.interactions[..] else { panic!("{found:?}") };
        assert!(!told(two) && told(three), "{found:?}");
        assert!((three.ratio / 0.8 - 1.0).abs() < 0.04, "{three:?}");
        assert_eq!(found.main[1].proportional(), Some(3.0));
        assert_eq!(three.proportional(), None);
    }

    /// Over many simulated grids the intervals hold the truth about as often as they promise.
    #[test]
    fn intervals_of_effects_hold_the_truth_in_about_95_of_100_grids() {
        let held = (0..400).filter(|seed| {
            simulated(5, *seed).main[0].interval.is_some_and(|interval| interval.contains(1.9))
        });
        let held = held.count();
        assert!((366..=394).contains(&held), "{held} of 400");
    }

    #[test]
    fn one_round_gives_no_interval_and_tells_nothing_apart() {
        let found = simulated(1, 1);
        assert!(found.main.iter().all(|effect| effect.interval.is_none() && !effect.is_told_apart));
    }
}
