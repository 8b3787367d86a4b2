//! Faults that were planted in servers of known truth, and the verdicts that are right about them.
//!
//! `scenarios/faults.toml` has a load, a profile and a claim for each. The claim is one that a tool
//! supports if the fault fools it. What is right follows from what was planted, not from what this
//! version says.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Verdict::{Invalid, Refuted, Supported, Undecided};
use super::audit::{self, Audit};
use super::{Decided, LEAST_ROUNDS, Options, Verdict, of_rounds};
use crate::run::MeasuredRun;

/// Rounds of each fault: the fewest that decide anything.
pub const ROUNDS: usize = LEAST_ROUNDS;

const NOT_SUPPORTED: &[Verdict] = &[Undecided, Refuted, Invalid];

/// A fault, what is planted for it, and what is right to say.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Its name: that of its load, and the id of its claim.
    pub name: &'static str,
    /// What is planted, for people.
    pub planted: &'static str,
    /// The profile of the baseline.
    pub baseline: &'static str,
    /// The profile whose claim is judged.
    pub treatment: &'static str,
    /// A further treatment beside it.
    pub other: Option<&'static str>,
    /// The verdicts that are right.
    pub right: &'static [Verdict],
    /// Whether it is among the few that take the fewest seconds and tell the most.
    pub is_short: bool,
}

const fn fault(
    name: &'static str,
    planted: &'static str,
    arms: (&'static str, &'static str),
    right: &'static [Verdict],
) -> Fault {
    Fault { name, planted, baseline: arms.0, treatment: arms.1, other: None, right, is_short: false }
}

const fn short(fault: Fault) -> Fault {
    Fault { is_short: true, ..fault }
}

/// All of them, those without a fault first: a tool that calls everything invalid is no better.
pub const FAULTS: [Fault; 23] = [
    short(fault(
        "faster",
        "nothing; the treatment takes a quarter of the time",
        ("sound", "quick"),
        &[Supported],
    )),
    short(fault("equal", "nothing; the arms are equal", ("sound", "equal"), &[Undecided, Refuted])),
    Fault {
        other: Some("fail-fast"),
        ..fault(
            "neighbour",
            "nothing in a treatment that takes a quarter of the time; another one answers 80 % with 500",
            ("sound", "quick"),
            &[Supported],
        )
    },
    short(fault(
        "fail-fast",
        "80 % of the treatment's answers are 500, at once",
        ("sound", "fail-fast"),
        &[Invalid],
    )),
    fault(
        "hang",
        "30 % of the treatment's requests are never answered, the others in a quarter of the time",
        ("sound", "hang"),
        NOT_SUPPORTED,
    ),
    short(fault(
        "shed",
        "60 % of the treatment's answers are 429, at once",
        ("sound", "shed"),
        &[Undecided, Invalid],
    )),
    short(fault(
        "empty-bodies",
        "the treatment answers in a quarter of the time, without bodies",
        ("sound", "empty-bodies"),
        &[Invalid],
    )),
    fault(
        "flaky-runs",
        "half of the treatment's starts fail half of the requests; `abort_when` ends such runs, which are repeated",
        ("sound", "flaky-runs"),
        NOT_SUPPORTED,
    ),
    fault("nothing-called", "no request to the endpoint", ("sound", "equal"), &[Undecided, Invalid]),
    fault(
        "overload",
        "40 requests per second for a treatment that can do 31; the rest is answered later",
        ("roomy", "overload"),
        &[Refuted],
    ),
    fault(
        "lost-effects",
        "30 % of the treatment's orders never become visible",
        ("prompt", "lost-effects"),
        &[Refuted, Invalid],
    ),
    fault(
        "lost-orders",
        "90 % of the treatment's orders never become visible",
        ("prompt", "lost-orders"),
        &[Refuted, Invalid],
    ),
    fault(
        "no-recovery",
        "90 % of the treatment's answers are 503 from 5 s on, for good",
        ("sound", "no-recovery"),
        &[Refuted],
    ),
    fault(
        "counter-restart",
        "the counter begins again at 0 in the middle of the load",
        ("counter-restart-too", "counter-restart"),
        &[Supported, Undecided, Invalid],
    ),
    fault(
        "slow-metrics",
        "the metrics page takes 700 ms",
        ("slow-metrics-too", "slow-metrics"),
        &[Supported, Invalid],
    ),
    fault("dead-metrics", "the metrics page never answers", ("dead-metrics-too", "dead-metrics"), &[Invalid]),
    fault(
        "stalls",
        "the treatment stands still for 1 s in 4, under a closed load",
        ("sound", "stalls"),
        NOT_SUPPORTED,
    ),
    fault(
        "slow-requests",
        "10 % of the treatment's requests take five times as long",
        ("sound", "slow-requests"),
        &[Refuted],
    ),
    fault(
        "slow-starts",
        "two of the treatment's five starts are three times as slow",
        ("sound", "slow-starts"),
        NOT_SUPPORTED,
    ),
    fault(
        "aging",
        "each start is 4 % slower than the one before, whichever arm's it is",
        ("aging-too", "aging"),
        NOT_SUPPORTED,
    ),
    fault(
        "few-samples",
        "six requests per run; the true p95 is 45 ms",
        ("sound", "few-samples"),
        NOT_SUPPORTED,
    ),
    fault(
        "idle-switch",
        "what the treatment's switch must do (`must_hold`) is never seen",
        ("sound", "idle-switch"),
        &[Invalid],
    ),
    fault(
        "flaky-server",
        "the treatment fails half of its requests from the middle of each run on, the others take a quarter of the time",
        ("sound", "flaky-server"),
        &[Invalid],
    ),
];

