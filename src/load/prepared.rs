//! Requests made ready before the load starts: what is fixed is encoded here, once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HOST, HeaderName, HeaderValue, RANGE, USER_AGENT,
};
use hyper::{HeaderMap, Method, Uri};
use minijinja::value::Value;
use prost_reflect::DescriptorPool;
use url::Url;

use super::LoadError;
use super::decode;
use super::jar::Jar;
use super::origin::{Below, Origin, Ways};
use super::outgoing::{Draft, Drafted, Form};
use super::pointed;
use super::target;
use super::token::Credentials;
use super::websocket;
use super::{grpc, reflection};
use crate::redact;
use crate::scenario::Scenario;
use crate::scenario::check::{Extract, ExtractFrom};
use crate::scenario::hosts::AllowedHosts;
use crate::scenario::journey::{Protocol, Request, SocketAction, Step};
use crate::scenario::rpc::{Codec, Rpc, RpcError};
use crate::scenario::scope::Scope;
use crate::scenario::template::{RenderError, Templates, Text};
use crate::scenario::transport::HttpVersion;

/// What servers are told of who asks.
const AGENT: &str = concat!("loadproof/", env!("CARGO_PKG_VERSION"));

/// Everything about a scenario's requests that does not change while it is loaded.
pub(super) struct Requests {
    /// By request number.
    prepared: Vec<Prepared>,
    /// Where requests go, the target first.
    pub(super) origins: Vec<Arc<Origin>>,
    /// The version of HTTP for all but gRPC.
    pub(super) version: HttpVersion,
    /// Where requests may go.
    pub(super) allowed: AllowedHosts,
    /// How other origins are reached.
    pub(super) ways: Ways,
    pub(super) templates: Arc<Templates>,
    /// Variables whose values are secrets, by their own names or by where in answers they stand.
    secret_variables: BTreeSet<String>,
    /// Whether requests carry trace ids.
    pub(super) is_traced: bool,
}

struct Prepared {
    form: Form,
    origin: usize,
    target: Target,
    /// Values of the form's rendered headers, in their order.
    headers: Vec<Text>,
    body: Body,
    /// For gRPC.
    codec: Option<Codec>,
}

enum Target {
    /// The form's.
    Fixed,
    /// A path that is rendered, and the path under which it lies; mostly empty.
    Below(Text, String),
    /// A URL that is rendered, and the one that it may be relative to.
    Url(Text, Box<Url>),
}

enum Body {
    Empty,
    Text(Text),
    /// A message that is rendered as JSON.
    Message(Text, Codec),
}

/// Why a request could not be put together for its user.
#[derive(Debug, thiserror::Error)]
pub(super) enum AssembleError {
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error(transparent)]
    Message(#[from] RpcError),
    #[error("the rendered path is not a valid one")]
    Target,
    #[error("the path holds a whole URL: write e.g. `GET {{{{ next }}}}`, without the slash, to go there")]
    UrlInPath,
    #[error("{0}")]
    Url(String),
    #[error(
        "the user has no cookie `{0}` for this URL: an earlier answer has to set it, or `cookie(\"{0}\") | default(\"\")` \
         does without"
    )]
    Cookie(String),
    #[error("the rendered header `{0}` is not a valid one")]
    Header(HeaderName),
}

impl Requests {
    /// Prepares all requests of a scenario for a target.
    ///
    /// # Errors
    /// If the target, or a URL in the scenario, leads nowhere, or a header cannot be sent.
    pub(super) async fn prepare(
        scenario: &Scenario,
        base_url: &str,
        credentials: &[Credentials],
    ) -> Result<Self, LoadError> {
        let ways = Ways::new(&scenario.tls, &scenario.network)?;
        let (target, _) = Origin::resolve(base_url, scenario.http, &ways).await?;
        let mut requests = Self {
            prepared: Vec::new(),
            origins: vec![Arc::new(target)],
            version: scenario.http,
            allowed: scenario.allowed_hosts.with([base_url]),
            ways,
            templates: Arc::clone(&scenario.templates),
            is_traced: scenario.trace.is_some(),
            secret_variables: BTreeSet::new(),
        };
        let mut all = Vec::new();
        for journey in &scenario.journeys {
            collect(&journey.steps, &mut all);
        }
        all.sort_by_key(|request| request.number);
        requests.secret_variables = all
            .iter()
            .flat_map(|r| &r.extract)
            .filter(|e| is_secret(e))
            .map(|e| e.variable.clone())
            .collect();
        let mut reflected = BTreeMap::new();
        for request in all {
            let prepared = requests.prepare_one(request, base_url, credentials, &mut reflected).await?;
            requests.prepared.push(prepared);
        }
        Ok(requests)
    }

