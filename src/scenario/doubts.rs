//! What is right in a scenario and yet hardly meant.

use super::Scenario;

impl Scenario {
    /// What `check` warns of: experiments that cannot show what they are for.
    pub fn doubts(&self) -> Vec<String> {
        let Some(experiment) = &self.experiment else { return Vec::new() };
        let mut doubts = Vec::new();
        let Some(baseline) = self.profiles.get(&experiment.baseline) else { return doubts };
        for name in &experiment.treatments {
            let Some(treatment) = self.profiles.get(name) else { continue };
            let is_same = treatment.base_url == baseline.base_url
                && treatment.services == baseline.services
                && treatment.patches == baseline.patches
                && treatment.hooks == baseline.hooks
                && treatment.reset == baseline.reset;
            if is_same {
                doubts.push(format!(
                    "profiles `{}` and `{name}` are identical, so the experiment compares a system with itself",
                    baseline.name
                ));
            }
            if treatment.must_hold.is_empty() {
                doubts.push(format!(
                    "profile `{name}` has no `must_hold`: nothing checks that the treatment took effect"
                ));
            }
        }
        doubts
    }
}
