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
    /// There is no such thing, or its read model does not have it yet.
    Unknown {
        /// What kind of thing.
        kind: &'static str,
        /// The id asked for.
        id: String,
    },
    /// A webhook without the gateway's signature.
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
            Refusal::Unsigned => (StatusCode::UNAUTHORIZED, json!({"detail": "Invalid gateway signature"})),
            Refusal::Broken(cause) => {
                eprintln!("shopstream: {cause}");
                return (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error").into_response();
            }
        };
        (status, Json(body)).into_response()
    }
}
