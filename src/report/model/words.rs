//! Words and sentences of a report, made of the same formatted numbers as its tables.

use super::{ArmHead, Report};
use crate::report::{About, Of};
use crate::run::Arm;
use crate::sample::{Kind, PROBE_CLASS};
use crate::summary::{ArmSummary, OutcomeCounts, Summary, Warning};
use crate::unit;

/// What was found: effects first, then how the backlog emptied, then what went wrong.
pub(super) fn finding(of_effects: Vec<String>, report: &Report, arms: &[&ArmSummary]) -> Vec<String> {
    let mut sentences = of_effects;
    sentences.extend(Some(report.superiority.clone()).filter(|sentence| !sentence.is_empty()));
    sentences.extend(report.drains.iter().map(|drain| match arms.len() {
        1 => format!("The backlog {}.", drain.text),
        _ => format!("{}: the backlog {}.", drain.arm, drain.text),
    }));
    sentences.extend(arms.iter().zip(&report.arms).map(|(arm, head)| outcomes(arm, &head.name)));
    sentences
}

/// The arms in which not all went as expected, a sentence each.
pub(super) fn failing(arms: &[&ArmSummary], heads: &[ArmHead]) -> Vec<String> {
    let is_failing =
        |arm: &ArmSummary| [Kind::Request, Kind::Effect].iter().any(|kind| wrong(arm, *kind).1 > 0);
    let arms = arms.iter().zip(heads).filter(|(arm, _)| is_failing(arm));
    arms.map(|(arm, head)| outcomes(arm, &head.name)).collect()
}

/// The users' samples of a kind, and how many of them did not end as expected.
fn wrong(arm: &ArmSummary, kind: Kind) -> (u64, u64) {
    let counts = counts(arm, kind);
    (counts.total(), counts.failed + counts.error + counts.dropped)
}

/// How the users' samples of a kind ended. loadproof's own questions are not among them.
fn counts(arm: &ArmSummary, kind: Kind) -> OutcomeCounts {
    let mut counts = OutcomeCounts::default();
    let of_users = |s: &&Summary| s.subject.kind == kind && s.subject.traffic_class != PROBE_CLASS;
    arm.summaries.iter().filter(of_users).for_each(|s| counts.merge(&s.counts));
    counts
}

/// Whether the users' requests went as expected, and their effects were seen, in one arm.
fn outcomes(arm: &ArmSummary, name: &str) -> String {
    let (effects, unseen) = wrong(arm, Kind::Effect);
    let of_effects = match unseen {
        0 => String::new(),
        unseen => {
            format!(" {} of {} effects never became visible.", unit::count(unseen), unit::count(effects))
        }
    };
    let (total, wrong) = wrong(arm, Kind::Request);
    let rejected = counts(arm, Kind::Request).rejected;
    let of_requests = match wrong {
        _ if total == 0 => format!("{name}: no request was made."),
        0 if rejected > 0 => format!(
            "{name}: {} of {} requests were rejected ({}), the others answered as expected.",
            unit::count(rejected),
            unit::count(total),
            unit::share(rejected as f64 / total as f64)
        ),
        0 => format!("{name}: all {} requests were answered as expected.", unit::count(total)),
        wrong => format!(
            "{name}: {} of {} requests failed, were not answered or were dropped.",
            unit::count(wrong),
            unit::count(total)
        ),
    };
    of_requests + &of_effects
}

pub(super) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |c| c.to_uppercase().collect::<String>() + chars.as_str())
}

/// What a warning says, and what to do about it.
pub(super) fn warning(warning: &Warning) -> String {
    match warning {
        Warning::WorkloadDiffers { baseline, treatment } => format!(
            "The arms did different work (fingerprints {} and {}): their metrics are not comparable. Run the same \
             scenario and load in both.",
            short(baseline),
            short(treatment)
        ),
        Warning::SeedsDiffer => {
            "The arms' seeds differ, so their users drew different requests: give both the same \
                                 --seed."
                .to_owned()
        }
        Warning::RunIncomplete { run, state } => {
            format!("Run {run} is {state}: its metrics cover only the time up to then.")
        }
        Warning::NotDrained { run } => format!(
            "The backlog of run {run} did not drain within its deadline: increase `within` of `[drain]`."
        ),
        Warning::DrainUnknown { runs, reason } => {
            let names: Vec<String> = runs.iter().map(i64::to_string).collect();
            let plural = if runs.len() == 1 { "" } else { "s" };
            format!("It is unknown whether the backlog of run{plural} {} drained: {reason}.", names.join(", "))
        }
        Warning::SinglePair => {
            "A single pair of runs only indicates: the difference may be run-to-run noise. Run an experiment of at least \
             5 rounds."
                .to_owned()
        }
        Warning::Dropped { arm, count } => format!(
            "{} requests of the {} were not sent: the requested load was not reached.",
            unit::count(*count),
            arm.word()
        ),
        Warning::ProbesDiffer { baseline, treatment } => format!(
            "Polling for effects made up {} of all requests in the baseline and {} in the treatment. That alone can change \
             response times: poll less often with `every` or `precision`.",
            unit::share(*baseline),
            unit::share(*treatment)
        ),
        Warning::OneArmOnly { subject } => format!("{subject} was called in one arm only."),
    }
}

/// The first digits of a fingerprint.
pub(super) fn short(fingerprint: &str) -> String {
    fingerprint.chars().take(12).collect()
}

/// The commands that make the same again: each once, with the seeds that were drawn. Runs that were put side by side
/// by hand need that command, too.
pub(super) fn reproduce(arms: &[&ArmSummary], about: &About) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for run in arms.iter().flat_map(|arm| &arm.runs) {
        let mut command = run.start.command.clone();
        if run.start.experiment.is_none() && run.imported().is_none() && !command.contains("--seed") {
            command.push_str(&format!(" --seed {}", run.start.seed));
        }
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    let is_by_hand = matches!(about.of, Of::Runs { .. } | Of::Saved { .. }) || about.claims.is_some();
    if is_by_hand && !commands.contains(&about.command) {
        commands.push(about.command.clone());
    }
    commands
}

/// `baseline`, `treatment`.
pub(super) fn role(arm: Arm, is_comparison: bool) -> &'static str {
    if is_comparison { arm.word() } else { "run" }
}

/// The unit in which a signal is shown, and what its values are divided by for it.
pub(super) fn shown_unit(unit: &str) -> (&str, f64) {
    if unit == "bytes" { ("MiB", 1024.0 * 1024.0) } else { (unit, 1.0) }
}
