//! Which charts a report has, and what is drawn in them.

use super::planned::{self, Planned};
use super::words::shown_unit;
use super::{Line, PercentileChart, PhaseBand, Ribbon, Scale, ShiftChart, ShiftPoint, TimeRow, Timeline};
use crate::run::{FaultFacts, HookFacts, PhaseSpan, RunFacts, WHEN_BESIDE};
use crate::sample::Phase;
use crate::stats::quantile::median;
use crate::summary::{ArmSummary, Curve, CurveShift, Shift, SignalSeries};
use crate::unit;

/// Part of the usual interval between readings below which the last one is left out of a rate.
const SHORT: f64 = 0.6;
/// Percentiles that the table under a curve gives.
const TABLE: [f64; 6] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999];

/// One chart per traffic class, per effect and per tag.
pub(super) fn percentiles(arms: &[&ArmSummary], names: &[&str]) -> Vec<PercentileChart> {
    let mut charts = Vec::new();
    for name in curve_names(arms, |c| (c.is_effect || c.is_class || c.is_tag) && !c.percentiles.is_empty()) {
        let lines = lines(arms, names, |arm| Some(curve(arm, &name)?.percentiles.clone()));
        let is_effect = arms.iter().filter_map(|arm| curve(arm, &name)).any(|c| c.is_effect);
        let what = if is_effect { "effect latency" } else { "response time" };
        charts.push(PercentileChart {
            id: format!("percentiles-{}", charts.len()),
            title: format!("{name}: {what} by percentile"),
            finding: finding(arms, names, &name, 0.95),
            table: table(arms, &name),
            ribbons: ribbons(arms, &name),
            shift: None,
            lines,
        });
    }
    // Effects are what matters most where there are any.
    charts.sort_by_key(|chart| !chart.title.contains("effect latency"));
    charts
}

/// Where a curve lies in other runs, for the arms that have enough of them.
fn ribbons(arms: &[&ArmSummary], name: &str) -> Vec<Ribbon> {
    let ribbon = |(arm, summary): (usize, &&ArmSummary)| {
        let points = curve(summary, name)?.ribbon.clone();
        (!points.is_empty()).then_some(Ribbon { arm, points })
    };
    arms.iter().enumerate().filter_map(ribbon).collect()
}

/// Gives each percentile chart its shift function.
pub(super) fn add_shifts(charts: &mut [PercentileChart], shifts: &[CurveShift]) {
    for (place, chart) in charts.iter_mut().enumerate() {
        let shift = shifts.iter().find(|shift| chart.title.starts_with(&format!("{}: ", shift.name)));
        chart.shift = shift.map(|shift| shift_chart(place, shift));
    }
}

fn shift_chart(place: usize, shift: &CurveShift) -> ShiftChart {
    let point = |shift: &Shift| ShiftPoint {
        p: shift.p,
        ratio: shift.ratio,
        low: shift.interval.map_or(shift.ratio, |interval| interval.low),
        high: shift.interval.map_or(shift.ratio, |interval| interval.high),
    };
    let row = |shift: &Shift| {
        let ends = shift.interval.map(|i| format!("[{}, {}]", unit::change(i.low), unit::change(i.high)));
        let name = format!("p{}", (shift.p * 1000.0).round() / 10.0);
        vec![name, unit::change(shift.ratio), ends.unwrap_or_else(|| "n/a".to_owned())]
    };
    let of = |p: f64| shift.points.iter().find(|point| (point.p - p).abs() < 1e-9);
    let said = [0.5, 0.95].into_iter().filter_map(of);
    let said: Vec<String> =
        said.map(|point| format!("p{} {}", point.p * 100.0, unit::change(point.ratio))).collect();
    ShiftChart {
        id: format!("shift-{place}"),
        title: format!("{}: change by percentile", shift.name),
        finding: format!("Change: {}.", said.join(", ")),
        points: shift.points.iter().map(point).collect(),
        table: shift.points.iter().map(row).collect(),
    }
}

