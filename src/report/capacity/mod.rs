//! The report of a search for capacity: terminal, JSON, HTML, JUnit, Markdown, over one model.

mod forms;
mod html;
mod text;
mod words;

use serde::Serialize;

pub use forms::{junit, markdown};
pub use html::html;
pub use text::text;

use crate::capacity::{Capacity, GoalResult, Searched};
use crate::report::model::{ClaimRow, claim_row};
use crate::run::{CapacityEnding, CapacityId};
use crate::verdict::{Decided, Verdict};

/// Everything that is reported of a search.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CapacityReport {
    /// Its number.
    pub id: CapacityId,
    /// When it began.
    pub started_at: String,
    /// The command that made it.
    pub command: String,
    /// How it ended; none while it goes on, or if its process is gone.
    pub ended: Option<CapacityEnding>,
    /// What it went by.
    pub searched: Searched,
    /// What was found of each profile, the baseline first.
    pub arms: Vec<ArmReport>,
    /// The claims about capacities.
    pub claims: Vec<Decided>,
}

/// What was found of a profile.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArmReport {
    /// The profile's name.
    pub profile: String,
    /// How many trials count.
    pub trials: usize,
    /// How many more were disturbed by something outside of the system, and made again.
    pub disturbed: usize,
    /// What was changed after it was stored; or what had to be seen to be true of it at a bound, and was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_held: Option<String>,
    /// What was found.
    pub capacity: Capacity,
}

impl CapacityReport {
    /// Each profile's result of each goal.
    fn results(&self) -> impl Iterator<Item = (&ArmReport, &GoalResult)> {
        self.arms.iter().flat_map(|arm| arm.capacity.goals.iter().map(move |goal| (arm, goal)))
    }

    /// What it comes to: the worst of its gating claims, its goals (a goal that no load meets is refuted, one whose search
    /// was cut short is undecided), and whether its trials can be trusted.
    pub fn verdict(&self) -> Verdict {
        let of_goal = |(arm, goal): (&ArmReport, &GoalResult)| match (goal.lower_bound, goal.upper_bound) {
            _ if goal.is_of_generator || arm.not_held.is_some() => Verdict::Invalid,
            // Where a search was cut short, a load that was begun may still meet the goal.
            (None, Some(_)) if self.ended == Some(CapacityEnding::Found) => Verdict::Refuted,
            _ if goal.is_regular => Verdict::Supported,
            (Some(lower), None) if lower >= self.searched.terms.limits.to => Verdict::Supported,
            _ => Verdict::Undecided,
        };
        let claims = self.claims.iter().filter(|claim| claim.claim.gates).map(|claim| claim.verdict);
        self.results().map(of_goal).chain(claims).max().unwrap_or(Verdict::Undecided)
    }

    /// The claims for print.
    fn claim_rows(&self) -> Vec<ClaimRow> {
        (1..).zip(&self.claims).map(|(number, claim)| claim_row(number, claim, 0)).collect()
    }
}

/// As JSON, `loadproof.capacity/2`.
///
/// # Errors
/// If it cannot be written as JSON, which its types rule out.
pub fn json(report: &CapacityReport) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&serde_json::json!({
        "schema": "loadproof.capacity/2",
        "verdict": report.verdict(),
        "capacity": report,
    }))
}
