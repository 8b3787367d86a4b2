//! Quantities as people write and read them: the one place that parses a duration or a rate and
//! the one place that prints a number.
//!
//! Numbers are shown with three significant digits, a true minus sign and thin spaces between
//! thousands from 10 000 up; a change always carries its sign.

use std::time::Duration;

/// Why a text is not a quantity.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ParseError {
    /// Not a duration.
    #[error("`{0}` is not a duration; write `90s`, `1m30s`, `1h` or `500ms`")]
    Duration(String),
    /// Not a rate.
    #[error("`{0}` is not a rate; write `500`, `500/s`, `30/m` or `7200/h`")]
    Rate(String),
    /// Not a number of bytes.
    #[error("`{0}` is not a size; write `16MiB`, `500kB` or a number of bytes")]
    Size(String),
}

/// Reads `90` (seconds), `0.5s`, `90s`, `1m30s`, `1h` or `500ms`.
pub fn parse_duration(text: &str) -> Result<Duration, ParseError> {
    let text = text.trim();
    let wrong = || ParseError::Duration(text.to_owned());
    let bare = text.strip_suffix('s').filter(|t| t.ends_with(|c: char| c.is_ascii_digit())).unwrap_or(text);
    if let Ok(seconds) = bare.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| wrong());
    }
    humantime::parse_duration(text).map_err(|_| wrong())
}

/// Reads a rate in events per second from `500`, `500/s`, `30/m` or `7200/h`.
pub fn parse_rate(text: &str) -> Result<f64, ParseError> {
    let wrong = || ParseError::Rate(text.to_owned());
    let (number, per_seconds) = match text.trim().split_once('/') {
        None => (text.trim(), 1.0),
        Some((number, "s")) => (number, 1.0),
        Some((number, "m")) => (number, 60.0),
        Some((number, "h")) => (number, 3600.0),
        Some(_) => return Err(wrong()),
    };
    match number.trim().parse::<f64>() {
        Ok(n) if n.is_finite() && n >= 0.0 => Ok(n / per_seconds),
        _ => Err(wrong()),
    }
}

/// Units of sizes: those of IEC are powers of 1024, those of SI of 1000; `b` and `B` are both bytes.
const SIZES: [(&str, u64); 11] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("k", 1_000),
    ("m", 1_000_000),
    ("g", 1_000_000_000),
    ("b", 1),
    ("", 1),
];

/// Reads a number of bytes from `16MiB`, `500 kB` or `4096`.
pub fn parse_size(text: &str) -> Result<u64, ParseError> {
    let wrong = || ParseError::Size(text.to_owned());
    let lower = text.trim().to_ascii_lowercase();
    let at = lower.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(lower.len());
    let (number, unit) = lower.split_at(at);
    let unit = SIZES.iter().find(|(name, _)| *name == unit.trim()).ok_or_else(wrong)?.1;
    match number.parse::<f64>() {
        Ok(n) if n.is_finite() => Ok(whole(n * unit as f64)),
        _ => Err(wrong()),
    }
}

/// A number of bytes: `16 MiB`, `1.50 kiB`, `20 bytes`.
pub fn size(bytes: u64) -> String {
    match [("GiB", 1 << 30), ("MiB", 1 << 20), ("kiB", 1 << 10)].iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{} {name}", plain(bytes as f64 / *unit as f64)),
        None => format!("{bytes} bytes"),
    }
}

/// The unit in which a column of times is printed; one per column, so that cells compare at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeScale {
    /// Microseconds.
    Micros,
    /// Milliseconds.
    Millis,
    /// Seconds.
    Seconds,
}

impl TimeScale {
    /// The scale that suits a column of microseconds: none so large that the smallest values shrink
    /// to thousandths; milliseconds for an empty one.
    pub fn of_column(values_us: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values_us.into_iter().filter(|v| v.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        match values.get(values.len() / 2) {
            Some(us) if *us < 1_000.0 && values.last().is_some_and(|max| *max < 10_000.0) => Self::Micros,
            Some(us) if *us >= 2_000_000.0 && values[0] >= 200_000.0 => Self::Seconds,
            _ => Self::Millis,
        }
    }

    /// `µs`, `ms` or `s`.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Micros => "µs",
            Self::Millis => "ms",
            Self::Seconds => "s",
        }
    }

    /// A number of microseconds in this scale, without the unit.
    pub fn text(self, us: f64) -> String {
        if us == f64::INFINITY {
            return "∞".to_owned();
        }
        let divisor = match self {
            Self::Micros => 1.0,
            Self::Millis => 1e3,
            Self::Seconds => 1e6,
        };
        significant(us / divisor)
    }
}

