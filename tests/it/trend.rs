//! Figures over releases, through the binary: changes, stretches, the newest release.

use crate::support::{bench, change_samples};

use bench::*;
use rusqlite::Connection;
use serde_json::Value;

/// A store whose only real run is 1; the releases are copies of it with figures of their own.
struct History {
    bench: Bench,
    store: Connection,
    runs: i64,
}

impl History {
    fn new() -> Self {
        let bench = Bench::new();
        // However busy the machine is: the releases have an audit of their own.
        bench.run(&["run", "scenario.toml", "--load", "short", "--profile", "a", "--progress", "none"]);
        let store = Connection::open(bench.path("reports/loadproof.db")).unwrap();
        // The template is not part of the history.
        store.execute("UPDATE run SET state = 'failed' WHERE id = 1", []).unwrap();
        Self { bench, store, runs: 1 }
    }

    /// One more release with this p95, ms, on a machine with this kernel.
    fn release(&mut self, label: &str, p95_ms: f64, kernel: &str) {
        self.runs += 1;
        let id = self.runs;
        self.store
            .execute_batch(&format!(
                "CREATE TEMP TABLE copy AS SELECT * FROM run WHERE id = 1;
                 UPDATE copy SET id = {id}, label = '{label}', state = 'done';
                 INSERT INTO run SELECT * FROM copy;
                 DROP TABLE copy;
                 INSERT INTO environment SELECT {id}, name, value FROM environment WHERE run = 1;
                 INSERT OR REPLACE INTO environment VALUES ({id}, 'kernel', '{kernel}');
                 INSERT INTO metric VALUES ({id}, 'request', 'production', 'POST /jobs', 'p95', {p95_ms}, 500);"
            ))
            .unwrap();
    }

    /// The newest release was measured on a machine of which something else is true.
    fn on(&mut self, fact: &str, value: &str) {
        let sql = "INSERT OR REPLACE INTO environment VALUES (?1, ?2, ?3)";
        self.store.execute(sql, (self.runs, fact, value)).unwrap();
    }

    /// The audit of the newest release called it INVALID.
    fn invalid(&mut self, check: &str) {
        let sql = "INSERT OR REPLACE INTO audit_check VALUES (?1, ?2, 'INVALID', 'as planted')";
        self.store.execute(sql, (self.runs, check)).unwrap();
    }

    /// One more release, of whose 400 requests so many failed.
    fn failing(&mut self, failed: i64) {
        let n = self.runs;
        self.release(&format!("v{n}"), 10.0, "6.1");
        let sql =
            "INSERT INTO metric VALUES (?1, 'request', 'production', 'POST /jobs', 'answered', ?2, 400)";
        self.store.execute(sql, (self.runs, 1.0 - failed as f64 / 400.0)).unwrap();
    }

    /// One more release with the samples of the template, changed by `sql`; its metrics are worked out from them.
    fn measured(&mut self, label: &str, sql: &str) {
        self.release(label, 1.0, "6.1");
        let id = self.runs;
        change_samples(
            &self.store,
            &format!(
                "DELETE FROM metric WHERE run = {id};
                 INSERT INTO run_phase SELECT {id}, name, start_us, end_us, complete, unknown FROM run_phase WHERE run = 1;
                 CREATE TEMP TABLE copy AS SELECT * FROM sample WHERE id < 2 << 32;
                 UPDATE copy SET id = id - (1 << 32) + ({id} << 32), sent_us = intended_us;
                 {sql};
                 INSERT INTO sample SELECT * FROM copy;
                 DROP TABLE copy;"
            ),
        );
    }

    /// So many releases about a level.
    fn releases(&mut self, count: i64, p95_ms: f64, kernel: &str) {
        for i in 0..count {
            let n = self.runs;
            let wobble = [0.99, 1.01, 1.0, 0.995, 1.005][usize::try_from(i % 5).unwrap()];
            self.release(&format!("v{n}"), p95_ms * wobble, kernel);
        }
    }

