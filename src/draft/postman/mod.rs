//! A Postman collection, version 2: folders become journeys, variables and their scripts variables and extractions.

mod auth;
mod script;
mod variable;

use self::auth::Auth;
use self::variable::Variables;
use super::body::is_token;
use super::hosts::{Address, Hosts};
use super::model::{Body, Draft, Findings, Journey, Pace, Part, Request, Step};
use super::names;
use super::template::Template;
use super::tree::Tree;
use super::{DraftError, Format, MOST_REQUESTS, Options};

/// Folders within folders at most.
const DEEPEST: usize = 20;

/// What is known while a collection is read.
struct Reader<'a> {
    variables: Variables<'a>,
    findings: Findings,
    hosts: Hosts<'a>,
    journeys: Vec<Journey>,
    requests: usize,
    beyond: usize,
}

pub(super) fn read(tree: &Tree, options: &Options) -> Result<Draft, DraftError> {
    let mut reader = Reader {
        variables: Variables::new(tree.get("variable").items()),
        findings: Findings::default(),
        hosts: Hosts::new(options),
        journeys: Vec::new(),
        requests: 0,
        beyond: 0,
    };
    let title = tree.at(&["info", "name"]).text().unwrap_or("a collection").to_owned();
    let auth = Auth::of(tree.get("auth"));
    reader.note_scripts(tree);
    reader.folder(tree.get("item").items(), &title, "", &auth, 0);
    let Reader { variables, mut findings, hosts, mut journeys, requests, beyond } = reader;
    if requests == 0 {
        return Err(DraftError::empty(Format::Postman, "export a collection that has requests, as v2.1"));
    }
    if beyond > 0 {
        findings.note(format!("left out: {beyond} requests beyond the first {MOST_REQUESTS}"));
    }
    variables.settle(&mut journeys, &title, &mut findings);
    let base_url = hosts.finish(&mut findings);
    Ok(Draft {
        name: options.name.clone(),
        origin: format!("the Postman collection `{title}`"),
        base_url,
        is_insecure: false,
        headers: Vec::new(),
        journeys,
        pace: Pace::Usual,
        findings,
    })
}

