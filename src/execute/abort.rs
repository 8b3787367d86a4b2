//! `abort_when`: ends a run early once a condition over the run so far is seen to be true.

use std::sync::{Arc, Mutex, PoisonError};

use crate::claim::{CountOf, Found, LookUp, Metric, Side, SignalMetric, Statistic, TimeKind, seen_text};
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
        let view: Arc<dyn LookUp> = Arc::new(View { live: Arc::clone(&self.live), latest: latest.clone() });
        let evaluated = self.abort.when.evaluate(&view).ok()?;
        if evaluated.value == 0.0 {
            return None;
        }
        Some(format!("abort_when `{}`: {}", self.abort.when, seen_text(&evaluated.seen)))
    }
}

/// A quantile of the response times so far, ms, with so many requests that were never answered behind all others:
/// infinite where it reaches them.
fn quantile_ms(live: &Live, p: f64, unanswered: u64) -> Option<f64> {
    let outcomes = live.outcomes();
    let answered = outcomes[Outcome::Ok as usize] + outcomes[Outcome::Rejected as usize];
    if answered + unanswered == 0 {
        return None;
    }
    let rank = p * (answered + unanswered) as f64;
    if rank > answered as f64 {
        return Some(f64::INFINITY);
    }
    live.times().quantile_us(rank / answered as f64).map(|us| us / 1e3)
}

/// The run so far.
struct View {
    live: Arc<Mutex<Live>>,
    latest: Latest,
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
                CountOf::Status(_) => 0,
            }
        };
        let value = match statistic {
            Statistic::Time(TimeKind::Response, Metric::Quantile(p)) => {
                let unanswered =
                    count(CountOf::Outcome(Outcome::Error)) + count(CountOf::Outcome(Outcome::Dropped));
                quantile_ms(&live, *p, unanswered).ok_or_else(none)?
            }
            Statistic::Count(of) => count(*of) as f64,
            Statistic::Share(of) if all > 0 => count(*of) as f64 / all as f64,
            Statistic::Signal(SignalMetric::Last, name) => self.latest.reading(name).ok_or_else(none)?.1,
            _ => return Err(none()),
        };
        Ok(Found { value, n: all, ..Found::default() })
    }
}
