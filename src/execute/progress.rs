//! What can be seen of a run while it goes on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::load::{Gauge, Running};
use crate::plan::{Part, PlannedRun};
use crate::run::ExperimentId;
use crate::sample::Phase;
use crate::signals::Latest;
use crate::stats::histogram::{Glance, Live};

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
    /// Users at work.
    pub users: u32,
    /// Requests under way.
    pub in_flight: u32,
    /// Requests answered per second since the last moment.
    pub rate_per_s: f64,
    /// Outcomes so far, quantiles since the last moment.
    pub glance: Glance,
    /// Signals that are no totals: `(name, unit, value)`.
    pub signals: Vec<(String, String, f64)>,
}

/// Shows people how far things are.
pub trait Progress {
    /// How often it wants to be shown a moment.
    fn interval(&self) -> Duration;
    /// Shows a moment of a run.
    fn show(&mut self, moment: &Moment);
    /// Shows something that has happened.
    fn note(&mut self, text: &str);
}

/// Makes moments from what workers, samples and signals show.
pub(super) struct Watched {
    profile: String,
    part: Option<(ExperimentId, Part)>,
    ramp_us: i64,
    load_s: Option<f64>,
    gauges: Vec<Arc<Gauge>>,
    live: Arc<Mutex<Live>>,
    last_us: i64,
}

impl Watched {
    pub(super) fn new(
        planned: &PlannedRun,
        experiment: Option<ExperimentId>,
        running: &Running,
        live: Arc<Mutex<Live>>,
    ) -> Self {
        Self {
            profile: planned.profile.clone(),
            part: experiment.zip(planned.part),
            ramp_us: i64::try_from(planned.load.ramp().as_micros()).unwrap_or(i64::MAX),
            load_s: planned.load.run_time().map(|t| t.as_secs_f64()),
            gauges: running.gauges(),
            live,
            last_us: 0,
        }
    }

    /// What is to be seen now. `phase`: of the load, `Steady` standing for the ramp as well.
    pub(super) fn moment(&mut self, phase: Phase, now_us: i64, latest: &Latest) -> Moment {
        let glance = self.live.lock().unwrap_or_else(PoisonError::into_inner).look();
        let since_s = ((now_us - self.last_us) as f64 / 1e6).max(1e-3);
        self.last_us = now_us;
        let phase = if phase == Phase::Steady && now_us < self.ramp_us { Phase::Ramp } else { phase };
        Moment {
            profile: self.profile.clone(),
            part: self.part,
            phase,
            elapsed_s: (now_us as f64 / 1e6).max(0.0),
            load_s: self.load_s,
            users: self.gauges.iter().map(|g| g.users()).sum(),
            in_flight: self.gauges.iter().map(|g| g.in_flight()).sum(),
            rate_per_s: glance.answered as f64 / since_s,
            glance,
            signals: latest.levels(),
        }
    }
}
