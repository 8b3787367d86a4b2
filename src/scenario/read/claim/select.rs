//! Which samples and loads a claim is about.

use super::known::Known;
use crate::claim::{Expression, Selection, Statistic, Stretch};
use crate::sample::{Kind, Outcome, PROBE_CLASS};
use crate::scenario::fields::Fields;
use crate::scenario::load::Load;

/// `loads = [...]`; what selects a stage is about the loads that have it, if nothing is said.
pub(in crate::scenario::read) fn loads(
    table: &mut Fields<'_>,
    select: &Selection,
    known: &Known<'_>,
) -> Vec<String> {
    let has_stage =
        |load: &Load| select.stage.as_ref().is_none_or(|stage| load.stage_names().contains(stage));
    if select.stage.is_some() && !table.has("loads") {
        let with = known.loads.iter().filter(|(_, load)| has_stage(load));
        return with.map(|(name, _)| name.clone()).collect();
    }
    let names: Vec<&str> = known.loads.keys().map(String::as_str).collect();
    let given = table.texts("loads");
    for name in given.iter().filter(|n| !names.contains(&n.value.as_str())) {
        table.problems.add_unknown(&name.place, "load", &name.value, &names);
    }
    for name in &given {
        if known.loads.get(&name.value).is_some_and(|load| !has_stage(load)) {
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
    let stages: Vec<String> = known.loads.values().flat_map(Load::stage_names).collect();
    let words = Stretch::ALL.iter().map(|(word, _)| *word);
    let phases: Vec<&str> = words.chain(stages.iter().map(String::as_str)).collect();
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
    Selection { endpoint, effect, group, traffic_class, phase, stage, outcome }
}

/// The loads that have the stage from which a claim's recovery counts; empty if it counts from none.
pub(super) fn loads_with_stage(value: &Expression, known: &Known<'_>) -> Vec<String> {
    let statistics = value.statistics().unwrap_or_default();
    let events: Vec<&String> = statistics
        .iter()
        .filter_map(
            |(_, statistic)| if let Statistic::Recovery(name) = statistic { Some(name) } else { None },
        )
        .collect();
    let has_stage = |load: &Load| load.stage_names().iter().any(|name| events.contains(&name));
    known.loads.iter().filter(|(_, load)| has_stage(load)).map(|(name, _)| name.clone()).collect()
}
