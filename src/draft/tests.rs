//! Files of every format as people have them, and texts that are none.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::scenario;

/// A scenario and the files beside it.
struct Beside<'a>(&'a Draft, String);

impl scenario::World for Beside<'_> {
    fn read(&self, _: &Path) -> std::io::Result<String> {
        Ok(self.1.clone())
    }

    fn read_bytes(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        let found = self.0.findings.files.iter().find(|file| path.ends_with(&file.name));
        found.map(|file| file.content.clone()).ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }

    fn variable(&self, _: &str) -> Option<String> {
        None
    }
}

/// The text of a draft's scenario, which has to be right.
fn checked(draft: &Draft) -> String {
    let text = draft.scenario("shop.toml");
    if let Err(error) = scenario::compile(Path::new("shop.toml"), &Beside(draft, text.clone())) {
        panic!("{error}\n{text}");
    }
    text
}

fn options() -> Options {
    Options { name: "shop".to_owned(), ..Options::default() }
}

fn draft_of(text: &str) -> Draft {
    draft(text, &options()).unwrap()
}

/// The text between the head and the traffic, with single spaces.
fn steps_of(text: &str) -> String {
    checked(&draft_of(text)).split("[[journey]]").skip(1).collect::<String>()
}

fn har(entries: &[serde_json::Value]) -> String {
    serde_json::json!({ "log": { "version": "1.2", "creator": { "name": "Firefox" }, "entries": entries } })
        .to_string()
}

#[expect(clippy::needless_pass_by_value, reason = "values are written at the call")]
fn entry(second: u32, request: serde_json::Value, response: serde_json::Value) -> serde_json::Value {
    serde_json::json!({
        "startedDateTime": format!("2026-01-01T12:00:{second:02}.000Z"), "time": 50, "request": request, "response": response,
    })
}

mod hars {
    use serde_json::json;

    use super::*;

    fn get(url: &str) -> serde_json::Value {
        json!({ "method": "GET", "url": url, "headers": [] })
    }

    fn post(url: &str, media: &str, text: &str, headers: &[(&str, &str)]) -> serde_json::Value {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        json!({ "method": "POST", "url": url, "headers": headers, "postData": { "mimeType": media, "text": text } })
    }

    fn answer(status: u16, media: &str, text: &str) -> serde_json::Value {
        json!({ "status": status, "headers": [], "content": { "mimeType": media, "text": text } })
    }

