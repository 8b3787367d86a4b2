//! Servers of a test's own, from the installed programs: on a free port, in a temporary folder, and
//! ended with the test. Where a program is missing the test is skipped, loudly; under CI it fails.

use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::ports::free_port;

/// A server that ends with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    // Dropped after the process has ended.
    _folder: tempfile::TempDir,
}

impl Server {
    /// Ends it as a machine that is gone does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.try_wait().unwrap().is_some() {
            return;
        }
        // TERM lets PostgreSQL end the processes that it has started.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) {
            if self.child.try_wait().unwrap().is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn missing(what: &str) {
    assert!(std::env::var_os("CI").is_none(), "{what} is missing; README names what the full suite needs");
    eprintln!("SKIPPED: {what} is not installed");
}

fn found(candidates: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
    candidates.into_iter().find(|path| path.exists())
}

fn wait_for(port: u16) {
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the server on port {port} did not come up");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A Redis server; none where it is not installed.
pub(crate) fn redis() -> Option<Server> {
    let Some(program) = found(["/usr/bin/redis-server", "/usr/local/bin/redis-server"].map(PathBuf::from))
    else {
        missing("redis-server");
        return None;
    };
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let child = Command::new(program)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(port);
    Some(Server { child, port, _folder: folder })
}

/// A PostgreSQL server with a database and a user `postgres`; none where it is not installed.
pub(crate) fn postgres() -> Option<Server> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let Some(programs) = found(versions.map(|v| v.path().join("bin"))).filter(|p| p.join("initdb").exists())
    else {
        missing("postgresql");
        return None;
    };
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let data = folder.path().join("data");
    // It refuses to run as root; its own user has to reach the folder then.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let init = as_postgres(&programs.join("initdb"))
        .args(["--auth=trust", "--username=postgres", "--no-sync", "--pgdata"])
        .arg(&data)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(init.success(), "initdb failed");
    let child = as_postgres(&programs.join("postgres"))
        .args(["-p", &port.to_string(), "-h", "127.0.0.1", "-F", "-k"])
        .arg(folder.path())
        .arg("-D")
        .arg(&data)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(port);
    Some(Server { child, port, _folder: folder })
}

fn as_postgres(program: &Path) -> Command {
    if !rustix::process::getuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program).current_dir("/");
    command
}

/// A NATS server; none where it is not installed.
pub(crate) fn nats() -> Option<Server> {
    nats_at(free_port())
}

/// The same on a port that may have had one before.
pub(crate) fn nats_at(port: u16) -> Option<Server> {
    let Some(program) = found(["/usr/sbin/nats-server", "/usr/bin/nats-server"].map(PathBuf::from)) else {
        missing("nats-server");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new(program)
        .args(["-a", "127.0.0.1", "-p", &port.to_string()])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(port);
    Some(Server { child, port, _folder: folder })
}
