use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;

use super::*;
use crate::scenario::hook::{Hook, Moment};
use crate::scenario::profile::{Ready, Reset};
use crate::scenario::program::Program;
use crate::system::ready::Probe;

/// A service that runs a shell script.
fn shell(script: &str, ready: Ready) -> Service {
    Service {
        name: "under-test".to_owned(),
        program: Program {
            command: vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()],
            env: BTreeMap::new(),
            working_directory: None,
        },
        ready,
        ready_within: Duration::from_millis(300),
        stop_within: Duration::from_millis(300),
    }
}

fn profile(service: Service) -> Profile {
    Profile { name: "test".to_owned(), services: vec![service], ..Profile::default() }
}

fn wanted(profile: &Profile) -> Wanted<'_> {
    Wanted { profile, proxies: &[], seed: 1 }
}

fn around(logs: &Path) -> Around {
    Around {
        profile: "test".to_owned(),
        base_url: String::new(),
        logs: logs.to_owned(),
        pids: Pids::default(),
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn tcp(port: u16) -> Ready {
    Ready::Tcp(format!("127.0.0.1:{port}"))
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Starts a service and listens at its port once it has written to its log.
async fn start_listening(script: &str, logs: &Path) -> (System, TcpListener) {
    let port = free_port();
    let profile = profile(Service { ready_within: Duration::from_secs(10), ..shell(script, tcp(port)) });
    let listen = async {
        let log = logs.join("test-under-test.log");
        while std::fs::read_to_string(&log).unwrap_or_default().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(TcpListener::bind(("127.0.0.1", port)).unwrap())
    };
    let journal = logs.join("patched");
    let (way, around) = (Way::default(), around(logs));
    // A service that does not start writes nothing, and would be waited for without an end.
    tokio::try_join!(start(wanted(&profile), &around, &way, &journal), listen).unwrap()
}

fn is_alive(process: u32) -> bool {
    let pid = rustix::process::Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    // A zombie still takes signals, so its state is asked for.
    rustix::process::test_kill_process(pid).is_ok()
        && !std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|s| s.contains(") Z "))
}

#[test]
fn a_service_is_started_and_its_whole_group_is_stopped() {
    let logs = tempfile::tempdir().unwrap();
    run(async {
        let (system, _listener) = start_listening("sleep 60 & echo $!; wait", logs.path()).await;
        system.check_alive().unwrap();
        let (_, leader) = system.services().remove(0);
        let log = std::fs::read_to_string(logs.path().join("test-under-test.log")).unwrap();
        let child: u32 = log.trim().parse().unwrap();
        assert!(is_alive(leader) && is_alive(child));
        system.stop().await.unwrap();
        assert!(!is_alive(leader) && !is_alive(child));
    });
}

#[test]
fn processes_in_sessions_of_their_own_end_with_their_service() {
    let logs = tempfile::tempdir().unwrap();
    run(async {
        // One whose parent stays, one that is an orphan at once, and one that is deaf besides.
        let deaf = "trap '' TERM HUP; echo up; while :; do sleep 0.05; done";
        let script = format!("setsid sleep 60 & (setsid sleep 61 &) ; (setsid sh -c \"{deaf}\" &) ; wait");
        let (system, _listener) = start_listening(&script, logs.path()).await;
        let (_, leader) = system.services().remove(0);
        let mark = system.services.mark("under-test").unwrap();
        let mut strays = Vec::new();
        while strays.len() < 3 {
            strays = strays::of(leader, &mark);
        }
        system.stop().await.unwrap();
        assert!(strays.iter().all(|stray| !stray.is_alive()), "{strays:?}");
        assert!(strays::of(leader, &mark).is_empty());
    });
}

#[test]
fn a_watchdog_ends_what_has_left_the_group_of_its_service() {
    use std::os::unix::process::CommandExt;
    let mark = strays::Mark::new();
    let mut service = std::process::Command::new("sh")
        .args(["-c", "(setsid sleep 60 &); sleep 61"])
        .env(strays::VARIABLE, mark.text())
        .process_group(0)
        .spawn()
        .unwrap();
    let strays = loop {
        let strays = strays::of(service.id(), &mark);
        if !strays.is_empty() {
            break strays;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let mut watchdog = watchdog::Watchdog::over(service.id(), Some(&mark)).unwrap();
    watchdog.abandon();
    service.wait().unwrap();
    assert!(strays.iter().all(|stray| !stray.is_alive()), "{strays:?}");
}

#[test]
fn a_service_that_ignores_term_is_killed() {
    let logs = tempfile::tempdir().unwrap();
    run(async {
        let script = "trap '' TERM; echo deaf; while :; do sleep 0.05; done";
        let (system, _listener) = start_listening(script, logs.path()).await;
        let (_, leader) = system.services().remove(0);
        system.stop().await.unwrap();
        assert!(!is_alive(leader));
    });
}

#[test]
fn dropping_a_system_stops_it() {
    let logs = tempfile::tempdir().unwrap();
    run(async {
        let (system, _listener) = start_listening("echo up; sleep 60", logs.path()).await;
        let (_, leader) = system.services().remove(0);
        drop(system);
        assert!(!is_alive(leader));
    });
}

#[test]
fn a_watchdog_stops_the_service_of_a_loadproof_that_is_gone() {
    use std::os::unix::process::CommandExt;
    let mut service = std::process::Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
    let mut watchdog = watchdog::Watchdog::over(service.id(), None).unwrap();
    // What the end of a process does to its pipes.
    watchdog.abandon();
    let status = service.wait().unwrap();
    assert!(!status.success());
}

#[test]
fn a_service_that_ends_early_is_reported_with_its_log() {
    let logs = tempfile::tempdir().unwrap();
    let service = shell("echo listening; echo 'no such table' >&2; exit 3", tcp(free_port()));
    let error = run(start(wanted(&profile(service)), &around(logs.path()), &Way::default(), logs.path()))
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("exit code 3") && text.contains("  | no such table"), "{text}");
}

#[test]
fn a_service_that_is_not_ready_in_time_is_reported_and_stopped() {
    let logs = tempfile::tempdir().unwrap();
    let service = shell("echo $$; exec sleep 60", tcp(free_port()));
    let error = run(start(wanted(&profile(service)), &around(logs.path()), &Way::default(), logs.path()))
        .unwrap_err();
    assert!(matches!(error, SystemError::NotReady { .. }), "{error}");
    let log = std::fs::read_to_string(logs.path().join("test-under-test.log")).unwrap();
    assert!(!is_alive(log.trim().parse().unwrap()));
}

#[test]
fn a_taken_port_is_said_so_before_anything_is_started() {
    let logs = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let service = shell("sleep 60", Ready::Http(format!("http://127.0.0.1:{port}/health")));
    let error = run(start(wanted(&profile(service)), &around(logs.path()), &Way::default(), logs.path()))
        .unwrap_err();
    assert!(matches!(&error, SystemError::PortTaken { port: p, .. } if *p == port), "{error}");
    assert!(!logs.path().join("test-under-test.log").exists());
}

#[test]
fn a_missing_program_is_named_with_a_hint() {
    let logs = tempfile::tempdir().unwrap();
    let mut service = shell("", tcp(free_port()));
    service.program.command = vec!["target/no/such/program".to_owned()];
    let text = run(start(wanted(&profile(service)), &around(logs.path()), &Way::default(), logs.path()))
        .unwrap_err()
        .to_string();
    assert!(text.contains("`target/no/such/program`") && text.contains("is it built?"), "{text}");
}

#[test]
fn a_system_behind_a_socket_or_a_proxy_is_reached_by_that_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let behind = Way { unix_socket: Some(path.clone()), ..Way::default() };
    let reached = |way: &Way| run(http::reachable("http://app.invalid", way, Duration::from_millis(100)));
    assert!(reached(&behind).unwrap_err().to_string().contains("app.sock"));
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    reached(&behind).unwrap();
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://me:secret@{}", proxy.local_addr().unwrap());
    reached(&Way { proxy: Some(url), ..Way::default() }).unwrap();
    let nobody = Way { proxy: Some("http://me:secret@127.0.0.1:1".to_owned()), ..Way::default() };
    let error = reached(&nobody).unwrap_err().to_string();
    assert!(error.contains("http://127.0.0.1:1") && !error.contains("secret"), "{error}");
}

#[test]
fn a_system_that_should_be_up_and_is_not_is_reported() {
    let url = format!("http://127.0.0.1:{}", free_port());
    let error = run(http::reachable(&url, &Way::default(), Duration::from_millis(100))).unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
}

#[test]
fn resets_are_sent_in_order_and_a_refusal_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let mut lines = Vec::new();
        for (answer, stream) in ["204 No Content", "500 Oops"].into_iter().zip(listener.incoming()) {
            let mut stream = stream.unwrap();
            let mut request = [0; 1024];
            let n = stream.read(&mut request).unwrap();
            lines.push(String::from_utf8_lossy(&request[..n]).lines().next().unwrap().to_owned());
            write!(stream, "HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        }
        lines
    });
    let logs = tempfile::tempdir().unwrap();
    let request = |method: &str, url: &str| Reset::Request { method: method.to_owned(), url: url.to_owned() };
    let steps = vec![request("POST", "/admin/reset"), request("DELETE", "/cache")];
    let profile = Profile { reset: steps, ..Profile::default() };
    let around = Around { base_url, ..around(logs.path()) };
    let error = run(reset(&profile, &around, &Way::default())).unwrap_err();
    assert!(error.to_string().contains("DELETE") && error.to_string().contains("500"), "{error}");
    assert_eq!(server.join().unwrap(), ["POST /admin/reset HTTP/1.1", "DELETE /cache HTTP/1.1"]);
}

#[test]
fn an_orphan_that_has_ended_holds_up_no_stop() {
    let logs = tempfile::tempdir().unwrap();
    run(async {
        let (system, _listener) = start_listening("sleep 60 & echo up; wait", logs.path()).await;
        let begun = std::time::Instant::now();
        let service = system.services.take_last().unwrap().with_stop_within(Duration::from_secs(20));
        service.stop().await;
        // The first process may take seconds to ask for the orphan, or never do so.
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    });
}

#[test]
fn services_are_dropped_in_the_order_in_which_they_are_stopped() {
    let logs = tempfile::tempdir().unwrap();
    let order = logs.path().join("order");
    let script = |name: &str| {
        let file = order.display();
        format!("trap 'echo {name} >> {file}; exit' TERM; echo up; while :; do sleep 0.02; done")
    };
    run(async {
        let (system, _first) = start_listening(&script("first"), &logs.path().join("1")).await;
        let second = shell(&script("second"), Ready::Log("up".to_owned()));
        let second = Service { name: "second".to_owned(), ready_within: Duration::from_secs(10), ..second };
        system.services.start(&second, &logs.path().join("2.log")).unwrap();
        system.services.wait_until_ready(&second, &around(logs.path()), &Way::default()).await.unwrap();
        drop(system);
    });
    assert_eq!(std::fs::read_to_string(order).unwrap(), "second\nfirst\n");
}

#[test]
fn a_redirect_counts_as_ready_and_is_not_followed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ready = Ready::Http(format!("http://{}/", listener.local_addr().unwrap()));
    let elsewhere = free_port();
    std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let _ = stream.read(&mut [0; 1024]);
        let head = format!("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{elsewhere}/login\r\n");
        let _ = write!(stream, "{head}content-length: 0\r\nconnection: close\r\n\r\n");
    });
    let logs = tempfile::tempdir().unwrap();
    let (service, around) = (shell("", ready), around(logs.path()));
    let log = logs.path().join("log");
    assert_eq!(run(async { Probe::new(&service, log, &around, &Way::default()).ask().await }), Ok(()));
}

