//! Samples that are pruned, archived and attached, through the binary.

use crate::support::bench;
use crate::support::evidence;

use std::fs::File;
use std::path::Path;

use bench::*;
use evidence::{Shelf, USUAL};
use loadproof::export::archive::{Archive, ArchiveError, ArchiveWriter};
use loadproof::sample::StoredSample;
use regex::Regex;

const RULES: &str = r#"
product = "Shop"
max_age = "14d"
[environment]
deployments = ["ci"]
[[require]]
name = "Rewrite"
scenario = "shop"
claims = ["Twice as fast"]
"#;

fn import(bench: &Bench, name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/imports").join(name);
    bench.out(&["import", file.to_str().unwrap()]);
}

fn samples(bench: &Bench) -> i64 {
    bench.query("SELECT count(*) FROM sample")
}

/// The histograms of a run, byte by byte.
fn histograms(bench: &Bench, run: i64) -> String {
    let sql = format!(
        "SELECT kind, traffic_class, endpoint, outcome, phase, samples, hex(response) AS r, hex(service) AS s \
         FROM histogram WHERE run = {run} ORDER BY 1, 2, 3, 4, 5"
    );
    bench.out(&["store", "query", &sql])
}

/// A report without the minute at which it was made.
fn report(bench: &Bench, form: &str) -> String {
    let path = bench.path("made.html");
    bench.out(&["report", "1", "--html", path.to_str().unwrap()]);
    let text = match form {
        "html" => std::fs::read_to_string(&path).unwrap(),
        _ => bench.out(&["report", "1", "--json"]),
    };
    Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC").unwrap().replace_all(&text, "<now>").into_owned()
}

#[test]
fn what_is_pruned_comes_back_from_an_archive_exactly() {
    let bench = Bench::new();
    bench.run(&["run", "scenario.toml", "--load", "short", "--profile", "a", "--progress", "none"]);
    import(&bench, "jmeter.jtl");
    let at_end = histograms(&bench, 1);
    assert!(at_end.contains("POST /jobs") && at_end.contains("job visible"), "{at_end}");
    let of_import = histograms(&bench, 2);
    assert!(of_import.contains("Checkout"), "{of_import}");
    let all = samples(&bench);
    let before = ["html", "json"].map(|form| report(&bench, form));

    let said = bench.out(&["store", "archive", "1", "2", "latest", "--to", "both.parquet"]);
    assert!(said.contains("of 2 runs to both.parquet"), "{said}");
    assert_eq!(code(&bench.run(&["store", "archive", "1", "--to", "both.parquet"])), 2);
    let said = bench.out(&["store", "prune", "--keep", "0", "--dry-run"]);
    assert!(said.contains("of 2 runs, about") && samples(&bench) == all, "{said}");
    let said = bench.out(&["store", "prune", "--keep", "2"]);
    assert!(said.starts_with("pruned 0 samples of 0 runs") && samples(&bench) == all, "{said}");
    let said = bench.out(&["store", "prune", "--keep", "0"]);
    assert!(said.contains("of 2 runs in") && said.contains("--vacuum shrinks the file"), "{said}");
    assert_eq!(samples(&bench), 0);
    assert_eq!(histograms(&bench, 1), at_end, "out of samples they are what they were at the end of the run");
    assert_eq!(histograms(&bench, 2), of_import);

    let said = bench.out(&["store", "check"]);
    assert!(said.contains("2 runs have no samples: they were pruned") && !said.contains("PROBLEM"), "{said}");
    let shown = bench.run(&["report", "1"]);
    assert_eq!(code(&shown), 97);
    assert!(
        stdout(&shown).contains("nothing is decided again") && stdout(&shown).contains("POST /jobs"),
        "{}",
        stdout(&shown)
    );
    assert!(stdout(&shown).contains("`loadproof store attach FILE`"));
    let kept: serde_json::Value =
        serde_json::from_str(&stdout(&bench.run(&["report", "1", "--json"]))).unwrap();
    assert_eq!(kept["schema"], "loadproof.kept/1");
    for (arguments, expected) in [
        (&["report", "1", "--html", "again.html"][..], 2),
        (&["report", "1", "2"][..], 2),
        (&["compare", "1", "2", "--force"][..], 2),
        (&["export", "1"][..], 2),
        (&["baseline", "save", "old", "1"][..], 2),
        (&["verify", "made.html"][..], 96),
        (&["store", "archive", "1", "--to", "late.parquet"][..], 2),
    ] {
        let output = bench.run(arguments);
        let said = stdout(&output) + &stderr(&output);
        assert_eq!(code(&output), expected, "{arguments:?}: {said}");
        assert!(said.contains("pruned") && said.contains("store attach FILE"), "{arguments:?}: {said}");
    }
    assert!(!bench.path("late.parquet").exists() && !bench.path("again.html").exists());

    let said = bench.out(&["store", "attach", "both.parquet"]);
    assert!(said.contains("of 2 runs: every one is as it was sealed"), "{said}");
    assert_eq!(samples(&bench), all);
    let said = bench.out(&["store", "check"]);
    assert!(said.starts_with("2 runs") && !said.contains("pruned") && !said.contains("PROBLEM"), "{said}");
    assert_eq!(before, ["html", "json"].map(|form| report(&bench, form)));
    assert_eq!(code(&bench.run(&["verify", "made.html"])), 0);
    let again = bench.run(&["store", "attach", "both.parquet"]);
    assert_eq!(code(&again), 2);
    assert!(stderr(&again).contains("run 1 has its samples"), "{}", stderr(&again));
}

