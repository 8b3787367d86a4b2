//! Verifying the bundle of a sign-off.

use std::collections::BTreeMap;
use std::path::Path;

use super::files::{self, Found};
use super::findings::{Findings, first_difference};
use crate::assess::bundle::{
    ATTESTATION, BLOCKS, MANIFEST, PREDICATE, RULES, SAMPLES, SIGNATURE, SIGNOFF, StoreCopy, compose,
};
use crate::assess::error::AssessError;
use crate::assess::signoff;
use crate::bounded;
use crate::bundle::attestation::{self, Subjects};
use crate::bundle::signature::Verifier;
use crate::bundle::{Changed, Manifest};
use crate::checksum;
use crate::report::signoff as signed;
use crate::report::signoff::About;

/// Files that stand outside of the manifest.
const BESIDES: [&str; 3] = [MANIFEST, SIGNATURE, ATTESTATION];
/// Bytes of the largest manifest, signature and attestation.
const LARGEST: u64 = 16 << 20;

/// Verifies the bundle in a folder. `public_key`: the file of the signer's key, if its signature is to be checked.
///
/// # Errors
/// If it is not a bundle, or a file cannot be read.
pub fn bundle(folder: &Path, public_key: Option<&Path>) -> Result<Findings, AssessError> {
    let mut findings = Findings::default();
    let manifest = read(folder, MANIFEST)?;
    let key = public_key.map(signoff::verifier).transpose()?;
    findings.signature(key.as_ref(), &manifest, folder);
    let signed_files = Manifest::parse(&manifest)
        .map_err(|e| AssessError::NotABundle { folder: folder.to_owned(), problem: e.to_string() })?;
    let mut found = files::find(folder, &BESIDES)?;
    findings.differs.append(&mut found.strange);
    let sums = Manifest { files: found.sums.clone() };
    let changes = signed_files.changes(&sums);
    let all = signed_files.files.len();
    let as_signed = changes.iter().filter(|change| !matches!(change, Changed::Added { .. })).count();
    findings.checked.push(("manifest", format!("{} of {all} files are unchanged", all - as_signed)));
    findings.differs.extend(changes.iter().map(ToString::to_string));

    let text = |path: &'static str| {
        let bytes = found.texts.get(path).ok_or(AssessError::NotInBundle(path))?;
        Ok::<_, AssessError>(String::from_utf8_lossy(bytes).into_owned())
    };
    let Some(about) = text(SIGNOFF).ok().and_then(|text| signed::about(&text)) else {
        findings.subject = format!("{}: a bundle", folder.display());
        findings.differs.push(format!("{SIGNOFF}: it does not say what was signed"));
        return Ok(findings);
    };
    findings.subject = format!("{}: sign-off of {} of {}", folder.display(), about.version, about.at);
    findings.attestation(key.as_ref(), &manifest, &about, text(PREDICATE).ok().as_deref(), folder);
    let again = || {
        let samples = found.sums.get(SAMPLES).ok_or(AssessError::NotInBundle(SAMPLES))?;
        compose(&StoreCopy::of(&folder.join(SAMPLES))?.store, samples, &text(RULES)?, &about)
    };
    match again() {
        Ok(again) => {
            findings.files(&found, &again.files, &about.tool_version);
            findings.made_again(&about.tool_version);
        }
        Err(error) => findings.differs.push(format!("it cannot be rebuilt: {}", with_causes(&error))),
    }
    Ok(findings)
}

impl Findings {
    fn signature(&mut self, key: Option<&Verifier>, manifest: &str, folder: &Path) {
        let signature = bounded::bytes(&folder.join(SIGNATURE), LARGEST).ok();
        let outcome = match (signature, key) {
            (None, None) => {
                "none: whoever could write this folder can have made all of it; it shows that its pages follow from its \
                 samples, and not where these are from"
                    .to_owned()
            }
            (None, Some(_)) => {
                self.differs.push(format!("{SIGNATURE}: not there"));
                "wanted, and not there".to_owned()
            }
            (Some(_), None) => {
                "not checked: name the signer's key with --public-key; without it, anybody can have signed".to_owned()
            }
            (Some(signature), Some(key)) if key.accepts(manifest.as_bytes(), &signature) => {
                format!("good, of key {}", key.fingerprint())
            }
            (Some(_), Some(key)) => {
                self.differs.push(format!("{SIGNATURE}: not of key {} for this manifest", key.fingerprint()));
                "bad".to_owned()
            }
        };
        self.checked.push(("signature", outcome));
    }

    /// Compares what is attested with what is in the bundle.
    fn attestation(
        &mut self,
        key: Option<&Verifier>,
        manifest: &str,
        about: &About,
        predicate: Option<&str>,
        folder: &Path,
    ) {
        let Ok(envelope) = bounded::text(&folder.join(ATTESTATION), LARGEST) else { return };
        let Some(key) = key else {
            self.checked
                .push(("attestation", "not checked: name the signer's key with --public-key".to_owned()));
            return;
        };
        let predicate = predicate.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let sum = checksum::sha256(manifest);
        let of = Subjects { manifest: (MANIFEST, &sum), commit: about.commit.as_deref() };
        let is_good = attestation::opened(&envelope, key) == Some(attestation::statement(&of, &predicate));
        let outcome = if is_good {
            format!("good, of key {}", key.fingerprint())
        } else {
            self.differs.push(format!("{ATTESTATION}: not of key {} for this bundle", key.fingerprint()));
            "bad".to_owned()
        };
        self.checked.push(("attestation", outcome));
    }

    /// Compares the files of a bundle with those that come out now: which there are, and what they say.
    fn files(&mut self, found: &Found, again: &BTreeMap<String, String>, version: &str) {
        let is_same_version = version == env!("CARGO_PKG_VERSION");
        let is_known = |path: &&String| again.contains_key(*path) || *path == SAMPLES;
        for path in found.sums.keys().filter(|path| !is_known(path)) {
            self.of_set(path, "no file of such a bundle", version);
        }
        for (path, made) in again {
            let Some(written) = found.texts.get(path) else {
                self.of_set(path, "a file of such a bundle, and not there", version);
                continue;
            };
            let is_json = Path::new(path).extension().is_some_and(|end| end == "json");
            let parsed = || Some((serde_json::from_slice(written).ok()?, serde_json::from_str(made).ok()?));
            match parsed().filter(|_| is_json) {
                Some((document, again)) => {
                    self.document(path, &document, &again, is_same_version);
                    if !is_same_version && written != made.as_bytes() {
                        self.of_other_version(&format!("sentences of {path}"), version);
                    }
                }
                None if written == made.as_bytes() => {}
                None if path == BLOCKS => self.blocks(&String::from_utf8_lossy(written), made),
                None if is_same_version => {
                    self.differs.push(format!("{path}: {}", first_difference(written, made.as_bytes())));
                }
                None => self.of_other_version(path, version),
            }
        }
    }

    /// A file that is there, or is not, other than the rules and the samples have it.
    fn of_set(&mut self, path: &str, what: &str, version: &str) {
        if version == env!("CARGO_PKG_VERSION") {
            self.differs.push(format!("{path}: {what}"));
        } else {
            self.unverified.push(format!("{path}: {what}, as this version makes them"));
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
    bounded::text(&folder.join(name), LARGEST).map_err(|e| AssessError::NotABundle {
        folder: folder.to_owned(),
        problem: format!("cannot read {name}: {e}"),
    })
}

/// An error and what caused it, in a line.
fn with_causes(error: &AssessError) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}
