//! How the newest release of a series stands: usual, suspect, or a regression that nobody has accepted.
//!
//! Two things make a regression: two releases in turn beyond the band that the regime before them leads to expect, and
//! a change for the worse that [`super::regimes`] finds over many releases, even if no single one of them stood
//! out. Either stays one until a release returns to the old band or the new level is accepted: a gate that falls
//! silent once the bad level has lasted would fail only the builds that nobody was looking at.

use serde::Serialize;

use super::distribution::t_quantile;
use super::drift::drift;
use super::mean::Moments;
use super::outliers::hampel;
use super::regimes::{LEAST_RATIO, OUTLIERS, lifted};

/// Values of a regime that the newest is held against: at least, …
pub const LEAST_BEFORE: usize = 4;
/// … and at most.
const MOST_BEFORE: usize = 40;
/// Two-sided alpha of one release.
const GATE_ALPHA: f64 = 0.001;
/// By how much wider a band is for the first releases on a machine whose software was updated: what the update does to
/// the metric is not known.
const AFTER_UPDATE: f64 = 2.0;
/// A change is put down to an update that lies within so many releases of it: it is found no closer.
const NEAR_UPDATE: usize = 2;

/// What creeps by less than this over a regime is borne.
const LEAST_CREEP: f64 = 0.10;

/// Which way a metric gets worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worse {
    /// Times: more is worse.
    Up,
    /// Rates: less is worse.
    Down,
}

impl Worse {
    /// How much worse `to` is than `from`, both logarithms: above 0 if it is worse.
    fn by(self, from: f64, to: f64) -> f64 {
        match self {
            Self::Up => to - from,
            Self::Down => from - to,
        }
    }
}

/// Where one more value of a regime is to be expected.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Band {
    /// Mean of the logarithms.
    pub mean_ln: f64,
    /// How far from it a value may lie, as a logarithm, at least ln 1.03.
    pub reach_ln: f64,
}

impl Band {
    /// That of a regime of positive values, in order of releases; none below four values.
    ///
    /// `mean ± max(t_{n−1, 0.9995}·s·√(1 + 1/n), ln 1.03)` of the logarithms of the last 40 values, without those
    /// that Hampel's filter marks as outliers, as long as four are left. They are left out rather than replaced by
    /// their window's median: replacing shrinks s, and short series of normal values then raise ten times the
    /// false alarms (four values: 2.3 % instead of 0.1 %).
    pub fn of(values: &[f64]) -> Option<Self> {
        Self::of_logs(&values.iter().map(|v| v.ln()).collect::<Vec<f64>>())
    }

    /// That for a release of which it is not known what an update of the machine does to it.
    fn widened(self) -> Self {
        Self { reach_ln: AFTER_UPDATE * self.reach_ln, ..self }
    }

    fn of_logs(logs: &[f64]) -> Option<Self> {
        let last = &logs[logs.len().saturating_sub(MOST_BEFORE)..];
        let clean = hampel(last, OUTLIERS.0, OUTLIERS.1);
        let kept: Vec<f64> =
            last.iter().zip(&clean).filter(|(x, clean)| x == clean).map(|(x, _)| *x).collect();
        let used = if kept.len() < LEAST_BEFORE { last } else { &kept };
        let moments = Moments::of(used).filter(|moments| moments.n >= LEAST_BEFORE)?;
        let t = t_quantile(1.0 - GATE_ALPHA / 2.0, moments.df());
        let reach = t * moments.sd * (1.0 + 1.0 / moments.n as f64).sqrt();
        Some(Self { mean_ln: moments.mean, reach_ln: reach.max(LEAST_RATIO.ln()) })
    }
}

/// The newest release.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Standing {
    /// There are fewer than four releases to hold it against.
    TooFew {
        /// Releases of the regime, the newest among them.
        points: usize,
    },
    /// Where it is to be expected.
    Usual,
    /// Beyond the band, to the better.
    Better {
        /// Over the mean of the regime before it.
        ratio: f64,
    },
    /// Beyond the band, to the worse, for the first time.
    Suspect {
        /// Over the mean of the regime before it.
        ratio: f64,
    },
    /// Worse for longer, and neither mended nor accepted.
    Regression {
        /// Over the mean of the regime before the regression.
        ratio: f64,
        /// Place of its first release.
        since: usize,
    },
}

