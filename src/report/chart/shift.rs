//! The shift function: change of each percentile as a factor, with whiskers, around a line of no change.

use plotters::drawing::IntoDrawingArea;
use plotters::element::{Circle, PathElement};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, ShapeStyle};

use super::axis::Axis;
use super::plot::{Drawn, Margins, Readout, grid, label, plot, readout, stroke, text};
use super::svg::{Svg, named};
use super::theme::{HALF_PX, Ink};
use crate::report::model::{Line, ShiftChart};
use crate::unit;

/// Height, px.
const HEIGHT_PX: u32 = 300;

/// The chart as SVG, and its read-out.
pub(crate) fn draw(chart: &ShiftChart) -> (String, Readout) {
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let readout = draw_into(&mut svg, chart).unwrap_or_default();
    (svg, readout)
}

fn draw_into(svg: &mut String, chart: &ShiftChart) -> Drawn<Readout> {
    let area =
        Svg::new(svg, [HALF_PX, HEIGHT_PX], &chart.id, &chart.title, &chart.finding).into_drawing_area();
    let x = Axis::logit(chart.points.iter().map(|point| point.p));
    let y = Axis::factor(
        chart.points.iter().map(|point| point.ratio),
        chart.points.iter().flat_map(|point| [point.low, point.high]),
    );
    let (left, right) = (x.low, x.high);
    let (lowest, highest) = (y.low, y.high);
    let margins = Margins { top: 10.0, right: 26.0, bottom: 26.0 };
    let mut plot = plot(&area, x, y, &margins, true)?;
    plot.draw_series(std::iter::once(PathElement::new(
        vec![(left, 1.0), (right, 1.0)],
        stroke(Ink::Axis, 1.4, false),
    )))?;
    for point in &chart.points {
        let whisker = [point.low, point.high].map(|end| (point.p, end.clamp(lowest, highest))).to_vec();
        plot.draw_series(std::iter::once(PathElement::new(whisker, stroke(Ink::Treatment, 1.6, false))))?;
    }
    let line: Vec<(f64, f64)> = chart.points.iter().map(|point| (point.p, point.ratio)).collect();
    plot.draw_series(std::iter::once(PathElement::new(line.clone(), stroke(Ink::Treatment, 1.2, false))))?;
    let filled = ShapeStyle { color: named(Ink::Treatment, false).to_rgba(), filled: true, stroke_width: 0 };
    plot.draw_series(line.iter().map(|point| Circle::new(*point, grid(2.8), filled)))?;
    let words = text(Ink::Muted, HPos::Left, VPos::Center);
    label(&plot, (left, highest), (6.0, 8.0), "slower ↑", &words)?;
    label(&plot, (left, lowest), (6.0, -8.0), "faster ↓", &words)?;
    let series = Line { name: "change".to_owned(), arm: 1, points: line.clone() };
    let readout =
        readout(&plot, &[(&series, line)], |p| format!("p{}", unit::significant(p * 100.0)), unit::change);
    drop(plot);
    area.present()?;
    Ok(readout)
}
