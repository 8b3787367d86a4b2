//! Values that came in an answer and were sent later: they become extractions and variables.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};

use super::values::{Place, bare, id_of, visit};
use super::{Exchange, html};
use crate::draft::model::{Extract, Findings};
use crate::draft::tree::Tree;
use crate::draft::{body, names};

/// What is sent, by its text: what it is called, and the first exchange that sends it. What was sent before an answer
/// had it is the user's own.
type Wanted = HashMap<String, Vec<(String, usize)>>;

/// Where a value comes from.
struct Source {
    at: usize,
    extract: Extract,
    /// Filters behind the variable.
    filters: &'static str,
    is_number: bool,
    /// What it is called.
    name: String,
}

/// Values of a page for which a regular expression is tried, at most: each looks through the page.
const MOST_ATTEMPTS: u32 = 200;

/// Takes a value of an answer, what it may be called, and how it is made a source.
type Offer<'a> = dyn FnMut(&str, &[String], &dyn Fn() -> Option<Source>) + 'a;

/// Sources by name and text.
#[derive(Default)]
struct Sources(HashMap<(String, String), Source>);

/// Turns values of earlier answers in requests into variables.
pub(super) fn connect(exchanges: &mut [Exchange], findings: &mut Findings) {
    let mut wanted = Wanted::new();
    for (at, exchange) in exchanges.iter_mut().enumerate() {
        visit(&mut exchange.request, &mut |value| {
            if let Some((name, text)) = value.key() {
                let known = wanted.entry(text).or_default();
                if !known.iter().any(|(other, _)| *other == name) {
                    known.push((name, at));
                }
            }
            None
        });
    }
    let mut sources = Sources::default();
    for (at, exchange) in exchanges.iter().enumerate() {
        look_into(at, exchange, &wanted, &mut sources);
    }
    if sources.0.is_empty() {
        return;
    }
    let variables = variables(&sources, exchanges);
    for (at, exchange) in exchanges.iter_mut().enumerate() {
        visit(&mut exchange.request, &mut |value| {
            let key = value.key()?;
            let source = sources.0.get(&key).filter(|source| source.at < at)?;
            let kind = match (value.place, source.is_number) {
                (Place::Number, false) => " | int",
                (Place::Text, true) => " | string",
                _ => "",
            };
            Some(format!("{}{}{kind}", variables.get(&(source.at, source.extract_text()))?, source.filters))
        });
    }
    let names: BTreeSet<&String> = variables.values().collect();
    let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    findings.note(format!(
        "extracted: values that an answer gave and a later request sent: `{}`",
        names.join("`, `")
    ));
}

/// Names for the variables, one for each place in an answer, and the extractions.
fn variables(sources: &Sources, exchanges: &mut [Exchange]) -> HashMap<(usize, String), String> {
    let mut ordered: Vec<&Source> = sources.0.values().collect();
    ordered.sort_by(|a, b| (a.at, &a.name, a.extract_text()).cmp(&(b.at, &b.name, b.extract_text())));
    let (mut names, mut taken) = (HashMap::new(), BTreeSet::new());
    for source in ordered {
        let place = (source.at, source.extract_text());
        if names.contains_key(&place) {
            continue;
        }
        let name = names::unused(&names::variable(&source.name), |name| taken.contains(name));
        taken.insert(name.clone());
        exchanges[source.at].request.extract.push((name.clone(), source.extract.clone()));
        names.insert(place, name);
    }
    names
}

impl Source {
    fn extract_text(&self) -> String {
        format!("{:?}", self.extract)
    }
}

