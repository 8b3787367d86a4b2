//! The forms of a sign-off.

use minijinja::context;
use minijinja::value::{Serde, Value};
use serde_json::json;

use super::{About, Page, Row};
use crate::report::chart;
use crate::report::html::{self, HtmlError};
use crate::report::junit::{Case, CaseResult, Suite};
use crate::report::markdown::escape;
use crate::signoff::SignOff;

/// The page.
///
/// # Errors
/// If its template is faulty.
pub fn html(page: &Page) -> Result<String, HtmlError> {
    let strip = |(n, row): (usize, &Row)| {
        row.strip.as_ref().map_or(String::new(), |claim| chart::strip::draw(claim, &format!("claim-{n}")))
    };
    let strips: Vec<String> = (1..).zip(&page.rows).map(strip).collect();
    let values = context! {
        page => Value::from(Serde(page)),
        strips => strips,
        tool_version => page.about.tool_version.clone(),
    };
    html::page("signoff.html", values, &html::REPORT)
}

/// As `loadproof.signoff/2`.
///
/// # Errors
/// If it cannot be written as JSON, which its types rule out.
pub fn json(page: &Page, signoff: &SignOff) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&json!({
        "schema": "loadproof.signoff/2",
        "signed": signoff.is_signed(),
        "signoff": signoff,
        "page": page,
    }))
}

/// The required claims as attestations state test results. `rules`: the SHA-256 of the rules.
///
/// # Errors
/// If it cannot be written as JSON, which its types rule out.
pub fn predicate(page: &Page, rules: &str) -> Result<String, serde_json::Error> {
    let tests = |is_meant: fn(&str) -> bool| -> Vec<String> {
        let rows = page.rows.iter().filter(|row| is_meant(row.state));
        rows.map(|row| format!("{}: {}", row.requirement, row.claim)).collect()
    };
    let (passed, warned) = (tests(|state| state == "supported"), tests(|state| state == "waived"));
    let failed = tests(|state| !["supported", "waived"].contains(&state));
    let result = match (failed.is_empty(), warned.is_empty()) {
        (false, _) => "FAILED",
        (true, false) => "WARNED",
        (true, true) => "PASSED",
    };
    serde_json::to_string_pretty(&json!({
        "result": result,
        "configuration": [{ "name": "rules.toml", "digest": { "sha256": rules } }],
        "passedTests": passed,
        "warnedTests": warned,
        "failedTests": failed,
    }))
}

/// What a sign-off's JSON says of itself; none if the text is none.
pub fn about(text: &str) -> Option<About> {
    let document: serde_json::Value = serde_json::from_str(text).ok()?;
    serde_json::from_value(document.get("page")?.get("about")?.clone()).ok()
}

/// The required claims as JUnit XML; what is waived is skipped.
///
/// # Errors
/// If it cannot be written, which memory rules out.
pub fn junit(page: &Page) -> std::io::Result<String> {
    let case = |row: &Row| Case {
        name: format!("{}: {}", row.requirement, row.claim),
        result: match row.state {
            "supported" => CaseResult::Passed,
            "waived" => CaseResult::Skipped,
            "invalid" => CaseResult::Error,
            _ => CaseResult::Failure,
        },
        state: row.state,
        message: [row.waiver.as_str(), row.why.as_str()].join(" ").trim().to_owned(),
        text: format!("{}\n{} {}\nevidence: {}", row.formula, row.estimate, row.interval, row.evidence),
    };
    let suite = Suite {
        name: format!("{} {}", page.product, page.about.version),
        properties: vec![
            ("verdict", page.word.clone()),
            ("signed at", page.about.at.clone()),
            ("commit", page.about.commit.clone().unwrap_or_default()),
        ],
        cases: page.rows.iter().map(case).collect(),
    };
    suite.render()
}

/// For a pull request or a release's notes.
pub fn markdown(page: &Page) -> String {
    let title = format!("### {}: {} {}", page.word, escape(&page.product), escape(&page.about.version));
    let mut table =
        "| State | Required | Estimate | Interval | Evidence |\n|---|---|---:|---|---|".to_owned();
    for row in &page.rows {
        let notes = [&row.waiver, &row.why].into_iter().filter(|text| !text.is_empty());
        let notes = notes.map(|text| escape(text)).fold(String::new(), |all, note| all + "<br>" + &note);
        table.push_str(&format!(
            "\n| {} | {}: {}{notes} | {} | {} | {} |",
            row.state,
            escape(&row.requirement),
            escape(&row.claim),
            row.estimate,
            row.interval,
            row.evidence
        ));
    }
    let mut parts = vec![title, format!("{} {}", page.sentence, escape(&page.subtitle)), table];
    let notes: Vec<String> = notes(page).iter().map(|line| format!("- {}", escape(line))).collect();
    if !notes.is_empty() {
        parts.push(notes.join("\n"));
    }
    parts.join("\n\n") + "\n"
}

/// For a terminal.
pub fn text(page: &Page) -> String {
    let mut lines = vec![
        format!("{} {}  {}", page.product, page.about.version, page.subtitle),
        String::new(),
        format!("{}: {}", page.word, page.sentence),
        String::new(),
    ];
    for row in &page.rows {
        let claim = [row.requirement.as_str(), row.claim.as_str()];
        let claim = claim.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
        let metrics = [&row.estimate, &row.interval, &row.evidence].map(String::as_str);
        let metrics = metrics.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ");
        lines.push(format!("{:>12}  {claim}  {metrics}", row.state.to_uppercase()).trim_end().to_owned());
        let claimed = if row.state == "supported" { "" } else { &row.formula };
        let notes = [row.waiver.as_str(), &row.why, claimed].into_iter().filter(|text| !text.is_empty());
        lines.extend(notes.map(|text| format!("{:14}{text}", "")));
    }
    let notes = notes(page);
    if !notes.is_empty() {
        lines.push(String::new());
        lines.extend(notes.into_iter().map(|note| format!("  {note}")));
    }
    lines.join("\n")
}

/// What else has to be known.
fn notes(page: &Page) -> Vec<String> {
    let passed = page.passed_over.iter().map(|line| format!("not used: {line}"));
    let failing = page
        .evidence
        .iter()
        .flat_map(|row| row.failing.iter().map(move |line| format!("{}: {line}", row.name)));
    passed.chain(page.idle_waivers.iter().cloned()).chain(failing).collect()
}
