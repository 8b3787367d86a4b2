//! Reports of stored searches for capacity: what `capacity` ends with, and `report c1` makes again.

use anyhow::Result;

use super::arguments::Outputs;
use super::exit::Exit;
use super::output;
use crate::assess::capacity as assess;
use crate::report::capacity::{self, CapacityReport};
use crate::run::CapacityId;
use crate::store::Store;
use crate::verdict::Verdict;

/// `c3` names a search.
pub(super) fn named(name: &str) -> Option<CapacityId> {
    name.strip_prefix('c')?.parse().ok().map(CapacityId)
}

/// Reports a search that is stored, in all the forms that are wanted.
pub(super) fn report(id: CapacityId, store: &Store, outputs: &Outputs) -> Result<Exit> {
    let report = assess::report(id, store)?;
    write(&report, store, outputs)?;
    Ok(match report.verdict() {
        Verdict::Invalid if outputs.allow_invalid => Exit::Done,
        verdict => Exit::of_verdict(Some(verdict)),
    })
}

fn write(report: &CapacityReport, store: &Store, outputs: &Outputs) -> Result<()> {
    if let Some(path) = &outputs.junit {
        output::file(path, &capacity::junit(report)?)?;
    }
    if let Some(path) = &outputs.markdown {
        output::markdown(path, &capacity::markdown(report))?;
    }
    let profiles = report.searched.profiles.join("-");
    let name = format!("capacity-{}-{}-{profiles}", report.id, report.searched.scenario);
    let page = output::report_path(outputs.html.as_ref(), store.path(), &name);
    if !outputs.json || outputs.html.is_some() {
        output::file(&page, &capacity::html(report)?)?;
    }
    if outputs.json {
        return output::result(&capacity::json(report)?);
    }
    output::result(&format!("{}\n\n  report  {}", capacity::text(report), page.display()))
}
