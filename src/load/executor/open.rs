//! Open load: journeys start at a rate, whatever becomes of those before them. A start that finds
//! all places taken waits for one; its wait is part of its response time. One that waits longer
//! than the load allows is dropped, and stored.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::load::arrivals::Starts;
use crate::load::draw::{draw_journey, draw_weighted};
use crate::load::seeds::Seeds;
use crate::load::unstarted;
use crate::load::user::{Instance, User};
use crate::load::who::Who;
use crate::load::worker::Worker;
use crate::sample::{Race, UserClassId};
use crate::scenario::feeder::Turn;
use crate::scenario::load::Executor;

/// A start that is due.
#[derive(Clone, Copy)]
struct Arrival {
    /// Its place among the starts of this load.
    number: u64,
    due: Instant,
}

/// Starts that wait for a place.
#[derive(Default)]
struct Queue {
    waiting: RefCell<VecDeque<Arrival>>,
    arrived: Notify,
    /// Places whose user waits for a start.
    idle: std::cell::Cell<u32>,
    closed: std::cell::Cell<bool>,
}

pub(super) async fn run(worker: &Rc<Worker>) {
    let Executor::Open { rate, arrivals, run_time, max_in_flight, drop_after } = worker.load.executor else {
        return;
    };
    let queue = Rc::new(Queue::default());
    let _rest = DropRest { worker, queue: &queue };
    // A worker more than there are places would have none, and all starts are somebody's.
    let Some(part) = worker.part.at_most(max_in_flight) else { return };
    let places = part.size(max_in_flight).max(1);
    let mut users = JoinSet::new();
    let mut opened = 0;
    let seed = worker.seeds.arrivals(part.index);
    for start in Starts::new(arrivals, rate, run_time, part, seed) {
        let due = worker.recording.schedule.start + start.after;
        if !worker.timer.sleep_until(due).await {
            break;
        }
        let arrival = Arrival { number: start.number, due };
        queue.waiting.borrow_mut().push_back(arrival);
        if queue.idle.get() == 0 && opened < places {
            let number = part.number(opened);
            users.spawn_local(serve(Rc::clone(worker), Rc::clone(&queue), number, drop_after));
            opened += 1;
        } else {
            queue.arrived.notify_one();
        }
    }
    queue.closed.set(true);
    queue.arrived.notify_waiters();
    users.join_all().await;
    // A load lasts its run time, not until its last start.
    if let Some(end) = worker.recording.schedule.end {
        worker.timer.sleep_until(end).await;
    }
}

/// A place for journeys: takes the oldest start that waits, again and again.
async fn serve(worker: Rc<Worker>, queue: Rc<Queue>, number: u32, drop_after: Duration) {
    let mut user = User::new(&worker, number, Instant::now());
    while let Some(arrival) = queue.take().await {
        if worker.timer.is_cancelled() {
            queue.waiting.borrow_mut().push_front(arrival);
            return;
        }
        let (class, seed) = class_of(&worker, arrival);
        if arrival.due.elapsed() > drop_after {
            drop_arrival(&worker, arrival, "no free place in time");
            continue;
        }
        // The load's end cuts this journey short, but starts that were due before it still count.
        let turn = Turn { own: arrival.number, of_all: arrival.number };
        user.perform(class, Instance { seed, turn }, arrival.due).await;
    }
}

impl Queue {
    /// The oldest start, as soon as there is one; none when there will be no more.
    async fn take(&self) -> Option<Arrival> {
        loop {
            let oldest = self.waiting.borrow_mut().pop_front();
            if oldest.is_some() || self.closed.get() {
                return oldest;
            }
            self.idle.set(self.idle.get() + 1);
            self.arrived.notified().await;
            self.idle.set(self.idle.get() - 1);
        }
    }
}

/// The user class of a start, and the seed of its journey.
fn class_of(worker: &Worker, arrival: Arrival) -> (usize, u64) {
    let seed = worker.seeds.journey([arrival.number]);
    let mut rng = Pcg64Mcg::seed_from_u64(Seeds::class_of(seed));
    let classes = &worker.load.user_classes;
    let weighted = classes.iter().map(|c| (*c, worker.scenario.user_classes[*c].weight));
    (draw_weighted(weighted, &mut rng).unwrap_or(0), seed)
}

/// Records a start that never came to be.
fn drop_arrival(worker: &Worker, arrival: Arrival, reason: &str) {
    let (class, seed) = class_of(worker, arrival);
    let user_class = &worker.scenario.user_classes[class];
    let journey = draw_journey(user_class, &mut Pcg64Mcg::seed_from_u64(seed));
    let who = Who {
        race: Race::NONE,
        user_class: UserClassId(u16::try_from(class).unwrap_or(u16::MAX)),
        user: u32::MAX,
        journey: worker.next_journey(),
    };
    unstarted::record(&worker.recording, who, &worker.scenario.journeys[journey], arrival.due, reason);
}

/// Stores the starts that still wait when the load's grace ends.
struct DropRest<'a> {
    worker: &'a Worker,
    queue: &'a Queue,
}

impl Drop for DropRest<'_> {
    fn drop(&mut self) {
        for arrival in self.queue.waiting.borrow_mut().drain(..) {
            drop_arrival(self.worker, arrival, "`max_in_flight` was reached until the load ended");
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn arrival(number: u64) -> Arrival {
        Arrival { number, due: Instant::now() }
    }

    #[expect(clippy::option_option, reason = "as the queue hands it out: not yet, or no more")]
    fn number(taken: Option<Option<Arrival>>) -> Option<Option<u64>> {
        taken.map(|arrival| arrival.map(|arrival| arrival.number))
    }

    #[test]
    fn the_oldest_start_is_handed_out_first() {
        let queue = Queue::default();
        queue.waiting.borrow_mut().extend([arrival(3), arrival(5)]);
        assert_eq!(number(queue.take().now_or_never()), Some(Some(3)));
        assert_eq!(number(queue.take().now_or_never()), Some(Some(5)));
    }

    #[test]
    fn a_place_without_a_start_is_idle_until_one_comes() {
        let queue = Queue::default();
        let mut place = Box::pin(queue.take());
        assert_eq!(number(place.as_mut().now_or_never()), None);
        assert_eq!(queue.idle.get(), 1);
        queue.waiting.borrow_mut().push_back(arrival(8));
        queue.arrived.notify_one();
        assert_eq!(number(place.now_or_never()), Some(Some(8)));
        assert_eq!(queue.idle.get(), 0);
    }

    #[test]
    fn a_closed_queue_hands_out_what_still_waits_and_then_ends() {
        let queue = Queue::default();
        queue.waiting.borrow_mut().push_back(arrival(1));
        queue.closed.set(true);
        assert_eq!(number(queue.take().now_or_never()), Some(Some(1)));
        assert_eq!(number(queue.take().now_or_never()), Some(None));
    }
}
