//! Pages and tables: what is on them, and what must never be.

use crate::support::browser;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use loadproof::claim::{Amount, Bound, Claim, Expression, Rule, Selection, Unit};
use loadproof::reading::SignalColumn;
use loadproof::report::{About, Of, html, json, junit, markdown, model, text};
use loadproof::run::{
    Arm, FailureReason, HookFacts, LoadFacts, MeasuredRun, PhaseSpan, RunEnd, RunFacts, RunId, RunStart,
    RunState, SampleId, SlowSample,
};
use loadproof::sample::{Kind, Outcome, Phase, SampleColumns, Subject};
use loadproof::summary::compare::compare;
use loadproof::summary::{Comparison, summarise};
use loadproof::verdict::audit::Grade;
use loadproof::verdict::{self, Judgement, Options};
use regex::Regex;
use sha2::Digest;

/// How the names of a fixture read.
#[derive(Clone, Copy)]
struct Names {
    scenario: &'static str,
    endpoint: &'static str,
    profile: &'static str,
}

const PLAIN: Names = Names { scenario: "priority-lanes", endpoint: "POST /orders", profile: "lanes" };
const HOSTILE: Names = Names {
    scenario: "</script><img src=x onerror=alert(1)>\"'&",
    endpoint: "</svg><script>alert(1)</script>\u{202e}דף😀",
    profile: "\"><b onclick=x>",
};

fn facts(arm: Arm, names: Names) -> RunFacts {
    let phase = |name: &str, start_us, end_us| PhaseSpan {
        name: name.to_owned(),
        start_us,
        end_us,
        complete: true,
        unknown: String::new(),
    };
    RunFacts {
        id: RunId(if arm == Arm::Baseline { 1 } else { 2 }),
        start: RunStart {
            scenario: names.scenario.to_owned(),
            scenario_file: "scenario.toml".to_owned(),
            fingerprint: "51ab77c0".repeat(8),
            load: "demo".to_owned(),
            load_text: "30 users, 15 spawned per second, 20 s".to_owned(),
            profile: format!("{}-{}", names.profile, if arm == Arm::Baseline { "off" } else { "on" }),
            arm: Some(arm),
            round: Some(1),
            started_at: "2026-11-20T14:02:00Z".to_owned(),
            seed: 7,
            command: "loadproof run scenario.toml".to_owned(),
            tool_version: "0.1.0".to_owned(),
            environment: BTreeMap::from([
                ("kernel".to_owned(), "6.1.0".to_owned()),
                ("service shop".to_owned(), format!("shop --lanes {}", arm.word())),
            ]),
            load_facts: LoadFacts {
                executor: "closed".to_owned(),
                max_in_flight: 30,
                rate_per_s: None,
                workers: 2,
            },
            claims: claims(names),
            must_hold: vec![Expression::new("run.max('primary_length') >= 0")],
            trace_url: Some("http://127.0.0.1:16686/trace/{trace_id}".to_owned()),
            ..RunStart::default()
        },
        duration_s: 30.0,
        samples: 2200,
        pruned_unix_us: None,
        end: RunEnd {
            state: RunState::Done,
            phases: vec![
                phase("ramp", 0, 2_000_000),
                phase("steady", 2_000_000, 20_000_000),
                phase("drain", 20_000_000, 30_000_000),
            ],
            hooks: vec![HookFacts {
                name: "migration".to_owned(),
                moment: "beside".to_owned(),
                command: names.endpoint.to_owned(),
                start_us: 1_000_000,
                end_us: 3_500_000,
                exit_code: Some(3),
                note: String::new(),
            }],
            ..RunEnd::default()
        },
    }
}

/// 2000 requests and 200 effects over 20 s; effects are slow in the baseline and slower with time.
fn samples(arm: Arm, names: Names) -> SampleColumns {
    let subject = |kind, name: &str| Subject {
        kind,
        traffic_class: "production".to_owned(),
        endpoint: name.to_owned(),
    };
    let mut columns = SampleColumns {
        subjects: vec![subject(Kind::Request, names.endpoint), subject(Kind::Effect, "order visible")],
        ..SampleColumns::default()
    };
    for i in 0..2200_i64 {
        let is_effect = i % 11 == 10;
        let due = i * 20_000_000 / 2200;
        let wobble = (i * 7919) % 997;
        let time = match (is_effect, arm) {
            (false, _) => 400 + wobble,
            (true, Arm::Baseline) => 50_000 + due / 2 + wobble * 100,
            (true, Arm::Treatment) => 20_000 + wobble * 20,
        };
        columns.subject.push(u32::from(is_effect));
        columns.outcome.push(if i % 500 == 3 { Outcome::Failed } else { Outcome::Ok });
        columns.phase.push(if due < 2_000_000 { Phase::Ramp } else { Phase::Steady });
        columns.status.push(if i % 500 == 3 { 500 } else { 201 });
        columns.intended_us.push(due);
        columns.sent_us.push(due + if is_effect { 0 } else { 60 });
        columns.done_us.push(due + time);
    }
    columns
}

