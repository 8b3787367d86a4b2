//! Can the runs be trusted? One file per kind of check; each check says what it saw.

mod agents;
mod arrivals;
mod clock;
mod completion;
mod concurrency;
mod deviation;
mod faults;
mod generator;
mod imported;
mod gaps;
mod keys;
mod own_delay;
mod replay;
pub(super) mod seal;
mod signals;
mod sizes;
pub(super) mod steady;
mod workload;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(super) use completion::no_round;

use crate::run::{Arm, MeasuredRun, RunId};

/// How late the generator may be at the 99th percentile, µs: from when on it matters, and from when on it may void a run.
pub const LAG_US: (f64, f64) = (arrivals::SMALL_LAG_US, arrivals::LARGE_LAG_US);
/// Shares of its time in which it may wait for a core: likewise.
pub const WAITING: (f64, f64) = generator::WAITING;

/// How far something may be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Grade {
    /// No check failed.
    Valid,
    /// It has to be read with care.
    Warn,
    /// Nothing may be concluded from it.
    Invalid,
}

impl Grade {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Valid => "VALID",
            Self::Warn => "WARN",
            Self::Invalid => "INVALID",
        }
    }

    /// The grade of a number that should stay below two limits.
    fn of(metric: f64, warn_from: f64, invalid_from: f64) -> Self {
        if metric >= invalid_from {
            Self::Invalid
        } else if metric >= warn_from {
            Self::Warn
        } else {
            Self::Valid
        }
    }
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// `scheduling lag`, `Little's law`, …
    pub name: Cow<'static, str>,
    /// What it says about the run.
    pub grade: Grade,
    /// What was seen, with numbers; for a bad grade also what to do.
    pub text: String,
}

impl Check {
    fn new(name: &'static str, grade: Grade, text: impl Into<String>) -> Self {
        Self { name: name.into(), grade, text: text.into() }
    }
}

/// The checks of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunAudit {
    /// The run.
    pub run: RunId,
    /// Its profile.
    pub profile: String,
    /// Its arm in an experiment.
    pub arm: Option<Arm>,
    /// Its round in an experiment.
    pub round: Option<u32>,
    /// The worst grade of its checks.
    pub grade: Grade,
    /// The checks.
    pub checks: Vec<Check>,
}

/// The checks of all runs, and of the arms against each other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Audit {
    /// The worst grade of all.
    pub grade: Grade,
    /// Each run.
    pub runs: Vec<RunAudit>,
    /// Whether the arms did the same work.
    pub between_arms: Vec<Check>,
}

impl Audit {
    /// Adds something that was checked of the arms.
    pub(super) fn add(&mut self, check: Check) {
        self.grade = self.grade.max(check.grade);
        self.between_arms.push(check);
    }

    /// The first check with the worst grade, in a sentence.
    pub(super) fn worst(&self) -> String {
        let in_runs = self.runs.iter().flat_map(|r| r.checks.iter().map(move |c| (Some(r), c)));
        let found =
            in_runs.chain(self.between_arms.iter().map(|c| (None, c))).find(|(_, c)| c.grade == self.grade);
        match found {
            Some((Some(run), check)) => {
                format!("run {} ({}) is INVALID: {}: {}", run.run, run.profile, check.name, check.text)
            }
            Some((None, check)) => format!("the arms cannot be compared: {}: {}", check.name, check.text),
            None => String::new(),
        }
    }

    /// Whether it is invalid for nothing but the lateness of the generator.
    pub(super) fn is_late_only(&self) -> bool {
        let mut bad = self
            .runs
            .iter()
            .flat_map(|r| &r.checks)
            .chain(&self.between_arms)
            .filter(|c| c.grade == Grade::Invalid);
        self.grade == Grade::Invalid && bad.all(|check| check.name == arrivals::LAG)
    }

    /// Takes the lateness of the generator for a warning, since no claim depends on it.
    pub(super) fn bear_lateness(&mut self) {
        for run in &mut self.runs {
            for check in
                run.checks.iter_mut().filter(|c| c.name == arrivals::LAG && c.grade == Grade::Invalid)
            {
                check.grade = Grade::Warn;
                check.text.push_str("; shifting the samples by it changes no verdict");
            }
            run.grade = run.checks.iter().map(|c| c.grade).max().unwrap_or(Grade::Valid);
        }
        let grades = self.runs.iter().map(|r| r.grade).chain(self.between_arms.iter().map(|c| c.grade));
        self.grade = grades.max().unwrap_or(Grade::Valid);
    }