/// What was said about a fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The fault's name.
    pub fault: String,
    /// What was planted.
    pub planted: String,
    /// The claim's title.
    pub claim: String,
    /// The verdict on it.
    pub verdict: Verdict,
    /// The reason that was given for it.
    pub reason: String,
    /// The verdicts that are right.
    pub right: Vec<Verdict>,
}

impl Found {
    /// Whether the verdict is one that is right.
    pub fn is_right(&self) -> bool {
        self.right.contains(&self.verdict)
    }
}

/// What was said about all the faults that were planted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultTest {
    /// When it was made, for people.
    pub made_at: String,
    /// Version of loadproof.
    pub tool_version: String,
    /// The machine: processor and cores.
    pub machine: String,
    /// Each fault.
    pub found: Vec<Found>,
}

impl FaultTest {
    /// Whether every verdict is right.
    pub fn is_passed(&self) -> bool {
        !self.found.is_empty() && self.found.iter().all(Found::is_right)
    }

    /// In a clause, with the names of the faults that were judged wrongly.
    pub fn text(&self) -> String {
        let all = self.found.len();
        let wrong: Vec<&str> =
            self.found.iter().filter(|f| !f.is_right()).map(|f| f.fault.as_str()).collect();
        let counted = format!("{} of {all} planted faults were judged correctly", all - wrong.len());
        if wrong.is_empty() { counted } else { format!("{counted}, not: {}", wrong.join(", ")) }
    }
}

/// The faults that were asked for: the one of that name, the short ones, or all; none if there is
/// no such fault.
pub fn chosen(name: Option<&str>, only_short: bool) -> Vec<Fault> {
    let is_wanted = |fault: &&Fault| match name {
        Some(name) => fault.name == name,
        None => fault.is_short || !only_short,
    };
    FAULTS.iter().filter(is_wanted).copied().collect()
}

/// Holds what the runs of a fault's rounds come to against what is right. Without a complete round
/// nothing is decided.
pub fn judge(fault: &Fault, runs: &[Arc<MeasuredRun>]) -> Found {
    let options = |allow_invalid| Options { allow_invalid, ..Options::default() };
    let strict = of_rounds(runs, &options(false));
    // A busy machine must not pass for an instrument that has seen the fault, nor for one that has not.
    let judgement =
        if blames_the_machine_alone(&strict.audit) { of_rounds(runs, &options(true)) } else { strict };
    let decided = judgement.claims.iter().find(|c| c.claim.id == fault.name && c.profile == fault.treatment);
    found(fault, decided)
}

fn found(fault: &Fault, decided: Option<&Decided>) -> Found {
    Found {
        fault: fault.name.to_owned(),
        planted: fault.planted.to_owned(),
        claim: decided.map_or_else(String::new, |d| d.claim.title.clone()),
        verdict: decided.map_or(Undecided, |d| d.verdict),
        reason: decided.map_or_else(|| "no complete round".to_owned(), |d| d.reason.clone()),
        right: fault.right.to_vec(),
    }
}

