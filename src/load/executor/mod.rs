//! Executors: the rules by which journeys start. One file each; all of them run a worker's share
//! of the users of a part of the load, until that part is over.

mod closed;
mod open;
mod shared;
mod stint;

use std::rc::Rc;

use tokio::task::JoinSet;

use self::open::Places;
use self::stint::Stint;
use super::arrivals::Starts;
use super::worker::Worker;
use crate::scenario::load::{Arrivals, Executor};

/// How many users or starts are made in one go: the others of a worker have a turn in between, and a stop is seen.
const AT_ONCE: u64 = 256;

/// Runs a worker's users until they are done.
pub(super) async fn run(worker: &Rc<Worker>) {
    let mut parts = JoinSet::new();
    for stint in Stint::all(worker) {
        parts.spawn_local(part(Rc::new(stint)));
    }
    parts.join_all().await;
}

async fn part(stint: Rc<Stint>) {
    let part = stint.worker.part;
    let seed =
        |arrivals: Arrivals| stint.seeds.arrivals(if arrivals.can_be_shared_out() { part.index } else { 0 });
    match &stint.part().executor {
        Executor::Closed { .. } | Executor::StagedUsers { .. } => closed::run(&stint).await,
        Executor::Shared { iterations, over, .. } => shared::run(&stint, *iterations, *over).await,
        Executor::Open { rate, arrivals, run_time, max_in_flight, drop_after } => {
            let Some(part) = part.at_most(*max_in_flight) else { return };
            let places = Places { max_in_flight: *max_in_flight, drop_after: *drop_after };
            open::run(&stint, Starts::new(*arrivals, *rate, *run_time, part, seed(*arrivals)), places).await;
        }
        Executor::StagedRate { stages, arrivals, max_in_flight, drop_after } => {
            let Some(part) = part.at_most(*max_in_flight) else { return };
            let places = Places { max_in_flight: *max_in_flight, drop_after: *drop_after };
            open::run(&stint, Starts::staged(*arrivals, stages.clone(), part, seed(*arrivals)), places).await;
        }
        Executor::Replay { replay, max_in_flight, drop_after } => {
            let Some(part) = part.at_most(*max_in_flight) else { return };
            let places = Places { max_in_flight: *max_in_flight, drop_after: *drop_after };
            open::run(&stint, Starts::replayed(replay.clone(), part), places).await;
        }
        Executor::Bursts { size, every, times, max_in_flight, drop_after } => {
            let Some(part) = part.at_most(*max_in_flight) else { return };
            let places = Places { max_in_flight: *max_in_flight, drop_after: *drop_after };
            open::run(&stint, Starts::bursts(*size, *every, *times, part), places).await;
        }
    }
}

/// The user class of each user, one after another: as close to the weights as whole users allow, and
/// mixed, so that every stretch of users has about the right shares.
fn classes(stint: &Stint) -> impl Iterator<Item = usize> + use<> {
    let classes = stint.part().user_classes.clone();
    let weight = |class: &usize| stint.worker.scenario.user_classes[*class].weight;
    SmoothRoundRobin::new(classes.iter().map(weight).collect()).map(move |place| classes[place])
}

/// Places in turn, each as often as its weight says (smooth weighted round robin). Never ends.
struct SmoothRoundRobin {
    weights: Vec<f64>,
    credit: Vec<f64>,
}

impl SmoothRoundRobin {
    fn new(weights: Vec<f64>) -> Self {
        Self { credit: vec![0.0; weights.len()], weights }
    }
}

impl Iterator for SmoothRoundRobin {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let Self { weights, credit } = self;
        for (credit, weight) in credit.iter_mut().zip(weights.iter()) {
            *credit += weight;
        }
        let best = (0..weights.len()).max_by(|a, b| credit[*a].total_cmp(&credit[*b]).then(b.cmp(a)))?;
        credit[best] -= weights.iter().sum::<f64>();
        Some(best)
    }
}

#[cfg(test)]
mod tests {
    use super::SmoothRoundRobin;

    #[test]
    fn users_are_shared_out_by_weight_and_mixed() {
        let picks = |weights: &[f64], n| SmoothRoundRobin::new(weights.to_vec()).take(n).collect::<Vec<_>>();
        assert_eq!(picks(&[2.0, 1.0], 6), [0, 1, 0, 0, 1, 0]);
        let picks = picks(&[5.0, 3.0, 2.0], 100);
        let count = |class| picks.iter().filter(|p| **p == class).count();
        assert_eq!([count(0), count(1), count(2)], [50, 30, 20]);
    }
}
