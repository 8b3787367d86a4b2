//! Change points that are more than a series' own wandering.
//!
//! Neighbouring releases resemble each other (slow drifts of the environment), which makes steps look surer than
//! they are. The filter estimates that autocorrelation inside the segments and counts values for less accordingly.

use super::distribution::t_two_sided;

/// Autocorrelation is capped here: more would leave no evidence at all.
const MOST_CORRELATION: f64 = 0.8;

/// What a change point must stand up to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Its p must be below this, such as 0.001.
    pub p: f64,
    /// The means on both sides must differ by at least this, in the series' unit, such as ln 1.03.
    pub change: f64,
}

/// Correlation of neighbouring values inside the segments that `points` make, in [0, 0.8].
///
/// With e the values less their segment's mean: `φ = Σ eₜ·eₜ₋₁ / Σ e²` over pairs inside one segment, corrected for
/// the means' being estimated, `φ + (S + 3φ)/n` with S segments and n values, then kept within bounds.
/// `points`: ascending, inside (0, n), each the first place of its right segment.
///
/// Source of the correction: Marriott and Pope 1954, Biometrika 41, applied per segment.
pub fn correlation(values: &[f64], points: &[usize]) -> f64 {
    let segments = segments(values, points);
    let (mut products, mut squares) = (0.0, 0.0);
    for segment in &segments {
        let mean = mean(segment);
        squares += sum_of_squares(segment);
        products += segment.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum::<f64>();
    }
    let raw = if squares > 0.0 { products / squares } else { 0.0 };
    let corrected = raw + (segments.len() as f64 + 3.0 * raw) / values.len() as f64;
    corrected.clamp(0.0, MOST_CORRELATION)
}

/// What speaks against each of `points` (see [`correlation`]), the larger the more: −1 where nothing does, its p
/// where that is not below the limit, 2 where it is but the change is too small.
pub fn objections(values: &[f64], points: &[usize], limits: Limits) -> Vec<f64> {
    let phi = correlation(values, points);
    let deff = (1.0 + phi) / (1.0 - phi);
    segments(values, points)
        .windows(2)
        .map(|pair| {
            let p = p_of_step(pair[0], pair[1], deff);
            let change = (mean(pair[1]) - mean(pair[0])).abs();
            match p {
                _ if p >= limits.p => p,
                _ if change < limits.change => 2.0,
                _ => -1.0,
            }
        })
        .collect()
}

/// Those of `candidates` that stand up to `limits`: drops the point with the largest objection (of equal ones
/// the later) and looks again, until there is none.
pub fn keep(values: &[f64], candidates: &[usize], limits: Limits) -> Vec<usize> {
    let mut points = candidates.to_vec();
    loop {
        let objections = objections(values, &points, limits);
        // `max_by` takes the last of equal ones.
        let worst = objections.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        match worst {
            Some((place, objection)) if *objection >= 0.0 => points.remove(place),
            _ => return points,
        };
    }
}

/// Two-sided p of equal means left and right of a step, by Student's t with pooled spread, where `deff`
/// values are worth one independent one.
fn p_of_step(left: &[f64], right: &[f64], deff: f64) -> f64 {
    let (n, m) = (left.len() as f64, right.len() as f64);
    if n + m <= 2.0 {
        return 1.0;
    }
    let change = (mean(right) - mean(left)).abs();
    let spread = ((sum_of_squares(left) + sum_of_squares(right)) / (n + m - 2.0)).sqrt();
    if spread == 0.0 {
        return if change == 0.0 { 1.0 } else { 0.0 };
    }
    let (n, m) = ((n / deff).max(1.0), (m / deff).max(1.0));
    t_two_sided(change / (spread * (1.0 / n + 1.0 / m).sqrt()), (n + m - 2.0).max(1.0))
}

fn segments<'a>(values: &'a [f64], points: &[usize]) -> Vec<&'a [f64]> {
    let ends = points.iter().copied().chain([values.len()]);
    ends.scan(0, |from, to| Some(&values[std::mem::replace(from, to)..to])).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn sum_of_squares(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|v| (v - mean).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits { p: 0.001, change: 0.03 };

    #[test]
    fn a_wandering_series_needs_a_larger_step() {
        // Slow waves: neighbours are alike. With the values of each side shuffled, they are not.
        let wave = |i: u32| 0.05 * (f64::from(i) / 4.0).sin() + f64::from(i / 20) * 0.06;
        let smooth: Vec<f64> = (0..40).map(wave).collect();
        let shuffled: Vec<f64> = (0..40).map(|i| wave(i / 20 * 20 + i * 9 % 20)).collect();
        assert_eq!(correlation(&smooth, &[20]), MOST_CORRELATION);
        assert!(correlation(&shuffled, &[20]) < 0.2);
        assert_eq!(keep(&smooth, &[20], LIMITS), Vec::<usize>::new());
        assert_eq!(keep(&shuffled, &[20], LIMITS), [20]);
    }

    #[test]
    fn small_steps_go_however_sure_they_are() {
        let step = |height: f64| (0..40).map(|i| if i < 20 { 1.0 } else { 1.0 + height }).collect::<Vec<_>>();
        assert_eq!(objections(&step(0.02), &[20], LIMITS), [2.0]);
        assert_eq!(keep(&step(0.02), &[20], LIMITS), Vec::<usize>::new());
        assert_eq!(keep(&step(0.04), &[20], LIMITS), [20]);
        // No step at all: p is 1, and of two equal objections the later goes first; both go in the end.
        assert_eq!(objections(&step(0.0), &[10, 30], LIMITS), [1.0, 1.0]);
        assert_eq!(keep(&step(0.0), &[10, 30], LIMITS), Vec::<usize>::new());
        assert_eq!(objections(&[1.0, 5.0], &[1], LIMITS), [1.0]);
    }

    proptest! {
        #[test]
        fn what_is_kept_stands_alone(
            values in prop::collection::vec(0.0..1.0_f64, 30..60), step in 0.0..3.0_f64, place in 5_usize..25,
        ) {
            let series: Vec<f64> =
                values.iter().enumerate().map(|(i, v)| if i < place { *v } else { v + step }).collect();
            let candidates = [3, place, 27].into_iter().collect::<std::collections::BTreeSet<_>>();
            let candidates: Vec<usize> = candidates.into_iter().collect();
            let kept = keep(&series, &candidates, LIMITS);
            prop_assert!(kept.iter().all(|point| candidates.contains(point)));
            prop_assert!(objections(&series, &kept, LIMITS).iter().all(|o| *o == -1.0));
            prop_assert_eq!(keep(&series, &kept, LIMITS), kept);
            prop_assert!((0.0..=MOST_CORRELATION).contains(&correlation(&series, &candidates)));
        }
    }
}
