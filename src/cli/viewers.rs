//! Viewers: those who follow a command, on its terminal, on its page, or by its events.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use super::arguments::{Common, PageFlags, ProgressStyle, Pushes, Served, Shown};
use super::command_line::command_line;
use super::exit::{Exit, UsageError};
use super::interrupt::{self, Interrupt};
use super::report::Reported;
use super::{output, progress};
use crate::assess::history::History;
use crate::execute::session::{Pacing, SessionOptions};
use crate::execute::{Audience, Progress};
use crate::live::event::{Done, Event, Note, WholeMetric};
use crate::live::push::{Destination, Protocol, Pusher};
use crate::live::{Control, Feed, Listener, Narrator, Secret, ServeError, Server, Site};
use crate::plan::Plan;
use crate::report::model::{Headline, Tile};
use crate::verdict::Verdict;

/// Those who follow a command.
pub(super) struct Viewers {
    /// The wish to end, wherever it comes from.
    interrupt: Interrupt,
    listener: Option<Listener>,
    page: Option<(Server, Duration)>,
    /// Who sends metrics to other systems.
    pushers: Vec<Pusher>,
}

/// What came of a command.
pub(super) struct Concluded {
    pub(super) exit: Exit,
    pub(super) reported: Vec<Reported>,
}

impl Viewers {
    /// Those whom the flags of a load let in; nobody where nothing will be done.
    pub(super) fn of(common: &Common, store: &Path) -> Result<Self> {
        let ui = if common.dry_run { &PageFlags::default() } else { &common.ui };
        Self::follow(ui, common.shown, store)
    }

    /// Those whom the flags let in.
    pub(super) fn follow(ui: &PageFlags, shown: Shown, store: &Path) -> Result<Self> {
        let interrupt = Interrupt::listen(interrupt::ending_at_once(store))?;
        let to_stderr = (shown.progress == ProgressStyle::Json).then(|| to_stderr(interrupt.clone()));
        let pushers = pushers(&ui.pushes)?;
        let mut listeners: Vec<Listener> = to_stderr.into_iter().collect();
        listeners.extend(pushers.iter().map(Pusher::listener));
        if !ui.ui {
            return Ok(Self { interrupt, listener: all(listeners), page: None, pushers });
        }
        let feed = Arc::new(Feed::default());
        feed.begin_anew();
        let site = Site {
            feed: Arc::clone(&feed),
            history: History::new(store, command_line()),
            control: Box::new(OwnRun { interrupt: interrupt.clone(), store: store.to_owned() }),
        };
        let server = serve(&ui.served, site)?;
        listeners.push(Arc::new(move |event: Event| feed.tell(&event)));
        Ok(Self { interrupt, listener: all(listeners), page: Some((server, ui.ui_linger)), pushers })
    }

    /// How the runs of a command are made, and who is told of them.
    pub(super) fn session_options(&self, common: &Common, plan: &Plan) -> SessionOptions {
        SessionOptions {
            label: common.label.clone(),
            deployment: common.deployment.name(),
            workers: common.overrides.workers,
            pacing: Pacing::of(common.overrides.spin),
            ..self.plain_session(common.shown, plan)
        }
    }

    /// The same without any flags but those of what is shown.
    pub(super) fn plain_session(&self, shown: Shown, plan: &Plan) -> SessionOptions {
        let terminal = progress::of(shown.progress, shown.progress_interval, plan);
        let audience = [Some(terminal), self.narrator(plan.rounds)].into_iter().flatten().collect();
        SessionOptions {
            label: None,
            deployment: None,
            workers: None,
            pacing: Pacing::default(),
            agents: None,
            command: command_line(),
            interrupt: self.interrupt.receiver(),
            audience: Audience::new(audience),
        }
    }

    /// Who tells them of the runs of a plan of so many rounds.
    fn narrator(&self, rounds: u32) -> Option<Box<dyn Progress>> {
        let listener = Arc::clone(self.listener.as_ref()?);
        Some(Box::new(Narrator::new(listener, rounds)))
    }

    /// Tells of a seal after the last run, however little is shown: a log with it proves what was measured.
    pub(super) fn seal(&self, shown: Shown, text: String) {
        match shown.progress {
            ProgressStyle::Json => self.tell(Event::Note(Note::now(text))),
            _ => output::say(&format!("loadproof: {text}")),
        }
    }

    fn tell(&self, event: Event) {
        if let Some(listener) = &self.listener {
            listener(event);
        }
    }

    /// Tells what came of it, and lets them see it before the page is gone.
    pub(super) fn conclude(self, concluded: Result<Concluded>) -> Result<Exit> {
        if self.listener.is_some() {
            self.tell(Event::Done(done(&concluded)));
        }
        for lost in self.pushers.into_iter().filter_map(Pusher::finish) {
            output::say(&format!("loadproof: {lost}"));
        }
        if let Some((server, linger)) = self.page {
            if !linger.is_zero() {
                output::say(&format!(
                    "loadproof: the page remains at {}; press Ctrl-C to end it",
                    server.url()
                ));
            }
            server.close(linger, self.interrupt.receiver());
        }
        concluded.map(|concluded| concluded.exit)
    }
}

