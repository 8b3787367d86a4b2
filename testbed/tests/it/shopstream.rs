//! The shop's contract over HTTP: statuses, bodies, read models that come later, reset.

use crate::support;
use std::time::Duration;

use serde_json::{Value, json};
use support::{Answer, Client, header, wait_for};
use testbed::shopstream::{self, Config};

fn open() -> (shopstream::Running, Client) {
    let shop = shopstream::spawn(Config { event_cost: Duration::ZERO, ..Config::default() }).unwrap();
    let client = Client::new(shop.address()).with("content-type", "application/json");
    (shop, client)
}

fn customer(external_id: &str) -> Value {
    json!({
        "external_id": external_id, "email": "ada@example.com",
        "first_name": "Ada", "last_name": "Byron",
    })
}

fn order() -> Value {
    let address = json!({
        "street": "123 Main St", "city": "NYC", "state": "NY",
        "postal_code": "10001", "country": "US",
    });
    let item = json!({
        "product_id": "p1", "variant_id": "v1", "sku": "TEST-001", "title": "Test Product",
        "quantity": 1, "unit_price": 29.99,
    });
    json!({
        "customer_id": "c1", "items": [item], "shipping_address": address,
        "billing_address": address, "shipping_cost": 5.99, "tax_total": 3.0,
        "discount_total": 0, "currency": "USD",
    })
}

fn created(answer: &Answer, id: &str) -> String {
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.field(id)
}

fn projected(client: &mut Client, path: &str) -> Value {
    wait_for(path, || {
        let answer = client.get(path);
        (answer.status == 200).then(|| answer.json())
    })
}

fn projected_with_status(client: &mut Client, path: &str, status: &str) -> Value {
    wait_for(status, || {
        let view = client.get(path);
        (view.status == 200 && view.json()["status"] == status).then(|| view.json())
    })
}

#[test]
fn a_customer_lives_from_registration_to_closing() {
    let (_shop, mut client) = open();
    let id = created(&client.post("/customers", &customer("E-1")), "customer_id");
    let at = |rest: &str| format!("/customers/{id}{rest}");
    let ok = |answer: Answer| {
        assert_eq!((answer.status, answer.json()), (200, json!({"status": "ok"})));
    };
    ok(client.put(&at("/profile"), &json!({"first_name": "Augusta", "phone": "+1-555-234-5678"})));
    let address = json!({
        "label": "Home", "street": "1 A St", "city": "B", "state": "CA", "postal_code": "94000",
        "country": "US", "geo_lat": "37.7", "geo_lng": "-122.4",
    });
    assert_eq!(client.post(&at("/addresses"), &address).status, 201);
    ok(client.put(&at("/tier"), &json!({"new_tier": "Silver"})));
    ok(client.put(&at("/suspend"), &json!({"reason": "why not"})));
    let again = client.put(&at("/suspend"), &json!({"reason": "again"}));
    assert_eq!(again.status, 400);
    assert_eq!(again.json(), json!({"error": {"status": ["Cannot transition from Suspended to Suspended"]}}));
    ok(client.put(&at("/reactivate"), &json!({})));
    ok(client.put(&at("/close"), &json!({})));

    let view = projected_with_status(&mut client, &at(""), "Closed");
    assert_eq!(view["first_name"], "Augusta");
    assert_eq!(view["tier"], "Silver");
    assert_eq!(view["external_id"], "E-1");
    let addresses = client.get(&at("/addresses")).json();
    assert_eq!(addresses["addresses"][0]["city"], "B");
    let address_id = addresses["addresses"][0]["address_id"].as_str().unwrap();
    let path = at(&format!("/addresses/{address_id}"));
    ok(client.send("DELETE", &path, "").unwrap());
    assert_eq!(client.send("DELETE", &path, "").unwrap().status, 400);
}

