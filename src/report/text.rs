//! Reports for the terminal: aligned tables, readable without colour.

use comfy_table::{CellAlignment, Table, presets};

use super::model::{ClaimRow, Judged, QuantileCell, Report, SubjectRow, SubjectSection};

/// A report for the terminal, with ANSI styles that the writer may strip.
pub fn render(report: &Report) -> String {
    let arms: Vec<&str> = report.arms.iter().map(|a| a.name.as_str()).collect();
    let bold = anstyle::Style::new().bold();
    let mut parts =
        vec![format!("{bold}{}{bold:#} · {} · {}", report.title, arms.join(" against "), report.subtitle)];
    parts.push(audit(&report.judged));
    if !report.judged.claims.is_empty() {
        parts.push(claims(&report.judged));
    }
    if !report.finding.is_empty() {
        parts.push(report.finding.iter().map(|s| format!("  {s}")).collect::<Vec<_>>().join("\n"));
    }
    let explained = report.explained.iter().filter(|item| item.is_told_apart);
    let explained: Vec<String> =
        explained.map(|item| format!("  {}: {}", item.title, item.sentence)).collect();
    if !explained.is_empty() {
        parts.push(explained.join("\n"));
    }
    if !report.warnings.is_empty() {
        let yellow = anstyle::AnsiColor::Yellow.on_default();
        let lines = report.warnings.iter().map(|w| format!("  {yellow}warning{yellow:#}  {w}"));
        parts.push(lines.collect::<Vec<_>>().join("\n"));
    }
    if !report.judged.symptoms.is_empty() {
        parts.push(symptoms(&report.judged));
    }
    if !report.races.is_empty() {
        parts.push(races(report));
    }
    for section in &report.sections {
        parts.push(counts_table(section, &arms));
        parts.push(times_table(section, &arms));
    }
    if !report.signals.is_empty() {
        parts.push(signals_table(report, &arms));
    }
    if !report.failures.is_empty() {
        parts.push(failures_table(report));
    }
    parts.push(format!("  instrument  {}", report.qualification));
    parts.join("\n\n")
}

/// The audit, and what had to hold: one line if all is well, the doubts below it if not.
fn audit(judged: &Judged) -> String {
    let style = grade_style(judged.audit_grade);
    let mut lines = vec![format!("  {style}{}{style:#}  {}", judged.audit_grade, judged.audit_sentence)];
    for check in judged.checks.iter().filter(|c| c.grade != "VALID") {
        let style = grade_style(check.grade);
        let of = if check.of.is_empty() { String::new() } else { format!(" ({})", check.of) };
        lines.push(format!("  {style}{:>7}{style:#}  {}{of}: {}", check.grade, check.name, check.text));
    }
    for held in &judged.held {
        let word = if held.holds { "held" } else { "NOT HELD" };
        let style = grade_style(if held.holds { "VALID" } else { "INVALID" });
        lines.push(format!(
            "  {style}{word}{style:#}  {}: `{}` {}; {}",
            held.profile, held.condition, held.runs, held.seen
        ));
    }
    lines.join("\n")
}

/// What was seen of trouble in the system, and what to do about it.
fn symptoms(judged: &Judged) -> String {
    let (yellow, dim) = (anstyle::AnsiColor::Yellow.on_default(), anstyle::Style::new().dimmed());
    let told = judged.symptoms.iter().map(|symptom| {
        let select =
            if symptom.select.is_empty() { String::new() } else { format!("  [{}]", symptom.select) };
        format!(
            "  {yellow}symptom{yellow:#}  {}: {}{select} ({}; {})\n           {dim}{}{dim:#}",
            symptom.profile, symptom.title, symptom.runs, symptom.seen, symptom.remedy
        )
    });
    told.collect::<Vec<_>>().join("\n")
}

/// What requests raced each other for: how much they met, and how it ended.
fn races(report: &Report) -> String {
    let mut lines = Vec::new();
    for race in &report.races {
        let arm = if report.arms.len() > 1 { format!("{}: ", race.arm) } else { String::new() };
        lines.push(format!(
            "  race     {arm}{}: {} races of {} requests, sent within {} (median), overlap {}, all at once in {}",
            race.name, race.races, race.entrants, race.spread, race.overlap, race.together
        ));
        for ending in &race.endings {
            let ended = race.endpoints.iter().zip(&ending.ended).filter(|(_, ended)| !ended.is_empty());
            let text: Vec<String> = ended.map(|(endpoint, ended)| format!("{endpoint}: {ended}")).collect();
            lines.push(format!("           {:>6}  {:>6}  {}", ending.races, ending.share, text.join(" · ")));
        }
        if race.further > 0 {
            lines.push(format!("           and {} further endings", race.further));
        }
    }
    lines.join("\n")
}

