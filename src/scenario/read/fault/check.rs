//! What can be wrong with a fault in view of everything else: services, proxies, loads, and other faults.

use std::collections::BTreeMap;

use super::Written;
use crate::scenario::ExperimentSpec;
use crate::scenario::fault::{Fault, FaultAction, FaultStart, Proxy};
use crate::scenario::load::Load;
use crate::scenario::problem::Problems;
use crate::scenario::profile::{Drain, Profile};
use crate::scenario::read::claim::Known;

/// What faults refer to.
pub(in crate::scenario) struct Surroundings<'a> {
    loads: &'a BTreeMap<String, Load>,
    profiles: &'a BTreeMap<String, Profile>,
    proxies: &'a [Proxy],
    drain: Option<&'a Drain>,
    experiment: Option<&'a ExperimentSpec>,
    /// Names of hooks beside the load and of stages, which are windows of a run, too.
    windows: &'a [String],
}

impl<'a> Surroundings<'a> {
    pub(in crate::scenario) fn new(
        known: &'a Known<'a>,
        profiles: &'a BTreeMap<String, Profile>,
        proxies: &'a [Proxy],
        drain: Option<&'a Drain>,
        experiment: Option<&'a ExperimentSpec>,
    ) -> Self {
        Self { loads: known.loads, profiles, proxies, drain, experiment, windows: &known.events }
    }
}

/// The faults; what is wrong with them is noted.
pub(in crate::scenario) fn checked(
    faults: Vec<Written>,
    around: &Surroundings<'_>,
    problems: &Problems,
) -> Vec<Fault> {
    check(&faults, around, problems);
    faults.into_iter().map(|written| written.fault).collect()
}

fn check(faults: &[Written], around: &Surroundings<'_>, problems: &Problems) {
    for (place, fault) in faults.iter().enumerate() {
        names(fault, around, problems);
        time(fault, around, problems);
        target(fault, around, problems);
        for other in &faults[..place] {
            against(fault, other, around, problems);
        }
    }
    arms(faults, around, problems);
}

fn names(written: &Written, around: &Surroundings<'_>, problems: &Problems) {
    let loads: Vec<&str> = around.loads.keys().map(String::as_str).collect();
    for load in written.loads.iter().filter(|load| !loads.contains(&load.value.as_str())) {
        problems.add_unknown(&load.place, "load", &load.value, &loads);
    }
    let profiles: Vec<&str> = around.profiles.keys().map(String::as_str).collect();
    for profile in written.profiles.iter().filter(|profile| !profiles.contains(&profile.value.as_str())) {
        problems.add_unknown(&profile.place, "profile", &profile.value, &profiles);
    }
    if around.windows.contains(&written.fault.name) {
        let title = format!("a fault cannot be called `{}`", written.fault.name);
        problems.add(&written.name, title, "a stage or a hook has this name");
    }
}

/// A fault that is due after the end of a load never happens.
fn time(written: &Written, around: &Surroundings<'_>, problems: &Problems) {
    match written.fault.start {
        FaultStart::Drain(_) if around.drain.is_none() => {
            let title = "the scenario has no `[drain]` in which this fault could happen";
            problems.add(&written.at, title, "add one, or leave `from` out");
        }
        FaultStart::Drain(_) => {}
        FaultStart::Load(at) => {
            let of_load = |(name, _): &(&String, &Load)| {
                written.fault.loads.is_empty() || written.fault.loads.contains(name)
            };
            let ended = |(_, load): &(&String, &Load)| load.run_time().is_some_and(|end| at >= end);
            if let Some((name, _)) = around.loads.iter().filter(of_load).find(ended) {
                let title = format!("load `{name}` has ended before this fault is due");
                let help = "list the loads that it belongs to in `loads`; \
                            `from = \"drain\"` counts from the end of the load"
                    .to_owned();
                problems.add_with_help(&written.at, title, "too late", Some(help));
            }
        }
    }
}