#[test]
fn services_without_a_port_are_ready_by_a_program_a_line_or_being_up() {
    let logs = tempfile::tempdir().unwrap();
    let flag = logs.path().join("flag");
    let script = format!("sleep 0.1; touch {}; echo consuming orders; sleep 60", flag.display());
    let test = ["test", "-e", flag.to_str().unwrap()].map(str::to_owned).to_vec();
    let program = Program { command: test, ..Program::default() };
    for ready in [
        Ready::Command(program),
        Ready::Log("^consuming".to_owned()),
        Ready::UpFor(Duration::from_millis(150)),
    ] {
        let _ = std::fs::remove_file(&flag);
        let (text, begun) = (format!("{ready:?}"), std::time::Instant::now());
        let is_by_time = matches!(ready, Ready::UpFor(_));
        let ready_within = Duration::from_secs(20);
        let profile = profile(Service { ready_within, ..shell(&script, ready) });
        let (way, around) = (Way::default(), around(logs.path()));
        run(async {
            let system = start(wanted(&profile), &around, &way, logs.path()).await.unwrap();
            let was_ready = flag.exists() || is_by_time && begun.elapsed() >= Duration::from_millis(150);
            assert!(was_ready, "{text}");
            system.stop().await.unwrap();
        });
    }
    // One that ends is never ready, however long it would have to be up.
    let gone = profile(shell("exit 3", Ready::UpFor(Duration::from_millis(200))));
    let error = run(start(wanted(&gone), &around(logs.path()), &Way::default(), logs.path())).unwrap_err();
    assert!(error.to_string().contains("exit code 3"), "{error}");
}

