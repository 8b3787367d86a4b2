//! Requests outside of the load: a client for them, URLs without secrets, failures without wrappers.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Identity, Method, Proxy};

/// How long a connection may take, if one answer may take longer.
const CONNECT: Duration = Duration::from_secs(2);

/// A text with a URL in it as it may be shown and stored: without a name and password.
pub fn shown(text: &str) -> String {
    let Some((before, rest)) = text.split_once("://") else { return shown_without_scheme(text) };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{before}://{host}{path}")
}

/// The same where the scheme is left out, as people type it: `me:secret@host/path`.
fn shown_without_scheme(text: &str) -> String {
    let end = text.find(|c: char| "/?#".contains(c) || c.is_whitespace()).unwrap_or(text.len());
    match text[..end].rsplit_once('@') {
        Some((pair, _)) if pair.contains(':') && !pair.contains(['"', '{']) => {
            text[pair.len() + 1..].to_owned()
        }
        _ => text.to_owned(),
    }
}

/// Asks servers, over and over, on connections that it keeps.
#[derive(Clone, Debug)]
pub struct Client(reqwest::Client);

/// What a client does with an answer that points to another place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirects {
    /// It asks there.
    Followed,
    /// It is the answer: what it points to may belong to another system.
    Kept,
}

/// How servers are reached, where that is not the usual way: what their certificates are held against,
/// and what lies between.
#[derive(Clone, Default)]
pub struct Way {
    /// Whether any certificate will do.
    pub insecure: bool,
    /// Certificates of authorities besides the system's, in PEM.
    pub ca: Option<String>,
    /// The client's certificate chain and its key, in PEM.
    pub identity: Option<String>,
    /// A proxy's URL.
    pub proxy: Option<String>,
    /// A Unix socket that stands for every host.
    pub unix_socket: Option<PathBuf>,
}

impl Way {
    /// The same without what lies between: for servers besides the system.
    #[must_use]
    pub fn straight(&self) -> Self {
        Self { proxy: None, unix_socket: None, ..self.clone() }
    }

    fn lead(&self, mut builder: reqwest::ClientBuilder) -> reqwest::Result<reqwest::ClientBuilder> {
        builder = builder.tls_danger_accept_invalid_certs(self.insecure);
        if let Some(pem) = &self.ca {
            builder = builder.tls_certs_merge(Certificate::from_pem_bundle(pem.as_bytes())?);
        }
        if let Some(pem) = &self.identity {
            builder = builder.identity(Identity::from_pem(pem.as_bytes())?);
        }
        if let Some(url) = &self.proxy {
            builder = builder.proxy(Proxy::all(url)?);
        }
        if let Some(path) = &self.unix_socket {
            builder = builder.unix_socket(path.as_path());
        }
        Ok(builder)
    }
}

impl Client {
    /// A client that asks the named host itself unless `way` says otherwise: a proxy in the environment
    /// would not know 127.0.0.1. `timeout`: for one answer as a whole.
    ///
    /// # Errors
    /// If there is no TLS to be had, or not as `way` says.
    pub fn new(timeout: Duration, redirects: Redirects, way: &Way) -> Result<Self, String> {
        let policy = match redirects {
            Redirects::Followed => Policy::default(),
            Redirects::Kept => Policy::none(),
        };
        let builder = reqwest::Client::builder().no_proxy().redirect(policy);
        let builder = way.lead(builder).map_err(|e| reason(&e))?;
        let client = builder.connect_timeout(timeout.min(CONNECT)).timeout(timeout).build();
        client.map(Self).map_err(|e| e.to_string())
    }

    /// Sends a request without a body.
    ///
    /// # Errors
    /// Why the method is not valid, or no answer came.
    pub async fn ask(&self, method: &str, url: &str) -> Result<Answer, String> {
        let method = Method::from_bytes(method.as_bytes()).map_err(|e| e.to_string())?;
        self.0.request(method, url).send().await.map(Answer).map_err(|e| reason(&e))
    }
}

impl Client {
    /// Posts a body with headers.
    ///
    /// # Errors
    /// Why no answer came.
    pub async fn post(&self, url: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Result<Answer, String> {
        let request = self.0.post(url).body(body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.send().await.map(Answer).map_err(|e| reason(&e))
    }

    /// Posts a form that is encoded already.
    ///
    /// # Errors
    /// Why no answer came.
    pub async fn post_form(
        &self,
        url: &str,
        form: String,
        authorization: Option<&HeaderValue>,
    ) -> Result<Answer, String> {
        let request = self.0.post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = match authorization {
            Some(value) => request.header(AUTHORIZATION, value),
            None => request,
        };
        request.body(form).send().await.map(Answer).map_err(|e| reason(&e))
    }
}

/// An answer whose body may still be on its way.
#[derive(Debug)]
pub struct Answer(reqwest::Response);

impl Answer {
    /// Itself, if its status is below `limit`.
    ///
    /// # Errors
    /// The status, if it is not: `status 404 Not Found`.
    pub fn below(self, limit: u16) -> Result<Self, String> {
        let status = self.0.status();
        if status.as_u16() < limit { Ok(self) } else { Err(format!("status {status}")) }
    }

    /// Its status: `404 Not Found`.
    pub fn status(&self) -> String {
        self.0.status().to_string()
    }

    /// Its body as text, if it has no more bytes than this.
    ///
    /// # Errors
    /// Why it broke off, or that it is too long.
    pub async fn text_up_to(mut self, most: usize) -> Result<String, String> {
        let mut body = Vec::new();
        while let Some(chunk) = self.0.chunk().await.map_err(|e| reason(&e))? {
            body.extend_from_slice(&chunk);
            if body.len() > most {
                return Err(format!("the answer is longer than {most} bytes"));
            }
        }
        Ok(String::from_utf8_lossy(&body).into_owned())
    }
}

/// The server of a URL as `host:port`; none if it is not a URL with a server.
pub fn server(url: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).ok()?;
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

/// The innermost cause of an error: `connection refused` rather than a chain of wrappers.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::{server, shown};

    #[test]
    fn credentials_are_never_shown() {
        assert_eq!(shown("http://me:s3cret@host:9000/a@b"), "http://host:9000/a@b");
        assert_eq!(shown("--host=https://token@host?x=1"), "--host=https://host?x=1");
        assert_eq!(shown("http://host:9000"), "http://host:9000");
        assert_eq!(shown("no url"), "no url");
        assert_eq!(shown("http://me:p@ss@h:1/a@b?c"), "http://h:1/a@b?c");
        assert_eq!(shown("http://h/a@b"), "http://h/a@b");
        assert_eq!(shown("nothing"), "nothing");
        assert_eq!(shown("me:s3cret@host:9000/a"), "host:9000/a");
        assert_eq!(shown("someone@host"), "someone@host", "no password");
        assert_eq!(shown(r#"{"mail":"a@b"}"#), r#"{"mail":"a@b"}"#);
    }

    #[test]
    fn a_server_has_the_port_of_its_scheme_unless_it_names_one() {
        assert_eq!(server("http://host/a?b").as_deref(), Some("host:80"));
        assert_eq!(server("https://me@host").as_deref(), Some("host:443"));
        assert_eq!(server("http://[::1]:9000/").as_deref(), Some("[::1]:9000"));
        assert_eq!(server("no url"), None);
    }
}
