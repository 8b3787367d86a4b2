//! Who may come in. A page on the loopback address can be reached by every site that the user's browser is at, so
//! that names, origins and a key are checked; anything but loopback demands a token besides.

use std::net::SocketAddr;

use axum::http::header::{
    AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, ORIGIN,
    SET_COOKIE,
};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::secret::Secret;

/// The header in which the page sends its key.
const KEY: HeaderName = HeaderName::from_static("x-loadproof-key");

/// Lets in who may come in.
pub(super) struct Guard {
    names: Names,
    port: u16,
    token: Option<Secret>,
    /// What the cookie of a browser that has shown the token holds.
    session: Secret,
    /// What the page sends along with everything that it wants done.
    pub(super) key: Secret,
}

/// The names by which the page may be asked for.
enum Names {
    /// One of these, with the port.
    These(Vec<String>),
    /// Any address in numbers, or the machine's own name: it is bound to all of its addresses.
    OfMachine(String),
}

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is answered.
    In,
    /// It has shown the token, and comes again with a cookie.
    Welcome(HeaderValue),
}

/// Why a request is not answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It asks for another host: a name that was made to point here.
    Host,
    /// It shows no token, or another one.
    Token,
    /// It wants something done, and does not come from the page.
    Origin,
    /// It wants something done, and says so in another form than the page.
    Form,
}

impl Guard {
    /// For a server that is bound to an address.
    pub(super) fn new(address: SocketAddr, token: Option<Secret>) -> std::io::Result<Self> {
        let (session, key) = (Secret::drawn()?, Secret::drawn()?);
        Ok(Self { names: Names::of(address), port: address.port(), token, session, key })
    }

