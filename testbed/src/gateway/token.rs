//! Tokens of clients: JSON Web Tokens, signed with a shared secret (HS256).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;
use serde_json::Value;

use crate::clock;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// Tells whether a token is valid.
pub(super) struct Verifier(hmac::Key);

impl Verifier {
    pub(super) fn new(secret: &str) -> Verifier {
        Verifier(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    /// The claims of the token in a header `Authorization: Bearer …`, or why there are none.
    pub(super) fn claims(&self, header: Option<&str>) -> Result<Value, &'static str> {
        let token =
            header.and_then(|header| header.strip_prefix("Bearer ")).ok_or("a bearer token is required")?;
        let (signed, signature) = token.rsplit_once('.').ok_or("not a token")?;
        let (head, claims) = signed.split_once('.').ok_or("not a token")?;
        // Subtle: a token that names another algorithm, or none, is not looked at any further.
        if decoded(head).ok_or("not a token")?["alg"] != "HS256" {
            return Err("the algorithm has to be HS256");
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "not a token")?;
        hmac::verify(&self.0, signed.as_bytes(), &signature).map_err(|_| "the signature is wrong")?;
        let claims = decoded(claims).ok_or("not a token")?;
        match claims["exp"].as_i64() {
            Some(end) if end <= clock::now_us() / MICROS_PER_SECOND => Err("the token has expired"),
            _ => Ok(claims),
        }
    }
}

fn decoded(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(head: &str, claims: &str, secret: &str) -> String {
        let signed = [head, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), signed.as_bytes());
        format!("Bearer {signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    #[test]
    fn a_token_is_valid_if_it_is_signed_with_the_secret_and_has_not_expired() {
        let verifier = Verifier::new("secret");
        let hs256 = r#"{"alg":"HS256","typ":"JWT"}"#;
        let of = |header: &str| verifier.claims(Some(header));
        assert_eq!(of(&token(hs256, r#"{"tenant":"acme"}"#, "secret")).unwrap()["tenant"], "acme");
        assert!(of(&token(hs256, r#"{"exp":99999999999}"#, "secret")).is_ok());
        assert_eq!(of(&token(hs256, r#"{"exp":1}"#, "secret")), Err("the token has expired"));
        assert_eq!(of(&token(hs256, "{}", "other")), Err("the signature is wrong"));
        assert_eq!(of(&token(r#"{"alg":"none"}"#, "{}", "secret")), Err("the algorithm has to be HS256"));
        assert_eq!(of("Bearer x"), Err("not a token"));
        assert_eq!(verifier.claims(None), Err("a bearer token is required"));
    }

    #[test]
    fn the_example_of_rfc_7515_is_valid() {
        // RFC 7515, appendix A.1; its token has expired in 2011.
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key = URL_SAFE_NO_PAD.decode(key).unwrap();
        let verifier = Verifier(hmac::Key::new(hmac::HMAC_SHA256, &key));
        let token = "Bearer eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(verifier.claims(Some(token)), Err("the token has expired"), "not a wrong signature");
    }
}
