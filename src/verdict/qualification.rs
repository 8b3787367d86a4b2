//! What the instrument found about itself: whether it cries wolf over equals, and whether it sees a
//! slow-down that is there.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Options, Verdict, looks, of_rounds};
use crate::run::{Arm, MeasuredRun};
use crate::stats::decision::next_look;

/// False supports that an honest instrument stays below in all but about one selftest in 300: 24
/// claims at 2.5 % each.
const MOST_FALSE_SHARE: f64 = 0.125;

/// The result of a selftest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Qualification {
    /// When it was made, for people.
    pub made_at: String,
    /// Version of loadproof.
    pub tool_version: String,
    /// The machine: processor and cores.
    pub machine: String,
    /// Rounds that were made.
    pub rounds: usize,
    /// Claims that told two equal servers apart.
    pub false_supports: usize,
    /// Of so many.
    pub false_claims: usize,
    /// Experiments of five rounds that saw the slow-down.
    pub detected: usize,
    /// Of so many.
    pub experiments: usize,
    /// The factor of the slow-down that was there.
    pub slowdown: f64,
    /// What was measured of it at p50, over all rounds, with its interval at 95 %.
    pub measured: Option<(f64, f64, f64)>,
    /// The fewest rounds whose interval leaves out a slow-down below the claim's; none if no number did.
    pub rounds_to_detect: Option<usize>,
    /// The look at which it was decided; none if at none.
    pub look_to_detect: Option<usize>,
}

impl Qualification {
    /// Whether the instrument may be relied on, on this machine.
    pub fn is_passed(&self) -> bool {
        let quiet = self.false_supports as f64 <= (MOST_FALSE_SHARE * self.false_claims as f64).max(1.0);
        quiet && self.look_to_detect.is_some()
    }

    /// In a sentence.
    pub fn text(&self) -> String {
        let saw = match (self.rounds_to_detect, self.look_to_detect) {
            (Some(rounds), Some(look)) => {
                format!("decided at the look after {look} rounds; {rounds} would have been enough")
            }
            _ => "not decided".to_owned(),
        };
        let measured = self.measured.map_or(String::new(), |(estimate, low, high)| {
            format!(", measured as {}x [{}, {}]", digits(estimate), digits(low), digits(high))
        });
        format!(
            "{}: {} of {} claims about equal servers were falsely supported; a slow-down of {}x{measured} was seen \
             in {} of {} experiments of five rounds ({saw})",
            if self.is_passed() { "Qualified" } else { "NOT qualified" },
            self.false_supports,
            self.false_claims,
            crate::unit::plain(self.slowdown),
            self.detected,
            self.experiments,
        )
    }
}

fn digits(value: f64) -> String {
    format!("{value:.3}")
}

/// Who plays what in a selftest.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The profile that equals the baseline.
    pub twin: &'a str,
    /// The profile that is slower.
    pub slower: &'a str,
    /// By this factor.
    pub slowdown: f64,
    /// The title of the claim by which the slow-down counts as seen.
    pub detection: &'a str,
}

/// Judges the runs of a selftest: in disjoint experiments of five rounds, and as one that grows.
pub fn qualify(runs: &[Arc<MeasuredRun>], parts: Parts<'_>, now: &str) -> Qualification {
    let rounds = runs.iter().filter_map(|r| r.facts.start.round).max().unwrap_or(0) as usize;
    let blocks =
        (0..rounds / looks::LEAST_ROUNDS).map(|b| b * looks::LEAST_ROUNDS..(b + 1) * looks::LEAST_ROUNDS);
    let fixed = |n: usize| Options {
        most_rounds: n,
        was_planned_end: true,
        allow_invalid: true,
        ..Options::default()
    };
    let (mut false_supports, mut false_claims, mut detected, mut experiments) = (0, 0, 0, 0);
    for block in blocks {
        let of_block: Vec<Arc<MeasuredRun>> =
            runs.iter().filter(|r| block.contains(&round_of(r))).map(Arc::clone).collect();
        let judgement = of_rounds(&of_block, &fixed(looks::LEAST_ROUNDS));
        experiments += 1;
        for decided in &judgement.claims {
            let is_supported = decided.verdict == Verdict::Supported;
            if decided.profile == parts.twin && decided.claim.title != parts.detection {
                false_claims += 1;
                false_supports += usize::from(is_supported);
            }
            if decided.profile == parts.slower && decided.claim.title == parts.detection {
                detected += usize::from(is_supported);
            }
        }
    }
    let seen = |n: usize, options: &Options| {
        let first: Vec<Arc<MeasuredRun>> = runs.iter().filter(|r| round_of(r) < n).map(Arc::clone).collect();
        let judgement = of_rounds(&first, options);
        let mut of_slower = judgement.claims.into_iter().filter(|c| c.profile == parts.slower);
        of_slower.find(|c| c.claim.title == parts.detection)
    };
    let whole = seen(rounds, &fixed(rounds));
    let excludes = |n: &usize| {
        seen(*n, &fixed(*n)).is_some_and(|c| c.low.is_some_and(|low| c.claim.bound.holds(low)) && *n > 1)
    };
    let growing = Options { most_rounds: rounds, allow_invalid: true, ..Options::default() };
    let at_look =
        |n: &usize| seen(*n, &growing).is_some_and(|c| c.verdict == Verdict::Supported) && *n <= rounds;
    let all_looks = std::iter::successors(next_look(0), |n| next_look(*n)).take_while(|n| *n <= rounds);
    let facts = runs.iter().find(|r| r.facts.start.arm == Some(Arm::Baseline)).map(|r| &r.facts);
    let fact = |name: &str| facts.and_then(|f| f.start.environment.get(name)).cloned().unwrap_or_default();
    Qualification {
        made_at: now.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: format!("{}, {} cores", fact("processor"), fact("cores")),
        rounds,
        false_supports,
        false_claims,
        detected,
        experiments,
        slowdown: parts.slowdown,
        measured: whole.and_then(|c| Some((c.estimate?, c.low?, c.high?))),
        rounds_to_detect: (2..=rounds).find(excludes),
        look_to_detect: all_looks.into_iter().find(at_look),
    }
}

/// A run's round, from 0.
fn round_of(run: &MeasuredRun) -> usize {
    run.facts.start.round.map_or(usize::MAX, |r| r as usize - 1)
}
