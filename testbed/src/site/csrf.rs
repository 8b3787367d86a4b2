//! Protection against forged requests, as Django has it: a secret in a cookie, and a token in the
//! form that only a page of the site can know.
//!
//! The token is the secret behind a mask that differs on every page. The bare secret is accepted,
//! too: programs send the cookie's value in `X-CSRFToken`.

use std::fmt;

use axum::http::HeaderMap;
use uuid::Uuid;

use super::cookies;

/// Digits of a secret; a token has as many of a mask before it.
const LENGTH: usize = 32;

/// A secret of 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new() -> Secret {
        Secret(Uuid::new_v4().simple().to_string())
    }

    /// The secret of a request's cookie.
    fn of_cookie(headers: &HeaderMap) -> Option<Secret> {
        let text = cookies::read(headers, cookies::CSRF)?;
        (text.len() == LENGTH && nibbles(text).is_some()).then(|| Secret(text.to_owned()))
    }

    /// The secret of a request's cookie, or a new one.
    pub(crate) fn of_cookie_or_new(headers: &HeaderMap) -> Secret {
        Secret::of_cookie(headers).unwrap_or_else(Secret::new)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// A token for a page: another one on every page.
    pub(crate) fn token(&self) -> String {
        let mask = Uuid::new_v4().simple().to_string();
        let hidden = combine(&self.0, &mask, |secret, mask| secret + mask);
        hidden.map_or_else(|| self.0.clone(), |hidden| mask + &hidden)
    }

    fn matches(&self, token: &str) -> bool {
        match token.split_at_checked(LENGTH) {
            Some((bare, "")) => bare == self.0,
            Some((mask, hidden)) if hidden.len() == LENGTH => {
                combine(hidden, mask, |hidden, mask| hidden + 16 - mask)
                    .is_some_and(|secret| secret == self.0)
            }
            _ => false,
        }
    }
}

/// Why a request was taken for a forged one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forged {
    NoCookie,
    NoToken,
    WrongToken,
}

impl fmt::Display for Forged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Forged::NoCookie => "CSRF cookie not set",
            Forged::NoToken => "CSRF token missing",
            Forged::WrongToken => "CSRF token incorrect",
        })
    }
}

/// Whether a request with this token (of a form or of the header `X-CSRFToken`) comes from a page of
/// the site.
pub(crate) fn check(headers: &HeaderMap, form: Option<&str>) -> Result<(), Forged> {
    let secret = Secret::of_cookie(headers).ok_or(Forged::NoCookie)?;
    let header = headers.get("x-csrftoken").and_then(|value| value.to_str().ok());
    let token = form.or(header).ok_or(Forged::NoToken)?;
    if secret.matches(token) { Ok(()) } else { Err(Forged::WrongToken) }
}

/// Combines two texts digit by digit, modulo 16.
fn combine(text: &str, mask: &str, with: fn(u32, u32) -> u32) -> Option<String> {
    let (text, mask) = (nibbles(text)?, nibbles(mask)?);
    text.into_iter().zip(mask).map(|(digit, mask)| char::from_digit(with(digit, mask) % 16, 16)).collect()
}

/// The digits of a text of lower-case hexadecimal digits.
fn nibbles(text: &str) -> Option<Vec<u32>> {
    text.chars().map(|digit| digit.to_digit(16).filter(|_| !digit.is_ascii_uppercase())).collect()
}

#[cfg(test)]
mod tests {
    use axum::http::header::COOKIE;

    use super::*;

    fn with_cookie(secret: &Secret) -> HeaderMap {
        let cookie = format!("csrftoken={}", secret.as_str()).parse().unwrap();
        HeaderMap::from_iter([(COOKIE, cookie)])
    }

    #[test]
    fn every_token_of_a_secret_matches_it_and_no_other() {
        let (secret, other) = (Secret::new(), Secret::new());
        let headers = with_cookie(&secret);
        let tokens = [secret.token(), secret.token(), secret.as_str().to_owned()];
        assert_ne!(tokens[0], tokens[1]);
        for token in &tokens {
            assert_eq!(check(&headers, Some(token)), Ok(()));
        }
        for token in [&other.token(), other.as_str(), "", "x", &tokens[0][1..], &"é".repeat(32)] {
            assert_eq!(check(&headers, Some(token)), Err(Forged::WrongToken), "{token}");
        }
    }

    #[test]
    fn without_cookie_or_token_nothing_passes() {
        let secret = Secret::new();
        assert_eq!(check(&HeaderMap::new(), Some(&secret.token())), Err(Forged::NoCookie));
        let mut headers = with_cookie(&secret);
        assert_eq!(check(&headers, None), Err(Forged::NoToken));
        headers.insert("x-csrftoken", secret.token().parse().unwrap());
        assert_eq!(check(&headers, None), Ok(()));
    }
}
