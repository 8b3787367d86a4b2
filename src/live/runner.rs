//! Runs in processes of their own: one at a time, followed by the events that it writes to stderr, and ended by its
//! own number only.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process};

use super::event::{Done, Event, Note};
use super::feed::Feed;

/// Variables that are about this program's page, not about the run that it starts.
const OWN: [&str; 6] = [
    "LOADPROOF_UI",
    "LOADPROOF_UI_BIND",
    "LOADPROOF_UI_TOKEN",
    "LOADPROOF_UI_LINGER",
    "LOADPROOF_PROGRESS",
    "LOADPROOF_PROGRESS_INTERVAL",
];

/// Starts runs, and follows them.
pub struct Runner {
    program: PathBuf,
    feed: Arc<Feed>,
    /// The process that is under way. It is reaped only after it was taken out: until then nobody else has its number.
    under_way: Mutex<Option<Pid>>,
    ended: Condvar,
}

impl Runner {
    /// Starts runs of a program, and tells a feed of them.
    pub fn new(program: PathBuf, feed: Arc<Feed>) -> Self {
        Self { program, feed, under_way: Mutex::new(None), ended: Condvar::new() }
    }

    /// Starts it with these arguments, unless a run is under way.
    ///
    /// # Errors
    /// If one is, or the program cannot be started.
    pub fn start(self: &Arc<Self>, arguments: &[String]) -> Result<(), String> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.is_some() || self.feed.is_running() {
            return Err("a run is already in progress".to_owned());
        }
        let mut command = Command::new(&self.program);
        for name in OWN {
            command.env_remove(name);
        }
        // In a group of its own: Ctrl-C on this terminal is for this program, which then ends it in its way.
        command.args(arguments).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child =
            command.spawn().map_err(|error| format!("cannot start `{}`: {error}", self.program.display()))?;
        self.feed.begin_anew();
        *under_way = Some(Pid::from_child(&child));
        let runner = Arc::clone(self);
        std::thread::spawn(move || {
            let stderr = child.stderr.take();
            runner.follow(child, stderr);
        });
        Ok(())
    }

    /// Ends the run that is under way as Ctrl-C does.
    pub fn stop(&self) {
        self.signal(&[Signal::INT]);
    }

    /// Ends it at once, as a second Ctrl-C does.
    pub fn abort(&self) {
        // Two signals of one kind might become one.
        self.signal(&[Signal::INT, Signal::TERM]);
    }

    /// Waits until no run is under way.
    pub fn wait(&self) {
        let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.ended.wait_while(under_way, |pid| pid.is_some()));
    }

    fn signal(&self, signals: &[Signal]) {
        let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        for signal in signals {
            if let Some(pid) = *under_way {
                // That it is gone already is fine.
                let _ = kill_process(pid, *signal);
            }
        }
    }

    /// Tells what a process says until it has ended.
    fn follow(&self, mut child: Child, stderr: Option<ChildStderr>) {
        let (mut done, mut last_words) = (None, String::new());
        for line in stderr.into_iter().flat_map(|stderr| BufReader::new(stderr).lines()).map_while(Result::ok)
        {
            match serde_json::from_str::<Event>(&line) {
                Ok(Event::Done(told)) => done = Some(told),
                Ok(event) => self.feed.tell(&event),
                Err(_) => {
                    last_words.clone_from(&line);
                    self.feed.tell(&Event::Note(Note::now(line)));
                }
            }
        }
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        *under_way = None;
        let status = child.wait();
        drop(under_way);
        self.feed.tell(&Event::Done(done.unwrap_or_else(|| silent(status, last_words))));
        self.ended.notify_all();
    }
}

/// What is to be said of a process that has not said what came of it.
fn silent(status: std::io::Result<ExitStatus>, last_words: String) -> Done {
    let code = status.ok().and_then(|status| status.code()).and_then(|code| u8::try_from(code).ok());
    let sentence = match (last_words.is_empty(), code) {
        (false, _) => last_words,
        (true, Some(code)) => format!("ended with exit code {code}"),
        (true, None) => "ended by a signal".to_owned(),
    };
    Done {
        word: "failed".to_owned(),
        headline: String::new(),
        sentence,
        metrics: Vec::new(),
        exit: code.unwrap_or(1),
        reports: Vec::new(),
    }
}
