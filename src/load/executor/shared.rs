//! Shared iterations: a number of journeys that a number of users work off together.

use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::assign_classes;
use crate::load::user::{Instance, Next, User};
use crate::load::worker::Worker;
use crate::scenario::feeder::Turn;

pub(super) async fn run(worker: &Rc<Worker>, iterations: u64, concurrency: u32, over: Option<Duration>) {
    let classes = assign_classes(worker, concurrency);
    let interval = over.map(|over| over.div_f64(iterations as f64));
    let mut tasks = JoinSet::new();
    for user in worker.part.members(concurrency) {
        let class = classes[user as usize];
        tasks.spawn_local(work_off(Rc::clone(worker), user, class, iterations, interval));
    }
    tasks.join_all().await;
}

/// Takes the next journey that nobody has taken, until all are.
async fn work_off(
    worker: Rc<Worker>,
    number: u32,
    class: usize,
    iterations: u64,
    interval: Option<Duration>,
) {
    let start = worker.recording.schedule.start;
    if !worker.timer.sleep_until(start).await {
        return;
    }
    let mut user = User::new(&worker, number, start);
    loop {
        let taken = worker.given_out.fetch_add(1, Ordering::Relaxed);
        if taken >= iterations {
            return;
        }
        let due = interval.map_or_else(Instant::now, |interval| start + due_after(taken, interval));
        if !worker.timer.sleep_until(due).await {
            return;
        }
        let instance =
            Instance { seed: worker.seeds.journey([taken]), turn: Turn { own: taken, of_all: taken } };
        if user.perform(class, instance, due).await.0 == Next::Stop {
            return;
        }
    }
}

/// How long after the load's start a journey is due, where they are spread over a time.
fn due_after(journey: u64, interval: Duration) -> Duration {
    interval.mul_f64(journey as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn journeys_are_spread_evenly_whoever_takes_them() {
        let interval = Duration::from_secs(60).div_f64(240.0);
        assert_eq!(due_after(0, interval), Duration::ZERO);
        assert_eq!(due_after(120, interval), Duration::from_secs(30));
        assert!(due_after(239, interval) < Duration::from_secs(60));
    }
}