/// One who tells all of them; none if there are none.
fn all(listeners: Vec<Listener>) -> Option<Listener> {
    if listeners.is_empty() {
        return None;
    }
    Some(Arc::new(move |event: Event| {
        for listener in &listeners {
            listener(event.clone());
        }
    }))
}

/// Who sends metrics to other systems, as the flags say.
fn pushers(flags: &Pushes) -> Result<Vec<Pusher>> {
    let header = |text: &String| match text.split_once(':') {
        Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
        None => Err(UsageError("--push-header: expected `NAME: VALUE`".to_owned())),
    };
    let headers = flags.push_header.iter().map(header).collect::<Result<Vec<_>, _>>()?;
    let to = [
        ("--otlp", Protocol::Otlp, &flags.otlp),
        ("--remote-write", Protocol::RemoteWrite, &flags.remote_write),
    ];
    let wanted = to.into_iter().filter_map(|(flag, protocol, url)| Some((flag, protocol, url.clone()?)));
    let start = |(flag, protocol, url)| {
        let to = Destination { protocol, url, headers: headers.clone() };
        Pusher::start(to, |text| output::say(&format!("loadproof: {text}")))
            .map_err(|error| UsageError(format!("{flag}: {error}")).into())
    };
    wanted.map(start).collect()
}

fn done(concluded: &Result<Concluded>) -> Done {
    let Concluded { exit, reported } = match concluded {
        Ok(concluded) => concluded,
        Err(error) => {
            return Done {
                word: "failed".to_owned(),
                headline: String::new(),
                sentence: output::error_text(error),
                metrics: Vec::new(),
                exit: Exit::of(error) as u8,
                reports: Vec::new(),
            };
        }
    };
    let verdict = reported.iter().filter_map(|report| report.verdict).max();
    let worst = reported.iter().find(|report| report.verdict == verdict);
    let worst = worst.and_then(|report| report.headline.as_ref());
    let mut sentences: Vec<&str> = reported.iter().map(|report| report.sentence.as_str()).collect();
    if *exit == Exit::Interrupted {
        sentences.insert(0, "Ended by the user; all samples up to then are stored.");
    }
    Done {
        word: match exit {
            Exit::Interrupted => "interrupted".to_owned(),
            _ => verdict.map_or("done", Verdict::word).to_owned(),
        },
        headline: worst.map_or(String::new(), headline),
        sentence: sentences.join(" "),
        metrics: match &reported[..] {
            [report] => report.headline.iter().flat_map(|headline| &headline.tiles).map(metric).collect(),
            _ => Vec::new(),
        },
        exit: *exit as u8,
        reports: reported.iter().flat_map(|report| report.subjects.clone()).collect(),
    }
}

/// The verdict and the claim that decided it; empty where nothing was claimed.
fn headline(headline: &Headline) -> String {
    let verdict = format!("{} {}", headline.word, headline.count);
    let deciding = headline.answers.iter().find(|answer| answer.word.to_uppercase() == headline.word);
    deciding.map_or(String::new(), |answer| format!("{}: {}", verdict.trim_end(), answer.text))
}

fn metric(tile: &Tile) -> WholeMetric {
    WholeMetric {
        name: tile.name.to_owned(),
        value: tile.value.clone(),
        unit: tile.unit.clone(),
        is_bad: tile.is_bad,
    }
}

/// Writes events to stderr, one a line. When nobody reads them any more the run ends: it was started by a program that
/// is gone.
fn to_stderr(interrupt: Interrupt) -> Listener {
    Arc::new(move |event| {
        if writeln!(std::io::stderr(), "{}", event.json()).is_err() {
            interrupt.stop();
        }
    })
}

/// Serves a site where the flags say, and tells the user where that is.
pub(super) fn serve(served: &Served, site: Site) -> Result<Server> {
    // A mistaken token is not repeated: it is a secret all the same.
    let token = served.ui_token.as_ref().map(|token| token.parse::<Secret>());
    let token = token.transpose().map_err(|error| UsageError(format!("--ui-token: {error}")))?;
    let hint = if token.is_some() { " (add ?token=… to it the first time)" } else { "" };
    let server = Server::start(served.ui_bind, token, site).map_err(|error| match error {
        ServeError::SetUp(_) => anyhow::Error::from(error),
        _ => UsageError(error.to_string()).into(),
    })?;
    output::say(&format!("loadproof: live at {}{hint}", server.url()));
    Ok(server)
}

/// Control over the run of this process.
struct OwnRun {
    interrupt: Interrupt,
    store: PathBuf,
}

impl Control for OwnRun {
    fn stop(&self) {
        self.interrupt.stop();
    }

    fn abort(&self) {
        interrupt::ending_at_once(&self.store)();
        interrupt::quit();
    }
}
