//! A scenario of one request, for those who name an endpoint instead of a file. It is written out
//! as a scenario file and read like any other: one way for both.

use std::time::Duration;

use super::profile::Profile;

/// The name of its file, of which there is none on disk.
pub const FILE: &str = "endpoint.toml";
/// The name of its load.
pub const LOAD: &str = "endpoint";
/// The name of its profile: a system that is up already.
pub const PROFILE: &str = Profile::DIRECT;

/// One request, and how often it is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// Base URL: scheme, host and port.
    pub base_url: String,
    /// `POST /orders`, `GRPC package.Service/Method`.
    pub request: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body; a gRPC call's message as JSON.
    pub body: Option<Body>,
    /// Redirects that are followed; the usual number if none.
    pub redirects: Option<u32>,
    /// The version of HTTP; the usual one if none.
    pub http: Option<String>,
    /// Keys of `[tls]` that name files.
    pub tls_files: Vec<(&'static str, String)>,
    /// Whether any certificate will do.
    pub insecure: bool,
    /// Statuses that are `ok`: numbers, or words of gRPC; the protocol's own if empty.
    pub expect: Vec<String>,
    /// From sending to the whole answer.
    pub timeout: Duration,
    /// How often it is made.
    pub amount: Amount,
    /// Maximum number of concurrent requests; each has its own connection.
    pub connections: u32,
}

/// The body of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A text, which may hold templates.
    Text(String),
    /// The name of a file that is sent as it is.
    File(String),
}

/// How often a request is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// By every connection again and again, for a time.
    For(Duration),
    /// At a rate per second, however slow the answers are, for a time.
    AtRate(f64, Duration),
    /// So many times, as fast as the connections allow.
    Times(u64),
    /// So many times, evenly spread over a time.
    TimesOver(u64, Duration),
}

impl Endpoint {
    /// The scenario's name.
    pub fn name(&self) -> String {
        self.request.split('?').next().unwrap_or(&self.request).to_owned()
    }

    /// Whether a text of it looks like a template.
    pub fn may_be_templates(&self) -> bool {
        let body = match &self.body {
            Some(Body::Text(text)) => Some(text),
            Some(Body::File(_)) | None => None,
        };
        let mut texts = self.headers.iter().map(|(_, value)| value).chain([&self.request]).chain(body);
        texts.any(|text| ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark)))
    }

    /// Its headers as TOML has them: several values of one name stand together.
    fn header_lines(&self) -> Vec<String> {
        let mut named: Vec<(&str, Vec<String>)> = Vec::new();
        for (name, value) in &self.headers {
            match named.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
                Some((_, values)) => values.push(quoted(value)),
                None => named.push((name, vec![quoted(value)])),
            }
        }
        let line = |(name, values): (&str, Vec<String>)| match &values[..] {
            [value] => format!("{} = {value}", quoted(name)),
            values => format!("{} = [{}]", quoted(name), values.join(", ")),
        };
        named.into_iter().map(line).collect()
    }

    /// The scenario file.
    pub fn scenario(&self) -> String {
        let mut step = format!("request = {}", quoted(&self.request));
        if !self.headers.is_empty() {
            step.push_str(&format!(", headers = {{ {} }}", self.header_lines().join(", ")));
        }
        match &self.body {
            Some(Body::Text(text)) => step.push_str(&format!(", text = {}", quoted(text))),
            Some(Body::File(name)) => step.push_str(&format!(", file = {}", quoted(name))),
            None => {}
        }
        if !self.expect.is_empty() {
            let is_number = |status: &String| status.bytes().all(|b| b.is_ascii_digit());
            let statuses: Vec<String> =
                self.expect.iter().map(|s| if is_number(s) { s.clone() } else { quoted(s) }).collect();
            step.push_str(&format!(", expect = [{}]", statuses.join(", ")));
        }
        let mut defaults = format!("timeout = {}\n", self.timeout.as_secs_f64());
        if let Some(redirects) = self.redirects {
            defaults.push_str(&format!("redirects = {redirects}\n"));
        }
        if let Some(http) = &self.http {
            defaults.push_str(&format!("http = {}\n", quoted(http)));
        }
        let mut tls = format!("insecure = {}\n", self.insecure);
        for (key, file) in &self.tls_files {
            tls.push_str(&format!("{key} = {}\n", quoted(file)));
        }
        format!(
            "name = {}\nbase_url = {}\n\n[defaults]\n{defaults}\n[tls]\n{tls}\n[[journey]]\nname = \"Call\"\nsteps = [{{ {step} }}]\n\n\
             [[user_class]]\nname = \"Caller\"\njourneys = {{ Call = 1 }}\n\n[load.{LOAD}]\n{}\n\n[profile.{PROFILE}]\n",
            quoted(&self.name()),
            quoted(&self.base_url),
            self.load(),
        )
    }

    fn load(&self) -> String {
        let connections = self.connections;
        let seconds = |time: Duration| time.as_secs_f64();
        match self.amount {
            Amount::For(time) => format!("users = {connections}\nrun_time = {}", seconds(time)),
            Amount::AtRate(rate, time) => {
                format!("rate = {rate}\nmax_in_flight = {connections}\nrun_time = {}", seconds(time))
            }
            Amount::Times(times) => format!("iterations = {times}\nconcurrency = {connections}"),
            Amount::TimesOver(times, time) => {
                format!("iterations = {times}\nconcurrency = {connections}\nover = {}", seconds(time))
            }
        }
    }
}

/// A text as a TOML string: JSON's escapes are TOML's, but for DEL, which JSON leaves as it is.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::scenario::compile;
    use crate::scenario::tests::Written;

    fn endpoint(request: &str, body: &str) -> Endpoint {
        Endpoint {
            base_url: "http://127.0.0.1:8000".to_owned(),
            request: request.to_owned(),
            headers: vec![("accept".to_owned(), body.replace(['{', '%'], ""))],
            body: Some(Body::Text(body.replace(['{', '%'], ""))),
            redirects: Some(3),
            http: Some("1.1".to_owned()),
            tls_files: Vec::new(),
            insecure: true,
            expect: vec!["200".to_owned(), "404".to_owned()],
            timeout: Duration::from_millis(1500),
            amount: Amount::AtRate(50.0, Duration::from_secs(2)),
            connections: 10,
        }
    }

    proptest! {
        #[test]
        fn whatever_is_sent_makes_a_scenario(body: String) {
            let text = endpoint("POST /orders?draft=1", &body).scenario();
            let scenario = compile(Path::new(FILE), &Written(text)).unwrap();
            prop_assert_eq!(scenario.name.as_str(), "POST /orders");
            prop_assert_eq!(scenario.loads[LOAD].max_in_flight(), 10);
            prop_assert!(scenario.tls.insecure);
        }
    }
}
