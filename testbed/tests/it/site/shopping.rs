//! Logging in, ordering, paging, uploading.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use testbed::site::Config;

use super::{all, ask, between, figure, get, spawn};
use crate::support::{Answer, header};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("content-type", "application/json");

/// The value that an answer sets a cookie to.
fn cookie<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let cookies = all(answer, "set-cookie");
    let value = cookies.into_iter().find_map(|cookie| cookie.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("no {name}: {}", answer.head)).split(';').next().unwrap()
}

/// `Cookie` of the two cookies that an answer sets.
fn cookies(answer: &Answer) -> String {
    format!("csrftoken={}; sessionid={}", cookie(answer, "csrftoken"), cookie(answer, "sessionid"))
}

fn token(page: &Answer) -> &str {
    between(&page.body, "name=\"csrfmiddlewaretoken\" value=\"", "\"")
}

fn log_in(at: SocketAddr, fields: &str) -> Answer {
    let form = get(at, "/login");
    let body = format!("csrfmiddlewaretoken={}&{fields}", token(&form));
    ask(at, "POST", "/login", &[FORM, ("cookie", &cookies(&form))], &body)
}

fn title(page: &Answer) -> &str {
    between(&page.body, "<title>", "</title>")
}

#[test]
fn a_form_needs_its_cookie_and_its_token() {
    let (_site, at) = spawn(Config::default());
    let form = get(at, "/login");
    assert_eq!((form.status, all(&form, "set-cookie").len()), (200, 2));
    let (cookies, token) = (cookies(&form), token(&form));
    let post = |cookie: &str, token: &str| {
        let body = format!("{token}&username=user-7&password=password-7");
        ask(at, "POST", "/login", &[FORM, ("cookie", cookie)], &body)
    };
    let field = format!("csrfmiddlewaretoken={token}");
    let other = format!("csrfmiddlewaretoken={}", self::token(&get(at, "/login")));
    for (cookie, token, reason) in [
        ("", field.as_str(), "CSRF cookie not set"),
        (&cookies, "a=b", "CSRF token missing"),
        (&cookies, "csrfmiddlewaretoken=x", "CSRF token incorrect"),
        (&cookies, &other, "CSRF token incorrect"),
    ] {
        let refused = post(cookie, token);
        assert_eq!(refused.status, 403);
        assert_eq!(title(&refused), reason);
    }
    assert_eq!(post(&cookies, &field).status, 302);
    assert_eq!(figure(at, "site_logins_total"), 1);
}

#[test]
fn a_login_begins_a_new_session_and_a_logout_ends_it() {
    let (_site, at) = spawn(Config::default());
    let home = |cookie: &str| ask(at, "GET", "/", &[("cookie", cookie)], "");
    let stranger = home("");
    assert_eq!((stranger.status, all(&stranger, "location")), (302, vec!["/login?next=/"]));

    let wrong = log_in(at, "username=user-7&password=password-8");
    assert!(wrong.status == 200 && wrong.body.contains("errorlist"), "{}", wrong.body);
    assert_eq!(figure(at, "site_refused_logins_total"), 1);

    let form = get(at, "/login");
    let before = cookies(&form);
    let body = format!("csrfmiddlewaretoken={}&username=user-7&password=password-7", token(&form));
    let login = ask(at, "POST", "/login", &[FORM, ("cookie", &before)], &body);
    assert_eq!((login.status, all(&login, "location")), (302, vec!["/"]));
    let after = cookies(&login);
    assert_ne!(cookie(&login, "sessionid"), cookie(&form, "sessionid"));
    assert_ne!(cookie(&login, "csrftoken"), cookie(&form, "csrftoken"));
    assert_eq!(home(&before).status, 302);
    let page = home(&after);
    assert_eq!(between(&page.body, "<strong id=\"user\">", "<"), "user-7");

    let body = format!("csrfmiddlewaretoken={}", token(&page));
    let logout = ask(at, "POST", "/logout", &[FORM, ("cookie", &after)], &body);
    assert_eq!((logout.status, cookie(&logout, "sessionid")), (302, "\"\""));
    assert_eq!(home(&after).status, 302);
}

#[test]
fn a_login_leads_to_the_page_that_asked_for_it_on_this_site_only() {
    let (_site, at) = spawn(Config::default());
    for (next, location) in [
        ("%2Fitems%3Fpage%3D2", "/items?page=2"),
        ("%2F%2Fother.invalid", "/"),
        ("http%3A%2F%2Fother.invalid", "/"),
    ] {
        let login = log_in(at, &format!("username=user-1&password=password-1&next={next}"));
        assert_eq!(all(&login, "location"), [location]);
    }
}

