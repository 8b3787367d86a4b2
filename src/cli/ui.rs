//! `loadproof ui`: what is in the store, on a page, and runs that are started from it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use super::arguments::{Browse, STORE};
use super::command_line::{command_line, line};
use super::exit::Exit;
use super::interrupt::Interrupt;
use super::{output, viewers, world};
use crate::assess::history::History;
use crate::live::{Control, ExperimentOffer, Feed, LoadOffer, NoOffer, Offer, Offers, Runner, Site, Starter};
use crate::scenario::Scenario;
use crate::web;

pub(super) fn ui(command: &Browse, store: &Path) -> Result<Exit> {
    let own = std::env::current_exe().context("cannot find loadproof's own program")?;
    let feed = Arc::new(Feed::default());
    let runner = Arc::new(Runner::new(own, Arc::clone(&feed)));
    let at_last = Arc::clone(&runner);
    let interrupt = Interrupt::listen(move || at_last.abort())?;
    let others =
        Others { runner: Arc::clone(&runner), scenarios: command.scenarios.clone(), store: store.to_owned() };
    let site = Site { feed, history: History::new(store, command_line()), control: Box::new(others) };
    let server = viewers::serve(&command.served, site)?;
    let mut wish = interrupt.receiver();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    // The sender lives as long as this process.
    let _ = runtime.block_on(wish.wait_for(|wanted| *wanted));
    runner.stop();
    runner.wait();
    server.close(Duration::ZERO, wish);
    Ok(Exit::Done)
}

/// Control over runs in processes of their own.
struct Others {
    runner: Arc<Runner>,
    /// Folder of the scenarios.
    scenarios: PathBuf,
    store: PathBuf,
}

impl Control for Others {
    fn stop(&self) {
        self.runner.stop();
    }

    fn abort(&self) {
        self.runner.abort();
    }

    fn starter(&self) -> Option<&dyn Starter> {
        Some(self)
    }
}

impl Starter for Others {
    fn offers(&self) -> Offers {
        let mut offers = Offers::default();
        for path in files(&self.scenarios) {
            let file = path.display().to_string();
            match world::scenario_without_warnings(&path) {
                Ok(scenario) => offers.scenarios.push(offer(file, &scenario)),
                Err(error) => {
                    let text = output::error_text(&error.into());
                    let reason = text.lines().next().unwrap_or_default().to_owned();
                    offers.others.push(NoOffer { file, reason });
                }
            }
        }
        offers
    }

    fn line(&self, arguments: &[String]) -> String {
        let store = if self.store == Path::new(STORE) { None } else { Some(self.store_flag()) };
        let words = ["loadproof".to_owned()].into_iter().chain(arguments.iter().cloned());
        line(words.chain(store.into_iter().flatten()))
    }

    fn start(&self, mut arguments: Vec<String>) -> Result<(), String> {
        arguments.extend(self.store_flag());
        arguments.extend(["--progress", "json"].map(str::to_owned));
        self.runner.start(&arguments)
    }
}

impl Others {
    /// Where runs are stored.
    fn store_flag(&self) -> [String; 2] {
        ["--store".to_owned(), self.store.display().to_string()]
    }
}

/// All files in a folder that may be scenarios, and in those below it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|end| end == "toml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn offer(file: String, scenario: &Scenario) -> Offer {
    let of_profiles = scenario.profiles.values().filter_map(|profile| profile.base_url.clone());
    Offer {
        file,
        name: scenario.name.clone(),
        why: scenario.why.clone(),
        profiles: scenario.profiles.keys().cloned().collect(),
        loads: scenario
            .loads
            .iter()
            .map(|(name, load)| LoadOffer { name: name.clone(), text: load.text() })
            .collect(),
        experiment: scenario.experiment.as_ref().map(|experiment| ExperimentOffer {
            text: format!("{} against {}", experiment.treatments.join(", "), experiment.baseline),
            load: experiment.load.clone(),
        }),
        // One with a password is not shown; it is what a run uses that names none.
        base_urls: std::iter::once(scenario.base_url.clone())
            .chain(of_profiles)
            .filter(|url| web::shown(url) == *url)
            .collect(),
    }
}
