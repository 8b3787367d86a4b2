//! Sizes of answers, counted, so that it can be asked how many of them are much smaller than usual.

use std::collections::BTreeMap;

/// An answer of at most this share of the usual size is another answer: an error page, an empty list, nothing at all.
pub const SHRUNK: f64 = 0.5;

/// How many answers had which size, in bytes rounded down to two digits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    counts: BTreeMap<u32, u64>,
}

impl Sizes {
    /// Counts an answer.
    pub fn add(&mut self, bytes: u32) {
        let mut scale = 1;
        while bytes / scale >= 100 {
            scale *= 10;
        }
        *self.counts.entry(bytes / scale * scale).or_default() += 1;
    }

    /// How many answers there were.
    pub fn n(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The size that half of the answers do not exceed, bytes; none without answers.
    pub fn median(&self) -> Option<u32> {
        let half = self.n().div_ceil(2);
        let mut seen = 0;
        self.counts.iter().find_map(|(bytes, count)| {
            seen += count;
            (seen >= half).then_some(*bytes)
        })
    }

    /// How many answers were at most [`SHRUNK`] of a usual size, bytes; of a usual size of 0 there are none.
    pub fn shrunk(&self, usual: u32) -> u64 {
        let most = f64::from(usual) * SHRUNK;
        let is_shrunk = |bytes: &&u32| usual > 0 && f64::from(**bytes) <= most;
        self.counts.keys().take_while(is_shrunk).map(|bytes| self.counts[bytes]).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(of: &[u32]) -> Sizes {
        let mut sizes = Sizes::default();
        for bytes in of {
            sizes.add(*bytes);
        }
        sizes
    }

    #[test]
    fn small_answers_are_counted_beside_the_usual_size() {
        let of = sizes(&[2000, 2009, 1999, 1000, 0]);
        assert_eq!((of.n(), of.median()), (5, Some(1900)));
        assert_eq!((of.shrunk(2000), of.shrunk(1999), of.shrunk(1)), (2, 1, 1));
        assert_eq!(sizes(&[0, 0, 7]).shrunk(0), 0, "nothing is smaller than nothing");
        assert_eq!((sizes(&[]).median(), sizes(&[u32::MAX]).median()), (None, Some(4_200_000_000)));
    }
}
