//! What runs come to: one run's samples by endpoint, the runs of an arm together, two arms side by
//! side.
//!
//! Pure: measured runs in, plain results out; the methods are those of `stats`. Times are
//! microseconds, rates are per second, ratios are `treatment / baseline`. Results that several files
//! share stand in `subject`, `arm` and `comparison`, which use none of those that work them out.

mod arm;
mod bursts;
pub mod compare;
mod comparison;
mod curves;
mod explain;
mod faults;
pub mod metrics;
mod frame;
pub mod grid;
pub mod histograms;
pub mod live;
mod modes;
pub mod race;
mod rounds;
mod series;
mod shift;
mod stages;
mod subject;
mod tags;
mod summarise;
mod superiority;
mod traffic;
mod windows;

pub use arm::{ArmSummary, Curve, SignalSeries};
pub use comparison::{Comparison, CurveShift, SignalMetrics, SubjectComparison, Warning};
pub use explain::{Explanation, Measure, Part, Parting};
pub use faults::{FaultMetrics, Told, fault_event, request, steady_from_s};
pub use frame::{FrameError, total};
pub use modes::{Histogram, HistogramMode};
pub use rounds::{RareOutage, RoundGroups};
pub use shift::Shift;
pub use stages::{StageMetrics, stage_event};
pub use subject::{Distribution, Evidence, OutcomeCounts, QUANTILES, Summary, TOTAL};
pub use summarise::summarise;
pub use superiority::Superiority;
