//! Moments of a run, made from what workers, samples and signals show, for each of the audience when
//! it wants one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::progress::{Audience, Moment};
use crate::load::{Gauge, JourneysBegun, Running};
use crate::plan::{Part, PlannedRun};
use crate::run::ExperimentId;
use crate::sample::Phase;
use crate::scenario::timeline::Timeline;
use crate::signals::{Latest, Total};
use crate::summary::live::{Live, Seen};

/// Shows an audience how a run goes on.
pub(super) struct Watched<'a> {
    audience: &'a mut Audience,
    /// One per member of the audience.
    members: Vec<MemberState>,
    view: View,
}

/// What there is to be seen.
struct View {
    profile: String,
    part: Option<(ExperimentId, Part)>,
    timeline: Timeline,
    /// Journeys that the load begins, where that is known.
    journeys: Option<u64>,
    begun: JourneysBegun,
    gauges: Vec<Arc<Gauge>>,
    live: Arc<Mutex<Live>>,
    latest: Latest,
}

/// What one of the audience has seen, and when it wants to see more.
struct MemberState {
    interval: Duration,
    next: Instant,
    last_us: i64,
    seen: Seen,
    increases: Increases,
}

impl<'a> Watched<'a> {
    pub(super) fn new(
        audience: &'a mut Audience,
        planned: &PlannedRun,
        experiment: Option<ExperimentId>,
        running: &Running,
        live: Arc<Mutex<Live>>,
        latest: Latest,
    ) -> Self {
        let next = Instant::now();
        let members = audience.members().iter().map(|member| MemberState {
            interval: member.interval(),
            next,
            last_us: 0,
            seen: Seen::default(),
            increases: Increases::default(),
        });
        Self {
            members: members.collect(),
            audience,
            view: View {
                profile: planned.profile.clone(),
                part: experiment.zip(planned.part),
                timeline: planned.load.timeline(),
                journeys: planned.load.journeys().map(whole),
                begun: running.journeys_begun(),
                gauges: running.gauges(),
                live,
                latest,
            },
        }
    }

    /// When somebody wants to be shown something next.
    pub(super) fn next(&self) -> Instant {
        let day = Duration::from_secs(86_400);
        self.members.iter().map(|member| member.next).min().unwrap_or_else(|| Instant::now() + day)
    }

    /// Tells all of something that has happened.
    pub(super) fn note(&mut self, text: &str) {
        self.audience.note(text);
    }

    /// Shows what is to be seen to all whose time has come. `phase`: of the load, `Steady` standing for
    /// the ramp and the cool-down as well.
    pub(super) fn show(&mut self, phase: Phase, now_us: i64) {
        let now = Instant::now();
        for (shown_to, member) in self.audience.members().iter_mut().zip(&mut self.members) {
            if member.next <= now {
                let due = member.next + member.interval;
                // Moments that were missed are not made up for.
                member.next = if due > now { due } else { now + member.interval };
                shown_to.show(&self.view.moment(member, phase, now_us));
            }
        }
    }
}

impl View {
    fn moment(&self, member: &mut MemberState, phase: Phase, now_us: i64) -> Moment {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let (so_far, endpoints) = live.look(&mut member.seen);
        let failures = live.failures().to_vec();
        drop(live);
        let since_s = ((now_us - member.last_us) as f64 / 1e6).max(1e-3);
        member.last_us = now_us;
        Moment {
            profile: self.profile.clone(),
            part: self.part,
            phase: self.phase(phase, now_us),
            elapsed_s: (now_us as f64 / 1e6).max(0.0),
            load_s: self.timeline.end.map(|end| end.as_secs_f64()),
            journeys: self.journeys.map(|all| (self.begun.count().min(all), all)),
            users: self.gauges.iter().map(|g| g.users()).sum(),
            in_flight: self.gauges.iter().map(|g| g.in_flight()).sum(),
            rate_per_s: so_far.answered as f64 / since_s,
            so_far,
            endpoints,
            since_s,
            failures,
            signals: self.latest.levels(now_us),
            silent: self.latest.silent(now_us),
            increases: member.increases.of(self.latest.totals(now_us)),
        }
    }

    fn phase(&self, phase: Phase, now_us: i64) -> Phase {
        let now = Duration::from_micros(u64::try_from(now_us).unwrap_or(0));
        match phase {
            Phase::Steady => match self.timeline.phase(now) {
                Phase::Drain => Phase::CoolDown,
                phase => phase,
            },
            phase => phase,
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of journeys; saturates"
)]
fn whole(journeys: f64) -> u64 {
    journeys.round() as u64
}

/// Totals by their increase between the last two readings that a member of the audience has seen.
#[derive(Default)]
struct Increases(BTreeMap<String, (Total, Option<f64>)>);

impl Increases {
    /// `(name, unit, increase per second)` of all that were read twice.
    fn of(&mut self, totals: Vec<Total>) -> Vec<(String, String, f64)> {
        // Those that are read no longer have no rate any more.
        self.0.retain(|name, _| totals.iter().any(|total| total.name == *name));
        for total in totals {
            match self.0.get_mut(&total.name) {
                Some((before, increase)) if total.at_us > before.at_us => {
                    let per_s = (total.value - before.value) * 1e6 / (total.at_us - before.at_us) as f64;
                    // A total that falls was reset: nothing is known of that stretch.
                    *increase = (per_s >= 0.0).then_some(per_s);
                    *before = total;
                }
                Some(_) => {}
                None => {
                    self.0.insert(total.name.clone(), (total, None));
                }
            }
        }
        let known = self.0.values().filter_map(|(total, increase)| {
            increase.map(|increase| (total.name.clone(), total.unit.clone(), increase))
        });
        known.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Increases, Total};

    fn total(at_us: i64, value: f64) -> Vec<Total> {
        vec![Total { name: "cpu".to_owned(), unit: "s".to_owned(), at_us, value }]
    }

    #[test]
    fn totals_are_told_by_their_increase_per_second() {
        let mut increases = Increases::default();
        let mut told = |at_us, value| increases.of(total(at_us, value)).first().map(|(_, _, per_s)| *per_s);
        assert_eq!(told(0, 5.0), None);
        assert_eq!(told(500_000, 5.25), Some(0.5));
        // No new reading, no new rate; a reset is no rate at all.
        assert_eq!(told(500_000, 5.25), Some(0.5));
        assert_eq!(told(1_000_000, 1.0), None);
    }

    #[test]
    fn a_total_that_is_not_read_any_more_has_no_rate() {
        let mut increases = Increases::default();
        increases.of(total(0, 5.0));
        assert_eq!(increases.of(total(500_000, 5.25)).len(), 1);
        assert!(increases.of(Vec::new()).is_empty());
    }
}
