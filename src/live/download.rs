//! Samples on their way to whoever downloads them: never all at once in memory.

use std::io::{BufWriter, Write};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::mpsc;

use super::problem::Problem;
use super::site::Context;

/// Size of a part, bytes.
const PART: usize = 1 << 16;
/// Parts that may wait for their reader.
const WAITING: usize = 4;

/// The samples of a run or an experiment as CSV.
pub(super) async fn samples(context: Arc<Context>, of: String) -> Result<Body, Problem> {
    let (sender, mut receiver) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        let mut pipe = BufWriter::with_capacity(PART, Pipe(sender));
        let written = context.site.history.samples(&of, &mut pipe).map_err(Problem::from);
        let flushed = pipe.flush().map_err(|error| Problem::Failed(error.to_string()));
        if let Err(problem) = written.and(flushed) {
            // A reader that is gone needs no reason.
            let _ = pipe.get_ref().0.blocking_send(Err(problem));
        }
    });
    // What is wrong from the start shows with the first part; after it the answer has begun.
    let first = receiver.recv().await.unwrap_or_else(|| Ok(Bytes::new()))?;
    let rest =
        stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) });
    Ok(Body::from_stream(stream::iter([Ok(first)]).chain(rest)))
}

/// What is written to it goes to the reader.
struct Pipe(mpsc::Sender<Result<Bytes, Problem>>);

impl Write for Pipe {
    fn write(&mut self, part: &[u8]) -> std::io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(part)));
        sent.map(|()| part.len()).map_err(|_| std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
