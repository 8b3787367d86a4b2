//! The files of a sign-off's bundle, made of a store that holds its evidence and no more. `signoff` writes them, `verify`
//! makes them again: what is not the same was changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::assessment::{self, Assessment};
use super::context::ReportContext;
use super::error::AssessError;
use super::{candidates, scenario_files};
use crate::bounded;
use crate::bundle::Manifest;
use crate::checksum;
use crate::report::signoff as render;
use crate::report::signoff::About;
use crate::run::RunId;
use crate::signoff::{self, Candidate, Choice, Rules, SignOff};
use crate::store::Store;

/// The evidence, as a store.
pub(super) const SAMPLES: &str = "samples.db";
/// Checksums of its rows, block by block.
pub(super) const BLOCKS: &str = "samples.sha256";
/// Checksums of all files.
pub(super) const MANIFEST: &str = "MANIFEST.sha256";
/// The manifest's signature.
pub(super) const SIGNATURE: &str = "MANIFEST.sha256.sig";
/// What is attested of the manifest, in an envelope that is signed.
pub(super) const ATTESTATION: &str = "MANIFEST.sha256.intoto.json";
/// Which claims have passed, as attestations state it.
pub(super) const PREDICATE: &str = "predicate.json";
/// The rules.
pub(super) const RULES: &str = "rules.toml";
/// The sign-off for machines.
pub(super) const SIGNOFF: &str = "signoff.json";

/// A bundle but for its store, its manifest and its signature.
pub struct Bundle {
    /// What is signed, and why.
    pub signoff: SignOff,
    /// The same for people.
    pub page: render::Page,
    /// Texts by path.
    pub files: BTreeMap<String, String>,
}

/// Whether a store stands where that of a bundle does: beside a manifest.
pub fn is_store_of_bundle(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == SAMPLES) && path.with_file_name(MANIFEST).is_file()
}

/// Makes the bundle's files. `store`: a copy of its store; `samples`: the checksum of the store's file.
///
/// # Errors
/// If the rules cannot be used, the store cannot be read, or a page cannot be rendered.
pub(super) fn compose(
    store: &Store,
    samples: &str,
    rules: &str,
    about: &About,
) -> Result<Bundle, AssessError> {
    let parsed = Rules::parse(rules, &about.rules)?;
    let candidates = candidates::all(store)?;
    let release = candidates::release(about);
    let choices = candidates::choices(&parsed, &release, &candidates);
    let context = ReportContext {
        allow_invalid: false,
        allow_failures: false,
        claims: None,
        generated_at: about.at.clone(),
        store: SAMPLES.to_owned(),
        command: about.command.clone(),
        qualification: about.qualification.clone(),
        floor: about.floor.clone(),
    };
    let mut made: Vec<(&Candidate, Assessment)> = Vec::new();
    for candidate in choices.iter().filter_map(|choice| choice.candidate) {
        if !made.iter().any(|(known, _)| known.of == candidate.of) {
            made.push((candidate, assessment::of(candidate.of, store, &context)?));
        }
    }
    let judgement = |choice: &Choice<'_>| {
        let of = choice.candidate?.of;
        made.iter().find(|(known, _)| known.of == of).map(|(_, assessment)| assessment.judgement.clone())
    };
    let judgements: Vec<_> = choices.iter().map(judgement).collect();
    let found: Vec<_> = choices.into_iter().zip(judgements).collect();
    let signoff = signoff::decide(&parsed, &release, &found, &about.breaches);

    let mut files = BTreeMap::from([(RULES.to_owned(), rules.to_owned())]);
    let mut shown = Vec::new();
    for (candidate, assessment) in &made {
        let mut reports = Vec::new();
        // Every treatment's report has the baseline.
        let mut failing = BTreeSet::new();
        for report in &assessment.reports {
            failing.extend(report.model.failing.iter().cloned());
            let path = |end: &str| format!("reports/{}.{end}", report.name);
            files.insert(path("html"), report.html()?);
            files.insert(path("json"), report.json()?);
            files.insert(path("xml"), report.junit()?);
            files.insert(path("md"), report.markdown());
            reports.push(path("html"));
        }
        let (of, runs) = (candidate.of, candidate.runs.clone());
        let (audit, failing) = (assessment.judgement.audit.grade, failing.into_iter().collect());
        let seal = store.written_seal(of)?;
        shown.push(render::Evidence { of, runs, audit, failing, reports, seal });
    }
    let runs: Vec<RunId> = shown.iter().flat_map(|evidence| &evidence.runs).map(|run| run.id).collect();
    files.extend(scenario_files::of_runs(store, &runs)?);
    files.insert(BLOCKS.to_owned(), blocks(store, &runs)?);
    let mut others = Manifest { files: sums(&files) };
    others.files.insert(SAMPLES.to_owned(), samples.to_owned());
    let page = render::page(&render::Source {
        product: &parsed.product,
        about,
        signoff: &signoff,
        evidence: &shown,
        files: &on_the_page(&others),
    });
    files.insert("signoff.html".to_owned(), render::html(&page)?);
    files.insert(SIGNOFF.to_owned(), render::json(&page, &signoff)?);
    files.insert(PREDICATE.to_owned(), render::predicate(&page, &checksum::sha256(rules))?);
    files.insert("signoff.xml".to_owned(), render::junit(&page).map_err(AssessError::JUnit)?);
    files.insert("signoff.md".to_owned(), render::markdown(&page));
    Ok(Bundle { signoff, page, files })
}

impl Bundle {
    /// The manifest of all its files. `samples`: the checksum of the store's file.
    pub(super) fn manifest(&self, samples: &str) -> Manifest {
        let mut files = sums(&self.files);
        files.insert(SAMPLES.to_owned(), samples.to_owned());
        Manifest { files }
    }
}

fn sums(files: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    files.iter().map(|(path, text)| (path.clone(), checksum::sha256(text))).collect()
}

/// What fits a page: the rules, the evidence, and the pages that people read.
fn on_the_page(all: &Manifest) -> Manifest {
    let is_shown = |path: &str| {
        [RULES, SAMPLES].contains(&path) || Path::new(path).extension().is_some_and(|e| e == "html")
    };
    let files = all.files.iter().filter(|(path, _)| is_shown(path));
    Manifest { files: files.map(|(path, sum)| (path.clone(), sum.clone())).collect() }
}

/// Checksums of what was measured, a block a line.
fn blocks(store: &Store, runs: &[RunId]) -> Result<String, AssessError> {
    let mut text = String::new();
    for run in runs {
        for block in store.blocks(*run)? {
            text.push_str(&format!("{}  {block}\n", block.sha256));
        }
    }
    Ok(text)
}

/// A store's copy in a folder of its own, which goes when this does: opening a store may write to it.
pub(super) struct StoreCopy {
    /// The copy.
    pub(super) store: Store,
    _folder: tempfile::TempDir,
}

impl StoreCopy {
    /// Of the store in a file.
    ///
    /// # Errors
    /// If it cannot be copied or opened.
    pub(super) fn of(path: &Path) -> Result<Self, AssessError> {
        let folder = tempfile::tempdir().map_err(AssessError::TemporaryFolder)?;
        let copy = folder.path().join(SAMPLES);
        // A link, a pipe or a folder in its place is no store.
        bounded::open(path, u64::MAX).map_err(|source| AssessError::File {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        std::fs::copy(path, &copy).map_err(|source| AssessError::File {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        Ok(Self { store: Store::open(&copy)?, _folder: folder })
    }
}
