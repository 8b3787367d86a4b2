//! What the environment contributes to the requests: the variables that journeys and bodies ask for.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::World;
use crate::{checksum, redact};

/// Hex digits that are kept of a value's checksum: they tell 255 of 256 other values apart, and are too few to guess one
/// by, even a short one.
const DIGITS: usize = 2;

/// `env("NAME"` in a template; in canonical text its quotes are escaped.
static ASKED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"\benv\(\s*\\?["']([A-Za-z0-9_]+)\\?["']"#).ok());

/// Names of values that may be personal or secret beyond those that [`redact`] hides: of those nothing is kept, not even a
/// part of a checksum.
static PERSONAL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("(?i)auth|key|user|login|session|private|(?:^|_)card(?:_|$)").ok());

/// The variables that a workload's canonical text asks for, each with what tells its values apart: the first digits of
/// a checksum, `not set`, or `secret` where the name says that the value may be one.
pub(super) fn of_workload(canonical: &str, world: &dyn World) -> BTreeMap<String, String> {
    let (Some(asked), Some(personal)) = (ASKED.as_ref(), PERSONAL.as_ref()) else { return BTreeMap::new() };
    let told = |name: &str| match world.variable(name) {
        _ if personal.is_match(name) || redact::is_secret_name(name) => "secret".to_owned(),
        None => "not set".to_owned(),
        Some(value) => {
            let sum = checksum::sha256(format!("{name}={value}"));
            sum.chars().take(DIGITS).collect()
        }
    };
    asked.captures_iter(canonical).map(|found| (found[1].to_owned(), told(&found[1]))).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    struct Set(&'static str);

    impl World for Set {
        fn read(&self, _path: &Path) -> std::io::Result<String> {
            Err(std::io::ErrorKind::NotFound.into())
        }

        fn variable(&self, name: &str) -> Option<String> {
            (name != "UNSET").then(|| self.0.to_owned())
        }
    }

    #[test]
    fn values_are_told_apart_and_not_told() {
        let text = r#"{"body":["{{ env(\"NOTE\", \"-\") }}","{{ env( 'UNSET' ) }} env_(\"OTHER\")"],"h":"{{ env(\"API_TOKEN\") }}"}"#;
        let [a, b] = ["short", "long"].map(|value| of_workload(text, &Set(value)));
        assert_eq!(a.keys().collect::<Vec<_>>(), ["API_TOKEN", "NOTE", "UNSET"]);
        assert_eq!((a["UNSET"].as_str(), a["API_TOKEN"].as_str()), ("not set", "secret"));
        assert_ne!(a["NOTE"], b["NOTE"]);
        assert_eq!(a["NOTE"].len(), DIGITS);
        assert_eq!(a, of_workload(text, &Set("short")));
    }
}
