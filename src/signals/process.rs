//! CPU and memory of processes: a service with all that belongs to it, and loadproof itself.
//!
//! A service comprises its descendants and its process group. Its CPU time is a
//! total: the time of a child that has ended stays in it, and it never falls.

use std::collections::BTreeMap;

use super::SignalError;
use super::process_table::{Entry, Table};
use crate::reading::SignalInfo;

/// All processes are looked at once in so many readings; in between, only those that are known to
/// belong to a service. A child that comes and goes unseen is found in its parent's CPU time.
const SEARCH_EVERY: u32 = 4;

/// A process that is watched.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub(super) name: String,
    pub(super) process: u32,
    /// Whether what it starts counts as part of it.
    pub(super) with_descendants: bool,
}

/// CPU time used so far and memory held now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Usage {
    pub(super) cpu_s: f64,
    pub(super) memory_bytes: f64,
}

/// The signal of [`Processes::own_waiting_s`].
pub(super) fn waiting_info() -> SignalInfo {
    SignalInfo {
        name: "loadproof waiting".to_owned(),
        unit: "s".to_owned(),
        is_counter: true,
        source: "process loadproof".to_owned(),
    }
}

/// Looks at processes again and again.
pub(super) struct Processes {
    table: Table,
    watched: Vec<Watched>,
    /// Who belongs to each of them, as of the last search.
    members: Vec<Vec<u32>>,
    /// The highest CPU time of each of them so far.
    cpu_s: Vec<f64>,
    /// What the processes used that each of them was before it was started again.
    cpu_before_s: Vec<f64>,
    /// The process ids of services as of now, where these may change.
    current: Option<Current>,
    readings: u32,
    /// The longest time so far that loadproof waited for a core; that of threads which have ended is lost.
    waiting_s: f64,
}

/// The process id of a service as of now; none if it does not run.
type Current = Box<dyn Fn(&str) -> Option<u32> + Send>;

impl Watched {
    /// The two signals that it gives: CPU, then memory.
    pub(super) fn infos(&self) -> [SignalInfo; 2] {
        let source = format!("process {}", self.name);
        let info = |what: &str, unit: &str, is_counter| SignalInfo {
            name: format!("{} {what}", self.name),
            unit: unit.to_owned(),
            is_counter,
            source: source.clone(),
        };
        [info("cpu", "s", true), info("memory", "bytes", false)]
    }
}

impl Processes {
    pub(super) fn new(watched: Vec<Watched>) -> Result<Self, SignalError> {
        let members = watched.iter().map(|w| vec![w.process]).collect();
        let cpu_s = vec![0.0; watched.len()];
        Ok(Self {
            table: Table::new()?,
            watched,
            members,
            cpu_before_s: cpu_s.clone(),
            cpu_s,
            current: None,
            readings: 0,
            waiting_s: 0.0,
        })
    }

    /// Asks for the process ids of services from now on, each time.
    pub(super) fn follow(&mut self, current: Current) {
        self.current = Some(current);
    }

    /// Takes services that were started again for what they are now. What they used before stays in their totals.
    fn find_restarted(&mut self) {
        let Some(current) = &self.current else { return };
        for (place, watched) in self.watched.iter_mut().enumerate().filter(|(_, w)| w.with_descendants) {
            if let Some(process) = current(&watched.name)
                && process != watched.process
            {
                watched.process = process;
                self.members[place] = vec![process];
                self.cpu_before_s[place] = self.cpu_s[place];
            }
        }
    }

    /// What each process uses, in the order in which they were given; none for one that is gone.
    pub(super) fn usages(&mut self) -> Vec<Option<Usage>> {
        self.find_restarted();
        if self.readings.is_multiple_of(SEARCH_EVERY) && self.watched.iter().any(|w| w.with_descendants) {
            self.search();
        }
        self.readings = self.readings.wrapping_add(1);
        (0..self.watched.len()).map(|place| self.usage(place)).collect()
    }

    /// Time that loadproof was ready to run and had no core, s; none where the system does not tell.
    pub(super) fn own_waiting_s(&mut self) -> Option<f64> {
        self.waiting_s = Table::own_waiting_s()?.max(self.waiting_s);
        Some(self.waiting_s)
    }

    fn search(&mut self) {
        let all = self.table.all();
        for (watched, members) in self.watched.iter().zip(&mut self.members) {
            if watched.with_descendants {
                *members = belonging_to(watched.process, &all);
            }
        }
    }

    fn usage(&mut self, place: usize) -> Option<Usage> {
        // A number that stands for another process by now is found out by the next search.
        let entries: Vec<Entry> =
            self.members[place].iter().filter_map(|process| self.table.entry(*process)).collect();
        if !entries.iter().any(|e| e.process == self.watched[place].process) {
            return None;
        }
        // A child that is an orphan when it ends takes its time with it: the total then rests.
        let used_s = self.cpu_before_s[place] + entries.iter().map(|e| e.cpu_s).sum::<f64>();
        self.cpu_s[place] = used_s.max(self.cpu_s[place]);
        Some(Usage { cpu_s: self.cpu_s[place], memory_bytes: entries.iter().map(|e| e.memory_bytes).sum() })
    }
}

