//! A virtual user: performs journeys step by step, and thinks in between.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use minijinja::value::Value;

use super::connections::Connections;
use super::draw::{draw_branch, draw_journey, think_time};
use super::effect::Cause;
use super::event::awaited::{Waiter, until_seen};
use super::event::publish::publish;
use super::exchange::{Due, exchange, make_ready};
use super::jar::Jar;
use super::poll::{Asker, until_visible};
use super::shared::Variables;
use super::unstarted;
use super::who::Who;
use super::worker::Worker;
use crate::sample::{Key, Outcome, Race, UserClassId};
use crate::scenario::feeder::Turn;
use crate::scenario::journey::{
    Await, Binding, BindingFrom, Journey, Meet, Parallel, Poll, Publish, Request, Step, Think,
};
use crate::scenario::scope::Scope;

/// Whether a user goes on after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// With the next step.
    Step,
    /// With the next journey: this one has failed.
    Journey,
    /// Not at all: the load is over.
    Stop,
}

/// One performance of a journey: what decides its draws.
#[derive(Clone, Copy)]
pub(super) struct Instance {
    pub(super) seed: u64,
    pub(super) turn: Turn,
}

/// Why a journey cannot go on.
const NO_RECORD: &str = "no unused record left";

/// Someone who performs journeys.
pub(super) struct User {
    pub(super) worker: Rc<Worker>,
    pub(super) who: Who,
    pub(super) scope: Arc<Scope>,
    pub(super) connections: Connections,
    /// Its cookies; they outlive its journeys.
    jar: Jar,
    /// When the next request should be sent.
    due: Instant,
    turn: Turn,
    /// The last request: where the wait for its effect begins.
    last: Cause,
    /// What its start-up journeys left behind, by user class.
    started: Vec<Option<Vec<(String, Value)>>>,
    /// The variables of the journey under way.
    kept: Vec<(String, Value)>,
}

impl User {
    pub(super) fn new(worker: &Rc<Worker>, number: u32, due: Instant) -> Self {
        worker.recording.gauge.user_started();
        Self {
            worker: Rc::clone(worker),
            who: Who { user_class: UserClassId(0), user: number, journey: 0, race: Race::NONE },
            scope: Scope::new(0),
            connections: Connections::default(),
            jar: Jar::default(),
            due,
            turn: Turn { own: 0, of_all: number.into() },
            last: Cause { intended: due, done: due },
            started: vec![None; worker.scenario.user_classes.len()],
            kept: Vec::new(),
        }
    }

    /// Performs one journey of a user class, drawn by weight with the numbers of its seed; the
    /// first request is due at `due`. Gives the time at which the user is free for the next one.
    pub(super) async fn perform(
        &mut self,
        class: usize,
        instance: Instance,
        due: Instant,
    ) -> (Next, Instant) {
        let scenario = Arc::clone(&self.worker.scenario);
        let user_class = &scenario.user_classes[class];
        self.who.user_class = UserClassId(u16::try_from(class).unwrap_or(u16::MAX));
        self.due = due;
        self.turn = instance.turn;
        if let Some(start) = user_class.start
            && self.started[class].is_none()
            && self.start_up(class, &scenario.journeys[start]).await == Next::Stop
        {
            return (Next::Stop, self.due);
        }
        self.scope.reset(instance.seed, self.started[class].as_deref().unwrap_or_default());
        let journey = &scenario.journeys[self.scope.draw(|rng| draw_journey(user_class, rng))];
        if let Some(once) = journey.once {
            let variables = match self.once(once, &scenario.journeys[once]).await {
                Ok(variables) => variables,
                Err(next) => return (next, self.due),
            };
            // Whoever has set things up has drawn numbers meanwhile; the journey draws its own.
            self.scope.reset(instance.seed, self.started[class].as_deref().unwrap_or_default());
            self.scope.draw(|rng| draw_journey(user_class, rng));
            variables.iter().for_each(|(name, value)| self.scope.set(name, value.clone()));
        }
        let next = self.walk(journey, user_class.think).await;
        (next, self.due)
    }

