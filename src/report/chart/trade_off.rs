//! Throughput against p95: a point per cell of a grid, with its intervals; the undominated ones are joined by a line.

use plotters::drawing::IntoDrawingArea;
use plotters::element::{Circle, PathElement};
use plotters::style::text_anchor::{HPos, VPos};

use super::axis::Axis;
use super::plot::{Drawn, Margins, Readout, grid, label, plot, readout_by, stroke, text};
use super::svg::Svg;
use super::theme::{HALF_PX, Ink};
use crate::report::model::{Line, TradeOff, TradeOffPoint};
use crate::unit;

/// Height, px.
const HEIGHT_PX: u32 = 340;

/// The chart as SVG, and its read-out.
pub(crate) fn draw(chart: &TradeOff) -> (String, Readout) {
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let readout = draw_into(&mut svg, chart).unwrap_or_default();
    (svg, readout)
}

fn draw_into(svg: &mut String, chart: &TradeOff) -> Drawn<Readout> {
    let area = Svg::new(svg, [HALF_PX, HEIGHT_PX], chart.id, chart.title, &chart.finding).into_drawing_area();
    let x = Axis::amount(chart.points.iter().flat_map(|point| point.throughput));
    let y = Axis::log_time(chart.points.iter().flat_map(|point| point.p95_us));
    let (right, lowest, highest) = (x.high, y.low, y.high);
    let margins = Margins { top: 10.0, right: 26.0, bottom: 26.0 };
    let mut plot = plot(&area, x, y, &margins, true)?;
    let mut best: Vec<&TradeOffPoint> = chart.points.iter().filter(|point| point.is_undominated).collect();
    best.sort_by(|a, b| a.throughput[0].total_cmp(&b.throughput[0]));
    let front: Vec<(f64, f64)> = best.iter().map(|point| at(point)).collect();
    if front.len() > 1 {
        plot.draw_series(std::iter::once(PathElement::new(front, stroke(Ink::Treatment, 1.2, true))))?;
    }
    for point in &chart.points {
        let ink = if point.is_undominated { Ink::Treatment } else { Ink::Baseline };
        let ((x, y), [_, left, right], [_, low, high]) = (at(point), point.throughput, point.p95_us);
        for whisker in [vec![(left, y), (right, y)], vec![(x, low.max(lowest)), (x, high.min(highest))]] {
            plot.draw_series(std::iter::once(PathElement::new(whisker, stroke(ink, 1.2, false))))?;
        }
        let style = stroke(ink, 1.0, false).filled();
        plot.draw_series(std::iter::once(Circle::new((x, y), grid(3.2), style)))?;
        label(&plot, (x, y), (6.0, -7.0), &point.number, &text(Ink::Muted, HPos::Left, VPos::Center))?;
    }
    let words = text(Ink::Muted, HPos::Right, VPos::Center);
    label(&plot, (right, lowest), (-6.0, -8.0), "more per second →", &words)?;
    label(&plot, (right, highest), (-6.0, 8.0), "slower ↑", &words)?;
    let readout = read_out(&plot, chart);
    drop(plot);
    area.present()?;
    Ok(readout)
}

fn at(point: &TradeOffPoint) -> (f64, f64) {
    (point.throughput[0], point.p95_us[0])
}

fn read_out(plot: &super::plot::Plot<'_, '_>, chart: &TradeOff) -> Readout {
    let mut points: Vec<&TradeOffPoint> = chart.points.iter().collect();
    points.sort_by(|a, b| a.throughput[0].total_cmp(&b.throughput[0]));
    let places: Vec<(f64, f64)> = points.iter().map(|point| at(point)).collect();
    let series = Line { name: "p95".to_owned(), arm: 1, points: places.clone() };
    // Where two cells have the same throughput, both names are read out.
    let named = |x: f64| {
        let names = points.iter().filter(|point| point.throughput[0].to_bits() == x.to_bits());
        let names: Vec<&str> = names.map(|point| point.name.as_str()).collect();
        format!("{}, {}", names.join(" / "), unit::rate(x))
    };
    readout_by(plot, &[(&series, places)], named, unit::time)
}
