//! One axis for everything: a range, a transformation, explicit ticks and their labels.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use crate::unit;

/// How values are placed along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placement {
    /// Evenly.
    Linear,
    /// By their logarithm.
    Log,
    /// Percentiles by `−ln(1 − p)`: each further nine takes the same room.
    Nines,
    /// Percentiles by `ln(p / (1 − p))`: both ends have room.
    Logit,
}

impl Placement {
    fn of(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.max(1e-3).ln(),
            Self::Nines => -(1.0 - value).max(1e-9).ln(),
            Self::Logit => (value / (1.0 - value).max(1e-9)).max(1e-9).ln(),
        }
    }
}

/// Factors that may be ticks, from 1 up.
const FACTORS: [f64; 16] =
    [1.02, 1.05, 1.1, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 10_000.0];
/// The axis reaches at least so far from 1.
const LEAST_FACTOR: f64 = 1.06;
/// Room for the names of releases, px.
const RELEASES_PX: f64 = 420.0;
/// About what a letter of a label takes, px.
const LETTER_PX: f64 = 6.2;
/// Letters of a release's name that are shown.
const MOST_LETTERS: usize = 10;

/// An axis.
#[derive(Clone)]
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    placement: Placement,
    ticks: Vec<f64>,
    label: Label,
}

/// How the ticks of an axis are called.
#[derive(Clone)]
enum Label {
    /// By their value.
    Of(fn(f64) -> String),
    /// By their place in a list, from 1 on.
    Names(Vec<String>),
}

impl Axis {
    /// Times in µs on a logarithmic axis that holds all `values`.
    pub(super) fn log_time(values: impl Iterator<Item = f64> + Clone) -> Self {
        let low = values.clone().filter(|v| *v > 0.0).fold(f64::INFINITY, f64::min);
        let high = values.fold(0.0, f64::max);
        let (low, high) =
            if low.is_finite() && high > 0.0 { (low / 1.15, high * 1.15) } else { (100.0, 10_000.0) };
        // Where all values are about equal, half a decade of room keeps the axis readable.
        let (low, high) = if high / low < 3.0 { (low / 1.8, high * 1.8) } else { (low, high) };
        Self {
            low,
            high,
            placement: Placement::Log,
            ticks: log_ticks(low, high),
            label: Label::Of(unit::tick_time),
        }
    }

    /// Amounts from 0 to a little more than the largest of `values`.
    pub(super) fn amount(values: impl Iterator<Item = f64>) -> Self {
        let high = values.fold(0.0, f64::max);
        let high = if high > 0.0 { high * 1.06 } else { 1.0 };
        let ticks = even_ticks(high, 3.0);
        Self { low: 0.0, high, placement: Placement::Linear, ticks, label: Label::Of(unit::tick_amount) }
    }

    /// The time of a run, s.
    pub(super) fn clock(end_s: f64) -> Self {
        let (ticks, label) = (clock_ticks(end_s), Label::Of(unit::clock));
        Self { low: 0.0, high: end_s.max(1.0), placement: Placement::Linear, ticks, label }
    }

    /// Percentiles around all `values`, both tails with room.
    pub(super) fn logit(values: impl Iterator<Item = f64> + Clone) -> Self {
        let (low, high) = (values.clone().fold(0.5, f64::min), values.fold(0.5, f64::max));
        let ticks = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];
        let ticks = ticks.into_iter().filter(|p| (low..=high).contains(p)).collect();
        // A little room on both sides, in odds.
        let odds = |p: f64, factor: f64| p / (1.0 - p) * factor / (1.0 + p / (1.0 - p) * factor);
        let (low, high) = (odds(low, 0.8), odds(high, 1.25));
        Self { low, high, placement: Placement::Logit, ticks, label: Label::Of(percentile_label) }
    }

    /// Factors on a logarithmic axis, as far below 1 as above it. It holds all `values`, and their `ends` unless those
    /// would leave no room for the values themselves.
    pub(super) fn factor(values: impl Iterator<Item = f64>, ends: impl Iterator<Item = f64>) -> Self {
        let farthest = |of: &mut dyn Iterator<Item = f64>| {
            of.filter(|v| *v > 0.0 && v.is_finite()).map(|v| v.ln().abs()).fold(0.0, f64::max)
        };
        let (mut values, mut ends) = (values, ends);
        let value = farthest(&mut values);
        let reach = farthest(&mut ends).min(value * 3.0 + 0.4).max(value).max(LEAST_FACTOR.ln()) * 1.08;
        let (low, high) = ((-reach).exp(), reach.exp());
        // From the farthest inwards, as far apart as a third of the reach.
        let mut ticks = vec![1.0];
        let mut last = f64::INFINITY;
        for factor in FACTORS.into_iter().rev().filter(|factor| *factor < high) {
            let room = reach / 3.2;
            if last - factor.ln() >= room && factor.ln() >= room {
                ticks.extend([factor, 1.0 / factor]);
                last = factor.ln();
            }
        }
        Self { low, high, placement: Placement::Log, ticks, label: Label::Of(factor_label) }
    }

    /// Releases in order of time, from 1 on, each under its name; as many names as have room.
    pub(super) fn releases(names: &[String]) -> Self {
        let count = names.len().max(1) as f64;
        let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).min(MOST_LETTERS);
        let fit = (RELEASES_PX / (longest as f64 * LETTER_PX + LETTER_PX * 2.0)).floor().max(2.0);
        let every = (count / fit).ceil().max(1.0);
        // The newest has its name, and every so many before it.
        let ticks = (0..names.len()).rev().map(|place| place as f64 + 1.0);
        let ticks =
            ticks.enumerate().filter(|(i, _)| (*i as f64) % every == 0.0).map(|(_, tick)| tick).collect();
        let label = Label::Names(names.iter().map(|name| cut(name)).collect());
        Self { low: 0.5, high: count + 0.5, placement: Placement::Linear, ticks, label }
    }

    /// Percentiles from 0 to `last`.
    pub(super) fn percentiles(last: f64) -> Self {
        let ticks = [0.0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999];
        let ticks = ticks.into_iter().filter(|p| *p <= last + 1e-9).collect();
        Self {
            low: 0.0,
            high: last.max(0.5),
            placement: Placement::Nines,
            ticks,
            label: Label::Of(percentile_label),
        }
    }
}

