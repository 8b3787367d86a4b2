//! Patches in force: the system's own files are changed for a run and put back byte for byte.
//!
//! Before the first file is touched, all originals stand in a journal folder, on disk. Whoever finds
//! such a folder whose process is gone (killed, say) puts the files back from it.

mod edit;

use std::fs::{self, File, Metadata};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::SystemError;
use super::journal::{Owner, write_durably};
use crate::bounded;
use crate::checksum::sha256;
use crate::scenario::patch::Patch;

/// What a journal folder holds beside the originals.
const MANIFEST: &str = "manifest.json";
/// Bytes of the largest file that is patched.
const LARGEST: u64 = 64 << 20;

/// Held while files are changed or put back. Whoever ends the process at once takes it for good, so that nothing is patched
/// behind its back.
static CHANGING: Mutex<()> = Mutex::new(());

/// Nobody changes a file while this is held.
pub struct Still {
    _changing: MutexGuard<'static, ()>,
}

fn changing() -> Still {
    Still { _changing: CHANGING.lock().unwrap_or_else(PoisonError::into_inner) }
}

/// Files that are changed; dropped, it puts them back.
#[derive(Debug)]
pub struct Patched {
    folder: PathBuf,
    manifest: Manifest,
    restored: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    #[serde(flatten)]
    owner: Owner,
    files: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    path: PathBuf,
    /// The original's name in the journal folder.
    kept_as: String,
    /// The name of what it is patched to; none in journals of older versions.
    #[serde(default)]
    patched_as: Option<String>,
    original_sha256: String,
    patched_sha256: String,
}

impl Patched {
    /// Patches the files. `journal`: the folder of all journals; made if need be.
    ///
    /// # Errors
    /// If a file cannot be read, changed as wanted, or is patched by another loadproof just now; no
    /// file is changed then.
    pub fn apply(patches: &[Patch], journal: &Path) -> Result<Self, SystemError> {
        let still = changing();
        let mut files: Vec<(PathBuf, Vec<u8>, String)> = Vec::new();
        for patch in patches {
            let wrong = |reason: String| SystemError::Patch { file: patch.file.clone(), reason };
            // A link is followed: what it points to is what the system reads.
            let path = fs::canonicalize(&patch.file).map_err(|e| wrong(e.to_string()))?;
            let place = match files.iter().position(|(known, _, _)| *known == path) {
                Some(place) => place,
                None => {
                    let bytes = bounded::bytes(&path, LARGEST).map_err(|e| wrong(e.to_string()))?;
                    let text =
                        String::from_utf8(bytes.clone()).map_err(|_| wrong("it is not text".to_owned()))?;
                    files.push((path, bytes, text));
                    files.len() - 1
                }
            };
            files[place].2 = edit::edited(&files[place].2, patch).map_err(wrong)?;
        }
        refuse_taken(journal, &files)?;
        let failed =
            |e: std::io::Error| SystemError::Journal { folder: journal.to_owned(), reason: e.to_string() };
        let patched = Self::keep(journal, &files).map_err(failed)?;
        let changed = files.iter().try_for_each(|(path, _, text)| {
            replace(path, text.as_bytes())
                .map_err(|e| SystemError::Patch { file: path.display().to_string(), reason: e.to_string() })
        });
        // What was changed before a failure is put back by the drop of `patched`, which waits for its turn.
        drop(still);
        changed.map(|()| patched)
    }

    /// Puts the originals into a journal folder, whole or not at all.
    fn keep(journal: &Path, files: &[(PathBuf, Vec<u8>, String)]) -> std::io::Result<Self> {
        let process = std::process::id();
        let number = (0..u32::MAX).find(|n| !journal.join(format!("{process}-{n}")).exists()).unwrap_or(0);
        let folder = journal.join(format!("{process}-{number}"));
        let draft = journal.join(format!(".draft-{process}-{number}"));
        fs::create_dir_all(&draft)?;
        let mut entries = Vec::new();
        for (place, (path, original, patched)) in files.iter().enumerate() {
            let (kept_as, patched_as) = (format!("{place}.original"), format!("{place}.patched"));
            write_durably(&draft.join(&kept_as), original)?;
            write_durably(&draft.join(&patched_as), patched.as_bytes())?;
            entries.push(Entry {
                path: path.clone(),
                kept_as,
                patched_as: Some(patched_as),
                original_sha256: sha256(original),
                patched_sha256: sha256(patched),
            });
        }
        let manifest = Manifest { owner: Owner::own(), files: entries };
        write_durably(&draft.join(MANIFEST), serde_json::to_string_pretty(&manifest)?.as_bytes())?;
        fs::rename(&draft, &folder)?;
        File::open(journal)?.sync_all()?;
        Ok(Self { folder, manifest, restored: false })
    }

    /// Puts the files back byte for byte.
    ///
    /// # Errors
    /// If a file was changed by somebody else meanwhile: it is left alone, and the error says where the
    /// original is.
    pub fn restore(mut self) -> Result<(), SystemError> {
        self.restored = true;
        let _still = changing();
        put_back(&self.folder, &self.manifest).map(|_| ())
    }
}