#[test]
fn a_reset_is_a_command_that_has_to_succeed() {
    let logs = tempfile::tempdir().unwrap();
    let command = |script: &str| {
        let command = ["sh", "-c", script].map(str::to_owned).to_vec();
        let program = Program { command, ..Program::default() };
        let within = Some(Duration::from_secs(20));
        let name = "reset".to_owned();
        Reset::Command(Hook { name, program, moment: Moment::Before, within, may_fail: false })
    };
    let done = |script: &str| {
        let profile = Profile { reset: vec![command(script)], ..Profile::default() };
        run(reset(&profile, &around(logs.path()), &Way::default())).map_err(|error| error.to_string())
    };
    assert_eq!(done("exit 0"), Ok(()));
    let error = done("echo no database; exit 4").unwrap_err();
    assert!(error.contains("exit code 4") && error.contains("| no database"), "{error}");
}

/// The variable that tells this very test binary to be the loadproof that is killed.
const VICTIM: &str = "LOADPROOF_TEST_VICTIM_LOGS";

/// Does nothing by itself: the test below runs it in a process of its own.
#[test]
fn victim_of_kill() {
    let Ok(logs) = std::env::var(VICTIM) else { return };
    run(async {
        let script = "trap '' TERM; sleep 60 & echo $$ $!; wait; wait";
        let _up = start_listening(script, Path::new(&logs)).await;
        std::fs::write(Path::new(&logs).join("up"), "").unwrap();
        std::thread::sleep(Duration::from_secs(60));
    });
}

#[test]
fn services_of_a_loadproof_that_is_killed_are_stopped() {
    let logs = tempfile::tempdir().unwrap();
    let mut victim = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "system::tests::victim_of_kill"])
        .env(VICTIM, logs.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let within = |seconds, done: &dyn Fn() -> bool| {
        let begun = std::time::Instant::now();
        while !done() && begun.elapsed().as_secs() < seconds {
            std::thread::sleep(Duration::from_millis(10));
        }
        done()
    };
    let up = within(20, &|| logs.path().join("up").exists());
    let log = std::fs::read_to_string(logs.path().join("test-under-test.log")).unwrap();
    let processes: Vec<u32> = log.split_whitespace().map(|id| id.parse().unwrap()).collect();
    assert!(up && processes.len() == 2 && processes.iter().all(|p| is_alive(*p)), "{log}");
    // What `kill -9` does.
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert!(within(20, &|| !processes.iter().any(|p| is_alive(*p))), "{processes:?} live on");
}
