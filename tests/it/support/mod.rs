//! What tests have in common: scenarios from text, and samples in memory.

pub(crate) mod bench;
pub(crate) mod browser;
pub(crate) mod evidence;
pub(crate) mod live;
pub(crate) mod ports;
pub(crate) mod servers;
pub(crate) mod websocket;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loadproof::load::{self, Clock, LoadRun};
use loadproof::sample::{Batch, Kind, Outcome, Sample, Subject};
use loadproof::scenario::{self, Scenario};

/// A world of one file and no environment.
pub(crate) struct OneFile<'a>(pub &'a str);

impl scenario::World for OneFile<'_> {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        match path.to_str() {
            Some("scenario.toml") => Ok(self.0.to_owned()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        }
    }

    fn variable(&self, _name: &str) -> Option<String> {
        None
    }
}

/// A world of some files and no environment.
pub(crate) struct Files<'a>(pub &'a [(&'a str, &'a str)]);

impl scenario::World for Files<'_> {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        let found = self.0.iter().find(|(name, _)| Path::new(name) == path);
        found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }

    fn variable(&self, _name: &str) -> Option<String> {
        None
    }
}

/// A scenario from its text.
pub(crate) fn scenario(text: &str) -> Arc<Scenario> {
    match scenario::compile(Path::new("scenario.toml"), &OneFile(text)) {
        Ok(scenario) => Arc::new(scenario),
        Err(error) => panic!("{error}"),
    }
}

/// The samples of a load, in the order of their ends per worker, and the reasons by worker.
pub(crate) struct Taken {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) batches: Vec<Batch>,
    pub(crate) started_unix_us: i64,
}

impl Taken {
    pub(crate) fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.batches.iter().flat_map(|b| &b.samples)
    }

    /// What a sample called, or waited for.
    pub(crate) fn subject(&self, sample: &Sample) -> &Subject {
        &self.scenario.endpoints[usize::from(sample.endpoint.0)]
    }

    /// The samples of requests to an endpoint of this name.
    pub(crate) fn of<'a>(&'a self, endpoint: &'a str) -> Vec<&'a Sample> {
        self.samples().filter(|s| self.subject(s).endpoint == endpoint).collect()
    }

    pub(crate) fn requests(&self) -> usize {
        self.samples().filter(|s| self.subject(s).kind == Kind::Request).count()
    }

    pub(crate) fn outcomes(&self) -> [usize; 5] {
        Outcome::ALL.map(|o| self.samples().filter(|s| s.outcome == o).count())
    }

    /// All reasons, of all workers.
    pub(crate) fn reasons(&self) -> Vec<&str> {
        self.batches.iter().flat_map(|b| &b.new_reasons).map(String::as_str).collect()
    }
}

/// How a load is driven in a test.
#[derive(Clone, Copy)]
pub(crate) struct Drive<'a> {
    pub(crate) load: &'a str,
    pub(crate) seed: u64,
    pub(crate) workers: u16,
    /// Ends the load early.
    pub(crate) stop_after: Option<Duration>,
}

impl Default for Drive<'_> {
    fn default() -> Self {
        Self { load: "test", seed: 1, workers: 1, stop_after: None }
    }
}

/// Drives a scenario's load against a base URL, and gives what it took.
pub(crate) fn drive(scenario: &Arc<Scenario>, base_url: &str, drive: Drive<'_>) -> Taken {
    let batches = Arc::new(Mutex::new(Vec::new()));
    let sink = {
        let batches = Arc::clone(&batches);
        Arc::new(move |batch| batches.lock().unwrap().push(batch))
    };
    let clock = Clock::starting_in(Duration::from_millis(50));
    let run = LoadRun {
        scenario: Arc::clone(scenario),
        load: scenario.load(drive.load).unwrap().clone(),
        base_url: base_url.to_owned(),
        seed: drive.seed,
        salt: None,
        workers: drive.workers,
        share: None,
        clock,
        kept: loadproof::load::Kept::Failed,
        pacing: loadproof::load::Pacing::default(),
        own: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let taken = runtime.block_on(async {
        let running = load::start(run, sink).await.unwrap();
        if let Some(time) = drive.stop_after {
            tokio::time::sleep(time).await;
            running.stopper().stop();
        }
        running.finish().await.unwrap()
    });
    let batches = std::mem::take(&mut *batches.lock().unwrap());
    let taken_in_batches: usize = batches.iter().map(|b: &Batch| b.samples.len()).sum();
    assert_eq!(taken, taken_in_batches as u64);
    Taken { scenario: Arc::clone(scenario), batches, started_unix_us: clock.unix_us() }
}

/// Why a scenario's load cannot be driven against a base URL.
pub(crate) fn fails(scenario: &Arc<Scenario>, base_url: &str) -> String {
    let run = LoadRun {
        scenario: Arc::clone(scenario),
        load: scenario.load("test").unwrap().clone(),
        base_url: base_url.to_owned(),
        seed: 1,
        salt: None,
        workers: 1,
        share: None,
        clock: Clock::starting_in(Duration::ZERO),
        kept: loadproof::load::Kept::Failed,
        pacing: loadproof::load::Pacing::default(),
        own: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let started = runtime.block_on(load::start(run, Arc::new(|_| {})));
    started.err().expect("it can be driven").to_string()
}

/// The type 7 quantile of values in any order.
pub(crate) fn quantile(mut values: Vec<f64>, p: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    loadproof::stats::quantile::type7(&values, p).expect("no values")
}

/// Runs statements on a store of which some change rows of `sample`: samples stand in blocks, and are taken out of them and
/// put back.
pub(crate) fn change_samples(store: &rusqlite::Connection, sql: &str) {
    let [out, back] = [include_str!("samples_out.sql"), include_str!("samples_in.sql")];
    store.execute_batch(&format!("{out} {sql}; {back}")).unwrap();
}

/// Seals a store anew: what tests have changed in it is then what was measured.
pub(crate) fn seal_anew(store: &Path) {
    loadproof::store::Store::open(store).unwrap().seal_anew().unwrap();
}