/// The same archive with other samples.
fn changed(bench: &Bench, name: &str, change: impl Fn(u64, StoredSample) -> Option<StoredSample>) {
    let archive = Archive::open(File::open(bench.path("whole.parquet")).unwrap()).unwrap();
    let mut writer = ArchiveWriter::new(File::create(bench.path(name)).unwrap(), &archive.runs).unwrap();
    let mut place = 0;
    archive
        .each(|sample| {
            place += 1;
            match change(place, *sample) {
                Some(sample) => writer.add(&sample),
                None => Ok::<_, ArchiveError>(()),
            }
        })
        .unwrap();
    writer.finish().unwrap();
}

#[test]
fn an_archive_that_is_not_what_was_sealed_is_not_attached() {
    let bench = Bench::new();
    import(&bench, "vegeta.json");
    bench.out(&["store", "archive", "1", "--to", "whole.parquet"]);
    bench.out(&["store", "prune", "--keep", "0"]);
    changed(&bench, "faster.parquet", |place, mut sample| {
        sample.numbers[11] -= i64::from(place == 5);
        Some(sample)
    });
    changed(&bench, "fewer.parquet", |place, sample| (place != 5).then_some(sample));
    changed(&bench, "other_reason.parquet", |_, sample| Some(StoredSample { reason: None, ..sample }));
    changed(&bench, "of_run_2.parquet", |_, mut sample| {
        sample.numbers[0] += 1 << 32;
        Some(sample)
    });
    std::fs::write(bench.path("text.parquet"), "no Parquet").unwrap();
    let other = Bench::new();
    import(&other, "vegeta.csv");
    other.out(&["store", "archive", "1", "--to", bench.path("other.parquet").to_str().unwrap()]);
    for (name, says) in [
        ("faster.parquet", "not as it was sealed: sample 1:0 to 1:"),
        ("fewer.parquet", "fewer samples than it says"),
        ("other_reason.parquet", "not as it was sealed"),
        ("of_run_2.parquet", "a sample of another run than 1"),
        ("other.parquet", "its seal is another one"),
        ("text.parquet", "cannot be used"),
        ("nowhere.parquet", "cannot read the archive"),
    ] {
        let output = bench.run(&["store", "attach", name]);
        assert!(code(&output) != 0 && stderr(&output).contains(says), "{name}: {}", stderr(&output));
        assert_eq!(samples(&bench), 0, "{name}");
    }
    bench.out(&["store", "attach", "whole.parquet"]);
    assert_eq!(code(&bench.run(&["store", "check"])), 0);
}

