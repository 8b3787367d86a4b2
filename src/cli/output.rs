//! Text to people: results to stdout, everything else to stderr; colour only where it is wanted
//! (`NO_COLOR`, `CLICOLOR_FORCE` and terminals are respected by anstream).

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// An error with its causes; a scenario's mistakes come ready to print.
pub(super) fn error_text(error: &anyhow::Error) -> String {
    if let Some(scenario) = error.downcast_ref::<crate::scenario::ScenarioError>() {
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
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    }
    std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
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

/// `reports/<name>.html` beside the store, unless the user named a file.
pub(super) fn report_path(wanted: Option<&PathBuf>, store: &Path, name: &str) -> PathBuf {
    wanted.cloned().unwrap_or_else(|| folder(store).join(format!("{}.html", file_name(name))))
}

/// Where the store lies: reports and logs go there too.
pub(super) fn folder(store: &Path) -> PathBuf {
    store.parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// A name in which only letters, digits, `-`, `_` and `.` are left.
pub(super) fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect()
}
