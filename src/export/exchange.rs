//! Metrics in the forms of other tools: Bencher, benchstat, Otava, Prometheus.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::csv::field;
use crate::run::{Metric, RunFacts};
use crate::trend::Series;

/// Bencher's metric format: per subject its `throughput` (per second), and each quantile as a `latency` in ns of a
/// benchmark of its own.
///
/// # Errors
/// Never, but for a fault of the serializer.
pub fn bmf(metrics: &[Metric]) -> serde_json::Result<String> {
    let mut benchmarks: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for metric in metrics {
        let title = metric.subject.title();
        let (name, measure, value) = match ns(metric) {
            Some(ns) => (format!("{title} {}", metric.name), "latency", ns),
            None => (title, "throughput", metric.value),
        };
        benchmarks.entry(name).or_default().insert(measure.to_owned(), json!({ "value": value }));
    }
    serde_json::to_string_pretty(&benchmarks)
}

/// Lines of Go's benchmarks, one per subject: its samples, and each of its metrics. A file of several rounds' lines
/// is what benchstat takes.
pub fn benchstat(run: &RunFacts, metrics: &[Metric]) -> String {
    let mut text = format!(
        "scenario: {}\nload: {}\nprofile: {}\n",
        run.start.scenario, run.start.load, run.start.profile
    );
    for metrics in metrics.chunk_by(|a, b| a.subject == b.subject) {
        let name = benchmark_name(&metrics[0].subject.title());
        let _ = write!(text, "Benchmark{}{name} {}", first_capital(&name), metrics[0].n);
        for metric in metrics {
            let _ = match ns(metric) {
                Some(ns) => write!(text, " {ns} {}-ns", metric.name),
                None => write!(text, " {} ok/s", metric.value),
            };
        }
        text.push('\n');
    }
    text
}

/// A title as the name of a benchmark, which has no spaces: each becomes `_`. What stood for something else then, for a
/// `_` or for the number of processors at a name's end, is written as `%` with its code, so that different titles have
/// different names.
fn benchmark_name(title: &str) -> String {
    let before_number = title.trim_end_matches(|c: char| c.is_ascii_digit());
    let of_processors =
        before_number.strip_suffix('-').filter(|_| before_number.len() < title.len()).map(str::len);
    let mut name = String::with_capacity(title.len());
    for (place, letter) in title.char_indices() {
        match letter {
            ' ' => name.push('_'),
            '_' | '%' => name.push_str(&format!("%{:02X}", u32::from(letter))),
            '-' if of_processors == Some(place) => name.push_str("%2D"),
            letter if letter.is_whitespace() || letter.is_control() => {
                name.push_str(&format!("%{:02X}", u32::from(letter)));
            }
            letter => name.push(letter),
        }
    }
    name
}

/// What has to stand between `Benchmark` and a name: Go wants no small letter there.
fn first_capital(name: &str) -> &'static str {
    if name.starts_with(char::is_lowercase) { "_" } else { "" }
}

/// The text format of Prometheus and OpenMetrics, by which GitLab shows metrics of a merge request.
pub fn openmetrics(run: &RunFacts, metrics: &[Metric]) -> String {
    let of_run = format!(
        "scenario=\"{}\",load=\"{}\",profile=\"{}\"",
        label(&run.start.scenario),
        label(&run.start.load),
        label(&run.start.profile)
    );
    let line = |metric: &Metric| {
        let subject = &metric.subject;
        format!(
            "{{{of_run},kind=\"{}\",traffic_class=\"{}\",endpoint=\"{}\"",
            subject.kind.word(),
            label(&subject.traffic_class),
            label(&subject.endpoint)
        )
    };
    let mut text = "# HELP loadproof_response_time_seconds Quantiles of response and effect times.\n\
                    # TYPE loadproof_response_time_seconds gauge\n"
        .to_owned();
    for metric in metrics {
        if let Some(quantile) = quantile(metric) {
            let _ = writeln!(
                text,
                "loadproof_response_time_seconds{},quantile=\"{quantile}\"}} {}",
                line(metric),
                metric.value / 1e3
            );
        }
    }
    text.push_str(
        "# HELP loadproof_throughput_per_second Requests that ended well per second of load.\n\
         # TYPE loadproof_throughput_per_second gauge\n",
    );
    for metric in metrics.iter().filter(|metric| quantile(metric).is_none()) {
        let _ = writeln!(text, "loadproof_throughput_per_second{}}} {}", line(metric), metric.value);
    }
    text.push_str("# EOF\n");
    text
}

/// CSV for Apache Otava: a row per release with its time, its name and a column per metric. None if the series are
/// of several loads or profiles, or there is none.
pub fn otava(series: &[Series]) -> Option<String> {
    let first = series.first()?;
    if series.iter().any(|one| (&one.load, &one.profile) != (&first.load, &first.profile)) {
        return None;
    }
    let names = series.iter().map(|one| format!("{} {}", one.subject.title(), one.metric));
    let mut text = "time,release".to_owned();
    for name in names {
        let _ = write!(text, ",{}", field(&name));
    }
    text.push('\n');
    // A release may lack a metric: rows are those of all series, by their first run.
    let rows: BTreeSet<_> =
        series.iter().flat_map(|one| &one.points).map(|p| (p.runs[0], &p.started_at, &p.release)).collect();
    for (run, started_at, release) in rows {
        let _ = write!(text, "{},{}", field(started_at), field(release));
        for one in series {
            let point = one.points.iter().find(|point| point.runs[0] == run);
            let _ = write!(text, ",{}", point.map_or(String::new(), |point| point.value.to_string()));
        }
        text.push('\n');
    }
    Some(text)
}

/// A quantile in ns; none for a metric that is not a time.
fn ns(metric: &Metric) -> Option<f64> {
    quantile(metric).map(|_| (metric.value * 1e6).round())
}

/// `0.95` of `p95`; none for a metric that is not a quantile.
fn quantile(metric: &Metric) -> Option<String> {
    metric
        .name
        .strip_prefix('p')
        .filter(|digits| digits.len() == 2)
        .map(|digits| format!("0.{}", digits.trim_end_matches('0')))
}

/// A label's value, escaped.
pub(crate) fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::benchmark_name;

    #[test]
    fn different_titles_are_different_benchmarks() {
        let titles = [
            "GET /a:b",
            "GET /a?b",
            "GET /ab",
            "GET /a b",
            "GET /a_b",
            "GET_/a b",
            "GET /a%20b",
            "GET /a\tb",
            "GET /a-1",
            "GET /a%2D1",
            "GET /a",
            "GET /a [x]",
            "GET /a (x)",
            "GET /ä",
            "GET /a%C3",
        ];
        let names: BTreeSet<String> = titles.iter().map(|title| benchmark_name(title)).collect();
        assert_eq!(names.len(), titles.len(), "{names:?}");
        assert!(names.iter().all(|name| !name.contains(char::is_whitespace)), "{names:?}");
        assert_eq!(benchmark_name("POST /orders/{id}/confirm"), "POST_/orders/{id}/confirm");
        assert_eq!(benchmark_name("GET /page-1"), "GET_/page%2D1");
    }
}
