use std::path::Path;
use std::time::Duration;

use super::*;
use crate::scenario::fault::ServiceFault;
use crate::scenario::profile::{Profile, Ready, Service};
use crate::system::{Pids, System, Wanted, start};

const MS: Duration = Duration::from_millis(1);

fn program(script: &str) -> Program {
    let command = ["sh", "-c", script].map(str::to_owned).to_vec();
    Program { command, ..Program::default() }
}

fn fault(at: Duration, lasts: Option<Duration>, action: FaultAction) -> Fault {
    let start = FaultStart::Load(at);
    Fault { name: "f 1".to_owned(), start, lasts, action, loads: Vec::new(), profiles: Vec::new() }
}

fn of_service(what: ServiceFault, lasts: Option<Duration>) -> Fault {
    fault(Duration::ZERO, lasts, FaultAction::Service(what, "api".to_owned()))
}

fn of_command(run: &str, undo: Option<&str>, lasts: Option<Duration>) -> Fault {
    let command = CommandFault { run: program(run), undo: undo.map(program), within: Duration::from_secs(5) };
    fault(Duration::ZERO, lasts, FaultAction::Command(Box::new(command)))
}

/// A system with one service, and a folder for its logs.
struct Bench {
    folder: tempfile::TempDir,
    around: Around,
    system: System,
}

impl Bench {
    async fn new() -> Self {
        let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let service = Service {
            name: "api".to_owned(),
            program: program("echo up; sleep 60"),
            ready: Ready::Log("up".to_owned()),
            ready_within: Duration::from_secs(5),
            stop_within: MS * 300,
        };
        let profile = Profile { name: "test".to_owned(), services: vec![service], ..Profile::default() };
        let around = Around {
            profile: "test".to_owned(),
            base_url: String::new(),
            logs: folder.path().to_owned(),
            pids: Pids::default(),
        };
        let wanted = Wanted { profile: &profile, proxies: &[], seed: 1 };
        let system = start(wanted, &around, &Way::default(), folder.path()).await.unwrap();
        Self { folder, around, system }
    }

    fn process(&self) -> u32 {
        self.around.pids.of("api").unwrap()
    }

    fn undo(&self) -> std::path::PathBuf {
        self.folder.path().join("undo")
    }