    async fn prepare_one(
        &mut self,
        request: &Request,
        base_url: &str,
        credentials: &[Credentials],
        reflected: &mut BTreeMap<(usize, String), DescriptorPool>,
    ) -> Result<Prepared, LoadError> {
        let (method, version) = match &request.protocol {
            Protocol::Http(method) => (method.as_str(), self.version),
            Protocol::Grpc(_) => ("POST", HttpVersion::Http2),
            Protocol::WebSocket => ("GET", HttpVersion::Http1),
        };
        let url = request.origin.as_deref().unwrap_or(base_url);
        let (origin, Below { path: base_path, authorization }) =
            Origin::resolve(url, version, &self.ways).await?;
        let origin = self.origin(origin);
        let codec = match &request.protocol {
            Protocol::Http(_) | Protocol::WebSocket => None,
            Protocol::Grpc(rpc) => Some(self.codec(rpc, origin, reflected).await?),
        };
        let invalid = || LoadError::Request(method.to_owned());
        let mut fixed_headers = match &request.protocol {
            Protocol::Http(_) => usual_headers(request),
            Protocol::Grpc(_) => grpc::headers(request.timeout),
            Protocol::WebSocket => websocket::opening::headers(usual_headers(request)),
        };
        fixed_headers.insert(HOST, self.origins[origin].host.clone());
        if let Some(authorization) = authorization {
            fixed_headers.insert(AUTHORIZATION, authorization);
        }
        let states_authorization = request.headers.iter().any(|(name, _)| name == AUTHORIZATION.as_str());
        let auth = request.auth.filter(|_| !states_authorization).and_then(|auth| credentials.get(auth));
        let token = match auth {
            Some(Credentials::Fixed(value)) => {
                fixed_headers.insert(AUTHORIZATION, value.clone());
                None
            }
            Some(Credentials::Renewed(token)) => {
                // In place of the URL's.
                fixed_headers.remove(AUTHORIZATION);
                Some(token.clone())
            }
            None => None,
        };
        // What a request states itself takes the place of what it would have without; it may state
        // several values.
        for (name, _) in &request.headers {
            fixed_headers.remove(name.as_str());
        }
        let (mut rendered, mut headers) = (Vec::new(), Vec::new());
        for (name, value) in &request.headers {
            let name: HeaderName = name.parse().map_err(|_| invalid())?;
            match value {
                Text::Fixed(bytes) => {
                    let value =
                        HeaderValue::from_bytes(bytes).map_err(|_| LoadError::Header(name.clone()))?;
                    fixed_headers.append(name, value);
                }
                Text::Template(_) | Text::Joined(_) => {
                    rendered.push(name);
                    headers.push(value.clone());
                }
            }
        }
        let (fixed_target, target) = match &request.path {
            Text::Template(_) | Text::Joined(_) if request.is_url => {
                let base = format!("{}{base_path}/", self.origins[origin].url);
                let base = Url::parse(&base).map_err(|_| LoadError::Target(base))?;
                (None, Target::Url(request.path.clone(), Box::new(base)))
            }
            Text::Template(_) | Text::Joined(_) => (None, Target::Below(request.path.clone(), base_path)),
            Text::Fixed(path) => (Some(fixed_target(&base_path, path)?), Target::Fixed),
        };
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| invalid())?;
        let body = body(request.body.as_ref(), codec.as_ref())?;
        let form = Form::new(method, fixed_target, fixed_headers, rendered, token, body.fixed());
        Ok(Prepared { form, origin, target, headers, body, codec })
    }

    /// How the messages of a method are written: as the scenario's files say, or else the server.
    async fn codec(
        &self,
        rpc: &Rpc,
        origin: usize,
        reflected: &mut BTreeMap<(usize, String), DescriptorPool>,
    ) -> Result<Codec, LoadError> {
        if let Some(codec) = &rpc.codec {
            return Ok(codec.clone());
        }
        let key = (origin, rpc.service.clone());
        if !reflected.contains_key(&key) {
            let pool = reflection::descriptors(&self.origins[origin], &rpc.service).await;
            let pool = pool.map_err(|reason| {
                let reason = format!(
                    "cannot ask {} by reflection: {reason} (name a .proto file under `[grpc]` if it has none)",
                    self.origins[origin].url
                );
                LoadError::Rpc { path: rpc.path(), reason }
            })?;
            reflected.insert(key.clone(), pool);
        }
        Codec::find(&reflected[&key], &rpc.service, &rpc.method)
            .map_err(|error| LoadError::Rpc { path: rpc.path(), reason: error.to_string() })
    }

    fn origin(&mut self, origin: Origin) -> usize {
        match self.origins.iter().position(|known| known.url == origin.url && known.version == origin.version)
        {
            Some(place) => place,
            None => {
                self.origins.push(Arc::new(origin));
                self.origins.len() - 1
            }
        }
    }

    /// Which origin a request goes to.
    pub(super) fn origin_of(&self, request: &Request) -> usize {
        self.prepared[request.number].origin
    }

    /// How the messages of a gRPC call are read.
    pub(super) fn codec_of(&self, request: &Request) -> Option<&Codec> {
        self.prepared[request.number].codec.as_ref()
    }

    /// Renders what a request has of one user now; `jar`: the user's cookies.
    pub(super) fn draft(
        &self,
        request: &Request,
        scope: &Arc<Scope>,
        jar: &Jar,
    ) -> Result<Draft, AssembleError> {
        let drafted = self.put_together(request, scope, jar);
        drafted.map_err(|error| match (error, scope.missing_cookie()) {
            (AssembleError::Render(_), Some(name)) if request.reads_cookies => AssembleError::Cookie(name),
            (error, _) => error,
        })
    }

    fn put_together(&self, request: &Request, scope: &Arc<Scope>, jar: &Jar) -> Result<Draft, AssembleError> {
        let prepared = &self.prepared[request.number];
        // Its cookies depend on where it goes, and that may depend on those of its server.
        let early = if request.reads_cookies {
            let server = Url::parse(&self.origins[prepared.origin].url).map_err(|_| AssembleError::Target)?;
            scope.set_cookies(jar.pairs(&server));
            let (target, elsewhere) = self.target(prepared, scope)?;
            let path =
                target.as_ref().or(prepared.form.target.as_ref()).map(Uri::to_string).unwrap_or_default();
            let url = elsewhere.as_deref().cloned().or_else(|| server.join(&path).ok()).unwrap_or(server);
            scope.set_cookies(jar.pairs(&url));
            Some((target, elsewhere))
        } else {
            None
        };
        let body = match &prepared.body {
            Body::Empty => Bytes::new(),
            Body::Text(text) => self.templates.render(text, scope)?,
            Body::Message(text, codec) => codec.encode(&self.templates.render(text, scope)?)?,
        };
        let (target, elsewhere) = match early {
            Some(target) => target,
            None => self.target(prepared, scope)?,
        };
        let mut headers = Vec::with_capacity(prepared.headers.len());
        for (name, text) in prepared.form.rendered.iter().zip(&prepared.headers) {
            let value = HeaderValue::from_maybe_shared(self.templates.render(text, scope)?)
                .map_err(|_| AssembleError::Header(name.clone()))?;
            headers.push(value);
        }
        Ok(Draft { target, elsewhere, headers, body })
    }

    /// The secrets among a user's variables, and among those that were just taken from an answer.
    pub(super) fn secrets_of(&self, scope: &Scope, taken: &[(String, Value)]) -> Vec<String> {
        let known = self.secret_variables.iter().filter_map(|name| scope.get(name));
        let taken = taken.iter().filter(|(name, _)| self.secret_variables.contains(name));
        let variables = known.chain(taken.map(|(_, value)| value.clone())).map(|value| value.to_string());
        variables.chain(scope.cookie_values()).collect()
    }

    /// A drafted request, ready to go out; `trace`: its header `traceparent`.
    pub(super) fn drafted<'a>(
        &'a self,
        request: &Request,
        draft: &'a Draft,
        trace: Option<HeaderValue>,
    ) -> Drafted<'a> {
        Drafted { form: &self.prepared[request.number].form, draft, trace, cookies: None }
    }

    /// What a request asks for if that is not its form's, and its URL if that is at another server.
    fn target(
        &self,
        prepared: &Prepared,
        scope: &Arc<Scope>,
    ) -> Result<(Option<Uri>, Option<Box<Url>>), AssembleError> {
        match &prepared.target {
            Target::Fixed => Ok((None, None)),
            Target::Below(text, base_path) => Ok((Some(self.rendered_target(base_path, text, scope)?), None)),
            Target::Url(text, base) => {
                let text = self.templates.render(text, scope)?;
                let url = pointed::resolved(base, &text, &self.allowed).map_err(AssembleError::Url)?;
                let target = pointed::target(&url).ok_or(AssembleError::Target)?;
                let is_elsewhere = url.origin() != base.origin();
                Ok((Some(target), is_elsewhere.then(|| Box::new(url))))
            }
        }
    }

    fn rendered_target(
        &self,
        base_path: &str,
        text: &Text,
        scope: &Arc<Scope>,
    ) -> Result<Uri, AssembleError> {
        let mut path = self.templates.render(text, scope)?;
        if pointed::holds_url(&path) {
            return Err(AssembleError::UrlInPath);
        }
        if !base_path.is_empty() {
            path = Bytes::from([base_path.as_bytes(), &path].concat());
        }
        let path = target::encoded(path).ok_or(AssembleError::Target)?;
        Uri::from_maybe_shared(path).map_err(|_| AssembleError::Target)
    }
}

