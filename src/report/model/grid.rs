//! A tuning matrix, in print: its cells, the trade-off between throughput and p95, and what each factor does.

use serde::Serialize;

use crate::stats::interval::Interval;
use crate::summary::grid::{Cell, Change, Effect, Effects, Estimate, Grid, Standing};
use crate::unit;

/// A tuning matrix.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GridSection {
    /// `9 cells of batch_size × workers · 5 rounds`
    pub subtitle: String,
    /// What stands out, in sentences.
    pub finding: Vec<String>,
    /// The names of its factors: the first columns.
    pub factors: Vec<String>,
    /// Its cells.
    pub rows: Vec<GridRow>,
    /// Throughput against p95; none where no cell has both.
    pub chart: Option<TradeOff>,
    /// What the factors do, a table per metric.
    pub effects: Vec<EffectTable>,
    /// How far all this can be relied upon.
    pub note: String,
}

/// A cell of a grid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GridRow {
    /// Its number in the chart.
    pub number: String,
    /// Its level of each factor.
    pub levels: Vec<String>,
    /// Whether it is the baseline.
    pub is_baseline: bool,
    /// Throughput, and where it lies at 95 %.
    pub throughput: [String; 2],
    /// p50 of all requests, and where it lies.
    pub p50: [String; 2],
    /// p95 of all requests, and where it lies.
    pub p95: [String; 2],
    /// Share of requests that did not end as expected.
    pub errors: String,
    /// `undominated`, `dominated by 3`, …
    pub standing: String,
    /// Whether no other cell is better.
    pub is_undominated: bool,
}

/// Effects on a metric.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EffectTable {
    /// `Effects on throughput`
    pub title: String,
    /// Why there are none; empty if there are.
    pub missing: String,
    /// Main effects, then interactions.
    pub rows: Vec<EffectRow>,
}

/// What a change does, or two together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EffectRow {
    /// `workers 1 → 3`, `workers 1 → 3 and batch 10 → 50`
    pub what: String,
    /// Whether it is what two changes do beyond the product of both.
    pub is_interaction: bool,
    /// The factor: `×2.46`
    pub factor: String,
    /// Where that lies at 95 %; empty with one round.
    pub interval: String,
    /// Whether it is told apart from no effect.
    pub is_told_apart: bool,
    /// For throughput, how near it comes to being proportional: `82 % of ×3`; empty otherwise.
    pub scaling: String,
}

/// The chart of throughput against p95.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TradeOff {
    /// Anchor within the page.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What it shows, in a sentence.
    pub finding: String,
    /// The cells that have both.
    pub points: Vec<TradeOffPoint>,
}

/// A cell in the chart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TradeOffPoint {
    /// Its number in the table.
    pub number: String,
    /// What it is called.
    pub name: String,
    /// Requests per second, with the ends of its interval.
    pub throughput: [f64; 3],
    /// p95, µs, with the ends of its interval.
    pub p95_us: [f64; 3],
    /// Whether no other cell is better.
    pub is_undominated: bool,
}

/// A grid as a section of a report.
pub fn section(grid: &Grid) -> GridSection {
    let number = |profile: &str| {
        let place = grid.cells.iter().position(|cell| cell.profile == profile);
        place.map_or_else(|| profile.to_owned(), |place| (place + 1).to_string())
    };
    let names: Vec<&str> = grid.factors.iter().map(|factor| factor.name.as_str()).collect();
    GridSection {
        subtitle: format!(
            "{} cells of {} · {} {}",
            grid.cells.len(),
            names.join(" × "),
            grid.rounds,
            if grid.rounds == 1 { "round" } else { "rounds" }
        ),
        finding: finding(grid),
        factors: names.iter().map(|name| (*name).to_owned()).collect(),
        rows: grid.cells.iter().map(|cell| row(cell, number(&cell.profile), &number)).collect(),
        chart: chart(grid),
        effects: grid.effects.iter().map(effect_table).collect(),
        note: note(grid),
    }
}

fn finding(grid: &Grid) -> Vec<String> {
    let best = grid.cells.iter().filter(|cell| cell.standing == Standing::Undominated);
    let best: Vec<String> = best
        .map(|cell| {
            let (rate, p95) = (unit::rate(cell.throughput.mean), unit::time(cell.p95_us.mean));
            format!("{} ({rate}, p95 {p95})", cell.profile)
        })
        .collect();
    let mut sentences = vec![match &best[..] {
        [] => "No cell answers well enough to be compared.".to_owned(),
        [one] => format!("By the means over the rounds, no cell but {one} is undominated."),
        several => format!("By the means over the rounds, these are undominated: {}.", several.join("; ")),
    }];
    let throughput = grid.effects.iter().find(|effects| effects.metric == "throughput");
    let main = throughput.into_iter().flat_map(|effects| &effects.main);
    let scaled = main.filter(|effect| effect.is_told_apart && effect.proportional().is_some_and(|p| p > 1.0));
    sentences.extend(scaled.map(|effect| {
        format!(
            "{}: throughput {}{}, {}.",
            changes(&effect.changes),
            factor(effect.ratio),
            effect.interval.map_or(String::new(), |interval| format!(" ({})", factors(interval))),
            scaling(effect)
        )
    }));
    sentences
}

