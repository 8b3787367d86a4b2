//! How the newest release of a series stands: usual, suspect, or a regression that nobody has accepted.
//!
//! Two things make a regression: two releases in turn beyond the band that the regime before them leads to expect, and
//! a change for the worse that [`super::regimes`] finds over many releases, even if no single one of them stood
//! out. Either stays one until a release returns to the old band or the new level is accepted: a gate that falls
//! silent once the bad level has lasted would fail only the builds that nobody was looking at.

mod band;

use serde::Serialize;

use self::band::{AFTER_UPDATE, GATE_ALPHA, MOST_BEFORE};
use super::drift::drift;
use super::outliers::hampel;
use super::regimes::{LEAST_RATIO, OUTLIERS, lifted};

pub use band::{Band, LEAST_BEFORE};

/// A change is attributed to an update within this many releases; its position is no more exact.
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
    /// The standard error that each value has by sampling alone, as a logarithm: a band reaches at least as far as chance
    /// does. Empty where the spread of the releases tells.
    pub errors: &'a [f64],
    /// Places of releases of which nothing went well, where the values do not say so themselves by a rate of 0.
    pub halts: &'a [usize],
}

/// The newest release, by what came before it.
///
/// - Beyond the band of the regime before it: suspect; the second in turn: a regression.
/// - A rate of 0 after one above 0 is a regression by itself, and so is any other release of which nothing went well.
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
            _ if pending.is_standstill => !self.is_halted(at),
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

    /// Whether nothing of a release went well.
    fn is_halted(&self, at: usize) -> bool {
        let is_zero = self.releases.worse == Worse::Down && self.releases.values[at] == 0.0;
        is_zero || self.releases.halts.contains(&at)
    }

    /// How a release stands beside the regime in force.
    fn gate(&mut self, at: usize) -> Standing {
        let is_standstill = self.is_halted(at) && (0..at).any(|before| !self.is_halted(before));
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
        let band = if is_known { band } else { band.widened() };
        Some(Band { reach_ln: band.reach_ln.max(self.chance(at)), ..band })
    }

    /// How far a release may lie from the mean of the regime in force by sampling alone.
    fn chance(&self, at: usize) -> f64 {
        let variance = |at: usize| self.releases.errors.get(at).map_or(0.0, |error| error.powi(2));
        let of_mean = self.regime.iter().map(|at| variance(*at)).sum::<f64>();
        let n = self.regime.len().max(1) as f64;
        band::chance() * (variance(at) + of_mean / n.powi(2)).sqrt()
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
mod tests;
