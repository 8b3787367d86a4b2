//! What the instrument found about itself: whether it cries wolf over equals, whether it sees a
//! slow-down that is there, as large as it is, and what it says about faults that are planted.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::faults::FaultTest;
use super::floor::{self, Floor};
use super::{LEAST_ROUNDS, Ledger, Occasion, Options, Verdict, of_rounds};
use crate::run::{Arm, MeasuredRun};
use crate::sample::Outcome;
use crate::stats::decision::{LOOKS, next_look};
use crate::stats::quantile::{geometric_mean, median};

/// False supports that an honest instrument stays below in all but about one selftest in 300: 24
/// claims at 2.5 % each.
const MOST_FALSE_SHARE: f64 = 0.125;

/// How much smaller than in the server's own time the slow-down may look to a client, as a share: the
/// way there and back over the loopback address of an idle machine, some 0.15 ms, is no slower when
/// the server is, and stands beside 10 ms of service.
const WAY_THERE_AND_BACK: f64 = 0.003;

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
    /// What the generator adds to the server's own time at the median, µs; none where it was not measured.
    #[serde(default)]
    pub floor_us: Option<u32>,
    /// The fewest rounds whose interval leaves out a slow-down below the claim's; none if no number did.
    pub rounds_to_detect: Option<usize>,
    /// The look at which it was decided; none if at none.
    pub look_to_detect: Option<usize>,
}

impl Qualification {
    /// What the generator adds to every time on this machine.
    pub fn floor(&self) -> Option<Floor> {
        let (machine, made_at) = (self.machine.clone(), self.made_at.clone());
        self.floor_us.map(|us| Floor { us, machine, made_at })
    }

    /// Whether the instrument may be relied on, on this machine.
    pub fn is_passed(&self) -> bool {
        let quiet = self.false_supports as f64 <= (MOST_FALSE_SHARE * self.false_claims as f64).max(1.0);
        quiet && self.look_to_detect.is_some() && self.holds_the_truth()
    }

    /// Whether the interval of the slow-down holds the true one. An interval beside the truth is
    /// wrong however well it tells a difference.
    fn holds_the_truth(&self) -> bool {
        let seen_at_least = self.slowdown * (1.0 - WAY_THERE_AND_BACK);
        self.measured.is_some_and(|(_, low, high)| low <= self.slowdown && high >= seen_at_least)
    }

    /// What was seen, and where; without the word for whether it is enough.
    fn findings(&self) -> String {
        let saw = match (self.rounds_to_detect, self.look_to_detect) {
            (Some(rounds), Some(look)) => {
                format!("decided at the look after {look} rounds; {rounds} would have been enough")
            }
            _ => "not decided".to_owned(),
        };
        let measured = self.measured.map_or(String::new(), |(estimate, low, high)| {
            let beside = if self.holds_the_truth() { "" } else { ", which leaves it out," };
            format!(", measured as {}x [{}, {}]{beside}", digits(estimate), digits(low), digits(high))
        });
        format!(
            "{} of {} claims about equal servers were falsely supported; a slow-down of {}x{measured} was found \
             in {} of {} experiments of five rounds ({saw}) ({}, {})",
            self.false_supports,
            self.false_claims,
            crate::unit::plain(self.slowdown),
            self.detected,
            self.experiments,
            self.machine,
            self.made_at,
        )
    }
}

/// What is known of the instrument, in a sentence for reports: what it found over equal and slower
/// servers, and what it said about planted faults. None if neither was tried.
pub fn summary(qualification: Option<&Qualification>, faults: Option<&FaultTest>) -> Option<String> {
    let of_faults = faults.map(|f| format!("{} ({}, {})", f.text(), f.machine, f.made_at));
    let are_wrong = faults.is_some_and(|f| !f.is_passed());
    let findings = match (qualification, of_faults) {
        (None, None) => return None,
        (Some(q), None) => q.findings(),
        (Some(q), Some(of_faults)) => format!("{}; {of_faults}", q.findings()),
        (None, Some(of_faults)) => format!("no selftest with equal servers was made; {of_faults}"),
    };
    let word = match qualification {
        Some(q) if q.is_passed() && !are_wrong => "Qualified",
        None if !are_wrong => "Not yet qualified",
        _ => "NOT qualified",
    };
    Some(format!("{word}: {findings}"))
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
    /// The median of the server's own time in the other profiles, ms.
    pub median_ms: f64,
    /// The title of the claim by which the slow-down counts as seen.
    pub detection: &'a str,
}

