//! Modes of many times: peaks of a histogram on a logarithmic scale, with a valley between them that chance does not make.

use super::quantile::type8;

/// Bins of a histogram, at most.
const BINS: f64 = 40.0;
/// What lies beyond these quantiles is not shown: a few outliers would take all the room.
const SHOWN: (f64, f64) = (0.005, 0.995);
/// A bin is at least so wide, µs: times are whole µs, and narrower bins would be empty by turns.
const NARROWEST_US: f64 = 2.0;
/// Times that are closer together than this factor have no modes that matter.
const LEAST_RANGE: f64 = 1.5;
/// Values below which peaks are chance.
const LEAST_VALUES: usize = 200;
/// Weights of neighbouring bins, by which counts are smoothed.
const KERNEL: [f64; 5] = [1.0, 2.0, 3.0, 2.0, 1.0];
/// A valley is at most so high, as a share of the lower one of its peaks.
const VALLEY: f64 = 0.5;
/// And lower by so many standard deviations of what the smoothed counts would scatter.
const SIGMAS: f64 = 6.0;
/// A mode holds at least so large a share of the values.
const LEAST_SHARE: f64 = 0.02;

/// A peak and the values around it, up to the valleys beside it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mode {
    /// Where it is highest: the middle of its bin.
    pub at: f64,
    /// The share of all values that it holds.
    pub share: f64,
}

/// A histogram with bins of equal width on a logarithmic scale, the same for several runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    low: f64,
    /// Of each bin, as a logarithm.
    width: f64,
    n: usize,
}

impl Bins {
    /// Bins for runs, each in ascending order, µs; none where a run has too few values or all are alike.
    pub fn of(runs: &[Vec<f64>]) -> Option<Self> {
        if runs.is_empty() || runs.iter().any(|run| run.len() < LEAST_VALUES) {
            return None;
        }
        let lows = runs.iter().filter_map(|run| type8(run, SHOWN.0));
        let highs = runs.iter().filter_map(|run| type8(run, SHOWN.1));
        let (low, high) = (lows.fold(f64::INFINITY, f64::min).max(1.0), highs.fold(0.0, f64::max));
        if !high.is_finite() || high < LEAST_RANGE * low {
            return None;
        }
        let range = (high / low).ln();
        let width = (range / BINS).max((1.0 + NARROWEST_US / low).ln());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 40")]
        let n = (range / width).ceil().max(1.0) as usize;
        Some(Self { low, width, n })
    }

    /// Lower edge of the first bin and upper edge of the last, µs.
    pub fn range(&self) -> (f64, f64) {
        (self.low, self.edge(self.n))
    }

    fn edge(&self, place: usize) -> f64 {
        self.low * (self.width * place as f64).exp()
    }

    /// How many values are in each bin.
    pub fn count(&self, values: &[f64]) -> Vec<f64> {
        let mut counts = vec![0.0; self.n];
        for value in values.iter().filter(|value| **value >= self.low && value.is_finite()) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 0")]
            let place = ((value / self.low).ln() / self.width) as usize;
            if let Some(count) = counts.get_mut(place) {
                *count += 1.0;
            }
        }
        counts
    }

    /// The modes of counts, the fastest first; one where no valley tells two apart.
    pub fn modes(&self, counts: &[f64]) -> Vec<Mode> {
        let smooth = smoothed(counts);
        let all: f64 = counts.iter().sum();
        let mut cuts = Vec::new();
        divide(&smooth, 0, smooth.len(), &mut cuts);
        cuts.sort_unstable();
        let share = |from: usize, to: usize| counts[from..to].iter().sum::<f64>() / all.max(1.0);
        // What is too small to be a mode belongs to its neighbour.
        let mut from = 0;
        let mut parts: Vec<(usize, usize)> = Vec::new();
        for to in cuts.into_iter().chain([smooth.len()]) {
            match parts.last_mut() {
                Some(last) if share(from, to) < LEAST_SHARE => last.1 = to,
                Some(last) if share(last.0, last.1) < LEAST_SHARE => last.1 = to,
                _ => parts.push((from, to)),
            }
            from = to;
        }
        let mode = |(from, to): (usize, usize)| Mode {
            at: self.middle(peak(&smooth, from, to)),
            share: share(from, to),
        };
        parts.into_iter().map(mode).collect()
    }

    fn middle(&self, place: usize) -> f64 {
        (self.edge(place) * self.edge(place + 1)).sqrt()
    }
}

