//! What a report says that does not follow from the runs.

use std::path::Path;

use super::qualification;
use crate::report::{About, LateClaims, Of};
use crate::run::RunFacts;
use crate::store::Store;
use crate::utc;

/// When, by what and how a report is made: all of it that does not follow from the runs.
#[derive(Clone, Debug)]
pub struct ReportContext {
    /// Whether verdicts are stated in spite of an audit that says `INVALID`.
    pub allow_invalid: bool,
    /// Whether a run in which most requests fail is no failure by itself.
    pub allow_failures: bool,
    /// The claims to judge by, in place of those that the runs were made with.
    pub claims: Option<LateClaims>,
    /// When: `2026-07-01 12:00 UTC`.
    pub generated_at: String,
    /// The store's file.
    pub store: String,
    /// The command that makes it.
    pub command: String,
    /// What the last selftest on this machine found; none without one.
    pub qualification: Option<String>,
}

impl ReportContext {
    /// Of a report that is made now by a command.
    pub fn now(store: &Store, command: &str, allow_invalid: bool) -> Self {
        Self {
            allow_invalid,
            allow_failures: false,
            claims: None,
            generated_at: utc::to_minute(utc::now_s()),
            store: store.path().display().to_string(),
            command: command.to_owned(),
            qualification: qualification::text(store.path()),
        }
    }

    /// Of a report that was made before.
    pub fn of(about: &About) -> Self {
        Self {
            allow_invalid: about.allow_invalid,
            allow_failures: about.allow_failures,
            claims: about.claims.clone(),
            generated_at: about.generated_at.clone(),
            store: about.store.clone(),
            command: about.command.clone(),
            qualification: about.qualification.clone(),
        }
    }

    /// The facts of a run with the claims that it is judged by.
    pub(super) fn claimed(&self, mut run: RunFacts) -> RunFacts {
        if let Some(late) = &self.claims {
            run.start.claims.clone_from(&late.claims);
        }
        run
    }

    /// What the files of a report are called: those by other claims do not replace those by the runs' own.
    pub(super) fn named(&self, name: String) -> String {
        let Some(late) = &self.claims else { return name };
        let stem = Path::new(&late.file).file_stem().unwrap_or_default().to_string_lossy();
        format!("{name}-by-{stem}")
    }

    pub(super) fn about(&self, of: Of) -> About {
        About {
            of,
            allow_invalid: self.allow_invalid,
            allow_failures: self.allow_failures,
            claims: self.claims.clone(),
            generated_at: self.generated_at.clone(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            store: self.store.clone(),
            command: self.command.clone(),
            qualification: self.qualification.clone(),
        }
    }
}
