//! Mistakes in scenario files: each is shown with file, line, column, caret and a suggestion.

use crate::support;
use std::collections::BTreeMap;
use std::path::Path;

use loadproof::claim::Claim;
use loadproof::scenario::load::Executor;
use loadproof::scenario::{self, Scenario, ScenarioError};
use support::OneFile;

const GOOD: &str = r#"name = "shop"
base_url = "http://127.0.0.1:8000"

[[journey]]
name = "Buy"
steps = [
  { request = "POST /orders", json = { n = 1 }, expect = 201, extract = { order_id = "/order_id" } },
  { request = "PUT /orders/{{ order_id }}/confirm" },
]

[[user_class]]
name = "Customer"
journeys = { Buy = 1 }

[load.smoke]
users = 5
run_time = "10s"

[profile.local]
"#;

fn compile(text: &str) -> Result<Scenario, ScenarioError> {
    scenario::compile(Path::new("scenario.toml"), &OneFile(text))
}

/// What a user reads of the good scenario with one part replaced.
fn mistake(part: &str, by: &str) -> String {
    assert!(GOOD.contains(part), "{part}");
    compile(&GOOD.replacen(part, by, 1)).unwrap_err().to_string()
}

#[test]
fn a_right_scenario_has_its_names_derived() {
    let scenario = compile(GOOD).unwrap();
    let names: Vec<&str> = scenario.endpoints.iter().map(|e| e.endpoint.as_str()).collect();
    assert_eq!(names, ["POST /orders", "PUT /orders/{order_id}/confirm"]);
    assert!(matches!(scenario.loads["smoke"].only(), Some(Executor::Closed { users: 5, .. })));
}

