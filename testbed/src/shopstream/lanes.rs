//! Which stream an event is published to: the whole of the difference that lanes make.

use std::fmt;

use super::domain;

/// Events of a priority below this go to the backfill lane.
const THRESHOLD: i64 = 0;

/// What an event without a stated priority has.
const NORMAL: i64 = 0;

/// A stream of one kind of aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StreamName {
    /// The kind of aggregate, which is also the name of its primary stream.
    pub(crate) aggregate: &'static str,
    /// Which of the two streams of that kind.
    pub(crate) lane: Lane,
}

/// When a stream is read: always, or only when nothing else is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    /// Read first.
    Primary,
    /// Read while every primary stream is empty.
    Backfill,
}

/// The stream for an event of this priority.
pub(crate) fn route(aggregate: &'static str, priority: i64, lanes: bool) -> StreamName {
    let lane = if lanes && priority < THRESHOLD { Lane::Backfill } else { Lane::Primary };
    StreamName { aggregate, lane }
}

/// The priority that a header value names, by word or by number.
///
/// No value, and one that is neither, is the normal priority.
pub(crate) fn priority(header: Option<&str>) -> i64 {
    let Some(header) = header else {
        return NORMAL;
    };
    match header.trim().to_ascii_lowercase().as_str() {
        "critical" => 100,
        "high" => 50,
        "low" => -50,
        "bulk" => -100,
        number => number.parse().unwrap_or(NORMAL),
    }
}

impl StreamName {
    /// The context that it belongs to.
    pub(crate) fn domain(self) -> &'static str {
        domain::aggregate(self.aggregate).map_or("", |aggregate| aggregate.domain)
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lane {
            Lane::Primary => f.write_str(self.aggregate),
            Lane::Backfill => write!(f, "{}:backfill", self.aggregate),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{priority, route};

    #[test]
    fn only_a_negative_priority_with_lanes_on_goes_to_the_backfill_stream() {
        let cases = [
            (None, true, "order"),
            (Some("critical"), true, "order"),
            (Some("high"), true, "order"),
            (Some("normal"), true, "order"),
            (Some("low"), true, "order:backfill"),
            (Some(" LOW "), true, "order:backfill"),
            (Some("bulk"), true, "order:backfill"),
            (Some("-1"), true, "order:backfill"),
            (Some("0"), true, "order"),
            (Some("urgent"), true, "order"),
            (Some("low"), false, "order"),
            (Some("bulk"), false, "order"),
        ];
        for (header, lanes, stream) in cases {
            let routed = route("order", priority(header), lanes);
            assert_eq!(routed.to_string(), stream, "{header:?}, lanes {lanes}");
        }
    }
}
