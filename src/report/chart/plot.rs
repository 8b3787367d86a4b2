//! What all charts have in common: a plot with axes, lines, and a read-out for the page's script.

use plotters::chart::{ChartBuilder, ChartContext, LabelAreaPosition};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{Circle, PathElement, Rectangle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, ShapeStyle, TRANSPARENT, TextStyle};
use serde::Serialize;

use super::axis::Axis;
use super::svg::{GRID, Never, Svg, named};
use super::theme::{Ink, LABEL_PX, LEFT_PX, MOST_POINTS, READOUT_POINTS};
use crate::report::model::Line;

pub(super) type Plot<'a, 'b> = ChartContext<'a, Svg<'b>, Cartesian2d<Axis, Axis>>;
pub(super) type Area<'b> = DrawingArea<Svg<'b>, Shift>;
pub(super) type Drawn<T = ()> = Result<T, DrawingAreaErrorKind<Never>>;

/// What the page's script needs to read a chart out: positions in px and formatted values.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Readout {
    /// Left, top, right and bottom of the plot.
    #[serde(rename = "box")]
    frame: [f64; 4],
    /// One per line.
    lines: Vec<LineReadout>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct LineReadout {
    name: String,
    class: &'static str,
    x: Vec<f64>,
    y: Vec<f64>,
    /// Where on the horizontal axis.
    at: Vec<String>,
    value: Vec<String>,
}

/// Room around a plot, px.
pub(super) struct Margins {
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

#[expect(clippy::cast_possible_truncation, reason = "lengths in a chart are small")]
pub(super) fn grid(px: f64) -> i32 {
    (px * f64::from(GRID)).round() as i32
}

pub(super) fn stroke(ink: Ink, px: f64, dashed: bool) -> ShapeStyle {
    ShapeStyle { color: named(ink, dashed).to_rgba(), filled: false, stroke_width: grid(px).unsigned_abs() }
}

pub(super) fn text(ink: Ink, h: HPos, v: VPos) -> TextStyle<'static> {
    ("sans-serif", LABEL_PX * f64::from(GRID)).into_font().color(&named(ink, false)).pos(Pos::new(h, v))
}

/// A plot with a grid and labelled axes.
pub(super) fn plot<'a, 'b>(
    area: &'a Area<'b>,
    x: Axis,
    y: Axis,
    margins: &Margins,
    with_vertical_grid: bool,
) -> Drawn<Plot<'a, 'b>> {
    let (left, right, low) = (x.low, x.high, y.low);
    let mut plot = ChartBuilder::on(area)
        .margin_right(grid(margins.right))
        .margin_top(grid(margins.top))
        .set_label_area_size(LabelAreaPosition::Left, grid(LEFT_PX))
        .set_label_area_size(LabelAreaPosition::Bottom, grid(margins.bottom))
        .build_cartesian_2d(x, y)?;
    let mut mesh = plot.configure_mesh();
    mesh.x_labels(99)
        .y_labels(99)
        .max_light_lines(0)
        .axis_style(TRANSPARENT)
        .bold_line_style(stroke(Ink::Grid, 1.0, false))
        .light_line_style(TRANSPARENT)
        .x_label_style(text(Ink::Muted, HPos::Center, VPos::Top))
        .y_label_style(text(Ink::Muted, HPos::Right, VPos::Center))
        .set_all_tick_mark_size(grid(3.5));
    if !with_vertical_grid {
        mesh.disable_x_mesh();
    }
    mesh.draw()?;
    plot.draw_series(std::iter::once(PathElement::new(
        vec![(left, low), (right, low)],
        stroke(Ink::Axis, 1.0, false),
    )))?;
    Ok(plot)
}

/// Draws a stretch of the horizontal axis as a shaded band.
pub(super) fn band(plot: &mut Plot<'_, '_>, ink: Ink, x: [f64; 2], y: [f64; 2]) -> Drawn {
    let style = ShapeStyle { color: named(ink, false).to_rgba(), filled: true, stroke_width: 0 };
    plot.draw_series(std::iter::once(Rectangle::new([(x[0], y[0]), (x[1], y[1])], style)))?;
    Ok(())
}