/// A series over releases, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Releases<'a> {
    /// A value for each release, the oldest first, at least 0; +∞ where too many requests were not answered.
    pub values: &'a [f64],
    /// Places where regimes begin, in order, as [`super::regimes::begins`] finds them.
    pub begins: &'a [usize],
    /// Places of releases whose level was accepted.
    pub accepted: &'a [usize],
    /// Places of releases before which the machine's software was updated, in order: until four of its releases are in
    /// the regime, the band is twice as wide.
    pub updates: &'a [usize],
    /// Which way it gets worse.
    pub worse: Worse,
    /// The smallest difference that values can show: see [`lifted`].
    pub resolution: f64,
}

/// The newest release, by what came before it.
///
/// - Beyond the band of the regime before it: suspect; the second in turn: a regression.
/// - A rate of 0 after one above 0 is a regression by itself.
/// - A change for the worse at one of the `begins`, by at least 3 % of the regime in force, and beyond the wider band
///   where an update of the machine may be the cause: a regression.
/// - A regime that gets worse by at least 10 % from its first release to its last, little by little and beyond chance
///   ([`drift`] over its releases at alpha 0.001), is a regression since its first: none of its releases stands out from
///   those before it, and the band widens with them.
/// - A regression ends where a release is back in the band, or better (only if the regression's own level
///   lies outside of the band: otherwise a single release tells nothing), or at a change back, or where a release
///   since its beginning was accepted, whose level then is that of a new regime.
///
/// Too few without values, or where one is negative or NaN.
pub fn standing(releases: &Releases<'_>) -> Standing {
    let mut standing = Standing::TooFew { points: releases.values.len() };
    let Some(values) = lifted(releases.values, releases.resolution) else { return standing };
    let logs: Vec<f64> = values.iter().map(|v| v.ln()).collect();
    let mut walk = Walk { releases, logs: &logs, regime: Vec::new(), suspect: None, pending: None };
    for at in 0..logs.len() {
        standing = walk.step(at);
    }
    standing
}

/// A regression that is neither mended nor accepted.
#[derive(Clone, Copy)]
struct Pending {
    since: usize,
    /// What it is held against; none where the regime before it is too short.
    band: Option<Band>,
    /// Its own level, a logarithm. Where that lies in the band, one release in the band mends nothing.
    level: f64,
    /// Whether it is a rate of 0, which any other rate mends.
    is_standstill: bool,
}

/// What is known on the way from the oldest release to the newest.
struct Walk<'a> {
    releases: &'a Releases<'a>,
    logs: &'a [f64],
    /// Places of the releases of the regime in force; none of an infinite value.
    regime: Vec<usize>,
    /// The last release, if it is suspect.
    suspect: Option<usize>,
    pending: Option<Pending>,
}

