//! The same bytes, read by hyper: whatever they are and however they are split, both read the same answer, or
//! none. `PROPTEST_CASES=1000000 cargo test --lib against_hyper` tries more of them.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Builder;

use super::head::{Asked, MOST_LINES, Malformed};
use super::receiver::Receiver;
use crate::load::headers::Headers;
use crate::load::reply::{Keep, Reply};

/// Cases, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 3000;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
struct Reading {
    status: u16,
    /// Those behind the body take the place of those before it. Sorted by their names only.
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Reading {
    fn of(reply: &Reply) -> Self {
        let headers = reply.headers.iter().map(|(name, value)| (name.into_owned(), value.to_vec()));
        Self::new(reply.status, headers, reply.body().to_vec())
    }

    fn new(status: u16, headers: impl Iterator<Item = (String, Vec<u8>)>, body: Vec<u8>) -> Self {
        let mut headers: Vec<_> = headers.collect();
        headers.sort_by(|a, b| a.0.cmp(&b.0));
        Self { status, headers, body }
    }
}

/// What we read, and how we read it otherwise than hyper if we mean to.
fn ours(pieces: &[&[u8]], asked: Asked) -> Result<Option<Reading>, Malformed> {
    let mut receiver = Receiver::new(asked, Keep::UpTo(1 << 20));
    for piece in pieces {
        let mut piece = *piece;
        while !piece.is_empty() {
            let room = receiver.room();
            let count = room.len().min(piece.len());
            room[..count].copy_from_slice(&piece[..count]);
            piece = &piece[count..];
            if let Some(received) = receiver.advance(count)? {
                return Ok(Some(Reading::of(&received.reply)));
            }
        }
    }
    Ok(receiver.end().map(|reply| Reading::of(&reply)))
}

async fn hypers(pieces: &[&[u8]], method: Method) -> Option<Reading> {
    let script =
        Script { pieces: pieces.iter().map(|piece| piece.to_vec()).collect(), is_asked: false, waker: None };
    let mut builder = http1::Builder::new();
    builder.allow_obsolete_multiline_headers_in_responses(true).max_headers(MOST_LINES);
    let (mut sender, connection) = builder.handshake(TokioIo::new(script)).await.ok()?;
    let request = Request::builder().method(method).uri("/").body(Empty::<Bytes>::new()).ok()?;
    let read = async { read(sender.send_request(request).await.ok()?).await };
    let mut read = std::pin::pin!(read);
    tokio::select! {
        read = &mut read => read,
        // An upgrade ends it: what it has read can still be had.
        _ = connection => read.await,
    }
}

async fn read(response: Response<Incoming>) -> Option<Reading> {
    let (head, body) = response.into_parts();
    let collected = body.collect().await.ok()?;
    // How lines behind the body count is not a matter of reading them.
    let headers = Headers::of_map(head.headers, collected.trailers().cloned());
    let headers = headers.iter().map(|(name, value)| (name.into_owned(), value.to_vec()));
    Some(Reading::new(head.status.as_u16(), headers, collected.to_bytes().to_vec()))
}

/// A connection over which these pieces come once a request was sent, and then nothing more.
struct Script {
    pieces: VecDeque<Vec<u8>>,
    is_asked: bool,
    waker: Option<Waker>,
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.is_asked {
            self.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        if let Some(mut piece) = self.pieces.pop_front() {
            let rest = piece.split_off(piece.len().min(into.remaining()));
            into.put_slice(&piece);
            if !rest.is_empty() {
                self.pieces.push_front(rest);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        self.is_asked = true;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        Poll::Ready(Ok(from.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Bytes as servers send them, with mistakes in them.
fn answers() -> impl Strategy<Value = Vec<u8>> {
    let start = prop_oneof![
        4 => Just("HTTP/1.1 200 OK\r\n"),
        1 => Just("HTTP/1.0 200 OK\r\n"),
        1 => prop::sample::select(vec![
            "HTTP/1.1 204 No Content\r\n", "HTTP/1.1 304 Not Modified\r\n", "HTTP/1.1 101 Switching\r\n",
            "HTTP/1.1 404\r\n", "HTTP/1.1 200 \r\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
            "HTTP/1.1 103 Hints\r\nlink: a\r\n\r\nHTTP/1.1 500 \u{e9}\n", "HTTP/1.1  200 OK\r\n", "HTTP/2 200\r\n",
            "\r\nHTTP/1.1 200 OK\r\n", "HTTP/1.1 999 Odd\r\n", "HTTP/1.1 099 Odd\r\n",
        ]),
    ];
    let line = prop::sample::select(vec![
        "server: a\r\n",
        "Set-Cookie: a=1; Path=/\r\n",
        "set-cookie: b=2\r\n",
        "x-folded: one\r\n\ttwo\r\n  three\r\n",
        "x-empty:\r\n",
        "x-space : a\r\n",
        "x-odd: \u{e9}\u{1}\r\n",
        "connection: close\r\n",
        "no colon\r\n",
        " x: a\r\n",
        "x-lf: a\n",
        "x-tab:\ta\t \r\n",
        ": none\r\n",
        "x-fold-first:\r\n a\r\n",
    ]);
    let framed = prop_oneof![
        (0_usize..40, "[a-z]{0,40}").prop_map(|(n, body)| (format!("content-length: {n}\r\n"), body)),
        "[a-z]{0,40}".prop_map(|body| (format!("Content-Length:{}\r\n", body.len()), body)),
        "[a-z]{0,20}".prop_map(|body| (String::new(), body)),
        chunks().prop_map(|body| ("transfer-encoding: chunked\r\n".to_owned(), body)),
        chunks().prop_map(|body| ("Transfer-Encoding: gzip , Chunked\r\n".to_owned(), body)),
        chunks().prop_map(|body| ("transfer-encoding: chunked, gzip\r\n".to_owned(), body)),
        Just(("content-length: 3\r\ncontent-length: 3, 3\r\n".to_owned(), "abc".to_owned())),
        chunks().prop_map(|body| ("content-length: 3\r\ntransfer-encoding: chunked\r\n".to_owned(), body)),
        Just(("content-length: 3, 4\r\n".to_owned(), "abc".to_owned())),
        Just(("content-length: 18446744073709551615\r\n".to_owned(), "abc".to_owned())),
    ];
    let mistakes = vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 0..3);
    (start, vec(line, 0..5), framed, prop_oneof![3 => Just(vec![]), 1 => mistakes]).prop_map(
        |(start, lines, (length, body), mistakes)| {
            let mut bytes = format!("{start}{}{length}\r\n{body}", lines.concat()).into_bytes();
            for (place, byte, kind) in mistakes {
                let at = place.index(bytes.len());
                match kind {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    _ if bytes.len() > 1 => drop(bytes.remove(at)),
                    _ => {}
                }
            }
            bytes
        },
    )
}

/// A body in chunks, most of them right.
fn chunks() -> impl Strategy<Value = String> {
    let size =
        prop_oneof![5 => Just(""), 1 => prop::sample::select(vec![" ", ";a=b", ";", "0", "\t;x", "g"])];
    let chunk = ("[a-z]{1,30}", size).prop_map(|(data, odd)| format!("{:x}{odd}\r\n{data}\r\n", data.len()));
    let end = prop::sample::select(vec![
        "0\r\n\r\n",
        "0\r\n\r\n",
        "0\r\n\r\nmore",
        "0\r\nx-trailer: 1\r\nserver: b\r\n\r\n",
        "000;x\r\n\r\n",
        "",
        "0\r\n",
        "0\r\nx-trailer\r\n\r\n",
        "0\n\n",
    ]);
    (vec(chunk, 0..4), end).prop_map(|(chunks, end)| chunks.concat() + end)
}

fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { usual.cases } else { CASES };
    ProptestConfig { cases, max_global_rejects: u32::MAX, failure_persistence: None, ..usual }
}

#[test]
fn both_read_the_same_of_whatever_comes() {
    let runtime = Builder::new_current_thread().build().unwrap();
    proptest!(config(), |(bytes in answers(), cuts in vec(any::<prop::sample::Index>(), 0..5), is_head in prop::bool::weighted(0.1))| {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).filter(|p| !p.is_empty()).collect();
        let (asked, method) = if is_head { (Asked::Head, Method::HEAD) } else { (Asked::Other, Method::GET) };
        let ours = ours(&pieces, asked);
        let hypers = runtime.block_on(hypers(&pieces, method));
        prop_assert_eq!(ours.unwrap_or(None), hypers, "{:?}", String::from_utf8_lossy(&bytes));
    });
}
