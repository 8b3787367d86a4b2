//! Endpoints that change something: check the body, decide, write, answer.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{MethodFilter, on},
};
use serde_json::{Value, json};

use super::{Shop, new_id, off_the_runtime};
use crate::shopstream::{
    clock,
    domain::{self, Answer, Command, Given, On, Verb},
    fields::{self, Object},
    lanes,
    refusal::Refusal,
    store::{Change, Session},
};

const PRIORITY: &str = "x-processing-priority";
const SIGNATURE: &str = "x-gateway-signature";

/// The one signature that the stand-in for a gateway makes.
const GATEWAY_SIGNATURE: &str = "test-signature";

/// A route for every command.
pub(super) fn router() -> Router<Arc<Shop>> {
    domain::commands().fold(Router::new(), |router, command| {
        let accept = move |State(shop): State<Arc<Shop>>,
                           Path(path): Path<HashMap<String, String>>,
                           headers: HeaderMap,
                           body: Bytes| async move {
            off_the_runtime(move || {
                let instruction = Instruction::read(command, path, &headers, &body, &shop)?;
                shop.store.write(|session| instruction.carry_out(session))
            })
            .await
        };
        router.route(command.path, on(method(command.verb), accept))
    })
}

fn method(verb: Verb) -> MethodFilter {
    match verb {
        Verb::Post => MethodFilter::POST,
        Verb::Put => MethodFilter::PUT,
        Verb::Delete => MethodFilter::DELETE,
    }
}

/// A command with all that a request said to it.
struct Instruction {
    command: &'static Command,
    id: String,
    part: Option<String>,
    input: Object,
    priority: i64,
}

impl Instruction {
    fn read(
        command: &'static Command,
        mut path: HashMap<String, String>,
        headers: &HeaderMap,
        body: &[u8],
        shop: &Shop,
    ) -> Result<Instruction, Refusal> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let input = fields::check(command.fields, body).map_err(Refusal::Schema)?;
        if command.signed && header(SIGNATURE) != Some(GATEWAY_SIGNATURE) {
            return Err(Refusal::Unsigned);
        }
        let id = match command.on {
            On::New => new_id(),
            On::Path => path.remove("id").unwrap_or_default(),
            On::Body(field) => text(&input, field).to_owned(),
        };
        let header = header(PRIORITY).filter(|_| shop.config.honour_priority);
        Ok(Instruction { command, id, part: path.remove("part"), input, priority: lanes::priority(header) })
    }

    /// Decides the command inside a transaction, and writes what follows.
    fn carry_out(&self, session: &mut Session<'_>) -> Result<Response, Refusal> {
        let command = self.command;
        let (state, version) = match command.on {
            On::New => (None, 0),
            On::Path | On::Body(_) => {
                let (state, version) = self.load(session, &self.id)?;
                (Some(state), version)
            }
        };
        self.claim_unique_value(session)?;
        let parent = self.parent(session)?;
        let now = clock::text(clock::now_us());
        let given = Given {
            id: &self.id,
            state,
            input: &self.input,
            part: self.part.as_deref(),
            parent: parent.as_ref(),
            now: &now,
            new_id,
        };
        let Some(decision) = domain::decide(command, given)? else {
            return Ok(self.answer(None));
        };
        for birth in &decision.births {
            session.record(&Change {
                aggregate: birth.aggregate,
                id: &birth.id,
                version: 1,
                state: &birth.state,
                event: birth.event,
                priority: self.priority,
            })?;
        }
        session.record(&Change {
            aggregate: command.aggregate,
            id: &self.id,
            version: version + 1,
            state: &decision.state,
            event: decision.event,
            priority: self.priority,
        })?;
        Ok(self.answer(decision.made.as_deref()))
    }

    fn load(&self, session: &Session<'_>, id: &str) -> Result<(Object, i64), Refusal> {
        let aggregate = self.command.aggregate;
        session
            .load(aggregate, id)?
            .ok_or_else(|| Refusal::Unknown { kind: aggregate.name, id: id.to_owned() })
    }

    fn parent(&self, session: &Session<'_>) -> Result<Option<Object>, Refusal> {
        let field = self.command.parent.and_then(|field| self.input.get(field));
        match field.and_then(Value::as_str) {
            None => Ok(None),
            Some(id) => Ok(Some(self.load(session, id)?.0)),
        }
    }

    fn claim_unique_value(&self, session: &Session<'_>) -> Result<(), Refusal> {
        let Some(field) = self.command.unique else {
            return Ok(());
        };
        let value = text(&self.input, field);
        if session.claim(field, value)? {
            return Ok(());
        }
        let kind = self.command.aggregate.name;
        let message = format!("{kind} with {field} '{value}' is already present.");
        Err(Refusal::rule(field, message))
    }

    fn answer(&self, made: Option<&str>) -> Response {
        let (status, body) = match self.command.answer {
            Answer::Status(status, text) => (status, json!({ "status": text })),
            Answer::Id(status) => (status, json!({(self.command.aggregate.id): self.id})),
            Answer::Made(status, field) => (status, json!({(field): made})),
        };
        let status = StatusCode::from_u16(status).expect("the tables have statuses that exist");
        (status, Json(body)).into_response()
    }
}

fn text<'a>(object: &'a Object, field: &str) -> &'a str {
    object.get(field).and_then(Value::as_str).unwrap_or("")
}
