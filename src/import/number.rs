//! Numbers as other tools write them, to microseconds.

use crate::utc;

/// The longest that a request may take: a year.
const MOST_US: f64 = 366.0 * 86_400.0 * 1e6;

/// A time span, given in a unit of so many µs, to the µs.
pub(super) fn span(text: &str, unit_us: f64, what: &str) -> Result<i64, String> {
    let us = text.trim().parse::<f64>().unwrap_or(f64::NAN) * unit_us;
    span_us(us).ok_or_else(|| format!("`{text}` is not a valid {what}"))
}

/// A time span in µs, if it can be one.
#[expect(clippy::cast_possible_truncation, reason = "a year of µs fits")]
pub(super) fn span_us(us: f64) -> Option<i64> {
    (0.0..=MOST_US).contains(&us).then(|| us.round() as i64)
}

/// A moment since 1970, in s, ms, µs or ns, which its size tells apart; in s also with a fraction. In µs.
pub(super) fn moment(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let digits = text.split('.').next().unwrap_or_default();
    let whole = digits.parse::<i64>().ok().filter(|n| *n >= 0);
    let moment = match (whole, digits.len()) {
        (Some(n), ..=11) => seconds(n, text),
        (Some(ms), ..=14) => ms.checked_mul(1000),
        (Some(us), ..=17) => Some(us),
        (Some(ns), _) => Some(ns / 1000),
        (None, _) => utc::parse_us(text),
    };
    moment.ok_or_else(|| {
        format!("`{text}` is not a valid time: expected e.g. `1795276379` or `2026-11-21T18:32:59Z`")
    })
}

#[expect(clippy::cast_possible_truncation, reason = "less than a second, in µs")]
fn seconds(whole: i64, text: &str) -> Option<i64> {
    let fraction = text.find('.').map_or(Ok(0.0), |at| format!("0{}", &text[at..]).parse::<f64>()).ok()?;
    Some(whole * 1_000_000 + (fraction * 1e6).round() as i64)
}

/// A count; an empty text is 0.
pub(super) fn count(text: &str, what: &str) -> Result<u64, String> {
    if text.is_empty() {
        return Ok(0);
    }
    text.trim().parse().map_err(|_| format!("`{text}` is not a valid {what}"))
}

/// An HTTP status; an empty text is none.
pub(super) fn status(text: &str) -> Result<u16, String> {
    match count(text, "status")? {
        status @ 0..=999 => Ok(u16::try_from(status).unwrap_or(0)),
        _ => Err(format!("`{text}` is not a valid status: expected e.g. `200`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_apart_by_their_size() {
        let us = 1_795_276_379_069_170;
        for text in
            ["1795276379.06917", "1795276379069170", "1795276379069170000", "2026-11-21T15:52:59.06917Z"]
        {
            assert_eq!(moment(text), Ok(us), "{text}");
        }
        assert_eq!(moment("1795276379069").unwrap(), us - 170);
        for text in ["1795276379", "2026-11-21T15:52:59Z", "2026-11-21T16:52:59+01:00"] {
            assert_eq!(moment(text), Ok(us - 69_170), "{text}");
        }
        for text in ["", "now", "-5", "1.2.3", "1e9", "99999999999999999999"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn spans_are_finite_and_not_negative() {
        assert_eq!(span("40.59", 1e3, "time"), Ok(40_590));
        for text in ["", "-1", "NaN", "inf", "1e300", "fast"] {
            assert!(span(text, 1e3, "time").is_err(), "{text}");
        }
    }
}
