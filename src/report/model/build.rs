//! From a comparison, or one arm's summary, to a report.

use super::charts;
use super::explained::explained;
use super::judged::judged;
use super::races::races;
use super::words;
use super::{
    ArmHead, Counts, DrainRow, EnvironmentRow, FailureRow, HookRow, QuantileCell, Report, RunRow,
    SignalCells, SignalRow, SlowRow, SubjectRow, SubjectSection,
};
use crate::report::About;
use crate::run::{FailureReason, RunFacts, SlowSample};
use crate::sample::{Kind, Subject, status_text};
use crate::summary::{
    ArmSummary, Comparison, Distribution, Evidence, QUANTILES, SignalMetrics, SubjectComparison, Summary,
};
use crate::trace::Origin;
use crate::unit::{self, TimeScale};
use crate::verdict::Judgement;

/// Stands where no selftest was made.
const NOT_QUALIFIED: &str = "No selftest was made on this machine; `loadproof selftest` makes one.";
/// Stands where there is no value.
const NO_VALUE: &str = "n/a";

/// The report of a comparison.
pub fn comparison(comparison: &Comparison, judgement: &Judgement, about: About) -> Report {
    let arms = [&comparison.baseline, &comparison.treatment];
    let mut report = base("comparison", &arms, judgement, about);
    report.warnings = comparison.warnings.iter().map(words::warning).collect();
    let rows: Vec<Compared<'_>> = comparison.subjects.iter().map(Compared::of_both).collect();
    report.sections = sections(&rows);
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
    report.finding = words::finding(&report, &arms);
    report
}

