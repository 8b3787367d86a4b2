//! The options of a curl command that say what is requested; the others say how curl goes about it.

use std::collections::VecDeque;

use super::shell::assignment;
use crate::draft::body::is_token;
use crate::draft::model::Findings;
use crate::draft::template::Template;

/// One request of a command, to one URL or several.
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[derive(Debug, Default)]
pub(super) struct Call {
    pub(super) urls: Vec<Template>,
    pub(super) method: Option<String>,
    pub(super) headers: Vec<(String, Template)>,
    pub(super) data: Vec<Given>,
    pub(super) parts: Vec<(String, Given)>,
    pub(super) upload: Option<String>,
    /// `user:password`.
    pub(super) credentials: Option<Template>,
    /// A scheme of authentication other than Basic, which a scenario does not have.
    pub(super) other_scheme: Option<String>,
    pub(super) is_get: bool,
    pub(super) is_head: bool,
    pub(super) is_json: bool,
    pub(super) is_insecure: bool,
}

/// Data, as it is or in a file.
#[derive(Debug)]
pub(super) enum Given {
    Text(Template),
    File { file: String, name: Option<String>, kind: Option<String> },
}

/// Letters of options that have a value.
const SHORT_WITH_VALUE: &str = "AbcCdDeEFHKmoPQrtTuUwxXyYz";

/// Long options that have a value and say nothing that a scenario takes over, but for some a note.
const LONG_WITH_VALUE: [(&str, &str); 47] = [
    ("abstract-unix-socket", "[network] unix_socket"),
    ("aws-sigv4", ""),
    ("cacert", "[tls] ca"),
    ("capath", "[tls] ca"),
    ("cert", "[tls] certificate"),
    ("cert-type", ""),
    ("ciphers", ""),
    ("config", ""),
    ("connect-timeout", ""),
    ("connect-to", ""),
    ("cookie-jar", ""),
    ("create-file-mode", ""),
    ("dns-servers", ""),
    ("dump-header", ""),
    ("expect100-timeout", ""),
    ("happy-eyeballs-timeout-ms", ""),
    ("interface", ""),
    ("keepalive-time", ""),
    ("key", "[tls] key"),
    ("key-type", ""),
    ("limit-rate", ""),
    ("local-port", ""),
    ("max-filesize", ""),
    ("max-redirs", ""),
    ("max-time", ""),
    ("netrc-file", ""),
    ("noproxy", ""),
    ("output", ""),
    ("output-dir", ""),
    ("parallel-max", ""),
    ("pass", ""),
    ("proto", ""),
    ("proxy", "[network] proxy"),
    ("proxy-header", ""),
    ("proxy-user", "[network] proxy"),
    ("range", ""),
    ("resolve", ""),
    ("retry", ""),
    ("retry-delay", ""),
    ("retry-max-time", ""),
    ("speed-limit", ""),
    ("speed-time", ""),
    ("time-cond", ""),
    ("tls-max", "[tls] max_version"),
    ("trace", ""),
    ("trace-ascii", ""),
    ("unix-socket", "[network] unix_socket"),
];

/// The words behind `curl`, if that is what a command is.
pub(super) fn of_curl(command: &[Template]) -> Option<VecDeque<Template>> {
    let is_before = |word: &Template| {
        matches!(word.as_literal(), Some("$" | ">" | "time" | "sudo" | "exec" | "env" | "do" | "then" | "("))
            || assignment(word).is_some()
    };
    let mut words: VecDeque<Template> = command.iter().skip_while(|word| is_before(word)).cloned().collect();
    let name = words.pop_front()?;
    let name = name.as_literal()?.rsplit('/').next()?.to_owned();
    matches!(name.as_str(), "curl" | "curl.exe").then_some(words)
}