/// A value at each half second.
type Shape = fn(i32) -> f64;

fn signals(arm: Arm) -> Vec<SignalColumn> {
    let column = |name: &str, unit: &str, is_counter, value: Shape| SignalColumn {
        name: name.to_owned(),
        unit: unit.to_owned(),
        is_counter,
        readings: (0..60).map(|i| (i64::from(i) * 500_000, value(i))).collect(),
    };
    let rising = |i: i32| f64::from(if i < 40 { i * 18 } else { (60 - i) * 36 });
    let (primary, backfill): (Shape, Shape) = match arm {
        Arm::Baseline => (rising, |_| 0.0),
        Arm::Treatment => (|_| 0.0, rising),
    };
    vec![
        column("backfill_length", "messages", false, backfill),
        column("primary_length", "messages", false, primary),
        column("shop cpu", "s", true, |i| f64::from(i) * 0.02),
        column("shop memory", "bytes", false, |i| 1e7 + f64::from(i) * 1e4),
    ]
}

/// One claim of each kind of verdict that a single pair can have, and one that does not gate.
fn claims(names: Names) -> Vec<Claim> {
    let claim = |title: &str, value: &str, bound, rule, gates| Claim {
        rule,
        gates,
        ..Claim::new(title, Expression::new(value), bound)
    };
    let times = |value| Amount { value, unit: Unit::Times };
    let ms = |value| Amount { value, unit: Unit::Time };
    vec![
        claim(
            names.endpoint,
            "baseline.p95 / treatment.p95",
            Bound::AtLeast(times(3.1)),
            Rule::Interval,
            true,
        ),
        // A few requests fail, which a claim about the longest does not overlook by itself.
        Claim {
            tolerates: Some(0.01),
            ..claim("Answers within 2 ms", "treatment.max", Bound::AtMost(ms(2.0)), Rule::EveryRun, true)
        },
        claim(
            "No backlog",
            "treatment.max('backfill_length')",
            Bound::AtMost(Amount::plain(3.0)),
            Rule::EveryRun,
            true,
        ),
        claim(
            "Cached",
            "treatment.last('cache hits')",
            Bound::AtLeast(Amount::plain(1.0)),
            Rule::Interval,
            false,
        ),
    ]
}

fn measured(arm: Arm, names: Names) -> Arc<MeasuredRun> {
    let reason = FailureReason {
        outcome: "failed".to_owned(),
        endpoint: names.endpoint.to_owned(),
        reason: "status 500".to_owned(),
        count: 4,
        first_us: 4_200_000,
        last_us: 61_000_000,
        first: SampleId { run: RunId(if arm == Arm::Baseline { 1 } else { 2 }), sequence: 8841 },
        exchange: Some("POST /orders\n\n500 Internal Server Error\n\nout of stock".to_owned()),
    };
    let slow = SlowSample {
        run: RunId(if arm == Arm::Baseline { 1 } else { 2 }),
        endpoint: names.endpoint.to_owned(),
        traffic_class: "production".to_owned(),
        outcome: "ok".to_owned(),
        status: 200,
        user: 3,
        journey: 17,
        intended_us: 4_200_000,
        response_us: 150_000,
        service_us: 20_000,
    };
    Arc::new(MeasuredRun {
        facts: facts(arm, names),
        samples: samples(arm, names),
        signals: signals(arm),
        reasons: vec![reason],
        soft_checks: Vec::new(),
        slowest: vec![slow],
        checksum: "9f1c2b40e07a".repeat(5),
        seal: loadproof::run::Seal::default(),
    })
}

fn comparison(names: Names) -> (Comparison, Judgement) {
    let runs = [Arm::Baseline, Arm::Treatment].map(|arm| measured(arm, names));
    let [baseline, treatment] =
        [0, 1].map(|i| summarise(runs[i].facts.start.arm.unwrap(), std::slice::from_ref(&runs[i])).unwrap());
    let options = Options::default();
    (compare(baseline, treatment), verdict::of_rounds(&runs, &options))
}

