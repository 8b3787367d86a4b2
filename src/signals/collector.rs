//! Reads all sources, each on its own period, until it is told to stop.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use super::SignalError;
use super::latest::Latest;
use super::process::{Processes, Usage, Watched, waiting_info};
use super::source::Source;
use crate::reading::{Reading, SignalId, SignalInfo};
use crate::scenario::signal::{Signal, SignalSource};
use crate::web::{Client, Redirects, Way};

/// Reads signals beside the load.
pub struct Collector {
    infos: Vec<SignalInfo>,
    latest: Latest,
    sources: Vec<Reader>,
    processes: Processes,
    first_process_signal: usize,
    process_every: Duration,
}

/// A source that is read, and where its signals stand in the list.
struct Reader {
    source: Source,
    every: Duration,
    signals: Vec<Signal>,
    first_signal: usize,
}

/// What is said of a signal that its source does not know.
const ABSENT: &str = "its source answered without it";

/// What became of the sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CollectorReport {
    /// One per source of the scenario.
    pub sources: Vec<SourceReport>,
    /// Names of signals that were never seen.
    pub never_seen: Vec<String>,
}

/// What became of one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceReport {
    /// Where it is.
    pub url: String,
    /// Times it was read.
    pub readings: u64,
    /// Times it could not be read.
    pub failures: u64,
    /// Why not, the last time.
    pub last_failure: Option<String>,
}

impl CollectorReport {
    /// What a user should hear of it.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> = self
            .sources
            .iter()
            .filter(|source| source.failures > 0)
            .map(|source| {
                let reason = source.last_failure.as_deref().unwrap_or("no answer");
                let asked = source.failures + source.readings;
                format!("signals: {} failed {} of {asked} times: {reason}", source.url, source.failures)
            })
            .collect();
        if !self.never_seen.is_empty() {
            complaints.push(format!("signals not read: {}", self.never_seen.join(", ")));
        }
        complaints
    }
}

impl Collector {
    /// A collector of sources, of the given processes with what they start, and of
    /// loadproof itself. `way`: how servers of sources are reached.
    ///
    /// # Errors
    /// If no HTTP client can be made, or the system does not tell of its processes.
    pub fn new(
        sources: &[&SignalSource],
        services: Vec<(String, u32)>,
        process_every: Duration,
        way: &Way,
    ) -> Result<Self, SignalError> {
        let longest = sources.iter().map(|source| source.timeout).max().unwrap_or_default();
        // Each source has a timeout of its own, which speaks first.
        let client = Client::new(longest + Duration::from_secs(1), Redirects::Followed, way)
            .map_err(SignalError::Client)?;
        let (mut infos, mut periods) = (Vec::new(), Vec::new());
        let mut readers = Vec::new();
        for SignalSource { places, every, timeout, signals, .. } in sources.iter().copied() {
            let source = Source::new(places.clone(), *timeout, client.clone());
            let first_signal = infos.len();
            periods.extend(signals.iter().map(|_| *every));
            infos.extend(signals.iter().map(|signal| SignalInfo {
                name: signal.name.clone(),
                unit: signal.unit.clone(),
                is_counter: signal.is_counter,
                source: source.shown(),
            }));
            readers.push(Reader { source, every: *every, signals: signals.clone(), first_signal });
        }
        let own =
            Watched { name: "loadproof".to_owned(), process: std::process::id(), with_descendants: false };
        let mut watched: Vec<Watched> = services
            .into_iter()
            .map(|(name, process)| Watched { name, process, with_descendants: true })
            .collect();
        watched.push(own);
        let first_process_signal = infos.len();
        infos.extend(watched.iter().flat_map(Watched::infos));
        let mut processes = Processes::new(watched)?;
        infos.extend(processes.own_waiting_s().map(|_| waiting_info()));
        periods.resize(infos.len(), process_every);
        Ok(Self {
            latest: Latest::new(&infos, &periods),
            infos,
            sources: readers,
            processes,
            first_process_signal,
            process_every,
        })
    }

    /// The same, of services whose process ids may change: `process` gives that of a service as of now, none if it
    /// does not run.
    #[must_use]
    pub fn following(mut self, process: impl Fn(&str) -> Option<u32> + Send + 'static) -> Self {
        self.processes.follow(Box::new(process));
        self
    }

    /// The signals that it reads.
    pub fn infos(&self) -> &[SignalInfo] {
        &self.infos
    }

    /// Their latest values, while it runs and after.
    pub fn latest(&self) -> Latest {
        self.latest.clone()
    }

