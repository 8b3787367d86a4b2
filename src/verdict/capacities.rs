//! Claims about capacities: decided by the intervals that searches have shown.
//!
//! A claim's interval is that of its formula over all capacities within their intervals. The searches share the error, so
//! that all of it is right at once at the level that is stated.

use std::sync::Arc;

use super::conclusion::Verdict;
use super::decided::{Decided, Input};
use super::estimate::Scale;
use super::side::side_of;
use crate::capacity::{Capacity, GoalResult};
use crate::claim::{Claim, Expression, Found, LookUp, Side, Statistic};
use crate::unit;

/// What a search has found of a profile.
#[derive(Clone, Copy, Debug)]
pub struct Searched<'a> {
    /// What the profile is in formulas, besides the run at hand; none if it is neither.
    pub side: Option<Side>,
    /// The profile's name.
    pub profile: &'a str,
    /// What was found.
    pub capacity: &'a Capacity,
    /// What had to be seen to be true of it, and was not; none if all was.
    pub not_held: Option<&'a str>,
}

/// Decides claims by what was found: of one profile, or of a baseline and then a treatment. Claims about profiles that
/// were not searched are left out. `alpha`: two-sided, of all intervals together.
pub fn decide(claims: &[Claim], searched: &[Searched<'_>], alpha: f64) -> Vec<Decided> {
    let Some(last) = searched.last() else { return Vec::new() };
    let is_known = |side: &Side| *side == Side::Run || searched.iter().any(|s| s.side == Some(*side));
    let is_meant = |claim: &&Claim| {
        claim.is_of(last.profile) && claim.value.sides().is_ok_and(|sides| sides.iter().all(is_known))
    };
    claims.iter().filter(is_meant).map(|claim| decided(claim, searched, last.profile, alpha)).collect()
}

/// How many goals some claims speak of: their intervals share the error.
pub fn goals_claimed(claims: &[Claim]) -> usize {
    let mut goals: Vec<Option<String>> = claims
        .iter()
        .flat_map(|claim| claim.value.statistics().unwrap_or_default())
        .filter_map(|(_, statistic)| match statistic {
            Statistic::Capacity(goal) => Some(goal),
            _ => None,
        })
        .collect();
    goals.sort();
    goals.dedup();
    goals.len()
}

fn decided(claim: &Claim, searched: &[Searched<'_>], profile: &str, alpha: f64) -> Decided {
    let asked = claim.value.statistics().unwrap_or_default();
    let results: Vec<(&(Side, Statistic), Option<&GoalResult>)> =
        asked.iter().map(|ask| (ask, result_of(ask, searched))).collect();
    let estimate = value(&claim.value, &results, |result| result.lower_bound);
    let (low, high) = interval(&claim.value, &results);
    let (verdict, reason) = verdict(claim, searched, &results, (low, high));
    Decided {
        claim: claim.clone(),
        formula: claim.formula(),
        profile: profile.to_owned(),
        verdict,
        word: verdict.word(),
        reason,
        indicative: false,
        is_objective: false,
        values: vec![estimate],
        estimate,
        low,
        high,
        alpha,
        scale: Scale::Log,
        rounds_needed: None,
        supports: None,
        inputs: results.iter().filter_map(|(ask, result)| input(ask, (*result)?)).collect(),
        wanders: None,
        notes: notes(&results),
    }
}

fn result_of<'a>((side, statistic): &(Side, Statistic), searched: &[Searched<'a>]) -> Option<&'a GoalResult> {
    let Statistic::Capacity(goal) = statistic else { return None };
    let of = match side {
        Side::Run => searched.last(),
        side => searched.iter().find(|s| s.side == Some(*side)),
    };
    of?.capacity.goal(goal.as_deref())
}