fn comparison_model(names: Names) -> model::Report {
    let (comparison, judgement) = comparison(names);
    model::comparison(&comparison, &judgement, about())
}

fn about() -> About {
    About {
        of: Of::Runs { baseline: RunId(1), treatment: RunId(2) },
        allow_invalid: false,
        allow_failures: false,
        claims: None,
        generated_at: "2026-11-20 14:10 UTC".to_owned(),
        tool_version: "0.1.0".to_owned(),
        store: "reports/loadproof.db".to_owned(),
        command: "loadproof compare 1 2".to_owned(),
        qualification: None,
        floor: None,
    }
}

fn comparison_page(names: Names) -> String {
    html::render(&comparison_model(names)).unwrap()
}

fn run_page(names: Names) -> String {
    let run = measured(Arm::Treatment, names);
    let judgement = verdict::of_run(&run, &Options::default());
    let summary = summarise(Arm::Treatment, std::slice::from_ref(&run)).unwrap();
    html::render(&model::run(&summary, &judgement, about())).unwrap()
}

fn pages() -> Vec<(&'static str, String, usize)> {
    vec![
        ("comparison", comparison_page(PLAIN), 400_000),
        ("run", run_page(PLAIN), 250_000),
        ("hostile comparison", comparison_page(HOSTILE), 400_000),
        ("hostile run", run_page(HOSTILE), 250_000),
    ]
}

fn all<'a>(pattern: &str, page: &'a str) -> Vec<&'a str> {
    Regex::new(pattern).unwrap().captures_iter(page).map(|c| c.get(1).unwrap().as_str()).collect()
}

#[test]
fn pages_ask_nothing_of_anybody() {
    let link = Regex::new("(?i)<a [^>]*>").unwrap();
    for (name, page, _) in pages() {
        // Links that a reader may follow are no requests; they say nothing of where he came from.
        for other in all(r#"(?i)<a ([^>]*href="https?:[^>]*)>"#, &page) {
            assert!(other.ends_with(r#"rel="noreferrer""#), "{name}: {other}");
        }
        let page = link.replace_all(&page, "");
        for pattern in [r"(?i)<[a-z][^>]*\s(src=)", r"(?i)(@import)", r"(?i)(url\()", r#"href="(https?:)"#] {
            assert!(all(pattern, &page).is_empty(), "{name}: {pattern}");
        }
        assert!(all(r"<[a-z][^>]*\s(style|on[a-z]+)=", &page).is_empty(), "{name}");
    }
}

#[test]
fn the_policy_names_what_is_on_the_page_by_its_hash() {
    for (name, page, _) in pages() {
        let hash = |text: &str| base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(text));
        let [style] = all(r"(?s)<style>(.*?)</style>", &page)[..] else { panic!("{name}: one style sheet") };
        let [script] = all(r"(?s)<script>(.*?)</script>", &page)[..] else { panic!("{name}: one script") };
        for part in [style, script] {
            assert!(page.contains(&format!("'sha256-{}'", hash(part))), "{name}");
        }
    }
}

#[test]
fn pages_can_be_read_by_everybody() {
    for (name, page, _) in pages() {
        assert_eq!(all("(<h1)", &page).len(), 1, "{name}");
        let ids = all(r#"\sid="([^"]+)""#, &page);
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{name}: ids are unique");
        assert!(all(r"(<th(?:\s[^>]*)?>)", &page).iter().all(|th| th.contains("scope=")), "{name}");
        for svg in all(r"(?s)(<svg id=.*?</svg>)", &page) {
            assert!(
                svg.contains("<title ") && svg.contains("<desc ") && svg.contains("role=\"img\""),
                "{name}"
            );
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
        }
    }
}

#[test]
fn pages_stay_within_their_budget_and_are_the_same_every_time() {
    for ((name, page, budget), (_, again, _)) in pages().into_iter().zip(pages()) {
        assert!(page.len() < budget, "{name}: {} bytes", page.len());
        assert!(page == again, "{name}");
    }
}

#[test]
fn hostile_names_are_only_text() {
    for (name, page, _) in pages().into_iter().filter(|p| p.0.starts_with("hostile")) {
        for tag in ["<img", "<b onclick", "<script>alert", "</svg><script"] {
            assert!(!page.contains(tag), "{name}: {tag}");
        }
        for data in all(r#"(?s)<script type="application/json">(.*?)</script>"#, &page) {
            serde_json::from_str::<serde_json::Value>(data).unwrap();
        }
        assert!(page.contains("😀"), "{name}");
    }
}

#[test]
fn the_terminal_shows_what_the_page_shows() {
    let report = comparison_model(PLAIN);
    let plain = anstream::adapter::strip_str(&text::render(&report)).to_string();
    insta::assert_snapshot!(plain);
    let page = html::render(&report).unwrap();
    for sentence in &report.finding {
        assert!(
            page.contains(&sentence.replace('\'', "&#x27;")) && plain.contains(sentence.as_str()),
            "{sentence}"
        );
    }
}

#[test]
fn the_model_of_a_comparison_is_as_it_was() {
    let mut report = comparison_model(PLAIN);
    // Points of charts are many, and pinned by the pages' sizes.
    report.percentile_charts.iter_mut().flat_map(|c| &mut c.lines).for_each(|l| l.points.clear());
    report
        .timeline
        .iter_mut()
        .flat_map(|t| &mut t.rows)
        .flat_map(|r| &mut r.lines)
        .for_each(|l| l.points.clear());
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap());
}

#[test]
fn endpoints_of_unlike_arms_are_all_named() {
    let other = Names { endpoint: "POST /carts", ..PLAIN };
    let runs = [measured(Arm::Baseline, PLAIN), measured(Arm::Treatment, other)];
    let [baseline, treatment] =
        [0, 1].map(|i| summarise(runs[i].facts.start.arm.unwrap(), std::slice::from_ref(&runs[i])).unwrap());
    let options = Options::default();
    let judgement = verdict::of_rounds(&runs, &options);
    let report = model::comparison(&compare(baseline, treatment), &judgement, about());
    let section = report.sections.iter().find(|section| section.is_of_requests).unwrap();
    let names: Vec<&str> = section.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["POST /carts", "POST /orders", "total"]);
    let plain = anstream::adapter::strip_str(&text::render(&report)).to_string();
    assert_eq!(plain.matches("not called").count(), 2, "{plain}");
    assert!(plain.contains("POST /carts") && plain.contains("POST /orders"), "{plain}");
}