impl Walk<'_> {
    fn step(&mut self, at: usize) -> Standing {
        if self.releases.begins.contains(&at) {
            self.found_change(at);
        }
        if self.releases.accepted.contains(&at) {
            self.accept(at);
            return Standing::Usual;
        }
        self.still_pending(at).unwrap_or_else(|| self.gate(at))
    }

    /// Makes the level of a release that of a new regime, if it is another level.
    fn accept(&mut self, at: usize) {
        let began = self.pending.map(|pending| pending.since).or(self.suspect);
        let is_beyond = self.band_for(at).is_some_and(|band| self.worse_by(band, at).abs() > band.reach_ln);
        if let Some(since) = began.or(is_beyond.then_some(at)) {
            self.regime.clear();
            (since..at).for_each(|at| self.take(at));
        }
        (self.pending, self.suspect) = (None, None);
        self.take(at);
    }

    /// A change that was found over many releases, for better or worse than the regime in force.
    fn found_change(&mut self, at: usize) {
        let end = self.releases.begins.iter().copied().find(|begin| *begin > at).unwrap_or(self.logs.len());
        let (Some(level), Some(mean)) = (mean(&self.logs[at..end]), mean(&self.regime_logs())) else {
            return;
        };
        let least = self.least_change(at);
        let direction = self.releases.worse;
        let worse = direction.by(mean, level);
        // Back in the old band, after a level that was worse still.
        let is_back = self.pending.is_some_and(|pending| {
            direction.by(pending.level, level) < 0.0
                && pending.band.is_some_and(|band| worse <= band.reach_ln)
        });
        if worse <= -least {
            // A new regime, which later releases have to keep to.
            (self.pending, self.suspect) = (None, None);
            self.regime.clear();
        } else if is_back || worse < least {
            self.pending = None;
        } else {
            let since = self.pending.map_or(at, |pending| pending.since);
            self.pending = Some(Pending { since, band: self.band_for(at), level, is_standstill: false });
            self.suspect = None;
        }
    }

    /// By how much the level has to change at a place, as a logarithm, to count.
    fn least_change(&self, at: usize) -> f64 {
        let is_near = |update: &usize| update.abs_diff(at) <= NEAR_UPDATE;
        if !self.releases.updates.iter().any(is_near) {
            return LEAST_RATIO.ln();
        }
        let band = Band::of_logs(&self.regime_logs()).map(Band::widened);
        band.map_or(AFTER_UPDATE * LEAST_RATIO.ln(), |band| band.reach_ln)
    }

    /// How a release stands while a regression is pending; none if there is none any more.
    fn still_pending(&mut self, at: usize) -> Option<Standing> {
        let pending = self.pending?;
        let is_back = match pending.band {
            _ if pending.is_standstill => self.releases.values[at] > 0.0,
            Some(band) if self.releases.worse.by(band.mean_ln, pending.level) > band.reach_ln => {
                self.worse_by(band, at) <= band.reach_ln
            }
            _ => false,
        };
        if is_back {
            self.pending = None;
            return None;
        }
        let mean = pending.band.map(|band| band.mean_ln).or_else(|| mean(&self.regime_logs()));
        let ratio = mean.map_or(f64::NAN, |mean| (self.logs[at] - mean).exp());
        Some(Standing::Regression { ratio, since: pending.since })
    }

    /// How a release stands beside the regime in force.
    fn gate(&mut self, at: usize) -> Standing {
        let values = self.releases.values;
        let is_standstill =
            self.releases.worse == Worse::Down && values[at] == 0.0 && values[..at].iter().any(|v| *v > 0.0);
        if is_standstill {
            let pending = Pending { since: at, band: self.band_for(at), level: self.logs[at], is_standstill };
            self.pending = Some(pending);
            return Standing::Regression { ratio: 0.0, since: at };
        }
        let Some(band) = self.band_for(at) else {
            self.take(at);
            return Standing::TooFew { points: self.regime.len() };
        };
        let worse = self.worse_by(band, at);
        let ratio = (self.logs[at] - band.mean_ln).exp();
        if worse > band.reach_ln {
            let Some(since) = self.suspect.take() else {
                self.suspect = Some(at);
                return Standing::Suspect { ratio };
            };
            self.pending =
                Some(Pending { since, band: Some(band), level: self.logs[at], is_standstill: false });
            return Standing::Regression { ratio, since };
        }
        // A single suspect was an outlier of the regime, which the band's filter knows how to treat.
        if let Some(suspect) = self.suspect.take() {
            self.take(suspect);
        }
        self.take(at);
        if let Some(standing) = self.creep(at) {
            return standing;
        }
        if worse < -band.reach_ln { Standing::Better { ratio } } else { Standing::Usual }
    }

    /// The regression of a regime that gets worse little by little.
    fn creep(&mut self, at: usize) -> Option<Standing> {
        let regime = &self.regime[self.regime.len().saturating_sub(MOST_BEFORE)..];
        let worse = |place: &usize| self.releases.worse.by(0.0, self.logs[*place]).exp();
        let points: Vec<(f64, f64)> = regime.iter().map(|place| (*place as f64, worse(place))).collect();
        let mean = |values: &mut [f64]| Some(values.iter().sum::<f64>() / values.len() as f64);
        drift(&points, GATE_ALPHA, mean).filter(|drift| drift.low > 0.0 && drift.share >= LEAST_CREEP)?;
        let since = *regime.first()?;
        let first: Vec<f64> = regime.iter().take(LEAST_BEFORE).map(|place| self.logs[*place]).collect();
        let band = Band::of_logs(&first)?;
        self.pending = Some(Pending { since, band: Some(band), level: self.logs[at], is_standstill: false });
        Some(Standing::Regression { ratio: (self.logs[at] - band.mean_ln).exp(), since })
    }

    /// Makes a release one of the regime in force.
    fn take(&mut self, at: usize) {
        self.regime.extend(Some(at).filter(|at| self.logs[*at].is_finite()));
    }

    fn regime_logs(&self) -> Vec<f64> {
        self.regime.iter().map(|at| self.logs[*at]).collect()
    }

    /// The band of the regime in force; wider for a release that was measured with other software than it.
    fn band_for(&self, at: usize) -> Option<Band> {
        let updates_until = |at: &usize| self.releases.updates.iter().filter(|update| *update <= at).count();
        let alike = self.regime.iter().filter(|other| updates_until(other) == updates_until(&at)).count();
        let is_known = alike == self.regime.len() || alike >= LEAST_BEFORE;
        let band = Band::of_logs(&self.regime_logs())?;
        Some(if is_known { band } else { band.widened() })
    }

    fn worse_by(&self, band: Band, at: usize) -> f64 {
        self.releases.worse.by(band.mean_ln, self.logs[at])
    }
}

