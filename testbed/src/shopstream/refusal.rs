//! Every way in which a request can be refused, and the answer to it.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// Why a request did not do what it asked for.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The body or query does not have the shape that the endpoint wants: one entry per problem.
    Schema(Vec<Value>),
    /// The shape is right, a rule of the domain forbids it.
    Rule {
        /// What the rule is about: a field, or `status` for a forbidden move.
        field: &'static str,
        /// What it says.
        message: String,
    },
    /// Less is in stock than is asked for.
    InsufficientStock {
        /// How much there is.
        available: i64,
        /// How much is asked for.
        asked: i64,
    },
    /// Somebody else has changed it since it was read.
    Conflict {
        /// What kind of thing.
        kind: &'static str,
        /// Its id.
        id: String,
    },
    /// There is no such thing, or its read model does not have it yet.
    Unknown {
        /// What kind of thing.
        kind: &'static str,
        /// The id asked for.
        id: String,
    },
    /// A webhook without its signature.
    Unsigned,
    /// The shop itself failed.
    Broken(String),
}

impl Refusal {
    /// A rule about one field.
    pub(crate) fn rule(field: &'static str, message: impl Into<String>) -> Refusal {
        Refusal::Rule { field, message: message.into() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, body) = match self {
            Refusal::Schema(problems) => (StatusCode::UNPROCESSABLE_ENTITY, json!({ "detail": problems })),
            Refusal::Rule { field, message } => {
                (StatusCode::BAD_REQUEST, json!({"error": {(field): [message]}}))
            }
            Refusal::Unknown { kind, id } => (
                StatusCode::NOT_FOUND,
                json!({"error": format!("`{kind}` object with identifier {id} does not exist.")}),
            ),
            Refusal::InsufficientStock { available, asked } => (
                StatusCode::UNPROCESSABLE_ENTITY,
                json!({"error": {"quantity": [format!("Insufficient stock: {available} available, {asked} requested")]}}),
            ),
            Refusal::Conflict { kind, id } => (
                StatusCode::CONFLICT,
                json!({"error": format!("Version conflict: `{kind}` object {id} has been changed meanwhile.")}),
            ),
            Refusal::Unsigned => (StatusCode::UNAUTHORIZED, json!({"detail": "Invalid signature"})),
            Refusal::Broken(cause) => {
                eprintln!("shopstream: {cause}");
                return (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error").into_response();
            }
        };
        (status, Json(body)).into_response()
    }
}
