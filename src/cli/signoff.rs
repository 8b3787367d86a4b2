//! `loadproof signoff`: decides whether a release is signed, and writes the bundle that shows why.

use std::path::Path;

use anyhow::Result;

use super::arguments::SignOff;
use super::command_line::command_line;
use super::exit::{Exit, UsageError};
use super::output;
use crate::assess::{files, qualification, signoff as assess};
use crate::bounded;
use crate::bundle::signature::Signer;
use crate::execute::git_commit;
use crate::report::signoff as render;
use crate::report::signoff::About;
use crate::signoff::{ReleaseKey, Rules, State};
use crate::utc;

/// Bytes of the largest file of rules.
const LARGEST_RULES: u64 = 16 << 20;

pub(super) fn signoff(command: &SignOff, path: &Path) -> Result<Exit> {
    let name = command.rules.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = bounded::text(&command.rules, LARGEST_RULES)
        .map_err(|e| UsageError(format!("cannot read the rules `{}`: {e}", command.rules.display())))?;
    let rules = Rules::parse(&text, &command.rules.to_string_lossy())?;
    let signer = command.key.as_deref().map(assess::signer).transpose()?;
    let at_unix_s = utc::now_s();
    let about = About {
        version: command.release.clone(),
        commit: commit(&rules, command)?,
        at_unix_s,
        at: utc::to_minute(at_unix_s),
        rules: name,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        command: command_line(),
        qualification: qualification::text(path),
        floor: qualification::floor(path),
        key: signer.as_ref().map(Signer::fingerprint),
        breaches: Vec::new(),
    };
    let named = || files::folder_of(path).join(files::file_name(&format!("signoff-{}", command.release)));
    let folder = command.output.clone().unwrap_or_else(named);
    assess::make_folder(&folder, command.force)?;
    let made = assess::sign_off(path, &text, &about, signer.as_ref(), &folder).inspect_err(|_| {
        // Nothing was signed: where nothing was written either, the next attempt finds no folder.
        let _ = std::fs::remove_dir(&folder);
    })?;
    if command.json {
        output::result(&render::json(&made.page, &made.signoff)?)?;
    } else {
        output::result(&format!("{}\n\n  bundle  {}", render::text(&made.page), folder.display()))?;
    }
    Ok(exit(made.signoff.worst()))
}

/// The commit that is released; none where labels tell releases.
fn commit(rules: &Rules, command: &SignOff) -> Result<Option<String>> {
    if rules.release == ReleaseKey::Label {
        return Ok(None);
    }
    let commit = command.commit.clone().or_else(git_commit);
    match commit {
        None => Err(UsageError(
            "the commit that is released is not known: this folder is not a git repository; name it with --commit, or set \
             `release = \"label\"` in the rules"
                .to_owned(),
        )
        .into()),
        Some(commit) if commit.ends_with("-dirty") => Err(UsageError(
            "the working directory has changes on top of its commit; commit them, or name the released commit with \
             --commit"
                .to_owned(),
        )
        .into()),
        commit => Ok(commit),
    }
}

/// By the worst of what is neither supported nor waived.
fn exit(worst: Option<State>) -> Exit {
    match worst {
        None | Some(State::Supported) => Exit::Done,
        Some(State::Missing | State::Undecided) => Exit::Undecided,
        Some(State::Invalid) => Exit::Invalid,
        Some(State::Refuted) => Exit::Refuted,
    }
}
