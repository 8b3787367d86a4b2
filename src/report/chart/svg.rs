//! A plotters backend that writes small, themed SVG.
//!
//! plotters knows whole pixels and fixed colours only. Here it draws on a grid of tenths of a pixel,
//! and its colours are names: an [`Ink`] and a dash, packed into an RGB value that no chart uses
//! otherwise, come out as a CSS class. Text inherits the page's font.

use std::fmt::Write;

use plotters::style::RGBColor;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};

use super::theme::{Ink, LABEL_PX};

/// Steps of plotters' grid per pixel.
pub(super) const GRID: i32 = 10;
/// Red value that marks a colour as a name.
const NAMED: u8 = 254;

/// The colour that stands for an ink; `dashed` lines are drawn so.
pub(super) const fn named(ink: Ink, dashed: bool) -> RGBColor {
    RGBColor(NAMED, dashed as u8, ink as u8)
}

/// Nothing can go wrong in writing to a string.
#[derive(Debug)]
pub(super) struct Never;

impl std::fmt::Display for Never {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Never {}

type Drawn = Result<(), DrawingErrorKind<Never>>;

/// Writes a drawing as SVG.
pub(super) struct Svg<'a> {
    out: &'a mut String,
    width: u32,
    height: u32,
    closed: bool,
}

impl<'a> Svg<'a> {
    /// Begins a drawing of `width` × `height` px. `id` is unique in its page; `title` and
    /// `description` are its accessible name and what it shows.
    pub(super) fn new(
        out: &'a mut String,
        [width, height]: [u32; 2],
        id: &str,
        title: &str,
        description: &str,
    ) -> Self {
        let _ = write!(
            out,
            "<svg id=\"{id}\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
             <title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>",
            escape(title),
            escape(description)
        );
        Self { out, width, height, closed: false }
    }
}

/// Text as it may stand in SVG.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A length in px with a tenth at most.
fn px(grid: i32) -> String {
    if grid % GRID == 0 {
        (grid / GRID).to_string()
    } else {
        format!("{:.1}", f64::from(grid) / f64::from(GRID))
    }
}

/// The class of a stroke (`k`), a fill (`f`) or a text (`t`), and its opacity.
fn class(kind: char, color: BackendColor) -> String {
    let (red, dashed, code) = color.rgb;
    let ink = Ink::ALL.into_iter().find(|ink| red == NAMED && *ink as u8 == code);
    let mut text = match ink {
        Some(ink) => {
            format!(" class=\"{kind}-{}{}\"", ink.class(), if dashed == 1 { " d1" } else { "" })
        }
        None => String::new(),
    };
    if color.alpha < 0.999 {
        let _ = write!(text, " opacity=\"{:.2}\"", color.alpha);
    }
    text
}

fn stroke_width(width: u32) -> String {
    match i32::try_from(width) {
        Ok(GRID) | Err(_) => String::new(),
        Ok(width) => format!(" stroke-width=\"{}\"", px(width)),
    }
}

/// Path data in relative steps; a point on the straight way between its neighbours is left out.
fn path(points: impl IntoIterator<Item = BackendCoord>, closed: bool) -> Option<String> {
    let kept = without_collinear(points.into_iter().collect());
    let (first, rest) = kept.split_first()?;
    if rest.is_empty() {
        return None;
    }
    let mut data = format!("M{} {}l", px(first.0), px(first.1));
    let mut last = *first;
    for (i, point) in rest.iter().enumerate() {
        for (j, step) in [point.0 - last.0, point.1 - last.1].into_iter().enumerate() {
            let text = px(step);
            if i + j > 0 && !text.starts_with('-') {
                data.push(' ');
            }
            data.push_str(&text);
        }
        last = *point;
    }
    if closed {
        data.push('z');
    }
    Some(data)
}

fn without_collinear(points: Vec<BackendCoord>) -> Vec<BackendCoord> {
    let mut kept: Vec<BackendCoord> = Vec::with_capacity(points.len());
    for point in points {
        if kept.last() == Some(&point) {
            continue;
        }
        if let [.., a, b] = kept.as_slice()
            && is_between(*a, *b, point)
        {
            kept.pop();
        }
        kept.push(point);
    }
    kept
}

