//! A virtual user: performs journeys step by step, and thinks in between.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use minijinja::value::Value;
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::connection::Connections;
use super::exchange::{Due, Who, exchange, make_ready};
use super::shared::Variables;
use super::worker::Worker;
use super::{event, poll, unstarted};
use crate::sample::{Key, Outcome, Race, UserClassId};
use crate::scenario::feeder::Turn;
use crate::scenario::journey::{
    Binding, BindingFrom, Branch, Journey, Meet, Parallel, Publish, Request, Step, Think, UserClass,
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
const NO_RECORD: &str = "no unused record left to feed it";

/// Someone who performs journeys.
pub(super) struct User {
    pub(super) worker: Rc<Worker>,
    pub(super) who: Who,
    pub(super) scope: Arc<Scope>,
    pub(super) connections: Connections,
    /// When the next request should be sent.
    due: Instant,
    turn: Turn,
    /// When the last answer was complete: where the wait for its effect begins.
    last_done: Instant,
    /// What its start-up journeys left behind, by user class.
    started: Vec<Option<Vec<(String, Value)>>>,
    /// The variables of the journey under way.
    kept: Vec<(String, Value)>,
}

impl User {
    pub(super) fn new(worker: &Rc<Worker>, number: u32, due: Instant) -> Self {
        worker.gauge.user_started();
        Self {
            worker: Rc::clone(worker),
            who: Who { user_class: UserClassId(0), user: number, journey: 0, race: Race::NONE },
            scope: Scope::new(0),
            connections: Connections::default(),
            due,
            turn: Turn { own: 0, of_all: number.into() },
            last_done: due,
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
                self.scope.reset(self.worker.seed([ONCE, place as u64]), &[]);
                // Boxed: few ever set things up, and all would carry the room for it.
                match Box::pin(self.walk(journey, Think::None)).await {
                    Next::Step => Ok(std::mem::take(&mut self.kept)),
                    next => Err(next),
                }
            })
            .await?;
        // The wait is nobody's slowness.
        self.due = self.due.max(Instant::now());
        Ok(variables)
    }

    /// Performs the start-up journey, whose variables stay for good.
    async fn start_up(&mut self, class: usize, journey: &Journey) -> Next {
        let seed = self.worker.seed([START_UP, class as u64, self.who.user.into()]);
        self.scope.reset(seed, &[]);
        let next = self.walk(journey, Think::None).await;
        self.started[class] = Some(std::mem::take(&mut self.kept));
        next
    }

    /// The steps of a journey, with thinking after each.
    async fn walk(&mut self, journey: &Journey, think: Think) -> Next {
        self.who.journey = self.worker.next_journey();
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
                poll::in_background(&self.worker, &self.scope, self.who, poll, self.last_done);
                Next::Step
            }
            Step::Poll(poll) => {
                let seen = poll::until_visible(self.poll_context(), poll, self.last_done).await;
                self.due = Instant::now();
                if seen || poll.request.continue_on_failure { Next::Step } else { Next::Journey }
            }
            Step::Repeat { times, steps } => self.repeat(*times, steps, journey).await,
            Step::Publish(publish) => self.publish(publish).await,
            Step::Await(awaited) if awaited.background => {
                event::in_background(&self.worker, &self.scope, self.who, awaited, self.last_done);
                Next::Step
            }
            Step::Await(awaited) => {
                let waiter = event::Waiter {
                    worker: &self.worker,
                    scope: &self.scope,
                    who: self.who,
                    since: self.last_done,
                };
                let seen = event::until_seen(waiter, awaited).await;
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
                        None if worker.schedule.is_over(self.due) => return Next::Stop,
                        None => {
                            let reason =
                                format!("nothing came into queue `{}`", worker.scenario.queues[*queue]);
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
        unstarted::record(&self.worker, self.who, journey, self.due, reason);
        next
    }

    /// Waits for other users; the next request then goes out together with theirs.
    async fn meet(&mut self, meet: &Meet) -> Next {
        if !self.worker.wait_until(self.due).await {
            return Next::Stop;
        }
        let worker = Rc::clone(&self.worker);
        let all = meet.users.unwrap_or(worker.load.places());
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
        let ready = make_ready(&self.worker, &self.connections, request, &self.scope).await;
        let due = Due { request, who: self.who, key: self.scope.key(), intended: self.due, keep_body: false };
        let ended = exchange(&self.worker, &self.connections, due, ready, |_| ()).await;
        self.who.race = Race::NONE;
        self.last_done = ended.done;
        self.keep(ended.variables);
        after(request, ended.outcome)
    }

    async fn publish(&mut self, publish: &Publish) -> Next {
        if !self.worker.wait_until(self.due).await {
            return Next::Stop;
        }
        let (outcome, done) = event::publish(&self.worker, publish, &self.scope, self.who, self.due).await;
        self.last_done = done;
        if outcome == Outcome::Ok || publish.continue_on_failure { Next::Step } else { Next::Journey }
    }

    /// Requests that wait for each other until all are ready, and then go out together.
    async fn parallel(&mut self, Parallel { race: of, requests }: &Parallel) -> Next {
        if !self.worker.wait_until(self.due).await {
            return Next::Stop;
        }
        let (worker, connections, scope) = (&self.worker, &self.connections, &self.scope);
        let preparations = requests.iter().map(|r| make_ready(worker, connections, r, scope));
        let ready = futures_util::future::join_all(preparations).await;
        let who = Who { race: race(*of, worker.next_race()), ..self.who };
        let released = Instant::now();
        let exchanges = requests.iter().zip(ready).map(|(request, ready)| {
            let due = Due { request, who, key: scope.key(), intended: released, keep_body: false };
            exchange(worker, connections, due, ready, |_| ())
        });
        let ended = futures_util::future::join_all(exchanges).await;
        let mut next = Next::Step;
        for (request, ended) in requests.iter().zip(ended) {
            self.last_done = self.last_done.max(ended.done);
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

    fn poll_context(&self) -> poll::Context<'_> {
        poll::Context {
            worker: &self.worker,
            connections: &self.connections,
            scope: &self.scope,
            who: self.who,
        }
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.worker.gauge.user_ended();
    }
}

/// Distinguish the seeds of start-up journeys, and of those performed once, from those of others.
const START_UP: u64 = u64::MAX;
const ONCE: u64 = u64::MAX - 1;

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

/// The journey that a user of a class performs next.
pub(super) fn draw_journey(class: &UserClass, rng: &mut Pcg64Mcg) -> usize {
    draw_weighted(class.journeys.iter().map(|(journey, weight)| (*journey, *weight)), rng).unwrap_or(0)
}

fn draw_branch<'a>(branches: &'a [Branch], rng: &mut Pcg64Mcg) -> Option<&'a Branch> {
    draw_weighted(branches.iter().map(|b| (b, b.probability)), rng)
}

