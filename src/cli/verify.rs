//! `loadproof verify`: makes a bundle, or a report, again from the samples, and says what is not the same.

use std::path::Path;

use anyhow::Result;

use super::arguments::Verify;
use super::exit::Exit;
use super::output;
use crate::assess::verify::{self, Findings};
use crate::unit;

/// Differences that are told one by one.
const MOST_TOLD: usize = 12;

pub(super) fn verify(command: &Verify, store: &Path) -> Result<Exit> {
    let subject = &command.subject;
    let findings = if subject.is_dir() {
        verify::bundle(subject, command.public_key.as_deref())?
    } else {
        verify::report(subject, store, &command.baselines)?
    };
    output::result(&text(&findings))?;
    Ok(if findings.differs.is_empty() { Exit::Done } else { Exit::NotVerified })
}

fn text(findings: &Findings) -> String {
    let Findings { subject, checked, differs, .. } = findings;
    let mut lines = vec![subject.clone(), String::new()];
    lines.extend(checked.iter().map(|(what, outcome)| format!("{what:>12}  {outcome}")));
    lines.extend(differs.iter().take(MOST_TOLD).map(|line| format!("{:>12}  {line}", "DIFFERS")));
    if differs.len() > MOST_TOLD {
        lines.push(format!("{:>12}  {} more", "", unit::count((differs.len() - MOST_TOLD) as u64)));
    }
    lines.push(String::new());
    lines.push(if differs.is_empty() { "VERIFIED" } else { "NOT VERIFIED" }.to_owned());
    lines.join("\n")
}
