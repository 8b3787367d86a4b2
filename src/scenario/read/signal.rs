//! `[[source]]`: places that are read, and the signals found there. The key that names the place
//! decides what is asked there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Settings, whole_url};
use toml::Spanned;
use toml::de::DeValue;

use crate::scenario::fields::{Fields, Located, wrong_type};
use crate::scenario::problem::{FileId, Place, Problems};
use crate::scenario::profile::Profile;
use crate::scenario::signal::{Question, Selector, Signal, SignalSource, SourcePlace, Together, Usage};

/// The keys of which a source has exactly one.
const PLACES: [&str; 9] =
    ["prometheus", "json", "sql", "sqlite", "postgres", "redis", "log", "control_group", "container"];

/// How long a reading may take that says nothing of it, and at most: it holds up the run's start and end for so long.
const TIMEOUT: Duration = Duration::from_secs(2);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(300);

/// Redis commands that change something; a measurement must not.
const WRITES: [&str; 16] = [
    "SET", "DEL", "UNLINK", "FLUSHALL", "FLUSHDB", "XADD", "XDEL", "XTRIM", "XACK", "LPUSH", "RPUSH", "LPOP",
    "RPOP", "INCR", "EXPIRE", "CONFIG",
];

/// What sources name: the signals that were read before, and the profiles under which they are read, to be checked when
/// all are known.
#[derive(Default)]
pub(in crate::scenario) struct Named {
    signals: BTreeSet<String>,
    profiles: Vec<Located<String>>,
}

impl Named {
    /// Notes the profiles that there are none of.
    pub(in crate::scenario) fn check(&self, profiles: &BTreeMap<String, Profile>, problems: &Problems) {
        let known: Vec<&str> = profiles.keys().map(String::as_str).collect();
        for name in self.profiles.iter().filter(|name| !profiles.contains_key(&name.value)) {
            problems.add_unknown(&name.place, "profile", &name.value, &known);
        }
    }
}

/// `named`: extended by what these name.
pub(in crate::scenario) fn read(
    file: &mut Fields<'_>,
    settings: &Settings,
    named: &mut Named,
) -> Vec<SignalSource> {
    file.tables("source").into_iter().filter_map(|table| source(table, settings, named)).collect()
}

fn source(mut table: Fields<'_>, settings: &Settings, named: &mut Named) -> Option<SignalSource> {
    let given: Vec<&'static str> = PLACES.into_iter().filter(|key| table.has(key)).collect();
    let [kind] = given[..] else {
        let title = format!("a source needs exactly one of `{}`", PLACES.join("`, `"));
        table.problems.add(&table.place, title, "in this source");
        table.problems.note_unread("signal", None);
        table.know(&PLACES);
        table.know(&["every", "profiles", "signals", "timeout"]);
        table.finish();
        return None;
    };
    let places = table.texts(kind);
    let places: Vec<SourcePlace> = places.iter().map(|text| place(kind, text, &table, settings)).collect();
    if places.is_empty() && table.value(kind).is_some_and(|item| item.value.get_ref().is_array()) {
        table.problems.add(&table.key_place(kind), "a source without a place", "needs at least one");
    }
    let every = table.duration("every").unwrap_or(Duration::from_millis(500));
    let timeout = timeout(&mut table);
    let of_profiles = table.texts("profiles");
    let profiles = of_profiles.iter().map(|name| name.value.clone()).collect();
    named.profiles.extend(of_profiles);
    table.require("signals");
    let taken = &mut named.signals;
    let signals = table.tables("signals").into_iter().filter_map(|t| signal(kind, t, taken)).collect();
    table.finish();
    (!places.is_empty()).then_some(SignalSource { places, every, timeout, signals, profiles })
}

fn timeout(table: &mut Fields<'_>) -> Duration {
    let place = table.key_place("timeout");
    let given = table.duration("timeout").unwrap_or(TIMEOUT);
    if given.is_zero() || given > LONGEST_TIMEOUT {
        table.problems.add(&place, "not a valid timeout of a source", "expected above 0 and at most `5m`");
    }
    given
}

fn place(kind: &str, text: &Located<String>, table: &Fields<'_>, settings: &Settings) -> SourcePlace {
    let filled = |schemes: &[&str]| {
        let url = settings.fill(text, table.problems);
        if !schemes.iter().any(|scheme| url.starts_with(scheme)) {
            let expected = format!("expected `{}…`", schemes[0]);
            table.problems.add(&text.place, format!("not a valid {kind} URL"), expected);
        }
        url
    };
    match kind {
        "prometheus" => SourcePlace::Prometheus(whole_url(text, settings, table.problems)),
        "json" => SourcePlace::Json(whole_url(text, settings, table.problems)),
        "sqlite" => SourcePlace::Sqlite(settings.fill(text, table.problems)),
        "log" => SourcePlace::Log(settings.fill(text, table.problems)),
        "control_group" => SourcePlace::ControlGroup(settings.fill(text, table.problems)),
        "container" => SourcePlace::Container(settings.fill(text, table.problems)),
        "sql" => {
            let url = filled(&["sqlite:", "postgres://", "postgresql://"]);
            match url.strip_prefix("sqlite:") {
                Some(file) => SourcePlace::Sqlite(file.to_owned()),
                None => SourcePlace::Postgres(url),
            }
        }
        "postgres" => SourcePlace::Postgres(filled(&["postgres://", "postgresql://"])),
        _ => SourcePlace::Redis(filled(&["redis://", "unix://", "redis+unix://"])),
    }
}