    /// Reads every source once, before there is any load: what a counter stood at then is what its increase counts from.
    /// The readings stand at the run's start; a source that does not answer in time is told of later.
    pub async fn first_readings(&mut self) -> Vec<Reading> {
        let reads = self.sources.iter_mut().map(async |reader| {
            let values = reader.source.read(&reader.signals).await.unwrap_or_default();
            let values = values.into_iter().enumerate();
            values.filter_map(|(i, value)| Some(reading(reader.first_signal + i, 0, value?))).collect()
        });
        let readings: Vec<Vec<Reading>> = futures_util::future::join_all(reads).await;
        let readings: Vec<Reading> = readings.into_iter().flatten().collect();
        self.latest.note(&readings);
        readings
    }

    /// Reads until `stop` becomes true, and then once more. `clock` gives µs since the run's start;
    /// readings go to `emit` as they come.
    pub async fn run(
        self,
        clock: impl Fn() -> i64,
        emit: impl Fn(Vec<Reading>),
        stop: watch::Receiver<bool>,
    ) -> CollectorReport {
        let Self { infos, latest, sources, mut processes, first_process_signal, process_every } = self;
        let emit = |readings: Vec<Reading>| {
            latest.note(&readings);
            emit(readings);
        };
        let look = async {
            let mut ticks = Ticks::new(process_every, stop.clone());
            while ticks.next().await {
                let usages = processes.usages();
                let mut readings = process_readings(&usages, first_process_signal, clock());
                let waiting = processes.own_waiting_s();
                readings.extend(waiting.map(|s| reading(infos.len() - 1, clock(), s)));
                emit(readings);
            }
        };
        let reads = sources.into_iter().map(|reader| read(reader, &clock, &emit, &latest, stop.clone()));
        let (sources, ()) = tokio::join!(futures_util::future::join_all(reads), look);
        let never_seen = infos.iter().filter(|info| latest.reading(&info.name).is_none());
        CollectorReport { sources, never_seen: never_seen.map(|info| info.name.clone()).collect() }
    }
}

fn process_readings(usages: &[Option<Usage>], first_signal: usize, at_us: i64) -> Vec<Reading> {
    let usages = usages.iter().enumerate().filter_map(|(place, usage)| Some((place, (*usage)?)));
    usages
        .flat_map(|(place, usage)| {
            let cpu = reading(first_signal + 2 * place, at_us, usage.cpu_s);
            [cpu, reading(first_signal + 2 * place + 1, at_us, usage.memory_bytes)]
        })
        .collect()
}

fn reading(signal: usize, at_us: i64, value: f64) -> Reading {
    Reading { signal: id(signal), at_us, value }
}

fn id(signal: usize) -> SignalId {
    SignalId(u16::try_from(signal).unwrap_or(u16::MAX))
}

async fn read(
    mut reader: Reader,
    clock: &impl Fn() -> i64,
    emit: &impl Fn(Vec<Reading>),
    latest: &Latest,
    stop: watch::Receiver<bool>,
) -> SourceReport {
    let miss = |place: usize, why: &str| latest.miss(id(reader.first_signal + place), clock(), why);
    let mut report =
        SourceReport { url: reader.source.shown(), readings: 0, failures: 0, last_failure: None };
    let mut ticks = Ticks::new(reader.every, stop);
    while ticks.next().await {
        let asked_us = clock();
        match reader.source.read(&reader.signals).await {
            Ok(values) => {
                let at_us = asked_us + (clock() - asked_us) / 2;
                values.iter().enumerate().filter(|(_, v)| v.is_none()).for_each(|(i, _)| miss(i, ABSENT));
                let values = values.into_iter().enumerate();
                emit(values.filter_map(|(i, v)| Some(reading(reader.first_signal + i, at_us, v?))).collect());
                report.readings += 1;
            }
            Err(reason) => {
                (0..reader.signals.len()).for_each(|i| miss(i, &reason));
                report.failures += 1;
                report.last_failure = Some(reason);
            }
        }
    }
    report
}

/// Ticks at once, then regularly, and a last time when it is stopped; late ticks are left out.
struct Ticks {
    interval: tokio::time::Interval,
    stop: watch::Receiver<bool>,
    last: bool,
}

impl Ticks {
    fn new(every: Duration, stop: watch::Receiver<bool>) -> Self {
        let mut interval = tokio::time::interval_at(Instant::now(), every.max(Duration::from_millis(10)));
        interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self { interval, stop, last: false }
    }

