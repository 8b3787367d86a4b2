//! An operation as a request.

use super::refs::Document;
use super::schema::Values;
use super::{media, security};
use crate::draft::body::is_token;
use crate::draft::model::{Findings, Request, Target};
use crate::draft::noise;
use crate::draft::template::Template;
use crate::draft::tree::Tree;

/// An operation of a description.
pub(super) struct Operation<'a> {
    /// In lower case, as there.
    pub(super) method: &'static str,
    /// With its parameters in braces.
    pub(super) path: &'a str,
    /// What all operations of the path have in common.
    pub(super) item: &'a Tree,
    pub(super) told: &'a Tree,
}

impl<'a> Operation<'a> {
    /// The journey to which it belongs: its first tag, or the first word of its path.
    pub(super) fn tag(&self) -> String {
        let word = self.path.split('/').find(|word| !word.is_empty() && !word.contains('{')).unwrap_or("API");
        self.told.get("tags").items().first().and_then(Tree::text).unwrap_or(word).to_owned()
    }

    pub(super) fn request(&self, document: &Document<'a>, findings: &mut Findings) -> Request {
        let mut values = Values { document, findings };
        let parameters = self.parameters(document);
        let target = self.target(&parameters, &mut values);
        let mut request = Request::new(&self.method.to_ascii_uppercase(), target);
        if self.path.contains('{') {
            request.name = Some(format!("{} {}", request.method, self.path));
        }
        let summary = self.told.get("summary").text().or_else(|| self.told.get("operationId").text());
        summary.unwrap_or_default().clone_into(&mut request.comment);
        media::body(self.told.get("requestBody"), &mut request, &mut values);
        let mut cookies = Template::default();
        for parameter in parameters.iter().filter(|parameter| is_required(parameter)) {
            let Some(name) = parameter.get("name").text() else { continue };
            let name = name.to_ascii_lowercase();
            match parameter.get("in").text() {
                Some("header") if is_sent(&name) => request.add_header(&name, values.parameter(parameter)),
                Some("cookie") => {
                    let separator = if cookies == Template::default() { "" } else { "; " };
                    cookies = cookies
                        .then(Template::literal(format!("{separator}{name}=")))
                        .then(values.parameter(parameter));
                }
                _ => {}
            }
        }
        if cookies != Template::default() {
            request.add_header("cookie", cookies);
        }
        security::apply(self.told, document, &mut request, values.findings);
        self.expect(document, &mut request);
        request
    }

    /// The path's parameters and its own, which win.
    fn parameters(&self, document: &Document<'a>) -> Vec<&'a Tree> {
        let mut all: Vec<&Tree> = Vec::new();
        for list in [self.told.get("parameters"), self.item.get("parameters")] {
            for parameter in list.items() {
                let parameter = document.resolve(parameter);
                let is_same = |known: &&&Tree| {
                    known.get("name") == parameter.get("name") && known.get("in") == parameter.get("in")
                };
                if !all.iter().any(|known| is_same(&known)) {
                    all.push(parameter);
                }
            }
        }
        all
    }

    fn target(&self, parameters: &[&'a Tree], values: &mut Values<'_, 'a>) -> Target {
        let path = self.path.split(['?', '#']).next().unwrap_or_default();
        let path = path.strip_prefix('/').unwrap_or(path);
        let segments = path.split('/').map(|segment| {
            let (mut filled, mut rest) = (Template::default(), segment);
            while let Some((before, (name, after))) =
                rest.split_once('{').and_then(|(before, after)| Some((before, after.split_once('}')?)))
            {
                let of_name = |parameter: &&&Tree| {
                    parameter.get("name").text() == Some(name) && parameter.get("in").text() == Some("path")
                };
                let value = match parameters.iter().find(of_name) {
                    Some(parameter) => values.parameter(parameter),
                    None => values.unknown(name),
                };
                filled = filled.then(Template::literal(before)).then(encoded(value));
                rest = after;
            }
            filled.then(Template::literal(rest))
        });
        let mut target = Target { segments: segments.collect(), query: Vec::new() };
        let is_sent =
            |parameter: &&&Tree| parameter.get("in").text() == Some("query") && is_required(parameter);
        for parameter in parameters.iter().filter(is_sent) {
            let Some(name) = parameter.get("name").text() else { continue };
            let sent: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
            for value in values.parameters(parameter) {
                target.query.push((sent.clone(), Some(encoded(value))));
            }
        }
        target
    }

    /// The successes that it documents.
    fn expect(&self, document: &Document<'a>, request: &mut Request) {
        let responses = document.resolve(self.told.get("responses")).entries();
        let statuses = || responses.iter().filter_map(|(status, _)| status.parse::<u16>().ok());
        let is_open = responses.iter().any(|(status, _)| status.eq_ignore_ascii_case("2xx"));
        if is_open {
            return;
        }
        request.expect = statuses().filter(|status| (200..300).contains(status)).collect();
        if request.expect.is_empty() {
            request.expect = statuses().filter(|status| (300..400).contains(status)).collect();
            request.stays_at_redirect = !request.expect.is_empty();
        }
    }
}

/// Whether a header is one of the request's own; descriptions may name these three, and mean nothing by it.
fn is_sent(name: &str) -> bool {
    !["accept", "content-type", "authorization"].contains(&name) && !noise::is_header(name) && is_token(name)
}

fn is_required(parameter: &Tree) -> bool {
    parameter.get("required").is_true()
}

/// A literal of a URL, percent-encoded; expressions are where they are sent.
fn encoded(value: Template) -> Template {
    match value.as_literal() {
        Some(text) => {
            let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
            Template::literal(encoded.replace('+', "%20"))
        }
        None => value,
    }
}
