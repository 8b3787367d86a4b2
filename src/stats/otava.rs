//! Change points by split and merge, as Apache Otava finds them.
//!
//! A window of the series is split where the two sides differ most (E-divisive's Q), as long as Student's t finds
//! them different; then weak points are merged away. Its known quirk is kept: after a merge only the tests of the
//! next two points are made anew, so that its own numbers can be reached to the last digit.
//!
//! Source: Apache Otava 0.8.0 (split and merge over Q); Matteson and James 2014, JASA 109 (Q); the split's
//! corrected limit by the number of places that were tried.

use super::distribution::t_two_sided;

/// What a change point has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Values that are looked at together; windows overlap by half.
    pub window: usize,
    /// Its p must be below this.
    pub max_p: f64,
    /// The larger of its relative changes, forward and backward, must be at least this.
    pub min_magnitude: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { window: 50, max_p: 0.001, min_magnitude: 0.0 }
    }
}

/// A place from which on a series is another one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChangePoint {
    /// The first place of the new regime.
    pub index: usize,
    /// Q of the split that found it.
    pub q: f64,
    /// Two-sided p of equal means on both sides, up to the next points.
    pub p: f64,
    /// Mean before it.
    pub mean_before: f64,
    /// Mean from it on.
    pub mean_after: f64,
    /// Population standard deviation before it.
    pub std_before: f64,
    /// Population standard deviation from it on.
    pub std_after: f64,
}

/// The change points of a series, in order.
pub fn change_points(values: &[f64], options: Options) -> Vec<ChangePoint> {
    merge(values, &split(values, options), options)
}

/// The places of the splits before any is merged away, with their Q, in order.
pub fn split(values: &[f64], options: Options) -> Vec<(usize, f64)> {
    let limit = match options.max_p {
        p if p < 0.05 => 10.0 * p,
        p if p < 0.5 => 2.0 * p,
        p => p,
    };
    let mut found: Vec<(usize, f64)> = Vec::new();
    let mut start = 0;
    while start < values.len() {
        let end = (start + options.window).min(values.len());
        let of_window = split_window(values, start, end, limit);
        let largest = of_window.iter().map(|(index, _)| *index).max().unwrap_or(0);
        for point in of_window {
            if !found.iter().any(|(index, _)| *index == point.0) {
                found.push(point);
            }
        }
        start = largest.max(start + (options.window / 2).max(1));
    }
    found.sort_unstable_by_key(|(index, _)| *index);
    found
}

/// Splits `[start, end)` at its strongest candidates until one is not significant.
fn split_window(values: &[f64], start: usize, end: usize, limit: f64) -> Vec<(usize, f64)> {
    let mut found: Vec<(usize, f64)> = Vec::new();
    let mut intervals = vec![(start, end, candidate(&values[start..end]))];
    loop {
        // Of equal ones the leftmost.
        let mut best: Option<(usize, usize, f64)> = None;
        for (place, (_, _, candidate)) in intervals.iter().enumerate() {
            if let Some((at, q)) = candidate
                && best.is_none_or(|(_, _, most)| *q > most)
            {
                best = Some((place, *at, *q));
            }
        }
        let Some((place, at, q)) = best else { return found };
        let (from, to, _) = intervals[place];
        let split = from + at;
        if Test::of(&values[from..split], &values[split..to]).p > limit {
            return found;
        }
        found.push((split, q));
        let parts = [(from, split), (split, to)].map(|(from, to)| (from, to, candidate(&values[from..to])));
        intervals.splice(place..=place, parts);
    }
}

/// The place with the largest Q over all ends of its right side, and that Q; the first of equal ones. None
/// below two values.
fn candidate(values: &[f64]) -> Option<(usize, f64)> {
    let n = values.len();
    // distances[i][k] = Σ |values[i] − values[j]| over j < k.
    let prefix: Vec<Vec<f64>> = values
        .iter()
        .map(|x| {
            let sums = values.iter().scan(0.0, |sum, y| {
                *sum += (x - y).abs();
                Some(*sum)
            });
            std::iter::once(0.0).chain(sums).collect()
        })
        .collect();
    let mut best: Option<(usize, f64)> = None;
    // Σ |xᵢ − xₖ| over i < k < tau, which grows with tau.
    let mut within_left = 0.0;
    for tau in 1..n {
        within_left += prefix[tau - 1][tau - 1];
        let (mut across, mut within_right) = (0.0, 0.0);
        for kappa in tau + 1..=n {
            let newest = kappa - 1;
            across += prefix[newest][tau];
            within_right += prefix[newest][newest] - prefix[newest][tau];
            let (left, right) = (tau as f64, (kappa - tau) as f64);
            let term = |size: f64, other: f64, within: f64| {
                if size > 1.0 { 2.0 * other / ((size + other) * (size - 1.0)) * within } else { 0.0 }
            };
            let q = 2.0 / (left + right) * across
                - term(left, right, within_left)
                - term(right, left, within_right);
            if best.is_none_or(|(_, most)| q > most) {
                best = Some((tau, q));
            }
        }
    }
    best
}