fn row(cell: &Cell, number: String, number_of: &impl Fn(&str) -> String) -> GridRow {
    GridRow {
        number,
        levels: cell.levels.clone(),
        is_baseline: cell.is_baseline,
        throughput: estimate(&cell.throughput, unit::rate),
        p50: estimate(&cell.p50_us, unit::time),
        p95: estimate(&cell.p95_us, unit::time),
        errors: unit::share(cell.error_share),
        standing: match &cell.standing {
            Standing::Undominated => "undominated".to_owned(),
            Standing::PerhapsDominated(by) => format!("perhaps dominated by {}", number_of(by)),
            Standing::Dominated(by) => format!("dominated by {}", number_of(by)),
            Standing::Failing => "more than 1 % failed".to_owned(),
            Standing::Unknown => "unknown: not answered".to_owned(),
        },
        is_undominated: cell.standing == Standing::Undominated,
    }
}

fn estimate(of: &Estimate, text: fn(f64) -> String) -> [String; 2] {
    let mean = if of.mean.is_finite() { text(of.mean) } else { "∞".to_owned() };
    let interval = of.interval.map(|i| format!("{} to {}", text(i.low), text(i.high)));
    [mean, interval.unwrap_or_default()]
}

fn effect_table(effects: &Effects) -> EffectTable {
    let row = |effect: &Effect| EffectRow {
        what: changes(&effect.changes),
        is_interaction: effect.changes.len() > 1,
        factor: factor(effect.ratio),
        interval: effect.interval.map_or(String::new(), factors),
        is_told_apart: effect.is_told_apart,
        scaling: if effects.metric == "throughput" { scaling(effect) } else { String::new() },
    };
    EffectTable {
        title: format!("Effects on {}", effects.metric),
        missing: effects.missing.clone(),
        rows: effects.main.iter().chain(&effects.interactions).map(row).collect(),
    }
}

fn changes(changes: &[Change]) -> String {
    let text = |change: &Change| format!("{} {} → {}", change.factor, change.from, change.to);
    changes.iter().map(text).collect::<Vec<_>>().join(" and ")
}

fn factor(ratio: f64) -> String {
    format!("×{}", unit::significant(ratio))
}

fn factors(interval: Interval) -> String {
    format!("{} to {}", factor(interval.low), factor(interval.high))
}

/// How near an effect on throughput comes to being proportional to its factor.
fn scaling(effect: &Effect) -> String {
    effect.proportional().map_or(String::new(), |proportional| {
        format!("{} of ×{}", unit::share(effect.ratio / proportional), unit::plain(proportional))
    })
}

fn chart(grid: &Grid) -> Option<TradeOff> {
    let ends = |of: &Estimate| {
        let interval = of.interval.unwrap_or(Interval { low: of.mean, high: of.mean });
        [of.mean, interval.low, interval.high]
    };
    let is_shown = |cell: &Cell| cell.throughput.is_known() && cell.p95_us.is_known();
    let points: Vec<TradeOffPoint> = (1..)
        .zip(&grid.cells)
        .filter(|(_, cell)| is_shown(cell))
        .map(|(number, cell)| TradeOffPoint {
            number: number.to_string(),
            name: cell.profile.clone(),
            throughput: ends(&cell.throughput),
            p95_us: ends(&cell.p95_us),
            is_undominated: cell.standing == Standing::Undominated,
        })
        .collect();
    let best = points.iter().filter(|point| point.is_undominated).count();
    let finding = format!("{} cells, of which {best} are undominated", points.len());
    (!points.is_empty()).then_some(TradeOff {
        id: "trade-off",
        title: "Throughput against p95",
        finding,
        points,
    })
}

fn note(grid: &Grid) -> String {
    let mut text = "A cell dominates another if it is better by 1 % or more in throughput or p95, and in the other not \
                    worse by as much. Throughput counts requests that ended as expected; a request that was never \
                    answered took for ever. "
        .to_owned();
    text.push_str(if grid.rounds == 1 {
        "One round gives estimates without intervals, so no difference is significant."
    } else {
        "Intervals are at 95 %, each by itself. \"Dominated\" and \"told apart\" hold at an error of 5 % that all pairs \
         of cells, or all effects on a metric, share (Bonferroni); \"perhaps\" means that the rounds cannot distinguish \
         the two cells. Effects are averages over the levels of the other factors; where factors interact, look at the cells."
    });
    if grid.effects.is_empty() {
        text.push_str(" Not every combination was run, so effects are not computed.");
    }
    text
}
