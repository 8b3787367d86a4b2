//! A site as browsers meet it: its scenario runs, `try` shows what is said, and failures can be read.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::bench;

use bench::*;
use testbed::site;

/// A command on the project's scenario of the site, on a free port.
fn on_the_site(bench: &Bench, command: &str, arguments: &[&str]) -> Command {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/site/site.toml");
    let mut command = bench.command(&[command, file.to_str().unwrap(), "--profile", "up", "--seed", "1"]);
    command.args(arguments);
    command.env("SITE_PORT", free_ports()[0].to_string()).env("TESTBED", testbed_program());
    command
}

#[test]
fn the_scenario_of_the_site_logs_in_orders_and_uploads() {
    let bench = Bench::new();
    let flags = ["--load", "smoke", "--run-time", "3s", "--progress", "none", "--allow-invalid"];
    let output = on_the_site(&bench, "run", &flags).output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let logins = "SELECT count(*) FROM samples WHERE endpoint = 'POST /login' AND outcome = 'ok'";
    assert!(bench.query(logins) > 0);
    assert_eq!(bench.query("SELECT count(*) FROM samples WHERE outcome <> 'ok'"), 0);
    assert_eq!(bench.query("SELECT count(*) FROM exchange"), 0, "what goes well is not kept");
}

#[test]
fn try_performs_every_journey_once_and_hides_secrets() {
    let bench = Bench::new();
    let output = on_the_site(&bench, "try", &["--har", "site.har"]).output().unwrap();
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(code(&output), 0, "{said}{}", stderr(&output));
    for part in [
        "Browse · Visitor\n",
        "Order · Customer\n",
        "POST /login · 200 OK",
        "… 302 to http://127.0.0.1:",
        "sessionid=(hidden)\n",
        "csrfmiddlewaretoken=(hidden)&username=user-1&password=(hidden)",
        "= csrf: (hidden)",
        "< (binary)",
        "3 of 3 journeys went as expected",
    ] {
        assert!(said.contains(part), "`{part}` in:\n{said}");
    }
    assert!(!bench.path("reports/loadproof.db").exists(), "nothing is stored");
    let har = std::fs::read_to_string(bench.path("site.har")).unwrap();
    for text in [&said, &har] {
        assert!(!text.contains("password-1"), "{text}");
    }
    let har: serde_json::Value = serde_json::from_str(&har).unwrap();
    let entries = har["log"]["entries"].as_array().unwrap();
    let login = entries.iter().find(|e| e["request"]["method"] == "POST").unwrap();
    assert!(login["request"]["url"].as_str().unwrap().ends_with("/login"), "{login}");
    assert_eq!(
        (har["log"]["pages"].as_array().unwrap().len(), &login["response"]["status"]),
        (3, &200.into())
    );
}

/// A scenario that forgets the form's token, and whose order is not one.
fn forgetful(base_url: &str) -> String {
    format!(
        r#"
name = "forgetful"
base_url = "{base_url}"
journey = [
    {{ name = "Log in", steps = [{{ request = "GET /login" }}, {{ request = "POST /login", form = {{ username = "user-1", password = "hunter2" }} }}] }},
    {{ name = "Order", steps = [{{ request = "POST /api/orders", json = {{ item_id = 1, token = "{{{{ env('SHOP_KEY') }}}}" }} }}] }},
]
[[user_class]]
name = "Visitor"
journeys = {{ "Log in" = 1, Order = 1 }}
[load.test]
iterations = 40
concurrency = 4
[profile.up]
"#
    )
}

