//! Numbers in, numbers out: quantiles, intervals, tests, and the methods by which claims are judged.
//! What they are numbers of, nothing here knows.
//!
//! Pure: no I/O, no clock, no chance. Times are microseconds, rates are per second, ratios are
//! `treatment / baseline`.

pub mod anderson_darling;
pub mod autoregression;
pub mod band;
pub mod clusters;
pub mod contingency;
pub mod counter;
pub mod crossing;
pub mod decision;
pub mod detection;
pub mod distribution;
pub mod drift;
pub mod excursion;
pub mod factorial;
pub mod gap;
pub mod gate;
pub mod groups;
pub mod histogram;
pub mod interval;
pub mod lag;
pub mod ledger;
pub mod mann_whitney;
pub mod mean;
pub mod mlrsearch;
pub mod modes;
pub mod mover;
pub mod omission;
pub mod otava;
pub mod outliers;
pub mod pilot;
pub mod planning;
pub mod proportion;
pub mod quantile;
pub mod quantile_claim;
pub mod rank_correlation;
pub mod reaction;
pub mod recovery;
pub mod regimes;
pub mod shares;
#[cfg(test)]
pub(crate) mod simulated;
pub mod sizes;
pub mod trend_line;
pub mod warm_up;
pub mod woodruff;
