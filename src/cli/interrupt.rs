//! Ctrl-C: once ends a run with what it has, twice ends the program.

use std::io::Write;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::exit::Exit;

/// Becomes true at the first INT or TERM; a second one ends the program at once.
///
/// # Errors
/// If the system refuses to tell of signals.
pub(super) fn watch() -> std::io::Result<watch::Receiver<bool>> {
    let (sender, receiver) = watch::channel(false);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        either(&mut interrupt, &mut terminate).await;
        say("ending the run: requests under way get their grace; once more to quit at once");
        let _ = sender.send(true);
        either(&mut interrupt, &mut terminate).await;
        say("quitting");
        // Services end through their watchdogs, and the store keeps what is committed.
        std::process::exit(Exit::Interrupted as i32);
    });
    Ok(receiver)
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
