//! The live page as people use it: with a mouse, with keys only, on a narrow screen, by a screen reader.

use crate::support::bench;
use crate::support::browser;
use crate::support::live;

use std::path::Path;

use bench::*;
use browser::Browser;
use live::Served;
use rustix::process::Signal;
use serde_json::{Value, json};

fn served(bench: &Bench, arguments: &[&str]) -> Served {
    Served::start(bench.command(&[arguments, &["--ui-bind", "127.0.0.1:0"]].concat()))
}

/// `loadproof ui` in a folder with the scenario.
fn ui(bench: &Bench) -> Served {
    std::fs::create_dir_all(bench.path("scenarios")).unwrap();
    bench.write("scenarios/jobs.toml", &scenario(&bench.server.url()));
    served(bench, &["ui"])
}

fn run(bench: &Bench, profile: &str) {
    bench.out(&["run", "scenario.toml", "--load", "short", "--profile", profile, "--progress", "none"]);
}

const TICKS: &str = "document.querySelectorAll('#charts figure path.k-b').length > 3";

#[test]
fn a_run_is_watched_and_stopped_and_its_report_outlives_the_page() {
    let bench = Bench::new();
    let Some(mut browser) = Browser::start() else { return };
    let arguments =
        ["run", "scenario.toml", "--load", "long", "--profile", "a", "--progress", "none", "--ui"];
    let page = served(&bench, &arguments);
    browser.open(&format!("http://{}/", page.address));
    browser.until(TICKS);
    browser.until("/^● \\d+:\\d\\d .*\\/s · jobs$/.test(document.title)");
    assert_eq!(browser.text("h1"), "jobs");
    browser.click("#tab-endpoints");
    browser.until("document.querySelectorAll('#endpoints tr').length === 3");
    assert!(browser.text("#endpoints").contains("POST /jobs"));
    browser.click("#tab-signals");
    browser.until("document.querySelector('#signals').textContent.includes('backlog')");

    // Aborting is asked once, and need not be.
    browser.click("#abort");
    browser.until("document.getElementById('confirm').open");
    browser.click("#keep");
    assert_eq!(browser.value("document.getElementById('confirm').open"), json!(false));
    browser.click("#stop");
    browser.until("document.querySelector('#done-links a')");
    assert_eq!(browser.text("#done-word"), "interrupted");
    browser.until("document.title.startsWith('– interrupted')");
    assert_eq!(code(&page.end()), 105);

    browser.click("#done-links a");
    browser
        .until("document.getElementById('audit') && !document.documentElement.classList.contains('no-js')");
    assert_eq!(browser.text("h1"), "jobs");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn everything_can_be_done_with_keys_only() {
    let bench = Bench::new();
    run(&bench, "a");
    run(&bench, "b");
    let Some(mut browser) = Browser::start() else { return };
    let page = ui(&bench);
    browser.open(&format!("http://{}/", page.address));
    browser.until("document.getElementById('line').textContent");

    // A wrong value is told where it is, and mended.
    browser.tab_to("#f-users");
    browser.type_text("x");
    browser.until("document.getElementById('wrong').textContent.includes('`x` is not a number')");
    assert_eq!(browser.value("document.activeElement.ariaInvalid"), json!("true"));
    browser.value("document.activeElement.select()");
    browser.type_text("2");
    browser.until("document.getElementById('line').textContent.includes('--load long --users 2')");
    browser.key("Enter");
    browser.until(TICKS);

    // Tabs by arrow keys, round the corner, too.
    browser.tab_to("[role=tab]");
    browser.key("ArrowRight");
    assert_eq!(browser.value("document.activeElement.id"), json!("tab-endpoints"));
    browser.key("End");
    browser.key("ArrowRight");
    assert_eq!(browser.value("document.activeElement.id"), json!("tab-charts"));
    // The tab key goes on to the panel, and within it to the charts, which arrow keys read out.
    browser.tab_to("[role=tabpanel]");
    browser.tab_to("#charts figure");
    browser.key("Home");
    browser.until("document.getElementById('live').textContent.includes('p95')");
    assert!(browser.text("#charts .reading .tip").contains("p95"));

    browser.open(&format!("http://{}/", page.address));
    browser.until(TICKS);
    browser.tab_to("#stop");
    browser.key(" ");
    browser.until("document.getElementById('live').textContent.includes('Ended by the user')");
    browser.until("document.querySelector('#done-links a')");
    browser.open(&format!("http://{}/", page.address));
    browser.until("document.querySelector('#done-links a')");
    browser.tab_to("#done-links a");
    browser.key("Enter");
    browser.until("document.getElementById('audit')");
    browser.back();
    browser.until("document.querySelector('#done-links a')");

    browser.tab_to(".pages a[href='/history']");
    browser.key("Enter");
    browser.until("document.getElementById('compare')");
    browser.tab_to("#f-baseline");
    browser.key("End");
    browser.tab_to("#f-treatment");
    browser.key("End");
    browser.key("ArrowUp");
    let chosen = "[...new FormData(document.getElementById('compare')).values()].join()";
    assert_eq!(browser.value(chosen), json!("1,2"));
    browser.key("Tab");
    browser.key("Enter");
    browser.until("location.pathname === '/api/compare.html' && document.getElementById('audit')");
    assert!(browser.text("header").contains("a baseline against b treatment"), "{}", browser.text("header"));
    assert_eq!(browser.complaints, Vec::<String>::new());
    signal(&page.child, Signal::INT);
    assert_eq!(code(&page.end()), 0);
}

#[test]
fn a_narrow_screen_has_room_for_everything() {
    let bench = Bench::new();
    run(&bench, "a");
    run(&bench, "b");
    let Some(mut browser) = Browser::start() else { return };
    let page = ui(&bench);
    browser.size(380, 800);
    let fits = "document.documentElement.scrollWidth <= 380";
    for path in ["/", "/history"] {
        browser.open(&format!("http://{}{path}", page.address));
        assert_eq!(browser.value(fits), json!(true), "{path}");
    }
    let form = json!({ "scenario": "scenarios/jobs.toml", "profile": "a", "load": "long" });
    assert_eq!(page.post("/api/start", &form).status, 200);
    browser.open(&format!("http://{}/", page.address));
    browser.until(TICKS);
    for tab in ["charts", "endpoints", "failures", "signals", "claims-so-far", "log", "download"] {
        browser.click(&format!("#tab-{tab}"));
        browser.until(&format!("!document.getElementById('panel-{tab}').hidden"));
        assert_eq!(browser.value(fits), json!(true), "{tab}");
    }
}

/// axe-core, which `make axe` fetches; none where nobody did.
fn axe() -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/axe-core/axe.min.js");
    let source = std::fs::read_to_string(path).ok();
    if source.is_none() {
        assert!(std::env::var_os("CI").is_none(), "axe-core is missing: `make axe` fetches it");
        eprintln!("SKIPPED: no axe-core (`make axe` fetches it), so no rules of accessibility were checked");
    }
    source
}