#[test]
fn what_is_wrong_with_a_request_is_told_in_the_body() {
    let (_shop, mut client) = open();
    let missing = client.post("/customers", &json!({"external_id": 5}));
    assert_eq!(missing.status, 422);
    let detail = missing.json()["detail"].clone();
    assert_eq!(detail[0]["type"], "string_type");
    assert_eq!(detail[1]["loc"], json!(["body", "email"]));
    assert_eq!(detail.as_array().unwrap().len(), 4);

    let mut no_email = customer("E-1");
    no_email["email"] = "ada".into();
    let answer = client.post("/customers", &no_email);
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"]["email"][0], "Invalid email address: ada");

    created(&client.post("/customers", &customer("E-1")), "customer_id");
    let twice = client.post("/customers", &customer("E-1"));
    assert_eq!(twice.status, 400);
    assert!(twice.json()["error"]["external_id"].is_array());

    let unknown = client.put("/orders/nobody/confirm", &json!({}));
    assert_eq!(unknown.status, 404);
    let message = "`Order` object with identifier nobody does not exist.";
    assert_eq!(unknown.json(), json!({ "error": message }));
    assert_eq!(client.get("/orders/nobody").json(), json!({ "error": message }));

    let no_route = client.get("/nowhere");
    assert_eq!((no_route.status, no_route.json()), (404, json!({"detail": "Not Found"})));
    let no_method = client.send("DELETE", "/customers", "").unwrap();
    assert_eq!(no_method.status, 405);
    assert_eq!(no_method.json(), json!({"detail": "Method Not Allowed"}));
    assert_eq!(client.get("/orders").json()["detail"][0]["loc"], json!(["query", "customer_id"]));
    assert_eq!(client.get("/products?page=0").status, 422);
}

#[test]
fn an_order_goes_from_created_to_completed() {
    let (_shop, mut client) = open();
    let id = created(&client.post("/orders", &order()), "order_id");
    let at = |rest: &str| format!("/orders/{id}{rest}");
    let early = client
        .put(&at("/payment/success"), &json!({"payment_id": "p", "amount": 1.0, "payment_method": "card"}));
    assert_eq!(early.status, 400);
    let shipment = json!({"shipment_id": "s", "carrier": "UPS", "tracking_number": "T"});
    let payment = json!({"payment_id": "p", "amount": 38.98, "payment_method": "card"});
    for (step, body) in [
        ("/confirm", json!({})),
        ("/payment/pending", payment.clone()),
        ("/payment/success", payment),
        ("/processing", json!({})),
        ("/ship", shipment),
        ("/deliver", json!({})),
        ("/complete", json!({})),
    ] {
        let answer = client.put(&at(step), &body);
        assert_eq!(answer.status, 200, "{step}: {answer:?}");
    }
    let view = projected_with_status(&mut client, &at(""), "Completed");
    assert_eq!(view["grand_total"], 38.98);
    assert_eq!(view["carrier"], "UPS");
    assert!(view["items"][0]["id"].is_string());
    let timeline = client.get(&at("/timeline")).json();
    assert_eq!(timeline["timeline"].as_array().unwrap().len(), 8);
    let page = client.get("/orders?customer_id=c1&status=Completed").json();
    assert_eq!(page["total"], 1);
    assert_eq!(page["items"][0]["order_id"], Value::from(id));
    assert_eq!(client.get("/orders?customer_id=c2").json()["total"], 0);
}

#[test]
fn an_order_can_be_cancelled_twice_and_refunded() {
    let (_shop, mut client) = open();
    let id = created(&client.post("/orders", &order()), "order_id");
    let cancel = json!({"reason": "changed my mind", "cancelled_by": "customer"});
    for _ in 0..2 {
        assert_eq!(client.put(&format!("/orders/{id}/cancel"), &cancel).status, 200);
    }
    let refund = client.put(&format!("/orders/{id}/refund"), &json!({"refund_amount": null}));
    assert_eq!(refund.status, 200, "{refund:?}");
    let view = projected_with_status(&mut client, &format!("/orders/{id}"), "Refunded");
    assert_eq!(view["refund_amount"], 38.98);
}

#[test]
fn a_product_is_built_and_listed() {
    let (_shop, mut client) = open();
    let root = created(&client.post("/categories", &json!({"name": "Root"})), "category_id");
    let child = json!({"name": "Child", "parent_category_id": root});
    let child = created(&client.post("/categories", &child), "category_id");
    let lost = json!({"name": "Lost", "parent_category_id": "nowhere"});
    assert_eq!(client.post("/categories", &lost).status, 404);

    let product = json!({"sku": "PROD-1A2B", "title": "Lamp", "category_id": child});
    let id = created(&client.post("/products", &product), "product_id");
    let at = |rest: &str| format!("/products/{id}{rest}");
    assert_eq!(client.put(&at("/activate"), &json!({})).status, 400, "no variant yet");
    for price in [19.99, 9.99] {
        let variant = json!({"variant_sku": "VAR-1", "base_price": price});
        assert_eq!(client.post(&at("/variants"), &variant).status, 201);
    }
    let free = json!({"variant_sku": "VAR-1", "base_price": 0});
    assert_eq!(client.post(&at("/variants"), &free).status, 400);
    let image = json!({"url": "https://cdn.example/1.jpg", "is_primary": true});
    assert_eq!(client.post(&at("/images"), &image).status, 201);
    assert_eq!(client.put(&at("/activate"), &json!({})).status, 200);

    let view = projected_with_status(&mut client, &at(""), "Active");
    assert_eq!(view["variants"].as_array().unwrap().len(), 2);
    let page = client.get("/products?status=Active&page_size=1").json();
    assert_eq!(page["total_pages"], 1);
    assert_eq!(page["has_next"], false);
    let card = &page["items"][0];
    assert_eq!((&card["min_price"], &card["max_price"]), (&json!(9.99), &json!(19.99)));
    assert_eq!(card["primary_image_url"], "https://cdn.example/1.jpg");

    let categories = client.get("/categories").json();
    let shown = &categories.as_array().unwrap()[1];
    assert_eq!(shown["breadcrumb"], "Root > Child");
    assert_eq!(shown["product_count"], 1);
    let products = client.get(&format!("/categories/{child}/products")).json();
    assert_eq!(products["products"][0]["sku"], "PROD-1A2B");
}

