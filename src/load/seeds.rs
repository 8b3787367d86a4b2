//! Seeds: each draw of a load follows from the run's seed and its own place in the run, so that both
//! arms of a round draw the same, however fast the answers come and however many workers there are.

use crate::checksum::mix;

/// Distinguish the seeds of start-up journeys, of those performed once and of arrivals from those of
/// others.
const START_UP: u64 = u64::MAX;
const ONCE: u64 = u64::MAX - 1;
const ARRIVALS: u64 = u64::MAX - 1;
const PART: u64 = u64::MAX - 2;

/// The seeds of one run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seeds {
    run: u64,
    salt: u64,
}

impl Seeds {
    pub(super) fn new(run: u64) -> Self {
        Self { run, salt: 0 }
    }

    /// The same with a salt for identifiers.
    pub(super) fn salted(self, salt: Option<u64>) -> Self {
        Self { salt: salt.map_or(0, |salt| mix(0, &[salt])), ..self }
    }

    /// What identifiers are salted with.
    pub(super) fn salt(self) -> u64 {
        self.salt
    }

    /// Those of a part of the load: the first has the run's own.
    pub(super) fn of_part(self, place: usize) -> Self {
        if place == 0 { self } else { Self { run: mix(mix(0, &[self.run]), &[PART, place as u64]), ..self } }
    }

    /// Of the journey at a place in the run: user and iteration, or the number of its start.
    pub(super) fn journey<const N: usize>(self, place: [u64; N]) -> u64 {
        mix(mix(0, &[self.run]), &place)
    }

    /// Of the background tasks of a journey.
    pub(super) fn background(self, journey: u32) -> u64 {
        self.journey([journey.into()])
    }

    /// Of a user's start-up journey.
    pub(super) fn start_up(self, class: usize, user: u32) -> u64 {
        self.journey([START_UP, class as u64, user.into()])
    }

    /// Of a journey that is performed once in the run.
    pub(super) fn once(self, journey: usize) -> u64 {
        self.journey([ONCE, journey as u64])
    }

    /// Of the times at which a worker's journeys arrive.
    pub(super) fn arrivals(self, worker: u32) -> u64 {
        self.journey([ARRIVALS, worker.into()])
    }

    /// Of the user class that performs the journey with this seed.
    pub(super) fn class_of(journey: u64) -> u64 {
        journey ^ ARRIVALS
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_place_has_one_seed_in_a_run_and_another_one_in_another_run() {
        assert_eq!(Seeds::new(7).journey([3, 4]), Seeds::new(7).journey([3, 4]));
        assert_ne!(Seeds::new(7).journey([3, 4]), Seeds::new(8).journey([3, 4]));
    }

    #[test]
    fn different_places_have_different_seeds() {
        let seeds = Seeds::new(7);
        let mut all = BTreeSet::new();
        for user in 0..20_u32 {
            all.extend((0..20).map(|iteration| seeds.journey([user.into(), iteration])));
            all.insert(seeds.journey([user.into()]));
            all.insert(seeds.start_up(0, user));
            all.insert(seeds.start_up(1, user));
            all.insert(seeds.arrivals(user));
        }
        assert_eq!(all.len(), 20 * (20 + 4));
    }
}
