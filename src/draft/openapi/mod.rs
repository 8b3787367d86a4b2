use super::{DraftError, Options, model::Draft}; use super::tree::Tree;
pub(super) fn read(_: &Tree, _: &Options) -> Result<Draft, DraftError> { todo!() }
