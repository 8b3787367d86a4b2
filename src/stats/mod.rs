//! Numbers in, numbers out: quantiles, summaries and comparisons of stored samples.
//!
//! Pure: no I/O, no clock. Times are microseconds, rates are per second, ratios are
//! `treatment / baseline`.

pub mod compare;

pub mod series;
pub mod summary;
