//! What a trial misses beside trials at lower loads: a system that does less as more is asked of it, or that answers with
//! less, is past its capacity, however fast it answers.

use std::collections::BTreeMap;

use super::trial::{Broken, Mode, Trial};
use crate::stats::contingency::fisher;
use crate::stats::quantile::median;
use crate::stats::sizes::SHRUNK;
use crate::unit;

/// Throughput at most this share of that at a lower load is a fall.
const FALLEN: f64 = 0.8;
/// Standard errors of two counts by which throughput has to fall to be more than chance.
const BEYOND_CHANCE: f64 = 3.0;
/// Share by which small answers may become more frequent: as many as may fail.
const TOLERATED: f64 = 0.01;
/// Level at which small answers are more frequent than by chance.
const ALPHA: f64 = 0.001;

/// A trial with what it misses beside those `before` it in its search: of every goal. `trial_s`: how long its load lasts.
pub fn compared(mut trial: Trial, before: &[Trial], trial_s: f64) -> Trial {
    let lower: Vec<&Trial> = before.iter().filter(|other| other.load < trial.load).collect();
    let found: Vec<Broken> =
        fallen(&trial, &lower, trial_s).into_iter().chain(shrunk(&trial, &lower)).collect();
    for missed in &mut trial.missed {
        missed.extend(found.iter().cloned());
    }
    trial
}

/// Fewer `ok` answers than at a lower load; its trials count by their median.
fn fallen(trial: &Trial, lower: &[&Trial], trial_s: f64) -> Option<Broken> {
    let mut by_load: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for other in lower {
        by_load.entry(other.load.to_bits()).or_default().push(other.achieved_per_s);
    }
    let medians = by_load.iter().filter_map(|(load, rates)| Some((f64::from_bits(*load), median(rates)?)));
    let (load, best) = medians.max_by(|a, b| a.1.total_cmp(&b.1))?;
    let now = trial.achieved_per_s;
    let chance = BEYOND_CHANCE * ((best + now) / trial_s).sqrt();
    (now <= best * FALLEN && best - now > chance).then(|| Broken {
        mode: Mode::Throughput,
        condition: "throughput does not fall as the load rises".to_owned(),
        seen: format!(
            "{} requests per second were `ok`, fewer than the {} at {}",
            unit::significant(now),
            unit::significant(best),
            unit::significant(load)
        ),
    })
}

/// An endpoint whose answers are more often much smaller than they usually are at the lowest load.
fn shrunk(trial: &Trial, lower: &[&Trial]) -> Option<Broken> {
    let lowest = lower.iter().min_by(|a, b| a.load.total_cmp(&b.load))?;
    trial.answers.iter().find_map(|(endpoint, now)| {
        let before = lowest.answers.get(endpoint)?;
        let usual = before.median()?;
        let [(small0, n0), (small1, n1)] = [before, now].map(|sizes| (sizes.shrunk(usual), sizes.n()));
        let share = |small: u64, n: u64| small as f64 / n.max(1) as f64;
        let is_more = share(small1, n1) > share(small0, n0) + TOLERATED
            && fisher([[small0, n0 - small0], [small1, n1 - small1]]) < ALPHA;
        is_more.then(|| Broken {
            mode: Mode::Errors,
            condition: "answers are as large as at the lowest load".to_owned(),
            seen: format!(
                "{} of the answers of {endpoint} had at most {} bytes, half of what is usual at {}; there it was {}",
                unit::share(share(small1, n1)),
                unit::significant(f64::from(usual) * SHRUNK),
                unit::significant(lowest.load),
                unit::share(share(small0, n0)),
            ),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::RunId;
    use crate::stats::sizes::Sizes;

    fn trial(load: f64, achieved_per_s: f64, sizes: &[(u32, usize)]) -> Trial {
        let mut of = Sizes::default();
        for (bytes, n) in sizes {
            (0..*n).for_each(|_| of.add(*bytes));
        }
        Trial {
            run: RunId(1),
            load,
            achieved_per_s,
            mean_ms: 1.0,
            p50_ms: 1.0,
            p99_ms: 1.0,
            not_ok_share: 0.0,
            answers: BTreeMap::from([("GET /".to_owned(), of)]),
            missed: vec![Vec::new(), Vec::new()],
            not_held: Vec::new(),
            disturbance: None,
            reasons: Vec::new(),
        }
    }

    fn modes(trial: Trial, before: &[Trial]) -> Vec<Mode> {
        let trial = compared(trial, before, 2.0);
        assert_eq!(trial.missed[0], trial.missed[1], "of every goal");
        trial.missed[0].iter().map(|broken| broken.mode).collect()
    }

    #[test]
    fn throughput_that_falls_as_the_load_rises_is_a_miss() {
        let before = [trial(2.0, 60.0, &[]), trial(3.0, 94.0, &[]), trial(20.0, 300.0, &[])];
        assert_eq!(modes(trial(10.0, 29.0, &[]), &before), [Mode::Throughput]);
        assert_eq!(modes(trial(10.0, 90.0, &[]), &before), [], "what is done at a higher load is no bound");
        assert_eq!(modes(trial(10.0, 76.0, &[]), &before), [], "a plateau");
        assert_eq!(modes(trial(2.0, 29.0, &[]), &before), []);
        // Three of five requests are chance.
        assert_eq!(modes(trial(2.0, 1.5, &[]), &[trial(1.0, 2.5, &[])]), []);
    }

    #[test]
    fn answers_that_shrink_as_the_load_rises_are_a_miss() {
        let before = [trial(4.0, 90.0, &[(0, 50), (2000, 10)]), trial(2.0, 60.0, &[(2000, 100)])];
        assert_eq!(modes(trial(8.0, 90.0, &[(2000, 150), (0, 40)]), &before), [Mode::Errors]);
        assert_eq!(modes(trial(8.0, 90.0, &[(2000, 150), (1900, 40)]), &before), []);
        assert_eq!(modes(trial(8.0, 90.0, &[(9000, 190)]), &before), [], "they may grow");
        // Answers of all sizes: as many small ones as before.
        let mixed = [trial(2.0, 60.0, &[(2000, 60), (20, 40)])];
        assert_eq!(modes(trial(8.0, 90.0, &[(2000, 110), (20, 80)]), &mixed), []);
    }
}
