//! Sockets: binding the loopback address, serving HTTP/1.1 on it, stopping when asked.
//!
//! A system runs on a thread and runtime of its own, so that it neither needs nor disturbs the
//! runtime of the test that started it.

use std::{
    error::Error,
    future::Future,
    io,
    net::{Ipv4Addr, TcpListener},
    thread,
    time::Duration,
};

use hyper::{
    Request, Response,
    body::{Body, Incoming},
    server::conn::http1,
    service::Service,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
};
use tokio::{net::TcpStream, sync::watch};

/// How long requests under way may take once the server was told to stop.
const GRACE: Duration = Duration::from_secs(1);

/// How long to leave a listener alone that cannot accept (out of file descriptors, mostly).
const ACCEPT_RETRY: Duration = Duration::from_millis(10);

/// Binds `port` of the loopback address; port 0 takes a free one.
///
/// The error names the address, which that of the standard library does not.
pub fn bind(port: u16) -> io::Result<TcpListener> {
    let address = (Ipv4Addr::LOCALHOST, port);
    let listener = TcpListener::bind(address).map_err(|error| {
        let message = format!("cannot listen on 127.0.0.1:{port}: {error}");
        io::Error::new(error.kind(), message)
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// A runtime on a thread of its own; dropping it asks its work to stop and waits until it has.
pub(crate) struct Background {
    stop: watch::Sender<bool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Background {
    /// Runs `work` until it is done; it is expected to end soon after `stop` says so.
    pub(crate) fn start<F, W>(work: W) -> io::Result<Background>
    where
        W: FnOnce(Stop) -> F + Send + 'static,
        F: Future<Output = ()>,
    {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let (stop, stopped) = watch::channel(false);
        let thread = thread::Builder::new().name("testbed".to_owned()).spawn(move || {
            runtime.block_on(work(Stop(stopped)));
            runtime.shutdown_background();
        })?;
        Ok(Background { stop, thread: Some(thread) })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        await_end(self.thread.take());
    }
}

/// Waits until threads that were told to end have done so.
pub(crate) fn await_end(threads: impl IntoIterator<Item = thread::JoinHandle<()>>) {
    for thread in threads {
        // A panic there has been printed already; there is nothing to add.
        let _ = thread.join();
    }
}

/// Says when to stop.
#[derive(Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Returns once stopping was asked for, or nobody is left to ask.
    pub(crate) async fn asked(&mut self) {
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

/// Serves every connection of `listener` with `service` until `stop`, then lets requests under
/// way finish within [`GRACE`].
///
/// A service that answers with an error closes its connection without an answer.
pub(crate) async fn serve<S, B>(listener: TcpListener, service: S, stop: Stop)
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    accept(listener, stop, |stream, watcher| {
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
        async move {
            // A client that goes away is its own business.
            let _ = watcher.watch(connection).await;
        }
    })
    .await;
}

/// The same for a service that lets connections go over to another protocol, such as WebSocket's.
pub(crate) async fn serve_with_upgrades<S, B>(listener: TcpListener, service: S, stop: Stop)
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    accept(listener, stop, |stream, watcher| {
        let (builder, service) = (builder.clone(), service.clone());
        async move {
            let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
            // A client that goes away is its own business.
            let _ = watcher.watch(connection).await;
        }
    })
    .await;
}

/// Runs what `handle` makes of every connection of `listener` until `stop`, then gives it
/// [`GRACE`] to end. The watcher tells a connection that it should.
pub(crate) async fn accept<F>(listener: TcpListener, mut stop: Stop, handle: impl Fn(TcpStream, Watcher) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("testbed: cannot serve: {error}");
            return;
        }
    };
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.asked() => break,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_RETRY).await;
            continue;
        };
        // Without it an answer may wait 40 ms for the client's delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        tokio::spawn(handle(stream, connections.watcher()));
    }
    drop(listener);
    tokio::select! {
        () = connections.shutdown() => {}
        () = tokio::time::sleep(GRACE) => {}
    }
}
