//! From a comparison, or one arm's summary, to a report.

use super::charts;
use super::doubts;
use super::endpoints::{Compared, effect_sentences, sections};
use super::explained::explained;
use super::faults::faults;
use super::headline::{self, headline};
use super::judged::judged;
use super::races::races;
use super::stages::stages;
use super::words;
use super::{
    ArmHead, DrainRow, EnvironmentRow, FailureRow, HookRow, Report, RunRow, SignalCells, SignalRow, SlowRow,
};
use crate::report::About;
use crate::run::{FailureReason, RunFacts, SlowSample};
use crate::sample::{Kind, Phase, Subject, status_text};
use crate::stats::quantile::median;
use crate::summary::{ArmSummary, Comparison, SignalMetrics};
use crate::trace::Origin;
use crate::unit;
use crate::verdict::Judgement;

/// Stands where no selftest was made.
const NOT_QUALIFIED: &str = "No selftest on this machine yet: run `loadproof selftest`.";

/// The report of a comparison.
pub fn comparison(comparison: &Comparison, judgement: &Judgement, about: About) -> Report {
    let arms = [&comparison.baseline, &comparison.treatment];
    let mut report = base("comparison", &arms, judgement, about);
    report.warnings = comparison.warnings.iter().map(words::warning).collect();
    let rows = Compared::of_both(comparison);
    report.sections = sections(&rows, &Compared::tags_of_both(comparison));
    report.signals = comparison
        .signals
        .iter()
        .map(|s| signal_row(&s.name, &s.unit, s.is_counter, &[s.baseline, s.treatment]))
        .collect();
    report.environment = comparison
        .environment
        .iter()
        .map(|fact| EnvironmentRow {
            name: fact.name.clone(),
            values: vec![fact.baseline.clone(), fact.treatment.clone()],
            differs: fact.differs(),
            is_of_system: fact.is_of_system(),
        })
        .collect();
    let names = [report.arms[0].name.clone(), report.arms[1].name.clone()];
    charts::add_shifts(&mut report.percentile_charts, &comparison.shifts);
    report.explained = explained(&comparison.explanations, names.each_ref().map(String::as_str));
    report.superiority = comparison.superiority.as_ref().map_or(String::new(), doubts::superiority);
    report.finding = words::finding(effect_sentences(&rows), &report, &arms);
    report
}

/// The report of a single run.
pub fn run(summary: &ArmSummary, judgement: &Judgement, about: About) -> Report {
    let mut report = base("run", &[summary], judgement, about);
    let rows = Compared::of_one(summary);
    report.sections = sections(&rows, &Compared::tags_of_one(summary));
    // Metrics of a run that cannot be trusted are not printed large.
    if report.headline.validity.grade != "INVALID" {
        report.headline.tiles = headline::tiles(&report.sections);
    }
    report.signals = summary
        .signals
        .iter()
        .map(|s| signal_row(&s.series.name, &s.unit, s.is_counter, &[SignalMetrics::of(&s.series)]))
        .collect();
    let environment = summary.runs.iter().flat_map(|r| &r.start.environment);
    report.environment = environment
        .map(|(name, value)| EnvironmentRow {
            name: name.clone(),
            values: vec![value.clone()],
            differs: false,
            is_of_system: false,
        })
        .collect();
    report.finding = words::finding(effect_sentences(&rows), &report, &[summary]);
    report
}

