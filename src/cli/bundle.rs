//! The files of a sign-off's bundle, made of a store that holds its evidence and no more. `signoff` writes them, `verify`
//! makes them again: what is not the same was changed.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

use super::evidence::{self, Circumstances, Evidence};
use crate::bundle::Manifest;
use crate::checksum;
use crate::report::signoff as render;
use crate::report::signoff::About;
use crate::run::{ExperimentId, Judged, RunFacts, RunId, RunState, Source};
use crate::signoff::{self, Candidate, Choice, Release, Rules, SignOff};
use crate::store::{Ending, Store};

/// The evidence, as a store.
pub(super) const SAMPLES: &str = "samples.db";
/// Checksums of its rows, block by block.
pub(super) const BLOCKS: &str = "samples.sha256";
/// Checksums of all files.
pub(super) const MANIFEST: &str = "MANIFEST.sha256";
/// The manifest's signature.
pub(super) const SIGNATURE: &str = "MANIFEST.sha256.sig";
/// The rules.
pub(super) const RULES: &str = "rules.toml";
/// The sign-off for machines.
pub(super) const SIGNOFF: &str = "signoff.json";

/// A bundle but for its store, its manifest and its signature.
pub(super) struct Bundle {
    pub(super) signoff: SignOff,
    pub(super) page: render::Page,
    /// Texts by path.
    pub(super) files: BTreeMap<String, String>,
}

/// Makes the bundle's files. `store`: a copy of its store; `samples`: the checksum of the store's file.
pub(super) fn compose(store: &Store, samples: &str, rules: &str, about: &About) -> Result<Bundle> {
    let parsed = Rules::parse(rules, &about.rules)?;
    let candidates = candidates(store)?;
    let release = release(about);
    let choices = choices(&parsed, &release, &candidates);
    let circumstances = Circumstances {
        allow_invalid: false,
        generated_at: about.at.clone(),
        store: SAMPLES.to_owned(),
        command: about.command.clone(),
        qualification: about.qualification.clone(),
    };
    let mut made: Vec<(&Candidate, Evidence)> = Vec::new();
    for candidate in choices.iter().filter_map(|choice| choice.candidate) {
        if !made.iter().any(|(known, _)| known.of == candidate.of) {
            made.push((candidate, made_of(candidate.of, store, &circumstances)?));
        }
    }
    let judgement = |choice: &Choice<'_>| {
        let of = choice.candidate?.of;
        made.iter().find(|(known, _)| known.of == of).map(|(_, evidence)| evidence.judgement.clone())
    };
    let judgements: Vec<_> = choices.iter().map(judgement).collect();
    let found: Vec<_> = choices.into_iter().zip(judgements).collect();
    let signoff = signoff::decide(&parsed, &release, &found);

    let mut files = BTreeMap::from([(RULES.to_owned(), rules.to_owned())]);
    let mut shown = Vec::new();
    for (candidate, evidence) in &made {
        let mut reports = Vec::new();
        for report in &evidence.reports {
            let path = |end: &str| format!("reports/{}.{end}", report.name);
            files.insert(path("html"), report.html()?);
            files.insert(path("json"), report.json()?);
            files.insert(path("xml"), report.junit()?);
            files.insert(path("md"), report.markdown());
            reports.push(path("html"));
        }
        let (of, runs) = (candidate.of, candidate.runs.clone());
        shown.push(render::Evidence { of, runs, audit: evidence.judgement.audit.grade, reports });
    }
    let runs: Vec<RunId> = shown.iter().flat_map(|evidence| &evidence.runs).map(|run| run.id).collect();
    files.extend(scenarios(store, &runs)?);
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
    files.insert("signoff.xml".to_owned(), render::junit(&page)?);
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

/// The evidence for each requirement.
pub(super) fn choices<'a>(rules: &Rules, release: &Release, candidates: &'a [Candidate]) -> Vec<Choice<'a>> {
    rules.require.iter().map(|requirement| signoff::choose(requirement, rules, release, candidates)).collect()
}

