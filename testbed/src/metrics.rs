//! Figures of a system in Prometheus text format 0.0.4.

use std::fmt::Write as _;

/// Media type of the text format.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a figure does over time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Only grows, but for a reset.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// A figure without labels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) help: &'static str,
    pub(crate) value: u64,
}

/// The figures, one family each.
pub(crate) fn text(figures: &[Figure]) -> String {
    let mut text = String::new();
    for Figure { name, kind, help, value } in figures {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Figure, Kind, text};

    #[test]
    fn a_figure_is_a_family_with_one_sample() {
        let hits = Figure { name: "hits_total", kind: Kind::Counter, help: "Hits.", value: 3 };
        assert_eq!(text(&[hits]), "# HELP hits_total Hits.\n# TYPE hits_total counter\nhits_total 3\n");
    }
}
