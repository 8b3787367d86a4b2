//! Reports for the terminal: aligned tables, readable without colour.

mod grid;

use comfy_table::{CellAlignment, Table, presets};

use super::model::{ClaimRow, Headline, Judged, Report, StageRow, SubjectRow, SubjectSection};

pub use self::grid::matrix;

/// The quantile whose change has a column.
const CHANGED: &str = "p95";

/// A report for the terminal, with ANSI styles that the writer may strip.
pub fn render(report: &Report) -> String {
    let arms: Vec<&str> = report.arms.iter().map(|a| a.name.as_str()).collect();
    let bold = anstyle::Style::new().bold();
    let mut parts =
        vec![format!("{bold}{}{bold:#} · {} · {}", report.title, arms.join(" against "), report.subtitle)];
    parts.push(answer(&report.headline));
    parts.push(validity(&report.headline, &report.judged));
    if !report.judged.claims.is_empty() || !report.judged.after_the_fact.is_empty() {
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
    if !report.doubts.is_empty() {
        let yellow = anstyle::AnsiColor::Yellow.on_default();
        let lines = report.doubts.iter().map(|doubt| format!("  {yellow}note{yellow:#}     {doubt}"));
        parts.push(lines.collect::<Vec<_>>().join("\n"));
    }
    if !report.judged.symptoms.is_empty() {
        parts.push(symptoms(&report.judged));
    }
    if !report.races.is_empty() {
        parts.push(races(report));
    }
    for section in &report.sections {
        parts.push(endpoints(section, &arms));
    }
    if !report.stages.is_empty() {
        parts.push(stages_table(report));
    }
    if !report.faults.is_empty() {
        parts.push(faults_table(report));
    }
    if report.signals.iter().any(|row| !row.is_of_generator) {
        parts.push(signals_table(report, &arms));
    }
    if !report.failures.is_empty() {
        parts.push(failures_table(report));
    }
    parts.push(format!("  selftest    {}", report.qualification));
    parts.join("\n\n")
}

/// The answer: a word, and for a run its metrics. The claims follow below.
fn answer(headline: &Headline) -> String {
    let style = tone_style(headline.tone);
    let mut lines =
        vec![format!("  {style}{}{style:#} {}", headline.word, headline.count).trim_end().to_owned()];
    let tiles = headline.tiles.iter().map(|tile| format!("{} {} {}", tile.name, tile.value, tile.unit));
    let tiles: Vec<String> = tiles.map(|tile| tile.trim_end().to_owned()).collect();
    if !tiles.is_empty() {
        lines.push(format!("  {}", tiles.join(" · ")));
    }
    lines.join("\n")
}

/// The audit, and what had to hold: one line if all is well, the doubts below it if not.
fn validity(headline: &Headline, judged: &Judged) -> String {
    let validity = &headline.validity;
    let style = grade_style(validity.grade);
    let notes = if validity.notes.is_empty() { String::new() } else { format!(" · {}", validity.notes) };
    let mut lines =
        vec![format!("  Validity: {style}{}{style:#}{notes} · {}", validity.grade, judged.audit_sentence)];
    for check in judged.checks.iter().filter(|c| c.grade != "VALID") {
        let style = grade_style(check.grade);
        let of = if check.of.is_empty() { String::new() } else { format!(" ({})", check.of) };
        lines.push(format!("  {style}{:>7}{style:#}  {}{of}: {}", check.grade, check.name, check.text));
    }
    for held in &judged.held {
        let word = if held.holds { "observed" } else { "NOT OBSERVED" };
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
            "  race     {arm}{}: {} races of {} requests, sent within {} (median), overlap {}, complete in {}",
            race.name, race.races, race.entrants, race.spread, race.overlap, race.together
        ));
        for ending in &race.endings {
            let ended = race.endpoints.iter().zip(&ending.ended).filter(|(_, ended)| !ended.is_empty());
            let text: Vec<String> = ended.map(|(endpoint, ended)| format!("{endpoint}: {ended}")).collect();
            lines.push(format!("           {:>6}  {:>6}  {}", ending.races, ending.share, text.join(" · ")));
        }
        if race.further > 0 {
            lines.push(format!("           and {} more outcomes", race.further));
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
pub(super) fn claim_lines(claims: &[ClaimRow]) -> String {
    let width = |of: fn(&ClaimRow) -> &str| {
        claims.iter().map(|c| unicode_width::UnicodeWidthStr::width(of(c))).max().unwrap_or(0)
    };
    let pad = |text: &str, to: usize| {
        format!("{text}{}", " ".repeat(to.saturating_sub(unicode_width::UnicodeWidthStr::width(text))))
    };
    let (ids, titles, estimates) = (width(|c| &c.id), width(|c| &c.title), width(|c| &c.estimate));
    let words = width(|c| c.word).max(9);
    let dim = anstyle::Style::new().dimmed();
    let mut lines = Vec::new();
    let mut said = String::new();
    for claim in claims {
        let style = tone_style(claim.tone);
        let gate = if claim.gates { "" } else { "  (not gating)" };
        let line = format!(
            "  {style}{:>words$}{style:#}  {}  {}  {}  {}{gate}",
            claim.word.to_uppercase(),
            pad(&claim.id, ids),
            pad(&claim.title, titles),
            pad(if claim.verdict == "invalid" { "" } else { &claim.estimate }, estimates),
            if claim.verdict == "invalid" { "" } else { &claim.interval },
        );
        lines.push(line.trim_end().to_owned());
        // One reason that voids them all is said once.
        let is_new = std::mem::replace(&mut said, claim.reason.clone()) != claim.reason;
        for detail in details(claim, is_new) {
            lines.push(format!("  {}{dim}{detail}{dim:#}", " ".repeat(words + 2 + ids + 2)));
        }
    }
    lines.join("\n")
}

/// The claims, and what they were decided by.
fn claims(judged: &Judged) -> String {
    let mut lines: Vec<String> =
        Some(claim_lines(&judged.claims)).filter(|text| !text.is_empty()).into_iter().collect();
    let bold = anstyle::Style::new().bold();
    lines.push(format!("  {bold}{}{bold:#} {}", judged.sentence, judged.level));
    if !judged.after_the_fact.is_empty() {
        let yellow = anstyle::AnsiColor::Yellow.on_default();
        lines.push(format!("  {yellow}{}{yellow:#}", judged.after_the_fact));
    }
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

fn tone_style(tone: &str) -> anstyle::Style {
    match tone {
        "none" => anstyle::Style::new().bold(),
        "supported" => anstyle::AnsiColor::Green.on_default().bold(),
        "refuted" => anstyle::AnsiColor::Red.on_default().bold(),
        "undecided" => anstyle::AnsiColor::Yellow.on_default().bold(),
        _ => anstyle::AnsiColor::Magenta.on_default().bold(),
    }
}

/// What a claim rests on: its formula, selection, statistics and amount of evidence; then, unless it
/// is supported, why not, what the data do support, and what it would take. Of an invalid one only the reason.
fn details(claim: &ClaimRow, with_reason: bool) -> Vec<String> {
    if claim.verdict == "invalid" {
        return with_reason.then(|| claim.reason.clone()).into_iter().collect();
    }
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
            let supports = if claim.supports.is_empty() { "" } else { "the data support: " };
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

/// A line an endpoint and arm, then the total.
fn endpoints(section: &SubjectSection, arms: &[&str]) -> String {
    let has_arms = arms.len() > 1;
    let mut header = vec![String::new()];
    header.extend(has_arms.then(|| "arm".to_owned()));
    header.extend(section.columns.iter().map(|column| column.heading.clone()));
    let changed = section.columns.iter().position(|column| column.key == CHANGED).filter(|_| has_arms);
    header.extend(changed.map(|_| format!("{CHANGED} change")));
    let mut table = table(header);
    for row in &section.rows {
        let mut name = title(row);
        for line in &row.lines {
            let mut cells = vec![std::mem::take(&mut name)];
            if line.is_service {
                cells[0].push_str("  service time");
            }
            cells.extend(has_arms.then(|| arms[line.arm].to_owned()));
            if line.cells.is_empty() {
                cells.push("not called".to_owned());
            }
            cells.extend(line.cells.iter().map(|cell| cell.value.clone()));
            let change = changed.and_then(|place| line.cells.get(place));
            cells.extend(change.map(|cell| format!("{} {}", cell.change, cell.interval).trim().to_owned()));
            table.add_row(cells);
        }
    }
    let table = finish(table, if has_arms { 2 } else { 1 });
    let thin = if table.contains('*') { "  (* fewer than ten samples beyond)" } else { "" };
    let endless = if section.endless.is_empty() { String::new() } else { format!("\n  {}", section.endless) };
    format!("{}{thin}\n{table}{endless}", section.heading)
}

/// The system's signals; those of loadproof itself are on the page.
fn signals_table(report: &Report, arms: &[&str]) -> String {
    let header = ["", "unit", "arm", "min", "mean", "max", "last"];
    let mut table = table(header.map(str::to_owned).to_vec());
    for row in report.signals.iter().filter(|row| !row.is_of_generator) {
        for (place, (arm, cells)) in arms.iter().zip(&row.arms).enumerate() {
            let (name, unit) = if place == 0 { (row.name.as_str(), row.unit.as_str()) } else { ("", "") };
            match cells {
                Some(c) => table.add_row([name, unit, arm, &c.min, &c.mean, &c.max, &c.last]),
                None => table.add_row([name, unit, arm, "not read", "", "", ""]),
            };
        }
    }
    heading("Signals", "over the run", &finish(table, 3))
}

/// What was planned for each stage, and what it came to.
fn stages_table(report: &Report) -> String {
    let has_arms = report.arms.len() > 1;
    let arm = has_arms.then(|| "arm".to_owned());
    let rows = StageRow::table(&report.stages);
    let names = rows.first().into_iter().flatten().map(|(name, _)| *name);
    // What stands in the first column is its heading.
    let names = names.map(|name| if name == "stage" { String::new() } else { name.to_owned() });
    let mut table = table(arm.into_iter().chain(names).collect());
    for (row, cells) in report.stages.iter().zip(&rows) {
        let cells = cells.iter().map(|(_, text)| *text);
        table.add_row(has_arms.then_some(row.arm.as_str()).into_iter().chain(cells));
    }
    heading("Stages", "of the load", &finish(table, if has_arms { 4 } else { 3 }))
}

/// What was done to the system, and what came of it.
fn faults_table(report: &Report) -> String {
    let has_arms = report.arms.len() > 1;
    let arm = has_arms.then(|| "arm".to_owned());
    let names = ["", "what", "time", "detected", "recovered", "failed", "missing"].map(str::to_owned);
    let mut table = table(arm.into_iter().chain(names).collect());
    for row in &report.faults {
        let cells =
            [&row.name, &row.text, &row.span, &row.detected, &row.recovered, &row.failed, &row.missing];
        table.add_row(has_arms.then_some(&row.arm).into_iter().chain(cells));
    }
    heading(
        "Faults",
        "from start to detection, from end to recovery",
        &finish(table, if has_arms { 6 } else { 5 }),
    )
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
