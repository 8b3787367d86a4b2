//! `[[hook]]` and `[[profile.NAME.hook]]`: commands around a run.

use std::time::Duration;

use super::Settings;
use crate::scenario::fields::Fields;
use crate::scenario::hook::{Hook, Moment};

/// How long a hook before or after the load may take, if it does not say.
const WITHIN: Duration = Duration::from_secs(60);

pub(in crate::scenario) fn read(table: &mut Fields<'_>, settings: &Settings) -> Vec<Hook> {
    table.tables("hook").into_iter().filter_map(|table| hook(table, settings)).collect()
}

fn hook(mut table: Fields<'_>, settings: &Settings) -> Option<Hook> {
    let name = table.required_text("name");
    let program = super::program::read(&mut table, "run", settings);
    let at = table.duration("at");
    let moment = table.required_text("moment");
    let moment = moment.and_then(|text| match text.value.as_str() {
        "before" => Some(Moment::Before),
        "beside" => Some(Moment::Beside(at.unwrap_or_default())),
        "after" => Some(Moment::After),
        other => {
            table.problems.add_unknown(
                &text.place,
                "moment of a hook",
                other,
                &["before", "beside", "after"],
            );
            None
        }
    });
    if at.is_some() && matches!(moment, Some(Moment::Before | Moment::After)) {
        table.problems.add(&table.key_place("at"), "`at` is for hooks beside the load", "leave it out");
    }
    let is_beside = matches!(moment, Some(Moment::Beside(_)));
    let within = table.duration("within").or((!is_beside).then_some(WITHIN));
    let may_fail = table.flag("may_fail").unwrap_or(false);
    super::refuse_removal(&mut table, "hook");
    table.finish();
    Some(Hook { name: name?.value, program: program?, moment: moment?, within, may_fail })
}
