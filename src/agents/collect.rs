//! Collecting what agents make: their batches in order and once, and how they get on.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::{Client, Subscriber};
use futures_util::StreamExt;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::frame::{self, Frame};
use super::spool::Finished;
use super::wire::{self, State, Stored};
use super::{AgentsError, SILENCE, signals};
use crate::load::LoadError;
use crate::load::remote::Remote;
use crate::run::{AgentFacts, AgentState, Delivered};
use crate::sample::{Batch, ReasonId};

/// Takes what agents deliver. It may block for a moment when its reader is behind.
pub type Deliver = Box<dyn Fn(Delivered) + Send>;
/// How many batches of each agent are stored; none if that is not known now.
pub type StoredSoFar = Box<dyn FnMut() -> Option<Vec<u64>> + Send>;

/// How often it is looked at what is stored.
const LOOK: Duration = Duration::from_millis(100);
/// Reasons of one agent that are told apart.
const REASONS: usize = 60_000;
/// How long it is waited for agents to have heard that a run is sealed, and how long they are silent when they have.
const RELEASED_WITHIN: Duration = Duration::from_secs(3);
const HEARD: Duration = Duration::from_millis(600);

/// How many words of each kind a run has: batches that name others are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What is called.
    pub endpoints: usize,
    /// Who calls.
    pub user_classes: usize,
    /// What is read; the agents' own signals are the last of them.
    pub signals: usize,
}

/// What becomes of the agents of a run, once it is known.
pub struct Collected(pub(super) JoinHandle<Vec<AgentFacts>>);

impl Collected {
    /// Waits until all agents have ended, and everything that they made is handed over.
    ///
    /// # Errors
    /// If the connection's thread is gone.
    pub async fn agents(self) -> Result<Vec<AgentFacts>, AgentsError> {
        let gone = |_| AgentsError::Connection("the connection's thread is gone".to_owned());
        self.0.await.map_err(gone)
    }
}

/// Listens to the agents of a run.
pub struct Collector {
    client: Client,
    token: String,
    agents: Vec<AgentFacts>,
    states: Subscriber,
    batches: Subscriber,
}

/// Where what is collected goes.
pub(super) struct Destination {
    pub(super) deliver: Deliver,
    pub(super) stored_so_far: StoredSoFar,
    pub(super) limits: Limits,
    /// How many agents there are.
    pub(super) agents: usize,
    /// How long an agent may be silent.
    pub(super) silence: Duration,
}

impl Destination {
    /// Of a run that is under way.
    pub(super) fn of_run(
        deliver: Deliver,
        stored_so_far: StoredSoFar,
        limits: Limits,
        agents: usize,
    ) -> Self {
        Self { deliver, stored_so_far, limits, agents, silence: SILENCE }
    }
}

impl Collector {
    pub(super) async fn listen(
        client: Client,
        token: &str,
        agents: Vec<AgentFacts>,
    ) -> Result<Self, AgentsError> {
        let failed = |error: async_nats::SubscribeError| AgentsError::Connection(error.to_string());
        let states = client.subscribe(wire::states(token)).await.map_err(failed)?;
        let batches = client.subscribe(wire::all_batches(token)).await.map_err(failed)?;
        Ok(Self { client, token: token.to_owned(), agents, states, batches })
    }

