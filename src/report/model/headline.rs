//! The answer: what stands first in every form of a report.

use serde::Serialize;

use super::answer::answers;
use super::{ArmHead, Judged, SubjectSection};
use crate::stats::compare::ArmSummary;
use crate::unit;
use crate::verdict::audit::Grade;
use crate::verdict::{Decided, Judgement, Verdict};

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
    /// The run's own figures (reports of a run only).
    pub tiles: Vec<Tile>,
    /// Target, arms, date and amount of evidence.
    pub facts: Vec<Fact>,
    /// Whether the runs can be trusted, in a line.
    pub validity: Validity,
}

/// What was found of one claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// `refuted`, `met`, …; empty where no claim stands behind it.
    pub word: &'static str,
    /// Whose colours it has.
    pub tone: &'static str,
    /// `Requests at p95 are 3.20x faster [2.90x, 3.60x]; claimed 1.5x.`
    pub text: String,
}

/// A figure in large type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tile {
    /// What it is.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// Its unit; often empty.
    pub unit: String,
    /// Whether it is a bad sign.
    pub is_bad: bool,
}

/// A circumstance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// `Target`
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

/// How a verdict is called on a page, and whose colours it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) struct Shown {
    pub(in crate::report) word: &'static str,
    pub(in crate::report) tone: &'static str,
    /// The worst of several is the headline.
    rank: u8,
}

/// The one place that says what a verdict is called: objectives of a run are met or missed, and fewer than five rounds
/// only indicate. `is_run`: whether a single run is judged.
pub(in crate::report) fn shown(decided: &Decided, is_run: bool) -> Shown {
    let word = word(decided.verdict, is_run);
    let (word, tone, rank) = match (decided.verdict, decided.points_to()) {
        (Verdict::Supported, _) => (word, "supported", 0),
        (Verdict::Undecided, Verdict::Supported) if decided.indicative => ("indicated", "supported", 1),
        (Verdict::Undecided, Verdict::Refuted) if decided.indicative => ("not indicated", "refuted", 3),
        (Verdict::Undecided, _) => (word, "undecided", 2),
        (Verdict::Refuted, _) => (word, "refuted", 4),
        (Verdict::Invalid, _) => (word, "invalid", 5),
    };
    Shown { word, tone, rank }
}

/// What a verdict is called, of a run or of rounds.
pub fn word(verdict: Verdict, is_run: bool) -> &'static str {
    match verdict {
        Verdict::Supported if is_run => "met",
        Verdict::Refuted if is_run => "missed",
        verdict => verdict.word(),
    }
}

/// What a judgement comes to, and how many of its gating claims have that word.
pub(super) fn overall(judgement: &Judgement) -> (&'static str, &'static str, String) {
    let is_run = judgement.rounds == 0;
    let gating = judgement.claims.iter().filter(|decided| decided.claim.gates);
    let shown: Vec<Shown> = gating.map(|decided| shown(decided, is_run)).collect();
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
    let mut targets: Vec<&str> =
        runs().filter_map(|run| run.environment.get("target")).map(String::as_str).collect();
    targets.dedup();
    let days = |text: &str| text.get(..16).unwrap_or(text).replace('T', " ");
    let date = runs().map(|run| run.started_at.as_str()).min().map(days).unwrap_or_default();
    let names: Vec<&str> = heads.iter().map(|head| head.name.as_str()).collect();
    let rounds = if judgement.rounds == 0 { String::new() } else { judgement.rounds.to_string() };
    let samples: u64 = runs().map(|run| run.samples).sum();
    let facts = [
        ("Target", targets.join(", ")),
        (if heads.len() > 1 { "Arms" } else { "Profile" }, names.join(" against ")),
        ("Load", format!("{}: {}", first.load, first.load_text)),
        ("Date", format!("{date} UTC")),
        ("Rounds", rounds),
        ("Runs", if judgement.rounds == 0 { String::new() } else { runs().count().to_string() }),
        ("Samples", unit::count(samples)),
    ];
    let known = facts.into_iter().filter(|(_, value)| !value.is_empty());
    known.map(|(name, value)| Fact { name, value }).collect()
}

/// A run's figures in large type, from the total of its requests.
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
