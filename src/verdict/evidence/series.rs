//! Statistics over time: signals, how they and response times drift, and what correlates with
//! what.

use std::collections::BTreeMap;

use super::{RoundRuns, WITHIN_RUN_ALPHA, increase};
use crate::claim::{Doubt, DriftOf, Errs, Found, SignalMetric, TimeKind};
use crate::reading::SignalColumn;
use crate::run::MeasuredRun;
use crate::stats::counter::{self, Falls};
use crate::stats::drift::drift;
use crate::stats::excursion;
use crate::stats::gap;
use crate::stats::quantile::{median, type8};
use crate::stats::rank_correlation::spearman;
use crate::stats::trend_line;
use crate::unit;

const SECOND_US: i64 = 1_000_000;
/// Readings that may be missing at the end of a stretch.
const MISSED_READINGS: f64 = 3.0;
/// Seconds below which nothing is said of what goes together.
const LEAST_SECONDS: usize = 10;

impl RoundRuns {
    pub(super) fn signal(
        &self,
        run: &MeasuredRun,
        metric: SignalMetric,
        name: &str,
    ) -> Result<Found, String> {
        let column = column(run, name)?;
        // Without a phase all readings count, those after the load as well.
        let is_whole = self.select.phase.is_none() && self.select.stage.is_none();
        let within = if is_whole { (i64::MIN, i64::MAX) } else { self.stretch_us(&run.facts)? };
        self.read_to_the_end(run, column)?;
        let points = points(column, within);
        let value = metric_of(metric, &points, column).ok_or_else(|| self.too_few(run, name))?;
        let doubt = self.doubt(run, column, metric)?;
        Ok(Found { value, n: points.len() as u64, doubt, ..Found::default() })
    }

    /// Of a signal over a level: those that begin in the selected stretch, until they end.
    pub(super) fn excursion(&self, run: &MeasuredRun, name: &str, level: f64) -> Result<Found, String> {
        let (column, stretch) = (column(run, name)?, self.stretch_us(&run.facts)?);
        let is_whole = self.select.phase.is_none() && self.select.stage.is_none();
        let (from_us, until_us) = if is_whole { (i64::MIN, i64::MAX) } else { stretch };
        self.read_to_the_end(run, column)?;
        let points = points(column, (i64::MIN, i64::MAX));
        let longest_s = excursion::longest(&points, level, from_us as f64 / 1e6, until_us as f64 / 1e6);
        // What nobody saw may have been above the level, or below it for a moment.
        let doubt =
            unread(column, stretch).map(|gap| Doubt { why: gap.text(run, column), errs: Errs::EitherWay });
        Ok(Found { value: longest_s * 1e3, n: points.len() as u64, doubt, ..Found::default() })
    }

    /// A signal over a run as `(s, level)`: of a counter the increase per second since the reading before.
    pub(super) fn levels(&self, run: &MeasuredRun, name: &str) -> Result<Vec<(f64, f64)>, String> {
        let column = column(run, name)?;
        self.read_to_the_end(run, column)?;
        let points = whole(points(column, (i64::MIN, i64::MAX)), column);
        if !column.is_counter {
            return Ok(points);
        }
        let increase = |pair: &[(f64, f64)]| {
            let seconds = pair[1].0 - pair[0].0;
            (seconds > 0.0).then(|| (pair[1].0, (pair[1].1 - pair[0].1) / seconds))
        };
        Ok(points.windows(2).filter_map(increase).collect())
    }

    /// What a metric of a signal leaves out, if anything.
    fn doubt(
        &self,
        run: &MeasuredRun,
        column: &SignalColumn,
        metric: SignalMetric,
    ) -> Result<Option<Doubt>, String> {
        use SignalMetric as Of;
        let stretch = self.stretch_us(&run.facts)?;
        let is_growth = matches!(metric, Of::Delta | Of::Rate);
        let is_selected = self.select.phase.is_some() || self.select.stage.is_some();
        if column.is_counter && is_growth {
            return Ok(not_counted(run, column, is_selected.then_some(stretch), stretch));
        }
        if column.is_counter && matches!(metric, Of::Slope | Of::Growth) {
            let within = self.select.phase.map_or((i64::MIN, i64::MAX), |_| stretch);
            if let Some(doubt) = fallen(run, column, within) {
                return Ok(Some(Doubt { errs: Errs::EitherWay, ..doubt }));
            }
        }
        let Some(gap) = unread(column, stretch) else { return Ok(None) };
        let errs = match metric {
            // A peak or a low that nobody saw.
            Of::Max => Errs::Low,
            Of::Min | Of::Remaining => Errs::High,
            Of::Mean | Of::Slope | Of::Growth => Errs::EitherWay,
            Of::First | Of::Delta | Of::Rate if gap.is_at_start => Errs::EitherWay,
            Of::First | Of::Last | Of::Delta | Of::Rate => return Ok(None),
        };
        Ok(Some(Doubt { why: gap.text(run, column), errs }))
    }

