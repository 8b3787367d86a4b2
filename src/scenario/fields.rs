//! Reads the tables of a scenario file key by key. Each reader notes a wrong type or value where
//! it stands and goes on, so that all mistakes are found in one pass; [`Fields::finish`] notes the
//! keys that nobody asked for.

use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{FileId, Place, Problems};
use crate::unit;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// A value of the file itself, and where it stands.
pub(super) type Item<'a> = Located<&'a Spanned<DeValue<'a>>>;

impl Item<'_> {
    /// Its text, if it is one.
    pub(super) fn text(&self) -> Option<Located<String>> {
        let value = self.value.get_ref().as_str()?.to_owned();
        Some(Located { value, place: self.place.clone() })
    }
}

/// The keys of one table.
pub(super) struct Fields<'a> {
    table: &'a DeTable<'a>,
    /// Where the table stands: missing keys are shown there.
    pub(super) place: Place,
    what: &'static str,
    asked: Vec<&'static str>,
    pub(super) problems: &'a Problems,
}

impl<'a> Fields<'a> {
    pub(super) fn new(
        table: &'a DeTable<'a>,
        place: Place,
        what: &'static str,
        problems: &'a Problems,
    ) -> Self {
        Self { table, place, what, asked: Vec::new(), problems }
    }

    /// The table in `value`, or a note that it is none.
    pub(super) fn of(
        value: &'a Spanned<DeValue<'a>>,
        file: FileId,
        what: &'static str,
        problems: &'a Problems,
    ) -> Option<Self> {
        let place = Place { file, span: value.span() };
        match value.get_ref() {
            DeValue::Table(table) => Some(Self::new(table, place, what, problems)),
            other => {
                wrong_type(problems, &place, what, "a table", other);
                None
            }
        }
    }

    pub(super) fn file(&self) -> FileId {
        self.place.file
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Where `key` itself stands; the table's place if it is not there.
    pub(super) fn key_place(&self, key: &str) -> Place {
        let span = self.table.get_key_value(key).map_or(self.place.span.clone(), |(k, _)| k.span());
        Place { file: self.place.file, span }
    }

    /// The raw value of a key.
    pub(super) fn value(&mut self, key: &'static str) -> Option<Located<&'a Spanned<DeValue<'a>>>> {
        self.asked.push(key);
        #[cfg(test)]
        known::note(self.what, key);
        self.table
            .get(key)
            .map(|value| Located { value, place: Place { file: self.place.file, span: value.span() } })
    }

    /// A value that `read` accepts, or a note saying what was `expected`.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        read: impl FnOnce(&'a DeValue<'a>) -> Option<T>,
    ) -> Option<Located<T>> {
        let Located { value, place } = self.value(key)?;
        match read(value.get_ref()) {
            Some(value) => Some(Located { value, place }),
            None => {
                wrong_type(self.problems, &place, key, expected, value.get_ref());
                None
            }
        }
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<Located<String>> {
        self.read(key, "a string", |v| v.as_str().map(str::to_owned))
    }

    /// A text that is not blank.
    pub(super) fn name(&mut self, key: &'static str) -> Option<Located<String>> {
        self.read(key, "a text that is not blank", |v| {
            v.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
        })
    }

    /// A text that has to be there, and is not blank.
    pub(super) fn required_text(&mut self, key: &'static str) -> Option<Located<String>> {
        self.require(key);
        self.name(key)
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        self.read(key, "`true` or `false`", DeValue::as_bool).map(|l| l.value)
    }

    pub(super) fn number(&mut self, key: &'static str) -> Option<Located<f64>> {
        self.read(key, "a number", number)
    }

    /// A whole number of at least `least`.
    pub(super) fn count(&mut self, key: &'static str, least: u64) -> Option<u64> {
        let expected = format!("a whole number from {least} up");
        self.read(key, &expected, |v| whole(v).filter(|n| *n >= least)).map(|l| l.value)
    }

    /// `"16MiB"` or a number of bytes.
    pub(super) fn size(&mut self, key: &'static str) -> Option<u64> {
        self.read(key, "a size such as `\"16MiB\"` or a number of bytes", |v| match v.as_str() {
            Some(text) => unit::parse_size(text).ok(),
            None => whole(v),
        })
        .map(|l| l.value)
    }

    /// `"90s"` or a number of seconds.
    pub(super) fn duration(&mut self, key: &'static str) -> Option<Duration> {
        self.read(key, "a duration such as `\"500ms\"` or `\"1m30s\"`", duration).map(|l| l.value)
    }

    /// A duration above 0, for what nothing is ever quicker than.
    pub(super) fn time(&mut self, key: &'static str) -> Option<Duration> {
        self.read(key, "a duration above 0 such as `\"500ms\"` or `\"1m30s\"`", |v| {
            duration(v).filter(|time| !time.is_zero())
        })
        .map(|l| l.value)
    }

    /// `"500/s"` or a number per second.
    pub(super) fn rate(&mut self, key: &'static str) -> Option<f64> {
        self.read(key, "a rate above 0 such as `500` or `\"30/m\"`", |v| {
            number(v).or_else(|| unit::parse_rate(v.as_str()?).ok()).filter(|r| *r > 0.0 && r.is_finite())
        })
        .map(|l| l.value)
    }

    /// A string, or a list of strings.
    pub(super) fn texts(&mut self, key: &'static str) -> Vec<Located<String>> {
        let Some(Located { value, place }) = self.value(key) else { return Vec::new() };
        let file = place.file;
        let items: Vec<&Spanned<DeValue<'_>>> = match value.get_ref() {
            DeValue::Array(array) => array.iter().collect(),
            _ => vec![value],
        };
        items
            .into_iter()
            .filter_map(|item| {
                let place = Place { file, span: item.span() };
                match item.get_ref().as_str() {
                    Some(text) => Some(Located { value: text.to_owned(), place }),
                    None => {
                        wrong_type(self.problems, &place, key, "a string", item.get_ref());
                        None
                    }
                }
            })
            .collect()
    }

