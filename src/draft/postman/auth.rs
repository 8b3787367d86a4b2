//! Authorization of a collection, a folder or a request; the inner one wins.

use super::variable::Variables;
use crate::draft::model::{Findings, Request};
use crate::draft::template::Template;
use crate::draft::tree::Tree;

/// Who a request says that it is from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Auth {
    /// As what is around it says.
    Inherited,
    /// Nobody.
    None,
    /// By a kind, with its parameters.
    Given(String, Vec<(String, String)>),
}

impl Auth {
    /// Version 2.1 has the parameters as a list, 2.0 as a table.
    pub(super) fn of(tree: &Tree) -> Self {
        let Some(kind) = tree.get("type").text() else { return Self::Inherited };
        if kind == "noauth" {
            return Self::None;
        }
        let parameters = tree.get(kind);
        let listed = parameters.items().iter().filter_map(|parameter| {
            Some((
                parameter.get("key").text()?.to_owned(),
                parameter.get("value").scalar().unwrap_or_default(),
            ))
        });
        let named =
            parameters.entries().iter().filter_map(|(key, value)| Some((key.clone(), value.scalar()?)));
        Self::Given(kind.to_owned(), listed.chain(named).collect())
    }

    /// This one within another.
    pub(super) fn over<'a>(&'a self, outer: &'a Self) -> &'a Self {
        if *self == Self::Inherited { outer } else { self }
    }

    pub(super) fn apply(&self, request: &mut Request, findings: &mut Findings) {
        let Self::Given(kind, parameters) = self else { return };
        let get = |name: &str| {
            parameters.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
        };
        match kind.as_str() {
            "bearer" => {
                let token = Variables::text(get("token"));
                let token = match token.as_literal() {
                    Some(text) => findings.secret("TOKEN", text, "a bearer token"),
                    None => token,
                };
                request.add_header("authorization", Template::literal("Bearer ").then(token));
            }
            "basic" => {
                let pair = format!("{}:{}", get("username"), get("password"));
                let what = "base64 of `user:password`, for Basic authentication";
                let secret = findings.secret("BASIC_CREDENTIALS", &pair, what);
                request.add_header("authorization", Template::literal("Basic ").then(secret));
            }
            "apikey" => {
                let (name, value) = (get("key"), Variables::text(get("value")));
                let value = match value.as_literal() {
                    Some(text) => findings.secret("API_KEY", text, &format!("the API key `{name}`")),
                    None => value,
                };
                match get("in") {
                    "query" => request.target.query.push((name.to_owned(), Some(value))),
                    _ => request.add_header(&name.to_ascii_lowercase(), value),
                }
            }
            "oauth2" => {
                let what = "an access token (OAuth 2)";
                let secret = findings.secret("ACCESS_TOKEN", get("accessToken"), what);
                request.add_header("authorization", Template::literal("Bearer ").then(secret));
            }
            other => findings.note(format!("left out: authorization of the kind `{other}`")),
        }
    }
}
