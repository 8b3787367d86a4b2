//! Bundles of files that can be checked later: a manifest of checksums, a signature over it, and what differs where a file
//! was made anew.

pub mod attestation;
mod difference;
mod manifest;
mod renamed;
pub mod signature;

pub use difference::of_json;
pub use manifest::{Changed, Manifest};
pub use renamed::with_new_names;
