//! Metrics of a run in progress, sent to other systems while it goes on: OTLP, or Prometheus's remote write.
//!
//! A destination has a thread and a runtime of its own, and a queue of a minute. Nobody waits for it: what finds no room
//! in the queue, or cannot be delivered, is counted as lost, and that is said.

mod otlp;
mod remote_write;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::event::Event;
use super::metrics::{Family, families};
use super::narrator::Listener;
use super::state::State;
use crate::execute::session::choose_tls_provider;
use crate::utc;
use crate::web::{self, Client, Redirects, Way};

/// Messages that wait for a slow reader: one a second.
const WAITING: usize = 60;
/// How long a message may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long what waits may take once the run is over.
const LAST: Duration = Duration::from_millis(500);

/// How metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP over HTTP, as protobuf.
    Otlp,
    /// Prometheus's remote write, version 1.
    RemoteWrite,
}

/// Where metrics go.
#[derive(Clone)]
pub struct Destination {
    /// How they are written.
    pub protocol: Protocol,
    /// The URL; a name and password in it become Basic credentials.
    pub url: String,
    /// Headers besides those of the protocol.
    pub headers: Vec<(String, String)>,
}

/// All metrics of a moment.
struct Message {
    families: Vec<Family>,
    /// Now, ms since 1970.
    at_ms: i64,
    /// When the run began, likewise.
    since_ms: i64,
}

/// What became of the messages so far.
#[derive(Default)]
struct Account {
    sent: AtomicU64,
    lost: AtomicU64,
    /// Why the last one was lost.
    reason: Mutex<String>,
}

impl Account {
    fn lose(&self, reason: &str) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        reason.clone_into(&mut self.reason.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The way to the thread; none once that is to end.
type Queue = Arc<Mutex<Option<SyncSender<Message>>>>;

/// Sends the metrics of a run in progress to a destination.
pub struct Pusher {
    shown: String,
    queue: Queue,
    account: Arc<Account>,
    /// When sending ends; not before the run is over.
    deadline: Arc<Mutex<Option<Instant>>>,
    thread: JoinHandle<()>,
}

impl Pusher {
    /// Begins to send; `warn` is told of the first message that is lost.
    ///
    /// # Errors
    /// If the URL cannot be one, or the system gives no thread.
    pub fn start(to: Destination, warn: impl Fn(&str) + Send + 'static) -> Result<Self, String> {
        let shown = web::shown(&to.url);
        if web::server(&to.url).is_none() {
            return Err(format!("`{shown}` is not a valid URL: expected e.g. `http://127.0.0.1:4318`"));
        }
        choose_tls_provider();
        let client = Client::new(PATIENCE, Redirects::Kept, &Way::default())?;
        let (sender, receiver) = sync_channel(WAITING);
        let (account, deadline) = (Arc::<Account>::default(), Arc::<Mutex<Option<Instant>>>::default());
        let sending = Sending {
            to,
            shown: shown.clone(),
            client,
            account: Arc::clone(&account),
            deadline: Arc::clone(&deadline),
            warn: Box::new(warn),
        };
        let thread = std::thread::Builder::new()
            .name("push".to_owned())
            .spawn(move || sending.run(&receiver))
            .map_err(|error| error.to_string())?;
        let queue = Arc::new(Mutex::new(Some(sender)));
        Ok(Self { shown, queue, account, deadline, thread })
    }

    /// Takes events in; that takes no time.
    pub fn listener(&self) -> Listener {
        listener(Arc::clone(&self.queue), Arc::clone(&self.account))
    }

    /// Gives what waits a last chance. What was lost, in words; none if nothing was.
    pub fn finish(self) -> Option<String> {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + LAST);
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        // A thread that has panicked has lost what it says it has, at least.
        let _ = self.thread.join();
        let (sent, lost) =
            (self.account.sent.load(Ordering::Relaxed), self.account.lost.load(Ordering::Relaxed));
        let reason = self.account.reason.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (lost > 0).then(|| {
            let all = sent + lost;
            format!("{lost} of {all} messages with metrics were not delivered to {}: {reason}", self.shown)
        })
    }
}

fn listener(queue: Queue, account: Arc<Account>) -> Listener {
    let known = Mutex::new((State::default(), 0_i64));
    Arc::new(move |event| {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, since_ms) = &mut *known;
        if matches!(event, Event::Begin(_)) {
            *since_ms = utc::now_ms();
        }
        state.take(&event);
        if matches!(event, Event::Tick(_) | Event::Done(_)) {
            let message = Message { families: families(state), at_ms: utc::now_ms(), since_ms: *since_ms };
            let queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            if queue.as_ref().is_none_or(|queue| queue.try_send(message).is_err()) {
                account.lose("it reads too slowly");
            }
        }
    })
}

/// The thread that sends.
struct Sending {
    to: Destination,
    shown: String,
    client: Client,
    account: Arc<Account>,
    deadline: Arc<Mutex<Option<Instant>>>,
    warn: Box<dyn Fn(&str) + Send>,
}

