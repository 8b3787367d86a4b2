//! Ctrl-C and the other signals that end a process: once ends a run with what it has, twice ends the program at once. Either
//! way the system's files are put back.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::exit::Exit;
use super::output;
use crate::execute::session;

/// A signal that comes again within this time is the same wish: a terminal that closes may tell of it twice.
const SAME_WISH: Duration = Duration::from_millis(300);

/// The user's wish to end.
#[derive(Clone)]
pub(super) struct Interrupt(Arc<watch::Sender<bool>>);

impl Interrupt {
    /// Wishes to end at the first INT, TERM, HUP or QUIT. A second one ends the program at once, after `last`.
    ///
    /// # Errors
    /// If the system refuses to tell of signals.
    pub(super) fn listen(last: impl FnOnce() + Send + 'static) -> std::io::Result<Self> {
        let wish = Self(Arc::new(watch::channel(false).0));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let mut ends = runtime.block_on(async { Ends::listen() })?;
        let told = wish.clone();
        // On a thread of its own: it hears of signals whatever else goes on, or does not go on any more.
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                let first = (ends.next().await, Instant::now());
                say("stopping: waiting for requests in flight; press Ctrl-C again to abort");
                told.stop();
                while ends.next().await == first.0 && first.1.elapsed() < SAME_WISH {}
            });
            last();
            quit();
        })?;
        Ok(wish)
    }

    /// Wishes it as Ctrl-C does.
    pub(super) fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Tells of the wish.
    pub(super) fn receiver(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }
}

/// What ends the runs of a store at once: the system's files are put back, and stay so until the program has ended.
pub(super) fn ending_at_once(store: &Path) -> impl FnOnce() + Clone + Send + Sync + use<> {
    let store: PathBuf = store.to_owned();
    move || {
        let (failures, still) = session::restore_at_once(&store);
        for failure in failures {
            say(&failure.to_string());
        }
        std::mem::forget(still);
    }
}

/// Ends the program at once. Services end through their watchdogs, and the store keeps what is committed.
pub(super) fn quit() -> ! {
    say("quitting");
    std::process::exit(Exit::Interrupted as i32)
}

/// The signals that ask a process to end.
struct Ends(Vec<Signal>);

impl Ends {
    fn listen() -> std::io::Result<Self> {
        let kinds =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::quit(), SignalKind::hangup()];
        // `nohup` asks to outlive the terminal.
        let wanted = kinds.into_iter().filter(|kind| *kind != SignalKind::hangup() || !is_ignored(*kind));
        wanted.map(signal).collect::<Result<_, _>>().map(Self)
    }

    /// The place of the next one that comes.
    async fn next(&mut self) -> usize {
        std::future::poll_fn(|context| {
            let come = self.0.iter_mut().position(|signal| signal.poll_recv(context).is_ready());
            come.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
        })
        .await
    }
}

/// Whether this process was started with a signal ignored; false where the system does not tell.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}

fn say(text: &str) {
    output::say(&format!("loadproof: {text}"));
}
