//! The second reading of a file: its rows become the samples of a run.

use std::collections::HashMap;
use std::path::Path;

use super::row::{Line, Row};
use super::survey::{self, Survey};
use super::{Import, ImportError, Reading, facts};
use crate::run::{RunEnd, RunId, RunState};
use crate::sample::{EndpointId, Key, Kind, Phase, Race, ReasonId, Recorder, Sample, Subject, UserClassId};
use crate::store::{RunWords, RunWriter, Store};

/// Stores a file, which was surveyed before, as a run.
pub(super) fn store(
    import: &Import,
    reading: &Reading,
    survey: &Survey,
    path: &Path,
) -> Result<RunId, ImportError> {
    let mut store = Store::open(path)?;
    let run = store.begin_run(&facts::start(import, reading, survey)?, facts::sources(import))?;
    let written = write(import, reading, survey, path, run);
    let end = match &written {
        Ok(()) => RunEnd { state: RunState::Done, phases: vec![facts::phase(survey)], ..RunEnd::default() },
        Err(error) => RunEnd::failed(error.to_string()),
    };
    store.end_run(run, &end)?;
    written.map(|()| run)
}

fn write(
    import: &Import,
    reading: &Reading,
    survey: &Survey,
    path: &Path,
    run: RunId,
) -> Result<(), ImportError> {
    let endpoints: Vec<Subject> = survey
        .endpoints
        .iter()
        .map(|name| Subject { kind: Kind::Request, traffic_class: String::new(), endpoint: name.to_owned() })
        .collect();
    let user_classes = survey.user_classes.iter().collect();
    let words =
        RunWords { endpoints: &endpoints, user_classes, signals: &[], soft_checks: &[], agents: None };
    let writer = RunWriter::start(path, run, &words, Box::new(|_| {}))?;
    let mut samples = Samples {
        survey,
        endpoint: import.endpoint.as_deref(),
        users: HashMap::new(),
        recorder: Recorder::new(0, writer.sink()),
    };
    let read = reading.each(&mut |line| match line {
        // What is wrong with the writer is told when it is finished.
        Line::Request(row) if !writer.has_failed() => samples.record(&row),
        _ => Ok(()),
    });
    samples.recorder.flush();
    drop(samples);
    let stored = writer.finish()?;
    match read {
        Ok(()) if stored == survey.requests => Ok(()),
        _ => Err(ImportError::Changed { path: import.file.clone() }),
    }
}

/// Makes samples of rows.
struct Samples<'a> {
    survey: &'a Survey,
    endpoint: Option<&'a str>,
    /// The numbers of users, by their names.
    users: HashMap<String, u32>,
    recorder: Recorder,
}

impl Samples<'_> {
    fn record(&mut self, row: &Row<'_>) -> Result<(), String> {
        let unheard_of = || "it was not there before".to_owned();
        let endpoint = survey::endpoint(row, self.endpoint);
        let endpoint = self.survey.endpoints.place(endpoint).ok_or_else(unheard_of)?;
        let user_class = self.survey.user_classes.place(row.user_class).ok_or_else(unheard_of)?;
        let sent_us = row.start.us.saturating_sub(self.survey.start_us);
        let done_us = sent_us.saturating_add(row.elapsed_us);
        let reason = match &*row.ending.reason {
            "" => ReasonId::default(),
            text => self.recorder.reason(text, str::to_owned),
        };
        let user = self.user(row.user);
        self.recorder.record(Sample {
            endpoint: EndpointId(u16::try_from(endpoint).unwrap_or(u16::MAX)),
            user_class: UserClassId(u16::try_from(user_class).unwrap_or(u16::MAX)),
            user,
            journey: 0,
            phase: Phase::Steady,
            outcome: row.ending.outcome,
            status: row.ending.status,
            reason,
            intended_us: sent_us,
            sent_us,
            first_byte_us: row.first_byte_us.map_or(done_us, |us| sent_us.saturating_add(us).min(done_us)),
            done_us,
            key: Key::NONE,
            race: Race::NONE,
            bytes_in: u32::try_from(row.bytes_in).unwrap_or(u32::MAX),
            bytes_out: u32::try_from(row.bytes_out).unwrap_or(u32::MAX),
            redirects: 0,
            repeats: 0,
        });
        Ok(())
    }

    fn user(&mut self, name: &str) -> u32 {
        if let Some(user) = self.users.get(name) {
            return *user;
        }
        let user = u32::try_from(self.users.len()).unwrap_or(u32::MAX);
        self.users.insert(name.to_owned(), user);
        user
    }
}
