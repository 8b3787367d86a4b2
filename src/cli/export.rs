//! `loadproof export`: a run's samples for other tools, one by one.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::arguments::{Export, ExportFormat};
use super::evidence::measured;
use super::exit::{Exit, UsageError};
use super::output;
use crate::report::csv::field;
use crate::report::exchange;
use crate::report::locust::Locust;
use crate::run::{Figure, RunFacts};
use crate::sample::ExportedSample;
use crate::stats::figures;
use crate::store::{Reference, Store};

/// The columns of the CSV, in the order of [`fields`].
const COLUMNS: [&str; 20] = [
    "run",
    "sequence",
    "kind",
    "traffic_class",
    "endpoint",
    "user_class",
    "user",
    "journey",
    "phase",
    "outcome",
    "status",
    "reason",
    "intended_us",
    "sent_us",
    "first_byte_us",
    "done_us",
    "bytes_in",
    "bytes_out",
    "key_list",
    "key",
];

pub(super) fn export(command: &Export, path: &Path) -> Result<Exit> {
    let store = Store::open(path)?;
    let reference: Reference = command.run.parse()?;
    let facts = store.run(&reference)?;
    let run = facts.id;
    if command.format == ExportFormat::Locust {
        let Some(prefix) = &command.output else {
            let text = "which files? say what their names begin with: --output results/loadtest";
            return Err(UsageError(text.to_owned()).into());
        };
        locust(&store, &facts, prefix, true)?;
        return Ok(Exit::Done);
    }
    if let Some(form) = figures_as(command.format) {
        let measured = measured(&store, facts)?;
        let text = form(&measured.facts, &figures::figures(&measured)?)?;
        match &command.output {
            Some(path) => output::file(path, &text)?,
            None => output::result(text.trim_end())?,
        }
        return Ok(Exit::Done);
    }
    let out: Box<dyn Write> = match &command.output {
        Some(path) => {
            let file = std::fs::File::create(path);
            Box::new(file.with_context(|| format!("cannot write `{}`", path.display()))?)
        }
        None => Box::new(std::io::stdout().lock()),
    };
    let mut out = BufWriter::new(out);
    if command.format == ExportFormat::Csv {
        writeln!(out, "{}", COLUMNS.join(","))?;
    }
    store.each_sample(run, |sample| -> Result<()> {
        match command.format {
            ExportFormat::Csv => writeln!(out, "{}", fields(sample).join(","))?,
            ExportFormat::Json => {
                serde_json::to_writer(&mut out, sample)?;
                writeln!(out)?;
            }
            // Written above: they are no streams of samples.
            ExportFormat::Locust
            | ExportFormat::Bmf
            | ExportFormat::Benchstat
            | ExportFormat::OpenMetrics => {}
        }
        Ok(())
    })?;
    out.flush()?;
    Ok(Exit::Done)
}

/// How a run's figures are written.
type FiguresAs = fn(&RunFacts, &[Figure]) -> serde_json::Result<String>;

fn figures_as(format: ExportFormat) -> Option<FiguresAs> {
    match format {
        ExportFormat::Bmf => Some(|_, figures| exchange::bmf(figures)),
        ExportFormat::Benchstat => Some(|run, figures| Ok(exchange::benchstat(run, figures))),
        ExportFormat::OpenMetrics => Some(|run, figures| Ok(exchange::openmetrics(run, figures))),
        ExportFormat::Csv | ExportFormat::Json | ExportFormat::Locust => None,
    }
}

/// Writes the files that Locust would, and one with the counts by outcome; their names.
pub(super) fn locust(
    store: &Store,
    run: &RunFacts,
    prefix: &Path,
    full_history: bool,
) -> Result<Vec<PathBuf>> {
    let mut locust = Locust::new(run.started_unix_us, full_history);
    store.each_sample(run.id, |sample| -> Result<()> {
        locust.add(sample);
        Ok(())
    })?;
    let mut written = Vec::new();
    for (end, text) in locust.files() {
        let mut path = prefix.as_os_str().to_owned();
        path.push(end);
        output::file(Path::new(&path), &text)?;
        written.push(path.into());
    }
    Ok(written)
}

fn fields(s: &ExportedSample) -> [String; COLUMNS.len()] {
    [
        s.run.to_string(),
        s.sequence.to_string(),
        field(&s.kind).into_owned(),
        field(&s.traffic_class).into_owned(),
        field(&s.endpoint).into_owned(),
        field(&s.user_class).into_owned(),
        s.user.to_string(),
        s.journey.to_string(),
        field(&s.phase).into_owned(),
        field(&s.outcome).into_owned(),
        s.status.to_string(),
        field(s.reason.as_deref().unwrap_or_default()).into_owned(),
        s.intended_us.to_string(),
        s.sent_us.to_string(),
        s.first_byte_us.to_string(),
        s.done_us.to_string(),
        s.bytes_in.to_string(),
        s.bytes_out.to_string(),
        s.key_list.map_or(String::new(), |list| list.to_string()),
        s.key.map_or(String::new(), |key| key.to_string()),
    ]
}