/// p95 of classes and effects, throughput, then every signal.
pub(super) fn timeline(arms: &[&ArmSummary], names: &[&str]) -> Option<Timeline> {
    let mut rows = Vec::new();
    for name in curve_names(arms, |c| (c.is_effect || c.is_class) && !c.p95_over_time.is_empty()) {
        let shown = arms.iter().find_map(|arm| curve(arm, &name))?;
        let what = if shown.is_effect { "effect latency" } else { "response time" };
        rows.push(TimeRow {
            id: String::new(),
            title: format!("{name}: p95 of the {what}"),
            is_of_generator: false,
            unit: format!("log scale, windows of {}", unit::span(shown.window_s)),
            scale: Scale::Time,
            finding: String::new(),
            lines: lines(arms, names, |arm| Some(curve(arm, &name)?.p95_over_time.clone())),
        });
    }
    rows.sort_by_key(|row| !row.title.contains("effect latency"));
    rows.extend(throughput(arms, names));
    rows.extend(plan(arms, names));
    rows.extend(traffic(arms, names));
    rows.extend(signals(arms, names));
    rows.sort_by_key(|row| row.is_of_generator);
    for (place, row) in rows.iter_mut().enumerate() {
        row.id = format!("time-{place}");
        row.finding = range_finding(row);
    }
    let end_s = rows.iter().flat_map(|r| &r.lines).flat_map(|l| &l.points).map(|p| p.0).fold(0.0, f64::max);
    if end_s <= 0.0 {
        return None;
    }
    // The arm that took longest shows where the phases lie; the load's own are the same in all.
    let longest = arms.iter().max_by(|a, b| end_of(a).total_cmp(&end_of(b)))?;
    let hooks = longest.runs[0].end.hooks.iter().filter(|hook| hook.moment == WHEN_BESIDE).map(hook);
    let faults = longest.runs[0].end.faults.iter().filter_map(|of| fault(of, &longest.runs[0]));
    let stages = planned::bands(&longest.runs[0]);
    // Where stages have names, these stand at the top.
    let of_load = |band: PhaseBand| match Phase::ALL.into_iter().find(|phase| phase.word() == band.name) {
        Some(Phase::Steady) if !stages.is_empty() => None,
        Some(Phase::Ramp) if !stages.is_empty() => Some(PhaseBand { name: String::new(), ..band }),
        _ => Some(band),
    };
    let phases = longest.runs[0].end.phases.iter().map(band).filter_map(of_load);
    let phases = phases.chain(stages.iter().cloned()).chain(hooks).chain(faults).collect();
    Some(Timeline { end_s, phases, rows })
}

fn end_of(arm: &ArmSummary) -> f64 {
    arm.runs[0].duration_s
}

fn band(phase: &PhaseSpan) -> PhaseBand {
    PhaseBand {
        name: phase.name.clone(),
        start_s: phase.start_us as f64 / 1e6,
        end_s: phase.end_us as f64 / 1e6,
        is_fault: false,
    }
}

fn fault(fault: &FaultFacts, run: &RunFacts) -> Option<PhaseBand> {
    let (start, end) = fault.window_us(run.last_us())?;
    let (start_s, end_s) = (start as f64 / 1e6, end as f64 / 1e6);
    Some(PhaseBand { name: fault.name.clone(), start_s, end_s, is_fault: true })
}

fn hook(hook: &HookFacts) -> PhaseBand {
    PhaseBand {
        name: hook.name.clone(),
        start_s: hook.start_us as f64 / 1e6,
        end_s: hook.end_us as f64 / 1e6,
        is_fault: true,
    }
}

fn throughput(arms: &[&ArmSummary], names: &[&str]) -> Vec<TimeRow> {
    let classes = ordered(arms, |arm| arm.throughput.iter().map(|s| s.name.clone()).collect());
    classes
        .into_iter()
        .map(|class| TimeRow {
            id: String::new(),
            title: format!("{class}: throughput"),
            is_of_generator: false,
            unit: "answered per second".to_owned(),
            scale: Scale::Amount,
            finding: String::new(),
            lines: lines(arms, names, |arm| {
                Some(arm.throughput.iter().find(|s| s.name == class)?.points.clone())
            }),
        })
        .collect()
}

