//! What is remembered of the run that a file becomes.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::survey::Survey;
use super::{Belonging, Format, Import, ImportError, Reading};
use crate::checksum::sha256;
use crate::run::imported::{CHECKSUM, EXECUTOR, FILE, FROM, GAPS, LACKS, LEFT_OUT, Lack, READ_AS, STATED};
use crate::run::{Arm, LoadFacts, PhaseSpan, RunStart, Source};
use crate::sample::Phase;
use crate::scenario::Scenario;
use crate::{unit, utc};

/// Load and profile of a run for which none is named.
const IMPORTED: &str = "imported";

/// The one phase of an imported run: nothing is known of a ramp, nor of when the load ended.
pub(super) fn phase(survey: &Survey) -> PhaseSpan {
    let name = Phase::Steady.word().to_owned();
    PhaseSpan { name, start_us: 0, end_us: survey.span_us().max(1), complete: true, unknown: String::new() }
}

/// What is known before the first sample.
pub(super) fn start(import: &Import, reading: &Reading, survey: &Survey) -> Result<RunStart, ImportError> {
    let format = reading.format;
    let requests = survey.stated.as_ref().map_or(survey.requests, |stated| stated.requests);
    let text = format!(
        "{} requests in {}, as {} made them",
        unit::count(requests),
        unit::span(survey.span_us() as f64 / 1e6),
        format.tool()
    );
    let scenario = scenario(import);
    let stem = || import.file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let profile = import.profile.clone().unwrap_or_else(|| IMPORTED.to_owned());
    let started_unix_us = started_unix_us(import, survey)?;
    Ok(RunStart {
        scenario: match &import.belonging {
            Belonging::Of(scenario) => scenario.name.clone(),
            Belonging::Named(name) => name.clone(),
            Belonging::Unnamed => stem().unwrap_or_else(|| IMPORTED.to_owned()),
        },
        scenario_file: scenario.map_or_else(String::new, |scenario| scenario.file.clone()),
        fingerprint: fingerprint(import, format),
        load: import.load.clone().unwrap_or_else(|| IMPORTED.to_owned()),
        load_text: text,
        label: import.label.clone(),
        arm: arm(import, &profile),
        profile,
        started_at: utc::to_second(started_unix_us),
        started_unix_us,
        command: import.command.clone(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        environment: environment(import, reading, survey),
        load_facts: LoadFacts { executor: EXECUTOR.to_owned(), ..LoadFacts::default() },
        claims: scenario.map_or_else(Vec::new, |scenario| scenario.claims.clone()),
        deployment: import.deployment.clone(),
        ..RunStart::default()
    })
}

/// The scenario files that stand for the work, if a scenario is named.
pub(super) fn sources(import: &Import) -> &[Source] {
    scenario(import).map_or(&[], |scenario| &scenario.sources)
}

fn scenario(import: &Import) -> Option<&Scenario> {
    match &import.belonging {
        Belonging::Of(scenario) => Some(scenario),
        _ => None,
    }
}

fn arm(import: &Import, profile: &str) -> Option<Arm> {
    scenario(import)?.experiment.as_ref()?.arm_of(profile)
}

/// What is known of the work. Who names a load of a scenario states that it was this one. Else it is the tool, and the
/// scenario that was named; not the file's name, which says nothing of the work, nor the endpoints: whether they were
/// called in the same shares is checked when runs are compared, and a rare one that is missing is no other work.
fn fingerprint(import: &Import, format: Format) -> String {
    let named = match &import.belonging {
        Belonging::Of(scenario) => {
            if let Some(load) = import.load.as_ref().and_then(|load| scenario.loads.get(load)) {
                return scenario.fingerprint(load, &[]);
            }
            scenario.name.as_str()
        }
        Belonging::Named(name) => name,
        Belonging::Unnamed => "",
    };
    sha256(format!("imported from {}\nscenario {named}", format.tool()))
}

fn environment(import: &Import, reading: &Reading, survey: &Survey) -> BTreeMap<String, String> {
    let file = import.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let lacks: Vec<&str> = survey.lacks().into_iter().map(Lack::words).collect();
    let facts = [
        (FROM, reading.format.text()),
        (FILE, file),
        (CHECKSUM, reading.source.sha256.clone()),
        (LACKS, lacks.join(", ")),
        (LEFT_OUT, survey.left_out()),
        (READ_AS, survey.read_as(reading.source.encoding)),
        (GAPS, survey.gaps()),
        ("loadproof", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let said = facts.into_iter().filter(|(_, value)| !value.is_empty());
    let stated = survey.stated.iter().flat_map(|stated| &stated.metrics);
    let stated = stated.map(|(name, value)| (format!("{STATED}{name}"), value.clone()));
    said.map(|(name, value)| (name.to_owned(), value)).chain(stated).collect()
}

/// When the first request was sent. Where the file keeps no date, the load ended when the file was written.
fn started_unix_us(import: &Import, survey: &Survey) -> Result<i64, ImportError> {
    if !survey.lacks().contains(&Lack::Date) {
        return Ok(survey.start_us);
    }
    let path = &import.file;
    let metadata = std::fs::metadata(path);
    let written = metadata.and_then(|data| data.modified());
    let written: SystemTime = written.map_err(|error| ImportError::Read { path: path.clone(), error })?;
    let since: Duration = written.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(i64::try_from(since.as_micros()).unwrap_or(i64::MAX).saturating_sub(survey.span_us()))
}