    /// What becomes of a request.
    pub(super) fn admit(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Admission, Refusal> {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let host = text(HOST).filter(|host| self.names.hold(host, self.port)).ok_or(Refusal::Host)?;
        if let Some(token) = &self.token {
            let bearer = text(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
            if let Some(shown) = shown_token(uri) {
                return if token.is(shown) { Ok(self.welcome()) } else { Err(Refusal::Token) };
            }
            if !bearer.is_some_and(|shown| token.is(shown)) && !self.has_cookie(headers) {
                return Err(Refusal::Token);
            }
        }
        if method != Method::GET && method != Method::HEAD {
            if text(ORIGIN).and_then(|origin| origin.strip_prefix("http://")) != Some(host) {
                return Err(Refusal::Origin);
            }
            if !text(KEY).is_some_and(|shown| self.key.is(shown)) {
                return Err(Refusal::Origin);
            }
            if text(CONTENT_TYPE) != Some("application/json") {
                return Err(Refusal::Form);
            }
        }
        Ok(Admission::In)
    }

    /// Cookies are shared by all ports of a host: the name tells them apart.
    fn cookie_name(&self) -> String {
        format!("loadproof-{}", self.port)
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let name = self.cookie_name();
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.any(|(found, value)| found == name && self.session.is(value))
    }

    fn welcome(&self) -> Admission {
        let name = self.cookie_name();
        let cookie = format!("{name}={}; Path=/; HttpOnly; SameSite=Strict", self.session.reveal());
        // Digits and letters: a valid header in any case.
        let mut value = HeaderValue::try_from(cookie).unwrap_or_else(|_| HeaderValue::from_static(""));
        value.set_sensitive(true);
        Admission::Welcome(value)
    }
}

/// The token in a URL.
fn shown_token(uri: &Uri) -> Option<&str> {
    uri.query()?.split('&').find_map(|pair| pair.strip_prefix("token="))
}

impl Names {
    fn of(address: SocketAddr) -> Self {
        let (ip, port) = (address.ip(), address.port());
        if ip.is_unspecified() {
            return Self::OfMachine(sysinfo::System::host_name().unwrap_or_default());
        }
        let mut names = vec![address.to_string()];
        if ip.is_loopback() {
            names.push(format!("localhost:{port}"));
        }
        Self::These(names)
    }

    fn hold(&self, host: &str, port: u16) -> bool {
        match self {
            Self::These(names) => names.iter().any(|name| name == host),
            Self::OfMachine(own) => {
                let is_address = host.parse::<SocketAddr>().is_ok_and(|address| address.port() == port);
                let name = host.strip_suffix(&format!(":{port}"));
                is_address || name.is_some_and(|name| name == own || name == "localhost")
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::Host => {
                (StatusCode::MISDIRECTED_REQUEST, "wrong host: use the address that loadproof printed")
            }
            Self::Token => (
                StatusCode::UNAUTHORIZED,
                "token required: add ?token=… (the value of --ui-token) to the address",
            ),
            Self::Origin => (StatusCode::FORBIDDEN, "only loadproof's own page may request this"),
            Self::Form => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "only application/json is accepted"),
        };
        (status, text).into_response()
    }
}

/// The answer to who has shown the token: a cookie, and the page without the token in its address.
pub(super) fn welcome(cookie: HeaderValue, uri: &Uri) -> Response {
    let path = HeaderValue::try_from(uri.path()).unwrap_or_else(|_| HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(SET_COOKIE, cookie), (LOCATION, path)]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn guard(address: &str, token: Option<&str>) -> Guard {
        Guard::new(address.parse().unwrap(), token.map(|token| token.parse().unwrap())).unwrap()
    }

    fn admitted(
        guard: &Guard,
        method: &Method,
        uri: &str,
        headers: &[(&str, &str)],
    ) -> Result<Admission, Refusal> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect();
        guard.admit(method, &uri.parse().unwrap(), &headers)
    }

    #[test]
    fn only_the_bound_names_are_answered() {
        let get = |guard: &Guard, host: &str| admitted(guard, &Method::GET, "/", &[("host", host)]);
        let loopback = guard("127.0.0.1:8089", None);
        assert_eq!(get(&loopback, "127.0.0.1:8089"), Ok(Admission::In));
        assert_eq!(get(&loopback, "localhost:8089"), Ok(Admission::In));
        for host in ["evil.test:8089", "127.0.0.1:80", "127.0.0.1", "localhost.evil.test:8089", ""] {
            assert_eq!(get(&loopback, host), Err(Refusal::Host), "{host}");
        }
        assert_eq!(admitted(&loopback, &Method::GET, "/", &[]), Err(Refusal::Host));
        let everywhere = guard("0.0.0.0:8089", None);
        assert_eq!(get(&everywhere, "10.1.2.3:8089"), Ok(Admission::In));
        assert_eq!(get(&everywhere, "evil.test:8089"), Err(Refusal::Host));
        assert_eq!(get(&guard("[::1]:8089", None), "[::1]:8089"), Ok(Admission::In));
    }

    #[test]
    fn a_token_is_shown_once_and_then_a_cookie_does() {
        let guard = guard("127.0.0.1:8089", Some(TOKEN));
        let get = |uri: &str, more: &[(&str, &str)]| {
            admitted(&guard, &Method::GET, uri, &[&[("host", "127.0.0.1:8089")], more].concat())
        };
        assert_eq!(get("/", &[]), Err(Refusal::Token));
        assert_eq!(get("/?token=0123456789abcdeX", &[]), Err(Refusal::Token));
        assert_eq!(get("/", &[("cookie", "loadproof-8089=0123456789abcdef")]), Err(Refusal::Token));
        let Ok(Admission::Welcome(cookie)) = get("/?token=0123456789abcdef", &[]) else { panic!("refused") };
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
        assert!(!cookie.contains(TOKEN));
        let pair = format!("other=1; {}", cookie.split(';').next().unwrap());
        assert_eq!(get("/events", &[("cookie", &pair)]), Ok(Admission::In));
        assert_eq!(get("/metrics", &[("authorization", "Bearer 0123456789abcdef")]), Ok(Admission::In));
    }

    #[test]
    fn only_the_page_gets_things_done() {
        let guard = guard("127.0.0.1:8089", None);
        let key = guard.key.reveal().to_owned();
        let right = [
            ("host", "localhost:8089"),
            ("origin", "http://localhost:8089"),
            ("x-loadproof-key", &*key),
            ("content-type", "application/json"),
        ];
        let post = |headers: &[(&str, &str)]| admitted(&guard, &Method::POST, "/api/stop", headers);
        assert_eq!(post(&right), Ok(Admission::In));
        let refusals = [Refusal::Host, Refusal::Origin, Refusal::Origin, Refusal::Form];
        for (place, refusal) in refusals.iter().enumerate() {
            let mut lacking = right.to_vec();
            lacking.remove(place);
            assert_eq!(post(&lacking).as_ref(), Err(refusal), "without {}", right[place].0);
            let mut wrong = right.to_vec();
            wrong[place].1 = "http://evil.test";
            assert_eq!(post(&wrong).as_ref(), Err(refusal), "wrong {}", right[place].0);
        }
    }
}
