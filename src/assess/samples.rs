//! The samples of runs as CSV, one by one.

use std::io::Write;

use super::error::AssessError;
use crate::export::samples::{csv_header, csv_line};
use crate::run::RunId;
use crate::store::Store;

/// Writes the samples of runs as CSV with a header.
///
/// # Errors
/// If they cannot be read or written.
pub fn csv(store: &Store, runs: &[RunId], out: &mut dyn Write) -> Result<(), AssessError> {
    writeln!(out, "{}", csv_header()).map_err(AssessError::Write)?;
    for run in runs {
        store
            .each_sample(*run, |sample| writeln!(out, "{}", csv_line(sample)).map_err(AssessError::Write))?;
    }
    Ok(())
}
