//! Files next to the store, and their names.

use std::path::{Path, PathBuf};

use super::error::AssessError;

/// The folder of a store's file: reports, logs and the last selftest go there, too.
pub fn folder_of(store: &Path) -> PathBuf {
    store.parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// A name in which only letters, digits, `-`, `_` and `.` are left.
pub fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect()
}

/// Writes a file, with its folder if need be.
///
/// # Errors
/// If one of them cannot be written.
pub fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<(), AssessError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|source| AssessError::File {
            action: "make the folder",
            path: folder.to_owned(),
            source,
        })?;
    }
    std::fs::write(path, content).map_err(|source| AssessError::File {
        action: "write",
        path: path.to_owned(),
        source,
    })
}
