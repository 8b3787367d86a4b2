//! Brings the keys of scenario files to their new names, in the text itself.

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::World;
use super::compile::{Collected, collect, note_missing, syntax_error};
use super::problem::{Problems, ScenarioError};
use super::renamed::{rename, rewritten};

/// A scenario file with new names in place of old ones; comments and layout are as they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The file.
    pub path: PathBuf,
    /// Its new text.
    pub text: String,
    /// Old name, new name and how often it was replaced, in order of appearance.
    pub replaced: Vec<(&'static str, &'static str, usize)>,
}

/// The files among a scenario file and its includes that have old names, with new ones. Nothing is
/// written.
///
/// # Errors
/// If a file cannot be read, is not TOML, or has a key under both its names.
pub fn fix(path: &Path, world: &dyn World) -> Result<Vec<Fixed>, ScenarioError> {
    let problems = Problems::default();
    let mut fixed = Vec::new();
    let Collected { texts, missing } = collect(path, world)?;
    for (path, text) in texts {
        let file = problems.add_file(&path.to_string_lossy(), &text);
        match DeTable::parse(&text) {
            Ok(mut root) => rename(root.get_mut(), file, &text, &problems),
            Err(error) => syntax_error(&problems, file, &text, &error),
        }
        let (new_text, keys) = rewritten(&text);
        let mut replaced: Vec<(&'static str, &'static str, usize)> = Vec::new();
        for key in &keys {
            match replaced.iter_mut().find(|(old, new, _)| *old == key.old && *new == key.new) {
                Some((.., times)) => *times += 1,
                None => replaced.push((key.old, key.new, 1)),
            }
        }
        if !replaced.is_empty() {
            fixed.push(Fixed { path, text: new_text, replaced });
        }
    }
    note_missing(&missing, &problems);
    problems.into_result()?;
    Ok(fixed)
}
