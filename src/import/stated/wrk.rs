//! What wrk and wrk2 print.

use std::io::Read;

use super::super::lines::whole;
use super::super::number::span_us;
use super::super::row::{Each, Fault, Line, Stated};
use super::with_unit;

/// Hands what a text states to `each`.
pub(in super::super) fn read(input: impl Read, each: &mut Each<'_>) -> Result<(), Fault> {
    let text = whole(input)?;
    let stated = stated(&text).ok_or_else(|| {
        Fault::refused(
            "it is wrk's output, but without its line of requests",
            "was wrk ended before its time?",
        )
    })?;
    each(Line::Stated(stated)).map_err(|what| Fault::Line { line: 1, what })
}

/// What wrk states of its requests; none if it does not say how many it made. An answer other than 2xx and 3xx is an
/// error to it.
fn stated(text: &str) -> Option<Stated> {
    let mut stated = Stated::default();
    let (mut wrong, mut unanswered) = (0, 0);
    let mut is_counted = false;
    for line in text.lines().map(str::trim) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match &words[..] {
            ["Latency", mean, _, max, _] => {
                stated.time("mean", with_unit(mean)?);
                stated.time("max", with_unit(max)?);
            }
            [percent, time] if percent.ends_with('%') => {
                let percent: f64 = percent.trim_end_matches('%').parse().ok()?;
                stated.time(format!("p{percent}"), with_unit(time)?);
            }
            [count, "requests", "in", span, ..] => {
                stated.requests = count.parse().ok()?;
                stated.span_us = span_us(with_unit(span.trim_end_matches(','))?)?;
                is_counted = true;
            }
            ["Non-2xx", "or", "3xx", "responses:", count] => wrong = count.parse().ok()?,
            ["Socket", "errors:", errors @ ..] => {
                let counts = errors.iter().filter_map(|word| word.trim_end_matches(',').parse::<u64>().ok());
                unanswered = counts.sum();
            }
            _ => {}
        }
    }
    is_counted.then(|| {
        stated.throughput(stated.requests.saturating_sub(wrong));
        stated.count("failed", wrong);
        stated.count("socket errors", unanswered);
        stated
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Running 2s test @ http://127.0.0.1:8080/\n  2 threads and 10 connections\n  Thread Stats   Avg      \
                        Stdev     Max   +/- Stdev\n    Latency   635.91us    0.89ms  12.92ms   93.69%\n    Req/Sec    \
                        56.20k     8.07k   62.00k    86.54%\n  Latency Distribution\n     50%  250.00us\n     99%    \
                        2.70ms\n  12000 requests in 2.00s, 17.76MB read\n  Socket errors: connect 0, read 3, write 0, \
                        timeout 2\n  Non-2xx or 3xx responses: 2000\nRequests/sec:   6000.00\nTransfer/sec:      8.88MB\n";

    #[test]
    fn only_answers_that_are_no_errors_make_throughput() {
        let stated = stated(TEXT).unwrap();
        assert_eq!((stated.requests, stated.span_us), (12_000, 2_000_000));
        let metrics: Vec<String> =
            stated.metrics.iter().map(|(name, value)| format!("{name} {value}")).collect();
        insta::assert_snapshot!(metrics.join("\n"), @"
        mean 0.636 ms
        max 12.9 ms
        p50 0.250 ms
        p99 2.70 ms
        throughput 5000 ok/s
        failed 2000
        socket errors 5
        ");
    }

    #[test]
    fn what_was_ended_early_states_nothing() {
        assert_eq!(
            stated("Running 2s test @ http://127.0.0.1:8080/\n  2 threads and 10 connections\n"),
            None
        );
    }
}
