//! A small histogram of times, with its modes named.

use plotters::drawing::IntoDrawingArea;
use plotters::element::{PathElement, Rectangle};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, ShapeStyle};

use super::plot::{Area, Drawn, grid, stroke, text};
use super::svg::{Svg, named};
use super::theme::{HALF_PX, Ink};
use crate::report::model::ModesChart;

/// Height, px.
const HEIGHT: u32 = 110;
/// Room at both ends, px.
const MARGIN: f64 = 8.0;
/// Where the bars stand, and where the highest ends, px from the top.
const BASE: f64 = 90.0;
const TOP: f64 = 22.0;
/// Where the names of modes and of the axis' ends stand, px from the top.
const NAMES: f64 = 10.0;
const ENDS: f64 = 102.0;

/// The histogram as SVG.
pub(crate) fn draw(chart: &ModesChart) -> String {
    let mut svg = String::new();
    let backend = Svg::new(&mut svg, [HALF_PX, HEIGHT], &chart.id, &chart.title, &chart.finding);
    // Writing to a string cannot fail.
    let _ = paint(chart, &backend.into_drawing_area());
    svg
}

fn paint(chart: &ModesChart, area: &Area<'_>) -> Drawn {
    let width = f64::from(HALF_PX) - 2.0 * MARGIN;
    let at = |share: f64| MARGIN + share.clamp(0.0, 1.0) * width;
    let point = |x: f64, y: f64| (grid(x), grid(y));
    let ink = Ink::of_arm(chart.arm);
    let filled = ShapeStyle { color: named(ink, false).to_rgba(), filled: true, stroke_width: 0 };
    let highest = chart.shares.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let bins = chart.shares.len().max(1) as f64;
    for (place, share) in chart.shares.iter().enumerate().filter(|(_, share)| **share > 0.0) {
        let (left, right) = (at(place as f64 / bins), at((place as f64 + 1.0) / bins) - 1.0);
        let top = BASE - (BASE - TOP) * share / highest;
        area.draw(&Rectangle::new([point(left, top), point(right, BASE)], filled))?;
    }
    let base = vec![point(MARGIN, BASE), point(MARGIN + width, BASE)];
    area.draw(&PathElement::new(base, stroke(Ink::Axis, 1.0, false)))?;
    for (share, name) in &chart.marks {
        let x = at(*share);
        area.draw(&PathElement::new(
            vec![point(x, NAMES + 6.0), point(x, BASE)],
            stroke(Ink::Axis, 1.0, true),
        ))?;
        // A name at the edge would be cut off.
        let side = if *share < 0.15 {
            HPos::Left
        } else if *share > 0.85 {
            HPos::Right
        } else {
            HPos::Center
        };
        area.draw_text(name, &text(Ink::Muted, side, VPos::Center), point(x, NAMES))?;
    }
    let ends = [(MARGIN, HPos::Left), (MARGIN + width, HPos::Right)];
    for ((x, side), name) in ends.into_iter().zip(&chart.ends) {
        area.draw_text(name, &text(Ink::Muted, side, VPos::Center), point(x, ENDS))?;
    }
    Ok(())
}
