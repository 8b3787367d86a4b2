//! What load threads get of the machine: a little priority, and cores of their own where there are enough.
//!
//! A late thread makes late requests, and there is no telling that from a slow system. So each thread asks to be nicer to
//! itself than the system under test is; where it may not, nothing is changed. Nobody else's priority is touched, and both arms
//! of an experiment are treated alike.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// By how much the niceness is lowered: enough to be woken before others, not so much that a system on the same cores
/// would starve (it keeps a quarter of a core that both want).
const NICER: i32 = -5;

/// What a load thread has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority {
    /// Its niceness; 0 is what everybody has. None where the system does not tell.
    nice: Option<i32>,
    /// Whether it has a core that no other load thread uses.
    has_core: bool,
}

/// Takes what the current thread may have. `number`: its place among so many load threads.
pub(super) fn take(number: u16, workers: u16) -> Priority {
    // Threads of their own: what they change ends with them.
    let nice = rustix::process::nice(NICER).or_else(|_| rustix::process::nice(0)).ok();
    Priority { nice, has_core: take_core(number, workers).unwrap_or(false) }
}

/// Binds the current thread to a core, if there are more than load threads: otherwise it could not give way to the system
/// under test, nor to another program.
fn take_core(number: u16, workers: u16) -> rustix::io::Result<bool> {
    let allowed = sched_getaffinity(None)?;
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect();
    if cores.len() <= usize::from(workers) {
        return Ok(false);
    }
    // The first cores have the interrupts.
    let Some(core) = cores.iter().rev().nth(number.into()) else { return Ok(false) };
    let mut own = CpuSet::new();
    own.set(*core);
    sched_setaffinity(None, &own)?;
    Ok(true)
}

/// What load threads get on this machine, in words; tried out on a thread of its own.
pub fn text(workers: u16) -> String {
    let tried = std::thread::spawn(move || take(0, workers)).join();
    tried.map_or_else(|_| "not known".to_owned(), |got| got.to_string())
}

impl std::fmt::Display for Priority {
    /// `nice −5, a core each`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.nice {
            Some(nice) if nice < 0 => write!(f, "nice −{}", -nice)?,
            Some(nice) => write!(f, "nice {nice}")?,
            None => f.write_str("niceness not known")?,
        }
        f.write_str(if self.has_core { ", a core each" } else { ", no core to themselves" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_has_a_core_of_its_own_only_if_others_have_some_left() {
        let cores = std::thread::available_parallelism().unwrap().get();
        let cores = u16::try_from(cores).unwrap();
        let got = |workers| std::thread::spawn(move || take(0, workers)).join().unwrap();
        assert!(!got(cores).has_core);
        assert_eq!(got(cores - 1).has_core, cores > 1);
        // What one thread has taken is no other's business.
        let before = sched_getaffinity(None).unwrap();
        got(1);
        assert_eq!(sched_getaffinity(None).unwrap(), before);
    }

    #[test]
    fn nobody_is_made_slower() {
        let got = std::thread::spawn(|| take(0, 1)).join().unwrap();
        let own = rustix::process::nice(0).unwrap();
        assert!(got.nice.unwrap() <= own, "{got}");
    }
}
