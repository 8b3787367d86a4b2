//! Metrics as Locust works them out: response times rounded to two digits and counted, so that
//! files for its dashboards hold the numbers that those expect.

use std::collections::BTreeMap;

/// The quantiles of the files, in the order of their columns.
pub(super) const QUANTILES: [f64; 11] = [0.5, 0.66, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0];

/// A median, ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Median {
    /// Of the rounded times.
    Rounded(u64),
    /// The least or longest time, where rounding has led beyond it.
    Extreme(f64),
}

/// What came of the requests of one name, or of all.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    pub(super) requests: u64,
    pub(super) failures: u64,
    total_ms: f64,
    least_ms: Option<f64>,
    pub(super) most_ms: f64,
    bytes: u64,
    /// Requests by rounded response time, ms.
    times: BTreeMap<u64, u64>,
    /// Requests and failures by the second in which they ended.
    by_second: BTreeMap<i64, (u64, u64)>,
}

impl Entry {
    pub(super) fn add(&mut self, second: i64, ms: f64, bytes: u64, failed: bool) {
        self.requests += 1;
        self.failures += u64::from(failed);
        self.total_ms += ms;
        self.least_ms = Some(self.least_ms.map_or(ms, |least| least.min(ms)));
        self.most_ms = self.most_ms.max(ms);
        self.bytes += bytes;
        *self.times.entry(rounded(ms)).or_default() += 1;
        let (requests, failures) = self.by_second.entry(second).or_default();
        *requests += 1;
        *failures += u64::from(failed);
    }

    pub(super) fn least_ms(&self) -> f64 {
        self.least_ms.unwrap_or(0.0)
    }

    pub(super) fn average_ms(&self) -> f64 {
        if self.requests == 0 { 0.0 } else { self.total_ms / self.requests as f64 }
    }

    pub(super) fn average_bytes(&self) -> f64 {
        if self.requests == 0 { 0.0 } else { self.bytes as f64 / self.requests as f64 }
    }

    /// The median of the rounded times, kept within the exact extremes.
    pub(super) fn median_ms(&self) -> Median {
        let rounded = self.quantile_ms(0.5);
        match rounded as f64 {
            ms if ms > self.most_ms => Median::Extreme(self.most_ms),
            ms if ms < self.least_ms() => Median::Extreme(self.least_ms()),
            _ => Median::Rounded(rounded),
        }
    }

    /// The quantiles of [`QUANTILES`]; none without requests.
    pub(super) fn quantiles_ms(&self) -> Option<[u64; QUANTILES.len()]> {
        (self.requests > 0).then(|| QUANTILES.map(|p| self.quantile_ms(p)))
    }

    /// The smallest rounded time with at most ⌊p·n⌋ requests below it, seen from above.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ p ≤ 1")]
    fn quantile_ms(&self, p: f64) -> u64 {
        let wanted = (self.requests as f64 * p) as u64;
        let mut above = 0;
        for (ms, count) in self.times.iter().rev() {
            above += count;
            if self.requests - above <= wanted {
                return *ms;
            }
        }
        0
    }

    /// Requests and failures per second over the last ten seconds but the newest two.
    pub(super) fn current_rates(&self, start: i64, last: i64) -> (f64, f64) {
        let from = (last - 12).max(start);
        let seconds = from..last - 2;
        let n = (last - 2 - from).max(0);
        if n == 0 {
            return (0.0, 0.0);
        }
        let sums = self.by_second.range(seconds).fold((0, 0), |sum, (_, of)| (sum.0 + of.0, sum.1 + of.1));
        (sums.0 as f64 / n as f64, sums.1 as f64 / n as f64)
    }
}

/// Below 100 ms to 1, below 1 s to 10, below 10 s to 100, else to 1000; halves to the even one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times are not negative")]
fn rounded(ms: f64) -> u64 {
    let step = match ms {
        ms if ms < 100.0 => 1.0,
        ms if ms < 1000.0 => 10.0,
        ms if ms < 10_000.0 => 100.0,
        _ => 1000.0,
    };
    ((ms / step).round_ties_even() * step) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_two_digits() {
        let cases = [
            (0.4, 0),
            (0.5, 0),
            (1.5, 2),
            (99.4, 99),
            (104.9, 100),
            (115.0, 120),
            (1250.0, 1200),
            (14_600.0, 15_000),
        ];
        for (ms, expected) in cases {
            assert_eq!(rounded(ms), expected, "{ms}");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_rounded_times() {
        let mut entry = Entry::default();
        for ms in 1..=10 {
            entry.add(0, f64::from(ms), 10, ms == 10);
        }
        assert_eq!(entry.quantiles_ms().unwrap(), [6, 7, 8, 9, 10, 10, 10, 10, 10, 10, 10]);
        assert_eq!(entry.median_ms(), Median::Rounded(6));
        assert_eq!((entry.average_ms(), entry.average_bytes(), entry.failures), (5.5, 10.0, 1));
        assert_eq!(Entry::default().quantiles_ms(), None);
    }

    #[test]
    fn one_slow_request_has_no_median_beyond_its_maximum() {
        let mut entry = Entry::default();
        entry.add(0, 1540.2, 0, false);
        assert_eq!(entry.median_ms(), Median::Extreme(1540.2));
    }

    #[test]
    fn current_rates_leave_the_newest_two_seconds_out() {
        let mut entry = Entry::default();
        for second in 0..20 {
            for n in 0..5 {
                entry.add(second, 1.0, 0, n == 0);
            }
        }
        assert_eq!(entry.current_rates(0, 19), (5.0, 1.0));
        assert_eq!(entry.current_rates(0, 1), (0.0, 0.0));
    }
}
