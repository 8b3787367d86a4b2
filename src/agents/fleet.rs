//! The agents of a command: found, asked for their time, and told what to do.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_nats::{Client, Request};
use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::collect::{Collected, Collector, Deliver, Destination, Limits, StoredSoFar};
use super::error::not_shared;
use super::offset::{self, Offset, Probe};
use super::pack::Pack;
use super::plan::Plan;
use super::service::fresh;
use super::wire::{self, Answer, Assignment, Call, Introduction, Order, PROTOCOL, Ready, What, WorkItem};
use super::{AgentsError, connection};
use crate::load::{self, Running, Share};
use crate::run::AgentFacts;
use crate::scenario::Scenario;
use crate::scenario::load::Load;

/// How often a clock is asked before a run.
const PROBES: usize = 16;
/// How long an agent may take to answer, …
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// … and to fetch a plan and read its scenario.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// How often the agents are called while some are missing.
const CALL_EVERY: Duration = Duration::from_millis(500);
/// How often agents hear that they still work for this command.
const KEEP_EVERY: Duration = Duration::from_secs(10);

/// Which agents are wanted.
pub struct Wanted {
    /// The NATS server.
    pub url: String,
    /// How many.
    pub count: u16,
    /// How long they may take to answer.
    pub within: Duration,
    /// The scenario's files.
    pub pack: Pack,
}

/// A run's work, as all agents make it together.
pub struct Work<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The load, as it is run.
    pub load: &'a Load,
    /// The system's base URL.
    pub base_url: &'a str,
    /// Seed of all draws.
    pub seed: u64,
}

/// A run that its agents are ready for.
pub struct Found {
    /// What the agents know it by.
    pub token: String,
    /// The agents, in the order of their numbers.
    pub agents: Vec<AgentFacts>,
    offsets: Vec<Offset>,
}

/// The agents of a command.
pub struct Fleet {
    handle: Handle,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    client: Client,
    members: Arc<[Introduction]>,
    session: String,
    pack: Pack,
    /// Where the coordinator's clock begins.
    zero: Instant,
}

