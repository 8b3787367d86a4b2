//! Keys of scenario files that have a new name. The old names are read for one more version, with a
//! warning; `check --fix` writes the new ones into the files.

use std::ops::Range;

use toml::de::{DeTable, DeValue};
use toml_parser::Source;
use toml_parser::parser::{EventKind, parse_document};

use super::problem::{FileId, OldKey, Place, Problems};

/// Stands for any key in [`Renamed::table`].
const ANY: &str = "*";

/// A key with a new name.
struct Renamed {
    /// The table it belongs to: keys from the file's root, by their new names. Lists are passed over.
    table: &'static [&'static str],
    old: &'static str,
    new: &'static str,
}

/// Outer tables come first: the tables of later entries are found by their new names.
const RENAMED: [Renamed; 13] = [
    Renamed { table: &[], old: "host", new: "base_url" },
    Renamed { table: &[], old: "user", new: "user_class" },
    Renamed { table: &[], old: "sign", new: "symptom" },
    Renamed { table: &[], old: "signals", new: "source" },
    Renamed { table: &["journey"], old: "class", new: "traffic_class" },
    Renamed { table: &["load", ANY], old: "user_classes", new: "user_class" },
    Renamed { table: &["profile", ANY], old: "host", new: "base_url" },
    Renamed { table: &["claim"], old: "environments", new: "deployments" },
    Renamed { table: &["claim", "select"], old: "class", new: "traffic_class" },
    Renamed { table: &["symptom", "select"], old: "class", new: "traffic_class" },
    Renamed { table: &["source"], old: "signal", new: "signals" },
    Renamed { table: &["source", "signals"], old: "total", new: "counter" },
    Renamed { table: &["capacity"], old: "precision", new: "width" },
];

/// Gives the tables of a file the new names, so that readers know no others. The keys keep their
/// places. Notes tables that have a key under both names, and warns of the old ones.
pub(super) fn rename(root: &mut DeTable<'_>, file: FileId, text: &str, problems: &Problems) {
    for renamed in &RENAMED {
        each_table(root, renamed.table, &mut |table| rename_in(table, renamed, file, problems));
    }
    problems.warn_of_old_keys(file, &old_keys(text));
}

/// Hands over each table at a path.
fn each_table<'t>(table: &mut DeTable<'t>, path: &[&str], then: &mut impl FnMut(&mut DeTable<'t>)) {
    let Some((key, rest)) = path.split_first() else { return then(table) };
    for (name, value) in table.iter_mut() {
        if *key == ANY || name.get_ref() == key {
            in_value(value.get_mut(), rest, then);
        }
    }
}

fn in_value<'t>(value: &mut DeValue<'t>, path: &[&str], then: &mut impl FnMut(&mut DeTable<'t>)) {
    match value {
        DeValue::Table(table) => each_table(table, path, then),
        DeValue::Array(items) => items.iter_mut().for_each(|item| in_value(item.get_mut(), path, then)),
        _ => {}
    }
}

fn rename_in(table: &mut DeTable<'_>, renamed: &Renamed, file: FileId, problems: &Problems) {
    let Renamed { old, new, .. } = *renamed;
    let Some((key, _)) = table.get_key_value(old) else { return };
    if table.contains_key(new) {
        let place = Place { file, span: key.span() };
        let title = format!("`{old}` and `{new}` are the same key");
        problems.add(&place, title, format!("the old name of `{new}`: leave it out"));
        table.remove(old);
        return;
    }
    // The order of keys is kept: it decides, for example, in which order profiles run.
    for (mut key, value) in std::mem::take(table) {
        if key.get_ref() == old {
            *key.get_mut() = new.into();
        }
        table.insert(key, value);
    }
}

/// The old names in a text, in order.
pub(super) fn old_keys(text: &str) -> Vec<OldKey> {
    let source = Source::new(text);
    let tokens = source.lex().into_vec();
    let mut walk = Walk { text, within: vec![Level::default()], found: Vec::new() };
    parse_document(
        &tokens,
        &mut |event: toml_parser::parser::Event| {
            walk.take(event.kind(), event.span().start()..event.span().end());
        },
        &mut (),
    );
    walk.found
}

/// The text with the new names in place of the old ones, and what was replaced.
pub(super) fn rewritten(text: &str) -> (String, Vec<OldKey>) {
    let keys = old_keys(text);
    let mut new_text = text.to_owned();
    for key in keys.iter().rev() {
        new_text.replace_range(key.span.clone(), key.new);
    }
    (new_text, keys)
}

