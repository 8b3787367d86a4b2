//! Who makes a request, and as part of what.

use crate::sample::{Race, UserClassId};

/// The user and the journey that a sample belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) user_class: UserClassId,
    pub(super) user: u32,
    pub(super) journey: u32,
    /// The race that it takes part in.
    pub(super) race: Race,
}
