//! The payment provider: in the orchestrator's process, or behind an address of its own, where it can be down.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
    time::{sleep, timeout},
};

use super::Outside;
use crate::{
    random::unit,
    storefront::{Form, Running, breaker::Breaker, health, serve},
};

/// Which payments are declined.
const SEED: u64 = 41;
/// How long a provider elsewhere may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);
/// Most bytes of its answer that are read.
const ANSWER: u64 = 4096;

/// Whoever charges payments.
pub(super) enum Payment {
    Here(Provider),
    /// Somebody elsewhere; the form after leaves one alone for a while who does not answer.
    There {
        address: SocketAddr,
        breaker: Option<Breaker>,
    },
}

impl Payment {
    pub(super) fn new(outside: &Outside, form: Form) -> Self {
        match outside.payment {
            Some(address) => {
                let breaker = (form == Form::After).then(Breaker::default);
                Self::There { address, breaker }
            }
            None => Self::Here(Provider::new(outside)),
        }
    }

    /// Charges a payment; whether it was accepted. A provider that does not answer has not charged anything.
    pub(super) async fn charge(&self, number: u64) -> bool {
        match self {
            Self::Here(provider) => provider.charge(number).await,
            Self::There { address, breaker: None } => ask(*address, number).await.unwrap_or(false),
            Self::There { address, breaker: Some(breaker) } => {
                if !breaker.allows(Instant::now()) {
                    return false;
                }
                let answer = ask(*address, number).await;
                breaker.note(answer.is_ok(), Instant::now());
                answer.unwrap_or(false)
            }
        }
    }

    /// Whether the provider is being left alone.
    pub(super) fn is_left_alone(&self) -> bool {
        matches!(self, Self::There { breaker: Some(breaker), .. } if breaker.is_open())
    }
}

/// The provider itself.
pub(super) struct Provider {
    slots: Semaphore,
    time: Duration,
    decline: f64,
}

impl Provider {
    fn new(outside: &Outside) -> Self {
        Self {
            slots: Semaphore::new(outside.payment_slots.get()),
            time: outside.payment_time,
            decline: outside.decline,
        }
    }

    /// Waits for a free slot, first come, first served.
    async fn charge(&self, number: u64) -> bool {
        let slot = self.slots.acquire().await;
        sleep(self.time).await;
        drop(slot);
        unit(SEED, number) >= self.decline
    }
}

/// Starts a payment provider on a listener from [`crate::server::bind`].
pub fn start_payment(listener: TcpListener, outside: &Outside) -> io::Result<Running> {
    let provider = Arc::new(Provider::new(outside));
    serve(listener, health().route("/charge/{number}", post(charge)).with_state(provider) as Router)
}

async fn charge(State(provider): State<Arc<Provider>>, Path(number): Path<u64>) -> StatusCode {
    if provider.charge(number).await { StatusCode::OK } else { StatusCode::PAYMENT_REQUIRED }
}

/// Asks a provider elsewhere.
async fn ask(address: SocketAddr, number: u64) -> io::Result<bool> {
    timeout(ANSWERS_WITHIN, exchange(address, number)).await.map_err(|_| io::ErrorKind::TimedOut)?
}

async fn exchange(address: SocketAddr, number: u64) -> io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "POST /charge/{number} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER).read_to_end(&mut answer).await?;
    match String::from_utf8_lossy(&answer).split(' ').nth(1) {
        Some("200") => Ok(true),
        Some("402") => Ok(false),
        _ => Err(io::Error::other("not an answer of a payment provider")),
    }
}
