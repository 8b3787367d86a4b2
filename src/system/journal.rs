//! Who left something to be undone, and whether they are still there: what patches and faults write down on disk before
//! they change anything.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A process of loadproof, told from later ones of the same number.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Owner {
    process: u32,
    /// When the process was started, as its system counts: a number is given to others later.
    process_start: Option<u64>,
}

impl Owner {
    /// This process.
    pub(super) fn own() -> Self {
        let process = std::process::id();
        Self { process, process_start: start_of(process) }
    }

    /// A process that is gone.
    pub(super) fn nobody() -> Self {
        Self { process: 0, process_start: None }
    }

    /// Its number.
    pub(super) fn process(&self) -> u32 {
        self.process
    }

    /// Whether it still runs.
    pub(super) fn is_alive(&self) -> bool {
        match (start_of(self.process), self.process_start) {
            (Some(now), Some(then)) => now == then,
            _ => {
                let pid = i32::try_from(self.process).ok().and_then(rustix::process::Pid::from_raw);
                pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
                    && self.process_start.is_none()
            }
        }
    }
}

/// Writes a file that is on the disk when this returns. Others may not read it: commands know secrets.
pub(super) fn write_privately(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The same of a file that others may read.
pub(super) fn write_durably(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// When a process was started, in its system's own count; none where the system does not tell.
fn start_of(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit(')').next()?.split_ascii_whitespace().nth(19)?.parse().ok()
}