/// Notes a name that another signal has, or that a process's signals will have.
fn check_name(table: &Fields<'_>, name: &Located<String>, taken: &mut BTreeSet<String>) {
    if !taken.insert(name.value.clone()) {
        let title = format!("signal `{}` exists already", name.value);
        table.problems.add(&name.place, title, "a second one");
    }
    if [" cpu", " memory", " waiting"].iter().any(|end| name.value.ends_with(end)) {
        let title = format!("signal `{}` has the name of a process metric", name.value);
        table.problems.add(&name.place, title, "this ending is reserved for processes");
    }
}

/// `{ name = "backlog", metric = 'name{label="value"}', unit = "messages", counter = false }`; in place of
/// `metric` a `pointer`, a `query`, a `command`, a `pattern` or a `usage`, as the place wants it. Each of them may be
/// a list of alternatives.
fn signal(kind: &str, mut table: Fields<'_>, taken: &mut BTreeSet<String>) -> Option<Signal> {
    let name = table.required_text("name");
    if let Some(name) = &name {
        check_name(&table, name, taken);
    }
    let unit = table.text("unit").map_or(String::new(), |l| l.value);
    let is_counter = table.flag("counter").unwrap_or(false);
    let questions = match kind {
        "prometheus" => {
            let together = together(&mut table);
            alternatives(&mut table, "metric", series)
                .into_iter()
                .map(|selector| Question::Series(selector, together))
                .collect()
        }
        "json" => alternatives(&mut table, "pointer", pointer),
        "redis" => commands(&mut table),
        "log" => alternatives(&mut table, "pattern", pattern),
        "control_group" | "container" => alternatives(&mut table, "usage", usage),
        _ => alternatives(&mut table, "query", |_, query| Some(Question::Query(query.value.clone()))),
    };
    if name.is_none() || questions.is_empty() {
        table.problems.note_unread("signal", name.as_ref().map(|name| name.value.as_str()));
    }
    table.finish();
    let name = name?.value;
    (!questions.is_empty()).then_some(Signal { name, unit, is_counter, questions })
}

/// A text, or a list of them, each a question of its own.
fn alternatives<T>(
    table: &mut Fields<'_>,
    key: &'static str,
    read: fn(&Fields<'_>, &Located<String>) -> Option<T>,
) -> Vec<T> {
    table.require(key);
    let texts = table.texts(key);
    texts.into_iter().filter_map(|text| read(table, &text)).collect()
}

/// `together = "max"`: what several series come to.
fn together(table: &mut Fields<'_>) -> Together {
    let Some(word) = table.text("together") else { return Together::default() };
    let found = Together::ALL.into_iter().find(|(name, _)| *name == word.value);
    if found.is_none() {
        let known = Together::ALL.map(|(name, _)| name);
        table.problems.add_unknown(&word.place, "way to take series together", &word.value, &known);
    }
    found.map(|(_, together)| together).unwrap_or_default()
}

fn series(table: &Fields<'_>, metric: &Located<String>) -> Option<Selector> {
    match metric.value.parse::<Selector>() {
        Ok(selector) => Some(selector),
        Err(error) => {
            table.problems.add(&metric.place, "this is not a selector", error.to_string());
            None
        }
    }
}

fn pattern(table: &Fields<'_>, pattern: &Located<String>) -> Option<Question> {
    match regex::Regex::new(&pattern.value) {
        Ok(regex) => Some(Question::Lines(regex)),
        Err(error) => {
            table.problems.add(&pattern.place, "not a valid regular expression", error.to_string());
            None
        }
    }
}

fn usage(table: &Fields<'_>, usage: &Located<String>) -> Option<Question> {
    let known = [("cpu", Usage::Cpu), ("memory", Usage::Memory)];
    let found = known.iter().find(|(word, _)| *word == usage.value);
    if found.is_none() {
        table.problems.add_unknown(&usage.place, "usage", &usage.value, &known.map(|(word, _)| word));
    }
    found.map(|(_, usage)| Question::Usage(*usage))
}

fn pointer(table: &Fields<'_>, pointer: &Located<String>) -> Option<Question> {
    let is_one = pointer.value.is_empty() || pointer.value.starts_with('/');
    if !is_one {
        table.problems.add(&pointer.place, "this is not a JSON pointer", "expected `/path/to/number`");
    }
    is_one.then(|| Question::Pointer(pointer.value.clone()))
}

/// `command = ["XLEN", "orders"]`, or a list of such.
fn commands(table: &mut Fields<'_>) -> Vec<Question> {
    table.require("command");
    let field = table.text("field").map(|l| l.value);
    let items = table.items("command");
    let lists: Vec<Vec<Located<String>>> = if items.iter().all(|item| item.value.get_ref().is_array()) {
        items.iter().map(|item| words(table, item.value, item.place.file)).collect()
    } else {
        vec![table.texts("command")]
    };
    lists.into_iter().filter_map(|words| command(table, words, field.clone())).collect()
}

fn words(table: &Fields<'_>, list: &Spanned<DeValue<'_>>, file: FileId) -> Vec<Located<String>> {
    let items = list.get_ref().as_array().into_iter().flatten();
    let word = |item: &Spanned<DeValue<'_>>| {
        let place = Place { file, span: item.span() };
        let Some(text) = item.get_ref().as_str() else {
            wrong_type(table.problems, &place, "command", "a word", item.get_ref());
            return None;
        };
        Some(Located { value: text.to_owned(), place })
    };
    items.filter_map(word).collect()
}

fn command(table: &Fields<'_>, words: Vec<Located<String>>, field: Option<String>) -> Option<Question> {
    let first = words.first()?;
    if WRITES.contains(&first.value.to_uppercase().as_str()) {
        let title = format!("`{}` would change the system", first.value);
        table.problems.add(&first.place, title, "a measurement only reads");
    }
    Some(Question::Command { words: words.into_iter().map(|l| l.value).collect(), field })
}
