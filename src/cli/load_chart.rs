//! The plan of a load, drawn with characters: a chart of levels over time for each part.

use crate::run::StageFacts;
use crate::scenario::load::Load;
use crate::unit;

/// Size of a chart in characters, without its labels.
const COLUMNS: usize = 60;
const ROWS: usize = 5;
/// Eighths of a character, from the bottom.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The charts of a load's parts, and what else there is to say of it.
pub(super) fn text(name: &str, load: &Load) -> String {
    let stages = load.stage_facts();
    let end_us = stages.iter().map(|stage| stage.end_us).max().unwrap_or(0);
    let mut lines = vec![format!("  load {name}: {}", load.text())];
    if let Some(journeys) = load.journeys() {
        lines.push(format!("    {} journeys in all", unit::plain(journeys.round())));
    }
    for part in &load.parts {
        let of_part: Vec<&StageFacts> = stages.iter().filter(|stage| stage.part == part.name).collect();
        lines.extend(chart(&part.name, &of_part, end_us));
    }
    lines.join("\n")
}

/// `stages`: of one part, in order.
fn chart(name: &str, stages: &[&StageFacts], end_us: i64) -> Vec<String> {
    let Some(of) = stages.first().map(|stage| stage.of.as_str()).filter(|_| end_us > 0) else {
        let name = if name.is_empty() { String::new() } else { format!("{name}: ") };
        return vec![format!("    {name}as fast as its users can: no plan over time")];
    };
    let heading = if name.is_empty() { of.to_owned() } else { format!("{name} ({of})") };
    let width_us = end_us as f64 / COLUMNS as f64;
    let levels: Vec<f64> = (0..COLUMNS)
        .map(|column| highest(stages, column as f64 * width_us, (column + 1) as f64 * width_us))
        .collect();
    let peak = levels.iter().copied().fold(0.0, f64::max);
    let top = unit::plain(peak);
    let margin = top.chars().count().max(1);
    let mut lines = vec![format!("    {heading}")];
    for row in (0..ROWS).rev() {
        let label = match row {
            row if row == ROWS - 1 => top.as_str(),
            0 => "0",
            _ => "",
        };
        let bar: String = levels.iter().map(|level| block(level / peak, row)).collect();
        lines.push(format!("    {label:>margin$} │{}", bar.trim_end()));
    }
    lines.push(format!("    {:>margin$} └{}", "", "─".repeat(COLUMNS)));
    let end = unit::span(end_us as f64 / 1e6);
    lines.push(format!("    {:>margin$}  0{end:>width$}", "", width = COLUMNS - 1));
    lines.extend(names(stages).map(|line| format!("    {:>margin$}  {line}", "")));
    lines
}

/// `spike from 1 min 30 s to 2 min`
fn names<'a>(stages: &'a [&StageFacts]) -> impl Iterator<Item = String> + 'a {
    let at = |us: i64| unit::span(us as f64 / 1e6);
    // A stage that changes and then stays is one line; bursts are named by their number, other parts in the heading.
    let named = stages.iter().filter(|stage| stage.name != stage.part && stage.of != "at once");
    let named = named.filter(|stage| !stage.name.is_empty());
    let mut spans: Vec<(&str, i64, i64)> = Vec::new();
    for stage in named {
        match spans.last_mut() {
            Some(last) if last.0 == stage.name && last.2 == stage.start_us => last.2 = stage.end_us,
            _ => spans.push((&stage.name, stage.start_us, stage.end_us)),
        }
    }
    spans.into_iter().map(move |(name, start, end)| format!("{name}: from {} to {}", at(start), at(end)))
}

/// The highest level between two moments, µs.
fn highest(stages: &[&StageFacts], from_us: f64, until_us: f64) -> f64 {
    let level = |stage: &&&StageFacts| {
        let (start, end) = (stage.start_us as f64, stage.end_us as f64);
        let (from, until) = (from_us.max(start), until_us.min(end));
        if until <= from {
            return 0.0;
        }
        if stage.of == "at once" {
            // A burst is a moment.
            return if (from_us..until_us).contains(&start) { stage.from } else { 0.0 };
        }
        let at = |us: f64| stage.from + (stage.to - stage.from) * (us - start) / (end - start);
        at(from).max(at(until))
    };
    stages.iter().map(|stage| level(&stage)).fold(0.0, f64::max)
}

/// The character of a column in a row, from the bottom, whose level is `share` of the height.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a small height")]
fn block(share: f64, row: usize) -> char {
    let eighths = (share * (ROWS * 8) as f64).ceil() as usize;
    BLOCKS[eighths.saturating_sub(row * 8).min(8)]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scenario::load::{Executor, LoadPart};
    use crate::scenario::stages::Stages;

    #[test]
    fn a_plan_is_drawn_part_by_part() {
        let s = Duration::from_secs;
        let mut stages = Stages::default();
        stages.change("", 20.0, s(30));
        stages.hold("before", s(30));
        stages.change("spike", 100.0, Duration::ZERO);
        stages.hold("spike", s(20));
        stages.change("", 0.0, s(40));
        let part = |name: &str, executor, start_after| LoadPart {
            name: name.to_owned(),
            executor,
            user_classes: vec![0],
            start_after,
        };
        let bursts =
            Executor::Bursts { size: 50, every: s(30), times: 2, max_in_flight: 10, drop_after: s(1) };
        let load = Load {
            parts: vec![
                part("users", Executor::StagedUsers { stages }, s(0)),
                part("bursts", bursts, s(30)),
                part("import", Executor::Shared { iterations: 5, concurrency: 1, over: None }, s(0)),
            ],
            grace: s(10),
            abort: None,
        };
        insta::assert_snapshot!(text("mixed", &load), @"
        load mixed: users: 0 to 20 users over 30 s, 20 users for 30 s (before), 100 users for 20 s (spike), 100 to 0 users over 40 s; bursts: 2 bursts of 50 journeys, one every 30 s, at most 10 at a time, from 30 s on; import: 5 journeys, 1 at a time
          users (users)
          100 │                              ███████████▆▄▂
              │                              ███████████████▆▄▂
              │                              ███████████████████▆▄▂
              │                              ███████████████████████▆▄▂
            0 │▁▂▂▃▃▄▄▅▅▆▆▇▇████████████████████████████████████████████▆▄▂
              └────────────────────────────────────────────────────────────
               0                                                      2 min
               before: from 30 s to 1 min
               spike: from 1 min to 1 min 20 s
          bursts (at once)
          50 │               █              █
             │               █              █
             │               █              █
             │               █              █
           0 │               █              █
             └────────────────────────────────────────────────────────────
              0                                                      2 min
          import: as fast as its users can: no plan over time
        ");
    }
}
