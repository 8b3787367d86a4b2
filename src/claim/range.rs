//! Which values an expression can take, and how its statistics weigh in it, before anything is measured.

use std::sync::Arc;

use super::expression::{Expression, Found, LookUp};
use super::statistic::{CountOf, DriftOf, Side, SignalMetric, Statistic};

/// Stands for a number without a limit.
const HUGE: f64 = 1e30;
/// Stands for nothing, which nothing can be divided by.
const TINY: f64 = 1e-60;
/// Below this, a value is none.
const NOTHING: f64 = 1e-6;
/// Beyond this, a value has no limit.
const LIMITLESS: f64 = 1e15;
/// Statistics of which all extremes are tried, at most.
const MOST_STATISTICS: usize = 8;

/// Statistics with values that are given, not measured.
struct Given(Vec<(Side, Statistic, f64)>);

impl LookUp for Given {
    fn look_up(&self, side: Side, statistic: &Statistic) -> Result<Found, String> {
        let given = self.0.iter().find(|(of, name, _)| *of == side && name == statistic);
        let (_, _, value) = given.ok_or("the first evaluation did not request it")?;
        Ok(Found { value: *value, ..Found::default() })
    }
}

impl Expression {
    /// The least and the most that it can come to, whatever is measured; infinite where there is no limit. None where
    /// that cannot be told.
    ///
    /// Every combination of its statistics' extremes is tried: shares are 0 or 1, counts none or all of
    /// the requests, times nothing or without end; what excludes each other is not both.
    pub fn range(&self) -> Option<(f64, f64)> {
        let statistics = self.statistics().ok().filter(|all| all.len() <= MOST_STATISTICS)?;
        let mut values = Vec::new();
        let mut corner = vec![0; statistics.len()];
        loop {
            if !excludes_itself(&statistics, |place| corner[place] == 1) {
                let given = statistics.iter().zip(&corner).map(|((side, statistic), place)| {
                    (*side, statistic.clone(), extremes(statistic)[*place])
                });
                let mut given: Vec<_> = given.collect();
                count_parts(&mut given);
                values.extend(self.at(given));
            }
            if !next_corner(&mut corner, |place| extremes(&statistics[place].1).len()) {
                break;
            }
        }
        let least = values.iter().copied().min_by(f64::total_cmp)?;
        let most = values.iter().copied().max_by(f64::total_cmp)?;
        let limit = |value: f64| match value.abs() {
            size if size > LIMITLESS => value.signum() * f64::INFINITY,
            size if size < NOTHING => 0.0,
            _ => value,
        };
        Some((limit(least), limit(most)))
    }

    /// How much it changes with each of its statistics, in their order; none unless it is a sum of multiples of them.
    pub fn factors(&self) -> Option<Vec<f64>> {
        let statistics = self.statistics().ok().filter(|all| !all.is_empty())?;
        // Nothing in common, so that no product or quotient is a sum by chance.
        let base: Vec<f64> = (0..statistics.len()).map(|place| 0.31 + 0.083 * place as f64).collect();
        let with = |values: &[f64]| {
            let given = statistics.iter().zip(values);
            self.at(given.map(|((side, statistic), value)| (*side, statistic.clone(), *value)).collect())
        };
        let start = with(&base)?;
        let factor = |place: usize, by: f64| {
            let mut moved = base.clone();
            moved[place] += by;
            Some((with(&moved)? - start) / by)
        };
        let factors: Vec<f64> = (0..base.len()).map(|place| factor(place, 0.1)).collect::<Option<_>>()?;
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * a.abs().max(b.abs()).max(1e-9);
        let is_line =
            (0..base.len()).all(|place| factor(place, 0.23).is_some_and(|f| near(f, factors[place])));
        let moved: Vec<f64> = base.iter().map(|value| value * 1.7).collect();
        let sum: f64 = factors.iter().zip(&base).map(|(factor, value)| factor * value * 0.7).sum();
        // Each by itself is not enough: `a * b` is a line in both.
        (is_line && near(with(&moved)? - start, sum)).then_some(factors)
    }

    fn at(&self, given: Vec<(Side, Statistic, f64)>) -> Option<f64> {
        let given: Arc<dyn LookUp> = Arc::new(Given(given));
        let value = self.evaluate_with(&given, |k, n| (k / n).clamp(0.0, 1.0)).ok()?.value;
        (!value.is_nan()).then_some(value)
    }
}

/// Counts to the next combination of extremes; false after the last.
fn next_corner(corner: &mut [usize], extremes: impl Fn(usize) -> usize) -> bool {
    for (place, at) in corner.iter_mut().enumerate() {
        *at += 1;
        if *at < extremes(place) {
            return true;
        }
        *at = 0;
    }
    false
}

