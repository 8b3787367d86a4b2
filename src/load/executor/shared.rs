//! Shared iterations: a number of journeys that a number of users work off together.

use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::stint::Stint;
use super::{AT_ONCE, classes};
use crate::load::user::{Instance, Next, User};

pub(super) async fn run(stint: &Rc<Stint>, iterations: u64, over: Option<Duration>) {
    let interval = over.map(|over| over.div_f64(iterations as f64));
    let concurrency = stint.part().executor.max_in_flight();
    let own = stint.worker.part.own((0..concurrency).zip(classes(stint)));
    let mut tasks = JoinSet::new();
    for (made, (user, class)) in (1..).zip(own) {
        tasks.spawn_local(work_off(Rc::clone(stint), user, class, iterations, interval));
        if made % AT_ONCE == 0 {
            tokio::task::yield_now().await;
        }
    }
    tasks.join_all().await;
}

/// Takes the next journey that nobody has taken, until all are.
async fn work_off(stint: Rc<Stint>, number: u32, class: usize, iterations: u64, interval: Option<Duration>) {
    let (worker, start) = (&stint.worker, stint.start);
    if !worker.timer.sleep_until(start).await {
        return;
    }
    let mut user = User::new(worker, stint.user(number), start);
    loop {
        let taken = stint.take();
        if taken >= iterations {
            return;
        }
        let due = interval.map_or_else(Instant::now, |interval| start + due_after(taken, interval));
        if !worker.timer.sleep_until(due).await {
            return;
        }
        let (seed, turn) = (stint.seeds.journey([taken]), stint.turn(taken, taken));
        let instance = Instance { seed, turn, journey: None };
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
