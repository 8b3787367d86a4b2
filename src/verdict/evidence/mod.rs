//! What a run's samples and signals come to, statistic by statistic.

mod checks;
mod endings;
mod events;
mod races;
mod series;
mod shares;
mod times;
mod unbegun;

use crate::claim::{Found, LookUp, Selection, Side, Statistic, Stretch};
use crate::run::{MeasuredRun, RunFacts};
use crate::sample::{Outcome, Subject};
use crate::stats::counter;

pub(super) use endings::Endings;
pub(super) use series::unread;

/// From this quantile on, samples beyond it come in few clusters.
pub(super) const HIGH_QUANTILE: f64 = 0.99;
/// Batches of a within-run interval for short and for long runs: short ones have few independent stretches.
const BATCHES: (usize, usize) = (10, 20);
/// Alpha of intervals within a run.
const WITHIN_RUN_ALPHA: f64 = 0.05;

/// The runs of a round that an expression may speak of, and the samples that it means.
pub(super) struct RoundRuns {
    pub(super) baseline: Option<std::sync::Arc<MeasuredRun>>,
    pub(super) treatment: Option<std::sync::Arc<MeasuredRun>>,
    pub(super) run: std::sync::Arc<MeasuredRun>,
    pub(super) select: Selection,
    /// Where the settled part of the steady phase begins, µs after the steady phase's start.
    pub(super) warm_up_us: i64,
    /// Whether intervals within a run are wanted: where there is one run only.
    pub(super) within_run: bool,
    /// As what response times are read.
    pub(super) reading: Reading,
}

/// As what response times are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reading {
    /// As they were measured.
    #[default]
    Measured,
    /// With those that stalled users of a closed load held back.
    Corrected,
    /// Shifted by how late the generator sent each request: so many times in the baseline, and in the other run.
    Shifted(i8, i8),
    /// Without so many µs, which the generator adds to each.
    WithoutFloor(u32),
}

impl LookUp for RoundRuns {
    fn look_up(&self, side: Side, statistic: &Statistic) -> Result<Found, String> {
        let run = self.run_of(side).ok_or_else(|| format!("the {} is missing", side.word()))?;
        self.check_stretch(&run.facts)?;
        self.check_tags(run)?;
        match statistic {
            Statistic::Time(kind, metric) => self.time(run, *kind, *metric),
            Statistic::Count(of) => Ok(self.count(run, *of)),
            Statistic::Share(of) => self.share(run, *of),
            Statistic::CheckShare(check) => self.check_share(run, check),
            Statistic::Throughput => self.throughput(run),
            Statistic::DrainTime => drain_time(&run.facts),
            Statistic::CpuPerRequest(service) => self.cpu_per_request(run, service.as_deref()),
            Statistic::Signal(metric, name) => self.signal(run, *metric, name),
            Statistic::Excursion(signal, level) => self.excursion(run, signal, *level),
            Statistic::Recovery(event)
            | Statistic::Detection(event)
            | Statistic::Reaction { event, .. }
            | Statistic::Settling { event, .. } => self.since_event(run, statistic, event),
            Statistic::Drift(of) => self.drift(run, of),
            Statistic::Correlation(signal) => self.correlation(run, signal),
            Statistic::Overlap(race) => races::overlap(run, race),
            Statistic::AllOk(race) => Ok(races::won_by(run, race, |winners, entrants| winners == entrants)),
            Statistic::NoneOk(race) => Ok(races::won_by(run, race, |winners, _| winners == 0)),
            Statistic::Events(stream) => Ok(races::events(run, stream)),
            Statistic::Capacity(_) => Err("a capacity is found by a search, `loadproof capacity`".to_owned()),
        }
    }
}

impl RoundRuns {
    /// The run of a side.
    pub(super) fn run_of(&self, side: Side) -> Option<&std::sync::Arc<MeasuredRun>> {
        match side {
            Side::Baseline => self.baseline.as_ref(),
            Side::Treatment => self.treatment.as_ref(),
            Side::Run => Some(&self.run),
        }
    }

