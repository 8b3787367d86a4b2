//! Programs: `command` of a service, `run` of a hook, with `env` and `working_directory`.

use std::collections::BTreeMap;

use super::Settings;
use crate::scenario::fields::{Fields, Located, wrong_type};
use crate::scenario::problem::Place;
use crate::scenario::program::Program;

/// Program and arguments under `key`, `env` and `working_directory`.
pub(super) fn read(table: &mut Fields<'_>, key: &'static str, settings: &Settings) -> Option<Program> {
    let problems = table.problems;
    table.require(key);
    let command: Vec<String> = table.texts(key).iter().map(|l| settings.fill(l, problems)).collect();
    if command.is_empty() && table.has(key) {
        problems.add(&table.key_place(key), "an empty command", "needs a program");
    }
    let env = environment(table, "env", settings);
    let working_directory = table.text("working_directory").map(|l| settings.fill(&l, problems));
    (!command.is_empty()).then_some(Program { command, env, working_directory })
}

/// Environment variables under `key`.
pub(super) fn environment(
    table: &mut Fields<'_>,
    key: &'static str,
    settings: &Settings,
) -> BTreeMap<String, String> {
    let Some(env) = table.table(key) else { return BTreeMap::new() };
    env.entries()
        .into_iter()
        .filter_map(|(name, value)| {
            let place = Place { file: env.file(), span: value.span() };
            let Some(text) = value.get_ref().as_str() else {
                wrong_type(env.problems, &place, &name.value, "a string", value.get_ref());
                return None;
            };
            Some((name.value, settings.fill(&Located { value: text.to_owned(), place }, env.problems)))
        })
        .collect()
}