    /// What a signal was when nobody could read it any more is not known.
    fn read_to_the_end(&self, run: &MeasuredRun, column: &SignalColumn) -> Result<(), String> {
        let (_, end_us) = self.stretch_us(&run.facts)?;
        let steps: Vec<f64> = column.readings.windows(2).map(|pair| (pair[1].0 - pair[0].0) as f64).collect();
        let usual_us = median(&steps).unwrap_or(0.0);
        let last_us = column.readings.last().map_or(i64::MIN, |reading| reading.0) as f64;
        if last_us + MISSED_READINGS * usual_us >= end_us as f64 {
            return Ok(());
        }
        Err(format!(
            "signal `{}` was last read {} into run {}, which lasted to {}: its later values are unknown",
            column.name,
            unit::time(last_us),
            run.facts.id,
            unit::time(end_us as f64)
        ))
    }

    fn too_few(&self, run: &MeasuredRun, signal: &str) -> String {
        format!("signal `{signal}` has too few readings {}in run {}", self.wanted(), run.facts.id)
    }

    /// Over the selected stretch, or the load.
    pub(super) fn drift(&self, run: &MeasuredRun, of: &DriftOf) -> Result<Found, String> {
        let (points, drifted, doubt) = match of {
            DriftOf::Signal(name) => {
                let (column, stretch) = (column(run, name)?, self.stretch_us(&run.facts)?);
                let points = whole(points(column, stretch), column);
                let mean = |values: &mut [f64]| Some(values.iter().sum::<f64>() / values.len() as f64);
                let drifted = drift(&points, WITHIN_RUN_ALPHA, mean);
                self.read_to_the_end(run, column)?;
                let why = match fallen(run, column, stretch).filter(|_| column.is_counter) {
                    Some(doubt) => Some(doubt.why),
                    None => unread(column, stretch).map(|gap| gap.text(run, column)),
                };
                (points, drifted, why.map(|why| Doubt { why, errs: Errs::EitherWay }))
            }
            DriftOf::Quantile(p) => {
                let times = self.times(run, TimeKind::Response);
                let points: Vec<(f64, f64)> =
                    times.iter().map(|t| (t.intended_us as f64 / 1e6, t.ms)).collect();
                let drifted = drift(&points, WITHIN_RUN_ALPHA, |values| {
                    values.sort_by(f64::total_cmp);
                    type8(values, *p)
                });
                (points, drifted, None)
            }
        };
        let Some(drifted) = drifted.filter(|drifted| drifted.share.is_finite()) else {
            return Err(format!("too few values {}in run {} for a drift", self.wanted(), run.facts.id));
        };
        let within_run = Some((Some(drifted.low), Some(drifted.high)));
        Ok(Found { value: drifted.share, n: points.len() as u64, within_run, doubt, ..Found::default() })
    }

    /// Of each second's p95 with the signal's last reading in it.
    pub(super) fn correlation(&self, run: &MeasuredRun, signal: &str) -> Result<Found, String> {
        let mut of_second: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for time in self.times(run, TimeKind::Response) {
            of_second.entry(time.intended_us.div_euclid(SECOND_US)).or_default().push(time.ms);
        }
        let column = column(run, signal)?;
        #[expect(clippy::cast_possible_truncation, reason = "seconds of a run")]
        let readings: BTreeMap<i64, f64> = whole(points(column, (i64::MIN, i64::MAX)), column)
            .iter()
            .map(|(at_s, value)| (at_s.floor() as i64, *value))
            .collect();
        let pairs: Vec<(f64, f64)> = of_second
            .iter_mut()
            .filter_map(|(second, times)| {
                times.sort_by(f64::total_cmp);
                Some((type8(times, 0.95)?, *readings.get(second)?))
            })
            .collect();
        // A signal that stands still explains nothing.
        let value = spearman(&pairs).unwrap_or(0.0);
        if pairs.len() < LEAST_SECONDS {
            return Err(self.too_few(run, signal));
        }
        Ok(Found { value, n: pairs.len() as u64, ..Found::default() })
    }
}

/// What the growth of a counter leaves out: what it counted before it was first read, between two readings that are far
/// apart, and before it began again. `within`: the readings that are meant, none for all of a run's.
pub(super) fn not_counted(
    run: &MeasuredRun,
    column: &SignalColumn,
    within: Option<(i64, i64)>,
    stretch: (i64, i64),
) -> Option<Doubt> {
    let low = |why| Doubt { why, errs: Errs::Low };
    let late = || read_late(run, column).filter(|_| within.is_none()).map(low);
    // A counter may begin again, and overtake itself, while nobody looks.
    let unread = || unread(column, stretch).map(|gap| low(gap.text(run, column)));
    fallen(run, column, within.unwrap_or((i64::MIN, i64::MAX))).or_else(late).or_else(unread)
}