/// What was offered, what did not end well (where anything did not), and what was under way.
fn traffic(arms: &[&ArmSummary], names: &[&str]) -> Vec<TimeRow> {
    let row = |title: &str, unit: &str, points: fn(&ArmSummary) -> &Vec<(f64, f64)>| TimeRow {
        id: String::new(),
        title: title.to_owned(),
        is_of_generator: false,
        unit: unit.to_owned(),
        scale: Scale::Amount,
        finding: String::new(),
        lines: lines(arms, names, |arm| Some(points(arm).clone())),
    };
    let rows = [
        row("offered load", "requests due per second", |arm| &arm.traffic.due),
        row("failed, unanswered or dropped", "requests per second", |arm| &arm.traffic.not_ok),
        row("in flight", "requests in flight", |arm| &arm.traffic.in_flight),
    ];
    let has_any = |row: &TimeRow| row.lines.iter().any(|line| line.points.iter().any(|point| point.1 > 0.0));
    rows.into_iter().filter(has_any).collect()
}

/// What was planned, where that changes: beside what was offered.
fn plan(arms: &[&ArmSummary], names: &[&str]) -> Vec<TimeRow> {
    let mut levels: Vec<Planned> = Vec::new();
    for level in arms.iter().filter_map(|arm| arm.runs.first()).flat_map(planned::levels) {
        if !levels.contains(&level) {
            levels.push(level);
        }
    }
    let row = |level: &Planned| TimeRow {
        id: String::new(),
        title: if level.part.is_empty() {
            "planned load".to_owned()
        } else {
            format!("planned load: {}", level.part)
        },
        is_of_generator: false,
        unit: level.unit.clone(),
        scale: Scale::Amount,
        finding: String::new(),
        lines: lines(arms, names, |arm| Some(planned::points(arm.runs.first()?, level))),
    };
    levels.iter().map(row).collect()
}

fn signals(arms: &[&ArmSummary], names: &[&str]) -> Vec<TimeRow> {
    let all = ordered(arms, |arm| arm.signals.iter().map(|s| s.series.name.clone()).collect());
    all.into_iter()
        .filter_map(|name| {
            let shown = arms.iter().find_map(|arm| signal(arm, &name))?;
            let lines = lines(arms, names, |arm| Some(signal_points(signal(arm, &name)?)));
            // A signal that is 0 throughout would only take room.
            lines.iter().any(|l| l.points.iter().any(|p| p.1 != 0.0)).then(|| TimeRow {
                id: String::new(),
                title: name.clone(),
                is_of_generator: is_of_generator(&name),
                unit: signal_unit(&shown.unit, shown.is_counter).0,
                scale: Scale::Amount,
                finding: String::new(),
                lines,
            })
        })
        .collect()
}

/// Whether a signal is one of loadproof's own: its CPU time, memory and waiting.
pub(super) fn is_of_generator(signal: &str) -> bool {
    signal.starts_with("loadproof ")
}

/// The unit in words that a signal is shown in, and what its values are divided by for it. Counters are shown as their
/// increase per second.
pub(crate) fn signal_unit(unit: &str, is_counter: bool) -> (String, f64) {
    let (shown, divisor) = shown_unit(unit);
    match (is_counter, shown) {
        (true, "s") => ("s per second".to_owned(), divisor),
        (true, "") => ("per second".to_owned(), divisor),
        (true, unit) => (format!("{unit} per second"), divisor),
        (false, unit) => (unit.to_owned(), divisor),
    }
}

fn signal_points(signal: &SignalSeries) -> Vec<(f64, f64)> {
    let points = &signal.series.points;
    let (_, divisor) = signal_unit(&signal.unit, signal.is_counter);
    if !signal.is_counter {
        return points.iter().map(|(at, value)| (*at, value / divisor)).collect();
    }
    without_short_end(points)
        .windows(2)
        .filter(|pair| pair[1].0 > pair[0].0)
        // A counter that falls was reset: nothing is known of that stretch.
        .filter(|pair| pair[1].1 >= pair[0].1)
        .map(|pair| (pair[1].0, (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0) / divisor))
        .collect()
}

