//! From stored runs to what is concluded from them: measured runs, their judgement, and reports in every form.
//!
//! ```text
//! Store ─► runs::measured ─► verdict ─► Assessment { judgement, reports } ─► text, JSON, HTML, JUnit, Markdown
//! ```
//!
//! Everything that reports something takes this way: commands, the live page, sign-offs, and the verification of what
//! was written before. What is written follows from the store and a [`ReportContext`] alone, so that it can be made again.

pub mod assessment;
mod bundle;
mod candidates;
pub mod capacity;
pub mod comparison;
pub mod context;
mod error;
pub mod experiment;
pub mod files;
pub mod history;
pub mod kept;
pub mod qualification;
pub mod retention;
pub mod runs;
pub mod samples;
pub mod saved;
mod scenario_files;
pub mod signoff;
pub mod subject;
pub mod trend;
pub mod verdicts;
pub mod verify;

pub use assessment::{Assessment, ProfileReport};
pub use bundle::is_store_of_bundle;
pub use context::ReportContext;
pub use error::AssessError;