/// Each count with its neighbours; those beyond the ends are the ends' own.
fn smoothed(counts: &[f64]) -> Vec<f64> {
    let last = counts.len().saturating_sub(1);
    let weight: f64 = KERNEL.iter().sum();
    (0..counts.len())
        .map(|place| {
            let near = KERNEL.iter().enumerate();
            let sum: f64 = near.map(|(i, w)| w * counts[(place + i).saturating_sub(2).min(last)]).sum();
            sum / weight
        })
        .collect()
}

fn peak(smooth: &[f64], from: usize, to: usize) -> usize {
    (from..to).max_by(|a, b| smooth[*a].total_cmp(&smooth[*b])).unwrap_or(from)
}

/// Cuts a stretch at its deepest valley, and both parts again.
fn divide(smooth: &[f64], from: usize, to: usize, cuts: &mut Vec<usize>) {
    // How far below the lower one of the peaks beside it a bin lies, where that is far enough.
    let depth = |place: usize| {
        let lower = smooth[peak(smooth, from, place)].min(smooth[peak(smooth, place + 1, to)]);
        let scatter = (KERNEL.iter().map(|w| w * w).sum::<f64>() / KERNEL.iter().sum::<f64>().powi(2)).sqrt();
        let is_deep = smooth[place] <= VALLEY * lower
            && lower - smooth[place] > SIGMAS * scatter * (lower + smooth[place]).sqrt();
        is_deep.then_some(lower - smooth[place])
    };
    let inner = from + 1..to.saturating_sub(1);
    let valley = inner.filter_map(|place| Some((place, depth(place)?))).max_by(|a, b| a.1.total_cmp(&b.1));
    if let Some((place, _)) = valley {
        cuts.push(place);
        divide(smooth, from, place, cuts);
        divide(smooth, place, to, cuts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::simulated::Normal;

    /// Lognormal times in µs around each centre, so many of each, in ascending order.
    fn times(parts: &[(f64, f64, usize)], seed: u64) -> Vec<f64> {
        let mut normal = Normal::seeded(seed);
        let of = |(centre, sd, n): &(f64, f64, usize)| -> Vec<f64> {
            (0..*n).map(|_| (centre * (sd * normal.next()).exp()).round()).collect()
        };
        let mut values: Vec<f64> = parts.iter().flat_map(of).collect();
        values.sort_by(f64::total_cmp);
        values
    }

    fn found(values: &[f64]) -> Vec<Mode> {
        let bins = Bins::of(&[values.to_vec()]).unwrap();
        bins.modes(&bins.count(values))
    }

    #[test]
    fn two_peaks_with_a_valley_are_two_modes() {
        let modes = found(&times(&[(12_000.0, 0.2, 700), (84_000.0, 0.2, 300)], 1));
        assert_eq!(modes.len(), 2, "{modes:?}");
        assert!((modes[0].at / 12_000.0 - 1.0).abs() < 0.15 && (modes[1].at / 84_000.0 - 1.0).abs() < 0.15);
        assert!((modes[0].share - 0.7).abs() < 0.03 && (modes[1].share - 0.3).abs() < 0.03, "{modes:?}");
        assert_eq!(
            found(&times(&[(1_000.0, 0.1, 400), (5_000.0, 0.1, 400), (30_000.0, 0.1, 400)], 2)).len(),
            3
        );
    }

    #[test]
    fn one_peak_is_one_mode_whatever_its_shape() {
        for seed in 0..40 {
            for n in [250, 1000, 20_000] {
                let modes = found(&times(&[(12_000.0, 0.4, n)], seed));
                assert_eq!(modes.len(), 1, "{seed} {n}: {modes:?}");
                let mut random = Normal::seeded(seed);
                let mut exponential: Vec<f64> = (0..n).map(|_| -9_000.0 * random.uniform().ln()).collect();
                exponential.sort_by(f64::total_cmp);
                assert_eq!(found(&exponential).len(), 1, "exponential {seed} {n}");
            }
        }
    }

    #[test]
    fn whole_microseconds_make_no_modes() {
        // So few different values that narrow bins would be empty by turns.
        assert_eq!(found(&times(&[(20.0, 0.3, 5_000)], 4)).len(), 1);
    }

    #[test]
    fn few_values_and_such_that_are_alike_have_no_histogram() {
        assert_eq!(Bins::of(&[vec![5.0; 100]]), None);
        assert_eq!(Bins::of(&[vec![5_000.0; 1000]]), None);
        assert_eq!(Bins::of(&[]), None);
    }

    #[test]
    fn a_few_slow_ones_are_no_mode() {
        assert_eq!(found(&times(&[(10_000.0, 0.2, 2_000), (90_000.0, 0.1, 15)], 5)).len(), 1);
    }
}