impl Drop for Patched {
    fn drop(&mut self) {
        if !self.restored {
            let _still = changing();
            // Nobody is there to be told; the journal stays for the next start if it fails.
            let _ = put_back(&self.folder, &self.manifest);
        }
    }
}

/// Puts back what processes that are gone have left changed; which files those were.
///
/// # Errors
/// If a file was changed by somebody else meanwhile.
pub fn restore_leftovers(journal: &Path) -> Result<Vec<PathBuf>, SystemError> {
    let mut restored = Vec::new();
    for (folder, manifest) in journals(journal) {
        if !manifest.owner.is_alive() {
            restored.extend(put_back(&folder, &manifest)?);
        }
    }
    Ok(restored)
}

/// Puts back what this process has changed, because it is about to end at once: the files that could not be put back, and
/// what keeps all files as they are until the end.
pub fn restore_own(journal: &Path) -> (Vec<SystemError>, Still) {
    let still = changing();
    let own = std::process::id();
    let of_own = journals(journal).into_iter().filter(|(_, manifest)| manifest.owner.process() == own);
    (of_own.filter_map(|(folder, manifest)| put_back(&folder, &manifest).err()).collect(), still)
}

fn journals(journal: &Path) -> Vec<(PathBuf, Manifest)> {
    let Ok(folders) = fs::read_dir(journal) else { return Vec::new() };
    let read = |folder: PathBuf| {
        let text = fs::read_to_string(folder.join(MANIFEST)).ok()?;
        // A draft holds nothing that is needed: no file was touched yet.
        let is_draft = folder.file_name()?.to_string_lossy().starts_with('.');
        Some((folder, serde_json::from_str(&text).ok()?)).filter(|_| !is_draft)
    };
    folders.filter_map(|entry| read(entry.ok()?.path())).collect()
}

/// Two at once would put back each other's patch as the original.
fn refuse_taken(journal: &Path, files: &[(PathBuf, Vec<u8>, String)]) -> Result<(), SystemError> {
    for (_, manifest) in journals(journal) {
        let taken = manifest.files.iter().find(|entry| files.iter().any(|(path, _, _)| *path == entry.path));
        if let Some(entry) = taken {
            let reason =
                format!("process {} has patched it and not yet restored it", manifest.owner.process());
            return Err(SystemError::Patch { file: entry.path.display().to_string(), reason });
        }
    }
    Ok(())
}

/// Puts back all files that can be; the first failure, if there is one, is told after the others are back.
fn put_back(folder: &Path, manifest: &Manifest) -> Result<Vec<PathBuf>, SystemError> {
    let mut restored = Vec::new();
    let mut failure = None;
    for entry in &manifest.files {
        match put_one_back(folder, entry) {
            Ok(true) => restored.push(entry.path.clone()),
            Ok(false) => {}
            Err(reason) => {
                failure.get_or_insert(SystemError::NotRestored {
                    file: entry.path.clone(),
                    kept: folder.join(&entry.kept_as),
                    reason,
                });
            }
        }
    }
    match failure {
        Some(error) => Err(error),
        None => {
            let _ = fs::remove_dir_all(folder);
            Ok(restored)
        }
    }
}

/// Puts a file back; whether it had to be. Why not, if it cannot be.
fn put_one_back(folder: &Path, entry: &Entry) -> Result<bool, String> {
    let now = fs::read(&entry.path).unwrap_or_default();
    let sum = sha256(&now);
    if sum == entry.original_sha256 {
        return Ok(false);
    }
    let original = fs::read(folder.join(&entry.kept_as)).map_err(|e| e.to_string())?;
    if sum != entry.patched_sha256 {
        // A kill in the middle of a write in place leaves the beginning of what was to be written.
        let patched = entry.patched_as.as_ref().and_then(|name| fs::read(folder.join(name)).ok());
        let is_torn = original.starts_with(&now) || patched.is_some_and(|text| text.starts_with(&now));
        if !is_torn {
            return Err("another process has changed it since".to_owned());
        }
    }
    replace(&entry.path, &original).map_err(|e| e.to_string())?;
    Ok(true)
}

