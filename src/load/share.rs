//! Which share of a load this machine makes, where several make one.

use serde::{Deserialize, Serialize};

use super::part::Part;

/// The share that one agent makes of a load that several make. Users, journeys and starts are numbered over all of them: the
/// workers of all agents share them out as those of one machine do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Its place among the agents, from 0.
    pub agent: u32,
    /// How many agents there are; at least 1.
    pub agents: u32,
    /// The number of its first worker among those of all agents.
    pub first_worker: u16,
    /// How many workers all agents have.
    pub all_workers: u16,
}

impl Share {
    /// All of a load, made by so many workers.
    pub fn whole(workers: u16) -> Self {
        Self { agent: 0, agents: 1, first_worker: 0, all_workers: workers.max(1) }
    }

    /// Whether it is one that can be made by so many workers.
    pub fn is_of(&self, workers: u16) -> bool {
        let end = self.first_worker.checked_add(workers);
        self.agent < self.agents && workers > 0 && end.is_some_and(|end| end <= self.all_workers)
    }

    /// The part of one of its workers.
    pub(super) fn part(self, worker: u16) -> Part {
        let index = u32::from(self.first_worker) + u32::from(worker);
        Part { index, of: self.all_workers.max(1).into() }
    }

    /// The number in the whole of what is number `own` here: of numbers that whoever comes next takes.
    pub(super) fn number(self, own: u64) -> u64 {
        own.wrapping_mul(self.agents.into()).wrapping_add(self.agent.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_share_workers_and_numbers_without_gaps_or_overlaps() {
        let shares = [(0, 0, 2), (1, 2, 3)].map(|(agent, first_worker, workers)| {
            (Share { agent, agents: 2, first_worker, all_workers: 5 }, workers)
        });
        assert!(shares.iter().all(|(share, workers)| share.is_of(*workers)));
        let parts = shares.iter().flat_map(|(share, workers)| (0..*workers).map(|w| share.part(w).index));
        assert_eq!(parts.collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        let mut numbers: Vec<u64> =
            shares.iter().flat_map(|(share, _)| (0..3).map(|own| share.number(own))).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
        assert!(!shares[1].0.is_of(4), "there are five workers only");
        assert_eq!(Share::whole(3).number(7), 7);
    }
}
