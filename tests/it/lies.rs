//! Bundles and stores that were made to lie, and what is said of them. docs/SIGNOFF.md tells what is promised.

use std::fs;
use std::path::Path;
use std::process::Output;

use loadproof::checksum::sha256;
use loadproof::store::Ending;

use crate::support::evidence::{Planned, Shelf, USUAL};

const RULES: &str = r#"
product = "Shop"
max_age = "14d"
[[require]]
name = "Rewrite"
scenario = "shop"
claims = ["Twice as fast"]
"#;
/// So slow that it is not twice as fast.
const SLOW: Planned<'static> = Planned { ms: [20.0, 16.0], ..USUAL };
const BUNDLE: &str = "reports/signoff-1.9.0";

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn signoff(shelf: &Shelf, rules: &str) -> (i32, String) {
    shelf.write("release.toml", rules);
    let words = ["signoff", "release.toml", "--release", "1.9.0", "--commit", "4f1c2e9a00b1", "--force"];
    let output = shelf.run(&words);
    (output.status.code().unwrap(), said(&output))
}

fn verify(shelf: &Shelf, further: &[&str]) -> (i32, String) {
    let output = shelf.run(&[&["verify", BUNDLE][..], further].concat());
    (output.status.code().unwrap(), said(&output))
}

/// A bundle that was changed, with a manifest that fits.
fn changed(planned: Planned<'_>, change: impl FnOnce(&Path)) -> Shelf {
    let shelf = Shelf::new();
    shelf.experiment(planned);
    signoff(&shelf, RULES);
    let folder = shelf.path(BUNDLE);
    change(&folder);
    let mut lines = Vec::new();
    let mut pending = vec![folder.clone()];
    while let Some(inner) = pending.pop() {
        for entry in fs::read_dir(inner).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&folder).unwrap().display().to_string();
            if path.is_dir() {
                pending.push(path);
            } else if path.is_file() && name != "MANIFEST.sha256" {
                lines.push(format!("{}  {name}\n", sha256(fs::read(path).unwrap())));
            }
        }
    }
    lines.sort();
    fs::write(folder.join("MANIFEST.sha256"), lines.concat()).unwrap();
    shelf
}