/// Judges the runs of a selftest: in disjoint experiments of five rounds, and as one that grows.
pub fn qualify(runs: &[Arc<MeasuredRun>], parts: Parts<'_>, now: &str) -> Qualification {
    let rounds = runs.iter().filter_map(|r| r.facts.start.round).max().unwrap_or(0) as usize;
    let blocks = (0..rounds / LEAST_ROUNDS).map(|b| b * LEAST_ROUNDS..(b + 1) * LEAST_ROUNDS);
    let with = |ledger: Ledger| Options {
        look: Some((ledger, Occasion::Planned)),
        allow_invalid: true,
        ..Options::default()
    };
    // After the planned looks before it.
    let fixed = |n: usize| {
        let ledger = Ledger::new(n);
        let before = ledger.planned().into_iter().filter(|look| look.0 < n);
        with(before.fold(ledger.clone(), |ledger, look| ledger.look(look.0, Occasion::Planned).0))
    };
    let (mut false_supports, mut false_claims, mut detected, mut experiments) = (0, 0, 0, 0);
    for block in blocks {
        let of_block: Vec<Arc<MeasuredRun>> =
            runs.iter().filter(|r| block.contains(&round_of(r))).map(Arc::clone).collect();
        let judgement = of_rounds(&of_block, &fixed(LEAST_ROUNDS));
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
    let growing = with(Ledger::new(rounds.min(LOOKS[LOOKS.len() - 1].0)));
    let at_look =
        |n: &usize| seen(*n, &growing).is_some_and(|c| c.verdict == Verdict::Supported) && *n <= rounds;
    let all_looks = std::iter::successors(next_look(0), |n| next_look(*n)).take_while(|n| *n <= rounds);
    let facts = runs.iter().find(|r| r.facts.start.arm == Some(Arm::Baseline)).map(|r| &r.facts);
    Qualification {
        made_at: now.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: facts.map_or_else(String::new, floor::machine),
        rounds,
        false_supports,
        false_claims,
        detected,
        experiments,
        slowdown: parts.slowdown,
        measured: whole.and_then(|c| Some((c.estimate?, c.low?, c.high?))),
        floor_us: floor_us(runs, parts),
        rounds_to_detect: (2..=rounds).find(excludes),
        look_to_detect: all_looks.into_iter().find(at_look),
    }
}

/// By how much the median of the servers' answers lies above the median of their own time, µs; none without an answer.
fn floor_us(runs: &[Arc<MeasuredRun>], parts: Parts<'_>) -> Option<u32> {
    let median_ms = |run: &MeasuredRun| {
        let samples = &run.samples;
        let is_ok = |place: &usize| samples.outcome[*place] == Outcome::Ok;
        let ms = |place: usize| (samples.done_us[place] - samples.sent_us[place]) as f64 / 1e3;
        median(&(0..samples.subject.len()).filter(is_ok).map(ms).collect::<Vec<_>>())
    };
    let equals = runs.iter().filter(|run| run.facts.start.profile != parts.slower);
    let medians: Vec<f64> = equals.filter_map(|run| median_ms(run)).collect();
    let floor_us = (geometric_mean(&medians)? - parts.median_ms).max(0.0) * 1e3;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 0; saturates")]
    Some(floor_us.round() as u32)
}

/// A run's round, from 0.
fn round_of(run: &MeasuredRun) -> usize {
    run.facts.start.round.map_or(usize::MAX, |r| r as usize - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::faults::{Found, chosen};

    fn measured(low: f64, high: f64) -> Qualification {
        Qualification {
            made_at: "today".to_owned(),
            tool_version: "1".to_owned(),
            machine: "a machine".to_owned(),
            rounds: 20,
            false_supports: 0,
            false_claims: 24,
            detected: 4,
            experiments: 4,
            slowdown: 1.25,
            measured: Some(((low * high).sqrt(), low, high)),
            floor_us: Some(200),
            rounds_to_detect: Some(3),
            look_to_detect: Some(5),
        }
    }

    fn faults(verdict: Verdict) -> FaultTest {
        let fault = chosen(Some("fail-fast"), false)[0];
        let found = Found {
            fault: fault.name.to_owned(),
            planted: fault.planted.to_owned(),
            claim: String::new(),
            verdict,
            reason: String::new(),
            right: fault.right.to_vec(),
        };
        FaultTest {
            made_at: "yesterday".to_owned(),
            tool_version: "1".to_owned(),
            machine: "a machine".to_owned(),
            found: vec![found],
        }
    }

    #[test]
    fn an_interval_that_leaves_the_true_slow_down_out_does_not_qualify() {
        for (low, high, is_passed) in [
            (1.20, 1.30, true),
            (1.166, 1.245, false),
            (1.251, 1.30, false),
            // The way there and back, measured precisely.
            (1.244, 1.248, true),
            (1.230, 1.240, false),
        ] {
            assert_eq!(measured(low, high).is_passed(), is_passed, "[{low}, {high}]");
        }
        assert!(!Qualification { measured: None, ..measured(1.2, 1.3) }.is_passed());
        let text = summary(Some(&measured(1.166, 1.245)), None).unwrap();
        assert!(text.starts_with("NOT qualified: 0 of 24 "), "{text}");
        assert!(text.contains("[1.166, 1.245], which leaves it out,"), "{text}");
    }

    #[test]
    fn faults_stand_beside_the_false_alarms_and_one_wrong_verdict_disqualifies() {
        let good = measured(1.2, 1.3);
        let text = summary(Some(&good), Some(&faults(Verdict::Invalid))).unwrap();
        assert!(text.starts_with("Qualified: 0 of 24 claims about equal servers"), "{text}");
        assert!(
            text.ends_with("; 1 of 1 planted faults were judged correctly (a machine, yesterday)"),
            "{text}"
        );
        let text = summary(Some(&good), Some(&faults(Verdict::Supported))).unwrap();
        assert!(text.starts_with("NOT qualified: ") && text.contains("not: fail-fast"), "{text}");
        assert_eq!(summary(None, None), None);
        let text = summary(None, Some(&faults(Verdict::Invalid))).unwrap();
        assert!(text.starts_with("Not yet qualified: no selftest with equal servers"), "{text}");
    }
}