/// Whether `b` lies on the way from `a` to `c`, exactly and forwards.
fn is_between(a: BackendCoord, b: BackendCoord, c: BackendCoord) -> bool {
    let step = |from: BackendCoord, to: BackendCoord| (i64::from(to.0 - from.0), i64::from(to.1 - from.1));
    let (ab, bc) = (step(a, b), step(b, c));
    ab.0 * bc.1 == ab.1 * bc.0 && ab.0 * bc.0 + ab.1 * bc.1 > 0
}

/// Width of a text in em, for faces like Arial: good enough to keep labels apart.
fn text_em(text: &str) -> f64 {
    text.chars()
        .map(|c| match c {
            'i' | 'l' | 'j' | 'I' | '.' | ',' | ':' | ';' | '|' | '\'' => 0.26,
            ' ' | 't' | 'f' | 'r' | '/' | '(' | ')' | '-' => 0.33,
            'm' | 'M' | 'W' | 'w' | '%' => 0.86,
            'A'..='Z' => 0.68,
            _ => 0.55,
        })
        .sum()
}

impl DrawingBackend for Svg<'_> {
    type ErrorType = Never;

    fn get_size(&self) -> (u32, u32) {
        (self.width * GRID.unsigned_abs(), self.height * GRID.unsigned_abs())
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        if !self.closed {
            self.out.push_str("</svg>");
            self.closed = true;
        }
        Ok(())
    }

    fn draw_pixel(&mut self, _: BackendCoord, _: BackendColor) -> Drawn {
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        a: BackendCoord,
        b: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        if style.color().alpha > 0.0 {
            let _ = write!(
                self.out,
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{}/>",
                px(a.0.min(b.0)),
                px(a.1.min(b.1)),
                px((b.0 - a.0).abs()),
                px((b.1 - a.1).abs()),
                class(if fill { 'f' } else { 'k' }, style.color())
            );
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        points: I,
        style: &S,
    ) -> Drawn {
        if style.color().alpha > 0.0
            && let Some(data) = path(points, false)
        {
            let (class, width) = (class('k', style.color()), stroke_width(style.stroke_width()));
            let _ = write!(self.out, "<path d=\"{data}\"{class}{width}/>");
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        at: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        if style.color().alpha > 0.0 {
            let radius = px(i32::try_from(radius).unwrap_or(0));
            let class = class(if fill { 'f' } else { 'k' }, style.color());
            let _ =
                write!(self.out, "<circle cx=\"{}\" cy=\"{}\" r=\"{radius}\"{class}/>", px(at.0), px(at.1));
        }
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        points: I,
        style: &S,
    ) -> Drawn {
        if style.color().alpha > 0.0
            && let Some(data) = path(points, true)
        {
            let _ = write!(self.out, "<path d=\"{data}\"{}/>", class('f', style.color()));
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Drawn {
        if style.color().alpha == 0.0 || text.is_empty() {
            return Ok(());
        }
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Right => " text-anchor=\"end\"",
            HPos::Center => " text-anchor=\"middle\"",
        };
        let shift = match style.anchor().v_pos {
            VPos::Top => " dy=\".74em\"",
            VPos::Center => " dy=\".35em\"",
            VPos::Bottom => "",
        };
        let size = style.size() / f64::from(GRID);
        let size =
            if (size - LABEL_PX).abs() < 0.05 { String::new() } else { format!(" font-size=\"{size:.1}\"") };
        let _ = write!(
            self.out,
            "<text x=\"{}\" y=\"{}\"{anchor}{shift}{size}{}>{}</text>",
            px(at.0),
            px(at.1),
            class('t', style.color()),
            escape(text)
        );
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Never>> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "sizes of labels are small"
        )]
        let size = |px: f64| px.round() as u32;
        Ok((size(text_em(text) * style.size()), size(style.size() * 1.2)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_and_leave_out_what_lies_between() {
        assert_eq!(path([(0, 0), (10, 10), (20, 20), (25, 20)], false).unwrap(), "M0 0l2 2 0.5 0");
        assert_eq!(path([(0, 0), (10, 0), (5, 0)], false).unwrap(), "M0 0l1 0-0.5 0");
        assert_eq!(path([(3, 3), (3, 3)], false), None);
    }

    #[test]
    fn text_cannot_break_out() {
        assert_eq!(escape("</text><script>\"&"), "&lt;/text&gt;&lt;script&gt;&quot;&amp;");
    }
}
