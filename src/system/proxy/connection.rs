//! One connection through a proxy: the client's side, the system's side, and how both end.

use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::Effects;
use super::pump::{Direction, Link, Pump, open};
use crate::checksum::sha256;

/// How long the system may take to accept a connection.
const CONNECTS_WITHIN: Duration = Duration::from_secs(30);

/// What a connection needs to know.
pub(super) struct Connection {
    pub(super) to: String,
    /// What its draws follow from.
    pub(super) seed: String,
    pub(super) link: Arc<Link>,
    pub(super) effects: watch::Receiver<Effects>,
}

/// How a connection ends.
enum End {
    /// Both sides have closed it, or it is cut.
    Closed,
    /// One side has failed, or it is reset.
    Reset,
}

impl Connection {
    /// Carries bytes between a client and the system until the connection ends.
    pub(super) async fn carry(self, mut client: TcpStream) {
        let resets = self.effects.borrow().resets;
        let mut own = self.effects.clone();
        let connected = tokio::select! {
            end = ended(&mut own, resets) => Err(end),
            server = self.connect() => server.ok_or(End::Reset),
        };
        match connected {
            Err(end) => finish(&client, &end),
            Ok(mut server) => {
                // Small messages are to leave at once: what delays them is to be the fault alone.
                let _ = client.set_nodelay(true);
                let _ = server.set_nodelay(true);
                let end = tokio::select! {
                    end = ended(&mut own, resets) => end,
                    end = self.both_ways(&mut client, &mut server) => end,
                };
                finish(&client, &end);
                finish(&server, &end);
            }
        }
    }

    /// Connects to the system, once the network lets it.
    async fn connect(&self) -> Option<TcpStream> {
        open(&mut self.effects.clone()).await;
        tokio::time::timeout(CONNECTS_WITHIN, TcpStream::connect(&self.to)).await.ok()?.ok()
    }

    async fn both_ways(&self, client: &mut TcpStream, server: &mut TcpStream) -> End {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let there = self.pump(Direction::ToSystem).run(from_client, to_server);
        let back = self.pump(Direction::ToClient).run(from_server, to_client);
        match tokio::try_join!(there, back) {
            Ok(_) => End::Closed,
            Err(_) => End::Reset,
        }
    }

    fn pump(&self, direction: Direction) -> Pump<'_> {
        let hash = sha256(format!("{} {direction:?}", self.seed));
        let seed = hash.get(..16).and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(0);
        Pump {
            lane: self.link.lane(direction),
            effects: self.effects.clone(),
            rng: Pcg64Mcg::seed_from_u64(seed),
        }
    }
}

/// Ready when a fault ends all connections.
async fn ended(effects: &mut watch::Receiver<Effects>, resets: u64) -> End {
    loop {
        let now = *effects.borrow_and_update();
        if now.is_reset || now.resets > resets {
            return End::Reset;
        }
        if now.is_cut || effects.changed().await.is_err() {
            return End::Closed;
        }
    }
}

/// Closes a side as it is to end; the socket itself is closed by its drop.
fn finish(side: &TcpStream, end: &End) {
    if matches!(end, End::Reset) {
        // A side that is gone needs no reset.
        let _ = side.set_zero_linger();
    }
}
