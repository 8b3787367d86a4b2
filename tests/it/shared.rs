//! What users share: things set up once, counters, queues, and meetings that make their requests race.

use crate::support;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use loadproof::sample::{Outcome, Race, Sample};
use loadproof::scenario;
use support::{Drive, Files, Taken, drive};
use testbed::known::{self, ServiceTime, Truth};

/// A scenario of these journeys; its users perform `Main`. The known server answers `GET /status/207` with 207.
fn text(journeys: &str, load: &str) -> String {
    format!(
        r#"
name = "shared"
base_url = "http://127.0.0.1:1"
{journeys}
[[user_class]]
name = "User"
journeys = {{ Main = 1 }}
[load.test]
{load}
"#
    )
}

fn run(journeys: &str, load: &str) -> Taken {
    let service_time = ServiceTime::Constant(Duration::from_millis(20));
    let server = known::spawn(Truth { service_time, ..Truth::default() }).unwrap();
    let text = text(journeys, load);
    let scenario =
        scenario::compile(Path::new("scenario.toml"), &Files(&[("scenario.toml", &text)])).unwrap();
    drive(&scenario.into(), &server.url(), Drive { workers: 2, ..Drive::default() })
}

fn mistakes(journeys: &str) -> String {
    let text = text(journeys, "iterations = 1\nconcurrency = 1");
    let files = Files(&[("scenario.toml", &text)]);
    scenario::compile(Path::new("scenario.toml"), &files).unwrap_err().to_string()
}

fn statuses(taken: &Taken, endpoint: &str) -> Vec<u16> {
    taken.of(endpoint).iter().map(|s| s.status).collect()
}

#[test]
fn a_journey_is_performed_once_for_all_users_of_all_workers() {
    let taken = run(
        r#"
[[journey]]
name = "SetUp"
steps = [{ request = "POST /jobs", name = "set up", expect = 201, extract = { job = "/job_id" } }]
[[journey]]
name = "Main"
once = "SetUp"
steps = [{ request = "GET /jobs/{{ job }}", name = "use", expect = 200 }]
"#,
        "iterations = 40\nconcurrency = 10",
    );
    assert_eq!(taken.of("set up").len(), 1);
    let used = taken.of("use");
    assert_eq!(used.len(), 40);
    assert!(used.iter().all(|s| s.outcome == Outcome::Ok), "everybody knows the job");
    let set_up = taken.of("set up")[0].done_us;
    assert!(used.iter().all(|s| s.intended_us >= set_up), "nobody was due before it was there");
}

#[test]
fn a_set_up_that_fails_is_tried_by_the_next() {
    let taken = run(
        r#"
[[journey]]
name = "SetUp"
steps = [{ request = "GET /status/{{ 500 if iteration < 6 else 200 }}", name = "set up" }]
[[journey]]
name = "Main"
once = "SetUp"
steps = [{ request = "GET /use" }]
"#,
        "iterations = 12\nconcurrency = 1",
    );
    let set_ups = statuses(&taken, "set up");
    assert!(set_ups.len() > 1 && set_ups.iter().filter(|s| **s == 200).count() == 1, "{set_ups:?}");
    assert_eq!(taken.of("GET /use").len(), 12 - set_ups.len() + 1);
}

#[test]
fn a_counter_gives_each_number_once() {
    let taken = run(
        r#"
[[journey]]
name = "Main"
let = { n = { count = "orders" } }
steps = [{ request = "GET /status/{{ 200 + n }}", name = "counted" }]
"#,
        "iterations = 60\nconcurrency = 8",
    );
    let numbers: BTreeSet<u16> = statuses(&taken, "counted").into_iter().collect();
    assert_eq!(numbers, (201..=260).collect());
}

#[test]
fn a_queue_hands_each_value_to_one_user() {
    let taken = run(
        r#"
[[journey]]
name = "Main"
let = { n = { count = "orders" } }
steps = [
  { put = "paid", value = "{{ 200 + n }}" },
  { let = { order = { take = "paid" } }, request = "GET /status/{{ order }}", name = "shipped" },
]
"#,
        "iterations = 60\nconcurrency = 8",
    );
    let mut orders = statuses(&taken, "shipped");
    orders.sort_unstable();
    assert_eq!(orders, (201..=260).collect::<Vec<u16>>());
}

