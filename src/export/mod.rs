//! What leaves the store in the forms that other programs read: samples as CSV, Parquet and percentile
//! spectra, metrics for dashboards and CI, trends, and the files that Locust writes.
//!
//! An export turns plain values into text or bytes; it reads no store and works nothing out that
//! `stats` should work out.

pub mod archive;
pub mod csv;
pub mod exchange;
pub mod har;
pub mod hdr;
pub mod locust;
pub mod parquet;
pub mod samples;
pub mod trend;
