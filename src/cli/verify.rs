//! `loadproof verify`: makes a bundle, or a report, again from the samples, and says what is not the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use super::arguments::Verify;
use super::bundle::{self, BLOCKS, Copy, MANIFEST, RULES, SAMPLES, SIGNATURE, SIGNOFF};
use super::evidence::{self, Circumstances, Evidence};
use super::exit::{Exit, UsageError};
use super::{output, saved};
use crate::bundle::signature::Verifier;
use crate::bundle::{self as check, Manifest};
use crate::checksum;
use crate::report::signoff as signed;
use crate::report::{About, Of, html};
use crate::store::Store;
use crate::unit;

/// Differences that are told one by one.
const MOST_TOLD: usize = 12;
/// Where a document says when, by what and of what it was made.
const ABOUT: &str = "page.about";

pub(super) fn verify(command: &Verify, store: &Path) -> Result<Exit> {
    let findings = if command.subject.is_dir() { bundle(command)? } else { report(command, store)? };
    output::result(&findings.text())?;
    Ok(if findings.differs.is_empty() { Exit::Done } else { Exit::NotVerified })
}

/// What was found.
#[derive(Default)]
struct Findings {
    /// What was looked at.
    subject: String,
    /// What was checked, each with its outcome.
    checked: Vec<(&'static str, String)>,
    /// What is not the same.
    differs: Vec<String>,
    /// Numbers that were made again and compared.
    numbers: usize,
    /// What one version of loadproof writes and the other does not.
    other_version: usize,
}

impl Findings {
    fn text(&self) -> String {
        let mut lines = vec![self.subject.clone(), String::new()];
        lines.extend(self.checked.iter().map(|(what, outcome)| format!("{what:>12}  {outcome}")));
        lines.extend(self.differs.iter().take(MOST_TOLD).map(|line| format!("{:>12}  {line}", "DIFFERS")));
        if self.differs.len() > MOST_TOLD {
            lines.push(format!("{:>12}  {} more", "", unit::count((self.differs.len() - MOST_TOLD) as u64)));
        }
        lines.push(String::new());
        lines.push(if self.differs.is_empty() { "VERIFIED" } else { "NOT VERIFIED" }.to_owned());
        lines.join("\n")
    }

    /// Compares a document with what comes out now.
    fn document(&mut self, path: &str, written: &Value, made_again: &Value, is_same_version: bool) {
        let renamed = check::with_new_names(written, made_again);
        let mut found = check::of_json(renamed.as_ref().unwrap_or(written), made_again);
        self.numbers += found.numbers;
        if is_same_version && renamed.is_none() {
            found.changed.append(&mut found.one_sided);
        } else {
            self.other_version += found.one_sided.len();
            found.changed.retain(|difference| !difference.place.starts_with(ABOUT));
            let all = found.changed.len();
            found.changed.retain(|difference| !difference.is_wording());
            self.other_version += all - found.changed.len();
        }
        self.differs.extend(found.changed.iter().map(|difference| format!("{path}: {difference}")));
    }