/// What both kinds have in common.
fn base(kind: &'static str, arms: &[&ArmSummary], judgement: &Judgement, about: About) -> Report {
    let first = &arms[0].runs[0];
    let heads: Vec<ArmHead> = arms
        .iter()
        .map(|arm| ArmHead { role: words::role(arm.arm, arms.len() > 1), name: arm_name(arm) })
        .collect();
    let names: Vec<&str> = heads.iter().map(|h| h.name.as_str()).collect();
    let judged = judged(judgement, about.claims.as_ref());
    Report {
        kind,
        title: first.start.scenario.clone(),
        page_title: page_title(judgement, &format!("{}: {}", first.start.scenario, names.join(" against "))),
        subtitle: subtitle(arms),
        headline: headline(arms, &heads, judgement, &judged),
        judged,
        finding: Vec::new(),
        failing: words::failing(arms, &heads),
        warnings: Vec::new(),
        doubts: doubts::doubts(arms, &names, judgement),
        superiority: String::new(),
        modes: doubts::modes(arms, &names),
        explained: Vec::new(),
        sections: Vec::new(),
        percentile_charts: charts::percentiles(arms, &names),
        timeline: charts::timeline(arms, &names),
        signals: Vec::new(),
        drains: arms.iter().zip(&names).filter_map(|(arm, name)| drain(arm, name)).collect(),
        races: arms.iter().zip(&names).flat_map(|(arm, name)| races(arm, name)).collect(),
        stages: arms.iter().zip(&names).flat_map(|(arm, name)| stages(arm, name)).collect(),
        faults: arms.iter().zip(&names).flat_map(|(arm, name)| faults(arm, name)).collect(),
        grid: None,
        failures: arms.iter().zip(&names).flat_map(|(arm, name)| failure_rows(arm, name)).collect(),
        slowest: arms.iter().zip(&names).flat_map(|(arm, name)| slow_rows(arm, name)).collect(),
        hooks: arms.iter().flat_map(|arm| &arm.runs).flat_map(hook_rows).collect(),
        environment: Vec::new(),
        runs: arms.iter().flat_map(|arm| arm.runs.iter().zip(&arm.checksums)).map(run_row).collect(),
        qualification: about.qualification.clone().unwrap_or_else(|| NOT_QUALIFIED.to_owned()),
        reproduce: words::reproduce(arms, &about),
        about,
        arms: heads,
    }
}

/// The verdict stands first: it is what shows in a tab, a bookmark, a subject line.
fn page_title(judgement: &Judgement, name: &str) -> String {
    match headline::overall(judgement) {
        (_, "none", _) => name.to_owned(),
        (word, _, count) => {
            let count = count.split(' ').take(3).collect::<Vec<_>>().join(" ");
            format!("{} · {name}", format!("{} {count}", words::capitalised(word)).trim())
        }
    }
}

/// The profile, and the label if all runs have the same.
fn arm_name(arm: &ArmSummary) -> String {
    let first = &arm.runs[0];
    match &first.start.label {
        Some(label) if arm.runs.iter().all(|r| r.start.label.as_ref() == Some(label)) => {
            format!("{} ({label})", first.start.profile)
        }
        _ => first.start.profile.clone(),
    }
}

fn subtitle(arms: &[&ArmSummary]) -> String {
    let first = &arms[0].runs[0];
    let runs: usize = arms.iter().map(|a| a.runs.len()).sum();
    let samples: u64 = arms.iter().flat_map(|a| &a.runs).map(|r| r.samples).sum();
    let runs = unit::counted(runs as u64, "run");
    format!(
        "load {}: {} · {runs} · {}",
        first.start.load,
        first.start.load_text,
        unit::counted(samples, "sample")
    )
}

/// A counter shows its increase over the run; its level means nothing.
fn signal_row(name: &str, unit: &str, is_counter: bool, arms: &[Option<SignalMetrics>]) -> SignalRow {
    let (shown_unit, divisor) = words::shown_unit(unit);
    let text = |value: f64| unit::significant(value / divisor);
    SignalRow {
        name: name.to_owned(),
        unit: shown_unit.to_owned(),
        is_of_generator: charts::is_of_generator(name),
        arms: arms
            .iter()
            .map(|metrics| {
                metrics.map(|f| SignalCells {
                    min: if is_counter { String::new() } else { text(f.min) },
                    mean: if is_counter { String::new() } else { text(f.mean) },
                    max: if is_counter { String::new() } else { text(f.max) },
                    last: if is_counter { format!("+{}", text(f.increase)) } else { text(f.last) },
                })
            })
            .collect(),
    }
}

