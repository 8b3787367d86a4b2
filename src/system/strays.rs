//! Processes of a service that have left its process group: in a session of their own, say, as daemons are.
//!
//! They are known by their parents, and where those are gone by a mark in the environment that a service hands on to whatever
//! it starts. A process that has both lost its parents and cleared its environment is not found.

use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};

/// The variable that holds the mark.
pub(super) const VARIABLE: &str = "LOADPROOF_SERVICE";

/// What tells the processes of one service from all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark(String);

impl Mark {
    /// One that no other service has.
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(format!("{}-{number}-{}", std::process::id(), since.as_micros()))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Whether a process has it in its environment.
    fn is_on(&self, process: u32) -> bool {
        let environment = std::fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
        let wanted = format!("{VARIABLE}={}", self.0);
        environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes())
    }
}

/// A process, told by its start from another one that is given its number later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stray {
    process: u32,
    started: u64,
}

impl Stray {
    /// Signals it, unless it is gone.
    pub(super) fn signal(self, signal: Signal) {
        let pid = i32::try_from(self.process).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|_| self.is_alive()) {
            // One that has ended meanwhile needs none.
            let _ = kill_process(pid, signal);
        }
    }

    pub(super) fn is_alive(self) -> bool {
        Entry::of(self.process).is_some_and(|entry| entry.started == self.started && entry.runs)
    }
}

/// The processes that a service has started, directly or not, and that are not of its group. `leader`: its first process.
pub(super) fn of(leader: u32, mark: &Mark) -> Vec<Stray> {
    let all = Entry::all();
    let mut family = vec![leader];
    let mut looked = 0;
    while let Some(parent) = family.get(looked).copied() {
        looked += 1;
        let children = all.iter().filter(|entry| entry.parent == parent).map(|entry| entry.process);
        let new: Vec<u32> = children.filter(|child| !family.contains(child)).collect();
        family.extend(new);
    }
    let is_of = |entry: &&Entry| family.contains(&entry.process) || mark.is_on(entry.process);
    let outside = all.iter().filter(|entry| entry.runs && entry.group != leader && entry.process != leader);
    outside.filter(is_of).map(|entry| Stray { process: entry.process, started: entry.started }).collect()
}

/// What `/proc/…/stat` tells of a process.
struct Entry {
    process: u32,
    parent: u32,
    group: u32,
    /// In ticks since the machine's start.
    started: u64,
    /// Whether it has not ended yet.
    runs: bool,
}

impl Entry {
    fn all() -> Vec<Self> {
        let Ok(folder) = std::fs::read_dir("/proc") else { return Vec::new() };
        let numbers = folder.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        numbers.filter_map(Self::of).collect()
    }

    fn of(process: u32) -> Option<Self> {
        let stat = std::fs::read(format!("/proc/{process}/stat")).ok()?;
        let stat = String::from_utf8_lossy(&stat);
        // The name is in parentheses and may hold some itself; the state comes after it.
        let fields: Vec<&str> = stat.rsplit(')').next()?.split_ascii_whitespace().collect();
        Some(Self {
            process,
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
            runs: !matches!(*fields.first()?, "Z" | "X"),
        })
    }
}
