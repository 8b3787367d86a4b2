//! What a run's samples and signals come to, statistic by statistic.

use std::collections::BTreeMap;

use crate::claim::{
    CountOf, DriftOf, Figure, Found, LookUp, Selection, Side, SignalFigure, Statistic, Stretch, TimeKind,
};
use crate::run::{RunFacts, WHEN_BESIDE};
use crate::sample::{Kind, Outcome, PROBE_CLASS, Subject};
use crate::stats::arm::{MeasuredRun, drain_s, load_end_us};
use crate::stats::clusters::exceedance_clusters;
use crate::stats::drift::drift;
use crate::stats::proportion::Counters;
use crate::stats::quantile::type7;
use crate::stats::race::{self, Entrant};
use crate::stats::rank_correlation::spearman;
use crate::stats::woodruff::Woodruff;
use crate::stats::{recovery, trend_line};
use crate::store::SignalColumn;
use crate::unit;

/// From this quantile on, samples beyond it come in few clusters.
pub(super) const HIGH_QUANTILE: f64 = 0.99;
/// Batches of a within-run interval for runs below and from [`LONG_S`]: short runs have few independent ones.
const BATCHES: (usize, usize) = (10, 20);
const LONG_S: f64 = 300.0;
/// Alpha of intervals within a run.
const WITHIN_RUN_ALPHA: f64 = 0.05;
const SECOND_US: i64 = 1_000_000;
/// Seconds below which nothing is said of what goes together.
const LEAST_SECONDS: usize = 10;

/// The runs of a round that an expression may speak of, and the samples that it means.
pub(super) struct Evidence {
    pub(super) baseline: Option<std::sync::Arc<MeasuredRun>>,
    pub(super) treatment: Option<std::sync::Arc<MeasuredRun>>,
    pub(super) run: std::sync::Arc<MeasuredRun>,
    pub(super) select: Selection,
    /// Where the settled part of the steady phase begins, µs after the steady phase's start.
    pub(super) warm_up_us: i64,
    /// Whether intervals within a run are wanted: where there is one run only.
    pub(super) within_run: bool,
}

impl LookUp for Evidence {
    fn look_up(&self, side: Side, statistic: &Statistic) -> Result<Found, String> {
        let run = match side {
            Side::Baseline => self.baseline.as_ref().ok_or("there is no baseline here")?,
            Side::Treatment => self.treatment.as_ref().ok_or("there is no treatment here")?,
            Side::Run => &self.run,
        };
        match statistic {
            Statistic::Time(kind, figure) => self.time(run, *kind, *figure),
            Statistic::Count(of) => Ok(self.count(run, *of)),
            Statistic::Share(of) => self.share(run, *of),
            Statistic::Throughput => self.throughput(run),
            Statistic::DrainTime => drain_time(&run.facts),
            Statistic::CpuPerRequest(service) => self.cpu_per_request(run, service.as_deref()),
            Statistic::Signal(figure, name) => self.signal(run, *figure, name),
            Statistic::Recovery(event) => self.recovery(run, event),
            Statistic::Drift(of) => self.drift(run, of),
            Statistic::Correlation(signal) => self.correlation(run, signal),
            Statistic::Overlap(race) => overlap(run, race),
            Statistic::AllOk(race) => Ok(won_by(run, race, |winners, entrants| winners == entrants)),
            Statistic::NoneOk(race) => Ok(won_by(run, race, |winners, _| winners == 0)),
            Statistic::Events(stream) => Ok(events(run, stream)),
        }
    }
}

/// A sample's place in time and what it came to.
struct Timed {
    intended_us: i64,
    ms: f64,
}

