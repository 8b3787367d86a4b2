//! What storing costs by itself: samples of a closed load with several endpoints, handed to a run's writer as fast as it
//! takes them. `cargo bench --bench store [samples]`; the store is in the folder for temporary files.

use std::time::Instant;

use loadproof::run::{RunEnd, RunStart, RunState};
use loadproof::sample::{
    Batch, EndpointId, Key, Kind, Outcome, Phase, Race, ReasonId, Sample, Subject, UserClassId,
};
use loadproof::store::{RunWords, RunWriter, Store};

/// Samples that are stored unless the command line says otherwise.
const SAMPLES: u64 = 10_000_000;
/// Samples of a batch, as workers hand them in.
const BATCH: u64 = 1024;
/// Users of the load.
const USERS: u64 = 64;

/// Numbers that are drawn one after the other (xorshift, Marsaglia 2003).
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn sample(number: u64, draw: &mut Draw) -> Sample {
    let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let time = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    // 100,000 requests a second.
    let intended = number * 10 + draw.below(50);
    let sent = intended + draw.below(30);
    let done = sent + 400 + draw.below(900);
    let endpoint = u16::try_from(draw.below(4)).unwrap_or(0);
    Sample {
        endpoint: EndpointId(endpoint),
        user_class: UserClassId(0),
        user: small(draw.below(USERS)),
        journey: small(number / 4),
        phase: Phase::Steady,
        outcome: Outcome::Ok,
        status: 200,
        reason: ReasonId::default(),
        intended_us: time(intended),
        sent_us: time(sent),
        first_byte_us: time(done - draw.below(40)),
        done_us: time(done),
        key: Key::NONE,
        race: Race::NONE,
        bytes_in: 200 + small(draw.below(700)),
        bytes_out: if endpoint == 0 { 64 } else { 0 },
        redirects: 0,
        repeats: 0,
    }
}

/// A value of this process's status, KiB or switches.
fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let samples = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(SAMPLES);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("bench.db");
    let mut store = Store::open(&path)?;
    let run = store.begin_run(&RunStart::default(), &[])?;
    let subject = |name: &str| Subject {
        kind: Kind::Request,
        traffic_class: "production".to_owned(),
        endpoint: name.to_owned(),
    };
    let endpoints = ["POST /orders", "GET /orders", "GET /items", "GET /cart"].map(subject);
    let words = RunWords { endpoints: &endpoints, user_classes: vec!["User"], ..RunWords::default() };
    let writer = RunWriter::start(&path, run, &words, Box::new(|_| {}))?;
    let sink = writer.sink();
    let (begun, mut draw) = (Instant::now(), Draw(88_172_645_463_325_252));
    let (mut number, mut early_kib) = (0, 0);
    while number < samples {
        let until = samples.min(number + BATCH);
        let batch = Batch {
            samples: (number..until).map(|number| sample(number, &mut draw)).collect(),
            ..Batch::default()
        };
        sink(batch);
        number = until;
        if early_kib == 0 && number >= samples / 10 {
            early_kib = status("VmRSS:");
        }
    }
    drop(sink);
    let stored = writer.finish()?;
    let took_s = begun.elapsed().as_secs_f64();
    let late_kib = status("VmRSS:");
    store.end_run(run, &RunEnd { state: RunState::Done, ..RunEnd::default() })?;
    drop(store);
    let bytes = std::fs::metadata(&path)?.len();
    println!(
        "{stored} samples in {took_s:.2} s: {:.2} M/s, {:.1} bytes a sample; resident {early_kib} KiB after a tenth, \
         {late_kib} KiB at the end",
        stored as f64 / took_s / 1e6,
        bytes as f64 / stored as f64
    );
    let begun = Instant::now();
    let columns = Store::open(&path)?.samples(run)?;
    println!(
        "read by the column in {:.2} s ({} samples)",
        begun.elapsed().as_secs_f64(),
        columns.outcome.len()
    );
    let begun = Instant::now();
    let seal = Store::open(&path)?.seal(run, true)?;
    println!("seal checked in {:.2} s: {}", begun.elapsed().as_secs_f64(), seal.sha256().is_some());
    Ok(())
}
