//! What was decided, in words and numbers ready to print.

use std::collections::BTreeMap;

use serde::Serialize;

use super::called::{Called, called};
use crate::claim::{Bound, Rule, shown};
use crate::report::LateClaims;
use crate::stats::quantile::median;
use crate::unit;
use crate::verdict::audit::{Audit, Check, Grade};
use crate::verdict::{
    Conduct, Decided, HeldValue, Input, Judgement, Look, Occasion, Scale, SeenSign, TOTAL_ALPHA, Verdict,
};

/// Audit, manipulation checks and claims.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// `supported`, `refuted`, `undecided` or `invalid`; empty without a gating claim.
    pub verdict: &'static str,
    /// `3 of 4 claims supported, 1 undecided.`
    pub sentence: String,
    /// `Claims`; of a run `Objectives`.
    pub heading: &'static str,
    /// The unit of evidence, in short; empty without claims.
    pub level: String,
    /// What intervals and looks mean, for those who ask; empty without claims.
    pub method: String,
    /// Set where verdicts were wanted in spite of an invalid audit.
    pub in_spite: String,
    /// Set where the claims are not those that the runs were made with.
    pub after_the_fact: String,
    /// `VALID`, `WARN` or `INVALID`.
    pub audit_grade: &'static str,
    /// `10 runs audited: …`
    pub audit_sentence: String,
    /// What was checked, the worst first.
    pub checks: Vec<CheckRow>,
    /// What had to be seen to be true of the arms.
    pub held: Vec<HeldRow>,
    /// What was seen of trouble in the system.
    pub symptoms: Vec<SymptomRow>,
    /// The claims.
    pub claims: Vec<ClaimRow>,
}

/// A symptom, over all runs of a profile in which it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SymptomRow {
    /// The profile.
    pub profile: String,
    /// What it means.
    pub title: String,
    /// Which samples it is about; empty for all requests.
    pub select: String,
    /// `seen in 3 runs`.
    pub runs: String,
    /// What was seen, in the first of them.
    pub seen: String,
    /// What to do about it.
    pub remedy: String,
}

/// One check over all runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckRow {
    /// What was checked.
    pub name: String,
    /// The worst grade.
    pub grade: &'static str,
    /// Of how many runs it is the grade: `2 of 10 runs`; empty if of all, or of none in particular.
    pub of: String,
    /// What was seen in the worst run.
    pub text: String,
}

/// One manipulation check over all runs of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldRow {
    /// The profile.
    pub profile: String,
    /// The condition.
    pub condition: String,
    /// Whether it held in all runs.
    pub holds: bool,
    /// `held in 5 of 5 runs`.
    pub runs: String,
    /// The values behind it, the median with the smallest and largest over the runs; or why there are none.
    pub seen: String,
}

/// One claim.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClaimRow {
    /// `C1`, or the name that the scenario gives it.
    pub id: String,
    /// What it says.
    pub title: String,
    /// Its rule in symbols.
    pub formula: String,
    /// Which samples count; empty for all requests.
    pub select: String,
    /// Why it matters; often empty.
    pub why: String,
    /// `supported`, `refuted`, `undecided`, `invalid`
    pub verdict: &'static str,
    /// What it is called here: `met`, `indicated`, …
    pub word: &'static str,
    /// Whose colours it has.
    pub tone: &'static str,
    /// Why, in a sentence.
    pub reason: String,
    /// Whether it gates.
    pub gates: bool,
    /// The statistics behind it: `baseline.p99 = 310 ms`.
    pub inputs: Vec<String>,
    /// The estimate, in the bound's unit.
    pub estimate: String,
    /// Its interval; empty where there is none.
    pub interval: String,
    /// `98.75 %`: the interval's own level.
    pub level: String,
    /// Samples or readings behind it.
    pub n: String,
    /// Rounds behind it; empty for a single run.
    pub rounds: String,
    /// Value of each round.
    pub values: Vec<String>,
    /// `at least 2.7x`; empty where nothing is supported, or all that is claimed.
    pub supports: String,
    /// `about 12 rounds in all would decide`; empty if decided.
    pub needs: String,
    /// What has to be known to read it well.
    pub notes: Vec<String>,
    /// The interval against the bound, as a drawing needs it.
    pub strip: Option<Strip>,
}

/// An interval against its bound.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Strip {
    /// Lower edge of what the claim allows.
    pub least: Option<f64>,
    /// Upper edge of what the claim allows.
    pub most: Option<f64>,
    /// Both edges as the claim writes them, with their values.
    pub edges: Vec<(f64, String)>,
    /// The estimate.
    pub estimate: f64,
    /// Lower end of the interval.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
    /// Value of each round.
    pub values: Vec<f64>,
    /// Whether the axis is logarithmic.
    pub is_log: bool,
}

