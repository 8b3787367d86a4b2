//! One service as a process: in a group of its own, with its output in a file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::strays::{self, Mark, Stray};
use super::watchdog::Watchdog;
use super::{SystemError, gate};
use crate::scenario::program::Program;

/// Lines of a log that an error quotes.
const TAIL_LINES: usize = 15;
/// Bytes of a log in which they are looked for.
const TAIL_BYTES: u64 = 64 << 10;
/// Time between two looks at whether a process has ended.
const LOOK: Duration = Duration::from_millis(10);
/// How long processes may take to be gone after KILL.
const KILL_TAKES: Duration = Duration::from_secs(1);

/// What becomes of processes that a program has put into sessions of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strays {
    /// They end with it: they are part of a service.
    End,
    /// They stay: a hook may have been there to start them.
    Stay,
}

/// A service that was started.
#[derive(Debug)]
pub(super) struct RunningService {
    name: String,
    child: Child,
    log: PathBuf,
    stop_within: Duration,
    watchdog: Option<Watchdog>,
    /// On all its processes, if those outside of its group end with it.
    mark: Option<Mark>,
    /// Nobody of its group is left: the group's number may stand for another one from now on.
    gone: bool,
    stopped: bool,
}

impl RunningService {
    pub(super) fn start(
        name: &str,
        program: &Program,
        stop_within: Duration,
        log: &Path,
        strays: Strays,
    ) -> Result<Self, SystemError> {
        let no_log = |error| SystemError::Log { path: log.to_owned(), error };
        if let Some(folder) = log.parent() {
            std::fs::create_dir_all(folder).map_err(no_log)?;
        }
        let out = File::create(log).map_err(no_log)?;
        let err = out.try_clone().map_err(no_log)?;
        let first = program.command.first().map_or("", String::as_str);
        let cannot_start = |error: std::io::Error| SystemError::Start {
            service: name.to_owned(),
            program: first.to_owned(),
            hint: start_hint(&error, first, program.working_directory.as_deref()),
            error,
        };
        let mut command = gate::closed(program).map_err(cannot_start)?;
        let mark = (strays == Strays::End).then(Mark::new);
        command.env(strays::VARIABLE, mark.as_ref().map_or("", Mark::text));
        let child = command.stdout(out).stderr(err).process_group(0).spawn().map_err(cannot_start)?;
        let mut running = Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
            stop_within,
            watchdog: None,
            mark,
            gone: false,
            stopped: false,
        };
        running.watchdog =
            Some(Watchdog::over(running.process(), running.mark.as_ref()).map_err(cannot_start)?);
        gate::open(&mut running.child).map_err(cannot_start)?;
        Ok(running)
    }

    #[cfg(test)]
    pub(super) fn with_stop_within(mut self, time: Duration) -> Self {
        self.stop_within = time;
        self
    }

    #[cfg(test)]
    pub(super) fn mark(&self) -> &Mark {
        self.mark.as_ref().unwrap()
    }

    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    /// The last lines of the log, indented.
    pub(super) fn log_tail(&self) -> String {
        tail_of(&self.log)
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    pub(super) fn check_alive(&mut self) -> Result<(), SystemError> {
        match self.child.try_wait() {
            Ok(Some(status)) => {
                // Noted at once, before the number of a group that is gone is given away again.
                self.is_gone();
                Err(SystemError::Ended {
                    service: self.name.clone(),
                    status: status_text(status),
                    log: self.log.clone(),
                    tail: self.log_tail(),
                })
            }
            // A process that cannot be asked is reported by what it fails to do.
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// TERM to the group, KILL when its time is up.
    pub(super) async fn stop(mut self) {
        let strays = self.terminate();
        let deadline = Instant::now() + self.stop_within;
        while self.has_any(&strays) && Instant::now() < deadline {
            tokio::time::sleep(LOOK).await;
        }
        self.finish(strays);
    }

    /// KILL to the group and to those who have left it.
    pub(super) async fn kill(mut self) {
        let strays = self.signal_all(Signal::KILL);
        let deadline = Instant::now() + KILL_TAKES;
        while self.has_any(&strays) && Instant::now() < deadline {
            tokio::time::sleep(LOOK).await;
        }
        self.finish(strays);
    }

    /// TERM to the group and to those who have left it, who are given back. A process that is paused hears of it only
    /// when it goes on.
    fn terminate(&self) -> Vec<Stray> {
        self.signal_all(Signal::TERM);
        self.signal_all(Signal::CONT)
    }

    /// A signal to the group and to those who have left it, who are given back.
    pub(super) fn signal_all(&self, signal: Signal) -> Vec<Stray> {
        let strays = self.strays();
        self.signal(signal);
        for stray in &strays {
            stray.signal(signal);
        }
        strays
    }

    fn strays(&self) -> Vec<Stray> {
        self.mark.as_ref().map_or_else(Vec::new, |mark| strays::of(self.process(), mark))
    }

    /// Whether a process of the group, or one of those who have left it, still runs.
    fn has_any(&mut self, strays: &[Stray]) -> bool {
        !self.is_gone() || strays.iter().any(|stray| stray.is_alive())
    }

    /// Ends what is left of the group and of those who have left it, and lets the watchdog go.
    fn finish(&mut self, strays: Vec<Stray>) {
        if self.stopped {
            return;
        }
        self.stopped = true;
        // The next run wants the ports.
        let deadline = Instant::now() + KILL_TAKES;
        let mut left = strays;
        loop {
            // What was started meanwhile is found by its parents, as long as they are there, or by its mark.
            left.extend(self.strays());
            if !self.is_gone() {
                self.signal(Signal::KILL);
            }
            for stray in &left {
                stray.signal(Signal::KILL);
            }
            left.retain(|stray| stray.is_alive());
            if (self.is_gone() && left.is_empty()) || Instant::now() >= deadline {
                break;
            }
            std::thread::sleep(LOOK);
        }
        let _ = self.child.wait();
        if let Some(watchdog) = self.watchdog.take() {
            watchdog.dismiss();
        }
    }

    /// Whether nobody of the group is left. The leader is reaped here, so that it does not count.
    fn is_gone(&mut self) -> bool {
        let reaped = matches!(self.child.try_wait(), Ok(Some(_)));
        self.gone = self.gone || (reaped && !self.group().is_some_and(group_runs));
        self.gone
    }

    /// Sends a signal to all processes of the group.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(group) = self.group() {
            // A group that is gone needs no signal.
            let _ = kill_process_group(group, signal);
        }
    }

    /// Its process group; none if that is gone.
    fn group(&self) -> Option<Pid> {
        if self.gone {
            return None;
        }
        Pid::from_raw(i32::try_from(self.process()).ok()?)
    }
}

