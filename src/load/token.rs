//! Credentials of requests: headers that stay, and tokens of OAuth 2 (client credentials, RFC 6749 §4.4), which are
//! fetched before the load, shared by all users, and renewed before they end.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderValue;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::digest::Identity;
use super::{LoadError, basic};
use crate::scenario::Scenario;
use crate::scenario::auth::{AuthKind, OAuth2};
use crate::web::{Client, Redirects, Way, shown};

/// How long a token may take to come.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer with a token.
const MOST: usize = 1 << 20;
/// The part of a token's life after which it is renewed.
const RENEWED_AT: f64 = 0.8;
/// Time between two tries to renew a token; less for one that lives shorter.
const RETRY: Duration = Duration::from_secs(1);
const SHORTEST: Duration = Duration::from_millis(50);

/// What a header `authorization` says.
#[derive(Clone)]
pub(super) enum Credentials {
    Fixed(HeaderValue),
    /// Each user answers the server's challenges.
    Challenged(Arc<Identity>),
    /// The newest one; a request that has it looks it up under a lock that is only held to replace it.
    Renewed(watch::Receiver<HeaderValue>),
}

/// Keeps tokens fresh for as long as it lives.
#[derive(Default)]
pub(super) struct Renewals(Vec<JoinHandle<()>>);

