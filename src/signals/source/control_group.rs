//! What a control group (version 2) has used: of a container, a unit, a pod.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::first_answers;
use crate::bounded;
use crate::scenario::signal::{Question, Signal, Usage};

/// Where the control group file system is mounted.
const ROOT: &str = "/sys/fs/cgroup";
/// Bytes of the longest of its files.
const LONGEST: u64 = 1 << 20;
/// How long the container client may take to answer, and the time between two looks at whether it has.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(10);

/// Reads the files of a group's folder.
pub(super) fn read(folder: &Path, signals: &[Signal]) -> Result<Vec<Option<f64>>, String> {
    let file = |name: &str| {
        let path = folder.join(name);
        bounded::text(&path, LONGEST).map_err(|error| format!("{}: {error}", path.display()))
    };
    let cpu_s = cpu_s(&file("cpu.stat")?);
    // The root of all groups has no memory of its own.
    let memory_bytes = file("memory.current").ok().and_then(|text| text.trim().parse().ok());
    Ok(first_answers(signals, |question| match question {
        Question::Usage(Usage::Cpu) => cpu_s,
        Question::Usage(Usage::Memory) => memory_bytes,
        _ => None,
    }))
}

fn cpu_s(stat: &str) -> Option<f64> {
    let usage = stat.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
    usage.trim().parse::<f64>().ok().map(|us| us / 1e6)
}

/// The folder of a container's group, by asking for its first process.
pub(super) fn of_container(name: &str) -> Result<PathBuf, String> {
    let client = std::env::var("LOADPROOF_CONTAINER_CLIENT").unwrap_or_else(|_| "docker".to_owned());
    let mut question = Command::new(&client);
    question.args(["inspect", "--format", "{{.State.Pid}}", "--", name]);
    let answer = answer(question).map_err(|error| format!("cannot ask `{client}`: {error}"))?;
    if !answer.status.success() {
        return Err(format!("{client}: {}", String::from_utf8_lossy(&answer.stderr).trim()));
    }
    let process = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
    let group = std::fs::read_to_string(format!("/proc/{process}/cgroup"))
        .map_err(|error| format!("process {process} of container `{name}`: {error}"))?;
    // `0::/path` is the line of version 2.
    let path = group.lines().find_map(|line| line.strip_prefix("0::/"));
    path.map(|path| Path::new(ROOT).join(path)).ok_or_else(|| "no control groups of version 2".to_owned())
}

/// What a program answers in time: little enough for the pipes to hold it until the program has ended.
fn answer(mut question: Command) -> std::io::Result<Output> {
    let mut child = question.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let deadline = Instant::now() + ANSWER_WITHIN;
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "it does not answer"));
        }
        std::thread::sleep(LOOK);
    }
    child.wait_with_output()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_from_the_groups_files() {
        let folder = tempfile::tempdir().unwrap();
        let signal = |usage| Signal {
            name: String::new(),
            unit: String::new(),
            is_counter: false,
            questions: vec![Question::Usage(usage)],
        };
        let signals = [signal(Usage::Cpu), signal(Usage::Memory)];
        assert!(read(folder.path(), &signals).is_err());
        std::fs::write(folder.path().join("cpu.stat"), "usage_usec 2500000\nuser_usec 1\n").unwrap();
        assert_eq!(read(folder.path(), &signals), Ok(vec![Some(2.5), None]));
        std::fs::write(folder.path().join("memory.current"), "1048576\n").unwrap();
        assert_eq!(read(folder.path(), &signals), Ok(vec![Some(2.5), Some(1_048_576.0)]));
    }
}
