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

use super::{Shop, off_the_runtime};
use crate::shopstream::{
    domain::{self, Answer, Command, On, Verb},
    fields,
    handling::{Done, Instruction, carry_out, new_id},
    lanes,
    refusal::Refusal,
};

const PRIORITY: &str = "x-processing-priority";

/// The one signature that the stand-in for a gateway makes.
const SIGNATURE: &str = "test-signature";

/// A route for every command.
pub(super) fn router() -> Router<Arc<Shop>> {
    domain::commands().fold(Router::new(), |router, command| {
        let accept = move |State(shop): State<Arc<Shop>>,
                           Path(path): Path<HashMap<String, String>>,
                           headers: HeaderMap,
                           body: Bytes| async move {
            off_the_runtime(move || {
                let instruction = read(command, path, &headers, &body, &shop)?;
                Ok(answer(command, &carry_out(&shop, instruction)?))
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

fn read(
    command: &'static Command,
    mut path: HashMap<String, String>,
    headers: &HeaderMap,
    body: &[u8],
    shop: &Shop,
) -> Result<Instruction, Refusal> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let input = fields::check(command.fields, body).map_err(Refusal::Schema)?;
    if command.signature.is_some_and(|name| header(name) != Some(SIGNATURE)) {
        return Err(Refusal::Unsigned);
    }
    let id = match command.on {
        On::New => new_id(),
        On::Path => path.remove("id").unwrap_or_default(),
        On::Body(field) => input.get(field).and_then(Value::as_str).unwrap_or("").to_owned(),
    };
    let priority = lanes::priority(header(PRIORITY).filter(|_| shop.config.honour_priority));
    Ok(Instruction { command, id, part: path.remove("part"), input, priority })
}

fn answer(command: &Command, done: &Done) -> Response {
    let (status, body) = match command.answer {
        Answer::Status(status, text) => (status, json!({ "status": text })),
        Answer::Id(status) => (status, json!({(command.aggregate.id): done.id})),
        Answer::Made(status, field) => (status, json!({(field): done.made})),
    };
    let status = StatusCode::from_u16(status).expect("the tables have statuses that exist");
    (status, Json(body)).into_response()
}
