//! Servers that redirects lead to, found while the load is under way.

use std::cell::RefCell;
use std::sync::Arc;

use url::Url;

use super::origin::Origin;
use super::prepared::Requests;
use crate::scenario::hosts::AllowedHosts;

/// Other servers that a worker's requests may be sent to: a redirect that leads to ever new ones
/// would fill the memory.
const MOST: usize = 1000;

/// The origins that one worker's redirects have led to.
#[derive(Default)]
pub(super) struct Abroad {
    found: RefCell<Vec<Arc<Origin>>>,
}

impl Abroad {
    /// The origin of a URL and its place: among those of the scenario, or behind them.
    ///
    /// # Errors
    /// In words, if it is none of the system's, or cannot be reached by any means.
    pub(super) fn origin(&self, requests: &Requests, url: &Url) -> Result<(usize, Arc<Origin>), String> {
        if !requests.allowed.allow(url) {
            return Err(format!("refused the redirect: {}", AllowedHosts::refusal(url)));
        }
        let wanted = url.origin().ascii_serialization();
        let is_it = |origin: &Arc<Origin>| origin.url == wanted && origin.version == requests.version;
        let own = requests.origins.len();
        if let Some(place) = requests.origins.iter().position(is_it) {
            return Ok((place, Arc::clone(&requests.origins[place])));
        }
        let mut found = self.found.borrow_mut();
        if let Some(place) = found.iter().position(is_it) {
            return Ok((own + place, Arc::clone(&found[place])));
        }
        if found.len() == MOST {
            return Err(format!("redirects have led to more than {MOST} servers"));
        }
        let origin = Arc::new(Origin::of(url, requests.version, &requests.ways).map_err(|e| e.to_string())?);
        found.push(Arc::clone(&origin));
        Ok((own + found.len() - 1, origin))
    }
}
