//! What a run's samples and signals come to, statistic by statistic.

mod checks;
mod endings;
mod events;
mod races;
mod series;
mod unbegun;

use std::collections::BTreeMap;

use crate::claim::{CountOf, Found, LookUp, Metric, Selection, Side, Statistic, Stretch, TimeKind};
use crate::run::{MeasuredRun, RunFacts};
use crate::sample::{Kind, Outcome, PROBE_CLASS, Subject};
use crate::stats::clusters::exceedance_clusters;
use crate::stats::counter;
use crate::stats::omission::{Corrected, Waits, usual_interval};
use crate::stats::proportion::Counters;
use crate::stats::quantile::type8;
use crate::stats::woodruff::Woodruff;
use crate::unit;

pub(super) use endings::Endings;
pub(super) use series::unread;

/// From this quantile on, samples beyond it come in few clusters.
pub(super) const HIGH_QUANTILE: f64 = 0.99;
/// Batches of a within-run interval for runs below and from [`LONG_S`]: short runs have few independent ones.
const BATCHES: (usize, usize) = (10, 20);
const LONG_S: f64 = 300.0;
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

/// A sample's place in time and what it came to.
struct Timed {
    /// Its place in the run's columns.
    place: usize,
    intended_us: i64,
    /// Infinite if it was never answered.
    ms: f64,
}

