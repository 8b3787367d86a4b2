//! Scenario files as they are kept with runs: without what may be secret in them.

use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::endpoint;
use super::template::is_template;
use crate::redact::{self, Redactor};
use crate::run::Source;

/// What switches are set to: `GATEWAY_REQUIRE_AUTH = "true"` tells no secret.
const SWITCHES: [&str; 6] = ["true", "false", "on", "off", "none", "required"];
/// A user of a URL without a password is a name if it is shorter, and letters; else it may be a token.
const SHORTEST_TOKEN: usize = 16;
/// Keys of what is sent.
const DATA: [&str; 3] = ["json", "form", "let"];
/// Stands for what was left out.
const LEFT_OUT: &str = "(left out)";

/// The files of a scenario for keeping; none of a scenario that was written for one request, and stands in no file. With
/// them the places of literals that look like secrets: `shop.toml, line 3`.
pub(super) fn sources(texts: &[(PathBuf, String)]) -> (Vec<Source>, Vec<String>) {
    let is_file = |(path, _): &&(PathBuf, String)| path.as_os_str() != endpoint::FILE;
    let (mut sources, mut places) = (Vec::new(), Vec::new());
    for (path, text) in texts.iter().filter(is_file) {
        let path = path.to_string_lossy().into_owned();
        let secrets = Secrets::of(text);
        places.extend(secrets.lines(text).into_iter().map(|line| format!("{path}, line {line}")));
        sources.push(Source { path, text: secrets.left_out(text) });
    }
    (sources, places)
}

/// Literals that look like credentials, and what is kept in their place, in order of their places. What comes from the
/// environment by a template is none, nor is a pointer into an answer, a switch, or the name of an `[auth]`.
struct Secrets {
    found: Vec<(std::ops::Range<usize>, String)>,
    /// The names of `[auth.NAME]`, which steps refer to.
    auths: Vec<String>,
}

impl Secrets {
    fn of(text: &str) -> Self {
        let mut secrets = Self { found: Vec::new(), auths: Vec::new() };
        match DeTable::parse(text) {
            Ok(table) => {
                if let Some(DeValue::Table(auths)) = table.get_ref().get("auth").map(Spanned::get_ref) {
                    secrets.auths = auths.keys().map(|name| name.get_ref().to_string()).collect();
                }
                secrets.look_in(table.get_ref());
            }
            // Nothing is known of it: nothing of it is kept.
            Err(_) => secrets.found.push((0..text.len(), String::new())),
        }
        secrets.found.sort_by_key(|(place, _)| place.start);
        secrets
    }

    fn look_in(&mut self, table: &DeTable<'_>) {
        for (name, value) in table {
            match value.get_ref() {
                // Data, in which a secret may be a table; names of shared bodies are none of it.
                DeValue::Table(bodies) if name.get_ref() == "body" => {
                    bodies.values().for_each(|value| self.look_in_data(false, "", value));
                }
                DeValue::Table(_) | DeValue::Array(_) if DATA.contains(&name.get_ref().as_ref()) => {
                    self.look_in_data(false, "", value);
                }
                // Weights, by the names of journeys: `"Reset password" = 3`.
                DeValue::Table(weights) if name.get_ref() == "journeys" => {
                    weights.values().for_each(|value| self.look_at(false, value));
                }
                _ => self.look_at(redact::is_secret_name(name.get_ref()), value),
            }
        }
    }

    fn look_at(&mut self, is_named: bool, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::String(text) => {
                let is_harmless = SWITCHES.contains(&&**text) || self.auths.iter().any(|name| name == text);
                let shown = shown(is_named && !is_harmless, text);
                if shown != **text {
                    // A string of JSON is one of TOML.
                    let literal = serde_json::Value::String(shown).to_string();
                    self.found.push((value.span(), literal));
                }
            }
            DeValue::Integer(_) | DeValue::Float(_) if is_named => {
                self.found.push((value.span(), format!("\"{LEFT_OUT}\"")));
            }
            DeValue::Array(items) => {
                let mut is_value = false;
                for item in items {
                    self.look_at(is_named || is_value, item);
                    // `["--password", "…"]`
                    is_value = item.get_ref().as_str().is_some_and(is_secret_flag);
                }
            }
            // A table may be named after what it is for: `[auth.shop]`.
            DeValue::Table(table) => self.look_in(table),
            _ => {}
        }
    }

    /// Looks at a value of what is sent, under the name of what it lies in; `is_named`: what that says.
    fn look_in_data(&mut self, is_named: bool, of: &str, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => {
                for (name, value) in table {
                    let name = name.get_ref();
                    let is_key =
                        name.eq_ignore_ascii_case("key") && redact::is_secret_name(&format!("{of}_{name}"));
                    self.look_in_data(is_named || is_key || redact::is_secret_name(name), name, value);
                }
            }
            DeValue::Array(items) => items.iter().for_each(|item| self.look_in_data(is_named, of, item)),
            _ => self.look_at(is_named, value),
        }
    }

    /// The lines that they stand in, from 1.
    fn lines(&self, text: &str) -> Vec<usize> {
        let (mut lines, mut line, mut end) = (Vec::new(), 1, 0);
        for (place, _) in &self.found {
            line += text[end..place.start].matches('\n').count();
            end = place.start;
            if lines.last() != Some(&line) {
                lines.push(line);
            }
        }
        lines
    }

    fn left_out(&self, text: &str) -> String {
        let (mut kept, mut end) = (String::with_capacity(text.len()), 0);
        for (place, shown) in &self.found {
            kept.push_str(&text[end..place.start]);
            kept.push_str(shown);
            end = place.end;
        }
        kept.push_str(&text[end..]);
        kept
    }
}

