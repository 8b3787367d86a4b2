//! A browser's recording (HAR 1.2): what its user did, without the files and trackers that came along.

mod entry;
mod flow;
mod html;
mod redirect;
mod values;

use std::collections::BTreeMap;
use std::time::Duration;

use self::entry::Entry;
use super::hosts::Hosts;
use super::model::{Draft, Findings, Journey, Pace, Request, Step, count};
use super::tree::Tree;
use super::{DraftError, Format, MOST_REQUESTS, Options, noise};

/// Gaps shorter than this are the browser's, not the user's.
const LEAST_PAUSE: Duration = Duration::from_millis(300);
/// A user who pauses longer than this was doing something else.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A request of the recording, with the last answer to it.
pub(super) struct Exchange {
    pub(super) request: Request,
    pub(super) answer: Answer,
    /// In µs since 1970, as far as it is known.
    started_us: Option<i64>,
    ended_us: Option<i64>,
}

/// What came back.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) media: String,
    /// The body, where it was recorded and is text.
    pub(super) text: String,
}

pub(super) fn read(tree: &Tree, options: &Options) -> Result<Draft, DraftError> {
    let log = tree.get("log");
    let mut entries: Vec<Entry<'_>> = log.get("entries").items().iter().map(Entry::new).collect();
    if entries.iter().all(|entry| entry.started_us.is_some()) {
        entries.sort_by_key(|entry| entry.started_us);
    }
    let mut findings = Findings::default();
    let mut hosts = Hosts::new(options);
    if let Some(main) = main_origin(&entries, options) {
        hosts.prefer(&main);
    }
    let mut exchanges = exchanges(&entries, options, &mut hosts, &mut findings);
    if exchanges.is_empty() {
        return Err(DraftError::empty(
            Format::Har,
            "no request is left: `--keep-all` takes files of pages over",
        ));
    }
    lacks(&exchanges, &entries, &mut findings);
    let base_url = hosts.finish(&mut findings);
    flow::connect(&mut exchanges, &mut findings);
    let steps = steps(exchanges, &mut findings);
    let creator = log.at(&["creator", "name"]).text().unwrap_or("a browser");
    let journey = Journey {
        name: "Visit".to_owned(),
        comment: "The recording, in its order.".to_owned(),
        weight: 1,
        variables: Vec::new(),
        steps,
    };
    Ok(Draft {
        name: options.name.clone(),
        origin: format!("a recording (HAR, by {creator}) with {} requests", entries.len()),
        base_url,
        is_insecure: false,
        headers: Vec::new(),
        journeys: vec![journey],
        pace: Pace::Recorded,
        findings,
    })
}

/// The host of the first page or call that is not noise and does not lead elsewhere.
fn main_origin(entries: &[Entry<'_>], options: &Options) -> Option<String> {
    let asked = options.base_url.as_deref().map(|url| url.trim_end_matches('/'));
    let work =
        || entries.iter().filter(|entry| entry.noise().is_none()).filter_map(|entry| entry.address.as_ref());
    if let Some(given) = work().find(|address| Some(address.origin.as_str()) == asked) {
        return Some(given.origin.clone());
    }
    let stays = |entry: &&Entry<'_>| {
        let leads_to = redirect::location(entry).map(|address| address.origin);
        leads_to.is_none_or(|origin| entry.address.as_ref().is_some_and(|address| address.origin == origin))
    };
    let first = entries.iter().filter(|entry| entry.noise().is_none()).find(stays)?;
    first.address.as_ref().map(|address| address.origin.clone())
}