impl Sending {
    fn run(self, messages: &Receiver<Message>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let mut has_warned = false;
        for message in messages {
            let sent = match &runtime {
                Ok(runtime) => runtime.block_on(self.send(&message)),
                Err(error) => Err(error.to_string()),
            };
            match sent {
                Ok(()) => {
                    self.account.sent.fetch_add(1, Ordering::Relaxed);
                }
                Err(reason) => {
                    self.account.lose(&reason);
                    if !std::mem::replace(&mut has_warned, true) {
                        (self.warn)(&format!("metrics cannot be delivered to {}: {reason}", self.shown));
                    }
                }
            }
        }
    }

    async fn send(&self, message: &Message) -> Result<(), String> {
        let url = self.to.protocol.url(&self.to.url);
        let (headers, body) = match self.to.protocol {
            Protocol::Otlp => (otlp::HEADERS, otlp::body(message)),
            Protocol::RemoteWrite => (remote_write::HEADERS, remote_write::body(message)?),
        };
        let own = self.to.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers: Vec<(&str, &str)> = headers.iter().copied().chain(own).collect();
        let posted = self.client.post(&url, &headers, body);
        tokio::select! {
            answer = posted => answer?.below(300).map(drop),
            () = self.over() => Err("the run is over".to_owned()),
        }
    }

    /// Ends when what waits has had its last chance.
    async fn over(&self) {
        loop {
            let deadline = *self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Protocol {
    /// The URL of an endpoint: one of OTLP without a path has the usual one.
    fn url(self, given: &str) -> String {
        let path =
            given.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
        match self {
            Self::Otlp if path.is_empty() => format!("{}/v1/metrics", given.trim_end_matches('/')),
            _ => given.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::super::event::Tick;
    use super::*;

    fn to(protocol: Protocol, url: String) -> Destination {
        Destination { protocol, url, headers: vec![("x-scope-orgid".to_owned(), "shop".to_owned())] }
    }

    /// A server that answers so many requests with a status, and gives them.
    fn server(answers: usize, status: &'static str) -> (String, JoinHandle<Vec<Vec<u8>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = std::thread::spawn(move || {
            let mut requests = Vec::new();
            while requests.len() < answers {
                let mut stream = listener.accept().unwrap().0;
                let mut request = Vec::new();
                let mut byte = [0];
                while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
                    request.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
                let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
                let mut body = vec![0; length.parse().unwrap()];
                stream.read_exact(&mut body).unwrap();
                write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                    .unwrap();
                request.extend(body);
                requests.push(request);
            }
            requests
        });
        (url, served)
    }

    #[test]
    fn each_tick_is_posted_in_the_form_of_its_protocol() {
        for (protocol, path, kind) in [
            (Protocol::Otlp, "/v1/metrics", "application/x-protobuf"),
            (Protocol::RemoteWrite, "/api/v1/write", "application/x-protobuf"),
        ] {
            let (url, served) = server(2, "204 No Content");
            let url = if protocol == Protocol::Otlp { url } else { format!("{url}{path}") };
            let pusher = Pusher::start(to(protocol, url), |text| panic!("{text}")).unwrap();
            let tell = pusher.listener();
            tell(Event::Tick(Tick::default()));
            tell(Event::Tick(Tick::default()));
            assert_eq!(pusher.finish(), None);
            for request in served.join().unwrap() {
                let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
                assert!(head.starts_with(&format!("post {path} http/1.1\r\n")), "{head}");
                assert!(head.contains(&format!("content-type: {kind}\r\n")), "{head}");
                assert!(head.contains("x-scope-orgid: shop\r\n"), "{head}");
            }
        }
    }

    #[test]
    fn what_is_lost_is_said() {
        let (url, served) = server(1, "503 Service Unavailable");
        let warned = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&warned);
        let pusher =
            Pusher::start(to(Protocol::Otlp, url), move |text| told.lock().unwrap().push(text.to_owned()))
                .unwrap();
        let tell = pusher.listener();
        tell(Event::Tick(Tick::default()));
        let said = pusher.finish().unwrap();
        served.join().unwrap();
        assert!(
            said.starts_with("1 of 1 messages with metrics were not delivered to http://127.0.0.1"),
            "{said}"
        );
        assert!(said.ends_with("status 503 Service Unavailable"), "{said}");
        assert_eq!(warned.lock().unwrap().len(), 1, "once");
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let pusher =
            Pusher::start(to(Protocol::RemoteWrite, format!("http://me:pw@{gone}/w")), |_| ()).unwrap();
        pusher.listener()(Event::Tick(Tick::default()));
        assert!(!pusher.finish().unwrap().contains("pw"), "a password is not shown");
    }

    #[test]
    fn a_reader_that_does_not_read_takes_no_time_of_the_run() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let pusher = Pusher::start(to(Protocol::Otlp, url), |_| ()).unwrap();
        let (began, tell) = (Instant::now(), pusher.listener());
        for _ in 0..10 * WAITING {
            tell(Event::Tick(Tick::default()));
        }
        assert!(began.elapsed() < PATIENCE, "nobody waited for an answer");
        let said = pusher.finish().unwrap();
        assert!(said.starts_with("600 of 600 messages"), "{said}");
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        assert!(Pusher::start(to(Protocol::Otlp, "collector".to_owned()), |_| ()).is_err());
        assert_eq!(Protocol::Otlp.url("http://a:4318/"), "http://a:4318/v1/metrics");
        assert_eq!(Protocol::Otlp.url("http://a:4318/otlp/v1/metrics"), "http://a:4318/otlp/v1/metrics");
    }
}