#[test]
fn what_was_changed_after_it_was_stored_is_not_pruned_and_what_was_kept_is_sealed() {
    let bench = Bench::new();
    import(&bench, "vegeta.json");
    import(&bench, "k6.csv");
    let change = |sql: &str| {
        rusqlite::Connection::open(bench.path("reports/loadproof.db")).unwrap().execute_batch(sql).unwrap();
    };
    change("UPDATE sample SET done_us = done_us - 1 WHERE id = 1 << 32");
    let of_first = || bench.query("SELECT count(*) FROM sample WHERE id < 2 << 32");
    let before = of_first();
    let output = bench.run(&["store", "prune", "--keep", "0"]);
    assert_eq!(code(&output), 96);
    assert!(stdout(&output).contains("PROBLEM  the samples of run 1 stay where they are: changed after"));
    assert_eq!((of_first(), samples(&bench)), (before, before), "the other run is pruned");
    for sql in [
        "UPDATE histogram SET samples = samples + 1 WHERE run = 2",
        "UPDATE metric SET value = value / 2 WHERE run = 2",
        "DELETE FROM audit_check WHERE run = 2",
        "UPDATE pruned SET at_unix_us = at_unix_us + 1",
        "DELETE FROM pruned",
        "INSERT INTO sample SELECT id + (1 << 32), endpoint, user_class, user, journey, phase, outcome, status, reason, \
         intended_us, sent_us, first_byte_us, done_us, bytes_in, bytes_out, key, redirects, repeats FROM sample LIMIT 1",
    ] {
        let whole = std::fs::read(bench.path("reports/loadproof.db")).unwrap();
        change(sql);
        let said = stdout(&bench.run(&["store", "check"]));
        let of_second = said.lines().filter(|line| line.contains("PROBLEM") && line.contains('2'));
        assert!(of_second.count() > 0, "{sql}: {said}");
        if !sql.starts_with("DELETE FROM pruned") {
            let shown = stdout(&bench.run(&["report", "2"]));
            assert!(shown.contains("CHANGED"), "{sql}: {shown}");
        }
        std::fs::write(bench.path("reports/loadproof.db"), whole).unwrap();
    }
}

#[test]
fn samples_that_something_needs_stay_until_that_is_asked_for() {
    let shelf = Shelf::new();
    shelf.experiment(USUAL);
    shelf.write("release.toml", RULES);
    let sign = ["signoff", "release.toml", "--release", "1.9.0", "--commit", USUAL.commit];
    assert_eq!(code(&shelf.run(&sign)), 0);
    let said = stdout(&shelf.run(&["store", "prune", "--keep", "0s"]));
    assert!(said.contains("pruned 0 samples of 0 runs"), "{said}");
    assert!(said.contains("run 1 keeps its samples: needed: experiment e1, sign-off of 1.9.0"), "{said}");
    assert!(stdout(&shelf.run(&["report", "e1"])).contains("SUPPORTED"));
    let size = || std::fs::metadata(shelf.database()).unwrap().len();
    let before = size();
    let output = shelf.run(&["store", "prune", "--keep", "12h", "--include-needed", "--vacuum"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let said = stdout(&output).replace('\u{202f}', " ");
    assert!(said.contains("pruned 12 000 samples of 10 runs") && said.contains("VACUUM took"), "{said}");
    assert!(size() < before / 2, "{before} bytes before, {} after", size());

    let shown = shelf.run(&["report", "e1"]);
    assert_eq!(code(&shown), 97);
    assert!(stdout(&shown).contains("Twice as fast [after]: supported (decided on 20"), "{}", stdout(&shown));
    let again = shelf.run(&["signoff", "release.toml", "--release", "1.9.1", "--commit", USUAL.commit]);
    assert_eq!(code(&again), 2);
    assert!(stderr(&again).contains("were pruned on") && !shelf.path("reports/signoff-1.9.1").exists());
    // The bundle has its evidence with it.
    assert_eq!(code(&shelf.run(&["verify", "reports/signoff-1.9.0"])), 0);
    let bundled =
        shelf.run(&["store", "prune", "--keep", "0", "--store", "reports/signoff-1.9.0/samples.db"]);
    assert_eq!(code(&bundled), 2, "{}", stdout(&bundled));
    let said = stdout(&shelf.run(&["store", "check"]));
    assert!(said.contains("10 runs have no samples") && !said.contains("PROBLEM"), "{said}");
}

#[test]
fn what_is_kept_is_neither_an_age_nor_a_number() {
    let bench = Bench::new();
    let output = bench.run(&["store", "prune", "--keep", "for ever"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("expected e.g. `30d`, `12h` or `100`"), "{}", stderr(&output));
}
