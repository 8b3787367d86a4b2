//! Closed load: a number of users, each of whom waits for its answers before it goes on. Where the number
//! changes, users come and go: those who are too many leave at the end of their journey.

use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::stint::Stint;
use super::{AT_ONCE, classes};
use crate::load::user::{Instance, Next, User};
use crate::scenario::journey::Think;
use crate::scenario::load::Executor;

/// When a user is there: from the first until the second instant, where that is not the end of the part.
type Stay = (Instant, Option<Instant>);

/// Users begin in the order of their numbers: none takes any room before it does.
pub(super) async fn run(stint: &Rc<Stint>) {
    let users = stint.part().executor.max_in_flight();
    let own = stint.worker.part.own((0..users).zip(classes(stint)));
    let mut tasks = JoinSet::new();
    for (made, (user, class)) in (1..).zip(own) {
        let stays = stays(stint, user);
        let Some((begin, _)) = stays.first().copied() else { break };
        if !stint.wait_until(begin, stint.end).await {
            break;
        }
        tasks.spawn_local(live(Rc::clone(stint), user, users, class, stays));
        if made % AT_ONCE == 0 {
            tokio::task::yield_now().await;
        }
    }
    tasks.join_all().await;
}

fn stays(stint: &Stint, user: u32) -> Vec<Stay> {
    match &stint.part().executor {
        Executor::Closed { spawn_rate, .. } => {
            vec![(stint.start + spawned_after(user, *spawn_rate), stint.end)]
        }
        Executor::StagedUsers { stages } => {
            let stay = |(from, until): (Duration, Duration)| (stint.start + from, Some(stint.start + until));
            stages.above(user.into()).into_iter().map(stay).collect()
        }
        _ => Vec::new(),
    }
}

/// One journey after another, in each of a user's stays.
async fn live(stint: Rc<Stint>, number: u32, users: u32, class: usize, stays: Vec<Stay>) {
    let worker = &stint.worker;
    let think = worker.scenario.user_classes[class].think;
    let mut iteration = 0_u64;
    for (begin, end) in stays {
        if !stint.wait_until(begin, end).await {
            return;
        }
        let mut user = User::new(worker, stint.user(number), begin);
        let mut due = begin;
        loop {
            let instance = Instance {
                seed: stint.seeds.journey([u64::from(number), iteration]),
                turn: stint.turn(iteration, iteration * u64::from(users) + u64::from(number)),
                journey: None,
            };
            iteration += 1;
            let (next, free) = user.perform(class, instance, due).await;
            if next == Next::Stop {
                return;
            }
            due = next_due(think, due, free);
            if !stint.wait_until(due, end).await {
                break;
            }
        }
        if worker.timer.is_cancelled() {
            return;
        }
    }
}

/// How long after the load's start a user begins, at so many users per second.
fn spawned_after(user: u32, spawn_rate: f64) -> Duration {
    Duration::try_from_secs_f64(f64::from(user) / spawn_rate)
        .unwrap_or(Duration::from_secs(u64::from(u32::MAX)))
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
