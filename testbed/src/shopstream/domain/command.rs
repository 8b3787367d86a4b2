//! What a command is, and what it makes of an aggregate.

use serde_json::{Value, json};

use super::Aggregate;
use crate::shopstream::{
    fields::{Field, Object},
    refusal::Refusal,
};

/// One thing that an aggregate can be asked to do: an endpoint and its rules.
pub(crate) struct Command {
    pub(crate) verb: Verb,
    pub(crate) path: &'static str,
    pub(crate) aggregate: &'static Aggregate,
    pub(crate) on: On,
    pub(crate) fields: &'static [Field],
    /// The states that it is allowed in; none stands for all.
    pub(crate) from: &'static [&'static str],
    /// The state that it leads to; none for one that stays, or is up to `then`.
    pub(crate) to: Option<&'static str>,
    /// Whether asking again, once in the state `to`, is answered as if it had been done now.
    pub(crate) repeatable: bool,
    pub(crate) event: &'static str,
    pub(crate) then: Then,
    /// The field whose value no other aggregate of this kind may have.
    pub(crate) unique: Option<&'static str>,
    /// The field that may name another aggregate of this kind, which then has to exist.
    pub(crate) parent: Option<&'static str>,
    /// The header of a signature that it needs.
    pub(crate) signature: Option<&'static str>,
    pub(crate) answer: Answer,
}

/// The method of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Post,
    Put,
    Delete,
}

