//! Figures over releases, through the binary: changes, stretches, the newest release.

use crate::support::bench;

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
        bench.out(&["run", "scenario.toml", "--load", "short", "--profile", "a", "--progress", "none"]);
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
        let output = self.bench.run(&["trend", "jobs", "--json"]);
        let document: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", stdout(&output), stderr(&output)));
        assert_eq!(document["schema"], "loadproof.trend/2");
        (code(&output), document["series"][0].clone())
    }
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
    history.releases(4, 20.0, "6.2");
    let (code, series) = history.trend();
    assert_eq!(code, 0);
    assert_eq!(series["changes"].as_array().unwrap().len(), 0);
    assert_eq!(series["breaks"], serde_json::json!([{"place": 15, "what": ["kernel: 6.1 → 6.2"]}]));
    assert_eq!(series["newest"], serde_json::json!({"state": "too_few", "points": 4}));
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
    assert!(history.bench.out(&["trend", "jobs", "--about", "nothing"]).contains("no complete run"));
    let unknown = history.bench.run(&["trend", "job"]);
    assert_eq!(code(&unknown), 2);
    assert!(stderr(&unknown).contains("it has: jobs"), "{}", stderr(&unknown));
}

#[test]
fn figures_of_real_runs_are_worked_out_once_and_kept() {
    let bench = Bench::new();
    for _ in 0..2 {
        bench.out(&["run", "scenario.toml", "--load", "short", "--profile", "a", "--progress", "none"]);
    }
    let document = bench.json(&["trend", "jobs", "--json"]);
    let series = document["series"].as_array().unwrap();
    let of = |endpoint: &str, metric: &str| {
        let wanted = |s: &&Value| s["subject"]["endpoint"] == endpoint && s["metric"] == metric;
        series.iter().find(wanted).unwrap_or_else(|| panic!("{endpoint} {metric}: {document}"))
    };
    let p50 = of("POST /jobs", "p50")["points"][0]["value"].as_f64().unwrap();
    assert!((2.0..50.0).contains(&p50), "{p50} ms");
    assert!(of("all requests", "throughput")["points"][0]["value"].as_f64().unwrap() > 20.0);
    assert!(of("job visible", "p50")["points"][0]["value"].as_f64().unwrap() > 20.0);
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
