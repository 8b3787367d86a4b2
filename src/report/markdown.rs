//! A report's claims in Markdown, for a pull request or a step summary.

use super::model::{Answer, ClaimRow, Report, StageRow, SymptomRow};
use crate::printable;

/// GitHub refuses comments of more than 65 536 characters; step summaries may hold 1 MiB.
const MOST: usize = 60_000;

/// The claims, the audit and how to make it again, in at most 60 000 characters.
pub fn render(report: &Report) -> String {
    let judged = &report.judged;
    let names: Vec<&str> = report.arms.iter().map(|a| a.name.as_str()).collect();
    let mut parts = vec![format!("### {}: {}", escape(&report.title), escape(&names.join(" against ")))];
    let headline = &report.headline;
    let answer = format!("{} {}", headline.word, headline.count);
    parts.push(format!("**{}** · {}", answer.trim_end(), escape(&report.subtitle)));
    if !headline.answers.is_empty() {
        let line = |answer: &Answer| format!("- **{}** {}", answer.word, escape(&answer.text));
        parts.push(headline.answers.iter().map(line).collect::<Vec<_>>().join("\n"));
    }
    if !report.warnings.is_empty() {
        let line = |warning: &String| format!("> **Warning** {}", escape(warning));
        parts.push(report.warnings.iter().map(line).collect::<Vec<_>>().join("\n>\n"));
    }
    if !judged.after_the_fact.is_empty() {
        parts.push(format!("> **{}**", escape(&judged.after_the_fact)));
    }
    if !report.superiority.is_empty() {
        parts.push(escape(&report.superiority));
    }
    if !report.doubts.is_empty() {
        let line = |doubt: &String| format!("> **Note** {}", escape(doubt));
        parts.push(report.doubts.iter().map(line).collect::<Vec<_>>().join("\n>\n"));
    }
    if !judged.in_spite.is_empty() {
        parts.push(format!("> **{}**", escape(&judged.in_spite)));
    }
    if !judged.claims.is_empty() {
        parts.push(claim_table(&judged.claims));
        parts.push(escape(&judged.level));
        let open = open_reasons(&judged.claims);
        if !open.is_empty() {
            parts.push(open);
        }
    }
    if !report.stages.is_empty() {
        parts.push(stage_table(report));
    }
    if !judged.symptoms.is_empty() {
        let symptom = |s: &SymptomRow| {
            let (title, seen) = (escape(&s.title), escape(&s.seen));
            format!("- {}: **{title}** ({}; {seen}). {}", escape(&s.profile), s.runs, escape(&s.remedy))
        };
        parts.push(judged.symptoms.iter().map(symptom).collect::<Vec<_>>().join("\n"));
    }
    if !report.faults.is_empty() {
        parts.push(faults(report));
    }
    let checks: Vec<String> = judged
        .checks
        .iter()
        .map(|c| format!("- {} {}: {}", c.grade, escape(&c.name), escape(&c.text)))
        .chain(judged.held.iter().map(|h| {
            format!(
                "- {} {}: {} {}; {}",
                if h.holds { "observed" } else { "NOT OBSERVED" },
                escape(&h.profile),
                code(&h.condition),
                h.runs,
                escape(&h.seen)
            )
        }))
        .collect();
    parts.push(format!(
        "<details><summary>Validity: {} ({})</summary>\n\n{}\n\n</details>",
        headline.validity.grade,
        escape(&judged.audit_sentence),
        checks.join("\n")
    ));
    if !report.reproduce.is_empty() {
        let commands = report.reproduce.join("\n");
        let commands = fenced(&commands);
        parts.push(format!("<details><summary>Reproduce</summary>\n\n{commands}\n\n</details>"));
    }
    cut(parts.join("\n\n") + "\n")
}

