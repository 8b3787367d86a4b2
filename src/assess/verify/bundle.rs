//! Verifying the bundle of a sign-off.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::findings::{Findings, first_difference};
use crate::assess::bundle::{BLOCKS, MANIFEST, RULES, SAMPLES, SIGNATURE, SIGNOFF, StoreCopy, compose};
use crate::assess::error::AssessError;
use crate::assess::signoff;
use crate::bundle::{Changed, Manifest};
use crate::checksum;
use crate::report::signoff as signed;

/// Verifies the bundle in a folder. `public_key`: the file of the signer's key, if its signature is to be checked.
///
/// # Errors
/// If it is not a bundle, or a file cannot be read.
pub fn bundle(folder: &Path, public_key: Option<&Path>) -> Result<Findings, AssessError> {
    let mut findings = Findings::default();
    let manifest = read(folder, MANIFEST)?;
    findings.signature(public_key, &manifest, folder)?;
    let signed_files = Manifest::parse(&manifest)
        .map_err(|e| AssessError::NotABundle { folder: folder.to_owned(), problem: e.to_string() })?;
    let found = files(folder)?;
    let sums = Manifest {
        files: found.iter().map(|(path, bytes)| (path.clone(), checksum::sha256(bytes))).collect(),
    };
    let changes = signed_files.changes(&sums);
    let all = signed_files.files.len();
    let as_signed = changes.iter().filter(|change| !matches!(change, Changed::Added { .. })).count();
    findings.checked.push(("manifest", format!("{} of {all} files are unchanged", all - as_signed)));
    findings.differs.extend(changes.iter().map(ToString::to_string));

    let text = |path: &'static str| {
        let bytes = found.get(path).ok_or(AssessError::NotInBundle(path))?;
        Ok::<_, AssessError>(String::from_utf8_lossy(bytes).into_owned())
    };
    let Some(about) = text(SIGNOFF).ok().and_then(|text| signed::about(&text)) else {
        findings.subject = format!("{}: a bundle", folder.display());
        findings.differs.push(format!("{SIGNOFF}: it does not say what was signed"));
        return Ok(findings);
    };
    findings.subject = format!("{}: sign-off of {} of {}", folder.display(), about.version, about.at);
    let again = || {
        let samples = sums.files.get(SAMPLES).ok_or(AssessError::NotInBundle(SAMPLES))?;
        compose(&StoreCopy::of(&folder.join(SAMPLES))?.store, samples, &text(RULES)?, &about)
    };
    match again() {
        Ok(again) => {
            findings.files(&found, &again.files, about.tool_version == env!("CARGO_PKG_VERSION"));
            findings.made_again(&about.tool_version);
        }
        Err(error) => findings.differs.push(format!("it cannot be rebuilt: {}", with_causes(&error))),
    }
    Ok(findings)
}

impl Findings {
    fn signature(
        &mut self,
        public_key: Option<&Path>,
        manifest: &str,
        folder: &Path,
    ) -> Result<(), AssessError> {
        let signature = std::fs::read(folder.join(SIGNATURE)).ok();
        let key = public_key.map(signoff::verifier).transpose()?;
        let outcome = match (signature, key) {
            (None, None) => "none".to_owned(),
            (None, Some(_)) => {
                self.differs.push(format!("{SIGNATURE}: not there"));
                "wanted, and not there".to_owned()
            }
            (Some(_), None) => "not checked: name the signer's key with --public-key".to_owned(),
            (Some(signature), Some(key)) if key.accepts(manifest.as_bytes(), &signature) => {
                format!("good, of key {}", key.fingerprint())
            }
            (Some(_), Some(key)) => {
                self.differs.push(format!("{SIGNATURE}: not of key {} for this manifest", key.fingerprint()));
                "bad".to_owned()
            }
        };
        self.checked.push(("signature", outcome));
        Ok(())
    }

    /// Compares the files of a bundle with those that come out now.
    fn files(
        &mut self,
        found: &BTreeMap<String, Vec<u8>>,
        again: &BTreeMap<String, String>,
        is_same_version: bool,
    ) {
        for (path, made) in again {
            let Some(written) = found.get(path) else { continue };
            let is_json = Path::new(path).extension().is_some_and(|end| end == "json");
            let parsed = || Some((serde_json::from_slice(written).ok()?, serde_json::from_str(made).ok()?));
            match parsed().filter(|_| is_json) {
                Some((written, made)) => self.document(path, &written, &made, is_same_version),
                None if path == BLOCKS => self.blocks(&String::from_utf8_lossy(written), made),
                None if !is_same_version || written == made.as_bytes() => {}
                None => self.differs.push(format!("{path}: {}", first_difference(written, made.as_bytes()))),
            }
        }
    }

    /// Names the rows that were changed.
    fn blocks(&mut self, written: &str, made_again: &str) {
        let rows = |text: &str| -> BTreeMap<String, String> {
            let line =
                |line: &str| line.split_once("  ").map(|(sum, rows)| (rows.to_owned(), sum.to_owned()));
            text.lines().filter_map(line).collect()
        };
        let (written, made_again) = (rows(written), rows(made_again));
        let changed = written.iter().filter(|(rows, sum)| made_again.get(*rows) != Some(sum));
        let added = made_again.iter().filter(|(rows, _)| !written.contains_key(*rows));
        let lines = changed.chain(added).map(|(rows, _)| format!("{SAMPLES}: {rows} have changed"));
        // What was changed comes before what follows from it.
        let lines: Vec<String> = lines.collect();
        self.differs.splice(0..0, lines);
    }
}

fn read(folder: &Path, name: &str) -> Result<String, AssessError> {
    let path = folder.join(name);
    std::fs::read_to_string(&path).map_err(|e| AssessError::NotABundle {
        folder: folder.to_owned(),
        problem: format!("cannot read {name}: {e}"),
    })
}

/// The files of a bundle by their paths in it, but for the manifest and its signature.
fn files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, AssessError> {
    let mut found = BTreeMap::new();
    let mut pending: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(inner) = pending.pop() {
        for entry in std::fs::read_dir(&inner).map_err(unreadable(&inner))? {
            let path = entry.map_err(unreadable(&inner))?.path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
            if name != MANIFEST && name != SIGNATURE {
                found.insert(name, std::fs::read(&path).map_err(unreadable(&path))?);
            }
        }
    }
    Ok(found)
}

fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> AssessError {
    move |source| AssessError::File { action: "read", path: path.to_owned(), source }
}

/// An error and what caused it, in a line.
fn with_causes(error: &AssessError) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}
