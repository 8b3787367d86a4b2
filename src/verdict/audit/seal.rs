//! Is what is judged what was measured?

use super::{Check, Grade};
use crate::run::{MeasuredRun, Seal};

pub(super) fn checks(run: &MeasuredRun) -> Option<Check> {
    of(&run.seal)
}

/// The check of a seal: one that is whole needs no word.
pub(in crate::verdict) fn of(seal: &Seal) -> Option<Check> {
    seal.breach().map(|breach| Check::new("seal", Grade::Invalid, breach))
}
