//! What to try next: up by a factor until the objective is missed, then by bisection. A miss counts
//! once most of its repeats have missed; so does the load that is reported in the end.

/// Bounds of a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Where it begins; above 0.
    pub from: f64,
    /// Nothing above this is tried.
    pub to: f64,
    /// From one load to the next on the way up; above 1.
    pub factor: f64,
    /// It ends when the lowest miss lies within this share above the highest load that was met.
    pub precision: f64,
    /// Tries of which most decide; odd.
    pub repeats: u32,
    /// Whether loads are whole numbers, such as users.
    pub is_whole: bool,
}

/// A search for the highest load that meets an objective.
#[derive(Clone, Debug)]
pub struct Search {
    limits: Limits,
    /// Loads in the order in which they were first tried.
    tried: Vec<Tried>,
}

#[derive(Clone, Copy, Debug)]
struct Tried {
    load: f64,
    met: u32,
    missed: u32,
}

impl Search {
    /// A search that has not begun.
    pub fn new(limits: Limits) -> Self {
        Self { limits, tried: Vec::new() }
    }

    /// The load to try next; none when it is over.
    pub fn next_load(&self) -> Option<f64> {
        // A single miss may be an accident.
        if let Some(open) = self.tried.iter().find(|t| t.missed > 0 && self.is_open(t)) {
            return Some(open.load);
        }
        let met = self.highest_met();
        match (met, self.lowest_missed()) {
            (None, None) => Some(self.rounded(self.limits.from)),
            (Some(met), None) if met.load >= self.limits.to => self.is_open(met).then_some(met.load),
            (Some(met), None) => Some(self.above(met.load)),
            (None, Some(missed)) => {
                let below = self.rounded(missed / self.limits.factor);
                // A system that misses at a sixteenth of the first guess is asked something else.
                (below < missed && below * 16.0 >= self.limits.from).then_some(below)
            }
            (Some(met), Some(missed)) => {
                let between = self.rounded((met.load * missed).sqrt());
                let is_near = missed <= met.load * (1.0 + self.limits.precision);
                if is_near || between <= met.load || between >= missed {
                    return self.is_open(met).then_some(met.load);
                }
                Some(between)
            }
        }
    }

    /// Takes down what a try came to.
    pub fn note(&mut self, load: f64, met: bool) {
        let place = self.tried.iter().position(|t| t.load == load).unwrap_or_else(|| {
            self.tried.push(Tried { load, met: 0, missed: 0 });
            self.tried.len() - 1
        });
        if met {
            self.tried[place].met += 1;
        } else {
            self.tried[place].missed += 1;
        }
    }

    /// The highest load that met the objective in most of its repeats; none if none did.
    pub fn found(&self) -> Option<f64> {
        self.highest_met().filter(|t| !self.is_open(t)).map(|t| t.load)
    }

    /// The lowest load that missed it in most of its repeats; none if the search ended before one.
    pub fn missed(&self) -> Option<f64> {
        self.lowest_missed()
    }

    fn majority(&self) -> u32 {
        self.limits.repeats / 2 + 1
    }

    fn is_open(&self, tried: &Tried) -> bool {
        tried.met < self.majority() && tried.missed < self.majority()
    }

    fn lowest_missed(&self) -> Option<f64> {
        let missed = self.tried.iter().filter(|t| t.missed >= self.majority());
        missed.map(|t| t.load).min_by(f64::total_cmp)
    }

    /// The highest load below all misses that has met so far.
    fn highest_met(&self) -> Option<&Tried> {
        let below = self.lowest_missed().unwrap_or(f64::INFINITY);
        let met = self.tried.iter().filter(|t| t.met > 0 && t.missed < self.majority() && t.load < below);
        met.max_by(|a, b| a.load.total_cmp(&b.load))
    }

    fn above(&self, load: f64) -> f64 {
        let step = if self.limits.is_whole { 1.0 } else { 0.0 };
        self.rounded((load * self.limits.factor).max(load + step)).min(self.limits.to)
    }

    /// Three digits are enough, and can be read; users are whole.
    fn rounded(&self, load: f64) -> f64 {
        if self.limits.is_whole {
            return load.round().max(1.0);
        }
        let scale = 10_f64.powf(2.0 - load.abs().max(f64::MIN_POSITIVE).log10().floor());
        (load * scale).round() / scale
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits() -> Limits {
        Limits { from: 100.0, to: 1e6, factor: 1.5, precision: 0.05, repeats: 3, is_whole: false }
    }

    /// Searches a system that meets its objective up to `truth`; what was found and how many tries
    /// that took.
    fn searched(limits: Limits, mut meets: impl FnMut(f64) -> bool) -> (Search, usize) {
        let mut search = Search::new(limits);
        for tries in 0..500 {
            let Some(load) = search.next_load() else { return (search, tries) };
            let met = meets(load);
            search.note(load, met);
        }
        panic!("does not end");
    }

    #[test]
    fn a_system_without_a_limit_is_tried_to_the_end_and_no_further() {
        let (search, _) = searched(Limits { to: 1000.0, ..limits() }, |_| true);
        assert_eq!((search.found(), search.missed()), (Some(1000.0), None));
    }

    #[test]
    fn a_system_that_never_meets_it_has_no_capacity() {
        let (search, tries) = searched(limits(), |_| false);
        assert_eq!(search.found(), None);
        assert!(tries < 20, "{tries}");
    }

    #[test]
    fn an_accident_on_the_way_up_does_not_end_it() {
        let mut accident = true;
        let (search, _) = searched(limits(), |load| {
            !(load > 200.0 && std::mem::replace(&mut accident, false)) && load < 1000.0
        });
        assert!(search.found().unwrap() > 900.0);
    }

    proptest! {
        #[test]
        fn what_is_found_lies_within_the_precision_of_the_truth(truth in 20.0..500_000.0_f64) {
            let (search, tries) = searched(limits(), |load| load <= truth);
            let found = search.found().unwrap();
            prop_assert!(found <= truth && truth <= found * 1.062, "{} for {}", found, truth);
            prop_assert!(tries < 60);
        }

        #[test]
        fn users_are_whole(truth in 1..3000_u32) {
            let limits = Limits { from: 10.0, is_whole: true, ..limits() };
            let (search, _) = searched(limits, |load| load <= f64::from(truth));
            let found = search.found().unwrap();
            prop_assert_eq!(found.fract(), 0.0);
            prop_assert!(found <= f64::from(truth) && f64::from(truth) < (found * 1.05).max(found + 1.0));
        }

        #[test]
        fn it_ends_whatever_happens(seed: u64) {
            let mut state = seed;
            searched(limits(), |_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state >> 63 == 0
            });
        }
    }
}
