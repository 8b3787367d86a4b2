//! `[auth.NAME]`: credentials, and `auth = "NAME"` where they are used.

use super::book::Book;
use super::{Settings, is_http};
use crate::scenario::auth::{Auth, AuthKind, OAuth2, Secret};
use crate::scenario::fields::Fields;

/// The keys of which credentials have exactly one.
const KINDS: [&str; 4] = ["basic", "digest", "bearer", "oauth2"];

pub(in crate::scenario) fn read(file: &mut Fields<'_>, settings: &Settings) -> Vec<Auth> {
    let Some(table) = file.table("auth") else { return Vec::new() };
    let entries = table.entries().into_iter();
    entries
        .filter_map(|(name, value)| {
            let fields = Fields::of(value, table.file(), "credentials", table.problems)?;
            let kind = kind(fields, settings);
            if kind.is_none() {
                table.problems.note_unread("credentials", Some(&name.value));
            }
            Some(Auth { name: name.value, kind: kind? })
        })
        .collect()
}

fn kind(mut table: Fields<'_>, settings: &Settings) -> Option<AuthKind> {
    let problems = table.problems;
    let given: Vec<&'static str> = KINDS.into_iter().filter(|key| table.has(key)).collect();
    let kind = match given[..] {
        ["basic"] => {
            let pair = table.table("basic").and_then(|table| name_and_password(table, settings));
            pair.map(|(user, password)| AuthKind::Basic { user, password })
        }
        ["digest"] => {
            let pair = table.table("digest").and_then(|table| name_and_password(table, settings));
            pair.map(|(user, password)| AuthKind::Digest { user, password })
        }
        ["bearer"] => table.text("bearer").map(|l| AuthKind::Bearer(Secret(settings.fill(&l, problems)))),
        ["oauth2"] => table.table("oauth2").and_then(|table| oauth2(table, settings)),
        _ => {
            let title = format!("credentials are exactly one of `{}`", KINDS.join("`, `"));
            problems.add(&table.place, title, "in these");
            table.know(&KINDS);
            None
        }
    };
    table.finish();
    kind
}

fn name_and_password(mut table: Fields<'_>, settings: &Settings) -> Option<(String, Secret)> {
    let problems = table.problems;
    let user = table.required_text("user").map(|l| settings.fill(&l, problems));
    table.require("password");
    // An empty one may be meant.
    let password = table.text("password").map(|l| settings.fill(&l, problems));
    table.finish();
    Some((user?, Secret(password?)))
}

fn oauth2(mut table: Fields<'_>, settings: &Settings) -> Option<AuthKind> {
    let problems = table.problems;
    let token_url = table.required_text("token_url").map(|l| {
        let url = settings.fill(&l, problems);
        if !is_http(&url) {
            let title = format!("`{url}` is not a URL of tokens");
            problems.add(&l.place, title, "expected `http://…` or `https://…`");
        }
        url
    });
    let client_id = table.required_text("client_id").map(|l| settings.fill(&l, problems));
    let client_secret = table.required_text("client_secret").map(|l| settings.fill(&l, problems));
    let scope = table.text("scope").map(|l| settings.fill(&l, problems));
    let in_body = table.flag("in_body").unwrap_or(false);
    table.finish();
    Some(AuthKind::OAuth2(OAuth2 {
        token_url: token_url?,
        client_id: client_id?,
        client_secret: Secret(client_secret?),
        scope,
        in_body,
    }))
}

/// `auth = "NAME"` of a journey or a request: the place of the credentials; none if it does not say.
pub(super) fn of(table: &mut Fields<'_>, book: &Book<'_>) -> Option<usize> {
    let name = table.text("auth")?;
    let found = book.auths.iter().position(|auth| auth.name == name.value);
    if found.is_none() {
        let known: Vec<&str> = book.auths.iter().map(|auth| auth.name.as_str()).collect();
        table.problems.add_unknown(&name.place, "credentials", &name.value, &known);
    }
    found
}
