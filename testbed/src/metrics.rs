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
    /// Observations by how large they were.
    Histogram,
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
    let mut page = Page::default();
    for Figure { name, kind, help, value } in figures {
        page.family(name, *kind, help).sample("", &[], *value as f64);
    }
    page.0
}

/// A page of families.
#[derive(Debug, Default)]
pub(crate) struct Page(String);

/// A family of a page, whose samples follow.
#[derive(Debug)]
pub(crate) struct Family<'a> {
    page: &'a mut String,
    name: &'a str,
}

impl Page {
    /// Begins a family.
    pub(crate) fn family<'a>(&'a mut self, name: &'a str, kind: Kind, help: &str) -> Family<'a> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        Family { page: &mut self.0, name }
    }

    /// The page.
    pub(crate) fn text(self) -> String {
        self.0
    }
}

impl Family<'_> {
    /// A sample of the family's name and `suffix`. Values of labels come from the systems themselves, which use neither quotes
    /// nor backslashes.
    pub(crate) fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64) -> &mut Self {
        let _ = write!(self.page, "{}{suffix}", self.name);
        for (place, (label, of)) in labels.iter().enumerate() {
            let _ = write!(self.page, "{}{label}=\"{of}\"", if place == 0 { '{' } else { ',' });
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.page, "{end} {value}");
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{Figure, Kind, Page, text};

    #[test]
    fn a_figure_is_a_family_with_one_sample() {
        let hits = Figure { name: "hits_total", kind: Kind::Counter, help: "Hits.", value: 3 };
        assert_eq!(text(&[hits]), "# HELP hits_total Hits.\n# TYPE hits_total counter\nhits_total 3\n");
    }

    #[test]
    fn samples_of_a_family_are_told_apart_by_labels() {
        let mut page = Page::default();
        page.family("lag", Kind::Gauge, "Lag.").sample("", &[("of", "a"), ("to", "b")], 0.5).sample(
            "_sum",
            &[],
            2.0,
        );
        let text = page.text();
        assert!(text.ends_with("# TYPE lag gauge\nlag{of=\"a\",to=\"b\"} 0.5\nlag_sum 2\n"), "{text}");
    }
}
