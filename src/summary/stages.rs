//! What the named stages of a load came to.

use std::sync::Arc;

use serde::Serialize;

use super::bursts;
use super::faults::{request, steady_from_s};
use crate::run::{MeasuredRun, RunFacts};
use crate::sample::{Kind, PROBE_CLASS};
use crate::stats::band::{Event, Request};
use crate::stats::quantile::{type8, type8_of};
use crate::stats::recovery::time_to_recover_as_expected;

/// A named stage, or a burst, in the runs of an arm: counts add up, the others are medians over the runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageMetrics {
    /// Its name.
    pub name: String,
    /// Start and end as planned, cut off where the load ended, s; of the first run that has it.
    pub span_s: (f64, f64),
    /// Lowest and highest level as planned, and what it counts.
    pub level: (f64, f64, String),
    /// Users' requests that were due in it.
    pub n: u64,
    /// Requests due per second.
    pub rate_per_s: f64,
    /// Share of them that did not end as expected.
    pub error_share: f64,
    /// p50, p95 and p99 of response times, µs; what was never answered took for ever. None if nothing was due.
    pub times_us: Option<[f64; 3]>,
    /// Seconds from its end until requests were again as before it, infinite if they never were; of a stage that a lower
    /// level follows, if enough was measured around it. Of a burst: from its start, if requests were due before the first
    /// one, too.
    pub recovery_s: Option<f64>,
    /// Of a burst, the most requests at one time that were due and had not ended.
    pub peak: Option<f64>,
    /// Of a burst, seconds from its start until no more requests were left than at most before the first burst; infinite if
    /// that was not before the next one.
    pub drain_s: Option<f64>,
}

/// What one run came to in a stage.
struct OfRun {
    n: u64,
    rate_per_s: f64,
    error_share: f64,
    times_us: Option<[f64; 3]>,
    recovery_s: Option<f64>,
    pile: Option<bursts::Pile>,
}

/// A stage of a run's load, or a burst, as an event; none if the run has not reached it.
pub fn stage_event(facts: &RunFacts, name: &str) -> Option<Event> {
    let (start_us, end_us) = facts.stage_us(name)?;
    let steady_s = steady_from_s(facts);
    Some(match bursts::burst(facts, name) {
        Some(burst) => bursts::event(facts, burst, steady_s),
        None => Event::only(steady_s, start_us as f64 / 1e6, end_us as f64 / 1e6),
    })
}

