//! Reads of one thing: 404 until an engine has projected it.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    response::IntoResponse,
    routing::get,
};
use serde_json::Value;

use super::{Shop, off_the_runtime};
use crate::shopstream::{domain, fields::Object, refusal::Refusal};

/// A read of one thing: which, and what of it is shown.
struct View {
    path: &'static str,
    kind: &'static str,
    fields: &'static [&'static str],
}

const VIEWS: [View; 8] = [
    View {
        path: "/customers/{id}",
        kind: "customer",
        fields: &[
            "customer_id",
            "external_id",
            "email",
            "first_name",
            "last_name",
            "phone",
            "status",
            "tier",
            "registered_at",
        ],
    },
    View { path: "/customers/{id}/addresses", kind: "customer", fields: &["customer_id", "addresses"] },
    View {
        path: "/products/{id}",
        kind: "product",
        fields: &[
            "product_id",
            "sku",
            "seller_id",
            "title",
            "description",
            "category_id",
            "brand",
            "attributes",
            "visibility",
            "status",
            "variants",
            "images",
            "slug",
            "meta_title",
            "meta_description",
            "created_at",
            "updated_at",
        ],
    },
    View {
        path: "/carts/{id}",
        kind: "shopping_cart",
        fields: &[
            "cart_id",
            "customer_id",
            "session_id",
            "items",
            "coupons",
            "status",
            "item_count",
            "order_id",
            "created_at",
            "updated_at",
        ],
    },
    View {
        path: "/orders/{id}",
        kind: "order",
        fields: &[
            "order_id",
            "customer_id",
            "status",
            "items",
            "item_count",
            "shipping_address",
            "billing_address",
            "subtotal",
            "shipping_cost",
            "tax_total",
            "discount_total",
            "grand_total",
            "currency",
            "coupon_code",
            "payment_id",
            "payment_method",
            "payment_status",
            "payment_amount",
            "shipment_id",
            "carrier",
            "tracking_number",
            "estimated_delivery",
            "cancellation_reason",
            "cancelled_by",
            "return_reason",
            "refund_amount",
            "created_at",
            "updated_at",
        ],
    },
    View { path: "/orders/{id}/summary", kind: "order", fields: ORDER_SUMMARY },
    View { path: "/orders/{id}/timeline", kind: "order", fields: &["order_id", "timeline"] },
    View {
        path: "/payments/{id}",
        kind: "payment",
        fields: &[
            "payment_id",
            "order_id",
            "customer_id",
            "amount",
            "currency",
            "payment_method_type",
            "last4",
            "status",
            "attempt_count",
            "failure_reason",
            "gateway_transaction_id",
            "total_refunded",
            "refunds",
            "created_at",
            "updated_at",
        ],
    },
];

/// What is shown of an order where there are many.
pub(super) const ORDER_SUMMARY: &[&str] = &[
    "order_id",
    "customer_id",
    "status",
    "item_count",
    "grand_total",
    "currency",
    "created_at",
    "updated_at",
];

/// A route for every view.
pub(super) fn router() -> Router<Arc<Shop>> {
    VIEWS.iter().fold(Router::new(), |router, view| {
        let show = move |State(shop): State<Arc<Shop>>, Path(id): Path<String>| async move {
            off_the_runtime(move || {
                let found = find(&shop, view.kind, &id)?;
                Ok(Json(pick(&found, view.fields)).into_response())
            })
            .await
        };
        router.route(view.path, get(show))
    })
}

/// The read model of this kind and id.
pub(super) fn find(shop: &Shop, kind: &str, id: &str) -> Result<Object, Refusal> {
    let aggregate = domain::aggregate(kind).expect("views are of known aggregates");
    let found = shop.store.context(aggregate.domain).view(kind, id)?;
    found.ok_or_else(|| Refusal::Unknown { kind: aggregate.name, id: id.to_owned() })
}

/// These fields of a read model; those that it does not have are null.
pub(super) fn pick(model: &Object, fields: &[&str]) -> Object {
    let value = |field: &str| model.get(field).cloned().unwrap_or(Value::Null);
    fields.iter().map(|field| ((*field).to_owned(), value(field))).collect()
}
