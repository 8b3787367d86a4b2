//! The answer: what stands first in every form of a report.

use serde::Serialize;

use super::answer::{Answer, answers};
use super::called::{Called, called};
use super::{ArmHead, Judged, SubjectSection};
use crate::summary::ArmSummary;
use crate::unit;
use crate::verdict::Judgement;
use crate::verdict::audit::Grade;

/// What a report comes to, before the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Headline {
    /// `REFUTED`, `MET`, `INDICATED`, …
    pub word: String,
    /// Whose colours it has: `supported`, `refuted`, `undecided`, `invalid`, or `none` where nothing was claimed.
    pub tone: &'static str,
    /// `1 of 4 claims`; empty where nothing was claimed.
    pub count: String,
    /// A sentence for each gating claim.
    pub answers: Vec<Answer>,
    /// The run's own numbers (reports of a run only).
    pub tiles: Vec<Tile>,
    /// Base URL, arms, date and amount of evidence.
    pub facts: Vec<Fact>,
    /// Whether the runs can be trusted, in a line.
    pub validity: Validity,
}

/// A metric in large type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tile {
    /// What it is.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// Its unit; often empty.
    pub unit: String,
    /// Whether it calls for attention.
    pub is_bad: bool,
}

/// A circumstance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// `Base URL`
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

/// Whether the runs can be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Validity {
    /// `VALID`, `WARN` or `INVALID`: of audit and manipulation checks together.
    pub grade: &'static str,
    /// `2 notes`; empty without any.
    pub notes: String,
}

/// What a judgement comes to, and how many of its gating claims have that word.
pub(super) fn overall(judgement: &Judgement) -> (&'static str, &'static str, String) {
    let is_run = judgement.rounds == 0;
    let gating = judgement.claims.iter().filter(|decided| decided.claim.gates);
    let shown: Vec<Called> = gating.map(called).collect();
    let what = if is_run { "objective" } else { "claim" };
    match shown.iter().max_by_key(|shown| shown.rank) {
        None if judgement.audit.grade == Grade::Invalid => ("invalid", "invalid", String::new()),
        None if is_run => ("no objectives", "none", String::new()),
        None => ("no claims", "none", String::new()),
        Some(worst) => {
            let n = shown.iter().filter(|shown| shown.word == worst.word).count();
            let plural = if shown.len() == 1 { "" } else { "s" };
            (worst.word, worst.tone, format!("{n} of {} {what}{plural}", shown.len()))
        }
    }
}

/// The answer of a report.
pub(super) fn headline(
    arms: &[&ArmSummary],
    heads: &[ArmHead],
    judgement: &Judgement,
    judged: &Judged,
) -> Headline {
    let (word, tone, count) = overall(judgement);
    Headline {
        word: word.to_uppercase(),
        tone,
        count,
        answers: answers(judgement, judged),
        tiles: Vec::new(),
        facts: facts(arms, heads, judgement),
        validity: validity(judged),
    }
}

fn validity(judged: &Judged) -> Validity {
    let unheld = judged.held.iter().filter(|held| !held.holds).count();
    let notes = judged.checks.iter().filter(|check| check.grade != "VALID").count() + unheld;
    Validity {
        grade: if unheld > 0 { "INVALID" } else { judged.audit_grade },
        notes: match notes {
            0 => String::new(),
            1 => "1 note".to_owned(),
            n => format!("{n} notes"),
        },
    }
}

fn facts(arms: &[&ArmSummary], heads: &[ArmHead], judgement: &Judgement) -> Vec<Fact> {
    let runs = || arms.iter().flat_map(|arm| &arm.runs);
    let first = &arms[0].runs[0];
    let mut base_urls: Vec<&str> =
        runs().filter_map(|run| run.start.environment.get("target")).map(String::as_str).collect();
    base_urls.dedup();
    let days = |text: &str| text.get(..16).unwrap_or(text).replace('T', " ");
    let date = runs().map(|run| run.start.started_at.as_str()).min().map(days).unwrap_or_default();
    let names: Vec<&str> = heads.iter().map(|head| head.name.as_str()).collect();
    let rounds = if judgement.rounds == 0 { String::new() } else { judgement.rounds.to_string() };
    let samples: u64 = runs().map(|run| run.samples).sum();
    let facts = [
        ("Base URL", base_urls.join(", ")),
        (if heads.len() > 1 { "Arms" } else { "Profile" }, names.join(" against ")),
        ("Load", format!("{}: {}", first.start.load, first.start.load_text)),
        ("Date", format!("{date} UTC")),
        ("Rounds", rounds),
        ("Runs", if judgement.rounds == 0 { String::new() } else { runs().count().to_string() }),
        ("Samples", unit::count(samples)),
    ];
    let known = facts.into_iter().filter(|(_, value)| !value.is_empty());
    known.map(|(name, value)| Fact { name, value }).collect()
}

/// A run's metrics in large type, from the total of its requests.
pub(super) fn tiles(sections: &[SubjectSection]) -> Vec<Tile> {
    let section = sections.iter().find(|section| section.is_of_requests);
    let total = section.and_then(|section| Some((section, section.rows.last()?)));
    let Some((section, row)) = total else { return Vec::new() };
    let Some(line) = row.lines.first() else { return Vec::new() };
    let tile = |key: &'static str, name: &'static str, unit: &str| {
        let place = section.columns.iter().position(|column| column.key == key)?;
        let cell = line.cells.get(place)?;
        let value = cell.value.trim_end_matches('*').to_owned();
        Some(Tile { name, value, unit: unit.to_owned(), is_bad: cell.is_bad })
    };
    let tiles = [
        tile("n", "Requests", ""),
        tile("rate", "Throughput", "/s"),
        tile("errors", "Error rate", "%"),
        tile("p50", "p50", section.unit),
        tile("p95", "p95", section.unit),
        tile("p99", "p99", section.unit),
    ];
    tiles.into_iter().flatten().collect()
}
