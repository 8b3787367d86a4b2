//! Events of a run (faults, stages, hooks beside the load, moments): how soon they show, and how long what they did lasts.

use super::RoundRuns;
use crate::claim::{Found, Statistic};
use crate::run::{MeasuredRun, RunFacts, WHEN_BESIDE};
use crate::stats::band::{Event, Request};
use crate::stats::detection::{seconds_out, time_to_detect};
use crate::stats::reaction::{self, Kept};
use crate::stats::recovery::time_to_recover_as_expected;
use crate::summary::{fault_event, request, stage_event, steady_from_s};
use crate::unit;

/// How a signal answers to an event.
type Timing = fn(&[(f64, f64)], &Event) -> Result<Kept, reaction::NoRange>;

impl RoundRuns {
    /// A statistic that counts from an event.
    pub(super) fn since_event(
        &self,
        run: &MeasuredRun,
        statistic: &Statistic,
        event: &str,
    ) -> Result<Found, String> {
        let (name, event) = (event, event_of(&run.facts, event)?);
        let requests = || self.requests(run);
        let mut note = None;
        let (n, seconds) = match statistic {
            Statistic::Reaction { signal, .. } => {
                return self.reaction(run, signal, &event, reaction::time_to_react);
            }
            Statistic::Settling { signal, .. } => {
                return self.reaction(run, signal, &event, reaction::time_to_settle);
            }
            Statistic::Detection(_) => {
                let requests = requests();
                let detection = time_to_detect(&requests, &event);
                (requests.len(), detection.map(|detection| detection.first_s()))
            }
            _ => {
                let requests = requests();
                let detection = time_to_detect(&requests, &event);
                // Nothing recovers from what has done it no harm.
                let is_unseen = detection.is_ok_and(|detection| detection.first_s().is_none());
                note = is_unseen.then(|| unseen(name, run, &requests, &event));
                (requests.len(), time_to_recover_as_expected(&requests, &event))
            }
        };
        let seconds = seconds.map_err(|e| format!("{e} in run {}", run.facts.id))?;
        let value = seconds.map_or(f64::INFINITY, |seconds| seconds * 1e3);
        Ok(Found { value, n: n as u64, note, ..Found::default() })
    }

    /// The selected samples as detection and recovery see them.
    fn requests(&self, run: &MeasuredRun) -> Vec<Request> {
        let is_chosen = self.select.outcome.is_some();
        self.selected(run).map(|i| request(&run.samples, i, is_chosen)).collect()
    }

    fn reaction(
        &self,
        run: &MeasuredRun,
        signal: &str,
        event: &Event,
        time: Timing,
    ) -> Result<Found, String> {
        let points = self.levels(run, signal)?;
        // What a signal does when the load ends says nothing of an event in it.
        let load_end_s = s(run.facts.load_end_us().unwrap_or_else(|| run.facts.last_us()));
        let until_s = if event.end_s < load_end_s { event.until_s.min(load_end_s) } else { event.until_s };
        let found = time(&points, &Event { until_s, ..*event });
        let found = found.map_err(|e| format!("signal `{signal}`: {e} in run {}", run.facts.id))?;
        let value = found.seconds.map_or(f64::INFINITY, |seconds| seconds * 1e3);
        Ok(Found { value, n: found.readings as u64, ..Found::default() })
    }
}

/// That an event did not show, and how far that is true of the seconds after it.
fn unseen(name: &str, run: &MeasuredRun, requests: &[Request], event: &Event) -> String {
    let kept = match seconds_out(requests, event) {
        Ok((out, all)) if out > 0 => {
            format!(
                "in all but {out} of the {all} s from it on, which are too few or too late to be its effect, "
            )
        }
        _ => String::new(),
    };
    format!(
        "`{name}` never showed in run {}: {kept}response times, failures, refusals and sizes of answers stayed in the \
         band of the seconds before, so there was nothing to recover from",
        run.facts.id
    )
}

/// The event of a name in a run.
fn event_of(facts: &RunFacts, name: &str) -> Result<Event, String> {
    if let Some(fault) = facts.fault(name) {
        return fault_event(facts, fault).map_err(|reason| format!("{reason}, in run {}", facts.id));
    }
    let (start_us, end_us) =
        if let Some(hook) = facts.end.hooks.iter().find(|h| h.name == name && h.moment == WHEN_BESIDE) {
            (hook.start_us, hook.end_us)
        } else if let Some(event) = stage_event(facts, name) {
            return Ok(event);
        } else {
            let moment = unit::parse_duration(name)
                .map_err(|_| format!("`{name}` did not happen in run {}", facts.id))?;
            let us = i64::try_from(moment.as_micros()).unwrap_or(i64::MAX);
            (us, us)
        };
    Ok(Event::only(steady_from_s(facts), s(start_us), s(end_us)))
}

fn s(us: i64) -> f64 {
    us as f64 / 1e6
}
