//! What a run is of: its release, and what its metrics depend on besides: machine, deployment, workload.

use crate::run::RunFacts;
use crate::run::machine::{HARDWARE, SOFTWARE, is_alike};

/// Digits of a fingerprint that are compared and shown.
const DIGITS: usize = 8;

/// The release that a run is of.
pub(super) fn release(run: &RunFacts) -> String {
    let commit = || run.start.environment.get("git commit").cloned();
    run.start.label.clone().or_else(commit).unwrap_or_else(|| format!("run {}", run.id))
}

/// What keeps two runs from being compared, in words; empty if nothing does.
pub(super) fn breaks(before: &RunFacts, after: &RunFacts) -> Vec<String> {
    let fact = |run: &RunFacts, name: &str| run.start.environment.get(name).cloned().unwrap_or_default();
    let deployment = |run: &RunFacts| run.start.deployment.clone().unwrap_or_default();
    let workload =
        |run: &RunFacts| run.start.fingerprint.get(..DIGITS).unwrap_or(&run.start.fingerprint).to_owned();
    let mut pairs: Vec<(&str, String, String)> =
        HARDWARE.iter().map(|name| (*name, fact(before, name), fact(after, name))).collect();
    pairs.push(("environment", deployment(before), deployment(after)));
    pairs.push(("workload", workload(before), workload(after)));
    differences(pairs)
}

/// What was updated between two runs on a machine, in words: a reason for care, not for another stretch.
pub(super) fn updates(before: &RunFacts, after: &RunFacts) -> Vec<String> {
    let fact = |run: &RunFacts, name: &str| run.start.environment.get(name).cloned().unwrap_or_default();
    differences(SOFTWARE.iter().map(|name| (*name, fact(before, name), fact(after, name))).collect())
}

fn differences(pairs: Vec<(&str, String, String)>) -> Vec<String> {
    let differs = |(name, before, after): &(&str, String, String)| !is_alike(name, before, after);
    let text = |(name, before, after)| format!("{name}: {before} → {after}");
    pairs.into_iter().filter(differs).map(text).collect()
}
