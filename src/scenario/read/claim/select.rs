//! Which samples and loads a claim is about.

use std::collections::{BTreeMap, BTreeSet};

use super::known::Known;
use crate::claim::{Expression, Selection, Stretch};
use crate::run::Tagged;
use crate::sample::{Kind, Outcome, PROBE_CLASS};
use crate::scenario::fault::Fault;
use crate::scenario::fields::Fields;
use crate::scenario::load::Load;

/// `loads = [...]`; what selects a stage or a fault is about the loads that have it, if nothing is said.
pub(in crate::scenario::read) fn loads(
    table: &mut Fields<'_>,
    select: &Selection,
    known: &Known<'_>,
) -> Vec<String> {
    let has_window = |name: &String, load: &Load| {
        select.stage.as_ref().is_none_or(|window| known.windows(name, load).contains(window))
    };
    if select.stage.is_some() && !table.has("loads") {
        let with = known.loads.iter().filter(|(name, load)| has_window(name, load));
        return with.map(|(name, _)| name.clone()).collect();
    }
    let names: Vec<&str> = known.loads.keys().map(String::as_str).collect();
    let given = table.texts("loads");
    for name in given.iter().filter(|n| !names.contains(&n.value.as_str())) {
        table.problems.add_unknown(&name.place, "load", &name.value, &names);
    }
    for name in &given {
        if known.loads.get(&name.value).is_some_and(|load| !has_window(&name.value, load)) {
            let stage = select.stage.as_deref().unwrap_or_default();
            let title = format!("load `{}` has no phase `{stage}`", name.value);
            table.problems.add(&name.place, title, "leave it out, or select a phase that it has");
        }
    }
    given.into_iter().map(|l| l.value).collect()
}

/// `profiles = ["embedded"]`: profiles that there are.
pub(in crate::scenario::read) fn profiles(table: &mut Fields<'_>, known: &Known<'_>) -> Vec<String> {
    let names: Vec<&str> = known.profiles.iter().map(String::as_str).collect();
    let given = table.texts("profiles");
    for name in given.iter().filter(|n| !names.contains(&n.value.as_str())) {
        table.problems.add_unknown(&name.place, "profile", &name.value, &names);
    }
    given.into_iter().map(|l| l.value).collect()
}

/// `select = { endpoint = "…", effect = "…", traffic_class = "…", phase = "steady", outcome = "ok" }`
pub(in crate::scenario::read) fn select(table: &mut Fields<'_>, known: &Known<'_>) -> Selection {
    let Some(mut select) = table.table("select") else { return Selection::default() };
    let problems = select.problems;
    let names = |kind| {
        let of_kind =
            known.endpoints.iter().filter(move |e| e.kind == kind && e.traffic_class != PROBE_CLASS);
        of_kind.map(|e| e.endpoint.as_str()).collect::<Vec<_>>()
    };
    let mut classes: Vec<&str> = known.endpoints.iter().map(|e| e.traffic_class.as_str()).collect();
    classes.sort_unstable();
    classes.dedup();
    let mut one_of = |key: &'static str, what: &str, known: &[&str]| {
        let text = select.text(key)?;
        if !known.contains(&text.value.as_str()) {
            problems.add_unknown(&text.place, what, &text.value, known);
        }
        Some(text)
    };
    let endpoint = one_of("endpoint", "endpoint", &names(Kind::Request)).map(|l| l.value);
    let effect = one_of("effect", "effect", &names(Kind::Effect));
    let group = one_of("group", "group", &names(Kind::Group));
    let traffic_class = one_of("traffic_class", "traffic class", &classes).map(|l| l.value);
    let windows: Vec<String> =
        known.loads.iter().flat_map(|(name, load)| known.windows(name, load)).collect();
    let words = Stretch::ALL.iter().map(|(word, _)| *word);
    let phases: Vec<&str> = words.chain(windows.iter().map(String::as_str)).collect();
    let (phase, stage) = match one_of("phase", "phase", &phases).map(|l| l.value) {
        None => (None, None),
        Some(name) => match Stretch::ALL.into_iter().find(|(word, _)| *word == name) {
            Some((_, phase)) => (Some(phase), None),
            None => (None, Some(name)),
        },
    };
    let outcomes = Outcome::ALL.map(Outcome::word);
    let outcome = one_of("outcome", "outcome", &outcomes)
        .and_then(|l| Outcome::ALL.into_iter().find(|o| o.word() == l.value));
    let tags = select.table("tags");
    let second = match (&endpoint, &effect, &group) {
        (_, Some(_), Some(second)) | (Some(_), _, Some(second)) | (Some(_), Some(second), _) => Some(second),
        _ => None,
    };
    if let Some(second) = second {
        let title = "a claim is about requests, effects or groups";
        problems.add(&second.place, title, "leave out all but one of them");
    }
    select.finish();
    let [effect, group] = [effect, group].map(|name| name.map(|l| l.value));
    let mut selection =
        Selection { endpoint, effect, group, traffic_class, phase, stage, outcome, ..Selection::default() };
    if let Some(tags) = tags {
        selection.tags = selected_tags(&tags, &selection, known);
    }
    selection
}

