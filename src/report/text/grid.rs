//! A tuning matrix for the terminal: printed once for all of its cells.

use super::{finish, headline, table, validity};
use crate::report::model::{ClaimRow, EffectTable, GridSection, Report};

/// Most claims that are listed; a report page has those of its own cell.
const MOST_CLAIMS: usize = 40;

/// A grid, its validity and the gating claims of its cells. `first`: the report of any cell. `claims`: those of each
/// cell, by its profile.
pub fn matrix(grid: &GridSection, first: &Report, claims: &[(String, Vec<ClaimRow>)]) -> String {
    let bold = anstyle::Style::new().bold();
    let mut parts = vec![
        format!("{bold}{}{bold:#} · {}", first.title, grid.subtitle),
        validity(&first.headline, &first.judged),
        grid.finding.iter().map(|sentence| format!("  {sentence}")).collect::<Vec<_>>().join("\n"),
        cells(grid),
    ];
    parts.extend(grid.effects.iter().map(effects));
    parts.push(format!("  {}", grid.note));
    let claims = headline(claims);
    let (shown, more) = match claims.lines().count() {
        // The sentence, an empty line and the heading come first.
        lines if lines > MOST_CLAIMS + 3 => (MOST_CLAIMS + 3, lines - MOST_CLAIMS - 3),
        lines => (lines, 0),
    };
    if shown > 0 {
        let mut lines: Vec<&str> = claims.lines().take(shown).collect();
        let rest = format!("… and {more} more: see the cells' reports");
        if more > 0 {
            lines.push(&rest);
        }
        parts.push(lines.join("\n"));
    }
    parts.join("\n\n")
}

fn cells(grid: &GridSection) -> String {
    let mut header = vec!["cell".to_owned()];
    header.extend(grid.factors.iter().cloned());
    header.extend(["throughput", "", "p95", "", "errors", ""].map(str::to_owned));
    let mut table = table(header);
    for row in &grid.rows {
        let mut cells =
            vec![if row.is_baseline { format!("{} (baseline)", row.number) } else { row.number.clone() }];
        cells.extend(row.levels.iter().cloned());
        cells.extend(row.throughput.iter().chain(&row.p95).cloned());
        cells.extend([row.errors.clone(), row.standing.clone()]);
        table.add_row(cells);
    }
    finish(table, 1)
}

fn effects(of: &EffectTable) -> String {
    let bold = anstyle::Style::new().bold();
    let title = format!("  {bold}{}{bold:#}", of.title);
    if !of.missing.is_empty() {
        return format!("{title}\n  not worked out: {}", of.missing);
    }
    let mut table = table(["change", "factor", "95 %", "", ""].map(str::to_owned).to_vec());
    for row in &of.rows {
        let what = if row.is_interaction { format!("{}, interaction", row.what) } else { row.what.clone() };
        let told = if row.is_told_apart { "told apart" } else { "not told apart" };
        table.add_row([&what, &row.factor, &row.interval, told, &row.scaling]);
    }
    format!("{title}\n{}", finish(table, 1))
}
