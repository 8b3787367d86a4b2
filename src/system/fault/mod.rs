//! Faults of a run: carried out at their times, and undone whatever happens.
//!
//! What processes and proxies suffer ends with loadproof itself. What a command has done is written down on disk before,
//! with what undoes it ([`undo_leftovers`]).

mod passage;
mod service;
mod undo;

use std::path::PathBuf;
use std::time::Instant;

use tokio::sync::watch;

pub use undo::{undo_leftovers, undo_own};

use self::passage::Passage;
use self::undo::PendingUndo;
use super::fleet::Fleet;
use super::hook::{self, Around};
use super::proxy::Switch;
use crate::scenario::fault::{CommandFault, Fault, FaultAction, FaultStart, ProxyFault};
use crate::scenario::hook::{Hook, Moment};
use crate::scenario::program::Program;
use crate::web::Way;

/// What faults need to act on a system.
pub struct FaultTools {
    pub(super) services: Fleet,
    pub(super) proxies: Vec<Switch>,
    pub(super) around: Around,
    pub(super) way: Way,
    /// Folder of what is to be undone.
    pub(super) undo: PathBuf,
}

/// A fault as it was carried out.
#[derive(Clone, Debug)]
pub struct FaultRun {
    /// What was planned.
    pub fault: Fault,
    /// When it was due; none where its drain never began.
    pub due: Option<Instant>,
    /// When it began; none if it never did.
    pub start: Option<Instant>,
    /// When it was over; none if it was not before the run's end.
    pub end: Option<Instant>,
    /// What became of it.
    pub ending: Ending,
    /// What else there is to say; often empty.
    pub note: String,
}

/// What became of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was carried out as planned.
    Done,
    /// The run ended before it was over.
    CutShort,
    /// It could not be carried out, or not be undone.
    Failed,
    /// The run ended before it was due.
    NotReached,
}

/// The times that faults go by.
#[derive(Clone, Debug)]
pub struct Times {
    /// The load's start.
    pub zero: Instant,
    /// The drain's start, once there is one.
    pub drain: watch::Receiver<Option<Instant>>,
    /// Becomes true at the end of the run.
    pub stop: watch::Receiver<bool>,
}

/// What is to be undone of a fault that has begun.
enum Begun {
    /// Nothing: it is over.
    Over,
    /// Whatever was done to a service.
    Service,
    Proxy(Switch, ProxyFault),
    Command(Option<PendingUndo>),
}

/// Carries faults out, each at its time, until the run ends; what is still to be undone then is undone. `tell`: hears of each
/// one that begins, fails or is over.
pub async fn carry_out(
    faults: &[Fault],
    tools: &FaultTools,
    times: &Times,
    tell: &dyn Fn(String),
) -> Vec<FaultRun> {
    let each = faults.iter().map(|fault| async move {
        let passage = Passage::new(fault, tools);
        let mut run = one(fault, tools, times.clone(), tell).await;
        if let Some(passage) = passage {
            if passage.is_unused() {
                stopped(&mut times.stop.clone()).await;
            }
            passage.take_back(&mut run);
        }
        match run.ending {
            Ending::Failed => tell(format!("fault {}: failed: {}", fault.name, run.note)),
            Ending::Done if !run.fault.stays() => tell(format!("fault {}: over", fault.name)),
            _ => {}
        }
        run
    });
    futures_util::future::join_all(each).await
}

async fn one(fault: &Fault, tools: &FaultTools, mut times: Times, tell: &dyn Fn(String)) -> FaultRun {
    let mut run = FaultRun {
        fault: fault.clone(),
        due: None,
        start: None,
        end: None,
        ending: Ending::NotReached,
        note: "the run ended before it was due".to_owned(),
    };
    let Some(due) = due(fault, &mut times).await else { return run };
    run.due = Some(due);
    tokio::select! {
        () = tokio::time::sleep_until(due.into()) => {}
        () = stopped(&mut times.stop) => return run,
    }
    run.note.clear();
    tell(format!("fault {}: {}", fault.name, fault.text()));
    let passage = Passage::new(fault, tools);
    let start = Instant::now();
    match begin(fault, tools, &mut run, &mut times.stop).await {
        Ok(begun) => {
            run.start.get_or_insert(start);
            run.ending = Ending::Done;
            last(fault, tools, begun, &mut run, &mut times.stop).await;
            if let Some(passage) = passage.filter(|_| !fault.is_over_at_once()) {
                passage.note_window(&mut run);
            }
        }
        Err(reason) => (run.ending, run.note) = (Ending::Failed, reason),
    }
    run
}

