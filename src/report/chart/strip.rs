//! The interval of a claim against its bound: what the claim allows is shaded, the interval is a
//! bar, each round a dot. Inside is supported, outside refuted, across undecided.

use plotters::drawing::IntoDrawingArea;
use plotters::element::{Circle, PathElement, Rectangle};
use plotters::style::ShapeStyle;
use plotters::style::text_anchor::{HPos, VPos};

use super::plot::{Area, Drawn, grid, stroke, text};
use super::svg::{Svg, named};
use super::theme::Ink;
use crate::report::model::{ClaimRow, Strip};

/// Width and height, px.
const SIZE: [u32; 2] = [230, 38];
/// Room at both ends, px.
const MARGIN: f64 = 20.0;
/// Where the bar lies, px from the top.
const BAR: f64 = 14.0;
/// Where the edges' labels stand, px from the top.
const LABELS: f64 = 33.0;
/// Part of the width by which the axis goes beyond what it has to show.
const BEYOND: f64 = 0.12;

/// The strip of a claim as SVG; empty for a claim without an estimate. `id` is unique in its page.
pub fn draw(claim: &ClaimRow, id: &str) -> String {
    let Some(strip) = &claim.strip else { return String::new() };
    let mut svg = String::new();
    let description =
        format!("{}: {} {} against {}", claim.verdict, claim.estimate, claim.interval, claim.formula);
    let backend = Svg::new(&mut svg, SIZE, id, &claim.title, &description);
    // Writing to a string cannot fail.
    let _ = paint(strip, &backend.into_drawing_area());
    svg
}

fn paint(strip: &Strip, area: &Area<'_>) -> Drawn {
    let axis = Scale::of(strip);
    let (left, right) = (MARGIN, f64::from(SIZE[0]) - MARGIN);
    let point = |x: f64, y: f64| (grid(x), grid(y));
    let filled = |ink: Ink| ShapeStyle {
        color: plotters::style::Color::to_rgba(&named(ink, false)),
        filled: true,
        stroke_width: 0,
    };
    let allowed = (strip.least.map_or(left, |v| axis.px(v)), strip.most.map_or(right, |v| axis.px(v)));
    area.draw(&Rectangle::new([point(allowed.0, 3.0), point(allowed.1, 25.0)], filled(Ink::Allowed)))?;
    area.draw(&PathElement::new(vec![point(left, 25.0), point(right, 25.0)], stroke(Ink::Axis, 1.0, false)))?;
    for edge in [strip.least, strip.most].into_iter().flatten().map(|v| axis.px(v)) {
        area.draw(&PathElement::new(
            vec![point(edge, 1.0), point(edge, 27.0)],
            stroke(Ink::Axis, 1.4, true),
        ))?;
    }
    if strip.low.is_some() || strip.high.is_some() {
        let (low, high) = (strip.low.map_or(left, |v| axis.px(v)), strip.high.map_or(right, |v| axis.px(v)));
        // An interval of no width is still to be seen.
        let high = high.max(low + 2.0);
        area.draw(&PathElement::new(
            vec![point(low, BAR), point(high, BAR)],
            stroke(Ink::Treatment, 4.0, false),
        ))?;
    }
    for value in &strip.values {
        area.draw(&Circle::new(point(axis.px(*value), BAR + 7.0), grid(1.7), filled(Ink::Muted)))?;
    }
    let at = axis.px(strip.estimate);
    area.draw(&PathElement::new(
        vec![point(at, BAR - 6.0), point(at, BAR + 6.0)],
        stroke(Ink::Treatment, 2.0, false),
    ))?;
    for (edge, words) in &strip.edges {
        let style = text(Ink::Muted, HPos::Center, VPos::Center);
        area.draw_text(words, &style, point(axis.px(*edge), LABELS))?;
    }
    Ok(())
}

/// From values to px.
struct Scale {
    low: f64,
    high: f64,
    is_log: bool,
}

impl Scale {
    fn of(strip: &Strip) -> Self {
        let map = |v: f64| if strip.is_log { v.ln() } else { v };
        let all = [strip.least, strip.most, strip.low, strip.high, Some(strip.estimate)];
        let all =
            all.into_iter().flatten().chain(strip.values.iter().copied()).filter(|v| v.is_finite()).map(map);
        let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        // Something has to be seen even where everything is the same.
        let beyond = ((high - low) * BEYOND).max(low.abs().max(high.abs()) * 1e-3).max(1e-9);
        Self { low: low - beyond, high: high + beyond, is_log: strip.is_log }
    }

    fn px(&self, value: f64) -> f64 {
        let mapped = if self.is_log { value.max(f64::MIN_POSITIVE).ln() } else { value };
        let width = f64::from(SIZE[0]) - 2.0 * MARGIN;
        MARGIN + ((mapped - self.low) / (self.high - self.low)).clamp(0.0, 1.0) * width
    }
}
