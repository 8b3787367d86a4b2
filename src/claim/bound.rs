//! Bounds and their units.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::unit;

/// What a value has to keep to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The value is this or more.
    AtLeast(Amount),
    /// The value is this or less.
    AtMost(Amount),
    /// The value lies between the two.
    Within(Amount, Amount),
}

/// A number in the unit in which it was written.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Amount {
    /// As expressions count: times in ms, shares and changes as ratios.
    pub value: f64,
    /// How people write it.
    pub unit: Unit,
}

/// How people write a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// `12`
    Plain,
    /// `3.1x`
    Times,
    /// `92%`, stored as 0.92
    Percent,
    /// `+45%`, stored as 1.45; `-70%`, stored as 0.30
    Change,
    /// `500ms`, stored in ms
    Time,
}

impl Bound {
    /// The unit in which its values are shown.
    pub fn unit(self) -> Unit {
        match self {
            Self::AtLeast(amount) | Self::AtMost(amount) | Self::Within(amount, _) => amount.unit,
        }
    }

    /// Whether a value keeps to it.
    pub fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(low) => value >= low.value,
            Self::AtMost(high) => value <= high.value,
            Self::Within(low, high) => (low.value..=high.value).contains(&value),
        }
    }

    /// Its edges: the lower one, the upper one.
    pub fn edges(self) -> (Option<f64>, Option<f64>) {
        match self {
            Self::AtLeast(low) => (Some(low.value), None),
            Self::AtMost(high) => (None, Some(high.value)),
            Self::Within(low, high) => (Some(low.value), Some(high.value)),
        }
    }
}

impl Amount {
    /// A bare number.
    pub fn plain(value: f64) -> Self {
        Self { value, unit: Unit::Plain }
    }
}

impl Unit {
    /// A value as people write it in this unit.
    pub fn text(self, value: f64) -> String {
        if !value.is_finite() {
            return if value > 0.0 { "never".to_owned() } else { "n/a".to_owned() };
        }
        match self {
            Self::Plain => unit::significant(value),
            Self::Times => format!("{}x", unit::significant(value)),
            Self::Percent => format!("{} %", unit::significant(value * 100.0)),
            Self::Change => unit::change(value),
            Self::Time => unit::time(value * 1000.0),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unit {
            Unit::Plain => f.write_str(&unit::plain(self.value)),
            Unit::Times => write!(f, "{}x", unit::plain(self.value)),
            Unit::Percent => write!(f, "{} %", unit::plain(self.value * 100.0)),
            Unit::Change => f.write_str(&unit::change(self.value).replace(".0 %", " %")),
            Unit::Time if self.value >= 1000.0 => f.write_str(&unit::span(self.value / 1000.0)),
            Unit::Time => write!(f, "{} ms", unit::plain(self.value)),
        }
    }
}

/// A text that is not a valid amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a number such as `12`, `3.1x`, `92%`, `+45%` or `500ms`")]
pub struct NoAmount;

impl FromStr for Amount {
    type Err = NoAmount;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().replace('−', "-");
        let number =
            |digits: &str| digits.trim().parse::<f64>().ok().filter(|n| n.is_finite()).ok_or(NoAmount);
        if let Some(percent) = text.strip_suffix('%') {
            let ratio = number(percent)? / 100.0;
            let signed = percent.starts_with(['+', '-']);
            return Ok(if signed {
                Self { value: 1.0 + ratio, unit: Unit::Change }
            } else {
                Self { value: ratio, unit: Unit::Percent }
            });
        }
        if let Some(times) = text.strip_suffix(['x', '×']) {
            return Ok(Self { value: number(times)?, unit: Unit::Times });
        }
        if let Ok(value) = number(&text) {
            return Ok(Self::plain(value));
        }
        let time = unit::parse_duration(&text).map_err(|_| NoAmount)?;
        Ok(Self { value: time.as_secs_f64() * 1000.0, unit: Unit::Time })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, value, unit, shown) in [
            ("12", 12.0, Unit::Plain, "12"),
            ("3.1x", 3.1, Unit::Times, "3.1x"),
            ("92%", 0.92, Unit::Percent, "92 %"),
            ("0.5 %", 0.005, Unit::Percent, "0.5 %"),
            ("+45%", 1.45, Unit::Change, "+45 %"),
            ("-70%", 0.3, Unit::Change, "−70 %"),
            ("−70 %", 0.3, Unit::Change, "−70 %"),
            ("500ms", 500.0, Unit::Time, "500 ms"),
            ("2m", 120_000.0, Unit::Time, "2 min"),
        ] {
            let amount: Amount = text.parse().unwrap();
            assert!((amount.value - value).abs() < 1e-12, "{text}: {}", amount.value);
            assert_eq!((amount.unit, amount.to_string().as_str()), (unit, shown), "{text}");
        }
        for text in ["", "fast", "x", "%", "nan", "3 apples"] {
            assert_eq!(text.parse::<Amount>(), Err(NoAmount), "{text}");
        }
    }
}
