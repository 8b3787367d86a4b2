//! Text to people: results to stdout, everything else to stderr; colour only where it is wanted
//! (`NO_COLOR`, `CLICOLOR_FORCE` and terminals are respected by anstream).

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::assess::files;
use crate::execute::ExecuteError;
use crate::printable;
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

/// Tells something on stderr. A terminal that is gone cannot be told, and nothing ends for that.
pub(super) fn say(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{}", printable::for_terminal(text));
}

/// Prints a result.
pub(super) fn result(text: &str) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{}", printable::for_terminal(text.trim_end()))?;
    out.flush()?;
    Ok(())
}

/// Where data for other programs goes: stdout, as it is unless that is a terminal.
pub(super) fn data() -> Box<dyn Write> {
    let out = std::io::stdout();
    if out.is_terminal() { Box::new(Shown(out)) } else { Box::new(out.lock()) }
}

/// A terminal that is given printable text only.
struct Shown(std::io::Stdout);

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.write_all(printable::for_terminal(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
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
