//! Stops a service when loadproof is gone without having done so (killed, say).
//!
//! A small shell waits at the end of a pipe whose other end only loadproof holds. When loadproof
//! dies, however it dies, the pipe closes, and the shell ends the service's process group. When
//! loadproof has stopped the service itself, it says so through the pipe, and the shell goes
//! without touching a process group whose number may by then belong to somebody else.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// `read` fails at the end of the pipe and succeeds on a line.
/// A service that is paused hears of TERM when it goes on.
const SCRIPT: &str = r#"read _ || { kill -TERM -"$1"; kill -CONT -"$1"; i=0; while kill -0 -"$1" && [ "$i" -lt 50 ]; do
sleep 0.1; i=$((i + 1)); done; kill -KILL -"$1"; } 2>/dev/null"#;

/// Watches over one process group.
#[derive(Debug)]
pub(super) struct Watchdog {
    shell: Child,
}

impl Watchdog {
    /// Starts watching over the group of `process`.
    ///
    /// # Errors
    /// If there is no shell.
    pub(super) fn over(process: u32) -> std::io::Result<Self> {
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "watchdog", &process.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Its own group: a Ctrl-C in the terminal is not meant for it.
            .process_group(0)
            .spawn()?;
        Ok(Self { shell })
    }

    /// Lets it go: the service has been stopped.
    pub(super) fn dismiss(mut self) {
        if let Some(mut pipe) = self.shell.stdin.take() {
            // A shell that is gone needs no word.
            let _ = pipe.write_all(b"done\n");
        }
        let _ = self.shell.wait();
    }

    /// What the end of loadproof's process does: closes the pipe without a word.
    #[cfg(test)]
    pub(super) fn abandon(&mut self) {
        self.shell.stdin.take();
        let _ = self.shell.wait();
    }
}
