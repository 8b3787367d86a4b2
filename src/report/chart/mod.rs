//! Charts: data in, SVG text out. One file per chart; colours are names of CSS classes, so that one
//! drawing serves light, dark and print.

mod axis;
pub mod curve;
pub mod histogram;
pub mod percentile;
mod plot;
pub mod releases;
pub mod shift;
pub mod strip;
mod svg;
pub mod theme;
pub mod timeline;
pub mod trade_off;

pub(crate) use plot::Readout;
