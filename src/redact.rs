//! What is secret in texts from outside, and how it is hidden: the one place that decides either.
//!
//! Names decide: a header, field or variable whose name speaks of a credential. And values that look like nothing else: what
//! follows `Bearer`, web tokens, private keys, keys of well-known services. Texts may be cut off anywhere, so they are
//! searched, not parsed.

use std::borrow::Cow;
use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;
use regex::{Captures, Regex};
use url::form_urlencoded;

/// Stands for what is hidden.
pub const HIDDEN: &str = "(hidden)";

/// A part of a name that tells of a secret, as a regular expression without groups; names are compared in any case.
pub const SECRET_NAME: &str = concat!(
    "(?:authorization|cookie|credential|passw(?:or)?d|passphrase|passcode|pwd|secret",
    r"|(?:api|app|private|access|signing|subscription|shared|auth|encryption|master|account)[-_ ]?key",
    r"|token|session[-_]?id|csrf|xsrf|jwt|signature|bearer|cvv|cvc|card[-_]?number|cc[-_]?number",
    r"|mnemonic|(?:seed|recovery)[-_ ]?(?:phrase|code)|(?:2fa|mfa|totp)[-_ ]?code",
    r"|pw\b|(?:\b|_)(?:pass|pin|otp|sig|sid|auth|session|ssn|2fa|mfa|totp)\b)"
);

/// Names with such a part that tell of none.
const HARMLESS_NAME: &str = concat!(
    "(?:token[-_ ]?(?:type|count|url|endpoint|limit)|(?:max|total|input|output|prompt|completion)[-_ ]?tokens?",
    "|(?:forgot|reset)[-_ ]?password|password[-_ ]?(?:hint|policy)|signature[-_ ]?method)"
);

static HARMLESS: LazyLock<Option<Regex>> = LazyLock::new(|| regex(HARMLESS_NAME));

/// How keys of well-known services begin, and how many characters more they have at least.
const SERVICE_KEY: &str = concat!(
    r"\b(?:AIza|sk_live_|sk_test_|rk_live_|sk-|ghp_|gho_|ghs_|ghu_|github_pat_|glpat-|xox[abprs]-|AKIA|ASIA|npm_|hf_)",
    "[A-Za-z0-9_-]{12,}"
);
/// JSON Web Tokens.
const WEB_TOKEN: &str = r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?";
/// Private keys in PEM, also where line ends are escaped; the end may be cut off.
const PRIVATE_KEY: &str =
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)";

/// Values that are secret wherever they stand.
static VALUES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [SERVICE_KEY, WEB_TOKEN, PRIVATE_KEY].iter().filter_map(|pattern| Regex::new(pattern).ok()).collect()
});

/// Credentials behind the name of their scheme.
static SCHEME: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"\b(bearer|basic|apikey)(\s+)([a-z0-9._~+/-]{4,}=*)"));

/// Values shorter than this are not searched for in texts: they stand in too many by chance.
const SHORTEST_VALUE: usize = 6;
/// Values of `?key=` that are shorter name what a request is about.
const SHORTEST_KEY: usize = 8;

static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| regex(SECRET_NAME));

