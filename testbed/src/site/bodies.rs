//! Answers that a client must be able to take: binary, coded, many headers, no end, odd methods.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Extension, Json,
    body::{Body, Bytes},
    extract::Path,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version,
        header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use hyper::body::Frame;
use serde_json::{Value, json};
use tokio::time::Interval;

use super::{
    bomb::zeros,
    coding::{Coding, png},
    connections::Visit,
    fields::Fields,
    refusal::refusal,
    upload::sha256,
    whole::Whole,
};

/// Most headers of `/many-headers`.
const MOST_HEADERS: u32 = 10_000;

/// Most MiB of `/bomb`.
const LARGEST_BOMB: u32 = 1024;

/// A chunk of `/endless`, and how often one comes: 16 MiB a second, which leaves the machine to others.
const CHUNK: usize = 16 << 10;
const CHUNK_EVERY: Duration = Duration::from_millis(1);

/// `/echo`: what arrived of the request.
pub(crate) async fn echo(
    Extension(visit): Extension<Visit>,
    (method, uri, version): (Method, Uri, Version),
    headers: HeaderMap,
    Whole(body): Whole,
) -> Response {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: Vec<Value> =
        headers.iter().map(|(name, value)| json!([name.as_str(), text(value)])).collect();
    Json(json!({
        "method": method.as_str(),
        "path": uri.path(),
        "query": uri.query(),
        "version": format!("{version:?}"),
        "headers": headers,
        "bytes": body.len(),
        "sha256": sha256(&body),
        "connection": visit.connection,
        "request": visit.request,
    }))
    .into_response()
}

/// `GET /image.png`
pub(crate) async fn image() -> Response {
    static IMAGE: LazyLock<Vec<u8>> = LazyLock::new(png);
    ([(CONTENT_TYPE, "image/png")], IMAGE.as_slice()).into_response()
}

/// `GET /encoded/{coding}`
pub(crate) async fn encoded(Path(name): Path<String>) -> Response {
    let Some(coding) = Coding::named(&name) else {
        return refusal(
            StatusCode::NOT_FOUND,
            format!("`{name}` is not a coding: {}", Coding::NAMES.join(", ")),
        );
    };
    let body = json!({"coding": name, "text": "été ".repeat(50)}).to_string();
    let headers = [(CONTENT_TYPE, "application/json"), (CONTENT_ENCODING, coding.token())];
    (headers, coding.encode(body.as_bytes())).into_response()
}

/// `GET /bomb?mib=64`
pub(crate) async fn bomb(uri: Uri) -> Response {
    let size = Fields::of_query(&uri).number("mib", 64_u32);
    let Some(size) = size.ok().filter(|size| (1..=LARGEST_BOMB).contains(size)) else {
        return refusal(StatusCode::BAD_REQUEST, format!("`mib` is not a number from 1 to {LARGEST_BOMB}"));
    };
    let headers = [(CONTENT_TYPE, "application/octet-stream"), (CONTENT_ENCODING, "deflate")];
    (headers, zeros(size << 20)).into_response()
}

/// `GET /many-headers?n=150`
pub(crate) async fn many_headers(uri: Uri) -> Response {
    let count = Fields::of_query(&uri).number("n", 150_u32);
    let Some(count) = count.ok().filter(|count| *count <= MOST_HEADERS) else {
        return refusal(StatusCode::BAD_REQUEST, format!("`n` is not a number from 0 to {MOST_HEADERS}"));
    };
    let mut answer = Json(json!({"headers": count})).into_response();
    for number in 1..=count {
        if let Ok(name) = HeaderName::try_from(format!("x-header-{number}")) {
            answer.headers_mut().insert(name, number.into());
        }
    }
    answer
}

/// `GET /endless`
pub(crate) async fn endless() -> Response {
    let body = Endless { chunk: Bytes::from(vec![b'.'; CHUNK]), every: tokio::time::interval(CHUNK_EVERY) };
    ([(CONTENT_TYPE, "text/plain")], Body::new(body)).into_response()
}

struct Endless {
    chunk: Bytes,
    every: Interval,
}

impl hyper::body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        ready!(self.every.poll_tick(context));
        Poll::Ready(Some(Ok(Frame::data(self.chunk.clone()))))
    }
}

/// `REPORT /dav` and `PROPFIND /dav`
pub(crate) async fn dav(method: Method, _: Whole) -> Response {
    if !matches!(method.as_str(), "REPORT" | "PROPFIND") {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "PROPFIND, REPORT")]).into_response();
    }
    let body = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<multistatus xmlns=\"DAV:\"><response>\
                <href>/dav</href><propstat><prop><displayname>dav</displayname></prop>\
                <status>HTTP/1.1 200 OK</status></propstat></response></multistatus>\n";
    (StatusCode::MULTI_STATUS, [(CONTENT_TYPE, "application/xml; charset=utf-8")], body).into_response()
}
