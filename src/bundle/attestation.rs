//! Attestations that other tools check: a statement of in-toto about a manifest, in an envelope that is signed (DSSE).
//!
//! <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>,
//! <https://github.com/secure-systems-lab/dsse/blob/master/protocol.md>

use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;
use serde_json::{Value, json};

use super::signature::{Signer, Verifier};

/// What a statement is called.
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// What is stated: which tests have passed and which have not.
pub const PREDICATE: &str = "https://in-toto.io/attestation/test-result/v0.1";
/// What the envelope holds.
const PAYLOAD: &str = "application/vnd.in-toto+json";
/// Digits of a commit's whole name (SHA-1, SHA-256).
const COMMIT_DIGITS: [usize; 2] = [40, 64];

/// A file, or a commit, that something is stated of.
pub struct Subjects<'a> {
    /// A manifest's file name and SHA-256.
    pub manifest: (&'a str, &'a str),
    /// The commit that is released, if its whole name is known.
    pub commit: Option<&'a str>,
}

/// States test results of a manifest.
pub fn statement(of: &Subjects<'_>, predicate: &Value) -> String {
    let (name, sha256) = of.manifest;
    let mut subjects = vec![json!({ "name": name, "digest": { "sha256": sha256 } })];
    if let Some(commit) = of.commit.filter(|commit| COMMIT_DIGITS.contains(&commit.len())) {
        subjects.push(json!({ "name": "commit", "digest": { "gitCommit": commit } }));
    }
    json!({ "_type": STATEMENT, "subject": subjects, "predicateType": PREDICATE, "predicate": predicate })
        .to_string()
}

/// A statement in its envelope.
pub fn sealed(statement: &str, signer: &Signer) -> String {
    let signature = signer.sign(&encoded(statement.as_bytes()));
    let envelope = json!({
        "payloadType": PAYLOAD,
        "payload": STANDARD.encode(statement),
        "signatures": [{ "keyid": signer.fingerprint(), "sig": STANDARD.encode(signature) }],
    });
    envelope.to_string() + "\n"
}

/// The statement in an envelope, if one of its signatures is of a key.
pub fn opened(envelope: &str, key: &Verifier) -> Option<String> {
    let envelope: Value = serde_json::from_str(envelope).ok()?;
    let payload = STANDARD.decode(envelope["payload"].as_str()?).ok()?;
    let message = encoded(&payload);
    let is_good = |signature: &Value| {
        let signature = signature["sig"].as_str().and_then(|text| STANDARD.decode(text).ok());
        signature.is_some_and(|signature| key.accepts(&message, &signature))
    };
    let is_signed = envelope["signatures"].as_array()?.iter().any(is_good);
    (envelope["payloadType"] == PAYLOAD && is_signed).then(|| String::from_utf8(payload).ok())?
}

/// What is signed of a payload: its type and length with it (DSSE's PAE).
fn encoded(payload: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} {PAYLOAD} {} ", PAYLOAD.len(), payload.len()).into_bytes();
    message.extend(payload);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAFTMfJ8JuZCFX2Qi9mOZZ8TLeo5ZNphcZaEUuv7eYY8\n-----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAzph0L91H0rL/Khqbv3mCJNLI9X6RikvuAu8239dJvdk=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn what_is_signed_is_that_of_the_protocol() {
        assert_eq!(encoded(b"{}"), b"DSSEv1 28 application/vnd.in-toto+json 2 {}");
    }

    #[test]
    fn a_statement_comes_out_of_its_envelope_for_its_key_only() {
        let (signer, key) = (Signer::parse(PRIVATE).unwrap(), Verifier::parse(PUBLIC).unwrap());
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let subjects = Subjects { manifest: ("MANIFEST.sha256", "ab"), commit: Some(commit) };
        let statement = statement(&subjects, &json!({ "result": "PASSED" }));
        let envelope = sealed(&statement, &signer);
        assert_eq!(opened(&envelope, &key).as_deref(), Some(statement.as_str()));
        let forged = statement.replace("PASSED", "FAILED");
        let other = envelope.replace(&STANDARD.encode(&statement), &STANDARD.encode(&forged));
        assert_eq!(opened(&other, &key), None);
        assert_eq!(opened("{}", &key), None);
        let value: Value = serde_json::from_str(&statement).unwrap();
        assert_eq!(value["subject"][1]["digest"]["gitCommit"], commit);
    }
}