    /// What a journey leaves behind that is performed once in the run: by the first user who needs
    /// it, while the others wait.
    async fn once(&mut self, place: usize, journey: &Journey) -> Result<Arc<Variables>, Next> {
        let shared = Arc::clone(&self.worker.shared);
        let variables = shared
            .once(place, async {
                self.scope.reset(self.worker.seeds.once(place), &[]);
                // Its cookies would be this user's only, and not those of the others who wait for it.
                let own = std::mem::take(&mut self.jar);
                // Boxed: few ever set things up, and all would carry the room for it.
                let next = Box::pin(self.walk(journey, Think::None)).await;
                self.jar = own;
                match next {
                    Next::Step => Ok(std::mem::take(&mut self.kept)),
                    next => Err(next),
                }
            })
            .await?;
        // That wait does not count as latency.
        self.due = self.due.max(Instant::now());
        Ok(variables)
    }

    /// Performs the start-up journey, whose variables stay for good.
    async fn start_up(&mut self, class: usize, journey: &Journey) -> Next {
        let seed = self.worker.seeds.start_up(class, self.who.user);
        self.scope.reset(seed, &[]);
        let next = self.walk(journey, Think::None).await;
        self.started[class] = Some(std::mem::take(&mut self.kept));
        self.jar.keep();
        next
    }

    /// The steps of a journey, with thinking after each.
    async fn walk(&mut self, journey: &Journey, think: Think) -> Next {
        self.who.journey = self.worker.next_journey();
        if journey.clears_cookies {
            self.jar.clear();
        }
        self.kept.clear();
        self.who.race = Race::NONE;
        self.scope.place(self.who.user, self.who.journey);
        for step in &journey.steps {
            let next = self.step(step, journey).await;
            self.due = Instant::now() + self.scope.draw(|rng| think_time(think, rng));
            if next != Next::Step {
                return next;
            }
        }
        Next::Step
    }

    async fn step(&mut self, step: &Step, journey: &Journey) -> Next {
        match step {
            Step::Request(request) => self.request(request).await,
            Step::Parallel(parallel) => self.parallel(parallel).await,
            Step::Meet(meet) => self.meet(meet).await,
            Step::Let(bindings) => self.bind(bindings, journey).await,
            Step::Put(put) => match self.worker.scenario.templates.render(&put.value, &self.scope) {
                Ok(value) => {
                    let value = Value::from(String::from_utf8_lossy(&value).into_owned());
                    self.worker.shared.put(put.queue, value);
                    Next::Step
                }
                Err(error) => self.cannot_go_on(journey, &error.to_string(), Next::Journey),
            },
            Step::Pause(time) => {
                self.due = Instant::now() + *time;
                if self.worker.wait_until(self.due).await { Next::Step } else { Next::Stop }
            }
            Step::Poll(poll) if poll.background => {
                self.poll_in_background(poll);
                Next::Step
            }
            Step::Poll(poll) => {
                let asker = Asker {
                    client: self.worker.client(&self.connections, &self.jar),
                    timer: &self.worker.timer,
                    scope: &self.scope,
                    who: self.who,
                };
                let seen = until_visible(asker, poll, self.last).await;
                self.due = Instant::now();
                if seen || poll.request.continue_on_failure { Next::Step } else { Next::Journey }
            }
            Step::Repeat { times, steps } => self.repeat(*times, steps, journey).await,
            Step::Publish(publish) => self.publish(publish).await,
            Step::Await(awaited) if awaited.background => {
                self.await_in_background(awaited);
                Next::Step
            }
            Step::Await(awaited) => {
                let waiter = waiter(&self.worker, &self.scope, self.who, self.last);
                let seen = until_seen(waiter, awaited).await;
                self.due = Instant::now();
                if seen || awaited.continue_on_failure { Next::Step } else { Next::Journey }
            }
            Step::Choice(branches) => {
                let branch = self.scope.draw(|rng| draw_branch(branches, rng));
                match branch {
                    Some(branch) => self.repeat(1, &branch.steps, journey).await,
                    None => Next::Step,
                }
            }
        }
    }

