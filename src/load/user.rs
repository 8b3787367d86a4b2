//! A virtual user: performs journeys step by step, and thinks in between.

mod binding;
mod flow;
mod socket;

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use minijinja::value::Value;

use super::clock::wall_us;
use super::connections::Connections;
use super::digest::Digests;
use super::draw::{draw_branch, draw_journey, think_time};
use super::effect::Cause;
use super::event::awaited::{Waiter, until_seen};
use super::event::publish::publish;
use super::exchange::{Due, exchange, make_ready};
use super::jar::Jar;
use super::poll::{Asker, until_visible};
use super::shared::Variables;
use super::unstarted;
use super::websocket::Sockets;
use super::who::Who;
use super::worker::Worker;
use crate::sample::{Outcome, Race, UserClassId};
use crate::scenario::feeder::Turn;
use crate::scenario::journey::{Await, Journey, Meet, Parallel, Poll, Publish, Request, Step, Think};
use crate::scenario::scope::Scope;

/// Whether a user goes on after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// With the next step.
    Step,
    /// With the next step, since there was nothing to do in this one.
    Skip,
    /// With the next journey: this one has failed.
    Journey,
    /// Not at all: the load is over.
    Stop,
}

impl Next {
    /// A step that was left out counts as one that was done.
    fn or_step(self) -> Self {
        if self == Self::Skip { Self::Step } else { self }
    }
}

/// One performance of a journey: what decides its draws.
#[derive(Clone, Copy)]
pub(super) struct Instance {
    pub(super) seed: u64,
    pub(super) turn: Turn,
    /// The journey, where the load says which; none where it is drawn.
    pub(super) journey: Option<usize>,
}

/// How long a user rests at least, and at most, after what could not even be tried.
const REST_LEAST: Duration = Duration::from_millis(1);
const REST_MOST: Duration = Duration::from_millis(100);

/// Someone who performs journeys.
pub(super) struct User {
    pub(super) worker: Rc<Worker>,
    pub(super) who: Who,
    pub(super) scope: Arc<Scope>,
    pub(super) connections: Connections,
    /// Its WebSockets; they outlive its journeys.
    sockets: Sockets,
    /// Its cookies; they outlive its journeys.
    jar: Jar,
    /// The challenges that it has answered.
    digests: Digests,
    /// When the next request should be sent.
    due: Instant,
    turn: Turn,
    /// The last request: where the wait for its effect begins.
    last: Cause,
    /// What its start-up journeys left behind, by user class.
    started: Vec<Option<Vec<(String, Value)>>>,
    /// The variables of the journey under way.
    kept: Vec<(String, Value)>,
    /// How often it has waited for something.
    waits: u64,
    /// How often it has rested in a row.
    rests: u32,
    /// How much of what it did has failed.
    failures: u64,
    /// The groups that it is in.
    groups: u32,
}