/// What a place in a text lies within: a table, or a list.
#[derive(Default)]
struct Level<'t> {
    /// Its keys from the root, by their new names.
    path: Vec<&'t str>,
    /// The keys, so far, of the entry that is being read.
    entry: Vec<&'t str>,
    is_list: bool,
}

/// Follows a text from key to key.
struct Walk<'t> {
    text: &'t str,
    /// From the outside in; never empty.
    within: Vec<Level<'t>>,
    found: Vec<OldKey>,
}

impl<'t> Walk<'t> {
    fn take(&mut self, kind: EventKind, span: Range<usize>) {
        match kind {
            // A header counts from the root.
            EventKind::StdTableOpen | EventKind::ArrayTableOpen => self.within = vec![Level::default()],
            EventKind::StdTableClose | EventKind::ArrayTableClose => {
                let level = self.level();
                level.path = std::mem::take(&mut level.entry);
            }
            EventKind::SimpleKey => self.key(span),
            EventKind::InlineTableOpen | EventKind::ArrayOpen => {
                let level = self.level();
                let path = level.path.iter().chain(&level.entry).copied().collect();
                let is_list = matches!(kind, EventKind::ArrayOpen);
                self.within.push(Level { path, entry: Vec::new(), is_list });
            }
            EventKind::InlineTableClose | EventKind::ArrayClose if self.within.len() > 1 => {
                self.within.pop();
            }
            EventKind::ValueSep if !self.level().is_list => self.level().entry.clear(),
            EventKind::Newline if self.within.len() == 1 => self.level().entry.clear(),
            _ => {}
        }
    }

    fn level(&mut self) -> &mut Level<'t> {
        if self.within.is_empty() {
            self.within.push(Level::default());
        }
        let last = self.within.len() - 1;
        &mut self.within[last]
    }

    fn key(&mut self, span: Range<usize>) {
        let text = self.text;
        let name = text.get(span.clone()).unwrap_or_default().trim_matches(['"', '\'']);
        let level = self.level();
        let parents = level.path.iter().chain(&level.entry);
        let is_table = |table: &[&str]| {
            table.len() == parents.clone().count()
                && table.iter().zip(parents.clone()).all(|(wanted, key)| *wanted == ANY || wanted == key)
        };
        let renamed = RENAMED.iter().find(|r| r.old == name && is_table(r.table));
        level.entry.push(renamed.map_or(name, |r| r.new));
        if let Some(Renamed { old, new, .. }) = renamed {
            self.found.push(OldKey { span, old, new });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_names_are_replaced_where_they_are_keys_and_nowhere_else() {
        let old = "# host stays in comments\r\nhost = 'http://host' # here, too\r\n\
                   \"user\" . name = 1\n[[user]]\nhost = 2\n[[ signals ]] # why\n  signal = [ { total = true },\n {total=false, name='total'} ]\n\
                   [[signals.signal]]\ntotal = true\n[load.user]\nuser_classes = ['class']\n[profile.\"a.b\"]\nhost = ''\n\
                   [[claim]]\nselect = { class = 'class', x = { class = 1 } }\nselect.class = 'x'\n[[journey]]\nclass = 'a'\n\
                   steps = [{ class = 1 }]\n[body.host]\nhost = \"\"\"\n[[user]]\n\"\"\"\n";
        let (new, keys) = rewritten(old);
        assert_eq!(
            new,
            "# host stays in comments\r\nbase_url = 'http://host' # here, too\r\n\
             user_class . name = 1\n[[user_class]]\nhost = 2\n[[ source ]] # why\n  signals = [ { counter = true },\n {counter=false, name='total'} ]\n\
             [[source.signals]]\ncounter = true\n[load.user]\nuser_class = ['class']\n[profile.\"a.b\"]\nbase_url = ''\n\
             [[claim]]\nselect = { traffic_class = 'class', x = { class = 1 } }\nselect.traffic_class = 'x'\n[[journey]]\ntraffic_class = 'a'\n\
             steps = [{ class = 1 }]\n[body.host]\nhost = \"\"\"\n[[user]]\n\"\"\"\n"
        );
        assert_eq!(keys.len(), 15);
        assert_eq!(old_keys(&new), []);
    }
}
