//! Numbers in, numbers out: quantiles, summaries, comparisons, and the methods by which they are
//! judged.
//!
//! Pure: no I/O, no clock, no chance. Times are microseconds, rates are per second, ratios are
//! `treatment / baseline`.

pub mod arm;
pub mod autoregression;
pub mod bca;
pub mod clusters;
pub mod compare;
pub mod contingency;
pub mod counter;
pub mod decision;
pub mod distribution;
pub mod drift;
pub mod explain;
pub mod figures;
pub mod frame;
pub mod gate;
pub mod harrell_davis;
pub mod histogram;
pub mod interval;
pub mod ledger;
pub mod live;
pub mod mann_whitney;
pub mod mean;
pub mod mover;
pub mod omission;
pub mod otava;
pub mod outliers;
pub mod pilot;
pub mod planning;
pub mod proportion;
pub mod quantile;
pub mod quantile_claim;
pub mod race;
pub mod rank_correlation;
pub mod recovery;
pub mod regimes;
pub mod series;
pub mod shares;
pub mod shift;
pub mod sign_flip;
pub mod summary;
pub mod traffic;
pub mod trend_line;
pub mod warm_up;
pub mod woodruff;
