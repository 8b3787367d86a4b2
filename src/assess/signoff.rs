//! Signing a release off: its evidence is copied out of the store, and the bundle is made of the copy.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::bundle::{self, ATTESTATION, Bundle, MANIFEST, PREDICATE, SAMPLES, SIGNATURE, StoreCopy};
use super::error::AssessError;
use super::verify::files as files_found;
use super::{candidates, files};
use crate::bounded;
use crate::bundle::attestation::{self, Subjects};
use crate::bundle::signature::{Signer, Verifier};
use crate::checksum;
use crate::report::signoff::About;
use crate::run::RunId;
use crate::signoff::Rules;
use crate::store::Store;

/// Bytes of the largest key.
const LARGEST_KEY: u64 = 1 << 20;

/// Decides by rules whether a release is signed, and writes the bundle that shows why. `folder`: an empty one;
/// `signer`: signs the manifest, if there is a key.
///
/// # Errors
/// If the rules cannot be used, or the store cannot be read, or the folder not be written.
pub fn sign_off(
    store: &Path,
    rules: &str,
    about: &About,
    signer: Option<&Signer>,
    folder: &Path,
) -> Result<Bundle, AssessError> {
    let store = Store::open_existing(store)?;
    let about = &About { breaches: breaches(&store)?, ..about.clone() };
    let (samples, evidence) = extract(&store, &Rules::parse(rules, &about.rules)?, about, folder)?;
    let sum = files_found::sum(&samples)?;
    let bundle = bundle::compose(&StoreCopy::of(&samples)?.store, &sum, rules, about)?;
    write(&bundle, &sum, about, signer, folder)?;
    store.note_signed_off(&evidence, &about.version)?;
    Ok(bundle)
}

/// What is not as it was written in a store as a whole: which evidence there is depends on the facts of all its runs.
fn breaches(store: &Store) -> Result<Vec<String>, AssessError> {
    let mut breaches = store.gaps()?;
    let mut experiments = BTreeSet::new();
    for run in store.runs()? {
        // What was measured is looked at in what becomes evidence.
        breaches.extend(store.seal(run.id, false)?.changed().iter().cloned());
        experiments.extend(run.start.experiment);
    }
    for id in experiments {
        breaches.extend(store.experiment_seal(id)?.changed().iter().cloned());
    }
    Ok(breaches)
}

/// Makes the empty folder of a bundle, in place of an older bundle if `replace`.
///
/// # Errors
/// If there is something that is not to be replaced, or the folder cannot be made.
pub fn make_folder(folder: &Path, replace: bool) -> Result<(), AssessError> {
    let failed = |action| move |source| AssessError::File { action, path: folder.to_owned(), source };
    if folder.exists() {
        if !replace {
            return Err(AssessError::FolderExists(folder.to_owned()));
        }
        if !folder.join(MANIFEST).is_file() {
            return Err(AssessError::NotReplaced(folder.to_owned()));
        }
        std::fs::remove_dir_all(folder).map_err(failed("replace"))?;
    }
    std::fs::create_dir_all(folder).map_err(failed("make"))
}

/// The key that symptoms, from a file.
///
/// # Errors
/// If the file cannot be read, or is not such a key.
pub fn signer(path: &Path) -> Result<Signer, AssessError> {
    Signer::parse(&read_key(path)?).map_err(|error| AssessError::Key {
        purpose: "sign with",
        path: path.to_owned(),
        error,
    })
}

/// The key that a signature is checked with, from a file.
///
/// # Errors
/// If the file cannot be read, or is not such a key.
pub fn verifier(path: &Path) -> Result<Verifier, AssessError> {
    Verifier::parse(&read_key(path)?).map_err(|error| AssessError::Key {
        purpose: "use",
        path: path.to_owned(),
        error,
    })
}

fn read_key(path: &Path) -> Result<String, AssessError> {
    bounded::text(path, LARGEST_KEY).map_err(|error| AssessError::Unreadable {
        what: "the key ",
        path: path.to_owned(),
        error,
    })
}

/// Writes the evidence into a store of its own: the chosen runs whole, and the facts of those that were passed over. The
/// store's file, and the chosen runs.
fn extract(
    store: &Store,
    rules: &Rules,
    about: &About,
    folder: &Path,
) -> Result<(PathBuf, Vec<RunId>), AssessError> {
    let candidates = candidates::all(store)?;
    let choices = candidates::choices(rules, &candidates::release(about), &candidates);
    let runs = |of| -> Vec<RunId> {
        candidates.iter().filter(|c| c.of == of).flat_map(|c| c.runs.iter().map(|run| run.id)).collect()
    };
    let whole: Vec<RunId> = choices
        .iter()
        .filter_map(|choice| choice.candidate)
        .flat_map(|candidate| runs(candidate.of))
        .collect();
    let facts: Vec<RunId> = choices
        .iter()
        .flat_map(|choice| &choice.passed_over)
        .flat_map(|passed_over| runs(passed_over.of))
        .collect();
    let path = folder.join(SAMPLES);
    store.extract(&path, &whole, &facts)?;
    Ok((path, whole))
}

fn write(
    bundle: &Bundle,
    samples: &str,
    about: &About,
    signer: Option<&Signer>,
    folder: &Path,
) -> Result<(), AssessError> {
    for (path, text) in &bundle.files {
        files::write(&folder.join(path), text)?;
    }
    let manifest = bundle.manifest(samples).to_string();
    files::write(&folder.join(MANIFEST), &manifest)?;
    if let Some(signer) = signer {
        files::write(&folder.join(SIGNATURE), signer.sign(manifest.as_bytes()))?;
        let predicate = bundle.files.get(PREDICATE).and_then(|text| serde_json::from_str(text).ok());
        let sum = checksum::sha256(&manifest);
        let of = Subjects { manifest: (MANIFEST, &sum), commit: about.commit.as_deref() };
        let statement = attestation::statement(&of, &predicate.unwrap_or_default());
        files::write(&folder.join(ATTESTATION), attestation::sealed(&statement, signer))?;
    }
    Ok(())
}
