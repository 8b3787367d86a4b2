//! What is right in a scenario and yet hardly meant.

use super::Scenario;
use super::profile::Profile;

/// Places of literals that are told.
const MOST_LITERALS: usize = 8;

impl Scenario {
    /// What `check` warns of: a scenario that can only be tried, experiments that cannot show what they are for.
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        if self.loads.is_empty() {
            doubts.push("no `[load.NAME]`: it can be tried, and not run".to_owned());
        }
        if !self.literals.is_empty() {
            let more = match self.literals.len().saturating_sub(MOST_LITERALS) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            doubts.push(format!(
                "what looks like a secret is written out in {}{more}: use `{{{{ env(\"NAME\") }}}}`; it is not kept with runs",
                self.literals.iter().take(MOST_LITERALS).map(String::as_str).collect::<Vec<_>>().join("; ")
            ));
        }
        let Some(experiment) = &self.experiment else { return doubts };
        let arms: Vec<&Profile> = std::iter::once(&experiment.baseline)
            .chain(&experiment.treatments)
            .filter_map(|name| self.profiles.get(name))
            .collect();
        for (place, arm) in arms.iter().enumerate() {
            if let Some(twin) = arms[..place].iter().find(|other| self.are_identical(arm, other)) {
                doubts.push(format!(
                    "profiles `{}` and `{}` are identical, so the experiment compares a system with itself",
                    twin.name, arm.name
                ));
            }
        }
        for treatment in arms.iter().filter(|arm| arm.name != experiment.baseline && arm.must_hold.is_empty())
        {
            doubts.push(format!(
                "profile `{}` has no `must_hold`: nothing checks that the treatment took effect",
                treatment.name
            ));
        }
        doubts
    }

    /// Whether two profiles are the same system, whatever it and its services are called.
    fn are_identical(&self, a: &Profile, b: &Profile) -> bool {
        let base_url = |profile: &Profile| {
            profile.base_url.as_ref().unwrap_or(&self.base_url).trim_end_matches('/').to_owned()
        };
        let programs = |profile: &Profile| {
            profile.services.iter().map(|s| (s.program.clone(), s.ready.clone())).collect::<Vec<_>>()
        };
        base_url(a) == base_url(b)
            && programs(a) == programs(b)
            && a.patches == b.patches
            && a.hooks == b.hooks
            && a.reset == b.reset
    }
}