/// What a command requests; `--next` begins another.
pub(super) fn calls(mut words: VecDeque<Template>, findings: &mut Findings) -> Vec<Call> {
    let (mut calls, mut call) = (Vec::new(), Call::default());
    while let Some(word) = words.pop_front() {
        let (text, expressions) = word.marked();
        match text.as_str() {
            "--next" | "-:" => calls.push(std::mem::take(&mut call)),
            "--" | "-" | "" => {}
            long if long.starts_with("--") => {
                let name = long.trim_start_matches('-').to_owned();
                call.long(&name, &mut words, findings);
            }
            short if short.starts_with('-') => {
                let mut letters = short[1..].chars();
                while let Some(letter) = letters.next() {
                    if !SHORT_WITH_VALUE.contains(letter) {
                        call.flag(letter);
                        continue;
                    }
                    let rest = letters.as_str();
                    let value = if rest.is_empty() {
                        words.pop_front()
                    } else {
                        Some(Template::unmarked(rest, &expressions))
                    };
                    call.value(long_name(letter), value.unwrap_or_default(), findings);
                    break;
                }
            }
            _ => call.urls.push(word),
        }
    }
    calls.push(call);
    calls.retain(|call| !call.urls.is_empty());
    calls
}

fn long_name(letter: char) -> &'static str {
    match letter {
        'A' => "user-agent",
        'b' => "cookie",
        'd' => "data",
        'e' => "referer",
        'F' => "form",
        'H' => "header",
        'T' => "upload-file",
        'u' => "user",
        'X' => "request",
        'x' | 'U' => "proxy",
        'E' => "cert",
        'r' => "range",
        _ => "output",
    }
}

impl Call {
    fn flag(&mut self, letter: char) {
        match letter {
            'G' => self.is_get = true,
            'I' => self.is_head = true,
            'k' => self.is_insecure = true,
            _ => {}
        }
    }

    fn long(&mut self, name: &str, words: &mut VecDeque<Template>, findings: &mut Findings) {
        match name {
            "get" => self.is_get = true,
            "head" => self.is_head = true,
            "insecure" => self.is_insecure = true,
            "digest" | "ntlm" | "negotiate" => self.other_scheme = Some(name.to_owned()),
            "url" => self.urls.extend(words.pop_front()),
            "user-agent" | "cookie" | "data" | "data-raw" | "data-ascii" | "data-binary"
            | "data-urlencode" | "referer" | "form" | "form-string" | "header" | "upload-file" | "user"
            | "request" | "json" | "oauth2-bearer" | "url-query" | "write-out" => {
                let value = words.pop_front().unwrap_or_default();
                self.value(name, value, findings);
            }
            _ if LONG_WITH_VALUE.iter().any(|(known, _)| *known == name) => {
                let value = words.pop_front().unwrap_or_default();
                self.value(name, value, findings);
            }
            _ => {}
        }
    }

