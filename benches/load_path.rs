//! The load of a scenario and nothing else: no store, no report. `benches/instructions.sh` counts what a request costs
//! in it.
//!
//! Arguments: a scenario file, the name of its load, a base URL. Prints the number of samples.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use loadproof::load::{self, Clock, Kept, LoadRun, Pacing};
use loadproof::sample::{Batch, Outcome};
use loadproof::scenario::{self, World};

/// The files and the environment as they are.
struct Outside;

impl World for Outside {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        std::fs::read_to_string(path)
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(samples) => {
            println!("{samples}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<u64, Box<dyn std::error::Error>> {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let [file, load, base_url] = &arguments[..] else { return Err("needs a file, a load and a URL".into()) };
    let scenario = Arc::new(scenario::compile(Path::new(file), &Outside)?);
    let run = LoadRun {
        load: scenario.load(load)?.clone(),
        scenario,
        base_url: base_url.clone(),
        seed: 1,
        salt: None,
        workers: 1,
        share: None,
        clock: Clock::starting_in(Duration::from_millis(10)),
        pacing: Pacing::default(),
        kept: Kept::Failed,
        own: None,
    };
    let wrong = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&wrong);
    let sink = move |batch: Batch| {
        let count = batch.samples.iter().filter(|sample| sample.outcome != Outcome::Ok).count();
        counted.fetch_add(count as u64, Ordering::Relaxed);
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let taken = runtime.block_on(async { load::start(run, Arc::new(sink)).await?.finish().await })?;
    match wrong.load(Ordering::Relaxed) {
        0 => Ok(taken),
        wrong => Err(format!("{wrong} of {taken} samples are not ok").into()),
    }
}
