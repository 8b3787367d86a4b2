//! Moments as UTC text, and back. What is measured counts µs from a run's start; this is for people and
//! for files of other tools.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Now, in ms since 1970.
pub fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

/// Now, in s since 1970.
pub fn now_s() -> i64 {
    now_ms() / 1000
}

/// A time in µs since 1970, to the second: `2026-11-20T14:02:00Z`.
pub fn to_second(unix_us: i64) -> String {
    let seconds = unix_us.div_euclid(1_000_000);
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |t| t.to_string())
}

/// A time in ms since 1970, to the millisecond: `2026-11-20T14:02:00.125Z`.
pub fn to_millisecond(unix_ms: i64) -> String {
    let time = Timestamp::from_millisecond(unix_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A time in s since 1970, to the minute, as people write it: `2026-11-20 14:02 UTC`.
pub fn to_minute(unix_s: i64) -> String {
    let time = Timestamp::from_second(unix_s).unwrap_or(Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// The day of a time in s since 1970; the last of all days for a time beyond these.
pub fn date(unix_s: i64) -> Date {
    Timestamp::from_second(unix_s).map_or(Date::MAX, |time| time.to_zoned(TimeZone::UTC).date())
}

/// A time in µs since 1970 from a text with its offset (RFC 3339); none for other texts.
pub fn parse_us(text: &str) -> Option<i64> {
    text.parse().ok().map(Timestamp::as_microsecond)
}

/// A time in µs since 1970 as web servers log it (`10/Oct/2000:13:55:36 -0700`); none for other texts.
pub fn parse_log_us(text: &str) -> Option<i64> {
    jiff::fmt::strtime::parse("%d/%b/%Y:%H:%M:%S %z", text)
        .ok()?
        .to_timestamp()
        .ok()
        .map(Timestamp::as_microsecond)
}

/// A time in µs since 1970 from a text in a form of strftime, and whether the text tells its offset from UTC; one that
/// does not is taken as UTC. None for other texts.
pub fn parse_form_us(form: &str, text: &str) -> Option<(i64, bool)> {
    let parsed = jiff::fmt::strtime::parse(form, text).ok()?;
    if let Ok(time) = parsed.to_timestamp() {
        return Some((time.as_microsecond(), true));
    }
    let time = parsed.to_datetime().ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some((time.timestamp().as_microsecond(), false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_in_utc_whatever_the_machines_time_zone() {
        assert_eq!(to_second(1_763_647_320_999_999), "2025-11-20T14:02:00Z");
        assert_eq!(to_second(-1), "1969-12-31T23:59:59Z");
        assert_eq!(to_minute(1_763_647_379), "2025-11-20 14:02 UTC");
        assert_eq!(date(1_763_683_199).to_string(), "2025-11-20");
        assert_eq!(date(1_763_683_200).to_string(), "2025-11-21");
    }

    #[test]
    fn texts_are_read_with_their_offset() {
        assert_eq!(parse_us("2025-11-20T14:02:00.000001Z"), Some(1_763_647_320_000_001));
        assert_eq!(parse_us("2025-11-20T15:02:00+01:00"), Some(1_763_647_320_000_000));
        assert_eq!(parse_us("yesterday"), None);
        assert_eq!(parse_log_us("10/Oct/2000:13:55:36 -0700"), Some(971_211_336_000_000));
        assert_eq!(parse_log_us("2000-10-10"), None);
    }
}