/// The release that is signed off.
pub(super) fn release(about: &About) -> Release {
    Release { version: about.version.clone(), commit: about.commit.clone(), at_unix_s: about.at_unix_s }
}

/// Everything in the store that may be evidence, the newest first. What is still under way is not.
pub(super) fn candidates(store: &Store) -> Result<Vec<Candidate>> {
    let mut experiments: BTreeMap<ExperimentId, Vec<RunFacts>> = BTreeMap::new();
    let mut candidates = Vec::new();
    for run in store.runs()?.into_iter().rev() {
        match run.experiment {
            Some(id) => experiments.entry(id).or_default().push(run),
            None if run.state == RunState::Running => {}
            None => {
                let has_ended = run.state == RunState::Done;
                candidates.push(Candidate { of: Judged::Run(run.id), has_ended, runs: vec![run] });
            }
        }
    }
    experiments.retain(|_, runs| !runs.iter().any(|run| run.state == RunState::Running));
    for (id, runs) in experiments {
        let has_ended = store.experiment_facts(id)?.ended.is_some_and(Ending::is_complete);
        candidates.push(Candidate { of: Judged::Experiment(id), has_ended, runs });
    }
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.runs[0].id));
    Ok(candidates)
}

fn made_of(of: Judged, store: &Store, here: &Circumstances) -> Result<Evidence> {
    match of {
        Judged::Experiment(id) => evidence::of_experiment(id, store, here),
        Judged::Run(id) => evidence::of_run(id, store, here),
    }
}

/// The scenario files of some runs, by their paths in the bundle.
fn scenarios(store: &Store, runs: &[RunId]) -> Result<BTreeMap<String, String>> {
    let mut sources: Vec<Source> = Vec::new();
    for run in runs {
        for source in store.sources(*run)? {
            if !sources.contains(&source) {
                sources.push(source);
            }
        }
    }
    let paths: Vec<PathBuf> = sources.iter().map(|source| flat(&source.path)).collect();
    let common = common_folder(&paths);
    let mut files = BTreeMap::new();
    for (source, path) in sources.into_iter().zip(&paths) {
        let path = path.strip_prefix(&common).unwrap_or(path).to_string_lossy();
        let mut name = format!("scenarios/{path}");
        // Two texts of one file: it was changed between the runs.
        if files.contains_key(&name) {
            name = format!("{name}.{}", checksum::sha256(&source.text).chars().take(12).collect::<String>());
        }
        files.insert(name, source.text);
    }
    Ok(files)
}

/// A path without its root and without `..`, which must not lead out of the bundle.
fn flat(path: &str) -> PathBuf {
    let mut flat = PathBuf::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(part) => flat.push(part),
            Component::ParentDir => {
                flat.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
        }
    }
    flat
}

/// The deepest folder that all paths are in.
fn common_folder(paths: &[PathBuf]) -> PathBuf {
    let folder = |path: &PathBuf| path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    let mut folders = paths.iter().map(folder);
    let Some(mut common) = folders.next() else { return PathBuf::new() };
    for folder in folders {
        while !folder.starts_with(&common) {
            common.pop();
        }
    }
    common
}

/// Checksums of what was measured, a block a line.
fn blocks(store: &Store, runs: &[RunId]) -> Result<String> {
    let mut text = String::new();
    for run in runs {
        for block in store.blocks(*run)? {
            text.push_str(&format!("{}  {block}\n", block.sha256));
        }
    }
    Ok(text)
}

/// A store's copy in a folder of its own, which goes when this does: opening a store may write to it.
pub(super) struct Copy {
    pub(super) store: Store,
    _folder: tempfile::TempDir,
}

impl Copy {
    pub(super) fn of(path: &Path) -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let copy = folder.path().join(SAMPLES);
        std::fs::copy(path, &copy).with_context(|| format!("cannot read `{}`", path.display()))?;
        Ok(Self { store: Store::open(&copy)?, _folder: folder })
    }
}
