//! A client of a few lines, which shares no code with the servers, and ways to wait.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// An answer as it came off the wire.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.body))
    }

    /// A text field of the body.
    pub(crate) fn field(&self, name: &str) -> String {
        let json = self.json();
        let text = json[name].as_str();
        text.unwrap_or_else(|| panic!("no {name} in {json}")).to_owned()
    }
}

/// A connection that stays open between requests.
pub(crate) struct Client {
    stream: TcpStream,
    headers: String,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Client { stream, headers: String::new() }
    }

    /// Sends this header with every request from now on.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Client {
        self.headers = format!("{}{name}: {value}\r\n", self.headers);
        self
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, "").unwrap()
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &body.to_string()).unwrap()
    }

    /// A POST that says what its body is.
    pub(crate) fn post_json(&mut self, path: &str, body: &Value) -> Answer {
        if !self.headers.contains("content-type") {
            self.headers.push_str("content-type: application/json\r\n");
        }
        self.post(path, body)
    }

    pub(crate) fn put(&mut self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, &body.to_string()).unwrap()
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, body: &str) -> io::Result<Answer> {
        let headers = &self.headers;
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: test\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        self.stream.write_all(request.as_bytes())?;
        self.receive()
    }

    fn receive(&mut self) -> io::Result<Answer> {
        let mut received = Vec::new();
        let head_end = loop {
            if let Some(at) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            self.receive_more(&mut received)?;
        };
        let head = String::from_utf8_lossy(&received[..head_end]).to_lowercase();
        let length = header(&head, "content-length").map_or(0, |length| length.parse().unwrap());
        while received.len() < head_end + length {
            self.receive_more(&mut received)?;
        }
        Ok(Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            body: String::from_utf8(received.split_off(head_end)).unwrap(),
            head,
        })
    }

    fn receive_more(&mut self, received: &mut Vec<u8>) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                received.extend_from_slice(&buffer[..count]);
                Ok(())
            }
        }
    }
}

/// The value of a header, its name in lower case.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.into_iter().find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// Asks until `done` gives a value, for ten seconds at most.
pub(crate) fn wait_for<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = done() {
            return value;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "waited in vain for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
