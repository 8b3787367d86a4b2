//! `abort_when`: ends a run early once a condition over the run so far is seen to be true.

use std::sync::{Arc, Mutex, PoisonError};

use crate::claim::{CountOf, Found, LookUp, Metric, Side, SignalMetric, Statistic, TimeKind, seen_text};
use crate::run::ABORTED_BY;
use crate::sample::Outcome;
use crate::scenario::load::Abort;
use crate::signals::Latest;
use crate::summary::live::Live;

/// How often the condition is looked at, µs: often enough for a person, seldom enough to cost nothing.
const LOOK_US: i64 = 1_000_000;

/// Looks at a condition while a run goes on.
pub(super) struct AbortWatch {
    abort: Abort,
    live: Arc<Mutex<Live>>,
    next_us: i64,
}

impl AbortWatch {
    pub(super) fn new(abort: Abort, live: Arc<Mutex<Live>>) -> Self {
        let next_us = i64::try_from(abort.after.as_micros()).unwrap_or(i64::MAX);
        Self { abort, live, next_us }
    }

    /// What was seen, if the condition is true now. A statistic that cannot be had yet is no reason.
    pub(super) fn seen(&mut self, now_us: i64, latest: &Latest) -> Option<String> {
        if now_us < self.next_us {
            return None;
        }
        self.next_us = now_us.saturating_add(LOOK_US);
        let view: Arc<dyn LookUp> =
            Arc::new(View { live: Arc::clone(&self.live), latest: latest.clone(), now_us });
        let evaluated = self.abort.when.evaluate(&view).ok()?;
        if evaluated.value == 0.0 {
            return None;
        }
        Some(format!("{ABORTED_BY} `{}`: {}", self.abort.when, seen_text(&evaluated.seen)))
    }
}

/// The run so far.
struct View {
    live: Arc<Mutex<Live>>,
    latest: Latest,
    now_us: i64,
}

impl LookUp for View {
    fn look_up(&self, _side: Side, statistic: &Statistic) -> Result<Found, String> {
        let none = || "nothing was seen yet".to_owned();
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let outcomes = live.outcomes();
        let all: u64 = outcomes.iter().sum();
        let count = |of: CountOf| -> u64 {
            match of {
                CountOf::All => all,
                CountOf::Outcome(outcome) => outcomes[outcome as usize],
                CountOf::Answered => outcomes[Outcome::Ok as usize] + outcomes[Outcome::Rejected as usize],
                CountOf::Status(_) | CountOf::Within(_) => 0,
            }
        };
        let value = match statistic {
            Statistic::Time(TimeKind::Response, Metric::Quantile(p)) => {
                live.quantile_us(*p).ok_or_else(none)? / 1e3
            }
            Statistic::Count(of) => count(*of) as f64,
            Statistic::Share(of) if all > 0 => count(*of) as f64 / all as f64,
            Statistic::Signal(SignalMetric::Last, name) => {
                self.latest.now(name, self.now_us).ok_or_else(none)?
            }
            _ => return Err(none()),
        };
        Ok(Found { value, n: all, ..Found::default() })
    }
}
