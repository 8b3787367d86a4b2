//! What the steps of a journey have in common.

use std::collections::BTreeMap;

use crate::scenario::fields::Located;
use crate::scenario::problem::{FileId, Place};

/// Tags of what is called, and where they are stated.
#[derive(Clone, Debug)]
pub(super) struct Tags {
    /// Values by name.
    pub(super) pairs: BTreeMap<String, String>,
    pub(super) place: Place,
}

impl Tags {
    /// No tags.
    pub(super) fn none() -> Self {
        Self { pairs: BTreeMap::new(), place: Place { file: FileId(0), span: 0..0 } }
    }
}

/// What each step of a journey is read with.
pub(super) struct Context<'a> {
    /// The journey's name.
    pub(super) journey: &'a str,
    pub(super) traffic_class: &'a str,
    /// Whether its user's cookies go with its requests.
    pub(super) cookies: bool,
    /// The credentials of its requests.
    pub(super) auth: Option<usize>,
    pub(super) headers: &'a [(String, Located<String>)],
    /// The tags of what it calls.
    pub(super) tags: &'a Tags,
}