/// A text of a scenario as it may be kept.
fn shown(is_named: bool, text: &str) -> String {
    let is_pointer = text.starts_with('/') && text.chars().all(|c| c.is_alphanumeric() || "/_-".contains(c));
    match (is_named, is_template(text)) {
        (true, false) if !is_pointer && !text.is_empty() => LEFT_OUT.to_owned(),
        _ => {
            let has_flags = text.starts_with("--") || text.contains(" --");
            let kept =
                if has_flags { redact::command_template(text) } else { Redactor::default().template(text) };
            without_user(&kept).replace(redact::HIDDEN, LEFT_OUT)
        }
    }
}

/// Whether an argument is a flag whose value, which is secret, comes behind it.
fn is_secret_flag(argument: &str) -> bool {
    argument.starts_with('-') && !argument.contains(['=', ' ', ':']) && redact::is_secret_name(argument)
}

/// A text with the users of its URLs left out, and not only their passwords: a token may stand in their place. Plain names
/// stay.
fn without_user(text: &str) -> String {
    let mut parts = text.split("://");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| "/?# \"'`\n".contains(c)).unwrap_or(part.len());
        shown.push_str("://");
        match part[..end].rsplit_once('@') {
            Some((user, _)) if !is_template(user) && !is_name(user) => {
                shown.push_str(&format!("{LEFT_OUT}{}", &part[user.len()..]));
            }
            _ => shown.push_str(part),
        }
    }
    shown
}

fn is_name(user: &str) -> bool {
    user.len() < SHORTEST_TOKEN && user.chars().all(|c| c.is_ascii_alphabetic() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_names_and_users_without_passwords_are_no_secrets() {
        let text = r#"
environment = { REQUIRE_AUTH = "true" }
step = { request = "GET /", auth = "client" }
url = '{{ env("URL", "postgres://postgres@127.0.0.1:5432/shop") }}'
[auth.client]
bearer = "{{ env('JWT') }}"
"#;
        assert_eq!(without_secrets(text), text);
        let token = "url = \"https://a1b2c3d4e5f6a7b8c9d0@git.example/x\"";
        assert!(!without_secrets(token).contains("a1b2c3"));
        assert!(
            !without_secrets("step = { auth = \"other\" }\n[auth.client]\nbearer = 'x'").contains("other")
        );
    }

    fn without_secrets(text: &str) -> String {
        Secrets::of(text).left_out(text)
    }

    #[test]
    fn literal_credentials_are_left_out_and_the_rest_stays() {
        let text = r#"
base_url = "http://me:hunter2@127.0.0.1:9000"
bearer = "t0k3n"
headers = { Authorization = "Bearer abc\"d", "x-api-key" = 'k1', accept = "text/html" }
environment = { DB_PASSWORD = "hunter2", JWT_SECRET = "{{ env('JWT_SECRET') }}", access_token = "t0k3n" }
extract = { access_token = "/data/token" }
url = "postgres://{{ env('DB_USER') }}@127.0.0.1/shop"
"#;
        insta::assert_snapshot!(without_secrets(text), @r#"
        base_url = "http://(left out)@127.0.0.1:9000"
        bearer = "(left out)"
        headers = { Authorization = "(left out)", "x-api-key" = "(left out)", accept = "text/html" }
        environment = { DB_PASSWORD = "(left out)", JWT_SECRET = "{{ env('JWT_SECRET') }}", access_token = "(left out)" }
        extract = { access_token = "/data/token" }
        url = "postgres://{{ env('DB_USER') }}@127.0.0.1/shop"
        "#);
    }

    #[test]
    fn secrets_are_left_out_in_every_form_of_text() {
        let text = r#"
request = "GET /things?api_key=S3CRET&page=2"
TOKEN = """
S3CRET
of two lines"""
privateKey = ["S3CRET-1", "S3CRET-2"]
body = '{"user": "ada", "password": "S3CRET", "n": 1}'
json = "{\"session\": \"S3CRET\"}"
pin = 12345
note = "send Bearer S3CRET0123456789 with it"
command = ["curl", "-H", "X-Api-Key: S3CRET"]
run = ["shop", "--db-password", "S3CRET", "--fast"]
undo = "shop --api-token S3CRET --url {{ base_url }} --password {{ env('S') }}"
environment = { DBPW = "S3CRET" }
send = { json = { credentials = { value = "S3CRET", of = ["S3CRET"] }, api = { key = "S3CRET" }, key = "k" } }
form = { user = "ada", pwd = "S3CRET", passphrase = "{{ env('S') }}" }
max_tokens = 5
"#;
        let kept = without_secrets(text);
        assert!(!kept.contains("S3CRET") && !kept.contains("12345"), "{kept}");
        for stays in [
            "page=2",
            "key = \"k\"",
            "ada",
            "\\\"n\\\": 1",
            "{{ env('S') }}",
            "max_tokens = 5",
            "curl",
            "--fast",
            "{{ base_url }}",
        ] {
            assert!(kept.contains(stays) || kept.contains(&stays.replace("\\\"", "\"")), "{stays}: {kept}");
        }
        assert!(DeTable::parse(&kept).is_ok(), "{kept}");
        assert_eq!(Secrets::of(text).lines(text), [2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    }
}