impl Evidence {
    /// Places of the selected samples, whatever their outcome.
    fn selected<'a>(&'a self, run: &'a MeasuredRun) -> impl Iterator<Item = usize> + 'a {
        let samples = &run.samples;
        let wanted: Vec<bool> = samples.subjects.iter().map(|s| self.selects(s)).collect();
        let phase = self.select.phase.map(Stretch::phase);
        let settled_us = self.settled_from_us(&run.facts);
        (0..samples.subject.len()).filter(move |i| {
            wanted[samples.subject[*i] as usize]
                && phase.is_none_or(|p| samples.phase[*i] == p)
                && settled_us.is_none_or(|from| samples.intended_us[*i] >= from)
                && self.select.outcome.is_none_or(|o| samples.outcome[*i] == o)
        })
    }

    fn selects(&self, subject: &Subject) -> bool {
        let select = &self.select;
        let of_class = match &select.class {
            Some(class) => subject.traffic_class == *class,
            None => subject.traffic_class != PROBE_CLASS,
        };
        let named = match (&select.endpoint, &select.effect) {
            (_, Some(effect)) => subject.kind == Kind::Effect && subject.endpoint == *effect,
            (Some(endpoint), None) => subject.kind == Kind::Request && subject.endpoint == *endpoint,
            (None, None) => subject.kind == Kind::Request,
        };
        of_class && named
    }

    fn settled_from_us(&self, facts: &RunFacts) -> Option<i64> {
        (self.select.phase == Some(Stretch::Settled))
            .then(|| span_of(facts, "steady").map_or(0, |(start, _)| start) + self.warm_up_us)
    }

    /// The selected stretch of a run, µs; the load with its ramp if none is selected.
    fn stretch_us(&self, facts: &RunFacts) -> Result<(i64, i64), String> {
        let Some(stretch) = self.select.phase else {
            return Ok((0, load_end_us(facts).unwrap_or_else(|| last_us(facts))));
        };
        let (start, end) = span_of(facts, stretch.phase().word())
            .ok_or_else(|| format!("run {} has no {} phase", facts.id, stretch.word()))?;
        Ok((self.settled_from_us(facts).unwrap_or(start).min(end), end))
    }

    fn times(&self, run: &MeasuredRun, kind: TimeKind) -> Vec<Timed> {
        let samples = &run.samples;
        let any = self.select.outcome.is_some();
        let mut times: Vec<Timed> = self
            .selected(run)
            .filter(|i| any || is_answered(samples.outcome[*i]))
            .map(|i| {
                let since = match kind {
                    TimeKind::Response => samples.intended_us[i],
                    TimeKind::Service => samples.sent_us[i],
                };
                Timed { intended_us: samples.intended_us[i], ms: (samples.done_us[i] - since) as f64 / 1e3 }
            })
            .collect();
        times.sort_by_key(|t| t.intended_us);
        times
    }

    fn time(&self, run: &MeasuredRun, kind: TimeKind, figure: Figure) -> Result<Found, String> {
        let times = self.times(run, kind);
        let in_order: Vec<f64> = times.iter().map(|t| t.ms).collect();
        if in_order.is_empty() {
            return Err(format!("no answered sample {}in run {}", self.wanted(), run.facts.id));
        }
        let n = in_order.len() as u64;
        let p = match figure {
            Figure::Mean => {
                let value = in_order.iter().sum::<f64>() / n as f64;
                return Ok(Found { value, n, ..Found::default() });
            }
            Figure::Quantile(p) => p,
        };
        let mut sorted = in_order.clone();
        sorted.sort_by(f64::total_cmp);
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
        Ok(Found { value: type7(&sorted, p).unwrap_or(f64::NAN), counts: None, n, clusters, within_run })
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
        Found { value: count as f64, n, ..Found::default() }
    }

    fn share(&self, run: &MeasuredRun, of: CountOf) -> Result<Found, String> {
        let mut hits: Vec<(i64, bool)> =
            self.selected(run).map(|i| (run.samples.intended_us[i], counts(of, run, i))).collect();
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
        Ok(Found { value: k as f64 / n as f64, counts, n: n as u64, clusters: None, within_run })
    }

