//! What is right in a scenario and yet hardly meant.

use std::time::Duration;

use super::Scenario;
use super::fault::{Fault, FaultStart};
use super::profile::Profile;
use crate::unit;

/// What a recovery needs between the end of a fault and the start of the next: three seconds in a row.
const APART: Duration = Duration::from_secs(3);
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
        doubts.extend(self.faults_too_close());
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

    /// Faults of one run of which the second begins before the recovery from the first could be told.
    fn faults_too_close(&self) -> Vec<String> {
        let mut doubts: Vec<String> = Vec::new();
        for (load, profile) in self.loads.keys().flat_map(|load| self.profiles.keys().map(move |p| (load, p)))
        {
            let faults = self.faults_under(load, profile);
            let pairs = faults.iter().flat_map(|first| faults.iter().map(move |second| (first, second)));
            doubts.extend(pairs.filter_map(|(first, second)| too_close(first, second)));
        }
        let mut seen = std::collections::BTreeSet::new();
        doubts.retain(|doubt| seen.insert(doubt.clone()));
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

/// What is doubtful about a fault that begins while another lasts, or soon after its end; none if nothing is.
fn too_close(first: &Fault, second: &Fault) -> Option<String> {
    let ((FaultStart::Load(begin), FaultStart::Load(next))
    | (FaultStart::Drain(begin), FaultStart::Drain(next))) = (first.start, second.start)
    else {
        return None;
    };
    // Of two that begin at once, one is the first.
    if (next, &second.name) <= (begin, &first.name) {
        return None;
    }
    // One that stays counts from its start.
    let end = begin.saturating_add(first.lasts.unwrap_or_default());
    let at_best = end.saturating_add(APART);
    let how = match next {
        next if first.stays() && next >= at_best => return None,
        next if next < end || next == begin => {
            "while the other lasts, so that neither's effect can be told from the other's"
        }
        next if next < at_best => {
            "less than 3 s after the other's end, so that no recovery from it can be told"
        }
        _ => return None,
    };
    Some(format!(
        "fault `{}` and fault `{}`: the second begins {how}; let it begin at {} or later",
        first.name,
        second.name,
        unit::span(at_best.as_secs_f64())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::fault::{FaultAction, ProxyFault, ServiceFault};

    fn fault(name: &str, at_s: u64, lasts_s: Option<u64>) -> Fault {
        Fault {
            name: name.to_owned(),
            start: FaultStart::Load(Duration::from_secs(at_s)),
            lasts: lasts_s.map(Duration::from_secs),
            action: FaultAction::Service(ServiceFault::Pause, "shop".to_owned()),
            loads: Vec::new(),
            profiles: Vec::new(),
        }
    }

    #[test]
    fn a_fault_that_hides_the_recovery_from_another_is_told_with_a_time_that_does_not() {
        let first = fault("a", 10, Some(5));
        let doubt = |at_s| too_close(&first, &fault("b", at_s, Some(1)));
        let within = doubt(12).unwrap();
        assert!(within.contains("`b`") && within.contains("let it begin at 18 s or later"), "{within}");
        assert!(doubt(10).unwrap().contains("while the other lasts"));
        assert!(doubt(15).unwrap().contains("less than 3 s after the other's end"));
        assert!(doubt(17).is_some());
        assert_eq!(doubt(18), None);
        assert_eq!(doubt(3), None, "it is told of the other pair");
        let reset = Fault {
            action: FaultAction::Proxy(ProxyFault::Reset, "way".to_owned()),
            ..fault("reset", 10, None)
        };
        assert!(too_close(&reset, &fault("b", 12, None)).is_some());
        assert_eq!(too_close(&reset, &fault("b", 13, None)), None);
        let drain = Fault { start: FaultStart::Drain(Duration::from_secs(12)), ..first.clone() };
        assert_eq!(too_close(&first, &drain), None, "the load ends between them");
    }
}
