//! Rows of charts on one time axis, with the run's phases shaded.

use plotters::drawing::IntoDrawingArea;
use plotters::style::text_anchor::{HPos, VPos};

use super::axis::Axis;
use super::plot::{Drawn, Margins, Readout, band, label, line, plot, readout, text, thinned};
use super::svg::Svg;
use super::theme::{HALF_PX, Ink};
use crate::report::model::{PhaseBand, Scale, TimeRow, Timeline};
use crate::sample::Phase;
use crate::unit;

/// Height, px.
const HEIGHT_PX: u32 = 148;
/// Steps between points that make a gap.
const GAP_STEPS: f64 = 2.5;
/// The shortest gap, s: readings several times a second jitter.
const LEAST_GAP_S: f64 = 0.25;

/// A row as SVG, and its read-out. The first row names the phases.
pub(crate) fn draw(timeline: &Timeline, place: usize) -> (String, Readout) {
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let readout = draw_into(&mut svg, timeline, place).unwrap_or_default();
    (svg, readout)
}

fn draw_into(svg: &mut String, timeline: &Timeline, place: usize) -> Drawn<Readout> {
    let row = &timeline.rows[place];
    let is_first = place == 0;
    let area = Svg::new(svg, [HALF_PX, HEIGHT_PX], &row.id, &row.title, &row.finding).into_drawing_area();
    let y = vertical(row);
    let range = [y.low, y.high];
    let margins = Margins { top: 8.0, right: 18.0, bottom: 24.0 };
    let x = Axis::clock(timeline.end_s);
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

/// What counts as a gap, s: more than twice the usual distance of two points.
fn gap(points: &[(f64, f64)]) -> f64 {
    let mut distances: Vec<f64> = points.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    distances.sort_by(f64::total_cmp);
    distances.get(distances.len() / 2).map_or(1.0, |median| (median * GAP_STEPS).max(LEAST_GAP_S))
}

/// The names of the phases at the top, where there is room for them.
fn name_phases(plot: &super::plot::Plot<'_, '_>, phases: &[PhaseBand], end_s: f64, top: f64) -> Drawn {
    let style = text(Ink::Muted, HPos::Left, VPos::Center);
    // Faults stand below the phases that they fall into, however short they are; neighbours stand apart.
    let mut faults = 0_u8;
    for phase in
        phases.iter().filter(|p| p.is_fault || (p.end_s - p.start_s) / end_s > 0.05 && !p.name.is_empty())
    {
        let down = if phase.is_fault { 20.0 + f64::from(faults % 2) * 12.0 } else { 8.0 };
        faults = faults.wrapping_add(u8::from(phase.is_fault));
        label(plot, (phase.start_s, top), (5.0, down), &phase.name, &style)?;
    }
    Ok(())
}
