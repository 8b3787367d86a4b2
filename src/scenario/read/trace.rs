//! `[trace]`: every request carries a `traceparent`; `url`, with `{trace_id}` in it, is where a trace
//! can be looked at.

use super::Settings;
use crate::scenario::Trace;
use crate::scenario::fields::Fields;

const TRACE_ID: &str = "{trace_id}";

pub(in crate::scenario) fn read(file: &mut Fields<'_>, settings: &Settings) -> Option<Trace> {
    let mut table = file.table("trace")?;
    let problems = table.problems;
    let url = table.text("url").map(|url| {
        let filled = settings.fill(&url, problems);
        let is_url = super::address::server_mistake(&filled.replace(TRACE_ID, "0")).is_none();
        if !is_url || !filled.contains(TRACE_ID) {
            let label = "expected `http://…{trace_id}…`";
            problems.add(&url.place, format!("`{filled}` is not the URL of a trace"), label);
        }
        filled
    });
    table.finish();
    Some(Trace { url })
}
