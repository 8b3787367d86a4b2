//! The files of a bundle with their checksums, in the form that `sha256sum --check` reads.

use std::collections::BTreeMap;

/// Checksums of files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// SHA-256, in hex, by path within the bundle.
    pub files: BTreeMap<String, String>,
}

/// A line that is no line of a manifest.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the manifest is not `<SHA-256>  <file>` of a file that no other line names")]
pub struct ManifestError {
    /// Its number, from 1.
    pub line: usize,
}

/// A file that is not as the manifest has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Its bytes are others.
    Altered {
        /// The file.
        path: String,
        /// Its checksum.
        found: String,
        /// That of the manifest.
        signed: String,
    },
    /// It is not there.
    Gone {
        /// The file.
        path: String,
    },
    /// The manifest does not know it.
    Added {
        /// The file.
        path: String,
    },
}

impl std::fmt::Display for Changed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let short = |sha256: &str| sha256.chars().take(12).collect::<String>();
        match self {
            Self::Altered { path, found, signed } => {
                write!(f, "{path}: its SHA-256 is {}…, the manifest has {}…", short(found), short(signed))
            }
            Self::Gone { path } => write!(f, "{path}: in the manifest, and not there"),
            Self::Added { path } => write!(f, "{path}: there, and not in the manifest"),
        }
    }
}

impl Manifest {
    /// Reads one.
    ///
    /// # Errors
    /// At the first line that is none of a manifest.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let entry = |(line, text): (usize, &str)| {
            let (sha256, path) = text.split_once("  ").ok_or(ManifestError { line })?;
            let is_sum = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
            // A line end within a name would be one of the manifest.
            let is_name = !path.is_empty() && !path.contains(char::is_control);
            if is_sum && is_name {
                Ok((path.to_owned(), sha256.to_owned()))
            } else {
                Err(ManifestError { line })
            }
        };
        let mut files = BTreeMap::new();
        for (line, text) in (1..).zip(text.lines()) {
            let (path, sha256) = entry((line, text))?;
            // Of two sums for a file, tools would check one or the other.
            if files.insert(path, sha256).is_some() {
                return Err(ManifestError { line });
            }
        }
        Ok(Self { files })
    }

    /// What of the files that were found is not as it was.
    pub fn changes(&self, found: &Self) -> Vec<Changed> {
        let mut changes: Vec<Changed> = Vec::new();
        for (path, signed) in &self.files {
            match found.files.get(path) {
                None => changes.push(Changed::Gone { path: path.clone() }),
                Some(sum) if sum == signed => {}
                Some(sum) => changes.push(Changed::Altered {
                    path: path.clone(),
                    found: sum.clone(),
                    signed: signed.clone(),
                }),
            }
        }
        let is_new = |path: &&String| !self.files.contains_key(*path);
        changes.extend(found.files.keys().filter(is_new).map(|path| Changed::Added { path: path.clone() }));
        changes
    }
}

impl std::fmt::Display for Manifest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.files.iter().try_for_each(|(path, sha256)| writeln!(f, "{sha256}  {path}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn manifest(files: &[(&str, char)]) -> Manifest {
        let entry = |(path, digit): &(&str, char)| ((*path).to_owned(), digit.to_string().repeat(64));
        Manifest { files: files.iter().map(entry).collect() }
    }

    #[test]
    fn changed_missing_and_added_files_are_named() {
        let signed = manifest(&[("a", '1'), ("b", '2'), ("c", '3')]);
        let found = manifest(&[("a", '1'), ("b", '4'), ("d", '5')]);
        let said: Vec<String> = signed.changes(&found).iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(said.join("\n"), @"
        b: its SHA-256 is 444444444444…, the manifest has 222222222222…
        c: in the manifest, and not there
        d: there, and not in the manifest
        ");
        assert_eq!(Manifest::parse("nonsense"), Err(ManifestError { line: 1 }));
        let twice = format!("{signed}{}", manifest(&[("b", '4')]));
        assert_eq!(Manifest::parse(&twice), Err(ManifestError { line: 4 }));
    }

    proptest! {
        #[test]
        fn a_manifest_comes_back_as_it_was(names in proptest::collection::btree_set("[a-z./ -]{1,12}", 0..8)) {
            let written = Manifest { files: names.into_iter().map(|name| (name, "0f".repeat(32))).collect() };
            prop_assert_eq!(Manifest::parse(&written.to_string()), Ok(written));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = Manifest::parse(&text);
        }
    }
}
