//! Server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>): when each of an answer's
//! comes.

mod lines;
mod watch;

pub(super) use watch::Watch;