impl Fleet {
    /// Finds as many agents as are wanted; they work for this command until the fleet is gone.
    ///
    /// # Errors
    /// If the server cannot be reached, or too few agents answer.
    pub async fn find(wanted: Wanted) -> Result<Self, AgentsError> {
        let (end, ended) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let url = wanted.url.clone();
        // A thread of its own: where batches come in faster than the store takes them, it waits, and nothing else does.
        let thread = std::thread::Builder::new().name("agents".to_owned()).spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(tell.send(Err(AgentsError::from(error)))),
            };
            let handle = runtime.handle().clone();
            runtime.block_on(async move {
                let connected = connection::connect(&url).await.map(|client| (handle, client));
                if tell.send(connected).is_ok() {
                    // A fleet that is gone ends it likewise.
                    let _ = ended.await;
                }
            });
        })?;
        let gone = || AgentsError::Connection("the connection's thread is gone".to_owned());
        let (handle, client) = told.await.map_err(|_| gone())??;
        let session = format!("{:016x}", fresh());
        let (caller, name) = (client.clone(), session.clone());
        let (count, within) = (usize::from(wanted.count), wanted.within);
        let found = handle.spawn(async move { call(&caller, &name, count, within).await });
        let members: Arc<[Introduction]> = found.await.map_err(|_| gone())??.into();
        let (keeper, kept, name) = (client.clone(), Arc::clone(&members), session.clone());
        handle.spawn(async move {
            loop {
                tokio::time::sleep(KEEP_EVERY).await;
                for member in &*kept {
                    let order = Order { session: name.clone(), what: What::Join };
                    let _ = keeper.publish(wire::orders(&member.id), wire::json(&order)).await;
                }
            }
        });
        let zero = Instant::now();
        Ok(Self {
            handle,
            end: Some(end),
            thread: Some(thread),
            client,
            members,
            session,
            pack: wanted.pack,
            zero,
        })
    }

    /// How many workers all agents have.
    pub fn workers(&self) -> u16 {
        self.members.iter().map(|member| member.workers).fold(0, u16::saturating_add)
    }

    /// The agents in words: `2: a (4 cores), b (8 cores)`.
    pub fn text(&self) -> String {
        let names: Vec<String> =
            self.members.iter().map(|member| format!("{} ({} cores)", member.name, member.cores)).collect();
        format!("{}: {}", names.len(), names.join(", "))
    }

    /// Gets all agents ready for a run, and asks for their time.
    ///
    /// # Errors
    /// If the scenario has something that agents cannot share, or one of them cannot do the same work as the others.
    pub async fn prepare(&self, work: &Work<'_>) -> Result<Found, AgentsError> {
        not_shared(work.scenario)?;
        let token = format!("{:016x}", fresh());
        let item = WorkItem {
            scenario: self.pack.scenario.clone(),
            vars: self.pack.vars.clone(),
            load: work.load.clone(),
            base_url: work.base_url.to_owned(),
            seed: work.seed,
        };
        let plan = Plan::new(&item, &self.pack)?;
        let items = plan.items();
        let handing_out = self.handle.spawn(plan.hand_out(self.client.clone(), token.clone()));
        let all_workers = self.workers();
        let mut assignments = Vec::new();
        let (mut agents, mut first_worker) = (Vec::new(), 0);
        for (number, member) in (0..).zip(&*self.members) {
            let share = Share {
                agent: u32::from(number),
                agents: u32::try_from(self.members.len()).unwrap_or(u32::MAX),
                first_worker,
                all_workers,
            };
            assignments.push(Assignment { token: token.clone(), agent: number, share, items: items.clone() });
            agents.push(AgentFacts {
                number,
                name: member.name.clone(),
                machine: member.machine.clone(),
                processor: member.processor.clone(),
                kernel: member.kernel.clone(),
                cores: member.cores,
                first_worker,
                workers: member.workers,
                ..AgentFacts::default()
            });
            first_worker = first_worker.saturating_add(member.workers);
        }
        let expected = Ready {
            fingerprint: work.scenario.fingerprint(work.load, &[]),
            variables: work.scenario.workload_variables.clone(),
        };
        let getting_ready = self.members.iter().zip(assignments).map(async |(member, assignment)| match self
            .order(member, What::Prepare(assignment), READY_WITHIN)
            .await?
        {
            Answer::Ready(ready) => is_same(&expected, &ready).map_err(|reason| refused(member, reason)),
            other => Err(unexpected(member, other)),
        });
        let ready: Result<Vec<()>, AgentsError> = join_all(getting_ready).await.into_iter().collect();
        handing_out.abort();
        ready?;
        let mut offsets = Vec::new();
        for (member, facts) in self.members.iter().zip(&mut agents) {
            let offset = self.offset(member, PROBES).await?;
            (facts.offset_us, facts.offset_error_us) = (offset.wall_us, offset.error_us);
            offsets.push(offset);
        }
        Ok(Found { token, agents, offsets })
    }

    /// Has all agents begin at an instant that lies ahead. `deliver`: takes their batches; `stored_so_far`: how many of each
    /// are stored.
    ///
    /// # Errors
    /// If one of them does not answer.
    pub async fn start(
        &self,
        found: &Found,
        (zero, salt): (Instant, Option<u64>),
        (deliver, stored_so_far, limits): (Deliver, StoredSoFar, Limits),
    ) -> Result<(Running, Collected), AgentsError> {
        let (running, remotes, stopped) = load::remote::running(self.members.len());
        // It listens before they begin.
        let (client, token, agents) = (self.client.clone(), found.token.clone(), found.agents.clone());
        let collector = self.run(async move { Collector::listen(client, &token, agents).await }).await??;
        let zero_us = us(zero.saturating_duration_since(self.zero));
        let starting = self.members.iter().zip(&found.offsets).map(async |(member, offset)| {
            let start = What::Start { token: found.token.clone(), zero_us: zero_us + offset.clock_us, salt };
            match self.order(member, start, ANSWER_WITHIN).await? {
                Answer::Done => Ok(()),
                other => Err(unexpected(member, other)),
            }
        });
        let started: Result<Vec<()>, AgentsError> = join_all(starting).await.into_iter().collect();
        if let Err(error) = started {
            self.stop(&found.token).await;
            return Err(error);
        }
        let (client, session, members) =
            (self.client.clone(), self.session.clone(), Arc::clone(&self.members));
        let (token, mut stopped) = (found.token.clone(), stopped);
        let to = Destination::of_run(deliver, stored_so_far, limits, members.len());
        let collected = self.handle.spawn(async move {
            let stop = async {
                if stopped.wait_for(|stop| *stop).await.is_err() {
                    // The run has ended by itself.
                    std::future::pending::<()>().await;
                }
            };
            let end = || {
                let (client, session, members) = (client.clone(), session.clone(), Arc::clone(&members));
                let token = token.clone();
                async move { stop_all(&client, &session, &members, &token).await }
            };
            collector.collect(remotes, to, stop, end).await
        });
        Ok((running, Collected(collected)))
    }

    /// Asks for the time of the agents again after a run: by how much their clocks went faster than this one.
    pub async fn note_drift(&self, found: &Found, agents: &mut [AgentFacts]) {
        for ((member, before), facts) in self.members.iter().zip(&found.offsets).zip(agents) {
            // Who is gone tells nothing any more.
            if let Ok(after) = self.offset(member, PROBES / 2).await {
                facts.drift_us = Some(after.clock_us - before.clock_us);
            }
        }
    }

    /// Lets some of its agents forget a run: it is sealed, and on the disk.
    pub async fn release(&self, token: &str, agents: Vec<u16>) {
        let (client, token) = (self.client.clone(), token.to_owned());
        let released = async move { super::collect::release(&client, &token, &agents).await };
        let _ = self.run(released).await;
    }

    async fn stop(&self, token: &str) {
        let (client, session, members) =
            (self.client.clone(), self.session.clone(), Arc::clone(&self.members));
        let token = token.to_owned();
        let _ = self.run(async move { stop_all(&client, &session, &members, &token).await }).await;
    }

    /// Runs something where the connection is.
    async fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, AgentsError> {
        let gone = |_| AgentsError::Connection("the connection's thread is gone".to_owned());
        self.handle.spawn(future).await.map_err(gone)
    }

    async fn order(
        &self,
        member: &Introduction,
        what: What,
        within: Duration,
    ) -> Result<Answer, AgentsError> {
        let order = Order { session: self.session.clone(), what };
        let (client, to) = (self.client.clone(), wire::orders(&member.id));
        let answer = self.run(async move { ask(&client, to, &order, within).await }).await?;
        match answer.map_err(|reason| refused(member, reason))? {
            Answer::Refused(reason) => Err(refused(member, reason)),
            answer => Ok(answer),
        }
    }

    async fn offset(&self, member: &Introduction, probes: usize) -> Result<Offset, AgentsError> {
        let order = Order { session: self.session.clone(), what: What::TellTime };
        let (client, to, zero) = (self.client.clone(), wire::orders(&member.id), self.zero);
        let probing = async move {
            let mut all = Vec::new();
            for _ in 0..probes {
                let asked_us = us(zero.elapsed());
                let answer = ask(&client, to.clone(), &order, ANSWER_WITHIN).await?;
                let answered_us = us(zero.elapsed());
                let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                if let Answer::Time { clock_us: there_us, unix_us: there_unix_us } = answer {
                    let answered_unix_us = us(unix);
                    all.push(Probe { asked_us, there_us, there_unix_us, answered_us, answered_unix_us });
                }
            }
            Ok::<_, String>(all)
        };
        let probes = self.run(probing).await?.map_err(|reason| refused(member, reason))?;
        offset::best(&probes).ok_or_else(|| refused(member, "it does not tell its time".to_owned()))
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        let (client, session, members) =
            (self.client.clone(), self.session.clone(), Arc::clone(&self.members));
        let (left, all_left) = std::sync::mpsc::channel();
        self.handle.spawn(async move {
            for member in &*members {
                let order = Order { session: session.clone(), what: What::Leave };
                let _ = client.publish(wire::orders(&member.id), wire::json(&order)).await;
            }
            let _ = client.flush().await;
            let _ = left.send(());
        });
        // Agents that do not hear of it find out by themselves.
        let _ = all_left.recv_timeout(Duration::from_secs(2));
        let _ = self.end.take().map(|end| end.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Calls until enough agents have joined.
async fn call(
    client: &Client,
    session: &str,
    wanted: usize,
    within: Duration,
) -> Result<Vec<Introduction>, AgentsError> {
    let failed = |error: &dyn std::fmt::Display| AgentsError::Connection(error.to_string());
    let inbox = client.new_inbox();
    let mut answers = client.subscribe(inbox.clone()).await.map_err(|error| failed(&error))?;
    let call = Call { protocol: PROTOCOL, version: env!("CARGO_PKG_VERSION").to_owned() };
    let (mut joined, mut others): (Vec<Introduction>, BTreeMap<String, String>) = Default::default();
    let deadline = tokio::time::Instant::now() + within;
    let mut calls = tokio::time::interval(CALL_EVERY);
    while joined.len() < wanted {
        tokio::select! {
            () = tokio::time::sleep_until(deadline) => {
                let others = others.iter().fold(String::new(), |mut text, (name, reason)| {
                    let _ = write!(text, "; `{name}` {reason}");
                    text
                });
                let within_s = within.as_secs();
                return Err(AgentsError::TooFew { found: joined.len(), wanted, within_s, others });
            }
            _ = calls.tick() => {
                let calling = client.publish_with_reply(wire::CALLS, inbox.clone(), wire::json(&call));
                calling.await.map_err(|error| failed(&error))?;
            }
            answer = answers.next() => {
                let Some(answer) = answer else { return Err(failed(&"the connection has ended")) };
                let Some(found) = wire::read::<Introduction>(&answer.payload) else { continue };
                if joined.iter().any(|known| known.id == found.id) {
                    continue;
                }
                match join(client, session, &found, &joined).await {
                    Ok(()) => {
                        others.remove(&found.name);
                        joined.push(found);
                    }
                    Err(reason) => drop(others.insert(found.name, reason)),
                }
            }
        }
    }
    // Numbers do not depend on who was the fastest to answer.
    joined.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(joined)
}

/// Has an agent join, if it can.
async fn join(
    client: &Client,
    session: &str,
    found: &Introduction,
    joined: &[Introduction],
) -> Result<(), String> {
    let own = env!("CARGO_PKG_VERSION");
    if found.protocol != PROTOCOL || found.version != own {
        return Err(format!(
            "is loadproof {}, and this is {own}: use the same on all machines",
            found.version
        ));
    }
    if found.is_busy {
        return Err("works for another coordinator".to_owned());
    }
    if joined.iter().any(|known| known.name == found.name) {
        return Err("has the name of another agent: give each a --name of its own".to_owned());
    }
    if found.workers == 0 {
        return Err("has no workers".to_owned());
    }
    let order = Order { session: session.to_owned(), what: What::Join };
    match ask(client, wire::orders(&found.id), &order, ANSWER_WITHIN).await? {
        Answer::Done => Ok(()),
        Answer::Refused(reason) => Err(reason),
        _ => Err("answers in a way that is not known".to_owned()),
    }
}

/// Asks an agent to do something.
async fn ask(client: &Client, to: String, order: &Order, within: Duration) -> Result<Answer, String> {
    let request = Request::new().payload(wire::json(order)).timeout(Some(within));
    let answer = client.send_request(to, request).await.map_err(|error| match error.kind() {
        async_nats::RequestErrorKind::NoResponders => "it is not there any more".to_owned(),
        _ => format!("no answer: {error}"),
    })?;
    wire::read(&answer.payload).ok_or_else(|| "its answer is not a valid one".to_owned())
}

/// Tells all agents to end a load early.
pub(super) async fn stop_all(client: &Client, session: &str, members: &[Introduction], token: &str) {
    for member in members {
        let order = Order { session: session.to_owned(), what: What::Stop { token: token.to_owned() } };
        let _ = client.publish(wire::orders(&member.id), wire::json(&order)).await;
    }
}

fn is_same(expected: &Ready, ready: &Ready) -> Result<(), String> {
    let differs = |(name, value): &(&String, &String)| ready.variables.get(*name) != Some(*value);
    if let Some((name, _)) = expected.variables.iter().find(differs) {
        return Err(format!("the environment variable `{name}` has another value there than here"));
    }
    if expected.fingerprint != ready.fingerprint {
        return Err("the scenario comes to other work there than here".to_owned());
    }
    Ok(())
}

fn refused(member: &Introduction, reason: String) -> AgentsError {
    AgentsError::Agent { name: member.name.clone(), reason }
}

fn unexpected(member: &Introduction, answer: Answer) -> AgentsError {
    match answer {
        Answer::Refused(reason) => refused(member, reason),
        _ => refused(member, "answers in a way that is not known".to_owned()),
    }
}

fn us(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
