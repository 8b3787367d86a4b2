//! Moments as people write them.

use jiff::Timestamp;

/// `2026-07-01 12:00 UTC`. `unix_s`: s since 1970 (UTC).
pub fn time_text(unix_s: i64) -> String {
    let time = Timestamp::from_second(unix_s).unwrap_or(Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Now, in the same form.
pub fn now_text() -> String {
    time_text(Timestamp::now().as_second())
}