/// Which aggregate a command is for.
#[derive(Clone, Copy)]
pub(crate) enum On {
    /// One that does not exist yet.
    New,
    /// The one whose id is `{id}` in the path.
    Path,
    /// The one whose id is this field of the body.
    Body(&'static str),
}

/// What a command does besides moving on to its next state.
#[derive(Clone, Copy)]
pub(crate) enum Then {
    /// Nothing.
    Nothing,
    /// Takes over every field given.
    TakeOver,
    /// Something that always works.
    Do(fn(&mut Act<'_>)),
    /// Something that a rule may forbid.
    Try(fn(&mut Act<'_>) -> Result<(), Refusal>),
}

impl Then {
    fn apply(self, act: &mut Act<'_>) -> Result<(), Refusal> {
        match self {
            Then::Nothing => {}
            Then::TakeOver => take_over(act),
            Then::Do(change) => change(act),
            Then::Try(change) => change(act)?,
        }
        Ok(())
    }
}

/// What a command answers when it was done.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// `{"status": text}`.
    Status(u16, &'static str),
    /// The id of the aggregate, in its id field.
    Id(u16),
    /// The id of what the change has made, in this field.
    Made(u16, &'static str),
}

/// What a change has at hand.
pub(crate) struct Act<'a> {
    /// The aggregate's state, to be changed.
    pub(crate) state: &'a mut Object,
    /// The checked body.
    pub(crate) input: &'a Object,
    /// `{part}` of the path: the id of an item, an address, a variant.
    pub(crate) part: Option<&'a str>,
    /// The state of the command's parent, where it names one.
    pub(crate) parent: Option<&'a Object>,
    /// The time to show.
    pub(crate) now: &'a str,
    /// Makes an id.
    pub(crate) new_id: fn() -> String,
    /// The event that will tell of it.
    pub(crate) event: &'static str,
    /// The id for [`Answer::Made`].
    pub(crate) made: Option<String>,
    /// Other aggregates that begin with this change.
    pub(crate) births: Vec<Birth>,
}

/// A new aggregate that another one's command has made.
pub(crate) struct Birth {
    pub(crate) aggregate: &'static Aggregate,
    pub(crate) id: String,
    pub(crate) state: Object,
    pub(crate) event: &'static str,
}

/// Everything that a decision depends on besides the command.
pub(crate) struct Given<'a> {
    pub(crate) id: &'a str,
    /// The aggregate's state; none where the command begins one.
    pub(crate) state: Option<Object>,
    pub(crate) input: &'a Object,
    pub(crate) part: Option<&'a str>,
    pub(crate) parent: Option<&'a Object>,
    pub(crate) now: &'a str,
    pub(crate) new_id: fn() -> String,
}

/// What follows from a command.
pub(crate) struct Decision {
    pub(crate) state: Object,
    pub(crate) event: &'static str,
    pub(crate) made: Option<String>,
    pub(crate) births: Vec<Birth>,
}

/// Decides a command; none when it was repeated and there is nothing to do.
pub(crate) fn decide(command: &Command, given: Given<'_>) -> Result<Option<Decision>, Refusal> {
    let mut state = match given.state {
        None => newborn(command.aggregate, given.id, given.input.clone(), given.now),
        Some(state) => {
            let status = status(&state);
            if command.repeatable && command.to == Some(status) {
                return Ok(None);
            }
            if !command.from.is_empty() && !command.from.contains(&status) {
                return Err(forbidden(status, command));
            }
            state
        }
    };
    let mut act = Act {
        state: &mut state,
        input: given.input,
        part: given.part,
        parent: given.parent,
        now: given.now,
        new_id: given.new_id,
        event: command.event,
        made: None,
        births: Vec::new(),
    };
    command.then.apply(&mut act)?;
    let Act { event, made, births, .. } = act;
    if let Some(to) = command.to {
        state.insert("status".to_owned(), to.into());
    }
    state.insert("updated_at".to_owned(), given.now.into());
    tell_timeline(&mut state, event, given.now);
    Ok(Some(Decision { state, event, made, births }))
}

/// The first state of an aggregate: what was asked for, its id and when it began.
pub(crate) fn newborn(aggregate: &Aggregate, id: &str, input: Object, now: &str) -> Object {
    let mut state = input;
    state.insert(aggregate.id.to_owned(), id.into());
    state.insert("created_at".to_owned(), now.into());
    state
}

/// Adds an event to the timeline of an aggregate that keeps one.
pub(crate) fn tell_timeline(state: &mut Object, event: &str, now: &str) {
    let status = state.get("status").cloned();
    if let Some(Value::Array(timeline)) = state.get_mut("timeline") {
        timeline.push(json!({"event_type": event, "status": status, "occurred_at": now}));
    }
}

/// Takes over every field that was given and is not null.
pub(crate) fn take_over(act: &mut Act<'_>) {
    for (field, value) in act.input.iter().filter(|(_, value)| !value.is_null()) {
        act.state.insert(field.clone(), value.clone());
    }
}

fn status(state: &Object) -> &str {
    state.get("status").and_then(Value::as_str).unwrap_or("")
}

fn forbidden(status: &str, command: &Command) -> Refusal {
    let message = match command.to {
        Some(to) => format!("Cannot transition from {status} to {to}"),
        None => format!("Not allowed while {status}"),
    };
    Refusal::rule("status", message)
}

/// A command that begins an aggregate, which is answered with its id.
pub(crate) const fn begin(aggregate: &'static Aggregate, path: &'static str, event: &'static str) -> Command {
    Command { on: On::New, answer: Answer::Id(201), ..command(Verb::Post, aggregate, path, event) }
}

/// A `POST` that changes an aggregate.
pub(crate) const fn post(aggregate: &'static Aggregate, path: &'static str, event: &'static str) -> Command {
    command(Verb::Post, aggregate, path, event)
}

/// A `PUT` that changes an aggregate.
pub(crate) const fn put(aggregate: &'static Aggregate, path: &'static str, event: &'static str) -> Command {
    command(Verb::Put, aggregate, path, event)
}

/// A `DELETE` that changes an aggregate.
pub(crate) const fn delete(
    aggregate: &'static Aggregate,
    path: &'static str,
    event: &'static str,
) -> Command {
    command(Verb::Delete, aggregate, path, event)
}

const fn command(
    verb: Verb,
    aggregate: &'static Aggregate,
    path: &'static str,
    event: &'static str,
) -> Command {
    Command {
        verb,
        path,
        aggregate,
        on: On::Path,
        fields: &[],
        from: &[],
        to: None,
        repeatable: false,
        event,
        then: Then::Nothing,
        unique: None,
        parent: None,
        signature: None,
        answer: Answer::Status(200, "ok"),
    }
}
