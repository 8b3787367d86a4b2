//! How often servers were started, counted in a file.

use std::{fs::OpenOptions, io, io::Write, path::Path};

/// Counts this start in the file, and returns how many came before it.
pub(crate) fn count(file: &Path) -> io::Result<u64> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("starts file `{}`: {error}", file.display()));
    let mut starts = OpenOptions::new().append(true).create(true).open(file).map_err(named)?;
    starts.write_all(b".").map_err(named)?;
    Ok(starts.metadata().map_err(named)?.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn each_start_is_told_how_many_came_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("starts");
        let counted: Vec<u64> = (0..3).map(|_| count(&file).unwrap()).collect();
        assert_eq!(counted, [0, 1, 2]);
        let missing = count(&folder.path().join("no/starts")).unwrap_err();
        assert!(missing.to_string().contains("no/starts"), "{missing}");
    }
}
