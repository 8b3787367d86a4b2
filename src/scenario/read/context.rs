//! What the steps of a journey have in common.

use crate::scenario::fields::Located;

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
}
