//! Requests made ready before the load starts: what is fixed is encoded here, once.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HOST, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Request as Message, Uri};
use prost_reflect::DescriptorPool;

use super::LoadError;
use super::origin::{Origin, Version};
use super::{grpc, reflection};
use crate::scenario::Scenario;
use crate::scenario::journey::{Protocol, Request, Step};
use crate::scenario::rpc::{Codec, Rpc, RpcError};
use crate::scenario::scope::Scope;
use crate::scenario::template::{RenderError, Templates, Text};

/// Everything about a scenario's requests that does not change while it is loaded.
pub(super) struct Requests {
    /// By request number.
    prepared: Vec<Prepared>,
    /// Where requests go, the target first.
    pub(super) origins: Vec<Origin>,
    /// Path under which the target's paths lie; mostly empty.
    base_path: String,
    pub(super) templates: Arc<Templates>,
    /// Whether requests carry trace ids.
    pub(super) is_traced: bool,
}

struct Prepared {
    method: Method,
    origin: usize,
    target: Target,
    fixed_headers: HeaderMap,
    rendered_headers: Vec<(HeaderName, Text)>,
    body: Body,
    /// For gRPC.
    codec: Option<Codec>,
}

enum Body {
    Empty,
    Text(Text),
    /// A message that is rendered as JSON.
    Message(Text, Codec),
}

enum Target {
    Fixed(Uri),
    Rendered(Text),
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
    #[error("the rendered header `{0}` is not a valid one")]
    Header(HeaderName),
}

impl Requests {
    /// Prepares all requests of a scenario for a target.
    ///
    /// # Errors
    /// If the target, or a URL in the scenario, leads nowhere, or a header cannot be sent.
    pub(super) async fn prepare(scenario: &Scenario, base_url: &str) -> Result<Self, LoadError> {
        let (target, base_path) = Origin::resolve(base_url, Version::Http1).await?;
        let templates = Arc::clone(&scenario.templates);
        let is_traced = scenario.trace.is_some();
        let mut requests =
            Self { prepared: Vec::new(), origins: vec![target], base_path, templates, is_traced };
        let mut all = Vec::new();
        for journey in &scenario.journeys {
            collect(&journey.steps, &mut all);
        }
        all.sort_by_key(|request| request.number);
        let mut reflected = BTreeMap::new();
        for request in all {
            let prepared = requests.prepare_one(request, base_url, &mut reflected).await?;
            requests.prepared.push(prepared);
        }
        Ok(requests)
    }

    async fn prepare_one(
        &mut self,
        request: &Request,
        base_url: &str,
        reflected: &mut BTreeMap<(usize, String), DescriptorPool>,
    ) -> Result<Prepared, LoadError> {
        let (method, version) = match &request.protocol {
            Protocol::Http(method) => (method.as_str(), Version::Http1),
            Protocol::Grpc(_) => ("POST", Version::Http2),
        };
        let (origin, base_path) =
            Origin::resolve(request.origin.as_deref().unwrap_or(base_url), version).await?;
        let origin = self.origin(origin);
        let codec = match &request.protocol {
            Protocol::Http(_) => None,
            Protocol::Grpc(rpc) => Some(self.codec(rpc, origin, reflected).await?),
        };
        let invalid = || LoadError::Request(method.to_owned());
        let mut fixed_headers = match version {
            Version::Http1 => HeaderMap::from_iter([(HOST, self.origins[origin].host.clone())]),
            Version::Http2 => grpc::headers(request.timeout),
        };
        let mut rendered_headers = Vec::new();
        for (name, value) in &request.headers {
            let name: HeaderName = name.parse().map_err(|_| invalid())?;
            match value {
                Text::Fixed(bytes) => {
                    let value =
                        HeaderValue::from_bytes(bytes).map_err(|_| LoadError::Header(name.clone()))?;
                    fixed_headers.insert(name, value);
                }
                Text::Template(_) => rendered_headers.push((name, value.clone())),
            }
        }
        let target = match (&request.path, version) {
            (Text::Template(_), _) => Target::Rendered(request.path.clone()),
            (Text::Fixed(path), Version::Http1) => fixed_target(&[base_path.as_bytes(), path])?,
            // HTTP/2 takes scheme and authority from the URI.
            (Text::Fixed(path), Version::Http2) => {
                fixed_target(&[self.origins[origin].url.as_bytes(), base_path.as_bytes(), path])?
            }
        };
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| invalid())?;
        let body = body(request.body.as_ref(), codec.as_ref())?;
        Ok(Prepared { method, origin, target, fixed_headers, rendered_headers, body, codec })
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
                self.origins.push(origin);
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

