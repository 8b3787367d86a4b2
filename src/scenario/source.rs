//! Scenario files as they are kept with runs: without what may be secret in them.

use std::path::PathBuf;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::endpoint;
use super::template::is_template;
use crate::redact;
use crate::run::Source;

/// Stands for what was left out.
const LEFT_OUT: &str = "(left out)";

/// `authorization = "…"`, `DB_PASSWORD = "…"`, quoted keys too.
static CREDENTIAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    // `bearer` is a token in `[auth]`, and the name of a scheme elsewhere.
    let key = format!("(?:{}|bearer)", redact::SECRET_NAME);
    Regex::new(&format!(r#"(?i)([\w-]*{key}[\w-]*["']?\s*=\s*)("(?:[^"\\\n]|\\.)*"|'[^'\n]*')"#)).ok()
});

/// `postgres://me:secret@host`
static USER_INFO: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"(://)([^/@\s"'`]+@)"#).ok());

/// The files of a scenario for keeping; none of a scenario that was written for one request, and stands in no file.
pub(super) fn sources(texts: &[(PathBuf, String)]) -> Vec<Source> {
    let is_file = |(path, _): &&(PathBuf, String)| path.as_os_str() != endpoint::FILE;
    let source = |(path, text): &(PathBuf, String)| Source {
        path: path.to_string_lossy().into_owned(),
        text: without_secrets(text),
    };
    texts.iter().filter(is_file).map(source).collect()
}

/// The text without values that look like credentials. What comes from the environment by a template is none, nor is a
/// pointer into an answer.
fn without_secrets(text: &str) -> String {
    let (Some(credential), Some(user_info)) = (CREDENTIAL.as_ref(), USER_INFO.as_ref()) else {
        return String::new();
    };
    let text = credential.replace_all(text, |found: &Captures<'_>| {
        let value = found[2].trim_matches(['"', '\'']);
        let is_pointer =
            value.starts_with('/') && value.chars().all(|c| c.is_alphanumeric() || "/_-".contains(c));
        if is_template(value) || is_pointer {
            found[0].to_owned()
        } else {
            format!("{}\"{LEFT_OUT}\"", &found[1])
        }
    });
    let text = user_info.replace_all(&text, |found: &Captures<'_>| {
        if is_template(&found[2]) { found[0].to_owned() } else { format!("{}{LEFT_OUT}@", &found[1]) }
    });
    text.into_owned()
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

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
}
