//! Releases that are signed, or not, and bundles that can be verified.

use crate::support::browser;
use crate::support::change_samples;
use crate::support::evidence;

use std::process::Output;

use evidence::{Planned, Shelf, USUAL};
use loadproof::store::Ending;
use regex::Regex;
use rusqlite::Connection;
use serde_json::Value;

const RULES: &str = r#"
product = "Shop"
max_age = "14d"
[environment]
deployments = ["ci"]
facts = { cores = ["8"] }
[[require]]
name = "Rewrite"
scenario = "shop"
claims = ["Twice as fast", "C2", "At most 15 ms at p95"]
"#;

const COMMIT: &str = "4f1c2e9a00b1";

/// So slow that it is not twice as fast, nor within 15 ms.
const SLOW: Planned<'static> = Planned { ms: [20.0, 16.0], ..USUAL };

fn waiver(claim: &str, until: &str) -> String {
    format!(
        "{RULES}\n[[waive]]\nrequire = \"Rewrite\"\nclaim = \"{claim}\"\nwho = \"Test lead\"\nwhy = \"Known, and mended \
         in 1.9.1\"\nuntil = {until}\n"
    )
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// What a command says, without what differs from day to day.
fn said(output: &Output) -> String {
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let text =
        Regex::new(r"\d{4}-\d\d-\d\d( \d\d:\d\d UTC)?").unwrap().replace_all(&text, "<day>").into_owned();
    Regex::new(r"[0-9a-f]{12}…").unwrap().replace_all(&text, "<sum>").into_owned()
}

fn signoff(shelf: &Shelf, rules: &str, further: &[&str]) -> Output {
    shelf.write("release.toml", rules);
    let arguments = ["signoff", "release.toml", "--release", "1.9.0", "--commit", COMMIT, "--force"];
    shelf.run(&[&arguments[..], further].concat())
}

fn verify(shelf: &Shelf) -> Output {
    shelf.run(&["verify", "reports/signoff-1.9.0"])
}

#[test]
fn a_release_whose_claims_are_supported_is_signed_and_its_bundle_verifies() {
    let shelf = Shelf::new();
    shelf.experiment(USUAL);
    let output = signoff(&shelf, RULES, &[]);
    assert_eq!(code(&output), 0);
    insta::assert_snapshot!(said(&output), @r"
    Shop 1.9.0  commit 4f1c2e9a00b1 · 10 runs of <day> · 12 000 samples

    SIGNED: 3 of 3 required claims are supported.

       SUPPORTED  Rewrite: C1 Twice as fast  2.00x  [2.00x, 2.00x]  e1
       SUPPORTED  Rewrite: C2 Throughput unchanged  0 %  [−0.2 %, +0.2 %]  e1
       SUPPORTED  Rewrite: C3 At most 15 ms at p95  11.9 ms  [11.9 ms, 12.1 ms]  e1

      bundle  reports/signoff-1.9.0
    ");
    let output = verify(&shelf);
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(said(&output).ends_with("VERIFIED\n") && !said(&output).contains("DIFFERS"));
    // The form of the manifest is that of another tool.
    let checked = std::process::Command::new("sha256sum")
        .args(["--check", "--quiet", "MANIFEST.sha256"])
        .current_dir(shelf.path("reports/signoff-1.9.0"))
        .status();
    assert!(checked.unwrap().success());
    // The bundle's store is one like any other.
    let runs =
        shelf.run(&["--store", "reports/signoff-1.9.0/samples.db", "report", "e1", "--html", "again.html"]);
    assert!(said(&runs).contains("3 of 3 claims supported"), "{}", said(&runs));
}

#[test]
fn a_changed_sample_is_found_with_its_block_and_the_numbers_that_follow_from_it() {
    let shelf = Shelf::new();
    shelf.experiment(USUAL);
    signoff(&shelf, RULES, &[]);
    let store = Connection::open(shelf.path("reports/signoff-1.9.0/samples.db")).unwrap();
    change_samples(&store, "UPDATE sample SET done_us = done_us + 1 WHERE id = (3 << 32) + 600");
    drop(store);
    let output = verify(&shelf);
    assert_eq!(code(&output), 96);
    let said = said(&output);
    assert!(said.contains("samples.db: sample 3:512 to 3:767 have changed"), "{said}");
    assert!(said.contains("samples.db: its SHA-256 is <sum>, the manifest has <sum>"), "{said}");
    assert!(said.contains("reports/experiment-1.json: comparison.baseline.checksums[1]: written"), "{said}");
    assert!(said.ends_with("NOT VERIFIED\n"));
}

#[test]
fn a_changed_byte_of_any_file_is_found_and_named() {
    let shelf = Shelf::new();
    shelf.experiment(USUAL);
    signoff(&shelf, RULES, &[]);
    let folder = shelf.path("reports/signoff-1.9.0");
    let manifest = shelf.read("reports/signoff-1.9.0/MANIFEST.sha256");
    let files: Vec<&str> = manifest.lines().map(|line| line.split_once("  ").unwrap().1).collect();
    assert_eq!(files.len(), 13, "{manifest}");
    for file in files {
        let path = folder.join(file);
        let original = std::fs::read(&path).unwrap();
        let mut changed = original.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        std::fs::write(&path, changed).unwrap();
        let output = verify(&shelf);
        assert_eq!(code(&output), 96, "{file}: {}", said(&output));
        assert!(said(&output).contains(&format!("{file}: its SHA-256")), "{file}: {}", said(&output));
        std::fs::write(&path, original).unwrap();
    }
    std::fs::write(folder.join("more.txt"), "more").unwrap();
    assert!(said(&verify(&shelf)).contains("more.txt: there, and not in the manifest"));
    std::fs::remove_file(folder.join("more.txt")).unwrap();
    assert_eq!(code(&verify(&shelf)), 0);
}

#[test]
fn figures_that_were_written_over_are_found_even_with_a_manifest_that_fits() {
    let shelf = Shelf::new();
    shelf.experiment(SLOW);
    signoff(&shelf, RULES, &[]);
    let folder = "reports/signoff-1.9.0";
    let html = shelf.read(&format!("{folder}/signoff.html")).replace("NOT SIGNED", "SIGNED");
    shelf.write(&format!("{folder}/signoff.html"), &html);
    let manifest: String = shelf
        .read(&format!("{folder}/MANIFEST.sha256"))
        .lines()
        .map(|line| match line.split_once("  ") {
            Some((_, "signoff.html")) => format!("{}  signoff.html\n", loadproof::checksum::sha256(&html)),
            _ => format!("{line}\n"),
        })
        .collect();
    shelf.write(&format!("{folder}/MANIFEST.sha256"), &manifest);
    let output = verify(&shelf);
    assert_eq!(code(&output), 96);
    assert!(said(&output).contains("13 of 13 files are unchanged"), "{}", said(&output));
    assert!(said(&output).contains("signoff.html: byte"), "{}", said(&output));
}

#[test]
fn a_refuted_claim_is_not_signed_unless_it_is_waived_and_a_waiver_never_reads_as_a_pass() {
    let shelf = Shelf::new();
    shelf.experiment(SLOW);
    let output = signoff(&shelf, RULES, &[]);
    assert_eq!(code(&output), 99);
    insta::assert_snapshot!(said(&output), @r"
    Shop 1.9.0  commit 4f1c2e9a00b1 · 10 runs of <day> · 12 000 samples

    NOT SIGNED: 1 of 3 required claims is supported; 2 are refuted.

         REFUTED  Rewrite: C1 Twice as fast  1.25x  [1.25x, 1.25x]  e1
                  baseline.p95 / treatment.p95 ≥ 1.9x
       SUPPORTED  Rewrite: C2 Throughput unchanged  0 %  [−0.2 %, +0.2 %]  e1
         REFUTED  Rewrite: C3 At most 15 ms at p95  19.1 ms  [19.0 ms, 19.3 ms]  e1
                  treatment.p95 ≤ 15 ms

      bundle  reports/signoff-1.9.0
    ");
    let both = waiver("Twice as fast", "2999-01-31") + &waiver("C3", "2999-01-31")[RULES.len()..];
    let output = signoff(&shelf, &both, &[]);
    assert_eq!(code(&output), 0);
    insta::assert_snapshot!(said(&output), @r"
    Shop 1.9.0  commit 4f1c2e9a00b1 · 10 runs of <day> · 12 000 samples

    SIGNED, 2 WAIVED: 1 of 3 required claims is supported; 2 are waived.

          WAIVED  Rewrite: C1 Twice as fast  1.25x  [1.25x, 1.25x]  e1
                  until <day>, Test lead: Known, and mended in 1.9.1
                  refuted
                  baseline.p95 / treatment.p95 ≥ 1.9x
       SUPPORTED  Rewrite: C2 Throughput unchanged  0 %  [−0.2 %, +0.2 %]  e1
          WAIVED  Rewrite: C3 At most 15 ms at p95  19.1 ms  [19.0 ms, 19.3 ms]  e1
                  until <day>, Test lead: Known, and mended in 1.9.1
                  refuted
                  treatment.p95 ≤ 15 ms

      bundle  reports/signoff-1.9.0
    ");
    let junit = shelf.read("reports/signoff-1.9.0/signoff.xml");
    assert!(junit.contains("skipped=\"2\"") && junit.contains("failures=\"0\""), "{junit}");
    assert_eq!(code(&verify(&shelf)), 0);
    // An expired one lets nothing pass.
    let output = signoff(&shelf, &waiver("Twice as fast", "2020-01-31"), &[]);
    assert_eq!(code(&output), 99);
    assert!(said(&output).contains("; Test lead's waiver expired after <day>"), "{}", said(&output));
    // One that nothing needs is told.
    let output = signoff(&shelf, &waiver("C2", "2999-01-31"), &[]);
    assert!(
        said(&output).contains("Rewrite, C2: Test lead's waiver until <day> has no effect"),
        "{}",
        said(&output)
    );
}

/// Eight claims whose numbers look good because of what went wrong.
const FLATTERED: &str = r#"
[[journey]]
name = "Faults"
traffic_class = "production"
steps = [
  { request = "GET /wrong", extract = { id = "/id" } },
  { poll = "GET /things/{{ id }}", name = "GET /things/{id}", effect = "thing visible", within = "5s", background = true },
  { request = "GET /hangs" },
  { request = "GET /sheds", reject = [429] },
  { request = "GET /empty" },
  { request = "GET /clean" },
  { request = "GET /never" },
]
[[claim]]
title = "Errors at once"
value = "baseline.p95 / treatment.p95"
at_least = "1.5x"
select = { endpoint = "GET /wrong" }
[[claim]]
title = "A third hangs"
value = "baseline.p95 / treatment.p95"
at_least = "1.5x"
select = { endpoint = "GET /hangs" }
[[claim]]
title = "Load is shed"
value = "baseline.p50 / treatment.p50"
at_least = "1.5x"
select = { endpoint = "GET /sheds" }
[[claim]]
title = "Answers are empty"
value = "baseline.p50 / treatment.p50"
at_least = "1.5x"
select = { endpoint = "GET /empty" }
[[claim]]
title = "Effects never come"
value = "treatment.p95"
at_most = "150ms"
select = { effect = "thing visible" }
[[claim]]
title = "Runs were aborted"
value = "baseline.p50 / treatment.p50"
at_least = "1.5x"
select = { endpoint = "GET /clean" }
[[claim]]
title = "Answers come too late"
value = "treatment.throughput / baseline.throughput"
within = "3%"
select = { endpoint = "GET /clean" }
[[claim]]
title = "Nothing was called"
value = "treatment.failed"
at_most = 0
select = { endpoint = "GET /never" }
"#;

/// What went wrong, planted in the treatment's runs: those of even numbers.
const FAULTS: &str = "
    INSERT INTO endpoint VALUES (11, 'request', 'production', 'GET /wrong'), (12, 'request', 'production', 'GET /hangs'),
      (13, 'request', 'production', 'GET /sheds'), (14, 'request', 'production', 'GET /empty'),
      (15, 'effect', 'production', 'thing visible'), (16, 'request', 'production', 'GET /clean');
    UPDATE sample SET endpoint = 11 + (id & 4294967295) % 6;
    CREATE TEMP VIEW treated AS
      SELECT id, endpoint, (id & 4294967295) / 6 AS n FROM sample WHERE (id >> 32) % 2 = 0;
    UPDATE sample SET outcome = 2, status = 500, done_us = intended_us + 1000
      WHERE id IN (SELECT id FROM treated WHERE endpoint = 11 AND n % 5 < 4);
    UPDATE sample SET outcome = 3, status = 0, done_us = intended_us + 5000000
      WHERE id IN (SELECT id FROM treated WHERE endpoint = 12 AND n % 10 < 3);
    UPDATE sample SET outcome = 1, status = 429, done_us = intended_us + 1000
      WHERE id IN (SELECT id FROM treated WHERE endpoint = 13 AND n % 10 < 6);
    UPDATE sample SET bytes_in = 0 WHERE id IN (SELECT id FROM treated WHERE endpoint = 14);
    UPDATE sample SET outcome = 2 WHERE id IN (SELECT id FROM treated WHERE endpoint = 15 AND n % 100 < 31);
    UPDATE sample SET done_us = done_us + 13000000
      WHERE id IN (SELECT id FROM treated WHERE endpoint = 16 AND intended_us >= 11000000);
    CREATE TEMP TABLE copy AS SELECT * FROM run WHERE id = 10;
    UPDATE copy SET id = 11, state = 'failed', end_note = 'abort_when: run.failed_share > 0.4';
    INSERT INTO run SELECT * FROM copy;";

#[test]
fn claims_that_look_good_because_of_what_went_wrong_are_not_signed() {
    let titles: Vec<&str> = FLATTERED
        .lines()
        .filter_map(|line| line.strip_prefix("title = "))
        .map(|t| t.trim_matches('"'))
        .collect();
    assert_eq!(titles.len(), 8);
    let rules = RULES.replace(r#"["Twice as fast", "C2", "At most 15 ms at p95"]"#, &format!("{titles:?}"));
    let shelf = Shelf::claiming(FLATTERED);
    shelf.experiment(USUAL);
    shelf.plant(FAULTS);
    let output = signoff(&shelf, &rules, &[]);
    let said = said(&output);
    assert_eq!(code(&output), 99, "{said}");
    assert!(said.contains("NOT SIGNED: 0 of 8 required claims are supported"), "{said}");
    let document: Value = serde_json::from_str(&shelf.read("reports/signoff-1.9.0/signoff.json")).unwrap();
    let reasons = [
        "ended as expected in run",
        "too many samples were never answered",
        "were rejected",
        "shrank from 10.0 to 0 bytes",
        "too many samples were never answered",
        "1 of 6 runs of after were aborted",
        "treatment.throughput / baseline.throughput",
        "is of nothing",
    ];
    let told = |title: &str| {
        let rows = document["page"]["rows"].as_array().unwrap();
        let row = rows.iter().find(|row| row["claim"].as_str().unwrap().ends_with(title)).unwrap();
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        (text("state"), format!("{} {}", text("why"), text("formula")))
    };
    let rows: Vec<(String, String)> = titles.iter().map(|title| told(title)).collect();
    let is_told = |((state, text), why): (&(String, String), &&str)| {
        ["invalid", "refuted"].contains(&state.as_str()) && text.contains(*why)
    };
    assert!(rows.iter().zip(&reasons).all(is_told), "{rows:#?}");
    // The page tells of the failures, whatever was claimed.
    let page = shelf.read("reports/signoff-1.9.0/signoff.html");
    let failures =
        "requests failed, were not answered or were dropped. 310 of 1000 effects never became visible.";
    assert!(page.contains(failures), "the page does not tell of them");
    assert!(said.contains(failures), "{said}");
    assert_eq!(code(&verify(&shelf)), 0);
}

#[test]
fn the_newest_experiment_of_the_release_counts_whatever_it_says() {
    let shelf = Shelf::new();
    shelf.experiment(USUAL);
    shelf.experiment(SLOW);
    let output = signoff(&shelf, RULES, &[]);
    assert_eq!(code(&output), 99, "{}", said(&output));
    assert!(said(&output).contains("not used: e1 for Rewrite: e2 is newer"), "{}", said(&output));
    assert_eq!(code(&verify(&shelf)), 0, "what was not used is in the bundle, too");
}

#[test]
fn evidence_that_does_not_count_is_passed_over_with_its_reason() {
    let cases = [
        (Planned { commit: "aaaaaaaaaaaa", ..USUAL }, "it is of commit aaaaaaaaaaaa, not 4f1c2e9a00b1"),
        (
            Planned { commit: "4f1c2e9a00b1-dirty", ..USUAL },
            "it was made with changes on top of commit 4f1c2e9a00b1",
        ),
        (Planned { days_ago: 20, ..USUAL }, "it is 20 days old; 14 days is the most"),
        (Planned { deployment: Some("desk"), ..USUAL }, "deployment `desk` is not ci"),
        (Planned { deployment: None, ..USUAL }, "its deployment has no name; ci is wanted (`--deployment`)"),
        (Planned { ending: Some(Ending::Interrupted), ..USUAL }, "it did not end as planned"),
        (Planned { ending: None, ..USUAL }, "it did not end as planned"),
    ];
    for (planned, why) in cases {
        let shelf = Shelf::new();
        shelf.experiment(planned);
        let output = signoff(&shelf, RULES, &[]);
        assert_eq!(code(&output), 97, "{}", said(&output));
        assert!(said(&output).contains(&format!("e1: {why}")), "{}", said(&output));
        assert_eq!(code(&verify(&shelf)), 0, "a refusal can be verified as well");
    }
    let shelf = Shelf::new();
    shelf.experiment(USUAL);
    let wanted = RULES.replace("[\"8\"]", "[\"16\", \"32\"]");
    assert!(said(&signoff(&shelf, &wanted, &[])).contains("e1: cores is `8`, not `16` or `32`"));
    let other = RULES.replace("scenario = \"shop\"", "scenario = \"mall\"");
    assert!(said(&signoff(&shelf, &other, &[])).contains("the store has no experiment of mall"));
    let unknown = RULES.replace("Twice as fast", "Thrice as fast");
    assert!(said(&signoff(&shelf, &unknown, &[])).contains("e1 makes no such claim"));
}

/// What the command line may do to a load without a trace in its name.
const CHANGED: &str =
    "INSERT INTO environment SELECT id, 'load of the file', '100 per second, 12 s' FROM run;
    UPDATE run SET load_text = '1 per second, 3 s'";

#[test]
fn a_load_that_the_command_line_has_changed_is_no_evidence_unless_the_rules_accept_it() {
    let shelf = Shelf::new();
    shelf.experiment(USUAL);
    shelf.plant(CHANGED);
    let output = signoff(&shelf, RULES, &[]);
    assert_eq!(code(&output), 97, "{}", said(&output));
    let why =
        "e1: the command line changed its load to 1 per second, 3 s; the file says 100 per second, 12 s";
    assert!(said(&output).contains(why), "{}", said(&output));
    let accepting = RULES.replace("max_age", "changed_loads = true\nmax_age");
    let output = signoff(&shelf, &accepting, &[]);
    assert_eq!(code(&output), 0, "{}", said(&output));
    let page = shelf.read("reports/signoff-1.9.0/signoff.html");
    assert!(page.contains("load of the file"), "{page}");
}

#[test]
fn an_experiment_that_its_condition_has_ended_is_withheld_whichever_arm_it_was() {
    let shelf = Shelf::new();
    shelf.experiment(USUAL);
    let second = shelf.experiment(Planned { ending: Some(Ending::Failed), ..USUAL });
    // Nothing but the first run of the treatment was made.
    shelf.plant(&format!(
        "PRAGMA foreign_keys = OFF;
         UPDATE run SET state = 'failed', end_note = 'abort_when `run.failed_share > 0.5`: failed_share was 0.7'
             WHERE experiment = {second};
         DELETE FROM run WHERE experiment = {second} AND (arm = 'baseline' OR round > 1)"
    ));
    let output = signoff(&shelf, RULES, &[]);
    assert_ne!(code(&output), 0, "{}", said(&output));
    assert!(said(&output).contains("failed_share was 0.7"), "{}", said(&output));
}

#[test]
fn releases_may_be_told_by_their_labels() {
    let shelf = Shelf::new();
    shelf.experiment(USUAL);
    let rules = RULES.replace("max_age", "release = \"label\"\nmax_age");
    let output = signoff(&shelf, &rules, &[]);
    assert_eq!(code(&output), 0, "{}", said(&output));
    shelf.write("release.toml", &rules);
    let output = shelf.run(&["signoff", "release.toml", "--release", "2.0.0"]);
    assert!(said(&output).contains("e1: its label is 1.9.0, not 2.0.0"), "{}", said(&output));
}

/// Keys of OpenSSL: `openssl genpkey -algorithm ed25519`.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAFTMfJ8JuZCFX2Qi9mOZZ8TLeo5ZNphcZaEUuv7eYY8\n-----END PRIVATE KEY-----\n";
const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAzph0L91H0rL/Khqbv3mCJNLI9X6RikvuAu8239dJvdk=\n-----END PUBLIC KEY-----\n";
const OTHER_PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA+TqkSgSg+OVHts8XzxFDE7Z8WCNLC4Cj1gG3h+E3XBU=\n-----END PUBLIC KEY-----\n";

#[test]
fn a_signature_is_good_for_its_key_and_no_other() {
    let shelf = Shelf::new();
    shelf.experiment(USUAL);
    shelf.write("key.pem", KEY);
    shelf.write("key.pub.pem", PUBLIC_KEY);
    shelf.write("other.pub.pem", OTHER_PUBLIC_KEY);
    let with = |key: &str| shelf.run(&["verify", "reports/signoff-1.9.0", "--public-key", key]);
    signoff(&shelf, RULES, &[]);
    let output = with("key.pub.pem");
    assert_eq!(code(&output), 96);
    assert!(said(&output).contains("wanted, and not there"), "{}", said(&output));
    assert_eq!(code(&signoff(&shelf, RULES, &["--key", "key.pem"])), 0);
    let output = with("key.pub.pem");
    assert_eq!(code(&output), 0);
    assert!(said(&output).contains("good, of key"), "{}", said(&output));
    assert!(said(&verify(&shelf)).contains("not checked: name the signer's key with --public-key"));
    let output = with("other.pub.pem");
    assert_eq!(code(&output), 96);
    assert!(said(&output).contains("signature  bad"), "{}", said(&output));
    let output = with("key.pem");
    assert_eq!((code(&output), said(&output).contains("not an Ed25519 public key")), (2, true));
    let secret = KEY.lines().nth(1).unwrap();
    assert!(!shelf.read("reports/signoff-1.9.0/signoff.json").contains(secret));
}

#[test]
fn a_report_by_itself_can_be_verified_against_its_store() {
    let shelf = Shelf::new();
    shelf.experiment(USUAL);
    for report in [
        &["report", "e1", "--html", "e1.html"][..],
        &["report", "2", "--html", "run.html"],
        &["compare", "1", "2", "--html", "pair.html"],
    ] {
        shelf.run(report);
    }
    let json = shelf.run(&["report", "e1", "--json"]);
    std::fs::write(shelf.path("e1.json"), json.stdout).unwrap();
    for report in ["e1.html", "e1.json", "run.html", "pair.html"] {
        let output = shelf.run(&["verify", report]);
        assert_eq!(code(&output), 0, "{report}: {}", said(&output));
    }
    shelf.change("UPDATE sample SET done_us = done_us + 900000 WHERE id BETWEEN 2 << 32 AND (2 << 32) + 50");
    for (report, place) in [
        ("e1.html", "page: byte"),
        ("e1.json", "document: "),
        ("run.html", "page: byte"),
        ("pair.html", "page: byte"),
    ] {
        let output = shelf.run(&["verify", report]);
        assert_eq!(code(&output), 96, "{report}: {}", said(&output));
        assert!(said(&output).contains(place), "{}", said(&output));
    }
    let output = shelf.run(&["verify", "scenarios/shop.toml"]);
    assert_eq!(code(&output), 2);
    assert!(said(&output).contains("is neither a bundle's folder nor a report"), "{}", said(&output));
}

#[test]
fn what_may_be_secret_is_in_no_bundle() {
    let shelf = Shelf::new();
    shelf.experiment(USUAL);
    signoff(&shelf, RULES, &[]);
    assert!(
        shelf.read("reports/signoff-1.9.0/scenarios/shop.toml").contains("authorization = \"(left out)\"")
    );
    let mut pending = vec![shelf.path("reports")];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                assert!(!bytes.windows(7).any(|part| part == b"hunter2"), "{}", path.display());
            }
        }
    }
}

#[test]
fn mistakes_are_told_before_anything_is_written() {
    let shelf = Shelf::new();
    shelf.experiment(USUAL);
    shelf.write("release.toml", RULES);
    let say = |arguments: &[&str]| {
        let output = shelf.run(arguments);
        (code(&output), said(&output))
    };
    let (code, text) = say(&["signoff", "release.toml", "--release", "1.9.0"]);
    assert_eq!(code, 2, "{text}");
    assert!(
        text.contains("the commit that is released is not known: this folder is not a git repository"),
        "{text}"
    );
    shelf.write("wrong.toml", &RULES.replace("max_age", "max_aeg"));
    let (code, text) = say(&["signoff", "wrong.toml", "--release", "1.9.0", "--commit", COMMIT]);
    assert_eq!(code, 104, "{text}");
    assert!(text.contains("wrong.toml") && text.contains("line 3") && text.contains("max_aeg"), "{text}");
    assert!(!shelf.path("reports/signoff-1.9.0").exists());
    let (code, _) = say(&["signoff", "release.toml", "--release", "1.9.0", "--commit", COMMIT]);
    assert_eq!(code, 0);
    let (code, text) = say(&["signoff", "release.toml", "--release", "1.9.0", "--commit", COMMIT]);
    assert_eq!(code, 2);
    assert!(text.contains("already exists; --force replaces it"), "{text}");
    let (code, text) = say(&[
        "signoff",
        "release.toml",
        "--release",
        "1.9.0",
        "--commit",
        COMMIT,
        "--force",
        "-o",
        "scenarios",
    ]);
    assert_eq!(code, 2);
    assert!(text.contains("`scenarios` is not a bundle and is not replaced"), "{text}");
}

#[test]
fn the_page_stands_alone_and_fits_one_sheet_of_paper() {
    let shelf = Shelf::new();
    shelf.experiment(SLOW);
    let rules = waiver("C3", "2999-01-31");
    let output = signoff(&shelf, &rules, &["--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["schema"], "loadproof.signoff/2");
    assert_eq!(document["signed"], false);
    let page = shelf.read("reports/signoff-1.9.0/signoff.html");
    assert!(page.len() < 120_000, "{} bytes", page.len());
    assert!(page.contains("<title>NOT SIGNED · Shop 1.9.0</title>"));
    for forbidden in [" style=", " onclick", "@import", "url(", "<link rel=\"stylesheet\""] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    let elsewhere = Regex::new(r##"(src|href)="([^"#d][^"]*)""##).unwrap();
    for link in elsewhere.captures_iter(&page) {
        assert!(link[2].starts_with("reports&#x2f;experiment-1"), "{}", &link[2]);
    }
    let Some(mut browser) = browser::command(&shelf.path("profile")) else { return };
    let pdf = shelf.path("page.pdf");
    let printed = browser
        .arg("--no-pdf-header-footer")
        .arg(format!("--print-to-pdf={}", pdf.display()))
        .arg(format!("file://{}", shelf.path("reports/signoff-1.9.0/signoff.html").display()))
        .output()
        .unwrap();
    let bytes = std::fs::read(&pdf).unwrap_or_else(|e| panic!("{e}: {printed:?}"));
    let text = String::from_utf8_lossy(&bytes);
    assert_eq!(Regex::new(r"/Type\s*/Page\b").unwrap().find_iter(&text).count(), 1);
    let sheet = Regex::new(r"/MediaBox\s*\[0 0 (\d+)[.\d]* (\d+)").unwrap().captures(&text).unwrap();
    assert_eq!((&sheet[1], &sheet[2]), ("594", "841"), "A4, upright");
}

#[test]
fn the_rules_that_are_documented_are_rules() {
    let document = std::fs::read_to_string("docs/SIGNOFF.md").unwrap();
    let (_, rest) = document.split_once("```toml\n").unwrap();
    let (rules, _) = rest.split_once("```").unwrap();
    let rules = loadproof::signoff::Rules::parse(rules, "docs/SIGNOFF.md").unwrap();
    assert_eq!((rules.require.len(), rules.waive.len()), (1, 1));
}