/// Places of secrets in bodies: what stands before the value, and the value. The value may be cut off by the text's end.
static FIELDS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let name = SECRET_NAME;
    let patterns = [
        // JSON: `"access_token": "…"`
        format!(r#"("[^"\n]*{name}[^"\n]*"\s*:\s*)("(?:[^"\\]|\\.)*"?|{}|[^\s,}}\]\[{{"\\]+)"#, nested()),
        // The same within JSON: `\"password\": \"…\"`, however often it is quoted
        format!(r#"(\\+"[^"\\\n]*{name}[^"\\\n]*\\+"\s*:\s*\\+")((?:[^"\\]|\\\\.)+)"#),
        // GraphQL, plain and within JSON: `login(password: "…")`
        format!(r#"((?:^|[^\w"\\])\w*{name}\w*\s*:\s*\\*")((?:[^"\\]|\\+[^"\\])+)"#),
        // Lines of headers as texts of JSON: `"x-api-key: …"`
        format!(r#"("[\w.-]*{name}[\w.-]*[ \t]*:[ \t]*)([^"\\\r\n]+)"#),
        // JSON: `"api": {{"key": "…"}}`
        r#"("(?:api|app|access|private|shared)"\s*:\s*\{[^{}]*?"key"\s*:\s*)("(?:[^"\\]|\\.)*"?)"#.to_owned(),
        // Queries: `?key=…`, where the value is no plain word or number
        r#"([?&]key=)([^&;\s"'<>]*(?:[a-z][^&;\s"'<>]*[0-9]|[0-9][^&;\s"'<>]*[a-z])[^&;\s"'<>]*)"#.to_owned(),
        // `'password': '…'`, as some languages print it
        format!(r"('[^'\n]*{name}[^'\n]*'\s*:\s*)('(?:[^'\\]|\\.)*'?)"),
        // XML: `<password>…</password>`
        format!(r"(<[\w:.-]*{name}[\w:.-]*(?:\s[^<>]*)?>)([^<>]+)"),
        // Lines of headers, and YAML: `x-api-key: …`
        format!(r#"((?:^|\n)[ \t]*[\w.-]*{name}[\w.-]*[ \t]*:[ \t]+)([^\r\n"'\[{{][^\r\n]*)"#),
        // Forms and queries: `password=…`, also as texts of JSON
        format!(r#"((?:^|[?&;\s"'])[^=&?;\s<>"]*{name}[^=&?;\s<>"]*=)([^&;\s"'<>]+)"#),
        // HTML: `<input name="csrf_token" value="…">`, in either order
        format!(
            r#"(<[^<>]*name=["'][^"'<>]*{name}[^"'<>]*["'][^<>]*(?:value|content)=)("[^"<>]*"?|'[^'<>]*'?)"#
        ),
        format!(r#"(<[^<>]*(?:value|content)=)("[^"<>]*"|'[^'<>]*')[^<>]*name=["'][^"'<>]*{name}"#),
        // `https://me:password@host`
        r#"(://[^/@\s"'<>:]*:)([^/@\s"'<>]+)@"#.to_owned(),
        // Parts of multipart/form-data
        format!(r#"(name="[^"\r\n]*{name}[^"\r\n]*"[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n)([^\r\n]+)"#),
    ];
    patterns.iter().filter_map(|pattern| regex(pattern)).collect()
});

/// `--api-token abc`, `-H 'x-api-key: abc'`, with the value behind.
static FLAG: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(&format!(
        r#"(--[\w-]*{SECRET_NAME}[\w-]*\s+|['"]?[\w-]*{SECRET_NAME}[\w-]*:\s+)([^'"\s][^'"]*?)($|['"\s])"#
    ))
});

fn regex(pattern: &str) -> Option<Regex> {
    Regex::new(&format!("(?i){pattern}")).ok()
}

/// Whether a header, field or variable of this name holds a secret.
pub fn is_secret_name(name: &str) -> bool {
    let (Some(secret), Some(harmless)) = (NAME.as_ref(), HARMLESS.as_ref()) else {
        // Without the patterns nothing is known to be harmless.
        return true;
    };
    // What else is in the name may tell of one.
    secret.is_match(name) && secret.is_match(&harmless.replace_all(name, " "))
}

/// Whether a text holds a value that is a secret whatever it is called.
pub fn is_secret_value(text: &str) -> bool {
    matches!(without_secret_values(text), Cow::Owned(_))
}

/// A text without values that are secret whatever they are called.
fn without_secret_values(text: &str) -> Cow<'_, str> {
    let mut shown = Cow::Borrowed(text);
    for pattern in VALUES.iter() {
        if let Cow::Owned(hidden) = pattern.replace_all(&shown, HIDDEN) {
            shown = Cow::Owned(hidden);
        }
    }
    let Some(scheme) = SCHEME.as_ref() else { return shown };
    let is_any = scheme.captures_iter(&shown).any(|found| is_credential(&found[1], &found[3]));
    if is_any {
        let hidden = scheme.replace_all(&shown, |found: &Captures<'_>| {
            let value = if is_credential(&found[1], &found[3]) { HIDDEN } else { &found[3] };
            format!("{}{}{value}", &found[1], &found[2])
        });
        shown = Cow::Owned(hidden.into_owned());
    }
    shown
}

/// Whether what stands behind the name of a scheme is a credential, and no word: `Basic authentication`.
fn is_credential(scheme: &str, value: &str) -> bool {
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = STANDARD.decode(format!("{}{}", value.trim_end_matches('='), padding(value)));
        return decoded.is_ok_and(|pair| pair.contains(&b':'));
    }
    value.len() >= 20 || value.chars().any(|c| c.is_ascii_digit())
}

/// What lacks at the end of a text in base64.
fn padding(value: &str) -> &'static str {
    ["", "", "==", "="][value.trim_end_matches('=').len() % 4]
}