    fn made_again(&mut self, version: &str) {
        let numbers = unit::count(self.numbers as u64);
        let own = env!("CARGO_PKG_VERSION");
        let outcome = if version == own {
            format!("{numbers} numbers, and every other byte")
        } else {
            let other = self.other_version;
            format!(
                "{numbers} numbers; {other} values are only written by loadproof {version} or only by this {own}"
            )
        };
        self.checked.push(("made again", outcome));
    }
}

/// A sign-off's bundle.
fn bundle(command: &Verify) -> Result<Findings> {
    let folder = &command.subject;
    let mut findings = Findings::default();
    let manifest = read(folder, MANIFEST)?;
    findings.signature(command, &manifest, folder)?;
    let signed_files = Manifest::parse(&manifest)
        .map_err(|e| UsageError(format!("`{}` is not a bundle: {e}", folder.display())))?;
    let found = files(folder)?;
    let sums = Manifest {
        files: found.iter().map(|(path, bytes)| (path.clone(), checksum::sha256(bytes))).collect(),
    };
    let changes = signed_files.changes(&sums);
    let all = signed_files.files.len();
    let as_signed = changes.iter().filter(|change| !matches!(change, check::Changed::Added { .. })).count();
    findings.checked.push(("manifest", format!("{} of {all} files are as signed", all - as_signed)));
    findings.differs.extend(changes.iter().map(ToString::to_string));

    let text = |path: &str| {
        let bytes = found.get(path).with_context(|| format!("the bundle has no `{path}`"))?;
        Ok::<_, anyhow::Error>(String::from_utf8_lossy(bytes).into_owned())
    };
    let Some(about) = text(SIGNOFF).ok().and_then(|text| signed::about(&text)) else {
        findings.subject = format!("{}: a bundle", folder.display());
        findings.differs.push(format!("{SIGNOFF}: it does not say what was signed"));
        return Ok(findings);
    };
    findings.subject = format!("{}: sign-off of {} of {}", folder.display(), about.version, about.at);
    let again = || {
        let samples = sums.files.get(SAMPLES).with_context(|| format!("the bundle has no `{SAMPLES}`"))?;
        bundle::compose(&Copy::of(&folder.join(SAMPLES))?.store, samples, &text(RULES)?, &about)
    };
    match again() {
        Ok(again) => {
            findings.files(&found, &again.files, about.tool_version == env!("CARGO_PKG_VERSION"));
            findings.made_again(&about.tool_version);
        }
        Err(error) => findings.differs.push(format!("it cannot be made again: {error:#}")),
    }
    Ok(findings)
}

impl Findings {
    fn signature(&mut self, command: &Verify, manifest: &str, folder: &Path) -> Result<()> {
        let signature = std::fs::read(folder.join(SIGNATURE)).ok();
        let key = command.public_key.as_deref().map(verifier).transpose()?;
        let outcome = match (signature, key) {
            (None, None) => "none".to_owned(),
            (None, Some(_)) => {
                self.differs.push(format!("{SIGNATURE}: not there"));
                "wanted, and not there".to_owned()
            }
            (Some(_), None) => "not checked: name the signer's key with --public-key".to_owned(),
            (Some(signature), Some(key)) if key.accepts(manifest.as_bytes(), &signature) => {
                format!("good, of key {}", key.fingerprint())
            }
            (Some(_), Some(key)) => {
                self.differs.push(format!("{SIGNATURE}: not of key {} for this manifest", key.fingerprint()));
                "bad".to_owned()
            }
        };
        self.checked.push(("signature", outcome));
        Ok(())
    }

    /// Compares the files of a bundle with those that come out now.
    fn files(
        &mut self,
        found: &BTreeMap<String, Vec<u8>>,
        again: &BTreeMap<String, String>,
        is_same_version: bool,
    ) {
        for (path, made) in again {
            let Some(written) = found.get(path) else { continue };
            let is_json = Path::new(path).extension().is_some_and(|end| end == "json");
            let parsed = || Some((serde_json::from_slice(written).ok()?, serde_json::from_str(made).ok()?));
            match parsed().filter(|_| is_json) {
                Some((written, made)) => self.document(path, &written, &made, is_same_version),
                None if path == BLOCKS => self.blocks(&String::from_utf8_lossy(written), made),
                None if !is_same_version || written == made.as_bytes() => {}
                None => self.differs.push(format!("{path}: {}", first_difference(written, made.as_bytes()))),
            }
        }
    }

