//! A metric over the load that a system was given.

use plotters::drawing::IntoDrawingArea;
use plotters::style::text_anchor::{HPos, VPos};

use super::axis::Axis;
use super::plot::{Drawn, Margins, Readout, label, line, plot, readout, text};
use super::svg::Svg;
use super::theme::{HALF_PX, Ink};
use crate::report::model::{Line, Scale};
use crate::unit;

/// Height, px.
const HEIGHT_PX: u32 = 280;

/// What is drawn over the load.
pub(crate) struct LoadCurve<'a> {
    /// Anchor within the page.
    pub(crate) id: &'a str,
    /// Its heading.
    pub(crate) title: &'a str,
    /// What it shows, in a sentence.
    pub(crate) finding: &'a str,
    /// Whether it is of times (µs, on a logarithmic axis) or of amounts.
    pub(crate) scale: Scale,
    /// `(load, value)`, in order of load.
    pub(crate) lines: &'a [Line],
}

/// The chart as SVG, and its read-out.
pub(crate) fn draw(curve: &LoadCurve<'_>) -> (String, Readout) {
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let readout = draw_into(&mut svg, curve).unwrap_or_default();
    (svg, readout)
}

fn draw_into(svg: &mut String, curve: &LoadCurve<'_>) -> Drawn<Readout> {
    let area = Svg::new(svg, [HALF_PX, HEIGHT_PX], curve.id, curve.title, curve.finding).into_drawing_area();
    let points = || curve.lines.iter().flat_map(|l| &l.points);
    let x = Axis::amount(points().map(|p| p.0));
    let y = match curve.scale {
        Scale::Time => Axis::log_time(points().map(|p| p.1).collect::<Vec<_>>().into_iter()),
        Scale::Amount => Axis::amount(points().map(|p| p.1)),
    };
    let margins = Margins { top: 10.0, right: 60.0, bottom: 26.0 };
    let mut plot = plot(&area, x, y, &margins, true)?;
    let lines: Vec<_> = curve.lines.iter().map(|line| (line, line.points.clone())).collect();
    for (series, points) in &lines {
        line(&mut plot, series, points, f64::INFINITY)?;
    }
    for (series, points) in &lines {
        if let Some(end) = points.last() {
            let style = text(Ink::of_arm(series.arm), HPos::Left, VPos::Center);
            label(&plot, *end, (7.0, 0.0), &series.name, &style)?;
        }
    }
    let value: fn(f64) -> String = match curve.scale {
        Scale::Time => unit::time,
        Scale::Amount => unit::significant,
    };
    let readout = readout(&plot, &lines, unit::significant, value);
    drop(plot);
    area.present()?;
    Ok(readout)
}
