//! The whole body of a request, up to the shop's limit.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::StatusCode,
    response::Response,
};

use super::refusal::refusal;

/// The whole body of a request; a longer one than the limit is refused with 413.
pub(crate) struct Whole(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Whole {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Whole, Response> {
        let body = Bytes::from_request(request, state).await;
        body.map(Whole).map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => refusal(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long"),
            status => refusal(status, rejection.body_text()),
        })
    }
}
