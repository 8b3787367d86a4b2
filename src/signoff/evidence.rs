//! Which experiment, or run, is the evidence for a requirement.

use serde::Serialize;

use super::Release;
use super::rules::{EvidenceKind, Explanation, ReleaseKey, Requirement, Rules};
use crate::run::{Arm, Judged, RunFacts, RunState, STATED_LOAD};

/// Digits of a commit that tell it apart.
const LEAST_DIGITS: usize = 7;
/// Seconds of a day.
const DAY_S: i64 = 86_400;

/// Something that may be evidence.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// What it is.
    pub of: Judged,
    /// Whether it has ended as an experiment, or as a run, should.
    pub has_ended: bool,
    /// Its runs, at least one.
    pub runs: Vec<RunFacts>,
}

/// Evidence that was found and is not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PassedOver {
    /// The requirement's name.
    pub requirement: String,
    /// What was passed over.
    pub of: Judged,
    /// Why.
    pub why: String,
}

/// What was found for a requirement.
#[derive(Clone, Debug)]
pub struct Choice<'a> {
    /// The evidence; none if there is none.
    pub candidate: Option<&'a Candidate>,
    /// What was passed over, the newest first.
    pub passed_over: Vec<PassedOver>,
    /// What would be evidence if it had been finished, and is not explained.
    pub withheld: Vec<PassedOver>,
}

/// Chooses the evidence for a requirement: the newest that counts, whatever it says. Candidates come newest first.
pub fn choose<'a>(
    requirement: &Requirement,
    rules: &Rules,
    release: &Release,
    candidates: &'a [Candidate],
) -> Choice<'a> {
    let mut choice = Choice { candidate: None, passed_over: Vec::new(), withheld: Vec::new() };
    for candidate in candidates.iter().filter(|candidate| is_about(candidate, requirement)) {
        let why = match (&choice.candidate, unfit(candidate, rules, release)) {
            (_, Some(why)) => why,
            (Some(newer), None) => format!("{} is newer", newer.of),
            (None, None) => {
                choice.candidate = Some(candidate);
                continue;
            }
        };
        let mut passed_over = PassedOver { requirement: requirement.name.clone(), of: candidate.of, why };
        if is_withheld(candidate, rules, release) {
            match rules.explain.iter().find(|explanation| explains(explanation, candidate)) {
                Some(Explanation { who, why, .. }) => passed_over.why.push_str(&format!("; {who}: {why}")),
                None => choice.withheld.push(passed_over.clone()),
            }
        }
        choice.passed_over.push(passed_over);
    }
    choice
}

fn is_about(candidate: &Candidate, requirement: &Requirement) -> bool {
    let is_kind = match requirement.evidence {
        EvidenceKind::Experiment => matches!(candidate.of, Judged::Experiment(_)),
        EvidenceKind::Run => matches!(candidate.of, Judged::Run(_)),
    };
    let first = &candidate.runs[0];
    let is_load = requirement.load.as_ref().is_none_or(|load| *load == first.start.load);
    let has_profile = |profile: &String| {
        candidate
            .runs
            .iter()
            .any(|run| run.start.profile == *profile && is_treated(run, requirement.evidence))
    };
    is_kind
        && first.start.scenario == requirement.scenario
        && is_load
        && requirement.profile.as_ref().is_none_or(has_profile)
}

fn is_treated(run: &RunFacts, evidence: EvidenceKind) -> bool {
    evidence == EvidenceKind::Run || run.start.arm == Some(Arm::Treatment)
}

/// Whether an explanation is of a candidate.
fn explains(explanation: &Explanation, candidate: &Candidate) -> bool {
    match candidate.of {
        Judged::Experiment(id) => explanation.evidence == format!("e{id}"),
        Judged::Run(run) => explanation.evidence == run.to_string(),
    }
}

