//! An API description, `OpenAPI` 3: operations become requests, tags journeys, schemas generators.

mod link;
mod media;
mod operation;
mod refs;
mod schema;
mod security;
mod text;

use std::collections::BTreeMap;

use self::operation::Operation;
use self::refs::Document;
use super::hosts::{Address, base_url};
use super::model::{Draft, Findings, Journey, Pace, Step, count};
use super::tree::Tree;
use super::{DraftError, Format, MOST_REQUESTS, Options};

/// Methods that a path may have.
const METHODS: [&str; 7] = ["post", "get", "put", "patch", "head", "options", "delete"];

pub(super) fn read(tree: &Tree, options: &Options) -> Result<Draft, DraftError> {
    let document = Document::new(tree);
    let mut findings = Findings::default();
    let mut operations = Vec::new();
    let (mut deprecated, mut beyond) = (0, 0);
    for (path, item) in tree.get("paths").entries() {
        let item = document.resolve(item);
        for method in METHODS {
            let told = item.get(method);
            if told.entries().is_empty() {
                continue;
            }
            if told.get("deprecated").is_true() {
                deprecated += 1;
            } else if operations.len() == MOST_REQUESTS {
                beyond += 1;
            } else {
                operations.push(Operation { method, path, item, told });
            }
        }
    }
    if operations.is_empty() {
        let hint = if document.has_outside_references() {
            "its `paths` are in other files: bundle it into one, for example with `npx @redocly/cli bundle FILE`"
        } else {
            "its `paths` are empty, or all of them are deprecated"
        };
        return Err(DraftError::empty(Format::OpenApi, hint));
    }
    if deprecated > 0 {
        findings.note(format!("left out: {}", count(deprecated, "deprecated operation")));
    }
    if beyond > 0 {
        findings.note(format!("left out: {beyond} operations beyond the first {MOST_REQUESTS}"));
    }
    let journeys = journeys(operations, &document, &mut findings);
    findings.note(
        "guessed: values without an example are drawn from their schema, and only required ones are sent",
    );
    if document.has_outside_references() {
        findings.note("left out: what other files or URLs describe (`$ref`); bundle the description into one file to have it");
    }
    let base_url = server(tree, options, &mut findings);
    let title = tree.at(&["info", "title"]).text().unwrap_or("an API");
    Ok(Draft {
        name: options.name.clone(),
        origin: format!("the OpenAPI description of `{title}`"),
        base_url,
        is_insecure: false,
        headers: Vec::new(),
        journeys,
        pace: Pace::Usual,
        findings,
    })
}

/// A journey for each tag: what it creates first, what it deletes last.
fn journeys(
    operations: Vec<Operation<'_>>,
    document: &Document<'_>,
    findings: &mut Findings,
) -> Vec<Journey> {
    let (mut order, mut by_tag) = (Vec::<String>::new(), BTreeMap::<String, Vec<Operation<'_>>>::new());
    for operation in operations {
        let tag = operation.tag();
        if !order.contains(&tag) {
            order.push(tag.clone());
        }
        by_tag.entry(tag).or_default().push(operation);
    }
    let mut journeys = Vec::new();
    for tag in order {
        let mut operations = by_tag.remove(&tag).unwrap_or_default();
        link::sort(&mut operations);
        let mut requests: Vec<_> =
            operations.iter().map(|operation| operation.request(document, findings)).collect();
        link::connect(&operations, &mut requests, document);
        let described = document.root.get("tags").items().iter().find(|t| t.get("name").text() == Some(&tag));
        let comment = described.and_then(|tag| tag.get("description").text()).unwrap_or_default();
        journeys.push(Journey {
            name: tag,
            comment: comment.lines().next().unwrap_or_default().to_owned(),
            weight: 1,
            variables: Vec::new(),
            steps: requests.into_iter().map(|request| Step::Request(Box::new(request))).collect(),
        });
    }
    journeys
}

/// The base URL, path included: paths of the description are below it.
fn server(tree: &Tree, options: &Options, findings: &mut Findings) -> String {
    let servers = tree.get("servers").items();
    let first = servers.first().unwrap_or(&Tree::Null);
    let mut url = first.get("url").text().unwrap_or("/").trim_end_matches('/').to_owned();
    for (name, variable) in first.get("variables").entries() {
        let default = variable.get("default").scalar().unwrap_or_default();
        url = url.replace(&format!("{{{name}}}"), &default);
    }
    if servers.len() > 1 {
        findings.note(format!("guessed: the first of {} servers is meant", servers.len()));
    }
    if Address::parse(&url).is_some() && !url.contains(['{', '}']) {
        return base_url(options, Some(&url), findings);
    }
    let base = base_url(options, None, findings);
    // One that is relative to where the description was read.
    let is_whole =
        options.base_url.as_deref().and_then(Address::parse).is_some_and(|a| a.target.source() != "/");
    if is_whole || !url.starts_with('/') || url.contains(['{', '}']) { base } else { format!("{base}{url}") }
}