#[test]
fn an_order_needs_a_session_and_a_token_and_an_exact_id() {
    let (_site, at) = spawn(Config::default());
    let order = |headers: &[(&str, &str)], body: &str| ask(at, "POST", "/api/orders", headers, body);
    let (first, second) = (
        log_in(at, "username=user-1&password=password-1"),
        log_in(at, "username=user-2&password=password-2"),
    );
    let (mine, csrf) = (cookies(&first), cookie(&first, "csrftoken"));
    let (session, csrf) = (("cookie", mine.as_str()), ("x-csrftoken", csrf));
    let good = r#"{"item_id":12345678901234567001,"quantity":3}"#;

    for (headers, body, status, detail) in [
        (&[JSON, csrf][..], good, 403, "Authentication credentials were not provided."),
        (&[JSON, session], good, 403, "CSRF Failed: CSRF token missing."),
        (&[FORM, session, csrf], good, 415, "Unsupported media type"),
        (&[JSON, session, csrf], "{", 400, "JSON parse error"),
        (&[JSON, session, csrf], r#"{"item_id":1,"quantity":3}"#, 400, "Invalid item_id 1"),
        // What is left of the id after it was a float.
        (&[JSON, session, csrf], r#"{"item_id":1.2345678901234567e19,"quantity":3}"#, 400, "Invalid item_id"),
        (&[JSON, session, csrf], r#"{"item_id":"12345678901234567001","quantity":0}"#, 400, "quantity"),
    ] {
        let refused = order(headers, body);
        assert_eq!(refused.status, status, "{}", refused.body);
        assert!(refused.field("detail").contains(detail), "{}", refused.body);
    }
    assert_eq!(figure(at, "site_orders_total"), 0);

    let placed = order(&[JSON, session, csrf], good);
    assert_eq!((placed.status, figure(at, "site_orders_total")), (201, 1));
    let location = header(&placed.head, "location").unwrap();
    assert_eq!(location, format!("/api/orders/{}", placed.json()["id"]));
    assert!(placed.body.contains("\"item_id\":12345678901234567001,"), "{}", placed.body);
    assert_eq!(ask(at, "GET", location, &[session], "").body, placed.body);
    assert_eq!(ask(at, "GET", location, &[("cookie", &cookies(&second))], "").status, 404);
    assert_eq!(get(at, location).status, 403);
}

#[test]
fn pages_lead_to_every_item_in_html_and_json() {
    let (_site, at) = spawn(Config::default());
    let (mut ids, mut next) = (BTreeSet::new(), Some("/api/items?per_page=30".to_owned()));
    while let Some(path) = next {
        let page = get(at, &path).json();
        ids.extend(page["results"].as_array().unwrap().iter().map(|item| item["id"].to_string()));
        next = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!(ids.len(), 200);
    assert!(ids.contains("12345678901234567200"));

    let (mut seen, mut next) = (BTreeSet::new(), Some("/items".to_owned()));
    while let Some(path) = next {
        let page = get(at, &path).body;
        seen.extend(page.split("data-id=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()));
        next = page.contains("rel=\"next\"").then(|| between(&page, "rel=\"next\" href=\"", "\"").to_owned());
    }
    assert_eq!(seen, ids);

    let id = ids.first().unwrap();
    let item = get(at, &format!("/api/items/{id}"));
    assert!(item.body.contains(&format!("\"id\":{id},")), "{}", item.body);
    assert_eq!(get(at, &format!("/items/{id}")).status, 200);
    assert_eq!(get(at, "/api/items?page=99").json(), json!({"detail": "Invalid page."}));
    assert_eq!(get(at, "/api/nothing").json(), json!({"detail": "Not found."}));
    assert!(get(at, "/items/7").status == 404 && get(at, "/nothing").body.contains("<title>404"));
}

#[test]
fn programs_come_in_by_password_or_by_a_token_while_it_is_valid() {
    // "user-7:password-7", and with 8.
    const RIGHT: &str = "Basic dXNlci03OnBhc3N3b3JkLTc=";
    const WRONG: &str = "Basic dXNlci03OnBhc3N3b3JkLTg=";
    const CLIENT: &str = "grant_type=client_credentials&client_id=shop-client&client_secret=shop-secret";

    let (_site, at) = spawn(Config::default());
    let me = |at, authorization: &str| ask(at, "GET", "/api/me", &[("authorization", authorization)], "");
    let issue = |at, body: &str| ask(at, "POST", "/oauth/token", &[FORM], body);
    assert_eq!(me(at, RIGHT).json(), json!({"name": "user-7", "by": "basic"}));
    for answer in [me(at, WRONG), me(at, "Bearer no"), me(at, "Basic ?"), get(at, "/api/me")] {
        assert_eq!((answer.status, all(&answer, "www-authenticate").len()), (401, 1));
    }
    let issued = issue(at, CLIENT);
    assert_eq!((&issued.json()["expires_in"], figure(at, "site_tokens_total")), (&3600.into(), 1));
    let bearer = format!("Bearer {}", issued.field("access_token"));
    assert_eq!(me(at, &bearer).json(), json!({"name": "shop-client", "by": "bearer"}));
    assert_eq!(issue(at, &CLIENT.replace("shop-secret", "x")).json(), json!({"error": "invalid_client"}));
    let unsupported = issue(at, &CLIENT.replace("client_credentials", "password"));
    assert_eq!(unsupported.json(), json!({"error": "unsupported_grant_type"}));

    let (_site, at) = spawn(Config { token_lifetime: Duration::ZERO, ..Config::default() });
    let bearer = format!("Bearer {}", issue(at, CLIENT).field("access_token"));
    let expired = me(at, &bearer);
    assert_eq!((expired.status, expired.field("detail").as_str()), (401, "The access token expired."));
}

#[test]
fn an_upload_is_described_part_by_part() {
    let (_site, at) = spawn(Config { body_limit: 1000, ..Config::default() });
    let multipart = ("content-type", "multipart/form-data; boundary=b");
    let body = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\
                Content-Type: text/plain\r\n\r\nabc\r\n--b--\r\n";
    let upload = |headers: &[(&str, &str)], body: &str| ask(at, "POST", "/upload", headers, body);
    let part = &upload(&[multipart], body).json()["parts"][0];
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let expected: Value = json!({
        "name": "f", "filename": "a.txt", "content_type": "text/plain", "size": 3, "sha256": sha256,
    });
    assert_eq!(*part, expected);
    assert_eq!(upload(&[multipart], &body[..body.len() - 5]).status, 400);
    assert_eq!(upload(&[FORM], body).status, 415);
    assert_eq!(upload(&[multipart], &"x".repeat(1001)).status, 413);
    assert_eq!(figure(at, "site_uploads_total"), 1);
}
