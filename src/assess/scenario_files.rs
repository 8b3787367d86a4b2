//! The scenario files of runs, by their paths in a bundle.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::error::AssessError;
use crate::checksum;
use crate::run::{RunId, Source};
use crate::store::Store;

/// The scenario files of some runs, by their paths in the bundle.
pub(super) fn of_runs(store: &Store, runs: &[RunId]) -> Result<BTreeMap<String, String>, AssessError> {
    let mut sources: Vec<Source> = Vec::new();
    for run in runs {
        for source in store.sources(*run)? {
            if !sources.contains(&source) {
                sources.push(source);
            }
        }
    }
    let paths: Vec<PathBuf> = sources.iter().map(|source| flat(&source.path)).collect();
    let common = common_folder(&paths);
    let mut files = BTreeMap::new();
    for (source, path) in sources.into_iter().zip(&paths) {
        let path = path.strip_prefix(&common).unwrap_or(path).to_string_lossy();
        let mut name = format!("scenarios/{path}");
        // Two texts of one file: it was changed between the runs.
        if files.contains_key(&name) {
            name = format!("{name}.{}", checksum::sha256(&source.text).chars().take(12).collect::<String>());
        }
        files.insert(name, source.text);
    }
    Ok(files)
}

/// A path without its root and without `..`, which must not lead out of the bundle.
fn flat(path: &str) -> PathBuf {
    let mut flat = PathBuf::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(part) => flat.push(part),
            Component::ParentDir => {
                flat.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
        }
    }
    flat
}

/// The deepest folder that all paths are in.
fn common_folder(paths: &[PathBuf]) -> PathBuf {
    let folder = |path: &PathBuf| path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    let mut folders = paths.iter().map(folder);
    let Some(mut common) = folders.next() else { return PathBuf::new() };
    for folder in folders {
        while !folder.starts_with(&common) {
            common.pop();
        }
    }
    common
}
