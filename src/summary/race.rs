//! Races: requests that were released together, whether they met, and how they ended.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::sample::{Outcome, Race, SampleColumns, status_text};
use crate::stats::quantile::type7;

/// Races of one kind, in one run or several.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RaceMetrics {
    /// What they were for.
    pub name: String,
    /// Races with at least two entrants.
    pub races: u64,
    /// Fewest and most entrants of one race.
    pub entrants: (usize, usize),
    /// Mean overlap of the races: see [`overlap`].
    pub overlap: f64,
    /// Share of the races whose requests were all under way at one moment.
    pub together_share: f64,
    /// Median of the time between a race's first and last request being sent, µs.
    pub spread_us: f64,
    /// How the races ended, the most frequent first.
    pub endings: Vec<Ending>,
}

/// A way in which races ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ending {
    /// Each entrant's endpoint, and how it ended.
    pub entrants: Vec<EntrantEnding>,
    /// Races that ended so.
    pub races: u64,
}

/// How entrants of one endpoint ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct EntrantEnding {
    /// The endpoint.
    pub endpoint: String,
    /// How many.
    pub entrants: u64,
    /// `ok`, `rejected 409`, `error`, …
    pub ended: String,
}

/// An entrant of a race.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entrant {
    sample: usize,
    sent_us: i64,
    done_us: i64,
}

impl Entrant {
    /// Whether it ended `ok`, by the columns that it was found in.
    pub fn is_ok(&self, columns: &SampleColumns) -> bool {
        columns.outcome[self.sample] == Outcome::Ok
    }
}

/// The races of a run, by race; those of a single entrant are none.
pub fn races(columns: &SampleColumns) -> BTreeMap<Race, Vec<Entrant>> {
    let mut races: BTreeMap<Race, Vec<Entrant>> = BTreeMap::new();
    for (sample, race) in &columns.entrants {
        let (sent_us, done_us) = (columns.sent_us[*sample], columns.done_us[*sample]);
        races.entry(*race).or_default().push(Entrant { sample: *sample, sent_us, done_us });
    }
    races.retain(|_, entrants| entrants.len() > 1);
    races
}

/// How much of a race was under way at one moment: `(k − 1)/(n − 1)` with k the most of its n requests that
/// were; 1 if all were, 0 if they came one after another.
pub fn overlap(entrants: &[Entrant]) -> f64 {
    let mut moments: Vec<(i64, i32)> =
        entrants.iter().flat_map(|e| [(e.sent_us, 1), (e.done_us, -1)]).collect();
    // One that ends when the other begins has not met it: −1 sorts before 1.
    moments.sort_unstable();
    let (mut under_way, mut most) = (0, 0);
    for (_, change) in moments {
        under_way += change;
        most = most.max(under_way);
    }
    f64::from(most - 1) / (entrants.len() as f64 - 1.0)
}

/// What the races of each kind came to in some runs, in the order of `names`; kinds without a race are left out.
pub fn metrics(names: &[String], runs: &[&SampleColumns]) -> Vec<RaceMetrics> {
    let of_runs: Vec<_> = runs.iter().map(|columns| (*columns, races(columns))).collect();
    let of_kind = |place: usize| -> Vec<(&SampleColumns, &[Entrant])> {
        let all = of_runs.iter().flat_map(|(columns, races)| races.iter().map(move |race| (*columns, race)));
        let of_kind = all.filter(|(_, (race, _))| race.place() == Some(place));
        of_kind.map(|(columns, (_, entrants))| (columns, entrants.as_slice())).collect()
    };
    names.iter().enumerate().filter_map(|(place, name)| of_one_kind(name, &of_kind(place))).collect()
}

fn of_one_kind(name: &str, races: &[(&SampleColumns, &[Entrant])]) -> Option<RaceMetrics> {
    let entrants = || races.iter().map(|(_, entrants)| entrants.len());
    let overlaps: Vec<f64> = races.iter().map(|(_, entrants)| overlap(entrants)).collect();
    let mut spreads: Vec<f64> = races.iter().map(|(_, entrants)| spread_us(entrants)).collect();
    spreads.sort_by(f64::total_cmp);
    let n = races.len() as f64;
    Some(RaceMetrics {
        name: name.to_owned(),
        races: races.len() as u64,
        entrants: (entrants().min()?, entrants().max()?),
        overlap: overlaps.iter().sum::<f64>() / n,
        together_share: overlaps.iter().filter(|o| **o >= 1.0).count() as f64 / n,
        spread_us: type7(&spreads, 0.5)?,
        endings: endings(races),
    })
}