    /// Collects until every agent has ended, or is lost; what became of them. `remotes`: who is told how they get on, if
    /// anybody is; `stop`: ends when the load is to be ended early; `end`: has all agents do that, then and when one is lost.
    pub(super) async fn collect<E: Future<Output = ()> + Send>(
        mut self,
        remotes: Vec<Remote>,
        mut to: Destination,
        stop: impl Future<Output = ()> + Send,
        end: impl Fn() -> E + Send,
    ) -> Vec<AgentFacts> {
        let stored = (to.stored_so_far)().unwrap_or_default();
        let mut remotes = remotes.into_iter();
        let seat = |(place, facts): (usize, AgentFacts)| {
            Seat::new(facts, remotes.next(), stored.get(place).copied().unwrap_or(0))
        };
        let mut seats: Vec<Seat> =
            std::mem::take(&mut self.agents).into_iter().enumerate().map(seat).collect();
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut stop = std::pin::pin!(stop);
        let (mut has_stopped, mut has_ended) = (false, false);
        while seats.iter().any(|seat| !seat.is_over) {
            tokio::select! {
                message = self.batches.next() => {
                    let Some(message) = message else { break };
                    let agent = message.subject.rsplit('.').next().and_then(|n| n.parse::<usize>().ok());
                    if let Some(seat) = agent.and_then(|agent| seats.get_mut(agent)) {
                        seat.take(&message.payload, &to);
                    }
                }
                message = self.states.next() => {
                    let Some(message) = message else { break };
                    let Some(state) = wire::read::<State>(&message.payload) else { continue };
                    if let Some(seat) = seats.get_mut(usize::from(state.agent)) {
                        seat.hear(state);
                        tell(&self.client, &self.token, seat).await;
                    }
                }
                _ = looks.tick() => {
                    // Where nothing new was handed over, nothing new is stored.
                    if seats.iter().any(|seat| seat.stored < seat.next) {
                        let stored = (to.stored_so_far)().unwrap_or_default();
                        for (seat, stored) in seats.iter_mut().zip(stored).filter(|(seat, n)| seat.stored != *n) {
                            seat.stored = stored;
                            tell(&self.client, &self.token, seat).await;
                        }
                    }
                    for seat in &mut seats {
                        seat.look(to.silence);
                    }
                }
                () = &mut stop, if !has_stopped => has_stopped = true,
            }
            let is_broken = |seat: &Seat| seat.is_over && seat.facts.state != AgentState::Done;
            if !has_ended && (has_stopped || seats.iter().any(is_broken)) {
                has_ended = true;
                end().await;
            }
        }
        seats.into_iter().map(|seat| seat.facts).collect()
    }
}

/// Tells an agent what is stored of it.
async fn tell(client: &Client, token: &str, seat: &Seat) {
    let stored = Stored { batches: seat.stored, is_sealed: false };
    let subject = wire::stored(token, seat.facts.number);
    // It is told again with its next state.
    let _ = client.publish(subject, wire::json(&stored)).await;
}

/// Tells agents that a run is sealed, until they have heard it.
pub(super) async fn release(client: &Client, token: &str, agents: &[u16]) {
    let tell = async |agent: u16| {
        let stored = Stored { batches: u64::MAX, is_sealed: true };
        let _ = client.publish(wire::stored(token, agent), wire::json(&stored)).await;
    };
    let Ok(mut states) = client.subscribe(wire::states(token)).await else { return };
    for agent in agents {
        tell(*agent).await;
    }
    let hearing = async {
        while let Ok(Some(message)) = tokio::time::timeout(HEARD, states.next()).await {
            let state = wire::read::<State>(&message.payload);
            if let Some(state) = state.filter(|state| agents.contains(&state.agent)) {
                tell(state.agent).await;
            }
        }
    };
    // Who has not heard it by then keeps what it has; `store collect` lets go of it.
    let _ = tokio::time::timeout(RELEASED_WITHIN, hearing).await;
    let _ = client.flush().await;
}

/// One agent of the run.
struct Seat {
    facts: AgentFacts,
    remote: Option<Remote>,
    /// The number of the batch that is due next.
    next: u64,
    /// Batches that are stored.
    stored: u64,
    heard: Instant,
    finished: Option<Finished>,
    reasons: HashMap<String, ReasonId>,
    is_over: bool,
}

impl Seat {
    fn new(facts: AgentFacts, remote: Option<Remote>, stored: u64) -> Self {
        Self {
            facts,
            remote,
            next: stored,
            stored,
            heard: Instant::now(),
            finished: None,
            reasons: HashMap::new(),
            is_over: false,
        }
    }

