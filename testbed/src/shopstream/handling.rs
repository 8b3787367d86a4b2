//! From a command to what it changes: load, decide, commit.
//!
//! Nothing is held between loading and committing, so two commands for one aggregate can be
//! decided on the same version; the second to commit is refused as a conflict.

use std::thread;

use super::{
    Bug, Shop,
    domain::{self, Answer, Command, Given, On},
    fields::Object,
    refusal::Refusal,
    store::{Change, Commit},
};
use crate::clock;

/// A command with all that was said to it.
pub(crate) struct Instruction {
    pub(crate) command: &'static Command,
    pub(crate) id: String,
    pub(crate) part: Option<String>,
    pub(crate) input: Object,
    pub(crate) priority: i64,
}

/// What a command has done.
pub(crate) struct Done {
    /// The aggregate that it was for.
    pub(crate) id: String,
    /// The id for [`Answer::Made`].
    pub(crate) made: Option<String>,
}

/// An id that nothing else has.
pub(crate) fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Carries a command out, or says why not; then nothing has changed.
pub(crate) fn carry_out(shop: &Shop, instruction: Instruction) -> Result<Done, Refusal> {
    let Instruction { command, id, part, input, priority } = instruction;
    let context = shop.store.context(command.aggregate.domain);
    // Subtle: taken before anything is read, so that no reset comes between.
    let _age = shop.store.age();
    let load = |id: &str| {
        let found = context.load(command.aggregate, id)?;
        found.ok_or_else(|| Refusal::Unknown { kind: command.aggregate.name, id: id.to_owned() })
    };
    let (before, on_version) = match command.on {
        On::New => (None, 0),
        On::Path | On::Body(_) => load(&id).map(|(state, version)| (Some(state), version))?,
    };
    let text = |field: &str| input.get(field).and_then(serde_json::Value::as_str);
    let parent = match command.parent.and_then(text) {
        None => None,
        Some(parent) => Some(load(parent)?.0),
    };
    // Stands for what deciding a command asks of others, such as prices; no lock is held meanwhile.
    if !shop.config.command_cost.is_zero() {
        thread::sleep(shop.config.command_cost);
    }
    let now = clock::text(clock::now_us());
    let given = Given {
        id: &id,
        state: before.clone(),
        input: &input,
        part: part.as_deref(),
        parent: parent.as_ref(),
        now: &now,
        new_id,
    };
    let Some(decision) = domain::decide(command, given)? else {
        return Ok(Done { id, made: None });
    };
    let births = decision.births.iter().map(|birth| Change {
        aggregate: birth.aggregate,
        id: &birth.id,
        on_version: 0,
        before: None,
        state: &birth.state,
        event: birth.event,
    });
    let change = Change {
        aggregate: command.aggregate,
        id: &id,
        on_version,
        before: before.as_ref(),
        state: &decision.state,
        event: decision.event,
    };
    context.commit(&Commit {
        changes: births.chain([change]).collect(),
        unique: command.unique.map(|field| (field, text(field).unwrap_or(""))),
        priority,
        ignore_versions: shop.config.bug == Some(Bug::Oversell) && decision.event == domain::RESERVED,
    })?;
    debug_assert!(decision.made.is_some() || !matches!(command.answer, Answer::Made(..)));
    Ok(Done { id, made: decision.made })
}
