//! Closed load: a number of users, each of whom waits for its answers before it goes on.

use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::assign_classes;
use crate::load::user::{Instance, Next, User};
use crate::load::worker::Worker;
use crate::scenario::feeder::Turn;
use crate::scenario::journey::Think;

pub(super) async fn run(worker: &Rc<Worker>, users: u32, spawn_rate: f64) {
    let classes = assign_classes(worker, users);
    let mut tasks = JoinSet::new();
    for user in (worker.number..users).step_by(worker.workers as usize) {
        let spawned = worker.schedule.start + Duration::from_secs_f64(f64::from(user) / spawn_rate);
        tasks.spawn_local(live(Rc::clone(worker), user, users, classes[user as usize], spawned));
    }
    tasks.join_all().await;
}

/// One journey after another, until the load is over.
async fn live(worker: Rc<Worker>, number: u32, users: u32, class: usize, spawned: Instant) {
    if !worker.wait_until(spawned).await {
        return;
    }
    let mut user = User::new(&worker, number, spawned);
    let think = worker.scenario.user_classes[class].think;
    let mut due = spawned;
    for iteration in 0_u64.. {
        let instance = Instance {
            seed: worker.seed([u64::from(number), iteration]),
            turn: Turn { own: iteration, of_all: iteration * u64::from(users) + u64::from(number) },
        };
        let (next, free) = user.perform(class, instance, due).await;
        if next == Next::Stop {
            return;
        }
        due = match think {
            // Without catching up: a journey that took longer than its interval delays the next.
            Think::Pacing(interval) => (due + interval).max(free),
            _ => free,
        };
        if !worker.wait_until(due).await {
            return;
        }
    }
}