impl Reader<'_> {
    /// The requests of a folder as a journey, and the folders in it as others.
    fn folder(&mut self, items: &[Tree], name: &str, comment: &str, auth: &Auth, depth: usize) {
        let place = self.journeys.len();
        self.journeys.push(Journey {
            name: name.to_owned(),
            comment: comment.to_owned(),
            weight: 1,
            variables: Vec::new(),
            steps: Vec::new(),
        });
        for item in items {
            self.note_scripts(item);
            let own = Auth::of(item.get("auth"));
            if item.has("item") {
                if depth < DEEPEST {
                    let title = item.get("name").text().unwrap_or("Folder");
                    let title = if depth == 0 { title.to_owned() } else { format!("{name} / {title}") };
                    let comment = plain(item.get("description"));
                    self.folder(item.get("item").items(), &title, &comment, own.over(auth), depth + 1);
                }
                continue;
            }
            if self.requests == MOST_REQUESTS {
                self.beyond += 1;
                continue;
            }
            if let Some(request) = self.request(item, auth) {
                self.requests += 1;
                self.journeys[place].steps.push(Step::Request(Box::new(request)));
            }
        }
    }

    /// Scripts of folders run around each of their requests; nothing here does.
    fn note_scripts(&mut self, folder: &Tree) {
        let lines = |event: &Tree| match event.at(&["script", "exec"]) {
            Tree::Text(text) => text.trim().len(),
            list => list.items().iter().filter_map(Tree::text).map(|line| line.trim().len()).sum(),
        };
        if folder.has("item") && folder.get("event").items().iter().any(|event| lines(event) > 0) {
            let name =
                folder.get("name").text().or_else(|| folder.at(&["info", "name"]).text()).unwrap_or_default();
            self.findings.note(format!("left out: the scripts of the folder `{name}`"));
        }
    }

    fn request(&mut self, item: &Tree, auth: &Auth) -> Option<Request> {
        let name = item.get("name").text().unwrap_or_default();
        let told = item.get("request");
        // A request may be no more than its URL.
        let url = if told.text().is_some() { told } else { told.get("url") };
        let method = told.get("method").text().unwrap_or("GET").to_ascii_uppercase();
        let Some(mut address) = self.address(url).filter(|_| is_token(&method)) else {
            if told.has("url") || told.text().is_some() {
                self.findings.note(format!("left out: `{name}`, whose URL or method cannot be read"));
            }
            return None;
        };
        if !self.hosts.admit(&address) {
            return None;
        }
        Self::path_variables(url, &mut address);
        let mut request = Request::new(&method, address.target.clone());
        name.clone_into(&mut request.comment);
        self.hosts.send(&mut request, &address);
        request.body = self.body(told.get("body"), told);
        let headers: Vec<(String, Template)> = enabled(told.get("header").items())
            .filter_map(|h| {
                Some((h.get("key").text()?.to_owned(), Variables::text(&h.get("value").scalar()?)))
            })
            .collect();
        let is_multipart = matches!(request.body, Some(Body::Multipart(_)));
        let headers =
            headers.iter().filter(|(name, _)| !(is_multipart && name.eq_ignore_ascii_case("content-type")));
        request.take_header_templates(headers.map(|(name, value)| (name.as_str(), value.clone())));
        Auth::of(told.get("auth")).over(auth).apply(&mut request, &mut self.findings);
        let outcome = script::read(item);
        request.expect = outcome.expect;
        for (name, extract) in outcome.extract {
            let name = names::variable(&name);
            request.extract.push((name, extract));
        }
        for left_out in outcome.left_out {
            self.findings.note(left_out);
        }
        Some(request)
    }

    /// The URL, which older collections have as a text, and newer ones as a text and its parts.
    fn address(&mut self, url: &Tree) -> Option<Address> {
        let raw = url.text().or_else(|| url.get("raw").text());
        let text = match raw.filter(|raw| !raw.is_empty()) {
            Some(raw) => raw.to_owned(),
            None => {
                let joined = |key: &str, with: &str| match url.get(key) {
                    Tree::Text(text) => text.clone(),
                    list => list.items().iter().filter_map(Tree::scalar).collect::<Vec<_>>().join(with),
                };
                format!(
                    "{}://{}/{}",
                    url.get("protocol").text().unwrap_or("http"),
                    joined("host", "."),
                    joined("path", "/")
                )
            }
        };
        let listed = enabled(url.get("query").items()).filter_map(|query| {
            Some(format!("{}={}", query.get("key").text()?, query.get("value").scalar().unwrap_or_default()))
        });
        let listed: Vec<String> = listed.collect();
        let text = if text.contains('?') || listed.is_empty() {
            text
        } else {
            format!("{text}?{}", listed.join("&"))
        };
        let filled = self.variables.filled_host(&text);
        let mut address = Address::parse_template(&Variables::text(&filled))?;
        let disabled = url.get("query").items().iter().filter(|query| query.get("disabled").is_true());
        let disabled: Vec<&str> = disabled.filter_map(|query| query.get("key").text()).collect();
        address.target.query.retain(|(name, _)| !disabled.contains(&name.as_str()));
        Some(address)
    }

    /// `:id` in a path.
    fn path_variables(url: &Tree, address: &mut Address) {
        for segment in &mut address.target.segments {
            let Some(name) = segment.as_literal().and_then(|text| text.strip_prefix(':')).map(str::to_owned)
            else {
                continue;
            };
            let known =
                url.get("variable").items().iter().find(|v| v.get("key").text() == Some(name.as_str()));
            let value = known.and_then(|v| v.get("value").scalar()).filter(|value| !value.is_empty());
            *segment = match value {
                Some(value) => Variables::text(&value),
                None => Variables::named(&name),
            };
        }
    }

    fn body(&mut self, body: &Tree, request: &Tree) -> Option<Body> {
        if body.get("disabled").is_true() {
            return None;
        }
        match body.get("mode").text()? {
            "raw" => {
                let raw = body.get("raw").text().filter(|raw| !raw.trim().is_empty())?;
                let language = body.at(&["options", "raw", "language"]).text().unwrap_or_default();
                let header = enabled(request.get("header").items())
                    .find(|header| {
                        header.get("key").text().is_some_and(|key| key.eq_ignore_ascii_case("content-type"))
                    })
                    .and_then(|header| header.get("value").text());
                let media = match (header, language) {
                    (Some(header), _) => header,
                    (None, "xml") => "application/xml",
                    (None, "text" | "html" | "javascript") => "text/plain",
                    (None, _) => "",
                };
                Some(Body::parse_template(&Variables::text(raw), media))
            }
            "urlencoded" => {
                let pairs = Self::pairs(body.get("urlencoded"));
                Body::form(pairs)
            }
            "formdata" => {
                let mut parts = Vec::new();
                for field in enabled(body.get("formdata").items()) {
                    let name = field.get("key").text().unwrap_or_default().to_owned();
                    let kind = field.get("contentType").text().map(str::to_owned);
                    if field.get("type").text() != Some("file") {
                        let value = field.get("value").scalar().unwrap_or_default();
                        parts.push((name, Part::Text(Variables::text(&value))));
                        continue;
                    }
                    let sources = match field.get("src") {
                        Tree::List(list) => list.iter().filter_map(Tree::scalar).collect(),
                        one => vec![one.scalar().unwrap_or_default()],
                    };
                    for source in sources {
                        let file = self.findings.file(&source, b"");
                        parts.push((name.clone(), Part::File { file, name: None, kind: kind.clone() }));
                    }
                }
                (!parts.is_empty()).then_some(Body::Multipart(parts))
            }
            "graphql" => {
                let query = body.at(&["graphql", "query"]).text().unwrap_or_default();
                let variables = body.at(&["graphql", "variables"]).text().unwrap_or_default();
                let mut entries = vec![("query".to_owned(), Tree::Text(Variables::text(query)))];
                let variables = Body::parse_template(&Variables::text(variables), "application/json");
                if let Body::Json(tree) = variables {
                    entries.push(("variables".to_owned(), tree));
                }
                Some(Body::Json(Tree::Table(entries)))
            }
            "file" => {
                let source = body.at(&["file", "src"]).text().unwrap_or_default();
                Some(Body::File(self.findings.file(source, b"")))
            }
            _ => None,
        }
    }

    fn pairs(list: &Tree) -> Vec<(String, Template)> {
        let pairs = enabled(list.items()).filter_map(|field| {
            Some((field.get("key").text()?.to_owned(), field.get("value").scalar().unwrap_or_default()))
        });
        pairs.map(|(name, value)| (name, Variables::text(&value))).collect()
    }
}

fn enabled(items: &[Tree]) -> impl Iterator<Item = &Tree> {
    items.iter().filter(|item| !item.get("disabled").is_true())
}

/// A description, which is a text or has one.
fn plain(description: &Tree) -> String {
    description
        .text()
        .or_else(|| description.get("content").text())
        .unwrap_or_default()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}
