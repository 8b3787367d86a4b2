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

use super::AT_ONCE;
use super::stint::Stint;
use crate::load::arrivals::Starts;
use crate::load::draw::{draw_journey, draw_weighted};
use crate::load::seeds::Seeds;
use crate::load::unstarted;
use crate::load::user::{Instance, User};
use crate::load::who::Who;
use crate::sample::{Race, UserClassId};
use crate::scenario::load::Executor;
use crate::scenario::replay::Performed;

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

/// What is said of a start that has waited too long.
const NO_PLACE: &str = "no free place in time";

/// Places for journeys.
#[derive(Clone, Copy)]
pub(super) struct Places {
    /// Most of them, over all workers.
    pub(super) max_in_flight: u32,
    /// A start that finds none free for this long is dropped.
    pub(super) drop_after: Duration,
}

pub(super) async fn run(stint: &Rc<Stint>, starts: Starts, places: Places) {
    let worker = &stint.worker;
    let queue = Rc::new(Queue::default());
    let _rest = DropRest { stint, queue: &queue };
    // A worker more than there are places would have none, and all starts are somebody's.
    let Some(part) = worker.part.at_most(places.max_in_flight) else { return };
    let own = part.size(places.max_in_flight).max(1);
    let mut users = JoinSet::new();
    let mut opened = 0;
    for (made, start) in (1..).zip(starts) {
        let due = stint.start + start.after;
        if made % AT_ONCE == 0 {
            tokio::task::yield_now().await;
            queue.drop_old(stint, places.drop_after);
        }
        if !worker.timer.sleep_until(due).await {
            break;
        }
        stint.take();
        let arrival = Arrival { number: start.number, due };
        queue.waiting.borrow_mut().push_back(arrival);
        if queue.idle.get() == 0 && opened < own {
            let number = part.number(opened);
            users.spawn_local(serve(Rc::clone(stint), Rc::clone(&queue), number, places.drop_after));
            opened += 1;
        } else {
            queue.arrived.notify_one();
        }
    }
    queue.closed.set(true);
    queue.arrived.notify_waiters();
    users.join_all().await;
    // It lasts its run time, not until its last start.
    if let Some(end) = stint.end {
        worker.timer.sleep_until(end).await;
    }
}

/// A place for journeys: takes the oldest start that waits, again and again.
async fn serve(stint: Rc<Stint>, queue: Rc<Queue>, number: u32, drop_after: Duration) {
    let worker = &stint.worker;
    let mut user = User::new(worker, stint.user(number), Instant::now());
    while let Some(arrival) = queue.take().await {
        if worker.timer.is_cancelled() {
            queue.waiting.borrow_mut().push_front(arrival);
            return;
        }
        if arrival.due.elapsed() > drop_after {
            drop_arrival(&stint, arrival, NO_PLACE);
            continue;
        }
        let (class, seed) = class_of(&stint, arrival);
        // The load's end cuts this journey short, but starts that were due before it still count.
        let turn = stint.turn(arrival.number, arrival.number);
        let journey = recorded(&stint, arrival).map(|performed| performed.journey);
        user.perform(class, Instance { seed, turn, journey }, arrival.due).await;
    }
}

impl Queue {
    /// Drops the starts that have waited too long: a queue holds no more than are due in that time.
    fn drop_old(&self, stint: &Stint, drop_after: Duration) {
        let now = Instant::now();
        loop {
            let mut waiting = self.waiting.borrow_mut();
            match waiting.front() {
                Some(oldest) if now.saturating_duration_since(oldest.due) > drop_after => {}
                _ => return,
            }
            let oldest = waiting.pop_front();
            drop(waiting);
            if let Some(arrival) = oldest {
                drop_arrival(stint, arrival, NO_PLACE);
            }
        }
    }

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
fn class_of(stint: &Stint, arrival: Arrival) -> (usize, u64) {
    let seed = stint.seeds.journey([arrival.number]);
    if let Some(performed) = recorded(stint, arrival) {
        return (performed.user_class, seed);
    }
    let mut rng = Pcg64Mcg::seed_from_u64(Seeds::class_of(seed));
    let classes = &stint.part().user_classes;
    let weighted = classes.iter().map(|c| (*c, stint.worker.scenario.user_classes[*c].weight));
    (draw_weighted(weighted, &mut rng).unwrap_or(0), seed)
}

/// What a start performs, where it was recorded.
fn recorded(stint: &Stint, arrival: Arrival) -> Option<Performed> {
    match &stint.part().executor {
        Executor::Replay { replay, .. } => replay.performs(arrival.number),
        _ => None,
    }
}

/// Records a start that never came to be.
fn drop_arrival(stint: &Stint, arrival: Arrival, reason: &str) {
    let worker = &stint.worker;
    let (class, seed) = class_of(stint, arrival);
    let user_class = &worker.scenario.user_classes[class];
    let journey = recorded(stint, arrival).map_or_else(
        || draw_journey(user_class, &mut Pcg64Mcg::seed_from_u64(seed)),
        |performed| performed.journey,
    );
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
    stint: &'a Stint,
    queue: &'a Queue,
}

impl Drop for DropRest<'_> {
    fn drop(&mut self) {
        for arrival in self.queue.waiting.borrow_mut().drain(..) {
            drop_arrival(self.stint, arrival, "`max_in_flight` was reached until the load ended");
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
