//! What undoes a command of a fault, written down on disk before the command is run: whoever finds it there, and the
//! process gone that wrote it, undoes the fault.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

use super::FaultTools;
use crate::scenario::program::Program;
use crate::system::SystemError;
use crate::system::journal::{Owner, write_privately};

/// Time between two looks at whether a command has ended.
const LOOK: Duration = Duration::from_millis(20);
/// Most bytes of a file that says how to undo a fault.
const MOST: u64 = 1 << 20;

/// What undoes a fault; dropped before that was done, it does it.
#[derive(Debug)]
pub(super) struct PendingUndo {
    file: PathBuf,
    entry: Entry,
    /// Whether it is somebody else's by now: undone, or left for the next start.
    is_settled: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    owner: Owner,
    /// The fault's name.
    fault: String,
    command: Vec<String>,
    env: BTreeMap<String, String>,
    /// Where it is run: a whole path, since the next start may be from elsewhere.
    folder: PathBuf,
    within_ms: u64,
}

impl PendingUndo {
    /// Writes down what undoes a fault.
    ///
    /// # Errors
    /// If that cannot be written: the fault must not begin then.
    pub(super) fn new(
        fault: &str,
        undo: &Program,
        within: Duration,
        tools: &FaultTools,
    ) -> Result<Self, String> {
        let failed = |e: std::io::Error| {
            format!("cannot write down in `{}` what undoes it: {e}", tools.undo.display())
        };
        let here = std::env::current_dir().map_err(failed)?;
        let mut env = undo.env.clone();
        env.extend(tools.around.pids.variables());
        let entry = Entry {
            owner: Owner::own(),
            fault: fault.to_owned(),
            command: undo.command.clone(),
            env,
            folder: undo.working_directory.as_ref().map_or(here.clone(), |folder| here.join(folder)),
            within_ms: u64::try_from(within.as_millis()).unwrap_or(u64::MAX),
        };
        fs::create_dir_all(&tools.undo).map_err(failed)?;
        let process = entry.owner.process();
        let free = |n: &u32| !tools.undo.join(format!("{process}-{n}.json")).exists();
        let number = (0..u32::MAX).find(free).unwrap_or(0);
        let file = tools.undo.join(format!("{process}-{number}.json"));
        let json = serde_json::to_vec_pretty(&entry).map_err(|e| failed(e.into()))?;
        write_privately(&file, &json).map_err(failed)?;
        Ok(Self { file, entry, is_settled: false })
    }

    /// Notes that the fault is undone.
    pub(super) fn settle(mut self) {
        self.is_settled = true;
        let _ = fs::remove_file(&self.file);
    }

    /// Leaves it for the next start.
    pub(super) fn leave(mut self) {
        self.is_settled = true;
        // Nobody else may take this process for one that still sees to it.
        self.entry.owner = Owner::nobody();
        if let Ok(json) = serde_json::to_vec_pretty(&self.entry) {
            let _ = write_privately(&self.file, &json);
        }
    }
}

impl Drop for PendingUndo {
    /// For panics and whatever else ends a run without a word.
    fn drop(&mut self) {
        if !self.is_settled && self.entry.run().is_ok() {
            let _ = fs::remove_file(&self.file);
        }
    }
}

impl Entry {
    /// Runs the command, without anybody to see its output.
    fn run(&self) -> Result<(), String> {
        let (program, arguments) = self.command.split_first().ok_or("an empty command")?;
        // Where a relative path leads is not to depend on where loadproof was started this time.
        let place = if program.contains('/') { self.folder.join(program) } else { PathBuf::from(program) };
        let mut child = Command::new(place)
            .args(arguments)
            .envs(&self.env)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|e| format!("`{program}`: {e}"))?;
        let deadline = Instant::now() + Duration::from_millis(self.within_ms);
        loop {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(format!("`{program}` ended with {status}")),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(LOOK),
                Ok(None) => break,
                Err(error) => return Err(error.to_string()),
            }
        }
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = child.wait();
        Err(format!("`{program}` took too long"))
    }
}

/// Undoes the faults that processes which are gone have left; their names.
///
/// # Errors
/// If one cannot be undone: it stays written down. The others are undone all the same.
pub fn undo_leftovers(folder: &Path) -> Result<Vec<String>, SystemError> {
    let (undone, failures) = undo_all(folder, |entry| !entry.owner.is_alive());
    failures.into_iter().next().map_or(Ok(undone), Err)
}

/// Undoes the faults of this process, because it is about to end at once; those that could not be undone.
pub fn undo_own(folder: &Path) -> Vec<SystemError> {
    undo_all(folder, |entry| entry.owner.process() == std::process::id()).1
}

/// Undoes the faults that are meant: the names of those that are undone, and the others.
fn undo_all(folder: &Path, is_meant: impl Fn(&Entry) -> bool) -> (Vec<String>, Vec<SystemError>) {
    let Ok(files) = fs::read_dir(folder) else { return (Vec::new(), Vec::new()) };
    let (mut undone, mut failures) = (Vec::new(), Vec::new());
    let mut paths: Vec<PathBuf> = files.filter_map(|file| Some(file.ok()?.path())).collect();
    paths.sort();
    for file in paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == "json")) {
        let Some(entry) = read(&file).filter(&is_meant) else { continue };
        match entry.run() {
            Ok(()) => {
                let _ = fs::remove_file(&file);
                undone.push(entry.fault);
            }
            Err(reason) => failures.push(SystemError::NotUndone { fault: entry.fault, reason, file }),
        }
    }
    (undone, failures)
}

/// What a file says; none for one that was never written to its end: its fault never began.
fn read(file: &Path) -> Option<Entry> {
    let is_small = fs::metadata(file).is_ok_and(|found| found.len() <= MOST);
    serde_json::from_slice(&fs::read(file).ok().filter(|_| is_small)?).ok()
}
