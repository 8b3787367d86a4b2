//! Numbers in, numbers out: quantiles, summaries and comparisons of stored samples.
//!
//! Pure: no I/O, no clock. Times are microseconds, rates are per second, ratios are
//! `treatment / baseline`.

pub mod arm;
pub mod compare;
pub mod frame;
pub mod histogram;
pub mod quantile;
pub mod series;
pub mod summary;
