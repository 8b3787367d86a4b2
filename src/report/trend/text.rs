//! Metrics over releases for the terminal.

use comfy_table::{CellAlignment, Table, presets};

use super::{changed_by, name, sentence, state, value};
use crate::trend::{Gap, LeftOut, Series, Standing, Trend};

/// Series that the terminal tells point by point without being asked for them.
const TOLD: usize = 4;

/// For the terminal: how each series stands; those with something to say, or all if they are few, point by
/// point, with changes between the releases.
pub fn text(scenario: &str, trend: &Trend) -> String {
    let bold = anstyle::Style::new().bold();
    let series = &trend.series[..];
    if series.is_empty() {
        let none = format!("{bold}{scenario}{bold:#}: no complete runs yet");
        return [vec![none], left_out(trend)].concat().join("\n");
    }
    let mut parts = vec![format!("{bold}{scenario} over releases{bold:#} · {} series", series.len())];
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["", "load", "profile", "series", "releases", "newest", "changes"]);
    for one in series {
        let (_, word) = state(one, trend);
        let is_unknown = trend.is_unknown(one);
        let newest = one.points.last().filter(|_| !is_unknown);
        let newest = newest.map_or("n/a".to_owned(), |point| value(one, point.value));
        table.add_row([
            word,
            &one.load,
            &one.profile,
            &name(one),
            &one.points.len().to_string(),
            &newest,
            &one.changes.len().to_string(),
        ]);
    }
    for column in [4, 5, 6] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    parts.push(table.trim_fmt());
    let has_something = |one: &&Series| {
        !one.changes.is_empty()
            || matches!(one.newest, Standing::Suspect { .. } | Standing::Regression { .. })
            || one.missing_newest().next().is_some()
    };
    let told = series.iter().filter(|one| series.len() <= TOLD || has_something(one));
    parts.extend(told.map(in_line));
    parts.extend(Some(left_out(trend)).filter(|lines| !lines.is_empty()).map(|lines| lines.join("\n")));
    parts.join("\n\n")
}

/// One series, a line per release, changes and breaks between them.
fn in_line(one: &Series) -> String {
    let bold = anstyle::Style::new().bold();
    let releases = one.points.iter().map(|p| &p.release).chain(one.missing.iter().map(|gap| &gap.release));
    let width = releases.map(|release| release.chars().count()).max().unwrap_or(0);
    let mut lines = vec![format!("  {bold}{}{bold:#} · {} · {}", name(one), one.load, one.profile)];
    let gaps = |place: usize| one.missing.iter().filter(move |gap| gap.place == place);
    let gap = |gap: &Gap| format!("    {:<width$}  no value: too few answers", gap.release);
    for (place, point) in one.points.iter().enumerate() {
        lines.extend(gaps(place).map(gap));
        for broken in one.breaks.iter().filter(|b| b.place == place) {
            lines.push(format!("    ── not comparable: {} ──", broken.what.join(", ")));
        }
        for update in one.updates.iter().filter(|u| u.place == place) {
            lines.push(format!("    ── wider band: {} ──", update.what.join(", ")));
        }
        for change in one.changes.iter().filter(|c| c.place == place) {
            let style = tint(change.is_worse);
            let percent = changed_by(change.ratio);
            lines.push(format!("    {style}········ {percent} ········{style:#}"));
        }
        let notes =
            if point.notes.is_empty() { String::new() } else { format!("  {}", point.notes.join("; ")) };
        lines.push(format!(
            "    {:<width$}  {}  {:>2} run{}  {:>9}{notes}",
            point.release,
            point.started_at.get(..10).unwrap_or_default(),
            point.runs.len(),
            if point.runs.len() == 1 { " " } else { "s" },
            value(one, point.value),
        ));
    }
    lines.extend(gaps(one.points.len()).map(gap));
    lines.push(format!("    newest: {}", sentence(one)));
    lines.join("\n")
}

fn tint(is_worse: bool) -> anstyle::Style {
    if is_worse { anstyle::AnsiColor::Red.on_default() } else { anstyle::AnsiColor::Green.on_default() }
}

/// The runs that are left out, a line each under a heading; nothing if there are none.
fn left_out(trend: &Trend) -> Vec<String> {
    let bold = anstyle::Style::new().bold();
    let yellow = anstyle::AnsiColor::Yellow.on_default();
    let line = |left: &LeftOut| {
        let text = format!("    {}", super::left_out(left));
        if left.is_newest { format!("{yellow}{text}{yellow:#}") } else { text }
    };
    let heading = (!trend.left_out.is_empty()).then(|| format!("  {bold}left out{bold:#}"));
    heading.into_iter().chain(trend.left_out.iter().map(line)).collect()
}