    /// Steps back to back, several times over.
    async fn repeat(&mut self, times: u32, steps: &[Step], journey: &Journey) -> Next {
        for _ in 0..times {
            for step in steps {
                let next = Box::pin(self.step(step, journey)).await;
                if next != Next::Step {
                    return next;
                }
                // Variables take no time: what follows them is due when they were.
                if !matches!(step, Step::Let(_)) {
                    self.due = Instant::now();
                }
            }
        }
        Next::Step
    }

    /// Sets variables; a feeder that has run dry ends the user.
    async fn bind(&mut self, bindings: &[Binding], journey: &Journey) -> Next {
        let worker = Rc::clone(&self.worker);
        for Binding { variable, from } in bindings {
            let value = match from {
                BindingFrom::Key(list) => {
                    let keys = &worker.scenario.keys[*list];
                    let key = self.scope.draw(|rng| keys.draw(rng));
                    self.scope.set_key(Key::new(u16::try_from(*list).unwrap_or(u16::MAX), key));
                    Value::from(keys.value(key))
                }
                BindingFrom::Feed(place) => match self.feed(*place) {
                    Some(record) => record,
                    None => return self.cannot_go_on(journey, NO_RECORD, Next::Stop),
                },
                BindingFrom::Count(counter) => Value::from(worker.shared.count(*counter)),
                BindingFrom::Take { queue, within } => {
                    let given_up = Instant::now() + *within;
                    let value = tokio::select! {
                        value = worker.shared.take(*queue) => Some(value),
                        _ = worker.wait_until(given_up) => None,
                    };
                    self.due = self.due.max(Instant::now());
                    match value {
                        Some(value) => value,
                        None if worker.recording.schedule.is_over(self.due) => return Next::Stop,
                        None => {
                            let reason = format!("queue `{}` stayed empty", worker.scenario.queues[*queue]);
                            return self.cannot_go_on(journey, &reason, Next::Journey);
                        }
                    }
                }
                BindingFrom::Text(text) => match worker.scenario.templates.render(text, &self.scope) {
                    Ok(text) => Value::from(String::from_utf8_lossy(&text).into_owned()),
                    Err(error) => return self.cannot_go_on(journey, &error.to_string(), Next::Journey),
                },
            };
            self.keep([(variable.clone(), value)]);
        }
        Next::Step
    }

    /// Notes that what a journey needs is not to be had.
    fn cannot_go_on(&self, journey: &Journey, reason: &str, next: Next) -> Next {
        unstarted::record(&self.worker.recording, self.who, journey, self.due, reason);
        next
    }

    /// Waits for other users; the next request then goes out together with theirs.
    async fn meet(&mut self, meet: &Meet) -> Next {
        if !self.worker.wait_until(self.due).await {
            return Next::Stop;
        }
        let worker = Rc::clone(&self.worker);
        let all = meet.users.unwrap_or(worker.load.max_in_flight());
        let patience = Instant::now() + meet.within;
        let number = worker.shared.meet(meet.race, all, worker.wait_until(patience)).await;
        self.due = Instant::now();
        self.who.race = race(meet.race, number);
        Next::Step
    }

    /// The record of a feeder for this journey.
    fn feed(&self, place: usize) -> Option<Value> {
        let scenario = &self.worker.scenario;
        let feeder = &scenario.feeders[place];
        let record = self.scope.draw(|rng| feeder.place(self.turn, rng))?;
        let list = u16::try_from(scenario.keys.len() + place).unwrap_or(u16::MAX);
        self.scope.set_key(Key::new(list, record as u64 + 1));
        Some(feeder.records[record].clone())
    }

