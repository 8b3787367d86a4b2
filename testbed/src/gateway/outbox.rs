//! The outbox: what requests did not write through is written to memory and log later, in order.

use std::{sync::atomic::Ordering::Relaxed, thread, time::Duration};

use super::Gateway;
use crate::neighbour::Problem;

/// Events that one look takes.
const BATCH: i64 = 100;
/// Pause after a look that found nothing, and after one that failed.
const TICK: Duration = Duration::from_millis(20);
const RETRY: Duration = Duration::from_millis(100);

/// Works the outbox off until the gateway closes.
pub(super) fn run(gateway: &Gateway) {
    while !gateway.is_closing.load(Relaxed) {
        match step(gateway) {
            Ok(0) => thread::sleep(TICK),
            Ok(_) => {}
            Err(problem) => {
                gateway.counters.published.error.add(1);
                eprintln!("gateway: outbox: {problem}");
                thread::sleep(RETRY);
            }
        }
    }
}

/// Publishes what is queued; how many events that were.
fn step(gateway: &Gateway) -> Result<usize, Problem> {
    let _turn = gateway.counters.turn();
    let queued = gateway.replica.queued(BATCH)?;
    let count = queued.len();
    for mut event in queued {
        thread::sleep(gateway.memory.cost());
        if !gateway.memory.succeeds() {
            gateway.counters.published.error.add(1);
            // It is still in the outbox, and tried again with the next look.
            return Ok(count);
        }
        // An event that is in the log twice is applied once.
        gateway.wal.append(&mut event)?;
        gateway.replica.dequeue(&event.id)?;
        gateway.counters.published.ok.add(1);
    }
    Ok(count)
}
