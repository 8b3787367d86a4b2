//! `loadproof compare`: two runs side by side, or later runs and a saved baseline.

use std::path::Path;

use anyhow::Result;

use super::arguments::Compare;
use super::command_line::command_line;
use super::exit::{Exit, UsageError};
use super::report::{self, late_claims};
use crate::assess::saved::Named;
use crate::assess::{ReportContext, comparison};
use crate::store::Store;

pub(super) fn compare(command: &Compare, path: &Path) -> Result<Exit> {
    let store = Store::open_existing(path)?;
    let context = ReportContext {
        claims: command.claims.as_deref().map(late_claims).transpose()?,
        ..ReportContext::now(&store, &command_line(), command.outputs.allow_invalid)
    };
    let assessment = match (&command.saved, &command.runs[..]) {
        (Some(name), runs) => {
            let baseline = Named { folder: &command.baselines, name };
            comparison::with_saved(&baseline, runs, command.force, &store, &context)?
        }
        (None, [baseline, treatment]) => {
            comparison::of_named(baseline, treatment, command.force, &store, &context)?
        }
        (None, _) => {
            let text = "name two runs to compare (`loadproof compare lanes-off lanes-on`), or a saved baseline with \
                        --baseline";
            return Err(UsageError(text.to_owned()).into());
        }
    };
    report::write_all(&assessment, &store, &command.outputs)?;
    let judgement = &assessment.judgement;
    // Who forces a comparison knows why it is invalid; what claims come to counts all the same.
    let is_forced = command.force && judgement.overall().is_none();
    Ok(if is_forced { Exit::Done } else { Exit::of_verdict(judgement.consequence(command.gate)) })
}