/// The readings without the last one if it came early: a rate over a short interval is mostly noise.
fn without_short_end(points: &[(f64, f64)]) -> &[(f64, f64)] {
    let steps: Vec<f64> = points.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    let usual = median(&steps).unwrap_or(0.0);
    match (points, steps.last()) {
        ([before @ .., _], Some(last)) if *last < SHORT * usual => before,
        _ => points,
    }
}

fn signal<'a>(arm: &'a ArmSummary, name: &str) -> Option<&'a SignalSeries> {
    arm.signals.iter().find(|s| s.series.name == name)
}

fn curve<'a>(arm: &'a ArmSummary, name: &str) -> Option<&'a Curve> {
    arm.curves.iter().find(|c| c.name == name)
}

fn curve_names(arms: &[&ArmSummary], wanted: fn(&Curve) -> bool) -> Vec<String> {
    ordered(arms, |arm| arm.curves.iter().filter(|c| wanted(c)).map(|c| c.name.clone()).collect())
}

/// Names of all arms, each once, in the order in which they are met.
fn ordered(arms: &[&ArmSummary], of: impl Fn(&ArmSummary) -> Vec<String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in arms.iter().flat_map(|arm| of(arm)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn lines(
    arms: &[&ArmSummary],
    names: &[&str],
    points: impl Fn(&ArmSummary) -> Option<Vec<(f64, f64)>>,
) -> Vec<Line> {
    // A single arm is drawn as a treatment is: in colour.
    let first = usize::from(arms.len() == 1);
    arms.iter()
        .zip(names)
        .enumerate()
        .filter_map(|(place, (arm, name))| {
            let mut points = points(arm)?;
            points.retain(|p| p.0.is_finite() && p.1.is_finite());
            (!points.is_empty()).then(|| Line { name: (*name).to_owned(), arm: place + first, points })
        })
        .collect()
}

/// `p95: lanes-off 1.20 s, lanes-on 45.0 ms.`
fn finding(arms: &[&ArmSummary], names: &[&str], of: &str, p: f64) -> String {
    let value = |(arm, name): (&&ArmSummary, &&str)| {
        Some(format!("{name} {}", unit::time(at(&curve(arm, of)?.percentiles, p)?)))
    };
    let values: Vec<String> = arms.iter().zip(names).filter_map(value).collect();
    format!("At p{}: {}.", p * 100.0, values.join(", "))
}

/// The percentiles of each arm that has the curve; a line cannot show where it has no end, a table can.
fn table(arms: &[&ArmSummary], of: &str) -> Vec<Vec<String>> {
    let curves: Vec<&Curve> = arms.iter().filter_map(|arm| curve(arm, of)).collect();
    let curves = || curves.iter().filter(|curve| !curve.percentiles.is_empty());
    TABLE
        .iter()
        .map(|p| {
            let values = curves().map(|c| at(&c.percentiles, *p).map_or("n/a".to_owned(), unit::time));
            std::iter::once(format!("p{}", (p * 1000.0).round() / 10.0)).chain(values).collect()
        })
        .collect()
}

/// The value of a curve at `p`, between its points by a straight line; none past its end.
fn at(points: &[(f64, f64)], p: f64) -> Option<f64> {
    let next = points.iter().position(|point| point.0 >= p - 1e-9)?;
    let (right, left) = (points[next], points[next.saturating_sub(1)]);
    if right.0 <= left.0 || right.1.is_infinite() {
        return Some(right.1);
    }
    Some(left.1 + (right.1 - left.1) * ((p - left.0) / (right.0 - left.0)).clamp(0.0, 1.0))
}

/// From where to where each line of a row goes.
fn range_finding(row: &TimeRow) -> String {
    let text = |value: f64| match row.scale {
        Scale::Time => unit::time(value),
        Scale::Amount => unit::significant(value),
    };
    let ranges: Vec<String> = row
        .lines
        .iter()
        .map(|line| {
            let values = || line.points.iter().map(|p| p.1);
            let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
            format!("{} between {} and {}", line.name, text(low), text(high))
        })
        .collect();
    format!("{}.", ranges.join("; "))
}