/// A command as it may be shown: without credentials in URLs, flags, headers and bodies.
pub fn command(text: &str) -> String {
    without_flags(&Redactor::default().body(text), |_| false)
}

/// The same of one in which a value may be a template, which stays.
pub fn command_template(text: &str) -> String {
    without_flags(&Redactor::default().template(text), is_templated)
}

/// A text with the values of flags and headers hidden whose names are secret.
fn without_flags(text: &str, is_harmless: fn(&str) -> bool) -> String {
    let Some(flag) = FLAG.as_ref() else { return String::new() };
    let hidden = flag.replace_all(text, |found: &Captures<'_>| {
        if is_harmless(&found[2]) {
            return found[0].to_owned();
        }
        format!("{}{HIDDEN}{}", &found[1], &found[3])
    });
    hidden.into_owned()
}

fn is_templated(value: &str) -> bool {
    value.contains("{{") || value.contains("{%")
}

/// Hides secrets in messages.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    /// Secrets that are known by their values, the longest first: one may be part of another.
    values: Vec<String>,
}

impl Redactor {
    /// One that also knows secrets by value, wherever they stand.
    pub fn knowing(values: impl IntoIterator<Item = String>) -> Self {
        Self::default().also_knowing(values)
    }

    /// The value of a header as it may be shown. Of cookies the names and attributes stay.
    pub fn header(&self, name: &str, value: &str) -> String {
        match name.to_ascii_lowercase().as_str() {
            "cookie" => value.split(';').map(hidden_cookie).collect::<Vec<_>>().join("; "),
            "set-cookie" => match value.split_once(';') {
                Some((cookie, attributes)) => format!("{};{attributes}", hidden_cookie(cookie)),
                None => hidden_cookie(value),
            },
            name if is_secret_name(name) => HIDDEN.to_owned(),
            _ => self.body(value),
        }
    }

    /// The same one that knows further secrets by value.
    pub fn also_knowing(&self, values: impl IntoIterator<Item = String>) -> Self {
        let further = values.into_iter().filter(|value| value.len() >= SHORTEST_VALUE).flat_map(forms);
        let mut values: Vec<String> = further.chain(self.values.iter().cloned()).collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self { values }
    }

    /// A value under a name, as a variable is shown.
    pub fn value(&self, name: &str, value: &str) -> String {
        if is_secret_name(name) { HIDDEN.to_owned() } else { self.body(value) }
    }

    /// A body, path or other text as it may be shown.
    pub fn body(&self, text: &str) -> String {
        self.shown(text, |_| false)
    }

    /// A text in which a value may be a template: what that comes to is hidden where it is shown.
    pub fn template(&self, text: &str) -> String {
        self.shown(text, is_templated)
    }

    fn shown(&self, text: &str, is_harmless: fn(&str) -> bool) -> String {
        let mut text = without_secret_values(text).into_owned();
        for pattern in FIELDS.iter() {
            let hidden = pattern.replace_all(&text, |found: &Captures<'_>| {
                let whole = &found[0];
                let behind = &whole[found[1].len() + found[2].len()..];
                let is_hidden = found[2].trim_matches(['"', '\'']) == HIDDEN || is_blank(&found[2]);
                let is_named = found[1].starts_with("://")
                    || is_key(&found[1], &found[2])
                    || is_secret_name(&format!("{}{behind}", &found[1]));
                if is_hidden || is_harmless(&found[2]) || !is_named {
                    return whole.to_owned();
                }
                let quote = found[2].chars().next().filter(|c| ['"', '\''].contains(c));
                let quote = quote.map_or(String::new(), String::from);
                format!("{}{quote}{HIDDEN}{quote}{behind}", &found[1])
            });
            if let Cow::Owned(hidden) = hidden {
                text = hidden;
            }
        }
        for value in &self.values {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), HIDDEN);
            }
        }
        text
    }
}

/// A list or object of JSON with others in it, as deep as three levels; it may be cut off.
fn nested() -> String {
    (0..3).fold(String::from(r"[^\[\]{}]"), |inner, _| format!(r"[\[{{](?:{inner}|[^\[\]{{}}])*[\]}}]?"))
}

/// Whether a value is that of a key whose own name says nothing: of an `api`, or of a query and long enough.
fn is_key(before: &str, value: &str) -> bool {
    match before.strip_prefix(['?', '&']) {
        Some(name) => name.eq_ignore_ascii_case("key=") && value.len() >= SHORTEST_KEY,
        None => before.trim_end().trim_end_matches(':').trim_end().to_ascii_lowercase().ends_with("\"key\""),
    }
}

