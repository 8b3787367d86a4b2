//! curl commands, one step each, in their order.

mod arguments;
mod shell;

use std::collections::BTreeSet;

use self::arguments::{Call, Given};
use self::shell::Command;
use super::body::essence;
use super::hosts::{Address, Hosts};
use super::model::{Body, Draft, Findings, Journey, Pace, Part, Request, Step};
use super::template::Template;
use super::{DraftError, Format, MOST_REQUESTS, Options, multipart};

const FORM: &str = "application/x-www-form-urlencoded";

pub(super) fn read(text: &str, options: &Options) -> Result<Draft, DraftError> {
    let mut findings = Findings::default();
    let mut hosts = Hosts::new(options);
    let (mut steps, mut is_insecure, mut others) = (Vec::new(), false, 0_usize);
    // As Windows' command line has them: `^` before whatever means something.
    let unescaped = text.contains("^\"").then(|| shell::without_carets(text));
    for command in shell::commands(unescaped.as_deref().unwrap_or(text)) {
        let Some(words) = arguments::of_curl(&command.words) else {
            others += 1;
            continue;
        };
        for mut call in arguments::calls(words, &mut findings) {
            call.reads(&command);
            is_insecure |= call.is_insecure;
            for url in &call.urls {
                let Some(address) = Address::parse_template(url) else {
                    findings.note(format!("left out: `{}` is not a URL of HTTP", url.source()));
                    continue;
                };
                if steps.len() < MOST_REQUESTS && hosts.admit(&address) {
                    let mut request = call.request(&address, &mut findings);
                    hosts.send(&mut request, &address);
                    steps.push(Step::Request(Box::new(request)));
                }
            }
        }
    }
    if steps.is_empty() {
        return Err(DraftError::empty(Format::Curl, "each command is `curl`, its options and a URL"));
    }
    if others > 0 {
        findings.note(format!("left out: {others} other commands, such as those behind a pipe"));
    }
    needed(&steps, &mut findings);
    let base_url = hosts.finish(&mut findings);
    let count = steps.len();
    let journey = Journey {
        name: "Commands".to_owned(),
        comment: String::new(),
        weight: 1,
        variables: Vec::new(),
        steps,
    };
    Ok(Draft {
        name: options.name.clone(),
        origin: if count == 1 { "a curl command".to_owned() } else { format!("{count} curl commands") },
        base_url,
        is_insecure,
        headers: Vec::new(),
        journeys: vec![journey],
        pace: Pace::Usual,
        findings,
    })
}

/// Variables of the shell that are environment variables of the scenario.
fn needed(steps: &[Step], findings: &mut Findings) {
    let mut names = BTreeSet::new();
    for request in steps.iter().filter_map(Step::request) {
        // One with a default (`env("NAME", "default")`) need not be set.
        request.each_expression(&mut |expression| {
            let name = expression.strip_prefix("env(\"").and_then(|rest| rest.strip_suffix("\")"));
            names.extend(name.filter(|name| !name.contains('"')).map(str::to_owned));
        });
    }
    for name in names {
        if !findings.secrets.iter().any(|secret| secret.variable == name) {
            findings.secret(&name, "", "a variable of the commands");
        }
    }
}

impl Call {
    /// Puts what the command reads in the place of `@-`.
    fn reads(&mut self, command: &Command) {
        if self.upload.as_deref() == Some("-") {
            self.upload = Some(command.input_file.clone().unwrap_or_else(|| "upload.bin".to_owned()));
        }
        for given in self.data.iter_mut().chain(self.parts.iter_mut().map(|(_, given)| given)) {
            match given {
                Given::File { file, .. } if file == "-" => match (&command.input, &command.input_file) {
                    (Some(text), _) => *given = Given::Text(text.clone()),
                    (None, Some(name)) => name.clone_into(file),
                    (None, None) => {}
                },
                _ => {}
            }
        }
    }