#[test]
fn who_takes_in_vain_says_so_and_goes_on() {
    let taken = run(
        r#"
[[journey]]
name = "Main"
steps = [
  { choice = [
    { probability = 0.001, steps = [{ put = "paid", value = "1" }] },
    { probability = 0.999, steps = [{ let = { order = { take = "paid", within = "20ms" } }, request = "GET /{{ order }}", name = "shipped" }] },
  ] },
]
"#,
        "iterations = 3\nconcurrency = 1",
    );
    assert_eq!(taken.outcomes()[Outcome::Dropped as usize], 3);
    assert_eq!(taken.reasons(), ["queue `paid` stayed empty"]);
}

/// The samples of each race.
fn races(taken: &Taken) -> BTreeMap<Race, Vec<&Sample>> {
    let mut races: BTreeMap<Race, Vec<&Sample>> = BTreeMap::new();
    for sample in taken.samples().filter(|s| s.race != Race::NONE) {
        races.entry(sample.race).or_default().push(sample);
    }
    races
}

#[test]
fn users_who_meet_send_their_next_requests_together() {
    let taken = run(
        r#"
[[journey]]
name = "Main"
steps = [
  { meet = "sale", within = "10s" },
  { request = "GET /race" },
  { request = "GET /alone" },
]
"#,
        "iterations = 40\nconcurrency = 10",
    );
    let races = races(&taken);
    assert_eq!(races.values().map(Vec::len).collect::<Vec<_>>(), [10; 4]);
    for race in races.values() {
        let last_sent = race.iter().map(|s| s.sent_us).max().unwrap();
        assert!(race.iter().all(|s| s.done_us > last_sent), "all under way at one moment");
    }
    assert!(taken.of("GET /alone").iter().all(|s| s.race == Race::NONE));
}

#[test]
fn who_waits_too_long_goes_on_with_whoever_is_there() {
    let taken = run(
        r#"
[[journey]]
name = "Main"
steps = [{ meet = "sale", users = 100, within = "50ms" }, { request = "GET /race" }]
"#,
        "iterations = 6\nconcurrency = 3",
    );
    assert_eq!(taken.requests(), 6);
    assert!(races(&taken).values().all(|race| race.len() <= 3));
}

#[test]
fn parallel_requests_race_each_other_under_a_name() {
    let taken = run(
        r#"
[[journey]]
name = "Main"
steps = [
  { race = "cancel or pay", parallel = [{ request = "GET /cancel" }, { request = "GET /pay" }] },
  { parallel = [{ request = "GET /a" }, { request = "GET /b" }] },
]
"#,
        "iterations = 5\nconcurrency = 2",
    );
    assert_eq!(taken.scenario.races, ["cancel or pay", "Main"]);
    let races = races(&taken);
    assert_eq!(races.len(), 10);
    for (race, entrants) in races {
        let names: BTreeSet<&str> = entrants.iter().map(|s| taken.subject(s).endpoint.as_str()).collect();
        let expected =
            if race.place() == Some(0) { ["GET /cancel", "GET /pay"] } else { ["GET /a", "GET /b"] };
        assert_eq!(names, expected.into());
    }
}

#[test]
fn mistakes_are_told_with_their_place() {
    let main = |rest: &str| format!("[[journey]]\nname = \"Main\"\n{rest}\n");
    let cases = [
        (main("once = \"SetUpp\"\nsteps = [{ request = \"GET /\" }]"), "unknown journey"),
        (main("once = \"Main\"\nsteps = [{ request = \"GET /\" }]"), "cannot be a `once` journey"),
        (
            main("let = { x = { take = \"paid\" } }\nsteps = [{ request = \"GET /\" }]"),
            "nothing is put into queue `paid`",
        ),
        (main("steps = [{ request = \"GET /\", raises = \"Created\" }]"), "expected a stream and an event"),
        (
            main(
                "steps = [{ request = \"GET /\", raises = \"a.X\" }, { request = \"GET /\", raises = [\"a.X\", \"b.Y\"] }]",
            ),
            "`GET /` raises other events elsewhere",
        ),
        (
            format!(
                "{}[[claim]]\ntitle = \"t\"\nvalue = \"run.overlap('sale')\"\nat_least = 1\n",
                main("steps = [{ request = \"GET /\" }]")
            ),
            "unknown race",
        ),
        (
            format!(
                "{}[[claim]]\ntitle = \"t\"\naccounts_for = {{ order = \"loadproof memory\" }}\n",
                main("steps = [{ request = \"GET /\" }]")
            ),
            "unknown stream of raised events",
        ),
    ];
    for (journeys, words) in cases {
        let told = mistakes(&journeys);
        assert!(told.contains(words), "{words}\n{told}");
        assert!(told.contains("scenario.toml:"), "{told}");
    }
}