    /// The part of it that is about some of its runs.
    pub(super) fn of(&self, runs: &[Arc<MeasuredRun>]) -> Self {
        let is_meant = |audit: &&RunAudit| runs.iter().any(|run| run.facts.id == audit.run);
        let audits: Vec<RunAudit> = self.runs.iter().filter(is_meant).cloned().collect();
        let between_arms = workload::between_arms(runs);
        let grades = audits.iter().map(|a| a.grade).chain(between_arms.iter().map(|c| c.grade));
        let grade = grades.max().unwrap_or(Grade::Valid);
        Self { grade, runs: audits, between_arms }
    }

    /// A run that never became steady, in words.
    pub(super) fn unsteady(&self) -> Option<String> {
        let bad =
            |run: &&RunAudit| run.checks.iter().any(|c| c.name == steady::NAME && c.grade != Grade::Valid);
        self.runs.iter().find(bad).map(|run| format!("run {} ({})", run.run, run.profile))
    }
}

/// Audits runs, and their arms against each other. `saved`: audits that were made before, of runs whose
/// samples are not all there any more.
pub(super) fn of_runs(runs: &[Arc<MeasuredRun>], saved: &BTreeMap<RunId, RunAudit>) -> Audit {
    let audit = |run: &Arc<MeasuredRun>| saved.get(&run.facts.id).cloned().unwrap_or_else(|| of_run(run));
    let audits: Vec<RunAudit> = runs.iter().map(audit).collect();
    let between_arms = workload::between_arms(runs);
    let grade = audits
        .iter()
        .map(|a| a.grade)
        .chain(between_arms.iter().map(|c| c.grade))
        .max()
        .unwrap_or(Grade::Valid);
    Audit { grade, runs: audits, between_arms }
}

/// Checks that blame the machine that makes the load, not the system under test.
pub(super) const OF_MACHINE: [&str; 4] = ["scheduling lag", "generator CPU", "generator starved", "clock"];

/// Name of the check of how late the generator was: claims may bear what it calls INVALID.
pub const LATENESS: &str = arrivals::LAG;

/// Whether a check of this name blames the machine that makes the load.
pub fn blames_machine(name: &str) -> bool {
    OF_MACHINE.contains(&name)
}

/// The first check that is INVALID, if all that are blame the machine that made the load.
pub fn disturbance<'a>(checks: impl IntoIterator<Item = &'a Check>) -> Option<&'a Check> {
    let mut invalid = checks.into_iter().filter(|check| check.grade == Grade::Invalid);
    let first = invalid.next()?;
    let of_machine = |check: &Check| blames_machine(&check.name);
    (of_machine(first) && invalid.all(of_machine)).then_some(first)
}

/// Audits one run.
pub fn of_run(run: &MeasuredRun) -> RunAudit {
    let mut checks = match run.facts.imported() {
        Some(imported) => imported::checks(run, &imported),
        None => of_own(run),
    };
    checks.extend(seal::checks(run));
    RunAudit {
        run: run.facts.id,
        profile: run.facts.start.profile.clone(),
        arm: run.facts.start.arm,
        round: run.facts.start.round,
        grade: checks.iter().map(|c| c.grade).max().unwrap_or(Grade::Valid),
        checks,
    }
}

/// The checks of a run that loadproof has made.
fn of_own(run: &MeasuredRun) -> Vec<Check> {
    [
        completion::checks(run),
        arrivals::checks(run),
        gaps::checks(run).into_iter().collect(),
        own_delay::checks(run).into_iter().collect(),
        replay::checks(run).into_iter().collect(),
        concurrency::checks(run),
        generator::checks(run),
        signals::checks(run),
        steady::checks(run),
        clock::checks(run),
        agents::checks(run),
        faults::checks(run),
        keys::checks(run),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Places of the requests that users made: no effects, none of loadproof's own questions.
pub(super) fn requests(run: &MeasuredRun) -> impl Iterator<Item = usize> + '_ {
    use crate::sample::{Kind, PROBE_CLASS};
    let samples = &run.samples;
    let wanted: Vec<bool> =
        samples.subjects.iter().map(|s| s.kind == Kind::Request && s.traffic_class != PROBE_CLASS).collect();
    (0..samples.subject.len()).filter(move |i| wanted[samples.subject[*i] as usize])
}

/// The same with loadproof's own questions: everything that took a connection.
fn exchanges(run: &MeasuredRun) -> impl Iterator<Item = usize> + '_ {
    use crate::sample::{Kind, Outcome};
    let samples = &run.samples;
    (0..samples.subject.len()).filter(move |i| {
        samples.subjects[samples.subject[*i] as usize].kind == Kind::Request
            && samples.outcome[*i] != Outcome::Dropped
    })
}

