//! Requests made ready before the load starts: what is fixed is encoded here, once.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HOST, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Request as Message, Uri};

use super::LoadError;
use super::origin::Origin;
use crate::scenario::Scenario;
use crate::scenario::journey::{Request, Step};
use crate::scenario::scope::Scope;
use crate::scenario::template::{RenderError, Templates, Text};

/// The target's place in the list of origins; whole URLs in a scenario have their own.
pub(super) const TARGET: usize = 0;

/// Everything about a scenario's requests that does not change while it is loaded.
pub(super) struct Requests {
    /// By request number.
    prepared: Vec<Prepared>,
    /// The target first.
    pub(super) origins: Vec<Origin>,
    /// Path under which the target's paths lie; mostly empty.
    base_path: String,
    templates: Arc<Templates>,
}

struct Prepared {
    method: Method,
    origin: usize,
    target: Target,
    fixed_headers: HeaderMap,
    rendered_headers: Vec<(HeaderName, Text)>,
    body: Option<Text>,
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
    pub(super) async fn prepare(scenario: &Scenario, host: &str) -> Result<Self, LoadError> {
        let (target, base_path) = Origin::resolve(host).await?;
        let templates = Arc::clone(&scenario.templates);
        let mut requests = Self { prepared: Vec::new(), origins: vec![target], base_path, templates };
        let mut all = Vec::new();
        for journey in &scenario.journeys {
            collect(&journey.steps, &mut all);
        }
        all.sort_by_key(|request| request.number);
        for request in all {
            let prepared = requests.prepare_one(request).await?;
            requests.prepared.push(prepared);
        }
        Ok(requests)
    }

    async fn prepare_one(&mut self, request: &Request) -> Result<Prepared, LoadError> {
        let (origin, target) = self.target(&request.target).await?;
        let invalid = || LoadError::Request(request.method.clone());
        let mut fixed_headers = HeaderMap::new();
        let mut rendered_headers = Vec::new();
        fixed_headers.insert(HOST, self.origins[origin].host.clone());
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
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| invalid())?;
        Ok(Prepared { method, origin, target, fixed_headers, rendered_headers, body: request.body.clone() })
    }

    /// Where a request goes, and its path if that is fixed.
    async fn target(&mut self, text: &Text) -> Result<(usize, Target), LoadError> {
        match text {
            Text::Template(_) => Ok((TARGET, Target::Rendered(text.clone()))),
            Text::Fixed(bytes) if bytes.starts_with(b"/") => {
                let path = [self.base_path.as_bytes(), bytes].concat();
                let uri = Uri::try_from(path).map_err(|_| invalid_target(bytes))?;
                Ok((TARGET, Target::Fixed(uri)))
            }
            Text::Fixed(bytes) => {
                let url = std::str::from_utf8(bytes).map_err(|_| invalid_target(bytes))?;
                let (origin, _path) = Origin::resolve(url).await?;
                let uri: Uri = url.parse().map_err(|_| invalid_target(bytes))?;
                let path = uri.path_and_query().map_or("/", |p| p.as_str());
                let uri = Uri::try_from(path).map_err(|_| invalid_target(bytes))?;
                Ok((self.origin(origin), Target::Fixed(uri)))
            }
        }
    }

    fn origin(&mut self, origin: Origin) -> usize {
        match self.origins.iter().position(|known| known.url == origin.url) {
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

    /// The request as it goes out for one user now, and its body's size.
    pub(super) fn assemble(
        &self,
        request: &Request,
        scope: &Arc<Scope>,
    ) -> Result<(Message<Full<Bytes>>, usize), AssembleError> {
        let prepared = &self.prepared[request.number];
        let body = match &prepared.body {
            None => Bytes::new(),
            Some(text) => self.templates.render(text, scope)?,
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

fn invalid_target(bytes: &Bytes) -> LoadError {
    LoadError::Target(String::from_utf8_lossy(bytes).into_owned())
}

/// All requests among steps, nested ones too.
fn collect<'a>(steps: &'a [Step], into: &mut Vec<&'a Request>) {
    for step in steps {
        match step {
            Step::Request(request) => into.push(request),
            Step::Poll(poll) => into.push(&poll.request),
            Step::Parallel(requests) => into.extend(requests),
            Step::Repeat { steps, .. } => collect(steps, into),
            Step::Choice(branches) => branches.iter().for_each(|b| collect(&b.steps, into)),
            Step::Pause(_) => {}
        }
    }
}
