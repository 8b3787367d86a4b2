//! The correction for coordinated omission: what users of a closed load would have waited for, had a slow
//! answer not held them back.
//!
//! A user who waits for an answer starts nothing meanwhile, so that a stall of one second holds one request of each
//! user, while under an open load it would have held all that was due. HdrHistogram's correction adds what was held
//! back: a response time L longer than the user's usual interval c stands also for L − c, L − 2c, … down to above 0.
//!
//! Source: Gil Tene, `HdrHistogram` (`recordValueWithExpectedInterval`).

use super::quantile::{Place, median};

/// Response times of one class of users.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Waits<'a> {
    /// Usual time from one intended start of a user to that user's next, above 0, in the unit of the times; where
    /// it is none, not above 0 or not finite, nothing is corrected.
    pub interval: Option<f64>,
    /// Response times of requests that were answered, at least 0, in any order.
    pub answered: &'a [f64],
    /// For how long users waited for each request that was never answered: it counts as +∞ itself, and what
    /// it held back counts as for a response time of this length.
    pub unanswered: &'a [f64],
}

impl Waits<'_> {
    /// The interval, if it corrects anything.
    fn corrects_by(&self) -> Option<f64> {
        self.interval.filter(|c| *c > 0.0 && c.is_finite())
    }

    /// How many corrected values lie beyond `bound`, at least 0. Infinite ones do.
    fn beyond(&self, bound: f64) -> u64 {
        let interval = self.corrects_by();
        // How many steps down from a wait stay beyond the bound.
        let steps = |wait: f64| match interval {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
            Some(interval) if wait > bound => ((wait - bound) / interval).ceil().max(1.0) as u64,
            None if wait > bound => 1,
            _ => 0,
        };
        let answered = self.answered.iter().map(|wait| steps(*wait));
        // The request itself lies beyond, wherever its wait ended.
        let unanswered = self.unanswered.iter().map(|wait| steps(*wait).max(1));
        answered.chain(unanswered).fold(0, u64::saturating_add)
    }

    /// The corrected value nearest to `value`; none without finite ones.
    fn nearest(&self, value: f64) -> Option<f64> {
        let interval = self.corrects_by();
        let to_nearest = |wait: f64, least_steps: f64| match interval {
            Some(interval) => wait - ((wait - value) / interval).round().max(least_steps) * interval,
            None => wait,
        };
        let answered = self.answered.iter().map(|wait| to_nearest(*wait, 0.0));
        let held = self.unanswered.iter().filter(|_| interval.is_some()).map(|wait| to_nearest(*wait, 1.0));
        nearest(answered.chain(held).filter(|found| *found > 0.0), value)
    }

    /// Values of 0, which are not beyond 0.
    fn zeros(&self) -> u64 {
        self.answered.iter().filter(|wait| **wait <= 0.0).count() as u64
    }
}

fn nearest(values: impl Iterator<Item = f64>, value: f64) -> Option<f64> {
    values.min_by(|a, b| (a - value).abs().total_cmp(&(b - value).abs()))
}

/// Response times with those that were held back, of all user classes. Nothing is copied: a stall of minutes at an
/// interval of milliseconds stands for millions of values, which are counted, not made.
#[derive(Clone, Debug)]
pub struct Corrected<'a> {
    classes: &'a [Waits<'a>],
    total: u64,
    zeros: u64,
}

impl<'a> Corrected<'a> {
    /// Of the users' classes, each with its own interval.
    pub fn of(classes: &'a [Waits<'a>]) -> Self {
        let zeros = classes.iter().map(Waits::zeros).sum();
        let above: u64 = classes.iter().map(|class| class.beyond(0.0)).fold(0, u64::saturating_add);
        Self { classes, total: above.saturating_add(zeros), zeros }
    }

    /// How many values there are, those that were measured among them.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many of them were not measured but held back.
    pub fn added(&self) -> u64 {
        let measured = |class: &Waits<'_>| class.answered.len() + class.unanswered.len();
        self.total - self.classes.iter().map(measured).sum::<usize>() as u64
    }

    /// How many lie beyond `bound`, unanswered ones among them.
    pub fn beyond(&self, bound: f64) -> u64 {
        if bound < 0.0 {
            return self.total;
        }
        self.classes.iter().map(|class| class.beyond(bound)).fold(0, u64::saturating_add)
    }

    /// The type 8 quantile of the corrected values; infinite where it reaches unanswered requests, none
    /// without values.
    ///
    /// By bisection over all numbers from 0 to the longest wait: 64 passes over what was measured.
    pub fn quantile(&self, p: f64) -> Option<f64> {
        let place = Place::of_type8(usize::try_from(self.total).unwrap_or(usize::MAX), p)?;
        let below = self.at(place.below as u64);
        Some(place.between(below, if place.fraction > 0.0 { self.at(place.above as u64) } else { below }))
    }

    /// The value at a 0-based place in ascending order.
    fn at(&self, place: u64) -> f64 {
        if place < self.zeros {
            return 0.0;
        }
        // Non-negative numbers are ordered as their bits are. The smallest one that leaves few enough beyond it.
        let allowed = self.total - 1 - place;
        let unanswered = self.classes.iter().map(|class| class.unanswered.len() as u64).sum::<u64>();
        if allowed < unanswered {
            return f64::INFINITY;
        }
        let (mut short, mut enough) = (0, f64::MAX.to_bits());
        while enough - short > 1 {
            let middle = u64::midpoint(short, enough);
            *(if self.beyond(f64::from_bits(middle)) <= allowed { &mut enough } else { &mut short }) = middle;
        }
        // Counting divides, and so is off by a rounding: the value itself lies next to what was found.
        let found = f64::from_bits(enough);
        nearest(self.classes.iter().filter_map(|class| class.nearest(found)), found).unwrap_or(found)
    }

    /// All values in ascending order, for methods that need them one by one; none if there are more than `most`.
    pub fn values(&self, most: usize) -> Option<Vec<f64>> {
        let total = usize::try_from(self.total).ok().filter(|total| *total <= most)?;
        let mut values = Vec::with_capacity(total);
        for class in self.classes {
            values.extend_from_slice(class.answered);
            values.extend(std::iter::repeat_n(f64::INFINITY, class.unanswered.len()));
            let Some(interval) = class.corrects_by() else { continue };
            for wait in class.answered.iter().chain(class.unanswered) {
                // By products: differences would add up their rounding.
                values.extend(
                    (1..).map(|held: u32| wait - f64::from(held) * interval).take_while(|v| *v > 0.0),
                );
            }
        }
        values.sort_by(f64::total_cmp);
        Some(values)
    }
}

