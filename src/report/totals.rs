//! A run in a few lines: the closing block of load scripts, and one line of JSON.

use serde::Serialize;

use crate::sample::{Kind, PROBE_CLASS};
use crate::summary::{ArmSummary, Distribution, Evidence, QUANTILES};

/// Width of the block's rules.
const WIDTH: usize = 80;
/// The quantiles that are told, by place in [`QUANTILES`].
const TOLD: [(&str, usize); 3] = [("p50", 0), ("p95", 2), ("p99", 3)];

/// What all requests of a run came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    /// What they are called, in the plural: the traffic class that all of them have, or `requests`.
    noun: String,
    requests: u64,
    ok: u64,
    rejected: u64,
    /// From the load's start to its end, s.
    elapsed_s: f64,
    /// Response times; none where nothing was answered.
    response: Option<Distribution>,
}

/// The totals as one line of JSON, to three decimals. Times are in ms; null where too many requests were never answered.
#[derive(Serialize)]
struct Line<'a> {
    count: u64,
    ok: u64,
    err: u64,
    rejected: u64,
    duration_s: f64,
    rate: f64,
    mean: Option<f64>,
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
    /// Quantiles that no request lies beyond: the largest time by another name.
    thin: Vec<&'a str>,
}

impl Totals {
    /// Those of a single run; none for one without requests.
    pub fn of(summary: &ArmSummary) -> Option<Self> {
        let [run] = &summary.runs[..] else { return None };
        let total = summary.total.as_ref()?;
        let subjects = summary.summaries.iter().map(|summary| &summary.subject);
        let mut classes: Vec<&str> = subjects
            .filter(|subject| subject.kind == Kind::Request && subject.traffic_class != PROBE_CLASS)
            .map(|subject| subject.traffic_class.as_str())
            .collect();
        classes.dedup();
        let noun = match classes[..] {
            [class] if !class.is_empty() => class,
            _ => "requests",
        };
        Some(Self {
            noun: noun.to_owned(),
            requests: total.counts.total(),
            ok: total.counts.ok,
            rejected: total.counts.rejected,
            elapsed_s: run.load_s(),
            response: total.response,
        })
    }

    /// What ended neither `ok` nor as an expected refusal.
    fn failed(&self) -> u64 {
        self.requests - self.ok - self.rejected
    }

    /// The block. What scripts call an average response time is the time elapsed over the number of requests, the inverse of
    /// the throughput; the mean of the response times stands below it.
    pub fn block(&self) -> String {
        let Self { noun, requests, ok, rejected, elapsed_s, .. } = self;
        let one = noun.strip_suffix('s').unwrap_or(noun);
        let share = if *requests == 0 { 0.0 } else { *ok as f64 * 100.0 / *requests as f64 };
        let each_ms = elapsed_s * 1e3 / (*requests).max(1) as f64;
        let mut lines = vec![
            row(&format!("Total {}:", title(noun)), &grouped(*requests)),
            row("Successful Requests:", &format!("{} ({share:.2}%)", grouped(*ok))),
            row("Failed Requests:", &grouped(self.failed())),
            row("Total Time Elapsed:", &format!("{elapsed_s:.2}s")),
            row("Actual Throughput:", &format!("{:.2} {noun}/second", *ok as f64 / elapsed_s)),
            row("Avg Response Time:", &format!("{each_ms:.2}ms per {one} (elapsed / {noun})")),
            row("Mean Response Time:", &self.mean_text()),
        ];
        if *rejected > 0 {
            lines.insert(3, row("Expected Refusals:", &grouped(*rejected)));
        }
        let rule = "=".repeat(WIDTH);
        format!("LOAD TEST RESULTS\n{rule}\n{}\n{rule}", lines.join("\n"))
    }