/// When a fault is due; none if the run ends before that can be said.
async fn due(fault: &Fault, times: &mut Times) -> Option<Instant> {
    match fault.start {
        FaultStart::Load(at) => Some(times.zero + at),
        FaultStart::Drain(at) => {
            tokio::select! {
                drain = times.drain.wait_for(Option::is_some) => Some((*drain.ok()?)? + at),
                () = stopped(&mut times.stop) => None,
            }
        }
    }
}

/// Begins a fault. Of one that takes its time, start and end are noted in `run`.
async fn begin(
    fault: &Fault,
    tools: &FaultTools,
    run: &mut FaultRun,
    stop: &mut watch::Receiver<bool>,
) -> Result<Begun, String> {
    match &fault.action {
        FaultAction::Service(what, name) => service::begin(*what, name, fault, tools, run, stop).await,
        FaultAction::Proxy(what, name) => {
            let switch = tools.proxies.iter().find(|switch| switch.name() == name);
            let switch = switch.ok_or_else(|| format!("there is no proxy `{name}`"))?;
            switch.begin(*what);
            Ok(Begun::Proxy(switch.clone(), *what))
        }
        FaultAction::Command(command) => {
            let pending = match &command.undo {
                Some(undo) => Some(PendingUndo::new(&fault.name, undo, command.within, tools)?),
                None => None,
            };
            let done = program(&fault.name, &command.run, command, tools).await;
            if let Err(reason) = done {
                // Half of it may have happened.
                undo(&fault.name, command, pending, tools).await?;
                return Err(reason);
            }
            // It is in force from when the command has ended.
            run.start = Some(Instant::now());
            Ok(Begun::Command(pending))
        }
    }
}

/// Waits until a fault that has begun is to end, and undoes it.
async fn last(
    fault: &Fault,
    tools: &FaultTools,
    begun: Begun,
    run: &mut FaultRun,
    stop: &mut watch::Receiver<bool>,
) {
    if matches!(begun, Begun::Over) {
        return;
    }
    if !fault.is_over_at_once() {
        let over = async {
            match fault.lasts.zip(run.start) {
                Some((lasts, start)) => tokio::time::sleep_until((start + lasts).into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = over => {}
            () = stopped(stop) => if fault.lasts.is_some() {
                run.ending = Ending::CutShort;
                "the run ended before it was over".clone_into(&mut run.note);
            }
        }
    }
    let now = Instant::now();
    let undone = match begun {
        Begun::Over => Ok(()),
        Begun::Service => service::end(fault, tools, run, stop).await,
        Begun::Proxy(switch, what) => switch.end(what).await,
        Begun::Command(pending) => match &fault.action {
            FaultAction::Command(command) => undo(&fault.name, command, pending, tools).await,
            _ => Ok(()),
        },
    };
    match undone {
        Ok(()) if !fault.stays() => {
            run.end.get_or_insert(now);
        }
        Ok(()) => {}
        Err(reason) => (run.ending, run.note) = (Ending::Failed, reason),
    }
}

async fn undo(
    name: &str,
    command: &CommandFault,
    pending: Option<PendingUndo>,
    tools: &FaultTools,
) -> Result<(), String> {
    let (Some(pending), Some(undo)) = (pending, &command.undo) else { return Ok(()) };
    let undone = program(&format!("undo {name}"), undo, command, tools).await;
    match undone {
        Ok(()) => {
            pending.settle();
            Ok(())
        }
        Err(reason) => {
            pending.leave();
            Err(format!("its undo failed ({reason}); it is tried again at the next start"))
        }
    }
}

/// Runs one of a fault's commands to its end.
async fn program(name: &str, program: &Program, of: &CommandFault, tools: &FaultTools) -> Result<(), String> {
    let (within, moment) = (Some(of.within), Moment::Before);
    let hook = Hook { name: name.to_owned(), program: program.clone(), moment, within, may_fail: false };
    hook::run_to_success(&hook, &tools.around).await
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A stopper that is gone has stopped it, too.
    let _ = stop.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests;
