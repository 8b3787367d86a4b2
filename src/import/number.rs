//! Numbers as other tools write them: spans in microseconds, counts, statuses.

use super::times::is_rounded;

/// The longest that a request may take: a year.
const MOST_US: f64 = 366.0 * 86_400.0 * 1e6;

/// A time span, given in a unit of so many µs, to the µs.
pub(super) fn span(text: &str, unit_us: f64, what: &str) -> Result<i64, String> {
    // Tools write small numbers with an exponent, and spreadsheets large ones.
    if is_rounded(text) && !text.to_ascii_lowercase().contains("e-") {
        return Err(format!(
            "`{text}` is a rounded {what}, as spreadsheets show long numbers: import the file as the tool wrote it"
        ));
    }
    let us = text.trim().parse::<f64>().unwrap_or(f64::NAN) * unit_us;
    span_us(us).ok_or_else(|| format!("`{text}` is not a valid {what}"))
}

/// A time span in whole ms, in µs: what stands for fewer or more digits than it has is no such number.
pub(super) fn whole_ms(text: &str, what: &str) -> Result<i64, String> {
    let ms = text.trim();
    let is_whole = !ms.is_empty() && ms.bytes().all(|byte| byte.is_ascii_digit());
    match is_whole.then(|| span(ms, 1e3, what)) {
        Some(Ok(us)) => Ok(us),
        _ => Err(format!("`{text}` is not a valid {what}: expected whole milliseconds, e.g. `120`")),
    }
}

/// A time span in µs, if it can be one.
#[expect(clippy::cast_possible_truncation, reason = "a year of µs fits")]
pub(super) fn span_us(us: f64) -> Option<i64> {
    (0.0..=MOST_US).contains(&us).then(|| us.round() as i64)
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
    fn spans_are_finite_and_not_negative() {
        assert_eq!(span("40.59", 1e3, "time"), Ok(40_590));
        assert_eq!(span("4e-05", 1e6, "time"), Ok(40));
        assert!(span("1.23457E+09", 1e-3, "latency").unwrap_err().contains("rounded"));
        for text in ["", "-1", "NaN", "inf", "1e300", "fast"] {
            assert!(span(text, 1e3, "time").is_err(), "{text}");
        }
    }

    #[test]
    fn whole_milliseconds_have_neither_a_point_nor_an_exponent() {
        assert_eq!(whole_ms("120", "time"), Ok(120_000));
        // 1.234 is a second and more where people separate thousands with a point.
        for text in ["1.234", "1,234", "1.2E+03", "", "-1", "12 ms"] {
            assert!(whole_ms(text, "time").is_err(), "{text}");
        }
    }
}
