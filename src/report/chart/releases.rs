//! A metric over releases: each under its label, changes marked, the present regime shaded.

use plotters::drawing::IntoDrawingArea;
use plotters::element::PathElement;
use plotters::style::text_anchor::{HPos, VPos};

use super::axis::Axis;
use super::plot::{Drawn, Margins, Readout, band, label, line, marks, plot, readout_by, stroke, text};
use super::svg::Svg;
use super::theme::{HALF_PX, Ink};
use crate::report::model::{Line, Scale};
use crate::unit;

/// Height, px.
const HEIGHT_PX: u32 = 280;
/// Room between two marks' labels, px.
const ROOM_PX: f64 = 52.0;

/// What is drawn over releases.
pub(crate) struct ReleaseCurve<'a> {
    /// Anchor within the page.
    pub(crate) id: &'a str,
    /// Its heading.
    pub(crate) title: &'a str,
    /// What it shows, in a sentence.
    pub(crate) finding: &'a str,
    /// Whether it is of times (µs, on a logarithmic axis) or of amounts.
    pub(crate) scale: Scale,
    /// The releases' labels, in order of time.
    pub(crate) names: Vec<String>,
    /// `(place of the release from 1, value)`; the last line is that of the values.
    pub(crate) lines: &'a [Line],
    /// Where something changed: place of the first release after it, from 1, and by how much.
    pub(crate) changes: Vec<(f64, String)>,
    /// Place of the first release of the present regime, from 1.
    pub(crate) present: f64,
}

/// The chart as SVG, and its read-out.
pub(crate) fn draw(curve: &ReleaseCurve<'_>) -> (String, Readout) {
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let readout = draw_into(&mut svg, curve).unwrap_or_default();
    (svg, readout)
}

fn draw_into(svg: &mut String, curve: &ReleaseCurve<'_>) -> Drawn<Readout> {
    let area = Svg::new(svg, [HALF_PX, HEIGHT_PX], curve.id, curve.title, curve.finding).into_drawing_area();
    let values = || curve.lines.iter().flat_map(|line| &line.points).map(|point| point.1);
    let y = match curve.scale {
        Scale::Time => Axis::log_time(values().collect::<Vec<_>>().into_iter()),
        Scale::Amount => Axis::amount(values()),
    };
    let x = Axis::releases(&curve.names);
    let (right, low, high) = (x.high, y.low, y.high);
    let margins = Margins { top: 22.0, right: 22.0, bottom: 26.0 };
    let mut plot = plot(&area, x, y, &margins, false)?;
    let start = curve.present - 0.5;
    band(&mut plot, Ink::Band, [start, right], [low, high])?;
    let words = text(Ink::Muted, HPos::Left, VPos::Center);
    label(&plot, (start, low), (5.0, -9.0), "present regime", &words)?;
    let mut last_px = f64::NEG_INFINITY;
    for (place, change) in &curve.changes {
        let at = place - 0.5;
        let mark = PathElement::new(vec![(at, low), (at, high)], stroke(Ink::Axis, 1.3, true));
        plot.draw_series(std::iter::once(mark))?;
        let px = f64::from(plot.backend_coord(&(at, high)).0) / f64::from(super::svg::GRID);
        // Changes that follow each other closely have room for one label.
        if px - last_px >= ROOM_PX {
            let centred = text(Ink::Muted, HPos::Center, VPos::Center);
            label(&plot, (at, high), (0.0, -9.0), change, &centred)?;
            last_px = px;
        }
    }
    let lines: Vec<_> = curve.lines.iter().map(|line| (line, line.points.clone())).collect();
    for (series, points) in &lines {
        line(&mut plot, series, points, f64::INFINITY)?;
    }
    if let Some((series, points)) = lines.last() {
        marks(&mut plot, series, points)?;
    }
    let value: fn(f64) -> String = match curve.scale {
        Scale::Time => unit::time,
        Scale::Amount => unit::significant,
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "places of a short list")]
    let name = |place: f64| curve.names.get(place.round() as usize - 1).cloned().unwrap_or_default();
    let readout = readout_by(&plot, lines.last().map(std::slice::from_ref).unwrap_or_default(), name, value);
    drop(plot);
    area.present()?;
    Ok(readout)
}