    /// Names the rows that were changed.
    fn blocks(&mut self, written: &str, made_again: &str) {
        let rows = |text: &str| -> BTreeMap<String, String> {
            let line =
                |line: &str| line.split_once("  ").map(|(sum, rows)| (rows.to_owned(), sum.to_owned()));
            text.lines().filter_map(line).collect()
        };
        let (written, made_again) = (rows(written), rows(made_again));
        let changed = written.iter().filter(|(rows, sum)| made_again.get(*rows) != Some(sum));
        let added = made_again.iter().filter(|(rows, _)| !written.contains_key(*rows));
        let lines = changed.chain(added).map(|(rows, _)| format!("{SAMPLES}: {rows} are not as they were"));
        // What was changed comes before what follows from it.
        let lines: Vec<String> = lines.collect();
        self.differs.splice(0..0, lines);
    }
}

/// A report by itself, against the store that it was made of.
fn report(command: &Verify, store: &Path) -> Result<Findings> {
    let path = &command.subject;
    let written = std::fs::read_to_string(path)
        .map_err(|e| UsageError(format!("cannot read `{}`: {e}", path.display())))?;
    let json: Option<Value> = serde_json::from_str(&written).ok();
    let about = match &json {
        Some(document) => serde_json::from_value(document["page"]["about"].clone()).ok(),
        None => html::about(&written),
    };
    let about: About = about.ok_or_else(|| {
        UsageError(format!(
            "`{}` is neither a bundle's folder nor a report of a run, an experiment or a comparison (HTML or JSON)",
            path.display()
        ))
    })?;
    let version = about.tool_version.clone();
    let is_same_version = version == env!("CARGO_PKG_VERSION");
    if json.is_none() && !is_same_version {
        let text = format!(
            "the page was written by loadproof {version}: verify it with that version, or its JSON with any"
        );
        return Err(UsageError(text).into());
    }
    let mut findings = Findings {
        subject: format!("{}: report of {}", path.display(), about.generated_at),
        ..Findings::default()
    };
    let store = Store::open(store)?;
    let evidence = made_again(&about, &store, command)?;
    let made = evidence.reports.iter().find(|made| made.model.about.of == about.of);
    let made = made.context("the store has other runs for it by now")?;
    let again: Value = serde_json::from_str(&made.json()?)?;
    match json {
        Some(document) => findings.document("document", &document, &again, is_same_version),
        None => {
            let page = made.html()?;
            findings.numbers = check::of_json(&again["page"], &again["page"]).numbers;
            if page != written {
                let place = first_difference(written.as_bytes(), page.as_bytes());
                findings.differs.push(format!("page: {place}"));
            }
        }
    }
    findings.made_again(&version);
    Ok(findings)
}

fn made_again(about: &About, store: &Store, command: &Verify) -> Result<Evidence> {
    let here = Circumstances::of(about);
    match &about.of {
        Of::Run { run } => evidence::of_run(*run, store, &here),
        Of::Experiment { experiment, .. } => evidence::of_experiment(*experiment, store, &here),
        Of::Runs { baseline, treatment } => evidence::of_two_runs(*baseline, *treatment, store, &here),
        Of::Saved { baseline, runs, .. } => {
            let saved = saved::load(&command.baselines, baseline)?;
            evidence::of_saved(baseline, &saved, runs, store, &here)
        }
    }
}

fn verifier(path: &Path) -> Result<Verifier> {
    let pem = std::fs::read_to_string(path)
        .map_err(|e| UsageError(format!("cannot read the key `{}`: {e}", path.display())))?;
    Ok(Verifier::parse(&pem).map_err(|e| UsageError(format!("cannot use `{}`: {e}", path.display())))?)
}

/// Where two files part, with the line and some of what stands there.
fn first_difference(written: &[u8], made_again: &[u8]) -> String {
    let same = written.iter().zip(made_again).take_while(|(a, b)| a == b).count();
    let line = written[..same].split(|byte| *byte == b'\n').count();
    let around = |bytes: &[u8]| {
        let from = same.saturating_sub(16);
        let excerpt = String::from_utf8_lossy(&bytes[from.min(bytes.len())..(same + 24).min(bytes.len())]);
        excerpt.replace('\n', " ")
    };
    format!(
        "byte {same}, line {line}: written `…{}…`, made again `…{}…`",
        around(written),
        around(made_again)
    )
}

fn read(folder: &Path, name: &str) -> Result<String> {
    let path = folder.join(name);
    let text = std::fs::read_to_string(&path);
    Ok(text.map_err(|e| {
        UsageError(format!("`{}` is not a bundle: cannot read {name}: {e}", folder.display()))
    })?)
}

/// The files of a bundle by their paths in it, but for the manifest and its signature.
fn files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut pending: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(inner) = pending.pop() {
        for entry in
            std::fs::read_dir(&inner).with_context(|| format!("cannot read `{}`", inner.display()))?
        {
            let path = entry?.path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
            if name != MANIFEST && name != SIGNATURE {
                let bytes =
                    std::fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
                found.insert(name, bytes);
            }
        }
    }
    Ok(found)
}
