//! Locust's `--json` and `--json-file`: per endpoint how often each response time was seen (exact below 100 ms, to
//! two digits above), and how many requests ended in each second; not which of them took how long.

use std::collections::BTreeMap;
use std::io::Read;

use serde::Deserialize;

use super::lines::whole;
use super::names::endpoint;
use super::number::span_us;
use super::row::{Each, Ending, Fault, Line, Row};
use super::times::Moment;

const SECOND_US: i64 = 1_000_000;

/// An endpoint's counts.
#[derive(Deserialize)]
struct Entry {
    name: String,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    num_none_requests: u64,
    num_failures: u64,
    /// ms → count.
    response_times: BTreeMap<String, u64>,
    /// Seconds since 1970 → count.
    num_reqs_per_sec: BTreeMap<String, u64>,
}

/// Hands every request to `each`.
pub(super) fn read(input: impl Read, each: &mut Each<'_>) -> Result<(), Fault> {
    let text = whole(input)?;
    let entries: Vec<Entry> = serde_json::from_str(&text)
        .map_err(|error| Fault::Line { line: error.line() as u64, what: error.to_string() })?;
    for entry in &entries {
        requests(entry, each).map_err(|what| {
            Fault::refused(
                format!("`{}`: {what}", entry.name),
                "give the log of requests instead \
             (locust.contrib.csv_request_logger)",
            )
        })?;
    }
    Ok(())
}

/// An endpoint's requests. The longest come first: nothing is known of their order, so that what lies beyond a high
/// quantile counts as one event, as with saved baselines.
fn requests(entry: &Entry, each: &mut Each<'_>) -> Result<(), String> {
    if entry.num_failures > 0 {
        return Err(format!(
            "{} requests failed, and the file does not contain their times",
            entry.num_failures
        ));
    }
    if entry.num_none_requests > 0 {
        each(Line::LeftOut("requests without a time", entry.num_none_requests))?;
    }
    let mut times: Vec<(i64, u64)> = Vec::with_capacity(entry.response_times.len());
    for (ms, count) in &entry.response_times {
        let us = ms.parse::<f64>().ok().and_then(|ms| span_us(ms * 1e3));
        times.push((us.ok_or_else(|| format!("`{ms}` is not a valid response time"))?, *count));
    }
    times.sort_unstable();
    let mut times = times.into_iter().rev().flat_map(|(us, count)| std::iter::repeat_n(us, size(count)));
    for (second, count) in &entry.num_reqs_per_sec {
        let second = second.parse::<i64>().ok().and_then(|s| s.checked_mul(SECOND_US));
        let second = second.ok_or("a second is not a number")?;
        let count_us = i64::try_from(*count).unwrap_or(i64::MAX).max(1);
        for place in 0..*count {
            // Those without a time are counted among a second's, too.
            let Some(elapsed_us) = times.next() else { return Ok(()) };
            let within = i64::try_from(place).unwrap_or(0).saturating_mul(SECOND_US / count_us);
            each(Line::Request(Row {
                endpoint: endpoint(entry.method.as_deref().unwrap_or_default(), &entry.name),
                user_class: "",
                user: "",
                start: Moment::known(second.saturating_add(within).saturating_sub(elapsed_us)),
                elapsed_us,
                first_byte_us: None,
                ending: Ending::of(true, 0, &[]),
                bytes_in: 0,
                bytes_out: 0,
            }))?;
        }
    }
    match times.next() {
        None => Ok(()),
        Some(_) => Err("more response times than requests in its seconds".to_owned()),
    }
}

fn size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
