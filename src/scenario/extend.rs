//! `extend = "other"`: a profile has all of another one that it does not say itself. This is done before anything is
//! read, so that readers see whole profiles.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::problem::{FileId, Place, Problems};

/// What a profile says of itself alone.
const OWN: [&str; 2] = ["extend", "why"];
/// Lists of tables that are merged item by item, and the key that an item is known by.
const LISTS: [(&str, &str); 3] = [("service", "name"), ("hook", "name"), ("patch", "file")];
/// Tables that are merged key by key.
const TABLES: [&str; 4] = ["env", "environment", "set", "vars"];

/// A profile as it is written, and in which file.
struct Written<'t> {
    file: FileId,
    table: DeTable<'t>,
}

/// Completes the profiles of all files by what they extend. Notes unknown names and circles.
pub(super) fn extend(roots: &mut [(FileId, Spanned<DeTable<'_>>)], problems: &Problems) {
    let written = written(roots);
    for (file, root) in roots {
        let profiles = root.get_mut().get_mut("profile").map(Spanned::get_mut);
        let Some(DeValue::Table(profiles)) = profiles else { continue };
        for (name, profile) in profiles.iter_mut() {
            if let DeValue::Table(table) = profile.get_mut()
                && table.contains_key("extend")
            {
                let mut chain = vec![name.get_ref().to_string()];
                *table = whole(table, *file, &written, &mut chain, problems);
            }
        }
    }
}

fn written<'t>(roots: &[(FileId, Spanned<DeTable<'t>>)]) -> BTreeMap<String, Written<'t>> {
    let mut found = BTreeMap::new();
    for (file, root) in roots {
        let profiles = root.get_ref().get("profile").and_then(|profiles| profiles.get_ref().as_table());
        for (name, profile) in profiles.into_iter().flatten() {
            if let DeValue::Table(table) = profile.get_ref() {
                found.insert(name.get_ref().to_string(), Written { file: *file, table: table.clone() });
            }
        }
    }
    found
}

/// The profile with all that it extends. `chain`: the names on the way to it.
fn whole<'t>(
    own: &DeTable<'t>,
    file: FileId,
    written: &BTreeMap<String, Written<'t>>,
    chain: &mut Vec<String>,
    problems: &Problems,
) -> DeTable<'t> {
    let Some(extended) = own.get("extend") else { return own.clone() };
    // Other types are for the reader to find.
    let Some(name) = extended.get_ref().as_str() else { return own.clone() };
    let place = Place { file, span: extended.span() };
    if chain.iter().any(|known| known == name) {
        problems.add(&place, format!("profile `{name}` extends itself"), "closes the circle");
        return own.clone();
    }
    let Some(base) = written.get(name) else {
        let known: Vec<&str> =
            written.keys().map(String::as_str).filter(|known| *known != chain[0]).collect();
        problems.add_unknown(&place, "profile", name, &known);
        return own.clone();
    };
    chain.push(name.to_owned());
    let mut base_table = whole(&base.table, base.file, written, chain, problems);
    if base.file != file {
        // Places are told by file: what comes from another one is shown where it is asked for.
        base_table = base_table.into_iter().map(|(key, value)| (key, moved(value, &place.span))).collect();
    }
    let mut own = own.clone();
    merge(base_table, &mut own);
    own
}

/// Adds what only `base` has.
fn merge<'t>(base: DeTable<'t>, own: &mut DeTable<'t>) {
    for (key, value) in base {
        let name = key.get_ref().to_string();
        if OWN.contains(&name.as_str()) {
            continue;
        }
        let Some(said) = own.get_mut(name.as_str()) else {
            own.insert(key, value);
            continue;
        };
        let item_key = LISTS.iter().find(|(list, _)| *list == name).map(|(_, item_key)| *item_key);
        match (value.into_inner(), said.get_mut(), item_key) {
            (DeValue::Table(base), DeValue::Table(own), _) if TABLES.contains(&name.as_str()) => {
                merge(base, own);
            }
            (DeValue::Array(base), DeValue::Array(own), Some(key)) => *own = items(base, own, key),
            _ => {}
        }
    }
}

