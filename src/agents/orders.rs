//! Orders of a coordinator, carried out one after another.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_nats::Client;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::assignment::{self, Prepared};
use super::delivery::Progress;
use super::say::Say;
use super::wire::{Answer, Order, What};

/// A coordinator that was not heard of for so long is gone: it tells every few seconds that it is there.
const FORGOTTEN: Duration = Duration::from_secs(30);
/// How long an agent that is ended waits until its samples are stored.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// What an agent is doing, and for whom.
pub(super) struct Desk {
    client: Client,
    id: String,
    workers: u16,
    folder: PathBuf,
    /// Where its clock begins.
    zero: Instant,
    /// The session that it works for, and when that was heard of last.
    session: Option<(String, Instant)>,
    prepared: Option<Prepared>,
    run: Option<Run>,
    say: Say,
}

/// A run under way.
struct Run {
    token: String,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Desk {
    pub(super) fn new(client: Client, id: String, workers: u16, folder: PathBuf, say: Say) -> Self {
        let zero = Instant::now();
        Self { client, id, workers, folder, zero, session: None, prepared: None, run: None, say }
    }

    /// Whether it works for somebody.
    pub(super) fn is_busy(&self) -> bool {
        self.session.as_ref().is_some_and(|(_, heard)| heard.elapsed() < FORGOTTEN)
    }

    /// Carries an order out; whether it was the last one of its session.
    pub(super) async fn take(&mut self, order: Order) -> (Answer, bool) {
        let is_own = self.session.as_ref().is_some_and(|(session, _)| *session == order.session);
        if !is_own && (!matches!(order.what, What::Join | What::TellTime) || self.is_busy()) {
            return (Answer::Refused("it works for another coordinator".to_owned()), false);
        }
        if is_own || matches!(order.what, What::Join) {
            self.session = Some((order.session, Instant::now()));
        }
        match order.what {
            What::TellTime => (self.time(), false),
            What::Join => (Answer::Done, false),
            What::Prepare(assignment) => {
                match assignment::prepare(&self.client, assignment, self.workers).await {
                    Ok((prepared, ready)) => {
                        self.prepared = Some(prepared);
                        (Answer::Ready(ready), false)
                    }
                    Err(reason) => (Answer::Refused(reason), false),
                }
            }
            What::Start { token, zero_us, salt } => (self.start(&token, zero_us, salt), false),
            What::Stop { token } => {
                if let Some(run) = self.run.as_ref().filter(|run| run.token == token) {
                    run.stop.send_replace(true);
                }
                (Answer::Done, false)
            }
            What::Leave => {
                self.end_run();
                (self.session, self.prepared) = (None, None);
                (Answer::Done, true)
            }
        }
    }

    fn start(&mut self, token: &str, zero_us: i64, salt: Option<u64>) -> Answer {
        // An answer that was lost has the order repeated.
        if self.run.as_ref().is_some_and(|run| run.token == token) {
            return Answer::Done;
        }
        let Some(prepared) = self.prepared.take_if(|prepared| prepared.token() == token) else {
            return Answer::Refused("it is not ready for this run".to_owned());
        };
        self.end_run();
        let (stop, stopped) = watch::channel(false);
        let zero = self.instant(zero_us);
        let progress = Progress::new(prepared.agent(), &self.id);
        let (client, folder) = (self.client.clone(), self.folder.clone());
        let work = Box::pin(assignment::work(client, prepared, (zero, salt), folder, progress, stopped));
        let (say, name) = (self.say.clone(), token.to_owned());
        say(&format!("run {name}: makes its share"));
        let task = tokio::task::spawn_local(async move {
            match work.await {
                Ok(()) => say(&format!("run {name}: stored and sealed by the coordinator")),
                Err(error) => say(&format!("run {name}: {error}")),
            }
        });
        self.run = Some(Run { token: token.to_owned(), stop, task });
        Answer::Done
    }

    /// Ends the load that is under way, and waits a while until what it has made is stored.
    pub(super) async fn wind_up(&mut self) {
        if let Some(run) = self.run.take() {
            run.stop.send_replace(true);
            // What is not stored by then stays in the spool.
            let _ = tokio::time::timeout(LAST_WORDS, run.task).await;
        }
    }

    /// Ends the load that is under way; what it has made is delivered all the same.
    fn end_run(&mut self) {
        if let Some(run) = self.run.take() {
            run.stop.send_replace(true);
        }
    }

    fn time(&self) -> Answer {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let us = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        Answer::Time { clock_us: us(self.zero.elapsed()), unix_us: us(unix) }
    }

    /// The instant at which its clock shows so many µs.
    fn instant(&self, us: i64) -> Instant {
        let time = Duration::from_micros(us.unsigned_abs());
        let instant = if us < 0 { self.zero.checked_sub(time) } else { self.zero.checked_add(time) };
        instant.unwrap_or_else(Instant::now)
    }
}
