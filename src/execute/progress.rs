//! What a run shows of itself while it goes on, and to whom.

use std::sync::Arc;
use std::time::Duration;

use crate::plan::{Part, PlannedRun};
use crate::run::{ExperimentId, RunId};
use crate::sample::Phase;
use crate::scenario::Scenario;
use crate::summary::live::{EndpointSoFar, FailureSoFar, RunSoFar};
use crate::verdict::Judgement;

/// A run that begins.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Its number in the store.
    pub run: RunId,
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// What was planned.
    pub planned: PlannedRun,
    /// The experiment that it belongs to.
    pub experiment: Option<ExperimentId>,
}

/// A moment of a run.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The profile's name.
    pub profile: String,
    /// The experiment, and the run's place in it.
    pub part: Option<(ExperimentId, Part)>,
    /// The part of the run.
    pub phase: Phase,
    /// Seconds since the load's start.
    pub elapsed_s: f64,
    /// Seconds that the load lasts, where that is known.
    pub load_s: Option<f64>,
    /// Journeys begun, and those that the load begins in all, where that is known.
    pub journeys: Option<(u64, u64)>,
    /// Users at work.
    pub users: u32,
    /// Requests under way.
    pub in_flight: u32,
    /// Requests answered per second since the last moment.
    pub rate_per_s: f64,
    /// Outcomes so far, quantiles since the last moment.
    pub so_far: RunSoFar,
    /// The same of each endpoint and effect.
    pub endpoints: Vec<EndpointSoFar>,
    /// Seconds that their counts since the last moment are of.
    pub since_s: f64,
    /// Why samples did not end well so far, as far as that is told apart.
    pub failures: Vec<FailureSoFar>,
    /// Signals that are no totals: `(name, unit, value)`.
    pub signals: Vec<(String, String, f64)>,
    /// Signals that have not been read for longer than they should take, and for how long: `(name, s)`. They are not among the
    /// others, whose values are what they are at now.
    pub silent: Vec<(String, f64)>,
    /// Totals by their increase per second: `(name, unit of the total, increase)`.
    pub increases: Vec<(String, String, f64)>,
}

impl Moment {
    /// Seconds that the load still lasts: by its plan, or at the pace so far where it is journeys that are counted and not
    /// time. None where neither is known, or its journeys have not begun.
    pub fn eta_s(&self) -> Option<f64> {
        let by_plan = self.load_s.map(|load_s| load_s - self.elapsed_s);
        if by_plan.is_some_and(|left_s| left_s > 0.0) {
            return by_plan;
        }
        let by_pace = self
            .journeys
            .filter(|(begun, _)| *begun > 0)
            .map(|(begun, all)| self.elapsed_s * (all - begun.min(all)) as f64 / begun as f64);
        by_pace.or(by_plan.map(|_| 0.0))
    }

    /// The share of the load that is behind, in [0, 1]: of its time, or of its journeys; none where neither is known.
    pub fn share(&self) -> Option<f64> {
        let share = match (self.load_s, self.journeys) {
            (Some(load_s), _) => self.elapsed_s / load_s.max(1e-3),
            (None, Some((begun, all))) => begun as f64 / all.max(1) as f64,
            (None, None) => return None,
        };
        Some(share.clamp(0.0, 1.0))
    }
}

/// Shows people how far things are.
pub trait Progress {
    /// How often it wants to be shown a moment.
    fn interval(&self) -> Duration;
    /// Shows that a run begins; its moments follow.
    fn begin(&mut self, _begun: &Begun) {}
    /// Shows a moment of a run.
    fn show(&mut self, moment: &Moment);
    /// Shows something that has happened.
    fn note(&mut self, text: &str);
    /// Shows the seal of what was stored: also where nothing else is shown, since a log with it proves what was measured.
    fn seal(&mut self, text: &str) {
        self.note(text);
    }
    /// Whether it wants to be shown what claims come to after every round; working that out takes a while.
    fn wants_claims(&self) -> bool {
        false
    }
    /// Shows what the claims of an experiment come to so far.
    fn claims(&mut self, _judgement: &Judgement) {}
}

/// Everybody who is shown how far things are, each as often as it wants.
pub struct Audience(Vec<Box<dyn Progress>>);

impl Audience {
    /// An audience of these.
    pub fn new(members: Vec<Box<dyn Progress>>) -> Self {
        Self(members)
    }

    /// Tells all of something that has happened.
    pub fn note(&mut self, text: &str) {
        for member in &mut self.0 {
            member.note(text);
        }
    }

    /// Tells all of a seal.
    pub fn seal(&mut self, text: &str) {
        for member in &mut self.0 {
            member.seal(text);
        }
    }

    pub(super) fn begin(&mut self, begun: &Begun) {
        for member in &mut self.0 {
            member.begin(begun);
        }
    }

    pub(super) fn want_claims(&self) -> bool {
        self.0.iter().any(|member| member.wants_claims())
    }

    pub(super) fn claims(&mut self, judgement: &Judgement) {
        for member in &mut self.0 {
            member.claims(judgement);
        }
    }

    pub(super) fn members(&mut self) -> &mut [Box<dyn Progress>] {
        &mut self.0
    }
}
