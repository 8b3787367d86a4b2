//! A scenario's files, on their way to agents.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::scenario::World;
use crate::scenario::grid::Grid;

/// The files that a scenario is made of, as they are read on the coordinator's machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pack {
    /// The scenario's file as it was named.
    pub scenario: PathBuf,
    /// Values in place of those in `[vars]`, by name.
    pub vars: Vec<(String, String)>,
    /// The files that are read when the scenario is compiled, by the names that they are read by.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
}

/// A world that notes which of its files are read.
pub struct Noting<W> {
    world: W,
    files: RefCell<BTreeMap<PathBuf, Vec<u8>>>,
}

impl<W: World> Noting<W> {
    /// Notes what is read of a world.
    pub fn new(world: W) -> Self {
        Self { world, files: RefCell::default() }
    }

    /// What was read, as the files of a scenario.
    pub fn into_pack(self, scenario: &Path) -> Pack {
        Pack { scenario: scenario.to_owned(), vars: self.world.vars(), files: self.files.into_inner() }
    }

    fn note(&self, path: &Path, bytes: &[u8]) {
        self.files.borrow_mut().entry(path.to_owned()).or_insert_with(|| bytes.to_vec());
    }
}

impl<W: World> World for Noting<W> {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        let text = self.world.read(path)?;
        self.note(path, text.as_bytes());
        Ok(text)
    }

    fn read_bytes(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        let bytes = self.world.read_bytes(path)?;
        self.note(path, &bytes);
        Ok(bytes)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.world.variable(name)
    }

    fn vars(&self) -> Vec<(String, String)> {
        self.world.vars()
    }

    fn grid(&self) -> Grid {
        self.world.grid()
    }
}

/// The world of an agent: the files that it was sent, and variables of its own environment. Values of variables never
/// travel: they may be secrets.
pub(super) struct Sent(pub(super) Pack);

impl World for Sent {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        let bytes = self.read_bytes(path)?;
        String::from_utf8(bytes).map_err(|_| std::io::ErrorKind::InvalidData.into())
    }

    fn read_bytes(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        self.0.files.get(path).cloned().ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn vars(&self) -> Vec<(String, String)> {
        self.0.vars.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::compile;
    use crate::scenario::tests::Written;

    #[test]
    fn a_scenario_compiles_from_what_was_noted_to_the_same_work() {
        let text = "name = 'x'\nbase_url = 'http://127.0.0.1:1'\n[[journey]]\nname = 'A'\n\
                    steps = [{ request = 'GET /{{ vars.page }}' }]\n[vars]\npage = 'a'\n[[user_class]]\nname = 'U'\n\
                    journeys = { A = 1 }\n[load.l]\nusers = 1\nrun_time = '1s'\n\
                    [profile.p]\n";
        let path = Path::new("shop.toml");
        let noting = Noting::new(Written(text.to_owned()));
        let here = compile(path, &noting).unwrap();
        let pack = noting.into_pack(path);
        assert_eq!(pack.files.keys().collect::<Vec<_>>(), [path]);
        let there = compile(path, &Sent(pack)).unwrap();
        let load = here.load("l").unwrap();
        assert_eq!(here.fingerprint(load, &[]), there.fingerprint(load, &[]));
        assert!(Sent(Pack::default()).read(path).is_err(), "an agent reads no file of its own");
    }
}