#[cfg(test)]
pub(in crate::verdict) mod tests {
    use crate::run::{LoadFacts, MeasuredRun, PhaseSpan, RunEnd, RunFacts, RunId, RunStart, RunState};
    use crate::sample::SampleColumns;
    use crate::sample::{Kind, Outcome, Phase, Subject};

    fn facts(end_us: i64) -> RunFacts {
        let steady = PhaseSpan {
            name: "steady".to_owned(),
            start_us: 0,
            end_us,
            complete: true,
            unknown: String::new(),
        };
        RunFacts {
            id: RunId(1),
            start: RunStart {
                scenario: "test".to_owned(),
                scenario_file: "test.toml".to_owned(),
                fingerprint: "f".to_owned(),
                load: "smoke".to_owned(),
                profile: "p".to_owned(),
                seed: 1,
                environment: [("kernel".to_owned(), "6.1".to_owned())].into(),
                load_facts: LoadFacts {
                    executor: "closed".to_owned(),
                    max_in_flight: 10,
                    rate_per_s: None,
                    workers: 1,
                },
                ..RunStart::default()
            },
            duration_s: end_us as f64 / 1e6,
            end: RunEnd { state: RunState::Done, phases: vec![steady], ..RunEnd::default() },
            ..RunFacts::default()
        }
    }

    fn subject(endpoint: &str) -> Subject {
        Subject { kind: Kind::Request, traffic_class: String::new(), endpoint: endpoint.to_owned() }
    }

    /// A run of a closed load over requests to one endpoint: `(intended, sent, done)` in ms. Its steady
    /// phase ends when the last one is due.
    pub(in crate::verdict) fn run_of(requests: &[(i64, i64, i64)]) -> MeasuredRun {
        let n = requests.len();
        let end_us = requests.iter().map(|r| r.0).max().unwrap_or(0) * 1000 + 1;
        let column = |of: fn(&(i64, i64, i64)) -> i64| requests.iter().map(|r| of(r) * 1000).collect();
        let samples = SampleColumns {
            subjects: vec![subject("GET /")],
            subject: vec![0; n],
            outcome: vec![Outcome::Ok; n],
            phase: vec![Phase::Steady; n],
            status: vec![200; n],
            intended_us: column(|r| r.0),
            sent_us: column(|r| r.1),
            done_us: column(|r| r.2),
            key: Vec::new(),
            ..SampleColumns::default()
        };
        MeasuredRun {
            facts: facts(end_us),
            samples,
            signals: Vec::new(),
            reasons: Vec::new(),
            soft_checks: Vec::new(),
            slowest: Vec::new(),
            checksum: String::new(),
            seal: crate::run::Seal::default(),
        }
    }

    /// The same of an open load with so many journeys at a time.
    pub(in crate::verdict) fn open_run(max_in_flight: u32, requests: &[(i64, i64, i64)]) -> MeasuredRun {
        let mut run = run_of(requests);
        run.facts.start.load_facts =
            LoadFacts { executor: "open".to_owned(), max_in_flight, rate_per_s: Some(1.0), workers: 1 };
        run
    }

    /// A run with so many requests per endpoint, one every 10 ms.
    pub(in crate::verdict) fn run_on(endpoints: &[(&str, usize)]) -> MeasuredRun {
        let all: usize = endpoints.iter().map(|(_, n)| n).sum();
        let requests: Vec<(i64, i64, i64)> =
            (0..i64::try_from(all).unwrap()).map(|i| (i * 10, i * 10, i * 10 + 5)).collect();
        let mut run = run_of(&requests);
        run.samples.subjects = endpoints.iter().map(|(name, _)| subject(name)).collect();
        run.samples.subject =
            (0..).zip(endpoints).flat_map(|(place, (_, n))| std::iter::repeat_n(place, *n)).collect();
        run
    }
}