fn grade_style(grade: &str) -> anstyle::Style {
    match grade {
        "VALID" => anstyle::AnsiColor::Green.on_default(),
        "WARN" => anstyle::AnsiColor::Yellow.on_default(),
        _ => anstyle::AnsiColor::Red.on_default().bold(),
    }
}

/// One line a claim: verdict, number, what it says, estimate, interval; then what it rests on.
fn claims(judged: &Judged) -> String {
    let width = |of: fn(&ClaimRow) -> &str| {
        judged.claims.iter().map(|c| unicode_width::UnicodeWidthStr::width(of(c))).max().unwrap_or(0)
    };
    let pad = |text: &str, to: usize| {
        format!("{text}{}", " ".repeat(to.saturating_sub(unicode_width::UnicodeWidthStr::width(text))))
    };
    let (ids, titles, estimates) = (width(|c| &c.id), width(|c| &c.title), width(|c| &c.estimate));
    let dim = anstyle::Style::new().dimmed();
    let mut lines = Vec::new();
    let mut said = String::new();
    for claim in &judged.claims {
        let style = verdict_style(claim.verdict);
        let gate = if claim.gates { "" } else { "  (does not gate)" };
        let line = format!(
            "  {style}{:>9}{style:#}  {}  {}  {}  {}{gate}",
            claim.word.to_uppercase(),
            pad(&claim.id, ids),
            pad(&claim.title, titles),
            pad(&claim.estimate, estimates),
            claim.interval,
        );
        lines.push(line.trim_end().to_owned());
        // One reason that voids them all is said once.
        let is_new = std::mem::replace(&mut said, claim.reason.clone()) != claim.reason;
        for detail in details(claim, is_new) {
            lines.push(format!("             {}{dim}{detail}{dim:#}", " ".repeat(ids)));
        }
    }
    let bold = anstyle::Style::new().bold();
    lines.push(format!("  {bold}{}{bold:#} {}", judged.sentence, judged.level));
    if !judged.in_spite.is_empty() {
        let red = grade_style("INVALID");
        lines.push(format!("  {red}{}{red:#}", judged.in_spite));
    }
    lines.join("\n")
}

/// The gating claims of several reports in one table; each row says which it is from. Empty without
/// such a claim.
pub fn headline(reports: &[(String, Vec<ClaimRow>)]) -> String {
    let bold = anstyle::Style::new().bold();
    let mut headline =
        table(["", "claim", "verdict", "estimate", "interval", "from"].map(String::from).to_vec());
    let rows = reports.iter().flat_map(|(of, claims)| claims.iter().map(move |claim| (of, claim)));
    let rows: Vec<(&String, &ClaimRow)> = rows.filter(|(_, claim)| claim.gates).collect();
    if rows.is_empty() {
        return String::new();
    }
    for (of, claim) in &rows {
        headline.add_row(vec![
            claim.id.clone(),
            claim.title.clone(),
            claim.word.to_uppercase(),
            claim.estimate.clone(),
            claim.interval.clone(),
            (*of).clone(),
        ]);
    }
    let supported = rows.iter().filter(|(_, claim)| claim.verdict == "supported").count();
    format!("{bold}{supported} of {} claims supported{bold:#}\n\n{headline}", rows.len())
}

fn verdict_style(verdict: &str) -> anstyle::Style {
    match verdict {
        "supported" => anstyle::AnsiColor::Green.on_default().bold(),
        "refuted" => anstyle::AnsiColor::Red.on_default().bold(),
        "undecided" => anstyle::AnsiColor::Yellow.on_default().bold(),
        _ => anstyle::AnsiColor::Magenta.on_default().bold(),
    }
}

/// What a claim rests on: its formula, selection, statistics and amount of evidence; then, unless it
/// is supported, why not, what is supported, and what it would take.
fn details(claim: &ClaimRow, with_reason: bool) -> Vec<String> {
    let select = if claim.select.is_empty() { String::new() } else { format!("  [{}]", claim.select) };
    let mut details = vec![format!("{}{select}", claim.formula)];
    let rounds = match claim.rounds.as_str() {
        "" => String::new(),
        "1" => "1 round, ".to_owned(),
        n => format!("{n} rounds, "),
    };
    details.push(format!("{}; {rounds}n = {}", claim.inputs.join(", "), claim.n));
    if claim.verdict != "supported" {
        if with_reason {
            details.push(claim.reason.clone());
        }
        let open = [&claim.supports, &claim.needs]
            .into_iter()
            .filter(|t| !t.is_empty())
            .cloned()
            .collect::<Vec<_>>();
        if claim.verdict == "undecided" && !open.is_empty() {
            let supports = if claim.supports.is_empty() { "" } else { "supported so far: " };
            details.push(format!("{supports}{}", open.join("; ")));
        }
    }
    details.extend(claim.notes.iter().cloned());
    details
}

