//! What a search came to: a result per goal, the knee, and the curve.

use serde::Serialize;

use super::curve::Curve;
use super::search::Search;
use super::terms::{Goal, Terms};
use super::trial::{Broken, Mode, Trial};
use crate::stats::mlrsearch;

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Capacity {
    /// A result for each goal, in their order.
    pub goals: Vec<GoalResult>,
    /// The load with the most throughput per response time; none if it was not seen to fall again.
    pub knee: Option<f64>,
    /// All loads that were tried, those beyond the capacity among them.
    pub curve: Curve,
}

/// The result of a goal (RFC 9971).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GoalResult {
    /// The goal's name; empty for the only one.
    pub goal: String,
    /// The relevant lower bound: the capacity that is reported; none if no load met the goal.
    pub lower_bound: Option<f64>,
    /// The relevant upper bound: the lowest load that missed it; none if the search ended before one.
    pub upper_bound: Option<f64>,
    /// Whether both bounds are there, no further apart than the goal's width.
    pub is_regular: bool,
    /// Conditional throughput: requests answered `ok` per second, as typical at the lower bound.
    pub conditional_throughput_per_s: Option<f64>,
    /// Loads between which the capacity is shown to lie, at the level of the terms; none for an end that was not shown.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// Trials at the lower bound that met the goal, of all trials there.
    pub met: (usize, usize),
    /// Trials at the upper bound that missed it, of all trials there.
    pub missed: (usize, usize),
    /// What the first miss at the upper bound missed, the worst kind first.
    pub broke_first: Vec<Broken>,
    /// Whether loadproof was at its own limit at the upper bound, or did not know the system's.
    pub is_of_generator: bool,
}

impl Capacity {
    /// What the trials of a search come to, in order of time.
    pub fn of(terms: &Terms, trials: &[Trial]) -> Self {
        let mut search = Search::new(terms.clone());
        for trial in trials {
            let missed = (0..terms.goals.len()).map(|goal| !trial.missed_of(goal).is_empty()).collect();
            search.note(trial.load, missed);
        }
        let of = |(place, goal): (usize, &Goal)| result(place, goal, terms, &search, trials);
        let curve = Curve::of(trials, terms.goals.len());
        Self { goals: terms.goals.iter().enumerate().map(of).collect(), knee: curve.knee(), curve }
    }

    /// The result of a goal by its name; the first one's if none is named.
    pub fn goal(&self, name: Option<&str>) -> Option<&GoalResult> {
        match name {
            Some(name) => self.goals.iter().find(|goal| goal.goal == name),
            None => self.goals.first(),
        }
    }
}

fn result(place: usize, goal: &Goal, terms: &Terms, search: &Search, trials: &[Trial]) -> GoalResult {
    let (bounds, shown) = (search.bounds(place), search.interval(place));
    let at = |load: Option<f64>| trials.iter().filter(move |trial| Some(trial.load) == load);
    let is_missed = |trial: &&Trial| !trial.missed_of(place).is_empty();
    let at_lower = at(bounds.lower).map(|trial| (terms.trial_s, trial.achieved_per_s)).collect();
    let mut broke_first =
        at(bounds.upper).find(is_missed).map(|trial| trial.missed_of(place).to_vec()).unwrap_or_default();
    broke_first.sort_by_key(|broken| broken.mode);
    let by_generator = at(bounds.upper)
        .filter(is_missed)
        .filter(|trial| trial.missed_of(place).iter().any(|broken| broken.mode == Mode::Generator));
    let missed = at(bounds.upper).filter(is_missed).count();
    GoalResult {
        goal: goal.name.clone(),
        lower_bound: bounds.lower,
        upper_bound: bounds.upper,
        is_regular: bounds.is_regular,
        conditional_throughput_per_s: mlrsearch::conditional_throughput(
            &goal.requirement(terms.trial_s),
            at_lower,
        ),
        low: shown.low,
        high: shown.high,
        met: (at(bounds.lower).filter(|trial| !is_missed(trial)).count(), at(bounds.lower).count()),
        missed: (missed, at(bounds.upper).count()),
        // Without those misses it would perhaps be no upper bound.
        is_of_generator: missed > 0 && by_generator.count() * 2 >= missed,
        broke_first,
    }
}

#[cfg(test)]
mod tests {
    use super::super::terms::Limits;
    use super::*;
    use crate::run::LoadUnit;
    use crate::run::RunId;

    fn one(load: f64, mean_ms: f64, is_met: bool) -> Trial {
        let broken = Broken {
            mode: Mode::Latency,
            condition: "run.p99 <= 50".to_owned(),
            seen: format!("p99 was {mean_ms} ms"),
        };
        Trial {
            run: RunId(1),
            load,
            achieved_per_s: load * 0.99,
            mean_ms,
            p50_ms: mean_ms,
            p99_ms: mean_ms * 3.0,
            not_ok_share: 0.0,
            answers: std::collections::BTreeMap::new(),
            missed: vec![if is_met { Vec::new() } else { vec![broken] }],
            not_held: Vec::new(),
            disturbance: None,
            reasons: Vec::new(),
        }
    }

    fn terms(trial_s: f64) -> Terms {
        let goal = Goal {
            name: String::new(),
            objective: Vec::new(),
            duration_sum_s: 1.0,
            exceed_ratio: 0.5,
            width: 0.5,
        };
        let limits = Limits { from: 100.0, to: 1e4, factor: 1.5, unit: LoadUnit::PerSecond };
        Terms { goals: vec![goal], limits, trial_s, alpha: 0.05 }
    }

    #[test]
    fn the_knee_is_where_power_is_greatest_and_what_broke_first_is_told() {
        // A server of one per ms and Poisson arrivals: the mean is 1 / (1 - load / 1000) ms, and power
        // is greatest at half of its capacity.
        let trials: Vec<Trial> = [100.0, 300.0, 500.0, 700.0, 900.0]
            .into_iter()
            .map(|load| one(load, 1.0 / (1.0 - load / 1000.0), load < 800.0))
            .collect();
        let capacity = Capacity::of(&terms(1.0), &trials);
        assert_eq!(capacity.knee, Some(500.0));
        let result = &capacity.goals[0];
        assert_eq!((result.lower_bound, result.upper_bound), (Some(700.0), Some(900.0)));
        assert_eq!(result.conditional_throughput_per_s, Some(693.0));
        assert_eq!((result.met, result.missed), ((1, 1), (1, 1)));
        assert!(result.is_regular && result.low.is_none(), "one trial shows nothing: {result:?}");
        assert_eq!(result.broke_first[0].mode, Mode::Latency);
        assert!(!result.is_of_generator);
    }

    #[test]
    fn trials_at_one_load_are_one_point() {
        let trials = [one(100.0, 2.0, true), one(50.0, 1.0, true), one(100.0, 4.0, false)];
        let curve = Capacity::of(&terms(0.3), &trials).curve;
        assert_eq!(curve.points.iter().map(|p| p.load).collect::<Vec<_>>(), [50.0, 100.0]);
        let point = &curve.points[1];
        assert_eq!((point.mean_ms, &point.met[..], point.trials), (3.0, &[1][..], 2));
        assert_eq!(point.missed[0].len(), 1);
    }
}
