//! What is known of a scenario before it is written.

use std::time::Duration;

use super::template::Template;
use super::tree::Tree;

/// A scenario in the making.
#[derive(Debug)]
pub struct Draft {
    /// The scenario's name.
    pub name: String,
    /// What it was made from, as a sentence goes on after "Written from".
    pub origin: String,
    /// Where its requests go.
    pub base_url: String,
    /// Whether any certificate is accepted.
    pub is_insecure: bool,
    /// Headers of all requests, names in lower case.
    pub headers: Vec<(String, Template)>,
    /// Its journeys; none is empty.
    pub journeys: Vec<Journey>,
    /// How much traffic it makes.
    pub pace: Pace,
    /// What people have to know of it, and to give to it.
    pub findings: Findings,
}

/// How fast users go.
#[derive(Clone, Debug, PartialEq)]
pub enum Pace {
    /// The pauses are among the steps.
    Recorded,
    /// Nothing is known: users think for a usual time.
    Usual,
    /// Journeys start at this mean rate per second.
    Rate(f64),
    /// Journeys start when a file says, with its lines.
    Replay(String),
}

/// What a draft's reader has to know.
#[derive(Debug, Default)]
pub struct Findings {
    /// What was left out, guessed or changed, a sentence each.
    pub notes: Vec<String>,
    /// Environment variables that hold secrets.
    pub secrets: Vec<Secret>,
    /// Files that requests send.
    pub files: Vec<DraftFile>,
}

/// A secret that was found, or is needed.
#[derive(Debug)]
pub struct Secret {
    /// The environment variable that holds it from now on.
    pub variable: String,
    /// What it is.
    pub what: String,
    /// What it was, so that the same secret has the same name; never written. Empty if unknown.
    pub(super) value: String,
}

/// A file beside the scenario.
#[derive(Debug, PartialEq, Eq)]
pub struct DraftFile {
    /// Its name, relative to the scenario.
    pub name: String,
    /// What it holds.
    pub content: Vec<u8>,
}

/// Steps of a user, one after the other.
#[derive(Debug)]
pub struct Journey {
    /// Its name.
    pub name: String,
    /// What it is about; may be empty.
    pub comment: String,
    /// How often it is performed, relative to the others.
    pub weight: u64,
    /// Variables of the whole journey.
    pub variables: Vec<(String, Template)>,
    /// What is done.
    pub steps: Vec<Step>,
}

/// A request, or the time before the next.
#[derive(Debug)]
pub enum Step {
    /// A request.
    Request(Box<Request>),
    /// A pause.
    Pause(Duration),
}

/// A request and what is expected of its answer.
#[derive(Debug)]
pub struct Request {
    /// What it is, for a reader; may be empty.
    pub comment: String,
    /// Its method, in capitals.
    pub method: String,
    /// Scheme, host and port; none for the base URL.
    pub origin: Option<String>,
    /// Where it goes there.
    pub target: Target,
    /// Its endpoint's name, where path and method do not give a good one.
    pub name: Option<String>,
    /// Its headers, names in lower case.
    pub headers: Vec<(String, Template)>,
    /// Its body.
    pub body: Option<Body>,
    /// Statuses that are `ok`; any success if empty.
    pub expect: Vec<u16>,
    /// Variables that its answer gives.
    pub extract: Vec<(String, Extract)>,
    /// Whether redirects are answers like any other.
    pub stays_at_redirect: bool,
}

/// A path and a query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Target {
    /// What stands between the slashes, as it is sent.
    pub segments: Vec<Template>,
    /// Names and values, as they are sent; a name alone has no value.
    pub query: Vec<(String, Option<Template>)>,
}

/// The body of a request.
#[derive(Debug, PartialEq)]
pub enum Body {
    /// A JSON value.
    Json(Tree<Template>),
    /// Fields of a form, each name once.
    Form(Vec<(String, Template)>),
    /// Parts of a form with files.
    Multipart(Vec<(String, Part)>),
    /// A text.
    Text(Template),
    /// A file of this name.
    File(String),
}

/// A part of a form with files.
#[derive(Debug, PartialEq)]
pub enum Part {
    /// A field.
    Text(Template),
    /// A file.
    File {
        /// The file's name, relative to the scenario.
        file: String,
        /// The name that is sent, if another.
        name: Option<String>,
        /// Its media type, if its name does not tell.
        kind: Option<String>,
    },
}

/// Where in an answer a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extract {
    /// At a JSON pointer.
    Pointer(String),
    /// In a header.
    Header(String),
    /// In the first group of a regular expression on the body.
    Regex(String),
}

