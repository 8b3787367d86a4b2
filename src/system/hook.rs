//! Hooks: commands around a run, each in a process group of its own that ends with loadproof.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::SystemError;
use super::pids::Pids;
use super::service::{RunningService, Strays, tail_of};
use crate::scenario::hook::{Hook, Moment};
use crate::scenario::program::Program;

/// Time between two looks at whether a hook has ended.
const LOOK: Duration = Duration::from_millis(20);
/// How long a hook has to end after TERM.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// What is noted of a hook that was still at work.
const ENDED_WITH_RUN: &str = "ended with the run";
/// What is noted of a hook that was never run.
const NOT_DUE: &str = "the run ended before this hook was due";

/// What hooks are told of the run, and where their output goes.
#[derive(Clone, Debug)]
pub struct Around {
    /// The profile's name.
    pub profile: String,
    /// The target's base URL.
    pub base_url: String,
    /// Folder of the log files.
    pub logs: PathBuf,
    /// The process ids of its services.
    pub pids: Pids,
}

/// A hook that was run.
#[derive(Clone, Debug)]
pub struct HookRun {
    /// Its name.
    pub name: String,
    /// When it was run.
    pub moment: Moment,
    /// Its command.
    pub command: String,
    /// Its start.
    pub start: Instant,
    /// Its end.
    pub end: Instant,
    /// Its exit code; none if it was ended by a signal or never began.
    pub exit_code: Option<i32>,
    /// What else there is to say; often empty.
    pub note: String,
}

impl HookRun {
    /// How it ended, in words.
    fn status(&self) -> String {
        match (self.exit_code, self.note.as_str()) {
            (Some(code), "") => format!("exit code {code}"),
            (_, note) => note.to_owned(),
        }
    }
}

/// Runs a program that is asked something: `Ok` if it ends with exit code 0, else how it ended.
pub(super) async fn run_to_success(hook: &Hook, around: &Around) -> Result<(), String> {
    let (run, _) = run_one(hook, around, std::future::pending()).await;
    if run.exit_code == Some(0) { Ok(()) } else { Err(run.status()) }
}

/// Runs the hooks of a moment before or after the load, one after another.
///
/// # Errors
/// If one fails that may not; those that were run by then come first.
pub async fn run_all(
    hooks: &[Hook],
    moment: Moment,
    around: &Around,
    runs: &mut Vec<HookRun>,
) -> Result<(), SystemError> {
    for hook in hooks.iter().filter(|h| h.moment == moment) {
        let (run, log) = run_one(hook, around, std::future::pending()).await;
        let failed = run.exit_code != Some(0) && !hook.may_fail;
        let status = run.status();
        runs.push(run);
        if failed {
            let tail = tail_of(&log);
            return Err(SystemError::Hook { hook: hook.name.clone(), status, log, tail });
        }
    }
    Ok(())
}

/// The first of the hooks that belong to the time of the load that has failed, or never ran, and may not. `runs`: what
/// [`run_during_load`] gave back of a load that was complete.
///
/// # Errors
/// That it has.
pub fn none_failed(hooks: &[Hook], around: &Around, runs: &[HookRun]) -> Result<(), SystemError> {
    let during = hooks.iter().filter(|hook| matches!(hook.moment, Moment::Beside(_)));
    let failed = during.zip(runs).find(|(hook, run)| {
        // One that has no end of its own ends with the run.
        run.exit_code != Some(0) && run.note != ENDED_WITH_RUN && !hook.may_fail
    });
    let Some((hook, run)) = failed else { return Ok(()) };
    let log = log_of(hook, around);
    let tail = if run.note == NOT_DUE { String::new() } else { tail_of(&log) };
    Err(SystemError::Hook { hook: hook.name.clone(), status: run.status(), log, tail })
}

/// Where a hook's output goes.
fn log_of(hook: &Hook, around: &Around) -> PathBuf {
    around.logs.join(format!("{}-hook-{}.log", around.profile, file_name(&hook.name)))
}

