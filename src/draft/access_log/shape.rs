//! Endpoints of a log: paths that differ in a varying part alone are one.

use std::collections::{BTreeMap, BTreeSet};

use super::line::Hit;
use crate::draft::names;
use crate::redact::is_secret_name;

/// What stands for a varying part.
const VARYING: &str = "{id}";
/// So many different words at one place of a path are values, not endpoints.
const MANY: usize = 20;
/// At the first place of a path there are many words that are endpoints.
const MANY_AT_FIRST: usize = 200;
/// Different endpoints before words are taken for values, at most, and different paths of each.
const MOST_SHAPES: usize = 50_000;
const MOST_PATHS: usize = 1_000;

/// Endpoints while a log is read.
#[derive(Default)]
pub(super) struct Shapes {
    tallies: BTreeMap<(String, Vec<String>), Tally>,
    has_secrets: bool,
}

#[derive(Default)]
struct Tally {
    hits: usize,
    failed: usize,
    /// Concrete paths with their numbers.
    paths: BTreeMap<String, usize>,
}

/// An endpoint of a log.
pub(super) struct Endpoint {
    method: String,
    segments: Vec<String>,
    tally: Tally,
}

impl Shapes {
    pub(super) fn add(&mut self, hit: &Hit) {
        let path = without_secrets(&hit.path);
        self.has_secrets |= path != hit.path;
        let bare = path.split('?').next().unwrap_or_default();
        let segment = |s: &str| if names::is_id(s) { VARYING.to_owned() } else { s.to_owned() };
        let key = (hit.method.clone(), bare.split('/').skip(1).map(segment).collect());
        if self.tallies.len() >= MOST_SHAPES && !self.tallies.contains_key(&key) {
            return;
        }
        let tally = self.tallies.entry(key).or_default();
        tally.hits += 1;
        tally.failed += usize::from(hit.status >= 400);
        if tally.paths.len() < MOST_PATHS || tally.paths.contains_key(&path) {
            *tally.paths.entry(path).or_default() += 1;
        }
    }

    /// Whether parameters were dropped because they are secrets.
    pub(super) fn has_secrets(&self) -> bool {
        self.has_secrets
    }

    /// The endpoints, the most frequent first, and how many lines went to those that only ever failed.
    pub(super) fn endpoints(mut self) -> (Vec<Endpoint>, usize) {
        let longest = self.tallies.keys().map(|(_, segments)| segments.len()).max().unwrap_or(0);
        for place in 0..longest.min(20) {
            self.collapse(place);
        }
        let mut scanned = 0;
        let mut endpoints = Vec::new();
        for ((method, segments), tally) in self.tallies {
            if tally.failed == tally.hits {
                scanned += tally.hits;
            } else {
                endpoints.push(Endpoint { method, segments, tally });
            }
        }
        endpoints.sort_by_key(|endpoint| std::cmp::Reverse(endpoint.tally.hits));
        (endpoints, scanned)
    }

    /// Makes one of endpoints that differ at a place alone, if there are many of them.
    fn collapse(&mut self, place: usize) {
        let mut groups: BTreeMap<(String, Vec<String>), BTreeSet<String>> = BTreeMap::new();
        let generalized = |segments: &[String]| {
            let mut general = segments.to_vec();
            VARYING.clone_into(&mut general[place]);
            general
        };
        for (method, segments) in self.tallies.keys().filter(|(_, segments)| segments.len() > place) {
            let group = groups.entry((method.clone(), generalized(segments))).or_default();
            group.insert(segments[place].clone());
        }
        let many = if place == 0 { MANY_AT_FIRST } else { MANY };
        for (key, words) in groups.into_iter().filter(|(_, words)| words.len() > many) {
            for word in words {
                let mut segments = key.1.clone();
                segments[place] = word;
                let Some(tally) = self.tallies.remove(&(key.0.clone(), segments)) else { continue };
                self.tallies.entry(key.clone()).or_default().merge(tally);
            }
        }
    }
}

