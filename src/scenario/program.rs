//! Programs that are run: of services, and of hooks.

use std::collections::BTreeMap;

/// A program with its surroundings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// Program and arguments; never empty.
    pub command: Vec<String>,
    /// Environment variables on top of loadproof's own.
    pub env: BTreeMap<String, String>,
    /// Its working directory; loadproof's own if none.
    pub working_directory: Option<String>,
}