/// Why a candidate is no evidence; none if it is.
fn unfit(candidate: &Candidate, rules: &Rules, release: &Release) -> Option<String> {
    let last = candidate.runs.last()?;
    if !candidate.has_ended {
        return Some(match candidate.of {
            _ if let Some(aborted) = candidate.runs.iter().find(|run| run.end.is_aborted()) => {
                format!("run {} was aborted: {}", aborted.id, aborted.end.note)
            }
            Judged::Experiment(_) => "it did not end as planned".to_owned(),
            Judged::Run(_) => format!("it is {}", last.end.state.word()),
        });
    }
    let done: Vec<&RunFacts> = candidate.runs.iter().filter(|run| run.end.state == RunState::Done).collect();
    of_other_work(last, &done, rules, release)
}

/// Whether a candidate would be evidence if it had been finished, and has shown something: an experiment that was stopped
/// may have been stopped for what it showed, and a run that `abort_when` has ended was.
fn is_withheld(candidate: &Candidate, rules: &Rules, release: &Release) -> bool {
    let state = match candidate.of {
        Judged::Experiment(_) => RunState::Done,
        Judged::Run(_) => RunState::Interrupted,
    };
    let has_shown = |run: &&RunFacts| run.samples > 0 && (run.end.state == state || run.end.is_aborted());
    let shown: Vec<&RunFacts> = candidate.runs.iter().filter(has_shown).collect();
    let (false, Some(last)) = (candidate.has_ended || shown.is_empty(), candidate.runs.last()) else {
        return false;
    };
    of_other_work(last, &shown, rules, release).is_none()
}

/// Why runs are not of the release, of the scenario's load, of an accepted environment, or recent; none if they are.
fn of_other_work(last: &RunFacts, runs: &[&RunFacts], rules: &Rules, release: &Release) -> Option<String> {
    runs.iter()
        .find_map(|run| of_another(run, rules.release, release))
        .or_else(|| runs.iter().find_map(|run| of_changed_load(run, rules)))
        .or_else(|| {
            runs.iter().find_map(|run| {
                rules.environment.refuses(run.start.deployment.as_deref(), &run.start.environment)
            })
        })
        .or_else(|| {
            let age_s = release.at_unix_s - last.start.started_unix_us / 1_000_000;
            let most_s = i64::try_from(rules.max_age.as_secs()).unwrap_or(i64::MAX);
            (age_s > most_s).then(|| format!("it is {} old; {} is the most", age(age_s), age(most_s)))
        })
}

/// Why a load that the command line has changed is no evidence, unless the rules accept it.
fn of_changed_load(run: &RunFacts, rules: &Rules) -> Option<String> {
    let of_file = run.start.environment.get(STATED_LOAD).filter(|_| !rules.changed_loads)?;
    Some(format!("the command line changed its load to {}; the file says {of_file}", run.start.load_text))
}

/// `20 days`, `5 h`
fn age(seconds: i64) -> String {
    match seconds / DAY_S {
        0 => format!("{} h", seconds / 3600),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// Why a run is not of the release; none if it is.
fn of_another(run: &RunFacts, key: ReleaseKey, release: &Release) -> Option<String> {
    let wanted = match key {
        ReleaseKey::Commit => release.commit.as_deref().unwrap_or_default(),
        ReleaseKey::Label => {
            let is_other = run.start.label.as_ref() != Some(&release.version);
            let label = run.start.label.as_deref().unwrap_or("none");
            return is_other.then(|| format!("its label is {label}, not {}", release.version));
        }
    };
    match run.start.environment.get("git commit") {
        None => Some("its commit is unknown, because it was run outside a git repository".to_owned()),
        Some(commit) if commit.ends_with("-dirty") => {
            Some(format!("it was made with changes on top of commit {}", commit.trim_end_matches("-dirty")))
        }
        Some(commit) if is_same_commit(commit, wanted) => None,
        Some(commit) => Some(format!("it is of commit {commit}, not {wanted}")),
    }
}

/// Whether one is the beginning of the other.
fn is_same_commit(one: &str, other: &str) -> bool {
    let is_long = one.len() >= LEAST_DIGITS && other.len() >= LEAST_DIGITS;
    is_long && (one.starts_with(other) || other.starts_with(one))
}
