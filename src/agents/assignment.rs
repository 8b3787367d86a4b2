//! One run at an agent: its share of the load, from the plan to the last batch in the spool.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use async_nats::Client;
use tokio::sync::watch;

use super::delivery::{Progress, deliver};
use super::frame::{self, Frame, MOST};
use super::pack::Sent;
use super::spool::{Finished, Header, Spool};
use super::wire::{Assignment, Ready, WorkItem};
use super::{SILENCE, plan};
use crate::load::{self, Clock, Gauge, JourneysBegun, Kept, LoadRun, OwnSignals, Pacing, Running};
use crate::reading::Reading;
use crate::sample::{Batch, ReasonId};
use crate::scenario::{self, Scenario};
use crate::signals::Collector;

/// Batches that may wait for the spool.
const WAITING: usize = 256;
/// How often the agent's own process is looked at.
const PROCESS_EVERY: Duration = Duration::from_millis(500);
/// How often it is looked at how the load goes.
const LOOK: Duration = Duration::from_millis(100);
/// Signals of the agent's own process, before those of its load: CPU, memory, waiting for a core.
pub(super) const PROCESS_SIGNALS: usize = 3;

/// A run that can begin.
pub(super) struct Prepared {
    assignment: Assignment,
    work: WorkItem,
    scenario: Arc<Scenario>,
    workers: u16,
}

impl Prepared {
    /// What the run is known by.
    pub(super) fn token(&self) -> &str {
        &self.assignment.token
    }

    /// The agent's number in it.
    pub(super) fn agent(&self) -> u16 {
        self.assignment.agent
    }
}

/// Fetches the plan of a run and reads its scenario. The coordinator compares what it comes to.
///
/// # Errors
/// In words.
pub(super) async fn prepare(
    client: &Client,
    assignment: Assignment,
    workers: u16,
) -> Result<(Prepared, Ready), String> {
    if !assignment.share.is_of(workers) || !is_token(&assignment.token) {
        return Err("the share of the load is not a valid one".to_owned());
    }
    let (work, pack) = plan::fetch(client, &assignment.token, &assignment.items).await?;
    let path = pack.scenario.clone();
    let scenario = scenario::compile(&path, &Sent(pack)).map_err(|error| error.to_string())?;
    let is_class = |class: &usize| *class < scenario.user_classes.len();
    if !work
        .load
        .parts
        .iter()
        .all(|part| !part.user_classes.is_empty() && part.user_classes.iter().all(is_class))
    {
        return Err("the load is of another scenario".to_owned());
    }
    let ready = Ready {
        fingerprint: scenario.fingerprint(&work.load, &[]),
        variables: scenario.workload_variables.clone(),
    };
    Ok((Prepared { assignment, work, scenario: Arc::new(scenario), workers }, ready))
}

/// Whether a text can be part of a subject and of a file's name.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric())
}

/// Makes an agent's share of a run, and delivers it; ends when the coordinator has sealed the run, or when the load is over
/// and the rest of the delivery goes on by itself.
pub(super) async fn work(
    client: Client,
    prepared: Prepared,
    (zero, salt): (Instant, Option<u64>),
    folder: PathBuf,
    progress: Rc<Progress>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), String> {
    let header = Header { token: prepared.token().to_owned(), agent: prepared.assignment.agent };
    let spool = open(&folder, header)?;
    let kept = spool.kept();
    let delivery = {
        let (kept, progress, client) = (spool.kept(), Rc::clone(&progress), client.clone());
        tokio::task::spawn_local(async move { deliver(&client, &kept, &progress).await })
    };
    let (sender, receiver) = sync_channel(WAITING);
    let (tell_end, spooled) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("spool".to_owned())
        .spawn(move || drop(tell_end.send(write(spool, &receiver))))
        .map_err(|error| format!("cannot start a thread: {error}"))?;
    let result = drive(prepared, (zero, salt), sender, &progress, &mut stop).await;
    let spooled = spooled.await.unwrap_or_else(|_| Err("the spool's thread is gone".to_owned()));
    match (result, spooled) {
        (Ok((taken, cut_short)), Ok(batches)) => {
            let finished = Finished { taken, batches, cut_short };
            if let Err(error) = kept.finish(&finished) {
                return Err(format!("cannot write the spool: {error}"));
            }
            progress.note(|state| (state.users_done, state.finished) = (true, Some(finished)));
        }
        (Err(error), _) | (_, Err(error)) => progress.note(|state| state.error = Some(error)),
    }
    delivery.await.unwrap_or_else(|error| Err(error.to_string()))
}

