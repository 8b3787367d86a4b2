//! Digest credentials (RFC 7616): what a server challenges with, and what a user answers. Each user is challenged once per
//! server, and from then on answers ahead, with the next count of the same nonce; a new nonce takes the place of the old
//! one. Pure, but for what a user remembers.
//!
//! An implementation of its own: `digest_auth` has had no release since 2022, and brings old versions of crates along.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use hyper::Method;
use hyper::header::HeaderValue;
use md5::{Digest as _, Md5};

use crate::checksum;

/// Who a user is for servers that challenge it.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) user: String,
    pub(super) password: crate::scenario::auth::Secret,
}

/// What a user remembers of its challenges.
#[derive(Clone, Default)]
pub(super) struct Digests(Rc<RefCell<Vec<Known>>>);

/// A challenge that was answered, of one server to one identity.
struct Known {
    identity: Arc<Identity>,
    /// The server's place.
    origin: usize,
    challenge: Challenge,
    /// How often its nonce was used.
    count: u32,
}

/// A challenge of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    is_session: bool,
    /// None for servers of before RFC 2617.
    protection: Option<Protection>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha256,
}

/// What is protected besides the user's password: the request line, or the body, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protection {
    Line,
    Body,
}

impl Algorithm {
    fn word(self, is_session: bool) -> &'static str {
        match (self, is_session) {
            (Self::Md5, false) => "MD5",
            (Self::Md5, true) => "MD5-sess",
            (Self::Sha256, false) => "SHA-256",
            (Self::Sha256, true) => "SHA-256-sess",
        }
    }

    fn hash(self, bytes: &[u8]) -> String {
        match self {
            Self::Md5 => {
                let digits = |mut hex: String, byte: &u8| {
                    hex.push_str(&format!("{byte:02x}"));
                    hex
                };
                Md5::digest(bytes).iter().fold(String::new(), digits)
            }
            Self::Sha256 => checksum::sha256(bytes),
        }
    }
}

impl Challenge {
    /// The first challenge of a header `www-authenticate` that can be answered.
    pub(super) fn parse(header: &str) -> Option<Self> {
        schemes(header).into_iter().find_map(|(scheme, parameters)| {
            if !scheme.eq_ignore_ascii_case("digest") {
                return None;
            }
            let value = |name: &str| {
                parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, v)| v.clone())
            };
            let name = value("algorithm").unwrap_or_else(|| "MD5".to_owned()).to_ascii_lowercase();
            let (base, is_session) = name.strip_suffix("-sess").map_or((name.as_str(), false), |b| (b, true));
            let algorithm = match base {
                "md5" => Algorithm::Md5,
                "sha-256" => Algorithm::Sha256,
                _ => return None,
            };
            let protection = match value("qop") {
                None => None,
                Some(list) => {
                    let has = |word: &str| list.split(',').any(|one| one.trim().eq_ignore_ascii_case(word));
                    match (has("auth"), has("auth-int")) {
                        (true, _) => Some(Protection::Line),
                        (false, true) => Some(Protection::Body),
                        (false, false) => return None,
                    }
                }
            };
            let (realm, nonce) = (value("realm").unwrap_or_default(), value("nonce")?);
            Some(Self { realm, nonce, opaque: value("opaque"), algorithm, is_session, protection })
        })
    }

    /// The header `authorization` that answers it for the `count`th time; none if it could not be sent.
    fn answer(
        &self,
        identity: &Identity,
        request: Asked<'_>,
        count: u32,
        cnonce: &str,
    ) -> Option<HeaderValue> {
        let Self { realm, nonce, algorithm, is_session, .. } = self;
        let hash = |text: &str| algorithm.hash(text.as_bytes());
        let Identity { user, password } = identity;
        let mut secret = hash(&format!("{user}:{realm}:{}", password.0));
        if *is_session {
            secret = hash(&format!("{secret}:{nonce}:{cnonce}"));
        }
        let Asked { method, uri, body } = request;
        let asked = match self.protection {
            Some(Protection::Body) => hash(&format!("{method}:{uri}:{}", algorithm.hash(body))),
            Some(Protection::Line) | None => hash(&format!("{method}:{uri}")),
        };
        let word = if self.protection == Some(Protection::Body) { "auth-int" } else { "auth" };
        let response = match self.protection {
            Some(_) => hash(&format!("{secret}:{nonce}:{count:08x}:{cnonce}:{word}:{asked}")),
            None => hash(&format!("{secret}:{nonce}:{asked}")),
        };
        let mut line = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, algorithm={}, response=\"{response}\"",
            quoted(user),
            quoted(realm),
            quoted(nonce),
            quoted(uri),
            algorithm.word(*is_session),
        );
        if let Some(opaque) = &self.opaque {
            line.push_str(&format!(", opaque={}", quoted(opaque)));
        }
        if self.protection.is_some() {
            line.push_str(&format!(", qop={word}, nc={count:08x}, cnonce=\"{cnonce}\""));
        }
        let mut value = HeaderValue::try_from(line).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// A request as it is asked.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    /// As it stands in the request line.
    pub(super) uri: &'a str,
    pub(super) body: &'a [u8],
}