fn rewrite(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{}: {from}", path.display());
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn a_page_that_claims_to_be_of_another_version_is_not_verified() {
    let shelf = changed(SLOW, |folder| {
        let version = format!("\"tool_version\": \"{}\"", env!("CARGO_PKG_VERSION"));
        rewrite(&folder.join("signoff.json"), &version, "\"tool_version\": \"9.9.9\"");
        rewrite(&folder.join("signoff.html"), "NOT SIGNED", "SIGNED");
    });
    let (code, text) = verify(&shelf, &[]);
    assert_eq!(code, 96, "{text}");
    assert!(text.contains("UNVERIFIED  signoff.html: only loadproof 9.9.9, which wrote it"), "{text}");
    assert!(text.contains("\nUNVERIFIED: ") && !text.contains("\nVERIFIED"), "{text}");
    let (code, text) = verify(&shelf, &["--numbers-only"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.ends_with("NUMBERS VERIFIED\n"), "{text}");
    // What was decided is no matter of wording, whoever wrote it.
    rewrite(&shelf.path(BUNDLE).join("signoff.json"), "NOT SIGNED", "SIGNED, 1 WAIVED");
    let (code, text) = verify(&shelf, &["--numbers-only"]);
    assert!(code == 96 && text.contains("page.word: written \"SIGNED, 1 WAIVED\""), "{text}");
}

#[test]
fn the_set_of_files_follows_from_the_rules() {
    let shelf = changed(USUAL, |folder| fs::write(folder.join("reports/e2.html"), "better").unwrap());
    let (code, text) = verify(&shelf, &[]);
    assert!(code == 96 && text.contains("reports/e2.html: no file of such a bundle"), "{text}");
    let shelf = changed(USUAL, |folder| fs::remove_file(folder.join("reports/experiment-1.html")).unwrap());
    let (code, text) = verify(&shelf, &[]);
    assert_eq!(code, 96);
    assert!(text.contains("reports/experiment-1.html: a file of such a bundle, and not there"), "{text}");
}

#[test]
fn without_a_signature_it_is_said_that_anybody_could_have_made_it() {
    let shelf = changed(USUAL, |_| {});
    let (code, text) = verify(&shelf, &[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("signature  none: whoever could write this folder"), "{text}");
}

#[test]
fn only_plain_files_are_read() {
    let shelf = changed(USUAL, |folder| {
        assert!(std::process::Command::new("mkfifo").arg(folder.join("pipe")).status().unwrap().success());
        std::os::unix::fs::symlink("/dev/zero", folder.join("zero")).unwrap();
    });
    let (code, text) = verify(&shelf, &[]);
    assert!(
        code == 96 && text.contains("pipe: not a plain file") && text.contains("zero: not a plain"),
        "{text}"
    );
    let shelf = changed(USUAL, |folder| {
        fs::remove_file(folder.join("samples.db")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.join("samples.db")).unwrap();
    });
    let (code, text) = verify(&shelf, &[]);
    assert!(code == 96 && text.contains("samples.db: not a plain file"), "{text}");
}

#[test]
fn what_was_changed_in_the_store_before_a_sign_off_is_named() {
    for (sql, named) in [
        ("UPDATE sample SET done_us = intended_us + 9000 WHERE id >> 32 = 2", "sample 2:0 to 2:255"),
        ("UPDATE run SET claims = replace(claims, '1.9', '1.1')", "facts of run 1"),
        ("UPDATE environment SET value = 'x' WHERE name = 'processor' AND run = 3", "environment of run 3"),
        ("UPDATE endpoint SET name = 'GET /other' WHERE name = 'POST /orders'", "endpoints of run 1"),
        (
            "UPDATE look SET alpha = 0.5; UPDATE experiment SET seed = 8",
            "the plan, the looks or the runs of experiment e1",
        ),
        ("DELETE FROM seal WHERE run = 4", "the seal of run 4 is gone"),
        // Nothing that stands in the store switches the checking off.
        ("UPDATE seal SET form = 99", "the seal of run 10 has the form 99"),
        ("UPDATE seal SET form = 2 WHERE run = 3", "the seal of run 3 has the form 2"),
        ("UPDATE experiment_seal SET form = 2", "the seal of experiment e1 has the form 2"),
        (
            "UPDATE sample SET done_us = intended_us + 9000 WHERE id >> 32 = 2; UPDATE seal_start SET is_part = 1;
             DELETE FROM seal; DELETE FROM seal_block; DELETE FROM experiment_seal",
            "the seal of experiment e1 is gone",
        ),
        ("DELETE FROM seal_start; DELETE FROM seal WHERE run = 4", "the seal of run 4 is gone"),
    ] {
        let shelf = Shelf::new();
        shelf.experiment(SLOW);
        shelf.change(sql);
        let (code, text) = signoff(&shelf, RULES);
        assert_eq!(code, 98, "{sql}: {text}");
        assert!(text.contains(named) && text.contains("NOT SIGNED"), "{sql}: {text}");
        // The refusal verifies: it was right.
        assert_eq!(verify(&shelf, &[]).0, 0, "{sql}");
        let report = said(&shelf.run(&["report", "e1"]));
        assert!(report.contains("changed after it was stored"), "{sql}: {report}");
        let check = shelf.run(&["store", "check"]);
        assert_eq!(check.status.code(), Some(96), "{sql}");
        assert!(said(&check).contains(named), "{sql}: {}", said(&check));
    }
    let shelf = Shelf::new();
    shelf.experiment(USUAL);
    let check = shelf.run(&["store", "check"]);
    assert_eq!(check.status.code(), Some(0), "{}", said(&check));
    assert_eq!(
        said(&check),
        "10 runs, 1 experiments and 0 capacity searches are as they were written; 0 runs have no seal\n"
    );
}

#[test]
fn what_every_store_has_alike_is_checked() {
    let shelf = Shelf::new();
    shelf.experiment(USUAL);
    shelf.change(
        "UPDATE outcome SET name = 'fine' WHERE code = 2; UPDATE phase SET name = 'level' WHERE code = 1;
         DROP VIEW exchanges; CREATE TRIGGER ours AFTER INSERT ON run BEGIN DELETE FROM look; END",
    );
    let check = shelf.run(&["store", "check"]);
    assert_eq!(check.status.code(), Some(96));
    for named in ["views, triggers and indexes", "the words of outcomes", "the words of phases"] {
        assert!(said(&check).contains(named), "{named}: {}", said(&check));
    }
}

#[test]
fn runs_that_are_not_here_are_missed_but_in_a_bundle() {
    let shelf = Shelf::new();
    shelf.experiment(SLOW);
    shelf.experiment(USUAL);
    let (_, text) = signoff(&shelf, RULES);
    let bundle = shelf.path("reports/signoff-1.9.0/samples.db");
    let check = |store: &Path| shelf.run(&["--store", &store.to_string_lossy(), "store", "check"]);
    let of_bundle = check(&bundle);
    assert_eq!(of_bundle.status.code(), Some(0), "{text} {}", said(&of_bundle));
    assert!(said(&of_bundle).contains("part of another store"), "{}", said(&of_bundle));
    let elsewhere = shelf.path("elsewhere.db");
    std::fs::copy(&bundle, &elsewhere).unwrap();
    assert!(said(&check(&elsewhere)).contains("(gone)"), "{}", said(&check(&elsewhere)));
}

#[test]
fn evidence_that_was_taken_out_of_the_store_is_missed() {
    let shelf = Shelf::new();
    shelf.experiment(USUAL);
    shelf.experiment(SLOW);
    // A run by itself, or another experiment, is stored after it.
    shelf.experiment(Planned { commit: "aaaaaaaaaaaa", ..USUAL });
    let of_bad = "run IN (SELECT id FROM run WHERE experiment = 2)";
    shelf.change(&format!(
        "PRAGMA foreign_keys = OFF; DELETE FROM seal WHERE {of_bad}; DELETE FROM seal_block WHERE {of_bad};
         DELETE FROM sample WHERE id >> 32 IN (SELECT id FROM run WHERE experiment = 2);
         DELETE FROM environment WHERE {of_bad}; DELETE FROM run WHERE experiment = 2;
         DELETE FROM experiment_seal WHERE experiment = 2; DELETE FROM look WHERE experiment = 2;
         DELETE FROM experiment WHERE id = 2;"
    ));
    let (code, text) = signoff(&shelf, RULES);
    assert_eq!(code, 98, "{text}");
    assert!(text.contains("10 runs that were sealed after run 10 and before run 21 are gone"), "{text}");
    assert_eq!(verify(&shelf, &[]).0, 0);
}

#[test]
fn an_experiment_that_was_stopped_is_evidence_that_was_not_given_until_it_is_explained() {
    for interrupted_last in [true, false] {
        let shelf = Shelf::new();
        let stopped = Planned { ending: Some(Ending::Interrupted), ..SLOW };
        let order = if interrupted_last { [USUAL, stopped] } else { [stopped, USUAL] };
        for planned in order {
            shelf.experiment(planned);
        }
        let (code, text) = signoff(&shelf, RULES);
        assert_eq!(code, 97, "{text}");
        let id = if interrupted_last { "e2" } else { "e1" };
        let remedy = format!("{id}: it did not end as planned: finish it (`experiment … --resume {id}`)");
        assert!(text.contains("NOT SIGNED") && text.contains(&remedy), "{text}");
        let explained =
            format!("{RULES}\n[[explain]]\nevidence = \"{id}\"\nwho = \"Test lead\"\nwhy = \"Power cut\"\n");
        let (code, text) = signoff(&shelf, &explained);
        assert_eq!(code, 0, "{text}");
        assert!(text.contains("it did not end as planned; Test lead: Power cut"), "{text}");
        assert_eq!(verify(&shelf, &[]).0, 0);
    }
    // What was stopped of another release is nobody's evidence.
    let shelf = Shelf::new();
    shelf.experiment(USUAL);
    shelf.experiment(Planned { ending: Some(Ending::Interrupted), commit: "aaaaaaaaaaaa", ..SLOW });
    assert_eq!(signoff(&shelf, RULES).0, 0);
}

#[test]
fn what_is_attested_is_checked_with_the_signature() {
    let shelf = Shelf::new();
    shelf.experiment(USUAL);
    let openssl = |words: &[&str]| {
        let status =
            std::process::Command::new("openssl").args(words).current_dir(shelf.folder.path()).output();
        assert!(status.unwrap().status.success());
    };
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", "key.pem"]);
    openssl(&["pkey", "-in", "key.pem", "-pubout", "-out", "key.pub.pem"]);
    shelf.write("release.toml", RULES);
    let words =
        ["signoff", "release.toml", "--release", "1.9.0", "--commit", "4f1c2e9a00b1", "--key", "key.pem"];
    shelf.run(&words);
    let (code, text) = verify(&shelf, &["--public-key", "key.pub.pem"]);
    assert!(code == 0 && text.contains("attestation  good, of key"), "{text}");
    let envelope = shelf.read(&format!("{BUNDLE}/MANIFEST.sha256.intoto.json"));
    assert!(envelope.contains("application/vnd.in-toto+json"), "{envelope}");
    shelf.write(
        &format!("{BUNDLE}/MANIFEST.sha256.intoto.json"),
        &envelope.replace("payload\":\"e", "payload\":\"f"),
    );
    let (code, text) = verify(&shelf, &["--public-key", "key.pub.pem"]);
    assert!(code == 96 && text.contains("attestation  bad"), "{text}");
}
