//! A live page as its viewers see it: over HTTP, by hand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A program that serves a page; it is ended with the test.
pub(crate) struct Served {
    pub(crate) child: Child,
    /// `127.0.0.1:41234`
    pub(crate) address: String,
    /// What it says on stderr, from the page's address on.
    stderr: Option<std::thread::JoinHandle<String>>,
}

impl Served {
    /// Starts a program, and reads where its page is.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("live at http://") {
            assert!(stderr.read_line(&mut said).unwrap() > 0, "it ended: {said}");
        }
        let url = said.split("http://").nth(1).unwrap();
        let address = url.split('/').next().unwrap().to_owned();
        let stderr = std::thread::spawn(move || {
            let _ = stderr.read_to_string(&mut said);
            said
        });
        Self { child, address, stderr: Some(stderr) }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "")
    }

    pub(crate) fn json(&self, path: &str) -> serde_json::Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// What the page's own script does.
    pub(crate) fn post(&self, path: &str, form: &serde_json::Value) -> Answer {
        let page = self.get("/").body;
        let key = page.split("data-key=\"").nth(1).unwrap().split('"').next().unwrap();
        let origin = format!("http://{}", self.address);
        let headers = [("origin", &*origin), ("x-loadproof-key", key), ("content-type", "application/json")];
        self.ask("POST", path, &headers, &form.to_string())
    }

    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = self.send(method, path, headers, body);
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        Answer::of(&String::from_utf8_lossy(&answer))
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut text = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            text += &format!("host: {}\r\n", self.address);
        }
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        write!(stream, "{text}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
        stream
    }

    /// Asks for something, and does not wait for an answer.
    pub(crate) fn told(&self, method: &str, path: &str, headers: &[(&str, &str)]) {
        let mut stream = self.send(method, path, headers, "{}");
        let _ = stream.read(&mut [0]);
    }

    /// Follows the events.
    pub(crate) fn events(&self, path: &str, headers: &[(&str, &str)]) -> Events {
        Events { lines: BufReader::new(self.send("GET", path, headers, "")) }
    }

    /// Waits until the snapshot is as it should be, and gives it.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
        let begun = Instant::now();
        loop {
            let snapshot = self.json("/api/snapshot");
            if is_so(&snapshot["state"]) {
                return snapshot;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{what}: {snapshot}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until it ends by itself; what it has said, stderr from its start.
    pub(crate) fn end(mut self) -> Output {
        let mut stdout = Vec::new();
        self.child.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
        let status = self.child.wait().unwrap();
        let stderr = self.stderr.take().unwrap().join().unwrap().into_bytes();
        Output { status, stdout, stderr }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if self.child.try_wait().unwrap().is_none() {
            // Twice: what it has started ends with it.
            let pid = rustix::process::Pid::from_child(&self.child);
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
            let begun = Instant::now();
            while self.child.try_wait().unwrap().is_none() && begun.elapsed() < Duration::from_secs(5) {
                std::thread::sleep(Duration::from_millis(10));
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    fn of(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let head = head.to_lowercase();
        let body =
            if head.contains("transfer-encoding: chunked") { unchunked(body) } else { body.to_owned() };
        // As it is read.
        let body = body.replace("&#x2f;", "/");
        Self { status, head, body }
    }
}

fn unchunked(mut text: &str) -> String {
    let mut body = String::new();
    while let Some((length, rest)) = text.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        body += &rest[..length];
        text = &rest[length + 2..];
    }
    body
}

/// Server-sent events as they come.
pub(crate) struct Events {
    lines: BufReader<TcpStream>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) data: String,
}

impl Iterator for Events {
    type Item = Event;

    /// The next one; none when the server closes.
    fn next(&mut self) -> Option<Event> {
        let mut event = Event { id: 0, name: String::new(), data: String::new() };
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some(("id", id)) => event.id = id.parse().unwrap(),
                Some(("event", name)) => name.clone_into(&mut event.name),
                Some(("data", data)) => data.clone_into(&mut event.data),
                _ if line.trim_end().is_empty() && !event.name.is_empty() => return Some(event),
                // Heads, lengths of chunks and comments.
                _ => {}
            }
        }
    }
}

/// Whether a snapshot's state is that of a command that has ended.
pub(crate) fn is_done(state: &serde_json::Value) -> bool {
    state["stage"] == "done"
}

/// Ticks that a snapshot's state holds.
pub(crate) fn ticks(state: &serde_json::Value) -> usize {
    state["ticks"].as_array().unwrap().len()
}