impl Tally {
    fn merge(&mut self, other: Self) {
        self.hits += other.hits;
        self.failed += other.failed;
        for (path, hits) in other.paths {
            if self.paths.len() < MOST_PATHS || self.paths.contains_key(&path) {
                *self.paths.entry(path).or_default() += hits;
            }
        }
    }
}

impl Endpoint {
    pub(super) fn method(&self) -> &str {
        &self.method
    }

    /// `/products/{id}`.
    pub(super) fn shape(&self) -> String {
        format!("/{}", self.segments.join("/"))
    }

    /// What it is called: `GET /products/{id}`.
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.method, self.shape())
    }

    /// Whether a request is one to it.
    pub(super) fn has(&self, method: &str, path: &str) -> bool {
        let bare = path.split('?').next().unwrap_or_default();
        let mut segments = bare.split('/').skip(1);
        let fits =
            |wanted: &String| segments.next().is_some_and(|segment| wanted == VARYING || wanted == segment);
        self.method == method && self.segments.iter().all(fits) && segments.next().is_none()
    }

    /// Its lines.
    pub(super) fn count(&self) -> usize {
        self.tally.hits
    }

    /// The share of its answers that were failures.
    pub(super) fn failed_share(&self) -> f64 {
        self.tally.failed as f64 / self.tally.hits.max(1) as f64
    }

    /// Its most frequent paths, each as often as suits its share, about `most` in all.
    pub(super) fn paths(&self, most: usize) -> Vec<String> {
        let mut paths: Vec<(&String, usize)> =
            self.tally.paths.iter().map(|(path, hits)| (path, *hits)).collect();
        paths.sort_by_key(|(_, hits)| std::cmp::Reverse(*hits));
        paths.truncate(most);
        let all: usize = paths.iter().map(|(_, hits)| hits).sum();
        if let [(only, _)] = paths.as_slice() {
            return vec![(*only).clone()];
        }
        let times = |hits: usize| (hits * most / all.max(1)).max(1);
        // Equally frequent paths stand there once each.
        let divisor = paths.iter().map(|(_, hits)| times(*hits)).reduce(greatest_common_divisor).unwrap_or(1);
        let repeated =
            |(path, hits): (&String, usize)| std::iter::repeat_n(path.clone(), times(hits) / divisor);
        paths.into_iter().flat_map(repeated).collect()
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// A path without the parameters of its query that are secrets: they have no place in a scenario.
pub(super) fn without_secrets(path: &str) -> String {
    let Some((bare, query)) = path.split_once('?') else { return path.to_owned() };
    let harmless = |pair: &&str| !is_secret_name(pair.split('=').next().unwrap_or_default());
    let kept: Vec<&str> = query.split('&').filter(harmless).collect();
    if kept.is_empty() { bare.to_owned() } else { format!("{bare}?{}", kept.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(paths: impl IntoIterator<Item = String>) -> Vec<(String, usize)> {
        let mut shapes = Shapes::default();
        for path in paths {
            shapes.add(&Hit { method: "GET".to_owned(), path, status: 200, at_us: None });
        }
        shapes.endpoints().0.iter().map(|endpoint| (endpoint.shape(), endpoint.count())).collect()
    }

    #[test]
    fn varying_parts_are_one_endpoint() {
        let ids = (0..30).map(|n| format!("/orders/{n}/lines"));
        let words = ('a'..='z').map(|c| format!("/tags/{c}{c}?page=1"));
        let few = ["/about", "/help", "/help"].map(str::to_owned);
        assert_eq!(
            endpoints(ids.chain(words).chain(few)),
            [
                ("/orders/{id}/lines".to_owned(), 30),
                ("/tags/{id}".to_owned(), 26),
                ("/help".to_owned(), 2),
                ("/about".to_owned(), 1),
            ]
        );
    }

    #[test]
    fn secrets_of_queries_are_dropped() {
        assert_eq!(without_secrets("/a?token=x&b=1"), "/a?b=1");
        assert_eq!(without_secrets("/a?password=x"), "/a");
    }
}