/// The process itself, its descendants, and those of its group with theirs.
fn belonging_to(root: u32, all: &[Entry]) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in all {
        children.entry(entry.parent).or_default().push(entry.process);
    }
    let mut members = vec![root];
    members.extend(all.iter().filter(|e| e.group == Some(root) && e.process != root).map(|e| e.process));
    let mut next = 0;
    while let Some(member) = members.get(next) {
        for child in children.get(member).into_iter().flatten() {
            if !members.contains(child) {
                members.push(*child);
            }
        }
        next += 1;
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_descendant_counts_as_part_of_its_service() {
        let script = "(i=0; while [ $i -lt 400000 ]; do i=$((i + 1)); done; sleep 30) & wait";
        let mut service = std::process::Command::new("sh").args(["-c", script]).spawn().unwrap();
        let watched =
            |with_descendants| Watched { name: "busy".to_owned(), process: service.id(), with_descendants };
        let mut processes = Processes::new(vec![watched(true), watched(false)]).unwrap();
        let begun = std::time::Instant::now();
        let (with, alone) = loop {
            let usages = processes.usages();
            let (with, alone) = (usages[0].unwrap(), usages[1].unwrap());
            if with.cpu_s > alone.cpu_s + 0.05 || begun.elapsed().as_secs() > 20 {
                break (with, alone);
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        let _ = std::process::Command::new("pkill").args(["-P", &service.id().to_string()]).status();
        service.kill().unwrap();
        service.wait().unwrap();
        assert!(with.cpu_s > alone.cpu_s, "{with:?} {alone:?}");
        assert!(with.memory_bytes > alone.memory_bytes && alone.memory_bytes > 0.0);
    }

    #[test]
    fn the_total_of_a_service_does_not_fall_when_a_child_ends() {
        let busy = "(i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done)";
        let mut service = std::process::Command::new("sh")
            .args(["-c", &format!("{busy}; {busy}; sleep 30")])
            .spawn()
            .unwrap();
        let watched = Watched { name: "busy".to_owned(), process: service.id(), with_descendants: true };
        let mut processes = Processes::new(vec![watched]).unwrap();
        let begun = std::time::Instant::now();
        let mut totals: Vec<f64> = Vec::new();
        // Until the service sleeps: its total has grown and rests.
        while begun.elapsed().as_secs() < 20 && !rests(&totals) {
            totals.push(processes.usages()[0].unwrap().cpu_s);
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let children = processes.table.entry(service.id()).unwrap().cpu_s;
        let _ = std::process::Command::new("pkill").args(["-P", &service.id().to_string()]).status();
        service.kill().unwrap();
        service.wait().unwrap();
        assert!(totals.is_sorted() && totals.last().unwrap() > &0.05, "{totals:?}");
        assert!(children > 0.05, "the time of children that have ended is known: {children}");
    }

    fn rests(totals: &[f64]) -> bool {
        totals.len() > 15
            && totals[totals.len() - 1] > 0.05
            && totals[totals.len() - 15] == totals[totals.len() - 1]
    }

    #[test]
    fn the_total_of_a_service_goes_on_when_it_is_started_again() {
        use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done; exec sleep 30";
        let start = || std::process::Command::new("sh").args(["-c", busy]).spawn().unwrap();
        let mut first = start();
        let watched = Watched { name: "api".to_owned(), process: first.id(), with_descendants: true };
        let mut processes = Processes::new(vec![watched]).unwrap();
        let current = std::sync::Arc::new(AtomicU32::new(first.id()));
        let of = std::sync::Arc::clone(&current);
        processes.follow(Box::new(move |_| Some(of.load(Relaxed)).filter(|process| *process > 0)));
        let begun = std::time::Instant::now();
        let mut total = |more_than: f64| loop {
            let used = processes.usages()[0].map_or(0.0, |usage| usage.cpu_s);
            if used > more_than || begun.elapsed().as_secs() > 20 {
                break used;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        let before = total(0.05);
        first.kill().unwrap();
        first.wait().unwrap();
        // While it is away nothing is known of it.
        current.store(0, Relaxed);
        let mut second = start();
        current.store(second.id(), Relaxed);
        let after = total(before + 0.05);
        second.kill().unwrap();
        second.wait().unwrap();
        assert!(before > 0.05 && after > before + 0.05, "{before} {after}");
    }

    #[test]
    fn whoever_is_in_the_group_of_a_service_belongs_to_it() {
        let entry = |process, parent, group| Entry {
            process,
            parent,
            group: Some(group),
            cpu_s: 0.0,
            memory_bytes: 0.0,
        };
        // 7 is a child in a group of its own, 8 an orphan of the group, 9 its child, 4 a stranger.
        let all =
            [entry(4, 1, 4), entry(5, 1, 5), entry(6, 5, 5), entry(7, 6, 7), entry(8, 1, 5), entry(9, 8, 9)];
        let mut members = belonging_to(5, &all);
        members.sort_unstable();
        assert_eq!(members, [5, 6, 7, 8, 9]);
    }

    #[test]
    fn a_process_that_is_gone_gives_nothing() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let process = child.id();
        child.wait().unwrap();
        let watched = Watched { name: "gone".to_owned(), process, with_descendants: true };
        assert_eq!(Processes::new(vec![watched]).unwrap().usages(), [None]);
    }
}
