//! Whether few values fall into two groups with nothing between them: a mean over them describes neither.

use super::quantile::geometric_mean;

/// Values below which no gap says anything.
const LEAST: usize = 5;
/// The groups' means are at least so far apart, as a factor, for anybody to care.
const APART: f64 = 1.25;
/// From five values on: the largest step between neighbours, as a share of the whole range, that normal values exceed in about
/// one of 100 samples at an end. Source: Dixon 1950, Annals of Mathematical Statistics 21(4).
const STEPS: [f64; 6] = [0.821, 0.740, 0.680, 0.634, 0.598, 0.568];
/// How the limit falls from ten values on, and what it does not fall below: groups may lie anywhere, not only at an end.
const FALL: f64 = 0.4;
const LOWEST: f64 = 0.45;

/// Two groups of values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Groups {
    /// How many values are in the lower group, and their geometric mean.
    pub low: (usize, f64),
    /// The same of the higher group.
    pub high: (usize, f64),
}

/// The two groups that positive values fall into on a logarithmic scale; none where no gap is visible.
pub fn groups(values: &[f64]) -> Option<Groups> {
    if values.len() < LEAST || values.iter().any(|v| !(v.is_finite() && *v > 0.0)) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let step = |place: usize| (sorted[place + 1] / sorted[place]).ln();
    let largest = (0..sorted.len() - 1).max_by(|a, b| step(*a).total_cmp(&step(*b)))?;
    let range = (sorted[sorted.len() - 1] / sorted[0]).ln();
    if range <= 0.0 || step(largest) / range < limit(values.len()) {
        return None;
    }
    let (low, high) = sorted.split_at(largest + 1);
    let groups = Groups { low: (low.len(), geometric_mean(low)?), high: (high.len(), geometric_mean(high)?) };
    (groups.high.1 >= APART * groups.low.1).then_some(groups)
}

fn limit(n: usize) -> f64 {
    let known = STEPS.get(n.saturating_sub(LEAST)).copied();
    let beyond = || (STEPS[STEPS.len() - 1] * (10.0 / n as f64).powf(FALL)).max(LOWEST);
    known.unwrap_or_else(beyond)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::simulated::Normal;

    #[test]
    fn a_rare_slow_mode_is_told_from_the_others() {
        let found = groups(&[10.0, 11.0, 10.5, 9.8, 31.0, 10.2, 10.1, 9.9, 10.4, 10.3]).unwrap();
        assert_eq!((found.low.0, found.high.0), (9, 1));
        assert!((found.high.1 - 31.0).abs() < 1e-9);
        let halves = groups(&[10.0, 20.0, 10.1, 20.3, 9.9, 19.8]).unwrap();
        assert_eq!((halves.low.0, halves.high.0), (3, 3));
    }

    #[test]
    fn what_is_close_together_is_one_group() {
        // Two groups, but nobody would care.
        assert_eq!(groups(&[10.0, 10.01, 11.0, 11.01, 10.02, 11.02]), None);
        assert_eq!(groups(&[1.0, 2.0, 3.0, 4.0, 5.0]), None);
        assert_eq!(groups(&[1.0, 1.0, 9.0, 9.0]), None);
        assert_eq!(groups(&[5.0; 8]), None);
        assert_eq!(groups(&[5.0, 5.0, 5.0, 5.0, f64::INFINITY]), None);
    }

    #[test]
    fn one_group_is_rarely_called_two() {
        for n in [5, 8, 10, 20] {
            let mut normal = Normal::seeded(3);
            let sample = |_: &i32| (0..n).map(|_| (0.3 * normal.next()).exp()).collect::<Vec<f64>>();
            let mut sample = sample;
            let found = (0..4000).filter(|i| groups(&sample(i)).is_some()).count();
            assert!(found <= 200, "{n}: {found} of 4000");
        }
    }
}
