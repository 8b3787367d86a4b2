//! CPU and memory of processes: a service with all its descendants, and loadproof itself.

use std::collections::BTreeSet;

use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessesToUpdate, System};

use super::SignalInfo;

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

/// Looks at processes again and again.
pub(super) struct Processes {
    system: System,
    watched: Vec<Watched>,
}

impl Watched {
    /// The two signals that it gives: CPU, then memory.
    pub(super) fn infos(&self) -> [SignalInfo; 2] {
        let source = format!("process {}", self.name);
        let info = |what: &str, unit: &str, is_total| SignalInfo {
            name: format!("{} {what}", self.name),
            unit: unit.to_owned(),
            is_total,
            source: source.clone(),
        };
        [info("cpu", "s", true), info("memory", "bytes", false)]
    }
}

impl Processes {
    pub(super) fn new(watched: Vec<Watched>) -> Result<Self, sysinfo::Error> {
        Ok(Self { system: System::new()?, watched })
    }

    /// What each process uses, in the order in which they were given; none for one that is gone.
    pub(super) fn usages(&mut self) -> Vec<Option<Usage>> {
        let kinds = ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks();
        let own: Vec<Pid> = self.watched.iter().map(|w| Pid::from_u32(w.process)).collect();
        // Descendants come and go: to find them, all processes have to be looked at.
        let which = if self.watched.iter().any(|w| w.with_descendants) {
            ProcessesToUpdate::All
        } else {
            ProcessesToUpdate::Some(&own)
        };
        self.system.refresh_processes_specifics(which, true, kinds);
        self.watched.iter().map(|watched| usage(&self.system, watched)).collect()
    }
}

fn usage(system: &System, watched: &Watched) -> Option<Usage> {
    let root = system.process(Pid::from_u32(watched.process))?;
    let mut members = vec![root];
    if watched.with_descendants {
        members.extend(descendants(system, root.pid()));
    }
    Some(Usage {
        cpu_s: members.iter().map(|p| p.accumulated_cpu_time() as f64 / 1000.0).sum(),
        memory_bytes: members.iter().map(|p| p.memory() as f64).sum(),
    })
}

fn descendants(system: &System, root: Pid) -> Vec<&Process> {
    let mut known = BTreeSet::from([root]);
    let mut found = Vec::new();
    loop {
        let next: Vec<&Process> = system
            .processes()
            .values()
            .filter(|p| !known.contains(&p.pid()) && p.parent().is_some_and(|parent| known.contains(&parent)))
            .collect();
        if next.is_empty() {
            return found;
        }
        known.extend(next.iter().map(|p| p.pid()));
        found.extend(next);
    }
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
    fn a_process_that_is_gone_gives_nothing() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let process = child.id();
        child.wait().unwrap();
        let watched = Watched { name: "gone".to_owned(), process, with_descendants: true };
        assert_eq!(Processes::new(vec![watched]).unwrap().usages(), [None]);
    }
}
