//! Reports: what was measured, for people and for machines.
//!
//! A comparison (numbers) becomes a model (every number a formatted text, in reading order); text
//! and HTML render the model, so they cannot disagree. JSON carries the numbers unrounded. Nothing
//! is computed here that `stats` should compute.

pub mod capacity;
pub mod chart;
pub mod csv;
pub mod exchange;
pub mod html;
pub mod json;
pub mod junit;
pub mod locust;
pub mod markdown;
pub mod model;
pub mod text;
pub mod trend;

/// What a report says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// When it was written, for people.
    pub generated_at: String,
    /// Version of loadproof.
    pub tool_version: String,
    /// The store's file.
    pub store: String,
    /// The commands that make the same again.
    pub reproduce: Vec<String>,
    /// What the instrument's last selftest on this machine found; none without one.
    pub qualification: Option<String>,
}