fn verdict(
    claim: &Claim,
    searched: &[Searched<'_>],
    results: &[(&(Side, Statistic), Option<&GoalResult>)],
    (low, high): (Option<f64>, Option<f64>),
) -> (Verdict, String) {
    if let Some(reason) = searched.iter().find_map(|s| s.not_held) {
        return (Verdict::Invalid, reason.to_owned());
    }
    if let Some(((_, statistic), _)) = results.iter().find(|(_, result)| result.is_none()) {
        return (Verdict::Invalid, format!("no search was made for `{statistic}`"));
    }
    let verdict = side_of(claim.bound, low, high);
    let unit = claim.bound.unit();
    let end = |end: Option<f64>, otherwise: &str| end.map_or(otherwise.to_owned(), |value| unit.text(value));
    let interval = format!("{} to {}", end(low, "not known"), end(high, "not known"));
    let reason = match verdict {
        Verdict::Supported => format!("the interval, {interval}, lies on the claim's side of the bound"),
        Verdict::Refuted => format!("the interval, {interval}, lies on the other side of the bound"),
        _ => match results.iter().filter_map(|(_, result)| *result).find_map(open_end) {
            Some(open) if low.is_none() && high.is_none() => format!("the interval is unknown: {open}"),
            Some(open) => format!("the interval is {interval}: {open}"),
            None => format!("the interval, {interval}, contains the bound"),
        },
    };
    (verdict, reason)
}

/// Why an end of a capacity's interval is not known, if it is not.
fn open_end(result: &GoalResult) -> Option<String> {
    if result.lower_bound.is_none() {
        return Some("no load met the goal".to_owned());
    }
    if result.is_of_generator {
        return Some("loadproof was at its own limit before the system was".to_owned());
    }
    if result.upper_bound.is_none() {
        return Some("no load missed the goal".to_owned());
    }
    (result.low.is_none() || result.high.is_none())
        .then(|| "the trials did not confirm both bounds".to_owned())
}

/// The range of a formula over all capacities within their intervals. It is a capacity, a ratio or a difference, so that
/// its extremes are at the corners.
fn interval(
    formula: &Expression,
    results: &[(&(Side, Statistic), Option<&GoalResult>)],
) -> (Option<f64>, Option<f64>) {
    let corners = (0..1_u32 << results.len().min(8)).map(|corner| {
        let mut place = 0;
        value(formula, results, |result| {
            let is_high = corner >> place & 1 == 1;
            place += 1;
            // A capacity is above 0, and where it ends above is not known. Of 0 a ratio would have no value.
            let end = if is_high { high(result) } else { result.low };
            Some(end.unwrap_or(if is_high { f64::INFINITY } else { f64::MIN_POSITIVE }))
        })
    });
    let values: Option<Vec<f64>> = corners.collect();
    let Some(values) = values.filter(|values| !values.is_empty()) else { return (None, None) };
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let is_known = |end: &f64| end.is_finite() && end.abs() > f64::MIN_POSITIVE;
    (Some(low).filter(is_known), Some(high).filter(is_known))
}

/// The upper end of a capacity's interval, if it is the system's.
fn high(result: &GoalResult) -> Option<f64> {
    result.high.filter(|_| !result.is_of_generator)
}

/// What a formula comes to, with a number for each capacity in it.
fn value(
    formula: &Expression,
    results: &[(&(Side, Statistic), Option<&GoalResult>)],
    mut number: impl FnMut(&GoalResult) -> Option<f64>,
) -> Option<f64> {
    let numbers: Option<Vec<(Side, Statistic, f64)>> = results
        .iter()
        .map(|((side, statistic), result)| Some((*side, statistic.clone(), number((*result)?)?)))
        .collect();
    let numbers: Arc<dyn LookUp> = Arc::new(Numbers(numbers?));
    formula.evaluate(&numbers).ok().map(|evaluated| evaluated.value)
}

fn input((side, statistic): &(Side, Statistic), result: &GoalResult) -> Option<Input> {
    Some(Input {
        name: format!("{}.{statistic}", side.word()),
        value: result.lower_bound?,
        is_time: false,
        n: u64::try_from(result.met.1 + result.missed.1).unwrap_or(u64::MAX),
    })
}

fn notes(results: &[(&(Side, Statistic), Option<&GoalResult>)]) -> Vec<String> {
    let note = |((side, statistic), result): &(&(Side, Statistic), Option<&GoalResult>)| {
        let result = (*result)?;
        let name = format!("{}.{statistic}", side.word());
        if result.low.is_none() && high(result).is_none() {
            return Some(format!("{name} is not known"));
        }
        let end = |end: Option<f64>| end.map_or("not known".to_owned(), unit::significant);
        let ends = format!("{} to {}", end(result.low), end(high(result)));
        let what =
            if result.is_regular { "" } else { "; its bounds are further apart than the goal's width" };
        Some(format!("{name} lies in {ends}{what}"))
    };
    results.iter().filter_map(note).collect()
}

/// Capacities as formulas look them up.
struct Numbers(Vec<(Side, Statistic, f64)>);

impl LookUp for Numbers {
    fn look_up(&self, side: Side, statistic: &Statistic) -> Result<Found, String> {
        let found = self.0.iter().find(|(of, what, _)| *of == side && what == statistic);
        let value = found.map(|(_, _, value)| *value).ok_or("no search was made for it")?;
        Ok(Found { value, ..Found::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::Curve;
    use crate::claim::{Amount, Bound};

    fn capacity(low: Option<f64>, high: Option<f64>, is_of_generator: bool) -> Capacity {
        let result = GoalResult {
            goal: String::new(),
            lower_bound: low,
            upper_bound: high,
            is_regular: low.is_some() && high.is_some(),
            conditional_throughput_per_s: low,
            low,
            high,
            met: (7, 7),
            missed: (7, 7),
            broke_first: Vec::new(),
            is_of_generator,
        };
        Capacity { goals: vec![result], knee: None, curve: Curve::default() }
    }

    fn at_least(factor: f64) -> Claim {
        let value = Expression::new("treatment.capacity / baseline.capacity");
        Claim::new("More", value, Bound::AtLeast(Amount::plain(factor)))
    }

    fn of(claim: Claim, baseline: &Capacity, treatment: &Capacity, not_held: Option<&str>) -> Decided {
        let searched = [
            Searched { side: Some(Side::Baseline), profile: "before", capacity: baseline, not_held: None },
            Searched { side: Some(Side::Treatment), profile: "after", capacity: treatment, not_held },
        ];
        decide(&[claim], &searched, 0.05).remove(0)
    }

    #[test]
    fn a_ratio_of_capacities_is_decided_by_the_corners_of_their_intervals() {
        let baseline = capacity(Some(100.0), Some(110.0), false);
        let treatment = capacity(Some(220.0), Some(240.0), false);
        let decided = of(at_least(2.0), &baseline, &treatment, None);
        assert_eq!((decided.low, decided.high), (Some(2.0), Some(2.4)));
        assert_eq!((decided.estimate, decided.verdict), (Some(2.2), Verdict::Supported));
        assert_eq!(of(at_least(2.3), &baseline, &treatment, None).verdict, Verdict::Undecided);
        assert_eq!(of(at_least(3.0), &baseline, &treatment, None).verdict, Verdict::Refuted);
    }

    #[test]
    fn what_was_not_shown_decides_nothing_that_needs_it() {
        let known = capacity(Some(100.0), Some(110.0), false);
        let by_generator = capacity(Some(220.0), Some(240.0), true);
        // The treatment does at least that much; how much the system could do is not known.
        assert_eq!(of(at_least(1.9), &known, &by_generator, None).verdict, Verdict::Supported);
        let other = of(at_least(3.0), &known, &by_generator, None);
        assert_eq!(other.verdict, Verdict::Undecided);
        assert!(other.reason.contains("its own limit"), "{}", other.reason);
        let never = capacity(None, Some(50.0), false);
        assert_eq!(of(at_least(1.0), &known, &never, None).verdict, Verdict::Refuted);
        assert_eq!(of(at_least(0.1), &never, &known, None).verdict, Verdict::Supported);
    }

    #[test]
    fn a_treatment_that_was_not_seen_to_act_makes_claims_invalid() {
        let both = capacity(Some(100.0), Some(110.0), false);
        let decided = of(at_least(0.5), &both, &both, Some("a condition was not met"));
        assert_eq!((decided.verdict, &decided.reason[..]), (Verdict::Invalid, "a condition was not met"));
    }

    #[test]
    fn claims_about_what_was_not_searched_are_left_out() {
        let both = capacity(Some(100.0), Some(110.0), false);
        let alone = [Searched { side: None, profile: "after", capacity: &both, not_held: None }];
        let own = Claim::new("Own", Expression::new("run.capacity"), Bound::AtLeast(Amount::plain(90.0)));
        let decided = decide(&[at_least(1.0), own], &alone, 0.05);
        assert_eq!(decided.len(), 1);
        assert_eq!(decided[0].verdict, Verdict::Supported);
    }
}
