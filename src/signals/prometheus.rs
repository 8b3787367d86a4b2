//! Pages in Prometheus text format (0.0.4) and in OpenMetrics (1.0), read with tolerance.
//!
//! Families need not be contiguous, `HELP` and `TYPE` lines need no samples and samples no `TYPE`;
//! values may be NaN or infinite. A line that cannot be read is counted and skipped: one odd line
//! must not cost all the signals of a page. Types are not used: a `_total` suffix proves nothing.

use std::borrow::Cow;

use crate::scenario::signal::{Selector, Together};

/// A page's series.
#[derive(Debug, Default, PartialEq)]
pub struct Page<'a> {
    /// All series, in the order of the page.
    pub series: Vec<Series<'a>>,
    /// Lines that could not be read.
    pub skipped: usize,
}

/// One line of a page.
#[derive(Debug, PartialEq)]
pub struct Series<'a> {
    /// The metric's name.
    pub metric: Cow<'a, str>,
    /// Labels, in the order of the line.
    pub labels: Vec<(&'a str, Cow<'a, str>)>,
    /// The value.
    pub value: f64,
}

impl Series<'_> {
    /// A label's value; empty if it has no such label.
    pub fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// Whether a selector means this series.
    pub fn is_meant_by(&self, selector: &Selector) -> bool {
        self.metric == selector.metric
            && selector.labels.iter().all(|label| label.rule.accepts(self.label(&label.name)))
    }
}

impl Page<'_> {
    /// What the series that a selector means come to together; none if there are none, or only NaN. NaN
    /// among others is left out.
    pub fn value(&self, selector: &Selector, together: Together) -> Option<f64> {
        let meant = self.series.iter().filter(|s| s.is_meant_by(selector));
        meant.map(|s| s.value).filter(|v| !v.is_nan()).reduce(|a, b| match together {
            Together::Sum => a + b,
            Together::Max => a.max(b),
            Together::Min => a.min(b),
        })
    }
}

/// Reads a page.
pub fn parse(text: &str) -> Page<'_> {
    let mut page = Page::default();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match series(line) {
            Some(series) => page.series.push(series),
            None => page.skipped += 1,
        }
    }
    page
}

/// `name{label="value",…} value [timestamp] [# exemplar]`
fn series(line: &str) -> Option<Series<'_>> {
    let end = line.find(|c: char| c == '{' || c.is_whitespace())?;
    let (metric, rest) = line.split_at(end);
    let mut metric = Cow::Borrowed(metric);
    let rest = rest.trim_start();
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inner) => labels(inner, &mut metric)?,
        None => (Vec::new(), rest),
    };
    let value = rest.split_whitespace().next()?;
    (!metric.is_empty()).then_some(Series { metric, labels, value: number(value)? })
}

type Labels<'a> = Vec<(&'a str, Cow<'a, str>)>;

/// Labels up to the closing brace, and what follows it. A quoted text without a value is the
/// metric's name (the form for names beyond ASCII).
fn labels<'a>(text: &'a str, metric: &mut Cow<'a, str>) -> Option<(Labels<'a>, &'a str)> {
    let mut labels = Vec::new();
    let mut rest = text.trim_start();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        if rest.starts_with('"') {
            let (name, after) = quoted(rest)?;
            *metric = name;
            rest = after.trim_start();
        } else {
            let (name, after) = rest.split_once('=')?;
            let (value, after) = quoted(after.trim_start())?;
            labels.push((name.trim(), value));
            rest = after.trim_start();
        }
        // A trailing comma before the brace is allowed.
        rest = match rest.strip_prefix(',') {
            Some(after) => after.trim_start(),
            None if rest.starts_with('}') => rest,
            None => return None,
        };
    }
}

