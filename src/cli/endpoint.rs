//! `loadproof http` and `loadproof grpc`: one request without a scenario file, stored and compared as
//! any other run.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use super::arguments::{EndpointFlags, Grpc, Http};
use super::choices::fresh_seed;
use super::exit::{Exit, UsageError};
use super::viewers::Viewers;
use super::{run, world};
use crate::bounded;
use crate::execute::session::{Pacing, SessionOptions};
use crate::plan::{Choices, Plan};
use crate::scenario::Scenario;
use crate::scenario::endpoint::{Amount, Body, Endpoint, LOAD, PROFILE};

pub(super) fn http(command: &Http, store: &Path) -> Result<Exit> {
    let (base_url, path) = split(&command.url)?;
    let body = command.body.as_deref().map(body).transpose()?;
    let method = match &command.method {
        Some(method) => method.to_ascii_uppercase(),
        None if body.is_some() => "POST".to_owned(),
        None => "GET".to_owned(),
    };
    let mut headers = command.flags.headers()?;
    let is_json = matches!(&body, Some(Body::Text(text)) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
    if is_json && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    let time = command.for_time.unwrap_or(command.flags.duration);
    let endpoint = Endpoint {
        redirects: Some(command.redirects),
        http: Some(command.protocol.clone()),
        ..command.flags.endpoint(base_url, format!("{method} {path}"), headers, body, time)
    };
    call(&endpoint, &command.flags, store)
}

pub(super) fn grpc(command: &Grpc, store: &Path) -> Result<Exit> {
    let (base_url, path) = split(&command.address)?;
    if path != "/" {
        return Err(UsageError(format!(
            "`{}` has a path: give the method as a separate argument",
            command.address
        ))
        .into());
    }
    let message = command.data.as_deref().map(text).transpose()?.map(Body::Text);
    let request = format!("GRPC {}", command.method.trim_start_matches('/'));
    let flags = &command.flags;
    call(&flags.endpoint(base_url, request, flags.headers()?, message, flags.duration), flags, store)
}

fn call(endpoint: &Endpoint, flags: &EndpointFlags, store: &Path) -> Result<Exit> {
    let scenario: Arc<Scenario> = world::endpoint(endpoint)?;
    let choices = Choices {
        base_url: None,
        load_name: LOAD.to_owned(),
        load: scenario.load(LOAD)?.clone(),
        seed: flags.seed.unwrap_or_else(fresh_seed),
    };
    let plan = Plan::single(&scenario, PROFILE, &choices)?;
    let viewers = Viewers::follow(&flags.ui, flags.shown, store)?;
    let options = SessionOptions {
        label: flags.label.clone(),
        deployment: flags.deployment.name(),
        workers: flags.workers,
        pacing: Pacing::of(flags.spin),
        ..viewers.plain_session(flags.shown, &plan)
    };
    run::single(&scenario, &plan, store, options, &flags.outputs, viewers)
}

/// A URL as base URL and path; without a scheme it is taken for http.
fn split(url: &str) -> Result<(String, String)> {
    let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", &url));
    let is_web = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    if !is_web || rest.is_empty() || rest.starts_with('/') {
        return Err(UsageError(format!("`{url}` is not a URL such as `http://127.0.0.1:8000/path`")).into());
    }
    let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(at);
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Ok((format!("{scheme}://{authority}"), path))
}

/// Bytes of the largest text that is given by its file.
const LARGEST: u64 = 64 << 20;

/// A body as given, or of a file: `@order.json`, `@image.png`. What is text may hold templates; the rest is sent as it is.
fn body(given: &str) -> Result<Body> {
    let Some(path) = given.strip_prefix('@') else { return Ok(Body::Text(given.to_owned())) };
    match bounded::text(Path::new(path), LARGEST) {
        Ok(text) => Ok(Body::Text(text)),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Ok(Body::File(path.to_owned())),
        Err(error) => Err(error).with_context(|| format!("cannot read `{path}`")),
    }
}

/// A text as given, or of a file: `@order.json`.
fn text(given: &str) -> Result<String> {
    match given.strip_prefix('@') {
        Some(path) => {
            bounded::text(Path::new(path), LARGEST).with_context(|| format!("cannot read `{path}`"))
        }
        None => Ok(given.to_owned()),
    }
}

impl EndpointFlags {
    fn endpoint(
        &self,
        base_url: String,
        request: String,
        headers: Vec<(String, String)>,
        body: Option<Body>,
        time: Duration,
    ) -> Endpoint {
        let amount = match (self.requests, self.rate) {
            (Some(times), Some(rate)) => {
                Amount::TimesOver(times, Duration::from_secs_f64(times as f64 / rate))
            }
            (Some(times), None) => Amount::Times(times),
            (None, Some(rate)) => Amount::AtRate(rate, time),
            (None, None) => Amount::For(time),
        };
        let (expect, timeout, connections) = (self.expect.clone(), self.timeout, self.connections);
        let files = [("ca", &self.cacert), ("certificate", &self.cert), ("key", &self.key)];
        let tls_files =
            files.into_iter().filter_map(|(key, file)| Some((key, file.as_ref()?.clone()))).collect();
        let (redirects, http, insecure) = (None, None, self.insecure);
        Endpoint {
            base_url,
            request,
            headers,
            body,
            redirects,
            http,
            tls_files,
            insecure,
            expect,
            timeout,
            amount,
            connections,
        }
    }

    fn headers(&self) -> Result<Vec<(String, String)>> {
        let headers = self.headers.iter().map(|header| match header.split_once(':') {
            Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
            None => {
                Err(UsageError(format!("`{header}` is not a header such as `accept: text/plain`")).into())
            }
        });
        headers.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn urls_are_taken_as_people_type_them() {
        let taken = |url: &str| split(url).unwrap();
        let both = |base_url: &str, path: &str| (base_url.to_owned(), path.to_owned());
        assert_eq!(taken("127.0.0.1:8000"), both("http://127.0.0.1:8000", "/"));
        assert_eq!(taken("https://shop.test/a?b=c"), both("https://shop.test", "/a?b=c"));
        assert_eq!(taken("http://h?x=1"), both("http://h", "/?x=1"));
        assert_eq!(taken("HTTP://h#f"), both("HTTP://h", "/#f"));
        assert!(split("ftp://h/").is_err() && split("http:///a").is_err());
    }
}
