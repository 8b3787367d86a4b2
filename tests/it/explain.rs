//! What carries a difference, through the binary.

use crate::support::evidence;

use evidence::{Planned, Shelf, USUAL};
use serde_json::Value;

/// What the report says of the slowest requests, in numbers and in words.
fn explained(planned: Planned<'_>) -> (Value, Value) {
    let shelf = Shelf::new();
    shelf.experiment(planned);
    let output = shelf.run(&["report", "e1", "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    (document["comparison"]["explanations"][0].clone(), document["page"]["explained"][0].clone())
}

fn parts<'a>(explanation: &'a Value, by: &str) -> &'a Vec<Value> {
    let partings = explanation["partings"].as_array().unwrap();
    partings.iter().find(|parting| parting[0] == by).unwrap()[1].as_array().unwrap()
}

fn sum(parts: &[Value], of: &str) -> f64 {
    parts.iter().map(|part| part[of].as_f64().unwrap()).sum()
}

#[test]
fn a_slower_endpoint_carries_the_change_by_itself() {
    let (explanation, page) = explained(Planned { ms: [20.0, 22.0], reads: [50, 50], ..USUAL });
    let endpoints = parts(&explanation, "endpoint");
    assert_eq!(endpoints.len(), 2);
    let change = explanation["treatment"].as_f64().unwrap() - explanation["baseline"].as_f64().unwrap();
    assert!(change > 0.05, "{change}");
    let orders = endpoints.iter().find(|part| part["name"] == "POST /orders [production]").unwrap();
    assert!((orders["within"].as_f64().unwrap() - change).abs() < 1e-9);
    assert!(sum(endpoints, "mix").abs() < 1e-9);
    for by in ["endpoint", "outcome", "phase", "time"] {
        let parts = parts(&explanation, by);
        assert!((sum(parts, "within") + sum(parts, "mix") - change).abs() < 1e-9, "{by}");
    }
    insta::assert_snapshot!(page["sentence"].as_str().unwrap(), @r"0.583 % of the requests under before (1.9.0) and 14.6 % under after (1.9.0) are slower than 24.2 ms, the p99 of the faster arm: +14.0 pp [+14.0, +14.0]. POST /orders [production] contributes +14.0 pp; the change in the mix of endpoints contributes 0 pp.");
}

#[test]
fn more_calls_to_the_slow_endpoint_are_told_as_a_shift_of_the_mix() {
    let (explanation, page) = explained(Planned { ms: [20.0, 20.0], reads: [95, 60], ..USUAL });
    let endpoints = parts(&explanation, "endpoint");
    let change = explanation["treatment"].as_f64().unwrap() - explanation["baseline"].as_f64().unwrap();
    assert!(sum(endpoints, "mix") > 0.9 * change && change > 0.0, "{endpoints:?}");
    insta::assert_snapshot!(page["sentence"].as_str().unwrap(), @r"1 % of the requests under before (1.9.0) and 7.17 % under after (1.9.0) are slower than 22.9 ms, the p99 of the faster arm: +6.17 pp [+6.17, +6.17]. The change in the mix of endpoints contributes +6.64 pp.");
}

#[test]
fn arms_that_the_rounds_do_not_tell_apart_leave_nothing_to_explain() {
    let (_, page) = explained(Planned { ms: [20.0, 20.0], reads: [50, 50], ..USUAL });
    assert_eq!(page["is_told_apart"], false);
    assert!(
        page["sentence"].as_str().unwrap().ends_with("No significant difference over the rounds."),
        "{page}"
    );
}
