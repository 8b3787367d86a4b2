//! Redirects: a browser records each hop, a scenario's request follows them by itself.

use url::Url;

use super::entry::Entry;
use crate::draft::hosts::Address;

/// Entries behind a redirect among which its follow-up is looked for.
const LOOKED_AT: usize = 50;
/// Hops of a chain at most, as many as requests follow.
const HOPS: usize = 10;

/// Where an entry's answer leads, if that is a redirect.
pub(super) fn location(entry: &Entry<'_>) -> Option<Address> {
    Address::parse(leads_to(entry)?.as_str())
}

fn leads_to(entry: &Entry<'_>) -> Option<Url> {
    let mut url = Url::parse(entry.url()).ok()?.join(entry.location()?).ok()?;
    url.set_fragment(None);
    Some(url)
}

/// The entries that follow the redirects of one, marked as followed. Empty if it is none, or its follow-up is not there.
pub(super) fn chain(entries: &[Entry<'_>], at: usize, is_followed: &mut [bool]) -> Vec<usize> {
    let (mut chain, mut here) = (Vec::new(), at);
    while chain.len() < HOPS {
        let Some(url) = leads_to(&entries[here]) else { break };
        let is_next = |next: &usize| !is_followed[*next] && is_same(&url, entries[*next].url());
        let end = entries.len().min(here + 1 + LOOKED_AT);
        let Some(next) = (here + 1..end).find(is_next) else { break };
        is_followed[next] = true;
        chain.push(next);
        here = next;
    }
    chain
}

fn is_same(url: &Url, text: &str) -> bool {
    Url::parse(text).is_ok_and(|mut other| {
        other.set_fragment(None);
        other == *url
    })
}
