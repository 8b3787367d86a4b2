//! What the lateness of the generator does to claims.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::audit::{self, Audit};
use super::conclusion::Verdict;
use super::decide::{self, Terms};
use super::decided::Decided;
use super::evidence::Reading;
use super::hold::Held;
use super::rounds::{self, Round};
use crate::claim::Claim;
use crate::run::MeasuredRun;

/// What the lateness of the generator does to claims: where nothing else voids the runs, a claim is void only if shifting
/// the samples by how late they were sent would change its verdict.
pub(super) struct Lateness {
    /// Why the runs are void for other reasons.
    pub(super) other: Option<String>,
    /// Why they are late, if that is all that is wrong with them.
    late: Option<String>,
}

/// Shifts of the samples by their lateness: in the baseline, and in the other run.
const SHIFTS: [(i8, i8); 4] = [(-1, -1), (1, 1), (-1, 1), (1, -1)];

impl Lateness {
    /// `reason`: why no claim may be decided, if so.
    pub(super) fn of(audit: &Audit, held: &[Held], reason: Option<String>) -> Self {
        if audit.is_late_only() && held.iter().all(|h| h.holds) {
            return Self { other: None, late: reason };
        }
        Self { other: reason, late: None }
    }

    pub(super) fn judge(
        &self,
        claim: &Claim,
        rounds: &[Round],
        treatment: Option<&str>,
        terms: &Terms<'_>,
        decided: Decided,
    ) -> Decided {
        let Some(late) = &self.late else { return decided };
        let terms = Terms { corrected: None, ..*terms };
        let under = |reading| {
            let values: Vec<_> =
                rounds.iter().map(|round| round.evaluate(claim, treatment, reading)).collect();
            decide::decide(claim, &values, &terms).verdict
        };
        let measured = under(Reading::Measured);
        if SHIFTS.iter().all(|(baseline, other)| under(Reading::Shifted(*baseline, *other)) == measured) {
            return decided;
        }
        let word = Verdict::Invalid.word();
        Decided { verdict: Verdict::Invalid, word, reason: late.clone(), ..decided }
    }

    /// Whether no claim, of at least one, depends on it.
    pub(super) fn is_borne(&self, decided: &[Decided]) -> bool {
        let late = self.late.as_ref();
        late.is_some() && !decided.is_empty() && decided.iter().all(|d| Some(&d.reason) != late)
    }
}

/// Whether runs are invalid for nothing but lateness.
pub fn is_all(runs: &[Arc<MeasuredRun>]) -> bool {
    audit::of_runs(runs, &BTreeMap::new()).is_late_only()
}

/// Whether the lateness of a round's runs could move a gating claim across its bound: its value lies on the other side
/// once the samples are shifted by how late they were sent.
pub fn could_move_a_claim(round: &[Arc<MeasuredRun>]) -> bool {
    let Some(facts) = round.last().map(|run| &run.facts) else { return false };
    let claims = super::about(facts, &facts.start.claims, |claim| claim.gates);
    let moves = |claim: &Claim, of: &Round, treatment: &str| {
        let holds = |reading| {
            let found = of.evaluate(claim, Some(treatment), reading).ok()?;
            Some(claim.bound.holds(found.value))
        };
        let measured = holds(Reading::Measured);
        claim.is_of(treatment)
            && SHIFTS.iter().any(|(baseline, other)| holds(Reading::Shifted(*baseline, *other)) != measured)
    };
    rounds::pair(round)
        .iter()
        .any(|of| of.treatments().iter().any(|profile| claims.iter().any(|claim| moves(claim, of, profile))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::{Amount, Bound, Expression, Unit};
    use crate::run::Arm;
    use crate::verdict::audit::tests::run_of;

    /// A round of requests that took 1 ms and were sent so late, ms, with a claim of their p50.
    fn round(late: i64, at_most_ms: f64) -> Vec<Arc<MeasuredRun>> {
        let claim = Claim::new(
            "Fast",
            Expression::new("treatment.p50"),
            Bound::AtMost(Amount { value: at_most_ms, unit: Unit::Time }),
        );
        let of = |arm: Arm| {
            let requests: Vec<(i64, i64, i64)> =
                (0..300).map(|i| (i * 100, i * 100 + late, i * 100 + late + 1)).collect();
            let mut run = run_of(&requests);
            run.facts.start.arm = Some(arm);
            run.facts.start.profile = arm.word().to_owned();
            run.facts.start.round = Some(1);
            run.facts.start.claims = vec![claim.clone()];
            Arc::new(run)
        };
        vec![of(Arm::Baseline), of(Arm::Treatment)]
    }

    #[test]
    fn lateness_matters_where_it_could_move_a_claim_across_its_bound() {
        assert!(is_all(&round(30, 500.0)));
        assert!(!could_move_a_claim(&round(30, 500.0)), "1 ms or 61 ms: both are below");
        assert!(could_move_a_claim(&round(30, 40.0)), "31 ms as measured, 61 ms if shifted");
        assert!(could_move_a_claim(&round(30, 20.0)), "and 1 ms if shifted the other way");
        assert!(!is_all(&round(0, 500.0)), "nothing is invalid");
    }
}