/// A judgement for print. `late`: the claims that it is by, where they are not those of the runs.
pub(super) fn judged(judgement: &Judgement, late: Option<&LateClaims>) -> Judged {
    let in_spite = if judgement.allows_invalid && judgement.audit.grade == Grade::Invalid {
        "The audit is INVALID; claims were decided because of --allow-invalid. Not valid for sign-off."
            .to_owned()
    } else {
        String::new()
    };
    Judged {
        verdict: judgement.overall().map_or("", Verdict::word),
        sentence: sentence(judgement),
        heading: if judgement.rounds == 0 { "Objectives" } else { "Claims" },
        level: level(judgement),
        method: method(judgement),
        in_spite,
        after_the_fact: late.map_or(String::new(), |late| {
            format!(
                "The claims are those of `{}` and were made after the fact: the runs were made with others. They do not \
                 count for a sign-off.",
                late.file
            )
        }),
        audit_grade: judgement.audit.grade.word(),
        audit_sentence: audit_sentence(&judgement.audit),
        checks: checks(&judgement.audit),
        held: held(judgement),
        symptoms: symptoms(judgement),
        claims: claims(judgement),
    }
}

/// `3 of 4 claims supported, 1 undecided.`
pub fn sentence(judgement: &Judgement) -> String {
    let all = judgement.claims.len();
    if all == 0 {
        return "No claims.".to_owned();
    }
    let (what, good) =
        if judgement.rounds == 0 { ("objective", "met") } else { ("claim", Verdict::Supported.word()) };
    let plural = if all == 1 { "" } else { "s" };
    let count = |word: &str| judgement.claims.iter().filter(|decided| decided.word == word).count();
    let mut text = format!("{} of {all} {what}{plural} {good}", count(good));
    for word in ["indicated", "missed", "refuted", "not indicated", "undecided", "invalid"] {
        match count(word) {
            0 => {}
            n => text.push_str(&format!(", {n} {word}")),
        }
    }
    text + "."
}

fn level(judgement: &Judgement) -> String {
    if judgement.claims.is_empty() {
        return String::new();
    }
    match judgement.rounds {
        0 => "One run; its intervals do not cover run-to-run variation.".to_owned(),
        1 => "1 round: indicative only.".to_owned(),
        n => format!("{n} rounds.{}", judgement.conduct.as_ref().map_or(String::new(), around)),
    }
}

/// What was made besides the rounds that count: those that were made again, and the pilot.
fn around(conduct: &Conduct) -> String {
    let repeated = match conduct.repeats.count() {
        0 => String::new(),
        1 => " One more was disturbed and repeated.".to_owned(),
        n => format!(" {n} more were disturbed and repeated."),
    };
    let pilot = conduct.pilot.as_ref();
    repeated
        + &pilot.map_or(String::new(), |text| format!(" A pilot round, excluded from the evidence: {text}"))
}

/// What the looks of an experiment share, and what each has spent.
fn looks(judgement: &Judgement) -> String {
    let alpha = unit::share(judgement.alpha);
    let Some(conduct) = &judgement.conduct else {
        return format!("There is one look, with an error rate of {alpha}.");
    };
    let plan = if conduct.is_fixed {
        format!("The number of rounds is fixed: one look is planned, after {}.", conduct.planned_rounds)
    } else {
        "An experiment may end early after 5 or 10 rounds, at a look.".to_owned()
    };
    let made = |look: &Look| {
        let why = match look.occasion {
            Occasion::Planned => "",
            Occasion::BudgetEnd => ", where the budget ended",
            Occasion::Interruption => ", where it was interrupted",
            Occasion::Resume => ", where it was continued",
            Occasion::Report => ", for a report before its end",
        };
        format!("{} after {} rounds{why}", unit::share(look.alpha), look.rounds)
    };
    let spent = match &conduct.looks[..] {
        [] | [_] => String::new(),
        looks => format!(" So far: {}.", looks.iter().map(made).collect::<Vec<_>>().join("; ")),
    };
    format!(
        "{plan} All looks together have an error rate of {}, whenever they take place; this look has {alpha}.{spent}",
        unit::share(TOTAL_ALPHA)
    )
}