/// A time in microseconds with the unit that suits it: `0.85 ms`, `135 ms`, `2.10 s`; `∞` without an end.
pub fn time(us: f64) -> String {
    if us == f64::INFINITY {
        return "∞".to_owned();
    }
    // Half a unit in the third digit below a second would round to `1000 ms`.
    let scale = if us.abs() >= 999_500.0 {
        TimeScale::Seconds
    } else if us.abs() >= 100.0 || us == 0.0 {
        TimeScale::Millis
    } else {
        TimeScale::Micros
    };
    format!("{} {}", scale.text(us), scale.symbol())
}

/// A round number of µs for an axis: `500 µs`, `20 ms`, `1 s`.
pub fn tick_time(us: f64) -> String {
    let (value, symbol) = match us {
        us if us >= 1e6 => (us / 1e6, "s"),
        us if us >= 1e3 => (us / 1e3, "ms"),
        us => (us, "µs"),
    };
    format!("{} {symbol}", tick_amount(value))
}

/// A round number for an axis, without idle zeros: `0`, `0.5`, `20`, `1.5k`.
pub fn tick_amount(value: f64) -> String {
    let (value, suffix) = match value.abs() {
        v if v >= 1e6 => (value / 1e6, "M"),
        v if v >= 1e3 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text = format!("{value:.3}");
    format!("{}{suffix}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A length of time for headings: `20 s`, `3 min`, `1 min 30 s`, `2 h 5 min`.
pub fn span(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{} s", plain(seconds));
    }
    let whole = whole(seconds);
    let (h, m, s) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (h, m, s) {
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// Minutes and seconds for a time axis or a clock: `1:08`.
pub fn clock(seconds: f64) -> String {
    let whole = whole(seconds);
    format!("{}:{:02}", whole / 60, whole % 60)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range of u64")]
fn whole(seconds: f64) -> u64 {
    seconds.clamp(0.0, 1e15).round() as u64
}

/// A count, exact, with thin spaces from 10 000 up.
pub fn count(n: u64) -> String {
    grouped(&n.to_string())
}

/// A count with what is counted, in the singular for one: `1 sample`, `12 000 samples`.
pub fn counted(n: u64, what: &str) -> String {
    format!("{} {what}{}", count(n), if n == 1 { "" } else { "s" })
}

/// A rate in events per second.
pub fn rate(per_second: f64) -> String {
    format!("{} /s", significant(per_second))
}

/// `treatment / baseline` as a change: `−69.0 %`, `+4.8 %`, `0 %`; from ten-fold up as a factor.
///
/// The change is `(ratio − 1) · 100`. A ratio that is not finite prints as `n/a`; one of 0 is of something that is gone.
pub fn change(ratio: f64) -> String {
    if !ratio.is_finite() {
        return "n/a".to_owned();
    }
    if ratio == 0.0 {
        return "−100 %".to_owned();
    }
    if ratio >= 10.0 {
        return format!("×{}", significant(ratio));
    }
    let percent = (ratio - 1.0) * 100.0;
    // Something that all but vanished has not vanished.
    let decimals = if percent <= -99.9 { 2 } else { 1 };
    let text = format!("{:.decimals$}", percent.abs());
    match text.as_str() {
        "0.0" => "0 %".to_owned(),
        text if percent > 0.0 => format!("+{text} %"),
        text => format!("−{text} %"),
    }
}

/// `treatment / baseline` in words that name the better direction of a time: `3.23× lower`,
/// `1.05× higher`, `equal`; `n/a` for a ratio that is not a positive number.
pub fn ratio(ratio: f64) -> String {
    if !ratio.is_finite() || ratio <= 0.0 {
        return "n/a".to_owned();
    }
    let factor = if ratio < 1.0 { 1.0 / ratio } else { ratio };
    let text = significant(factor);
    if text == "1.00" {
        return "equal".to_owned();
    }
    format!("{text}× {}", if ratio < 1.0 { "lower" } else { "higher" })
}

/// A share in [0, 1] as a percentage: `0.43 %`, `70 %`.
pub fn share(share: f64) -> String {
    format!("{} %", plain(share * 100.0))
}

/// A number with three significant digits at most and no idle zeros: for values that people chose.
pub fn plain(value: f64) -> String {
    let text = significant(value);
    match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None => text,
    }
}

/// Three significant digits, at most four decimals, never scientific: `0.0123`, `1.50`, `12.3`,
/// `123`, `12 345`. A value that is not finite prints as `n/a`.
pub fn significant(value: f64) -> String {
    if !value.is_finite() {
        return "n/a".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    // Rounding comes first: 9.996 has to print as `10.0`, not `10.00`.
    let magnitude = value.abs() * (1.0 + 5e-4);
    let decimals = match magnitude {
        m if m >= 100.0 => 0,
        m if m >= 10.0 => 1,
        m if m >= 1.0 => 2,
        m if m >= 0.1 => 3,
        _ => 4,
    };
    let text = format!("{:.decimals$}", value.abs());
    let grouped = grouped(&text);
    if value < 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b)) {
        format!("−{grouped}")
    } else {
        grouped
    }
}

/// Thin no-break spaces between the thousands of a decimal number of five digits or more.
fn grouped(digits: &str) -> String {
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let mut text = String::with_capacity(digits.len() + 8);
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && whole.len() > 4 && (whole.len() - i).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(c);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_both_families_of_units() {
        let read = |text| parse_size(text).unwrap();
        assert_eq!(
            [read("4096"), read("16MiB"), read("500 kB"), read("1.5k"), read("10b")],
            [4096, 16 << 20, 500_000, 1500, 10]
        );
        for text in ["", "MiB", "16 furlongs", "-1", "1e3", "1.2.3"] {
            assert_eq!(parse_size(text), Err(ParseError::Size(text.to_owned())), "`{text}`");
        }
        assert_eq!([size(16 << 20), size(1536), size(20)], ["16 MiB", "1.5 kiB", "20 bytes"]);
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, ms) in [
            ("90", 90_000),
            ("0.5s", 500),
            ("1m30s", 90_000),
            ("500ms", 500),
            ("1h", 3_600_000),
            ("20s", 20_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "fast", "-3s", "10 parsecs"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_are_read_per_second_minute_and_hour() {
        assert_eq!(parse_rate("500"), Ok(500.0));
        assert_eq!(parse_rate("30/m"), Ok(0.5));
        assert_eq!(parse_rate("7200/h"), Ok(2.0));
        assert!(parse_rate("5/day").is_err());
        assert!(parse_rate("-1/s").is_err());
    }

    #[test]
    fn numbers_have_three_digits_and_round_across_a_unit() {
        for (value, text) in [
            (0.0, "0"),
            (0.000_42, "0.0004"),
            (0.0123, "0.0123"),
            (1.5, "1.50"),
            (9.996, "10.0"),
            (99.96, "100"),
            (123.4, "123"),
            (9999.0, "9999"),
            (12_345.0, "12\u{202f}345"),
            (1.2e9, "1\u{202f}200\u{202f}000\u{202f}000"),
            (-2.0, "−2.00"),
            (-0.000_001, "0.0000"),
            (f64::NAN, "n/a"),
        ] {
            assert_eq!(significant(value), text, "{value}");
        }
    }

    #[test]
    fn times_choose_their_unit_and_cross_it_cleanly() {
        for (us, text) in [
            (42.0, "42.0 µs"),
            (850.0, "0.850 ms"),
            (135_000.0, "135 ms"),
            (999_960.0, "1.00 s"),
            (2_100_000.0, "2.10 s"),
        ] {
            assert_eq!(time(us), text);
        }
    }

    #[test]
    fn changes_carry_a_sign_and_ratios_a_direction() {
        assert_eq!(change(0.31), "−69.0 %");
        assert_eq!(change(1.048), "+4.8 %");
        assert_eq!(change(1.000_01), "0 %");
        assert_eq!(change(1.0 / 2401.0), "−99.96 %");
        assert_eq!(change(f64::INFINITY), "n/a");
        assert_eq!(change(0.0), "−100 %");
        assert_eq!(change(34.2), "×34.2");
        assert_eq!(ratio(1.0 / 3.23), "3.23× lower");
        assert_eq!(ratio(1.83), "1.83× higher");
        assert_eq!(ratio(1.001), "equal");
    }

    #[test]
    fn spans_and_clocks_read_as_time() {
        assert_eq!(span(20.0), "20 s");
        assert_eq!(span(11.34), "11.3 s");
        assert_eq!(span(180.0), "3 min");
        assert_eq!(span(90.0), "1 min 30 s");
        assert_eq!(span(7500.0), "2 h 5 min");
        assert_eq!(clock(68.2), "1:08");
    }
}