/// How an arm's backlog drained, run by run; none without a drain.
fn drain(arm: &ArmSummary, name: &str) -> Option<DrainRow> {
    let phases = || arm.runs.iter().flat_map(|run| &run.end.phases).filter(|p| p.name == Phase::Drain.word());
    let longest_us = phases().map(|drain| drain.end_us - drain.start_us).max()?;
    let unknown: Vec<&str> = phases().map(|p| p.unknown.as_str()).filter(|why| !why.is_empty()).collect();
    let times: Vec<f64> = arm.drain_s.iter().flatten().map(|s| s * 1e6).collect();
    let (low, high) = times.iter().fold((f64::INFINITY, 0.0_f64), |(l, h), us| (l.min(*us), h.max(*us)));
    let shown = match &times[..] {
        [only] => unit::time(*only),
        several => format!(
            "{} (median; {} to {})",
            unit::time(median(several).unwrap_or(f64::NAN)),
            unit::time(low),
            unit::time(high)
        ),
    };
    let missed = phases().filter(|drain| !drain.complete && drain.unknown.is_empty()).count();
    let deadline = unit::span(longest_us as f64 / 1e6);
    let drained = match (times.len(), missed) {
        (0, 0) => String::new(),
        (0, _) => format!("did not drain within {deadline} of the load's end"),
        (_, 0) => format!("drained within {shown} of the load's end"),
        (_, n) => format!("drained within {shown} of the load's end, but in {n} runs not within {deadline}"),
    };
    let text = match (&drained[..], unknown.first()) {
        (_, None) => drained,
        ("", Some(why)) => format!("was not watched to the end: {why}"),
        (_, Some(why)) => format!("{drained}; in {} runs it is not known: {why}", unknown.len()),
    };
    Some(DrainRow { arm: name.to_owned(), text })
}

fn slow_rows(arm: &ArmSummary, name: &str) -> Vec<SlowRow> {
    let row = |sample: &SlowSample| {
        let facts = arm.runs.iter().find(|run| run.id == sample.run)?;
        let origin = Origin {
            run_unix_us: facts.start.started_unix_us,
            journey: sample.journey,
            intended_us: sample.intended_us,
        };
        let trace_id = facts.start.trace_url.as_ref().map_or(String::new(), |_| origin.trace_id());
        let trace_url =
            facts.start.trace_url.as_ref().map_or(String::new(), |url| url.replace("{trace_id}", &trace_id));
        let subject = Subject {
            kind: Kind::Request,
            traffic_class: sample.traffic_class.clone(),
            endpoint: sample.endpoint.clone(),
        };
        Some(SlowRow {
            arm: name.to_owned(),
            run: sample.run.to_string(),
            name: subject.title(),
            response: unit::time(sample.response_us as f64),
            service: unit::time(sample.service_us as f64),
            ended: match sample.status {
                0 => sample.outcome.clone(),
                status => format!("{}, {}", sample.outcome, status_text(status)),
            },
            at: unit::clock(sample.intended_us as f64 / 1e6),
            trace_id,
            trace_url,
        })
    };
    arm.slowest.iter().filter_map(row).collect()
}

fn failure_rows(arm: &ArmSummary, name: &str) -> Vec<FailureRow> {
    let row = |reason: &FailureReason| FailureRow {
        arm: name.to_owned(),
        outcome: reason.outcome.clone(),
        endpoint: reason.endpoint.clone(),
        reason: reason.reason.clone(),
        count: unit::count(reason.count),
        first: unit::clock(reason.first_us as f64 / 1e6),
        last: unit::clock(reason.last_us as f64 / 1e6),
        sample: reason.first.to_string(),
        exchange: reason.exchange.clone().unwrap_or_default(),
    };
    arm.reasons.iter().map(row).collect()
}

fn hook_rows(run: &RunFacts) -> Vec<HookRow> {
    run.end
        .hooks
        .iter()
        .map(|hook| HookRow {
            run: run.id.to_string(),
            name: hook.name.clone(),
            moment: hook.moment.clone(),
            command: hook.command.clone(),
            start: unit::time(hook.start_us as f64),
            duration: unit::time((hook.end_us - hook.start_us) as f64),
            ended: match hook.exit_code {
                Some(code) => format!("exit code {code}"),
                None => hook.note.clone(),
            },
        })
        .collect()
}

fn run_row((run, checksum): (&RunFacts, &String)) -> RunRow {
    RunRow {
        id: run.id.to_string(),
        arm: run.start.arm.map_or("", |a| a.word()).to_owned(),
        round: run.start.round.map_or(String::new(), |r| r.to_string()),
        profile: run.start.profile.clone(),
        state: run.end.state.word().to_owned(),
        started_at: run.start.started_at.trim_end_matches('Z').replace('T', " "),
        duration: unit::span(run.duration_s),
        seed: run.start.seed.to_string(),
        samples: unit::count(run.samples),
        fingerprint: words::short(&run.start.fingerprint),
        checksum: words::short(checksum),
    }
}