#[test]
fn an_unknown_key_is_shown_with_the_nearest_known_one() {
    insta::assert_snapshot!(mistake("run_time", "runtime"), @r#"
    error: `run_time` is missing in a load
      --> scenario.toml:15:1
       |
    15 | [load.smoke]
       | ^^^^^^^^^^^^ needs `run_time`

    error: unknown key in a load: `runtime`
      --> scenario.toml:17:1
       |
    17 | runtime = "10s"
       | ^^^^^^^ not known here
       |
       = help: did you mean `run_time`? known here: users, run_time, spawn_rate, grace, abort_after, abort_when
    "#);
}

#[test]
fn a_bad_template_is_shown_where_it_stands() {
    insta::assert_snapshot!(mistake("{{ order_id }}", "{{ order_id | }}"), @r#"
    error: bad template
     --> scenario.toml:8:15
      |
    8 |   { request = "PUT /orders/{{ order_id | }}/confirm" },
      |               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ syntax error: unexpected end of variable block, expected identifier
    "#);
}

#[test]
fn a_missing_variable_is_shown_with_the_one_that_was_meant() {
    insta::assert_snapshot!(mistake("{{ order_id }}", "{{ oder_id }}"), @r#"
    error: missing variable `oder_id`
     --> scenario.toml:8:31
      |
    8 |   { request = "PUT /orders/{{ oder_id }}/confirm" },
      |                               ^^^^^^^ no earlier step extracts it, and no function has this name
      |
      = help: did you mean `order_id`?
    "#);
}

#[test]
fn an_impossible_weight_is_refused() {
    insta::assert_snapshot!(mistake("{ Buy = 1 }", "{ Buy = -3 }"), @"
    error: impossible weight `-3`
      --> scenario.toml:13:20
       |
    13 | journeys = { Buy = -3 }
       |                    ^^ expected a number above 0
    ");
}

#[test]
fn an_unknown_journey_is_refused() {
    insta::assert_snapshot!(mistake("{ Buy = 1 }", "{ Bye = 1 }"), @"
    error: unknown journey `Bye`
      --> scenario.toml:13:14
       |
    13 | journeys = { Bye = 1 }
       |              ^^^ not known here
       |
       = help: known here: Buy
    ");
}

#[test]
fn probabilities_of_a_choice_have_to_add_up() {
    let choice = r"{ choice = [{ probability = 0.7, steps = [] }, { probability = 0.2, steps = [] }] }";
    insta::assert_snapshot!(mistake(r#"{ request = "PUT /orders/{{ order_id }}/confirm" }"#, choice), @"
    error: the probabilities of a choice add up to 0.8999999999999999, not to 1
     --> scenario.toml:8:5
      |
    8 |   { choice = [{ probability = 0.7, steps = [] }, { probability = 0.2, steps = [] }] },
      |     ^^^^^^ these
    ");
}

#[test]
fn wrong_types_and_units_say_what_was_expected() {
    insta::assert_snapshot!(mistake(r#"run_time = "10s""#, r#"run_time = "10 parsecs""#), @r#"
    error: `run_time` cannot be the string `10 parsecs`
      --> scenario.toml:17:12
       |
    17 | run_time = "10 parsecs"
       |            ^^^^^^^^^^^^ expected a duration such as `"500ms"` or `"1m30s"`
    "#);
}

#[test]
fn what_is_not_toml_is_shown_where_it_ends() {
    insta::assert_snapshot!(mistake("users = 5", "users = "), @r#"
    error: this is not TOML
      --> scenario.toml:16:9
       |
    16 |   users = 
       |  _________^
    17 | | run_time = "10s"
       | |_^ string values must be quoted, expected literal string
    "#);
}

#[test]
fn all_mistakes_are_shown_at_once() {
    let text =
        GOOD.replace("users = 5", "users = 0").replace("expect = 201", "expect = 2010").replace("PUT", "PAT");
    let error = compile(&text).unwrap_err();
    assert_eq!(error.count, 3, "{error}");
}

#[test]
fn any_method_is_sent_unless_it_is_a_usual_one_misspelt() {
    for method in ["PROPFIND", "REPORT", "PURGE", "X-OWN", "M1"] {
        assert!(compile(&GOOD.replace("PUT", method)).is_ok(), "{method}");
    }
    for method in ["GTE", "PSOT", "get", "PO:ST"] {
        let error = compile(&GOOD.replace("PUT", method)).unwrap_err();
        assert!(
            error.count == 1 && error.to_string().contains(&format!("unknown method `{method}`")),
            "{error}"
        );
    }
}

#[test]
fn mistakes_in_how_the_system_is_reached_are_shown_where_they_are() {
    for (tables, says) in [
        ("[defaults]\nhttp = '3'", "`3` is not a version of HTTP"),
        ("[defaults]\nredirects = -1", "`redirects` cannot be `-1`"),
        ("[defaults]\nbody_limit = '16 furlongs'", "`body_limit` cannot be the string `16 furlongs`"),
        ("[defaults]\nheaders = { a = [1] }", "`a` cannot be `1`"),
        ("[tls]\nca = 'missing.pem'", "cannot read `missing.pem`"),
        ("[tls]\nca = 'scenario.toml'", "`scenario.toml` has no certificate in PEM"),
        ("[tls]\nmin_version = '1.3'\nmax_version = '1.2'", "`max_version` is older than `min_version`"),
        ("[tls]\nmin_version = '1.1'", "`1.1` is not a version of TLS"),
        ("[network]\nproxy = 'socks5://h:1'", "not the URL of an HTTP proxy"),
        (
            "[network]\nproxy = 'http://h:1'\nunix_socket = 'a.sock'",
            "a Unix socket is not reached by a proxy",
        ),
        ("[network]\nsource_addresses = 'eth0'", "`eth0` is not an IP address"),
    ] {
        let error = compile(&format!("{GOOD}\n{tables}\n")).unwrap_err();
        assert!(error.count == 1 && error.to_string().contains(says), "{tables}: {error}");
    }
}

#[test]
fn urls_that_lead_nowhere_are_refused_where_they_are_written() {
    for (url, says) in [
        ("http://[::1", "invalid IPv6 address"),
        ("http://127.0.0.1:99999", "invalid port number"),
        ("http://x y/", "invalid"),
        ("ftp://h", "expected `http://…` or `https://…`"),
    ] {
        let base = compile(&GOOD.replace("http://127.0.0.1:8000", url)).unwrap_err();
        assert!(base.count == 1 && base.to_string().contains(says), "{base}");
        if !url.starts_with("ftp") {
            let request = compile(&GOOD.replace("PUT /orders", &format!("PUT {url}/orders"))).unwrap_err();
            let text = request.to_string();
            assert!(request.count == 1 && text.contains("is not a server") && text.contains(says), "{text}");
        }
    }
    for tail in ["?x=1", "/shop#f"] {
        let error = compile(&GOOD.replace("127.0.0.1:8000", &format!("h{tail}"))).unwrap_err();
        assert!(error.count == 1 && error.to_string().contains("would be left out"), "{error}");
    }
    assert!(compile(&GOOD.replace("http://127.0.0.1:8000", "HTTP://127.0.0.1:8000/shop")).is_ok());
    let source =
        "[[source]]\nprometheus = 'http://h/metrics?all=1'\nsignals = [{ name = 'a', metric = 'a' }]\n";
    assert!(compile(&format!("{GOOD}{source}")).is_ok(), "what is read has a query");
}

#[test]
fn certificates_keys_and_names_that_cannot_be_used_are_refused() {
    let certified = || rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (own, other) = (certified(), certified());
    let (certificate, key, strange) =
        (own.cert.pem(), own.signing_key.serialize_pem(), other.signing_key.serialize_pem());
    let damaged = certificate.replacen("MII", "?!?", 1);
    let compiled = |tls: &str| {
        let text = format!("{GOOD}\n[tls]\n{tls}\n");
        let files = [
            ("scenario.toml", text.as_str()),
            ("a.pem", &certificate),
            ("a.key", &key),
            ("b.key", &strange),
            ("damaged.pem", &damaged),
        ];
        scenario::compile(Path::new("scenario.toml"), &support::Files(&files))
    };
    for right in ["certificate = 'a.pem'\nkey = 'a.key'", "ca = 'a.pem'\nserver_name = 'localhost'"] {
        assert!(compiled(right).is_ok(), "{right}");
    }
    for (wrong, says) in [
        ("certificate = 'a.pem'\nkey = 'b.key'", "`certificate` and `key` do not belong together"),
        ("ca = 'damaged.pem'", "the certificate in `damaged.pem` cannot be read"),
        ("certificate = 'damaged.pem'\nkey = 'a.key'", "the certificate in `damaged.pem` cannot be read"),
        ("server_name = 'not a name'", "`not a name` is not a name that a certificate can have"),
    ] {
        let error = compiled(wrong).unwrap_err();
        assert!(error.count == 1 && error.to_string().contains(says), "{error}");
    }
}

#[test]
fn what_can_never_be_sent_or_come_about_is_refused() {
    let put = r#"{ request = "PUT /orders/{{ order_id }}/confirm" }"#;
    let request = |more: &str| format!(r#"{{ request = "PUT /orders/{{{{ order_id }}}}/confirm", {more} }}"#);
    let poll = |more: &str| format!(r#"{{ poll = "GET /o/{{{{ order_id }}}}", effect = "done", {more} }}"#);
    let cases = [
        (request(r#"headers = { a = "x\ny" }"#), "the header `a` cannot be sent"),
        (request(r#"headers = { a = ["x", "\u007f"] }"#), "the header `a` cannot be sent"),
        (request(r#"headers = { a = "\r{{ order_id }}" }"#), "the header `a` cannot be sent"),
        (request("expect = []"), "`expect` is empty"),
        (request("timeout = 0"), "`timeout` cannot be `0`"),
        (request("name = ' '"), "`name` cannot be the string ` `"),
        (request("group = ''"), "`group` cannot be the string ``"),
        (request("for_each = []"), "`for_each` is empty"),
        (request("for_each = [1], as = 'a b'"), "`a b` cannot be the name of a variable"),
        (request("let = { '1x' = 1 }"), "`1x` cannot be the name of a variable"),
        (request("let = { true = 1 }"), "`true` cannot be the name of a variable"),
        (request("extract = { 'a-b' = '/x' }"), "`a-b` cannot be the name of a variable"),
        (request("extract = { not = '/x' }"), "`not` cannot be the name of a variable"),
        (request("extract = { a = { header = 'x y' } }"), "`x y` is not a header name"),
        (request("check = { header = { 'x y' = 'a' } }"), "`x y` is not a header name"),
        (request("check = { header = { etag = { exist = true } } }"), "did you mean `exists`"),
        (request("check = { header = { etag = {} } }"), "nothing is compared"),
        (request("check = { header = { etag = ['a'] } }"), "`header` cannot be a list"),
        ("{ choice = [] }".to_owned(), "`choice` is empty"),
        ("{ choice = [{ weight = 1, steps = [] }] }".to_owned(), "a choice of nothing"),
        ("{ choice = [{ weight = 1 }] }".to_owned(), "`steps` is missing"),
        (poll("until = 404, pending = 404"), "status 404 cannot be both waited for and pending"),
        (poll("pending = 200"), "status 200 cannot be both waited for and pending"),
        (poll("until = []"), "`until` is empty"),
        (poll("within = '0s'"), "`within` cannot be the string `0s`"),
    ];
    for (step, says) in cases {
        let text = mistake(put, &step);
        let count = text.matches("error: ").count();
        assert!(
            text.contains(says)
                && (count == 1 || step.contains("steps") || step == "{ choice = [{ weight = 1 }] }"),
            "{step}: {text}"
        );
    }
    for step in [
        request(r#"headers = { a = "x\ty", b = "é", c = "{{ order_id }}\n" }"#),
        request(r#"headers = { a = '{{ env("UNSET", "x") }}' }"#),
        request("extract = { A = '/x', _a1 = '/y' }"),
        request("check = { header = { etag = { exists = true }, age = 3 } }"),
        poll("until = 404, pending = 200"),
        poll("until = 404"),
        poll("pending = 200, until_check = { contains = 'done' }"),
        "{ choice = [{ probability = 0.5, steps = [] }, { probability = 0.5, steps = [{ pause = '1s' }] }] }"
            .to_owned(),
    ] {
        let compiled = compile(&GOOD.replacen(put, &step, 1));
        assert!(compiled.is_ok(), "{step}: {}", compiled.unwrap_err());
    }
    for (part, by) in [("name = \"shop\"", "name = ''"), ("name = \"Customer\"", "name = '\t'")] {
        assert!(mistake(part, by).contains("expected a text that is not blank"), "{by}");
    }
    let think =
        mistake("journeys = { Buy = 1 }", "journeys = { Buy = 1 }\nthink = { uniform = ['2s', '1s'] }");
    assert!(think.contains("`uniform` goes from 2s down to 1s"), "{think}");
}

#[test]
fn a_mistake_in_a_template_is_not_a_second_one_of_what_it_would_have_given() {
    for value in ["{{ env('UNSET') }}", "{{ nofunc() }}", "http://{{ env('UNSET') }}"] {
        let base = compile(&GOOD.replace("http://127.0.0.1:8000", value)).unwrap_err();
        assert_eq!(base.count, 1, "{base}");
        for table in [
            format!("[network]\nproxy = \"{value}\""),
            format!("[network]\nsource_addresses = \"{value}\""),
            format!("[trace]\nurl = \"{value}\""),
            format!("[tls]\nca = \"{value}\""),
            format!("[tls]\nserver_name = \"{value}/\""),
            format!("[[source]]\njson = \"{value}\"\nsignals = [{{ name = 'a', pointer = '/a' }}]"),
        ] {
            let error = compile(&format!("{GOOD}\n{table}\n")).unwrap_err();
            assert_eq!(error.count, 1, "{table}: {error}");
        }
    }
}

#[test]
fn all_mistakes_of_a_body_are_shown() {
    let json = r#"json = { a = "{{ x | }}", b = ["{{ y | }}", "right"] }"#;
    let text = mistake("json = { n = 1 }", json);
    assert!(text.contains("error: bad template") && text.matches("error: bad").count() == 2, "{text}");
}

#[test]
fn a_poll_that_expects_is_told_what_to_say_instead() {
    let poll = r#"{ poll = "GET /orders/{{ order_id }}", effect = "visible", expect = 200 }"#;
    insta::assert_snapshot!(mistake(r#"{ request = "PUT /orders/{{ order_id }}/confirm" }"#, poll), @r#"
    error: a poll has no `expect`
     --> scenario.toml:8:62
      |
    8 |   { poll = "GET /orders/{{ order_id }}", effect = "visible", expect = 200 },
      |                                                              ^^^^^^ say `until` and `pending` instead
    "#);
}

#[test]
fn names_that_would_be_taken_for_others_are_refused() {
    let service =
        "[[profile.local.service]]\nname = 'loadproof'\ncommand = ['x']\nready = 'tcp://127.0.0.1:1'\n";
    let signals = "[[source]]\nprometheus = 'http://127.0.0.1:1'\n\
                   signals = [{ name = 'a', metric = 'a' }, { name = 'a', metric = 'b' }, { name = 'x cpu', metric = 'c' }]\n";
    let error = compile(&format!("{GOOD}{service}{signals}")).unwrap_err();
    assert_eq!(error.count, 3, "{error}");
}

#[test]
fn an_unknown_load_on_the_command_line_is_answered_with_a_suggestion() {
    let scenario = compile(GOOD).unwrap();
    insta::assert_snapshot!(scenario.load("smoek").unwrap_err().to_string(), @"
    error: the scenario has no load `smoek`
      help: did you mean `smoke`? known here: smoke
    ");
}

/// Files and variables in memory.
struct Files {
    files: BTreeMap<&'static str, &'static str>,
    variables: BTreeMap<&'static str, &'static str>,
}

impl scenario::World for Files {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        let text = path.to_str().and_then(|p| self.files.get(p));
        text.map(|t| (*t).to_owned()).ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).map(|v| (*v).to_owned())
    }
}

#[test]
fn included_files_add_journeys_and_bodies() {
    let main = r#"
        name = "shop"
        base_url = "http://127.0.0.1:1"
        include = ["parts/bodies.toml"]
        [[journey]]
        name = "Register"
        steps = [{ request = "POST /customers", body = "customer" }]
        [[user_class]]
        name = "User"
        journeys = { Register = 1 }
    "#;
    let bodies = "[body.customer]\nemail = '{{ email() }}'\n";
    let world = |bodies| Files {
        files: BTreeMap::from([("dir/main.toml", main), ("dir/parts/bodies.toml", bodies)]),
        variables: BTreeMap::new(),
    };
    scenario::compile(Path::new("dir/main.toml"), &world(bodies)).unwrap();
    let error = scenario::compile(Path::new("dir/main.toml"), &world("[body.customer]\nx = '{{ emial() }}'"))
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("dir/parts/bodies.toml:2:9") && text.contains("did you mean `email`?"), "{text}");
}

#[test]
fn a_missing_or_broken_include_hides_no_other_mistake_and_is_one_alone() {
    let main = r#"
        name = "shop"
        base_url = "http://127.0.0.1:1"
        include = ["missing1.toml", "bad.toml", "broken.toml", "missing2.toml"]
        bogus = 1
        [[journey]]
        name = "Register"
        steps = [{ request = "POST /customers", body = "customer" }, { let = { id = { take = "ids" } }, request = "GET /{{ id }}" }]
        [[user_class]]
        name = "User"
        journeys = { Register = 1, Elsewhere = 1 }
    "#;
    let world = Files {
        files: BTreeMap::from([
            ("dir/main.toml", main),
            ("dir/bad.toml", "[load.few]\nusers = 0\nrun_time = '1s'\n"),
            ("dir/broken.toml", "x = \n"),
        ]),
        variables: BTreeMap::new(),
    };
    let error = scenario::compile(Path::new("dir/main.toml"), &world).unwrap_err();
    let text = error.to_string();
    for says in [
        "cannot read included file `dir/missing1.toml`",
        "cannot read included file `dir/missing2.toml`",
        "dir/main.toml:4:20",
        "unknown key in a scenario: `bogus`",
        "`users` cannot be `0`",
        "this is not TOML",
    ] {
        assert!(text.contains(says), "{says}: {text}");
    }
    assert_eq!(error.count, 5, "{text}");
}

#[test]
fn settings_take_values_from_the_environment() {
    let main = r#"
        name = "shop"
        base_url = 'http://127.0.0.1:{{ env("PORT", "8000") }}'
    "#;
    let world = |variables| Files { files: BTreeMap::from([("m.toml", main)]), variables };
    let host = |variables| scenario::compile(Path::new("m.toml"), &world(variables)).unwrap().base_url;
    assert_eq!(host(BTreeMap::new()), "http://127.0.0.1:8000");
    assert_eq!(host(BTreeMap::from([("PORT", "9")])), "http://127.0.0.1:9");
}

#[test]
fn the_fingerprint_knows_the_work_and_nothing_else() {
    let fingerprint = |text: &str| {
        let scenario = compile(text).unwrap();
        scenario.fingerprint(&scenario.loads["smoke"], &[])
    };
    let original = fingerprint(GOOD);
    let same = ["# a comment\n", "[profile.other]\n"].map(|extra| fingerprint(&format!("{GOOD}{extra}")));
    assert_eq!(same, [original.clone(), original.clone()]);
    assert_eq!(fingerprint(&GOOD.replace("127.0.0.1:8000", "10.0.0.1")), original);
    assert_ne!(fingerprint(&GOOD.replace("n = 1", "n = 2")), original);
    assert_ne!(fingerprint(&GOOD.replace("users = 5", "users = 6")), original);
}

/// The files of the project, and no environment.
struct Disk;

impl scenario::World for Disk {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        std::fs::read_to_string(path)
    }

    fn variable(&self, _: &str) -> Option<String> {
        None
    }
}

#[test]
fn every_scenario_of_the_project_is_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let scenario = scenario::compile(&folder.join("shopstream/priority_lanes.toml"), &Disk).unwrap();
    assert_eq!(scenario.experiment.as_ref().unwrap().treatments, ["lanes-on"]);
}

#[test]
fn mistakes_in_claims_are_shown_where_they_stand() {
    let claim = |text: &str| {
        let text = format!("{GOOD}\n[[claim]]\ntitle = \"t\"\n{text}\n");
        compile(&text).unwrap_err().to_string()
    };
    for (text, words) in [
        ("value = \"treatment.p9x\"\nat_most = 1", "unknown statistic `p9x`; did you mean `p90`?"),
        ("value = \"treatment.p95\"\nat_most = 500", "this value is a time"),
        ("value = \"treatment.ok_share\"\nat_least = \"5ms\"", "this value is not a time"),
        ("value = \"treatment.p95 /\"\nat_most = \"5ms\"", "this formula cannot be evaluated"),
        ("value = \"3\"\nat_most = 5", "the formula uses no run"),
        ("value = \"run.max('backlog')\"\nat_most = 5", "unknown signal `backlog`"),
        ("value = \"run.p95\"", "a claim needs exactly one of `at_least`, `at_most`, `within`"),
        ("value = \"run.ok\"\nat_least = 1\nat_most = 2", "a claim has one bound"),
        ("value = \"run.ok\"\nat_least = \"many\"", "`at_least` is not a valid amount"),
        ("value = \"run.ok\"\nwithin = [2, 1]", "`within` needs two amounts"),
        ("at_least = 1", "a claim needs exactly one of"),
        (
            "value = \"run.ok\"\nat_least = 1\nselect = { endpoint = \"GET /oders\" }",
            "unknown endpoint `GET /oders`",
        ),
        ("value = \"run.ok\"\nat_least = 1\nselect = { phase = \"stedy\" }", "did you mean `steady`?"),
        ("value = \"run.ok\"\nat_least = 1\nloads = \"smok\"", "did you mean `smoke`?"),
        ("grows = \"loadproof memory\"\nat_least = 1", "`grows` brings its own bound"),
        (
            "recovers_after = \"the fault\"\nat_most = \"5s\"",
            "unknown fault, stage or hook beside the load `the fault`",
        ),
        // What is right by its units and hardly meant.
        (
            "value = \"treatment.throughput / baseline.throughput\"\nat_least = \"45%\"",
            "did you mean `+45.0 %` or `1.45x`?",
        ),
        ("value = \"run.quantile(0.99)\"\nat_most = \"500ms\"", "did you mean `quantile(99)`?"),
        ("value = \"run.p50 / 1000\"\nat_most = \"0.005s\"", "times are in milliseconds"),
        ("value = \"run.ok_share\"\nat_least = \"+45%\"", "a change needs a ratio of the arms"),
        ("value = \"run.failed_share\"\nat_most = 1", "did you mean `1%`?"),
        ("value = \"run.ok_share\"\nat_least = 99", "did you mean `99%`?"),
        ("value = \"run.failed_share + run.error_share\"\nat_most = 5", "did you mean `5%`?"),
        ("value = \"treatment.failed_share - baseline.failed_share\"\nat_most = 1", "did you mean `1%`?"),
        ("value = \"share(run.failed, run.requests)\"\nat_most = 5", "did you mean `5%`?"),
        ("value = \"run.failed / run.requests\"\nat_most = 5", "did you mean `5%`?"),
        ("value = \"run.ok_share\"\nwithin = [0, 1]", "every share keeps to this bound"),
        ("value = \"treatment.p95 / baseline.p95\"\nat_least = 0", "every value keeps to this bound"),
        ("value = \"treatment.p95 / baseline.p95\"\nat_most = 45", "say `45x` or `+45%`"),
        ("value = \"treatment.ok_share / baseline.ok_share\"\nat_least = \"99%\"", "or `0.990x`?"),
        ("value = \"treatment.ok_share * 100\"\nat_least = \"99%\"", "leave out the factor"),
        ("value = \"(run.failed_share + run.error_share) * 100\"\nat_most = 5", "leave out the factor"),
        ("value = \"share(run.failed, run.requests) * 100\"\nat_most = 5", "leave out the factor"),
        ("value = \"run.p50 * 1e-3\"\nat_most = \"0.07s\"", "leave out the factor"),
        ("value = \"run.p50 / 60\"\nat_most = \"1s\"", "leave out the factor"),
        ("value = \"run.p50 / 100 / 10\"\nat_most = \"1s\"", "leave out the factor"),
        ("value = \"(treatment.p50 - baseline.p50) / 1e+3\"\nat_most = \"1s\"", "leave out the factor"),
        ("value = \"run.quantile(1)\"\nat_most = \"500ms\"", "percentiles count to 100"),
        ("value = \"run.failed\"\nat_most = \"1%\"", "a share bounds an amount"),
        ("value = \"run.requests\"\nat_least = \"45%\"", "a share bounds an amount"),
        ("value = \"run.delta('loadproof memory')\"\nat_most = \"5%\"", "a share bounds an amount"),
        ("value = \"run.growth('loadproof memory')\"\nat_most = 10", "did you mean `10%`?"),
        ("value = \"run.remaining('loadproof memory')\"\nat_most = 5", "did you mean `5%`?"),
        ("value = \"run.drift(95)\"\nat_most = 10", "did you mean `10%`?"),
        ("leaks = \"loadproof memory\"\nat_most = 5", "did you mean `5%`?"),
        ("degrades = \"p95\"\nat_most = 10", "did you mean `10%`?"),
        (
            "value = \"run.cpu_per_request\"\nat_most = \"2ms\"\nselect = { phase = \"steady\" }",
            "CPU time is known of all requests together",
        ),
        (
            "value = \"run.ok_share\"\nat_least = \"99%\"\nselect = { outcome = \"ok\" }",
            "leave out `outcome` of `select`: a share is of all requests",
        ),
        (
            "value = \"run.share_within('200ms')\"\nat_least = \"90%\"\nselect = { outcome = \"ok\" }",
            "only `ok` ones are selected",
        ),
        (
            "value = \"treatment.answered_share / baseline.answered_share\"\nat_least = \"1x\"\nselect = { outcome = \"failed\" }",
            "only `failed` ones are selected",
        ),
        (
            "value = \"run.ok / run.requests\"\nat_least = \"99%\"\nselect = { outcome = \"ok\" }",
            "only `ok` ones are selected",
        ),
        ("value = \"run.failed\"\nat_most = 0\nselect = { outcome = \"ok\" }", "only `ok` ones are selected"),
    ] {
        let mistake = claim(text);
        assert!(mistake.contains(words), "{words}: {mistake}");
    }
    let abort = mistake("users = 5", "users = 5\nabort_when = \"run.throughput < 5\"");
    assert!(abort.contains("`throughput` is only known after the run"), "{abort}");
    let held = mistake("[profile.local]", "[profile.local]\nmust_hold = \"baseline.ok > 0\"");
    assert!(held.contains("this is about one run"), "{held}");
}

#[test]
fn sums_differences_and_ratios_that_mean_something_are_read() {
    for text in [
        "value = \"run.failed_share + run.error_share\"\nat_most = \"0%\"",
        "value = \"treatment.failed_share - 2 * baseline.failed_share\"\nat_most = 0",
        "value = \"treatment.failed_share - baseline.failed_share\"\nat_most = \"1%\"",
        "value = \"treatment.p95 - 1.2 * baseline.p95\"\nat_most = \"5ms\"",
        "value = \"(run.p50 + run.p95) / 2\"\nat_most = \"5ms\"",
        "value = \"run.throughput * 60\"\nat_least = 3000",
        "value = \"run.failed / run.ok\"\nat_most = \"1%\"",
        "value = \"baseline.p99 / treatment.p99\"\nat_least = \"10x\"",
        "value = \"baseline.p99 / treatment.p99\"\nat_least = 3.1",
        "value = \"run.failed\"\nat_most = 0",
        "value = \"run.last('loadproof memory') / 1e6\"\nat_most = 500",
        "value = \"treatment.delta('loadproof memory') / baseline.delta('loadproof memory')\"\nat_most = \"1.2x\"",
        "value = \"run.max('loadproof memory') / run.first('loadproof memory')\"\nat_most = 2",
        "value = \"run.requests / run.delta('loadproof memory')\"\nat_least = 2",
    ] {
        let text = format!("{GOOD}\n[[claim]]\ntitle = \"a\"\n{text}\n");
        let read = compile(&text);
        assert!(read.is_ok(), "{text}: {:?}", read.err().map(|e| e.to_string()));
    }
}

#[test]
fn claims_are_read_with_their_units_and_shapes() {
    let text = format!(
        "{GOOD}\n[[claim]]\ntitle = \"a\"\nvalue = \"treatment.throughput / baseline.throughput\"\nat_least = \"+45%\"\n\
         [[claim]]\ntitle = \"b\"\nvalue = \"treatment.p50 / baseline.p50\"\nat_most = \"-70%\"\n\
         [[claim]]\ntitle = \"c\"\nvalue = \"treatment.requests / baseline.requests\"\nwithin = \"3%\"\n\
         [[claim]]\ntitle = \"d\"\ndrains = \"loadproof memory\"\narm = \"baseline\"\n\
         [[claim]]\ntitle = \"e\"\nalways = \"loadproof memory\"\nat_most = 10\n\
         [[claim]]\ntitle = \"f\"\nrecovers_after = \"30s\"\nat_most = \"5s\"\n"
    );
    let formulas: Vec<String> = compile(&text).unwrap().claims.iter().map(Claim::formula).collect();
    insta::assert_snapshot!(formulas.join("\n"), @"
    treatment.throughput / baseline.throughput ≥ +45 %
    treatment.p50 / baseline.p50 ≤ −70 %
    −3 % ≤ treatment.requests / baseline.requests ≤ +3 %
    baseline.remaining('loadproof memory') ≤ 0 %, in every run
    run.max('loadproof memory') ≤ 10, in every run
    run.recovery('30s') ≤ 5 s, in every run
    ");
}

/// What `check` warns of in the good scenario with these profiles.
fn doubts(profiles: &str) -> Vec<String> {
    compile(&GOOD.replace("[profile.local]", profiles)).unwrap_or_else(|error| panic!("{error}")).doubts()
}

#[test]
fn an_experiment_whose_profiles_are_identical_is_doubted() {
    let experiment = "[experiment]\nbaseline = \"before\"\ntreatment = \"after\"\nload = \"smoke\"\n";
    let service = |name: &str, flag: &str| {
        format!(
            "[[profile.{name}.service]]\nname = \"{name}\"\ncommand = [\"shop\", \"{flag}\"]\nready = \"http://127.0.0.1:8000/\"\n"
        )
    };
    let held = "must_hold = \"run.ok > 0\"\n";
    let both = |before: &str, after: &str| {
        doubts(&format!("{experiment}[profile.before]\n{before}\n[profile.after]\n{held}{after}"))
    };
    let identical =
        "profiles `before` and `after` are identical, so the experiment compares a system with itself";
    assert_eq!(both("", ""), [identical]);
    assert_eq!(both("why = \"old\"", "why = \"new\""), [identical]);
    assert_eq!(both("", "base_url = \"http://127.0.0.1:8000/\""), [identical]);
    assert_eq!(both(&service("before", "--fast"), &service("after", "--fast")), [identical]);
    assert_eq!(both(&service("before", "--slow"), &service("after", "--fast")), [""; 0]);
    assert_eq!(both("", "base_url = \"http://127.0.0.1:8001\""), [""; 0]);
    assert_eq!(both("", "reset = \"POST /reset\""), [""; 0]);
    // Of several treatments two may be one.
    let three = experiment.replace("treatment = \"after\"", "treatment = [\"after\", \"later\"]");
    let (before, after) = (service("before", "--slow"), service("after", "--fast"));
    let later = service("later", "--fast");
    let found = doubts(&format!(
        "{three}[profile.before]\n{before}\n[profile.after]\n{held}{after}\n[profile.later]\n{held}{later}"
    ));
    assert_eq!(found, [identical.replace("before", "after").replacen("and `after`", "and `later`", 1)]);
}

#[test]
fn a_treatment_that_nothing_checks_is_doubted() {
    let experiment = "[experiment]\nbaseline = \"before\"\ntreatment = \"after\"\nload = \"smoke\"\n";
    let doubted = |held: &str| {
        doubts(&format!(
            "{experiment}[profile.before]\n[profile.after]\nbase_url = \"http://127.0.0.1:8001\"\n{held}"
        ))
    };
    let unchecked = "profile `after` has no `must_hold`: nothing checks that the treatment took effect";
    assert_eq!(doubted(""), [unchecked]);
    assert_eq!(doubted("must_hold = \"run.ok > 0\""), [""; 0]);
    assert_eq!(doubts("[profile.local]"), [""; 0], "without an experiment there is no treatment");
}

/// The titles of all mistakes, in their order.
fn titles(text: &str) -> Vec<String> {
    let told = compile(text).unwrap_err().to_string();
    told.lines().filter_map(|line| line.strip_prefix("error: ")).map(str::to_owned).collect()
}

#[test]
fn only_what_is_wrong_is_told_and_all_of_it() {
    let experiment =
        "[experiment]\nbaseline = 'local'\ntreatment = 'local2'\nload = 'smoke'\n[profile.local2]\n";
    let text = format!("{}{experiment}", GOOD.replacen("users = 5", "rate = 'ten'", 1));
    assert_eq!(titles(&text), ["`rate` cannot be the string `ten`"], "the load is there");
    // What a step that cannot be read would have given is not missing.
    assert_eq!(titles(&GOOD.replacen("POST /orders", "GETT /orders", 1)), ["unknown method `GETT`"]);
    assert_eq!(titles(&GOOD.replacen("\"/order_id\"", "\"$.[\"", 1)).len(), 1);
    let many: Vec<String> = (0..14).map(|i| format!("{{ request = \"GET /{{{{ x{i} }}}}\" }},")).collect();
    let text = GOOD.replacen("steps = [", &format!("steps = [{}", many.join("\n")), 1);
    assert_eq!(titles(&text).len(), 14, "none is only counted");
}

#[test]
fn unknown_keys_are_named_where_something_else_is_missing_too() {
    assert_eq!(
        titles(&GOOD.replacen("users = 5\nrun_time = \"10s\"", "stagse = [1, 2]\ngrace = \"1s\"", 1)),
        [
            "a load needs exactly one of `users`, `rate`, `iterations`, `stages`, `burst`, `replay`, `part`",
            "unknown key in a load: `stagse`"
        ]
    );
    let step = GOOD.replacen("{ request = \"POST /orders\", json", "{ requets = \"POST /orders\", json", 1);
    assert_eq!(titles(&step), ["a step that does nothing", "unknown key in a step: `requets`"]);
    let claim = format!("{GOOD}[[claim]]\ntitle = 'a'\nvaleu = 'run.p50'\nat_most = '5ms'\n");
    assert_eq!(titles(&claim).len(), 2);
    assert_eq!(titles(&claim)[1], "unknown key in claim: `valeu`");
}

#[test]
fn names_that_templates_do_not_know_are_found_before_they_are_rendered() {
    let with = |path: &str| titles(&GOOD.replacen("{{ order_id }}", path, 1));
    assert_eq!(with("{{ order_id | b46encode }}"), ["unknown filter `b46encode`"]);
    assert_eq!(with("{% if order_id is emtpy %}a{% endif %}"), ["unknown test `emtpy`"]);
    assert_eq!(with("{{ order_id.upper() }}"), ["values have no method `upper`"]);
    assert_eq!(with("{{ shout(order_id) }}"), ["missing variable `shout`"]);
    for wrong in ["{{ hex() }}", "{{ int(5, 1) }}", "{{ 'a' | sha256('md4') }}", "{{ user | join(1, 2, 3) }}"]
    {
        assert_eq!(with(wrong), ["this template cannot be rendered"], "{wrong}");
    }
    let unset = compile(&GOOD.replacen("{{ order_id }}", "{{ env('NOT_SET') }}", 1)).unwrap();
    assert!(unset.warnings.contains("the environment variable `NOT_SET` is not set"), "{}", unset.warnings);
    for known in [
        "{{ order_id | b64encode | urlencode }}",
        "{{ 'a' | hmac_sha256(order_id) }}",
        "{{ now() }}{{ order_id }}",
    ] {
        assert!(compile(&GOOD.replacen("{{ order_id }}", known, 1)).is_ok(), "{known}");
    }
}

#[test]
fn what_could_never_be_run_is_refused() {
    let without_steps = "[[journey]]\nname = 'Empty'\nsteps = []\n";
    assert_eq!(titles(&format!("{GOOD}{without_steps}")), ["`steps` is empty"]);
    assert_eq!(
        titles(&GOOD.replacen("POST /orders", "POST /or\\nders", 1)),
        ["a request line cannot hold control characters"]
    );
    let with =
        |keys: &str| titles(&GOOD.replacen("{ request = \"PUT", &format!("{{ {keys}, request = \"PUT"), 1));
    assert_eq!(with("while = '{{ order_id }}'"), ["`while` needs `max`"]);
    assert_eq!(with("repeat = 2, for_each = [1]"), ["a step has `repeat` or `for_each`, not both"]);
    assert_eq!(with("if = 'yes'"), ["`yes` is not a single expression"]);
    assert_eq!(with("if = '{{ later }}'"), ["missing variable `later`"]);
    assert_eq!(
        with("check = { json = { '/n' = { at_least = 'three' } } }"),
        ["`at_least` cannot be the string `three`"]
    );
    assert_eq!(with("check = { time = { at_least = 2, at_most = 1 } }"), ["no answer can do this"]);
}

#[test]
fn variables_of_a_step_end_with_it() {
    let text = GOOD.replacen("{ request = \"POST", "{ let = { mine = 1 }, request = \"POST", 1);
    assert_eq!(titles(&text.replacen("{{ order_id }}", "{{ mine }}", 1)), ["missing variable `mine`"]);
    assert!(compile(&text).is_ok());
}

#[test]
fn a_scenario_without_profiles_is_run_as_it_is() {
    let scenario = compile(GOOD.trim_end().trim_end_matches("[profile.local]")).unwrap();
    assert_eq!(scenario.profiles.keys().collect::<Vec<_>>(), ["direct"]);
    assert_eq!(compile(GOOD).unwrap().profiles.keys().collect::<Vec<_>>(), ["local"]);
}