/// What a counter leaves out that fell.
fn fallen(run: &MeasuredRun, column: &SignalColumn, within: (i64, i64)) -> Option<Doubt> {
    let (name, id) = (&column.name, run.facts.id);
    match counter::falls(&points(column, within)) {
        Falls::None => None,
        Falls::Restart => Some(Doubt {
            why: format!("counter `{name}` began again in run {id}: its increase is a lower bound"),
            errs: Errs::Low,
        }),
        Falls::Unexplained => Some(Doubt {
            why: format!(
                "counter `{name}` decreased in run {id} in a way that no single restart explains (do several processes \
                 answer in turn?): its increase is unknown"
            ),
            errs: Errs::EitherWay,
        }),
    }
}

/// A time in which a signal was not read.
pub(in crate::verdict) struct Unread {
    from_us: f64,
    until_us: f64,
    is_at_start: bool,
}

impl Unread {
    /// `from 4.0 s to 7.4 s`
    pub(in crate::verdict) fn span(&self) -> String {
        format!("from {} to {}", unit::time(self.from_us), unit::time(self.until_us))
    }

    fn text(&self, run: &MeasuredRun, column: &SignalColumn) -> String {
        format!(
            "signal `{}` was not read {} in run {}: its values in that time are unknown",
            column.name,
            self.span(),
            run.facts.id
        )
    }
}

/// The longest time within a stretch, µs, in which a signal was not read though it should have been.
pub(in crate::verdict) fn unread(column: &SignalColumn, stretch: (i64, i64)) -> Option<Unread> {
    let times: Vec<f64> = column.readings.iter().map(|reading| reading.0 as f64 / 1e6).collect();
    let (from_s, until_s) = gap::longest(&times, stretch.0 as f64 / 1e6, stretch.1 as f64 / 1e6)?;
    let is_at_start = times.first().is_some_and(|first| until_s <= *first);
    Some(Unread { from_us: from_s * 1e6, until_us: until_s * 1e6, is_at_start })
}

/// Why the growth of a counter over a run is not known: it was first read after the first answers.
fn read_late(run: &MeasuredRun, column: &SignalColumn) -> Option<String> {
    let (first_us, _) = column.readings.first()?;
    let before = run.samples.done_us.iter().filter(|done| *done < first_us).count();
    (before > 0).then(|| {
        format!(
            "counter `{}` was first read {} into run {}, after {} samples had ended: what it counted before is not \
             known",
            column.name,
            unit::time(*first_us as f64),
            run.facts.id,
            unit::count(before as u64)
        )
    })
}

/// The points of a counter as if it had never begun again; those of any other signal as they are.
fn whole(points: Vec<(f64, f64)>, column: &SignalColumn) -> Vec<(f64, f64)> {
    if column.is_counter { counter::cumulative(&points) } else { points }
}

fn column<'a>(run: &'a MeasuredRun, name: &str) -> Result<&'a SignalColumn, String> {
    let found = run.signals.iter().find(|s| s.name == name && !s.readings.is_empty());
    found.ok_or_else(|| format!("signal `{name}` was not read in run {}", run.facts.id))
}

/// The readings from one time to another, µs, as `(s, value)`.
fn points(column: &SignalColumn, within: (i64, i64)) -> Vec<(f64, f64)> {
    let readings = column.readings.iter().filter(|(at, _)| (within.0..=within.1).contains(at));
    readings.map(|(at, value)| (*at as f64 / 1e6, *value)).collect()
}

fn metric_of(metric: SignalMetric, points: &[(f64, f64)], column: &SignalColumn) -> Option<f64> {
    let total = || whole(points.to_vec(), column);
    let (first, last) = (points.first()?, points.last()?);
    let values = || points.iter().map(|p| p.1);
    let largest = || column.readings.iter().map(|r| r.1).fold(f64::NEG_INFINITY, f64::max);
    let seconds = last.0 - first.0;
    match metric {
        SignalMetric::Min => values().min_by(f64::total_cmp),
        SignalMetric::Max => values().max_by(f64::total_cmp),
        SignalMetric::Mean => trend_line::mean_over_time(points),
        SignalMetric::First => Some(first.1),
        SignalMetric::Last => Some(last.1),
        SignalMetric::Delta => (points.len() > 1).then(|| grown(points, column)),
        SignalMetric::Rate => (seconds > 0.0).then(|| grown(points, column) / seconds),
        SignalMetric::Slope => trend_line::slope(&total()),
        // A signal that stands at 0 all the time does not grow.
        SignalMetric::Growth | SignalMetric::Remaining if largest() <= 0.0 => Some(0.0),
        SignalMetric::Growth => {
            let most = total().last().map_or(0.0, |last| last.1).max(largest());
            Some(trend_line::slope(&total())? * seconds / most)
        }
        SignalMetric::Remaining => Some(last.1 / largest()),
    }
}

/// Last less first reading; of a counter its growth over restarts.
fn grown(points: &[(f64, f64)], column: &SignalColumn) -> f64 {
    let difference = points.last().map_or(0.0, |p| p.1) - points.first().map_or(0.0, |p| p.1);
    let counted = || increase(points.iter().map(|p| p.1)).map_or(difference, |increase| increase.by);
    if column.is_counter { counted() } else { difference }
}