/// What a request has among its headers that states nothing else: what browsers and curl send.
fn usual_headers(request: &Request) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    // A part of a compressed body cannot be read.
    let is_whole = !request.headers.iter().any(|(name, _)| name == RANGE.as_str());
    // Nor can one be watched.
    if is_whole && request.events.is_none() {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(decode::ACCEPTED));
    }
    headers
}

impl Body {
    /// It, if it is always the same.
    fn fixed(&self) -> Option<Bytes> {
        match self {
            Self::Empty => Some(Bytes::new()),
            Self::Text(Text::Fixed(bytes)) => Some(bytes.clone()),
            Self::Text(_) | Self::Message(..) => None,
        }
    }
}

/// What can be written before the load is; a gRPC call always has a message, if an empty one.
fn body(text: Option<&Text>, codec: Option<&Codec>) -> Result<Body, LoadError> {
    let encoded = |codec: &Codec, json: &[u8]| {
        let message = codec.encode(json).map_err(|e| LoadError::Message(e.to_string()))?;
        Ok(Body::Text(Text::Fixed(message)))
    };
    match (text, codec) {
        (None, None) => Ok(Body::Empty),
        (Some(text), None) => Ok(Body::Text(text.clone())),
        (None, Some(codec)) => encoded(codec, b""),
        (Some(Text::Fixed(json)), Some(codec)) => encoded(codec, json),
        (Some(text), Some(codec)) => Ok(Body::Message(text.clone(), codec.clone())),
    }
}

