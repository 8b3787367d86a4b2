//! What is done to a draft of any kind before it is written.

use super::model::{Draft, Request, Step};
use super::template::Template;
use super::{names, secrets};

/// Hides secrets, names endpoints, and puts what all requests have in common into one place.
pub(super) fn finish(mut draft: Draft) -> Draft {
    draft.journeys.retain(|journey| journey.steps.iter().any(|step| step.request().is_some()));
    secrets::hide(&mut draft);
    names::name_endpoints(&mut draft);
    share_headers(&mut draft);
    let mut taken = Vec::new();
    for journey in &mut draft.journeys {
        let name = if journey.name.trim().is_empty() { "Journey" } else { journey.name.trim() };
        journey.name = names::unused(name, |name| taken.iter().any(|known| known == name));
        taken.push(journey.name.clone());
    }
    draft
}

/// Headers that every request has become defaults.
fn share_headers(draft: &mut Draft) {
    let requests: Vec<&Request> =
        draft.journeys.iter().flat_map(|journey| &journey.steps).filter_map(Step::request).collect();
    let Some((first, others)) = requests.split_first() else { return };
    if others.is_empty() || requests.iter().any(|request| request.origin.is_some()) {
        // Another host would get the credentials of this one.
        return;
    }
    let is_constant = |(name, value): &&(String, Template)| {
        let is_plain = value.as_literal().is_some() || value.first_word() == Some("env");
        is_plain
            && name != "content-type"
            && others.iter().all(|other| other.headers.iter().any(|h| h.0 == *name && h.1 == *value))
    };
    let shared: Vec<(String, Template)> = first.headers.iter().filter(is_constant).cloned().collect();
    for request in draft.requests_mut() {
        request.headers.retain(|header| !shared.contains(header));
    }
    draft.headers = shared;
}
