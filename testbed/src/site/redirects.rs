//! Redirects: chains, a loop, and to another site.

use axum::{
    Extension,
    extract::Path,
    http::{
        HeaderMap, HeaderValue, Method, StatusCode, Uri, Version,
        header::{HOST, LOCATION},
        uri::Authority,
    },
    response::{IntoResponse, Response},
};

use super::{bodies::echo, connections::Visit, fields::Fields, refusal::refusal, whole::Whole};

/// Longest chain.
const MOST: u32 = 100;

/// `/redirect/{n}?status=302&location=path`: n redirects, then what arrived of the request.
pub(crate) async fn chain(
    Extension(visit): Extension<Visit>,
    Path(left): Path<String>,
    (method, uri, version): (Method, Uri, Version),
    headers: HeaderMap,
    body: Whole,
) -> Response {
    let Some(left) = left.parse::<u32>().ok().filter(|left| *left <= MOST) else {
        return refusal(StatusCode::NOT_FOUND, format!("`{left}` is not a number from 0 to {MOST}"));
    };
    if left == 0 {
        return echo(Extension(visit), (method, uri, version), headers, body).await;
    }
    let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
    let fields = Fields::of_query(&uri);
    let status = match fields.number("status", 302) {
        Ok(status @ (301 | 302 | 303 | 307 | 308)) => StatusCode::from_u16(status),
        _ => {
            return refusal(
                StatusCode::BAD_REQUEST,
                "`status` is not that of a redirect: 301, 302, 303, 307 or 308",
            );
        }
    };
    let location = match fields.get("location").unwrap_or("path") {
        "path" => format!("/redirect/{}{query}", left - 1),
        "relative" => format!("{}{query}", left - 1),
        "full" => {
            let scheme = if visit.secure { "https" } else { "http" };
            format!("{scheme}://{}/redirect/{}{query}", host(&uri, &headers), left - 1)
        }
        other => {
            return refusal(
                StatusCode::BAD_REQUEST,
                format!("`location` is not path, relative or full: `{other}`"),
            );
        }
    };
    redirect(status.unwrap_or(StatusCode::FOUND), &location)
}

/// `/redirect-loop`
pub(crate) async fn to_itself(_: Whole) -> Response {
    redirect(StatusCode::FOUND, "/redirect-loop")
}

/// `/redirect/other-host?to=URL`
pub(crate) async fn to_other_host(uri: Uri, _: Whole) -> Response {
    match Fields::of_query(&uri).get("to") {
        Some(to) => redirect(StatusCode::FOUND, to),
        None => refusal(StatusCode::BAD_REQUEST, "`to` is missing: the URL to redirect to"),
    }
}

/// The host that a request names: in its URL with HTTP/2, in a header with HTTP/1.1.
fn host(uri: &Uri, headers: &HeaderMap) -> String {
    let header = || headers.get(HOST).and_then(|host| host.to_str().ok());
    uri.authority().map(Authority::as_str).or_else(header).unwrap_or("localhost").to_owned()
}

fn redirect(status: StatusCode, location: &str) -> Response {
    match HeaderValue::try_from(location) {
        Ok(location) => (status, [(LOCATION, location)]).into_response(),
        Err(_) => refusal(StatusCode::BAD_REQUEST, "the location cannot stand in a header"),
    }
}