/// Replaces a file's content: in one step where that keeps owner and permissions; in place for files
/// with several names, of other owners, and mounted by themselves.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let before = fs::metadata(path)?;
    if before.nlink() == 1 && replace_at_once(path, bytes, &before).is_ok() {
        return Ok(());
    }
    let mut file = File::options().write(true).truncate(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn replace_at_once(path: &Path, bytes: &[u8], before: &Metadata) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.loadproof-{}", std::process::id()));
    let written = write_durably(&draft, bytes)
        .and_then(|()| std::os::unix::fs::chown(&draft, Some(before.uid()), Some(before.gid())))
        .and_then(|()| fs::set_permissions(&draft, before.permissions()))
        .and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::scenario::patch::{Format, PatchValue};

    /// Odd on purpose: line ends of both kinds, no end of the last line.
    const ORIGINAL: &str = "# lanes\r\n[lanes]\nenabled=false   # off\r\n\n\ncount    =   1";

    struct Bench {
        folder: tempfile::TempDir,
    }

    impl Bench {
        fn new() -> Self {
            let bench = Self { folder: tempfile::tempdir().unwrap() };
            fs::write(bench.file(), ORIGINAL).unwrap();
            fs::set_permissions(bench.file(), Permissions::from_mode(0o640)).unwrap();
            bench
        }

        fn file(&self) -> PathBuf {
            self.folder.path().join("app.toml")
        }

        fn journal(&self) -> PathBuf {
            self.folder.path().join("patched")
        }

        fn apply(&self) -> Result<Patched, SystemError> {
            let patch = Patch {
                file: self.file().display().to_string(),
                format: Format::Toml,
                set: vec![("lanes.enabled".to_owned(), PatchValue::Flag(true))],
                create: false,
            };
            Patched::apply(&[patch], &self.journal())
        }

        fn text(&self) -> String {
            fs::read_to_string(self.file()).unwrap()
        }

        fn is_as_it_was(&self) -> bool {
            self.text() == ORIGINAL
                && fs::metadata(self.file()).unwrap().permissions().mode() & 0o777 == 0o640
        }
    }

    #[test]
    fn a_file_is_changed_and_put_back_byte_for_byte() {
        let bench = Bench::new();
        let patched = bench.apply().unwrap();
        assert!(bench.text().contains("enabled=true") && !bench.is_as_it_was());
        patched.restore().unwrap();
        assert!(bench.is_as_it_was());
        drop(bench.apply().unwrap());
        assert!(bench.is_as_it_was());
        assert_eq!(fs::read_dir(bench.journal()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_with_two_names_stays_one_file() {
        let bench = Bench::new();
        let other = bench.folder.path().join("other.toml");
        fs::hard_link(bench.file(), &other).unwrap();
        let patched = bench.apply().unwrap();
        assert!(fs::read_to_string(&other).unwrap().contains("enabled=true"));
        patched.restore().unwrap();
        assert!(bench.is_as_it_was() && fs::read_to_string(&other).unwrap() == ORIGINAL);
    }

    #[test]
    fn what_a_killed_process_left_is_put_back_at_the_next_start() {
        let bench = Bench::new();
        let patched = bench.apply().unwrap();
        assert_eq!(restore_leftovers(&bench.journal()).unwrap(), Vec::<PathBuf>::new(), "it is alive");
        // As a kill leaves it: the folder stays, its process is gone.
        let folder = patched.folder.clone();
        std::mem::forget(patched);
        let manifest = fs::read_to_string(folder.join(MANIFEST)).unwrap();
        let own = format!("\"process\": {}", std::process::id());
        fs::write(folder.join(MANIFEST), manifest.replace(&own, "\"process\": 4194303")).unwrap();
        assert_eq!(restore_leftovers(&bench.journal()).unwrap(), [fs::canonicalize(bench.file()).unwrap()]);
        assert!(bench.is_as_it_was());
    }

    #[test]
    fn a_file_that_somebody_else_has_changed_is_left_alone() {
        let bench = Bench::new();
        let patched = bench.apply().unwrap();
        fs::write(bench.file(), "mine").unwrap();
        let error = patched.restore().unwrap_err().to_string();
        assert!(error.contains("another process has changed it") && error.contains("0.original"), "{error}");
        assert_eq!(bench.text(), "mine");
    }

    #[test]
    fn a_file_that_cannot_be_put_back_keeps_no_other_from_it() {
        let bench = Bench::new();
        let other = bench.folder.path().join("other.toml");
        fs::write(&other, ORIGINAL).unwrap();
        let patch = |file: &Path| Patch {
            file: file.display().to_string(),
            format: Format::Toml,
            set: vec![("lanes.enabled".to_owned(), PatchValue::Flag(true))],
            create: false,
        };
        let patched = Patched::apply(&[patch(&other), patch(&bench.file())], &bench.journal()).unwrap();
        fs::write(&other, "mine").unwrap();
        assert!(patched.restore().is_err());
        assert!(bench.is_as_it_was());
        assert_eq!(fs::read_to_string(&other).unwrap(), "mine");
    }

    #[test]
    fn a_file_that_was_half_written_when_the_process_was_killed_is_put_back() {
        for (of_patch, length) in [(false, 0), (false, 30), (true, 30)] {
            let bench = Bench::new();
            let patched = bench.apply().unwrap();
            let whole = if of_patch { bench.text() } else { ORIGINAL.to_owned() };
            fs::write(bench.file(), &whole[..length]).unwrap();
            patched.restore().unwrap();
            assert_eq!(bench.text(), ORIGINAL);
        }
    }

    #[test]
    fn a_file_is_patched_by_one_at_a_time() {
        let bench = Bench::new();
        let _first = bench.apply().unwrap();
        let error = bench.apply().unwrap_err().to_string();
        assert!(error.contains("has patched it and not yet restored it"), "{error}");
    }
}