    /// Places of the selected samples, whatever their outcome.
    fn selected<'a>(&'a self, run: &'a MeasuredRun) -> impl Iterator<Item = usize> + 'a {
        let samples = &run.samples;
        let wanted: Vec<bool> = samples.subjects.iter().map(|s| self.selects(run, s)).collect();
        let is_within = self.is_within(run);
        (0..samples.subject.len()).filter(move |i| {
            wanted[samples.subject[*i] as usize]
                && is_within(*i)
                && self.select.outcome.is_none_or(|o| samples.outcome[*i] == o)
        })
    }

    /// Whether the sample at a place was due in the selected stretch.
    fn is_within<'a>(&self, run: &'a MeasuredRun) -> impl Fn(usize) -> bool + 'a + use<'a> {
        let samples = &run.samples;
        let phase = self.select.phase.map(Stretch::phase);
        let settled_us = self.settled_from_us(&run.facts);
        let window_us = self.select.stage.as_ref().map(|name| run.facts.window_us(name).unwrap_or_default());
        move |i| {
            phase.is_none_or(|p| samples.phase[i] == p)
                && settled_us.is_none_or(|from| samples.intended_us[i] >= from)
                && window_us.is_none_or(|(start, end)| (start..end).contains(&samples.intended_us[i]))
        }
    }

    fn selects(&self, run: &MeasuredRun, subject: &Subject) -> bool {
        self.select.has(subject) && run.facts.start.has_tags(subject, &self.select.tags)
    }

    /// Whether single requests are meant: others have no usual interval.
    fn is_of_requests(&self) -> bool {
        self.select.effect.is_none() && self.select.group.is_none()
    }

    fn settled_from_us(&self, facts: &RunFacts) -> Option<i64> {
        (self.select.phase == Some(Stretch::Settled))
            .then(|| span_of(facts, "steady").map_or(0, |(start, _)| start) + self.warm_up_us)
    }

    /// Whether a run has what is selected of it: a stage that never was, or a settled part of several, has no samples
    /// that could be counted.
    fn check_stretch(&self, facts: &RunFacts) -> Result<(), String> {
        self.window_us(facts)?;
        if self.select.phase == Some(Stretch::Settled) && spans_of(facts, "steady").count() > 1 {
            return Err(several(facts, "steady"));
        }
        Ok(())
    }

    /// Whether a run knows of anything selected that has the selected tags: of one from before there were any nothing is
    /// known.
    fn check_tags(&self, run: &MeasuredRun) -> Result<(), String> {
        let wanted = &self.select.tags;
        if wanted.is_empty() || run.facts.start.tags.iter().any(|tagged| self.selects(run, &tagged.subject)) {
            return Ok(());
        }
        let tags: Vec<String> = wanted.iter().map(|(name, value)| format!("`{name} = {value}`")).collect();
        Err(format!("run {} has nothing of this kind with the tags {}", run.facts.id, tags.join(", ")))
    }

    /// The selected stage or fault of a run, µs; none if none is selected. A fault that did not go as planned is none.
    fn window_us(&self, facts: &RunFacts) -> Result<Option<(i64, i64)>, String> {
        let Some(name) = &self.select.stage else { return Ok(None) };
        if let Some(fault) = facts.fault(name) {
            fault.event_us().map_err(|reason| format!("{reason}, in run {}", facts.id))?;
        }
        let window = facts.window_us(name);
        window.map(Some).ok_or_else(|| format!("run {} has no phase `{name}`, or ended before it", facts.id))
    }

    /// The selected stretch of a run, µs; the load with its ramp if none is selected.
    fn stretch_us(&self, facts: &RunFacts) -> Result<(i64, i64), String> {
        if let Some(window) = self.window_us(facts)? {
            return Ok(window);
        }
        let Some(stretch) = self.select.phase else {
            return Ok((0, facts.load_end_us().unwrap_or_else(|| facts.last_us())));
        };
        if spans_of(facts, stretch.phase().word()).count() > 1 {
            return Err(several(facts, stretch.word()));
        }
        let (start, end) = span_of(facts, stretch.phase().word())
            .ok_or_else(|| format!("run {} has no {} phase", facts.id, stretch.word()))?;
        Ok((self.settled_from_us(facts).unwrap_or(start).min(end), end))
    }

    fn wanted(&self) -> String {
        let select = self.select.to_string();
        if select.is_empty() { String::new() } else { format!("of {select} ") }
    }

    fn throughput(&self, run: &MeasuredRun) -> Result<Found, String> {
        let (start, end) = self.stretch_us(&run.facts)?;
        let seconds = (end - start) as f64 / 1e6;
        if seconds <= 0.0 {
            return Err(format!("run {} has no measured time", run.facts.id));
        }
        let samples = &run.samples;
        let wanted: Vec<bool> = samples.subjects.iter().map(|s| self.selects(run, s)).collect();
        // What was due in the stretch and answered after it was no throughput then.
        let of_subject = (0..samples.subject.len()).filter(|i| wanted[samples.subject[*i] as usize]);
        let (mut ok, mut n) = (0_u64, 0_u64);
        for i in of_subject {
            n += u64::from((start..=end).contains(&samples.intended_us[i]));
            let outcome = self.select.outcome.unwrap_or(Outcome::Ok);
            let is_done = outcome == samples.outcome[i] && (start..=end).contains(&samples.done_us[i]);
            ok += u64::from(is_done);
        }
        let n = n.max(ok);
        let trials = Some((ok as f64, n as f64));
        Ok(Found { value: ok as f64 / seconds, trials, n, ..Found::default() })
    }

    fn cpu_per_request(&self, run: &MeasuredRun, service: Option<&str>) -> Result<Found, String> {
        if self.select != Selection::default() {
            return Err("CPU time is known of all requests together: leave out `select`".to_owned());
        }
        let of_services = || {
            run.signals.iter().filter(|s| {
                let name = s.name.strip_suffix(" cpu").filter(|name| s.is_counter && *name != "loadproof");
                name.is_some_and(|name| service.is_none_or(|wanted| wanted == name))
            })
        };
        let used: Vec<f64> =
            of_services().filter_map(|s| Some(increase(s.readings.iter().map(|r| r.1))?.by)).collect();
        if used.is_empty() {
            return Err(format!("no service's CPU time was read in run {}", run.facts.id));
        }
        let finished = self.selected(run).filter(|i| run.samples.outcome[*i] != Outcome::Dropped).count();
        if finished == 0 {
            return Err(format!("no finished sample {}in run {}", self.wanted(), run.facts.id));
        }
        let value = used.iter().sum::<f64>() * 1e3 / finished as f64;
        let stretch = self.stretch_us(&run.facts)?;
        let doubt =
            of_services().find_map(|s| series::not_counted(run, s, Some((i64::MIN, i64::MAX)), stretch));
        Ok(Found { value, n: finished as u64, doubt, ..Found::default() })
    }
}

