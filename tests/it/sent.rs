//! Arms that send different things, though their scenario file is the same.

use crate::support::bench;

use bench::*;
use serde_json::Value;

/// A bench whose scenario takes part of what it sends from the environment.
fn with(part: &str, by: &str) -> Bench {
    let bench = Bench::new();
    let text = scenario(&bench.server.url());
    assert!(text.contains(part), "{part}");
    bench.write("scenario.toml", &text.replacen(part, by, 1));
    bench
}

/// The check between two runs whose environment differs in this variable.
fn check(bench: &Bench, variable: &str, values: [Option<&str>; 2], name: &str) -> (String, String) {
    for value in values {
        let mut command =
            bench.command(&["run", "scenario.toml", "--load", "short", "--profile", "a", "--seed", "1"]);
        command.env_remove(variable).envs(value.map(|value| (variable, value)));
        command.output().unwrap();
    }
    let runs = bench.query("SELECT max(id) FROM run");
    let output = bench.run(&["compare", &(runs - 1).to_string(), &runs.to_string(), "--json"]);
    let document: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    let checks = document["judgement"]["audit"]["between_arms"].as_array().unwrap();
    let found = checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{checks:?}"));
    (found["grade"].as_str().unwrap().to_owned(), found["text"].as_str().unwrap().to_owned())
}

const BODY: (&str, &str) =
    (r#"json = { n = "{{ int(1, 9) }}" }"#, r#"json = { n = "{{ env('NOTE', '-') }}" }"#);

#[test]
fn bodies_of_another_size_are_other_work() {
    let bench = with(BODY.0, BODY.1);
    let (grade, text) = check(&bench, "NOTE", [None, Some(&"long".repeat(20))], "request sizes");
    assert_eq!(grade, "INVALID", "{text}");
    assert!(text.contains("not the same work") && text.contains("POST /jobs"), "{text}");
    let (grade, text) = check(&bench, "NOTE", [Some("abc"), Some("abc")], "request sizes");
    assert_eq!(grade, "VALID", "{text}");
}

#[test]
fn another_value_of_a_variable_is_told_though_its_size_is_the_same() {
    let header =
        (r#"authorization = "Bearer"#, r#"x-note = "{{ env('NOTE', '-') }}", authorization = "Bearer"#);
    let path = (
        r#"request = "GET /status/409""#,
        r#"request = "GET /status/{{ env('NOTE', '409') }}", name = "GET /status""#,
    );
    for (part, by) in [BODY, header, path] {
        let bench = with(part, by);
        let (grade, text) = check(&bench, "NOTE", [Some("409"), Some("410")], "same work");
        assert_eq!(grade, "WARN", "{by}: {text}");
        assert!(text.contains("`NOTE`"), "{text}");
        let (grade, text) = check(&bench, "NOTE", [Some("409"), Some("409")], "same work");
        assert_eq!(grade, "VALID", "{by}: {text}");
    }
}

#[test]
fn of_what_may_be_secret_nothing_is_kept() {
    let bench = Bench::new();
    let (grade, text) = check(&bench, "TOKEN", [Some("hunter2"), Some("hunter3")], "same work");
    assert_eq!(grade, "VALID", "{text}");
    assert_eq!(
        bench.query("SELECT count(*) FROM environment WHERE name = 'variable TOKEN' AND value = 'secret'"),
        2
    );
    let store = std::fs::read(bench.path("reports/loadproof.db")).unwrap();
    assert!(!store.windows(7).any(|bytes| bytes == b"hunter2"));
}
