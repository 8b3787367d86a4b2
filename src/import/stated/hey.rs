//! The summary that hey prints.

use std::io::Read;

use super::super::lines::whole;
use super::super::number::span_us;
use super::super::row::{Each, Fault, Line, Stated};

const SECOND_US: f64 = 1e6;

/// Hands what a text states to `each`.
pub(in super::super) fn read(input: impl Read, each: &mut Each<'_>) -> Result<(), Fault> {
    let text = whole(input)?;
    let stated = stated(&text).ok_or_else(|| {
        Fault::refused(
            "it is hey's summary, but without its distribution of statuses",
            "was it cut? With `hey -o csv` it writes each request",
        )
    })?;
    each(Line::Stated(stated)).map_err(|what| Fault::Line { line: 1, what })
}

/// What hey states of its requests; none if it does not say how they ended.
fn stated(text: &str) -> Option<Stated> {
    let mut stated = Stated::default();
    let (mut ok, mut failed, mut unanswered) = (0_u64, 0_u64, 0_u64);
    let mut section = "";
    for line in text.lines().map(str::trim) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let seconds = |text: &str| text.parse::<f64>().ok().map(|s| s * SECOND_US);
        let bracketed =
            |text: &str| text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).map(str::to_owned);
        match &words[..] {
            [.., last] if line.ends_with("distribution:") || *last == "histogram:" => section = line,
            ["Total:", span, "secs"] => stated.span_us = span_us(seconds(span)?)?,
            ["Slowest:", time, "secs"] => stated.time("max", seconds(time)?),
            ["Fastest:", time, "secs"] => stated.time("min", seconds(time)?),
            ["Average:", time, "secs"] => stated.time("mean", seconds(time)?),
            // hey writes `10%% in` since version 0.1.4.
            [percent, "in", time, "secs"] if section.starts_with("Latency") => {
                let percent: f64 = percent.trim_end_matches('%').parse().ok()?;
                stated.time(format!("p{percent}"), seconds(time)?);
            }
            [status, count, "responses"] if section.starts_with("Status") => {
                let (status, count): (u16, u64) = (bracketed(status)?.parse().ok()?, count.parse().ok()?);
                *(if (200..400).contains(&status) { &mut ok } else { &mut failed }) += count;
            }
            [count, ..] if section.starts_with("Error") => {
                unanswered += bracketed(count).and_then(|count| count.parse().ok()).unwrap_or(0_u64);
            }
            _ => {}
        }
    }
    stated.requests = ok + failed + unanswered;
    (stated.requests > 0).then(|| {
        stated.throughput(ok);
        stated.count("failed", failed);
        stated.count("without an answer", unanswered);
        stated
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_errors_make_the_requests() {
        let text = "\nSummary:\n  Total:\t2.0000 secs\n  Slowest:\t0.1000 secs\n  Fastest:\t0.0010 secs\n  Average:\t\
                    0.0200 secs\n  Requests/sec:\t60.0000\n\nResponse time histogram:\n  0.001 [1]\t|\n\n\nLatency \
                    distribution:\n  50% in 0.0150 secs\n  99% in 0.0900 secs\n\nDetails (average, fastest, slowest):\n  \
                    DNS+dialup:\t0.0001 secs, 0.0010 secs, 0.1000 secs\n\nStatus code distribution:\n  [200]\t100 \
                    responses\n  [503]\t15 responses\n\nError distribution:\n  [5]\tGet \"http://a/\": timeout\n";
        let stated = stated(text).unwrap();
        assert_eq!((stated.requests, stated.span_us), (120, 2_000_000));
        let metrics: Vec<String> =
            stated.metrics.iter().map(|(name, value)| format!("{name} {value}")).collect();
        insta::assert_snapshot!(metrics.join("\n"), @"
        max 100 ms
        min 1.00 ms
        mean 20.0 ms
        p50 15.0 ms
        p99 90.0 ms
        throughput 50.0 ok/s
        failed 15
        without an answer 5
        ");
    }
}