#[test]
fn warnings_stand_in_every_form() {
    let report = comparison_model(PLAIN);
    assert!(!report.warnings.is_empty());
    let forms = [
        text::render(&report),
        html::render(&report).unwrap(),
        markdown::render(&report),
        junit::render(&report).unwrap(),
    ];
    for form in forms {
        assert!(form.contains("A single pair of runs only indicates"), "{form}");
    }
}

/// The answer to a claim about the fixture's pair.
fn answer(value: &str, bound: Bound, select: &Selection) -> (model::Headline, String) {
    let mut runs = [Arm::Baseline, Arm::Treatment].map(|arm| Arc::unwrap_or_clone(measured(arm, PLAIN)));
    for run in &mut runs {
        let claim = Claim {
            value: Expression::new(value),
            bound,
            select: select.clone(),
            ..claims(PLAIN)[0].clone()
        };
        run.facts.start.claims = vec![claim];
    }
    let runs = runs.map(Arc::new);
    let [baseline, treatment] =
        [0, 1].map(|i| summarise(runs[i].facts.start.arm.unwrap(), std::slice::from_ref(&runs[i])).unwrap());
    let options = Options::default();
    let judgement = verdict::of_rounds(&runs, &options);
    let report = model::comparison(&compare(baseline, treatment), &judgement, about());
    let text = report.headline.answers[0].text.clone();
    (report.headline, text)
}

#[test]
fn an_answer_is_a_sentence_whose_words_agree_with_its_numbers() {
    let times = |value| Amount { value, unit: Unit::Times };
    let effect = Selection { effect: Some("order visible".to_owned()), ..Selection::default() };
    let (headline, text) = answer("baseline.p95 / treatment.p95", Bound::AtLeast(times(3.0)), &effect);
    assert_eq!((headline.word.as_str(), headline.count.as_str()), ("INDICATED", "1 of 1 claim"));
    assert!(text.starts_with("Order visible at p95 is ") && text.contains("x faster ["), "{text}");
    assert!(text.ends_with("; claimed 3x."), "{text}");
    let (headline, text) = answer("treatment.p95 / baseline.p95", Bound::AtLeast(times(3.0)), &effect);
    assert_eq!(headline.word, "NOT INDICATED");
    assert!(text.contains("x faster [") && text.ends_with("; claimed at least 3x."), "{text}");
    let (_, text) = answer("baseline.p50 / treatment.p50", Bound::AtLeast(times(3.0)), &Selection::default());
    assert!(text.contains("no clear difference") && !text.contains("faster"), "{text}");
    let change = Amount { value: 1.1, unit: Unit::Change };
    let (_, text) = answer("treatment.p95 / baseline.p95", Bound::AtMost(change), &Selection::default());
    assert!(text.starts_with("Requests at p95: ") && text.ends_with("; claimed at most +10 %."), "{text}");
}