    /// A table.
    pub(super) fn table(&mut self, key: &'static str) -> Option<Fields<'a>> {
        let Located { value, place } = self.value(key)?;
        Fields::of(value, place.file, key, self.problems)
    }

    /// A list of tables (`[[key]]`).
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Fields<'a>> {
        self.items(key)
            .into_iter()
            .filter_map(|item| Fields::of(item.value, item.place.file, key, self.problems))
            .collect()
    }

    /// The items of a list, or the one that stands in its place.
    pub(super) fn choices(&mut self, key: &'static str) -> Vec<Item<'a>> {
        let Some(item) = self.value(key) else { return Vec::new() };
        match item.value.get_ref() {
            DeValue::Array(array) => array
                .iter()
                .map(|value| Located { value, place: Place { file: item.place.file, span: value.span() } })
                .collect(),
            _ => vec![item],
        }
    }

    /// The items of a list.
    pub(super) fn items(&mut self, key: &'static str) -> Vec<Located<&'a Spanned<DeValue<'a>>>> {
        let Some(Located { value, place }) = self.value(key) else { return Vec::new() };
        let DeValue::Array(array) = value.get_ref() else {
            wrong_type(self.problems, &place, key, "a list", value.get_ref());
            return Vec::new();
        };
        array
            .iter()
            .map(|value| Located { value, place: Place { file: place.file, span: value.span() } })
            .collect()
    }

    /// All keys with their values: for tables whose keys are names.
    pub(super) fn entries(&self) -> Vec<(Located<String>, &'a Spanned<DeValue<'a>>)> {
        let file = self.place.file;
        self.table
            .iter()
            .map(|(key, value)| {
                let place = Place { file, span: key.span() };
                (Located { value: key.get_ref().to_string(), place }, value)
            })
            .collect()
    }

    /// Notes a missing key.
    pub(super) fn require(&self, key: &'static str) {
        if !self.has(key) {
            let title = format!("`{key}` is missing in {}", self.what);
            self.problems.add(&self.place, title, format!("needs `{key}`"));
        }
    }

    /// Notes a list of which nothing ever comes.
    pub(super) fn refuse_empty(&self, key: &'static str) {
        let list = self.table.get(key).and_then(|value| value.get_ref().as_array());
        if list.is_some_and(|list| list.is_empty()) {
            self.problems.add(&self.key_place(key), format!("`{key}` is empty"), "needs at least one");
        }
    }

    /// Counts keys as asked for: where a table cannot be read, others among them are no mistakes.
    pub(super) fn know(&mut self, keys: &[&'static str]) {
        self.asked.extend(keys);
    }

    /// Reports unknown keys.
    pub(super) fn finish(self) {
        for (key, _) in self.table {
            if !self.asked.contains(&key.get_ref().as_ref()) {
                let place = Place { file: self.place.file, span: key.span() };
                let what = format!("key in {}:", self.what);
                self.problems.add_unknown(&place, &what, key.get_ref(), &self.asked);
            }
        }
    }
}

/// Notes that a value has the wrong type or lies outside its range.
pub(super) fn wrong_type(problems: &Problems, place: &Place, key: &str, expected: &str, found: &DeValue<'_>) {
    let title = format!("`{key}` cannot be {}", shown(found));
    problems.add(place, title, format!("expected {expected}"));
}

fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the string `{text}`"),
        DeValue::Integer(n) => format!("`{n}`"),
        DeValue::Float(n) => format!("`{n}`"),
        DeValue::Boolean(b) => format!("`{b}`"),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// A TOML integer or float as a number.
pub(super) fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix()).ok().map(|n| n as f64),
        DeValue::Float(n) => n.as_str().parse().ok(),
        _ => None,
    }
}

/// A TOML integer that is not negative.
pub(super) fn whole(value: &DeValue<'_>) -> Option<u64> {
    match value {
        DeValue::Integer(n) => u64::from_str_radix(n.as_str(), n.radix()).ok(),
        _ => None,
    }
}

/// A duration as text, or as a number of seconds.
pub(super) fn duration(value: &DeValue<'_>) -> Option<Duration> {
    match value.as_str() {
        Some(text) => unit::parse_duration(text).ok(),
        None => Duration::try_from_secs_f64(number(value)?).ok(),
    }
}

/// The keys that readers have asked for: what the schema is held against.
#[cfg(test)]
pub(super) mod known {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    /// A table, as readers call it, and a key of it.
    pub(in crate::scenario) type Key = (&'static str, &'static str);

    thread_local! {
        static ASKED: RefCell<BTreeSet<Key>> = const { RefCell::new(BTreeSet::new()) };
    }

    pub(super) fn note(table: &'static str, key: &'static str) {
        ASKED.with_borrow_mut(|asked| asked.insert((table, key)));
    }

    /// All that were asked for in this thread.
    pub(in crate::scenario) fn asked() -> BTreeSet<Key> {
        ASKED.with_borrow(BTreeSet::clone)
    }
}
