//! Loads whose level changes, loads of several parts, and loads that are too much. Samples are counted by when they
//! were due, which does not depend on how busy the machine is.

use crate::support;
use std::collections::BTreeSet;
use std::time::Duration;

use loadproof::sample::{Phase, Sample};
use support::bench::{self, Bench, stdout};
use support::{Drive, OneFile, Taken, drive, scenario};
use testbed::known::{self, ServiceTime, Truth};

fn server() -> known::Running {
    let service_time = ServiceTime::Constant(Duration::from_millis(2));
    known::spawn(Truth { service_time, ..Truth::default() }).unwrap()
}

/// Users that pause 20 ms between requests, and a second class that asks for something else.
fn text(load: &str) -> String {
    format!(
        r#"
        name = "stages"
        base_url = "http://127.0.0.1:1"
        [[journey]]
        name = "Read"
        steps = [{{ request = "GET /a" }}]
        [[journey]]
        name = "Write"
        steps = [{{ request = "GET /b" }}]
        [[user_class]]
        name = "Reader"
        journeys = {{ Read = 1 }}
        think = {{ pacing = "20ms" }}
        [[user_class]]
        name = "Writer"
        journeys = {{ Write = 1 }}
        {load}
        "#
    )
}

fn driven(load: &str, workers: u16) -> Taken {
    let server = server();
    drive(&scenario(&text(load)), &server.url(), Drive { workers, ..Drive::default() })
}

fn refused(load: &str) -> String {
    match loadproof::scenario::compile(std::path::Path::new("scenario.toml"), &OneFile(&text(load))) {
        Ok(scenario) => panic!("it is right: {:?}", scenario.loads),
        Err(error) => error.to_string(),
    }
}

/// Due from `from` on and before `until`, in s.
fn due(taken: &Taken, from: f64, until: f64) -> Vec<&Sample> {
    let within = |s: &&Sample| (from * 1e6..until * 1e6).contains(&(s.intended_us as f64));
    taken.samples().filter(within).collect()
}

fn users(samples: &[&Sample]) -> BTreeSet<u32> {
    samples.iter().map(|s| s.user).collect()
}

#[test]
fn users_come_and_leave_as_the_stages_say() {
    let load = r#"
        [load.test]
        user_class = "Reader"
        stages = [{ users = 8, over = "0.8s" }, { hold = "0.4s" }, { users = 2, hold = "0.4s" }, { users = 6, hold = "0.4s" }]
    "#;
    let taken = driven(load, 2);
    let first = |user| taken.samples().filter(|s| s.user == user).map(|s| s.intended_us).min().unwrap();
    let begun: Vec<i64> = (0..8).map(first).collect();
    assert_eq!(begun, [0, 100_000, 200_000, 300_000, 400_000, 500_000, 600_000, 700_000]);
    assert_eq!(users(&due(&taken, 0.8, 1.2)).len(), 8);
    assert_eq!(users(&due(&taken, 1.2, 1.6)), BTreeSet::from([0, 1]));
    assert_eq!(users(&due(&taken, 1.6, 2.0)), (0..6).collect());
    // Whoever comes again is due when the level rises.
    assert!(due(&taken, 1.6, 1.600_001).iter().any(|s| s.user == 5));
    assert!(due(&taken, 2.0, 9.0).is_empty());
    let phase = |at: f64| due(&taken, at, at + 0.1).iter().map(|s| s.phase).collect::<BTreeSet<_>>();
    assert_eq!(phase(0.3), BTreeSet::from([Phase::Ramp]));
    assert_eq!(phase(1.3), BTreeSet::from([Phase::Steady]));
}

#[test]
fn a_rate_that_changes_starts_what_is_due() {
    let load = r#"
        [load.test]
        user_class = "Writer"
        stages = [{ rate = 200, over = "1s" }, { hold = "0.5s" }, { rate = 20, hold = "0.5s" }, { rate = 0, over = "0.5s" }]
    "#;
    let taken = driven(load, 2);
    let n = |from, until| due(&taken, from, until).len();
    assert_eq!([n(0.0, 0.5), n(0.5, 1.0), n(1.0, 1.5), n(1.5, 2.0), n(2.0, 2.5)], [25, 75, 100, 10, 5]);
}

#[test]
fn bursts_start_at_once() {
    let load = "[load.test]\nuser_class = 'Writer'\nburst = { size = 30, every = '0.5s', times = 3 }";
    let taken = driven(load, 2);
    let mut intended: Vec<i64> = taken.samples().map(|s| s.intended_us).collect();
    intended.sort_unstable();
    let expected: Vec<i64> = (0..90).map(|n| n / 30 * 500_000).collect();
    assert_eq!(intended, expected);
}

