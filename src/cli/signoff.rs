//! `loadproof signoff`: decides whether a release is signed, and writes the bundle that shows why.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use jiff::Timestamp;

use super::arguments::SignOff;
use super::bundle::{self, Bundle, Copy, MANIFEST, SAMPLES, SIGNATURE};
use super::command_line::command_line;
use super::exit::{Exit, UsageError};
use super::{output, qualified};
use crate::bundle::signature::Signer;
use crate::checksum;
use crate::execute::git_commit;
use crate::report::signoff as render;
use crate::report::signoff::About;
use crate::run::RunId;
use crate::signoff::{ReleaseKey, Rules, State};
use crate::store::Store;

pub(super) fn signoff(command: &SignOff, path: &Path) -> Result<Exit> {
    let name = command.rules.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(&command.rules)
        .map_err(|e| UsageError(format!("cannot read the rules `{}`: {e}", command.rules.display())))?;
    let rules = Rules::parse(&text, &command.rules.to_string_lossy())?;
    let signer = command.key.as_deref().map(signer).transpose()?;
    let at_unix_s = Timestamp::now().as_second();
    let about = About {
        version: command.release.clone(),
        commit: commit(&rules, command)?,
        at_unix_s,
        at: bundle::moment(at_unix_s),
        rules: name,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        command: command_line(),
        qualification: qualified::text(path),
        key: signer.as_ref().map(Signer::fingerprint),
    };
    let folder = folder(command, path)?;
    let samples = extract(&Store::open(path)?, &rules, &about, &folder)?;
    let sum = checksum::sha256(std::fs::read(&samples).context("cannot read the extract again")?);
    let made = bundle::compose(&Copy::of(&samples)?.store, &sum, &text, &about)?;
    write(&made, &sum, signer.as_ref(), &folder)?;
    if command.json {
        output::result(&render::json(&made.page, &made.signoff)?)?;
    } else {
        output::result(&format!("{}\n\n  bundle  {}", render::text(&made.page), folder.display()))?;
    }
    Ok(exit(made.signoff.worst()))
}

fn signer(path: &Path) -> Result<Signer> {
    let pem = std::fs::read_to_string(path)
        .map_err(|e| UsageError(format!("cannot read the key `{}`: {e}", path.display())))?;
    Ok(Signer::parse(&pem).map_err(|e| UsageError(format!("cannot sign with `{}`: {e}", path.display())))?)
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

/// The bundle's folder, made anew.
fn folder(command: &SignOff, store: &Path) -> Result<PathBuf> {
    let named = || output::folder(store).join(output::file_name(&format!("signoff-{}", command.release)));
    let folder = command.output.clone().unwrap_or_else(named);
    if folder.exists() {
        if !command.force {
            let text = format!("`{}` is there already; --force replaces it", folder.display());
            return Err(UsageError(text).into());
        }
        if !folder.join(MANIFEST).is_file() {
            let text = format!("`{}` is not a bundle, and is not replaced", folder.display());
            return Err(UsageError(text).into());
        }
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot replace `{}`", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    Ok(folder)
}

/// Writes the evidence into a store of its own: the chosen runs whole, and the facts of those that were passed over.
fn extract(store: &Store, rules: &Rules, about: &About, folder: &Path) -> Result<PathBuf> {
    let candidates = bundle::candidates(store)?;
    let choices = bundle::choices(rules, &bundle::release(about), &candidates);
    let runs = |of| -> Vec<RunId> {
        candidates.iter().filter(|c| c.of == of).flat_map(|c| c.runs.iter().map(|run| run.id)).collect()
    };
    let whole: Vec<RunId> = choices
        .iter()
        .filter_map(|choice| choice.candidate)
        .flat_map(|candidate| runs(candidate.of))
        .collect();
    let facts: Vec<RunId> =
        choices.iter().flat_map(|choice| &choice.passed).flat_map(|passed| runs(passed.of)).collect();
    let path = folder.join(SAMPLES);
    store.extract(&path, &whole, &facts)?;
    Ok(path)
}

fn write(made: &Bundle, samples: &str, signer: Option<&Signer>, folder: &Path) -> Result<()> {
    for (path, text) in &made.files {
        output::file(&folder.join(path), text)?;
    }
    let manifest = made.manifest(samples).to_string();
    output::file(&folder.join(MANIFEST), &manifest)?;
    if let Some(signer) = signer {
        let path = folder.join(SIGNATURE);
        std::fs::write(&path, signer.sign(manifest.as_bytes()))
            .with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
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
