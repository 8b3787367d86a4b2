//! Trying journeys out: the system up, each journey once by one user, everything that was said, the system down again.
//! Nothing is stored.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::hooks::Hooks;
use super::setting::{ExecuteError, Setting, interrupted};
use super::{Audience, bring_up};
use crate::load::{self, Clock, Kept, LoadRun, Pacing};
use crate::plan::PlannedRun;
use crate::sample::{Batch, Exchange, Kind, Outcome, Sample, Subject};
use crate::scenario::hook::Moment;
use crate::scenario::load::{Executor, Load};

/// From making ready to the first request.
const LEAD: Duration = Duration::from_millis(20);
/// How long what a journey has begun in the background may take after it.
const GRACE: Duration = Duration::from_secs(30);

/// A journey as it was tried.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The journey's name.
    pub journey: String,
    /// The user class that performed it; empty for a journey that none performs.
    pub user_class: String,
    /// What it did, in order of time; empty if it had nothing to do.
    pub steps: Vec<TriedStep>,
}

impl Tried {
    /// Whether everything went as expected, and there was something to do.
    pub fn went_well(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(|step| step.outcome.is_answered())
    }
}

/// One sample of a journey that was tried.
#[derive(Clone, Debug)]
pub struct TriedStep {
    /// What it is about.
    pub subject: Subject,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it ended so; empty if as expected.
    pub reason: String,
    /// From sending to the end of the answer, µs.
    pub took_us: i64,
    /// What was said; none for what is not said over HTTP, or could not be sent.
    pub exchange: Option<Exchange>,
}

/// Tries all journeys of a scenario that has a user class for each (see
/// [`Scenario::with_a_class_per_journey`](crate::scenario::Scenario::with_a_class_per_journey)). `planned`: under which
/// profile, and with which seed.
///
/// # Errors
/// If the system does not come up, a request cannot be sent by any means, or the user ends it.
pub(super) async fn try_out(
    setting: &Setting,
    planned: &PlannedRun,
    audience: &mut Audience,
) -> Result<Vec<Tried>, ExecuteError> {
    let profile = setting.scenario.profile(&planned.profile)?;
    let around = Hooks::new(setting, planned, profile);
    let (mut hooks, mut interrupt) = (Vec::new(), setting.interrupt.clone());
    let system = tokio::select! {
        system = bring_up(setting, profile, planned, &around, &mut hooks, audience) => system?,
        () = interrupted(&mut interrupt) => return Err(ExecuteError::Interrupted),
    };
    let mut tried = Vec::new();
    let mut ending = Ok(());
    for class in 0..setting.scenario.user_classes.len() {
        match journey(setting, planned, class).await {
            Ok(one) => tried.push(one),
            Err(error) => {
                ending = Err(error);
                break;
            }
        }
    }
    let after = around.run(Moment::After, &mut hooks).await;
    system.stop().await?;
    ending?;
    after?;
    Ok(tried)
}

/// Tries the only journey of a user class.
async fn journey(setting: &Setting, planned: &PlannedRun, class: usize) -> Result<Tried, ExecuteError> {
    let scenario = &setting.scenario;
    let batches: Arc<Mutex<Vec<Batch>>> = Arc::default();
    let taken = Arc::clone(&batches);
    let clock = Clock::starting_in(LEAD);
    let run = LoadRun {
        scenario: Arc::clone(scenario),
        load: Load::of(Executor::Shared { iterations: 1, concurrency: 1, over: None }, vec![class], GRACE),
        base_url: planned.base_url.clone(),
        seed: planned.seed,
        salt: super::salt(scenario, planned, &clock),
        workers: 1,
        share: None,
        pacing: Pacing::default(),
        clock,
        kept: Kept::All,
        own: None,
    };
    let running = load::start(
        run,
        Arc::new(move |batch| taken.lock().unwrap_or_else(PoisonError::into_inner).push(batch)),
    )
    .await?;
    let stopper = running.stopper();
    let mut interrupt = setting.interrupt.clone();
    let finish = running.finish();
    tokio::pin!(finish);
    tokio::select! {
        finished = &mut finish => { finished?; }
        () = interrupted(&mut interrupt) => {
            stopper.stop();
            finish.await?;
            return Err(ExecuteError::Interrupted);
        }
    }
    let batches = std::mem::take(&mut *batches.lock().unwrap_or_else(PoisonError::into_inner));
    let user_class = &scenario.user_classes[class];
    Ok(Tried {
        journey: scenario.journeys[user_class.journeys[0].0].name.clone(),
        user_class: user_class.name.clone(),
        steps: steps(batches, &scenario.endpoints),
    })
}

/// The samples of a worker with what was said, in order of time.
fn steps(batches: Vec<Batch>, endpoints: &[Subject]) -> Vec<TriedStep> {
    let (mut reasons, mut samples, mut exchanges) = (Vec::new(), Vec::new(), Vec::new());
    for batch in batches {
        reasons.extend(batch.new_reasons);
        samples.extend(batch.samples);
        exchanges.extend(batch.exchanges);
    }
    samples.sort_by_key(|sample| (sample.sent_us, sample.done_us));
    let is_of = |exchange: &Exchange, sample: &Sample| {
        (exchange.endpoint, exchange.sent_us, exchange.done_us)
            == (sample.endpoint, sample.sent_us, sample.done_us)
    };
    let mut step = |sample: &Sample| {
        let subject = endpoints[usize::from(sample.endpoint.0)].clone();
        let said = (subject.kind == Kind::Request)
            .then(|| exchanges.iter().position(|exchange| is_of(exchange, sample)))
            .flatten();
        TriedStep {
            subject,
            outcome: sample.outcome,
            reason: usize::from(sample.reason.0)
                .checked_sub(1)
                .and_then(|place| reasons.get(place).cloned())
                .unwrap_or_default(),
            took_us: sample.done_us - sample.sent_us,
            exchange: said.map(|place| exchanges.swap_remove(place)),
        }
    };
    samples.iter().map(&mut step).collect()
}
