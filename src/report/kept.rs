//! What is left to say of runs whose samples were pruned: what was decided before, and what was kept of their times.
//!
//! Nothing is decided here. Verdicts are shown as they were written down, with their date.

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::run::RunId;
use crate::summary::histograms::KeptTimes;
use crate::unit;

/// Everything that is left of a run or an experiment.
#[derive(Clone, Debug, Serialize)]
pub struct Kept {
    /// `run 3` or `experiment e1`.
    pub of: String,
    /// How it can be asked for: `3` or `e1`.
    pub name: String,
    /// Its runs.
    pub runs: Vec<KeptRun>,
    /// What was decided of it last.
    pub verdicts: Vec<KeptVerdict>,
}

/// What is left of one run.
#[derive(Clone, Debug, Serialize)]
pub struct KeptRun {
    /// The run.
    pub run: RunId,
    /// The scenario's name.
    pub scenario: String,
    /// The profile's name.
    pub profile: String,
    /// Start in UTC.
    pub started_at: String,
    /// When its samples were pruned; none if it has them.
    pub pruned_at: Option<String>,
    /// How many samples it had.
    pub samples: u64,
    /// What was changed of what was kept; none if nothing is known to have been.
    pub breach: Option<String>,
    /// What its audit doubted when its samples were there: `WARN lateness: …`.
    pub doubts: Vec<String>,
    /// The times of all requests of users together, and of each endpoint, effect and group.
    pub times: Vec<KeptTimes>,
}

/// A claim as it was decided last.
#[derive(Clone, Debug, Serialize)]
pub struct KeptVerdict {
    /// The profile that it was decided for.
    pub profile: String,
    /// What the claim says.
    pub title: String,
    /// Its rule in symbols.
    pub formula: String,
    /// Whether it gates.
    pub gates: bool,
    /// What the verdict was called.
    pub word: String,
    /// Why.
    pub reason: String,
    /// When it was decided; none where that was not written down.
    pub decided_at: Option<String>,
}

/// As JSON (`loadproof.kept/1`). A quantile without an end is `null`.
///
/// # Errors
/// If it cannot be written.
pub fn json(kept: &Kept) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&serde_json::json!({ "schema": "loadproof.kept/1", "kept": kept }))
}

/// For the terminal.
pub fn text(kept: &Kept) -> String {
    let bold = anstyle::Style::new().bold();
    let mut parts =
        vec![format!("{bold}{}{bold:#} · its samples were pruned: nothing is decided again", kept.of)];
    parts.push(verdicts(&kept.verdicts));
    parts.extend(kept.runs.iter().map(run));
    parts.push(format!(
        "  `loadproof store attach FILE` reads samples back from an archive; `loadproof report {}` then decides from them again",
        kept.name
    ));
    parts.join("\n\n")
}

fn verdicts(verdicts: &[KeptVerdict]) -> String {
    if verdicts.is_empty() {
        return "  Nothing was decided of it while its samples were there.".to_owned();
    }
    let mut lines = vec!["  Decided before".to_owned()];
    for one in verdicts {
        let at = one.decided_at.as_ref().map_or("before".to_owned(), |at| format!("on {at}"));
        let role = if one.gates { "" } else { ", does not gate" };
        lines.push(format!(
            "    {} [{}{role}]: {} (decided {at}, samples gone)",
            one.title, one.profile, one.word
        ));
        lines.push(format!("      {}", one.formula));
        if !one.reason.is_empty() {
            lines.push(format!("      {}", one.reason));
        }
    }
    lines.join("\n")
}

fn run(run: &KeptRun) -> String {
    let (samples, started) =
        (unit::count(run.samples), run.started_at.trim_end_matches('Z').replace('T', " "));
    let state = match &run.pruned_at {
        Some(at) => format!("{samples} samples, pruned on {at}"),
        None => format!("{samples} samples, still there"),
    };
    let mut lines =
        vec![format!("  run {} · {} · {} · {started} · {state}", run.run, run.scenario, run.profile)];
    lines.extend(run.breach.iter().map(|breach| format!("    CHANGED  {breach}")));
    lines.extend(run.doubts.iter().map(|doubt| format!("    audit    {doubt}")));
    if !run.times.is_empty() {
        lines.push("    response times out of histograms, to within 0.1 %".to_owned());
        lines.push(table(&run.times));
    }
    lines.join("\n")
}

fn table(times: &[KeptTimes]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["   ", "samples", "answered", "p50", "p95", "p99", "p99.9"]);
    for one in times {
        let name = one.subject.as_ref().map_or("all requests".to_owned(), crate::sample::Subject::title);
        let total = one.counts.total();
        let answered = (one.counts.ok + one.counts.rejected) as f64 / total.max(1) as f64;
        let quantiles = match one.quantiles_us {
            Some(quantiles) => quantiles.map(unit::time),
            None => std::array::from_fn(|_| "–".to_owned()),
        };
        let [p50, p95, p99, p999] = quantiles;
        table.add_row([
            format!("    {name}"),
            unit::count(total),
            unit::share(answered),
            p50,
            p95,
            p99,
            p999,
        ]);
    }
    for column in 1..7 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::OutcomeCounts;

    #[test]
    fn what_was_decided_is_told_with_its_date_and_nothing_is_made_of_what_has_no_end() {
        let kept = Kept {
            of: "run 3".to_owned(),
            name: "3".to_owned(),
            runs: vec![KeptRun {
                run: RunId(3),
                scenario: "shop".to_owned(),
                profile: "plain".to_owned(),
                started_at: "2026-07-01T12:00:00Z".to_owned(),
                pruned_at: Some("2026-08-01 12:00 UTC".to_owned()),
                samples: 1200,
                breach: None,
                doubts: vec!["WARN lateness: p99 was 3 ms".to_owned()],
                times: vec![KeptTimes {
                    subject: None,
                    counts: OutcomeCounts { ok: 1100, error: 100, ..OutcomeCounts::default() },
                    quantiles_us: Some([1500.0, f64::INFINITY, f64::INFINITY, f64::INFINITY]),
                }],
            }],
            verdicts: vec![KeptVerdict {
                profile: "plain".to_owned(),
                title: "fast enough".to_owned(),
                formula: "p95 < 200 ms".to_owned(),
                gates: true,
                word: "met".to_owned(),
                reason: "p95 was 120 ms".to_owned(),
                decided_at: Some("2026-07-01 12:05 UTC".to_owned()),
            }],
        };
        let shown = anstream::adapter::strip_str(&text(&kept)).to_string();
        insta::assert_snapshot!(shown, @r"
        run 3 · its samples were pruned: nothing is decided again

          Decided before
            fast enough [plain]: met (decided on 2026-07-01 12:05 UTC, samples gone)
              p95 < 200 ms
              p95 was 120 ms

          run 3 · shop · plain · 2026-07-01 12:00:00 · 1200 samples, pruned on 2026-08-01 12:00 UTC
            audit    WARN lateness: p99 was 3 ms
            response times out of histograms, to within 0.1 %
                           samples  answered      p50  p95  p99  p99.9
             all requests     1200    91.7 %  1.50 ms    ∞    ∞      ∞

          `loadproof store attach FILE` reads samples back from an archive; `loadproof report 3` then decides from them again
        ");
        assert!(json(&kept).unwrap().contains("\"pruned_at\": \"2026-08-01 12:00 UTC\""));
        let undecided = Kept { verdicts: Vec::new(), ..kept };
        assert!(text(&undecided).contains("Nothing was decided"));
    }
}
