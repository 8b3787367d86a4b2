//! Reads of many things.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Shop, off_the_runtime,
    views::{ORDER_SUMMARY, find, pick},
};
use crate::shopstream::{
    domain,
    fields::{Object, problem},
    refusal::Refusal,
    store::{Filter, Page},
};

const PAGE_SIZE: u64 = 20;
const LARGEST_PAGE: u64 = 100;

const PRODUCT_CARD: &[&str] = &[
    "product_id",
    "sku",
    "title",
    "brand",
    "category_id",
    "primary_image_url",
    "min_price",
    "max_price",
    "currency",
    "status",
    "variant_count",
    "created_at",
];

const CATEGORY: &[&str] =
    &["category_id", "name", "parent_category_id", "level", "is_active", "display_order", "breadcrumb"];

pub(super) fn router() -> Router<Arc<Shop>> {
    Router::new()
        .route("/products", get(products))
        .route("/orders", get(orders))
        .route("/categories", get(categories))
        .route("/categories/{id}/products", get(category_products))
}

/// What a list can be asked for. Numbers are read as text, so that a wrong one is refused in the
/// shop's own words.
#[derive(Deserialize)]
struct ListQuery {
    category_id: Option<String>,
    customer_id: Option<String>,
    status: Option<String>,
    page: Option<String>,
    page_size: Option<String>,
}

type Shared = State<Arc<Shop>>;

async fn products(State(shop): Shared, Query(query): Query<ListQuery>) -> Result<Response, Refusal> {
    off_the_runtime(move || {
        let parent = query.category_id.as_deref();
        show_page(&shop, "product", parent, &query, PRODUCT_CARD)
    })
    .await
}

async fn orders(State(shop): Shared, Query(query): Query<ListQuery>) -> Result<Response, Refusal> {
    off_the_runtime(move || {
        let Some(customer) = &query.customer_id else {
            let place = ["query".into(), "customer_id".into()];
            let missing = problem("missing", &place, "Field required", &Value::Null);
            return Err(Refusal::Schema(vec![missing]));
        };
        show_page(&shop, "order", Some(customer), &query, ORDER_SUMMARY)
    })
    .await
}

async fn categories(State(shop): Shared) -> Result<Response, Refusal> {
    off_the_runtime(move || {
        let filter = Filter { kind: "category", parent: None, status: None };
        let Page { views, .. } = shop.store.context(domain_of(filter.kind)).list(&filter, 0, u64::MAX)?;
        let rows = views
            .iter()
            .map(|category| {
                let mut row = pick(category, CATEGORY);
                let products = product_count(&shop, category)?;
                row.insert("product_count".to_owned(), products.into());
                Ok(row)
            })
            .collect::<Result<Vec<Object>, Refusal>>()?;
        Ok(Json(rows).into_response())
    })
    .await
}

async fn category_products(State(shop): Shared, Path(id): Path<String>) -> Result<Response, Refusal> {
    off_the_runtime(move || {
        let category = find(&shop, "category", &id)?;
        let filter = Filter { kind: "product", parent: Some(&id), status: None };
        let Page { views, total } =
            shop.store.context(domain_of(filter.kind)).list(&filter, 0, LARGEST_PAGE)?;
        let products: Vec<Object> = views.iter().map(|view| pick(view, PRODUCT_CARD)).collect();
        let body = json!({
            "category_id": id,
            "category_name": category.get("name"),
            "product_count": total,
            "products": products,
        });
        Ok(Json(body).into_response())
    })
    .await
}

fn product_count(shop: &Shop, category: &Object) -> Result<u64, Refusal> {
    let filter =
        Filter { kind: "product", parent: category.get("category_id").and_then(Value::as_str), status: None };
    Ok(shop.store.context(domain_of(filter.kind)).count_views(&filter)?)
}

fn show_page(
    shop: &Shop,
    kind: &'static str,
    parent: Option<&str>,
    query: &ListQuery,
    fields: &[&str],
) -> Result<Response, Refusal> {
    let number = page_number("page", query.page.as_deref(), 1, u64::from(u32::MAX))?;
    let size = page_number("page_size", query.page_size.as_deref(), PAGE_SIZE, LARGEST_PAGE)?;
    let filter = Filter { kind, parent, status: query.status.as_deref() };
    let Page { views, total } =
        shop.store.context(domain_of(filter.kind)).list(&filter, (number - 1) * size, size)?;
    let pages = total.div_ceil(size);
    let items: Vec<Object> = views.iter().map(|view| pick(view, fields)).collect();
    let body = json!({
        "items": items,
        "total": total,
        "page": number,
        "page_size": size,
        "total_pages": pages,
        "has_next": number < pages,
        "has_prev": number > 1,
    });
    Ok(Json(body).into_response())
}

fn domain_of(kind: &str) -> &'static str {
    domain::aggregate(kind).expect("lists are of known aggregates").domain
}

/// A query parameter between 1 and `most`.
fn page_number(name: &str, given: Option<&str>, preset: u64, most: u64) -> Result<u64, Refusal> {
    let Some(given) = given else {
        return Ok(preset);
    };
    let number = given.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| {
        let message = format!("Input should be a valid integer from 1 to {most}");
        let place = ["query".into(), name.into()];
        Refusal::Schema(vec![problem("int_parsing", &place, &message, &given.into())])
    })
}
