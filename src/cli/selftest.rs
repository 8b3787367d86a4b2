//! `loadproof selftest`: qualifies the instrument on this machine, with servers of known truth.

use std::path::Path;

use anyhow::Result;

use super::arguments::{PageFlags, SelfTest as Command};
use super::exit::Exit;
use super::viewers::Viewers;
use super::{faults, output, testbed};
use crate::assess::{files, qualification};
use crate::execute::selftest::{PARTS, SelfTest};
use crate::store::Store;
use crate::unit;
use crate::verdict::qualification::Qualification;

/// The store of selftests, in the folder of the other store: their runs are not results of the user.
const STORE: &str = "selftest.db";

pub(super) fn selftest(command: &Command, store: &Path) -> Result<Exit> {
    if let Some(which) = &command.faults {
        return faults::faults(command, which, store);
    }
    let test = SelfTest::new(&testbed::program(command)?, command.rounds, command.seed)?;
    let own_store = files::folder_of(store).join(STORE);
    let viewers = Viewers::follow(&PageFlags::default(), command.shown, &own_store)?;
    let options = viewers.plain_session(command.shown, test.plan());
    let Some(id) = test.carry_out(&own_store, options)? else {
        return Ok(Exit::Interrupted);
    };
    let qualification = qualification::of_experiment(id, &Store::open(&own_store)?, PARTS)?;
    qualification::keep(store, &qualification)?;
    if command.json {
        output::result(&serde_json::to_string_pretty(&qualification)?)?;
    } else {
        output::result(&text(&qualification))?;
    }
    Ok(if qualification.is_passed() { Exit::Done } else { Exit::Invalid })
}

fn text(q: &Qualification) -> String {
    let measured = q.measured.map_or("n/a".to_owned(), |(estimate, low, high)| {
        format!(
            "{estimate:.3}x [{low:.3}, {high:.3}]; {}x in the server's own time, without network and client",
            q.slowdown
        )
    });
    let floor = q.floor_us.map_or("n/a".to_owned(), |us| {
        format!("{} at p50, added to the server's own time", unit::time(f64::from(us)))
    });
    let number = |n: Option<usize>| n.map_or("none".to_owned(), |n| n.to_string());
    format!(
        "selftest on {} · {} rounds of two equal servers and one {}x as slow\n\n  \
         false supports    {} of {} claims about equal servers ({:.1} %; 2.5 % are expected)\n  \
         detection         {} of {} experiments of five rounds\n  \
         measured at p50   {measured}\n  \
         own floor         {floor}\n  \
         rounds to detect  {} (an interval that leaves 1.1x out); decided at look {}\n\n  {}",
        q.machine,
        q.rounds,
        q.slowdown,
        q.false_supports,
        q.false_claims,
        100.0 * q.false_supports as f64 / q.false_claims.max(1) as f64,
        q.detected,
        q.experiments,
        number(q.rounds_to_detect),
        number(q.look_to_detect),
        if q.is_passed() {
            "Qualified: reports from this machine say so."
        } else {
            "NOT qualified on this machine. Run it again when the machine is idle."
        }
    )
}
