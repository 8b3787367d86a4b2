//! Which steps a user performs, how often, and what their whole time is counted as.

use std::rc::Rc;
use std::time::Instant;

use minijinja::value::{Value, ValueKind};

use super::binding::Lasting;
use super::{Next, User};
use crate::load::group::Timed;
use crate::sample::Outcome;
use crate::scenario::journey::{Binding, Group, Journey, Repeat, Rounds, Step};
use crate::scenario::template::Computed;

/// Why a group has failed.
const STEP_FAILED: &str = "a step of the group failed";

impl User {
    /// Steps back to back.
    pub(super) async fn steps(&mut self, steps: &[Step], journey: &Journey) -> Next {
        let mut done = Next::Skip;
        for step in steps {
            match Box::pin(self.step(step, journey)).await {
                // Variables take no time: what follows them is due when they were.
                Next::Step if matches!(step, Step::Let(_)) => {}
                Next::Step => {
                    self.due = Instant::now();
                    done = Next::Step;
                }
                Next::Skip => {}
                next => return next,
            }
        }
        done
    }

    /// A step over and over.
    pub(super) async fn repeat(&mut self, Repeat { rounds, step }: &Repeat, journey: &Journey) -> Next {
        let mut done = Next::Skip;
        match rounds {
            Rounds::Times(times) => {
                for _ in 0..*times {
                    match self.round(step, journey).await {
                        Next::Skip => {}
                        Next::Step => done = Next::Step,
                        next => return next,
                    }
                }
            }
            Rounds::While { condition, most } => {
                for _ in 0..*most {
                    match self.evaluate(condition, journey) {
                        Ok(value) if value.is_true() => {}
                        Ok(_) => break,
                        Err(next) => return next,
                    }
                    match self.round(step, journey).await {
                        Next::Skip => {}
                        Next::Step => done = Next::Step,
                        next => return next,
                    }
                }
            }
            Rounds::Each { list, variable, most } => {
                let items = match self.evaluate(list, journey).and_then(|list| self.items(&list, journey)) {
                    Ok(items) => items,
                    Err(next) => return next,
                };
                let before = self.scope.get(variable);
                for item in items.into_iter().take(*most as usize) {
                    self.scope.set(variable, &item);
                    match self.round(step, journey).await {
                        Next::Skip => {}
                        Next::Step => done = Next::Step,
                        next => return next,
                    }
                }
                self.restore(variable, before);
            }
        }
        done
    }

    /// One of several performances of a step.
    async fn round(&mut self, step: &Step, journey: &Journey) -> Next {
        let waits = self.waits;
        let next = Box::pin(self.step(step, journey)).await;
        if next == Next::Step {
            self.due = Instant::now();
        }
        if self.waits == waits {
            // Many rounds that wait for nothing would let nobody else have a turn.
            tokio::task::yield_now().await;
        }
        next
    }

    /// The items of a list.
    fn items(&self, list: &Value, journey: &Journey) -> Result<Vec<Value>, Next> {
        let is_list = matches!(list.kind(), ValueKind::Seq | ValueKind::Iterable | ValueKind::None);
        match list.try_iter() {
            Ok(items) if is_list => Ok(items.collect()),
            _ => {
                let reason = format!("`for_each` needs a list, not a {}", list.kind());
                Err(self.cannot_go_on(journey, &reason, Next::Journey))
            }
        }
    }

    /// A step with variables that end with it.
    pub(super) async fn with(&mut self, bindings: &[Binding], step: &Step, journey: &Journey) -> Next {
        let before: Vec<Option<Value>> =
            bindings.iter().map(|binding| self.scope.get(&binding.variable)).collect();
        let next = match self.bind(bindings, journey, Lasting::Step).await {
            Next::Step => Box::pin(self.step(step, journey)).await,
            next => next,
        };
        for (binding, before) in bindings.iter().zip(before) {
            self.restore(&binding.variable, before);
        }
        next
    }

    fn restore(&self, variable: &str, before: Option<Value>) {
        match before {
            Some(value) => self.scope.set(variable, &value),
            None => self.scope.unset(variable),
        }
    }

    /// Steps whose whole time is a sample. What has begun when the load ends is finished within its
    /// grace, as a request is.
    pub(super) async fn group(&mut self, Group { endpoint, step }: &Group, journey: &Journey) -> Next {
        if !self.wait_until_due().await {
            return Next::Stop;
        }
        let worker = Rc::clone(&self.worker);
        let mut timed = Timed::begin(&worker.recording, *endpoint, self.who, self.scope.key(), self.due);
        let failures = self.failures;
        self.groups += 1;
        let next = Box::pin(self.step(step, journey)).await;
        self.groups -= 1;
        match next {
            Next::Stop => {}
            _ if self.failures > failures || next == Next::Journey => {
                timed.end(Outcome::Failed, Some(STEP_FAILED));
            }
            _ => timed.end(Outcome::Ok, None),
        }
        next.or_step()
    }

    /// What a value is for this user now; a journey that cannot have it ends.
    pub(super) fn evaluate(&self, computed: &Computed, journey: &Journey) -> Result<Value, Next> {
        let value = self.worker.scenario.templates.evaluate(computed, &self.scope);
        value.map_err(|error| self.cannot_go_on(journey, &error.to_string(), Next::Journey))
    }
}
