//! `init --from`: a file of another tool in, a scenario out that is right and works.

use serde_json::{Value, json};
use testbed::site;

use crate::support::bench::{Bench, code, stderr};

/// Writes a file, makes a scenario of it and checks that; gives what was written, and what was said to stderr.
fn made(bench: &Bench, name: &str, text: &str, flags: &[&str]) -> (String, String) {
    bench.write(name, text);
    let output = bench.run(&[&["init", "--from", name, "made.toml"], flags].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(bench.out(&["check", "made.toml"]).contains("made is right"));
    (std::fs::read_to_string(bench.path("made.toml")).unwrap(), stderr(&output))
}

fn entry(
    method: &str,
    url: &str,
    post: Option<(&str, &str)>,
    headers: &[(&str, &str)],
    answer: &Value,
) -> Value {
    let headers: Vec<Value> =
        headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let mut request = json!({ "method": method, "url": url, "headers": headers });
    if let Some((media, text)) = post {
        request["postData"] = json!({ "mimeType": media, "text": text });
    }
    json!({ "startedDateTime": "2026-01-01T12:00:00.000Z", "time": 20, "request": request, "response": answer })
}

fn answer(status: u16, headers: &[(&str, &str)], media: &str, text: &str) -> Value {
    let headers: Vec<Value> =
        headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    json!({ "status": status, "headers": headers, "content": { "mimeType": media, "text": text } })
}

/// A visit to the shop as a browser records it: log in, choose an item, get a token, order.
fn visit(base: &str) -> String {
    const FORM: &str = "application/x-www-form-urlencoded";
    let csrf = "aa11bb22cc33dd44ee55ff6677889900";
    let login = format!("<form><input type=\"hidden\" name=\"csrfmiddlewaretoken\" value=\"{csrf}\"></form>");
    let sent = format!("csrfmiddlewaretoken={csrf}&next=%2F&username=user-7&password=password-7");
    let jar = [("Cookie", "csrftoken=x; _ga=1"), ("sec-fetch-mode", "navigate"), ("Accept", "text/html")];
    let bearer = [
        ("Authorization", "Bearer recorded-token-0123456789"),
        ("Accept", "application/json"),
        ("X-CSRFToken", "c00c1e0123456789"),
    ];
    let json = "application/json";
    let entries = vec![
        entry(
            "GET",
            &format!("{base}/login"),
            None,
            &jar[1..],
            &answer(200, &[("Set-Cookie", "csrftoken=x")], "text/html", &login),
        ),
        entry("GET", &format!("{base}/logo.png"), None, &jar, &answer(200, &[], "image/png", "")),
        entry("GET", "https://www.google-analytics.com/collect", None, &[], &answer(204, &[], "", "")),
        entry(
            "POST",
            &format!("{base}/login"),
            Some((FORM, &sent)),
            &jar,
            &answer(302, &[("Location", "/")], "", ""),
        ),
        entry(
            "GET",
            &format!("{base}/"),
            None,
            &jar,
            &answer(
                200,
                &[("set-cookie", "csrftoken=c00c1e0123456789; Path=/")],
                "text/html",
                "<p>Hello</p>",
            ),
        ),
        entry(
            "GET",
            &format!("{base}/items"),
            None,
            &jar,
            &answer(200, &[], "text/html", "<a href=\"/items/41\">A</a>"),
        ),
        entry("GET", &format!("{base}/items/41"), None, &jar, &answer(200, &[], "text/html", "A")),
        entry(
            "POST",
            &format!("{base}/oauth/token"),
            Some((FORM, "grant_type=client_credentials&client_id=shop-client&client_secret=shop-secret")),
            &[],
            &answer(200, &[], json, r#"{"access_token":"recorded-token-0123456789","token_type":"Bearer"}"#),
        ),
        entry(
            "POST",
            &format!("{base}/api/orders"),
            Some((json, r#"{"item_id":41,"quantity":2}"#)),
            &bearer,
            &answer(201, &[], json, r#"{"id":9,"item_id":41,"quantity":2}"#),
        ),
        entry("GET", &format!("{base}/api/orders/9"), None, &bearer, &answer(200, &[], json, "{}")),
    ];
    json!({ "log": { "version": "1.2", "creator": { "name": "Firefox" }, "entries": entries } }).to_string()
}

#[test]
fn a_recorded_login_and_order_work_again() {
    let shop = site::spawn(site::Config::default()).unwrap();
    let bench = Bench::new();
    let (text, notes) = made(&bench, "visit.har", &visit(&format!("http://{}", shop.address())), &[]);
    assert!(
        !text.contains("password-7") && !text.contains("shop-secret") && !text.contains("recorded-token"),
        "{text}"
    );
    assert!(notes.contains("left out: trackers") && notes.contains("extracted:"), "{notes}");
    let run = ["run", "made.toml", "--load", "smoke", "--progress", "none"];
    let output = bench
        .command(&run)
        .env("PASSWORD", "password-7")
        .env("CLIENT_SECRET", "shop-secret")
        .output()
        .unwrap();
    // Whether so short a run is valid is another question.
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(bench.query("SELECT count(*) FROM samples WHERE outcome = 'ok'"), 7, "{said}{text}");
    assert_eq!(bench.query("SELECT count(*) FROM samples"), 7, "{said}{text}");
}

#[test]
fn a_recording_becomes_a_commented_scenario() {
    let (text, _) = made(&Bench::new(), "visit.har", &visit("https://shop.example"), &[]);
    insta::assert_snapshot!(text);
}

#[test]
fn an_api_description_becomes_a_scenario() {
    let description = r##"{
  "openapi": "3.1.0", "info": { "title": "Shop", "version": "1" }, "servers": [{ "url": "https://shop.example/v1" }],
  "security": [{ "key": [] }], "tags": [{ "name": "orders", "description": "Orders and their lines." }],
  "paths": {
    "/orders": { "post": { "tags": ["orders"], "summary": "Place an order",
      "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Order" } } } },
      "responses": { "201": { "content": { "application/json": { "schema": { "properties": { "id": { "type": "string" } } } } } } } } },
    "/orders/{orderId}": { "parameters": [{ "name": "orderId", "in": "path", "required": true, "schema": { "type": "string" } }],
      "get": { "tags": ["orders"], "responses": { "200": {}, "404": {} } }, "delete": { "tags": ["orders"], "responses": { "204": {} } } }
  },
  "components": { "securitySchemes": { "key": { "type": "apiKey", "in": "header", "name": "X-Api-Key" } },
    "schemas": { "Order": { "type": "object", "required": ["email", "lines"], "properties": {
      "email": { "type": "string", "format": "email" }, "note": { "type": ["string", "null"] },
      "lines": { "type": "array", "items": { "type": "object", "properties": { "sku": { "type": "string", "example": "P-1" }, "quantity": { "type": "integer", "minimum": 1, "maximum": 5 } } } } } } } }
}"##;
    let (text, _) =
        made(&Bench::new(), "shop.json", description, &["--base-url", "http://127.0.0.1:8000/v1"]);
    insta::assert_snapshot!(text);
}

