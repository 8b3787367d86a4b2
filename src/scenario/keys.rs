//! `[keys.NAME]`: keys with a stated popularity. A cache's hit rate means nothing without it.

use rand::RngExt;
use rand::distr::Distribution;
use rand_distr::Zipf;
use rand_pcg::Pcg64Mcg;

use crate::sample::Key;
use crate::unit;

/// Keys 1, 2, 3, …, the most popular first.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyList {
    /// Its name.
    pub name: String,
    /// How many keys there are; at least 1.
    pub of: u64,
    /// How often each is drawn.
    pub popularity: Popularity,
    /// Whether the values that stand for the keys are scattered, so that popular ones are no
    /// neighbours in the system: one that finds the first row soonest would look better than it is.
    pub is_scattered: bool,
}

/// How often each key is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Popularity {
    /// All alike.
    Even,
    /// The k-th with a probability proportional to k to the power of minus this exponent (> 0).
    Zipf(f64),
    /// The first `keys` get `share` of all draws, alike among each other; so do the rest.
    Hot {
        /// How many are hot; fewer than there are keys.
        keys: u64,
        /// Their share, in (0, 1).
        share: f64,
    },
}

impl KeyList {
    /// A key, from 1.
    pub fn draw(&self, rng: &mut Pcg64Mcg) -> u64 {
        match self.popularity {
            Popularity::Even => rng.random_range(1..=self.of),
            Popularity::Zipf(exponent) => zipf(self.of, exponent, rng),
            Popularity::Hot { keys, share } if rng.random_bool(share) => rng.random_range(1..=keys),
            Popularity::Hot { keys, .. } => rng.random_range(keys + 1..=self.of),
        }
    }

    /// The value that stands for a key, from 1 to the number of keys, a different one for each.
    pub fn value(&self, key: u64) -> u64 {
        if !self.is_scattered || self.of.is_multiple_of(SCATTER) {
            return key;
        }
        // Multiplication by a number without a common factor visits every value once.
        let product = u128::from(key) * u128::from(SCATTER) % u128::from(self.of);
        u64::try_from(product).unwrap_or(0) + 1
    }

    /// The probability that a draw falls into each bucket ([`Key::bucket`]), from the first to that
    /// of the last key.
    pub fn bucket_shares(&self) -> Vec<f64> {
        let mut shares = vec![0.0; Key::bucket(self.of) + 1];
        for (place, share) in shares.iter_mut().enumerate() {
            let (first, last) = (1_u64 << place, ((2_u64 << place) - 1).min(self.of));
            *share = self.weight(first, last);
        }
        let all: f64 = shares.iter().sum();
        shares.iter().map(|share| share / all).collect()
    }

    /// A number proportional to the probability of the keys from `first` to `last`.
    fn weight(&self, first: u64, last: u64) -> f64 {
        match self.popularity {
            Popularity::Even => (last - first + 1) as f64,
            Popularity::Zipf(exponent) => power_sum(first, last, exponent),
            Popularity::Hot { keys, share } => {
                let hot = last.min(keys).saturating_sub(first - 1) as f64;
                let cold = (last - first + 1) as f64 - hot;
                hot * share / keys as f64 + cold * (1.0 - share) / (self.of - keys) as f64
            }
        }
    }

    /// In words: `Zipf 1.1 over 10 000 keys`.
    pub fn text(&self) -> String {
        let of = unit::count(self.of);
        match self.popularity {
            Popularity::Even => format!("even over {of} keys"),
            Popularity::Zipf(exponent) => format!("Zipf {} over {of} keys", unit::plain(exponent)),
            Popularity::Hot { keys, share } => {
                format!("{} of draws to {} of {of} keys", unit::share(share), unit::count(keys))
            }
        }
    }
}

/// A prime, far from any simple fraction of a list's length.
const SCATTER: u64 = 2_654_435_761;

/// Draws by rejection inversion (Hörmann and Derflinger 1996), whatever the number of keys.
fn zipf(of: u64, exponent: f64, rng: &mut Pcg64Mcg) -> u64 {
    // Parameters were checked when the scenario was read; one key is always right.
    let Ok(distribution) = Zipf::new(of as f64, exponent) else { return 1 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number in 1..=of")]
    let key = distribution.sample(rng) as u64;
    key.clamp(1, of)
}

/// The sum of `k^-exponent` for `k` from `first` to `last`: term by term where there are few, beyond
/// that by the midpoint rule, whose error is below 1e-9 of the sum there.
fn power_sum(first: u64, last: u64, exponent: f64) -> f64 {
    const EXACT: u64 = 4096;
    let exact: f64 = (first..=last.min(EXACT)).map(|k| (k as f64).powf(-exponent)).sum();
    if last <= EXACT {
        return exact;
    }
    let (from, to) = (first.max(EXACT + 1) as f64 - 0.5, last as f64 + 0.5);
    let integral = if (exponent - 1.0).abs() < 1e-9 {
        (to / from).ln()
    } else {
        (to.powf(1.0 - exponent) - from.powf(1.0 - exponent)) / (1.0 - exponent)
    };
    exact + integral
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn list(of: u64, popularity: Popularity) -> KeyList {
        KeyList { name: "product".to_owned(), of, popularity, is_scattered: false }
    }

    #[test]
    fn draws_fall_into_buckets_as_stated() {
        let popularities = [
            Popularity::Even,
            Popularity::Zipf(0.8),
            Popularity::Zipf(1.0),
            Popularity::Zipf(1.3),
            Popularity::Hot { keys: 100, share: 0.9 },
        ];
        for popularity in popularities {
            let list = list(10_000, popularity);
            let shares = list.bucket_shares();
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let mut rng = Pcg64Mcg::seed_from_u64(1);
            let mut counts = vec![0.0; shares.len()];
            for _ in 0..50_000 {
                counts[Key::bucket(list.draw(&mut rng))] += 1.0;
            }
            for (place, (count, share)) in counts.iter().zip(&shares).enumerate() {
                // Five standard deviations.
                let deviation = 5.0 * (50_000.0 * share * (1.0 - share)).sqrt().max(1.0);
                assert!((count - 50_000.0 * share).abs() < deviation, "{popularity:?} {place}: {count}");
            }
        }
    }

    #[test]
    fn scattered_values_stand_for_one_key_each() {
        for of in [1, 2, 10, 999, 10_000] {
            let list = KeyList { is_scattered: true, ..list(of, Popularity::Even) };
            let values: std::collections::BTreeSet<u64> = (1..=of).map(|key| list.value(key)).collect();
            assert_eq!(values.len() as u64, of);
            assert!(values.first() == Some(&1) && values.last() == Some(&of));
        }
    }

    #[test]
    fn power_sums_far_out_agree_with_the_terms() {
        let terms: f64 = (5000..=50_000_u64).map(|k| (k as f64).powf(-1.1)).sum();
        assert!((power_sum(5000, 50_000, 1.1) / terms - 1.0).abs() < 1e-9);
        let one: f64 = (5000..=50_000_u64).map(|k| 1.0 / k as f64).sum();
        assert!((power_sum(5000, 50_000, 1.0) / one - 1.0).abs() < 1e-9);
    }

    #[test]
    fn words_say_what_is_drawn() {
        assert_eq!(list(10_000, Popularity::Zipf(1.1)).text(), "Zipf 1.1 over 10\u{202f}000 keys");
        let hot = list(1000, Popularity::Hot { keys: 10, share: 0.9 });
        assert_eq!(hot.text(), "90 % of draws to 10 of 1000 keys");
    }
}