#[test]
fn json_holds_numbers_unrounded_under_a_named_schema() {
    let (comparison, judgement) = comparison(PLAIN);
    let page = model::comparison(&comparison, &judgement, about());
    let document: serde_json::Value =
        serde_json::from_str(&json::comparison(&comparison, &judgement, None, &page).unwrap()).unwrap();
    assert_eq!(document["schema"], "loadproof.compare/2");
    let effect = &document["comparison"]["subjects"][1];
    let ratio = effect["response_ratios"][0].as_f64().unwrap();
    assert!(ratio > 0.0 && ratio < 0.1, "{ratio}");
    assert_eq!(document["page"]["about"]["of"]["kind"], "runs", "what the page says is there, whole");
}

#[test]
fn a_run_without_samples_still_makes_a_page() {
    let mut empty = facts(Arm::Treatment, PLAIN);
    empty.end.phases.clear();
    empty.duration_s = 0.0;
    let run = Arc::new(MeasuredRun {
        facts: empty,
        samples: SampleColumns::default(),
        signals: Vec::new(),
        reasons: Vec::new(),
        soft_checks: Vec::new(),
        slowest: Vec::new(),
        checksum: String::new(),
        seal: loadproof::run::Seal::default(),
    });
    let judgement = verdict::of_run(&run, &Options::default());
    assert_eq!(judgement.audit.grade, Grade::Invalid);
    let summary = summarise(Arm::Treatment, &[run]).unwrap();
    let report = model::run(&summary, &judgement, about());
    assert!(html::render(&report).unwrap().contains("</html>"));
    assert!(text::render(&report).contains("priority-lanes"));
}

/// Relative luminance and contrast as WCAG 2.2 defines them.
fn contrast(a: &str, b: &str) -> f64 {
    let luminance = |hex: &str| {
        let hex = hex.trim_start_matches('#');
        let full: String =
            if hex.len() == 3 { hex.chars().flat_map(|c| [c, c]).collect() } else { hex.to_owned() };
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&full[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn colours_stand_out_in_both_themes() {
    let css =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/report.css")).unwrap();
    let themes: Vec<BTreeMap<&str, &str>> = Regex::new(r"\{([^{}]*--bg:[^{}]*)\}")
        .unwrap()
        .captures_iter(&css)
        .map(|theme| {
            let body = theme.get(1).unwrap().as_str();
            body.split(';').filter_map(|rule| rule.strip_prefix("--")?.split_once(':')).collect()
        })
        .collect();
    assert_eq!(themes.len(), 3, "light, dark by preference, dark by choice");
    assert_eq!(themes[1], themes[2], "both dark themes are the same");
    // Two lines must be told apart in grey print, too; paper is always light.
    assert!(contrast(themes[0]["a"], themes[0]["b"]) >= 1.5);
    for theme in themes {
        let on_background = |token: &str| contrast(theme[token], theme["bg"]);
        for token in ["ink", "muted", "a-text", "b", "bad"] {
            assert!(on_background(token) >= 4.5, "{token}");
        }
        for (word, ground) in
            [("warn", "warn-bg"), ("good", "good-bg"), ("bad", "bad-bg"), ("void", "void-bg")]
        {
            assert!(contrast(theme[word], theme[ground]) >= 4.5, "{word}");
        }
        assert!(contrast(theme["b"], theme["allowed"]) >= 3.0, "an interval over what a claim allows");
        for token in ["a", "b", "axis"] {
            assert!(on_background(token) >= 3.0, "{token}");
        }
    }
}

/// The page's document after its script has run.
fn dom(page: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    std::fs::write(&file, page).unwrap();
    let output = browser::command(&folder.path().join("profile"))?
        .arg("--dump-dom")
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_script_runs_under_the_policy_and_a_changed_one_does_not() {
    let page = comparison_page(PLAIN);
    let Some(document) = dom(&page) else { return };
    assert!(!document.contains("class=\"no-js\""), "the script has run");
    assert!(document.contains("class=\"cross\""), "charts can be read out");
    let tampered = page.replace("const root =", "const  root =");
    let document = dom(&tampered).unwrap();
    assert!(document.contains("class=\"no-js\""), "a changed script is refused");
    assert!(document.contains("Order visible: p95"), "and the page still reads well");
}