fn spread_us(entrants: &[Entrant]) -> f64 {
    let sent = || entrants.iter().map(|e| e.sent_us);
    (sent().max().unwrap_or(0) - sent().min().unwrap_or(0)) as f64
}

fn endings(races: &[(&SampleColumns, &[Entrant])]) -> Vec<Ending> {
    let mut counts: BTreeMap<Vec<EntrantEnding>, u64> = BTreeMap::new();
    for (columns, entrants) in races {
        let mut ended: BTreeMap<(String, String), u64> = BTreeMap::new();
        for entrant in *entrants {
            *ended.entry(ending(columns, entrant.sample)).or_default() += 1;
        }
        let ending = ended.into_iter().map(|((endpoint, ended), entrants)| EntrantEnding {
            endpoint,
            entrants,
            ended,
        });
        *counts.entry(ending.collect()).or_default() += 1;
    }
    let mut endings: Vec<Ending> =
        counts.into_iter().map(|(entrants, races)| Ending { entrants, races }).collect();
    endings.sort_by_key(|ending| std::cmp::Reverse(ending.races));
    endings
}

fn ending(columns: &SampleColumns, sample: usize) -> (String, String) {
    let endpoint = columns.subjects[columns.subject[sample] as usize].endpoint.clone();
    let (outcome, status) = (columns.outcome[sample], columns.status[sample]);
    let ended = match outcome {
        Outcome::Rejected | Outcome::Failed => format!("{} {}", outcome.word(), status_text(status)),
        _ => outcome.word().to_owned(),
    };
    (endpoint, ended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Kind, Phase, Subject};

    fn entrant(sent_us: i64, done_us: i64) -> Entrant {
        Entrant { sample: 0, sent_us, done_us }
    }

    #[test]
    fn overlap_is_what_was_under_way_together() {
        assert_eq!(overlap(&[entrant(0, 10), entrant(5, 15)]), 1.0);
        assert_eq!(overlap(&[entrant(0, 10), entrant(10, 15)]), 0.0);
        assert_eq!(overlap(&[entrant(0, 10), entrant(5, 15), entrant(12, 20)]), 0.5);
        assert_eq!(overlap(&[entrant(0, 9), entrant(1, 8), entrant(2, 7)]), 1.0);
    }

    #[test]
    fn races_are_told_apart_and_their_endings_counted() {
        let subject = |endpoint: &str| Subject {
            kind: Kind::Request,
            traffic_class: String::new(),
            endpoint: endpoint.to_owned(),
        };
        // (race number, endpoint, outcome, status, sent, done); the last one races nobody.
        let rows = [
            (1, 0, Outcome::Ok, 200, 0, 10),
            (1, 1, Outcome::Rejected, 409, 2, 12),
            (2, 0, Outcome::Ok, 200, 20, 30),
            (2, 1, Outcome::Rejected, 409, 30, 40),
            (3, 0, Outcome::Ok, 200, 50, 60),
            (3, 1, Outcome::Ok, 200, 50, 60),
            (4, 1, Outcome::Ok, 200, 70, 80),
        ];
        let columns = SampleColumns {
            subjects: vec![subject("PUT /cancel"), subject("POST /pay")],
            subject: rows.iter().map(|r| r.1).collect(),
            outcome: rows.iter().map(|r| r.2).collect(),
            phase: rows.iter().map(|_| Phase::Steady).collect(),
            status: rows.iter().map(|r| r.3).collect(),
            intended_us: rows.iter().map(|r| r.4).collect(),
            sent_us: rows.iter().map(|r| r.4).collect(),
            done_us: rows.iter().map(|r| r.5).collect(),
            entrants: rows.iter().enumerate().map(|(i, r)| (i, Race::new(1, r.0))).collect(),
            ..SampleColumns::default()
        };
        let names = ["other".to_owned(), "cancel or pay".to_owned()];
        let [metrics] = &metrics(&names, &[&columns])[..] else { panic!("one kind of race has entrants") };
        assert_eq!((metrics.name.as_str(), metrics.races, metrics.entrants), ("cancel or pay", 3, (2, 2)));
        assert!((metrics.overlap - 2.0 / 3.0).abs() < 1e-12);
        assert!((metrics.together_share - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(metrics.spread_us, 2.0);
        let told: Vec<(String, u64)> = metrics
            .endings
            .iter()
            .map(|e| (e.entrants.iter().map(|n| n.ended.clone()).collect::<Vec<_>>().join(", "), e.races))
            .collect();
        assert_eq!(told, [("rejected 409, ok".to_owned(), 2), ("ok, ok".to_owned(), 1)]);
    }
}
