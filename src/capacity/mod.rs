//! Capacity: the highest load under which a system still keeps to its objective. Pure: what to try
//! next, and what the tries came to; others carry the runs out.

mod curve;
mod search;

pub use curve::{Broken, Capacity, Mode, Point, Try};
pub use search::{Limits, Search};
