//! From a decision to the page that is signed.

use std::collections::BTreeSet;

use super::{About, EvidenceRow, Page, Row};
use crate::bundle::Manifest;
use crate::report::model;
use crate::run::{Judged, RunFacts, STATED_LOAD};
use crate::signoff::{Item, PassedOver, SignOff, State, Waiver};
use crate::unit;
use crate::verdict::audit::Grade;

/// Facts of a run that tell what it was of.
const TOLD: [&str; 8] =
    ["target", STATED_LOAD, "operating system", "kernel", "processor", "cores", "memory", "git commit"];
/// Passed-over evidence that is told one by one.
const MOST_PASSED: usize = 6;

/// Some evidence with what is told of it.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// What it is.
    pub of: Judged,
    /// Its runs, at least one.
    pub runs: Vec<RunFacts>,
    /// Whether they may be believed.
    pub audit: Grade,
    /// The arms in which requests failed or effects were not seen, a sentence each.
    pub failing: Vec<String>,
    /// Its reports in the bundle.
    pub reports: Vec<String>,
    /// Its seal, if it has one.
    pub seal: Option<String>,
}

/// What a page is made of.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// What is released.
    pub product: &'a str,
    /// What the page says of itself.
    pub about: &'a About,
    /// The decision.
    pub signoff: &'a SignOff,
    /// What it rests on.
    pub evidence: &'a [Evidence],
    /// The bundle's other files.
    pub files: &'a Manifest,
}

/// The page.
pub fn page(source: &Source<'_>) -> Page {
    let signoff = source.signoff;
    let runs: Vec<&RunFacts> = source.evidence.iter().flat_map(|evidence| &evidence.runs).collect();
    let (word, tone) = match (signoff.is_signed(), signoff.waived().count()) {
        (false, _) => ("NOT SIGNED".to_owned(), "refuted"),
        (true, 0) => ("SIGNED".to_owned(), "supported"),
        (true, n) => (format!("SIGNED, {n} WAIVED"), "undecided"),
    };
    Page {
        product: source.product.to_owned(),
        about: source.about.clone(),
        word,
        tone,
        sentence: sentence(signoff),
        subtitle: subtitle(source.about, &runs),
        rows: signoff.items.iter().map(row).collect(),
        evidence: source.evidence.iter().map(evidence_row).collect(),
        passed_over: passed_over(&signoff.passed_over),
        idle_waivers: signoff.idle_waivers.iter().map(idle).collect(),
        environment: environment(&runs),
        files: source.files.files.iter().map(|(path, sha256)| (sha256.clone(), path.clone())).collect(),
    }
}

/// `5 of 7 required claims are supported; 1 is refuted; 1 is waived.`
fn sentence(signoff: &SignOff) -> String {
    let all = signoff.items.len();
    let is = |n: usize| if n == 1 { "is" } else { "are" };
    let supported = signoff.items.iter().filter(|item| item.state == State::Supported).count();
    let claims = if all == 1 && supported == 1 { "claim" } else { "claims" };
    let mut parts = vec![format!("{supported} of {all} required {claims} {} supported", is(supported))];
    for state in [State::Refuted, State::Invalid, State::Undecided, State::Missing] {
        let failing: Vec<&Item> = signoff.failing().filter(|item| item.state == state).collect();
        match failing.len() {
            0 => {}
            n => parts.push(format!("{n} {} {}", is(n), state.word())),
        }
    }
    match signoff.waived().count() {
        0 => {}
        n => parts.push(format!("{n} {} waived", is(n))),
    }
    format!("{}.", parts.join("; "))
}

/// `commit 4f1c2e9 · 10 runs from 2026-11-18 to 2026-11-20 · 3 900 000 samples`
fn subtitle(about: &About, runs: &[&RunFacts]) -> String {
    let mut parts: Vec<String> = about.commit.iter().map(|commit| format!("commit {commit}")).collect();
    if !runs.is_empty() {
        let samples: u64 = runs.iter().map(|run| run.samples).sum();
        parts.push(format!("{} {}", counted(runs.len(), "run"), when(runs)));
        parts.push(unit::counted(samples, "sample"));
    }
    parts.join(" · ")
}