impl Digests {
    /// The header `authorization` of the next request of an identity to a server; none before the first challenge.
    pub(super) fn next(
        &self,
        identity: &Arc<Identity>,
        origin: usize,
        request: Asked<'_>,
    ) -> Option<HeaderValue> {
        let mut all = self.0.borrow_mut();
        let known = all.iter_mut().find(|known| known.is_of(identity, origin))?;
        known.count = known.count.saturating_add(1);
        // It tells a session from others, and need not be hard to guess: the server's nonce is that.
        let cnonce = &checksum::sha256(format!("{origin} {} {}", identity.user, known.challenge.nonce))[..16];
        known.challenge.answer(identity, request, known.count, cnonce)
    }

    /// Remembers a challenge in place of the one before.
    pub(super) fn learn(&self, identity: &Arc<Identity>, origin: usize, challenge: Challenge) {
        let mut all = self.0.borrow_mut();
        all.retain(|known| !known.is_of(identity, origin));
        all.push(Known { identity: Arc::clone(identity), origin, challenge, count: 0 });
    }

    /// Takes the nonce for the next requests from a header `authentication-info`, if it names one.
    pub(super) fn renew(&self, identity: &Arc<Identity>, origin: usize, info: &str) {
        let next = parameters(info).0.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("nextnonce"));
        let mut all = self.0.borrow_mut();
        if let (Some((_, nonce)), Some(known)) = (next, all.iter_mut().find(|k| k.is_of(identity, origin))) {
            known.challenge.nonce = nonce;
            known.count = 0;
        }
    }
}

impl Known {
    fn is_of(&self, identity: &Arc<Identity>, origin: usize) -> bool {
        self.origin == origin && Arc::ptr_eq(&self.identity, identity)
    }
}

/// A text in quotes.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

type Parameters = Vec<(String, String)>;

/// The schemes of a list of challenges, each with its parameters (RFC 9110 §11.6.1).
fn schemes(header: &str) -> Vec<(String, Parameters)> {
    let (mut found, mut rest) = (Vec::new(), header);
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find([' ', '\t', ',']).unwrap_or(rest.len());
        if end == 0 {
            return found;
        }
        let (scheme, behind) = rest.split_at(end);
        let (own, behind) = parameters(behind);
        found.push((scheme.to_owned(), own));
        rest = behind;
    }
}

/// The parameters that a text begins with, and what stands behind them.
fn parameters(text: &str) -> (Parameters, &str) {
    let (mut found, mut rest) = (Parameters::new(), text);
    loop {
        let start = rest.trim_start_matches([' ', '\t', ',']);
        let name_end =
            start.find(|c: char| !(c.is_ascii_alphanumeric() || "-_*.".contains(c))).unwrap_or(start.len());
        let (name, behind) = start.split_at(name_end);
        let Some(value) = behind.trim_start().strip_prefix('=').map(str::trim_start) else {
            return (found, rest);
        };
        if name.is_empty() {
            return (found, "");
        }
        let (value, behind) = match value.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let end = value.find([',', ' ', '\t']).unwrap_or(value.len());
                (value[..end].to_owned(), &value[end..])
            }
        };
        found.push((name.to_owned(), value));
        rest = behind;
    }
}