/// The mean of logarithms, outliers replaced.
fn mean(logs: &[f64]) -> Option<f64> {
    let clean = hampel(logs, OUTLIERS.0, OUTLIERS.1);
    (!clean.is_empty()).then(|| clean.iter().sum::<f64>() / clean.len() as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::regimes::{Ties, begins};

    /// So many releases about a level.
    fn about(level: f64, n: usize) -> Vec<f64> {
        [0.99, 1.01, 1.0, 0.995, 1.005].iter().cycle().take(n).map(|wobble| level * wobble).collect()
    }

    /// The standing of every release when it was the newest.
    fn history(values: &[f64], accepted: &[usize], worse: Worse) -> Vec<Standing> {
        (1..=values.len()).map(|n| now(&values[..n], accepted, worse)).collect()
    }

    fn now(values: &[f64], accepted: &[usize], worse: Worse) -> Standing {
        updated(values, accepted, &[], worse)
    }

    /// With updates of the machine's software.
    fn updated(values: &[f64], accepted: &[usize], updates: &[usize], worse: Worse) -> Standing {
        let found = lifted(values, 0.001).and_then(|values| begins(&values, Ties::Counted));
        let begins = found.unwrap_or_default();
        standing(&Releases { values, begins: &begins, accepted, updates, worse, resolution: 0.001 })
    }

    fn is_regression(standing: &Standing) -> bool {
        matches!(standing, Standing::Regression { .. })
    }

    #[test]
    fn four_releases_are_enough_to_hold_the_next_against() {
        let mut values = about(10.0, 4);
        assert_eq!(now(&values, &[], Worse::Up), Standing::TooFew { points: 4 });
        values.push(15.0);
        assert!(
            matches!(now(&values, &[], Worse::Up), Standing::Suspect { ratio } if (ratio - 1.5).abs() < 0.01)
        );
        values.push(15.1);
        let found = now(&values, &[], Worse::Up);
        assert!(
            matches!(found, Standing::Regression { ratio, since: 4 } if (ratio - 1.51).abs() < 0.01),
            "{found:?}"
        );
        // For a rate the same is better.
        assert!(matches!(now(&values[..5], &[], Worse::Down), Standing::Better { .. }));
    }

    #[test]
    fn an_old_spike_does_not_make_a_doubling_usual() {
        let mut values = about(100.0, 12);
        values[7] = 175.0;
        values.extend([200.0, 201.0]);
        let history = history(&values, &[], Worse::Up);
        assert!(matches!(history[7], Standing::Suspect { .. }));
        assert_eq!(history[8], Standing::Usual);
        assert!(matches!(history[12], Standing::Suspect { .. }));
        assert!(matches!(history[13], Standing::Regression { since: 12, .. }));
    }

    #[test]
    fn a_rate_of_0_is_a_regression_by_itself() {
        let mut values = about(50.0, 14);
        values.extend([0.0, 0.0]);
        let history = history(&values, &[], Worse::Down);
        assert_eq!(history[13], Standing::Usual);
        assert_eq!(history[14], Standing::Regression { ratio: 0.0, since: 14 });
        assert!(matches!(history[15], Standing::Regression { since: 14, .. }));
        values.push(50.0);
        assert_eq!(now(&values, &[], Worse::Down), Standing::Usual);
        // Even after a single release; but what never worked has not become worse.
        assert!(is_regression(&now(&[50.0, 0.0], &[], Worse::Down)));
        assert_eq!(now(&[0.0, 0.0], &[], Worse::Down), Standing::TooFew { points: 2 });
        assert_eq!(now(&[0.0; 9], &[], Worse::Down), Standing::Usual);
    }

    #[test]
    fn a_regression_stays_until_it_is_mended() {
        let mut values = about(100.0, 12);
        values.extend(about(200.0, 12));
        let standings = history(&values, &[], Worse::Up);
        assert!(matches!(standings[12], Standing::Suspect { .. }));
        for standing in &standings[13..] {
            assert!(
                matches!(standing, Standing::Regression { ratio, since: 12 } if (ratio - 2.0).abs() < 0.05)
            );
        }
        values.push(100.5);
        assert_eq!(now(&values, &[], Worse::Up), Standing::Usual);
        values.push(200.0);
        assert!(!matches!(now(&values, &[], Worse::Up), Standing::Usual));
    }

    #[test]
    fn a_regression_stays_until_its_level_is_accepted() {
        let mut values = about(100.0, 12);
        values.extend(about(200.0, 4));
        assert!(is_regression(&now(&values, &[], Worse::Up)));
        assert_eq!(now(&values, &[15], Worse::Up), Standing::Usual);
        values.extend(about(200.0, 6));
        for standing in &history(&values, &[15], Worse::Up)[15..] {
            assert_eq!(*standing, Standing::Usual);
        }
        // The new level is what counts from now on.
        values.extend([260.0, 261.0]);
        assert!(is_regression(&now(&values, &[15], Worse::Up)));
        // A usual release may be accepted: nothing changes.
        assert_eq!(now(&about(100.0, 9), &[6], Worse::Up), Standing::Usual);
    }

    #[test]
    fn a_jump_by_a_factor_of_a_thousand_is_found_after_eight_releases() {
        let mut values = about(0.36, 8);
        values.extend(about(521.0, 4));
        assert!(matches!(now(&values, &[], Worse::Up), Standing::Regression { since: 8, .. }));
    }

    #[test]
    fn a_small_change_that_no_single_release_shows_is_a_regression_until_a_change_back() {
        // 4 % of noise, 10 % of change: every release lies in the band.
        let noise = [0.96, 1.03, 1.0, 0.95, 1.04, 1.02, 0.97, 1.05, 0.99, 1.01];
        let at = |level: f64| noise.iter().cycle().take(30).map(move |wobble| level * wobble);
        let mut values: Vec<f64> = at(100.0).chain(at(110.0)).collect();
        let band = Band::of(&values[..30]).unwrap();
        assert!(band.reach_ln > 0.1);
        let found = now(&values, &[], Worse::Up);
        assert!(matches!(found, Standing::Regression { since: 30, .. }), "{found:?}");
        assert!(!is_regression(&now(&values, &[45], Worse::Up)));
        values.extend(at(100.0));
        assert!(!is_regression(&now(&values, &[], Worse::Up)));
    }

    #[test]
    fn a_change_back_into_the_old_band_mends_though_it_is_not_all_the_way() {
        let noise = [0.96, 1.03, 1.0, 0.95, 1.04, 1.02, 0.97, 1.05, 0.99, 1.01];
        let at = |level: f64| noise.iter().cycle().take(20).map(move |wobble| level * wobble);
        let values: Vec<f64> = at(100.0).chain(at(200.0)).chain(at(105.0)).collect();
        assert!(is_regression(&now(&values[..40], &[], Worse::Up)));
        assert!(!is_regression(&now(&values, &[], Worse::Up)));
    }

    #[test]
    fn what_creeps_is_a_regression_though_no_release_stands_out() {
        let creeping: Vec<f64> =
            about(100.0, 14).iter().zip(0..).map(|(v, i)| v * 1.03_f64.powi(i)).collect();
        let found = now(&creeping, &[], Worse::Up);
        assert!(matches!(found, Standing::Regression { since: 0, .. }), "{found:?}");
        assert!(!is_regression(&now(&creeping, &[], Worse::Down)), "for a rate that is better");
        // Until somebody accepts it.
        assert!(!is_regression(&now(&creeping, &[13], Worse::Up)));
        // What stays within 10 % is borne.
        let slowly: Vec<f64> = about(100.0, 14).iter().zip(0..).map(|(v, i)| v * 1.004_f64.powi(i)).collect();
        assert!(!is_regression(&now(&slowly, &[], Worse::Up)));
    }

    #[test]
    fn a_better_level_is_what_later_releases_are_held_against() {
        let mut values = about(100.0, 12);
        values.extend(about(50.0, 12));
        assert_eq!(now(&values, &[], Worse::Up), Standing::Usual);
        values.extend([100.0, 100.0]);
        assert!(is_regression(&now(&values, &[], Worse::Up)));
    }

    #[test]
    fn unanswered_releases_are_worse_and_strange_values_tell_nothing() {
        let mut values = about(10.0, 8);
        values.push(f64::INFINITY);
        assert!(matches!(now(&values, &[], Worse::Up), Standing::Suspect { .. }));
        values.push(f64::INFINITY);
        assert!(is_regression(&now(&values, &[], Worse::Up)));
        assert_eq!(now(&[], &[], Worse::Up), Standing::TooFew { points: 0 });
        assert_eq!(now(&[1.0, f64::NAN], &[], Worse::Up), Standing::TooFew { points: 2 });
    }

    #[test]
    fn after_an_update_of_the_machine_the_band_is_wider_and_not_gone() {
        let mut values = about(100.0, 12);
        let narrow = Band::of(&values).unwrap().reach_ln;
        let slower = 100.0 * (1.5 * narrow).exp();
        values.extend([slower, slower]);
        assert!(is_regression(&now(&values, &[], Worse::Up)));
        assert_eq!(updated(&values, &[], &[12], Worse::Up), Standing::Usual);
        // What lies beyond the wider one is as bad as ever.
        values[12..].fill(200.0);
        let found = updated(&values, &[], &[12], Worse::Up);
        assert!(matches!(found, Standing::Regression { since: 12, .. }), "{found:?}");
        // After four releases the update is known: what comes then is not put down to it.
        values.truncate(12);
        values.extend(about(slower, 4));
        assert_eq!(updated(&values, &[], &[12], Worse::Up), Standing::Usual);
        values.extend([200.0, 200.0]);
        assert!(is_regression(&updated(&values, &[], &[12], Worse::Up)));
    }

    #[test]
    fn a_lasting_change_with_an_update_counts_beyond_the_wider_band_only() {
        let shifted = |level: f64| [about(100.0, 20), about(level, 20)].concat();
        assert!(is_regression(&now(&shifted(105.0), &[], Worse::Up)));
        assert!(!is_regression(&updated(&shifted(105.0), &[], &[20], Worse::Up)));
        assert!(is_regression(&updated(&shifted(130.0), &[], &[20], Worse::Up)));
        // An update long before or after it is no excuse.
        assert!(is_regression(&updated(&shifted(105.0), &[], &[10], Worse::Up)));
        assert!(is_regression(&updated(&shifted(105.0), &[], &[30], Worse::Up)));
    }

    #[test]
    fn a_band_leaves_outliers_out_and_is_never_narrower_than_3_percent() {
        assert_eq!(Band::of(&[1.0; 3]), None);
        let flat = Band::of(&[5.0; 4]).unwrap();
        assert_eq!(flat, Band { mean_ln: 5.0_f64.ln(), reach_ln: 1.03_f64.ln() });
        let mut values = about(100.0, 12);
        let clean = Band::of(&values).unwrap();
        values.insert(5, 900.0);
        let spiked = Band::of(&values).unwrap();
        assert!((spiked.mean_ln - clean.mean_ln).abs() < 0.01 && spiked.reach_ln < 1.2 * clean.reach_ln);
    }

    proptest! {
        #[test]
        fn units_do_not_matter_and_directions_mirror(
            values in prop::collection::vec(0.5..2.0_f64, 1..25), accepted in prop::collection::vec(0_usize..25, 0..2),
        ) {
            let at = |values: &[f64], worse| {
                standing(&Releases { values, begins: &[], accepted: &accepted, updates: &[], worse, resolution: 0.001 })
            };
            let kind = |standing: Standing| std::mem::discriminant(&standing);
            let scaled: Vec<f64> = values.iter().map(|v| v * 1000.0).collect();
            let inverse: Vec<f64> = values.iter().map(|v| 1.0 / v).collect();
            let found = kind(at(&values, Worse::Up));
            prop_assert_eq!(kind(at(&scaled, Worse::Up)), found);
            prop_assert_eq!(kind(at(&inverse, Worse::Down)), found);
        }
    }
}
