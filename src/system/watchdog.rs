//! Stops a service when loadproof is gone without having done so (killed, say).
//!
//! A small shell waits at the end of a pipe whose other end only loadproof holds. When loadproof
//! dies, however it dies, the pipe closes, and the shell ends the service's process group, and the
//! processes that have left it, by their mark. When
//! loadproof has stopped the service itself, it says so through the pipe, and the shell goes
//! without touching a process group whose number may by then belong to somebody else.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use super::strays::{self, Mark};

/// `read` fails at the end of the pipe and succeeds on a line.
/// A service that is paused hears of TERM when it goes on.
const SCRIPT: &str = r#"strays() { [ -z "$2" ] || for file in $(grep -lsazx -e "$2" /proc/[0-9]*/environ); do
file=${file#/proc/}; kill "$1" "${file%/environ}"; done; }
read _ || { kill -TERM -"$1"; strays -TERM "$2"; kill -CONT -"$1"; strays -CONT "$2"; i=0
while kill -0 -"$1" && [ "$i" -lt 50 ]; do sleep 0.1; i=$((i + 1)); done
kill -KILL -"$1"; strays -KILL "$2"; } 2>/dev/null"#;

/// Watches over one process group.
#[derive(Debug)]
pub(super) struct Watchdog {
    shell: Child,
}

impl Watchdog {
    /// Starts watching over the group of `process`, and over the processes with a mark.
    ///
    /// # Errors
    /// If there is no shell.
    pub(super) fn over(process: u32, mark: Option<&Mark>) -> std::io::Result<Self> {
        let wanted = mark.map_or(String::new(), |mark| format!("{}={}", strays::VARIABLE, mark.text()));
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "watchdog", &process.to_string(), &wanted])
            // Its own environment has no mark.
            .env_remove(strays::VARIABLE)
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
