//! The stages of a load, in print: what was planned, and what it came to.

use serde::Serialize;

use crate::summary::{ArmSummary, StageMetrics};
use crate::unit;

/// Most stages, or bursts, that a table has room for.
const MOST: usize = 40;

/// A stage of a load in one arm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StageRow {
    /// The arm's name.
    pub arm: String,
    /// Its name.
    pub name: String,
    /// `from 5 s to 7 s`
    pub span: String,
    /// `40 users`, `0 to 100 per second`
    pub planned: String,
    /// Requests that were due in it.
    pub n: String,
    /// The same per second.
    pub rate: String,
    /// p50, p95 and p99 of their response times.
    pub times: [String; 3],
    /// Share of them that did not end as expected.
    pub errors: String,
    /// From its end, or a burst's start, until requests were again as before it; empty where no lower level follows it.
    pub recovery: String,
    /// Of a burst, the most requests at one time that were due and had not ended; empty for stages.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub peak: String,
    /// Of a burst, from its start until no more of them were left than before the first one; empty for stages.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub drain: String,
}

impl StageRow {
    /// Whether it is a burst.
    fn is_burst(&self) -> bool {
        !self.peak.is_empty()
    }

    /// The cells of rows with their headings, in order: a table without bursts has no columns for them.
    pub(in crate::report) fn table(rows: &[Self]) -> Vec<Vec<(&'static str, &str)>> {
        let has_bursts = rows.iter().any(Self::is_burst);
        let of_bursts = |name: &str| ["peak", "drained"].contains(&name);
        let cells =
            |row| Self::cells(row).into_iter().filter(|(name, _)| has_bursts || !of_bursts(name)).collect();
        rows.iter().map(cells).collect()
    }

    /// Its cells, with their headings, in order.
    pub(in crate::report) fn cells(&self) -> [(&'static str, &str); 12] {
        let [p50, p95, p99] = &self.times;
        [
            ("stage", &self.name),
            ("time", &self.span),
            ("planned", &self.planned),
            ("n", &self.n),
            ("requests", &self.rate),
            ("p50", p50),
            ("p95", p95),
            ("p99", p99),
            ("errors", &self.errors),
            ("peak", &self.peak),
            ("drained", &self.drain),
            ("recovery", &self.recovery),
        ]
    }
}

/// The stages of an arm, in order of time.
pub(super) fn stages(arm: &ArmSummary, name: &str) -> Vec<StageRow> {
    arm.stages.iter().take(MOST).map(|stage| row(stage, name)).collect()
}

fn row(stage: &StageMetrics, arm: &str) -> StageRow {
    let (low, high, of) = &stage.level;
    let planned = if low == high {
        format!("{} {of}", unit::plain(*high))
    } else {
        format!("{} to {} {of}", unit::plain(*low), unit::plain(*high))
    };
    let time = |place: usize| match stage.times_us {
        Some(times) if times[place].is_finite() => unit::time(times[place]),
        Some(_) => "∞".to_owned(),
        None => "n/a".to_owned(),
    };
    let (start, end) = stage.span_s;
    let lasted = |seconds: Option<f64>| match seconds {
        None if stage.peak.is_some() => "n/a".to_owned(),
        None => String::new(),
        Some(seconds) if seconds.is_finite() => unit::span(seconds),
        Some(_) => "never".to_owned(),
    };
    StageRow {
        arm: arm.to_owned(),
        name: stage.name.clone(),
        span: format!("{} to {}", unit::span(start), unit::span(end)),
        planned,
        n: unit::count(stage.n),
        rate: unit::rate(stage.rate_per_s),
        times: [time(0), time(1), time(2)],
        errors: if stage.n == 0 { "n/a".to_owned() } else { unit::share(stage.error_share) },
        recovery: lasted(stage.recovery_s),
        peak: stage.peak.map_or(String::new(), unit::plain),
        drain: if stage.peak.is_some() { lasted(stage.drain_s) } else { String::new() },
    }
}
