//! `loadproof selftest --faults`: plants faults in servers of known truth, one after another, and holds
//! the verdicts against what is right.

use std::path::Path;

use anyhow::{Context, Result};

use super::arguments::{PageFlags, SelfTest};
use super::exit::{Exit, UsageError};
use super::output;
use super::testbed::program;
use super::viewers::Viewers;
use crate::assess::{files, qualification};
use crate::execute::faults::FaultExperiment;
use crate::store::Store;
use crate::utc;
use crate::verdict::faults::{FAULTS, Fault, FaultTest, Found, chosen};

/// The store of these runs, next to the other: they are not results.
const STORE: &str = "faults.db";
/// Where the servers count their starts, next to the store.
const STARTS: &str = "faults-starts";
/// What stands for all faults, in place of a name.
const ALL: &str = "all";

/// `which`: the name of one, or [`ALL`].
pub(super) fn faults(command: &SelfTest, which: &str, store: &Path) -> Result<Exit> {
    let name = (which != ALL).then_some(which);
    let chosen = chosen_or_refused(command, name)?;
    let program = program(command)?;
    let folder = std::path::absolute(files::folder_of(store))?;
    let (own_store, starts) = (folder.join(STORE), folder.join(STARTS));
    empty(&starts)?;
    // Before the servers: it makes the store.
    drop(Store::open(&own_store)?);
    let viewers = Viewers::follow(&PageFlags::default(), command.shown, &own_store)?;
    let mut tested = FaultTest {
        made_at: utc::to_minute(utc::now_s()),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: String::new(),
        found: Vec::new(),
    };
    for fault in &chosen {
        let experiment = FaultExperiment::new(fault, &program, &starts, command.seed)?;
        let options = viewers.plain_session(command.shown, experiment.plan());
        let Some(id) = experiment.carry_out(fault, &own_store, options)? else {
            return Ok(Exit::Interrupted);
        };
        let (found, machine) = qualification::of_fault(fault, id, &Store::open(&own_store)?)?;
        if !command.json {
            output::result(&line(&found))?;
        }
        tested.machine = machine;
        tested.found.push(found);
    }
    // One fault by itself is looked into; it is not what reports should say of the instrument.
    if name.is_none() {
        qualification::keep_faults(store, &tested)?;
    }
    output::result(&if command.json {
        serde_json::to_string_pretty(&tested)?
    } else {
        format!("\n{} · {}", tested.text(), tested.machine)
    })?;
    Ok(if tested.is_passed() { Exit::Done } else { Exit::Invalid })
}

/// The faults that the command asks for.
fn chosen_or_refused(command: &SelfTest, name: Option<&str>) -> Result<Vec<Fault>> {
    let chosen = chosen(name, command.short);
    if let (Some(name), true) = (name, chosen.is_empty()) {
        let known: Vec<&str> = FAULTS.iter().map(|f| f.name).collect();
        let text = format!("`{name}` is not a planted fault: expected one of {}", known.join(", "));
        return Err(UsageError(text).into());
    }
    Ok(chosen)
}

/// A folder with nothing in it: starts are counted anew.
fn empty(path: &Path) -> Result<()> {
    let shown = path.display();
    if path.exists() {
        std::fs::remove_dir_all(path).with_context(|| format!("cannot empty the folder `{shown}`"))?;
    }
    std::fs::create_dir_all(path).with_context(|| format!("cannot create the folder `{shown}`"))
}

/// A fault with its verdict, for people.
fn line(found: &Found) -> String {
    let verdict = found.verdict.word().to_uppercase();
    let title = &found.claim;
    if found.is_right() {
        return format!("  right  {:<16} {verdict:<10} {} · \"{title}\"", found.fault, found.planted);
    }
    let right: Vec<String> = found.right.iter().map(|v| v.word().to_uppercase()).collect();
    format!(
        "  WRONG  {:<16} {verdict:<10} {} · \"{title}\"\n{:35}right: {}; said: {}",
        found.fault,
        found.planted,
        "",
        right.join(" or "),
        found.reason
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Verdict;

    #[test]
    fn a_wrong_verdict_is_marked_with_what_would_be_right() {
        let found = |verdict| Found {
            fault: "shed".to_owned(),
            planted: "60 % are 429".to_owned(),
            claim: "3x faster".to_owned(),
            verdict,
            reason: "6.3x [6.1x, 6.5x]".to_owned(),
            right: vec![Verdict::Undecided, Verdict::Invalid],
        };
        assert_eq!(
            line(&found(Verdict::Invalid)),
            "  right  shed             INVALID    60 % are 429 · \"3x faster\""
        );
        let wrong = line(&found(Verdict::Supported));
        assert!(wrong.starts_with("  WRONG  shed             SUPPORTED "), "{wrong}");
        assert!(wrong.ends_with("right: UNDECIDED or INVALID; said: 6.3x [6.1x, 6.5x]"), "{wrong}");
    }
}