/// Draws an arm's line; a gap of more than `gap` on the horizontal axis breaks it.
pub(super) fn line(plot: &mut Plot<'_, '_>, line: &Line, points: &[(f64, f64)], gap: f64) -> Drawn {
    let is_baseline = line.arm == 0;
    let style = stroke(Ink::of_arm(line.arm), if is_baseline { 1.7 } else { 1.9 }, is_baseline);
    for part in points.chunk_by(|a, b| b.0 - a.0 <= gap) {
        // A lone point has no length: a short dash shows that it is there.
        let part = match part {
            [(x, y)] => {
                let half = if gap.is_finite() { gap / 8.0 } else { x.abs() / 50.0 };
                vec![(x - half, *y), (x + half, *y)]
            }
            part => part.to_vec(),
        };
        plot.draw_series(std::iter::once(PathElement::new(part, style)))?;
    }
    Ok(())
}

/// Marks each point of a line: where few points stand, what was measured shows beside what only joins it.
pub(super) fn marks(plot: &mut Plot<'_, '_>, line: &Line, points: &[(f64, f64)]) -> Drawn {
    let style = stroke(Ink::of_arm(line.arm), 1.0, false).filled();
    plot.draw_series(points.iter().map(|point| Circle::new(*point, grid(2.6), style)))?;
    Ok(())
}

/// Writes a label near a point, shifted by px.
pub(super) fn label(
    plot: &Plot<'_, '_>,
    at: (f64, f64),
    shift: (f64, f64),
    words: &str,
    style: &TextStyle<'_>,
) -> Drawn {
    let (x, y) = plot.backend_coord(&at);
    // Off the plot's own area, so that a label may stand beside it.
    let area = plot.plotting_area().strip_coord_spec();
    let (left, top) = area.get_base_pixel();
    area.draw_text(words, style, (x - left + grid(shift.0), y - top + grid(shift.1)))
}

/// The positions and texts by which the page's script reads a plot out.
pub(super) fn readout(
    plot: &Plot<'_, '_>,
    lines: &[(&Line, Vec<(f64, f64)>)],
    at: fn(f64) -> String,
    value: fn(f64) -> String,
) -> Readout {
    readout_by(plot, lines, at, value)
}

/// The same, where what stands on the horizontal axis is looked up.
pub(super) fn readout_by(
    plot: &Plot<'_, '_>,
    lines: &[(&Line, Vec<(f64, f64)>)],
    at: impl Fn(f64) -> String,
    value: fn(f64) -> String,
) -> Readout {
    let px = |grid: i32| f64::from(grid) / f64::from(GRID);
    let (x, y) = plot.plotting_area().get_pixel_range();
    Readout {
        frame: [px(x.start), px(y.start), px(x.end), px(y.end)],
        lines: lines
            .iter()
            .map(|(line, points)| {
                let step = points.len().div_ceil(READOUT_POINTS).max(1);
                let points = || points.iter().step_by(step);
                let place = |point: &(f64, f64)| plot.backend_coord(point);
                LineReadout {
                    name: line.name.clone(),
                    class: Ink::of_arm(line.arm).class(),
                    x: points().map(|p| px(place(p).0)).collect(),
                    y: points().map(|p| px(place(p).1)).collect(),
                    at: points().map(|p| at(p.0)).collect(),
                    value: points().map(|p| value(p.1)).collect(),
                }
            })
            .collect(),
    }
}

/// At most [`MOST_POINTS`] points that show the same: of each column of pixels the smallest and the
/// largest value. Plain thinning would lose spikes.
pub(super) fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() <= MOST_POINTS {
        return points.to_vec();
    }
    let columns = MOST_POINTS / 2;
    let per_column = points.len().div_ceil(columns);
    points
        .chunks(per_column)
        .flat_map(|column| {
            let by_value = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
            let low = column.iter().min_by(by_value).copied();
            let high = column.iter().max_by(by_value).copied();
            let mut both: Vec<(f64, f64)> = low.into_iter().chain(high).collect();
            both.sort_by(|a, b| a.0.total_cmp(&b.0));
            both.dedup();
            both
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_spikes() {
        let mut points: Vec<(f64, f64)> = (0..10_000).map(|i| (f64::from(i), 1.0)).collect();
        points[5_555].1 = 99.0;
        let thinned = thinned(&points);
        assert!(thinned.len() <= MOST_POINTS);
        assert!(thinned.contains(&(5_555.0, 99.0)));
        assert!(thinned.is_sorted_by(|a, b| a.0 <= b.0));
    }
}
