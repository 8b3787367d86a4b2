//! An access log: endpoints by their frequency, at the mean rate of the log.

mod line;
pub(super) mod replay;
mod shape;

use std::collections::BTreeMap;

use self::line::Hit;
pub(super) use self::line::{is_entry, is_line};
use self::replay::{HIT, Recorded, TARGET};
use self::shape::{Endpoint, Shapes};
use super::hosts::base_url;
use super::model::{Draft, Findings, Journey, Pace, Request, Step, Target, count};
use super::template::{Template, quoted};
use super::{DraftError, Format, Options, noise};

/// Endpoints of a draft at most: the most frequent ones.
const MOST_ENDPOINTS: usize = 50;
/// Concrete paths that an endpoint draws from.
const DRAWN: usize = 20;
/// Methods that change nothing.
const SAFE: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// What was left out, counted.
#[derive(Default)]
struct LeftOut(BTreeMap<String, usize>);

impl LeftOut {
    fn add(&mut self, what: &str) {
        *self.0.entry(what.to_owned()).or_default() += 1;
    }
}

pub(super) fn read(text: &str, options: &Options) -> Result<Draft, DraftError> {
    let (mut left_out, mut shapes) = (LeftOut::default(), Shapes::default());
    let mut recorded = options.replay.then(Recorded::default);
    let (mut lines, mut first_us, mut last_us, mut kept) = (0_usize, None::<i64>, None::<i64>, 0_usize);
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        lines += 1;
        let Some(hit) = line::read(line) else {
            left_out.add("lines that cannot be read");
            continue;
        };
        if let Some(at) = hit.at_us {
            first_us = Some(first_us.map_or(at, |first| first.min(at)));
            last_us = Some(last_us.map_or(at, |last| last.max(at)));
        }
        match reason_against(&hit, options) {
            Some(reason) => left_out.add(&reason),
            None => {
                kept += 1;
                shapes.add(&hit);
                if let Some(recorded) = &mut recorded {
                    recorded.add(&hit);
                }
            }
        }
    }
    let mut findings = Findings::default();
    if shapes.has_secrets() {
        findings.note("left out: parameters of queries that are secrets by their names, such as tokens");
    }
    let (endpoints, scanned) = shapes.endpoints();
    if endpoints.is_empty() {
        let hint = if left_out.0.keys().any(|reason| reason.contains("--unsafe-methods")) {
            "it contains only requests that change data: `--unsafe-methods` keeps them, without bodies"
        } else {
            "supported are the common and combined formats, and a JSON object a line with method, path and status"
        };
        return Err(DraftError::empty(Format::AccessLog, hint));
    }
    for (what, n) in &left_out.0 {
        findings.note(format!("left out: {what}: {n} of {lines} lines"));
    }
    if scanned > 0 {
        kept -= scanned;
        findings.note(format!(
            "left out: endpoints that the log shows failing only, such as those of scanners: {}",
            count(scanned, "line")
        ));
    }
    let (endpoints, rare) = endpoints.split_at(endpoints.len().min(MOST_ENDPOINTS));
    if !rare.is_empty() {
        let lines: usize = rare.iter().map(Endpoint::count).sum();
        kept -= lines;
        findings.note(format!(
            "left out: {} beyond the {MOST_ENDPOINTS} most frequent ones: {}",
            count(rare.len(), "endpoint"),
            count(lines, "line")
        ));
    }
    let pace = match recorded {
        Some(recorded) => replayed(recorded, endpoints, options, &mut findings)?,
        None => at_mean_rate(rate(kept, first_us.zip(last_us), &mut findings), &mut findings),
    };
    let base_url = base_url(options, None, &mut findings);
    Ok(Draft {
        name: options.name.clone(),
        origin: format!("an access log of {}", count(lines, "line")),
        base_url,
        is_insecure: false,
        headers: Vec::new(),
        journeys: endpoints.iter().map(|endpoint| journey(endpoint, &pace)).collect(),
        pace,
        findings,
    })
}

