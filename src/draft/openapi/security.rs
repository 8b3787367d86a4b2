//! Security schemes: credentials come from the environment.

use super::refs::Document;
use crate::draft::model::{Findings, Request};
use crate::draft::names;
use crate::draft::template::Template;
use crate::draft::tree::Tree;

/// Adds the credentials that an operation needs: those of its first alternative.
pub(super) fn apply(told: &Tree, document: &Document<'_>, request: &mut Request, findings: &mut Findings) {
    let security = if told.has("security") { told.get("security") } else { document.root.get("security") };
    let Some(first) = security.items().first() else { return };
    for (name, _) in first.entries() {
        let scheme = document.resolve(document.root.at(&["components", "securitySchemes", name]));
        one(name, scheme, request, findings);
    }
}

fn one(name: &str, scheme: &Tree, request: &mut Request, findings: &mut Findings) {
    let kind = scheme.get("type").text().unwrap_or_default();
    let http = scheme.get("scheme").text().unwrap_or_default().to_ascii_lowercase();
    match (kind, http.as_str()) {
        ("http", "basic") => {
            let what = "base64 of `user:password`, for Basic authentication";
            let secret = findings.secret("BASIC_CREDENTIALS", "", what);
            request.add_header("authorization", Template::literal("Basic ").then(secret));
        }
        ("http", "bearer") => bearer("TOKEN", "a bearer token", request, findings),
        ("oauth2" | "openIdConnect", _) => bearer("ACCESS_TOKEN", "an access token", request, findings),
        ("apiKey", _) => {
            let key = scheme.get("name").text().unwrap_or(name);
            let secret = findings.secret(&names::environment(key), "", &format!("the API key `{key}`"));
            match scheme.get("in").text() {
                Some("query") => request.target.query.push((key.to_owned(), Some(secret))),
                Some("cookie") => {
                    request.add_header("cookie", Template::literal(format!("{key}=")).then(secret));
                }
                _ if key.eq_ignore_ascii_case("authorization") => request.add_header("authorization", secret),
                _ => request.add_header(&key.to_ascii_lowercase(), secret),
            }
        }
        _ => findings.note(format!("left out: the security scheme `{name}`; its kind is not supported")),
    }
}

fn bearer(variable: &str, what: &str, request: &mut Request, findings: &mut Findings) {
    let secret = findings.secret(variable, "", what);
    request.add_header("authorization", Template::literal("Bearer ").then(secret));
}