/// A table without lines whose columns from the second on are numbers.
fn table(header: Vec<String>) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(header);
    table
}

fn finish(mut table: Table, texts: usize) -> String {
    for column in table.column_iter_mut().skip(texts) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string().lines().map(|line| format!("  {}", line.trim_end())).collect::<Vec<_>>().join("\n")
}

fn heading(section: &str, what: &str, table: &str) -> String {
    format!("{section}: {what}\n{table}")
}

/// Samples by outcome, a line per subject and arm.
fn counts_table(section: &SubjectSection, arms: &[&str]) -> String {
    let header = ["", "arm", "samples", "ok", "rejected", "failed", "error", "dropped", "rate, /s"];
    let mut table = table(header.map(str::to_owned).to_vec());
    for row in &section.rows {
        for (place, (arm, counts)) in arms.iter().zip(&row.arms).enumerate() {
            let Some(c) = counts else { continue };
            let name = if place == 0 { title(row) } else { String::new() };
            table.add_row([
                name.as_str(),
                arm,
                &c.total,
                &c.ok,
                &c.rejected,
                &c.failed,
                &c.error,
                &c.dropped,
                &c.rate,
            ]);
        }
    }
    heading(section.heading, "samples by outcome", &finish(table, 2))
}

/// Quantiles, a line per subject and quantile; service times where they differ from response times.
fn times_table(section: &SubjectSection, arms: &[&str]) -> String {
    let mut header = vec![String::new(), String::new(), String::new()];
    header.extend(arms.iter().map(|arm| format!("{arm}, {}", section.unit)));
    if arms.len() > 1 {
        header.extend(["change".to_owned(), "ratio".to_owned()]);
    }
    let mut table = table(header);
    for row in &section.rows {
        let what = if section.has_service { "response" } else { "latency" };
        add_times(&mut table, &title(row), what, &row.response);
        if row.service_differs {
            add_times(&mut table, "", "service", &row.service);
        }
    }
    let what = if section.has_service {
        "response time, and service time where it differs much (* fewer than ten samples beyond)"
    } else {
        "effect latency (* fewer than ten samples beyond)"
    };
    heading(section.heading, what, &finish(table, 3))
}

fn add_times(table: &mut Table, name: &str, what: &str, cells: &[QuantileCell]) {
    for (place, cell) in cells.iter().enumerate() {
        let first = place == 0;
        let mut row = vec![
            if first { name.to_owned() } else { String::new() },
            if first { what.to_owned() } else { String::new() },
            cell.name.clone(),
        ];
        row.extend(cell.values.iter().cloned());
        if cell.values.len() > 1 {
            row.extend([cell.change.clone(), cell.ratio.clone()]);
        }
        table.add_row(row);
    }
}

fn signals_table(report: &Report, arms: &[&str]) -> String {
    let header = ["", "unit", "arm", "min", "mean", "max", "last"];
    let mut table = table(header.map(str::to_owned).to_vec());
    for row in &report.signals {
        for (place, (arm, cells)) in arms.iter().zip(&row.arms).enumerate() {
            let (name, unit) = if place == 0 { (row.name.as_str(), row.unit.as_str()) } else { ("", "") };
            match cells {
                Some(c) => table.add_row([name, unit, arm, &c.min, &c.mean, &c.max, &c.last]),
                None => table.add_row([name, unit, arm, "never seen", "", "", ""]),
            };
        }
    }
    heading("Signals", "over the run", &finish(table, 3))
}

fn failures_table(report: &Report) -> String {
    let has_arms = report.arms.len() > 1;
    let arm = has_arms.then(|| "arm".to_owned());
    let names =
        ["outcome", "endpoint", "reason", "count", "first", "last", "first sample"].map(str::to_owned);
    let mut table = table(arm.into_iter().chain(names).collect());
    for row in &report.failures {
        let cells =
            [&row.outcome, &row.endpoint, &row.reason, &row.count, &row.first, &row.last, &row.sample];
        table.add_row(has_arms.then_some(&row.arm).into_iter().chain(cells));
    }
    heading("Failures", "by reason", &finish(table, if has_arms { 4 } else { 3 }))
}

/// `POST /orders [production]`
fn title(row: &SubjectRow) -> String {
    if row.traffic_class.is_empty() {
        row.name.clone()
    } else {
        format!("{} [{}]", row.name, row.traffic_class)
    }
}
