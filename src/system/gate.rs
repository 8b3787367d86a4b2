//! Starts a program that does not begin before it is told to: whoever is to watch over it has to
//! stand first.
//!
//! A shell reads one line and then becomes the program, under the same process number. If loadproof
//! dies before it has written the line, the shell finds the end of the pipe, and nothing begins.

use std::io::{Error, ErrorKind, Result, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::scenario::program::Program;

const SCRIPT: &str = r#"read -r _ || exit 1; exec "$@" < /dev/null"#;

/// A command for a program that waits at the gate.
///
/// # Errors
/// If there is no such program, or it may not be executed: the shell would notice too late.
pub(super) fn closed(program: &Program) -> Result<Command> {
    let first = program.command.first().map_or("", String::as_str);
    check(first, program)?;
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT, "gate"]).args(&program.command).envs(&program.env).stdin(Stdio::piped());
    if let Some(folder) = &program.working_directory {
        command.current_dir(folder);
    }
    Ok(command)
}

/// Lets it begin.
///
/// # Errors
/// If it is gone already.
pub(super) fn open(child: &mut Child) -> Result<()> {
    match child.stdin.take() {
        Some(mut pipe) => pipe.write_all(b"go\n"),
        None => Ok(()),
    }
}

/// Whether the shell will find the program.
fn check(first: &str, program: &Program) -> Result<()> {
    let folder = program.working_directory.as_deref().map_or(Path::new(""), Path::new);
    if !folder.as_os_str().is_empty() && !folder.is_dir() {
        return Err(Error::from_raw_os_error(rustix::io::Errno::NOENT.raw_os_error()));
    }
    let candidates: Vec<PathBuf> = if first.contains('/') {
        vec![folder.join(first)]
    } else {
        let path = program.env.get("PATH").map(Into::into).or_else(|| std::env::var_os("PATH"));
        std::env::split_paths(&path.unwrap_or_default()).map(|place| place.join(first)).collect()
    };
    let mut missing = Error::from_raw_os_error(rustix::io::Errno::NOENT.raw_os_error());
    for candidate in candidates {
        match std::fs::metadata(&candidate) {
            Ok(found) if found.is_file() && found.permissions().mode() & 0o111 != 0 => return Ok(()),
            Ok(_) => missing = Error::from_raw_os_error(rustix::io::Errno::ACCESS.raw_os_error()),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => missing = error,
        }
    }
    Err(missing)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;

    use super::*;

    fn program(command: &[&str]) -> Program {
        Program { command: command.iter().map(|word| (*word).to_owned()).collect(), ..Program::default() }
    }

    fn start(command: &[&str]) -> Child {
        closed(&program(command)).unwrap().stdout(Stdio::piped()).process_group(0).spawn().unwrap()
    }

    #[test]
    fn a_program_begins_when_the_gate_opens_under_the_number_that_was_given() {
        let mut child = start(&["sh", "-c", "echo $$ \"$1\"; cat", "sh", "a  b"]);
        let number = child.id();
        open(&mut child).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{number} a  b\n"));
    }

    #[test]
    fn nothing_begins_if_nobody_opens() {
        let mut child = start(&["sh", "-c", "echo begun"]);
        // What the end of loadproof's process does.
        drop(child.stdin.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.stdout.is_empty() && !output.status.success());
    }

    #[test]
    fn what_cannot_be_started_is_told_before() {
        let kind = |command: &[&str]| closed(&program(command)).unwrap_err().kind();
        assert_eq!(kind(&["no-such-program-anywhere"]), ErrorKind::NotFound);
        assert_eq!(kind(&["./no/such/program"]), ErrorKind::NotFound);
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(kind(&[file.path().to_str().unwrap()]), ErrorKind::PermissionDenied);
        let lost = Program { working_directory: Some("/no/such/folder".to_owned()), ..program(&["sh"]) };
        assert_eq!(closed(&lost).unwrap_err().kind(), ErrorKind::NotFound);
    }
}