fn open(folder: &Path, header: Header) -> Result<Spool, String> {
    Spool::create(folder, header)
        .map_err(|error| format!("cannot write a spool in `{}`: {error}", folder.display()))
}

/// What goes into the spool.
enum Record {
    Samples(Batch),
    Readings(Vec<Reading>),
}

/// Makes the load; how many samples it took, and why it ended early, if it did.
async fn drive(
    prepared: Prepared,
    (zero, salt): (Instant, Option<u64>),
    sender: SyncSender<Record>,
    progress: &Progress,
    stop: &mut watch::Receiver<bool>,
) -> Result<(u64, Option<String>), String> {
    let Prepared { assignment, work, scenario, workers } = prepared;
    let clock = Clock::starting_at(zero);
    let collector = Collector::new(&[], Vec::new(), PROCESS_EVERY, &scenario.way().straight())
        .map_err(|error| error.to_string())?;
    // A spool that cannot be written tells so at the end.
    let of_readings =
        |sender: SyncSender<Record>| move |readings| drop(sender.send(Record::Readings(readings)));
    let own = OwnSignals::new(PROCESS_SIGNALS, Arc::new(of_readings(sender.clone())));
    let run = LoadRun {
        scenario,
        load: work.load,
        base_url: work.base_url,
        seed: work.seed,
        salt,
        workers,
        share: Some(assignment.share),
        pacing: Pacing::default(),
        clock,
        kept: Kept::Failed,
        own: Some(Arc::new(own)),
    };
    let of_samples = sender.clone();
    let sink = Arc::new(move |batch| drop(of_samples.send(Record::Samples(batch))));
    let running = load::start(run, sink).await.map_err(|error| error.to_string())?;
    let (end, ended) = watch::channel(false);
    let collecting = collector.run(move || clock.now_us(), of_readings(sender), ended);
    let watching = async {
        let result = watch(running, progress, stop).await;
        let _ = end.send(true);
        result
    };
    let (_, result) = futures_util::future::join(collecting, watching).await;
    result
}

/// Waits for a load to end; ends it early when it is told to, or when nobody is there any more who would want it.
async fn watch(
    mut running: Running,
    progress: &Progress,
    stop: &mut watch::Receiver<bool>,
) -> Result<(u64, Option<String>), String> {
    let (stopper, gauges, begun) = (running.stopper(), running.gauges(), running.journeys_begun());
    let users_done = running.users_done();
    let finish = running.finish();
    tokio::pin!(users_done, finish);
    let mut looks = tokio::time::interval(LOOK);
    let (mut are_users_done, mut cut_short) = (false, None);
    loop {
        tokio::select! {
            () = &mut users_done, if !are_users_done => {
                are_users_done = true;
                progress.note(|state| state.users_done = true);
            }
            taken = &mut finish => return taken.map(|taken| (taken, cut_short)).map_err(|error| error.to_string()),
            wanted = stop.wait_for(|stop| *stop), if cut_short.is_none() => {
                cut_short = Some(if wanted.is_ok() { "it was ended" } else { "the agent was ended" }.to_owned());
                stopper.stop();
            }
            _ = looks.tick() => {
                show(progress, &gauges, &begun);
                if cut_short.is_none() && progress.silence() > SILENCE {
                    cut_short = Some("its coordinator fell silent".to_owned());
                    stopper.stop();
                }
            }
        }
    }
}

fn show(progress: &Progress, gauges: &[Arc<Gauge>], begun: &JourneysBegun) {
    progress.note(|state| {
        state.users = gauges.iter().map(|gauge| gauge.users()).sum();
        state.in_flight = gauges.iter().map(|gauge| gauge.in_flight()).sum();
        state.journeys_begun = begun.count();
    });
}

