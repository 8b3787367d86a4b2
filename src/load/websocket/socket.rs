//! An open WebSocket: one half reads all the time, so that messages have the time at which they came and the
//! server's pings are answered while the user thinks; the other is the user's.

use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::task::AbortHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message as Frame, Utf8Bytes};

use super::inbox::{Inbox, Message};
use crate::load::failure::stream_reason;
use crate::load::stream::Stream;

/// What is said of a socket that has ended without saying why.
const CLOSED: &str = "the WebSocket is closed";

/// An open WebSocket of one user.
pub(in crate::load) struct Socket {
    /// Where the user's messages go.
    sink: SplitSink<WebSocketStream<Stream>, Frame>,
    inbox: Rc<Inbox>,
    reader: AbortHandle,
}

impl Socket {
    /// Speaks over a stream that has been switched to WebSocket; `early`: what has come of it already. A message of more
    /// than `limit` bytes ends it. Needs a `LocalSet` of the current thread.
    pub(super) async fn over(stream: Stream, early: Box<[u8]>, limit: usize) -> Self {
        let config = WebSocketConfig::default().max_message_size(Some(limit)).max_frame_size(Some(limit));
        let (role, early) = (Role::Client, early.into_vec());
        let stream = WebSocketStream::from_partially_read(stream, early, role, Some(config)).await;
        let (sink, stream) = stream.split();
        let inbox = Rc::new(Inbox::default());
        let reader = tokio::task::spawn_local(read(stream, Rc::clone(&inbox), limit)).abort_handle();
        Self { sink, inbox, reader }
    }

    /// Sends a message: as a text where it is one. It is sent when the machine has taken it.
    ///
    /// # Errors
    /// In words.
    pub(in crate::load) async fn send(&mut self, body: Bytes) -> Result<Instant, String> {
        if let Some(reason) = self.inbox.ended() {
            return Err(reason);
        }
        let frame = match Utf8Bytes::try_from(body.clone()) {
            Ok(text) => Frame::Text(text),
            Err(_) => Frame::Binary(body),
        };
        let sent = self.sink.send(frame).await;
        sent.map_err(|error| self.inbox.ended().unwrap_or_else(|| reason(&error)))?;
        Ok(Instant::now())
    }

    /// The first message that is wanted, as soon as it has come.
    ///
    /// # Errors
    /// In words, if none is there and none will come.
    pub(in crate::load) async fn next(
        &self,
        is_wanted: impl FnMut(&Message) -> bool,
    ) -> Result<Message, String> {
        self.inbox.next(is_wanted).await
    }

    /// Whether a message that came since then was not taken and had to make room for later ones.
    pub(in crate::load) fn has_forgotten_since(&self, since: Instant) -> bool {
        self.inbox.has_forgotten_since(since)
    }

    /// Closes it, and waits until the server has closed it as well.
    ///
    /// # Errors
    /// In words, if it was closed already or cannot be.
    pub(in crate::load) async fn close(&mut self) -> Result<(), String> {
        if let Some(reason) = self.inbox.ended() {
            return Err(reason);
        }
        self.sink.close().await.map_err(|error| reason(&error))?;
        self.inbox.until_ended().await;
        Ok(())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Takes messages in until there are no more. Pings are answered meanwhile, by whoever reads next.
async fn read(mut stream: SplitStream<WebSocketStream<Stream>>, inbox: Rc<Inbox>, limit: usize) {
    while let Some(frame) = stream.next().await {
        let at = Instant::now();
        match frame {
            Ok(Frame::Text(text)) => inbox.arrived(at, text.into()),
            Ok(Frame::Binary(body)) => inbox.arrived(at, body),
            // Nothing follows it, even if the connection stays; it is answered when the stream is read next.
            Ok(Frame::Close(frame)) => inbox.end(farewell(frame.as_ref())),
            Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_)) => {}
            Err(Error::Capacity(_)) => {
                inbox.end(format!("a message of more than {limit} bytes (`body_limit`)"))
            }
            Err(error) => inbox.end(reason(&error)),
        }
    }
    inbox.end(CLOSED.to_owned());
}

/// How a server has closed a socket.
fn farewell(frame: Option<&CloseFrame>) -> String {
    match frame {
        Some(CloseFrame { code, reason }) if reason.is_empty() => {
            format!("the server closed the WebSocket with code {}", u16::from(*code))
        }
        Some(CloseFrame { code, reason }) => {
            format!("the server closed the WebSocket with code {}: {reason}", u16::from(*code))
        }
        None => "the server closed the WebSocket".to_owned(),
    }
}

/// Why a socket has broken.
fn reason(error: &Error) -> String {
    match error {
        Error::Io(error) => stream_reason(error),
        Error::ConnectionClosed | Error::AlreadyClosed => CLOSED.to_owned(),
        other => format!("WebSocket: {other}"),
    }
}