    /// Takes a batch, if it is the one that is due. Others come again when it is their turn.
    fn take(&mut self, bytes: &[u8], to: &Destination) {
        self.heard = Instant::now();
        let Ok(mut frame) = frame::decode(bytes) else { return };
        if self.is_over || frame.number != self.next {
            return;
        }
        if !is_within(&frame, to.limits) {
            self.end(AgentState::Lost, "its batches are not of this run");
            return;
        }
        signals::renumber(&mut frame.readings, self.facts.number, to.agents, to.limits.signals);
        let batch = self.renumbered(frame.batch);
        (to.deliver)(Delivered {
            agent: self.facts.number,
            number: frame.number,
            batch,
            readings: frame.readings,
        });
        self.next += 1;
        self.end_if_complete();
    }

    /// The same batch with reasons by their numbers in the agent's list here, which it extends.
    fn renumbered(&mut self, mut batch: Batch) -> Batch {
        batch.worker = self.facts.number;
        let texts = std::mem::take(&mut batch.new_reasons);
        let mut ids = Vec::with_capacity(texts.len());
        for text in texts {
            let text = if self.reasons.len() < REASONS || self.reasons.contains_key(&text) {
                text
            } else {
                "other reasons (too many to tell apart)".to_owned()
            };
            let next = ReasonId(u16::try_from(self.reasons.len() + 1).unwrap_or(u16::MAX));
            let id = *self.reasons.entry(text.clone()).or_insert(next);
            if id == next {
                batch.new_reasons.push(text);
            }
            ids.push(id);
        }
        for sample in &mut batch.samples {
            let place = usize::from(sample.reason.0).checked_sub(1);
            sample.reason = place.and_then(|place| ids.get(place).copied()).unwrap_or_default();
        }
        batch
    }

    /// Hears how the agent gets on.
    fn hear(&mut self, state: State) {
        self.heard = Instant::now();
        if self.is_over {
            return;
        }
        if let Some(remote) = &mut self.remote {
            remote.show(state.users, state.in_flight, state.journeys_begun);
            if state.users_done {
                remote.users_are_done();
            }
        }
        if let Some(error) = state.error {
            let (name, reason) = (self.facts.name.clone(), error.clone());
            if let Some(mut remote) = self.remote.take() {
                remote.finish(Err(LoadError::Agent { name, reason }));
            }
            self.end(AgentState::CutShort, &error);
            return;
        }
        if state.finished.is_some() {
            self.finished = state.finished;
            self.end_if_complete();
        }
    }

    /// Ends once everything that the agent has made was handed over.
    fn end_if_complete(&mut self) {
        let Some(finished) = self.finished.as_ref().filter(|finished| finished.batches <= self.next) else {
            return;
        };
        self.facts.taken = Some(finished.taken);
        match finished.cut_short.clone() {
            None => self.end(AgentState::Done, ""),
            Some(why) => self.end(AgentState::CutShort, &why),
        }
    }

    /// Ends if nothing was heard for too long.
    fn look(&mut self, silence: Duration) {
        if !self.is_over && self.heard.elapsed() > silence {
            let text = format!(
                "nothing was heard of it for {} s; batches from {} on are missing",
                silence.as_secs(),
                self.next
            );
            self.end(AgentState::Lost, &text);
        }
    }

    fn end(&mut self, state: AgentState, note: &str) {
        self.is_over = true;
        self.facts.state = state;
        note.clone_into(&mut self.facts.note);
        if let Some(mut remote) = self.remote.take() {
            remote.finish(Ok(self.facts.taken.unwrap_or(0)));
        }
    }
}

