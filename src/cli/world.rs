//! The outside world as a scenario may see it: files and environment variables.

use std::path::Path;
use std::sync::Arc;

use crate::scenario::endpoint::{self, Endpoint};
use crate::scenario::{self, Fixed, Scenario, ScenarioError};

struct RealWorld;

impl scenario::World for RealWorld {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        std::fs::read_to_string(path)
    }

    fn read_bytes(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        std::fs::read(path)
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

    fn read_bytes(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        RealWorld.read_bytes(path)
    }

    fn variable(&self, name: &str) -> Option<String> {
        RealWorld.variable(name)
    }
}

/// The scenario of one request.
pub(super) fn endpoint(endpoint: &Endpoint) -> Result<Arc<Scenario>, ScenarioError> {
    scenario::compile(Path::new(endpoint::FILE), &Written(endpoint.scenario())).map(Arc::new)
}

/// Reads and checks a scenario file; warnings go to stderr.
pub(super) fn scenario(path: &Path) -> Result<Arc<Scenario>, ScenarioError> {
    let scenario = scenario_without_warnings(path)?;
    if !scenario.warnings.is_empty() {
        anstream::eprintln!("{}\n", scenario.warnings);
    }
    Ok(scenario)
}

/// Reads and checks a scenario file that is only looked at.
pub(super) fn scenario_without_warnings(path: &Path) -> Result<Arc<Scenario>, ScenarioError> {
    scenario::compile(path, &RealWorld).map(Arc::new)
}

/// The files among a scenario file and its includes that have old names, with new ones.
pub(super) fn fix(path: &Path) -> Result<Vec<Fixed>, ScenarioError> {
    scenario::fix(path, &RealWorld)
}