    #[test]
    fn values_of_answers_become_variables() {
        let text = steps_of(&har(&[
            entry(
                0,
                post("http://shop.example/login", "application/json", r#"{"name":"a","password":"b"}"#, &[]),
                answer(200, "application/json", r#"{"data":{"token":"t0ken-1234567890"}}"#),
            ),
            entry(
                1,
                post(
                    "http://shop.example/orders",
                    "application/json",
                    r#"{"quantity":7}"#,
                    &[("Authorization", "Bearer t0ken-1234567890")],
                ),
                answer(201, "application/json; charset=utf-8", r#"{"id":7,"quantity":7}"#),
            ),
            entry(2, get("http://shop.example/orders/7?quantity=7"), answer(200, "application/json", "{}")),
            entry(
                3,
                post(
                    "http://shop.example/pay",
                    "application/json",
                    r#"{"order_id":7,"note":"7","quantity":7}"#,
                    &[],
                ),
                answer(200, "", ""),
            ),
        ]));
        assert!(text.contains("extract = { token = \"/data/token\" }"), "{text}");
        assert!(text.contains("authorization = \"Bearer {{ token }}\""), "{text}");
        assert!(text.contains("extract = { order_id = \"/id\" }"), "{text}");
        assert!(text.contains("GET /orders/{{ order_id }}?quantity=7"), "{text}");
        assert!(text.contains("order_id = \"{{ order_id }}\", note = \"7\", quantity = 7"), "{text}");
        assert!(text.contains("password = '{{ env(\"PASSWORD\") }}'"), "{text}");
    }

    #[test]
    fn ids_are_found_within_addresses_and_pages() {
        let text = steps_of(&har(&[
            entry(
                0,
                get("http://shop.example/api/carts"),
                answer(200, "application/json", r#"{"self":"/api/carts/31","next":null}"#),
            ),
            entry(
                1,
                get("http://shop.example/api/carts/31"),
                answer(200, "text/html", "<form action='/pay/77?nonce=abcd1234efgh'>"),
            ),
            entry(
                2,
                post("http://shop.example/pay/77?nonce=abcd1234efgh", "", "", &[]),
                answer(200, "text/html", ""),
            ),
        ]));
        assert!(text.contains("GET /api/carts/{{ cart_id | split(\"/\") | last }}"), "{text}");
        assert!(text.contains("POST /pay/{{ pay_id }}?nonce={{ nonce }}"), "{text}");
    }

    #[test]
    fn what_a_user_types_is_no_variable_although_answers_repeat_it() {
        let text = steps_of(&har(&[
            entry(
                0,
                post("http://shop.example/items", "application/json", r#"{"title":"Blue-shirt-2000"}"#, &[]),
                answer(201, "application/json", r#"{"title":"Blue-shirt-2000"}"#),
            ),
            entry(
                1,
                get("http://shop.example/search?q=Blue-shirt-2000"),
                answer(200, "application/json", "{}"),
            ),
        ]));
        assert!(text.contains("/search?q=Blue-shirt-2000") && !text.contains("extract"), "{text}");
    }

    #[test]
    fn a_redirect_and_what_it_leads_to_are_one_request() {
        let redirect =
            json!({ "status": 302, "headers": [{ "name": "Location", "value": "/home" }], "content": {} });
        let away = json!({ "status": 302, "headers": [{ "name": "location", "value": "https://login.example/" }], "content": {} });
        let text = steps_of(&har(&[
            entry(0, get("http://shop.example/"), answer(200, "text/html", "")),
            entry(
                1,
                post("http://shop.example/login", "application/x-www-form-urlencoded", "a=1", &[]),
                redirect,
            ),
            entry(1, get("http://shop.example/home"), answer(200, "text/html", "<p>")),
            entry(2, get("http://shop.example/away"), away),
        ]));
        assert!(text.contains("form = { a = \"1\" }\nexpect = 200"), "{text}");
        assert!(!text.contains("GET /home"), "{text}");
        assert!(text.contains("request = \"GET /away\"\nexpect = 302\nredirects = 0"), "{text}");
    }

    #[test]
    fn noise_and_strangers_are_left_out_and_said() {
        let recording = har(&[
            entry(0, get("https://www.google-analytics.com/collect"), answer(200, "text/plain", "")),
            entry(0, get("https://shop.example/"), answer(200, "text/html", "")),
            entry(0, get("https://shop.example/a.css"), answer(200, "text/css", "")),
            entry(9, get("https://pay.example/api"), answer(200, "application/json", "")),
            entry(40, get("https://shop.example/cart"), answer(200, "text/html", "")),
        ]);
        let found = draft_of(&recording);
        assert_eq!((found.requests(), found.base_url.as_str()), (2, "https://shop.example"));
        let notes = found.findings.notes.join("\n");
        for word in ["files of pages", "trackers", "`pay.example`", "1 longer pause shortened"] {
            assert!(notes.contains(word), "{word}: {notes}");
        }
        assert!(checked(&found).contains("pause = \"10.0s\""));
        let all = Options { keep_all: true, hosts: vec!["pay.example".to_owned()], ..options() };
        let found = draft(&recording, &all).unwrap();
        assert_eq!(found.requests(), 4);
        assert!(checked(&found).contains("GET https://pay.example/api"));
    }

    #[test]
    fn templates_in_recorded_texts_stay_texts() {
        let text = steps_of(&har(&[entry(
            0,
            post(
                "http://shop.example/a/{{b}}?c={%25d%25}",
                "application/json",
                r#"{"q":"{{ env('HOME') }}","n":null,"big":18446744073709551615}"#,
                &[],
            ),
            answer(200, "text/html", ""),
        )]));
        assert!(
            text.contains(r#"{{ "{{" }} env('HOME') }}"#) && text.contains("n = \"{{ none }}\""),
            "{text}"
        );
        assert!(text.contains("big = \"{{ 18446744073709551615 }}\""), "{text}");
    }
}

#[test]
fn curl_commands_become_steps() {
    let text = steps_of(
        "BASE=http://127.0.0.1:8000\n# log in\ncurl -s -X POST \"$BASE/login\" \\\n  -H 'Content-Type: application/json' -d '{\"user\": \"a\", \"password\": \"b\"}' | jq .\n\
         curl -H \"Authorization: Bearer $TOKEN\" $BASE/orders/17 -k --compressed\ncurl -u me:secret -F 'image=@a.png;type=image/png' -F 'title=\"A b\"' 127.0.0.1:8000/images\n\
         curl -G -d 'q=a b' --data-urlencode 'r=c&d' $BASE/search; curl --json '{\"id\": 1}' $BASE/a; curl -d a=1 -d b=2 $BASE/form\n\
         curl -b 'sid=abc' -I $BASE/head\ncurl https://other.example/x\n",
    );
    for words in [
        "request = \"POST /login\"\njson = { user = \"a\", password = '{{ env(\"PASSWORD\") }}' }",
        "request = \"GET /orders/17\"\nname = \"GET /orders/{id}\"\nheaders = { authorization = 'Bearer {{ env(\"TOKEN\") }}' }",
        "authorization = 'Basic {{ env(\"BASIC_CREDENTIALS\") }}'",
        "multipart = { image = { file = \"a.png\", type = \"image/png\" }, title = \"A b\" }",
        "request = \"GET /search?q=a b&r=c%26d\"",
        "headers = { accept = \"application/json\" }\njson = { id = 1 }",
        "form = { a = \"1\", b = \"2\" }",
        "request = \"HEAD /head\"\nheaders = { cookie = 'sid={{ env(\"COOKIE_SID\") }}' }",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(!text.contains("other.example"), "{text}");
}

#[test]
fn an_api_description_becomes_journeys_that_hand_ids_on() {
    let yaml = r##"
openapi: 3.0.3
info: { title: Pets, version: "1" }
servers: [{ url: "https://{env}.pets.example/v1", variables: { env: { default: api } } }]
security: [{ token: [] }]
tags: [{ name: pets, description: All about pets. }]
paths:
  /pets/{petId}:
    parameters: [{ name: petId, in: path, required: true, schema: { type: integer } }]
    delete: { tags: [pets], responses: { 204: { description: gone } } }
    get: { tags: [pets], summary: One pet, responses: { "200": { description: ok } } }
  /pets:
    get:
      tags: [pets]
      parameters:
        - { name: limit, in: query, required: true, schema: { type: integer, minimum: 1, maximum: 5 } }
        - { name: offset, in: query, schema: { type: integer } }
        - { name: tag, in: query, required: true, example: "a b" }
      responses: { default: { description: any } }
    post:
      tags: [pets]
      requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/NewPet" } } } }
      responses: { "201": { content: { application/json: { schema: { $ref: "#/components/schemas/Pet" } } } } }
  /old: { get: { deprecated: true, responses: {} } }
components:
  securitySchemes: { token: { type: http, scheme: bearer } }
  schemas:
    NewPet:
      type: object
      required: [name, kind, birthday, owner, mother]
      properties:
        name: { type: string }
        kind: { enum: [cat, dog] }
        birthday: { type: string, format: date }
        owner: { type: object, required: [email], properties: { email: { type: string, format: email } } }
        mother: { $ref: "#/components/schemas/NewPet" }
        weight: { type: number }
    Pet: { allOf: [{ $ref: "#/components/schemas/NewPet" }, { properties: { id: { type: integer } } }] }
"##;
    let found = draft_of(yaml);
    assert_eq!(found.base_url, "https://api.pets.example/v1");
    let text = checked(&found);
    assert!(text.contains("headers = { authorization = 'Bearer {{ env(\"TOKEN\") }}' }"), "{text}");
    let places: Vec<usize> = [
        "POST /pets\"",
        "GET /pets?limit={{ int(1, 5) }}&tag=a%20b\"",
        "GET /pets/{{ pet_id }}\"",
        "DELETE /pets/{{ pet_id }}\"",
    ]
    .iter()
    .map(|request| text.find(request).unwrap_or_else(|| panic!("{request}\n{text}")))
    .collect();
    assert!(places.is_sorted(), "{text}");
    for words in [
        "extract = { pet_id = \"/id\" }",
        "kind = '{{ pick([\"cat\", \"dog\"]) }}'",
        "owner = { email = \"{{ email() }}\" }",
        "mother = \"{{ none }}\"",
        "expect = 204",
        "# All about pets.",
        "1 deprecated operation",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn a_postman_collection_becomes_journeys_with_its_variables() {
    let collection = r#"{
  "info": { "name": "Shop", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json" },
  "variable": [{ "key": "baseUrl", "value": "http://127.0.0.1:8000/api" }, { "key": "shop-name", "value": "a" }],
  "auth": { "type": "bearer", "bearer": [{ "key": "token", "value": "{{token}}" }] },
  "item": [
    { "name": "Account", "item": [{ "name": "Log in",
      "event": [{ "listen": "test", "script": { "exec": ["pm.response.to.have.status(200);", "pm.environment.set('token', pm.response.json().token);"] } }],
      "request": { "method": "POST", "auth": { "type": "noauth" }, "url": { "raw": "{{baseUrl}}/login" },
        "body": { "mode": "raw", "raw": "{\"name\": \"{{$randomUserName}}\", \"age\": {{age}}, \"shop\": \"{{shop-name}}\"}", "options": { "raw": { "language": "json" } } } } }] },
    { "name": "Orders", "item": [{ "name": "One", "request": { "method": "GET",
      "url": { "raw": "{{baseUrl}}/orders/:id?a=1&b=2", "query": [{ "key": "a", "value": "1" }, { "key": "b", "value": "2", "disabled": true }],
        "variable": [{ "key": "id", "value": "17" }] } } }] }
  ]
}"#;
    let found = draft_of(collection);
    let text = checked(&found);
    assert_eq!(found.journeys.len(), 1, "{text}");
    for words in [
        "request = \"POST /api/login\"\njson = { name = \"{{ user_name() }}\", age = \"{{ age }}\", shop = \"{{ shop_name }}\" }\nexpect = 200\n\
         extract = { token = \"/token\" }",
        "request = \"GET /api/orders/17?a=1\"\nname = \"GET /api/orders/{id}\"\nheaders = { authorization = \"Bearer {{ token }}\" }",
        "let = { age = '{{ env(\"AGE\") }}', shop_name = \"a\" }",
        "the folders are one journey",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn an_access_log_becomes_endpoints_by_their_frequency() {
    let mut log = String::new();
    for n in 0..100 {
        log.push_str(&format!(
            "::1 - - [10/Oct/2026:13:{:02}:{:02} +0000] \"GET /items/{} HTTP/1.1\" 200 5\n",
            n / 60,
            n % 60,
            n % 3
        ));
    }
    log.push_str("::1 - - [10/Oct/2026:13:01:40 +0000] \"GET /help?token=abc HTTP/1.1\" 200 5\n");
    log.push_str("::1 - - [10/Oct/2026:13:01:40 +0000] \"POST /orders HTTP/1.1\" 201 5\n");
    log.push_str("::1 - - [10/Oct/2026:13:01:40 +0000] \"GET /wp-login.php HTTP/1.1\" 404 5\n");
    log.push_str("::1 - - [10/Oct/2026:13:01:40 +0000] \"GET /a.png HTTP/1.1\" 200 5\nnonsense\n");
    let found = draft_of(&log);
    let text = checked(&found);
    for words in [
        "[load.recorded]\nrate = 1.01\n",
        "journeys = { \"GET /items/{id}\" = 100, \"GET /help\" = 1 }",
        "request = \"GET /help\"",
        "name = \"GET /items/{id}\"",
        "lines that cannot be read: 1 of 105 lines",
        "failing only",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(!text.contains("POST /orders\"") && !text.contains("abc"), "{text}");
    let all = draft(&log, &Options { unsafe_methods: true, ..options() }).unwrap();
    assert!(checked(&all).contains("request = \"POST /orders\""));
}

#[test]
fn what_is_not_supported_is_refused_with_a_remedy() {
    let refused = |text: &str| draft(text, &options()).unwrap_err().to_string();
    assert!(refused("").contains("empty"));
    assert!(refused("hello").contains("--format"));
    assert!(refused("{\"swagger\": \"2.0\"}").contains("swagger2openapi"));
    assert!(refused("swagger: '2.0'\n").contains("swagger2openapi"));
    assert!(refused("{\"log\": {\"entries\": []}}").contains("HAR holds nothing"));
    assert!(refused("{\"a\": ").contains("not valid JSON"));
    assert!(refused("openapi: 3.0.0\npaths: {a: {$ref: 'b.yaml'}}\n").contains("bundle"));
    let wrong = draft("{}", &Options { format: Some(Format::Har), ..options() }).unwrap_err();
    assert!(wrong.to_string().contains("not a HAR"));
}

/// Words that formats are made of, so that garbage comes near to them.
fn garbage() -> impl Strategy<Value = String> {
    let words = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        "'",
        ":",
        ",",
        "\n",
        " ",
        "\\",
        "{{",
        "}}",
        "{%",
        "curl ",
        "-d ",
        "-F ",
        "-H ",
        "@",
        "=",
        "$",
        "`",
        "<<",
        "|",
        "&",
        "http://a.example/",
        "openapi: 3.0.0\n",
        "paths:\n",
        "  /a/{b}:\n",
        "    get:\n",
        "log",
        "entries",
        "item",
        "request",
        "url",
        "$ref",
        "#/a",
        "é",
        "\u{0}",
        "[10/Oct/2026:13:00:00 +0000] ",
        "\"GET /a HTTP/1.1\" 200 1",
        "--",
        "9",
        "-1",
        "1e999",
    ];
    proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..40)
        .prop_map(|words| words.concat())
}

fn json(depth: u32) -> impl Strategy<Value = serde_json::Value> {
    let keys = [
        "log",
        "entries",
        "request",
        "response",
        "method",
        "url",
        "headers",
        "name",
        "value",
        "postData",
        "mimeType",
        "text",
        "params",
        "status",
        "content",
        "openapi",
        "paths",
        "/a/{b}",
        "get",
        "post",
        "parameters",
        "in",
        "schema",
        "type",
        "properties",
        "required",
        "enum",
        "$ref",
        "allOf",
        "items",
        "requestBody",
        "application/json",
        "example",
        "info",
        "item",
        "body",
        "mode",
        "raw",
        "event",
        "auth",
        "key",
        "variable",
        "{{x}}",
        "servers",
    ];
    let texts = [
        "",
        "GET",
        "http://a.example/b/17?c=d",
        "{{x}}",
        "{% y %}",
        "#/paths",
        "#",
        "string",
        "object",
        "integer",
        "array",
        "query",
        "path",
        "raw",
        "application/json",
        "{\"a\": {{b}}}",
        "3.0.0",
        "\u{e000}0\u{e001}",
        "a\nb",
        "'''",
        "multipart/form-data; boundary=x",
        "--x\r\n\r\n",
        "bearer",
    ];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        proptest::sample::select(texts.to_vec()).prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(depth, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            proptest::collection::btree_map(proptest::sample::select(keys.to_vec()), inner, 0..6)
                .prop_map(|map| map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

/// Every format on any text: no panic, and what comes out is right.
fn survives(text: &str) {
    for format in [
        None,
        Some(Format::Har),
        Some(Format::OpenApi),
        Some(Format::Postman),
        Some(Format::Curl),
        Some(Format::AccessLog),
    ] {
        let options = Options { format, keep_all: true, unsafe_methods: true, ..options() };
        if let Ok(draft) = draft(text, &options) {
            checked(&draft);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn garbage_is_survived(text in garbage()) {
        survives(&text);
    }

    #[test]
    fn any_text_is_survived(text in "\\PC{0,80}") {
        survives(&text);
    }

    #[test]
    fn entries_of_any_kind_are_survived(entries in proptest::collection::vec(json(5), 0..4), body in json(4)) {
        let request = serde_json::json!({
            "method": "POST", "url": "http://a.example/b/17", "headers": body.clone(),
            "postData": { "mimeType": "application/json", "text": body.to_string() },
        });
        let mut all = entries.clone();
        all.push(entry(1, request, serde_json::json!({ "status": 200, "content": { "text": body.to_string(), "mimeType": "application/json" } })));
        survives(&har(&all));
        survives(&serde_json::json!({ "info": { "name": "x" }, "item": entries, "variable": body.clone() }).to_string());
        survives(&serde_json::json!({ "openapi": "3.1.0", "paths": { "/a/{b}": { "post": body.clone() }, "/c": body }, "components": entries }).to_string());
    }

    #[test]
    fn commands_of_any_words_are_survived(words in proptest::collection::vec("[ -~é{}]{0,12}", 0..8)) {
        let quoted: Vec<String> = words.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect();
        survives(&format!("curl http://a.example/ {}\ncurl http://a.example/ {}", quoted.join(" -d "), words.join(" -H ")));
    }
}
