use std::path::Path;

use crate::scenario::profile::{Ready, Reset};
use crate::scenario::{Scenario, World, compile};

/// A scenario file, what it includes, and values of the command line; the environment has `PORT`.
struct Shop<'a> {
    text: &'a str,
    part: &'a str,
    given: &'a [(&'a str, &'a str)],
}

impl World for Shop<'_> {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        Ok(if path == Path::new("part.toml") { self.part } else { self.text }.to_owned())
    }

    fn variable(&self, name: &str) -> Option<String> {
        (name == "PORT").then(|| "8010".to_owned())
    }

    fn vars(&self) -> Vec<(String, String)> {
        self.given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }
}

const REST: &str = r#"
[[user_class]]
name = "User"
journeys = { Buy = 1 }
[load.smoke]
users = 1
run_time = "1s"
"#;

fn text(vars: &str, path: &str) -> String {
    format!(
        "name = 's'\nbase_url = 'http://127.0.0.1:80'\n{vars}\n[[journey]]\nname = 'Buy'\n\
         steps = [{{ request = \"POST /orders/{path}\", json = {{ n = \"{path}\" }} }}]\n{REST}"
    )
}

fn compiled(text: &str, given: &[(&str, &str)]) -> Result<Scenario, String> {
    compile(Path::new("s.toml"), &Shop { text, part: "", given }).map_err(|error| error.to_string())
}

fn fingerprint(text: &str, given: &[(&str, &str)]) -> String {
    let scenario = compiled(text, given).unwrap();
    scenario.fingerprint(&scenario.loads["smoke"], &[])
}

