//! Making a bundle, or a report, again from the samples, and finding what is not the same.

mod bundle;
pub(super) mod files;
mod findings;
mod report;

pub use bundle::bundle;
pub use findings::Findings;
pub use report::report;
