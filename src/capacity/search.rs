//! What to try next. Up by a factor until a goal is missed, then by bisection; a load is missed, and the one that is
//! reported is met, once its trials are certain to be so classified. Then both ends are confirmed, until the capacity
//! is shown to lie between them.
//!
//! Of what several goals want, the smallest load is tried first: a bound that is found late may void those above it.

use std::collections::BTreeMap;

use super::terms::{Goal, Terms};
use crate::stats::crossing::{self, Tried};
use crate::stats::mlrsearch::{self, Class};

/// A system that misses at a sixteenth of the first guess is asked something else.
const LEAST_SHARE: f64 = 1.0 / 16.0;
/// An end that would need more trials than this, all of them alike, is not confirmed: exceed ratios near 0.
const MOST_NEEDED: u32 = 30;
/// How many times as many trials are made at an end before the next load outside of it is tried in its place.
const PATIENCE: u32 = 2;
/// Trials at an end that turn out otherwise, from which on the next load outside of it is tried in its place.
const SURPRISES: usize = 3;
/// How many widths outside of a bound its end is looked for.
const OUTWARD: i32 = 3;

/// The next trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Its load.
    pub load: f64,
    /// What it is for.
    pub purpose: Purpose,
}

/// What a trial is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To narrow the bounds.
    Search,
    /// To confirm a bound that was found.
    Confirm,
    /// To see how the system fails at more than its capacity.
    Beyond,
    /// None any more: something outside of the system disturbed it, and it was made again.
    Disturbed,
}

impl Purpose {
    /// The word for it in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Confirm => "confirm",
            Self::Beyond => "beyond",
            Self::Disturbed => "disturbed",
        }
    }
}

/// The relevant bounds of a goal, as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bounds {
    /// The highest load below the upper bound that is a lower bound.
    pub lower: Option<f64>,
    /// The lowest load that is an upper bound.
    pub upper: Option<f64>,
    /// Whether both are there, no further apart than the goal's width.
    pub is_regular: bool,
}

/// One side of a capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Low,
    High,
}

/// A search for the highest loads that meet its goals.
#[derive(Clone, Debug)]
pub struct Search {
    terms: Terms,
    /// In order of time.
    made: Vec<Made>,
}

#[derive(Clone, Debug)]
struct Made {
    load: f64,
    /// Of each goal, whether it was missed.
    missed: Vec<bool>,
}

/// What the trials at a load say of a goal.
#[derive(Clone, Copy, Debug)]
struct Seen {
    load: f64,
    class: Class,
    has_miss: bool,
}

impl Seen {
    fn is_open(&self) -> bool {
        self.class == Class::Undecided
    }

    /// Whether it is met so far: on the way, one trial that meets is enough to go on.
    fn is_met(&self) -> bool {
        self.class == Class::Lower || (self.is_open() && !self.has_miss)
    }
}

impl Search {
    /// A search that has not begun.
    pub fn new(terms: Terms) -> Self {
        Self { terms, made: Vec::new() }
    }

    /// The trial to make next, if `left` more are possible; none when the search is over. The last ones are kept for
    /// classifying and confirming what was found.
    pub fn next(&self, left: u32) -> Option<Step> {
        if left == 0 {
            return None;
        }
        let of_goals = |wanted: fn(&Self, usize) -> Option<f64>| {
            self.goals().filter_map(|(place, _)| wanted(self, place)).min_by(f64::total_cmp)
        };
        let step = |purpose| move |load| Step { load, purpose };
        let narrowed = of_goals(Self::narrowing);
        if narrowed.is_none() {
            return self.confirming().map(step(Purpose::Confirm));
        }
        let settled = || of_goals(Self::settling).map(step(Purpose::Search));
        let kept = || settled().or_else(|| self.confirming().map(step(Purpose::Confirm)));
        Some(left)
            .filter(|left| *left <= self.reserve())
            .and_then(|_| kept())
            .or_else(|| narrowed.map(step(Purpose::Search)))
    }

