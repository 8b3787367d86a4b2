//! How many rounds a claim that is undecided would take.

use crate::claim::{Bound, Claim, Evaluated};
use crate::stats::planning::{MOST_NEEDED, rounds_needed};

use super::conclusion::Verdict;
use super::estimate::{Estimate, Scale, estimate};
use super::side::side_of;

/// Rounds in all that would decide, at the spread seen: enough for the mean, and enough that rounds like these, again and
/// again, would decide with all that an interval allows for (how few samples lie beyond a quantile, how few of a
/// share's were seen). None if [`MOST_NEEDED`] are too few.
pub(super) fn needed(
    claim: &Claim,
    rounds: &[&Evaluated],
    estimated: &Estimate,
    last_alpha: f64,
) -> Option<usize> {
    let by_spread = needed_by_spread(claim.bound, estimated, last_alpha)?;
    let decides = |times: &usize| {
        let repeated: Vec<&Evaluated> = rounds.iter().copied().cycle().take(rounds.len() * times).collect();
        let values: Vec<f64> = repeated.iter().map(|round| round.value).collect();
        let found = estimate(&repeated, &values, claim, last_alpha, false);
        let verdict = found.verdict.unwrap_or_else(|| side_of(claim.bound, found.low, found.high));
        verdict != Verdict::Undecided
    };
    let (mut few, mut enough) = (1, MOST_NEEDED / rounds.len().max(1));
    if !decides(&enough) {
        return None;
    }
    // What so many rounds decide, more do as well.
    while enough - few > 1 {
        let middle = usize::midpoint(few, enough);
        *(if decides(&middle) { &mut enough } else { &mut few }) = middle;
    }
    Some(by_spread.max(rounds.len() * enough))
}

/// The same, at the spread of the rounds' values alone.
fn needed_by_spread(bound: Bound, estimated: &Estimate, last_alpha: f64) -> Option<usize> {
    let moments = estimated.moments.as_ref()?;
    let on_scale = |edge: f64| if estimated.scale == Scale::Log { edge.ln() } else { edge };
    let (low, high) = bound.edges();
    // The nearer edge decides.
    let edges = [low, high].into_iter().flatten().map(on_scale).filter(|e| e.is_finite());
    let nearest = edges.min_by(|a, b| (a - moments.mean).abs().total_cmp(&(b - moments.mean).abs()))?;
    rounds_needed(moments, nearest, last_alpha)
}