#[test]
fn a_postman_collection_becomes_a_scenario() {
    let collection = json!({
        "info": { "name": "Shop", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json" },
        "variable": [{ "key": "baseUrl", "value": "http://127.0.0.1:8000" }],
        "item": [{ "name": "Orders", "item": [
            { "name": "Place", "event": [{ "listen": "test", "script": { "exec": [
                "pm.response.to.have.status(201);", "pm.environment.set('order', pm.response.json().id);"] } }],
              "request": { "method": "POST", "url": "{{baseUrl}}/orders", "auth": { "type": "basic", "basic": [{ "key": "username", "value": "a" }] },
                "body": { "mode": "raw", "raw": "{\"email\": \"{{$randomEmail}}\", \"quantity\": 2}" } } },
            { "name": "Show", "request": { "method": "GET", "url": "{{baseUrl}}/orders/{{order}}", "header": [{ "key": "X-Tenant", "value": "{{tenant}}" }] } },
        ] }],
    });
    let (text, _) = made(&Bench::new(), "shop.postman_collection.json", &collection.to_string(), &[]);
    insta::assert_snapshot!(text);
}

#[test]
fn curl_commands_become_a_scenario_with_the_files_that_they_send() {
    let commands = "curl -X POST http://127.0.0.1:8000/orders \\\n  -H 'content-type: application/json' \\\n  -d '{\"quantity\": 2}'\n\
                    curl -H \"authorization: Bearer $TOKEN\" http://127.0.0.1:8000/orders/17\n\
                    curl -F image=@shots/a.png -F title=A http://127.0.0.1:8000/images\n";
    let bench = Bench::new();
    let (text, notes) = made(&bench, "commands.sh", commands, &["--format", "curl"]);
    assert!(bench.path("shots/a.png").exists() && notes.contains("placeholder"), "{notes}");
    insta::assert_snapshot!(text);
}

#[test]
fn an_access_log_is_replayed_at_its_own_times() {
    let bench = Bench::new();
    // Servers log answers: their order is not that of the requests.
    let lines: String = [(2, "/items/7?page=2"), (0, "/cart"), (1, "/items/8"), (1, "/cart?token=s3cret")]
        .map(|(n, path)| {
            format!("::1 - - [10/Oct/2026:13:55:0{n} +0000] \"GET {path} HTTP/1.1\" 200 5 \"-\" \"curl\"\n")
        })
        .concat();
    let flags = ["--base-url", "http://127.0.0.1:8000", "--replay"];
    let (text, _) = made(&bench, "access.log", &lines, &flags);
    assert!(
        text.contains("replay = \"made-starts.csv\"") && text.contains("GET /{{ hit.target }}"),
        "{text}"
    );
    let starts = std::fs::read_to_string(bench.path("made-starts.csv")).unwrap();
    assert_eq!(
        starts,
        "at,journey,target\n0.000000,GET /cart,cart\n1.000000,GET /items/{id},items/8\n1.000000,GET /cart,cart\n\
         2.000000,GET /items/{id},items/7?page=2\n"
    );
}

#[test]
fn an_access_log_becomes_a_scenario_at_its_rate() {
    let lines = (0..60).map(|n| {
        let path = if n % 3 == 0 { "/cart".to_owned() } else { format!("/items/{}", n % 4) };
        format!("::1 - - [10/Oct/2026:13:55:{n:02} +0000] \"GET {path} HTTP/1.1\" 200 5 \"-\" \"curl\"\n")
    });
    let (text, _) = made(
        &Bench::new(),
        "access.log",
        &lines.collect::<String>(),
        &["--base-url", "http://127.0.0.1:8000"],
    );
    insta::assert_snapshot!(text);
}

#[test]
fn what_cannot_be_read_is_refused_and_nothing_is_overwritten() {
    let bench = Bench::new();
    bench.write("a.txt", "hello\n");
    for (arguments, words) in [
        (vec!["init", "--from", "a.txt"], "`a.txt`: unknown file format"),
        (vec!["init", "--from", "missing.har"], "cannot read `missing.har`"),
        (vec!["init", "--from", "a.txt", "scenario.toml"], "already exists"),
        (vec!["init", "--from", "a.txt", "--format", "har"], "not valid JSON"),
        (vec!["init", "--keep-all"], "--from"),
    ] {
        let output = bench.run(&arguments);
        assert_eq!(code(&output), 2, "{}", stderr(&output));
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
    assert!(!bench.path("a.toml").exists());
}
