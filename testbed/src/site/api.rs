//! The JSON API: items and orders.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{
        HeaderMap, StatusCode, Uri,
        header::{CONTENT_TYPE, LOCATION},
    },
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::{
    catalogue::{Item, euros},
    csrf,
    fields::{Fields, media_type},
    refusal::refusal,
    state::{Order, Site},
    whole::Whole,
};

const NOT_FOUND: &str = "Not found.";
const NO_SESSION: &str = "Authentication credentials were not provided.";

/// `GET /api/items?page=N&per_page=M`
pub(crate) async fn items(State(site): State<Arc<Site>>, uri: Uri) -> Response {
    let Some(page) = site.catalogue.page(&Fields::of_query(&uri)) else {
        return refusal(StatusCode::NOT_FOUND, "Invalid page.");
    };
    let link = |number: Option<u32>| {
        let to = |number| format!("\"/api/items?page={number}&per_page={}\"", page.size);
        number.map_or_else(|| "null".to_owned(), to)
    };
    let results: Vec<String> = page.items.iter().map(Item::json).collect();
    json(format!(
        r#"{{"count":{},"next":{},"previous":{},"results":[{}]}}"#,
        page.count,
        link(page.next()),
        link(page.previous()),
        results.join(","),
    ))
}

/// `GET /api/items/{id}`
pub(crate) async fn item(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Response {
    let item = id.parse().ok().and_then(|id| site.catalogue.item(id));
    item.map_or_else(|| refusal(StatusCode::NOT_FOUND, NOT_FOUND), |item| json(item.json()))
}

/// `POST /api/orders`
pub(crate) async fn place_order(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Response {
    let Some(user) = site.user(&headers) else { return refusal(StatusCode::FORBIDDEN, NO_SESSION) };
    if let Err(forged) = csrf::check(&headers, None) {
        return refusal(StatusCode::FORBIDDEN, format!("CSRF Failed: {forged}."));
    }
    let media_type = media_type(&headers);
    if media_type != "application/json" {
        let detail = format!("Unsupported media type \"{media_type}\" in request.");
        return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail);
    }
    match wanted(&site, &body) {
        Err(detail) => refusal(StatusCode::BAD_REQUEST, detail),
        Ok((item, quantity)) => {
            let total_cents = u64::from(item.price_cents) * u64::from(quantity);
            let order = site.place(|id| Order { id, user, item: item.id, quantity, total_cents });
            let location = [(LOCATION, format!("/api/orders/{}", order.id))];
            (StatusCode::CREATED, location, json(show(&order))).into_response()
        }
    }
}

/// Reads `{"item_id": …, "quantity": …}`; an id may be a number or text, but not a rounded number.
fn wanted<'a>(site: &'a Site, body: &[u8]) -> Result<(&'a Item, u32), String> {
    let body: Value = serde_json::from_slice(body).map_err(|error| format!("JSON parse error - {error}"))?;
    let id = &body["item_id"];
    let number = id.as_u64().or_else(|| id.as_str().and_then(|text| text.parse().ok()));
    let item = number.and_then(|id| site.catalogue.item(id));
    let item = item.ok_or_else(|| format!("Invalid item_id {id} - object does not exist."))?;
    let quantity = body["quantity"].as_u64().and_then(|quantity| u32::try_from(quantity).ok());
    let quantity = quantity.filter(|quantity| (1..=99).contains(quantity));
    Ok((item, quantity.ok_or("quantity must be a whole number from 1 to 99.")?))
}

/// `GET /api/orders/{id}`: for the user who placed it.
pub(crate) async fn order(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(user) = site.user(&headers) else { return refusal(StatusCode::FORBIDDEN, NO_SESSION) };
    let order = id.parse().ok().and_then(|id| site.order(id)).filter(|order| order.user == user);
    order.map_or_else(|| refusal(StatusCode::NOT_FOUND, NOT_FOUND), |order| json(show(&order)))
}

fn show(order: &Order) -> String {
    let Order { id, user, item, quantity, total_cents } = order;
    let (user, total) = (Value::from(user.as_str()), euros(*total_cents));
    format!(r#"{{"id":{id},"user":{user},"item_id":{item},"quantity":{quantity},"total":{total}}}"#)
}

/// JSON that is there as text, since its numbers have digits that a float would lose.
fn json(text: String) -> Response {
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}