/// `tags = { page = "checkout" }`: tags that something selected has.
fn selected_tags(table: &Fields<'_>, select: &Selection, known: &Known<'_>) -> BTreeMap<String, String> {
    let is_selected = |tagged: &&Tagged| select.has(&tagged.subject);
    let candidates: Vec<&Tagged> = known.tags.iter().filter(is_selected).collect();
    let mut tags = BTreeMap::new();
    let mut are_known = true;
    for (name, value) in super::super::tags::pairs(table) {
        let values: BTreeSet<&str> =
            candidates.iter().filter_map(|tagged| tagged.tags.get(&name.value)).map(String::as_str).collect();
        if values.is_empty() {
            let names: BTreeSet<&str> =
                candidates.iter().flat_map(|tagged| tagged.tags.keys()).map(String::as_str).collect();
            table.problems.add_unknown(
                &name.place,
                "tag",
                &name.value,
                &names.into_iter().collect::<Vec<_>>(),
            );
        } else if !values.contains(value.value.as_str()) && !table.problems.is_unread("tag", &value.value) {
            let values: Vec<&str> = values.iter().copied().collect();
            let what = format!("value of tag `{}`", name.value);
            table.problems.add_unknown(&value.place, &what, &value.value, &values);
        }
        are_known &= values.contains(value.value.as_str());
        tags.insert(name.value, value.value);
    }
    let has_all = |tagged: &&Tagged| tags.iter().all(|(name, value)| tagged.tags.get(name) == Some(value));
    if are_known && !tags.is_empty() && !candidates.iter().any(has_all) {
        table.problems.add(&table.place, "nothing has all of these tags", "leave some of them out");
    }
    tags
}

/// The loads that have the stage or the fault from which a claim counts; empty if it counts from none.
pub(super) fn loads_with_window(value: &Expression, known: &Known<'_>) -> Vec<String> {
    let events = events_of(value);
    let has_window = |(name, load): &(&String, &Load)| {
        known.windows(name, load).iter().any(|window| events.contains(window))
    };
    known.loads.iter().filter(has_window).map(|(name, _)| name.clone()).collect()
}

/// The profiles of the faults that a claim is about, where these belong to some; empty for all.
pub(super) fn profiles_with_faults(value: &Expression, select: &Selection, known: &Known<'_>) -> Vec<String> {
    let mut named = events_of(value);
    named.extend(select.stage.clone());
    let of_claim = |fault: &&Fault| named.contains(&fault.name);
    if known.faults.iter().filter(of_claim).any(|fault| fault.profiles.is_empty()) {
        return Vec::new();
    }
    let profiles: BTreeSet<&String> =
        known.faults.iter().filter(of_claim).flat_map(|f| &f.profiles).collect();
    profiles.into_iter().cloned().collect()
}

/// The events that a claim counts from.
fn events_of(value: &Expression) -> Vec<String> {
    let statistics = value.statistics().unwrap_or_default();
    statistics.iter().filter_map(|(_, statistic)| Some(statistic.event()?.to_owned())).collect()
}
