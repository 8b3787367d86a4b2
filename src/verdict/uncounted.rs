//! Whether a share or a count leaves out what was never begun.
//!
//! Of buyers who could not log in, none failed to buy: a share of those who came so far says nothing of the rest.

use super::evidence::{Reading, RoundRuns};
use super::rounds::Round;
use super::survivors::{Survivors, TOLERATED};
use crate::claim::{Bound, Claim, Form, LookUp, Side, Statistic};
use crate::unit;

/// Why a claim about shares or counts may not be decided, if so. `treatment`: its profile, for a claim of rounds.
pub(super) fn look(claim: &Claim, rounds: &[Round], treatment: Option<&str>) -> Option<Survivors> {
    let statistics = claim.value.statistics().ok()?;
    let matters = |(_, statistic): &&(Side, Statistic)| match statistic {
        Statistic::Share(_) | Statistic::CheckShare(_) => true,
        // Of what there are enough there may be more.
        Statistic::Count(_) => !matches!(claim.bound, Bound::AtLeast(_)),
        _ => false,
    };
    let counting = || statistics.iter().filter(matters);
    if claim.select.outcome.is_some() || counting().next().is_none() {
        return None;
    }
    let views: Vec<RoundRuns> =
        rounds.iter().filter_map(|round| round.view(claim, treatment, Reading::Measured).ok()).collect();
    let missing = views.iter().flat_map(|view| {
        counting().filter_map(move |(side, statistic)| {
            let run = view.run_of(*side)?;
            let unbegun = view.unbegun(run, Some(statistic));
            let n = unbegun + view.look_up(*side, statistic).ok()?.n;
            (unbegun > 0).then(|| (unbegun as f64 / n as f64, unbegun, n, *side, statistic, run.facts.id))
        })
    });
    let (share, unbegun, n, side, statistic, run) = missing.max_by(|a, b| a.0.total_cmp(&b.0))?;
    if share <= claim.tolerates.unwrap_or_else(|| slack(claim)) + 1e-9 {
        return None;
    }
    let reason = format!(
        "{} of {} samples that `{}.{statistic}` is about never began in run {run} ({}), because a step before them had \
         failed: what they would have come to is not known (`tolerates` says that this is meant)",
        unit::count(unbegun),
        unit::count(n),
        side.word(),
        unit::share(share),
    );
    // What the others refute is refuted.
    Some(Survivors { reason, is_counted: true })
}

/// Which share may be missing, so that the claim could hold of all.
fn slack(claim: &Claim) -> f64 {
    if matches!(claim.value.form(), Form::Ratio { .. } | Form::Difference { .. }) {
        return TOLERATED;
    }
    let slack = match claim.bound {
        Bound::AtLeast(least) => 1.0 - least.value,
        Bound::AtMost(most) => most.value,
        Bound::Within(least, most) => (1.0 - least.value).min(most.value),
    };
    slack.clamp(0.0, TOLERATED)
}