#[test]
fn each_burst_has_a_row_with_its_peak_and_when_it_had_drained() {
    let bench = Bench::new();
    let text = bench::scenario(&bench.server.url());
    let short = "users = 4\n        run_time = \"0.5s\"";
    assert!(text.contains(short));
    bench.write(
        "s.toml",
        &text.replace(short, "burst = { size = 9, every = '1s', times = 2 }\nmax_in_flight = 9"),
    );
    let output = bench.run(&[
        "run",
        "s.toml",
        "--load",
        "short",
        "--profile",
        "a",
        "--allow-invalid",
        "--markdown",
        "m.md",
    ]);
    let heading = |text: &str, cells: [&str; 3]| {
        text.lines().any(|line| cells.iter().all(|cell| line.split_whitespace().any(|word| word == *cell)))
    };
    let text = stdout(&output);
    assert!(heading(&text, ["peak", "drained", "recovery"]) && text.contains("burst 2"), "{text}");
    let markdown = std::fs::read_to_string(bench.path("m.md")).unwrap();
    assert!(heading(&markdown, ["peak", "drained", "recovery"]), "{markdown}");
    let json = bench.run(&["report", "latest", "--json", "--allow-invalid"]);
    let json: serde_json::Value = serde_json::from_str(&stdout(&json)).unwrap();
    let rows = json["page"]["stages"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{rows:?}");
    for row in rows {
        let peak: u32 = row["peak"].as_str().unwrap().parse().unwrap();
        assert!(peak >= 9, "all nine journeys begin with a request that is due at once: {row}");
        assert_eq!(row["recovery"], "n/a", "nothing was measured before them");
    }
}

#[test]
fn parts_run_beside_each_other_with_their_own_users() {
    let load = r#"
        [[load.test.part]]
        name = "readers"
        users = 3
        run_time = "1s"
        user_class = "Reader"
        [[load.test.part]]
        name = "writers"
        rate = 100
        run_time = "0.5s"
        start_after = "0.7s"
        max_in_flight = 20
        user_class = "Writer"
    "#;
    let taken = driven(load, 2);
    let writes = taken.of("GET /b");
    let mut due: Vec<i64> = writes.iter().map(|s| s.intended_us).collect();
    due.sort_unstable();
    assert_eq!(due, (0..50).map(|n| 700_000 + n * 10_000).collect::<Vec<i64>>());
    let reads = taken.of("GET /a");
    assert_eq!(users(&reads), BTreeSet::from([0, 1, 2]));
    assert!(reads.iter().all(|s| s.intended_us < 1_000_000));
    assert!(users(&writes).iter().all(|user| (3..23).contains(user)), "{:?}", users(&writes));
    let journeys: BTreeSet<u32> = taken.samples().map(|s| s.journey).collect();
    assert_eq!(journeys.len(), reads.len() + writes.len(), "each has a number of its own");
}

#[test]
fn a_load_that_does_nothing_is_refused() {
    for (load, title) in [
        ("users = 1\nrun_time = '0s'", "`run_time`: a load of no time sends nothing"),
        ("rate = 1\nrun_time = 0", "`run_time`: a load of no time sends nothing"),
        ("iterations = 5\nconcurrency = 1\nover = '0s'", "`over`: a load of no time sends nothing"),
        ("stages = [{ users = 0, hold = '5s' }]", "these stages send nothing"),
        ("stages = [{ users = 5, over = '0s' }]", "these stages send nothing"),
        ("stages = []", "these stages send nothing"),
        ("part = []", "a load needs a part"),
        ("burst = { size = 5, every = '0s', times = 3 }", "`every`: a load of no time sends nothing"),
    ] {
        let error = refused(&format!("[load.test]\n{load}"));
        assert!(error.contains(title), "{load}: {error}");
        assert_eq!(error.matches("error: ").count(), 1, "{error}");
    }
}

#[test]
fn a_load_that_is_too_much_is_refused() {
    for (load, title) in [
        ("users = 1_000_000_000\nrun_time = '1s'", "`users`: at most 100 000"),
        ("users = 1_000_000\nspawn_rate = 10\nrun_time = '2s'", "`users`: at most 100 000"),
        ("rate = 1e9\nrun_time = '1s'", "at most 100 000 journeys per second"),
        ("rate = 5\nrun_time = '1s'\nmax_in_flight = 5_000_000_000", "`max_in_flight`: at most 100 000"),
        ("iterations = 5\nconcurrency = 1_000_000", "`concurrency`: at most 100 000"),
        ("stages = [{ users = 500_000, over = '1s' }]", "`users`: at most 100 000"),
        ("stages = [{ rate = 1e7, over = '1s' }]", "`rate`: at most 100 000"),
        ("users = 5\nrun_time = 1e15", "`run_time`: a load lasts at most 720 h"),
        ("burst = { size = 5, every = '1h', times = 1_000_000 }", "a load lasts at most 720 h"),
    ] {
        let error = refused(&format!("[load.test]\n{load}")).replace('\u{202f}', " ");
        assert!(error.contains(title), "{load}: {error}");
    }
}

#[test]
fn stages_that_make_no_sense_are_told_and_how_to_write_them() {
    for (load, text) in [
        (
            "stages = [{ duration = '30s', target = 20 }]",
            "a stage is written as `{ users = 20, over = \"30s\" }`",
        ),
        ("stages = [{ users = 5 }]", "a stage needs `over`"),
        ("stages = [{ over = '5s' }]", "a stage without `users` or `rate` needs `hold`"),
        ("stages = [{ users = 5, over = '1s' }, { rate = 5, over = '1s' }]", "either `users` or `rate`"),
        ("stages = [{ users = 5, rate = 5, over = '1s' }]", "a stage has `users` or `rate`"),
        ("stages = [{ users = 5, over = '1s', name = 'steady' }]", "a stage cannot be called `steady`"),
        ("stages = [{ users = 'five', over = '1s' }]", "`users` cannot be the string `five`"),
        (
            "stages = [{ users = 5, over = '1s', name = 'a' }, { hold = '1s' }, { users = 2, over = '1s', name = 'a' }]",
            "two stages of a load are called `a`",
        ),
        (
            "users = 5\nrun_time = '1s'\npart = [{ name = 'a', users = 5, run_time = '1s' }]",
            "a load with parts has no `users` of its own",
        ),
        ("part = [{ users = 5, run_time = '1s' }]", "`name` is missing in part"),
        (
            "part = [{ name = 'a', users = 5, run_time = '1s' }, { name = 'a', users = 5, run_time = '1s' }]",
            "two parts are called `a`",
        ),
    ] {
        let error = refused(&format!("[load.test]\n{load}"));
        assert!(error.contains(text), "{load}: {error}");
        assert_eq!(error.matches("error: ").count(), 1, "{error}");
    }
    let other = "[load.test]\nstages = [{ users = 5, over = '1s', name = 'up' }]\n[load.other]\nusers = 1\nrun_time = '1s'\n\
                 [[claim]]\ntitle = 'a'\nvalue = 'run.p95'\nat_most = '5ms'\n";
    assert!(refused(&format!("{other}select = {{ phase = 'upp' }}")).contains("did you mean `up`?"));
    let error = refused(&format!("{other}select = {{ phase = 'up' }}\nloads = 'other'"));
    assert!(error.contains("load `other` has no phase `up`"), "{error}");
    let claims = &scenario(&text(&format!("{other}select = {{ phase = 'up' }}"))).claims;
    assert_eq!(claims[0].loads, ["test"], "it is about the loads that have it");
    let recovery = other
        .replace("run.p95", "run.recovery('up')")
        .replace("value = 'run.recovery('up')'", "value = \"run.recovery('up')\"");
    assert_eq!(scenario(&text(&recovery)).claims[0].loads, ["test"], "and so is the time to recover from it");
}

#[test]
fn the_shapes_of_other_tools_are_as_the_document_says() {
    let document = std::fs::read_to_string("docs/LOADS.md").unwrap();
    let blocks: Vec<&str> =
        document.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 4);
    let loads: usize = blocks.iter().map(|block| scenario(&text(block)).loads.len()).sum();
    assert_eq!(loads, document.matches("\n[load.").count() + 2, "two are of parts");
}

