//! A claim with its verdict and everything that led to it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::claim::{Claim, Evaluated, Seen, Side, Statistic};
use crate::stats::quantile::{geometric_mean, median};

use super::conclusion::Verdict;
use super::estimate::Scale;
use super::side::side_of;

/// A statistic behind a claim, over the rounds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Input {
    /// `baseline.p99`
    pub name: String,
    /// Its geometric mean over the rounds (the plain median where a value is 0 or below); times in ms.
    pub value: f64,
    /// Whether it is a time.
    pub is_time: bool,
    /// Samples or readings behind it, over all rounds.
    pub n: u64,
}

/// A claim with its verdict and everything that led to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decided {
    /// What it says.
    pub claim: Claim,
    /// `baseline.p99 / treatment.p99 ≥ 3.1x`
    pub formula: String,
    /// The treatment's profile that it was decided for; the run's own for a single run.
    pub profile: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// What the verdict is called: `met` or `missed` of a run, `indicated` or `not indicated` where runs are too few or
    /// were not made in rounds.
    pub word: &'static str,
    /// Why, in a sentence.
    pub reason: String,
    /// Whether there are too few rounds for a verdict that may pass a gate.
    pub indicative: bool,
    /// Whether it is about one run, which meets or misses it.
    pub is_objective: bool,
    /// Value of each round, in order; none where it could not be had, infinite as none, too.
    pub values: Vec<Option<f64>>,
    /// The estimate over the rounds; times in ms.
    pub estimate: Option<f64>,
    /// Its interval at `1 − alpha`; an end without a bound is none.
    pub low: Option<f64>,
    /// The upper end of the interval.
    pub high: Option<f64>,
    /// Two-sided alpha of the interval: this claim's share of the look's.
    pub alpha: f64,
    /// On which scale the interval was made.
    pub scale: Scale,
    /// Rounds that it would take in all; none if it is decided or cannot be said.
    pub rounds_needed: Option<usize>,
    /// What the interval does support: `at least 2.7x`.
    pub supports: Option<String>,
    /// The statistics behind it.
    pub inputs: Vec<Input>,
    /// The lag-1 correlation of its rounds' values, on the scale of the interval, where it is visible: something wanders over the
    /// rounds, and the interval is too narrow.
    pub wanders: Option<f64>,
    /// What has to be known to read it well.
    pub notes: Vec<String>,
}

impl Decided {
    /// On which side of its bound the evidence lies, however little of it there is: what an indicative claim points to.
    pub fn points_to(&self) -> Verdict {
        match self.scale {
            _ if self.verdict != Verdict::Undecided => self.verdict,
            Scale::EveryRun if self.indicative => Verdict::Supported,
            _ if self.low.is_none() && self.high.is_none() => Verdict::Undecided,
            _ => side_of(self.claim.bound, self.low, self.high),
        }
    }

    /// What its verdict counts as: an indication for it passes; one against it fails only where that is wanted.
    pub(super) fn consequence(&self, fails_on_indication: bool) -> Verdict {
        match (self.verdict, self.points_to()) {
            (Verdict::Undecided, Verdict::Supported) if self.indicative => Verdict::Supported,
            (Verdict::Undecided, Verdict::Refuted) if self.indicative && fails_on_indication => {
                Verdict::Refuted
            }
            (verdict, _) => verdict,
        }
    }

    pub(super) fn called(&self) -> &'static str {
        match (self.verdict, self.points_to()) {
            (Verdict::Supported, _) if self.is_objective => "met",
            (Verdict::Refuted, _) if self.is_objective => "missed",
            (Verdict::Undecided, Verdict::Supported) if self.indicative => "indicated",
            (Verdict::Undecided, Verdict::Refuted) if self.indicative => "not indicated",
            (verdict, _) => verdict.word(),
        }
    }

    /// What it is called: its own id, or its number among the claims of its profile, from 1.
    pub fn id(&self, number: usize) -> String {
        if self.claim.id.is_empty() { format!("C{number}") } else { self.claim.id.clone() }
    }

    /// Samples or readings behind it. Several statistics of one arm are worked out from the same ones, which count once;
    /// where events are accounted for, they are what counts.
    pub fn n(&self) -> u64 {
        let is_of_events = |input: &&Input| input.name.contains(".events(");
        let has_events = self.inputs.iter().any(|input| is_of_events(&input));
        let mut of_sides: BTreeMap<&str, u64> = BTreeMap::new();
        for input in self.inputs.iter().filter(|input| !has_events || is_of_events(input)) {
            let side = input.name.split('.').next().unwrap_or_default();
            let most = of_sides.entry(side).or_default();
            *most = input.n.max(*most);
        }
        of_sides.values().sum()
    }
}

/// Each statistic over the rounds, in the order of the expression.
pub(super) fn inputs(rounds: &[Result<Evaluated, String>]) -> Vec<Input> {
    let mut names: Vec<(Side, &Statistic)> = Vec::new();
    let all = || rounds.iter().flatten().flat_map(|e| &e.seen);
    for seen in all() {
        if !names.contains(&(seen.side, &seen.statistic)) {
            names.push((seen.side, &seen.statistic));
        }
    }
    names
        .into_iter()
        .map(|(side, statistic)| {
            let of: Vec<&Seen> = all().filter(|s| s.side == side && s.statistic == *statistic).collect();
            let values: Vec<f64> = of.iter().map(|s| s.found.value).filter(|v| v.is_finite()).collect();
            let all_positive = values.iter().all(|v| *v > 0.0);
            let value = if all_positive { geometric_mean(&values) } else { median(&values) };
            Input {
                name: format!("{}.{statistic}", side.word()),
                value: value.unwrap_or(f64::INFINITY),
                is_time: statistic.is_time(),
                n: of.iter().map(|s| s.found.n).sum(),
            }
        })
        .collect()
}
