//! A user's cookies (RFC 6265). A user to whom no server gives any has nothing but an empty jar.

use std::cell::RefCell;

use cookie_store::{CookieStore, RawCookie};
use hyper::HeaderMap;
use hyper::header::{COOKIE, HeaderValue, SET_COOKIE};
use url::Url;

use super::headers::Headers;

/// Cookies that a jar holds at most; browsers hold about as many.
const MOST_COOKIES: usize = 3000;
/// Bytes of a cookie with its attributes at most; browsers take half of it.
const MOST_BYTES: usize = 8192;

/// The cookies of a user.
#[derive(Default)]
pub(super) struct Jar {
    cookies: RefCell<Option<Box<CookieStore>>>,
    /// What [`Jar::clear`] goes back to.
    kept: RefCell<Option<Box<CookieStore>>>,
}

impl Jar {
    /// Whether nothing was ever put in.
    pub(super) fn is_empty(&self) -> bool {
        self.cookies.borrow().is_none()
    }

    /// Takes the cookies of an answer from `url`.
    pub(super) fn take(&self, url: &Url, headers: &Headers) {
        let mut cookies = self.cookies.borrow_mut();
        for line in headers.all(SET_COOKIE.as_str()) {
            let line = String::from_utf8_lossy(line);
            if line.len() > MOST_BYTES || breaks_its_promise(&line) {
                continue;
            }
            let store = cookies.get_or_insert_with(Box::default);
            if store.iter_any().count() < MOST_COOKIES {
                // One that is not for this server, or not to be read, is ignored, as browsers do.
                let _ = store.parse(&line, url);
            }
        }
    }

    /// What a request to `url` says in `cookie`, in place of what it says itself: its own cookies, and the jar's
    /// behind them. None if the jar has none for it.
    pub(super) fn line(&self, url: &Url, headers: &HeaderMap) -> Option<HeaderValue> {
        let cookies = self.cookies.borrow();
        let store = cookies.as_ref()?;
        let found = matching(store, url);
        let own: Vec<HeaderValue> = headers.get_all(COOKIE).iter().cloned().collect();
        let own: Vec<String> =
            own.iter().map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned()).collect();
        let is_own = |name: &str| {
            let names = own.iter().flat_map(|line| line.split(';')).filter_map(|pair| pair.split('=').next());
            names.map(str::trim).any(|known| known == name)
        };
        let pairs = found
            .iter()
            .filter(|cookie| !is_own(cookie.name()))
            .map(|cookie| format!("{}={}", cookie.name(), cookie.value()));
        let all: Vec<String> = own.iter().cloned().chain(pairs).collect();
        let has_any = all.len() > own.len();
        has_any.then(|| HeaderValue::from_maybe_shared(bytes::Bytes::from(all.join("; "))).ok()).flatten()
    }

    /// The names and values of the cookies for `url`.
    pub(super) fn pairs(&self, url: &Url) -> Vec<(String, String)> {
        let cookies = self.cookies.borrow();
        let found = cookies.as_ref().map(|store| matching(store, url)).unwrap_or_default();
        found.iter().map(|cookie| (cookie.name().to_owned(), cookie.value().to_owned())).collect()
    }

    /// Keeps the cookies that are there now for good: [`Jar::clear`] does not take them away.
    pub(super) fn keep(&self) {
        self.kept.replace(self.cookies.borrow().clone());
    }

    /// Takes all cookies away but those that are kept.
    pub(super) fn clear(&self) {
        self.cookies.replace(self.kept.borrow().clone());
    }

    /// A jar with the same cookies, which changes on its own from here on.
    pub(super) fn fork(&self) -> Self {
        Self { cookies: RefCell::new(self.cookies.borrow().clone()), kept: RefCell::default() }
    }
}

/// The cookies for `url`. RFC 6265 §5.4: those of longer paths first; then by name, so that both arms send the same.
fn matching<'a>(store: &'a CookieStore, url: &Url) -> Vec<&'a cookie_store::Cookie<'static>> {
    let mut found = store.matches(url);
    found.sort_by(|a, b| {
        let length = |cookie: &cookie_store::Cookie<'_>| cookie.path().map_or(0, str::len);
        length(b).cmp(&length(a)).then_with(|| a.name().cmp(b.name()))
    });
    found
}

