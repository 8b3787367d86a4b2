//! Ctrl-C: once ends a run with what it has, twice ends the program.

use std::io::Write;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::exit::Exit;

/// The user's wish to end.
#[derive(Clone)]
pub(super) struct Interrupt(Arc<watch::Sender<bool>>);

impl Interrupt {
    /// Wishes to end at the first INT or TERM. A second one ends the program at once, after `last`.
    ///
    /// # Errors
    /// If the system refuses to tell of signals.
    pub(super) fn listen(last: impl FnOnce() + Send + 'static) -> std::io::Result<Self> {
        let wish = Self(Arc::new(watch::channel(false).0));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let (mut interrupt, mut terminate) = runtime.block_on(async {
            Ok::<_, std::io::Error>((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
        })?;
        let told = wish.clone();
        // On a thread of its own: it hears of signals whatever else goes on, or does not go on any more.
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                either(&mut interrupt, &mut terminate).await;
                say("stopping: waiting for requests in flight; press Ctrl-C again to abort");
                told.stop();
                either(&mut interrupt, &mut terminate).await;
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

/// Ends the program at once. Services end through their watchdogs, and the store keeps what is committed.
pub(super) fn quit() -> ! {
    say("quitting");
    std::process::exit(Exit::Interrupted as i32)
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

fn say(text: &str) {
    // A terminal that is gone cannot be told; the run ends all the same.
    let _ = writeln!(std::io::stderr(), "loadproof: {text}");
}
