//! The outside world as a scenario may see it: files and environment variables.

use std::path::Path;
use std::sync::Arc;

use super::output;
use crate::agents::{Noting, Pack};
use crate::bounded;
use crate::scenario::endpoint::{self, Endpoint};
use crate::scenario::grid::Grid;
use crate::scenario::{self, Fixed, Scenario, ScenarioError};

/// Bytes of the largest scenario, part of one or list of values.
const LARGEST_TEXT: u64 = 256 << 20;
/// Bytes of the largest file that requests send.
const LARGEST_BODY: u64 = 1 << 30;

/// Values in place of those in `[vars]`, by name.
type Vars = [(String, String)];

/// Files and variables of this process, and the values that the command line gives.
#[derive(Default)]
struct RealWorld {
    vars: Vec<(String, String)>,
    grid: Grid,
}

impl scenario::World for RealWorld {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        bounded::text(path, LARGEST_TEXT)
    }

    fn read_bytes(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        bounded::bytes(path, LARGEST_BODY)
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn vars(&self) -> Vec<(String, String)> {
        self.vars.clone()
    }

    fn grid(&self) -> Grid {
        self.grid.clone()
    }
}

/// One request by itself: its scenario stands in no file.
struct Written(String);

impl scenario::World for Written {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        if path == Path::new(endpoint::FILE) { Ok(self.0.clone()) } else { RealWorld::default().read(path) }
    }

    fn read_bytes(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        RealWorld::default().read_bytes(path)
    }

    fn variable(&self, name: &str) -> Option<String> {
        RealWorld::default().variable(name)
    }
}

/// The scenario of one request.
pub(super) fn endpoint(endpoint: &Endpoint) -> Result<Arc<Scenario>, ScenarioError> {
    scenario::compile(Path::new(endpoint::FILE), &Written(endpoint.scenario())).map(Arc::new)
}

/// Reads and checks a scenario file; warnings go to stderr.
pub(super) fn scenario(path: &Path) -> Result<Arc<Scenario>, ScenarioError> {
    scenario_with(path, &[])
}

/// The same with values in place of those in `[vars]`.
pub(super) fn scenario_with(path: &Path, vars: &Vars) -> Result<Arc<Scenario>, ScenarioError> {
    scenario_with_grid(path, vars, &Grid::default())
}

/// The same with a profile for each cell of a grid.
pub(super) fn scenario_with_grid(
    path: &Path,
    vars: &Vars,
    grid: &Grid,
) -> Result<Arc<Scenario>, ScenarioError> {
    let world = RealWorld { vars: vars.to_vec(), grid: grid.clone() };
    let scenario = scenario::compile(path, &world).map(Arc::new)?;
    if !scenario.warnings.is_empty() {
        output::say(&format!("{}\n", scenario.warnings));
    }
    Ok(scenario)
}

/// The files that a scenario is made of, to be sent to agents.
pub(super) fn pack(path: &Path, vars: &Vars, grid: &Grid) -> Result<Pack, ScenarioError> {
    let noting = Noting::new(RealWorld { vars: vars.to_vec(), grid: grid.clone() });
    scenario::compile(path, &noting)?;
    Ok(noting.into_pack(path))
}

/// Reads and checks a scenario file that is only looked at.
pub(super) fn scenario_without_warnings(path: &Path) -> Result<Arc<Scenario>, ScenarioError> {
    scenario::compile(path, &RealWorld::default()).map(Arc::new)
}

/// The files among a scenario file and its includes that have old names, with new ones.
pub(super) fn fix(path: &Path) -> Result<Vec<Fixed>, ScenarioError> {
    scenario::fix(path, &RealWorld::default())
}
