//! `[[signals]]`: places that are read, and the signals found there. The key that names the place
//! decides what is asked there.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Settings, base_url};
use crate::scenario::fields::{Fields, Located};
use crate::scenario::signal::{Question, Selector, Signal, SignalSource, SourcePlace};

/// The keys of which a table of signals has exactly one.
const PLACES: [&str; 5] = ["prometheus", "json", "sqlite", "postgres", "redis"];

/// Redis commands that change something; a measurement must not.
const WRITES: [&str; 16] = [
    "SET", "DEL", "UNLINK", "FLUSHALL", "FLUSHDB", "XADD", "XDEL", "XTRIM", "XACK", "LPUSH", "RPUSH", "LPOP",
    "RPOP", "INCR", "EXPIRE", "CONFIG",
];

/// `taken`: the names of the signals that were read before; extended by these.
pub(in crate::scenario) fn read(
    file: &mut Fields<'_>,
    settings: &Settings,
    taken: &mut BTreeSet<String>,
) -> Vec<SignalSource> {
    file.tables("signals").into_iter().filter_map(|table| source(table, settings, taken)).collect()
}

fn source(mut table: Fields<'_>, settings: &Settings, taken: &mut BTreeSet<String>) -> Option<SignalSource> {
    let given: Vec<&'static str> = PLACES.into_iter().filter(|key| table.has(key)).collect();
    let [kind] = given[..] else {
        let title = "where are these signals? they have exactly one of `prometheus`, `json`, `sqlite`, `postgres`, `redis`";
        table.problems.add(&table.place, title, "in these signals");
        return None;
    };
    let place = table.text(kind).map(|text| place(kind, &text, &table, settings));
    let every = table.duration("every").unwrap_or(Duration::from_millis(500));
    table.require("signal");
    let signals = table.tables("signal").into_iter().filter_map(|t| signal(kind, t, taken)).collect();
    table.finish();
    Some(SignalSource { place: place?, every, signals })
}

fn place(kind: &str, text: &Located<String>, table: &Fields<'_>, settings: &Settings) -> SourcePlace {
    let filled = |schemes: &[&str]| {
        let url = settings.fill(text, table.problems);
        if !schemes.iter().any(|scheme| url.starts_with(scheme)) {
            let expected = format!("expected `{}…`", schemes[0]);
            table.problems.add(&text.place, format!("this is no {kind} URL"), expected);
        }
        url
    };
    match kind {
        "prometheus" => SourcePlace::Prometheus(base_url(text, settings, table.problems)),
        "json" => SourcePlace::Json(base_url(text, settings, table.problems)),
        "sqlite" => SourcePlace::Sqlite(settings.fill(text, table.problems)),
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
        let title = format!("signal `{}` would be taken for a process's", name.value);
        table.problems.add(&name.place, title, "names ending so are those of processes");
    }
}

/// `{ name = "backlog", metric = 'name{label="value"}', unit = "messages", total = false }`; in place of
/// `metric` a `pointer`, a `query` or a `command`, as the place wants it.
fn signal(kind: &str, mut table: Fields<'_>, taken: &mut BTreeSet<String>) -> Option<Signal> {
    let name = table.required_text("name");
    if let Some(name) = &name {
        check_name(&table, name, taken);
    }
    let unit = table.text("unit").map_or(String::new(), |l| l.value);
    let is_total = table.flag("total").unwrap_or(false);
    let question = match kind {
        "prometheus" => series(&mut table),
        "json" => pointer(&mut table),
        "redis" => command(&mut table),
        _ => table.required_text("query").map(|query| Question::Query(query.value)),
    };
    table.finish();
    Some(Signal { name: name?.value, unit, is_total, question: question? })
}

fn series(table: &mut Fields<'_>) -> Option<Question> {
    let metric = table.required_text("metric")?;
    match metric.value.parse::<Selector>() {
        Ok(selector) => Some(Question::Series(selector)),
        Err(error) => {
            table.problems.add(&metric.place, "this is not a selector", error.to_string());
            None
        }
    }
}

fn pointer(table: &mut Fields<'_>) -> Option<Question> {
    let pointer = table.required_text("pointer")?;
    if !pointer.value.is_empty() && !pointer.value.starts_with('/') {
        table.problems.add(&pointer.place, "this is not a JSON pointer", "expected `/path/to/number`");
    }
    Some(Question::Pointer(pointer.value))
}

fn command(table: &mut Fields<'_>) -> Option<Question> {
    table.require("command");
    let words = table.texts("command");
    let field = table.text("field").map(|l| l.value);
    let first = words.first()?;
    if WRITES.contains(&first.value.to_uppercase().as_str()) {
        let title = format!("`{}` would change the system", first.value);
        table.problems.add(&first.place, title, "a measurement only reads");
    }
    Some(Question::Command { words: words.into_iter().map(|l| l.value).collect(), field })
}