fn fixed_target(base_path: &str, path: &[u8]) -> Result<Uri, LoadError> {
    let whole = [base_path.as_bytes(), path].concat();
    let invalid = || LoadError::Target(String::from_utf8_lossy(&whole).into_owned());
    let encoded = target::encoded(Bytes::copy_from_slice(&whole)).ok_or_else(invalid)?;
    Uri::from_maybe_shared(encoded).map_err(|_| invalid())
}

/// Whether a variable holds a secret: its name or its place in an answer says so.
fn is_secret(extract: &Extract) -> bool {
    redact::is_secret_name(&extract.variable)
        || match &extract.from {
            ExtractFrom::Json(place) => redact::is_secret_name(&place.to_string()),
            ExtractFrom::Header(name) => redact::is_secret_name(name),
            ExtractFrom::Regex(regex) => redact::is_secret_name(regex.as_str()),
        }
}

/// All requests among steps, nested ones too.
fn collect<'a>(steps: impl IntoIterator<Item = &'a Step>, into: &mut Vec<&'a Request>) {
    for step in steps {
        match step {
            Step::Request(request) => into.push(request),
            Step::Poll(poll) => into.push(&poll.request),
            Step::Parallel(parallel) => into.extend(&parallel.requests),
            Step::Socket(step) => match &step.action {
                SocketAction::Open(request) => into.push(request),
                SocketAction::Send(_) | SocketAction::Receive(_) | SocketAction::Close(_) => {}
            },
            other => collect(other.parts(), into),
        }
    }
}

#[cfg(test)]
pub(in crate::load) mod tests {
    use std::path::Path;

    use minijinja::value::Value;

    use super::*;
    use crate::load::outgoing::Message;
    use crate::scenario::compile;
    use crate::scenario::tests::Written;

    /// A scenario of one journey with these steps.
    pub(in crate::load) fn scenario(steps: &str) -> Scenario {
        scenario_with("", steps)
    }