/// The service or proxy has to be there in all runs that the fault belongs to.
fn target(written: &Written, around: &Surroundings<'_>, problems: &Problems) {
    let Some(place) = &written.target else { return };
    match &written.fault.action {
        FaultAction::Proxy(_, name) => {
            let known: Vec<&str> = around.proxies.iter().map(|proxy| proxy.name.as_str()).collect();
            if !known.contains(&name.as_str()) {
                problems.add_unknown(place, "proxy", name, &known);
            }
        }
        FaultAction::Service(_, name) => {
            let of_profile = |(profile, _): &(&String, &Profile)| {
                written.fault.profiles.is_empty() || written.fault.profiles.contains(profile)
            };
            let lacks = |(_, profile): &(&String, &Profile)| {
                profile.services.iter().all(|service| service.name != *name)
            };
            let Some((profile, settings)) = around.profiles.iter().filter(of_profile).find(lacks) else {
                return;
            };
            if problems.is_unread("service", name) {
                return;
            }
            let known: Vec<&str> = settings.services.iter().map(|service| service.name.as_str()).collect();
            let title = format!("profile `{profile}` starts no service `{name}`");
            let help = crate::scenario::suggestion(name, &known).unwrap_or_else(|| {
                "list the profiles that start it in `profiles`; for a system that is started elsewhere there is \
                 `kind = \"command\"` with `undo`"
                    .to_owned()
            });
            problems.add_with_help(place, title, "not among its services", Some(help));
        }
        FaultAction::Command(_) => {}
    }
}

/// Two faults of one run have different names, and do not disturb each other.
fn against(written: &Written, other: &Written, around: &Surroundings<'_>, problems: &Problems) {
    let (a, b) = (&written.fault, &other.fault);
    let meet = |load: &String| {
        around.profiles.keys().any(|profile| a.is_of(load, profile) && b.is_of(load, profile))
    };
    if !around.loads.keys().any(meet) {
        return;
    }
    if a.name == b.name {
        let title = format!("two faults of one run are called `{}`", a.name);
        problems.add(&written.name, title, "this name is taken");
        return;
    }
    let (first, second) = if begins_first(a, b) { (written, other) } else { (other, written) };
    if is_same_target(a, b) && overlap(&first.fault, &second.fault) {
        let title =
            format!("fault `{}` begins before fault `{}` is over", second.fault.name, first.fault.name);
        problems.add(&second.at, title, "let one end before the other begins");
    }
}

fn is_same_target(a: &Fault, b: &Fault) -> bool {
    match (&a.action, &b.action) {
        (FaultAction::Service(_, a), FaultAction::Service(_, b)) => a == b,
        (FaultAction::Proxy(_, a_name), FaultAction::Proxy(_, b_name)) => {
            a_name == b_name && a.kind() == b.kind()
        }
        _ => false,
    }
}

fn begins_first(a: &Fault, b: &Fault) -> bool {
    match (a.start, b.start) {
        (FaultStart::Load(a), FaultStart::Load(b)) | (FaultStart::Drain(a), FaultStart::Drain(b)) => a < b,
        (FaultStart::Load(_), FaultStart::Drain(_)) => true,
        (FaultStart::Drain(_), FaultStart::Load(_)) => false,
    }
}

/// Whether the second begins while the first still lasts, as far as that can be told.
fn overlap(first: &Fault, second: &Fault) -> bool {
    if first.stays() {
        return true;
    }
    match (first.start, second.start) {
        (FaultStart::Load(begin), FaultStart::Load(next))
        | (FaultStart::Drain(begin), FaultStart::Drain(next)) => {
            begin == next || begin.saturating_add(first.lasts.unwrap_or_default()) > next
        }
        _ => false,
    }
}

/// The arms of an experiment get the same faults: else their difference is that of the faults.
fn arms(faults: &[Written], around: &Surroundings<'_>, problems: &Problems) {
    let Some(spec) = around.experiment else { return };
    let of_arm = |profile: &str| -> Vec<(&Written, String)> {
        let of_run = faults.iter().filter(|written| written.fault.is_of(&spec.load, profile));
        of_run.map(|written| (written, written.fault.canonical())).collect()
    };
    let baseline = of_arm(&spec.baseline);
    for treatment in &spec.treatments {
        let other = of_arm(treatment);
        let lacks = |arm: &[(&Written, String)], text: &str| arm.iter().all(|(_, known)| known != text);
        let only = baseline.iter().find(|(_, text)| lacks(&other, text));
        let only = only.or_else(|| other.iter().find(|(_, text)| lacks(&baseline, text)));
        if let Some((written, _)) = only {
            let title = format!("fault `{}` happens in one arm only of the experiment", written.fault.name);
            let label = format!("`{}` and `{treatment}` need the same faults", spec.baseline);
            problems.add(&written.name, title, label);
        }
    }
}
