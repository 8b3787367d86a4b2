//! Percentile curves of both arms: one chart instead of a histogram and a distribution function.

use plotters::drawing::IntoDrawingArea;
use plotters::element::Polygon;
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, ShapeStyle};

use super::axis::Axis;
use super::plot::{Drawn, Margins, Readout, label, line, plot, readout, text, thinned};
use super::svg::{Svg, named};
use super::theme::{HALF_PX, Ink};
use crate::report::model::PercentileChart;
use crate::unit;

/// Height, px.
const HEIGHT_PX: u32 = 300;

/// The chart as SVG, and its read-out.
pub(crate) fn draw(chart: &PercentileChart) -> (String, Readout) {
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let readout = draw_into(&mut svg, chart).unwrap_or_default();
    (svg, readout)
}

fn draw_into(svg: &mut String, chart: &PercentileChart) -> Drawn<Readout> {
    let area =
        Svg::new(svg, [HALF_PX, HEIGHT_PX], &chart.id, &chart.title, &chart.finding).into_drawing_area();
    let points = chart.lines.iter().flat_map(|l| &l.points);
    let last = points.clone().map(|p| p.0).fold(0.5, f64::max);
    let y = Axis::log_time(points.map(|p| p.1));
    let margins = Margins { top: 10.0, right: 86.0, bottom: 26.0 };
    let mut plot = plot(&area, Axis::percentiles(last), y, &margins, true)?;
    for ribbon in &chart.ribbons {
        let upper = ribbon.points.iter().map(|(p, _, high)| (*p, *high));
        let lower = ribbon.points.iter().rev().map(|(p, low, _)| (*p, *low));
        let style = ShapeStyle {
            color: named(Ink::of_arm(ribbon.arm), false).mix(0.18),
            filled: true,
            stroke_width: 0,
        };
        plot.draw_series(std::iter::once(Polygon::new(upper.chain(lower).collect::<Vec<_>>(), style)))?;
    }
    let lines: Vec<_> = chart.lines.iter().map(|line| (line, thinned(&line.points))).collect();
    for (curve, points) in &lines {
        line(&mut plot, curve, points, f64::INFINITY)?;
    }
    let ends: Vec<(f64, f64)> = lines.iter().filter_map(|(_, points)| points.last().copied()).collect();
    for (place, (curve, _)) in lines.iter().enumerate() {
        let style = text(Ink::of_arm(curve.arm), HPos::Left, VPos::Center);
        label(&plot, ends[place], (7.0, apart(&plot, &ends, place)), &shortened(&curve.name), &style)?;
    }
    let readout = readout(&plot, &lines, |p| format!("p{}", unit::significant(p * 100.0)), unit::time);
    drop(plot);
    area.present()?;
    Ok(readout)
}

/// How far to shift the label of a curve's end so that it does not cover another's, px.
fn apart(plot: &super::plot::Plot<'_, '_>, ends: &[(f64, f64)], place: usize) -> f64 {
    let height = |end: &(f64, f64)| plot.backend_coord(end).1;
    let close = ends.iter().enumerate().find(|(other, end)| {
        *other != place && (height(end) - height(&ends[place])).abs() < super::plot::grid(13.0)
    });
    match close {
        None => 0.0,
        // Ends at the same height: the first goes up.
        Some((other, end)) => {
            let above = (height(&ends[place]), place) < (height(end), other);
            if above { -7.0 } else { 7.0 }
        }
    }
}

/// A name that fits beside a chart.
pub(super) fn shortened(name: &str) -> String {
    const FITS: usize = 14;
    if name.chars().count() <= FITS {
        return name.to_owned();
    }
    name.chars().take(FITS - 1).chain(std::iter::once('…')).collect()
}