impl User {
    pub(super) fn new(worker: &Rc<Worker>, number: u32, due: Instant) -> Self {
        worker.recording.gauge.user_started();
        Self {
            worker: Rc::clone(worker),
            who: Who { user_class: UserClassId(0), user: number, journey: 0, race: Race::NONE },
            scope: Scope::salted(0, worker.seeds.salt(), wall_us),
            connections: Connections::default(),
            sockets: Sockets::default(),
            jar: Jar::default(),
            digests: Digests::default(),
            due,
            turn: Turn { own: 0, of_all: number.into() },
            last: Cause { intended: due, done: due },
            started: vec![None; worker.scenario.user_classes.len()],
            kept: Vec::new(),
            waits: 0,
            rests: 0,
            failures: 0,
            groups: 0,
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
            && Box::pin(self.start_up(class, &scenario.journeys[start])).await == Next::Stop
        {
            return (Next::Stop, self.due);
        }
        self.scope.reset(instance.seed, self.started[class].as_deref().unwrap_or_default());
        let drawn = self.scope.draw(|rng| draw_journey(user_class, rng));
        let journey = &scenario.journeys[instance.journey.unwrap_or(drawn)];
        if let Some(once) = journey.once {
            let variables = match Box::pin(self.once(once, &scenario.journeys[once])).await {
                Ok(variables) => variables,
                Err(next) => return (next, self.due),
            };
            // Whoever has set things up has drawn numbers meanwhile; the journey draws its own.
            self.scope.reset(instance.seed, self.started[class].as_deref().unwrap_or_default());
            self.scope.draw(|rng| draw_journey(user_class, rng));
            variables.iter().for_each(|(name, value)| self.scope.set(name, value));
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
        let waits = self.waits;
        let next = self.walk_steps(journey, think).await;
        if self.waits == waits && next != Next::Stop {
            self.rest().await;
            self.due = self.due.max(Instant::now());
        }
        next
    }

    async fn walk_steps(&mut self, journey: &Journey, think: Think) -> Next {
        for step in &journey.steps {
            let next = self.step(step, journey).await;
            if next == Next::Skip {
                continue;
            }
            self.due = self.worker.timer.now() + self.think(think);
            if next != Next::Step {
                return next;
            }
        }
        Next::Step
    }

    /// How long it thinks now.
    fn think(&self, think: Think) -> Duration {
        match think {
            Think::None | Think::Pacing(_) => Duration::ZERO,
            think => self.scope.draw(|rng| think_time(think, rng)),
        }
    }

    /// What most users do seldom is boxed: all users would carry the room for it.
    async fn step(&mut self, step: &Step, journey: &Journey) -> Next {
        match step {
            Step::Request(request) => self.request(request).await,
            Step::Parallel(parallel) => Box::pin(self.parallel(parallel)).await,
            Step::Meet(meet) => Box::pin(self.meet(meet)).await,
            Step::Let(bindings) => self.bind_for_journey(bindings, journey).await,
            Step::Steps(steps) => self.steps(steps, journey).await,
            Step::Repeat(repeat) => self.repeat(repeat, journey).await,
            Step::With { bindings, step } => self.with(bindings, step, journey).await,
            Step::Group(group) => Box::pin(self.group(group, journey)).await,
            Step::If { condition, step } => match self.evaluate(condition, journey) {
                Ok(value) if value.is_true() => Box::pin(self.step(step, journey)).await,
                Ok(_) => Next::Skip,
                Err(next) => next,
            },
            Step::Put(put) => match self.evaluate(&put.value, journey) {
                Ok(value) => {
                    self.worker.shared.put(put.queue, value);
                    Next::Step
                }
                Err(next) => next,
            },
            Step::Pause(time) => {
                self.due = Instant::now() + *time;
                if self.wait_until_due().await { Next::Step } else { Next::Stop }
            }
            Step::Poll(poll) if poll.background => {
                self.poll_in_background(poll);
                Next::Step
            }
            Step::Poll(poll) => {
                let asker = Asker {
                    client: self.worker.client(&self.connections, &self.jar, &self.digests),
                    timer: &self.worker.timer,
                    scope: &self.scope,
                    who: self.who,
                };
                let seen = Box::pin(until_visible(asker, poll, self.last)).await;
                self.waits += 1;
                self.due = Instant::now();
                let outcome = if seen { Outcome::Ok } else { Outcome::Failed };
                self.after(outcome, poll.request.continue_on_failure)
            }
            Step::Publish(publish) => Box::pin(self.publish(publish)).await,
            Step::Await(awaited) if awaited.background => {
                self.await_in_background(awaited);
                Next::Step
            }
            Step::Await(awaited) => {
                let waiter = waiter(&self.worker, &self.scope, self.who, self.last);
                let seen = Box::pin(until_seen(waiter, awaited)).await;
                self.waits += 1;
                self.due = Instant::now();
                let outcome = if seen { Outcome::Ok } else { Outcome::Failed };
                self.after(outcome, awaited.continue_on_failure)
            }
            Step::Socket(step) => Box::pin(self.socket(step)).await,
            Step::Choice(branches) => {
                let branch = self.scope.draw(|rng| draw_branch(branches, rng));
                match branch {
                    Some(branch) => self.steps(&branch.steps, journey).await.or_step(),
                    None => Next::Step,
                }
            }
        }
    }

    /// Waits until the next step is due; false if that lies past the load's end, or the run was stopped.
    async fn wait_until_due(&mut self) -> bool {
        if !self.worker.timer.has_passed(self.due) {
            self.waits += 1;
        }
        if self.groups > 0 {
            return self.worker.timer.sleep_until(self.due).await;
        }
        self.worker.wait_until(self.due).await
    }

    /// Pauses after a request that failed without waiting, so that it is not retried in a busy loop that starves
    /// other tasks; the pause grows with repetition.
    async fn rest(&mut self) {
        let time = REST_LEAST.saturating_mul(1 << self.rests.min(10)).min(REST_MOST);
        self.rests += 1;
        self.waits += 1;
        self.worker.timer.sleep_until(Instant::now() + time).await;
    }

    /// Notes that what a journey needs is not to be had.
    fn cannot_go_on(&self, journey: &Journey, reason: &str, next: Next) -> Next {
        unstarted::record(&self.worker.recording, self.who, journey, self.due, reason);
        next
    }

    /// Waits for other users; the next request then goes out together with theirs.
    async fn meet(&mut self, meet: &Meet) -> Next {
        if !self.wait_until_due().await {
            return Next::Stop;
        }
        self.waits += 1;
        let worker = Rc::clone(&self.worker);
        let all = meet.users.unwrap_or(worker.load.max_in_flight());
        let patience = Instant::now() + meet.within;
        let number = worker.shared.meet(meet.race, all, worker.wait_until(patience)).await;
        self.due = Instant::now();
        self.who.race = race(meet.race, number);
        Next::Step
    }

    async fn request(&mut self, request: &Request) -> Next {
        if !self.wait_until_due().await {
            return Next::Stop;
        }
        let client = self.worker.client(&self.connections, &self.jar, &self.digests);
        let ready = make_ready(client, request, &self.scope).await;
        let due = Due { request, who: self.who, scope: &self.scope, intended: self.due, keep_body: false };
        let ended = exchange(client, due, ready, |_| ()).await;
        self.who.race = Race::NONE;
        self.last = Cause { intended: self.due, done: ended.done };
        self.keep(ended.variables);
        if ended.is_sent {
            self.waits += 1;
            self.rests = 0;
        } else {
            self.rest().await;
        }
        self.after(ended.outcome, request.continue_on_failure)
    }

    async fn publish(&mut self, step: &Publish) -> Next {
        if !self.wait_until_due().await {
            return Next::Stop;
        }
        let Worker { brokers, recording, .. } = &*self.worker;
        let (outcome, done) = publish(brokers, recording, step, &self.scope, self.who, self.due).await;
        self.last = Cause { intended: self.due, done };
        if outcome == Outcome::Ok {
            self.waits += 1;
            self.rests = 0;
        } else {
            self.rest().await;
        }
        self.after(outcome, step.continue_on_failure)
    }

    /// Requests that wait for each other until all are ready, and then go out together.
    async fn parallel(&mut self, Parallel { race: of, requests }: &Parallel) -> Next {
        if !self.wait_until_due().await {
            return Next::Stop;
        }
        let (client, scope) = (self.worker.client(&self.connections, &self.jar, &self.digests), &self.scope);
        let preparations = requests.iter().map(|r| make_ready(client, r, scope));
        let ready = futures_util::future::join_all(preparations).await;
        let who = Who { race: race(*of, self.worker.next_race()), ..self.who };
        let released = Instant::now();
        let exchanges = requests.iter().zip(ready).map(|(request, ready)| {
            let due = Due { request, who, scope, intended: released, keep_body: false };
            exchange(client, due, ready, |_| ())
        });
        let ended = futures_util::future::join_all(exchanges).await;
        let mut next = Next::Step;
        let mut is_sent = false;
        self.last = Cause { intended: released, done: released };
        for (request, ended) in requests.iter().zip(ended) {
            self.last.done = self.last.done.max(ended.done);
            self.keep(ended.variables);
            is_sent |= ended.is_sent;
            if self.after(ended.outcome, request.continue_on_failure) == Next::Journey {
                next = Next::Journey;
            }
        }
        if is_sent {
            self.waits += 1;
            self.rests = 0;
        } else {
            self.rest().await;
        }
        next
    }

    /// Whether a journey goes on after something has ended so.
    fn after(&mut self, outcome: Outcome, continue_on_failure: bool) -> Next {
        if outcome.is_answered() {
            return Next::Step;
        }
        self.failures += 1;
        if continue_on_failure { Next::Step } else { Next::Journey }
    }

    /// Asks while the user goes on: on connections of their own, with its variables and cookies as
    /// they are now.
    fn poll_in_background(&self, poll: &Poll) {
        let (worker, poll, who, cause) = (Rc::clone(&self.worker), poll.clone(), self.who, self.last);
        let scope = self.scope.fork(worker.seeds.background(who.journey));
        let (jar, digests) = (self.jar.fork(), self.digests.clone());
        self.worker.background.spawn(async move {
            let client = worker.client(&worker.probes, &jar, &digests);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of the future of an asynchronous method.
    fn size<'a, F: Future>(_: impl FnOnce(&'a mut User, usize, Instance, Instant) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_user_at_work_takes_little_room() {
        // There may be tens of thousands: what is done seldom is boxed.
        let (user, work) = (size_of::<User>(), size(User::perform));
        assert!(user <= 400 && work <= 3000, "{user} {work}");
    }
}