    fn throughput(&self, run: &MeasuredRun) -> Result<Found, String> {
        let (start, end) = self.stretch_us(&run.facts)?;
        let seconds = (end - start) as f64 / 1e6;
        if seconds <= 0.0 {
            return Err(format!("run {} has no measured time", run.facts.id));
        }
        let ok = self.count(run, CountOf::Outcome(Outcome::Ok));
        Ok(Found { value: ok.value / seconds, ..ok })
    }

    fn cpu_per_request(&self, run: &MeasuredRun, service: Option<&str>) -> Result<Found, String> {
        let of_services = run.signals.iter().filter(|s| {
            let name = s.name.strip_suffix(" cpu").filter(|name| s.is_total && *name != "loadproof");
            name.is_some_and(|name| service.is_none_or(|wanted| wanted == name))
        });
        let used: Vec<f64> =
            of_services.filter_map(|s| Some(s.readings.last()?.1 - s.readings.first()?.1)).collect();
        if used.is_empty() {
            return Err(format!("the CPU time of no service was seen in run {}", run.facts.id));
        }
        let finished = self.selected(run).filter(|i| run.samples.outcome[*i] != Outcome::Dropped).count();
        if finished == 0 {
            return Err(format!("no finished sample {}in run {}", self.wanted(), run.facts.id));
        }
        let value = used.iter().sum::<f64>() * 1e3 / finished as f64;
        Ok(Found { value, n: finished as u64, ..Found::default() })
    }

    fn signal(&self, run: &MeasuredRun, figure: SignalFigure, name: &str) -> Result<Found, String> {
        let column = column(run, name)?;
        // Without a phase all readings count, those after the load as well.
        let within = match self.select.phase {
            Some(_) => self.stretch_us(&run.facts)?,
            None => (i64::MIN, i64::MAX),
        };
        let points = points(column, within);
        let figure = figure_of(figure, &points, column).ok_or_else(|| self.too_few(run, name))?;
        Ok(Found { value: figure, n: points.len() as u64, ..Found::default() })
    }

    fn too_few(&self, run: &MeasuredRun, signal: &str) -> String {
        format!("signal `{signal}` has too few readings {}in run {}", self.wanted(), run.facts.id)
    }

    /// Over the selected stretch, or the load.
    fn drift(&self, run: &MeasuredRun, of: &DriftOf) -> Result<Found, String> {
        let (points, drifted) = match of {
            DriftOf::Signal(name) => {
                let points = points(column(run, name)?, self.stretch_us(&run.facts)?);
                let mean = |values: &mut [f64]| Some(values.iter().sum::<f64>() / values.len() as f64);
                let drifted = drift(&points, WITHIN_RUN_ALPHA, mean);
                (points, drifted)
            }
            DriftOf::Quantile(p) => {
                let times = self.times(run, TimeKind::Response);
                let points: Vec<(f64, f64)> =
                    times.iter().map(|t| (t.intended_us as f64 / 1e6, t.ms)).collect();
                let drifted = drift(&points, WITHIN_RUN_ALPHA, |values| {
                    values.sort_by(f64::total_cmp);
                    type7(values, *p)
                });
                (points, drifted)
            }
        };
        let Some(drifted) = drifted else {
            return Err(format!(
                "too little was measured {}in run {} to tell a drift",
                self.wanted(),
                run.facts.id
            ));
        };
        let within_run = Some((Some(drifted.low), Some(drifted.high)));
        Ok(Found { value: drifted.share, n: points.len() as u64, within_run, ..Found::default() })
    }