/// A quoted text and what follows it; borrowed unless it holds escapes.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut unescaped: Option<String> = None;
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                let value = unescaped.map_or(Cow::Borrowed(&inner[..at]), Cow::Owned);
                return Some((value, &inner[at + 1..]));
            }
            '\\' => {
                let text = unescaped.get_or_insert_with(|| inner[..at].to_owned());
                match chars.next()?.1 {
                    'n' => text.push('\n'),
                    escaped => text.push(escaped),
                }
            }
            c => {
                if let Some(text) = &mut unescaped {
                    text.push(c);
                }
            }
        }
    }
    None
}

fn number(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        // Rust would also take `infinity` or `nan`, which the format does not know.
        text if text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(page: &str, selector: &str) -> Option<f64> {
        parse(page).value(&selector.parse().unwrap(), Together::Sum)
    }

    #[test]
    fn series_that_tell_the_same_are_counted_once() {
        let page = parse("depth{handler=\"a\"} 3\ndepth{handler=\"b\"} 3\ndepth{handler=\"c\"} NaN\n");
        let value = |together| page.value(&"depth".parse().unwrap(), together);
        assert_eq!(
            [Together::Sum, Together::Max, Together::Min].map(value),
            [Some(6.0), Some(3.0), Some(3.0)]
        );
    }

    const AWKWARD: &str = r#"
# HELP protean_outbox_pending Messages that wait.
# TYPE protean_outbox_pending gauge
protean_outbox_messages{domain="identity",status="PENDING"} 3
protean_broker_up 1
protean_outbox_messages{domain="ordering", status="PENDING",} 4 1700000000000
protean_outbox_messages{domain="ordering",status="FAILED"} NaN
weird{path="C:\\tmp\n\"x\" → y"} +Inf
this is no sample at all
half{label="open
"#;

    #[test]
    fn awkward_pages_are_read_as_far_as_they_can_be() {
        let page = parse(AWKWARD);
        assert_eq!((page.series.len(), page.skipped), (5, 2));
        assert_eq!(page.series[4].label("path"), "C:\\tmp\n\"x\" → y");
        assert_eq!(sum(AWKWARD, r#"protean_outbox_messages{status="PENDING"}"#), Some(7.0));
        assert_eq!(sum(AWKWARD, r#"protean_outbox_messages{domain="ordering"}"#), Some(4.0));
        assert_eq!(sum(AWKWARD, r#"protean_outbox_messages{status="FAILED"}"#), None);
        assert_eq!(sum(AWKWARD, "protean_outbox_pending"), None);
        assert_eq!(sum(AWKWARD, "weird"), Some(f64::INFINITY));
    }

    #[test]
    fn openmetrics_pages_are_read_too() {
        let page = "# TYPE a counter\r\na_total{x=\"1\"} 5 # {trace_id=\"t\"} 0.5\r\n# EOF\r\n";
        assert_eq!(sum(page, "a_total"), Some(5.0));
        let page = r#"{"name with spaces", x="1"} 2"#;
        assert_eq!(parse(page).series[0].metric, "name with spaces");
    }

    #[test]
    fn wrong_pages_are_read_as_far_as_they_go() {
        crate::fuzz::run("prometheus", &crate::fuzz::corpus(&["tests/it/corpus/prometheus"]), |bytes| {
            parse(&String::from_utf8_lossy(bytes));
        });
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", lines in "([a-z_]{1,4}(\\{[a-z]=\"[^\"]{0,3}\"?,?\\}?)? ?[0-9.NaIn+-]{0,4}\n){0,6}") {
            parse(&text);
            parse(&lines);
        }

        #[test]
        fn what_is_written_is_read(
            metric in "[a-z_:][a-z0-9_:]{0,12}",
            label in "[a-z_]{1,8}",
            text in "\\PC{0,12}",
            value in -1e12..1e12_f64,
        ) {
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let line = format!("{metric}{{{label}=\"{escaped}\"}} {value}");
            let page = parse(&line);
            prop_assert_eq!(page.skipped, 0);
            prop_assert_eq!(page.series[0].label(&label), text.as_str());
            prop_assert_eq!(page.series[0].value, value);
        }
    }
}
