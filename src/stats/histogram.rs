//! HDR histograms: times while they come in (two significant digits, fixed memory), for tools that read histograms, and
//! what the store keeps of runs (three digits). Verdicts never use them; they are computed from the samples.

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};

/// Longest time that is told apart from longer ones: an hour, in µs.
const LONGEST_US: u64 = 3_600_000_000;

/// Values as `(value, count)`, ascending, to three significant digits: what a baseline in git keeps.
pub fn compact(values_us: &[u64]) -> Vec<(u64, u64)> {
    let mut histogram = empty(3);
    for value in values_us {
        histogram.saturating_record(*value);
    }
    let steps = histogram.iter_recorded();
    steps.map(|step| (histogram.median_equivalent(step.value_iterated_to()), step.count_at_value())).collect()
}

/// Digits of a [`Spectrum`].
pub const SPECTRUM_DIGITS: u8 = 3;
/// Steps of a spectrum for each half of what is left to 100 %: HdrHistogram's own number.
const STEPS_PER_HALF: u32 = 5;

/// Bytes before the counts of HdrHistogram's V2 form: cookie, length of the counts, offset, digits, bounds and ratio.
const V2_HEADER: usize = 40;
/// Where that header says how many bytes of counts follow, and how many digits they have.
const V2_LENGTH: std::ops::Range<usize> = 4..8;
const V2_DIGITS: std::ops::Range<usize> = 12..16;

/// Bytes that are not a spectrum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stored histogram cannot be read: it is damaged, or was written by another program")]
pub struct NotASpectrum;

/// How times are distributed, as HdrHistogram's tools show it. A value is known to within 0.1 % of itself.
#[derive(Clone, Debug)]
pub struct Spectrum(Histogram<u64>);

/// A step of a spectrum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The time, µs: the longest that the histogram does not tell from it.
    pub value_us: u64,
    /// The share of times that the step stands for.
    pub quantile: f64,
    /// How many times are no longer.
    pub count: u64,
}

impl Default for Spectrum {
    fn default() -> Self {
        Self(Histogram::new(SPECTRUM_DIGITS).expect("constant digits are valid"))
    }
}

impl Spectrum {
    /// Takes a time in.
    pub fn add(&mut self, us: u64) {
        // It grows with what it is given.
        let _ = self.0.record(us);
    }

    /// Takes all of another's in.
    pub fn add_all(&mut self, other: &Self) {
        // It grows with what it is given.
        let _ = self.0.add(&other.0);
    }

    /// The quantile at `p` by the nearest rank, µs, with so many times that have no end behind all others: infinite where it
    /// reaches them; none without any.
    pub fn quantile_with_endless_us(&self, p: f64, endless: u64) -> Option<f64> {
        let (ended, all) = (self.0.len(), self.0.len() + endless);
        if all == 0 {
            return None;
        }
        let rank = (p * all as f64).ceil().max(1.0);
        if rank > ended as f64 {
            return Some(f64::INFINITY);
        }
        Some(self.0.value_at_quantile(rank / ended as f64) as f64)
    }

    /// As bytes: HdrHistogram's V2 form, which its tools in other languages read.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Into memory, and of no more counts than the form has room for.
        let written = V2Serializer::new().serialize(&self.0, &mut bytes);
        debug_assert!(written.is_ok(), "{written:?}");
        bytes
    }

    /// What [`Spectrum::bytes`] has written.
    ///
    /// # Errors
    /// If the bytes are anything else. No more memory is taken than a spectrum can need.
    pub fn of_bytes(bytes: &[u8]) -> Result<Self, NotASpectrum> {
        let number = |at: std::ops::Range<usize>| -> Option<u32> {
            Some(u32::from_be_bytes(bytes.get(at)?.try_into().ok()?))
        };
        let is_whole = number(V2_LENGTH).is_some_and(|length| bytes.len() == V2_HEADER + length as usize);
        if !is_whole || number(V2_DIGITS) != Some(SPECTRUM_DIGITS.into()) {
            return Err(NotASpectrum);
        }
        let mut bytes = bytes;
        Deserializer::new().deserialize(&mut bytes).map(Self).map_err(|_| NotASpectrum)
    }

    /// The steps, from the shortest time to the longest.
    pub fn steps(&self) -> Vec<Step> {
        let mut count = 0;
        let steps = self.0.iter_quantiles(STEPS_PER_HALF).map(|step| {
            count += step.count_since_last_iteration();
            Step { value_us: step.value_iterated_to(), quantile: step.quantile_iterated_to(), count }
        });
        steps.collect()
    }

    /// How many times there are.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Their mean, µs.
    pub fn mean_us(&self) -> f64 {
        self.0.mean()
    }

    /// Their standard deviation, µs.
    pub fn deviation_us(&self) -> f64 {
        self.0.stdev()
    }

    /// The longest, µs.
    pub fn max_us(&self) -> u64 {
        self.0.max()
    }

    /// How many ranges, each twice as wide as the one before it, the histogram has.
    pub fn buckets(&self) -> u8 {
        self.0.buckets()
    }
}

/// Times to two significant digits, for those who look while they come in.
#[derive(Clone, Debug)]
pub struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        Self(empty(2))
    }
}

fn empty(digits: u8) -> Histogram<u64> {
    Histogram::new_with_max(LONGEST_US, digits).expect("constant bounds are valid")
}