/// The report of a single run.
pub fn run(summary: &ArmSummary, judgement: &Judgement, about: About) -> Report {
    let mut report = base("run", &[summary], judgement, about);
    let rows: Vec<Compared<'_>> = summary.summaries.iter().map(Compared::of_one).collect();
    report.sections = sections(&rows);
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
    report.finding = words::finding(&report, &[summary]);
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
    Report {
        kind,
        title: first.start.scenario.clone(),
        page_title: page_title(judgement, &format!("{}: {}", first.start.scenario, names.join(" against "))),
        subtitle: subtitle(arms),
        judged: judged(judgement),
        finding: Vec::new(),
        warnings: Vec::new(),
        explained: Vec::new(),
        sections: Vec::new(),
        percentile_charts: charts::percentiles(arms, &names),
        timeline: charts::timeline(arms, &names),
        signals: Vec::new(),
        drains: drains(arms, &names),
        races: arms.iter().zip(&names).flat_map(|(arm, name)| races(arm, name)).collect(),
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
    match judgement.overall() {
        Some(verdict) => {
            let of_verdict = || judgement.claims.iter().filter(|c| c.verdict == verdict);
            let word = of_verdict().find(|c| c.claim.gates).map_or(verdict.word(), |c| c.word);
            let n = judgement.claims.iter().filter(|c| c.word == word).count();
            format!("{}{} {n} of {} · {name}", word[..1].to_uppercase(), &word[1..], judgement.claims.len())
        }
        None => name.to_owned(),
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
    let runs = if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") };
    format!(
        "load {}: {} · {runs} · {} samples",
        first.start.load,
        first.start.load_text,
        unit::count(samples)
    )
}

/// A subject with its summaries by arm and what changed between them.
struct Compared<'a> {
    subject: &'a Subject,
    arms: Vec<Option<&'a Summary>>,
    rate_ratio: Option<f64>,
    response_ratios: Option<[f64; QUANTILES.len()]>,
    service_ratios: Option<[f64; QUANTILES.len()]>,
}

impl<'a> Compared<'a> {
    fn of_both(both: &'a SubjectComparison) -> Self {
        Self {
            subject: &both.subject,
            arms: vec![both.baseline.as_ref(), both.treatment.as_ref()],
            rate_ratio: both.rate_ratio,
            response_ratios: both.response_ratios,
            service_ratios: both.service_ratios,
        }
    }

    fn of_one(summary: &'a Summary) -> Self {
        Self {
            subject: &summary.subject,
            arms: vec![Some(summary)],
            rate_ratio: None,
            response_ratios: None,
            service_ratios: None,
        }
    }

    fn distributions(&self, of: fn(&Summary) -> Option<Distribution>) -> Vec<Option<Distribution>> {
        self.arms.iter().map(|arm| arm.and_then(of)).collect()
    }
}

fn sections(rows: &[Compared<'_>]) -> Vec<SubjectSection> {
    let of_kind = |kind| rows.iter().filter(move |r| r.subject.kind == kind).collect::<Vec<_>>();
    let effects = section(
        "effects",
        "Effects",
        "From a request's answer to its effect being visible. Effects that were given up count as failed, not as \
         latencies. A * marks a quantile with fewer than ten samples beyond it.",
        &of_kind(Kind::Effect),
    );
    let requests = section(
        "requests",
        "Requests",
        "Response time counts from the intended start, service time from the actual sending; both of answered \
         requests. Class probe holds the questions asked for effects. A * marks a quantile with fewer than ten \
         samples beyond it.",
        &of_kind(Kind::Request),
    );
    [effects, requests].into_iter().filter(|s| !s.rows.is_empty()).collect()
}

fn section(
    id: &'static str,
    heading: &'static str,
    note: &'static str,
    rows: &[&Compared<'_>],
) -> SubjectSection {
    let medians = rows.iter().flat_map(|r| r.distributions(|s| s.response)).flatten();
    let scale = TimeScale::of_column(medians.map(|d| d.quantiles_us[2]));
    let mut rows: Vec<SubjectRow> = rows.iter().map(|row| subject_row(row, scale)).collect();
    leave_out_empty_quantiles(&mut rows);
    SubjectSection {
        id,
        heading,
        note,
        unit: scale.symbol(),
        quantile_names: rows
            .first()
            .map_or(Vec::new(), |r| r.response.iter().map(|c| c.name.clone()).collect()),
        has_service: id == "requests",
        rows,
    }
}

/// Leaves out the quantiles that too few samples carry in all rows.
fn leave_out_empty_quantiles(rows: &mut [SubjectRow]) {
    let has_value = |name: &str| {
        let cells = rows.iter().flat_map(|row| &row.response).filter(|cell| cell.name == name);
        cells.flat_map(|cell| &cell.values).any(|value| value != NO_VALUE)
    };
    let kept: Vec<String> = QUANTILES.map(quantile_name).into_iter().filter(|name| has_value(name)).collect();
    for row in rows {
        row.response.retain(|cell| kept.contains(&cell.name));
        row.service.retain(|cell| kept.contains(&cell.name));
    }
}

/// `p99.9` for 0.999.
fn quantile_name(p: f64) -> String {
    format!("p{}", (p * 1000.0).round() / 10.0)
}

fn subject_row(row: &Compared<'_>, scale: TimeScale) -> SubjectRow {
    let is_request = row.subject.kind == Kind::Request;
    let response = quantiles(&row.distributions(|s| s.response), row.response_ratios, scale);
    let service = quantiles(&row.distributions(|s| s.service), row.service_ratios, scale);
    SubjectRow {
        name: row.subject.endpoint.clone(),
        traffic_class: row.subject.traffic_class.clone(),
        arms: row.arms.iter().map(|arm| arm.map(counts)).collect(),
        rate_change: if row.arms.len() < 2 {
            String::new()
        } else {
            row.rate_ratio.map_or(NO_VALUE.to_owned(), unit::change)
        },
        response,
        service: if is_request { service } else { Vec::new() },
        service_differs: is_request && row.arms.iter().flatten().any(|arm| waits_show(arm)),
    }
}

/// Whether waiting to be sent makes up half of any quantile of the response time.
fn waits_show(summary: &Summary) -> bool {
    let both = summary.response.zip(summary.service);
    both.is_some_and(|(response, service)| {
        response.quantiles_us.iter().zip(service.quantiles_us).any(|(r, s)| *r > 2.0 * s)
    })
}

fn counts(summary: &Summary) -> Counts {
    let counts = &summary.counts;
    let statuses: Vec<String> = summary
        .statuses
        .iter()
        .map(|(status, n)| match status {
            0 => format!("none × {}", unit::count(*n)),
            status => format!("{} × {}", status_text(*status), unit::count(*n)),
        })
        .collect();
    Counts {
        total: unit::count(counts.total()),
        ok: unit::count(counts.ok),
        rejected: unit::count(counts.rejected),
        failed: unit::count(counts.failed),
        error: unit::count(counts.error),
        dropped: unit::count(counts.dropped),
        rate: unit::significant(summary.rate_per_s),
        statuses: statuses.join(", "),
    }
}

/// Quantiles in all arms; one that no sample carries is `n/a`, and so is its change.
fn quantiles(
    arms: &[Option<Distribution>],
    ratios: Option<[f64; QUANTILES.len()]>,
    scale: TimeScale,
) -> Vec<QuantileCell> {
    QUANTILES
        .iter()
        .enumerate()
        .map(|(i, p)| {
            let values: Vec<Evidence> =
                arms.iter().map(|arm| arm.map_or(Evidence::None, |d| d.quantile(i))).collect();
            let ratio = ratios.map(|r| r[i]).filter(|_| values.iter().all(|v| v.value().is_some()));
            let compared = |text: fn(f64) -> String| match arms.len() {
                1 => String::new(),
                _ => ratio.map_or(NO_VALUE.to_owned(), text),
            };
            QuantileCell {
                name: quantile_name(*p),
                change: compared(unit::change),
                ratio: compared(unit::ratio),
                times: values.iter().map(|v| quantile_text(*v, unit::time)).collect(),
                values: values.into_iter().map(|v| quantile_text(v, |us| scale.text(us))).collect(),
            }
        })
        .collect()
}

/// `135`, `135*` where few samples carry it, `n/a` where none does.
fn quantile_text(quantile: Evidence, text: impl Fn(f64) -> String) -> String {
    match quantile {
        Evidence::Firm(us) => text(us),
        Evidence::Thin(us) => format!("{}*", text(us)),
        Evidence::None => NO_VALUE.to_owned(),
    }
}

/// A total shows its increase over the run; its level means nothing.
fn signal_row(name: &str, unit: &str, is_counter: bool, arms: &[Option<SignalMetrics>]) -> SignalRow {
    let (shown_unit, divisor) = words::shown_unit(unit);
    let text = |value: f64| unit::significant(value / divisor);
    SignalRow {
        name: name.to_owned(),
        unit: shown_unit.to_owned(),
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

fn drains(arms: &[&ArmSummary], names: &[&str]) -> Vec<DrainRow> {
    let has_drain = |arm: &&ArmSummary| {
        arm.runs.iter().any(|r| r.end.phases.iter().any(|p| p.name == crate::sample::Phase::Drain.word()))
    };
    if !arms.iter().any(has_drain) {
        return Vec::new();
    }
    let time = |s: &Option<f64>| s.map_or("not in time".to_owned(), unit::span);
    arms.iter()
        .zip(names)
        .map(|(arm, name)| DrainRow {
            arm: (*name).to_owned(),
            times: arm.drain_s.iter().map(time).collect::<Vec<_>>().join(", "),
        })
        .collect()
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
