//! The dashboard's stream: a WebSocket that is sent what `GET /stats` answers, twice a second.

use std::{io::Cursor, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{
        StatusCode,
        header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE},
    },
    response::{IntoResponse, Response},
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tungstenite::{
    handshake::derive_accept_key,
    protocol::frame::{
        Frame, FrameHeader,
        coding::{Control, Data, OpCode},
    },
};

use super::Ingestor;
use crate::neighbour::Problem;

/// Time between two messages.
const PERIOD: Duration = Duration::from_millis(500);
/// Longest frame that a client may send: all that it has to say is that it is there, or goes.
const LONGEST: usize = 4096;

/// What the dashboard shows.
pub(super) async fn shown(ingestor: &Ingestor) -> Result<Value, Problem> {
    let (sight, lengths) = (ingestor.board.sight().await?, ingestor.queue.lengths().await?);
    let mut shown = serde_json::to_value(sight)?;
    shown["queue_length"] = lengths.waiting.into();
    shown["in_hand"] = lengths.in_hand.into();
    Ok(shown)
}

/// Answers the handshake (RFC 6455), and streams from then on.
pub(super) async fn upgrade(State(ingestor): State<Arc<Ingestor>>, mut request: Request) -> Response {
    let key = request.headers().get(SEC_WEBSOCKET_KEY).cloned();
    let upgraded = request.extensions_mut().remove::<OnUpgrade>();
    let (Some(key), Some(upgraded)) = (key, upgraded) else {
        return (StatusCode::UPGRADE_REQUIRED, "this is a WebSocket").into_response();
    };
    tokio::spawn(async move {
        if let Ok(connection) = upgraded.await {
            // A viewer that goes away is its own business.
            let _ = stream(&ingestor, TokioIo::new(connection)).await;
        }
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(CONNECTION, "upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_ACCEPT, derive_accept_key(key.as_bytes()))
        .body(Body::empty())
        .unwrap_or_else(|error| (StatusCode::BAD_REQUEST, error.to_string()).into_response())
}

async fn stream(ingestor: &Ingestor, mut connection: TokioIo<Upgraded>) -> Result<(), Problem> {
    let mut ticks = tokio::time::interval(PERIOD);
    let mut received = Vec::new();
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                // While a neighbour does not answer there is nothing to show.
                if let Ok(shown) = shown(ingestor).await {
                    let frame = Frame::message(shown.to_string(), OpCode::Data(Data::Text), true);
                    send(&mut connection, frame).await?;
                }
            }
            read = connection.read_buf(&mut received) => {
                if read? == 0 || !answer(&mut connection, &mut received).await? {
                    return Ok(());
                }
            }
        }
    }
}

/// Answers what a client has sent; false when it goes.
async fn answer(connection: &mut TokioIo<Upgraded>, received: &mut Vec<u8>) -> Result<bool, Problem> {
    loop {
        let mut cursor = Cursor::new(&received[..]);
        let Some((header, length)) = FrameHeader::parse(&mut cursor)? else { return Ok(true) };
        let start = usize::try_from(cursor.position())?;
        let length = usize::try_from(length)?;
        if length > LONGEST {
            return Ok(false);
        }
        if received.len() < start + length {
            return Ok(true);
        }
        let mut payload: Vec<u8> = received.drain(..start + length).skip(start).collect();
        if let Some(mask) = header.mask {
            payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        }
        match header.opcode {
            OpCode::Control(Control::Close) => {
                send(connection, Frame::close(None)).await?;
                return Ok(false);
            }
            OpCode::Control(Control::Ping) => send(connection, Frame::pong(payload)).await?,
            _ => {}
        }
    }
}

async fn send(connection: &mut TokioIo<Upgraded>, frame: Frame) -> Result<(), Problem> {
    let mut bytes = Vec::new();
    frame.format(&mut bytes)?;
    Ok(connection.write_all(&bytes).await?)
}