#[test]
fn failures_can_be_read_in_the_servers_words_without_secrets() {
    let site = site::spawn(site::Config::default()).unwrap();
    let bench = Bench::new();
    bench.write("shop.toml", &forgetful(&site.url()));
    let run = |arguments: &[&str]| {
        let output = bench.command(arguments).env("SHOP_KEY", "k3y-of-the-shop").output().unwrap();
        (code(&output), String::from_utf8(output.stdout).unwrap())
    };
    let (exit, tried) = run(&["try", "shop.toml", "--journey", "Log in"]);
    assert_eq!(exit, 99, "{tried}");
    assert!(tried.contains("FAILED: status 403: CSRF token missing"), "{tried}");
    assert!(tried.contains("0 of 1 journey went as expected"), "{tried}");

    let (_, said) = run(&["run", "shop.toml", "--progress", "none", "--workers", "2"]);
    assert!(said.contains("status 403: CSRF token missing"), "{said}");
    assert_eq!(bench.query("SELECT count(*) FROM exchanges WHERE endpoint = 'POST /login'"), 5);
    assert_eq!(bench.query("SELECT count(*) FROM exchanges WHERE endpoint = 'POST /api/orders'"), 5);
    assert_eq!(bench.query("SELECT count(*) FROM exchanges WHERE outcome <> 'failed'"), 0);

    // One of them by the sample that the report names, and on the page.
    let first = "SELECT min(sequence) FROM samples WHERE endpoint = 'POST /login' AND outcome = 'failed'";
    let (_, shown) = run(&["runs", "show", &format!("1:{}", bench.query(first))]);
    assert!(shown.contains("POST /login\n") && shown.contains("403 Forbidden\n"), "{shown}");
    let page = std::fs::read_to_string(bench.path("reports/run-1.html")).unwrap();
    assert!(page.contains("Request and answer") && page.contains("CSRF token missing"), "{page}");
    let store = std::fs::read(bench.path("reports/loadproof.db")).unwrap();
    let texts = [page.as_bytes(), shown.as_bytes(), tried.as_bytes(), &store];
    for secret in [&b"hunter2"[..], b"k3y-of-the-shop"] {
        for text in texts {
            assert!(
                !text.windows(secret.len()).any(|part| part == secret),
                "{}",
                String::from_utf8_lossy(secret)
            );
        }
    }
}

/// Requests with credentials of each kind for 6 s; a token of the site ends after 4 s.
fn authorised(site: &str, secret: &str) -> String {
    format!(
        r#"
name = "authorised"
base_url = "{site}"
[auth.program]
oauth2 = {{ token_url = "{site}/oauth/token", client_id = "shop-client", client_secret = "{secret}" }}
[auth.in_body]
oauth2 = {{ token_url = "{site}/oauth/token", client_id = "shop-client", client_secret = "{secret}", in_body = true }}
[auth.person]
basic = {{ user = "user-1", password = "password-1" }}
[auth.nobody]
bearer = "n0-such-token"
[[journey]]
name = "Look"
auth = "program"
steps = [
    {{ request = "GET /api/me", name = "program", check = {{ json = {{ "/by" = "bearer" }} }} }},
    {{ request = "GET /api/me", name = "in body", auth = "in_body", check = {{ json = {{ "/by" = "bearer" }} }} }},
    {{ request = "GET /api/me", name = "person", auth = "person", check = {{ json = {{ "/name" = "user-1" }} }} }},
    {{ request = "GET /api/me", name = "nobody", auth = "nobody", expect = 401 }},
    {{ request = "GET /api/me", name = "own", headers = {{ authorization = "Bearer own-t0ken" }}, expect = 401 }},
    {{ pause = "20ms" }},
]
[[user_class]]
name = "User"
journeys = {{ Look = 1 }}
[load.test]
users = 2
run_time = "6s"
[profile.up]
"#
    )
}

#[test]
fn tokens_are_fetched_shared_and_renewed_and_never_kept() {
    let config = site::Config { token_lifetime: Duration::from_secs(4), ..site::Config::default() };
    let site = site::spawn(config).unwrap();
    let bench = Bench::new();
    bench.write("shop.toml", &authorised(&site.url(), "shop-secret"));
    let flags = ["run", "shop.toml", "--progress", "none", "--workers", "2", "--allow-invalid"];
    let output = bench.command(&flags).output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    for endpoint in ["program", "in body", "person", "nobody", "own"] {
        let late = "outcome = 'ok' AND sent_us > 4500000";
        let count = |rest: &str| {
            bench.query(&format!("SELECT count(*) FROM samples WHERE endpoint = '{endpoint}' AND {rest}"))
        };
        assert!(count(late) > 0, "{endpoint}");
    }
    assert_eq!(bench.query("SELECT count(DISTINCT endpoint) FROM samples"), 5, "no token is a sample");
    let store = std::fs::read(bench.path("reports/loadproof.db")).unwrap();
    for secret in ["shop-secret", "password-1", "n0-such-token", "own-t0ken"] {
        let is_there = store.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!is_there, "{secret}");
    }

    bench.write("wrong.toml", &authorised(&site.url(), "not-the-secret"));
    let output = bench.command(&["try", "wrong.toml"]).output().unwrap();
    let said = stderr(&output);
    assert_ne!(code(&output), 0, "{said}");
    let words = "cannot get the credentials of `[auth.program]`: status 401 Unauthorized: invalid_client";
    assert!(said.contains(words) && !said.contains("not-the-secret"), "{said}");
}
