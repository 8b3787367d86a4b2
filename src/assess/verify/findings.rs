//! What a verification finds.

use serde_json::Value;

use crate::bundle as compare;
use crate::unit;

/// Where a document says when, by what and of what it was made.
const ABOUT: &str = "page.about";

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// What was looked at.
    pub subject: String,
    /// What was checked, each with its outcome.
    pub checked: Vec<(&'static str, String)>,
    /// What is not the same.
    pub differs: Vec<String>,
    /// What could not be verified, and why: pages of other versions.
    pub unverified: Vec<String>,
    /// Numbers that were made again and compared.
    pub(super) numbers: usize,
    /// What one version of loadproof writes and the other does not.
    pub(super) other_version: usize,
}

impl Findings {
    /// Compares a document with what comes out now.
    pub(super) fn document(
        &mut self,
        path: &str,
        written: &Value,
        made_again: &Value,
        is_same_version: bool,
    ) {
        let renamed = compare::with_new_names(written, made_again);
        let mut found = compare::of_json(renamed.as_ref().unwrap_or(written), made_again);
        self.numbers += found.numbers;
        if is_same_version && renamed.is_none() {
            found.changed.append(&mut found.one_sided);
        } else {
            self.other_version += found.one_sided.len();
            found.changed.retain(|difference| !difference.place.starts_with(ABOUT));
            let all = found.changed.len();
            found.changed.retain(|difference| !difference.is_wording());
            self.other_version += all - found.changed.len();
        }
        self.differs.extend(found.changed.iter().map(|difference| format!("{path}: {difference}")));
    }

    /// Notes how much was made again. `version`: of the loadproof that wrote it.
    pub(super) fn made_again(&mut self, version: &str) {
        let numbers = unit::count(self.numbers as u64);
        let own = env!("CARGO_PKG_VERSION");
        let outcome = if version == own {
            format!("{numbers} numbers, and every other byte")
        } else {
            let other = self.other_version;
            format!(
                "{numbers} numbers; {other} values are only written by loadproof {version} or only by this {own}"
            )
        };
        self.checked.push(("made again", outcome));
    }

    /// Notes a file that only another version of loadproof could verify.
    pub(super) fn of_other_version(&mut self, path: &str, version: &str) {
        self.unverified.push(format!("{path}: only loadproof {version}, which wrote it, can verify it"));
    }
}

/// Where two files part, with the line and some of what stands there.
pub(super) fn first_difference(written: &[u8], made_again: &[u8]) -> String {
    let same = written.iter().zip(made_again).take_while(|(a, b)| a == b).count();
    let line = written[..same].split(|byte| *byte == b'\n').count();
    let around = |bytes: &[u8]| {
        let from = same.saturating_sub(16);
        let excerpt = String::from_utf8_lossy(&bytes[from.min(bytes.len())..(same + 24).min(bytes.len())]);
        excerpt.replace('\n', " ")
    };
    format!("byte {same}, line {line}: written `…{}…`, rebuilt `…{}…`", around(written), around(made_again))
}