/// How intervals, looks and several claims are reckoned with.
fn method(judgement: &Judgement) -> String {
    if judgement.claims.is_empty() {
        return String::new();
    }
    let unit = "The unit of evidence is the round: one run of each arm, in random order, with the same seed.";
    match judgement.rounds {
        0 => "Intervals are at 95 % and describe this run; another run may differ by more. An objective is met if its \
              whole interval keeps to the bound, missed if none of it does."
            .to_owned(),
        1 => format!("{unit} With one round, intervals describe the requests within the runs, not how runs differ."),
        n => {
            let share = match judgement.gating {
                0 | 1 => String::new(),
                gating => format!(
                    " The {gating} gating claims share it equally (Bonferroni), so that the chance of any wrong verdict \
                     among them stays within it."
                ),
            };
            format!(
                "{unit} A claim is supported if its whole interval over the {n} rounds keeps to the bound, and refuted if \
                 none of it does. {}{share}",
                looks(judgement)
            )
        }
    }
}

fn audit_sentence(audit: &Audit) -> String {
    let of = |grade: Grade| audit.runs.iter().filter(|r| r.grade == grade).count();
    let runs = match audit.runs.len() {
        1 => "1 run".to_owned(),
        n => format!("{n} runs"),
    };
    let counted: Vec<String> = [Grade::Invalid, Grade::Warn, Grade::Valid]
        .into_iter()
        .filter(|g| of(*g) > 0)
        .map(|g| format!("{} {}", of(g), g.word()))
        .collect();
    format!("{runs} audited: {}", counted.join(", "))
}

/// Checks by name, the worst first; of several runs the worst one speaks.
fn checks(audit: &Audit) -> Vec<CheckRow> {
    let mut by_name: Vec<(&str, Vec<&Check>)> = Vec::new();
    for check in audit.runs.iter().flat_map(|r| &r.checks).chain(&audit.between_arms) {
        match by_name.iter_mut().find(|(name, _)| *name == check.name) {
            Some((_, checks)) => checks.push(check),
            None => by_name.push((check.name.as_ref(), vec![check])),
        }
    }
    let mut rows: Vec<(Grade, CheckRow)> = by_name
        .into_iter()
        .filter_map(|(name, checks)| {
            let worst = checks.iter().rev().max_by_key(|c| c.grade)?;
            let as_bad = checks.iter().filter(|c| c.grade == worst.grade).count();
            let of = if as_bad == checks.len() {
                String::new()
            } else {
                format!("{as_bad} of {} runs", checks.len())
            };
            let row =
                CheckRow { name: name.to_owned(), grade: worst.grade.word(), of, text: worst.text.clone() };
            Some((worst.grade, row))
        })
        .collect();
    rows.sort_by_key(|(grade, _)| std::cmp::Reverse(*grade));
    rows.into_iter().map(|(_, row)| row).collect()
}

fn held(judgement: &Judgement) -> Vec<HeldRow> {
    let mut by_condition: BTreeMap<(&str, &str), Vec<&crate::verdict::Held>> = BTreeMap::new();
    for held in &judgement.held {
        by_condition.entry((&held.profile, &held.condition)).or_default().push(held);
    }
    by_condition
        .into_iter()
        .map(|((profile, condition), all)| {
            let kept = all.iter().filter(|h| h.holds).count();
            let unseen = all.iter().find(|held| held.values.is_empty());
            HeldRow {
                profile: profile.to_owned(),
                condition: condition.to_owned(),
                holds: kept == all.len(),
                runs: format!("observed in {kept} of {} runs", all.len()),
                seen: unseen.map_or_else(|| values_text(&all), |held| held.seen.clone()),
            }
        })
        .collect()
}

