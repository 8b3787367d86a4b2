//! Rows of charts on one time axis, with the run's phases shaded.

use plotters::drawing::IntoDrawingArea;
use plotters::style::text_anchor::{HPos, VPos};

use super::axis::Axis;
use super::plot::{Drawn, Margins, Readout, band, label, line, plot, readout, text, thinned};
use super::svg::Svg;
use super::theme::{Ink, WIDE_PX};
use crate::report::model::{PhaseBand, Scale, TimeRow, Timeline};
use crate::sample::Phase;
use crate::unit;

/// Height of a row of times, px.
const TIME_PX: u32 = 132;
/// Height of a row of amounts, px.
const AMOUNT_PX: u32 = 92;
/// What the labels of the time axis take, px.
const CLOCK_PX: u32 = 20;

/// A row as SVG, and its read-out. The first row names the phases, the last one carries the clock.
pub(crate) fn draw(timeline: &Timeline, place: usize) -> (String, Readout) {
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let readout = draw_into(&mut svg, timeline, place).unwrap_or_default();
    (svg, readout)
}

fn draw_into(svg: &mut String, timeline: &Timeline, place: usize) -> Drawn<Readout> {
    let row = &timeline.rows[place];
    let (is_first, is_last) = (place == 0, place + 1 == timeline.rows.len());
    let height = if row.scale == Scale::Time { TIME_PX } else { AMOUNT_PX };
    let height = height + if is_last { CLOCK_PX } else { 0 };
    let area = Svg::new(svg, [WIDE_PX, height], &row.id, &row.title, &row.finding).into_drawing_area();
    let y = vertical(row);
    let range = [y.low, y.high];
    let margins = Margins { top: 8.0, right: 18.0, bottom: if is_last { 24.0 } else { 4.0 } };
    let x = Axis::clock(timeline.end_s, is_last);
    let mut plot = plot(&area, x, y, &margins, false)?;
    for phase in timeline.phases.iter().filter(|p| p.is_fault || p.name != Phase::Steady.word()) {
        let ink = if phase.is_fault { Ink::Fault } else { Ink::Band };
        band(&mut plot, ink, [phase.start_s, phase.end_s.min(timeline.end_s)], range)?;
    }
    let lines: Vec<_> = row.lines.iter().map(|line| (line, thinned(&line.points))).collect();
    for (series, points) in &lines {
        line(&mut plot, series, points, gap(points))?;
    }
    if is_first {
        name_phases(&plot, &timeline.phases, timeline.end_s, range[1])?;
    }
    let readout = readout(&plot, &lines, unit::clock, value_text(row.scale));
    drop(plot);
    area.present()?;
    Ok(readout)
}

fn vertical(row: &TimeRow) -> Axis {
    let values = row.lines.iter().flat_map(|l| &l.points).map(|p| p.1);
    match row.scale {
        Scale::Time => Axis::log_time(values),
        Scale::Amount => Axis::amount(values),
    }
}

fn value_text(scale: Scale) -> fn(f64) -> String {
    match scale {
        Scale::Time => unit::time,
        Scale::Amount => unit::significant,
    }
}

/// What counts as a gap: five times the usual distance of two points.
fn gap(points: &[(f64, f64)]) -> f64 {
    let mut distances: Vec<f64> = points.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    distances.sort_by(f64::total_cmp);
    distances.get(distances.len() / 2).map_or(1.0, |median| (median * 5.0).max(1.0))
}

/// The names of the phases at the top, where there is room for them.
fn name_phases(plot: &super::plot::Plot<'_, '_>, phases: &[PhaseBand], end_s: f64, top: f64) -> Drawn {
    let style = text(Ink::Muted, HPos::Left, VPos::Center);
    // Faults stand below the phases that they fall into, however short they are.
    for phase in phases.iter().filter(|p| p.is_fault || (p.end_s - p.start_s) / end_s > 0.05) {
        let down = if phase.is_fault { 20.0 } else { 8.0 };
        label(plot, (phase.start_s, top), (5.0, down), &phase.name, &style)?;
    }
    Ok(())
}