/// The end of a log, which may be of any length.
fn last_bytes(log: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The last lines of a log, indented.
pub(super) fn tail_of(log: &Path) -> String {
    let bytes = last_bytes(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
    if tail.is_empty() {
        return "  (it wrote nothing)".to_owned();
    }
    tail.iter().map(|line| format!("  | {line}")).collect::<Vec<_>>().join("\n")
}

impl Drop for RunningService {
    /// For early returns and panics: stops as [`RunningService::stop`] does, but blocks meanwhile.
    fn drop(&mut self) {
        if self.stopped {
            return;
        }
        let strays = self.terminate();
        let deadline = Instant::now() + self.stop_within;
        while self.has_any(&strays) && Instant::now() < deadline {
            std::thread::sleep(LOOK);
        }
        self.finish(strays);
    }
}

/// Whether a process of the group still runs.
///
/// An orphan that has ended keeps its place in the group until the system's first process asks for
/// it, which in a container may be never: it does not count.
fn group_runs(group: Pid) -> bool {
    if test_kill_process_group(group).is_err() {
        return false;
    }
    let Ok(processes) = std::fs::read_dir("/proc") else { return true };
    let mut stats = processes.filter_map(|process| std::fs::read(process.ok()?.path().join("stat")).ok());
    !cfg!(target_os = "linux") || stats.any(|stat| runs_in(group, &String::from_utf8_lossy(&stat)))
}

/// Whether a `/proc/…/stat` tells of a process of the group that has not ended: after the name in
/// parentheses come state, parent and group.
fn runs_in(group: Pid, stat: &str) -> bool {
    let mut fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
    let (state, of_group) = (fields.next(), fields.nth(1));
    !matches!(state, Some("Z" | "X")) && of_group == Some(group.to_string().as_str())
}

fn start_hint(error: &std::io::Error, program: &str, folder: Option<&str>) -> String {
    if error.kind() != std::io::ErrorKind::NotFound {
        return String::new();
    }
    match folder {
        Some(folder) if !Path::new(folder).is_dir() => {
            format!("\n  hint: the folder `{folder}` does not exist")
        }
        _ if program.contains('/') => {
            "\n  hint: is it built? Relative paths start at the working directory".to_owned()
        }
        _ => "\n  hint: it is not on the PATH".to_owned(),
    }
}

fn status_text(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "an unknown status".to_owned(),
    }
}