/// The least and the most that a statistic can be; of counts as a share of the requests. What may be above nothing and
/// below it may be next to nothing, too, which a ratio depends on.
fn extremes(statistic: &Statistic) -> &'static [f64] {
    match statistic {
        Statistic::Count(CountOf::All)
        | Statistic::Time(..)
        | Statistic::Throughput
        | Statistic::DrainTime
        | Statistic::CpuPerRequest(_)
        | Statistic::Recovery(_)
        | Statistic::Excursion(..)
        | Statistic::Detection(_)
        | Statistic::Reaction { .. }
        | Statistic::Settling { .. }
        | Statistic::AllOk(_)
        | Statistic::NoneOk(_)
        | Statistic::Events(_)
        | Statistic::Capacity(_) => &[TINY, HUGE],
        Statistic::Share(_) | Statistic::CheckShare(_) | Statistic::Overlap(_) | Statistic::Count(_) => {
            &[TINY, 1.0]
        }
        Statistic::Correlation(_) => &[-1.0, 1.0, TINY],
        Statistic::Signal(SignalMetric::Remaining, _) => &[-HUGE, 1.0, TINY],
        Statistic::Signal(..) | Statistic::Drift(DriftOf::Signal(_)) => &[-HUGE, HUGE, TINY, -TINY],
        Statistic::Drift(DriftOf::Quantile(_)) => &[-1.0, HUGE, TINY],
    }
}

/// Whether two outcomes, or two statuses, of one side are both those of all requests.
fn excludes_itself(statistics: &[(Side, Statistic)], is_most: impl Fn(usize) -> bool) -> bool {
    let all_of = |place: &usize| match &statistics[*place] {
        (side, Statistic::Share(of) | Statistic::Count(of)) => Some((*side, *of)),
        _ => None,
    };
    let full: Vec<(Side, CountOf)> =
        (0..statistics.len()).filter(|place| is_most(*place)).filter_map(|place| all_of(&place)).collect();
    let exclude = |a: CountOf, b: CountOf| {
        let of_one_kind = matches!(
            (a, b),
            (CountOf::Outcome(_), CountOf::Outcome(_)) | (CountOf::Status(_), CountOf::Status(_))
        );
        of_one_kind && a != b
    };
    full.iter().enumerate().any(|(i, a)| full[..i].iter().any(|b| a.0 == b.0 && exclude(a.1, b.1)))
}

/// Makes shares of a side's requests counts.
fn count_parts(given: &mut [(Side, Statistic, f64)]) {
    let all: Vec<(Side, f64)> = given
        .iter()
        .filter(|(_, statistic, _)| *statistic == Statistic::Count(CountOf::All))
        .map(|(side, _, value)| (*side, *value))
        .collect();
    for (side, statistic, value) in given {
        if matches!(statistic, Statistic::Count(of) if *of != CountOf::All) {
            *value *= all.iter().find(|(of, _)| of == side).map_or(HUGE, |(_, all)| *all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_value_can_come_to_is_known_before_it_is_measured() {
        let none = f64::INFINITY;
        for (text, range) in [
            ("run.ok_share", (0.0, 1.0)),
            ("1 - run.ok_share", (0.0, 1.0)),
            ("run.failed_share + run.error_share", (0.0, 1.0)),
            ("treatment.failed_share - baseline.failed_share", (-1.0, 1.0)),
            ("run.ok_share * 100", (0.0, 100.0)),
            ("share(run.delta('a'), run.delta('b'))", (0.0, 1.0)),
            ("run.failed / run.requests", (0.0, 1.0)),
            ("run.failed", (0.0, none)),
            ("treatment.p95 / baseline.p95", (0.0, none)),
            ("treatment.p95 - baseline.p95", (-none, none)),
            ("treatment.ok_share / baseline.ok_share", (0.0, none)),
            ("run.max('queue')", (-none, none)),
            ("treatment.delta('hits') / baseline.delta('hits')", (-none, none)),
            ("run.last('queue') / run.first('queue')", (-none, none)),
            ("run.requests / run.delta('hits')", (-none, none)),
        ] {
            assert_eq!(Expression::new(text).range(), Some(range), "{text}");
        }
    }

    #[test]
    fn factors_are_told_of_sums_only() {
        for (text, factors) in [
            ("run.p50 * 1e-3", Some(vec![1e-3])),
            ("run.p50 / 100 / 10", Some(vec![1e-3])),
            ("1 - run.ok_share", Some(vec![-1.0])),
            ("(treatment.p95 - baseline.p95) / 60", Some(vec![1.0 / 60.0, -1.0 / 60.0])),
            ("treatment.p95 / baseline.p95", None),
            ("run.p50 * run.p95", None),
        ] {
            let found = Expression::new(text).factors();
            let pairs = || found.iter().flatten().zip(factors.iter().flatten());
            assert_eq!(found.is_some(), factors.is_some(), "{text}");
            assert!(pairs().all(|(a, b)| (a - b).abs() < 1e-9), "{text}: {found:?}");
        }
    }
}
