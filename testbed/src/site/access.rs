//! Access of programs: Basic authentication, and tokens by OAuth 2.0 (RFC 6749, section 4.4).

use std::{sync::Arc, time::Instant};

use axum::{
    Json,
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{accounts, fields::Fields, refusal::unauthorized, state::Site, whole::Whole};

const BASIC: &str = "Basic realm=\"site\", charset=\"UTF-8\"";
const BEARER: &str = "Bearer realm=\"site\", error=\"invalid_token\"";

/// What a request's header `Authorization` says.
enum Credentials {
    Basic { name: String, password: String },
    Bearer(String),
}

impl Credentials {
    /// None for a header that is not there or not valid.
    fn read(headers: &HeaderMap) -> Option<Credentials> {
        let (scheme, rest) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Credentials::Bearer(rest.to_owned()));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
        let (name, password) = decoded.split_once(':')?;
        Some(Credentials::Basic { name: name.to_owned(), password: password.to_owned() })
    }
}

/// `GET /api/me`
pub(crate) async fn me(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    match Credentials::read(&headers) {
        Some(Credentials::Basic { name, password }) if accounts::is_user(&name, &password) => {
            Json(json!({"name": name, "by": "basic"})).into_response()
        }
        Some(Credentials::Basic { .. }) => unauthorized(BASIC, "Invalid username/password."),
        Some(Credentials::Bearer(token)) => match site.token_expires(&token) {
            Some(end) if Instant::now() < end => {
                Json(json!({"name": "shop-client", "by": "bearer"})).into_response()
            }
            Some(_) => unauthorized(BEARER, "The access token expired."),
            None => unauthorized(BEARER, "The access token is not valid."),
        },
        None => unauthorized(BASIC, "Authentication credentials were not provided."),
    }
}

/// `POST /oauth/token`
pub(crate) async fn token(State(site): State<Arc<Site>>, headers: HeaderMap, Whole(body): Whole) -> Response {
    let form = Fields::of_form(&headers, &body);
    let is_client = match Credentials::read(&headers) {
        Some(Credentials::Basic { name, password }) => accounts::is_client(&name, &password),
        Some(Credentials::Bearer(_)) => false,
        None => {
            let field = |name| form.get(name).unwrap_or_default();
            accounts::is_client(field("client_id"), field("client_secret"))
        }
    };
    if !is_client {
        let mut answer = oauth_error(StatusCode::UNAUTHORIZED, "invalid_client");
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(BASIC));
        return answer;
    }
    match form.get("grant_type") {
        Some("client_credentials") => {
            let (token, lifetime) = site.issue_token();
            let body = json!({
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": lifetime.as_secs(),
            });
            ([(CACHE_CONTROL, "no-store")], Json(body)).into_response()
        }
        Some(_) => oauth_error(StatusCode::BAD_REQUEST, "unsupported_grant_type"),
        None => oauth_error(StatusCode::BAD_REQUEST, "invalid_request"),
    }
}

/// An error in the form of RFC 6749, section 5.2.
fn oauth_error(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({"error": error}))).into_response()
}
