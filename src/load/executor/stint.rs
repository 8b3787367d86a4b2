//! A worker's share of one part of the load: whose it is, and when it begins and ends.

use std::rc::Rc;
use std::time::Instant;

use crate::load::seeds::Seeds;
use crate::load::worker::Worker;
use crate::scenario::feeder::Turn;
use crate::scenario::load::LoadPart;

/// A worker's share of one part of the load.
pub(super) struct Stint {
    pub(super) worker: Rc<Worker>,
    /// The part's place in the load.
    place: usize,
    pub(super) start: Instant,
    /// Unknown for a part that ends when its journeys are done.
    pub(super) end: Option<Instant>,
    /// Of its own: parts draw differently.
    pub(super) seeds: Seeds,
    /// Numbers of users count on from here: no two of a run are equal.
    first_user: u32,
}

impl Stint {
    /// A worker's shares of all parts.
    pub(super) fn all(worker: &Rc<Worker>) -> Vec<Self> {
        let zero = worker.recording.schedule.start;
        let mut first_user = 0;
        let stint = |(place, part): (usize, &LoadPart)| {
            let stint = Self {
                worker: Rc::clone(worker),
                place,
                start: zero + part.start_after,
                end: part.end().map(|end| zero + end),
                seeds: worker.seeds.of_part(place),
                first_user,
            };
            first_user = part.executor.max_in_flight().saturating_add(first_user);
            stint
        };
        worker.load.parts.iter().enumerate().map(stint).collect()
    }

    pub(super) fn part(&self) -> &LoadPart {
        &self.worker.load.parts[self.place]
    }

    /// The number in the run of a user of this part.
    pub(super) fn user(&self, number: u32) -> u32 {
        self.first_user.wrapping_add(number)
    }

    /// The turn in the run of a journey of this part: parts take turns, so that no two journeys have the same.
    pub(super) fn turn(&self, own: u64, of_all: u64) -> Turn {
        let parts = self.worker.load.parts.len() as u64;
        let among_all = |turn: u64| turn.wrapping_mul(parts).wrapping_add(self.place as u64);
        Turn { own, of_all: among_all(of_all) }
    }

    /// The next journey of this part that nobody has taken, over all workers; counts it as begun. Agents take turns: each has
    /// its share of the numbers.
    pub(super) fn take(&self) -> u64 {
        let own = self.worker.given_out[self.place].fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.worker.share.number(own)
    }

    /// Waits until something is due; false if that lies past `end`, or the run was stopped. What was due before
    /// still counts as due after it.
    pub(super) async fn wait_until(&self, due: Instant, end: Option<Instant>) -> bool {
        let until = end.map_or(due, |end| due.min(end));
        self.worker.timer.sleep_until(until).await && end.is_none_or(|end| due < end)
    }
}