/// What is left of the entries: noise, other hosts and the follow-ups of redirects are taken out.
fn exchanges(
    entries: &[Entry<'_>],
    options: &Options,
    hosts: &mut Hosts<'_>,
    findings: &mut Findings,
) -> Vec<Exchange> {
    let (mut kept, mut left_out) = (Vec::new(), BTreeMap::<&str, usize>::new());
    let mut is_followed = vec![false; entries.len()];
    for (at, entry) in entries.iter().enumerate() {
        let Some(address) = &entry.address else {
            *left_out.entry("requests that are not HTTP").or_default() += 1;
            continue;
        };
        if is_followed[at] {
            continue;
        }
        if let Some(noise) = entry.noise().filter(|noise| !options.keep_all || noise.is_impossible()) {
            *left_out.entry(noise.text()).or_default() += 1;
            continue;
        }
        if !hosts.is_main(&address.origin)
            && redirect::location(entry).is_some_and(|to| to.host == address.host)
        {
            // From `http` to `https`, say: what follows is requested.
            continue;
        }
        if !hosts.admit(address) {
            continue;
        }
        if kept.len() == MOST_REQUESTS {
            *left_out.entry("requests beyond the first 500").or_default() += 1;
            continue;
        }
        let chain = redirect::chain(entries, at, &mut is_followed);
        let last = chain.last().map_or(entry, |last| &entries[*last]);
        let mut request = entry.request(findings);
        hosts.send(&mut request, address);
        let answer = last.answer();
        request.stays_at_redirect = (300..400).contains(&answer.status) && answer.status != 304;
        match answer.status {
            200..=299 => request.expect = vec![answer.status],
            0 | 304 => {}
            status @ (300..=399) => request.expect = vec![status],
            status => {
                request.expect = vec![status];
                request.comment.push_str("failed in the recording, too");
            }
        }
        kept.push(Exchange { request, answer, started_us: entry.started_us, ended_us: last.ended_us });
    }
    for (what, n) in left_out {
        let flag = if what.starts_with("files") || what.starts_with("trackers") {
            " (`--keep-all` takes them over)"
        } else {
            ""
        };
        findings.note(format!("left out: {what}: {n}{flag}"));
    }
    kept
}

/// What the recording does not show.
fn lacks(exchanges: &[Exchange], entries: &[Entry<'_>], findings: &mut Findings) {
    let is_text = |exchange: &&Exchange| {
        let media = &exchange.answer.media;
        exchange.answer.status == 200 && (media.contains("json") || media.contains("html"))
    };
    let silent = exchanges.iter().filter(is_text).filter(|exchange| exchange.answer.text.is_empty()).count();
    if silent > 0 {
        findings.note(format!(
            "unknown: {} without its body in the recording; values from there cannot be followed (save the HAR with content)",
            count(silent, "answer")
        ));
    }
    let mut given: Vec<&str> = Vec::new();
    let mut unknown: Vec<String> = Vec::new();
    for entry in entries {
        for name in entry.sent_cookies() {
            if !given.contains(&name.as_str()) && !unknown.contains(&name) && !is_tracking_cookie(&name) {
                unknown.push(name);
            }
        }
        given.extend(entry.set_cookies());
    }
    if !unknown.is_empty() {
        unknown.truncate(8);
        findings.note(format!(
            "unknown: where the cookies `{}` come from: no answer in the recording sets them. If one is a session, record from before \
             the login on, in a private window",
            unknown.join("`, `")
        ));
    }
}

fn is_tracking_cookie(name: &str) -> bool {
    [
        "_ga",
        "_gid",
        "_gcl",
        "_fbp",
        "_hj",
        "_cl",
        "ajs_",
        "amplitude",
        "mp_",
        "optimizely",
        "OptanonConsent",
        "__utm",
    ]
    .iter()
    .any(|start| name.starts_with(start))
}

/// Requests with the pauses between them.
fn steps(exchanges: Vec<Exchange>, findings: &mut Findings) -> Vec<Step> {
    let mut steps = Vec::new();
    let (mut free_us, mut shortened) = (None::<i64>, 0);
    for Exchange { request, started_us, ended_us, .. } in exchanges {
        if let (Some(free), Some(started)) = (free_us, started_us) {
            let gap = Duration::from_micros(u64::try_from(started.saturating_sub(free)).unwrap_or(0));
            if gap >= LEAST_PAUSE {
                shortened += usize::from(gap > LONGEST_PAUSE);
                steps.push(Step::Pause(gap.min(LONGEST_PAUSE)));
            }
        }
        free_us = free_us.max(ended_us).max(started_us);
        steps.push(Step::Request(Box::new(request)));
    }
    if shortened > 0 {
        findings.note(format!("changed: {} shortened to 10 s", count(shortened, "longer pause")));
    }
    if steps.iter().filter(|step| step.request().is_some()).count() > 1 {
        findings
            .note("changed: requests that the browser sent at the same time are sent one after the other");
    }
    steps
}

/// Whether an entry is work, or why it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noise {
    File,
    Tracker,
    Preflight,
    Socket,
    Unanswered,
}

impl Noise {
    fn text(self) -> &'static str {
        match self {
            Self::File => "files of pages (images, fonts, stylesheets, scripts, media)",
            Self::Tracker => "trackers and advertisements",
            Self::Preflight => "preflight requests (`OPTIONS`), which browsers send by themselves",
            Self::Socket => "WebSockets and streams of events",
            Self::Unanswered => "requests that were never answered",
        }
    }

    /// Whether no flag makes it a step.
    fn is_impossible(self) -> bool {
        matches!(self, Self::Socket | Self::Unanswered)
    }

    /// What an entry is besides work.
    fn of(entry: &Entry<'_>) -> Option<Self> {
        let (address, media) = (entry.address.as_ref()?, entry.media());
        let kind = entry.kind();
        if noise::is_tracker(&address.host) || kind == "ping" || kind == "csp-violation-report" {
            return Some(Self::Tracker);
        }
        if kind == "preflight" || (entry.method == "OPTIONS" && entry.asks_for_permission()) {
            return Some(Self::Preflight);
        }
        if kind == "websocket"
            || kind == "eventsource"
            || entry.status() == 101
            || media.starts_with("text/event-stream")
        {
            return Some(Self::Socket);
        }
        if ["image", "font", "stylesheet", "script", "media", "manifest", "texttrack"].contains(&kind)
            || noise::is_page_media(media)
            || (entry.method == "GET" && noise::is_page_file(&address.target.source()))
        {
            return Some(Self::File);
        }
        entry.is_unanswered().then_some(Self::Unanswered)
    }
}
