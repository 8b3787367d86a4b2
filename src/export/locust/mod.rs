//! The files that Locust (2.47) writes with `--csv`: the same names, headers, numbers and line ends, so that
//! scripts and dashboards made for them work. Times are from sending to the answer, as Locust takes
//! them; a `rejected` request is a success, as a response is that was marked so; what was never sent
//! is not in them, nor are effects and loadproof's own questions.
//!
//! One file more has what those lack: how many requests of each endpoint ended how, by status.

mod metrics;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use self::metrics::{Entry, Median};
use super::csv::field;
use crate::sample::{ExportedSample, Kind, Outcome, PROBE_CLASS};
use crate::utc;

const PERCENTILES: &str = "50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%";

/// What a row of all requests is called.
const AGGREGATED: &str = "Aggregated";

/// Seconds of which the history of an endpoint shows percentiles.
const WINDOW_S: i64 = 10;

/// Puts the files together from a run's samples.
pub struct Locust {
    started_unix_us: i64,
    full_history: bool,
    names: BTreeMap<Name, usize>,
    requests: Vec<Request>,
    failures: BTreeMap<(Name, String), Failures>,
    outcomes: BTreeMap<[String; 4], BTreeMap<i64, u64>>,
    /// When each user began.
    users: BTreeMap<i64, i64>,
}

/// A request's name and method, in the order in which Locust sorts, and its traffic class.
type Name = (String, String, String);

/// A request, as far as the files need it.
struct Request {
    name: usize,
    done_us: i64,
    ms: f64,
    bytes: u64,
    failed: bool,
}

struct Failures {
    occurrences: u64,
    first_us: i64,
    last_us: i64,
}