    fn mean_text(&self) -> String {
        let Some(response) = &self.response else { return "no request was answered".to_owned() };
        let ms = |us: f64| if us.is_finite() { format!("{:.2}ms", us / 1e3) } else { "never".to_owned() };
        let quantiles = TOLD.map(|(name, place)| {
            let mark = if self.thin().contains(&name) { "*" } else { "" };
            format!("{name} {}{mark}", ms(response.quantiles_us[place]))
        });
        format!("{} ({})", ms(response.mean_us), quantiles.join(", "))
    }

    /// The line.
    ///
    /// # Errors
    /// If it cannot be written as JSON, which its types rule out.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        let rounded = |value: f64| (value * 1e3).round() / 1e3;
        let ms = |us: f64| us.is_finite().then(|| rounded(us / 1e3));
        let quantile = |place: usize| self.response.and_then(|times| ms(times.quantiles_us[place]));
        serde_json::to_string(&Line {
            count: self.requests,
            ok: self.ok,
            err: self.failed(),
            rejected: self.rejected,
            duration_s: rounded(self.elapsed_s),
            rate: rounded(self.ok as f64 / self.elapsed_s),
            mean: self.response.and_then(|times| ms(times.mean_us)),
            p50: quantile(TOLD[0].1),
            p95: quantile(TOLD[1].1),
            p99: quantile(TOLD[2].1),
            thin: self.thin(),
        })
    }

    fn thin(&self) -> Vec<&'static str> {
        let is_thin = |place| self.response.is_some_and(|times| times.quantile(place) == Evidence::None);
        TOLD.iter().filter(|(_, place)| is_thin(*place)).map(|(name, _)| *name).collect()
    }
}

// The places above are those of these quantiles.
const _: () = assert!(QUANTILES[0] == 0.5 && QUANTILES[2] == 0.95 && QUANTILES[3] == 0.99);

fn row(name: &str, value: &str) -> String {
    format!("{name:<22}{value}")
}

fn title(noun: &str) -> String {
    let mut letters = noun.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `10,000`, as scripts print it.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let first = digits.len() % 3;
    let mut parts: Vec<&str> = if first > 0 { vec![&digits[..first]] } else { Vec::new() };
    parts.extend((first..digits.len()).step_by(3).map(|at| &digits[at..at + 3]));
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals() -> Totals {
        Totals {
            noun: "messages".to_owned(),
            requests: 10_000,
            ok: 9_998,
            rejected: 0,
            elapsed_s: 42.67,
            response: Some(Distribution {
                n: 75,
                min_us: 1e3,
                mean_us: 853_000.0,
                quantiles_us: [8e5, 9e5, 9.5e5, f64::INFINITY, f64::INFINITY],
                max_us: f64::INFINITY,
            }),
        }
    }

    #[test]
    fn the_block_tells_the_inverse_of_the_throughput_from_the_mean() {
        insta::assert_snapshot!(totals().block(), @"
        LOAD TEST RESULTS
        ================================================================================
        Total Messages:       10,000
        Successful Requests:  9,998 (99.98%)
        Failed Requests:      2
        Total Time Elapsed:   42.67s
        Actual Throughput:    234.31 messages/second
        Avg Response Time:    4.27ms per message (elapsed / messages)
        Mean Response Time:   853.00ms (p50 800.00ms, p95 950.00ms, p99 never*)
        ================================================================================
        ");
        let refused = Totals { rejected: 2, ..totals() };
        assert!(refused.block().contains("Failed Requests:      0\nExpected Refusals:    2\n"));
        let silent = Totals { response: None, ok: 0, ..totals() };
        assert!(silent.block().contains("Mean Response Time:   no request was answered"));
    }

    #[test]
    fn the_line_has_no_number_where_there_is_none() {
        let line: serde_json::Value = serde_json::from_str(&totals().json().unwrap()).unwrap();
        assert_eq!((line["count"].as_u64(), line["err"].as_u64()), (Some(10_000), Some(2)));
        assert_eq!((line["p95"].as_f64(), line["p99"].is_null()), (Some(950.0), true));
        assert_eq!(line["thin"], serde_json::json!(["p99"]), "75 requests have no p99");
    }

    #[test]
    fn digits_are_grouped_by_three() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