/// Each request at its own time.
fn replayed(
    recorded: Recorded,
    endpoints: &[Endpoint],
    options: &Options,
    findings: &mut Findings,
) -> Result<Pace, DraftError> {
    if recorded.timeless() > 0 {
        findings.note(format!("left out: requests without a time: {}", count(recorded.timeless(), "line")));
    }
    let (text, starts, seconds) = recorded.file(endpoints);
    if starts == 0 {
        return Err(DraftError::empty(
            Format::AccessLog,
            "a replay needs times, and no line of the log has one",
        ));
    }
    let file = findings.file(&format!("{}-starts.csv", options.name), text.as_bytes());
    findings.note(format!(
        "`{file}` holds {} over {seconds:.0} s, and the load `replay` makes each at its time",
        count(starts, "request")
    ));
    findings.note("changed: users and sessions are not followed; each request is a journey of its own");
    Ok(Pace::Replay(file))
}

fn at_mean_rate(rate: f64, findings: &mut Findings) -> Pace {
    if rate < 1.0 {
        findings.note("low: less than one request per second; raise the rate, or the load makes hardly any");
    }
    findings.note("changed: users and sessions are not followed; each request is a journey of its own, drawn by its frequency");
    Pace::Rate(rate)
}

/// Why a line is no step, if so.
fn reason_against(hit: &Hit, options: &Options) -> Option<String> {
    if !hit.path.starts_with('/') {
        return Some("requests without a path (`CONNECT`, `OPTIONS *`, proxies)".to_owned());
    }
    if !options.keep_all && noise::is_page_file(&hit.path) {
        return Some("files of pages (`--keep-all` takes them over)".to_owned());
    }
    if !SAFE.contains(&hit.method.as_str()) && !options.unsafe_methods {
        return Some(format!(
            "`{}`, which may change data, and whose bodies are unknown (`--unsafe-methods`)",
            hit.method
        ));
    }
    None
}

/// Requests per second over the time of the log.
fn rate(kept: usize, span_us: Option<(i64, i64)>, findings: &mut Findings) -> f64 {
    let seconds = span_us.map_or(0.0, |(first, last)| last.saturating_sub(first) as f64 / 1e6);
    if seconds < 1.0 {
        findings.note("guessed: the rate, since the log's lines have no times, or all the same");
        return 10.0;
    }
    findings.note(format!("the rate is the mean of {seconds:.0} s; what the log does between its busiest and quietest moments is not repeated"));
    kept as f64 / seconds
}

fn journey(endpoint: &Endpoint, pace: &Pace) -> Journey {
    let method = endpoint.method();
    let mut request = Request::new(method, Target::default());
    let paths = endpoint.paths(DRAWN);
    let failed = endpoint.failed_share();
    if failed > 0.05 {
        request.comment = format!("{:.0} % of these failed in the log.", failed * 100.0);
    }
    let mut variables = Vec::new();
    match paths.as_slice() {
        _ if matches!(pace, Pace::Replay(_)) => {
            let target = Template::expression(format!("{HIT}.{TARGET}"));
            request.target = Target { segments: vec![target], query: Vec::new() };
        }
        [only] => {
            request.target = Target::parse(only);
        }
        paths => {
            // Without the slash: a request's path has to begin with one.
            let choices: Vec<String> = paths.iter().map(|path| quoted(&path[1..])).collect();
            variables
                .push(("target".to_owned(), Template::expression(format!("pick([{}])", choices.join(", ")))));
            request.target = Target { segments: vec![Template::expression("target")], query: Vec::new() };
        }
    }
    request.name = Some(endpoint.title());
    Journey {
        name: endpoint.title(),
        comment: String::new(),
        weight: endpoint.count() as u64,
        variables,
        steps: vec![Step::Request(Box::new(request))],
    }
}