/// `max('backlog') = 720 (690 to 741)`: each statistic of a condition over the runs.
fn values_text(all: &[&crate::verdict::Held]) -> String {
    let values = |place: usize| all.iter().filter_map(move |held| held.values.get(place));
    let text = |(place, first): (usize, &HeldValue)| {
        let of_runs: Vec<f64> = values(place).map(|value| value.value).collect();
        let text = |value: f64| shown(value, first.is_time);
        let middle = text(median(&of_runs).unwrap_or(f64::NAN));
        let low = text(of_runs.iter().copied().fold(f64::INFINITY, f64::min));
        let high = text(of_runs.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        match of_runs.len() {
            1 => format!("{} = {middle}", first.name),
            _ if low == high => format!("{} = {middle} in all runs", first.name),
            _ => format!("{} = {middle} ({low} to {high})", first.name),
        }
    };
    let first = all.first().map_or(&[][..], |held| &held.values);
    first.iter().enumerate().map(text).collect::<Vec<_>>().join(", ")
}

fn symptoms(judgement: &Judgement) -> Vec<SymptomRow> {
    let mut by_symptom: BTreeMap<(&str, &str, &str), Vec<&SeenSign>> = BTreeMap::new();
    for seen_sign in &judgement.symptoms {
        let symptom = (seen_sign.profile.as_str(), seen_sign.title.as_str(), seen_sign.select.as_str());
        by_symptom.entry(symptom).or_default().push(seen_sign);
    }
    let row = |((profile, title, select), seen): ((&str, &str, &str), Vec<&SeenSign>)| SymptomRow {
        profile: profile.to_owned(),
        title: title.to_owned(),
        select: select.to_owned(),
        runs: if seen.len() == 1 {
            "seen in 1 run".to_owned()
        } else {
            format!("seen in {} runs", seen.len())
        },
        seen: seen[0].seen.clone(),
        remedy: seen[0].remedy.clone(),
    };
    by_symptom.into_iter().map(row).collect()
}

/// The claims, in numbers ready to print.
pub fn claims(judgement: &Judgement) -> Vec<ClaimRow> {
    (1..).zip(&judgement.claims).map(|(number, decided)| claim(number, decided, judgement.rounds)).collect()
}

/// A decided claim for print. `number`: among the claims of its profile, from 1; `rounds`: 0 for a single run.
pub(in crate::report) fn claim(number: usize, decided: &Decided, rounds: usize) -> ClaimRow {
    let bound = decided.claim.bound;
    let text = |value: f64| bound.unit().text(value);
    let is_supported = decided.verdict == Verdict::Supported;
    let Called { word, tone, .. } = called(decided);
    ClaimRow {
        id: decided.id(number),
        title: decided.claim.title.clone(),
        formula: decided.formula.clone(),
        select: decided.claim.select.to_string(),
        why: decided.claim.why.clone(),
        verdict: decided.verdict.word(),
        word,
        tone,
        reason: decided.reason.clone(),
        gates: decided.claim.gates,
        inputs: decided.inputs.iter().map(input).collect(),
        estimate: decided.estimate.map_or("n/a".to_owned(), text),
        interval: interval(decided),
        level: format!("{} %", unit::significant((1.0 - decided.alpha) * 100.0)),
        n: unit::count(decided.n()),
        rounds: if rounds == 0 { String::new() } else { decided.values.len().to_string() },
        values: decided.values.iter().map(|v| v.map_or("n/a".to_owned(), text)).collect(),
        supports: decided.supports.clone().filter(|_| !is_supported).unwrap_or_default(),
        needs: needs(decided),
        notes: decided.notes.clone(),
        strip: strip(decided),
    }
}

fn input(input: &Input) -> String {
    format!("{} = {}", input.name, shown(input.value, input.is_time))
}

fn interval(decided: &Decided) -> String {
    let unit = decided.claim.bound.unit();
    match (decided.low, decided.high) {
        (Some(low), Some(high)) => format!("[{}, {}]", unit.text(low), unit.text(high)),
        (Some(low), None) => format!("[{}, ∞)", unit.text(low)),
        (None, Some(high)) => format!("(…, {}]", unit.text(high)),
        (None, None) => String::new(),
    }
}

fn needs(decided: &Decided) -> String {
    if decided.verdict != Verdict::Undecided {
        return String::new();
    }
    match decided.rounds_needed {
        Some(n) if decided.indicative => format!("needs {n} rounds"),
        Some(n) => format!("about {n} rounds in total would decide"),
        None if decided.scale == Scale::WithinRun || decided.scale == Scale::EveryRun => String::new(),
        None if decided.values.len() < 2 => String::new(),
        // What is missing then is not rounds: the reason says what.
        None if [decided.low, decided.high].into_iter().flatten().all(|v| decided.claim.bound.holds(v)) => {
            String::new()
        }
        None => "more than 200 rounds needed: the effect is close to the bound".to_owned(),
    }
}

fn strip(decided: &Decided) -> Option<Strip> {
    let (least, most) = decided.claim.bound.edges();
    let values: Vec<f64> = decided.values.iter().flatten().copied().collect();
    let all = values.iter().chain(&least).chain(&most).chain(&decided.low).chain(&decided.high);
    let is_log = decided.scale != Scale::Share
        && decided.claim.rule == Rule::Interval
        && all.clone().all(|v| *v > 0.0);
    let estimate = decided.estimate?;
    let edges = match decided.claim.bound {
        Bound::AtLeast(edge) | Bound::AtMost(edge) => vec![edge],
        Bound::Within(low, high) => vec![low, high],
    };
    let edges = edges.into_iter().map(|edge| (edge.value, edge.to_string())).collect();
    Some(Strip { least, most, edges, estimate, low: decided.low, high: decided.high, values, is_log })
}
