//! The server: a thread and a runtime of its own, bound before anything else is done.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::connections;
use super::feed::Feed;
use super::guard::Guard;
use super::routes;
use super::secret::Secret;
use super::site::{Context, Site};

/// How long viewers may take to fetch the results, once all is done.
const FETCH_TIME: Duration = Duration::from_secs(3);
/// How long answers under way may take once the server closes.
const GRACE: Duration = Duration::from_secs(1);

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Anybody could reach it.
    #[error(
        "`{0}` can be reached from other machines: give a token (--ui-token, or LOADPROOF_UI_TOKEN), or bind 127.0.0.1"
    )]
    Open(SocketAddr),
    /// Somebody else listens there, or nobody may.
    #[error(
        "cannot listen on `{address}`: {error}; choose another with --ui-bind, or 127.0.0.1:0 for a free port"
    )]
    Bind {
        /// Where.
        address: SocketAddr,
        /// The system's words.
        error: std::io::Error,
    },
    /// The system gives no thread or random numbers.
    #[error("cannot set up the live page: {0}")]
    SetUp(#[from] std::io::Error),
}

/// A server that listens; it closes when it is dropped.
pub struct Server {
    address: SocketAddr,
    close: Option<oneshot::Sender<Closing>>,
    thread: Option<JoinHandle<()>>,
}

/// How a server closes: how long it stays when all is done.
struct Closing {
    linger: Duration,
    /// A change ends it.
    interrupt: watch::Receiver<bool>,
}

impl Server {
    /// Binds an address and serves there. Only the loopback address may be bound without a token.
    ///
    /// # Errors
    /// If it may not, or cannot, be bound.
    pub fn start(address: SocketAddr, token: Option<Secret>, site: Site) -> Result<Self, ServeError> {
        if !address.ip().is_loopback() && token.is_none() {
            return Err(ServeError::Open(address));
        }
        let listener = TcpListener::bind(address).map_err(|error| ServeError::Bind { address, error })?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let guard = Guard::new(address, token)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (close, closed) = oneshot::channel();
        let thread = std::thread::Builder::new().name("live".to_owned()).spawn(move || {
            runtime.block_on(serve(listener, guard, site, closed));
            // Pages that are still being made are waited for by nobody.
            runtime.shutdown_background();
        })?;
        Ok(Self { address, close: Some(close), thread: Some(thread) })
    }

    /// Where it is: `http://127.0.0.1:8089/`.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Closes it: after `linger`, or once `interrupt` changes; without lingering as soon as its viewers have fetched
    /// what came of it, or have had the time to.
    pub fn close(mut self, linger: Duration, interrupt: watch::Receiver<bool>) {
        if let (Some(close), Some(thread)) = (self.close.take(), self.thread.take()) {
            // Where the thread is gone already there is nothing to close.
            let _ = close.send(Closing { linger, interrupt });
            let _ = thread.join();
        }
    }
}

async fn serve(listener: TcpListener, guard: Guard, site: Site, closed: oneshot::Receiver<Closing>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let (close, closing) = watch::channel(false);
    let feed = Arc::clone(&site.feed);
    let context = Arc::new(Context { site, guard, closing: closing.clone() });
    let serving = tokio::spawn(connections::serve(listener, routes::router(context), closing));
    if let Ok(closing) = closed.await {
        stay(closing, &feed).await;
    }
    let _ = close.send(true);
    let _ = tokio::time::timeout(GRACE, serving).await;
}

/// Ends when the server need not stay any longer.
async fn stay(mut closing: Closing, feed: &Feed) {
    if closing.linger.is_zero() {
        let _ = tokio::time::timeout(FETCH_TIME, feed.no_viewers()).await;
    } else {
        tokio::select! {
            () = tokio::time::sleep(closing.linger) => {}
            _ = closing.interrupt.changed() => {}
        }
    }
}
