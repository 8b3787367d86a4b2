//! The replicator: applies the log to the replica, in order, a batch at a time.

use std::{
    sync::atomic::Ordering::Relaxed,
    thread,
    time::{Duration, Instant},
};

use super::{Gateway, event::Event};
use crate::neighbour::Problem;

/// Most events of a batch.
const BATCH: usize = 100;
/// Pause after a look that found nothing, and after one that failed.
const TICK: Duration = Duration::from_millis(5);
const RETRY: Duration = Duration::from_millis(100);

/// Applies the log until the gateway closes.
pub(super) fn run(gateway: &Gateway) {
    while !gateway.is_closing.load(Relaxed) {
        match step(gateway) {
            Ok(true) => {}
            Ok(false) => thread::sleep(TICK),
            Err(problem) => {
                gateway.counters.replicated.retry.add(1);
                eprintln!("gateway: replicator: {problem}");
                thread::sleep(RETRY);
            }
        }
    }
}

/// Applies a batch; false if there was none.
fn step(gateway: &Gateway) -> Result<bool, Problem> {
    let _turn = gateway.counters.turn();
    let position = gateway.replica.position()?;
    let (events, end) = gateway.wal.read(position, BATCH)?;
    let Some(first) = events.first() else {
        gateway.counters.caught_up();
        return Ok(false);
    };
    gateway.counters.behind_since(first.wal_timestamp);
    let begun = Instant::now();
    // Stands for the way to the replica and its disk, the same for every batch.
    thread::sleep(gateway.config.apply_cost);
    match gateway.replica.apply(&events, end) {
        Ok(()) => gateway.counters.replicated.ok.add(events.len() as u64),
        // One of them may be what cannot be applied, whoever asks: each by itself then.
        Err(_) => one_by_one(gateway, position, events.len())?,
    }
    let each = begun.elapsed().as_secs_f64() / events.len() as f64;
    for _ in &events {
        gateway.counters.replication_seconds.observe(each);
    }
    Ok(true)
}

fn one_by_one(gateway: &Gateway, mut position: u64, count: usize) -> Result<(), Problem> {
    for _ in 0..count {
        let (events, end) = gateway.wal.read(position, 1)?;
        let [event] = &events[..] else { return Ok(()) };
        match gateway.replica.apply(&events, end) {
            Ok(()) => gateway.counters.replicated.ok.add(1),
            Err(problem) if is_refusal(event) => {
                gateway.replica.bury(event, &problem.to_string(), end)?;
                gateway.counters.replicated.dlq.add(1);
            }
            Err(problem) => return Err(problem),
        }
        position = end;
    }
    Ok(())
}

/// Whether the replica's constraint refuses an event; every other failure is one of the moment, and tried again.
fn is_refusal(event: &Event) -> bool {
    event.message.chars().count() > 4096
}
