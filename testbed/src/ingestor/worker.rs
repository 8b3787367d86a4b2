//! A worker: batches what waits in the queue into the database.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Mutex, PoisonError, atomic::Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use super::{Ingestor, board::Entry, message::Message};
use crate::neighbour::Problem;

/// How long to leave a neighbour alone that does not do what it should.
const RETRY: Duration = Duration::from_millis(100);
/// How often what depends on the time is written.
const TICK: Duration = Duration::from_millis(500);

/// Where workers tell of their batches.
pub(super) struct Log {
    out: Mutex<Out>,
}

struct Out {
    to: Box<dyn Write + Send>,
    batches: u64,
    messages: u64,
}

impl Log {
    /// A log that is written to a file, or printed.
    pub(super) fn open(file: Option<&Path>) -> io::Result<Log> {
        let to: Box<dyn Write + Send> = match file {
            Some(file) => Box::new(File::options().create(true).append(true).open(file)?),
            None => Box::new(io::stdout()),
        };
        Ok(Log { out: Mutex::new(Out { to, batches: 0, messages: 0 }) })
    }

    /// One line, in the words that dashboards look for.
    fn write(&self, messages: u64, took: Duration) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.batches += 1;
        out.messages += messages;
        let line = line(out.batches, messages, took.as_secs_f64(), out.messages);
        // Nobody has to read it.
        let _ = writeln!(out.to, "{line}").and_then(|()| out.to.flush());
    }
}

fn line(batch: u64, messages: u64, seconds: f64, total: u64) -> String {
    let rate = messages as f64 / seconds.max(1e-6);
    format!(
        "✓ Batch #{batch} saved successfully: {messages} messages in {seconds:.3}s ({rate:.0} msg/s) | \
         Total processed: {total}"
    )
}

/// Commits batches until the queue closes.
pub(super) fn run(ingestor: &Ingestor, name: &str) {
    let mut taker = ingestor.queue.taker(name);
    let mut writer = ingestor.database.writer();
    while let Some(batch) = taker.take() {
        let begun = Instant::now();
        let Some(committed_at) = insist(ingestor, name, || {
            // Stands for the way to the database and its disk, the same for every batch.
            thread::sleep(ingestor.config.commit_cost);
            writer.commit(name, &batch)
        }) else {
            return;
        };
        let entry = Entry { committed_at, latencies_ms: latencies_ms(&batch, committed_at) };
        ingestor.log.write(batch.len() as u64, begun.elapsed());
        ingestor.board.record(&entry);
        if insist(ingestor, name, || taker.settle(&entry)).is_none() {
            return;
        }
    }
}

fn latencies_ms(batch: &[Message], committed_at: i64) -> Vec<f64> {
    batch.iter().map(|message| (committed_at - message.created_at) as f64 / 1000.0).collect()
}

/// Does something until it succeeds: a batch that was accepted is not given up. None if the ingestor closes first.
fn insist<T>(ingestor: &Ingestor, name: &str, mut work: impl FnMut() -> Result<T, Problem>) -> Option<T> {
    loop {
        match work() {
            Ok(done) => return Some(done),
            Err(problem) => {
                ingestor.failures.fetch_add(1, Relaxed);
                eprintln!("ingestor: {name}: {problem}");
                if ingestor.is_closing.load(Relaxed) {
                    return None;
                }
                thread::sleep(RETRY);
            }
        }
    }
}

/// Writes what depends on the time, where it is not worked out when asked for.
pub(super) fn tick(ingestor: &Ingestor) {
    let Some(mut publisher) = ingestor.board.publisher() else { return };
    while !ingestor.is_closing.load(Relaxed) {
        if let Err(problem) = publisher.publish() {
            eprintln!("ingestor: dashboard: {problem}");
        }
        thread::sleep(TICK);
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_batch_is_told_of_in_the_words_of_the_guide() {
        let expected =
            "✓ Batch #42 saved successfully: 50 messages in 0.023s (2174 msg/s) | Total processed: 2100";
        assert_eq!(line(42, 50, 0.023, 2100), expected);
    }
}
