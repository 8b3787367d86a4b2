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
    for user in worker.part.members(users) {
        let spawned = worker.recording.schedule.start + spawned_after(user, spawn_rate);
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
            seed: worker.seeds.journey([u64::from(number), iteration]),
            turn: Turn { own: iteration, of_all: iteration * u64::from(users) + u64::from(number) },
        };
        let (next, free) = user.perform(class, instance, due).await;
        if next == Next::Stop {
            return;
        }
        due = next_due(think, due, free);
        if !worker.wait_until(due).await {
            return;
        }
    }
}

/// How long after the load's start a user begins, at so many users per second.
fn spawned_after(user: u32, spawn_rate: f64) -> Duration {
    Duration::from_secs_f64(f64::from(user) / spawn_rate)
}

/// When a user's next journey is due whose last one was due at `due` and has ended at `free`.
fn next_due(think: Think, due: Instant, free: Instant) -> Instant {
    match think {
        // Without catching up: a journey that took longer than its interval delays the next.
        Think::Pacing(interval) => (due + interval).max(free),
        _ => free,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_spawned_at_their_rate_whichever_worker_they_belong_to() {
        let after: Vec<u128> = (0..4).map(|user| spawned_after(user, 2.0).as_millis()).collect();
        assert_eq!(after, [0, 500, 1_000, 1_500]);
    }

    #[test]
    fn a_paced_journey_is_due_an_interval_after_the_last_or_when_that_has_ended() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let paced = Think::Pacing(Duration::from_millis(100));
        assert_eq!(next_due(paced, at(0), at(30)), at(100));
        assert_eq!(next_due(paced, at(0), at(250)), at(250), "it does not catch up");
        assert_eq!(next_due(Think::None, at(0), at(30)), at(30));
    }
}