/// Writes what comes in into the spool, until nothing will come any more; how many batches there are then.
fn write(mut spool: Spool, receiver: &Receiver<Record>) -> Result<u64, String> {
    let mut reasons = Reasons::default();
    while let Ok(record) = receiver.recv() {
        let frames = match record {
            Record::Samples(batch) => reasons.frames(batch),
            Record::Readings(readings) => vec![Frame { readings, ..Frame::default() }],
        };
        for frame in frames {
            let bytes = frame::encode(&Frame { number: spool.next(), ..frame });
            if bytes.len() > MOST {
                return Err("a batch is too large to be sent".to_owned());
            }
            spool.append(&bytes).map_err(|error| format!("cannot write the spool: {error}"))?;
        }
    }
    Ok(spool.next())
}

/// The reasons of each worker so far.
#[derive(Default)]
struct Reasons(Vec<Vec<String>>);

impl Reasons {
    /// A batch as frames that stand by themselves. What was said goes into frames of its own, as it may be long.
    fn frames(&mut self, mut batch: Batch) -> Vec<Frame> {
        let worker = usize::from(batch.worker);
        if self.0.len() <= worker {
            self.0.resize(worker + 1, Vec::new());
        }
        let known = &mut self.0[worker];
        known.append(&mut batch.new_reasons);
        for sample in &mut batch.samples {
            let place = usize::from(sample.reason.0).checked_sub(1);
            let Some(reason) = place.and_then(|place| known.get(place)) else {
                sample.reason = ReasonId(0);
                continue;
            };
            let own = &mut batch.new_reasons;
            let place = own.iter().position(|text| text == reason).unwrap_or_else(|| {
                own.push(reason.clone());
                own.len() - 1
            });
            sample.reason = ReasonId(u16::try_from(place + 1).unwrap_or(u16::MAX));
        }
        let exchanges = std::mem::take(&mut batch.exchanges);
        let of_exchange = |exchange| {
            let batch = Batch { worker: batch.worker, exchanges: vec![exchange], ..Batch::default() };
            Frame { batch, ..Frame::default() }
        };
        let mut frames: Vec<Frame> = exchanges.into_iter().map(of_exchange).collect();
        frames.insert(0, Frame { batch, ..Frame::default() });
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::tests::PLAIN;
    use crate::sample::{Outcome, Sample};

    fn sample(reason: u16) -> Sample {
        Sample { outcome: Outcome::Error, status: 0, reason: ReasonId(reason), ..PLAIN }
    }

    fn texts(frame: &Frame) -> Vec<&str> {
        let text = |sample: &Sample| match sample.reason.0 {
            0 => "",
            id => frame.batch.new_reasons[usize::from(id) - 1].as_str(),
        };
        frame.batch.samples.iter().map(text).collect()
    }

    #[test]
    fn every_frame_has_the_reasons_that_it_names() {
        let mut reasons = Reasons::default();
        let batch = |worker, new: &[&str], ids: &[u16]| Batch {
            worker,
            samples: ids.iter().map(|id| sample(*id)).collect(),
            new_reasons: new.iter().map(|text| (*text).to_owned()).collect(),
            ..Batch::default()
        };
        let first = reasons.frames(batch(0, &["timeout", "reset"], &[2, 0, 1, 2]));
        assert_eq!(texts(&first[0]), ["reset", "", "timeout", "reset"]);
        let of_another = reasons.frames(batch(1, &["refused"], &[1]));
        assert_eq!(texts(&of_another[0]), ["refused"]);
        let later = reasons.frames(batch(0, &[], &[1]));
        assert_eq!(texts(&later[0]), ["timeout"]);
        assert_eq!(later[0].batch.new_reasons, ["timeout"]);
    }

    #[test]
    fn a_token_is_no_path() {
        assert!(is_token("a1b2"));
        for wrong in ["", "../x", "a.b", "a b", "a*"] {
            assert!(!is_token(wrong), "{wrong}");
        }
    }
}