/// The items of `base`, changed or removed by those of `own` with the same name, and then the others of `own`.
fn items<'t>(base: DeArray<'t>, own: &DeArray<'t>, key: &str) -> DeArray<'t> {
    let mut all: Vec<Spanned<DeValue<'t>>> = base.into_iter().collect();
    for item in own {
        let name = text(item, key);
        let same = all.iter().position(|known| name.is_some() && text(known, key) == name);
        match (same, item.get_ref()) {
            (Some(at), _) if is_removal(item) => {
                all.remove(at);
            }
            (Some(at), DeValue::Table(table)) => {
                let mut table = table.clone();
                if let DeValue::Table(known) = all[at].get_ref() {
                    merge(known.clone(), &mut table);
                }
                all[at] = Spanned::new(item.span(), DeValue::Table(table));
            }
            _ => all.push(item.clone()),
        }
    }
    all.into_iter().collect()
}

fn text<'a>(item: &'a Spanned<DeValue<'_>>, key: &str) -> Option<&'a str> {
    item.get_ref().as_table()?.get(key)?.get_ref().as_str()
}

fn is_removal(item: &Spanned<DeValue<'_>>) -> bool {
    let remove = item.get_ref().as_table().and_then(|table| table.get("remove"));
    remove.is_some_and(|remove| remove.get_ref().as_bool() == Some(true))
}

/// The value with all that is in it at another place.
fn moved<'t>(value: Spanned<DeValue<'t>>, to: &Range<usize>) -> Spanned<DeValue<'t>> {
    let value = match value.into_inner() {
        DeValue::Table(table) => {
            let entries = table.into_iter();
            let entries = entries.map(|(k, v)| (Spanned::new(to.clone(), k.into_inner()), moved(v, to)));
            DeValue::Table(entries.collect())
        }
        DeValue::Array(items) => DeValue::Array(items.into_iter().map(|item| moved(item, to)).collect()),
        other => other,
    };
    Spanned::new(to.clone(), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The profile `b` of a text, as it is after it was completed, and the mistakes.
    fn completed(text: &str) -> (String, Result<String, String>) {
        let problems = Problems::default();
        let file = problems.add_file("s.toml", text);
        let mut roots = vec![(file, DeTable::parse(text).unwrap())];
        extend(&mut roots, &problems);
        let profile = &roots[0].1.get_ref()["profile"].get_ref().as_table().unwrap()["b"];
        let json = crate::scenario::read::plain::json(profile.get_ref()).to_string();
        (json, problems.into_result().map_err(|error| error.to_string()))
    }

    #[test]
    fn a_profile_has_what_it_does_not_say_and_changes_services_by_name() {
        let (profile, mistakes) = completed(
            r#"
            [profile.a]
            why = "A"
            reset = "POST /reset"
            environment = { MODE = "slow", SIZE = "1" }
            service = [
              { name = "api", command = ["./api"], env = { A = "1", B = "2" }, ready = "tcp://h:1" },
              { name = "engine", command = ["./engine"] },
              { name = "cache", command = ["./cache"] },
            ]
            patch = [{ file = "a.toml", set = { x = 1, y = 2 } }]
            [profile.middle]
            extend = "a"
            environment = { SIZE = "2" }
            [profile.b]
            extend = "middle"
            environment = { MODE = "fast" }
            service = [{ name = "cache", remove = true }, { name = "api", env = { B = "3" } }, { name = "new", command = "n" }]
            patch = [{ file = "a.toml", set = { y = 3 } }]
            "#,
        );
        assert_eq!(mistakes, Ok(String::new()));
        insta::assert_snapshot!(profile, @r#"{"environment":{"MODE":"fast","SIZE":"2"},"extend":"middle","patch":[{"file":"a.toml","set":{"x":1,"y":3}}],"reset":"POST /reset","service":[{"command":["./api"],"env":{"A":"1","B":"3"},"name":"api","ready":"tcp://h:1"},{"command":["./engine"],"name":"engine"},{"command":"n","name":"new"}]}"#);
    }

    #[test]
    fn circles_and_unknown_names_are_mistakes() {
        let (_, circle) = completed("[profile.a]\nextend = 'b'\n[profile.b]\nextend = 'a'\n");
        assert!(circle.unwrap_err().contains("extends itself"));
        let (_, unknown) = completed("[profile.base]\n[profile.b]\nextend = 'bse'\n");
        assert!(unknown.unwrap_err().contains("did you mean `base`?"));
    }
}