/// A file: what its name ends with, and its text.
pub type File = (&'static str, String);

impl Locust {
    /// Of a run that started then, µs since 1970. `full_history`: a row per endpoint and second, too.
    pub fn new(started_unix_us: i64, full_history: bool) -> Self {
        Self {
            started_unix_us,
            full_history,
            names: BTreeMap::new(),
            requests: Vec::new(),
            failures: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            users: BTreeMap::new(),
        }
    }

    /// Takes a sample in.
    pub fn add(&mut self, sample: &ExportedSample) {
        let key = [&sample.kind, &sample.traffic_class, &sample.endpoint, &sample.outcome].map(String::clone);
        *self.outcomes.entry(key).or_default().entry(sample.status).or_default() += 1;
        let is_sent = sample.outcome != Outcome::Dropped.word();
        if sample.kind != Kind::Request.word() || sample.traffic_class == PROBE_CLASS || !is_sent {
            return;
        }
        let began = self.users.entry(sample.user).or_insert(sample.intended_us);
        *began = (*began).min(sample.intended_us);
        let name = (sample.endpoint.clone(), method(&sample.endpoint), sample.traffic_class.clone());
        let failed = ![Outcome::Ok, Outcome::Rejected].map(Outcome::word).contains(&sample.outcome.as_str());
        if failed {
            let reason = sample.reason.clone().unwrap_or_default();
            let at_us = sample.done_us;
            let failures = self.failures.entry((name.clone(), reason)).or_insert(Failures {
                occurrences: 0,
                first_us: at_us,
                last_us: at_us,
            });
            failures.occurrences += 1;
            failures.first_us = failures.first_us.min(at_us);
            failures.last_us = failures.last_us.max(at_us);
        }
        let next = self.names.len();
        let name = *self.names.entry(name).or_insert(next);
        let ms = (sample.done_us - sample.sent_us) as f64 / 1e3;
        let bytes = sample.bytes_in.unsigned_abs();
        self.requests.push(Request { name, done_us: sample.done_us, ms, bytes, failed });
    }

    /// The files.
    pub fn files(mut self) -> [File; 5] {
        self.requests.sort_by_key(|request| request.done_us);
        [
            ("_stats.csv", self.stats()),
            ("_stats_history.csv", self.history()),
            ("_failures.csv", self.failure_rows()),
            // Scripts raise exceptions; a scenario has no script.
            ("_exceptions.csv", csv(&["Count,Message,Traceback,Nodes".to_owned()])),
            ("_outcomes.csv", self.outcome_rows()),
        ]
    }

    fn second(&self, us: i64) -> i64 {
        (self.started_unix_us + us).div_euclid(1_000_000)
    }

    /// A name as the files have it: with its traffic class where several call the same endpoint, whose rows
    /// would be one otherwise.
    fn shown(&self, name: &Name) -> String {
        let (endpoint, method, class) = name;
        let is_shared = self.names.keys().any(|(e, m, c)| (e, m) == (endpoint, method) && c != class);
        if is_shared && !class.is_empty() { format!("{endpoint} [{class}]") } else { endpoint.clone() }
    }

    fn stats(&self) -> String {
        let mut entries = vec![Entry::default(); self.names.len()];
        let mut all = Entry::default();
        for request in &self.requests {
            let second = self.second(request.done_us);
            for entry in [&mut entries[request.name], &mut all] {
                entry.add(second, request.ms, request.bytes, request.failed);
            }
        }
        let seconds = self.requests.last().map_or(0.0, |last| last.done_us as f64 / 1e6);
        let mut rows = vec![format!(
            "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,\
             Max Response Time,Average Content Size,Requests/s,Failures/s,{PERCENTILES}"
        )];
        for (name, place) in &self.names {
            rows.push(stats_row(&name.1, &self.shown(name), &entries[*place], seconds));
        }
        rows.push(stats_row("", AGGREGATED, &all, seconds));
        csv(&rows)
    }

    /// A row a second from the first request to the last; percentiles of endpoints are of the last
    /// ten seconds, those of all requests as well if there are any of endpoints.
    fn history(&self) -> String {
        let mut rows = vec![format!(
            "Timestamp,User Count,Type,Name,Requests/s,Failures/s,{PERCENTILES},Total Request Count,\
             Total Failure Count,Total Median Response Time,Total Average Response Time,Total Min Response Time,\
             Total Max Response Time,Total Average Content Size"
        )];
        let (Some(first), Some(last)) = (self.requests.first(), self.requests.last()) else {
            return csv(&rows);
        };
        let (first, last) = (self.second(first.done_us), self.second(last.done_us));
        let start = self.second(0);
        let mut entries = vec![Entry::default(); self.names.len()];
        let mut all = Entry::default();
        let mut ended = self.requests.iter().peekable();
        let mut from = 0;
        for second in first..=last {
            while let Some(request) = ended.next_if(|request| self.second(request.done_us) <= second) {
                for entry in [&mut entries[request.name], &mut all] {
                    entry.add(second, request.ms, request.bytes, request.failed);
                }
            }
            while self.second(self.requests[from].done_us) <= second - WINDOW_S {
                from += 1;
            }
            let users = self.users.values().filter(|began| self.second(**began) <= second).count();
            let (recent, recent_of_all) = self.recent(from, second);
            let mut row = |method: &str, name: &str, entry: &Entry, shown: &Entry| {
                let (requests, failures) = entry.current_rates(start, second);
                rows.push(format!(
                    "{second},{users},{},{},{requests:.6},{failures:.6},{},{}",
                    field(method),
                    field(name),
                    percentiles(shown),
                    totals(entry)
                ));
            };
            if self.full_history {
                // An endpoint is there from its first request on.
                for (name, place) in self.names.iter().filter(|(_, place)| entries[**place].requests > 0) {
                    row(&name.1, &self.shown(name), &entries[*place], &recent[*place]);
                }
            }
            row("", AGGREGATED, &all, if self.full_history { &recent_of_all } else { &all });
        }
        csv(&rows)
    }

    /// The requests from a place on up to a second; nothing where nobody asks.
    fn recent(&self, from: usize, second: i64) -> (Vec<Entry>, Entry) {
        let mut entries = vec![Entry::default(); self.names.len()];
        let mut all = Entry::default();
        if self.full_history {
            let recent = self.requests[from..].iter().take_while(|r| self.second(r.done_us) <= second);
            for request in recent {
                for entry in [&mut entries[request.name], &mut all] {
                    entry.add(second, request.ms, request.bytes, request.failed);
                }
            }
        }
        (entries, all)
    }

    fn failure_rows(&self) -> String {
        let mut rows = vec!["Method,Name,Error,Occurrences,First Seen,Last Seen".to_owned()];
        for ((name, reason), failures) in &self.failures {
            let shown = self.shown(name);
            let fields = [&name.1, &shown, reason].map(|text| field(text)).join(",");
            let at = |us| utc::to_second(self.started_unix_us + us);
            let (first, last) = (at(failures.first_us), at(failures.last_us));
            rows.push(format!("{fields},{},{first},{last}", failures.occurrences));
        }
        csv(&rows)
    }

    fn outcome_rows(&self) -> String {
        let mut rows = vec!["kind,traffic_class,endpoint,outcome,status,samples".to_owned()];
        for (key, statuses) in &self.outcomes {
            for (status, samples) in statuses {
                rows.push(format!("{},{status},{samples}", key.each_ref().map(|text| field(text)).join(",")));
            }
        }
        csv(&rows)
    }
}

/// `POST` of `[FLASH] POST /inventory/{id}/reserve`.
fn method(endpoint: &str) -> String {
    let words: BTreeSet<&str> =
        ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "GRPC", "PUBLISH"].into();
    endpoint.split_whitespace().find(|word| words.contains(word)).unwrap_or_default().to_owned()
}