/// Runs the hooks that belong to the time of the load, each at its time after `zero`, until `stop` becomes true; those that
/// are still at work then are ended. What they come to is told by [`none_failed`].
pub async fn run_during_load(
    hooks: &[Hook],
    around: &Around,
    zero: Instant,
    stop: watch::Receiver<bool>,
) -> Vec<HookRun> {
    let each = hooks.iter().filter_map(|hook| match hook.moment {
        Moment::Beside(at) => Some((hook, zero + at)),
        _ => None,
    });
    let runs = each.map(|(hook, at)| {
        let mut stop = stop.clone();
        async move {
            tokio::select! {
                () = tokio::time::sleep_until(at.into()) => {}
                () = stopped(&mut stop) => {
                    let now = Instant::now();
                    return hook_run(hook, now, now, None, NOT_DUE.to_owned());
                }
            }
            run_one(hook, around, stopped(&mut stop)).await.0
        }
    });
    futures_util::future::join_all(runs).await
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A stopper that is gone has stopped it, too.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Runs a hook to its end, its deadline, or until `stop` is ready.
async fn run_one(hook: &Hook, around: &Around, stop: impl Future<Output = ()>) -> (HookRun, PathBuf) {
    let log = log_of(hook, around);
    let start = Instant::now();
    let program = told(&hook.program, around);
    let mut running = match RunningService::start(&hook.name, &program, STOP_WITHIN, &log, Strays::Stay) {
        Ok(running) => running,
        Err(error) => return (hook_run(hook, start, Instant::now(), None, error.to_string()), log),
    };
    let ended = async {
        loop {
            if let Some(status) = running.ended() {
                return status;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let deadline = async {
        match hook.within {
            Some(within) => tokio::time::sleep(within).await,
            None => std::future::pending().await,
        }
    };
    let (code, note) = tokio::select! {
        status = ended => match status.code() {
            Some(code) => (Some(code), String::new()),
            None => (None, "ended by a signal".to_owned()),
        },
        () = deadline => (None, "ended at its deadline".to_owned()),
        () = stop => (None, ENDED_WITH_RUN.to_owned()),
    };
    let end = Instant::now();
    running.stop().await;
    (hook_run(hook, start, end, code, note), log)
}

fn hook_run(hook: &Hook, start: Instant, end: Instant, exit_code: Option<i32>, note: String) -> HookRun {
    let command = hook.program.command.join(" ");
    HookRun { name: hook.name.clone(), moment: hook.moment, command, start, end, exit_code, note }
}

/// The program with what a hook is told in its environment.
fn told(program: &Program, around: &Around) -> Program {
    let mut program = program.clone();
    program.env.insert("LOADPROOF_RUN_PROFILE".to_owned(), around.profile.clone());
    program.env.insert("LOADPROOF_RUN_BASE_URL".to_owned(), around.base_url.clone());
    // The old name, for one more version.
    program.env.insert("LOADPROOF_RUN_HOST".to_owned(), around.base_url.clone());
    program.env.extend(around.pids.variables());
    program
}

fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(name: &str, script: &str, moment: Moment, within: Option<Duration>) -> Hook {
        let command = ["sh", "-c", script].map(str::to_owned).to_vec();
        let program = Program { command, ..Program::default() };
        Hook { name: name.to_owned(), program, moment, within, may_fail: false }
    }

    fn around(logs: &std::path::Path) -> Around {
        let (profile, base_url) = ("on".to_owned(), "http://h".to_owned());
        Around { profile, base_url, logs: logs.to_owned(), pids: Pids::default() }
    }

    fn run<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    #[test]
    fn hooks_are_run_in_order_until_one_fails() {
        let folder = tempfile::tempdir().unwrap();
        let told = "test \"$LOADPROOF_RUN_PROFILE $LOADPROOF_RUN_BASE_URL\" = 'on http://h'";
        let hooks = [
            hook("told", told, Moment::Before, None),
            hook("late", "exit 9", Moment::After, None),
            hook("broken", "echo no broker >&2; exit 3", Moment::Before, None),
            hook("never", "exit 0", Moment::Before, None),
        ];
        let mut runs = Vec::new();
        let error = run(run_all(&hooks, Moment::Before, &around(folder.path()), &mut runs)).unwrap_err();
        assert!(
            error.to_string().contains("exit code 3") && error.to_string().contains("| no broker"),
            "{error}"
        );
        let codes: Vec<(&str, Option<i32>)> = runs.iter().map(|r| (r.name.as_str(), r.exit_code)).collect();
        assert_eq!(codes, [("told", Some(0)), ("broken", Some(3))]);
    }

    #[test]
    fn a_hook_that_takes_too_long_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let slow = hook("slow", "sleep 30", Moment::Before, Some(Duration::from_millis(100)));
        let mut runs = Vec::new();
        let ended = run(run_all(&[slow], Moment::Before, &around(folder.path()), &mut runs));
        assert!(ended.is_err() && runs[0].note == "ended at its deadline", "{runs:?}");
        assert!(runs[0].end - runs[0].start < Duration::from_secs(10));
    }

    #[test]
    fn hooks_beside_the_load_start_at_their_time_and_end_with_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let at = |ms| Moment::Beside(Duration::from_millis(ms));
        let hooks = [
            hook("quick", "exit 4", at(50), None),
            hook("endless", "sleep 30", at(0), None),
            hook("too late", "exit 0", at(60_000), None),
        ];
        let zero = Instant::now();
        let around = around(folder.path());
        let (stop, stopping) = watch::channel(false);
        let runs = run(async {
            let end = async {
                tokio::time::sleep(Duration::from_millis(400)).await;
                let _ = stop.send(true);
            };
            tokio::join!(run_during_load(&hooks, &around, zero, stopping), end).0
        });
        assert_eq!(runs[0].exit_code, Some(4));
        assert!(runs[0].start - zero >= Duration::from_millis(50));
        assert_eq!((runs[1].exit_code, runs[1].note.as_str()), (None, "ended with the run"));
        assert_eq!(runs[2].note, "the run ended before this hook was due");
        let failed = |hooks: &[Hook], runs| none_failed(hooks, &around, runs).map_err(|e| e.to_string());
        assert!(failed(&hooks, &runs).unwrap_err().contains("hook `quick` failed with exit code 4"));
        let rest = failed(&hooks[1..], &runs[1..]).unwrap_err();
        assert!(
            rest.contains("hook `too late` failed with the run ended before this hook was due"),
            "{rest}"
        );
        assert_eq!(failed(&hooks[1..2], &runs[1..2]), Ok(()));
        let mut spared = hooks.clone();
        for hook in &mut spared {
            hook.may_fail = true;
        }
        assert_eq!(failed(&spared, &runs), Ok(()));
    }
}