#[test]
fn a_cart_becomes_an_order() {
    let (_shop, mut client) = open();
    let id = created(&client.post("/carts", &json!({"customer_id": "c9"})), "cart_id");
    let checkout = json!({
        "shipping": order()["shipping_address"], "billing": order()["billing_address"],
        "payment_method": "wallet",
    });
    let path = format!("/carts/{id}/checkout");
    assert_eq!(client.post(&path, &checkout).status, 400, "empty");
    let item = json!({"product_id": "p1", "variant_id": "v1"});
    assert_eq!(client.post(&format!("/carts/{id}/items"), &item).status, 200);
    let order_id = created(&client.post(&path, &checkout), "order_id");
    assert_eq!(client.post(&path, &checkout).status, 400, "converted already");
    let order = projected(&mut client, &format!("/orders/{order_id}"));
    assert_eq!(order["status"], "Created");
    assert_eq!(order["items"][0]["quantity"], 1);
    projected_with_status(&mut client, &format!("/carts/{id}"), "Converted");
    let confirm = client.put(&format!("/orders/{order_id}/confirm"), &json!({}));
    assert_eq!(confirm.status, 200);
    let second = created(&client.post("/carts", &json!({})), "cart_id");
    assert_eq!(client.put(&format!("/carts/{second}/abandon"), &json!({})).status, 200);
}

#[test]
fn a_payment_fails_is_retried_and_refunded() {
    let (shop, mut client) = open();
    let mut gateway = Client::new(shop.address()).with("x-gateway-signature", "test-signature");
    let payment = json!({
        "order_id": "o1", "customer_id": "c1", "amount": 50.0, "payment_method_type": "card",
        "idempotency_key": "idem-1",
    });
    let id = created(&client.post("/payments", &payment), "payment_id");
    let webhook = |status: &str| json!({"payment_id": id, "gateway_status": status});
    assert_eq!(client.post("/payments/webhook", &webhook("succeeded")).status, 401);
    assert_eq!(gateway.post("/payments/webhook", &webhook("failed")).status, 200);
    let retry = client.send("POST", &format!("/payments/{id}/retry"), "").unwrap();
    assert_eq!((retry.status, retry.field("status")), (200, "retry_initiated".to_owned()));
    let success = gateway.post("/payments/webhook", &webhook("succeeded"));
    assert_eq!((success.status, success.field("status")), (200, "processed".to_owned()));
    assert_eq!(gateway.post("/payments/webhook", &webhook("succeeded")).status, 400);

    let refund = json!({"amount": 50.0, "reason": "broken"});
    let refund = client.post(&format!("/payments/{id}/refund"), &refund);
    assert_eq!(refund.status, 200);
    let refunded = json!({
        "payment_id": id, "refund_id": refund.field("refund_id"), "gateway_refund_id": "g",
    });
    let refunded = gateway.post("/payments/refund/webhook", &refunded);
    assert_eq!(refunded.field("status"), "refund_processed");
    let view = projected_with_status(&mut client, &format!("/payments/{id}"), "Refunded");
    assert_eq!(view["attempt_count"], 2);
    assert_eq!(view["total_refunded"], 50.0);

    let invoice = json!({
        "order_id": "o1", "customer_id": "c1",
        "line_items": [{"description": "Lamp", "quantity": 2, "unit_price": 9.99}],
    });
    let invoice = created(&client.post("/invoices", &invoice), "invoice_id");
    let void = client.put(&format!("/invoices/{invoice}/void"), &json!({"reason": "typo"}));
    assert_eq!((void.status, void.field("status")), (200, "voided".to_owned()));
    let again = client.put(&format!("/invoices/{invoice}/void"), &json!({"reason": "typo"}));
    assert_eq!(again.status, 400);
}