/// Whether all words that a batch names are there.
fn is_within(frame: &Frame, limits: Limits) -> bool {
    let Batch { samples, exchanges, soft_checks, .. } = &frame.batch;
    let is_endpoint = |id: crate::sample::EndpointId| usize::from(id.0) < limits.endpoints;
    samples.iter().all(|s| is_endpoint(s.endpoint) && usize::from(s.user_class.0) < limits.user_classes)
        && exchanges.iter().all(|exchange| is_endpoint(exchange.endpoint))
        && soft_checks.iter().all(|counted| is_endpoint(counted.endpoint))
        && frame.readings.iter().all(|reading| usize::from(reading.signal.0) < signals::MOST)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::load::remote;
    use crate::sample::tests::PLAIN;
    use crate::sample::{EndpointId, Outcome, Sample};

    const LIMITS: Limits = Limits { endpoints: 2, user_classes: 1, signals: 7 };

    fn sample(endpoint: u16, reason: u16) -> Sample {
        Sample {
            endpoint: EndpointId(endpoint),
            outcome: Outcome::Error,
            status: 0,
            reason: ReasonId(reason),
            ..PLAIN
        }
    }

    fn bytes(number: u64, reasons: &[&str], samples: Vec<Sample>) -> Vec<u8> {
        let new_reasons = reasons.iter().map(|text| (*text).to_owned()).collect();
        let batch = Batch { worker: 3, samples, new_reasons, ..Batch::default() };
        frame::encode(&Frame { number, batch, ..Frame::default() })
    }

    fn destination() -> (Destination, Arc<Mutex<Vec<Delivered>>>) {
        let delivered: Arc<Mutex<Vec<Delivered>>> = Arc::default();
        let taken = Arc::clone(&delivered);
        let deliver = Box::new(move |one| taken.lock().unwrap().push(one));
        (Destination::of_run(deliver, Box::new(|| None), LIMITS, 2), delivered)
    }

    fn seat() -> Seat {
        Seat::new(AgentFacts { number: 1, ..AgentFacts::default() }, None, 0)
    }

    #[test]
    fn batches_are_taken_in_order_and_once() {
        let (to, delivered) = destination();
        let mut seat = seat();
        for number in [1, 0, 0, 2, 1, 1, 2] {
            seat.take(&bytes(number, &[], vec![sample(0, 0)]), &to);
        }
        let numbers: Vec<u64> = delivered.lock().unwrap().iter().map(|one| one.number).collect();
        assert_eq!(numbers, [0, 1, 2]);
    }

    #[test]
    fn reasons_are_those_of_the_agent_here() {
        let (to, delivered) = destination();
        let mut seat = seat();
        seat.take(&bytes(0, &["timeout"], vec![sample(0, 1)]), &to);
        seat.take(&bytes(1, &["reset", "timeout"], vec![sample(0, 1), sample(0, 2), sample(0, 0)]), &to);
        let delivered = delivered.lock().unwrap();
        assert_eq!(delivered[0].batch.new_reasons, ["timeout"]);
        assert_eq!(delivered[1].batch.new_reasons, ["reset"]);
        let ids: Vec<u16> = delivered[1].batch.samples.iter().map(|sample| sample.reason.0).collect();
        assert_eq!((ids, delivered[1].batch.worker), (vec![2, 1, 0], 1));
    }

    #[test]
    fn batches_of_another_run_are_not_taken() {
        let (to, delivered) = destination();
        let mut seat = seat();
        seat.take(&bytes(0, &[], vec![sample(2, 0)]), &to);
        assert!(delivered.lock().unwrap().is_empty());
        assert_eq!((seat.facts.state, seat.is_over), (AgentState::Lost, true));
    }

    #[tokio::test]
    async fn an_agent_has_ended_when_its_last_batch_is_there() {
        let (to, _) = destination();
        let (running, mut remotes, _stopped) = remote::running(1);
        let mut seat = Seat { remote: remotes.pop(), ..seat() };
        let finished = Finished { taken: 1, batches: 1, cut_short: None };
        seat.hear(State { agent: 1, users_done: true, finished: Some(finished), ..State::default() });
        assert!(!seat.is_over, "its batch is still on the way");
        seat.take(&bytes(0, &[], vec![sample(0, 0)]), &to);
        assert_eq!((seat.is_over, seat.facts.state, seat.facts.taken), (true, AgentState::Done, Some(1)));
        assert_eq!(running.finish().await.unwrap(), 1);
    }

    #[test]
    fn a_silent_agent_is_lost() {
        let mut seat = seat();
        seat.look(Duration::from_secs(60));
        assert!(!seat.is_over);
        seat.look(Duration::ZERO);
        assert_eq!(seat.facts.state, AgentState::Lost);
        assert!(seat.facts.note.contains("batches from 0 on"), "{}", seat.facts.note);
    }
}
