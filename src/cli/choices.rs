//! What the flags of a load choose, over the scenario's own values.

use anyhow::Result;

use super::arguments::Common;
use super::exit::UsageError;
use crate::plan::Choices;
use crate::scenario::Scenario;

/// The load of a name, with the flags' values in it.
pub(super) fn choices(scenario: &Scenario, load_name: &str, common: &Common) -> Result<Choices> {
    let load = scenario.load(load_name)?.with(&common.overrides.of_load())?;
    Ok(Choices {
        base_url: common.overrides.base_url(),
        load_name: load_name.to_owned(),
        load,
        seed: seed(common),
    })
}

/// The seed that was given, or a fresh one.
pub(super) fn seed(common: &Common) -> u64 {
    common.overrides.seed.unwrap_or_else(fresh_seed)
}

/// A fresh seed that people can type again.
pub(super) fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    // The standard library's hasher is seeded by the system: all that is wanted is a fresh number.
    std::collections::hash_map::RandomState::new().build_hasher().finish() % 1_000_000_000
}

/// The name that was given; without one, the only one there is.
pub(super) fn only_or_named<'a>(
    given: Option<&str>,
    mut known: impl Iterator<Item = &'a String> + Clone,
    what: &str,
) -> Result<String> {
    if let Some(name) = given {
        return Ok(name.to_owned());
    }
    let all: Vec<&str> = known.clone().map(String::as_str).collect();
    match (known.next(), all.len()) {
        (Some(only), 1) => Ok(only.clone()),
        (None, _) => Err(UsageError(format!("the scenario has no {what}: write `[{what}.NAME]`")).into()),
        _ => Err(UsageError(format!("which {what}? name one with --{what}: {}", all.join(", "))).into()),
    }
}
