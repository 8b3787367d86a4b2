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

use crate::load::exchange::Who;
use crate::load::unstarted;
use crate::load::user::{Instance, User, draw_journey, draw_weighted, exponential};
use crate::load::worker::Worker;
use crate::sample::{Race, UserClassId};
use crate::scenario::feeder::Turn;
use crate::scenario::load::{Arrivals, Executor};

/// Distinguishes the seed of the arrivals from those of journeys.
const ARRIVALS: u64 = u64::MAX - 1;

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
    let share = |n: u32| n / worker.workers + u32::from(n % worker.workers > worker.number);
    let places = share(max_in_flight).max(1);
    let mut users = JoinSet::new();
    let mut opened = 0;
    let mut starts = Starts::new(worker, rate, arrivals);
    let end = worker.schedule.start + run_time;
    loop {
        let arrival = starts.next_arrival();
        if arrival.due >= end || !worker.timer.sleep_until(arrival.due).await {
            break;
        }
        queue.waiting.borrow_mut().push_back(arrival);
        if queue.idle.get() == 0 && opened < places {
            let number = worker.number + opened * worker.workers;
            users.spawn_local(serve(Rc::clone(worker), Rc::clone(&queue), number, drop_after));
            opened += 1;
        } else {
            queue.arrived.notify_one();
        }
    }
    queue.closed.set(true);
    queue.arrived.notify_waiters();
    users.join_all().await;
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

/// The times at which this worker's share of the journeys starts.
struct Starts {
    next: u64,
    step: u64,
    start: Instant,
    rate: f64,
    /// For a Poisson process: this worker's rate, its numbers and its clock.
    poisson: Option<(f64, Pcg64Mcg, f64)>,
}

impl Starts {
    fn new(worker: &Worker, rate: f64, arrivals: Arrivals) -> Self {
        let poisson = (arrivals == Arrivals::Poisson).then(|| {
            let seed = worker.seed([ARRIVALS, worker.number.into()]);
            (rate / f64::from(worker.workers), Pcg64Mcg::seed_from_u64(seed), 0.0)
        });
        Self {
            next: worker.number.into(),
            step: worker.workers.into(),
            start: worker.schedule.start,
            rate,
            poisson,
        }
    }

    fn next_arrival(&mut self) -> Arrival {
        let number = self.next;
        self.next += self.step;
        let seconds = match &mut self.poisson {
            None => number as f64 / self.rate,
            Some((rate, rng, at)) => {
                *at += exponential(rng) / *rate;
                *at
            }
        };
        Arrival { number, due: self.start + Duration::from_secs_f64(seconds) }
    }
}

/// The user class of a start, and the seed of its journey.
fn class_of(worker: &Worker, arrival: Arrival) -> (usize, u64) {
    let seed = worker.seed([arrival.number]);
    let mut rng = Pcg64Mcg::seed_from_u64(seed ^ ARRIVALS);
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
    unstarted::record(worker, who, &worker.scenario.journeys[journey], arrival.due, reason);
}

/// Stores the starts that still wait when the load's grace ends.
struct DropRest<'a> {
    worker: &'a Worker,
    queue: &'a Queue,
}

impl Drop for DropRest<'_> {
    fn drop(&mut self) {
        for arrival in self.queue.waiting.borrow_mut().drain(..) {
            drop_arrival(self.worker, arrival, "no free place before the load ended");
        }
    }
}