    async fn request(&mut self, request: &Request) -> Next {
        if !self.worker.wait_until(self.due).await {
            return Next::Stop;
        }
        let client = self.worker.client(&self.connections, &self.jar);
        let ready = make_ready(client, request, &self.scope).await;
        let due = Due { request, who: self.who, key: self.scope.key(), intended: self.due, keep_body: false };
        let ended = exchange(client, due, ready, |_| ()).await;
        self.who.race = Race::NONE;
        self.last = Cause { intended: self.due, done: ended.done };
        self.keep(ended.variables);
        after(request, ended.outcome)
    }

    async fn publish(&mut self, step: &Publish) -> Next {
        if !self.worker.wait_until(self.due).await {
            return Next::Stop;
        }
        let Worker { brokers, recording, .. } = &*self.worker;
        let (outcome, done) = publish(brokers, recording, step, &self.scope, self.who, self.due).await;
        self.last = Cause { intended: self.due, done };
        if outcome == Outcome::Ok || step.continue_on_failure { Next::Step } else { Next::Journey }
    }

    /// Requests that wait for each other until all are ready, and then go out together.
    async fn parallel(&mut self, Parallel { race: of, requests }: &Parallel) -> Next {
        if !self.worker.wait_until(self.due).await {
            return Next::Stop;
        }
        let (client, scope) = (self.worker.client(&self.connections, &self.jar), &self.scope);
        let preparations = requests.iter().map(|r| make_ready(client, r, scope));
        let ready = futures_util::future::join_all(preparations).await;
        let who = Who { race: race(*of, self.worker.next_race()), ..self.who };
        let released = Instant::now();
        let exchanges = requests.iter().zip(ready).map(|(request, ready)| {
            let due = Due { request, who, key: scope.key(), intended: released, keep_body: false };
            exchange(client, due, ready, |_| ())
        });
        let ended = futures_util::future::join_all(exchanges).await;
        let mut next = Next::Step;
        self.last = Cause { intended: released, done: released };
        for (request, ended) in requests.iter().zip(ended) {
            self.last.done = self.last.done.max(ended.done);
            self.keep(ended.variables);
            if after(request, ended.outcome) == Next::Journey {
                next = Next::Journey;
            }
        }
        next
    }

    fn keep(&mut self, variables: impl IntoIterator<Item = (String, Value)>) {
        for (name, value) in variables {
            self.scope.set(&name, value.clone());
            self.kept.push((name, value));
        }
    }

    /// Asks while the user goes on: on connections of their own, with its variables and cookies as
    /// they are now.
    fn poll_in_background(&self, poll: &Poll) {
        let (worker, poll, who, cause) = (Rc::clone(&self.worker), poll.clone(), self.who, self.last);
        let scope = self.scope.fork(worker.seeds.background(who.journey));
        let jar = self.jar.fork();
        self.worker.background.spawn(async move {
            let client = worker.client(&worker.probes, &jar);
            let asker = Asker { client, timer: &worker.timer, scope: &scope, who };
            until_visible(asker, &poll, cause).await;
        });
    }

    /// Waits for an event while the user goes on, with its variables as they are now.
    fn await_in_background(&self, awaited: &Await) {
        let (worker, awaited, who, cause) = (Rc::clone(&self.worker), awaited.clone(), self.who, self.last);
        let scope = self.scope.fork(worker.seeds.background(who.journey));
        self.worker.background.spawn(async move {
            until_seen(waiter(&worker, &scope, who, cause), &awaited).await;
        });
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.worker.recording.gauge.user_ended();
    }
}

fn waiter<'a>(worker: &'a Worker, scope: &'a Arc<Scope>, who: Who, cause: Cause) -> Waiter<'a> {
    let Worker { brokers, recording, timer, .. } = worker;
    Waiter { brokers, recording, timer, scope, who, cause }
}

fn race(place: usize, number: u32) -> Race {
    Race::new(u16::try_from(place).unwrap_or(u16::MAX), number)
}

fn after(request: &Request, outcome: Outcome) -> Next {
    match outcome {
        Outcome::Ok | Outcome::Rejected => Next::Step,
        _ if request.continue_on_failure => Next::Step,
        _ => Next::Journey,
    }
}
