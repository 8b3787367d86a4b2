//! Whether anything goes through the proxies of faults: one that nothing passes harms nobody, whatever it does.

use std::time::Duration;

use super::{Ending, FaultRun, FaultTools};
use crate::scenario::fault::{Fault, FaultAction, FaultStart, ProxyFault};
use crate::system::proxy::{Switch, Traffic};

/// A fault's proxy, and what had gone through it at some moment.
pub(super) struct Passage {
    proxy: Switch,
    before: Traffic,
    is_cut: bool,
}

impl Passage {
    /// Counts from now on; none for a fault of no proxy.
    pub(super) fn new(fault: &Fault, tools: &FaultTools) -> Option<Self> {
        let FaultAction::Proxy(what, name) = &fault.action else { return None };
        let proxy = tools.proxies.iter().find(|proxy| proxy.name() == name)?.clone();
        Some(Self { before: proxy.traffic(), proxy, is_cut: *what == ProxyFault::Cut })
    }

    /// Whether no connection was made and no byte sent.
    pub(super) fn is_unused(&self) -> bool {
        let now = self.proxy.traffic();
        now.accepted == self.before.accepted && now.bytes == self.before.bytes
    }

    /// Notes what a fault met that has just ended, if it met no connection. Those that a cut proxy refuses are not seen.
    pub(super) fn note_window(&self, run: &mut FaultRun) {
        if run.ending == Ending::Done && !self.is_cut && !self.before.is_open && self.is_unused() {
            run.note = format!("no connection went through proxy `{}` while it lasted", self.proxy.name());
        }
    }

    /// Takes a fault back on whose proxy there was no connection from the load's start to the run's end.
    pub(super) fn take_back(&self, run: &mut FaultRun) {
        let began = matches!(run.ending, Ending::Done | Ending::CutShort);
        let lasts_to_the_end = run.fault.stays() || run.ending == Ending::CutShort;
        // A proxy that is cut all the time refuses its connections, and nobody sees them.
        let is_always_cut =
            self.is_cut && lasts_to_the_end && run.fault.start == FaultStart::Load(Duration::ZERO);
        if began && !is_always_cut && self.is_unused() {
            (run.start, run.end, run.ending) = (None, None, Ending::Failed);
            run.note = format!(
                "no connection goes through proxy `{}`: check that the system uses the proxy's address",
                self.proxy.name()
            );
        }
    }
}