/// A text up to its closing quote, and what stands behind that.
fn unquoted(text: &str) -> (String, &str) {
    let (mut value, mut is_escaped) = (String::new(), false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => {
                value.push(c);
                is_escaped = false;
            }
            '\\' => is_escaped = true,
            '"' => return (value, &text[at + 1..]),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scenario::auth::Secret;

    fn identity(password: &str) -> Identity {
        Identity { user: "Mufasa".to_owned(), password: Secret(password.to_owned()) }
    }

    const GET: Asked<'static> = Asked { method: &Method::GET, uri: "/dir/index.html", body: b"" };

    fn response(challenge: &str, password: &str, cnonce: &str) -> String {
        let challenge = Challenge::parse(challenge).unwrap();
        let line = challenge.answer(&identity(password), GET, 1, cnonce).unwrap();
        let (_, found) = schemes(line.to_str().unwrap()).remove(0);
        found.into_iter().find(|(name, _)| name == "response").unwrap().1
    }

    #[test]
    fn answers_are_those_of_the_standards() {
        // RFC 7616 §3.9.1.
        let of = |algorithm: &str| {
            format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
                 opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            )
        };
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let answered = |algorithm: &str| response(&of(algorithm), "Circle of Life", cnonce);
        assert_eq!(answered("MD5"), "8ca523f5e9506fed4657c9700eebdbec");
        assert_eq!(answered("SHA-256"), "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
        // RFC 2617 §3.5, and RFC 2069 §2.4 with its erratum.
        let old = "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"";
        assert_eq!(
            response(&format!("{old}, qop=\"auth,auth-int\""), "Circle Of Life", "0a4f113b"),
            "6629fae49393a05397450978507c4ef1"
        );
        assert_eq!(response(old, "CircleOfLife", ""), "1949323746fe6a43ef61f9606e7febea");
        // By Python's hashlib.
        let session = |algorithm: &str| {
            response(&format!("{old}, qop=auth, algorithm={algorithm}"), "Circle Of Life", "0a4f113b")
        };
        assert_eq!(session("MD5-sess"), "8e3825c57e897f5a0dec6c2d4e5059d0");
        assert_eq!(
            session("SHA-256-sess"),
            "b8822e12417cb7750f4e2b8515f0dcf25b7dd26993e80bee1426201446a7f59b"
        );
    }

    #[test]
    fn the_challenge_that_can_be_answered_is_found_among_others() {
        let found = Challenge::parse(
            "Basic realm=\"a, \\\"Digest\\\"\", Digest algorithm=SHA-512-256, nonce=\"x\", Negotiate, \
             digest Realm = \"r\",NONCE=abc,stale=true , qop=auth-int",
        )
        .unwrap();
        assert_eq!((found.realm.as_str(), found.nonce.as_str()), ("r", "abc"));
        assert_eq!((found.algorithm, found.protection), (Algorithm::Md5, Some(Protection::Body)));
        for none in
            ["", "Basic realm=\"Digest nonce=1\"", "Digest realm=\"r\"", "Digest nonce=\"a\", qop=\"other\""]
        {
            assert_eq!(Challenge::parse(none), None, "{none}");
        }
    }

    #[test]
    fn a_nonce_is_counted_until_another_one_comes() {
        let (digests, me) = (Digests::default(), Arc::new(identity("p")));
        let counts = |origin| {
            let header = digests.next(&me, origin, GET)?;
            let (_, found) = schemes(header.to_str().unwrap()).remove(0);
            let value = |name: &str| found.iter().find(|(known, _)| known == name).unwrap().1.clone();
            Some(format!("{} {}", value("nonce"), value("nc")))
        };
        assert_eq!(counts(0), None, "nobody has asked yet");
        let challenge = |nonce: &str| Challenge::parse(&format!("Digest nonce={nonce}, qop=auth")).unwrap();
        digests.learn(&me, 0, challenge("a"));
        assert_eq!(counts(0).unwrap(), "a 00000001");
        assert_eq!(counts(0).unwrap(), "a 00000002");
        assert_eq!(counts(1), None, "another server");
        digests.renew(&me, 0, "qop=auth, nextnonce=\"b\"");
        assert_eq!(counts(0).unwrap(), "b 00000001");
        digests.learn(&me, 0, challenge("c"));
        assert_eq!(counts(0).unwrap(), "c 00000001");
        assert!(digests.next(&me, 0, GET).unwrap().is_sensitive());
    }

    proptest! {
        #[test]
        fn any_header_is_a_challenge_or_none(header in "[ -~]{0,80}", inner in "[ -~]{0,40}") {
            Challenge::parse(&header);
            let text = format!("Digest nonce={}", quoted(&inner));
            prop_assert_eq!(Challenge::parse(&text).unwrap().nonce, inner);
        }
    }
}
