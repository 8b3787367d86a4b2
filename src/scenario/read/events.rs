//! `events`: what is counted of an answer's server-sent events.

use super::book::Book;
use super::context::Context;
use crate::sample::Kind;
use crate::scenario::fields::Fields;
use crate::scenario::journey::{Events, Protocol, Request};
use crate::scenario::template::Text;

/// `events = { first = "first token", gap = "token gap", max = 100 }`
pub(super) fn read(step: &mut Fields<'_>, request: &mut Request, book: &mut Book<'_>, context: &Context<'_>) {
    let place = step.key_place("events");
    let Some(mut table) = step.table("events") else { return };
    table.require("first");
    let (first, gap) = (table.name("first"), table.name("gap"));
    let most = table.count("max", 1);
    table.finish();
    if !matches!(request.protocol, Protocol::Http(_)) {
        step.problems.add(&place, "only answers over HTTP have server-sent events", "not for this request");
    }
    let mut endpoint = |name: String| book.endpoint(name, context, Kind::Effect);
    let Some(first) = first.map(|l| endpoint(l.value)) else { return };
    let gap = gap.map(|l| endpoint(l.value));
    if !request.headers.iter().any(|(name, _)| name == "accept") {
        request.headers.push(("accept".to_owned(), Text::Fixed("text/event-stream".into())));
    }
    request.events = Some(Events { first, gap, most });
}
