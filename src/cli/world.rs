//! The outside world as a scenario may see it: files and environment variables.

use std::path::Path;
use std::sync::Arc;

use crate::scenario::endpoint::{self, Endpoint};
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

/// One request by itself: its scenario stands in no file.
struct Written(String);

impl scenario::World for Written {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        if path == Path::new(endpoint::FILE) { Ok(self.0.clone()) } else { RealWorld.read(path) }
    }

    fn variable(&self, name: &str) -> Option<String> {
        RealWorld.variable(name)
    }
}

/// The scenario of one request.
pub(super) fn endpoint(endpoint: &Endpoint) -> Result<Arc<Scenario>, ScenarioError> {
    scenario::compile(Path::new(endpoint::FILE), &Written(endpoint.scenario())).map(Arc::new)
}

/// Reads and checks a scenario file.
pub(super) fn scenario(path: &Path) -> Result<Arc<Scenario>, ScenarioError> {
    scenario::compile(path, &RealWorld).map(Arc::new)
}
