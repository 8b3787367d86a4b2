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
        let due = interval.map_or_else(Instant::now, |i| start + i.mul_f64(taken as f64));
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
