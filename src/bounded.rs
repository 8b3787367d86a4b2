//! Files from outside, read within bounds: plain ones of a size that was to be expected. A pipe that nobody writes to, a
//! device without an end or a file of gigabytes holds nothing up.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

use crate::unit;

/// Opens a plain file of at most so many bytes; what a shell puts in the place of one (`<(…)`, `/dev/stdin`), too.
///
/// # Errors
/// If it cannot be opened, is no plain file, or is larger.
pub fn open(path: &Path, most: u64) -> Result<std::io::Take<File>> {
    // Before it is opened: to open a pipe waits for its writer.
    if !is_of_shell(path) {
        plain(path)?;
    }
    if std::fs::metadata(path)?.len() > most {
        return Err(too_large(most));
    }
    // One byte more shows that it has grown since.
    Ok(File::open(path)?.take(most.saturating_add(1)))
}

/// Whether a path leads to a plain file, for what others open.
///
/// # Errors
/// If there is nothing, or something else.
pub fn plain(path: &Path) -> Result<()> {
    let found = std::fs::metadata(path)?;
    if found.is_file() {
        return Ok(());
    }
    let kind = if found.is_dir() { "a folder" } else { "a pipe or a device" };
    Err(Error::new(ErrorKind::InvalidInput, format!("it is {kind}, not a file")))
}

/// The bytes of a plain file.
///
/// # Errors
/// As [`open`].
pub fn bytes(path: &Path, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path, most)?.read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(too_large(most)) } else { Ok(bytes) }
}

/// The text of a plain file.
///
/// # Errors
/// As [`open`], and if it is not UTF-8.
pub fn text(path: &Path, most: u64) -> Result<String> {
    String::from_utf8(bytes(path, most)?)
        .map_err(|_| Error::new(ErrorKind::InvalidData, "stream did not contain valid UTF-8"))
}

/// Whether a path is that of a file that is open already.
fn is_of_shell(path: &Path) -> bool {
    path == Path::new("/dev/stdin") || path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd")
}

fn too_large(most: u64) -> Error {
    Error::new(ErrorKind::FileTooLarge, format!("it is larger than {}", unit::size(most)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_files_of_an_expected_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(text(&path, 3).unwrap(), "abc");
        assert_eq!(text(&path, 2).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert!(text(folder.path(), 9).unwrap_err().to_string().contains("a folder"));
        assert!(text(Path::new("/dev/zero"), 9).unwrap_err().to_string().contains("a device"));
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        assert!(text(&pipe, 9).unwrap_err().to_string().contains("a pipe"));
        // A file of terabytes without content.
        File::create(&path).unwrap().set_len(1 << 42).unwrap();
        assert_eq!(bytes(&path, 1 << 20).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }
}