/// One of several by weight; none of none.
pub(super) fn draw_weighted<T>(
    choices: impl Iterator<Item = (T, f64)> + Clone,
    rng: &mut Pcg64Mcg,
) -> Option<T> {
    let total: f64 = choices.clone().map(|(_, weight)| weight).sum();
    let mut left = rng.random::<f64>() * total;
    let mut last = None;
    for (choice, weight) in choices {
        left -= weight;
        last = Some(choice);
        if left < 0.0 {
            break;
        }
    }
    last
}

fn think_time(think: Think, rng: &mut Pcg64Mcg) -> Duration {
    match think {
        Think::None | Think::Pacing(_) => Duration::ZERO,
        Think::Constant(time) => time,
        Think::Uniform(from, to) => from + to.saturating_sub(from).mul_f64(rng.random::<f64>()),
        Think::Exponential(mean) => mean.mul_f64(exponential(rng)),
    }
}

/// A draw from the exponential distribution of mean 1.
pub(super) fn exponential(rng: &mut Pcg64Mcg) -> f64 {
    -(1.0 - rng.random::<f64>()).ln()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn choices_follow_their_weights() {
        let mut rng = Pcg64Mcg::seed_from_u64(1);
        let weights = [("a", 7.0), ("b", 3.0)];
        let a = (0..10_000).filter(|_| draw_weighted(weights.into_iter(), &mut rng) == Some("a")).count();
        assert!((6_800..7_200).contains(&a), "{a}");
    }

    #[test]
    fn think_times_have_their_mean_and_range() {
        let mut rng = Pcg64Mcg::seed_from_u64(2);
        let mean = |think, rng: &mut Pcg64Mcg| {
            (0..20_000).map(|_| think_time(think, rng).as_secs_f64()).sum::<f64>() / 20_000.0
        };
        let second = Duration::from_secs(1);
        assert!((mean(Think::Exponential(second), &mut rng) - 1.0).abs() < 0.03);
        assert!((mean(Think::Uniform(second / 2, second * 2), &mut rng) - 1.25).abs() < 0.03);
        assert!((mean(Think::Constant(second), &mut rng) - 1.0).abs() < 1e-9);
        assert!(mean(Think::Pacing(second), &mut rng).abs() < 1e-9);
    }
}