/// Whether all that makes the runs invalid is that the machine was busy.
fn blames_the_machine_alone(audit: &Audit) -> bool {
    let checks = audit.runs.iter().flat_map(|r| &r.checks).chain(&audit.between_arms);
    audit::disturbance(checks).is_some()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::reading::SignalColumn;
    use crate::verdict::audit::tests::run_of;
    use crate::verdict::audit::{Check, RunAudit, of_run};
    use crate::verdict::audit::{Grade, OF_MACHINE};

    fn found_as(name: &str, verdict: Verdict) -> Found {
        let fault = chosen(Some(name), false)[0];
        Found { verdict, ..found(&fault, None) }
    }

    fn test_of(found: Vec<Found>) -> FaultTest {
        let text = String::new;
        FaultTest { made_at: text(), tool_version: text(), machine: text(), found }
    }

    #[test]
    fn every_fault_has_a_name_of_its_own_and_a_verdict_that_is_right_and_one_that_is_not() {
        let names: BTreeSet<&str> = FAULTS.iter().map(|f| f.name).collect();
        assert_eq!(names.len(), FAULTS.len());
        assert!(FAULTS.iter().all(|f| (1..4).contains(&f.right.len())));
    }

    #[test]
    fn no_tool_that_always_says_the_same_passes() {
        for verdict in [Supported, Undecided, Refuted, Invalid] {
            let chosen = chosen(None, true);
            assert!(chosen.iter().any(|f| !f.right.contains(&verdict)), "{verdict:?}");
        }
    }

    #[test]
    fn one_all_or_the_short_ones_are_chosen() {
        assert_eq!(chosen(None, false).len(), FAULTS.len());
        assert_eq!(chosen(Some("hang"), false).len(), 1);
        assert!(chosen(Some("haste"), false).is_empty());
        let short = chosen(None, true);
        assert!((3..8).contains(&short.len()) && short.iter().all(|f| f.is_short));
    }

    #[test]
    fn one_wrong_verdict_fails_the_whole_and_is_named() {
        let right = test_of(vec![found_as("fail-fast", Invalid), found_as("faster", Supported)]);
        assert!(right.is_passed());
        assert_eq!(right.text(), "2 of 2 planted faults were judged correctly");
        let wrong = test_of(vec![found_as("fail-fast", Supported), found_as("faster", Supported)]);
        assert!(!wrong.is_passed());
        assert_eq!(wrong.text(), "1 of 2 planted faults were judged correctly, not: fail-fast");
        assert!(!test_of(Vec::new()).is_passed(), "nothing was tested");
    }

    #[test]
    fn what_is_right_is_stated_for_each_kind_of_fault() {
        for (name, verdict, is_right) in [
            ("fail-fast", Undecided, false),
            ("hang", Refuted, true),
            ("shed", Refuted, false),
            ("equal", Invalid, false),
            ("counter-restart", Refuted, false),
            ("slow-metrics", Undecided, false),
            ("neighbour", Invalid, false),
        ] {
            assert_eq!(found_as(name, verdict).is_right(), is_right, "{name} {verdict:?}");
        }
    }

    #[test]
    fn without_a_complete_round_nothing_is_decided() {
        let found = judge(&chosen(Some("flaky-runs"), false)[0], &[]);
        assert_eq!(found.verdict, Undecided);
        assert!(found.is_right());
    }

    #[test]
    fn a_busy_machine_is_told_from_runs_that_are_wrong() {
        let of = |checks: &[(&'static str, Grade)]| {
            let check = |(name, grade): &(&'static str, Grade)| Check {
                name: (*name).into(),
                grade: *grade,
                text: String::new(),
            };
            let run =
                RunAudit { checks: checks.iter().map(check).collect(), ..of_run(&run_of(&[(0, 0, 1)])) };
            blames_the_machine_alone(&Audit { grade: run.grade, runs: vec![run], between_arms: Vec::new() })
        };
        assert!(of(&[("generator CPU", Grade::Invalid), ("answers", Grade::Warn)]));
        assert!(!of(&[("generator CPU", Grade::Invalid), ("answers", Grade::Invalid)]));
        assert!(!of(&[("generator CPU", Grade::Warn)]), "nothing is invalid");
    }

    #[test]
    fn the_checks_that_blame_the_machine_are_checks_of_the_audit() {
        let mut run = run_of(&[(0, 0, 1), (9_999, 9_999, 10_000)]);
        run.signals.push(SignalColumn {
            name: "loadproof waiting".to_owned(),
            unit: "s".to_owned(),
            is_counter: true,
            readings: (0..20).map(|i| (i * 500_000, 0.0)).collect(),
        });
        let checks = of_run(&run).checks;
        for name in OF_MACHINE {
            assert!(checks.iter().any(|c| c.name == name), "{name}");
        }
    }
}
