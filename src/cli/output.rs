//! Text to people: results to stdout, everything else to stderr; colour only where it is wanted
//! (`NO_COLOR`, `CLICOLOR_FORCE` and terminals are respected by anstream).

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::assess::files;
use crate::execute::ExecuteError;
use crate::scenario::ScenarioError;

/// An error with its causes; a scenario's mistakes come ready to print.
pub(super) fn error_text(error: &anyhow::Error) -> String {
    let of_run = || match error.downcast_ref() {
        Some(ExecuteError::Scenario(scenario)) => Some(scenario),
        _ => None,
    };
    if let Some(scenario) = error.downcast_ref::<ScenarioError>().or_else(of_run) {
        return scenario.to_string();
    }
    let mut text = format!("error: {error}");
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str(&format!("\n  because: {cause}"));
        }
    }
    text
}

/// Prints a result.
pub(super) fn result(text: &str) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{}", text.trim_end())?;
    out.flush()?;
    Ok(())
}

/// Writes a file, with its folder if need be.
pub(super) fn file(path: &Path, text: &str) -> anyhow::Result<()> {
    Ok(files::write(path, text)?)
}

/// Writes Markdown; appends to the file that GitHub Actions collects step summaries in, where
/// several commands of a step write.
pub(super) fn markdown(path: &Path, text: &str) -> anyhow::Result<()> {
    if is_step_summary(path) && path.exists() {
        let before =
            std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        return file(path, &format!("{before}\n{text}"));
    }
    file(path, text)
}

/// Whether GitHub Actions collects step summaries in a file.
pub(super) fn is_step_summary(path: &Path) -> bool {
    std::env::var_os("GITHUB_STEP_SUMMARY").is_some_and(|summary| Path::new(&summary) == path)
}

/// `<name>.html` in the store's folder, unless the user named a file.
pub(super) fn report_path(wanted: Option<&PathBuf>, store: &Path, name: &str) -> PathBuf {
    wanted
        .cloned()
        .unwrap_or_else(|| files::folder_of(store).join(format!("{}.html", files::file_name(name))))
}
