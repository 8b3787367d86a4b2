//! Variables of journeys and steps: where their values come from, and how long they last.

use std::rc::Rc;
use std::time::{Duration, Instant};

use minijinja::value::Value;

use super::{Next, User};
use crate::sample::Key;
use crate::scenario::journey::{Binding, BindingFrom, Journey};

/// Why a journey cannot go on.
const NO_RECORD: &str = "no unused record left";

/// How long variables last.
#[derive(Clone, Copy)]
pub(super) enum Lasting {
    Journey,
    Step,
}

impl User {
    /// Sets variables of the journey.
    pub(super) async fn bind_for_journey(&mut self, bindings: &[Binding], journey: &Journey) -> Next {
        self.bind(bindings, journey, Lasting::Journey).await
    }

    /// Sets variables; a feeder that has run dry ends the user.
    pub(super) async fn bind(&mut self, bindings: &[Binding], journey: &Journey, lasting: Lasting) -> Next {
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
                BindingFrom::Take { queue, within } => match Box::pin(self.take(*queue, *within)).await {
                    Some(value) => value,
                    None if worker.recording.schedule.is_over(self.due) => return Next::Stop,
                    None => {
                        let reason = format!("queue `{}` stayed empty", worker.scenario.queues[*queue]);
                        return self.cannot_go_on(journey, &reason, Next::Journey);
                    }
                },
                BindingFrom::Value(computed) => match self.evaluate(computed, journey) {
                    Ok(value) => value,
                    Err(next) => return next,
                },
            };
            match lasting {
                Lasting::Journey => self.keep([(variable.clone(), value)]),
                Lasting::Step => self.scope.set(variable, &value),
            }
        }
        Next::Step
    }

    /// The next item of a queue, as soon as there is one; none if that takes too long.
    async fn take(&mut self, queue: usize, within: Duration) -> Option<Value> {
        self.waits += 1;
        let given_up = Instant::now() + within;
        let worker = Rc::clone(&self.worker);
        let value = tokio::select! {
            value = worker.shared.take(queue) => Some(value),
            _ = worker.wait_until(given_up) => None,
        };
        self.due = self.due.max(Instant::now());
        value
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

    pub(super) fn keep(&mut self, variables: impl IntoIterator<Item = (String, Value)>) {
        for (name, value) in variables {
            self.scope.set(&name, &value);
            self.kept.push((name, value));
        }
    }
}
