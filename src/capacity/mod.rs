//! Capacity: the highest load under which a system still keeps to its goals, in the words of RFC 9971
//! (MLRsearch). Pure: what to try next, and what the trials come to; others carry the runs out.
//!
//! ```text
//! Terms (goals, limits) ─► Search ─► the next load ─► … a run … ─► Trial ─► Search
//!                             all trials ─► Capacity { a result per goal, knee, curve }
//! ```
//!
//! A capacity follows from its terms and trials alone: what is reported can be worked out again from the
//! stored runs.

mod budget;
mod compared;
mod curve;
mod result;
mod search;
mod searched;
mod terms;
mod trial;

pub use budget::{Planned, planned};
pub use compared::compared;
#[cfg(test)]
pub use curve::Curve;
pub use curve::Point;
pub use result::{Capacity, GoalResult};
pub use search::{Purpose, Search, Step};
pub use searched::Searched;
pub use terms::{Goal, Limits, Terms};
pub use trial::{Broken, Mode, Trial};
