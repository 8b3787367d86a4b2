//! How many trials a search takes, before it begins.

use super::search::Search;
use super::terms::Terms;

/// How many capacities are assumed, from well below the first load to the last.
const ASSUMED: u32 = 12;
/// What a system whose trials disagree costs, over one whose trials never do.
const NOISE: f64 = 2.0;
/// No search is planned to be longer.
const MOST: u32 = 5_000;

/// How many trials a search takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Of a system whose trials agree, the median over capacities all over its loads.
    pub usual: u32,
    /// It ends after so many, whatever it has found.
    pub most: u32,
}

/// The trials of a search, by carrying it out on imagined systems of capacities all over its loads, from a tenth of the
/// first one on.
pub fn planned(terms: &Terms) -> Planned {
    let (least, most) = (terms.limits.from / 10.0, terms.limits.to);
    let at = |place: u32| least * (most / least).powf(f64::from(place) / f64::from(ASSUMED));
    let mut taken: Vec<u32> = (0..=ASSUMED).map(|place| imagined(terms, at(place))).collect();
    taken.sort_unstable();
    let longest = taken.last().copied().unwrap_or(0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bounded number of trials")]
    let most = (f64::from(longest) * NOISE).ceil() as u32;
    Planned { usual: taken[taken.len() / 2], most: most.min(MOST) }
}

/// The trials that it takes on a system of a capacity that differs by a half from goal to goal.
fn imagined(terms: &Terms, capacity: f64) -> u32 {
    let mut search = Search::new(terms.clone());
    for trials in 0..MOST {
        let Some(step) = search.next(MOST) else { return trials };
        let mut truth = capacity;
        let missed = terms.goals.iter().map(|_| {
            let is_missed = step.load > truth;
            truth /= 2.0;
            is_missed
        });
        search.note(step.load, missed.collect());
    }
    MOST
}

#[cfg(test)]
mod tests {
    use super::super::terms::{Goal, Limits};
    use super::*;
    use crate::run::LoadUnit;

    #[test]
    fn more_goals_and_more_loads_take_more_trials() {
        let goal = Goal {
            name: String::new(),
            objective: Vec::new(),
            duration_sum_s: 3.0,
            exceed_ratio: 0.5,
            width: 0.05,
        };
        let limits = Limits { from: 100.0, to: 1e5, factor: 1.5, unit: LoadUnit::PerSecond };
        let one = Terms { goals: vec![goal.clone()], limits, trial_s: 1.0, alpha: 0.05 };
        let two = Terms { goals: vec![goal.clone(), goal], ..one.clone() };
        let near = Terms { limits: Limits { to: 200.0, ..limits }, ..one.clone() };
        let [one, two, near] = [one, two, near].map(|terms| planned(&terms));
        assert!(near.most < one.most && one.most < two.most, "{near:?} {one:?} {two:?}");
        assert!((20..45).contains(&one.usual) && one.most < 90, "{one:?}");
    }
}
