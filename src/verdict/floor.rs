//! The generator's own floor: what the client and its way there and back add to every time. It draws ratios towards 1, and
//! the more so the faster the system is.

use serde::{Deserialize, Serialize};

use super::conclusion::Verdict;
use super::decide::{self, Terms};
use super::decided::Decided;
use super::evidence::Reading;
use super::rounds::Round;
use crate::claim::{Claim, Evaluated, Form};
use crate::run::RunFacts;
use crate::unit;

/// What a selftest has found the generator to add to the time of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Floor {
    /// At the median, µs.
    pub us: u32,
    /// The machine: processor and cores.
    pub machine: String,
    /// When the selftest was made, for people.
    pub made_at: String,
}

/// A machine as a selftest names it: processor and cores.
pub(super) fn machine(facts: &RunFacts) -> String {
    let fact = |name: &str| facts.start.environment.get(name).cloned().unwrap_or_default();
    format!("{}, {} cores", fact("processor"), fact("cores"))
}

impl Floor {
    /// A ratio of times also without the floor: said beside it, and undecided where the bound lies between the two. Rounds of
    /// another machine are left as they are: nothing is known of it there.
    pub(super) fn weigh(
        &self,
        claim: &Claim,
        rounds: &[Round],
        treatment: &str,
        terms: &Terms<'_>,
        decided: Decided,
    ) -> Decided {
        let is_here = rounds.iter().flat_map(Round::runs).all(|run| machine(&run.facts) == self.machine);
        if self.us == 0 || !is_here || !is_ratio_of_times(claim) {
            return decided;
        }
        let Some(measured) = decided.estimate else { return decided };
        let evaluate = |round: &Round| round.evaluate(claim, Some(treatment), Reading::WithoutFloor(self.us));
        let values: Vec<Result<Evaluated, String>> = rounds.iter().map(evaluate).collect();
        let terms = Terms { corrected: None, ..*terms };
        let Some(without) = decide::decide(claim, &values, &terms).estimate else { return decided };
        let text = |value: f64| claim.bound.unit().text(value);
        if text(measured) == text(without) {
            return decided;
        }
        let floor = unit::time(f64::from(self.us));
        let both = format!(
            "{} as measured, {} without the generator's own floor of {floor}",
            text(measured),
            text(without)
        );
        let mut decided = decided;
        decided.notes.push(format!("{both} (selftest of {})", self.made_at));
        let is_final = matches!(decided.verdict, Verdict::Supported | Verdict::Refuted);
        if is_final && claim.bound.holds(measured) != claim.bound.holds(without) {
            decided.verdict = Verdict::Undecided;
            decided.word = Verdict::Undecided.word();
            decided.indicative = false;
            decided.rounds_needed = None;
            decided.reason = format!("the bound lies between {both}: measure where the system takes longer");
        }
        decided
    }
}

/// Whether a claim holds one time against another, as users of the system see them. What loadproof sees of effects is
/// found by asking, and has a floor of its own.
fn is_ratio_of_times(claim: &Claim) -> bool {
    let statistics = claim.value.statistics().unwrap_or_default();
    claim.select.effect.is_none()
        && matches!(claim.value.form(), Form::Ratio { .. })
        && statistics.len() == 2
        && statistics.iter().all(|(_, statistic)| statistic.is_time())
}