    /// Takes down what a trial came to: of each goal, whether it was missed.
    pub fn note(&mut self, load: f64, missed: Vec<bool>) {
        self.made.push(Made { load, missed });
    }

    /// The relevant bounds of a goal.
    pub fn bounds(&self, goal: usize) -> Bounds {
        let seen = self.seen(goal);
        let of = |class| seen.iter().filter(move |s| s.class == class).map(|s| s.load);
        let upper = of(Class::Upper).min_by(f64::total_cmp);
        let below = |load: &f64| upper.is_none_or(|upper| *load < upper);
        let lower = of(Class::Lower).filter(below).max_by(f64::total_cmp);
        let is_regular = match (lower, upper) {
            (Some(lower), Some(upper)) => self.is_near(lower, upper, self.terms.goals[goal].width),
            _ => false,
        };
        Bounds { lower, upper, is_regular }
    }

    /// Where a goal's capacity is shown to lie, at the level of the search's alpha.
    pub fn interval(&self, goal: usize) -> crossing::Limits {
        let tried: Vec<Tried> =
            self.made.iter().map(|made| Tried { load: made.load, is_miss: made.missed[goal] }).collect();
        crossing::limits(&tried, self.terms.goals[goal].exceed_ratio, self.terms.alpha)
    }

    /// Trials that were made at a load.
    pub fn trials_at(&self, load: f64) -> usize {
        self.made.iter().filter(|made| made.load == load).count()
    }

    /// Trials at a load that speak against its being on its side.
    fn surprises_at(&self, load: f64, goal: usize, end: End) -> usize {
        let is_surprise = |made: &&Made| made.load == load && made.missed[goal] == (end == End::Low);
        self.made.iter().filter(is_surprise).count()
    }

    fn goals(&self) -> impl Iterator<Item = (usize, &Goal)> {
        self.terms.goals.iter().enumerate()
    }

    /// What is known of each load that was tried, in order of load.
    fn seen(&self, goal: usize) -> Vec<Seen> {
        let terms = &self.terms;
        let requirement = terms.goals[goal].requirement(terms.trial_s);
        // Loads are compared by their bits: they were made by this search, and above 0.
        let mut by_load: BTreeMap<u64, Vec<bool>> = BTreeMap::new();
        for made in &self.made {
            by_load.entry(made.load.to_bits()).or_default().push(made.missed[goal]);
        }
        let of = |(load, missed): (u64, Vec<bool>)| {
            let trial = |is_high_loss: &bool| mlrsearch::Trial {
                duration_s: terms.trial_s,
                is_high_loss: *is_high_loss,
            };
            Seen {
                load: f64::from_bits(load),
                class: mlrsearch::classify(&requirement, missed.iter().map(trial)),
                has_miss: missed.contains(&true),
            }
        };
        by_load.into_iter().map(of).collect()
    }

    /// The load that would narrow a goal's bounds; none if they are near enough, or can come no nearer.
    fn narrowing(&self, goal: usize) -> Option<f64> {
        let limits = &self.terms.limits;
        let seen = self.seen(goal);
        let upper = self.bounds(goal).upper;
        let below = |s: &&Seen| upper.is_none_or(|upper| s.load < upper);
        // A single miss may be an accident.
        if let Some(open) = seen.iter().filter(below).find(|s| s.is_open() && s.has_miss) {
            return Some(open.load);
        }
        let met = seen.iter().filter(below).rfind(|s| s.is_met());
        match (met, upper) {
            (None, None) => Some(self.rounded(limits.from)),
            (Some(met), None) if met.load >= limits.to => met.is_open().then_some(met.load),
            (Some(met), None) => Some(self.above(met.load)),
            (None, Some(upper)) => {
                let lower = self.rounded(upper / limits.factor);
                (lower < upper && lower >= limits.from * LEAST_SHARE).then_some(lower)
            }
            (Some(met), Some(upper)) => {
                if self.is_near(met.load, upper, self.terms.goals[goal].width) {
                    return met.is_open().then_some(met.load);
                }
                Some(self.rounded((met.load * upper).sqrt()))
            }
        }
    }

