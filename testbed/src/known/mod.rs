//! A server of known truth: how long it takes, when it stalls and how often it fails is a value.
//!
//! ```text
//! request ─► number ─► truth(number) ─► timer (to the microsecond) ─► answer ─► counters
//! ```
//!
//! Every path is *served*: it takes the service time, waits out stalls and may be answered with
//! the error. Only the control paths are not, and are not counted: `/health`, `/stats`,
//! `/metrics` and `POST /reset`. Concurrency is unlimited: a request never waits for another,
//! unless [`Faults::places`] says so. What else is wrong with it is in [`Faults`].
//!
//! | path | answer |
//! |---|---|
//! | any other | the truth's status and body |
//! | `/echo` | method, path, headers and body of the request, as JSON |
//! | `/json` | a fixed JSON object with nested values |
//! | `/status/{code}` | that status |
//! | `/close` | none: the connection is closed |
//! | `POST /jobs` | 201 and a `job_id` |
//! | `GET /jobs/{id}` | 404 until the effect delay has passed since the 201, then 200 |

mod counters;
mod faults;
mod jobs;
mod metrics;
mod service;
mod stalls;
mod starts;
mod timer;
mod truth;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

use hyper::service::service_fn;

use self::service::Known;
pub use self::{
    faults::{Faults, MetricsPage},
    stalls::Stalls,
    truth::{ServiceTime, Truth},
};
use crate::server::{self, Background};

/// A known server that listens; it stops when dropped.
pub struct Running {
    address: SocketAddr,
    _background: Background,
}

impl Running {
    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Starts a server with this `truth` on a free port of the loopback address.
pub fn spawn(truth: Truth) -> io::Result<Running> {
    start(server::bind(0)?, truth)
}

/// Starts a server with this `truth` on a listener from [`server::bind`].
///
/// An impossible truth (a share above 1, a stall longer than its period) is an error of kind
/// `InvalidInput`; a starts file that cannot be written is one, too.
pub fn start(listener: TcpListener, truth: Truth) -> io::Result<Running> {
    truth.check().map_err(|message| io::Error::new(io::ErrorKind::InvalidInput, message))?;
    let address = listener.local_addr()?;
    let known = Arc::new(Known::new(truth)?);
    let background = Background::start(move |stop| {
        let service = service_fn(move |request| service::answer(Arc::clone(&known), request));
        server::serve(listener, service, stop)
    })?;
    Ok(Running { address, _background: background })
}