/// The usual interval of a class of users: the median time from one intended start to the same user's next.
///
/// `starts`: each user's intended starts, in order of time, in any unit. None if no user started twice.
pub fn usual_interval<S: AsRef<[f64]>>(starts: &[S]) -> Option<f64> {
    let gaps = starts.iter().flat_map(|user| user.as_ref().windows(2).map(|pair| pair[1] - pair[0]));
    median(&gaps.collect::<Vec<f64>>())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::quantile::type8;

    #[test]
    fn a_stall_counts_for_all_that_it_held_back() {
        // In 4 s a user gets 125 answers after 24 ms, and one after a stall of 1 s.
        let mut times = vec![24.0; 125];
        times.push(1000.0);
        let measured = [Waits { interval: None, answered: &times, unanswered: &[] }];
        let corrected = [Waits { interval: Some(24.0), ..measured[0].clone() }];
        assert_eq!(Corrected::of(&measured).quantile(0.95), Some(24.0));
        let corrected = Corrected::of(&corrected);
        assert_eq!((corrected.total(), corrected.added()), (167, 41));
        let p95 = corrected.quantile(0.95).unwrap();
        assert!((750.0..850.0).contains(&p95), "{p95}");
    }

    #[test]
    fn what_was_never_answered_is_infinite_and_held_others_back() {
        let class = [Waits { interval: Some(10.0), answered: &[5.0, 10.0, 25.0], unanswered: &[35.0] }];
        let corrected = Corrected::of(&class);
        let values = [5.0, 5.0, 5.0, 10.0, 15.0, 15.0, 25.0, 25.0, f64::INFINITY];
        assert_eq!(corrected.values(100).unwrap(), values);
        assert_eq!((corrected.total(), corrected.added()), (9, 5));
        assert_eq!(corrected.beyond(15.0), 3);
        assert_eq!(corrected.quantile(1.0), Some(f64::INFINITY));
        assert_eq!(corrected.values(8), None);
    }

    #[test]
    fn without_values_or_interval() {
        assert_eq!(Corrected::of(&[]).quantile(0.5), None);
        assert_eq!(Corrected::of(&[Waits::default()]).quantile(0.5), None);
        for interval in [None, Some(0.0), Some(-1.0), Some(f64::NAN), Some(f64::INFINITY)] {
            let class = [Waits { interval, answered: &[0.0, 0.0, 3.0], unanswered: &[9.0] }];
            let corrected = Corrected::of(&class);
            assert_eq!((corrected.total(), corrected.added()), (4, 0), "{interval:?}");
            assert_eq!(corrected.quantile(0.0), Some(0.0));
            assert_eq!(corrected.quantile(0.5), Some(1.5));
        }
    }

    #[test]
    fn minutes_at_microseconds_are_counted_not_made() {
        let class = [Waits { interval: Some(1e-3), answered: &[1.0, 6e8], unanswered: &[] }];
        let corrected = Corrected::of(&class);
        assert_eq!(corrected.total(), 600_000_001_000);
        let median = corrected.quantile(0.5).unwrap();
        assert!((median - 3e8).abs() < 1.0, "{median}");
    }

    #[test]
    fn the_usual_interval_is_the_median_over_all_users() {
        assert_eq!(usual_interval(&[vec![0.0, 10.0, 20.0, 60.0], vec![5.0], vec![0.0, 12.0]]), Some(11.0));
        assert_eq!(usual_interval(&[vec![1.0], vec![]]), None);
    }

    proptest! {
        #[test]
        fn counting_gives_the_quantiles_of_the_values_themselves(
            classes in prop::collection::vec(
                (1_u32..40, prop::collection::vec(0_u32..400, 0..12), prop::collection::vec(0_u32..400, 0..3)), 0..3,
            ),
            p in 0.0..=1.0_f64, bound in 0_u32..400,
        ) {
            let times: Vec<(f64, Vec<f64>, Vec<f64>)> = classes.iter().map(|(interval, answered, unanswered)| {
                let floats = |values: &[u32]| values.iter().map(|v| f64::from(*v)).collect();
                (f64::from(*interval), floats(answered), floats(unanswered))
            }).collect();
            let classes: Vec<Waits<'_>> = times.iter().map(|(interval, answered, unanswered)| Waits {
                interval: Some(*interval), answered, unanswered,
            }).collect();
            let corrected = Corrected::of(&classes);
            let values = corrected.values(100_000).unwrap();
            prop_assert_eq!(corrected.total(), values.len() as u64);
            prop_assert_eq!(corrected.quantile(p), type8(&values, p));
            let bound = f64::from(bound);
            prop_assert_eq!(corrected.beyond(bound), values.iter().filter(|v| **v > bound).count() as u64);
        }
    }
}