#[test]
fn every_answer_carries_the_id_of_its_request() {
    let (shop, mut client) = open();
    let mut named = Client::new(shop.address()).with("x-request-id", "r-1");
    assert_eq!(header(&named.get("/health").head, "x-request-id"), Some("r-1"));
    assert!(header(&client.get("/nowhere").head, "x-request-id").is_some());
}

#[test]
fn a_reset_leaves_an_empty_shop_that_works() {
    let (shop, mut client) = open();
    let mut observatory = Client::new(shop.observatory_address());
    let id = created(&client.post("/customers", &customer("E-1")), "customer_id");
    projected(&mut client, &format!("/customers/{id}"));

    let reset = client.send("POST", "/admin/reset", "").unwrap();
    assert_eq!((reset.status, reset.json()), (200, json!({"status": "ok"})));
    assert_eq!(client.get(&format!("/customers/{id}")).status, 404);
    let totals = observatory.get("/api/queue-depth").json()["totals"].clone();
    assert!(totals.as_object().unwrap().values().all(|total| *total == 0), "{totals}");

    let id = created(&client.post("/customers", &customer("E-1")), "customer_id");
    projected(&mut client, &format!("/customers/{id}"));
}

#[test]
fn data_in_a_folder_outlives_the_shop() {
    let folder = tempfile::tempdir().unwrap();
    let config =
        Config { event_cost: Duration::ZERO, data: Some(folder.path().join("shop")), ..Config::default() };
    let shop = shopstream::spawn(config.clone()).unwrap();
    let mut client = Client::new(shop.address());
    let id = created(&client.post("/customers", &customer("E-1")), "customer_id");
    drop(shop);
    let shop = shopstream::spawn(config).unwrap();
    projected(&mut Client::new(shop.address()), &format!("/customers/{id}"));
}

fn stock(units: u64) -> Value {
    json!({
        "product_id": "p1", "variant_id": "v1", "warehouse_id": "w1", "sku": "INV-1",
        "initial_quantity": units,
    })
}

#[test]
fn stock_is_received_reserved_released_damaged_and_counted() {
    let (_shop, mut client) = open();
    let id = created(&client.post("/inventory", &stock(10)), "inventory_item_id");
    let at = |rest: &str| format!("/inventory/{id}{rest}");
    assert_eq!(client.put(&at("/receive"), &json!({"quantity": 5})).status, 200);
    let reserve = |quantity: u64| json!({"order_id": "o1", "quantity": quantity});
    let first = created(&client.post(&at("/reserve"), &reserve(4)), "reservation_id");
    let second = created(&client.post(&at("/reserve"), &reserve(6)), "reservation_id");
    let refused = client.post(&at("/reserve"), &reserve(6));
    assert_eq!(refused.status, 422, "{refused:?}");
    assert_eq!(refused.json()["error"]["quantity"][0], "Insufficient stock: 5 available, 6 requested");

    let release = json!({"reason": "Order cancelled"});
    let path = at(&format!("/reservations/{first}/release"));
    assert_eq!(client.put(&path, &release).status, 200);
    assert_eq!(client.put(&path, &release).status, 400, "released already");
    assert_eq!(client.put(&at(&format!("/reservations/{second}/confirm")), &json!({})).status, 200);
    assert_eq!(client.put(&at(&format!("/commit/{second}")), &json!({})).status, 200);
    // 9 on hand, none reserved.
    assert_eq!(client.put(&at("/damage"), &json!({"quantity": 10, "reason": "wet"})).status, 400);
    assert_eq!(client.put(&at("/damage"), &json!({"quantity": 3, "reason": "wet"})).status, 200);
    let write_off = json!({"quantity": 2, "approved_by": "ops"});
    assert_eq!(client.put(&at("/damage/write-off"), &write_off).status, 200);
    let adjust = |by: i64| json!({"quantity_change": by, "adjustment_type": "shrinkage", "reason": "count", "adjusted_by": "ops"});
    assert_eq!(client.put(&at("/adjust"), &adjust(-8)).status, 400);
    assert_eq!(client.put(&at("/adjust"), &adjust(-1)).status, 200);
    let count = json!({"counted_quantity": 6, "checked_by": "ops"});
    assert_eq!(client.put(&at("/stock-check"), &count).status, 200);
    // 6 on hand of which 1 is damaged.
    assert_eq!(client.post(&at("/reserve"), &reserve(6)).status, 422);
    assert_eq!(client.post(&at("/reserve"), &reserve(5)).status, 201);
}

