//! `loadproof verify`: makes a bundle, or a report, again from the samples, and says what is not the same.

use std::path::Path;

use anyhow::Result;

use super::arguments::Verify;
use super::exit::Exit;
use super::output;
use crate::assess::AssessError;
use crate::assess::verify::{self, Findings};
use crate::store::StoreError;
use crate::unit;

/// Differences that are told one by one.
const MOST_TOLD: usize = 12;

pub(super) fn verify(command: &Verify, store: &Path) -> Result<Exit> {
    let subject = &command.subject;
    let found = if subject.is_dir() {
        verify::bundle(subject, command.public_key.as_deref())
    } else {
        verify::report(subject, store, &command.baselines)
    };
    let findings = match found {
        Err(AssessError::Store(error @ StoreError::SamplesPruned { .. })) => {
            output::result(&format!("{}\n\nNOT VERIFIED: {error}", subject.display()))?;
            return Ok(Exit::NotVerified);
        }
        found => found?,
    };
    output::result(&text(&findings, command.numbers_only))?;
    let is_verified = findings.differs.is_empty() && (findings.unverified.is_empty() || command.numbers_only);
    Ok(if is_verified { Exit::Done } else { Exit::NotVerified })
}

fn text(findings: &Findings, numbers_only: bool) -> String {
    let Findings { subject, checked, differs, unverified, .. } = findings;
    let mut lines = vec![subject.clone(), String::new()];
    lines.extend(checked.iter().map(|(what, outcome)| format!("{what:>12}  {outcome}")));
    lines.extend(differs.iter().take(MOST_TOLD).map(|line| format!("{:>12}  {line}", "DIFFERS")));
    if differs.len() > MOST_TOLD {
        lines.push(format!("{:>12}  {} more", "", unit::count((differs.len() - MOST_TOLD) as u64)));
    }
    lines.extend(unverified.iter().take(MOST_TOLD).map(|line| format!("{:>12}  {line}", "UNVERIFIED")));
    if unverified.len() > MOST_TOLD {
        lines.push(format!("{:>12}  {} more", "", unit::count((unverified.len() - MOST_TOLD) as u64)));
    }
    lines.push(String::new());
    lines.push(
        match (differs.is_empty(), unverified.is_empty(), numbers_only) {
            (false, ..) => "NOT VERIFIED",
            (true, true, _) => "VERIFIED",
            (true, false, true) => "NUMBERS VERIFIED",
            (true, false, false) => {
                "UNVERIFIED: some of it only another version can verify; --numbers-only accepts that"
            }
        }
        .to_owned(),
    );
    lines.join("\n")
}
