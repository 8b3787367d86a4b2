//! `loadproof export`: a run's samples for other tools, one by one.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::arguments::{Export, ExportFormat};
use super::exit::{Exit, UsageError};
use super::output;
use crate::assess::{runs, samples};
use crate::export::exchange;
use crate::export::hdr::Spectra;
use crate::export::locust::Locust;
use crate::export::parquet::ParquetWriter;
use crate::run::{Metric, RunFacts};
use crate::store::{Reference, Store};

pub(super) fn export(command: &Export, path: &Path) -> Result<Exit> {
    let store = Store::open_existing(path)?;
    let reference: Reference = command.run.parse()?;
    let run = store.run(&reference)?;
    if command.about.is_some() && command.format != ExportFormat::Hdr {
        return Err(UsageError("--about goes with --format hdr".to_owned()).into());
    }
    match command.format {
        ExportFormat::Csv => {
            let mut out = stream(command)?;
            samples::csv(&store, &[run.id], &mut out)?;
            out.flush()?;
        }
        ExportFormat::Json => json(&store, &run, command)?,
        ExportFormat::Locust => {
            let prefix = command.output.as_ref().ok_or_else(|| {
                UsageError(
                    "which files? say what their names begin with: --output results/loadtest".to_owned(),
                )
            })?;
            locust(&store, &run, prefix, true)?;
        }
        ExportFormat::Hdr => {
            write(&hdr(&store, &run, command.about.as_deref().unwrap_or_default())?, command)?;
        }
        ExportFormat::Parquet => {
            let path = command.output.as_ref().ok_or_else(|| {
                UsageError(
                    "Parquet cannot be written to a terminal: name a file, e.g. `--output samples.parquet`"
                        .to_owned(),
                )
            })?;
            parquet(&store, &run, path).with_context(|| format!("cannot write `{}`", path.display()))?;
        }
        ExportFormat::Bmf => metrics(&store, &run, command, |_, metrics| exchange::bmf(metrics))?,
        ExportFormat::Benchstat => {
            metrics(&store, &run, command, |run, metrics| Ok(exchange::benchstat(run, metrics)))?;
        }
        ExportFormat::OpenMetrics => {
            metrics(&store, &run, command, |run, metrics| Ok(exchange::openmetrics(run, metrics)))?;
        }
    }
    Ok(Exit::Done)
}

fn json(store: &Store, run: &RunFacts, command: &Export) -> Result<()> {
    let mut out = stream(command)?;
    store.each_sample(run.id, |sample| -> Result<()> {
        serde_json::to_writer(&mut out, sample)?;
        Ok(writeln!(out)?)
    })?;
    Ok(out.flush()?)
}

fn parquet(store: &Store, run: &RunFacts, path: &Path) -> Result<()> {
    let mut writer = ParquetWriter::new(File::create(path)?)?;
    store.each_sample(run.id, |sample| -> Result<()> { Ok(writer.add(sample)?) })?;
    Ok(writer.finish()?)
}

/// Response times of all endpoints and effects whose names have a text in them.
fn hdr(store: &Store, run: &RunFacts, about: &str) -> Result<String> {
    let mut spectra = Spectra::default();
    store.each_sample(run.id, |sample| -> Result<()> {
        spectra.add(sample);
        Ok(())
    })?;
    spectra.text(about).ok_or_else(|| {
        let known = spectra.titles().join(", ");
        UsageError(format!("no answered endpoint of run {} matches `{about}`; available: {known}", run.id))
            .into()
    })
}

/// Writes a run's metrics in a form.
fn metrics(
    store: &Store,
    run: &RunFacts,
    command: &Export,
    form: impl Fn(&RunFacts, &[Metric]) -> serde_json::Result<String>,
) -> Result<()> {
    write(&form(run, &runs::metrics(store, run.id)?)?, command)
}

fn write(text: &str, command: &Export) -> Result<()> {
    match &command.output {
        Some(path) => output::file(path, text),
        None => output::result(text.trim_end()),
    }
}

/// Where samples go one by one.
fn stream(command: &Export) -> Result<BufWriter<Box<dyn Write>>> {
    let out: Box<dyn Write> = match &command.output {
        Some(path) => {
            let file = File::create(path);
            Box::new(file.with_context(|| format!("cannot write `{}`", path.display()))?)
        }
        None => output::data(),
    };
    Ok(BufWriter::new(out))
}

/// Writes the files that Locust would, and one with the counts by outcome; their names.
pub(super) fn locust(
    store: &Store,
    run: &RunFacts,
    prefix: &Path,
    full_history: bool,
) -> Result<Vec<PathBuf>> {
    let mut locust = Locust::new(run.start.started_unix_us, full_history);
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