    /// The same with further tables.
    pub(in crate::load) fn scenario_with(tables: &str, steps: &str) -> Scenario {
        let text = format!(
            "name = \"S\"\nbase_url = \"http://127.0.0.1:9\"\n{tables}\n[[journey]]\nname = \"J\"\nsteps = [{steps}]\n\
             [[user_class]]\nname = \"U\"\njourneys = {{ J = 1 }}\n"
        );
        compile(Path::new("s.toml"), &Written(text)).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The requests of a scenario, in the order of their numbers.
    pub(in crate::load) fn requests_of(scenario: &Scenario) -> Vec<Request> {
        let mut all = Vec::new();
        collect(&scenario.journeys[0].steps, &mut all);
        all.into_iter().cloned().collect()
    }

    async fn prepared(scenario: &Scenario, base_url: &str) -> Result<Requests, LoadError> {
        Requests::prepare(scenario, base_url, &[]).await
    }

    #[tokio::test]
    async fn what_is_fixed_is_as_written_and_templates_are_filled_for_their_user() {
        let steps = r#"
            { request = "GET /items?page=1", name = "items", headers = { Accept = "text/plain" } },
            { let = { id = "{{ 6 * 7 }}" }, request = "POST /items/{{ id }}", name = "item",
              headers = { "X-Id" = "{{ id }}" }, text = "number {{ id }}" },
        "#;
        let scenario = scenario(steps);
        let requests = prepared(&scenario, "http://127.0.0.1:9/base/").await.unwrap();
        let [items, item] = &requests_of(&scenario)[..] else { panic!("two requests") };
        let scope = Scope::new(1, || 0);
        let message =
            requests.drafted(items, &requests.draft(items, &scope, &Jar::default()).unwrap(), None).message();
        assert_eq!(message.method(), Method::GET);
        assert_eq!(message.uri(), "/base/items?page=1");
        assert_eq!(
            (&message.headers()["accept"], &message.headers()["host"]),
            (&HeaderValue::from_static("text/plain"), &HeaderValue::from_static("127.0.0.1:9"),)
        );
        assert!(message.body().is_empty());
        scope.set("id", &Value::from(42));
        let draft = requests.draft(item, &scope, &Jar::default()).unwrap();
        let message = requests.drafted(item, &draft, None).message();
        assert_eq!(message.uri(), "/base/items/42");
        assert_eq!(message.headers()["x-id"], "42");
        assert_eq!((&message.body()[..], draft.size()), (&b"number 42"[..], 9));
    }

    #[tokio::test]
    async fn requests_to_the_same_server_share_its_origin() {
        let steps = r#"
            { request = "GET /a" }, { request = "GET http://127.0.0.1:8/b" }, { request = "GET /c" },
            { request = "GET http://127.0.0.1:8/d" },
        "#;
        let scenario = scenario(steps);
        let requests = prepared(&scenario, "http://127.0.0.1:9").await.unwrap();
        let origins: Vec<usize> = requests_of(&scenario).iter().map(|r| requests.origin_of(r)).collect();
        assert_eq!(origins, [0, 1, 0, 1]);
        assert_eq!(requests.origins[1].url, "http://127.0.0.1:8");
    }

    #[tokio::test]
    async fn a_rendered_path_or_header_that_cannot_be_sent_is_refused() {
        let steps = r#"
            { request = "GET /{{ user }}{{ '\\n' }}/x", name = "path" },
            { request = "GET /y", headers = { a = "{{ user }}{{ '\\n' }}x" }, name = "header" },
        "#;
        let scenario = scenario(steps);
        let requests = prepared(&scenario, "http://127.0.0.1:9").await.unwrap();
        let of = requests_of(&scenario);
        let scope = Scope::new(1, || 0);
        assert!(matches!(requests.draft(&of[0], &scope, &Jar::default()), Err(AssembleError::Target)));
        assert!(
            matches!(requests.draft(&of[1], &scope, &Jar::default()), Err(AssembleError::Header(name)) if name == "a")
        );
    }

    /// The message of the only step of a scenario.
    async fn message_of(tables: &str, step: &str, base_url: &str) -> Message {
        let scenario = scenario_with(tables, step);
        let requests = prepared(&scenario, base_url).await.unwrap();
        let request = &requests_of(&scenario)[0];
        requests
            .drafted(request, &requests.draft(request, &Scope::new(1, || 0), &Jar::default()).unwrap(), None)
            .message()
    }

    #[tokio::test]
    async fn every_request_says_who_asks_and_what_is_read_unless_it_says_so_itself() {
        let message = message_of("", r#"{ request = "GET /" }"#, "http://127.0.0.1:9").await;
        let header = |name: &str| message.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("user-agent"), format!("loadproof/{}", env!("CARGO_PKG_VERSION")));
        assert_eq!(
            (header("accept"), header("accept-encoding")),
            ("*/*".to_owned(), decode::ACCEPTED.to_owned())
        );
        assert!(!message.headers().contains_key("content-length"));
        let own = r#"{ request = "GET /", headers = { user-agent = "x", accept = ["a", "b"], range = "bytes=0-9" } }"#;
        let message = message_of("", own, "http://127.0.0.1:9").await;
        let all = |name: &str| {
            message.headers().get_all(name).iter().map(|v| v.to_str().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!((all("user-agent"), all("accept")), (vec!["x"], vec!["a", "b"]));
        assert!(all("accept-encoding").is_empty(), "a part of a compressed body cannot be read");
    }

    #[tokio::test]
    async fn later_headers_take_the_place_of_earlier_ones_with_all_their_values() {
        let defaults = r#"
            [defaults]
            headers = { x-a = ["1", "2"], x-b = "1" }
        "#;
        let step = r#"{ request = "GET /", headers = { x-a = ["{{ 3 }}", "4"] } }"#;
        let message = message_of(defaults, step, "http://127.0.0.1:9").await;
        let mut values: Vec<&str> =
            message.headers().get_all("x-a").iter().map(|v| v.to_str().unwrap()).collect();
        values.sort_unstable();
        assert_eq!((values, message.headers()["x-b"].to_str().unwrap()), (vec!["3", "4"], "1"));
    }

    #[tokio::test]
    async fn a_request_that_could_have_a_body_and_has_none_says_so() {
        for (step, length) in [
            (r#"{ request = "POST /" }"#, Some("0")),
            (r#"{ request = "PUT /", text = "{{ '' }}" }"#, Some("0")),
            (r#"{ request = "PATCH /" }"#, Some("0")),
            (r#"{ request = "GET /" }"#, None),
            (r#"{ request = "DELETE /" }"#, None),
            (r#"{ request = "POST /", text = "a" }"#, None),
        ] {
            let message = message_of("", step, "http://127.0.0.1:9").await;
            let found = message.headers().get("content-length").map(|v| v.to_str().unwrap());
            assert_eq!(found, length, "{step}");
        }
    }

    #[tokio::test]
    async fn credentials_of_a_url_become_a_header_unless_there_is_one() {
        let url = "http://me:pw@127.0.0.1:9";
        let message = message_of("", r#"{ request = "GET /" }"#, url).await;
        assert_eq!(
            (&message.headers()["authorization"], &message.headers()["host"]),
            (&HeaderValue::from_static("Basic bWU6cHc="), &HeaderValue::from_static("127.0.0.1:9"))
        );
        let own = r#"{ request = "GET /", headers = { Authorization = "Bearer t" } }"#;
        assert_eq!(message_of("", own, url).await.headers()["authorization"], "Bearer t");
        let elsewhere = r#"{ request = "GET http://you:pw@127.0.0.1:8/x" }"#;
        assert_eq!(
            message_of("", elsewhere, "http://127.0.0.1:9").await.headers()["authorization"],
            "Basic eW91OnB3"
        );
        assert!(
            !message_of("", r#"{ request = "GET http://127.0.0.1:8/x" }"#, url)
                .await
                .headers()
                .contains_key("authorization")
        );
    }

    #[tokio::test]
    async fn paths_are_encoded_whether_they_are_fixed_or_rendered() {
        for (request, sent) in [
            ("GET /a b?q=é", "/base/a%20b?q=%C3%A9"),
            ("GET /a%20b", "/base/a%20b"),
            ("GET /{{ 'a b' }}?q={{ 'é' }}", "/base/a%20b?q=%C3%A9"),
            ("GET http://127.0.0.1:8/{{ 'x y' }}", "/x%20y"),
            ("GET http://127.0.0.1:8?x=1", "/?x=1"),
        ] {
            let step = format!("{{ request = \"{request}\", name = \"it\" }}");
            assert_eq!(message_of("", &step, "http://127.0.0.1:9/base").await.uri(), sent, "{request}");
        }
    }

    #[tokio::test]
    async fn a_target_that_is_not_a_url_is_an_error_of_configuration() {
        let scenario = scenario(r#"{ request = "GET /a" }"#);
        let Err(error) = prepared(&scenario, "127.0.0.1").await else { panic!("it has no scheme") };
        assert!(error.is_configuration(), "{error}");
    }
}