/// Drops weak points, the weakest first.
fn merge(values: &[f64], splits: &[(usize, f64)], options: Options) -> Vec<ChangePoint> {
    let mut points: Vec<ChangePoint> = splits.iter().map(|(index, q)| untested(*index, *q)).collect();
    (0..points.len()).for_each(|place| test(values, &mut points, place));
    while let Some(weakest) = weakest(&points, options) {
        points.remove(weakest);
        // Not the one before: its metrics stay as they were.
        for place in [weakest, weakest + 1] {
            if place < points.len() {
                test(values, &mut points, place);
            }
        }
    }
    points
}

/// The point to be dropped next: the one with the largest p or, if all are below the limit, the one with
/// the smallest magnitude; none if that is large enough.
fn weakest(points: &[ChangePoint], options: Options) -> Option<usize> {
    let first_of = |better: &dyn Fn(&ChangePoint, &ChangePoint) -> bool| {
        let mut best = 0;
        for place in 1..points.len() {
            if better(&points[place], &points[best]) {
                best = place;
            }
        }
        (!points.is_empty()).then_some(best)
    };
    let least_sure = first_of(&|a, b| a.p > b.p)?;
    if points[least_sure].p >= options.max_p {
        return Some(least_sure);
    }
    let smallest = first_of(&|a, b| a.magnitude() < b.magnitude())?;
    (points[smallest].magnitude() <= options.min_magnitude).then_some(smallest)
}

fn untested(index: usize, q: f64) -> ChangePoint {
    ChangePoint { index, q, p: 1.0, mean_before: 0.0, mean_after: 0.0, std_before: 0.0, std_after: 0.0 }
}

/// Tests a point between its neighbours.
fn test(values: &[f64], points: &mut [ChangePoint], place: usize) {
    let from = place.checked_sub(1).map_or(0, |before| points[before].index);
    let to = points.get(place + 1).map_or(values.len(), |next| next.index);
    let index = points[place].index;
    let test = Test::of(&values[from..index], &values[index..to]);
    points[place] = ChangePoint {
        p: test.p,
        mean_before: test.left.mean,
        mean_after: test.right.mean,
        std_before: test.left.std,
        std_after: test.right.std,
        ..points[place]
    };
}

impl ChangePoint {
    /// The larger of the relative changes, forward and backward.
    pub fn magnitude(&self) -> f64 {
        let (before, after) = (self.mean_before, self.mean_after);
        if before == 0.0 || after == 0.0 {
            return f64::INFINITY;
        }
        (after / before - 1.0).abs().max((before / after - 1.0).abs())
    }
}

struct Side {
    mean: f64,
    std: f64,
}

/// Student's test of equal means.
struct Test {
    left: Side,
    right: Side,
    p: f64,
}

impl Test {
    fn of(left: &[f64], right: &[f64]) -> Self {
        let (n, m) = (left.len() as f64, right.len() as f64);
        let (left, right) = (side(left), side(right));
        let p = if n + m <= 2.0 {
            1.0
        } else {
            // Population deviations, where the formula wants those of a sample.
            let squares = (n - 1.0) * left.std.powi(2) + (m - 1.0) * right.std.powi(2);
            let error = (squares / (n + m - 2.0) * (1.0 / n + 1.0 / m)).sqrt();
            let change = (left.mean - right.mean).abs();
            match (error > 0.0, change > 0.0) {
                (true, _) => t_two_sided(change / error, n + m - 2.0),
                (false, true) => 0.0,
                (false, false) => 1.0,
            }
        };
        Self { left, right, p }
    }
}

fn side(values: &[f64]) -> Side {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let std = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    Side { mean, std }
}
