//! A range that a value is believed to lie in.

use serde::Serialize;

/// Every number from `low` to `high`, both included; unit and level are those of whoever made it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end, not below `low`.
    pub high: f64,
}

impl Interval {
    /// Everything within `half` (not negative) of `centre`.
    pub fn around(centre: f64, half: f64) -> Self {
        Self { low: centre - half, high: centre + half }
    }

    /// Whether `x` lies in it.
    pub fn contains(&self, x: f64) -> bool {
        self.low <= x && x <= self.high
    }

    /// The interval of `f(x)`, for an `f` that increases.
    #[must_use]
    pub fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self { low: f(self.low), high: f(self.high) }
    }

    /// `high − low`.
    pub fn width(&self) -> f64 {
        self.high - self.low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_belong_to_it() {
        let interval = Interval::around(2.0, 1.0);
        assert_eq!(interval, Interval { low: 1.0, high: 3.0 });
        assert!(interval.contains(1.0) && interval.contains(3.0));
        assert!(!interval.contains(0.999) && !interval.contains(3.001) && !interval.contains(f64::NAN));
        assert_eq!(interval.width(), 2.0);
        assert_eq!(interval.map(|x| 2.0 * x), Interval { low: 2.0, high: 6.0 });
    }
}