/// What is left of a time at least when the generator's own part is taken off, ms.
const LEFT_MS: f64 = 1e-3;
/// Most response times, with those that were held back, that an interval is made from.
const MOST_CORRECTED: usize = 4_000_000;

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
        let wanted: Vec<bool> = samples.subjects.iter().map(|s| self.selects(s)).collect();
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

    fn selects(&self, subject: &Subject) -> bool {
        let select = &self.select;
        let of_class = match &select.traffic_class {
            Some(class) => subject.traffic_class == *class,
            None => subject.traffic_class != PROBE_CLASS,
        };
        let (kind, name) = match (&select.endpoint, &select.effect, &select.group) {
            (_, _, Some(group)) => (Kind::Group, Some(group)),
            (_, Some(effect), None) => (Kind::Effect, Some(effect)),
            (endpoint, None, None) => (Kind::Request, endpoint.as_ref()),
        };
        let named = subject.kind == kind && name.is_none_or(|name| subject.endpoint == *name);
        of_class && named
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

    /// The times of the selected samples, in order of when they were due. What was never answered took for ever; a
    /// wrong answer has no time, unless its outcome is selected.
    fn times(&self, run: &MeasuredRun, kind: TimeKind) -> Vec<Timed> {
        let samples = &run.samples;
        let any = self.select.outcome.is_some();
        let took_ms = self.took_ms(run, kind);
        let mut times: Vec<Timed> = self
            .selected(run)
            .filter_map(|i| {
                let of = samples.subjects[samples.subject[i] as usize].kind;
                let ms = match samples.outcome[i] {
                    outcome if any || outcome.is_answered() => took_ms(i),
                    outcome if outcome.is_unanswered(of) => f64::INFINITY,
                    _ => return None,
                };
                Some(Timed { place: i, intended_us: samples.intended_us[i], ms })
            })
            .collect();
        times.sort_by_key(|t| t.intended_us);
        times
    }

    /// How long the sample at a place took, ms, as times are read.
    fn took_ms<'a>(&self, run: &'a MeasuredRun, kind: TimeKind) -> impl Fn(usize) -> f64 + 'a + use<'a> {
        let samples = &run.samples;
        let is_baseline = self.baseline.as_ref().is_some_and(|baseline| baseline.facts.id == run.facts.id);
        let shift = match self.reading {
            Reading::Shifted(baseline, other) if kind == TimeKind::Response => {
                f64::from(if is_baseline { baseline } else { other })
            }
            _ => 0.0,
        };
        let floor_ms = match self.reading {
            Reading::WithoutFloor(us) => f64::from(us) / 1e3,
            _ => 0.0,
        };
        move |i| {
            let since = match kind {
                TimeKind::Response => samples.intended_us[i],
                TimeKind::Service => samples.sent_us[i],
            };
            let took = (samples.done_us[i] - since) as f64 / 1e3;
            let lag_ms = (samples.sent_us[i] - samples.intended_us[i]) as f64 / 1e3;
            if floor_ms > 0.0 { (took - floor_ms).max(LEFT_MS) } else { took + shift * lag_ms }
        }
    }

    /// A metric of times in the first and in the second half of a side's samples, ms; none for other statistics, and
    /// where a half has none or was not answered.
    pub(super) fn halves(&self, side: Side, statistic: &Statistic) -> Option<[f64; 2]> {
        let Statistic::Time(kind, metric) = statistic else { return None };
        let run = self.run_of(side)?;
        let times = self.times(run, *kind);
        let middle_us = times.first()?.intended_us.midpoint(times.last()?.intended_us);
        let of_half = |half: &[Timed]| {
            let mut ms: Vec<f64> = half.iter().map(|time| time.ms).collect();
            ms.sort_by(f64::total_cmp);
            let value = match metric {
                Metric::Quantile(p) => type8(&ms, *p)?,
                Metric::Mean => ms.iter().sum::<f64>() / ms.len() as f64,
            };
            value.is_finite().then_some(value)
        };
        let (first, second) = times.split_at(times.partition_point(|time| time.intended_us < middle_us));
        Some([of_half(first)?, of_half(second)?])
    }

    fn time(&self, run: &MeasuredRun, kind: TimeKind, metric: Metric) -> Result<Found, String> {
        let times = self.times(run, kind);
        let in_order: Vec<f64> = times.iter().map(|t| t.ms).collect();
        if in_order.is_empty() {
            return Err(format!("no answered sample {}in run {}", self.wanted(), run.facts.id));
        }
        let n = in_order.len() as u64;
        let p = match metric {
            Metric::Mean => {
                if self.reading == Reading::Corrected && self.is_of_requests() {
                    return Ok(corrected(run, &times, None, n));
                }
                let unanswered = in_order.iter().filter(|ms| ms.is_infinite()).count();
                if unanswered > 0 {
                    return Err(format!(
                        "a mean has no value where {} of {} samples {}in run {} were never answered: use a quantile",
                        unit::count(unanswered as u64),
                        unit::count(n),
                        self.wanted(),
                        run.facts.id
                    ));
                }
                let value = in_order.iter().sum::<f64>() / n as f64;
                return Ok(Found { value, n, ..Found::default() });
            }
            Metric::Quantile(p) => p,
        };
        let mut sorted = in_order.clone();
        sorted.sort_by(f64::total_cmp);
        if self.reading == Reading::Corrected && self.is_of_requests() {
            return Ok(corrected(run, &times, Some(p), n));
        }
        let span_s = times
            .last()
            .zip(times.first())
            .map_or(0.0, |(l, f)| (l.intended_us - f.intended_us) as f64 / 1e6);
        let clusters = (p >= HIGH_QUANTILE).then(|| {
            // Samples beyond it that are due within a second of each other are one event.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of samples")]
            let gap = (n as f64 / span_s.max(1.0)).ceil() as usize;
            exceedance_clusters(&in_order, p, gap).1
        });
        let within_run = if self.within_run {
            let batches = if span_s < LONG_S { BATCHES.0 } else { BATCHES.1 };
            Woodruff::of(&in_order, p, batches, WITHIN_RUN_ALPHA).map(|w| (w.lower, w.upper))
        } else {
            None
        };
        let value = type8(&sorted, p).unwrap_or(f64::NAN);
        let times = (!self.within_run).then(|| std::sync::Arc::new(sorted));
        Ok(Found { value, n, clusters, within_run, times, ..Found::default() })
    }

    fn wanted(&self) -> String {
        let select = self.select.to_string();
        if select.is_empty() { String::new() } else { format!("of {select} ") }
    }

    fn count(&self, run: &MeasuredRun, of: CountOf) -> Found {
        let (mut count, mut n) = (0_u64, 0);
        for i in self.selected(run) {
            n += 1;
            count += u64::from(counts(of, run, i));
        }
        let trials = Some((count as f64, n as f64));
        Found { value: count as f64, trials, n, ..Found::default() }
    }

    fn share(&self, run: &MeasuredRun, of: CountOf) -> Result<Found, String> {
        let hit: Box<dyn Fn(usize) -> bool> = match of {
            CountOf::Within(us) if self.reading == Reading::Corrected && self.is_of_requests() => {
                return self.corrected_within(run, us);
            }
            CountOf::Within(us) => Box::new(self.is_within_time(run, us)),
            _ => Box::new(|i| counts(of, run, i)),
        };
        let mut hits: Vec<(i64, bool)> =
            self.selected(run).map(|i| (run.samples.intended_us[i], hit(i))).collect();
        if hits.is_empty() {
            return Err(format!("no sample {}in run {}", self.wanted(), run.facts.id));
        }
        let n = hits.len();
        let k = hits.iter().filter(|h| h.1).count();
        let within_run = if self.within_run {
            hits.sort_unstable();
            let cells = hits.chunks(n.div_ceil(BATCHES.0));
            let (k, n): (Vec<f64>, Vec<f64>) =
                cells.map(|c| (c.iter().filter(|h| h.1).count() as f64, c.len() as f64)).unzip();
            Counters::of(&k, &n).map(|c| c.interval(WITHIN_RUN_ALPHA)).map(|i| (Some(i.low), Some(i.high)))
        } else {
            None
        };
        let counts = Some((k as f64, n as f64));
        Ok(Found { value: k as f64 / n as f64, counts, n: n as u64, within_run, ..Found::default() })
    }

    /// Whether the sample at a place ended `ok` within so many µs of when it was due. Anything else did not.
    fn is_within_time<'a>(&self, run: &'a MeasuredRun, us: u64) -> impl Fn(usize) -> bool + 'a + use<'a> {
        let took_ms = self.took_ms(run, TimeKind::Response);
        move |i| run.samples.outcome[i] == Outcome::Ok && took_ms(i) <= us as f64 / 1e3
    }

    /// The share of requests that ended `ok` within so many µs, with those that stalled users held back.
    fn corrected_within(&self, run: &MeasuredRun, us: u64) -> Result<Found, String> {
        let took_ms = self.took_ms(run, TimeKind::Response);
        let times: Vec<Timed> = self
            .selected(run)
            .map(|i| {
                let ms = if run.samples.outcome[i] == Outcome::Ok { took_ms(i) } else { f64::INFINITY };
                Timed { place: i, intended_us: run.samples.intended_us[i], ms }
            })
            .collect();
        if times.is_empty() {
            return Err(format!("no sample {}in run {}", self.wanted(), run.facts.id));
        }
        Ok(with_held_back(run, &times, |corrected| {
            let all = corrected.total();
            let within = all - corrected.beyond(us as f64 / 1e3);
            let counts = Some((within as f64, all as f64));
            Found { value: within as f64 / all as f64, counts, n: times.len() as u64, ..Found::default() }
        }))
    }

    fn throughput(&self, run: &MeasuredRun) -> Result<Found, String> {
        let (start, end) = self.stretch_us(&run.facts)?;
        let seconds = (end - start) as f64 / 1e6;
        if seconds <= 0.0 {
            return Err(format!("run {} has no measured time", run.facts.id));
        }
        let samples = &run.samples;
        let wanted: Vec<bool> = samples.subjects.iter().map(|s| self.selects(s)).collect();
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

/// A quantile of times with those that stalled users held back, or their mean; what was never answered makes that
/// unbounded.
fn corrected(run: &MeasuredRun, times: &[Timed], p: Option<f64>, n: u64) -> Found {
    with_held_back(run, times, |corrected| {
        let Some(p) = p else {
            let values = corrected.values(MOST_CORRECTED).filter(|values| !values.is_empty());
            // More than can be summed up are a stall that no mean should hide.
            let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
            return Found { value: values.map_or(f64::INFINITY, mean), n, ..Found::default() };
        };
        let value = corrected.quantile(p).unwrap_or(f64::NAN);
        let values = corrected.values(MOST_CORRECTED).map(std::sync::Arc::new);
        Found { value, n, times: values, ..Found::default() }
    })
}

/// What is found in times with those that stalled users held back.
fn with_held_back(run: &MeasuredRun, times: &[Timed], find: impl Fn(&Corrected<'_>) -> Found) -> Found {
    let samples = &run.samples;
    // The users of a class, each with the starts of all its requests: think times and other endpoints keep it busy, too.
    let mut starts: BTreeMap<u64, BTreeMap<u64, Vec<f64>>> = BTreeMap::new();
    for (i, caller) in samples.caller.iter().enumerate() {
        let of_class = starts.entry(caller >> 32).or_default();
        of_class.entry(*caller).or_default().push(samples.intended_us[i] as f64 / 1e3);
    }
    let mut classes: BTreeMap<u64, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    for time in times {
        let class = samples.caller.get(time.place).map_or(0, |caller| caller >> 32);
        let (answered, unanswered) = classes.entry(class).or_default();
        if time.ms.is_finite() {
            answered.push(time.ms);
        } else {
            unanswered.push((samples.done_us[time.place] - time.intended_us) as f64 / 1e3);
        }
    }
    let waits: Vec<Waits<'_>> = classes
        .iter()
        .map(|(class, (answered, unanswered))| {
            let users = starts.get_mut(class).map(|users| {
                let mut users: Vec<Vec<f64>> = std::mem::take(users).into_values().collect();
                for starts in &mut users {
                    starts.sort_by(f64::total_cmp);
                }
                users
            });
            Waits { interval: usual_interval(&users.unwrap_or_default()), answered, unanswered }
        })
        .collect();
    find(&Corrected::of(&waits))
}

/// The growth of a counter, over its restarts.
pub(super) fn increase(readings: impl Iterator<Item = f64>) -> Option<counter::Increase> {
    counter::increase(&readings.collect::<Vec<f64>>())
}

fn counts(of: CountOf, run: &MeasuredRun, i: usize) -> bool {
    match of {
        CountOf::All => true,
        CountOf::Outcome(outcome) => run.samples.outcome[i] == outcome,
        CountOf::Answered => run.samples.outcome[i].is_answered(),
        CountOf::Status(status) => run.samples.status[i] == status,
        CountOf::Within(us) => {
            let took_us = run.samples.done_us[i] - run.samples.intended_us[i];
            run.samples.outcome[i] == Outcome::Ok && u64::try_from(took_us).is_ok_and(|took_us| took_us <= us)
        }
    }
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
        return Err(format!("when run {} had drained is not known: {}", facts.id, phase.unknown));
    }
    // A drain that met its deadline with work left has no time, only a lower bound.
    let value = if phase.complete { facts.drain_s().unwrap_or(0.0) * 1e3 } else { f64::INFINITY };
    Ok(Found { value, n: 1, ..Found::default() })
}