impl Times {
    /// Takes a time in, µs.
    pub fn record(&mut self, us: u64) {
        self.0.saturating_record(us);
    }

    /// Takes all of another's in.
    pub fn add(&mut self, other: &Self) {
        // All have the same bounds.
        let _ = self.0.add(&other.0);
    }

    /// What came in since it was as `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut since = self.0.clone();
        // It held all of them already.
        let _ = since.subtract(&earlier.0);
        Self(since)
    }

    /// The quantile at `p`, µs; none without any time.
    pub fn quantile_us(&self, p: f64) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.value_at_quantile(p) as f64)
    }

    /// The quantile at `p`, µs, with so many times that have no end behind all others: infinite where it reaches them; none
    /// without any.
    pub fn quantile_with_endless_us(&self, p: f64, endless: u64) -> Option<f64> {
        let (ended, all) = (self.0.len(), self.0.len() + endless);
        let rank = p * all as f64;
        if all > 0 && rank > ended as f64 {
            return Some(f64::INFINITY);
        }
        self.quantile_us((rank / ended.max(1) as f64).min(1.0))
    }

    /// The longest time, µs; none without any.
    pub fn max_us(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.max() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::{NotASpectrum, Spectrum, Times};

    fn spectrum(times: impl IntoIterator<Item = u64>) -> Spectrum {
        let mut spectrum = Spectrum::default();
        times.into_iter().for_each(|us| spectrum.add(us));
        spectrum
    }

    #[test]
    fn a_spectrum_is_read_as_it_was_written() {
        for times in [vec![], vec![0], (1..5000).map(|n| n * n).collect(), vec![u64::from(u32::MAX) * 90_000]]
        {
            let written = spectrum(times.iter().copied());
            let read = Spectrum::of_bytes(&written.bytes()).unwrap();
            assert_eq!((read.count(), read.max_us()), (written.count(), written.max_us()));
            assert_eq!(read.steps(), written.steps());
            let mut twice = Spectrum::default();
            twice.add_all(&read);
            twice.add_all(&written);
            assert_eq!(twice.count(), 2 * written.count());
        }
    }

    #[test]
    fn quantiles_of_a_spectrum_are_within_a_thousandth_of_the_nearest_rank() {
        let times: Vec<u64> = (1..=20_000).map(|n| n * 37).collect();
        let spectrum = spectrum(times.iter().copied());
        let ranks = [
            (0.5, 0, 10_000),
            (0.95, 0, 19_000),
            (0.999, 0, 19_980),
            (0.5, 5_000, 12_500),
            (0.79, 5_000, 19_750),
            (1.0, 0, 20_000),
        ];
        for (p, endless, rank) in ranks {
            let found = spectrum.quantile_with_endless_us(p, endless).unwrap();
            let exact = times[rank - 1] as f64;
            assert!((found / exact - 1.0).abs() <= 0.001, "p{p}: {found} against {exact}");
        }
        assert_eq!(spectrum.quantile_with_endless_us(0.81, 5_000), Some(f64::INFINITY));
        assert_eq!(Spectrum::default().quantile_with_endless_us(0.5, 1), Some(f64::INFINITY));
        assert_eq!(Spectrum::default().quantile_with_endless_us(0.5, 0), None);
    }

    #[test]
    fn bytes_that_are_not_a_spectrum_are_refused() {
        let whole = spectrum([1, 1000, 1_000_000]).bytes();
        let mut long = whole.clone();
        long[4..8].copy_from_slice(&u32::MAX.to_be_bytes());
        let mut fine = whole.clone();
        fine[12..16].copy_from_slice(&5_u32.to_be_bytes());
        let mut strange = whole.clone();
        strange[0] ^= 0xff;
        for bytes in [&[][..], b"no histogram at all", &whole[..whole.len() - 1], &long, &fine, &strange] {
            assert_eq!(Spectrum::of_bytes(bytes).err(), Some(NotASpectrum));
        }
    }

    #[test]
    fn what_came_in_since_is_told_from_what_was_there() {
        let mut times = Times::default();
        assert_eq!((times.quantile_us(0.5), times.max_us()), (None, None));
        times.record(900_000);
        let earlier = times.clone();
        for us in [1_000, 1_000, 2_000] {
            times.record(us);
        }
        let since = times.since(&earlier);
        let near = |found: Option<f64>, us: f64| (found.unwrap() / us - 1.0).abs() < 0.01;
        assert!(near(since.quantile_us(0.5), 1_000.0) && near(since.max_us(), 2_000.0), "{since:?}");
        assert!(near(times.max_us(), 900_000.0));
    }

    #[test]
    fn times_without_an_end_stand_behind_all_others() {
        let mut times = Times::default();
        assert_eq!(times.quantile_with_endless_us(0.5, 0), None);
        assert_eq!(times.quantile_with_endless_us(0.5, 1), Some(f64::INFINITY));
        (0..90).for_each(|_| times.record(1_000));
        let p90 = times.quantile_with_endless_us(0.9, 10).unwrap();
        assert!((p90 / 1_000.0 - 1.0).abs() < 0.01, "{p90}");
        assert_eq!(times.quantile_with_endless_us(0.95, 10), Some(f64::INFINITY));
    }
}
