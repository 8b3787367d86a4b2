//! `[feeder.NAME]`: records from a file, handed out to journeys.

use minijinja::value::Value;
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::unit;

/// Records of a file, and the order in which journeys get them.
#[derive(Clone, Debug)]
pub struct Feeder {
    /// Its name.
    pub name: String,
    /// The records, objects with named fields; never empty.
    pub records: Vec<Value>,
    /// Who gets which.
    pub order: Order,
}

/// Who gets which record. All but `Random` depend on a journey's place alone, not on how fast
/// others are, so that both arms of a round see the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Each user goes through them from the first.
    Sequential,
    /// Dealt out among all users in turn, starting over at the end.
    RoundRobin,
    /// Each drawn by itself.
    Random,
    /// Dealt out in turn, and none twice: who finds none left stops.
    Unique,
}

/// A journey's place among all of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Its place among the journeys of its user, from 0; in an open or shared load there are no
    /// lasting users, and it is its place among all.
    pub own: u64,
    /// Its place among all, from 0.
    pub of_all: u64,
}

impl Feeder {
    /// The place of the record for a journey; none if there is none left.
    pub fn place(&self, turn: Turn, rng: &mut Pcg64Mcg) -> Option<usize> {
        let all = self.records.len() as u64;
        let place = match self.order {
            Order::Sequential => turn.own % all,
            Order::RoundRobin => turn.of_all % all,
            Order::Random => rng.random_range(0..all),
            Order::Unique => turn.of_all,
        };
        usize::try_from(place).ok().filter(|place| *place < self.records.len())
    }

    /// In words: `500 records, unique`.
    pub fn text(&self) -> String {
        let order = match self.order {
            Order::Sequential => "in sequence for each user",
            Order::RoundRobin => "dealt out in turn",
            Order::Random => "at random",
            Order::Unique => "each once",
        };
        format!("{} records, {order}", unit::count(self.records.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn orders_hand_out_records_as_they_say() {
        let mut rng = Pcg64Mcg::seed_from_u64(1);
        let mut places = |order, turns: &[(u64, u64)]| -> Vec<Option<usize>> {
            let records = vec![Value::from(1), Value::from(2), Value::from(3)];
            let feeder = Feeder { name: "f".to_owned(), records, order };
            turns
                .iter()
                .map(|(own, of_all)| feeder.place(Turn { own: *own, of_all: *of_all }, &mut rng))
                .collect()
        };
        let turns = [(0, 0), (0, 1), (1, 2), (1, 3)];
        assert_eq!(places(Order::Sequential, &turns), [Some(0), Some(0), Some(1), Some(1)]);
        assert_eq!(places(Order::RoundRobin, &turns), [Some(0), Some(1), Some(2), Some(0)]);
        assert_eq!(places(Order::Unique, &turns), [Some(0), Some(1), Some(2), None]);
        assert!(places(Order::Random, &turns).iter().all(Option::is_some));
    }
}
