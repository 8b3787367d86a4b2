//! The system's processes.
//!
//! On Linux `/proc` is read directly: sysinfo opens several files per process where one is enough,
//! and leaves out the CPU time of children that have ended, without which a service's total falls
//! whenever one of its children ends. Elsewhere sysinfo has to do.

/// A process as the system sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) process: u32,
    pub(super) parent: u32,
    /// Its process group, where the system tells.
    pub(super) group: Option<u32>,
    /// User and system time used so far, with that of children that it has waited for, if known.
    pub(super) cpu_s: f64,
    /// Resident memory.
    pub(super) memory_bytes: f64,
}

pub(super) use system::Table;

#[cfg(target_os = "linux")]
mod system {
    use super::Entry;
    use crate::signals::SignalError;

    /// The process table.
    pub(in crate::signals) struct Table {
        ticks_per_s: f64,
        page_bytes: f64,
    }

    impl Table {
        pub(in crate::signals) fn new() -> Result<Self, SignalError> {
            std::fs::metadata("/proc/self/stat").map_err(SignalError::Processes)?;
            Ok(Self {
                ticks_per_s: rustix::param::clock_ticks_per_second() as f64,
                page_bytes: rustix::param::page_size() as f64,
            })
        }

        /// All processes.
        pub(in crate::signals) fn all(&self) -> Vec<Entry> {
            let Ok(folder) = std::fs::read_dir("/proc") else { return Vec::new() };
            let names = folder.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
            names.filter_map(|process| self.entry(process)).collect()
        }

        /// One process; none if it is gone.
        pub(in crate::signals) fn entry(&self, process: u32) -> Option<Entry> {
            // A program's name, which stands in the file, may be anything.
            let stat = std::fs::read(format!("/proc/{process}/stat")).ok()?;
            self.parse(process, &String::from_utf8_lossy(&stat))
        }

        /// Time that this process's threads were ready to run and had no core, s; none where the
        /// kernel does not tell (`/proc/self/task/*/schedstat`).
        pub(in crate::signals) fn own_waiting_s() -> Option<f64> {
            let tasks = std::fs::read_dir("/proc/self/task").ok()?;
            let of_tasks = tasks.filter_map(|task| {
                let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
                text.split_ascii_whitespace().nth(1)?.parse::<f64>().ok()
            });
            let waiting_ns: Vec<f64> = of_tasks.collect();
            (!waiting_ns.is_empty()).then(|| waiting_ns.iter().sum::<f64>() / 1e9)
        }

        /// Reads a line of the form that `proc_pid_stat(5)` describes.
        pub(super) fn parse(&self, process: u32, stat: &str) -> Option<Entry> {
            // The name is in parentheses and may hold some itself; the field after it is the third.
            let after_name = &stat[stat.rfind(')')? + 1..];
            let fields: Vec<&str> = after_name.split_ascii_whitespace().take(22).collect();
            let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
            let id = |number: usize| fields.get(number - 3)?.parse::<u32>().ok();
            // User and system time, its own and that of children that were waited for.
            let ticks = field(14)? + field(15)? + field(16)? + field(17)?;
            Some(Entry {
                process,
                parent: id(4)?,
                group: id(5),
                cpu_s: ticks / self.ticks_per_s,
                memory_bytes: field(24)? * self.page_bytes,
            })
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_name_with_spaces_and_parentheses_is_stepped_over() {
            let table = Table { ticks_per_s: 100.0, page_bytes: 4096.0 };
            let line =
                "7 (tmux: (1) x) S 5 6 7 0 -1 4 1 2 3 4 150 50 20 30 20 0 1 0 99 8192 3 18446744073709551615";
            let entry = table.parse(7, line).unwrap();
            let wanted =
                Entry { process: 7, parent: 5, group: Some(6), cpu_s: 2.5, memory_bytes: 3.0 * 4096.0 };
            assert_eq!(entry, wanted);
            assert_eq!(table.parse(7, "7 (cut off) S 5"), None);
            assert_eq!(table.parse(7, ""), None);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessesToUpdate, System};

    use super::Entry;
    use crate::signals::SignalError;

    /// The process table.
    pub(in crate::signals) struct Table {
        system: std::cell::RefCell<System>,
    }

    impl Table {
        pub(in crate::signals) fn new() -> Result<Self, SignalError> {
            let system = System::new().map_err(std::io::Error::other).map_err(SignalError::Processes)?;
            Ok(Self { system: system.into() })
        }

        /// All processes.
        pub(in crate::signals) fn all(&self) -> Vec<Entry> {
            self.refresh(ProcessesToUpdate::All);
            self.system.borrow().processes().values().map(entry_of).collect()
        }

        /// One process; none if it is gone.
        pub(in crate::signals) fn entry(&self, process: u32) -> Option<Entry> {
            let process = Pid::from_u32(process);
            self.refresh(ProcessesToUpdate::Some(&[process]));
            self.system.borrow().process(process).map(entry_of)
        }

        /// sysinfo does not tell.
        pub(in crate::signals) fn own_waiting_s() -> Option<f64> {
            None
        }

        fn refresh(&self, which: ProcessesToUpdate<'_>) {
            let kinds = ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks();
            self.system.borrow_mut().refresh_processes_specifics(which, true, kinds);
        }
    }

    fn entry_of(process: &Process) -> Entry {
        Entry {
            process: process.pid().as_u32(),
            parent: process.parent().map_or(0, Pid::as_u32),
            group: None,
            cpu_s: process.accumulated_cpu_time() as f64 / 1000.0,
            memory_bytes: process.memory() as f64,
        }
    }
}