    /// Carries a fault out, and does something else meanwhile; the run ends with that.
    async fn with<T>(&self, fault: &Fault, work: impl Future<Output = T>) -> (FaultRun, T) {
        let tools = self.system.fault_tools(&self.around, &Way::default(), &self.undo());
        let (stop, stopping) = watch::channel(false);
        let (_drain, drain) = watch::channel(None);
        let times = Times { zero: Instant::now(), drain, stop: stopping };
        let faults = std::slice::from_ref(fault);
        let work = async {
            let done = work.await;
            let _ = stop.send(true);
            done
        };
        let (mut runs, done) = tokio::join!(carry_out(faults, &tools, &times, &|_| {}), work);
        (runs.remove(0), done)
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// The state of a process as `/proc` has it.
fn state(process: u32) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().unwrap_or_default().chars().take(1).collect()
}

/// Waits until something is so.
async fn until(is_so: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !is_so() {
        assert!(std::time::Instant::now() < deadline, "it has not come about within 30 s");
        tokio::time::sleep(MS * 2).await;
    }
}

#[test]
fn a_paused_service_stands_still_for_its_time_and_goes_on() {
    run(async {
        let bench = Bench::new().await;
        let process = bench.process();
        let pause = of_service(ServiceFault::Pause, Some(MS * 150));
        let (fault, ()) = bench
            .with(&pause, async {
                until(|| state(process) == "T").await;
                bench.system.check_alive().unwrap();
                until(|| state(process) == "S").await;
            })
            .await;
        assert_eq!((fault.ending, fault.note.as_str()), (Ending::Done, ""));
        let lasted = fault.end.unwrap() - fault.start.unwrap();
        assert!(lasted >= MS * 150, "{lasted:?}");
        assert_eq!(bench.process(), process);
        bench.system.stop().await.unwrap();
    });
}

#[test]
fn a_pause_that_the_run_cuts_short_is_undone() {
    run(async {
        let bench = Bench::new().await;
        let process = bench.process();
        let pause = of_service(ServiceFault::Pause, Some(Duration::from_secs(60)));
        let (fault, ()) = bench.with(&pause, until(|| state(process) == "T")).await;
        assert_eq!(fault.ending, Ending::CutShort);
        until(|| state(process) == "S").await;
    });
}

#[test]
fn a_killed_service_is_missed_by_nobody_and_started_again() {
    run(async {
        let bench = Bench::new().await;
        let before = bench.process();
        for what in [ServiceFault::Kill, ServiceFault::Stop] {
            let away = of_service(what, Some(MS * 80));
            let was = bench.process();
            let (fault, ()) = bench
                .with(&away, async {
                    until(|| {
                        bench.system.check_alive().unwrap();
                        bench.around.pids.of("api").is_some_and(|process| process != was)
                    })
                    .await;
                    // The run goes on until it is ready.
                    tokio::time::sleep(MS * 200).await;
                })
                .await;
            assert_eq!(fault.ending, Ending::Done, "{}", fault.note);
            assert!(fault.note.starts_with("api was ready again"), "{}", fault.note);
            assert!(fault.end.unwrap() - fault.start.unwrap() >= MS * 80);
        }
        assert_ne!(bench.process(), before);
        let again = std::fs::read_to_string(bench.folder.path().join("test-api-after-f-1.log")).unwrap();
        assert_eq!(again, "up\n");
        bench.system.stop().await.unwrap();
    });
}

#[test]
fn a_service_that_stays_away_and_a_restart() {
    run(async {
        let bench = Bench::new().await;
        let before = bench.process();
        let restart = of_service(ServiceFault::Restart, None);
        let pids = &bench.around.pids;
        let restarted = async {
            until(|| pids.of("api").is_some_and(|process| process != before)).await;
            tokio::time::sleep(MS * 200).await;
        };
        let (fault, ()) = bench.with(&restart, restarted).await;
        assert_eq!(fault.ending, Ending::Done, "{}", fault.note);
        assert!(fault.end.is_some());
        let (fault, ()) =
            bench.with(&of_service(ServiceFault::Kill, None), until(|| pids.of("api").is_none())).await;
        assert_eq!((fault.ending, fault.end), (Ending::Done, None));
        // It cannot be killed again.
        let (fault, ()) =
            bench.with(&of_service(ServiceFault::Kill, None), tokio::time::sleep(MS * 50)).await;
        assert_eq!((fault.ending, fault.start), (Ending::Failed, None));
        assert_eq!(fault.note, "service `api` does not run");
    });
}

#[test]
fn a_service_that_dies_of_something_else_is_missed() {
    run(async {
        let bench = Bench::new().await;
        let pid = rustix::process::Pid::from_raw(i32::try_from(bench.process()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        until(|| bench.system.check_alive().is_err()).await;
    });
}

#[test]
fn a_command_knows_the_services_and_is_undone_at_its_end() {
    run(async {
        let bench = Bench::new().await;
        let (broken, told) = (bench.folder.path().join("broken"), bench.folder.path().join("told"));
        let break_it =
            format!("echo $LOADPROOF_PID_API > '{}'; touch '{}'", told.display(), broken.display());
        let mend = format!("rm '{}'", broken.display());
        let command = of_command(&break_it, Some(&mend), Some(MS * 80));
        let (fault, ()) = bench
            .with(&command, async {
                until(|| broken.exists()).await;
                assert!(std::fs::read_dir(bench.undo()).unwrap().count() == 1, "it is written down before");
                until(|| !broken.exists()).await;
                tokio::time::sleep(MS * 100).await;
            })
            .await;
        assert_eq!(fault.ending, Ending::Done, "{}", fault.note);
        assert_eq!(std::fs::read_dir(bench.undo()).unwrap().count(), 0);
        assert_eq!(std::fs::read_to_string(&told).unwrap().trim(), bench.process().to_string());
    });
}

#[test]
fn a_command_that_fails_is_undone_and_said_to_have_failed() {
    run(async {
        let bench = Bench::new().await;
        let mended = bench.folder.path().join("mended");
        let mend = format!("touch '{}'", mended.display());
        let command = of_command("exit 3", Some(&mend), None);
        let (fault, ()) = bench.with(&command, until(|| mended.exists())).await;
        assert_eq!((fault.ending, fault.start), (Ending::Failed, None));
        assert_eq!(fault.note, "exit code 3");
    });
}

/// As a kill of loadproof leaves it: the file stays, its process is gone.
fn orphan(undo: &Path) {
    let file = std::fs::read_dir(undo).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&file).unwrap();
    let own = format!("\"process\": {}", std::process::id());
    assert!(text.contains(&own), "{text}");
    std::fs::write(&file, text.replace(&own, "\"process\": 4194303")).unwrap();
}

#[test]
fn what_a_killed_loadproof_has_left_is_undone_at_the_next_start() {
    run(async {
        let bench = Bench::new().await;
        let mended = bench.folder.path().join("mended");
        let tools = bench.system.fault_tools(&bench.around, &Way::default(), &bench.undo());
        let mend = program(&format!("touch '{}'", mended.display()));
        let pending = PendingUndo::new("left", &mend, Duration::from_secs(5), &tools).unwrap();
        assert_eq!(undo_leftovers(&bench.undo()).unwrap(), Vec::<String>::new(), "it is alive");
        orphan(&bench.undo());
        std::mem::forget(pending);
        assert_eq!(undo_leftovers(&bench.undo()).unwrap(), ["left"]);
        assert!(mended.exists());
        assert_eq!(undo_leftovers(&bench.undo()).unwrap(), Vec::<String>::new());
        // One whose undo fails stays.
        let failing = PendingUndo::new("stuck", &program("exit 1"), Duration::from_secs(5), &tools).unwrap();
        failing.leave();
        let error = undo_leftovers(&bench.undo()).unwrap_err().to_string();
        assert!(error.contains("cannot undo fault `stuck`") && error.contains("undo it by hand"), "{error}");
        // A panic undoes as well.
        std::fs::remove_file(&mended).unwrap();
        drop(PendingUndo::new("panic", &mend, Duration::from_secs(5), &tools).unwrap());
        assert!(mended.exists());
    });
}

#[test]
fn a_fault_that_is_due_after_the_end_is_not_reached() {
    run(async {
        let bench = Bench::new().await;
        let late = fault(Duration::from_secs(60), None, of_command("true", None, None).action);
        let (fault, ()) = bench.with(&late, async {}).await;
        assert_eq!((fault.ending, fault.start), (Ending::NotReached, None));
        assert!(fault.due.is_some());
        let drain = Fault { start: FaultStart::Drain(Duration::ZERO), ..late };
        let (fault, ()) = bench.with(&drain, async {}).await;
        assert_eq!((fault.ending, fault.due), (Ending::NotReached, None));
    });
}