/// Whether a value is none.
fn is_blank(value: &str) -> bool {
    value.trim_matches(['"', '\'', ' ']).is_empty()
}

/// A value as it stands in texts: in base64, in URLs and forms, and plainly.
fn forms(value: String) -> [String; 4] {
    let encoded = STANDARD.encode(&value);
    let url: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    [encoded.trim_end_matches('=').to_owned(), url.replace('+', "%20"), url, value]
}

/// `name=value` with its value hidden.
fn hidden_cookie(cookie: &str) -> String {
    let name = cookie.split_once('=').map_or("", |(name, _)| name.trim());
    format!("{name}={HIDDEN}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_is_secret() {
        for name in [
            "Authorization",
            "X-Api-Key",
            "APP_KEY",
            "SHOP_PW",
            "x-auth",
            "pin",
            "private_key",
            "user.pass",
            "X-CSRFToken",
            "DB_PASSWORD",
            "sessionid",
            "client_secret",
            "csrf",
            "session",
            "TOKEN",
            "privateKey",
            "subscription-key",
            "pwd",
            "passphrase",
            "AccountKey",
            "user[password]",
            "card_number",
            "DBPW",
            "user_pw",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "accept",
            "content-type",
            "order_id",
            "author",
            "keyboard",
            "passenger",
            "spinning",
            "key",
            "oauth2",
            "max_tokens",
            "token_type",
            "total_tokens",
            "session_count",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn secrets_are_hidden_in_headers() {
        let redactor = Redactor::default();
        assert_eq!(redactor.header("Authorization", "Bearer abc"), HIDDEN);
        assert_eq!(redactor.header("Cookie", "a=1; b=2"), "a=(hidden); b=(hidden)");
        assert_eq!(
            redactor.header("set-cookie", "sid=9; Path=/; HttpOnly"),
            "sid=(hidden); Path=/; HttpOnly"
        );
        assert_eq!(redactor.header("location", "/done?token=abc&next=/"), "/done?token=(hidden)&next=/");
        assert_eq!(redactor.header("accept", "text/html"), "text/html");
    }

    #[test]
    fn secrets_are_hidden_in_bodies_of_every_form_even_if_they_are_cut_off() {
        let redactor = Redactor::default();
        for (body, shown) in [
            (
                r#"{"user": "ada", "password": "hun\"ter2", "n": 1}"#,
                r#"{"user": "ada", "password": "(hidden)", "n": 1}"#,
            ),
            (r#"{"access_token":"abc"#, r#"{"access_token":"(hidden)""#),
            (r#"{"token": 12345, "id": 7}"#, r#"{"token": (hidden), "id": 7}"#),
            ("user=ada&password=hunter2&next=%2F", "user=ada&password=(hidden)&next=%2F"),
            ("/login?api_key=abc", "/login?api_key=(hidden)"),
            (
                r#"<input type="hidden" name="csrfmiddlewaretoken" value="abc"><p>hello</p>"#,
                r#"<input type="hidden" name="csrfmiddlewaretoken" value="(hidden)"><p>hello</p>"#,
            ),
            (r#"<input value="abc" name="csrf_token">"#, r#"<input value="(hidden)" name="csrf_token">"#),
            (
                "--x\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nhunter2\r\n--x--",
                "--x\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n(hidden)\r\n--x--",
            ),
            (r#"{"detail": "no such token"}"#, r#"{"detail": "no such token"}"#),
            (r#"{"max_tokens": 5, "total_tokens": 9}"#, r#"{"max_tokens": 5, "total_tokens": 9}"#),
            (r#"{"tokens": ["a", "b"], "n": 1}"#, r#"{"tokens": (hidden), "n": 1}"#),
            (
                r#"{"body": "{\"password\": \"hun ter2\", \"n\": 1}"}"#,
                r#"{"body": "{\"password\": \"(hidden)\", \"n\": 1}"}"#,
            ),
            ("{'password': 'x', 'n': 1}", "{'password': '(hidden)', 'n': 1}"),
            ("<login><password>x</password></login>", "<login><password>(hidden)</password></login>"),
            (r#"{"data": "password=abc&x=1"}"#, r#"{"data": "password=(hidden)&x=1"}"#),
            (r#"["x-auth-token: abc", "accept: x"]"#, r#"["x-auth-token: (hidden)", "accept: x"]"#),
            (
                r#"{"query":"mutation{login(password:\"abc\", n: 1)}"}"#,
                r#"{"query":"mutation{login(password:\"(hidden)\", n: 1)}"}"#,
            ),
            (
                r#"{"data": "{\"query\":\"{login(password:\\\"abc\\\")}\"}"}"#,
                r#"{"data": "{\"query\":\"{login(password:\\\"(hidden)\\\")}\"}"}"#,
            ),
            (r#"{"credentials": {"a": {"b": ["c"]}}, "n": 1}"#, r#"{"credentials": (hidden), "n": 1}"#),
            (
                r#"{"api": {"id": 1, "key": "abc"}, "key": "k"}"#,
                r#"{"api": {"id": 1, "key": "(hidden)"}, "key": "k"}"#,
            ),
            ("/maps?key=AbCd1234&key=17&q=x", "/maps?key=(hidden)&key=17&q=x"),
            (r#"{"mnemonic": "a b c", "2fa": 123456}"#, r#"{"mnemonic": "(hidden)", "2fa": (hidden)}"#),
            ("GET / HTTP/1.1\nX-Api-Key: abc\nAccept: x", "GET / HTTP/1.1\nX-Api-Key: (hidden)\nAccept: x"),
        ] {
            assert_eq!(redactor.body(body), shown);
        }
    }

    #[test]
    fn values_that_look_like_nothing_else_are_hidden_under_any_name() {
        let redactor = Redactor::default();
        for (text, shown) in [
            ("note: Bearer abc123def", "note: Bearer (hidden)"),
            ("Basic dXNlcjpwYXNz is sent", "Basic (hidden) is sent"),
            ("bearer of news, basic authentication", "bearer of news, basic authentication"),
            ("x=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def_1", "x=(hidden)"),
            ("sk_live_0123456789abcdef", "(hidden)"),
            ("ask-0123456789abcdef", "ask-0123456789abcdef"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nrest", "(hidden)\nrest"),
            (r"-----BEGIN PRIVATE KEY-----\nMIIE\n", "(hidden)"),
            ("-----BEGIN CERTIFICATE-----\nMIIE", "-----BEGIN CERTIFICATE-----\nMIIE"),
        ] {
            assert_eq!(redactor.body(text), shown);
            assert_eq!(is_secret_value(text), text != shown);
        }
    }

    #[test]
    fn templates_stay_where_a_text_is_shown_as_it_was_written() {
        let text = r#"{"password": "{{ env('PASSWORD') }}", "token": "abc"}"#;
        let shown = r#"{"password": "{{ env('PASSWORD') }}", "token": "(hidden)"}"#;
        assert_eq!(Redactor::default().template(text), shown);
    }

    #[test]
    fn commands_are_shown_without_credentials() {
        for (typed, shown) in [
            ("shop --port 8000 --db-password=hunter2 -v", "shop --port 8000 --db-password=(hidden) -v"),
            ("shop --api-token hunter2 --fast", "shop --api-token (hidden) --fast"),
            ("curl -H 'x-api-key: hunter2' http://h", "curl -H 'x-api-key: (hidden)' http://h"),
            (
                "http 'http://h/?token=S&x=1' -b 'password=S'",
                "http 'http://h/?token=(hidden)&x=1' -b 'password=(hidden)'",
            ),
            ("psql postgres://me:hunter2@h/db", "psql postgres://me:(hidden)@h/db"),
            ("./shop --lanes on", "./shop --lanes on"),
        ] {
            assert_eq!(command(typed), shown);
        }
    }

    #[test]
    fn secrets_known_by_value_are_hidden_wherever_they_stand() {
        let redactor =
            Redactor::knowing(["s3cr3t-key".to_owned(), "s3cr3t-key-2".to_owned(), "ab".to_owned()]);
        assert_eq!(redactor.body("/v1/s3cr3t-key-2/x about s3cr3t-key"), "/v1/(hidden)/x about (hidden)");
        assert_eq!(redactor.body("czNjcjN0LWtleQ== s3cr3t%2Dkey"), "(hidden)== s3cr3t%2Dkey");
        assert_eq!(
            Redactor::knowing(["a b/c:d".to_owned()]).body("?x=a%20b%2Fc%3Ad&y=a+b%2Fc%3Ad"),
            "?x=(hidden)&y=(hidden)"
        );
        assert_eq!(redactor.value("note", "ab"), "ab");
        assert_eq!(redactor.value("token", "ab"), HIDDEN);
    }
}