/// What axe finds wrong with the page: rules, and where they are broken.
fn found_by_axe(browser: &mut Browser, source: &str) -> Vec<Value> {
    browser.value(&format!("{source}; void 0"));
    let run = "axe.run(document, { resultTypes: ['violations'] }).then(found => found.violations.map(rule => \
               [rule.id, ...rule.nodes.map(node => node.target.join(' ') + ': ' + node.failureSummary)]))";
    browser.value(run).as_array().unwrap().clone()
}

#[test]
fn the_rules_of_accessibility_are_kept() {
    let Some(source) = axe() else { return };
    let Some(mut browser) = Browser::start() else { return };
    let bench = Bench::new();
    run(&bench, "a");
    run(&bench, "b");
    bench.run(&["experiment", "scenario.toml", "--run-time", "300ms", "--progress", "none"]);
    let page = ui(&bench);
    let address = page.address.clone();
    let check = |browser: &mut Browser, what: &str| {
        for scheme in ["light", "dark"] {
            browser.prefer(scheme);
            let found = found_by_axe(browser, &source);
            assert_eq!(found, Vec::<Value>::new(), "{what}, {scheme}");
        }
    };
    browser.open(&format!("http://{address}/"));
    browser.until("document.getElementById('line').textContent");
    check(&mut browser, "the form");
    for path in ["/history", "/api/report.html?of=e1", "/api/trend.html?scenario=jobs", "/api/report.html"] {
        browser.open(&format!("http://{address}{path}"));
        check(&mut browser, path);
    }
    let form = json!({ "scenario": "scenarios/jobs.toml", "profile": "a", "load": "long" });
    assert_eq!(page.post("/api/start", &form).status, 200);
    browser.open(&format!("http://{address}/"));
    browser.until(TICKS);
    for tab in ["charts", "endpoints", "failures", "signals", "claims-so-far", "log", "download"] {
        browser.click(&format!("#tab-{tab}"));
        check(&mut browser, tab);
    }
    browser.click("#abort");
    check(&mut browser, "the question whether to abort");
    browser.key("Escape");
    assert_eq!(page.post("/api/stop", &json!({})).status, 202);
    browser.until("document.querySelector('#done-links a')");
    check(&mut browser, "the end");
}