fn stats_row(method: &str, name: &str, entry: &Entry, seconds: f64) -> String {
    let per_second = |count: u64| float(if seconds > 0.0 { count as f64 / seconds } else { 0.0 });
    let rates = [per_second(entry.requests), per_second(entry.failures)].join(",");
    format!("{},{},{},{rates},{}", field(method), field(name), totals(entry), percentiles(entry))
}

/// Counts, median, average, extremes and size: seven columns.
fn totals(entry: &Entry) -> String {
    let times = [entry.average_ms(), entry.least_ms(), entry.most_ms, entry.average_bytes()].map(float);
    format!("{},{},{},{}", entry.requests, entry.failures, median(entry), times.join(","))
}

fn percentiles(entry: &Entry) -> String {
    match entry.quantiles_ms() {
        Some(quantiles) => quantiles.map(|ms| ms.to_string()).join(","),
        None => vec!["N/A"; metrics::QUANTILES.len()].join(","),
    }
}

/// A rounded time is a whole number there; an extreme that stands in for it is not.
fn median(entry: &Entry) -> String {
    match entry.median_ms() {
        Median::Rounded(ms) => ms.to_string(),
        Median::Extreme(ms) => float(ms),
    }
}

/// A number as Python writes it: never without a point.
fn float(value: f64) -> String {
    let mut text = value.to_string();
    if !text.contains(['.', 'e', 'i', 'N']) {
        text.push_str(".0");
    }
    text
}

fn csv(rows: &[String]) -> String {
    let mut text = String::new();
    for row in rows {
        // Writing to a String cannot fail.
        let _ = write!(text, "{row}\r\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(endpoint: &str, outcome: &str, status: i64, sent_ms: i64, done_ms: i64) -> ExportedSample {
        ExportedSample {
            run: 1,
            sequence: 0,
            kind: "request".to_owned(),
            traffic_class: String::new(),
            endpoint: endpoint.to_owned(),
            user_class: "u".to_owned(),
            user: sent_ms / 1000,
            journey: 0,
            phase: "steady".to_owned(),
            outcome: outcome.to_owned(),
            status,
            reason: (outcome == "failed").then(|| "status 500, not 200".to_owned()),
            intended_us: sent_ms * 1000,
            sent_us: sent_ms * 1000,
            first_byte_us: done_ms * 1000,
            done_us: done_ms * 1000,
            bytes_in: 100,
            bytes_out: 0,
            key_list: None,
            key: None,
            redirects: 0,
            repeats: 0,
            tags: None,
        }
    }

    fn files(full_history: bool) -> [File; 5] {
        let mut locust = Locust::new(1_700_000_000_000_000, full_history);
        for second in 0..4 {
            let at = second * 1000;
            locust.add(&sample("PUT /orders/{id}/confirm", "ok", 200, at, at + 12));
            locust.add(&sample("POST /orders", "rejected", 409, at, at + 148));
        }
        locust.add(&sample("POST /orders", "failed", 500, 3000, 3990));
        locust.add(&sample("POST /orders", "dropped", 0, 3000, 3990));
        let mut effect = sample("order visible", "ok", 200, 0, 5);
        "effect".clone_into(&mut effect.kind);
        locust.add(&effect);
        locust.files()
    }

    #[test]
    fn the_files_are_as_locust_writes_them() {
        let shown = |full| files(full).map(|(end, text)| format!("── {end}\n{text}")).join("\n");
        insta::assert_snapshot!("files", shown(false).replace("\r\n", "␍\n"));
        let history = &files(true)[1].1;
        insta::assert_snapshot!("full_history", history.replace("\r\n", "␍\n"));
    }

    #[test]
    fn a_run_without_requests_has_headers_and_an_empty_sum() {
        let [stats, history, ..] = Locust::new(0, false).files();
        assert!(stats.1.ends_with(
            "\r\n,Aggregated,0,0,0,0.0,0.0,0.0,0.0,0.0,0.0,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A\r\n"
        ));
        assert_eq!(history.1.matches("\r\n").count(), 1);
    }
}