impl Draft {
    /// How many requests it has.
    pub fn requests(&self) -> usize {
        self.journeys
            .iter()
            .flat_map(|journey| &journey.steps)
            .filter(|step| step.request().is_some())
            .count()
    }

    /// All requests, in order.
    pub(super) fn requests_mut(&mut self) -> impl Iterator<Item = &mut Request> {
        self.journeys.iter_mut().flat_map(|journey| &mut journey.steps).filter_map(Step::request_mut)
    }
}

impl Step {
    pub(super) fn request(&self) -> Option<&Request> {
        if let Self::Request(request) = self { Some(request) } else { None }
    }

    pub(super) fn request_mut(&mut self) -> Option<&mut Request> {
        if let Self::Request(request) = self { Some(request) } else { None }
    }
}

impl Request {
    /// A request that says no more than where it goes.
    pub(super) fn new(method: &str, target: Target) -> Self {
        Self {
            comment: String::new(),
            method: method.to_owned(),
            origin: None,
            target,
            name: None,
            headers: Vec::new(),
            body: None,
            expect: Vec::new(),
            extract: Vec::new(),
            stays_at_redirect: false,
        }
    }

    /// Visits the expressions of all that it sends.
    pub(super) fn each_expression(&self, each: &mut dyn FnMut(&str)) {
        let mut of = |template: &Template| template.expressions().for_each(&mut *each);
        self.target.segments.iter().for_each(&mut of);
        self.target.query.iter().filter_map(|(_, value)| value.as_ref()).for_each(&mut of);
        self.headers.iter().for_each(|(_, value)| of(value));
        match &self.body {
            Some(Body::Json(tree)) => tree.each_text(&mut of),
            Some(Body::Form(fields)) => fields.iter().for_each(|(_, value)| of(value)),
            Some(Body::Multipart(parts)) => parts.iter().for_each(|(_, part)| match part {
                Part::Text(value) => of(value),
                Part::File { .. } => {}
            }),
            Some(Body::Text(text)) => of(text),
            Some(Body::File(_)) | None => {}
        }
    }

    /// Sets a header that is not there yet.
    pub(super) fn add_header(&mut self, name: &str, value: Template) {
        if !self.headers.iter().any(|(known, _)| known == name) {
            self.headers.push((name.to_owned(), value));
        }
    }
}

impl Target {
    /// A path and query as they are sent, without a fragment.
    pub(super) fn parse(text: &str) -> Self {
        let text = text.split('#').next().unwrap_or_default();
        let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
        let path = path.strip_prefix('/').unwrap_or(path);
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        Self {
            segments: path.split('/').map(Template::literal).collect(),
            query: pairs
                .map(|pair| match pair.split_once('=') {
                    Some((name, value)) => (name.to_owned(), Some(Template::literal(value))),
                    None => (pair.to_owned(), None),
                })
                .collect(),
        }
    }

    /// The same for a text with expressions.
    pub(super) fn parse_template(template: &Template) -> Self {
        let (text, expressions) = template.marked();
        let of =
            |template: &Template| Template::unmarked(template.as_literal().unwrap_or_default(), &expressions);
        let marked = Self::parse(&text);
        Self {
            segments: marked.segments.iter().map(of).collect(),
            query: marked
                .query
                .iter()
                .map(|(name, value)| {
                    (Template::unmarked(name, &expressions).source(), value.as_ref().map(of))
                })
                .collect(),
        }
    }

    /// The text in a scenario.
    pub(super) fn source(&self) -> String {
        let mut text = Template::default();
        for segment in &self.segments {
            text = text.then(Template::literal("/")).then(segment.clone());
        }
        for (at, (name, value)) in self.query.iter().enumerate() {
            let mark = if at == 0 { "?" } else { "&" };
            text = text.then(Template::literal(format!("{mark}{name}")));
            if let Some(value) = value {
                text = text.then(Template::literal("=")).then(value.clone());
            }
        }
        // As URLs are read everywhere: line breaks and the like are no part of them.
        text.source().chars().filter(|c| !c.is_control()).collect()
    }
}

impl Findings {
    /// Notes something, once.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// `3 requests`, `1 request`.
pub(super) fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_come_back_as_they_were() {
        for text in ["/", "/a/b?c=1&d&e=", "/a%20b/", "/a?b=c=d"] {
            assert_eq!(Target::parse(text).source(), text);
        }
        assert_eq!(Target::parse("/a#b").source(), "/a");
        assert_eq!(Target::parse("").source(), "/");
    }
}
