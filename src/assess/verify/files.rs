//! The files of a bundle as they are found: plain ones only, large ones by their checksum only.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::assess::error::AssessError;
use crate::bounded;
use crate::checksum::Summing;

/// Bytes of the largest file whose content is compared; all others are known by their checksum.
const LARGEST_TEXT: u64 = 64 << 20;
/// Files of the largest bundle.
const MOST: usize = 10_000;
/// Folders within folders.
const DEEPEST: usize = 8;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// SHA-256, in hex, by path within the bundle.
    pub(super) sums: BTreeMap<String, String>,
    /// The content of those that are not too large.
    pub(super) texts: BTreeMap<String, Vec<u8>>,
    /// What is no file of a bundle, in words.
    pub(super) strange: Vec<String>,
}

/// The files of a bundle, but for those in `besides`, which stand outside of its manifest.
pub(super) fn find(folder: &Path, besides: &[&str]) -> Result<Found, AssessError> {
    let mut found = Found::default();
    let mut pending: Vec<(PathBuf, usize)> = vec![(folder.to_owned(), 0)];
    let mut seen = 0;
    while let Some((inner, depth)) = pending.pop() {
        for entry in std::fs::read_dir(&inner).map_err(unreadable(&inner))? {
            let entry = entry.map_err(unreadable(&inner))?;
            let path = entry.path();
            let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
            seen += 1;
            if seen > MOST {
                return Err(AssessError::NotABundle {
                    folder: folder.to_owned(),
                    problem: format!("it holds more than {MOST} files"),
                });
            }
            // Of the entry itself: a link may lead anywhere.
            let kind = entry.file_type().map_err(unreadable(&path))?;
            if kind.is_dir() && depth < DEEPEST {
                pending.push((path, depth + 1));
            } else if !kind.is_file() {
                found.strange.push(format!("{name}: not a plain file"));
            } else if !besides.contains(&name.as_str()) {
                found.add(name, &path)?;
            }
        }
    }
    Ok(found)
}

impl Found {
    fn add(&mut self, name: String, path: &Path) -> Result<(), AssessError> {
        match bounded::bytes(path, LARGEST_TEXT) {
            Ok(bytes) => {
                self.sums.insert(name.clone(), crate::checksum::sha256(&bytes));
                self.texts.insert(name, bytes);
            }
            Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
                self.sums.insert(name, sum(path)?);
            }
            Err(error) => return Err(unreadable(path)(error)),
        }
        Ok(())
    }
}

/// The SHA-256 of a file, in hex, without holding it in memory.
pub(in crate::assess) fn sum(path: &Path) -> Result<String, AssessError> {
    let summed = || {
        let mut summing = Summing::new(File::open(path)?);
        std::io::copy(&mut summing, &mut std::io::sink())?;
        Ok(summing.sha256())
    };
    summed().map_err(unreadable(path))
}

fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> AssessError {
    move |source| AssessError::File { action: "read", path: path.to_owned(), source }
}