/// Whether a cookie promises by its name what it is not: browsers ignore it (RFC 6265bis §4.1.3).
fn breaks_its_promise(line: &str) -> bool {
    let Ok(cookie) = RawCookie::parse(line) else { return false };
    let name = cookie.name().to_ascii_lowercase();
    let is_secure = cookie.secure() == Some(true);
    let is_of_host = is_secure && cookie.path() == Some("/") && cookie.domain().is_none();
    (name.starts_with("__secure-") && !is_secure) || (name.starts_with("__host-") && !is_of_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn headers(lines: &[&str]) -> Headers {
        let lines = lines.iter().map(|line| (SET_COOKIE, HeaderValue::from_str(line).unwrap()));
        lines.collect::<HeaderMap>().into()
    }

    /// What a request to `to` is given of a jar.
    fn given(jar: &Jar, to: &str) -> String {
        let line = jar.line(&url(to), &HeaderMap::new());
        line.map_or(String::new(), |value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn every_cookie_of_an_answer_comes_back_to_its_server() {
        let jar = Jar::default();
        assert!(jar.is_empty() && given(&jar, "http://shop.test/").is_empty());
        jar.take(
            &url("http://shop.test/login"),
            &headers(&["csrf=a; Path=/", "session=b; Path=/; HttpOnly"]),
        );
        let mut pairs: Vec<String> =
            given(&jar, "http://shop.test:8000/x?y").split("; ").map(str::to_owned).collect();
        pairs.sort();
        assert_eq!(pairs, ["csrf=a", "session=b"]);
        assert_eq!(given(&jar, "http://other.test/"), "");
        jar.take(&url("http://shop.test/"), &headers(&["csrf=c; Path=/", "session=; Path=/; Max-Age=0"]));
        assert_eq!(given(&jar, "http://shop.test/"), "csrf=c");
    }

    #[test]
    fn domain_path_secure_and_expiry_are_honoured() {
        let jar = Jar::default();
        let lines = [
            "all=1; Domain=shop.test; Path=/",
            "host=1; Path=/",
            "deep=1; Path=/a/b",
            "secure=1; Path=/; Secure",
            "old=1; Path=/; Expires=Wed, 21 Oct 2015 07:28:00 GMT",
            "gone=1; Path=/; Max-Age=0",
            "foreign=1; Domain=other.test; Path=/",
        ];
        jar.take(&url("https://www.shop.test/"), &headers(&lines));
        assert_eq!(given(&jar, "http://api.shop.test/"), "all=1");
        let mut plain: Vec<String> =
            given(&jar, "http://www.shop.test/").split("; ").map(str::to_owned).collect();
        plain.sort();
        assert_eq!(plain, ["all=1", "host=1"]);
        assert!(given(&jar, "https://www.shop.test/").contains("secure=1"));
        assert!(given(&jar, "http://www.shop.test/a/b/c").starts_with("deep=1; "), "longer paths first");
        assert_eq!(given(&jar, "http://other.test/"), "");
    }

    #[test]
    fn a_cookie_that_is_not_what_its_name_promises_is_ignored() {
        let jar = Jar::default();
        let lines = [
            "__Host-a=1; Path=/",
            "__Host-b=1; Secure",
            "__Host-c=1; Secure; Path=/; Domain=shop.test",
            "__Secure-d=1; Path=/",
            "__Host-e=1; Secure; Path=/",
            "__Secure-f=1; Secure; Path=/",
        ];
        jar.take(&url("https://www.shop.test/"), &headers(&lines));
        assert_eq!(given(&jar, "https://www.shop.test/"), "__Host-e=1; __Secure-f=1");
    }

    #[test]
    fn templates_read_the_cookies_that_a_request_would_have() {
        let jar = Jar::default();
        assert!(jar.pairs(&url("http://h/")).is_empty());
        jar.take(&url("http://h/"), &headers(&["XSRF-TOKEN=a%3D; Path=/", "deep=1; Path=/x"]));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(jar.pairs(&url("http://h/")), [pair("XSRF-TOKEN", "a%3D")]);
        assert_eq!(jar.pairs(&url("http://h/x")), [pair("deep", "1"), pair("XSRF-TOKEN", "a%3D")]);
    }

    #[test]
    fn a_requests_own_cookies_come_first_and_win() {
        let jar = Jar::default();
        jar.take(&url("http://h/"), &headers(&["a=jar", "b=jar"]));
        let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_static("a=own; c=own"))]);
        assert_eq!(jar.line(&url("http://h/"), &headers).unwrap(), "a=own; c=own; b=jar");
    }

    #[test]
    fn clearing_leaves_what_is_kept_and_a_fork_changes_on_its_own() {
        let jar = Jar::default();
        jar.take(&url("http://h/"), &headers(&["login=1"]));
        jar.keep();
        jar.take(&url("http://h/"), &headers(&["cart=1"]));
        let fork = jar.fork();
        jar.clear();
        assert_eq!(given(&jar, "http://h/"), "login=1");
        assert!(given(&fork, "http://h/").contains("cart=1"));
        let fresh = Jar::default();
        fresh.take(&url("http://h/"), &headers(&["a=1"]));
        fresh.clear();
        assert!(fresh.is_empty());
    }

    #[test]
    fn a_jar_does_not_grow_without_end() {
        let jar = Jar::default();
        for batch in 0..4 {
            let lines: Vec<String> = (0..1000).map(|n| format!("c{batch}x{n}=1; Path=/{batch}")).collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            jar.take(&url("http://h/"), &headers(&lines));
        }
        let stored = jar.cookies.borrow().as_ref().map_or(0, |store| store.iter_any().count());
        assert_eq!(stored, MOST_COOKIES);
        jar.take(&url("http://h/"), &headers(&[&format!("huge={}", "x".repeat(MOST_BYTES))]));
        assert!(!given(&jar, "http://h/").contains("huge"));
    }
}
