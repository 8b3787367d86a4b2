//! `"{{ vars.NAME }}"` where it is all of a value: the variable's own value takes its place, whatever its type, so that
//! variables stand for numbers, times and lists of settings, too. This is done before anything is read.
//!
//! Variables made by templates keep their place: what they come to is for readers to work out, and no part of the
//! workload's fingerprint.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::FileId;
use super::template::is_template;

/// A reference and nothing else.
static WHOLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*\{\{\s*vars\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}\s*$").ok());

/// A value of the command line, as a file of its own: `value = 8000`.
pub(super) fn as_file(value: &str) -> String {
    format!("value = {value}")
}

/// Puts variables in the place of references, but for those in profiles, which may set variables anew. `given`: values of
/// the command line by name: as they are, and as a file. Gives the names of those that were used.
pub(super) fn substitute<'t>(
    roots: &mut [(FileId, Spanned<DeTable<'t>>)],
    given: &'t [(String, String, String)],
) -> BTreeSet<String> {
    let values = values(roots, given);
    let mut used = BTreeSet::new();
    for (_, root) in roots {
        for (key, value) in root.get_mut().iter_mut() {
            if !["profile", "vars"].contains(&key.get_ref().as_ref()) {
                replace(value.get_mut(), &values, &mut used);
            }
        }
    }
    used
}

/// The variables whose values hold no template.
fn values<'t>(
    roots: &[(FileId, Spanned<DeTable<'t>>)],
    given: &'t [(String, String, String)],
) -> BTreeMap<String, DeValue<'t>> {
    let mut values = BTreeMap::new();
    for (_, root) in roots {
        let vars = root.get_ref().get("vars").and_then(|vars| vars.get_ref().as_table());
        for (name, value) in vars.into_iter().flatten() {
            values.entry(name.get_ref().to_string()).or_insert_with(|| value.get_ref().clone());
        }
    }
    for (name, text, file) in given {
        let Some(value) = values.get_mut(name) else { continue };
        if value.is_str() {
            *value = DeValue::String(text.as_str().into());
        } else if let Some(parsed) = DeTable::parse(file).ok().and_then(|mut f| f.get_mut().remove("value")) {
            *value = parsed.into_inner();
        }
    }
    values.retain(|_, value| !has_template(value));
    values
}

fn has_template(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::String(text) => is_template(text),
        DeValue::Array(items) => items.iter().any(|item| has_template(item.get_ref())),
        DeValue::Table(table) => table.iter().any(|(_, item)| has_template(item.get_ref())),
        _ => false,
    }
}

fn replace<'t>(value: &mut DeValue<'t>, values: &BTreeMap<String, DeValue<'t>>, used: &mut BTreeSet<String>) {
    match value {
        DeValue::String(text) => {
            let name = WHOLE.as_ref().and_then(|whole| whole.captures(text)).map(|found| found[1].to_owned());
            if let Some(name) = name
                && let Some(found) = values.get(&name)
            {
                *value = found.clone();
                used.insert(name);
            }
        }
        DeValue::Array(items) => items.iter_mut().for_each(|item| replace(item.get_mut(), values, used)),
        DeValue::Table(table) => table.iter_mut().for_each(|(_, item)| replace(item.get_mut(), values, used)),
        _ => {}
    }
}