/// The growth of a counter, over its restarts.
pub(super) fn increase(readings: impl Iterator<Item = f64>) -> Option<counter::Increase> {
    counter::increase(&readings.collect::<Vec<f64>>())
}

/// The stretches of a phase, µs: a load whose level changes has several.
fn spans_of<'a>(facts: &'a RunFacts, phase: &'a str) -> impl Iterator<Item = (i64, i64)> + 'a {
    facts.end.phases.iter().filter(move |p| p.name == phase).map(|p| (p.start_us, p.end_us))
}

fn several(facts: &RunFacts, phase: &str) -> String {
    format!("run {} has several stretches of phase `{phase}`: select one stage by its name", facts.id)
}

/// The longest stretch in which a run's load was level, µs.
pub(super) fn longest_steady(facts: &RunFacts) -> Option<(i64, i64)> {
    spans_of(facts, "steady").max_by_key(|(start, end)| (end - start, -start))
}

/// Start and end of a phase, µs, from its first stretch to its last.
pub(super) fn span_of(facts: &RunFacts, phase: &str) -> Option<(i64, i64)> {
    let mut of_name = facts.end.phases.iter().filter(|p| p.name == phase);
    let first = of_name.next()?;
    Some((first.start_us, of_name.next_back().unwrap_or(first).end_us))
}

fn drain_time(facts: &RunFacts) -> Result<Found, String> {
    let phase = facts.end.phases.iter().find(|p| p.name == "drain");
    let Some(phase) = phase else {
        return Err(format!("run {} has no drain phase", facts.id));
    };
    if !phase.unknown.is_empty() {
        return Err(format!("the drain time of run {} is unknown: {}", facts.id, phase.unknown));
    }
    // A drain that met its deadline with work left has no time, only a lower bound.
    let value = if phase.complete { facts.drain_s().unwrap_or(0.0) * 1e3 } else { f64::INFINITY };
    Ok(Found { value, n: 1, ..Found::default() })
}
