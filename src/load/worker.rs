//! What the users of one worker share. Nothing on the way of a request is shared with other
//! workers, unless the scenario asks for it.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use hyper::header::HeaderValue;
use tokio::sync::Notify;

use super::clock::Clock;
use super::connection::Connections;
use super::event::Brokers;
use super::exchange::Who;
use super::prepared::Requests;
use super::shared::Shared;
use super::timer::Timer;
use crate::checksum::mix;
use crate::sample::{Phase, Recorder};
use crate::scenario::Scenario;
use crate::scenario::journey::Request;
use crate::scenario::load::Load;
use crate::trace;

/// When the parts of a load begin and end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    pub(super) start: Instant,
    ramp_end: Instant,
    /// Unknown for a load that ends when its journeys are done.
    pub(super) end: Option<Instant>,
}

impl Schedule {
    pub(super) fn new(load: &Load, start: Instant) -> Self {
        Self { start, ramp_end: start + load.ramp(), end: load.run_time().map(|time| start + time) }
    }

    /// The part of the run in which something is due.
    pub(super) fn phase(&self, due: Instant) -> Phase {
        if due < self.ramp_end {
            Phase::Ramp
        } else if self.end.is_none_or(|end| due < end) {
            Phase::Steady
        } else {
            Phase::Drain
        }
    }

    /// Whether the load is over at an instant.
    pub(super) fn is_over(&self, at: Instant) -> bool {
        self.end.is_some_and(|end| at >= end)
    }
}

/// What a worker shows of itself while it works.
#[derive(Debug, Default)]
pub struct Gauge {
    users: AtomicU32,
    in_flight: AtomicU32,
}

impl Gauge {
    /// Users at work now.
    pub fn users(&self) -> u32 {
        self.users.load(Ordering::Relaxed)
    }

    /// Requests under way now.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(super) fn user_started(&self) {
        self.users.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn user_ended(&self) {
        self.users.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn request_started(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn request_ended(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Everything that the users of one worker share.
pub(super) struct Worker {
    pub(super) number: u32,
    /// How many workers there are.
    pub(super) workers: u32,
    pub(super) scenario: Arc<Scenario>,
    pub(super) load: Load,
    pub(super) requests: Arc<Requests>,
    pub(super) brokers: Brokers,
    pub(super) clock: Clock,
    pub(super) schedule: Schedule,
    pub(super) seed: u64,
    pub(super) timer: Timer,
    pub(super) recorder: Recorder,
    pub(super) gauge: Arc<Gauge>,
    /// Journeys that a shared load has given out, over all workers.
    pub(super) given_out: Arc<AtomicU64>,
    /// What it shares with all users of all workers.
    pub(super) shared: Arc<Shared>,
    /// Connections of polls that go on in the background.
    pub(super) probes: Connections,
    pub(super) journeys: Cell<u32>,
    /// Races within journeys.
    pub(super) races: Cell<u32>,
    pub(super) background: Background,
}

/// Work that goes on beside the users.
#[derive(Default)]
pub(super) struct Background {
    under_way: Cell<usize>,
    ended: Notify,
}

impl Worker {
    /// A number for the next journey, different for each in the run.
    pub(super) fn next_journey(&self) -> u32 {
        self.next(&self.journeys)
    }

    /// A number for the next race within a journey, likewise.
    pub(super) fn next_race(&self) -> u32 {
        self.next(&self.races)
    }

    fn next(&self, counter: &Cell<u32>) -> u32 {
        let number = counter.get();
        counter.set(number + 1);
        number.wrapping_mul(self.workers).wrapping_add(self.number)
    }

    /// A seed for the journey instance at a place in the run.
    pub(super) fn seed<const N: usize>(&self, place: [u64; N]) -> u64 {
        mix(mix(0, &[self.seed]), &place)
    }

    /// The header that links a request to its trace, if the scenario asks for one.
    pub(super) fn traceparent(&self, request: &Request, who: Who, intended: Instant) -> Option<HeaderValue> {
        self.scenario.trace.as_ref()?;
        let origin = trace::Origin {
            run_unix_us: self.clock.unix_us(),
            journey: who.journey,
            intended_us: self.clock.us(intended),
        };
        HeaderValue::try_from(origin.traceparent(request.number as u64)).ok()
    }

    /// Waits until something is due; false if that lies past the load's end, or the run was
    /// stopped. What was due before the end still counts as due after it.
    pub(super) async fn wait_until(&self, due: Instant) -> bool {
        let until = self.schedule.end.map_or(due, |end| due.min(end));
        self.timer.sleep_until(until).await && !self.schedule.is_over(due)
    }

    /// Lets work go on beside the users; the worker ends only when it has ended.
    pub(super) fn in_background(self: &Rc<Self>, work: impl Future<Output = ()> + 'static) {
        self.background.under_way.set(self.background.under_way.get() + 1);
        let worker = Rc::clone(self);
        tokio::task::spawn_local(async move {
            work.await;
            worker.background.under_way.set(worker.background.under_way.get() - 1);
            worker.background.ended.notify_one();
        });
    }

    /// Ends when nothing goes on beside the users any more.
    pub(super) async fn background_done(&self) {
        while self.background.under_way.get() > 0 {
            self.background.ended.notified().await;
        }
    }
}