impl Drop for Renewals {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// The credentials of a scenario, in their order, with the first token of each that has one.
///
/// # Errors
/// If a token cannot be had.
pub(super) async fn obtain(scenario: &Scenario) -> Result<(Vec<Credentials>, Renewals), LoadError> {
    let mut all = Vec::new();
    let mut renewals = Renewals::default();
    for auth in &scenario.auths {
        let failed = |reason| LoadError::Credentials { name: auth.name.clone(), reason };
        let invalid = || failed("not valid in a header".to_owned());
        all.push(match &auth.kind {
            AuthKind::Basic { user, password } => {
                let value = basic::header(user.as_bytes(), password.0.as_bytes());
                Credentials::Fixed(value.ok_or_else(invalid)?)
            }
            AuthKind::Digest { user, password } => {
                let (user, password) = (user.clone(), password.clone());
                Credentials::Challenged(Arc::new(Identity { user, password }))
            }
            AuthKind::Bearer(token) => Credentials::Fixed(bearer(&token.0).ok_or_else(invalid)?),
            AuthKind::OAuth2(spec) => {
                // As the system is reached, but not over its socket.
                let way = Way { unix_socket: None, ..scenario.way() };
                let client = Client::new(PATIENCE, Redirects::Kept, &way).map_err(failed)?;
                let first = fetch(&client, spec).await.map_err(failed)?;
                let (newest, shared) = watch::channel(first.header);
                if let Some(lifetime) = first.lifetime {
                    renewals.0.push(tokio::spawn(renew(client, spec.clone(), lifetime, newest)));
                }
                Credentials::Renewed(shared)
            }
        });
    }
    Ok((all, renewals))
}

/// Replaces a token again and again. One that cannot be renewed stays until it can: what servers make of it is seen
/// in the load.
async fn renew(client: Client, spec: OAuth2, mut lifetime: Duration, newest: watch::Sender<HeaderValue>) {
    let mut wait = lifetime.mul_f64(RENEWED_AT);
    loop {
        tokio::time::sleep(wait.max(SHORTEST)).await;
        match fetch(&client, &spec).await {
            Ok(token) => {
                newest.send_replace(token.header);
                let Some(next) = token.lifetime else { return };
                lifetime = next;
                wait = lifetime.mul_f64(RENEWED_AT);
            }
            Err(_) => wait = RETRY.min(lifetime.mul_f64(1.0 - RENEWED_AT)),
        }
    }
}

struct Token {
    header: HeaderValue,
    /// None if the server does not say when it ends.
    lifetime: Option<Duration>,
}

async fn fetch(client: &Client, spec: &OAuth2) -> Result<Token, String> {
    let at = |reason: String| format!("{reason}, at {}", shown(&spec.token_url));
    let (form, authorization) = question(spec)?;
    let answer = client.post_form(&spec.token_url, form, authorization.as_ref()).await.map_err(at)?;
    let status = answer.status();
    let text = answer.text_up_to(MOST).await.map_err(at)?;
    read(&status, &text).map_err(at)
}

/// The form that a server of tokens is sent, and its header `authorization`, if the client is not told by the form.
fn question(spec: &OAuth2) -> Result<(String, Option<HeaderValue>), String> {
    let OAuth2 { client_id, client_secret, scope, in_body, .. } = spec;
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    if let Some(scope) = scope {
        form.append_pair("scope", scope);
    }
    if *in_body {
        form.append_pair("client_id", client_id).append_pair("client_secret", &client_secret.0);
        return Ok((form.finish(), None));
    }
    // Encoded as in a form before it is encoded as a pair (§2.3.1).
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let value = basic::header(encoded(client_id).as_bytes(), encoded(&client_secret.0).as_bytes());
    let value = value.ok_or("the client's id or secret is not valid in a header")?;
    Ok((form.finish(), Some(value)))
}

/// What a server of tokens has answered.
fn read(status: &str, text: &str) -> Result<Token, String> {
    let answer: Value = serde_json::from_str(text).unwrap_or_default();
    if !status.starts_with('2') {
        let words = |key| answer[key].as_str().map(str::to_owned);
        let words = words("error_description").or_else(|| words("error"));
        return Err(words.map_or_else(|| format!("status {status}"), |w| format!("status {status}: {w}")));
    }
    let token = answer["access_token"].as_str().ok_or("the answer has no `access_token`")?;
    if let Some(kind) = answer["token_type"].as_str()
        && !kind.eq_ignore_ascii_case("bearer")
    {
        return Err(format!("the token is of type `{kind}`, and only `Bearer` is known"));
    }
    let header = bearer(token).ok_or("the token is not valid in a header")?;
    let seconds = &answer["expires_in"];
    let seconds = seconds.as_f64().or_else(|| seconds.as_str()?.parse().ok());
    let lifetime = seconds.and_then(|s| Duration::try_from_secs_f64(s).ok()).filter(|life| !life.is_zero());
    Ok(Token { header, lifetime })
}

fn bearer(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::auth::Secret;

    #[test]
    fn clients_are_told_by_a_header_or_by_the_form() {
        let spec = |in_body| OAuth2 {
            token_url: "http://h/token".to_owned(),
            client_id: "me".to_owned(),
            client_secret: Secret("p:s".to_owned()),
            scope: Some("read write".to_owned()),
            in_body,
        };
        let (form, authorization) = question(&spec(false)).unwrap();
        assert_eq!(form, "grant_type=client_credentials&scope=read+write");
        // `me:p%3As` in base64.
        assert_eq!(authorization.unwrap(), "Basic bWU6cCUzQXM=");
        let (form, authorization) = question(&spec(true)).unwrap();
        assert!(form.ends_with("&client_id=me&client_secret=p%3As"), "{form}");
        assert_eq!(authorization, None);
        assert!(!format!("{:?}", spec(true)).contains("p:s"));
    }

    #[test]
    fn answers_are_tokens_or_say_why_not() {
        let token = read("200 OK", r#"{"access_token": "abc", "token_type": "bearer", "expires_in": "60"}"#);
        let token = token.ok().unwrap();
        assert_eq!(token.header, "Bearer abc");
        assert!(token.header.is_sensitive());
        assert_eq!(token.lifetime, Some(Duration::from_secs(60)));
        let forever = read("200 OK", r#"{"access_token": "abc"}"#).ok().unwrap();
        assert_eq!(forever.lifetime, None);
        for (status, text, words) in [
            ("401 Unauthorized", r#"{"error": "invalid_client"}"#, "status 401 Unauthorized: invalid_client"),
            ("500 Oops", "<html>", "status 500 Oops"),
            ("200 OK", "{}", "the answer has no `access_token`"),
            (
                "200 OK",
                r#"{"access_token": "a", "token_type": "mac"}"#,
                "the token is of type `mac`, and only `Bearer` is known",
            ),
            ("200 OK", r#"{"access_token": "a\nb"}"#, "the token is not valid in a header"),
        ] {
            assert_eq!(read(status, text).err().as_deref(), Some(words));
        }
    }
}