    fn request(&self, address: &Address, findings: &mut Findings) -> Request {
        let mut target = address.target.clone();
        let is_query = self.is_get && !self.data.is_empty();
        if is_query {
            let data =
                super::model::Target::parse_template(&Template::literal("/?").then(self.joined_data()));
            target.query.extend(data.query);
        }
        let has_body = !is_query && (!self.data.is_empty() || !self.parts.is_empty());
        let method = match &self.method {
            Some(method) => method.clone(),
            None if self.is_head => "HEAD".to_owned(),
            None if self.upload.is_some() => "PUT".to_owned(),
            None if has_body => "POST".to_owned(),
            None => "GET".to_owned(),
        };
        let mut request = Request::new(&method, target);
        if !is_query {
            request.body = self.body(findings);
        }
        let mut headers: Vec<(&str, Template)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        if matches!(request.body, Some(Body::Multipart(_))) {
            // The boundary belongs to the body.
            headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        }
        if matches!(request.body, Some(Body::Text(_) | Body::File(_)))
            && self.media().is_empty()
            && !self.data.is_empty()
        {
            headers.push(("content-type", Template::literal(FORM)));
        }
        request.take_header_templates(headers);
        // A jar would not have it: it was given by hand.
        if let Some((_, cookie)) = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("cookie")) {
            request.add_header("cookie", cookie.clone());
        }
        let credentials = address
            .credentials
            .as_ref()
            .map(|(user, password)| Template::literal(format!("{user}:{password}")));
        if let Some(scheme) = &self.other_scheme {
            findings.note(format!("left out: authentication by `--{scheme}`"));
        } else if let Some(credentials) = self.credentials.clone().or(credentials) {
            let what = "base64 of `user:password`, for Basic authentication";
            let secret = findings.secret("BASIC_CREDENTIALS", &credentials.source(), what);
            request.add_header("authorization", Template::literal("Basic ").then(secret));
        }
        request
    }

    fn media(&self) -> String {
        let header = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        header.and_then(|(_, value)| value.as_literal()).map(essence).unwrap_or_default()
    }

    fn joined_data(&self) -> Template {
        let mut joined = Template::default();
        for (at, given) in self.data.iter().enumerate() {
            let Given::Text(text) = given else { continue };
            let separator = if at > 0 && !self.is_json { "&" } else { "" };
            joined = joined.then(Template::literal(separator)).then(text.clone());
        }
        joined
    }

    fn body(&self, findings: &mut Findings) -> Option<Body> {
        if let Some(file) = &self.upload {
            return Some(Body::File(findings.file(file, b"")));
        }
        if !self.parts.is_empty() {
            let parts = self.parts.iter().map(|(name, given)| {
                let part = match given {
                    Given::Text(text) => Part::Text(text.clone()),
                    Given::File { file, name, kind } => {
                        let beside = findings.file(file, b"");
                        let own = file.rsplit('/').next().unwrap_or(file);
                        let name = name.clone().or_else(|| (!beside.ends_with(own)).then(|| own.to_owned()));
                        Part::File { file: beside, name, kind: kind.clone() }
                    }
                };
                (name.clone(), part)
            });
            return Some(Body::Multipart(parts.collect()));
        }
        match self.data.as_slice() {
            [] => None,
            [Given::File { file, .. }] => Some(Body::File(findings.file(file, b""))),
            data => {
                if let (true, Some(text)) =
                    (self.media() == "multipart/form-data", self.joined_data().as_literal())
                {
                    let told =
                        self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
                    let told = told.and_then(|(_, value)| value.as_literal()).unwrap_or_default();
                    let parts = multipart::parts(text, told, findings);
                    return (!parts.is_empty()).then_some(Body::Multipart(parts));
                }
                if data.iter().any(|given| matches!(given, Given::File { .. })) {
                    findings.note("left out: files among the data of a command that has other data, too");
                }
                let media = self.media();
                let media = if media.is_empty() { FORM } else { &media };
                Some(Body::parse_template(&self.joined_data(), media))
            }
        }
    }
}