/// The stages of an arm's runs, in order of time; those that no run has reached are left out.
pub(super) fn metrics(runs: &[Arc<MeasuredRun>]) -> Vec<StageMetrics> {
    let Some(first) = runs.first().map(|run| &run.facts) else { return Vec::new() };
    let mut names: Vec<&str> = Vec::new();
    let named = first.start.stages.iter().map(|stage| stage.name.as_str()).filter(|name| !name.is_empty());
    for name in named {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut all: Vec<StageMetrics> =
        names.into_iter().filter_map(|name| over_runs(name, first, runs)).collect();
    all.sort_by(|a, b| a.span_s.0.total_cmp(&b.span_s.0));
    all
}

fn over_runs(name: &str, first: &RunFacts, runs: &[Arc<MeasuredRun>]) -> Option<StageMetrics> {
    let of_runs: Vec<OfRun> = runs.iter().filter_map(|run| of_run(run, name)).collect();
    let (start, end) = runs.iter().find_map(|run| run.facts.stage_us(name))?;
    // The median that may be infinite.
    let usual = |of: &dyn Fn(&OfRun) -> Option<f64>| {
        type8_of(&mut of_runs.iter().filter_map(of).collect::<Vec<_>>(), 0.5)
    };
    let time = |place: usize| usual(&|run| Some(run.times_us?[place]));
    let stages = || first.start.stages.iter().filter(|stage| stage.name == name);
    let levels = || stages().flat_map(|stage| [stage.from, stage.to]);
    Some(StageMetrics {
        name: name.to_owned(),
        span_s: (start as f64 / 1e6, end as f64 / 1e6),
        level: (
            levels().fold(f64::INFINITY, f64::min),
            levels().fold(0.0, f64::max),
            stages().next().map_or(String::new(), |stage| stage.of.clone()),
        ),
        n: of_runs.iter().map(|run| run.n).sum(),
        rate_per_s: usual(&|run| Some(run.rate_per_s))?,
        error_share: usual(&|run| Some(run.error_share))?,
        times_us: time(0).zip(time(1)).zip(time(2)).map(|((p50, p95), p99)| [p50, p95, p99]),
        recovery_s: usual(&|run| run.recovery_s),
        peak: usual(&|run| Some(run.pile?.peak.into())),
        drain_s: usual(&|run| Some(run.pile?.drain_s)),
    })
}

/// Whether a lower level follows a stage: then the system can recover from it.
fn is_relieved(facts: &RunFacts, name: &str) -> bool {
    let stages = &facts.start.stages;
    let own = || stages.iter().filter(|stage| stage.name == name);
    let Some(last) = own().max_by_key(|stage| stage.end_us) else { return false };
    let peak = own().map(|stage| stage.from.max(stage.to)).fold(0.0, f64::max);
    let after = stages.iter().filter(|stage| stage.part == last.part && stage.start_us >= last.end_us);
    after.min_by_key(|stage| stage.start_us).is_some_and(|next| next.from.min(next.to) < peak)
}

fn of_run(run: &MeasuredRun, name: &str) -> Option<OfRun> {
    let (start, end) = run.facts.stage_us(name)?;
    let samples = &run.samples;
    let burst = bursts::burst(&run.facts, name).filter(|_| run.is_ordered());
    let is_wanted: Vec<bool> =
        samples.subjects.iter().map(|s| s.kind == Kind::Request && s.traffic_class != PROBE_CLASS).collect();
    let wanted = || (0..samples.subject.len()).filter(|i| is_wanted[samples.subject[*i] as usize]);
    let (mut n, mut errors, mut times) = (0_u64, 0_u64, Vec::new());
    for i in wanted().filter(|i| (start..end).contains(&samples.intended_us[*i])) {
        n += 1;
        let outcome = samples.outcome[i];
        errors += u64::from(!outcome.is_answered());
        if outcome.is_answered() {
            times.push((samples.done_us[i] - samples.intended_us[i]) as f64);
        } else if outcome.is_unanswered(Kind::Request) {
            times.push(f64::INFINITY);
        }
    }
    times.sort_by(f64::total_cmp);
    let time = |p| type8(&times, p);
    Some(OfRun {
        n,
        rate_per_s: n as f64 * 1e6 / (end - start) as f64,
        error_share: if n == 0 { 0.0 } else { errors as f64 / n as f64 },
        times_us: time(0.5).zip(time(0.95)).zip(time(0.99)).map(|((p50, p95), p99)| [p50, p95, p99]),
        recovery_s: (burst.is_some() || is_relieved(&run.facts, name))
            .then(|| recovery_s(run, wanted(), name))
            .flatten(),
        pile: burst.map(|burst| bursts::pile(run, burst, wanted(), steady_from_s(&run.facts))),
    })
}

/// Seconds from a stage's end, or a burst's start, until requests are again as before it, infinite if they never are; none if
/// too little was measured.
fn recovery_s(run: &MeasuredRun, wanted: impl Iterator<Item = usize>, name: &str) -> Option<f64> {
    let requests: Vec<Request> = wanted.map(|i| request(&run.samples, i, false)).collect();
    let event = stage_event(&run.facts, name)?;
    Some(time_to_recover_as_expected(&requests, &event).ok()?.unwrap_or(f64::INFINITY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{RunStart, StageFacts};
    use crate::sample::{Outcome, Phase, SampleColumns, Subject};

    fn stage(name: &str, start_s: i64, end_s: i64, level: f64) -> StageFacts {
        StageFacts {
            name: name.to_owned(),
            of: "users".to_owned(),
            start_us: start_s * 1_000_000,
            end_us: end_s * 1_000_000,
            from: level,
            to: level,
            ..StageFacts::default()
        }
    }

    /// A request every 100 ms, which takes so many ms.
    fn run(seconds: i64, ms: impl Fn(i64) -> i64) -> Arc<MeasuredRun> {
        let intended_us: Vec<i64> = (0..seconds * 10).map(|n| n * 100_000).collect();
        let n = intended_us.len();
        let done_us = intended_us.iter().map(|at| at + ms(at / 1_000_000) * 1_000).collect();
        let subject =
            Subject { kind: Kind::Request, traffic_class: String::new(), endpoint: "GET /".to_owned() };
        let mut outcome = vec![Outcome::Ok; n];
        outcome[n - 1] = Outcome::Dropped;
        let samples = SampleColumns {
            subjects: vec![subject],
            subject: vec![0; n],
            outcome,
            phase: vec![Phase::Steady; n],
            sent_us: intended_us.clone(),
            intended_us,
            done_us,
            ..SampleColumns::default()
        };
        let stages = vec![stage("quiet", 0, 2, 5.0), stage("", 2, 3, 5.0), stage("spike", 3, 5, 40.0)];
        let start = RunStart { stages, ..RunStart::default() };
        let facts = RunFacts { start, duration_s: seconds as f64, ..RunFacts::default() };
        Arc::new(MeasuredRun {
            facts,
            samples,
            signals: Vec::new(),
            reasons: Vec::new(),
            soft_checks: Vec::new(),
            slowest: Vec::new(),
            checksum: String::new(),
            seal: crate::run::Seal::default(),
        })
    }

    #[test]
    fn stages_are_told_by_their_own_samples_and_runs_by_their_median() {
        let slow = |spike_ms| move |s| if s < 3 { 10 } else { spike_ms };
        let all = metrics(&[run(5, slow(50)), run(5, slow(70)), run(5, slow(90))]);
        assert_eq!(all.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["quiet", "spike"]);
        let spike = &all[1];
        assert_eq!((spike.n, spike.rate_per_s, spike.error_share), (60, 10.0, 0.05));
        assert_eq!((spike.span_s, spike.level.clone()), ((3.0, 5.0), (40.0, 40.0, "users".to_owned())));
        let [p50, _, p99] = spike.times_us.unwrap();
        assert_eq!((p50, p99), (70_000.0, f64::INFINITY), "one of twenty was never sent");
        assert_eq!(all[0].times_us.unwrap()[1], 10_000.0);
    }

    #[test]
    fn recovery_is_told_of_stages_that_a_lower_level_follows() {
        let with = |after: f64, ms: fn(i64) -> i64| {
            let mut run = MeasuredRun::clone(&run(40, ms));
            run.facts.start.stages = vec![
                stage("before", 0, 15, 5.0),
                stage("spike", 15, 20, 40.0),
                stage("after", 20, 40, after),
            ];
            metrics(&[Arc::new(run)]).into_iter().map(|stage| stage.recovery_s).collect::<Vec<_>>()
        };
        let slow_until_24 = |s| if (15..24).contains(&s) { 200 } else { 10 };
        assert_eq!(with(5.0, slow_until_24), [None, Some(4.0), None]);
        assert_eq!(with(40.0, slow_until_24), [None, None, None], "the spike goes on");
        assert_eq!(with(5.0, |s| if s >= 15 { 200 } else { 10 }), [None, Some(f64::INFINITY), None]);
    }

    /// Readers with a request every 100 ms that takes 50 ms, and from 10 s on a burst of 20 every 10 s, whose requests take
    /// 0.1 s, 0.2 s, … one after another; while they do, readers wait for them.
    fn with_bursts(readers: bool, each_us: i64) -> Arc<MeasuredRun> {
        let mut run = MeasuredRun::clone(&run(40, |_| 50));
        let bursts = [10_000_000_i64, 20_000_000, 30_000_000];
        let samples = &mut run.samples;
        samples.outcome.fill(Outcome::Ok);
        for (at, done) in samples.intended_us.iter().zip(&mut samples.done_us) {
            for burst in bursts.iter().filter(|burst| (**burst..**burst + 20 * each_us).contains(at)) {
                *done = (*done).max(burst + 20 * each_us);
            }
        }
        if !readers {
            *samples = SampleColumns { subjects: samples.subjects.clone(), ..SampleColumns::default() };
        }
        for (burst, n) in bursts.iter().flat_map(|burst| (1..=20).map(move |n| (burst, n))) {
            samples.subject.push(0);
            samples.outcome.push(Outcome::Ok);
            samples.phase.push(Phase::Steady);
            samples.intended_us.push(*burst);
            samples.sent_us.push(*burst);
            samples.done_us.push(burst + n * each_us);
        }
        let burst = |n: i64| StageFacts {
            of: "at once".to_owned(),
            ..stage(&format!("burst {n}"), n * 10, n * 10 + 10, 20.0)
        };
        run.facts.start.stages = (1..=3).map(burst).collect();
        Arc::new(run)
    }

    fn of_bursts(run: Arc<MeasuredRun>) -> Vec<(Option<f64>, Option<f64>, Option<f64>)> {
        metrics(&[run]).into_iter().map(|stage| (stage.peak, stage.drain_s, stage.recovery_s)).collect()
    }

    #[test]
    fn each_burst_has_its_peak_its_drain_and_its_recovery() {
        // 20 of the burst, and a reader in the place of each that ends; after 2 s all are gone at once.
        let each = (Some(21.0), Some(2.0), Some(2.0));
        assert_eq!(of_bursts(with_bursts(true, 100_000)), [each, each, each]);
        let event = stage_event(&with_bursts(true, 100_000).facts, "burst 2").unwrap();
        assert_eq!((event.calm_until_s, event.start_s, event.end_s, event.until_s), (10.0, 20.0, 20.0, 30.0));
    }

    #[test]
    fn a_burst_that_is_not_worked_off_before_the_next_never_drained() {
        let [first, second, third] = of_bursts(with_bursts(true, 600_000))[..] else { panic!() };
        assert_eq!(
            (first.1, second.1, third.1),
            (Some(f64::INFINITY), Some(f64::INFINITY), Some(f64::INFINITY))
        );
        assert!(second.0 > first.0, "what was left of the first is still there: {first:?} {second:?}");
        assert_eq!(first.2, Some(f64::INFINITY));
    }

    #[test]
    fn without_anything_before_them_bursts_drain_and_what_recovery_is_cannot_be_told() {
        let each = (Some(20.0), Some(2.0), None);
        assert_eq!(of_bursts(with_bursts(false, 100_000)), [each, each, each]);
    }

    #[test]
    fn a_load_without_named_stages_has_none() {
        let mut plain = MeasuredRun::clone(&run(5, |_| 10));
        plain.facts.start.stages.clear();
        assert!(metrics(&[Arc::new(plain)]).is_empty());
    }
}