fn counted(n: usize, what: &str) -> String {
    unit::counted(n as u64, what)
}

/// `of 2026-11-18`, `from 2026-11-18 to 2026-11-20`
fn when(runs: &[&RunFacts]) -> String {
    let days: BTreeSet<&str> =
        runs.iter().filter_map(|run| run.start.started_at.split(['T', ' ']).next()).collect();
    match (days.first(), days.last()) {
        (Some(first), Some(last)) if first != last => format!("from {first} to {last}"),
        (Some(day), _) => format!("of {day}"),
        (None, _) => String::new(),
    }
}

fn row(item: &Item) -> Row {
    let decided = item.decided.as_ref();
    let claim = decided.map(|decided| model::claim_row(item.number, decided, item.rounds));
    let text =
        |of: fn(&model::ClaimRow) -> &String| claim.as_ref().map_or(String::new(), |row| of(row).clone());
    let (formula, estimate, interval) =
        (text(|row| &row.formula), text(|row| &row.estimate), text(|row| &row.interval));
    // The metrics stand beside it.
    let why = if item.why == format!("{estimate} {interval}") { "" } else { &item.why };
    Row {
        requirement: item.requirement.clone(),
        claim: format!("{} {}", item.id, item.claim).trim().to_owned(),
        formula,
        profile: decided.map_or(String::new(), |decided| decided.profile.clone()),
        state: if item.waiver.is_some() { "waived" } else { item.state.word() },
        why: match (&item.waiver, why) {
            (Some(_), "") => item.state.word().to_owned(),
            (Some(_), why) => format!("{}: {why}", item.state.word()),
            (None, why) => why.to_owned(),
        },
        waiver: item.waiver.as_ref().map_or(String::new(), waiver),
        estimate,
        interval,
        evidence: item.evidence.map_or(String::new(), |of| of.to_string()),
        strip: claim,
    }
}

fn waiver(waiver: &Waiver) -> String {
    format!("until {}, {}: {}", waiver.until, waiver.who, waiver.why)
}

fn idle(waiver: &Waiver) -> String {
    let claim = waiver.claim.as_ref().map_or(String::new(), |claim| format!(", {claim}"));
    format!("{}{claim}: {}'s waiver until {} has no effect", waiver.require, waiver.who, waiver.until)
}

fn evidence_row(evidence: &Evidence) -> EvidenceRow {
    let runs: Vec<&RunFacts> = evidence.runs.iter().collect();
    let samples: u64 = runs.iter().map(|run| run.samples).sum();
    EvidenceRow {
        name: evidence.of.to_string(),
        what: format!("{}, load {}: {}", runs[0].start.scenario, runs[0].start.load, runs[0].start.load_text),
        when: when(&runs),
        amount: format!("{}, {}", counted(runs.len(), "run"), unit::counted(samples, "sample")),
        audit: evidence.audit.word(),
        failing: evidence.failing.clone(),
        reports: evidence.reports.clone(),
        seal: evidence.seal.clone().unwrap_or_else(|| "none".to_owned()),
    }
}

fn passed_over(all: &[PassedOver]) -> Vec<String> {
    let text = |one: &PassedOver| format!("{} for {}: {}", one.of, one.requirement, one.why);
    let mut lines: Vec<String> = all.iter().take(MOST_PASSED).map(text).collect();
    if all.len() > MOST_PASSED {
        lines.push(format!("and {} more", all.len() - MOST_PASSED));
    }
    lines
}

fn environment(runs: &[&RunFacts]) -> Vec<(String, String)> {
    let values = |name: &str| -> BTreeSet<&str> {
        runs.iter().filter_map(|run| run.start.environment.get(name)).map(String::as_str).collect()
    };
    let row = |name: &str, values: BTreeSet<&str>| {
        let text = values.into_iter().collect::<Vec<_>>().join("; ");
        (!text.is_empty()).then(|| (name.to_owned(), text))
    };
    let named: BTreeSet<&str> = runs.iter().filter_map(|run| run.start.deployment.as_deref()).collect();
    let facts = TOLD.iter().filter_map(|name| row(name, values(name)));
    row("deployment", named).into_iter().chain(facts).collect()
}