    /// Waits for the next tick; false when there are no more.
    async fn next(&mut self) -> bool {
        if self.last {
            return false;
        }
        tokio::select! {
            // The stop first: behind a slow page a tick is due at all times.
            biased;
            // A stopper that is gone has stopped it, too.
            _ = self.stop.wait_for(|stop| *stop) => self.last = true,
            _ = self.interval.tick() => {}
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;
    use crate::scenario::signal::{Question, SourcePlace, Together};

    /// A server whose page counts how often it was asked.
    fn counting_page() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/metrics", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for (asked, stream) in (1..).zip(listener.incoming()) {
                let mut stream = stream.unwrap();
                let mut request = [0; 1024];
                let _ = stream.read(&mut request);
                let body = format!("depth{{lane=\"a\"}} {asked}\ndepth{{lane=\"b\"}} 10\n");
                let length = body.len();
                let head =
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            }
        });
        url
    }

    fn source(url: String, metric: &str) -> SignalSource {
        let signal = Signal {
            name: metric.to_owned(),
            unit: "messages".to_owned(),
            is_counter: false,
            questions: vec![Question::Series(metric.parse().unwrap(), Together::Sum)],
        };
        SignalSource {
            places: vec![SourcePlace::Prometheus(url)],
            every: Duration::from_millis(20),
            timeout: Duration::from_secs(2),
            signals: vec![signal],
            profiles: Vec::new(),
        }
    }

    fn collect(sources: &[SignalSource], time: Duration) -> (Vec<Reading>, CollectorReport, Latest) {
        let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
        let services = vec![("me".to_owned(), std::process::id())];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut collector = Collector::new(
                &sources.iter().collect::<Vec<_>>(),
                services,
                Duration::from_millis(50),
                &Way::default(),
            )
            .unwrap();
            let latest = collector.latest();
            let readings = RefCell::new(collector.first_readings().await);
            let (stop, stopped) = watch::channel(false);
            let begun = Instant::now();
            let clock = || i64::try_from(begun.elapsed().as_micros()).unwrap();
            let run = collector.run(clock, |new| readings.borrow_mut().extend(new), stopped);
            let end = async {
                tokio::time::sleep(time).await;
                stop.send(true).unwrap();
            };
            let (report, ()) = tokio::join!(run, end);
            (readings.into_inner(), report, latest)
        })
    }

    #[test]
    fn pages_and_processes_are_read_regularly_and_once_more_at_the_end() {
        let sources = [source(counting_page(), "depth")];
        let (readings, report, latest) = collect(&sources, Duration::from_millis(300));
        let depths: Vec<&Reading> = readings.iter().filter(|r| r.signal == SignalId(0)).collect();
        assert!(depths.len() >= 4, "{}", depths.len());
        assert!(depths.is_sorted_by_key(|r| r.at_us));
        assert_eq!(depths[0].value, 11.0, "the sum over its series");
        assert!(depths.last().unwrap().at_us >= 290_000);
        assert_eq!(depths[0].at_us, 0, "it was read before the run began");
        assert_eq!(report.sources[0].readings, depths.len() as u64 - 1);
        assert_eq!(latest.reading("depth").unwrap().1, depths.last().unwrap().value);
        assert!(latest.reading("loadproof memory").unwrap().1 > 1e6);
        assert!(report.never_seen.is_empty() && report.complaints().is_empty());
    }

    #[test]
    fn of_several_places_the_first_that_answers_is_read() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let places = [format!("http://{free}/metrics"), counting_page(), counting_page()];
        let places = places.map(SourcePlace::Prometheus).to_vec();
        let sources = [SignalSource { places, ..source(String::new(), "depth") }];
        let (readings, report, _) = collect(&sources, Duration::from_millis(200));
        let depths: Vec<f64> =
            readings.iter().filter(|r| r.signal == SignalId(0)).map(|r| r.value - 10.0).collect();
        // One page counts what it was asked; were they asked in turn, two would.
        let counted: Vec<f64> = (1_u32..).take(depths.len()).map(f64::from).collect();
        assert!(depths.len() > 1 && depths == counted, "{depths:?}");
        assert_eq!(report.sources[0].failures, 0);
        assert!(report.sources[0].url.contains(" or "), "{}", report.sources[0].url);
    }

    #[test]
    fn failures_and_signals_never_seen_are_told() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let sources = [source(format!("http://{free}/metrics"), "gone"), source(counting_page(), "other")];
        let (_, report, latest) = collect(&sources, Duration::from_millis(200));
        assert!(report.sources[0].failures > 0);
        assert_eq!(report.never_seen, ["gone", "other"]);
        assert_eq!(latest.unreadable("other", 0).as_deref(), Some(ABSENT));
        assert!(latest.unreadable("gone", 0).is_some_and(|why| why.contains("refused")));
        let complaints = report.complaints().join("\n");
        assert!(complaints.contains("not read: gone, other"), "{complaints}");
        assert!(complaints.contains("refused"), "{complaints}");
    }
}