    /// The request as it goes out for one user now, and its body's size.
    pub(super) fn assemble(
        &self,
        request: &Request,
        scope: &Arc<Scope>,
    ) -> Result<(Message<Full<Bytes>>, usize), AssembleError> {
        let prepared = &self.prepared[request.number];
        let body = match &prepared.body {
            Body::Empty => Bytes::new(),
            Body::Text(text) => self.templates.render(text, scope)?,
            Body::Message(text, codec) => codec.encode(&self.templates.render(text, scope)?)?,
        };
        let size = body.len();
        let mut message = Message::new(Full::new(body));
        *message.method_mut() = prepared.method.clone();
        *message.uri_mut() = match &prepared.target {
            Target::Fixed(uri) => uri.clone(),
            Target::Rendered(text) => self.rendered_uri(text, scope)?,
        };
        *message.headers_mut() = prepared.fixed_headers.clone();
        for (name, text) in &prepared.rendered_headers {
            let value = HeaderValue::from_maybe_shared(self.templates.render(text, scope)?)
                .map_err(|_| AssembleError::Header(name.clone()))?;
            message.headers_mut().insert(name.clone(), value);
        }
        Ok((message, size))
    }

    fn rendered_uri(&self, text: &Text, scope: &Arc<Scope>) -> Result<Uri, AssembleError> {
        let mut path = self.templates.render(text, scope)?;
        if !self.base_path.is_empty() {
            path = Bytes::from([self.base_path.as_bytes(), &path].concat());
        }
        Uri::from_maybe_shared(path).map_err(|_| AssembleError::Target)
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

fn fixed_target(parts: &[&[u8]]) -> Result<Target, LoadError> {
    let bytes = parts.concat();
    let invalid = || LoadError::Target(String::from_utf8_lossy(&bytes).into_owned());
    Uri::try_from(bytes.as_slice()).map(Target::Fixed).map_err(|_| invalid())
}

/// All requests among steps, nested ones too.
fn collect<'a>(steps: impl IntoIterator<Item = &'a Step>, into: &mut Vec<&'a Request>) {
    for step in steps {
        match step {
            Step::Request(request) => into.push(request),
            Step::Poll(poll) => into.push(&poll.request),
            Step::Parallel(parallel) => into.extend(&parallel.requests),
            other => collect(other.parts(), into),
        }
    }
}

#[cfg(test)]
pub(in crate::load) mod tests {
    use std::path::Path;

    use minijinja::value::Value;

    use super::*;
    use crate::scenario::{World, compile};

    struct Written(String);

    impl World for Written {
        fn read(&self, _path: &Path) -> std::io::Result<String> {
            Ok(self.0.clone())
        }

        fn variable(&self, _name: &str) -> Option<String> {
            None
        }
    }

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
        Requests::prepare(scenario, base_url).await
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
        let (message, size) = requests.assemble(items, &scope).unwrap();
        assert_eq!(message.method(), Method::GET);
        assert_eq!(message.uri(), "/base/items?page=1");
        assert_eq!(
            (&message.headers()["accept"], &message.headers()["host"]),
            (&HeaderValue::from_static("text/plain"), &HeaderValue::from_static("127.0.0.1:9"),)
        );
        assert_eq!(size, 0);
        scope.set("id", &Value::from(42));
        let (message, size) = requests.assemble(item, &scope).unwrap();
        assert_eq!(message.uri(), "/base/items/42");
        assert_eq!(message.headers()["x-id"], "42");
        assert_eq!(size, "number 42".len());
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
            { request = "GET /{{ user }} /x", name = "path" },
            { request = "GET /y", headers = { a = "{{ user }}\nx" }, name = "header" },
        "#;
        let scenario = scenario(steps);
        let requests = prepared(&scenario, "http://127.0.0.1:9").await.unwrap();
        let of = requests_of(&scenario);
        let scope = Scope::new(1, || 0);
        assert!(matches!(requests.assemble(&of[0], &scope), Err(AssembleError::Target)));
        assert!(matches!(requests.assemble(&of[1], &scope), Err(AssembleError::Header(name)) if name == "a"));
    }

    #[tokio::test]
    async fn a_target_that_is_not_a_url_is_an_error_of_configuration() {
        let scenario = scenario(r#"{ request = "GET /a" }"#);
        let Err(error) = prepared(&scenario, "127.0.0.1").await else { panic!("it has no scheme") };
        assert!(error.is_configuration(), "{error}");
    }
}
