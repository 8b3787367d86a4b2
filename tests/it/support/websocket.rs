//! A WebSocket server that was written from RFC 6455 alone: what loadproof says is held against the standard, and not
//! against the crate it says it with.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// What a nonce is hashed with (§1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Serves for the rest of the test program; gives its base URL. Its paths are the arms of [`serve`], and what it does with
/// a message is in [`answer`].
pub(crate) fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away ends its thread.
            thread::spawn(move || serve(stream));
        }
    });
    format!("http://{address}")
}

fn serve(mut stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let head = head(&mut stream)?;
    let path = head.split(' ').nth(1)?.to_owned();
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.trim().to_owned())
    };
    let is_opening = head.starts_with("GET ")
        && header("connection")?.eq_ignore_ascii_case("upgrade")
        && header("upgrade")?.eq_ignore_ascii_case("websocket")
        && header("sec-websocket-version")? == "13"
        && STANDARD.decode(header("sec-websocket-key")?).ok()?.len() == 16;
    let key = header("sec-websocket-key")?;
    let accept = match path.as_str() {
        "/lie" => accept("another key"),
        _ => accept(&key),
    };
    if !is_opening || path == "/refuse" {
        return stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnone").ok();
    }
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nX-Key: {key}\r\n\r\n"
    );
    let mut first = head.into_bytes();
    if path == "/greeting" {
        // With the head: what comes behind it must not be lost.
        first.extend(frame(TEXT, br#"{"type": "greeting"}"#));
    }
    stream.write_all(&first).ok()?;
    while let Some((opcode, payload)) = read(&mut stream) {
        match opcode {
            CLOSE => {
                stream.write_all(&frame(CLOSE, &payload)).ok()?;
                return None;
            }
            BINARY => say(&mut stream, &json!({"type": "binary", "bytes": payload.len()}))?,
            TEXT => answer(&mut stream, &serde_json::from_slice(&payload).ok()?)?,
            _ => return None,
        }
    }
    None
}

/// Does what a message asks for.
fn answer(stream: &mut TcpStream, asked: &Value) -> Option<()> {
    let pause = || thread::sleep(Duration::from_millis(asked["ms"].as_u64().unwrap_or(0)));
    match asked["do"].as_str()? {
        // Something else first, and the reply after a time.
        "reply" => {
            say(stream, &json!({"type": "noise", "id": -1}))?;
            pause();
            say(stream, &json!({"type": "reply", "id": asked["id"], "said": asked["say"]}))
        }
        "stream" => (0..asked["count"].as_u64()?).try_for_each(|n| {
            pause();
            say(stream, &json!({"type": "token", "n": n}))
        }),
        "flood" => {
            (0..asked["count"].as_u64()?).try_for_each(|n| say(stream, &json!({"type": "flood", "n": n})))
        }
        // Answers when its ping is.
        "ping" => {
            stream.write_all(&frame(PING, b"are you there")).ok()?;
            let (opcode, payload) = read(stream)?;
            say(stream, &json!({"type": "ponged", "is_pong": opcode == PONG && payload == b"are you there"}))
        }
        "close" => {
            let reason = [&1011_u16.to_be_bytes()[..], b"too busy"].concat();
            stream.write_all(&frame(CLOSE, &reason)).ok()?;
            read(stream).map(|_| ())
        }
        "nothing" => Some(()),
        _ => None,
    }
}

fn say(stream: &mut TcpStream, message: &Value) -> Option<()> {
    stream.write_all(&frame(TEXT, message.to_string().as_bytes())).ok()
}

fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

fn accept(key: &str) -> String {
    let hash =
        ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{GUID}").as_bytes());
    STANDARD.encode(hash)
}

/// A whole frame of a server: without a mask (§5.2).
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap();
    let mut frame = vec![0x80 | opcode];
    match u8::try_from(length) {
        Ok(short) if short < 126 => frame.push(short),
        _ => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// A whole frame of a client, which has to be masked; none at the end of the connection, or for what is not one.
fn read(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut start = [0; 2];
    stream.read_exact(&mut start).ok()?;
    let (is_last, is_masked) = (start[0] & 0x80 != 0, start[1] & 0x80 != 0);
    let length = match start[1] & 0x7f {
        126 => {
            let mut length = [0; 2];
            stream.read_exact(&mut length).ok()?;
            usize::from(u16::from_be_bytes(length))
        }
        127 => return None,
        short => usize::from(short),
    };
    let mut mask = [0; 4];
    stream.read_exact(&mut mask).ok()?;
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).ok()?;
    payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    (is_last && is_masked).then_some((start[0] & 0x0f, payload))
}
