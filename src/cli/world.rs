//! The outside world as a scenario may see it: files and environment variables.

use std::path::Path;
use std::sync::Arc;

use crate::scenario::{self, Scenario, ScenarioError};

struct RealWorld;

impl scenario::World for RealWorld {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        std::fs::read_to_string(path)
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

/// Reads and checks a scenario file.
pub(super) fn scenario(path: &Path) -> Result<Arc<Scenario>, ScenarioError> {
    scenario::compile(path, &RealWorld).map(Arc::new)
}
