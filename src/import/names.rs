//! Names of what was called, and lists of names.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::redact::Redactor;
use crate::web;

/// A name as the file has it, without secrets: the name and password of a URL in it, and parameters such as `token=…`.
pub(super) fn label(name: &str) -> Cow<'_, str> {
    if name.contains('=') { shown(name) } else { without_user(name) }
}

/// A text as it may be kept: without secrets.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    // Most hold nothing that could be one, and searching takes longer than reading a line.
    if text.contains(['=', ':', '"', '\'']) || text.contains("eyJ") {
        Cow::Owned(Redactor::default().body(&without_user(text)))
    } else {
        without_user(text)
    }
}

fn without_user(name: &str) -> Cow<'_, str> {
    if name.contains('@') && name.contains("://") {
        Cow::Owned(web::shown(name))
    } else {
        Cow::Borrowed(name)
    }
}

/// The name of an endpoint: `GET /orders`. Of a URL the path is left, without host and query, so that runs against
/// two hosts can be compared; a name that is no URL stays as it is.
pub(super) fn endpoint<'a>(method: &str, name: &'a str) -> Cow<'a, str> {
    let name = label(path(name));
    if method.is_empty() { name } else { Cow::Owned(format!("{method} {name}")) }
}

/// The path of a URL. A name that holds a URL, as `/login?next=https://shop.test/` does, is none.
fn path(name: &str) -> &str {
    let Some((scheme, rest)) = name.split_once("://") else { return name };
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.chars().all(is_scheme) {
        return name;
    }
    let path = rest.find(['/', '?', '#']).map_or("/", |at| &rest[at..]);
    match path.split(['?', '#']).next() {
        Some("") | None => "/",
        Some(path) => path,
    }
}

/// Names, each once, with their places in order of appearance.
#[derive(Debug, Default)]
pub(super) struct Names {
    names: Vec<String>,
    places: HashMap<String, usize>,
}

impl Names {
    /// The place of a name, new or known.
    pub(super) fn enter(&mut self, name: &str) -> usize {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = self.names.len();
        self.names.push(name.to_owned());
        self.places.insert(name.to_owned(), place);
        place
    }

    /// The place of a name that is known.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The names, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::{endpoint, label, shown};

    #[test]
    fn no_name_holds_a_password() {
        assert_eq!(label("Home https://me:s3cret@shop.test/a"), "Home https://shop.test/a");
        assert_eq!(
            endpoint("GET", "/login?next=https://me:s3cret@shop.test/"),
            "GET /login?next=https://shop.test/"
        );
        assert_eq!(label("write to me@shop.test"), "write to me@shop.test");
        assert_eq!(label("GET /x?token=s3cret&page=2"), "GET /x?token=(hidden)&page=2");
        assert_eq!(shown("bad password=hunter2 here"), "bad password=(hidden) here");
    }

    #[test]
    fn urls_become_paths_and_other_names_stay() {
        assert_eq!(endpoint("GET", "https://shop.test/orders/7?full=1#top"), "GET /orders/7");
        assert_eq!(endpoint("GET", "http://shop.test"), "GET /");
        assert_eq!(endpoint("GET", "http://shop.test?x=1"), "GET /");
        assert_eq!(endpoint("PUT", "/orders/{id}"), "PUT /orders/{id}");
        assert_eq!(endpoint("", "Home page"), "Home page");
        for name in ["/login?next=https://shop.test/cart", "Home (http://shop.test/a)", "://a/b"] {
            assert_eq!(endpoint("GET", name), format!("GET {name}"));
        }
    }
}