    fn value(&mut self, name: &str, value: Template, findings: &mut Findings) {
        let literal = value.as_literal().unwrap_or_default().to_owned();
        match name {
            "request" => {
                let method = literal.to_ascii_uppercase();
                self.method = is_token(&method).then_some(method);
            }
            "header" => self.header(&value),
            "data" | "data-ascii" | "data-binary" if literal.starts_with('@') => {
                self.data.push(file(&literal[1..]));
            }
            "data" | "data-raw" | "data-ascii" | "data-binary" => self.data.push(Given::Text(value)),
            "data-urlencode" => self.encoded(&value),
            "json" => {
                self.is_json = true;
                for (name, value) in [("content-type", "application/json"), ("accept", "application/json")] {
                    if !self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                        self.headers.push((name.to_owned(), Template::literal(value)));
                    }
                }
                self.data.push(literal.strip_prefix('@').map_or(Given::Text(value), file));
            }
            "form" | "form-string" => self.part(&value, name == "form"),
            "upload-file" => self.upload = Some(literal),
            "user" => self.credentials = Some(value),
            "oauth2-bearer" => {
                self.headers.push(("authorization".to_owned(), Template::literal("Bearer ").then(value)));
            }
            "cookie" if value.marked().0.contains('=') => self.headers.push(("cookie".to_owned(), value)),
            "cookie" => findings.note("left out: a cookie file (`-b`); each user has its own cookie jar"),
            "referer" => self.headers.push(("referer".to_owned(), value)),
            "url-query" => {
                self.is_get |= self.data.is_empty();
                self.encoded(&value);
            }
            _ => {
                let key = LONG_WITH_VALUE.iter().find(|(known, _)| *known == name).map_or("", |(_, key)| key);
                if !key.is_empty() {
                    findings.note(format!("left out: `--{name}`; `{key}` says the same in a scenario"));
                }
            }
        }
    }

    /// `Name: value`; `Name;` is one without a value, and `Name:` takes one away.
    fn header(&mut self, header: &Template) {
        let (text, expressions) = header.marked();
        if let Some((name, value)) = text.split_once(':') {
            self.headers.push((name.trim().to_owned(), Template::unmarked(value.trim(), &expressions)));
        }
    }

    /// `content`, `=content`, `name=content` or `name@file`, to be percent-encoded.
    fn encoded(&mut self, value: &Template) {
        let (text, expressions) = value.marked();
        let encode = |content: &str| -> String {
            // Expressions are encoded when they have a value.
            let parts = content.split_inclusive('\u{e001}').map(|part| {
                let (literal, mark) = part.find('\u{e000}').map_or((part, ""), |at| part.split_at(at));
                let literal: String = url::form_urlencoded::byte_serialize(literal.as_bytes()).collect();
                format!("{literal}{mark}")
            });
            parts.collect()
        };
        let encoded = match text.split_once('=') {
            Some(("", content)) => encode(content),
            Some((name, content)) => format!("{name}={}", encode(content)),
            None if text.contains('@') => {
                return self.data.push(file(text.split('@').next_back().unwrap_or_default()));
            }
            None => encode(&text),
        };
        self.data.push(Given::Text(Template::unmarked(&encoded, &expressions)));
    }

    /// `name=value`, `name=@file;type=…;filename=…` or `name=<file`.
    fn part(&mut self, value: &Template, is_special: bool) {
        let (text, expressions) = value.marked();
        let Some((name, content)) = text.split_once('=') else { return };
        let given = match content.strip_prefix(['@', '<']).filter(|_| is_special) {
            Some(rest) => {
                let mut fields = rest.split(';');
                let mut given = (fields.next().unwrap_or_default().trim_matches('"').to_owned(), None, None);
                for field in fields {
                    match field.split_once('=') {
                        Some((key, value)) if key.trim() == "type" => given.2 = Some(value.trim().to_owned()),
                        Some((key, value)) if key.trim() == "filename" => {
                            given.1 = Some(value.trim().trim_matches('"').to_owned());
                        }
                        _ => {}
                    }
                }
                Given::File { file: given.0, name: given.1, kind: given.2 }
            }
            None if is_special => Given::Text(Template::unmarked(&unquoted(content), &expressions)),
            None => Given::Text(Template::unmarked(content, &expressions)),
        };
        self.parts.push((name.to_owned(), given));
    }
}

/// The content of a part without what is said of it behind, and without quotes around it.
fn unquoted(content: &str) -> String {
    let Some(rest) = content.strip_prefix('"') else {
        return content.split(";type=").next().unwrap_or(content).to_owned();
    };
    let (mut text, mut is_escaped) = (String::new(), false);
    for c in rest.chars() {
        match c {
            '\\' if !is_escaped => is_escaped = true,
            '"' if !is_escaped => break,
            c => {
                text.push(c);
                is_escaped = false;
            }
        }
    }
    text
}

fn file(name: &str) -> Given {
    Given::File { file: name.to_owned(), name: None, kind: None }
}
