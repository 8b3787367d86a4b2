//! The question whether a service can take load: over the network, by a program, by its output, or by its being up.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use regex::bytes::Regex;

use super::hook::{self, Around};
use super::http::{self, QUESTION};
use crate::scenario::hook::{Hook, Moment};
use crate::scenario::profile::{Ready, Service};
use crate::unit;
use crate::web::{Client, Redirects, Way, shown};

/// Statuses from here on say that a request was not carried out.
const REFUSED: u16 = 400;
/// How long one run of a program may take that is asked whether a service is ready.
const COMMAND: Duration = Duration::from_secs(10);
/// Bytes of output that are looked through at a time, and the longest line that is kept for the next time.
const PIECE: u64 = 1 << 20;

/// The question, with what it needs from one time to the next.
pub(super) enum Probe<'a> {
    Http(&'a str, Result<Client, String>),
    Tcp(&'a str),
    Command(Box<Hook>, &'a Around),
    Log(Output),
    UpFor(Duration, Instant),
}

impl<'a> Probe<'a> {
    /// For a service that has just been started, with its output in `log`. The client is made once: that takes as long as
    /// many a service needs to start.
    pub(super) fn new(service: &'a Service, log: PathBuf, around: &'a Around, way: &Way) -> Self {
        match &service.ready {
            // A service is started here: nothing lies between.
            Ready::Http(url) => Self::Http(url, Client::new(QUESTION, Redirects::Kept, &way.straight())),
            Ready::Tcp(address) => Self::Tcp(address),
            Ready::Command(program) => {
                let (name, program) = (format!("ready-{}", service.name), program.clone());
                let within = Some(COMMAND);
                let hook = Hook { name, program, moment: Moment::Before, within, may_fail: false };
                Self::Command(Box::new(hook), around)
            }
            Ready::Log(pattern) => Self::Log(Output::new(log, pattern)),
            Ready::UpFor(time) => Self::UpFor(*time, Instant::now()),
        }
    }

    /// Asks once; if the service cannot take load, says what happened instead.
    pub(super) async fn ask(&mut self) -> Result<(), String> {
        match self {
            Self::Tcp(address) => http::accepts(address).await.map(|_| ()),
            Self::Http(url, client) => {
                let answer = client.as_ref().map_err(Clone::clone)?.ask("GET", url).await?;
                answer.below(REFUSED).map(|_| ())
            }
            Self::Command(hook, around) => hook::run_to_success(hook, around).await,
            Self::Log(output) => output.look(),
            Self::UpFor(time, start) => {
                if start.elapsed() >= *time {
                    return Ok(());
                }
                Err("not up for so long yet".to_owned())
            }
        }
    }

    /// What it asks, as an error tells it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Http(url, _) => format!("GET {}", shown(url)),
            Self::Tcp(address) => format!("connect to {address}"),
            Self::Command(hook, _) => hook.program.command.join(" "),
            Self::Log(output) => match &output.pattern {
                Ok(pattern) => format!("a line of its log that matches `{pattern}`"),
                Err(_) => "a line of its log".to_owned(),
            },
            Self::UpFor(time, _) => format!("up for {}", unit::span(time.as_secs_f64())),
        }
    }
}

/// The output of a service, line by line as it comes.
pub(super) struct Output {
    path: PathBuf,
    pattern: Result<Regex, String>,
    /// Where the next look begins.
    at: u64,
    /// A line that had no end yet.
    rest: Vec<u8>,
}

impl Output {
    fn new(path: PathBuf, pattern: &str) -> Self {
        Self { path, pattern: Regex::new(pattern).map_err(|e| e.to_string()), at: 0, rest: Vec::new() }
    }

    /// Looks for a line that matches in what was written since the last look.
    fn look(&mut self) -> Result<(), String> {
        let pattern = self.pattern.as_ref().map_err(Clone::clone)?;
        let mut file = File::open(&self.path).map_err(|e| e.to_string())?;
        file.seek(SeekFrom::Start(self.at)).map_err(|e| e.to_string())?;
        let read = file.take(PIECE).read_to_end(&mut self.rest).map_err(|e| e.to_string())?;
        self.at += read as u64;
        // A prompt has no end of line: the last line counts as it is.
        if self.rest.split(|byte| *byte == b'\n').any(|line| pattern.is_match(line)) {
            return Ok(());
        }
        let begun = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.rest.drain(..begun);
        if self.rest.len() as u64 > PIECE {
            self.rest.clear();
        }
        Err("no such line yet".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_line_is_found_however_it_is_cut() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut output = Output::new(file.path().to_owned(), "^listening on [0-9]+");
        let mut look = |written: &str| {
            file.write_all(written.as_bytes()).unwrap();
            output.look().is_ok()
        };
        assert!(!look("starting\nnot listening on 80\nlisten"));
        assert!(look("ing on 8000"));
    }
}