    /// The highest load that a goal meets so far, if no load is yet certain to meet it.
    fn settling(&self, goal: usize) -> Option<f64> {
        let bounds = self.bounds(goal);
        let below = |s: &&Seen| bounds.upper.is_none_or(|upper| s.load < upper);
        let seen = self.seen(goal);
        let met = seen.iter().filter(below).rfind(|s| s.is_met())?;
        bounds.lower.is_none().then_some(met.load)
    }

    /// The load with the fewest trials at which an end has still to be confirmed.
    fn confirming(&self) -> Option<f64> {
        let ends = self
            .goals()
            .flat_map(|(place, goal)| [End::Low, End::High].map(|end| self.unconfirmed(place, goal, end)));
        ends.flatten().min_by_key(|load| self.trials_at(*load))
    }

    /// The load at which an end is to be tried; none if it is confirmed, or cannot be.
    fn unconfirmed(&self, place: usize, goal: &Goal, end: End) -> Option<f64> {
        let (bounds, shown) = (self.bounds(place), self.interval(place));
        let (bound, needed) = match end {
            End::Low => (bounds.lower?, needed(goal.exceed_ratio, self.terms.alpha)?),
            End::High => (bounds.upper?, needed(1.0 - goal.exceed_ratio, self.terms.alpha)?),
        };
        let mut loads: Vec<f64> =
            (0..=OUTWARD).map(|step| self.outward(bound, goal.width, step, end)).collect();
        loads.dedup();
        let is_shown = |load: f64| match end {
            End::Low => shown.low.is_some_and(|low| low >= load),
            End::High => shown.high.is_some_and(|high| high <= load),
        };
        for load in loads {
            if is_shown(load) {
                return None;
            }
            let is_patient = self.trials_at(load) < usize::try_from(PATIENCE * needed).unwrap_or(usize::MAX);
            if is_patient && self.surprises_at(load, place, end) < SURPRISES {
                return Some(load);
            }
        }
        None
    }

    /// Trials that confirm all ends, if nothing surprises.
    fn reserve(&self) -> u32 {
        let of = |goal: &Goal| {
            let ends = [goal.exceed_ratio, 1.0 - goal.exceed_ratio];
            ends.iter().filter_map(|level| needed(*level, self.terms.alpha)).sum::<u32>()
        };
        self.terms.goals.iter().map(of).sum()
    }

    /// Whether two bounds are as near as is wanted, or as they can be.
    fn is_near(&self, lower: f64, upper: f64, width: f64) -> bool {
        let between = self.rounded((lower * upper).sqrt());
        upper <= lower * (1.0 + width) * (1.0 + f64::EPSILON) || between <= lower || between >= upper
    }

    fn above(&self, load: f64) -> f64 {
        let limits = &self.terms.limits;
        let step = if limits.unit.is_whole() { 1.0 } else { 0.0 };
        self.rounded((load * limits.factor).max(load + step)).min(limits.to)
    }

    /// So many widths outside of a bound.
    fn outward(&self, bound: f64, width: f64, step: i32, end: End) -> f64 {
        let least = if self.terms.limits.unit.is_whole() { f64::from(step) } else { 0.0 };
        let times = (1.0 + width).powi(step);
        match end {
            End::Low => self.rounded((bound / times).min(bound - least)),
            End::High => self.rounded((bound * times).max(bound + least)).min(self.terms.limits.to),
        }
    }

    /// Three digits are enough, and can be read; users are whole.
    fn rounded(&self, load: f64) -> f64 {
        if self.terms.limits.unit.is_whole() {
            return load.round().max(1.0);
        }
        let scale = 10_f64.powf(2.0 - load.abs().max(f64::MIN_POSITIVE).log10().floor());
        (load * scale).round() / scale
    }
}

/// How many trials an end takes; none if it is not to be had.
fn needed(level: f64, alpha: f64) -> Option<u32> {
    crossing::trials_needed(level, alpha).filter(|needed| *needed <= MOST_NEEDED)
}

#[cfg(test)]
mod tests;
