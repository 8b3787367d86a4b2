//! Which samples and loads a claim is about.

use super::known::Known;
use crate::claim::{Selection, Stretch};
use crate::sample::{Kind, Outcome, PROBE_CLASS};
use crate::scenario::fields::Fields;

pub(in crate::scenario::read) fn loads(table: &mut Fields<'_>, known: &Known<'_>) -> Vec<String> {
    let names: Vec<&str> = known.loads.keys().map(String::as_str).collect();
    let given = table.texts("loads");
    for name in given.iter().filter(|n| !names.contains(&n.value.as_str())) {
        table.problems.add_unknown(&name.place, "load", &name.value, &names);
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
    let phases = Stretch::ALL.map(|(word, _)| word);
    let phase = one_of("phase", "phase", &phases)
        .and_then(|l| Stretch::ALL.into_iter().find(|(word, _)| *word == l.value).map(|(_, s)| s));
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
    Selection { endpoint, effect, group, traffic_class, phase, outcome }
}