fn look_into(at: usize, exchange: &Exchange, wanted: &Wanted, sources: &mut Sources) {
    let mut offer = |texts: &str, names: &[String], make: &dyn Fn() -> Option<Source>| {
        let Some(uses) = wanted.get(texts) else { return };
        for (name, first) in uses {
            let is_meant = *first > at && (name.is_empty() || names.contains(name));
            let key = (name.clone(), texts.to_owned());
            if is_meant
                && !sources.0.contains_key(&key)
                && let Some(source) = make()
            {
                sources.0.insert(key, source);
            }
        }
    };
    let answer = &exchange.answer;
    let about = about(exchange);
    let media = body::essence(&answer.media);
    if body::is_json(&media) || (media.is_empty() && answer.text.starts_with(['{', '['])) {
        if let Ok(tree) = serde_json::from_str::<Tree>(&answer.text) {
            leaves(&tree, &mut String::new(), "", &about, &mut |pointer, key, parent, leaf| {
                let Some(text) = leaf.scalar() else { return };
                let own = if is_bare_id(key) { id_of(parent) } else { key.to_owned() };
                let called = [bare(key), bare(&own)];
                offer(&text, &called, &|| {
                    let extract = Extract::Pointer(pointer.to_owned());
                    let is_number = matches!(leaf, Tree::Number(_));
                    Some(Source { at, extract, filters: "", is_number, name: own.clone() })
                });
                // `"/orders/17"`, or with a host before it.
                if let Some((before, last)) =
                    text.rsplit_once('/').filter(|_| !text.contains(['?', '#', ' ']))
                {
                    let name = id_of(before.rsplit('/').next().unwrap_or_default());
                    offer(last, &[bare(&name)], &|| {
                        let extract = Extract::Pointer(pointer.to_owned());
                        Some(Source {
                            at,
                            extract,
                            filters: " | split(\"/\") | last",
                            is_number: false,
                            name: name.clone(),
                        })
                    });
                }
            });
        }
    } else if media.starts_with("text/") || media.contains("xml") || media.contains("javascript") {
        let attempts = Cell::new(0);
        html::values(&answer.text, &mut |found| {
            let (text, name) = found.meant();
            let names = if found.is_anonymous { Vec::new() } else { vec![name] };
            offer(&text, &names, &|| {
                attempts.set(attempts.get() + 1);
                if attempts.get() > MOST_ATTEMPTS {
                    return None;
                }
                let extract = Extract::Regex(found.pattern(&answer.text)?);
                Some(Source { at, extract, filters: "", is_number: false, name: found.name.clone() })
            });
        });
    }
    headers(at, exchange, &about, &mut offer);
}

fn headers(at: usize, exchange: &Exchange, about: &str, offer: &mut Offer<'_>) {
    let mut is_first_cookie = true;
    for (name, value) in &exchange.answer.headers {
        let source = |filters, called: &str| {
            let extract = Extract::Header(name.clone());
            Some(Source { at, extract, filters, is_number: false, name: called.to_owned() })
        };
        match name.as_str() {
            // Extraction takes the first.
            "set-cookie" if std::mem::take(&mut is_first_cookie) => {
                let pair = value.split([';', '\n']).next().unwrap_or_default();
                if let Some((cookie, value)) = pair.split_once('=') {
                    let filters = " | split(\";\") | first | split(\"=\", 1) | last";
                    offer(value, &[bare(cookie)], &|| source(filters, cookie));
                }
            }
            "set-cookie" | "date" | "content-length" | "content-type" | "server" => {}
            "location" | "content-location" => {
                let called = id_of(about);
                offer(value, &[bare(&called)], &|| source("", name));
                let path = value.split(['?', '#']).next().unwrap_or_default();
                if let Some(last) = path.rsplit('/').next().filter(|_| path.len() == value.len()) {
                    offer(last, &[bare(&called)], &|| source(" | split(\"/\") | last", &called));
                }
            }
            _ => offer(value, &[bare(name)], &|| source("", name)),
        }
    }
}

/// What an exchange is about: the last word of its path.
fn about(exchange: &Exchange) -> String {
    let mut segments = exchange.request.target.segments.iter().filter_map(|segment| segment.as_literal());
    segments.rfind(|s| !names::is_id(s) && !s.is_empty()).unwrap_or_default().to_owned()
}

fn is_bare_id(key: &str) -> bool {
    ["id", "uuid", "guid"].contains(&bare(key).as_str())
}

/// Visits the leaves of an answer: pointer, key, what it is a part of, value.
fn leaves(
    tree: &Tree,
    pointer: &mut String,
    key: &str,
    parent: &str,
    each: &mut dyn FnMut(&str, &str, &str, &Tree),
) {
    let length = pointer.len();
    match tree {
        Tree::List(items) => {
            for (at, item) in items.iter().enumerate() {
                pointer.push_str(&format!("/{at}"));
                leaves(item, pointer, key, parent, each);
                pointer.truncate(length);
            }
        }
        Tree::Table(entries) => {
            let parent =
                if key.is_empty() || ["data", "items", "results"].contains(&key) { parent } else { key };
            for (name, value) in entries {
                pointer.push_str(&format!("/{}", name.replace('~', "~0").replace('/', "~1")));
                leaves(value, pointer, name, parent, each);
                pointer.truncate(length);
            }
        }
        leaf => each(pointer, key, parent, leaf),
    }
}
