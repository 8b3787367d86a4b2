//! A sign-off for people and machines: one page of A4, JSON, JUnit, Markdown and text, all from one model.

mod build;
mod forms;

use serde::{Deserialize, Serialize};

use crate::verdict::floor::Floor;

pub use build::{Evidence, Source, page};
pub use forms::{about, html, json, junit, markdown, predicate, text};

/// What a sign-off says of itself. Together with the bundle's store and rules it is enough to make the same again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The version that is signed off.
    pub version: String,
    /// Its commit; none where labels tell releases.
    pub commit: Option<String>,
    /// The moment of signing, s since 1970 (UTC).
    pub at_unix_s: i64,
    /// The same for people.
    pub at: String,
    /// The rules' file as given.
    pub rules: String,
    /// Version of loadproof.
    pub tool_version: String,
    /// The command that made it.
    pub command: String,
    /// What the instrument's last selftest on this machine found; none without one.
    pub qualification: Option<String>,
    /// What it found the generator to add to every time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Floor>,
    /// Tells the key of the detached signature from others; none without a signature.
    pub key: Option<String>,
    /// What was not as it was written in the store that the evidence is from, beyond the evidence itself.
    #[serde(default)]
    pub breaches: Vec<String>,
}

/// Everything that the page says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Page {
    /// What is released.
    pub product: String,
    /// What it says of itself.
    pub about: About,
    /// `SIGNED`, `SIGNED, 2 WAIVED` or `NOT SIGNED`.
    pub word: String,
    /// The verdict whose colours it has: `supported`; with waivers `undecided`; `refuted` if it is not signed.
    pub tone: &'static str,
    /// Why, in a sentence.
    pub sentence: String,
    /// Commit and amount of evidence.
    pub subtitle: String,
    /// The required claims.
    pub rows: Vec<Row>,
    /// What they rest on.
    pub evidence: Vec<EvidenceRow>,
    /// Evidence that was found and is not used: `e4 for Lanes: e5 is newer`.
    pub passed_over: Vec<String>,
    /// Waivers that nothing needed, or that hold no more.
    pub idle_waivers: Vec<String>,
    /// Facts of the machines, with every value that occurs.
    pub environment: Vec<(String, String)>,
    /// Files of the bundle: SHA-256 and path.
    pub files: Vec<(String, String)>,
}

/// A required claim.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The requirement's name.
    pub requirement: String,
    /// `C2 Lanes do not degrade the API`; for a requirement without evidence empty.
    pub claim: String,
    /// Its rule in symbols.
    pub formula: String,
    /// The profile that it was decided for; empty where there is but one.
    pub profile: String,
    /// `supported`, `refuted`, `undecided`, `invalid`, `missing` or `waived`.
    pub state: &'static str,
    /// What it is without the waiver, and why it is not supported.
    pub why: String,
    /// `until 2027-01-31, Test lead: The host was replaced`; empty without a waiver.
    pub waiver: String,
    /// The estimate.
    pub estimate: String,
    /// Its interval.
    pub interval: String,
    /// `e3`; empty without evidence.
    pub evidence: String,
    /// The interval against the bound.
    #[serde(skip)]
    pub strip: Option<crate::report::model::ClaimRow>,
}

/// An experiment, or a run, that claims rest on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EvidenceRow {
    /// `e3`, `run 12`
    pub name: String,
    /// Scenario and load.
    pub what: String,
    /// When it was made.
    pub when: String,
    /// Runs and samples.
    pub amount: String,
    /// `VALID`, `WARN` or `INVALID`: whether its runs may be believed.
    pub audit: &'static str,
    /// The arms in which requests failed or effects were not seen, a sentence each.
    pub failing: Vec<String>,
    /// Its reports in the bundle.
    pub reports: Vec<String>,
    /// Its seal, as the command that made it has printed it; or that it has none.
    pub seal: String,
}
