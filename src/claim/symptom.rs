//! Symptoms: conditions on a run that tell of trouble in the system.

use serde::{Deserialize, Serialize};

use super::{Expression, Selection};

/// A condition that is no claim: when it is true of a run, the report says so, and what to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Symptom {
    /// What it means when it is true.
    pub title: String,
    /// A condition on a run.
    pub when: Expression,
    /// Which samples it is about.
    #[serde(default)]
    pub select: Selection,
    /// What to do about it.
    pub remedy: String,
    /// Loads that it is about; all if none is named.
    #[serde(default)]
    pub loads: Vec<String>,
    /// Profiles that it is about; all if none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<String>,
}

impl Symptom {
    /// Whether it is about this load under this profile.
    pub fn is_about(&self, load: &str, profile: &str) -> bool {
        let among =
            |names: &[String], name: &str| names.is_empty() || names.iter().any(|known| known == name);
        among(&self.loads, load) && among(&self.profiles, profile)
    }
}