/// The stages of the load as a table: what was planned, and what it came to.
fn stage_table(report: &Report) -> String {
    let has_arms = report.arms.len() > 1;
    let mut lines = Vec::new();
    for (row, cells) in report.stages.iter().zip(StageRow::table(&report.stages)) {
        let arm = has_arms.then_some(("arm", row.arm.as_str()));
        let cells: Vec<(&str, &str)> = arm.into_iter().chain(cells).collect();
        if lines.is_empty() {
            let names: Vec<&str> = cells.iter().map(|(name, _)| *name).collect();
            lines.push(format!("| {} |", names.join(" | ")));
            lines.push(format!("|{}", "---|".repeat(names.len())));
        }
        let texts: Vec<String> = cells.iter().map(|(_, text)| escape(text)).collect();
        lines.push(format!("| {} |", texts.join(" | ")));
    }
    lines.join("\n")
}

/// What was done to the system, and what came of it.
fn faults(report: &Report) -> String {
    let has_arms = report.arms.len() > 1;
    let mut table = if has_arms {
        "| Arm | Fault | Time | Detected | Recovered | Failed |\n|---|---|---|---|---|---:|".to_owned()
    } else {
        "| Fault | Time | Detected | Recovered | Failed |\n|---|---|---|---|---:|".to_owned()
    };
    for row in &report.faults {
        let arm = if has_arms { format!("| {} ", escape(&row.arm)) } else { String::new() };
        let [name, text, span] = [&row.name, &row.text, &row.span].map(|text| escape(text));
        let [detected, recovered] = [&row.detected, &row.recovered].map(|text| escape(text));
        table.push_str(&format!(
            "\n{arm}| **{name}**<br>{text} | {span} | {detected} | {recovered} | {} |",
            row.failed
        ));
    }
    table
}

/// Claims as a table.
pub(super) fn claim_table(claims: &[ClaimRow]) -> String {
    let mut table = "| Verdict | Claim | Estimate | Interval | n |\n|---|---|---:|---|---:|".to_owned();
    for claim in claims {
        table.push('\n');
        table.push_str(&row(claim));
    }
    table
}

/// Why claims are not supported, a line each; empty if all are.
pub(super) fn open_reasons(claims: &[ClaimRow]) -> String {
    let open = claims.iter().filter(|claim| claim.verdict != "supported").map(reason);
    open.collect::<Vec<_>>().join("\n")
}

fn row(claim: &ClaimRow) -> String {
    let mark = match claim.verdict {
        "supported" => "✅",
        "refuted" => "❌",
        "undecided" => "❔",
        _ => "⛔",
    };
    let gate = if claim.gates { "" } else { " (not gating)" };
    let (estimate, interval) = match claim.verdict {
        "invalid" => ("", ""),
        _ => (claim.estimate.as_str(), claim.interval.as_str()),
    };
    format!(
        "| {mark} {} | {}{gate}<br>{} | {} | {} | {} |",
        claim.word,
        escape(&claim.title),
        code(&claim.formula.replace('|', "\\|")),
        estimate,
        interval,
        claim.n
    )
}

fn reason(claim: &ClaimRow) -> String {
    let open = if claim.needs.is_empty() { String::new() } else { format!(" ({})", claim.needs) };
    format!("- **{}** {}: {}{open}", claim.id, claim.word, escape(&claim.reason))
}

/// Texts of users must not become markup.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '\n' => escaped.push(' '),
            '@' => {
                // Nobody is to be told of it: a mention needs a name right behind.
                escaped.push_str("@\u{200b}");
            }
            c => escaped.push(c),
        }
    }
    printable::for_terminal(&escaped).into_owned()
}

/// A text between backticks.
fn code(text: &str) -> String {
    format!("`{}`", printable::for_terminal(&text.replace('`', "'").replace('\n', " ")))
}

/// Lines of a shell in a fence that they cannot end.
fn fenced(lines: &str) -> String {
    let longest = lines.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(3.max(longest + 1));
    format!("{fence}sh\n{}\n{fence}", printable::for_terminal(lines))
}

fn cut(text: String) -> String {
    match text.char_indices().nth(MOST) {
        None => text,
        Some((end, _)) => format!("{}\n\n… truncated; the report has the rest\n", &text[..end]),
    }
}
