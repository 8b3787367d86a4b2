//! gRPC calls against a real server: by reflection and by a `.proto` file, unary and streaming,
//! over plain connections and TLS.

use crate::support;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use loadproof::sample::{Outcome, Sample, grpc_status};
use loadproof::scenario::{self, Scenario};
use support::{Drive, Files, Taken, drive, fails};
use testbed::storefront::Form;
use testbed::storefront::lookup::{self, Config};

const PROTO: &str = include_str!("../../testbed/proto/storefront/v1/lookup.proto");

fn server() -> lookup::Running {
    lookup::spawn(Config { form: Form::After, products: NonZeroU32::new(100).unwrap() }).unwrap()
}

/// A scenario of some steps, done once each by one user.
fn text(tables: &str, steps: &str) -> String {
    format!(
        r#"
name = "grpc"
base_url = "http://127.0.0.1:1"
{tables}
[[journey]]
name = "Only"
steps = [
{steps}
]
[[user_class]]
name = "User"
journeys = {{ Only = 1 }}
[load.test]
iterations = 1
concurrency = 1
"#
    )
}

fn compiled(text: &str) -> Result<Arc<Scenario>, String> {
    let files = Files(&[("scenario.toml", text), ("protos/storefront/v1/lookup.proto", PROTO)]);
    scenario::compile(Path::new("scenario.toml"), &files).map(Arc::new).map_err(|e| e.to_string())
}

const BY_FILE: &str = "[grpc]\nproto = 'storefront/v1/lookup.proto'\nimport_from = 'protos'";

fn run(tables: &str, steps: &str) -> Taken {
    drive(&compiled(&text(tables, steps)).unwrap(), &server().grpc_url(), Drive::default())
}

fn only(taken: &Taken) -> &Sample {
    let samples: Vec<&Sample> = taken.samples().collect();
    assert_eq!(samples.len(), 1, "{:?}", taken.reasons());
    samples[0]
}

const GET: &str = r#"{ request = "GRPC storefront.v1.ProductLookup/GetProduct", json = { id = "p-7" }, check = { json = { "/id" = "p-7" } } }"#;

#[test]
fn a_call_is_a_sample_by_reflection_and_by_file() {
    for tables in ["", BY_FILE] {
        let taken = run(tables, GET);
        let sample = only(&taken);
        assert_eq!((sample.outcome, sample.status), (Outcome::Ok, grpc_status(0)), "{:?}", taken.reasons());
        // A frame of five bytes and a message of five.
        assert_eq!(sample.bytes_out, 10);
        assert!(sample.bytes_in > 100 && sample.first_byte_us <= sample.done_us);
        assert_eq!(taken.scenario.endpoints[0].endpoint, "GRPC storefront.v1.ProductLookup/GetProduct");
    }
}

#[test]
fn a_status_is_an_outcome_and_messages_are_templates() {
    let step = r#"{ let = { id = "p-{{ 900 + 1 }}" }, request = "GRPC storefront.v1.ProductLookup/GetProduct", json = { id = "{{ id }}" } }"#;
    let taken = run("", step);
    assert_eq!((only(&taken).outcome, only(&taken).status), (Outcome::Failed, grpc_status(5)));
    assert_eq!(taken.reasons(), ["status NOT_FOUND"]);
    let rejected = step.replace("json =", r#"reject = "NOT_FOUND", json ="#);
    assert_eq!(only(&run("", &rejected)).outcome, Outcome::Rejected);
    let expected = step.replace("json =", r#"expect = ["OK", "NOT_FOUND"], json ="#);
    assert_eq!(only(&run(BY_FILE, &expected)).outcome, Outcome::Ok);
}

#[test]
fn a_stream_is_a_list_and_what_is_extracted_serves_the_next_call() {
    let steps = r#"
  { request = "GRPC storefront.v1.ProductLookup/ListCategory", json = { category = "lamp", limit = 3 }, extract = { id = "/2/id" } },
  { request = "GRPC storefront.v1.ProductLookup/GetProduct", json = { id = "{{ id }}" }, check = { json = { "/category" = "lamp" } } },"#;
    for tables in ["", BY_FILE] {
        let taken = run(tables, steps);
        assert_eq!(taken.outcomes()[0], 2, "{:?}", taken.reasons());
    }
}

#[test]
fn one_connection_carries_all_calls_of_a_user() {
    let step = GET.replace(" }, check", " }, repeat = 20, check");
    let parallel = format!("{{ parallel = [{GET}, {GET}, {GET}] }},");
    let taken = run("", &format!("{step},\n{parallel}"));
    assert_eq!(taken.outcomes()[0], 23, "{:?}", taken.reasons());
}

#[test]
fn a_server_that_is_none_of_grpc_is_told_apart() {
    let http = testbed::known::spawn(testbed::known::Truth::default()).unwrap();
    let reason = fails(&compiled(&text("", GET)).unwrap(), &http.url());
    assert!(reason.contains("by reflection"), "{reason}");
    // With descriptors of its own the load begins, and each call fails by itself.
    let taken = drive(&compiled(&text(BY_FILE, GET)).unwrap(), &http.url(), Drive::default());
    assert_eq!(only(&taken).outcome, Outcome::Error);
    let unknown = GET.replace("GetProduct", "GetPrice");
    let reason = fails(&compiled(&text("", &unknown)).unwrap(), &server().grpc_url());
    assert!(reason.contains("has no method `GetPrice`"), "{reason}");
}

#[test]
fn both_protocols_meet_in_one_journey() {
    let lookup = server();
    let steps = format!(
        "{{ request = \"GET {}/lookup/p-3\", extract = {{ id = \"/id\" }} }},\n{}",
        lookup.url(),
        GET.replace("\"p-7\"", "\"{{ id }}\"").replace("/id\" = \"{{ id }}\"", "/id\" = \"p-3\"")
    );
    let taken = drive(&compiled(&text("", &steps)).unwrap(), &lookup.grpc_url(), Drive::default());
    let by_status: BTreeMap<u16, usize> = taken.samples().fold(BTreeMap::new(), |mut all, s| {
        *all.entry(s.status).or_default() += 1;
        all
    });
    assert_eq!(by_status, BTreeMap::from([(200, 1), (grpc_status(0), 1)]), "{:?}", taken.reasons());
}

#[test]
fn mistakes_in_calls_are_shown_where_they_are() {
    let steps = r#"
  { request = "GRPC storefront.v1.ProductLookup/GetProdukt" },
  { request = "GRPC storefront.v1.Lookup/GetProduct" },
  { request = "GRPC GetProduct" },
  { request = "GRPC storefront.v1.ProductLookup/GetProduct", json = { ident = "p-1" } },
  { request = "GRPC storefront.v1.ProductLookup/GetProduct", json = { id = "{{ uuid() }}", name = "x" } },
  { request = "GRPC storefront.v1.ProductLookup/GetProduct", expect = "NOTFOUND" },"#;
    insta::assert_snapshot!(compiled(&text(BY_FILE, steps)).unwrap_err());
    let gone = "[grpc]\nproto = ['gone.proto']";
    insta::assert_snapshot!(compiled(&text(gone, GET)).unwrap_err());
}
