//! k6's summary as JSON: of `--summary-export`, and what `handleSummary` is given.

use std::io::Read;

use serde_json::Value;

use super::super::lines::whole;
use super::super::number::span_us;
use super::super::row::{Each, Fault, Line, Stated};

/// The metric of requests, and what stands before the tags of a part of them.
const DURATION: &str = "http_req_duration";

/// Hands what a text states to `each`.
pub(in super::super) fn read(input: impl Read, each: &mut Each<'_>) -> Result<(), Fault> {
    let text = whole(input)?;
    let summary: Value = serde_json::from_str(&text)
        .map_err(|error| Fault::Line { line: error.line() as u64, what: error.to_string() })?;
    let stated = stated(&summary).ok_or_else(|| {
        Fault::refused("it is k6's summary, but without HTTP requests", "run k6 with --out csv=results.csv")
    })?;
    each(Line::Stated(stated)).map_err(|what| Fault::Line { line: 1, what })
}

fn stated(summary: &Value) -> Option<Stated> {
    let metrics = summary.get("metrics")?.as_object()?;
    // `handleSummary` has the values one level deeper.
    let value = |metric: &str, name: &str| {
        let metric = metrics.get(metric)?;
        metric.get("values").unwrap_or(metric).get(name)?.as_f64()
    };
    let mut stated = Stated { requests: whole_number(value("http_reqs", "count")?)?, ..Stated::default() };
    let duration_ms = summary.pointer("/state/testRunDurationMs").and_then(Value::as_f64);
    let by_rate = || value("http_reqs", "rate").filter(|rate| *rate > 0.0).map(|rate| 1e6 / rate);
    let span = duration_ms.map(|ms| ms * 1e3).or_else(|| Some(by_rate()? * stated.requests as f64));
    stated.span_us = span.and_then(span_us).unwrap_or(0);
    for (name, metric) in metrics.iter().filter(|(name, _)| name.starts_with(DURATION)) {
        let of = name.trim_start_matches(DURATION);
        let values = metric.get("values").unwrap_or(metric).as_object()?;
        for (statistic, value) in values {
            let statistic = match statistic.as_str() {
                "avg" => "mean".to_owned(),
                "med" => "p50".to_owned(),
                "min" | "max" => statistic.clone(),
                quantile => match quantile.strip_prefix("p(").and_then(|q| q.strip_suffix(')')) {
                    Some(percent) => format!("p{percent}"),
                    None => continue,
                },
            };
            if let Some(ms) = value.as_f64() {
                stated.time(format!("{statistic}{of}"), ms * 1e3);
            }
        }
    }
    // Of the rate of failures `passes` are the requests that have failed.
    let failed = value("http_req_failed", "passes").and_then(whole_number);
    if let Some(failed) = failed {
        stated.throughput(stated.requests.saturating_sub(failed));
        stated.count("failed", failed);
    }
    if let Some(dropped) = value("dropped_iterations", "count").and_then(whole_number) {
        stated.count("dropped iterations", dropped);
    }
    Some(stated)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
fn whole_number(value: f64) -> Option<u64> {
    (0.0..9e15).contains(&value).then(|| value.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_forms_state_the_same() {
        let durations =
            json!({ "avg": 12.5, "min": 1.0, "med": 10.0, "max": 90.0, "p(90)": 30.0, "p(95)": 40.0 });
        let (requests, failed) =
            (json!({ "count": 600, "rate": 20.0 }), json!({ "passes": 6, "fails": 594 }));
        let export = json!({ "root_group": {}, "metrics": {
            "http_req_duration": durations, "http_reqs": requests, "http_req_failed": failed
        } });
        let given = json!({ "state": { "testRunDurationMs": 30_000.0 }, "metrics": {
            "http_req_duration": { "type": "trend", "values": durations },
            "http_reqs": { "type": "counter", "values": requests },
            "http_req_failed": { "type": "rate", "values": failed }
        } });
        let of_export = stated(&export).unwrap();
        assert_eq!(of_export, stated(&given).unwrap());
        assert_eq!((of_export.requests, of_export.span_us), (600, 30_000_000));
        let metrics: Vec<String> =
            of_export.metrics.iter().map(|(name, value)| format!("{name} {value}")).collect();
        insta::assert_snapshot!(metrics.join("\n"), @"
        mean 12.5 ms
        max 90.0 ms
        p50 10.0 ms
        min 1.00 ms
        p90 30.0 ms
        p95 40.0 ms
        throughput 19.8 ok/s
        failed 6
        ");
    }

    #[test]
    fn a_summary_without_requests_states_nothing() {
        assert_eq!(stated(&json!({ "metrics": { "vus": { "value": 1 } } })), None);
    }
}