#[test]
fn a_warehouse_has_zones_until_it_is_closed() {
    let (_shop, mut client) = open();
    let warehouse = json!({"name": "North", "address": order()["shipping_address"], "capacity": 10});
    let id = created(&client.post("/warehouses", &warehouse), "warehouse_id");
    let at = |rest: &str| format!("/warehouses/{id}{rest}");
    let zone = |kind: &str| json!({"zone_name": "Z", "zone_type": kind});
    assert_eq!(client.post(&at("/zones"), &zone("Cold")).status, 201);
    assert_eq!(client.post(&at("/zones"), &zone("Warm")).status, 400);
    assert_eq!(client.put(&at(""), &json!({"capacity": 20})).status, 200);
    assert_eq!(client.put(&at("/deactivate"), &json!({})).status, 200);
    assert_eq!(client.put(&at("/deactivate"), &json!({})).status, 400);
}

/// Reserves one unit at a time on `threads` connections at once; the statuses.
fn stampede(shop: &shopstream::Running, id: &str, threads: usize) -> Vec<u16> {
    let barrier = std::sync::Barrier::new(threads);
    std::thread::scope(|scope| {
        let reserve = || {
            let mut client = Client::new(shop.address());
            barrier.wait();
            let body = json!({"order_id": "o", "quantity": 1});
            (0..4).map(|_| client.post(&format!("/inventory/{id}/reserve"), &body).status).collect()
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(reserve)).collect();
        threads.into_iter().flat_map(|thread| -> Vec<u16> { thread.join().unwrap() }).collect()
    })
}

fn sold(bug: Option<shopstream::Bug>) -> Vec<u16> {
    let command_cost = Duration::from_millis(5);
    let config = Config { event_cost: Duration::ZERO, command_cost, bug, ..Config::default() };
    let shop = shopstream::spawn(config).unwrap();
    let mut client = Client::new(shop.address());
    let id = created(&client.post("/inventory", &stock(10)), "inventory_item_id");
    stampede(&shop, &id, 12)
}

fn count(statuses: &[u16], wanted: u16) -> usize {
    statuses.iter().filter(|status| **status == wanted).count()
}

#[test]
fn those_who_reserve_at_once_conflict_and_never_oversell() {
    let statuses = sold(None);
    assert!(count(&statuses, 201) <= 10, "{statuses:?}");
    assert!(count(&statuses, 409) > 0, "{statuses:?}");
    assert!(statuses.iter().all(|status| [201, 409, 422].contains(status)), "{statuses:?}");
}

#[test]
fn the_shop_oversells_when_it_is_told_to() {
    let statuses = sold(Some(shopstream::Bug::Oversell));
    assert!(count(&statuses, 201) > 10, "{statuses:?}");
}

#[test]
fn no_cancelled_order_stays_paid_for_whichever_comes_first() {
    for cancel_first in [true, false] {
        let (shop, mut client) = open();
        let mut gateway = Client::new(shop.address()).with("x-gateway-signature", "test-signature");
        let order_id = created(&client.post("/orders", &order()), "order_id");
        let payment = json!({
            "order_id": order_id, "customer_id": "c1", "amount": 38.98, "payment_method_type": "card",
            "idempotency_key": "idem-1",
        });
        let payment_id = created(&client.post("/payments", &payment), "payment_id");
        let at = |rest: &str| format!("/orders/{order_id}{rest}");
        assert_eq!(client.put(&at("/confirm"), &json!({})).status, 200);
        let pending = json!({"payment_id": payment_id, "payment_method": "card"});
        assert_eq!(client.put(&at("/payment/pending"), &pending).status, 200);
        let cancel = json!({"reason": "late", "cancelled_by": "customer"});
        let webhook = json!({"payment_id": payment_id, "gateway_status": "succeeded"});
        if cancel_first {
            assert_eq!(client.put(&at("/cancel"), &cancel).status, 200);
            assert_eq!(gateway.post("/payments/webhook", &webhook).status, 200);
        } else {
            assert_eq!(gateway.post("/payments/webhook", &webhook).status, 200);
            projected_with_status(&mut client, &at(""), "Paid");
            assert_eq!(client.put(&at("/cancel"), &cancel).status, 200);
        }
        projected_with_status(&mut client, &at(""), "Cancelled");
        let payment = format!("/payments/{payment_id}");
        let refunds = support::wait_for("the refund", || {
            let refunds = client.get(&payment).json()["refunds"].clone();
            refunds.as_array().filter(|refunds| !refunds.is_empty()).cloned()
        });
        assert_eq!(refunds.len(), 1, "{refunds:?}");
        assert_eq!(refunds[0]["amount"], 38.98);
    }
}
