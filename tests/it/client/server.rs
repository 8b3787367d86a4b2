//! A small HTTP/1.1 server whose every answer is written by hand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// `GET /path`.
    pub(super) line: String,
    /// Names in lower case, and values.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// Where it came from.
    pub(super) peer: IpAddr,
    /// The number of its connection, from 0.
    pub(super) connection: usize,
    /// Its number on that connection, from 0.
    pub(super) number: usize,
}

impl Asked {
    /// All values of a header.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The cookies that came, sorted.
    pub(super) fn cookies(&self) -> Vec<&str> {
        let mut cookies: Vec<&str> = self.all("cookie").iter().flat_map(|line| line.split("; ")).collect();
        cookies.sort_unstable();
        cookies
    }
}

/// What becomes of a connection.
pub(super) enum Then {
    /// These bytes are sent, and the next request is awaited.
    Answer(Vec<u8>),
    /// These bytes are sent, and the connection is closed.
    Close(Vec<u8>),
}

/// A server that ends with the process.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub(super) fn start(answer: impl Fn(&Asked) -> Then + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(answer), Arc::clone(&asked));
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().map_while(Result::ok).enumerate() {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                std::thread::spawn(move || serve(stream, connection, &*answer, &seen));
            }
        });
        Self { address, asked }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    connection: usize,
    answer: &dyn Fn(&Asked) -> Then,
    seen: &Mutex<Vec<Asked>>,
) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    for number in 0.. {
        let Some(asked) = read(&mut reader, connection, number) else { return };
        seen.lock().unwrap().push(asked.clone());
        match answer(&asked) {
            Then::Answer(bytes) => {
                if stream.write_all(&bytes).is_err() {
                    return;
                }
            }
            Then::Close(bytes) => {
                let _ = stream.write_all(&bytes);
                return;
            }
        }
    }
}

/// The next request of a connection; one to a path that ends with `unread` keeps its body.
fn read(reader: &mut BufReader<TcpStream>, connection: usize, number: usize) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|n| *n > 0)?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let peer = reader.get_ref().peer_addr().ok()?.ip();
    let line = line.rsplit_once(' ').map_or(line.clone(), |(line, _)| line.to_owned());
    let mut asked = Asked { line, headers, body: Vec::new(), peer, connection, number };
    let length = asked.all("content-length").first().and_then(|n| n.parse().ok()).unwrap_or(0_usize);
    if !asked.line.ends_with("unread") {
        asked.body = vec![0; length];
        reader.read_exact(&mut asked.body).ok()?;
    }
    Some(asked)
}

/// An answer with these header lines and this body.
pub(super) fn answer(status: u16, headers: &[&str], body: &[u8]) -> Then {
    let mut bytes = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: {}\r\n", body.len()).into_bytes();
    for header in headers {
        bytes.extend(header.as_bytes());
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"\r\n");
    bytes.extend(body);
    Then::Answer(bytes)
}
