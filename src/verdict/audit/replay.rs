//! How faithfully recorded starts were made again: how many of them, how late, and at which rates.

use std::collections::HashMap;

use super::{Check, Grade, requests};
use crate::run::{MeasuredRun, REPLAYED};
use crate::sample::Outcome;
use crate::stats::quantile::type8_of;
use crate::unit;

/// From this share of starts that were not made on, the load was not the recorded one.
const MISSING: f64 = 0.02;

/// The first request of a journey.
#[derive(Clone, Copy)]
struct Start {
    due_us: i64,
    sent_us: i64,
    was_made: bool,
}

pub(super) fn checks(run: &MeasuredRun) -> Option<Check> {
    let replayed = run.facts.start.environment.get(REPLAYED)?;
    let starts = starts(run);
    let made: Vec<&Start> = starts.iter().filter(|start| start.was_made).collect();
    let seconds = run.facts.load_end_us().unwrap_or(0) as f64 / 1e6;
    // What was not even due when the load ended early is missing as well.
    let recorded =
        (run.facts.start.load_facts.rate_per_s.unwrap_or(0.0) * seconds).round().max(starts.len() as f64);
    let share = if recorded > 0.0 { made.len() as f64 / recorded } else { 0.0 };
    let mut late: Vec<f64> = made.iter().map(|start| (start.sent_us - start.due_us) as f64).collect();
    let mut late = |p: f64| type8_of(&mut late, p).map_or_else(|| "unknown".to_owned(), unit::time);
    let (p50, p99) = (late(0.5), late(0.99));
    let stretches = worst_stretch(run, &made).map_or_else(String::new, |(name, off)| {
        format!("; rates of stretches are at most {} off the recorded ones (in `{name}`)", unit::share(off))
    });
    let text = format!(
        "{replayed}: {} were made ({}), p50 {p50} and p99 {p99} after their time{stretches}",
        unit::count(made.len() as u64),
        unit::share(share)
    );
    Some(Check::new("replay", Grade::of(1.0 - share, MISSING, f64::INFINITY), text))
}

/// The first request of each journey; where journeys are not known, each request.
fn starts(run: &MeasuredRun) -> Vec<Start> {
    let samples = &run.samples;
    let mut first: HashMap<u64, Start> = HashMap::new();
    for i in requests(run) {
        let journey = samples.journey.get(i).map_or(i as u64, |journey| u64::from(*journey));
        let start = Start {
            due_us: samples.intended_us[i],
            sent_us: samples.sent_us[i],
            was_made: samples.outcome[i] != Outcome::Dropped,
        };
        first
            .entry(journey)
            .and_modify(|known| {
                if start.due_us < known.due_us {
                    *known = start;
                }
            })
            .or_insert(start);
    }
    first.into_values().collect()
}

/// The stretch whose rate is farthest off, and by which share; none where there are no stretches.
fn worst_stretch<'a>(run: &'a MeasuredRun, made: &[&Start]) -> Option<(&'a str, f64)> {
    let stretches = run.facts.start.stages.iter().filter(|stage| !stage.name.is_empty() && stage.from > 0.0);
    let off = stretches.map(|stage| {
        let within = |start: &&&Start| (stage.start_us..stage.end_us).contains(&start.due_us);
        let planned = stage.from * (stage.end_us - stage.start_us) as f64 / 1e6;
        (stage.name.as_str(), (made.iter().filter(within).count() as f64 / planned - 1.0).abs())
    });
    off.max_by(|a, b| a.1.total_cmp(&b.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::StageFacts;
    use crate::verdict::audit::tests::open_run;

    fn replay(dropped: usize) -> MeasuredRun {
        let requests: Vec<(i64, i64, i64)> = (0..100).map(|i| (i * 10, i * 10 + i % 2, i * 10 + 5)).collect();
        let mut run = open_run(10, &requests);
        run.facts.start.load_facts.rate_per_s = Some(101.0);
        run.facts.start.environment.insert(REPLAYED.to_owned(), "100 starts of `a.csv`".to_owned());
        for i in 0..dropped {
            run.samples.outcome[i] = Outcome::Dropped;
        }
        let stage = |name: &str, start_us, end_us| StageFacts {
            name: name.to_owned(),
            part: String::new(),
            of: "per second".to_owned(),
            start_us,
            end_us,
            from: 100.0,
            to: 100.0,
        };
        run.facts.start.stages = vec![stage("1 of 2", 0, 500_000), stage("2 of 2", 500_000, 1_000_000)];
        run
    }

    #[test]
    fn a_faithful_replay_is_told_from_one_with_gaps() {
        let faithful = checks(&replay(0)).unwrap();
        assert_eq!(faithful.grade, Grade::Valid);
        let expected = "100 starts of `a.csv`: 100 were made (100 %), p50 ";
        assert!(faithful.text.starts_with(expected), "{}", faithful.text);
        assert!(faithful.text.contains(" and p99 1.00 ms after their time; rates"), "{}", faithful.text);
        let gaps = checks(&replay(10)).unwrap();
        assert_eq!(gaps.grade, Grade::Warn);
        assert!(gaps.text.contains("at most 20 % off the recorded ones (in `1 of 2`)"), "{}", gaps.text);
        assert!(checks(&open_run(10, &[(0, 0, 1)])).is_none(), "other loads have nothing to be faithful to");
    }
}