    /// Of each second's p95 with the signal's last reading in it.
    fn correlation(&self, run: &MeasuredRun, signal: &str) -> Result<Found, String> {
        let mut of_second: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for time in self.times(run, TimeKind::Response) {
            of_second.entry(time.intended_us.div_euclid(SECOND_US)).or_default().push(time.ms);
        }
        let readings: BTreeMap<i64, f64> = column(run, signal)?
            .readings
            .iter()
            .map(|(at, value)| (at.div_euclid(SECOND_US), *value))
            .collect();
        let pairs: Vec<(f64, f64)> = of_second
            .iter_mut()
            .filter_map(|(second, times)| {
                times.sort_by(f64::total_cmp);
                Some((type7(times, 0.95)?, *readings.get(second)?))
            })
            .collect();
        // A signal that stands still explains nothing.
        let value = spearman(&pairs).unwrap_or(0.0);
        if pairs.len() < LEAST_SECONDS {
            return Err(self.too_few(run, signal));
        }
        Ok(Found { value, n: pairs.len() as u64, ..Found::default() })
    }

    fn recovery(&self, run: &MeasuredRun, event: &str) -> Result<Found, String> {
        let (start_us, end_us) = event_us(&run.facts, event)?;
        let steady_us = span_of(&run.facts, "steady").map_or(0, |(start, _)| start);
        let times = self.times(run, TimeKind::Response);
        let points: Vec<(f64, f64)> = times.iter().map(|t| (t.intended_us as f64 / 1e6, t.ms)).collect();
        let s = |us: i64| us as f64 / 1e6;
        let recovered = recovery::time_to_recover(&points, s(steady_us), s(start_us), s(end_us))
            .map_err(|e| format!("{e} in run {}", run.facts.id))?;
        let value = recovered.map_or(f64::INFINITY, |seconds| seconds * 1e3);
        Ok(Found { value, n: times.len() as u64, ..Found::default() })
    }
}

fn column<'a>(run: &'a MeasuredRun, name: &str) -> Result<&'a SignalColumn, String> {
    let found = run.signals.iter().find(|s| s.name == name && !s.readings.is_empty());
    found.ok_or_else(|| format!("signal `{name}` was never seen in run {}", run.facts.id))
}

/// The readings from one time to another, µs, as `(s, value)`.
fn points(column: &SignalColumn, within: (i64, i64)) -> Vec<(f64, f64)> {
    let readings = column.readings.iter().filter(|(at, _)| (within.0..=within.1).contains(at));
    readings.map(|(at, value)| (*at as f64 / 1e6, *value)).collect()
}

/// The entrants of each race of a kind.
fn races(run: &MeasuredRun, name: &str) -> Vec<Vec<Entrant>> {
    let place = run.facts.races.iter().position(|known| known == name);
    let of_kind = race::races(&run.samples).into_iter().filter(|(race, _)| race.place() == place);
    of_kind.map(|(_, entrants)| entrants).collect()
}

/// Races of a kind whose numbers of winners and entrants are such.
fn won_by(run: &MeasuredRun, name: &str, wanted: impl Fn(usize, usize) -> bool) -> Found {
    let races = races(run, name);
    let winners = |race: &[Entrant]| race.iter().filter(|e| e.is_ok(&run.samples)).count();
    let value = races.iter().filter(|race| wanted(winners(race), race.len())).count() as f64;
    Found { value, n: races.len() as u64, ..Found::default() }
}

fn overlap(run: &MeasuredRun, race: &str) -> Result<Found, String> {
    let overlaps: Vec<f64> = races(run, race).iter().map(|entrants| race::overlap(entrants)).collect();
    if overlaps.is_empty() {
        return Err(format!("nobody raced for `{race}` in run {}", run.facts.id));
    }
    let n = overlaps.len() as u64;
    Ok(Found { value: overlaps.iter().sum::<f64>() / n as f64, n, ..Found::default() })
}

