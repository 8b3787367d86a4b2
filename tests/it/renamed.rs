//! Old names of keys in scenario files: read with a warning, and rewritten by `check --fix`.

use std::path::Path;

use loadproof::scenario::{self, Scenario, World};

use crate::support::bench::{Bench, code, scenario as bench_scenario, stderr};

/// The file with every key, in the old names or in the new ones, and what it includes.
struct EveryKey {
    main: String,
    part: String,
}

fn stored(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(path)).unwrap()
}

impl EveryKey {
    fn old() -> Self {
        Self { main: stored("renamed/old.toml"), part: stored("renamed/old_part.toml") }
    }

    fn new() -> Self {
        Self { main: stored("schema/every_key.toml"), part: stored("schema/part.toml") }
    }

    fn compiled(&self) -> Scenario {
        scenario::compile(Path::new("every_key.toml"), self).unwrap_or_else(|error| panic!("{error}"))
    }
}

impl World for EveryKey {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        match path.to_str() {
            Some("every_key.toml") => Ok(self.main.clone()),
            Some("part.toml") => Ok(self.part.clone()),
            Some(other) => Ok(stored(&format!("schema/{other}"))),
            None => Err(std::io::ErrorKind::NotFound.into()),
        }
    }

    fn variable(&self, _name: &str) -> Option<String> {
        None
    }
}

#[test]
fn every_old_key_is_read_and_warned_of() {
    let (old, new) = (EveryKey::old().compiled(), EveryKey::new().compiled());
    assert_eq!(new.warnings, "");
    for (old_key, new_key) in [
        ("host", "base_url"),
        ("user", "user_class"),
        ("class", "traffic_class"),
        ("user_classes", "user_class"),
        ("environments", "deployments"),
        ("sign", "symptom"),
        ("signals", "source"),
        ("signal", "signals"),
        ("total", "counter"),
        ("precision", "width"),
    ] {
        let title = format!("warning: `{old_key}` is now `{new_key}`");
        // `class` is a key of journeys and of selections: all its places are in one warning.
        let files = if old_key == "user" { 2 } else { 1 };
        assert_eq!(old.warnings.matches(&title).count(), files, "{title}: {}", old.warnings);
    }
    assert!(
        old.warnings.contains("every_key.toml:5:1") && old.warnings.contains("part.toml:3:3"),
        "{}",
        old.warnings
    );
    assert!(old.warnings.ends_with("`loadproof check --fix FILE` writes the new ones"), "{}", old.warnings);
    let told = |s: &Scenario| {
        let who = format!("{} {:?} {:?} {:?}", s.base_url, s.journeys, s.user_classes, s.loads);
        format!("{who} {:?} {:?} {:?} {:?} {:?}", s.profiles, s.signals, s.claims, s.symptoms, s.capacity)
    };
    assert_eq!(told(&old), told(&new));
}

#[test]
fn equal_work_keeps_its_fingerprint_over_the_names() {
    let fingerprints = |scenario: &Scenario| {
        scenario.loads.values().map(|load| scenario.fingerprint(load, &scenario.faults)).collect::<Vec<_>>()
    };
    let (old, new) = (EveryKey::old().compiled(), EveryKey::new().compiled());
    assert_eq!(fingerprints(&old), fingerprints(&new));
    // As loadproof 0.1 wrote it with the old names: runs of before and after can be compared.
    let small = |host: &str, user: &str, class: &str| EveryKey {
        main: format!(
            "name = 'a'\n{host} = 'http://h'\n[[journey]]\nname = 'J'\n{class} = 'c'\nsteps = [{{ request = 'GET /' }}]\n\
             [[{user}]]\nname = 'U'\njourneys = {{ J = 1 }}\n[load.l]\nusers = 1\nrun_time = '1s'\n[profile.p]\n"
        ),
        part: String::new(),
    };
    let first = "a3b60176664a37aa26a4634248764f80ad322d320a0b7918c76c7f5da98de79a";
    assert_eq!(fingerprints(&small("host", "user", "class").compiled()), [first]);
    assert_eq!(fingerprints(&small("base_url", "user_class", "traffic_class").compiled()), [first]);
}

#[test]
fn fixing_gives_the_new_file_and_then_nothing_more() {
    let (old, new) = (EveryKey::old(), EveryKey::new());
    let fixed = scenario::fix(Path::new("every_key.toml"), &old).unwrap();
    let texts: Vec<(&str, &str)> =
        fixed.iter().map(|f| (f.path.to_str().unwrap(), f.text.as_str())).collect();
    assert_eq!(texts, [("every_key.toml", new.main.as_str()), ("part.toml", new.part.as_str())]);
    assert_eq!(fixed[1].replaced, [("user", "user_class", 1)]);
    assert_eq!(scenario::fix(Path::new("every_key.toml"), &new).unwrap(), []);
}

#[test]
fn a_key_under_both_names_is_a_mistake() {
    let mut both = EveryKey::new();
    both.main = both
        .main
        .replace("\nbase_url = \"http://127.0.0.1:8000\"", "\nhost = 'http://a'\nbase_url = 'http://b'");
    let errors = [
        scenario::compile(Path::new("every_key.toml"), &both).unwrap_err().to_string(),
        scenario::fix(Path::new("every_key.toml"), &both).unwrap_err().to_string(),
    ];
    for error in errors {
        assert!(error.starts_with("error: `host` and `base_url` are the same key"), "{error}");
        assert!(error.contains("every_key.toml:5:1"), "{error}");
    }
}

#[test]
fn check_warns_and_rewrites_in_place() {
    let bench = Bench::new();
    let new = format!("# A comment.\n{}", bench_scenario("http://127.0.0.1:1"));
    let old = new.replace("base_url = ", "host = ").replace("[[user_class]]", "[[user]] # who");
    bench.write("old.toml", &old);
    let checked = bench.run(&["check", "old.toml"]);
    assert!(
        code(&checked) == 0 && stderr(&checked).contains("warning: `host` is now `base_url`"),
        "{}",
        stderr(&checked)
    );
    let planned = bench.run(&["run", "old.toml", "--dry-run", "--profile", "a", "--load", "short"]);
    assert!(stderr(&planned).contains("warning: `user` is now `user_class`"), "{}", stderr(&planned));
    let fixed = bench.run(&["check", "--fix", "old.toml"]);
    let said = stderr(&fixed);
    assert!(
        said.contains("rewrote `old.toml`: `host` is now `base_url`, `user` is now `user_class`"),
        "{said}"
    );
    let text = std::fs::read_to_string(bench.path("old.toml")).unwrap();
    assert_eq!(text, new.replace("[[user_class]]", "[[user_class]] # who"));
    let again = bench.run(&["check", "--fix", "old.toml"]);
    assert!(code(&again) == 0 && !stderr(&again).contains("is now"), "{}", stderr(&again));
}