/// A spike against a server: the claims about its stages are decided by their samples.
#[test]
fn claims_select_stages_by_name() {
    let bench = Bench::new();
    let load = r#"
        [load.test]
        user_class = "Writer"
        stages = [{ rate = 20, hold = "1s", name = "before" }, { rate = 100, hold = "1s", name = "spike" }, { rate = 0, over = "0.5s" }]
        [[claim]]
        title = "Few before"
        value = "run.requests"
        within = [19.5, 20.5]
        select = { phase = "before" }
        [[claim]]
        title = "Many in the spike"
        value = "run.requests"
        within = [99.5, 100.5]
        select = { phase = "spike" }
        [[claim]]
        title = "All of them"
        value = "run.requests"
        within = [144.5, 145.5]
    "#;
    bench.write("spike.toml", &text(load));
    let url = bench.server.url();
    let text = bench.out(&["run", "spike.toml", "--host", &url, "--load", "test", "--progress", "none"]);
    let row = |name: &str| text.lines().find(|line| line.trim_start().starts_with(name)).unwrap().to_owned();
    assert!(row("before ").contains(" 20 per second ") && row("before ").contains(" 20.0 /s"), "{text}");
    assert!(row("spike ").contains(" 100 per second ") && row("spike ").contains(" 100 /s"), "{text}");
    assert_eq!(bench.query("SELECT count(*) FROM verdict WHERE verdict = 'supported'"), 3);
    assert_eq!(bench.query("SELECT json_array_length(stages) FROM run"), 3);
    let ramp = "SELECT start_us FROM run_phase WHERE name = 'ramp'";
    assert_eq!(bench.query(ramp), 2_000_000, "a level that jumps and stays is steady");
}
