use super::{DraftError, Options, model::Draft}; use super::tree::Tree;
pub(super) fn read(_: &str, _: &Options) -> Result<Draft, DraftError> { todo!() }
pub(super) fn is_line(_: &str) -> bool { todo!() }
pub(super) fn is_entry(_: &Tree) -> bool { todo!() }
