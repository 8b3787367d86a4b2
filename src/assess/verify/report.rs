//! Verifying a report by itself.

use std::path::Path;

use serde_json::Value;

use super::findings::{Findings, first_difference};
use crate::assess::assessment::{self, Assessment};
use crate::assess::context::ReportContext;
use crate::assess::error::AssessError;
use crate::assess::saved;
use crate::bounded;
use crate::bundle::of_json;
use crate::report::{About, Of, html};
use crate::store::Store;

/// Bytes of the largest report.
const LARGEST: u64 = 256 << 20;

/// Verifies a report by itself, against the store that it was made of. `baselines`: the folder of saved baselines.
///
/// # Errors
/// If it is not a report, or the store does not hold what it is about.
pub fn report(path: &Path, store: &Path, baselines: &Path) -> Result<Findings, AssessError> {
    let written = bounded::text(path, LARGEST).map_err(|error| AssessError::Unreadable {
        what: "",
        path: path.to_owned(),
        error,
    })?;
    let json: Option<Value> = serde_json::from_str(&written).ok();
    let about = match &json {
        Some(document) => serde_json::from_value(document["page"]["about"].clone()).ok(),
        None => html::about(&written),
    };
    let about: About = about.ok_or_else(|| AssessError::NotAReport(path.to_owned()))?;
    let version = about.tool_version.clone();
    let is_same_version = version == env!("CARGO_PKG_VERSION");
    if json.is_none() && !is_same_version {
        return Err(AssessError::OtherVersion(version));
    }
    let mut findings = Findings {
        subject: format!("{}: report of {}", path.display(), about.generated_at),
        ..Findings::default()
    };
    let store = Store::open_existing(store)?;
    let assessment = made_again(&about, &store, baselines)?;
    let made = assessment.reports.iter().find(|made| made.model.about.of == about.of);
    let made = made.ok_or(AssessError::OtherRuns)?;
    let again: Value = serde_json::from_str(&made.json()?)?;
    match json {
        Some(document) => {
            findings.document("document", &document, &again, is_same_version);
            if !is_same_version {
                findings.of_other_version("sentences of the document", &version);
            }
        }
        None => {
            let page = made.html()?;
            findings.numbers = of_json(&again["page"], &again["page"]).numbers;
            if page != written {
                let place = first_difference(written.as_bytes(), page.as_bytes());
                findings.differs.push(format!("page: {place}"));
            }
        }
    }
    findings.made_again(&version);
    Ok(findings)
}

fn made_again(about: &About, store: &Store, baselines: &Path) -> Result<Assessment, AssessError> {
    let context = ReportContext::of(about);
    match &about.of {
        Of::Run { run } => assessment::of_run(*run, store, &context),
        Of::Experiment { experiment, .. } => assessment::of_experiment(*experiment, store, &context),
        Of::Runs { baseline, treatment } => assessment::of_two_runs(*baseline, *treatment, store, &context),
        Of::Saved { baseline, runs, .. } => {
            let saved = saved::load(&saved::Named { folder: baselines, name: baseline })?;
            assessment::of_saved(baseline, &saved, runs, store, &context)
        }
    }
}
