//! Carries bytes from one side of a connection to the other: late, slowly, or not at all.

use std::collections::VecDeque;
use std::io::Result;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Effects;

/// Bytes that are read at a time.
const PIECE: usize = 16 << 10;
/// Bytes that may be on their way in one direction of a connection: further ones wait in the sender's buffers.
const MOST: usize = 4 << 20;
/// What passes under a limit goes in pieces of this time, so that it flows evenly.
const EVENLY: f64 = 0.02;

/// A direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    ToSystem,
    ToClient,
}

/// What all connections of a proxy share: a limit of bandwidth is that of the whole link.
#[derive(Debug, Default)]
pub(super) struct Link {
    to_system: Lane,
    to_client: Lane,
}

impl Link {
    pub(super) fn lane(&self, direction: Direction) -> &Lane {
        match direction {
            Direction::ToSystem => &self.to_system,
            Direction::ToClient => &self.to_client,
        }
    }
}

/// One direction of a link.
#[derive(Debug, Default)]
pub(super) struct Lane {
    free_at: Mutex<Option<Instant>>,
    /// That have come in.
    bytes: AtomicU64,
}

impl Lane {
    /// Bytes that have come in so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// When so many bytes have passed that come now, at so many per second.
    fn pass(&self, bytes: usize, per_second: u64) -> Instant {
        let now = Instant::now();
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = free_at.map_or(now, |free_at| free_at.max(now));
        let takes = Duration::try_from_secs_f64(bytes as f64 / per_second as f64).unwrap_or(Duration::MAX);
        let end = begin.checked_add(takes).unwrap_or(begin);
        *free_at = Some(end);
        end
    }
}

/// One direction of one connection.
pub(super) struct Pump<'a> {
    pub(super) lane: &'a Lane,
    pub(super) effects: watch::Receiver<Effects>,
    pub(super) rng: Pcg64Mcg,
}

/// Bytes on their way; empty for the end of them.
struct Piece {
    due: Instant,
    bytes: Vec<u8>,
}

impl Pump<'_> {
    /// Carries everything from one side to the other, its end included.
    pub(super) async fn run(mut self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> Result<()> {
        let mut buffer = vec![0; PIECE];
        let mut queue: VecDeque<Piece> = VecDeque::new();
        let mut on_their_way = 0;
        let mut is_open = true;
        loop {
            // A timer rounds up to a millisecond: what is due goes without one.
            if queue.front().is_some_and(|piece| piece.due <= Instant::now())
                && let Some(piece) = queue.pop_front()
            {
                if piece.bytes.is_empty() {
                    open(&mut self.effects).await;
                    return to.shutdown().await;
                }
                on_their_way -= piece.bytes.len();
                self.write(&piece.bytes, &mut to).await?;
                continue;
            }
            let due = queue.front().map(|piece| piece.due);
            tokio::select! {
                read = from.read(&mut buffer), if is_open && on_their_way < MOST => {
                    let n = read?;
                    is_open = n > 0;
                    on_their_way += n;
                    self.lane.bytes.fetch_add(n as u64, Ordering::Relaxed);
                    // Nothing overtakes what was sent before it.
                    let after = queue.back().map_or(Instant::now(), |last| last.due);
                    queue.push_back(Piece { due: self.due().max(after), bytes: buffer[..n].to_vec() });
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            }
        }
    }

    /// When something arrives that is sent now.
    fn due(&mut self) -> Instant {
        let now = Instant::now();
        let Some((delay, jitter)) = self.effects.borrow().delay else { return now };
        let part = if jitter.is_zero() { 0.5 } else { self.rng.random::<f64>() };
        now + delay.saturating_sub(jitter) + jitter.mul_f64(2.0 * part)
    }

    async fn write(&mut self, mut bytes: &[u8], to: &mut WriteHalf<'_>) -> Result<()> {
        while !bytes.is_empty() {
            open(&mut self.effects).await;
            let limit = self.effects.borrow().bandwidth;
            let piece = limit.map_or(bytes.len(), |per_second| evenly(per_second).min(bytes.len()));
            if let Some(per_second) = limit {
                sleep_until(self.lane.pass(piece, per_second)).await;
            }
            to.write_all(&bytes[..piece]).await?;
            bytes = &bytes[piece..];
        }
        Ok(())
    }
}

/// Waits until something passes.
pub(super) async fn open(effects: &mut watch::Receiver<Effects>) {
    // Where nobody can turn it off any more, the connection ends with the run.
    let _ = effects.wait_for(|effects| !effects.is_blackhole).await;
}

/// Bytes that pass at a time at so many per second.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number of bytes; saturates"
)]
fn evenly(per_second: u64) -> usize {
    ((per_second as f64 * EVENLY) as usize).max(1)
}
