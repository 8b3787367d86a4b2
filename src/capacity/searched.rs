//! What a search went by, as it is stored: with its trials everything that is reported follows from it.

use serde::{Deserialize, Serialize};

use super::terms::Terms;
use crate::claim::Claim;

/// What a search went by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Searched {
    /// The scenario's name.
    pub scenario: String,
    /// The profiles, the baseline first where there are two.
    pub profiles: Vec<String>,
    /// The load's name.
    pub load: String,
    /// The load in words, as it is stated.
    pub load_text: String,
    /// Goals and limits.
    pub terms: Terms,
    /// Most trials of a profile.
    pub most_trials: u32,
    /// The longest that it may take, s, if that is bounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_s: Option<f64>,
    /// Claims about capacities that are meant for this load and deployment.
    pub claims: Vec<Claim>,
}
