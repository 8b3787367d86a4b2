//! Executors: the rules by which journeys start. One file each; all of them run a worker's share
//! of the users until the load is over.

mod closed;
mod open;
mod shared;

use std::rc::Rc;

use super::worker::Worker;
use crate::scenario::load::Executor;

/// Runs a worker's users until they are done.
pub(super) async fn run(worker: &Rc<Worker>) {
    match &worker.load.executor {
        Executor::Closed { users, spawn_rate, .. } => closed::run(worker, *users, *spawn_rate).await,
        Executor::Open { .. } => open::run(worker).await,
        Executor::Shared { iterations, concurrency, over } => {
            shared::run(worker, *iterations, *concurrency, *over).await;
        }
    }
}

/// The user class of each of `users` users: as close to the weights as whole users allow, and
/// mixed, so that every stretch of users has about the right shares (smooth weighted round robin).
fn assign_classes(worker: &Worker, users: u32) -> Vec<usize> {
    let classes = &worker.load.user_classes;
    let weights: Vec<f64> = classes.iter().map(|c| worker.scenario.user_classes[*c].weight).collect();
    smooth_round_robin(&weights, users).into_iter().map(|place| classes[place]).collect()
}

fn smooth_round_robin(weights: &[f64], picks: u32) -> Vec<usize> {
    let total: f64 = weights.iter().sum();
    let mut credit = vec![0.0; weights.len()];
    (0..picks)
        .map(|_| {
            for (credit, weight) in credit.iter_mut().zip(weights) {
                *credit += weight;
            }
            let best = (0..weights.len()).max_by(|a, b| credit[*a].total_cmp(&credit[*b]).then(b.cmp(a)));
            let best = best.unwrap_or(0);
            credit[best] -= total;
            best
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::smooth_round_robin;

    #[test]
    fn users_are_shared_out_by_weight_and_mixed() {
        assert_eq!(smooth_round_robin(&[2.0, 1.0], 6), [0, 1, 0, 0, 1, 0]);
        let picks = smooth_round_robin(&[5.0, 3.0, 2.0], 100);
        let count = |class| picks.iter().filter(|p| **p == class).count();
        assert_eq!([count(0), count(1), count(2)], [50, 30, 20]);
    }
}