/// `÷2`, `1`, `×2`
fn factor_label(factor: f64) -> String {
    match factor {
        f if (f - 1.0).abs() < 1e-9 => "1".to_owned(),
        f if f < 1.0 => format!("÷{}", unit::plain(1.0 / f)),
        f => format!("×{}", unit::plain(f)),
    }
}

/// A name that has room under an axis.
fn cut(name: &str) -> String {
    if name.chars().count() <= MOST_LETTERS {
        return name.to_owned();
    }
    name.chars().take(MOST_LETTERS - 1).chain(std::iter::once('…')).collect()
}

fn percentile_label(p: f64) -> String {
    if p == 0.0 { "min".to_owned() } else { format!("p{}", (p * 1e4).round() / 1e2) }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    #[expect(clippy::cast_possible_truncation, reason = "pixels of a chart are few")]
    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let (low, high) = (self.placement.of(self.low), self.placement.of(self.high));
        let share = (self.placement.of(*value) - low) / (high - low);
        limit.0 + (f64::from(limit.1 - limit.0) * share).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // Light points would draw every tick a second time.
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        match &self.label {
            Label::Of(text) => text(*value),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "places of a short list"
            )]
            Label::Names(names) => names.get(value.round() as usize - 1).cloned().unwrap_or_default(),
        }
    }
}

/// Steps of 1, 2 and 5 within a range; only powers of ten where those would be too many.
fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    let mut ticks = Vec::new();
    let mut decade = 10_f64.powf(low.log10().floor());
    while decade <= high {
        ticks.extend(
            [1.0, 2.0, 5.0].map(|step| step * decade).into_iter().filter(|t| (low..=high).contains(t)),
        );
        decade *= 10.0;
    }
    if ticks.len() > 7 {
        ticks.retain(|tick| (tick.log10() - tick.log10().round()).abs() < 1e-9);
    }
    ticks
}

/// About `count` round steps from 0 to `high`.
fn even_ticks(high: f64, count: f64) -> Vec<f64> {
    let raw = high / count;
    let decade = 10_f64.powf(raw.log10().floor());
    let step = match raw / decade {
        r if r < 1.5 => decade,
        r if r < 3.5 => 2.0 * decade,
        r if r < 7.5 => 5.0 * decade,
        _ => 10.0 * decade,
    };
    (0..20).map(|i| f64::from(i) * step).take_while(|tick| *tick <= high * 1.000_001).collect()
}

/// Steps of a clock, about eight of them.
fn clock_ticks(end_s: f64) -> Vec<f64> {
    const STEPS: [f64; 14] =
        [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0];
    let step = STEPS.into_iter().find(|step| end_s / step <= 10.0).unwrap_or(14_400.0);
    (0..100).map(|i| f64::from(i) * step).take_while(|tick| *tick <= end_s).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(log_ticks(900.0, 60_000.0), [1e3, 2e3, 5e3, 1e4, 2e4, 5e4]);
        assert_eq!(even_ticks(412.0, 3.0), [0.0, 100.0, 200.0, 300.0, 400.0]);
        assert_eq!(clock_ticks(40.0), [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0]);
    }

    #[test]
    fn factors_reach_as_far_below_one_as_above() {
        for (values, labels) in [
            (vec![0.004], vec!["1", "×200", "÷200", "×20", "÷20"]),
            (vec![0.5, 0.6], vec!["1", "×2", "÷2"]),
            (vec![1.0], vec!["1", "×1.05", "÷1.05", "×1.02", "÷1.02"]),
        ] {
            let axis = Axis::factor(values.iter().copied(), std::iter::empty());
            assert!((axis.low * axis.high - 1.0).abs() < 1e-9, "{values:?}");
            let told: Vec<String> = axis.ticks.iter().map(|tick| factor_label(*tick)).collect();
            assert!(labels.iter().all(|label| told.contains(&(*label).to_owned())), "{told:?}");
        }
    }

    #[test]
    fn equal_and_missing_values_still_make_an_axis() {
        for values in [vec![], vec![0.0], vec![5.0, 5.0]] {
            let axis = Axis::log_time(values.iter().copied());
            assert!(axis.low > 0.0 && axis.low < axis.high, "{values:?}");
            assert!(Axis::amount(values.iter().copied()).high > 0.0);
        }
    }
}