#[test]
fn the_same_work_has_the_same_fingerprint_with_variables_and_without() {
    let plain = fingerprint(&text("", "5"), &[]);
    assert_eq!(fingerprint(&text("vars.a = '5'", "{{ vars.a }}"), &[]), plain);
    assert_eq!(fingerprint(&text("vars.a = '{{ vars.b }}'\nvars.b = '5'", "{{vars.a}}"), &[]), plain);
    // What no journey uses is no part of the work.
    assert_eq!(fingerprint(&text("vars.a = '5'\nvars.c = 1", "{{ vars.a }}"), &[("c", "2")]), plain);
    for (vars, path, given) in [
        ("vars.a = '6'", "{{ vars.a }}", &[][..]),
        ("vars.a = '5'", "{{ vars.a }}", &[("a", "6")]),
        // A number is sent as one.
        ("vars.a = 5", "{{ vars.a }}", &[]),
    ] {
        assert_ne!(fingerprint(&text(vars, path), given), plain, "{vars} {given:?}");
    }
    let summed = |n: &str| fingerprint(&text(&format!("vars.a = {n}"), "{{ vars.a + 1 }}"), &[]);
    assert_ne!(summed("4"), summed("5"));
    let of_environment = text("", r"{{ env('PORT') }}");
    let through_variable = text(r#"vars.a = "{{ env('PORT') }}""#, "{{ vars.a }}");
    assert_eq!(fingerprint(&through_variable, &[]), fingerprint(&of_environment, &[]));
    let scenario = compiled(&through_variable, &[]).unwrap();
    assert!(scenario.workload_variables.contains_key("PORT"));
}

#[test]
fn a_profile_and_the_command_line_set_variables_anew() {
    let text = text(
        r#"
        include = ["part.toml"]
        vars = { port = "{{ env('PORT') }}", form = "before" }
        [profile.before]
        environment = { FORM = "{{ vars.form }}", MODE = "all" }
        reset = ["POST /reset", { command = ["./reset", "{{ vars.form }}"] }]
        must_hold = ["run.ok > 0", { when = "run.p99 < 50ms", loads = "smoke" }]
        [[profile.before.service]]
        name = "shop"
        command = "./shop"
        arguments = ["--form", "{{ vars.form }}", "--port", "{{ vars.port }}"]
        env.MODE = "own"
        ready = "{{ vars.url }}/health"
        [[profile.before.service]]
        name = "engine"
        command = "./engine"
        ready = { log = "^up" }
        [profile.after]
        extend = "before"
        vars.form = "after"
        service = [{ name = "engine", ready = { up_for = "2s" } }]
        "#,
        "a",
    );
    let part = "vars = { url = \"http://127.0.0.1:{{ vars.port }}\", port = 'not this one' }";
    let shop = |given| {
        compile(Path::new("s.toml"), &Shop { text: &text, part, given }).unwrap_or_else(|e| panic!("{e}"))
    };
    let scenario = shop(&[]);
    let words = |scenario: &Scenario, profile: &str| {
        scenario.profiles[profile].services[0].program.command[1..].join(" ")
    };
    assert_eq!(words(&scenario, "before"), "--form before --port 8010");
    assert_eq!(words(&scenario, "after"), "--form after --port 8010");
    let after = &scenario.profiles["after"];
    let env = &after.services[0].program.env;
    assert_eq!((env["FORM"].as_str(), env["MODE"].as_str()), ("after", "own"));
    assert_eq!(after.services[0].ready, Ready::Http("http://127.0.0.1:8010/health".to_owned()));
    assert_eq!(after.services[1].ready, Ready::UpFor(std::time::Duration::from_secs(2)));
    assert!(matches!(&after.reset[1], Reset::Command(hook) if hook.program.command[1] == "after"));
    let held = |load| after.must_hold_under(load).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(held("smoke"), ["run.ok > 0", "run.p99 < 50ms"]);
    assert_eq!(held("other"), ["run.ok > 0"]);

    let scenario = shop(&[("form", "given {{ x }}"), ("port", "9")]);
    assert_eq!(words(&scenario, "after"), "--form given {{ x }} --port 9");
}

#[test]
fn a_variable_stands_for_numbers_times_and_lists_of_any_key() {
    let text = |vars: &str| {
        text(vars, "a")
            .replace("users = 1", "users = '{{ vars.users }}'")
            .replace("run_time = \"1s\"", "run_time = '{{vars.time}}'")
            .replace("json = {", "reject = \"{{ vars.refusals }}\", json = {")
    };
    let text = text("vars = { users = 3, time = '2s', refusals = [400, 409] }");
    let seen = |given| {
        let scenario = compiled(&text, given).unwrap_or_else(|error| panic!("{error}"));
        let crate::scenario::journey::Step::Request(request) = &scenario.journeys[0].steps[0] else {
            panic!("a request")
        };
        (scenario.loads["smoke"].text(), request.reject.clone())
    };
    let (load, reject) = seen(&[]);
    assert!(load.contains("3 users") && load.contains('2'), "{load}");
    assert_eq!(reject, [400, 409]);
    let (load, reject) = seen(&[("users", "7"), ("time", "5s"), ("refusals", "[400, 500]")]);
    assert!(load.contains("7 users") && load.contains('5'), "{load}");
    assert_eq!(reject, [400, 500]);
    assert!(compiled(&text, &[("users", "many")]).unwrap_err().contains("`many` is not a valid value"));
    // Written out, it is the same work.
    let written = text.replace("'{{ vars.users }}'", "3").replace("{{vars.time}}", "2s");
    let written = written.replace("\"{{ vars.refusals }}\"", "[400, 409]");
    assert_eq!(fingerprint(&written, &[]), fingerprint(&text, &[]));
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let mistakes = |vars: &str, path: &str, given: &[(&str, &str)]| {
        compiled(&text(vars, path), given).err().unwrap_or_default()
    };
    for (vars, path, given, words) in [
        ("vars.port = 1", "{{ vars.prt }}", &[][..], "unknown variable of `[vars]`: `prt`"),
        ("vars.port = 1", "a", &[("prt", "2")], "did you mean `port`?"),
        ("vars.port = 1", "a", &[("port", "b")], "`b` is not a valid value of `vars.port`"),
        ("vars.a = '{{ vars.b }}'\nvars.b = '{{ vars.a }}'", "a", &[], "`vars.a` refers to itself"),
        ("vars.a = '{{ nothing }}'", "a", &[], "bad template in a variable"),
        ("vars.a-b = 1", "a", &[], "`a-b` is not a valid name of a variable"),
        ("vars.a = 1\n[profile.p]\nvars.a = 2", "{{ vars.a }}", &[], "a profile cannot set `vars.a`"),
        ("vars.a = 1\n[profile.p]\nvars.b = 2", "c", &[], "unknown variable of `[vars]`: `b`"),
        (
            "[profile.p]\nservice = [{ name = 's', remove = true, command = 's', ready = 'tcp://h:1' }]",
            "c",
            &[],
            "there is no service of this name to remove",
        ),
        (
            "[profile.p]\nservice = [{ name = 's', command = 's', ready = { log = 'a', up_for = 1 } }]",
            "c",
            &[],
            "a service is ready by exactly one of",
        ),
        (
            "[profile.p]\nmust_hold = { when = 'run.ok > 0', loads = ['smok'] }",
            "c",
            &[],
            "unknown load `smok`",
        ),
        (
            "[profile.p]\nmust_hold = 'run.ok > 5ms'",
            "c",
            &[],
            "this compares a time with a value that is not a time",
        ),
        ("[profile.p]\nextend = 'q'\n[profile.q]\nextend = 'p'", "c", &[], "extends itself"),
    ] {
        let found = mistakes(vars, path, given);
        assert!(found.contains(words), "{vars} {path} {given:?}:\n{found}");
    }
}

#[test]
fn values_of_secret_names_are_hidden() {
    let scenario = compiled(&text("vars.api_key = 'hunter22'", "{{ vars.api_key }}"), &[]).unwrap();
    assert_eq!(scenario.redactor.value("note", "it is hunter22"), "it is (hidden)");
    assert!(!scenario.sources[0].text.contains("hunter22"));
}
