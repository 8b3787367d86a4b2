//! The connections of the page: so many at a time, and each has to say soon what it wants.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

/// Connections at a time. The newest comes in: the oldest that has not asked for anything yet goes.
const MOST: usize = 256;
/// How long the head of a request may take, and how long a connection may be idle.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long to wait when the system gives no further connection, as at its limit of open files.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves connections until `closing` becomes true, and then those that are there to the end of their answers.
pub(super) async fn serve(listener: TcpListener, router: Router, closing: watch::Receiver<bool>) {
    let mut connections = Connections::default();
    let mut told = closing.clone();
    loop {
        tokio::select! {
            () = closes(&mut told) => break,
            Some(_) = connections.tasks.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => connections.add(stream, router.clone(), closing.clone()),
                Err(_) => tokio::time::sleep(PAUSE).await,
            },
        }
    }
    drop(listener);
    while connections.tasks.join_next().await.is_some() {}
}

async fn closes(closing: &mut watch::Receiver<bool>) {
    // A server that is gone has closed, too.
    let _ = closing.wait_for(|closing| *closing).await;
}

#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    /// The oldest first, each with whether it has asked for something.
    all: VecDeque<(AbortHandle, Arc<AtomicBool>)>,
}

impl Connections {
    fn add(&mut self, stream: TcpStream, router: Router, closing: watch::Receiver<bool>) {
        self.all.retain(|(task, _)| !task.is_finished());
        if self.all.len() >= MOST {
            let silent = self.all.iter().position(|(_, has_asked)| !has_asked.load(Ordering::Relaxed));
            // Where all are viewers there is no place for another one.
            let Some((task, _)) = silent.and_then(|place| self.all.remove(place)) else { return };
            task.abort();
        }
        let has_asked = Arc::new(AtomicBool::new(false));
        let task = self.tasks.spawn(connection(stream, router, Arc::clone(&has_asked), closing));
        self.all.push_back((task, has_asked));
    }
}

async fn connection(
    stream: TcpStream,
    router: Router,
    has_asked: Arc<AtomicBool>,
    mut closing: watch::Receiver<bool>,
) {
    let router = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        has_asked.store(true, Ordering::Relaxed);
        router.call(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    let served = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    tokio::select! {
        // A viewer may leave at any time: that is not a failure.
        _ = &mut served => return,
        () = closes(&mut closing) => served.as_mut().graceful_shutdown(),
    }
    let _ = served.await;
}