/// Events that the run's `ok` requests have raised in a stream.
fn events(run: &MeasuredRun, stream: &str) -> Found {
    let samples = &run.samples;
    let events_of = |subject: &Subject| {
        let raised = run.facts.raised.iter().filter(|raised| {
            raised.stream == stream
                && subject.kind == Kind::Request
                && raised.endpoint == subject.endpoint
                && raised.traffic_class == subject.traffic_class
        });
        raised.count() as u64
    };
    let per_subject: Vec<u64> = samples.subjects.iter().map(events_of).collect();
    let ok = samples.subject.iter().zip(&samples.outcome).filter(|(_, outcome)| **outcome == Outcome::Ok);
    let n = ok.map(|(subject, _)| per_subject[*subject as usize]).sum::<u64>();
    Found { value: n as f64, n, ..Found::default() }
}

fn is_answered(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Ok | Outcome::Rejected)
}

fn counts(of: CountOf, run: &MeasuredRun, i: usize) -> bool {
    match of {
        CountOf::All => true,
        CountOf::Outcome(outcome) => run.samples.outcome[i] == outcome,
        CountOf::Answered => is_answered(run.samples.outcome[i]),
        CountOf::Status(status) => run.samples.status[i] == status,
    }
}

/// Start and end of a phase, µs.
pub(super) fn span_of(facts: &RunFacts, phase: &str) -> Option<(i64, i64)> {
    let mut of_name = facts.phases.iter().filter(|p| p.name == phase);
    let first = of_name.next()?;
    Some((first.start_us, of_name.next_back().unwrap_or(first).end_us))
}

#[expect(clippy::cast_possible_truncation, reason = "a run lasts less than 2^53 µs")]
fn last_us(facts: &RunFacts) -> i64 {
    (facts.duration_s * 1e6) as i64
}

fn drain_time(facts: &RunFacts) -> Result<Found, String> {
    let phase = facts.phases.iter().find(|p| p.name == "drain");
    let Some(phase) = phase else {
        return Err(format!("run {} has no drain phase", facts.id));
    };
    // A drain that met its deadline with work left has no time, only a lower bound.
    let value = if phase.complete { drain_s(facts).unwrap_or(0.0) * 1e3 } else { f64::INFINITY };
    Ok(Found { value, n: 1, ..Found::default() })
}

/// A hook that ran beside the load, or a moment.
fn event_us(facts: &RunFacts, event: &str) -> Result<(i64, i64), String> {
    if let Some(hook) = facts.hooks.iter().find(|h| h.name == event && h.moment == WHEN_BESIDE) {
        return Ok((hook.start_us, hook.end_us));
    }
    let moment =
        unit::parse_duration(event).map_err(|_| format!("`{event}` did not happen in run {}", facts.id))?;
    let us = i64::try_from(moment.as_micros()).unwrap_or(i64::MAX);
    Ok((us, us))
}

fn figure_of(figure: SignalFigure, points: &[(f64, f64)], whole: &SignalColumn) -> Option<f64> {
    let (first, last) = (points.first()?, points.last()?);
    let values = || points.iter().map(|p| p.1);
    let largest = || whole.readings.iter().map(|r| r.1).fold(f64::NEG_INFINITY, f64::max);
    let seconds = last.0 - first.0;
    match figure {
        SignalFigure::Min => values().min_by(f64::total_cmp),
        SignalFigure::Max => values().max_by(f64::total_cmp),
        SignalFigure::Mean => trend_line::mean_over_time(points),
        SignalFigure::First => Some(first.1),
        SignalFigure::Last => Some(last.1),
        SignalFigure::Delta => (points.len() > 1).then_some(last.1 - first.1),
        SignalFigure::Rate => (seconds > 0.0).then(|| (last.1 - first.1) / seconds),
        SignalFigure::Slope => trend_line::slope(points),
        // A signal that stands at 0 all the time does not grow.
        SignalFigure::Growth | SignalFigure::Remaining if largest() <= 0.0 => Some(0.0),
        SignalFigure::Growth => Some(trend_line::slope(points)? * seconds / largest()),
        SignalFigure::Remaining => Some(last.1 / largest()),
    }
}
