//! What intervals over rounds do not allow for, in sentences: it is said where it is visible.

use super::ModesChart;
use crate::sample::Kind;
use crate::summary::{ArmSummary, Histogram, RareOutage, RoundGroups, Superiority};
use crate::unit;
use crate::verdict::{Decided, Judgement};

/// An event rarer than once in so many times what was measured may well have been missed: of one at that rate the
/// chance to be seen at all is less than a third.
const UNSEEN: f64 = 3.0;

/// The sentences, those about claims first.
pub(super) fn doubts(arms: &[&ArmSummary], names: &[&str], judgement: &Judgement) -> Vec<String> {
    let wandering = (1..).zip(&judgement.claims).filter_map(|(number, decided)| wanders(number, decided));
    let of_arms = arms.iter().zip(names).flat_map(|(arm, name)| {
        let groups = arm.round_groups.iter().map(move |groups| in_groups(groups, name));
        let outage = arm.rare_outage.iter().map(move |outage| rare(outage, name));
        let modes = arm
            .modes
            .iter()
            .map(move |histogram| format!("{}: {}", title(histogram, name), modes_text(histogram)));
        groups.chain(outage).chain(modes)
    });
    wandering.chain(of_arms).collect()
}

fn wanders(number: usize, decided: &Decided) -> Option<String> {
    let correlation = decided.wanders?;
    Some(format!(
        "{} ({}): successive rounds resemble each other (lag-1 correlation {} over {} rounds). Something wanders over the \
         rounds, and the interval is narrower than it should be.",
        decided.id(number),
        decided.claim.title,
        unit::significant(correlation),
        decided.values.len()
    ))
}

fn in_groups(groups: &RoundGroups, arm: &str) -> String {
    let rounds = |n: usize| if n == 1 { "1 round".to_owned() } else { format!("{n} rounds") };
    format!(
        "{arm}: the rounds have two modes. p{} of {} is near {} in {} and near {} in {}, with nothing between: a mean over \
         them describes neither.",
        unit::plain(groups.p * 100.0),
        groups.name,
        unit::time(groups.fast_us),
        rounds(groups.fast),
        unit::time(groups.slow_us),
        rounds(groups.slow)
    )
}

fn rare(outage: &RareOutage, arm: &str) -> String {
    format!(
        "{arm}: {} of {} rounds holds an outage (run {}: {} of {} requests within {}; {} in the other rounds). Whether so rare \
         an event is seen is chance: {} of load say nothing of events rarer than about one in {}.",
        outage.with,
        outage.rounds,
        outage.run,
        unit::count(outage.failed),
        unit::count(outage.requests),
        unit::span(outage.within_s.max(0.1)),
        unit::share(outage.elsewhere),
        unit::span(outage.measured_s.round()),
        unit::span((UNSEEN * outage.measured_s).round())
    )
}

/// `GET /orders, cache-on`
fn title(histogram: &Histogram, arm: &str) -> String {
    let what = if histogram.subject.kind == Kind::Effect { "effect latency" } else { "response time" };
    format!("{}, {arm}: {what}", histogram.subject.title())
}

/// `two modes: 71 % near 12.0 ms, 29 % near 84.0 ms, in 5 of 5 runs.`
fn modes_text(histogram: &Histogram) -> String {
    let mode = |mode: &crate::summary::HistogramMode| {
        format!("{} % near {}", unit::plain((mode.share * 100.0).round()), unit::time(mode.at_us))
    };
    let modes: Vec<String> = histogram.modes.iter().map(mode).collect();
    let number = match modes.len() {
        2 => "two".to_owned(),
        3 => "three".to_owned(),
        n => n.to_string(),
    };
    let runs = match histogram.runs {
        1 => String::new(),
        n => format!(", in {} of {n} runs", histogram.runs_with),
    };
    format!(
        "{number} modes ({}{runs}). Their shares decide where a quantile lies; find out what tells these requests apart.",
        modes.join(", ")
    )
}

/// The histograms of times with several modes.
pub(super) fn modes(arms: &[&ArmSummary], names: &[&str]) -> Vec<ModesChart> {
    // A single arm is drawn as a treatment is: in colour.
    let first = usize::from(arms.len() == 1);
    let all = arms.iter().zip(names).enumerate();
    let all = all.flat_map(|(arm, (summary, name))| summary.modes.iter().map(move |h| (arm, *name, h)));
    let mut charts: Vec<ModesChart> = all.map(|(arm, name, h)| chart(arm + first, name, h)).collect();
    charts.sort_by(|a, b| (&a.title, a.arm).cmp(&(&b.title, b.arm)));
    for (place, chart) in charts.iter_mut().enumerate() {
        chart.id = format!("modes-{place}");
    }
    charts
}

fn chart(arm: usize, name: &str, histogram: &Histogram) -> ModesChart {
    let range = (histogram.high_us / histogram.low_us).ln();
    let mark = |mode: &crate::summary::HistogramMode| {
        ((mode.at_us / histogram.low_us).ln() / range, unit::time(mode.at_us))
    };
    ModesChart {
        id: String::new(),
        title: title(histogram, name),
        finding: super::words::capitalised(&modes_text(histogram)),
        arm,
        shares: histogram.shares.clone(),
        marks: histogram.modes.iter().map(mark).collect(),
        ends: [unit::time(histogram.low_us), unit::time(histogram.high_us)],
    }
}

/// `A request of the treatment is faster than one of the baseline in 87 % [84 %, 90 %] of pairs.`
pub(super) fn superiority(superiority: &Superiority) -> String {
    let share = |share: f64| unit::share((share * 1000.0).round() / 1000.0);
    let interval = superiority
        .interval
        .map_or(String::new(), |interval| format!(" [{}, {}]", share(interval.low), share(interval.high)));
    format!(
        "A request of the treatment is faster than one of the baseline in {}{interval} of pairs within a round.",
        share(superiority.share)
    )
}