    /// The exit code and the only series.
    fn trend(&self) -> (i32, Value) {
        let (code, document) = self.all();
        (code, document["series"][0].clone())
    }

    /// The exit code and the whole document.
    fn all(&self) -> (i32, Value) {
        let output = self.bench.run(&["trend", "jobs", "--json"]);
        let document: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", stdout(&output), stderr(&output)));
        assert_eq!(document["schema"], "loadproof.trend/2");
        (code(&output), document)
    }
}

/// The series of an endpoint's metric.
fn of<'a>(document: &'a Value, endpoint: &str, metric: &str) -> &'a Value {
    let wanted = |s: &&Value| s["subject"]["endpoint"] == endpoint && s["metric"] == metric;
    let series = document["series"].as_array().unwrap().iter().find(wanted);
    series.unwrap_or_else(|| panic!("{endpoint} {metric}: {document}"))
}

#[test]
fn a_step_for_the_worse_is_found_where_it_is_and_stays_a_regression() {
    let mut history = History::new();
    history.releases(15, 10.0, "6.1");
    history.releases(15, 13.0, "6.1");
    let (code, series) = history.trend();
    assert_eq!(code, 99);
    assert_eq!(series["newest"]["state"], "regression");
    assert_eq!(series["newest"]["since"], 15);
    let changes = series["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0]["place"], 15);
    assert!((changes[0]["ratio"].as_f64().unwrap() - 1.3).abs() < 0.01);
    assert_eq!(changes[0]["is_worse"], true);
}

#[test]
fn a_slow_release_is_suspect_and_the_second_in_turn_a_regression() {
    let mut history = History::new();
    history.releases(4, 10.0, "6.1");
    assert_eq!(history.trend().1["newest"]["state"], "too_few");
    history.releases(8, 10.0, "6.1");
    history.release("slow", 12.0, "6.1");
    let (code, series) = history.trend();
    assert_eq!((code, &series["newest"]["state"]), (97, &"suspect".into()));
    history.release("slow-again", 12.1, "6.1");
    let (code, series) = history.trend();
    assert_eq!((code, &series["newest"]["state"]), (99, &"regression".into()));
    assert!((series["newest"]["ratio"].as_f64().unwrap() - 1.21).abs() < 0.01);
}

#[test]
fn a_regression_stays_one_until_a_release_is_back() {
    let mut history = History::new();
    history.releases(12, 10.0, "6.1");
    history.releases(10, 20.0, "6.1");
    let (code, series) = history.trend();
    assert_eq!((code, &series["newest"]["state"]), (99, &"regression".into()));
    assert_eq!(series["newest"]["since"], 12);
    history.release("mended", 10.0, "6.1");
    let (code, series) = history.trend();
    assert_eq!((code, &series["newest"]["state"]), (0, &"usual".into()));
}

#[test]
fn an_old_spike_does_not_make_a_doubling_usual() {
    let mut history = History::new();
    history.releases(7, 10.0, "6.1");
    history.release("spike", 17.5, "6.1");
    history.releases(4, 10.0, "6.1");
    history.release("slow", 20.0, "6.1");
    history.release("slow-again", 20.0, "6.1");
    let (code, series) = history.trend();
    assert_eq!((code, &series["newest"]["state"]), (99, &"regression".into()));
}

#[test]
fn a_figure_of_0_is_a_figure() {
    let mut history = History::new();
    history.releases(3, 10.0, "6.1");
    history.release("at once", 0.0, "6.1");
    history.releases(4, 10.0, "6.1");
    let (code, series) = history.trend();
    assert_eq!((code, &series["newest"]["state"]), (0, &"usual".into()));
}

#[test]
fn an_accepted_level_is_a_regression_no_longer() {
    let mut history = History::new();
    history.releases(12, 10.0, "6.1");
    history.releases(6, 15.0, "6.1");
    assert_eq!(history.trend().0, 99);
    let said = history.bench.out(&["trend", "accept", "latest", "--why", "more work per order"]);
    assert!(said.contains("accepted the level of run") && said.contains(": more work per order"), "{said}");
    assert_eq!(history.trend().0, 0);
}

#[test]
fn a_faster_release_is_better() {
    let mut history = History::new();
    history.releases(12, 10.0, "6.1");
    history.release("tuned", 8.0, "6.1");
    let (code, series) = history.trend();
    assert_eq!((code, &series["newest"]["state"]), (0, &"better".into()));
}

#[test]
fn another_machine_begins_another_stretch_and_is_no_regression() {
    let mut history = History::new();
    history.releases(15, 10.0, "6.1");
    for i in 0..4 {
        history.release(&format!("moved-{i}"), 20.0, "6.1");
        history.on("processor", "another one");
    }
    let (code, series) = history.trend();
    assert_eq!(code, 0);
    assert_eq!(series["changes"].as_array().unwrap().len(), 0);
    let breaks = series["breaks"].as_array().unwrap();
    assert_eq!((breaks.len(), &breaks[0]["place"]), (1, &15.into()));
    assert!(breaks[0]["what"][0].as_str().unwrap().ends_with("→ another one"), "{breaks:?}");
    assert_eq!(series["newest"], serde_json::json!({"state": "too_few", "points": 4}));
}

#[test]
fn a_new_kernel_widens_the_band_and_is_told() {
    let mut history = History::new();
    history.releases(15, 10.0, "6.1");
    history.release("kernel", 10.5, "6.2");
    let (code, series) = history.trend();
    assert_eq!((code, &series["newest"]["state"]), (0, &"usual".into()));
    assert_eq!(series["breaks"], serde_json::json!([]));
    assert_eq!(series["updates"], serde_json::json!([{"place": 15, "what": ["kernel: 6.1 → 6.2"]}]));
    history.release("slow", 20.0, "6.2");
    assert_eq!(history.trend().0, 97);
    history.release("slow-again", 20.0, "6.2");
    assert_eq!(history.trend().0, 99);
    let text = stdout(&history.bench.run(&["trend", "jobs"]));
    assert!(text.contains("── wider band: kernel: 6.1 → 6.2 ──"), "{text}");
}

#[test]
fn memory_that_is_reported_a_little_differently_is_the_same() {
    let mut history = History::new();
    for i in 0..30 {
        history.release(&format!("m{i}"), 10.0 + 0.01 * f64::from(i % 5), "6.1");
        history.on("memory", &format!("{} MiB", 16_000 + (i * 7) % 13));
    }
    history.release("slow", 20.0, "6.1");
    history.on("memory", "16001 MiB");
    let (code, series) = history.trend();
    assert_eq!((code, &series["newest"]["state"]), (97, &"suspect".into()));
    assert_eq!((&series["breaks"], &series["updates"]), (&Value::Array(vec![]), &Value::Array(vec![])));
    history.release("other", 10.0, "6.1");
    history.on("memory", "8000 MiB");
    assert_eq!(history.trend().1["breaks"][0]["place"], 31);
}

#[test]
fn a_release_without_an_ok_answer_is_a_regression_by_itself() {
    let mut history = History::new();
    for i in 0..5 {
        history.measured(&format!("v{i}"), "");
    }
    assert_eq!(history.all().0, 0);
    // All requests are answered with an error at once, or with nothing at all.
    for (outcome, label) in [(2, "answers wrongly"), (3, "is down")] {
        history.measured(label, &format!("UPDATE copy SET outcome = {outcome}, status = 500"));
        let (code, document) = history.all();
        assert_eq!(code, 99, "{label}: {document}");
        let throughput = of(&document, "all requests", "throughput");
        let newest = throughput["points"].as_array().unwrap().last().unwrap();
        assert_eq!((&newest["release"], &newest["value"]), (&label.into(), &0.0.into()));
        assert_eq!(throughput["newest"]["state"], "regression");
        assert_eq!(throughput["newest"]["since"], 5);
        // Its times are missing, which is said.
        let p50 = of(&document, "POST /jobs", "p50");
        assert_eq!(p50["points"].as_array().unwrap().len(), 5);
        let missing = p50["missing"].as_array().unwrap();
        assert_eq!(missing.last().unwrap()["release"], label);
    }
    let text = stdout(&history.bench.run(&["trend", "jobs"]));
    assert!(text.contains("is down") && text.contains("no value: too few answers"), "{text}");
    // One that was down because of the machine that made the load tells nothing.
    history.measured("v9", "");
    assert_eq!(history.all().0, 0);
    history.measured("v10", "UPDATE copy SET outcome = 3, status = 0");
    history.invalid("generator starved");
    assert_eq!(history.all().0, 98);
}

#[test]
fn an_endpoint_that_is_never_answered_is_a_regression_however_rarely_it_is_called() {
    let mut history = History::new();
    for i in 0..5 {
        history.measured(&format!("v{i}"), "");
    }
    let broken = "UPDATE copy SET outcome = 2 WHERE endpoint = (SELECT id FROM endpoint WHERE name = 'GET /status/409')";
    history.measured("broken", broken);
    let (code, document) = history.all();
    assert_eq!(code, 99);
    let answered = of(&document, "GET /status/409", "answered");
    assert_eq!(answered["newest"]["state"], "regression");
    // Shares that were always 1 are no series.
    let of_others = |s: &&Value| s["subject"]["endpoint"] == "POST /jobs" && s["metric"] == "answered";
    assert!(!document["series"].as_array().unwrap().iter().any(|s| of_others(&s)), "{document}");
}

#[test]
fn an_endpoint_that_is_gone_is_not_as_usual() {
    let mut history = History::new();
    for i in 0..5 {
        history.measured(&format!("v{i}"), "");
    }
    assert_eq!(history.all().0, 0);
    let gone = "DELETE FROM copy WHERE endpoint = (SELECT id FROM endpoint WHERE name = 'POST /jobs')";
    history.measured("gone", gone);
    let (code, document) = history.all();
    let missing = of(&document, "POST /jobs", "p50")["missing"].as_array().unwrap();
    assert_eq!(missing.last().unwrap()["release"], "gone");
    // Nothing is known of it, unless something else has become worse besides.
    assert!([98, 99].contains(&code), "{code}");
    let text = stdout(&history.bench.run(&["trend", "jobs"]));
    let row = text.lines().find(|line| line.contains("POST /jobs") && line.contains("p50")).unwrap();
    assert!(row.contains("NOT KNOWN") && row.contains("n/a"), "{text}");
    history.bench.out(&["trend", "accept", "latest", "--why", "it was removed"]);
    assert_ne!(history.all().0, 98);
}

#[test]
fn failures_of_a_few_percent_are_no_noise_where_there_were_none() {
    let mut history = History::new();
    (0..10).for_each(|_| history.failing(0));
    history.failing(1);
    let answered = |history: &History| of(&history.all().1, "POST /jobs", "answered")["newest"].clone();
    assert_eq!(answered(&history)["state"], "usual", "one of 400 is chance");
    history.failing(10);
    assert_eq!(answered(&history)["state"], "suspect");
    history.failing(9);
    let newest = answered(&history);
    assert_eq!((&newest["state"], &newest["since"]), (&"regression".into(), &11.into()));
    assert!((newest["ratio"].as_f64().unwrap() - 0.9775).abs() < 0.001, "{newest}");
    assert_eq!(history.all().0, 99);
    history.failing(0);
    assert_eq!(answered(&history)["state"], "usual");
}

#[test]
fn a_release_that_fails_at_once_is_not_as_fast_as_ever() {
    let mut history = History::new();
    for i in 0..5 {
        history.measured(&format!("v{i}"), "");
    }
    // Of a hundred three fail: their answers are as fast as all others.
    history.measured("fails", "UPDATE copy SET outcome = 2, status = 500 WHERE id % 100 < 3");
    let (_, document) = history.all();
    let p50 = of(&document, "POST /jobs", "p50");
    let values: Vec<f64> =
        p50["points"].as_array().unwrap().iter().map(|point| point["value"].as_f64().unwrap()).collect();
    assert!(values.last() >= values.first(), "{values:?}");
}

#[test]
fn requests_that_are_never_answered_took_for_ever() {
    let mut history = History::new();
    for i in 0..5 {
        history.measured(&format!("v{i}"), "");
    }
    let hanging = "UPDATE copy SET outcome = 3, status = 0 WHERE id % 10 < 6";
    history.measured("hangs", hanging);
    let (code, document) = history.all();
    assert_ne!(code, 0);
    let text = stdout(&history.bench.run(&["trend", "jobs"]));
    assert!(text.contains("hangs"), "{text}");
    // More than half are missing: the audit calls the run INVALID, and that it is left out is said.
    assert!(document["left_out"].as_array().unwrap().iter().any(|left| left["release"] == "hangs"));
    history.measured("hangs less", &hanging.replace("< 6", "< 3"));
    let (_, document) = history.all();
    assert_eq!(of(&document, "POST /jobs", "answered")["newest"]["state"], "suspect");
}

#[test]
fn invalid_runs_are_left_out_and_named() {
    let mut history = History::new();
    history.releases(12, 10.0, "6.1");
    history.release("starved", 40.0, "6.1");
    history.invalid("scheduling lag");
    let (code, document) = history.all();
    assert_eq!(code, 98, "nothing is known of the newest release");
    let left_out = document["left_out"].as_array().unwrap();
    let starved = left_out.iter().find(|left| left["release"] == "starved").unwrap();
    assert_eq!(
        (&starved["why"], &starved["is_newest"]),
        (&"INVALID: scheduling lag: as planted".into(), &true.into())
    );
    assert_eq!(document["series"][0]["points"].as_array().unwrap().len(), 12);
    let output = history.bench.run(&["trend", "jobs"]);
    let text = stdout(&output);
    assert!(text.contains("(starved, load short, profile a), INVALID: scheduling lag: as planted"), "{text}");
    let page = std::fs::read_to_string(history.bench.path("reports/trend-jobs.html")).unwrap();
    assert!(
        page.contains("(starved, load short, profile a), INVALID: scheduling lag")
            && page.contains("NOT KNOWN")
    );
    // With the next release it is known again; the run stays named.
    history.release("next", 10.0, "6.1");
    let (code, document) = history.all();
    assert_eq!(code, 0);
    assert!(document["left_out"].as_array().unwrap().iter().any(|left| left["release"] == "starved"));
    // An INVALID run beside a valid one of the same release hides nothing.
    history.release("next", 10.0, "6.1");
    history.invalid("scheduling lag");
    assert_eq!(history.all().0, 0);
}

#[test]
fn a_lasting_small_change_is_an_exit_code_until_it_is_accepted() {
    let mut history = History::new();
    let noise = [0.96, 1.03, 1.0, 0.95, 1.04, 1.02, 0.97, 1.05, 0.99, 1.01];
    for i in 0..50 {
        let level = if i < 30 { 10.0 } else { 11.0 };
        history.release(&format!("v{i}"), level * noise[i % 10], "6.1");
    }
    for _ in 0..3 {
        assert_eq!(history.trend().0, 99);
        history.release(&format!("w{}", history.runs), 11.0, "6.1");
    }
    history.bench.out(&["trend", "accept", "latest", "--why", "known"]);
    assert_eq!(history.trend().0, 0);
}

#[test]
fn a_jump_by_a_factor_of_a_thousand_after_eight_releases_is_a_regression() {
    let mut history = History::new();
    history.releases(8, 0.36, "6.1");
    history.releases(4, 521.0, "6.1");
    let (code, series) = history.trend();
    assert_eq!((code, &series["newest"]["since"]), (99, &8.into()));
}

#[test]
fn a_trend_is_told_in_words_as_a_table_and_as_a_page() {
    let mut history = History::new();
    history.releases(12, 10.0, "6.1");
    history.releases(12, 12.0, "6.1");
    // Two runs of one release are one point.
    let last = format!("v{}", history.runs - 1);
    history.release(&last, 12.0, "6.1");
    let noted = history.bench.out(&["runs", "note", "15", "moved the cache, <b>at last</b>"]);
    assert_eq!(noted, "noted about run 15: moved the cache, <b>at last</b>\n");
    let output = history.bench.run(&["trend", "scenario.toml", "--metric", "p95", "--csv", "trend.csv"]);
    assert_eq!(code(&output), 99);
    let text = stdout(&output);
    assert!(text.contains("········ +20"), "{text}");
    assert!(text.contains("moved the cache"), "{text}");
    assert!(text.contains("newest: REGRESSION since v13, +20"), "{text}");
    assert!(text.contains(" 2 runs"), "{text}");
    let csv = std::fs::read_to_string(history.bench.path("trend.csv")).unwrap();
    assert_eq!(csv.lines().count(), 25);
    let page = std::fs::read_to_string(history.bench.path("reports/trend-jobs.html")).unwrap();
    assert!(page.contains("href=\"run-15.html\""));
    assert!(page.contains("moved the cache, &lt;b&gt;at last") && !page.contains("<b>at last"));
    assert!(page.len() < 300_000, "{} bytes", page.len());
    assert!(history.bench.out(&["trend", "jobs", "--about", "nothing"]).contains("no complete runs yet"));
    let unknown = history.bench.run(&["trend", "job"]);
    assert_eq!(code(&unknown), 2);
    assert!(stderr(&unknown).contains("it has: jobs"), "{}", stderr(&unknown));
}

#[test]
fn figures_of_real_runs_are_worked_out_once_and_kept() {
    let bench = Bench::new();
    for _ in 0..2 {
        bench.run(&["run", "scenario.toml", "--load", "short", "--profile", "a", "--progress", "none"]);
    }
    // A busy machine may have made them INVALID, which would leave them out.
    let store = Connection::open(bench.path("reports/loadproof.db")).unwrap();
    store.execute("UPDATE audit_check SET grade = 'WARN' WHERE grade = 'INVALID'", []).unwrap();
    let document = bench.json(&["trend", "jobs", "--json"]);
    let p50 = of(&document, "POST /jobs", "p50")["points"][0]["value"].as_f64().unwrap();
    assert!((2.0..50.0).contains(&p50), "{p50} ms");
    assert!(of(&document, "all requests", "throughput")["points"][0]["value"].as_f64().unwrap() > 20.0);
    assert!(of(&document, "job visible", "p50")["points"][0]["value"].as_f64().unwrap() > 20.0);
    let kept = bench.query("SELECT count(*) FROM metric");
    bench.json(&["trend", "jobs", "--json"]);
    assert_eq!(bench.query("SELECT count(*) FROM metric"), kept);
}

#[test]
fn otava_gets_a_row_per_release() {
    let mut history = History::new();
    history.releases(3, 10.0, "6.1");
    history.bench.out(&["trend", "jobs", "--otava", "otava.csv", "--json"]);
    let text = std::fs::read_to_string(history.bench.path("otava.csv")).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0], ["time", "release", "POST /jobs [production] p95"]);
    let values: Vec<(&str, &str)> = rows[1..].iter().map(|row| (row[1], row[2])).collect();
    assert_eq!(values, [("v1", "9.9"), ("v2", "10.1"), ("v3", "10")]);
    history.store.execute("UPDATE run SET profile = 'b' WHERE id = 3", []).unwrap();
    let output = history.bench.run(&["trend", "jobs", "--otava", "otava.csv"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("--load short --profile b"), "{}", stderr(&output));
}
