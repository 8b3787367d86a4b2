//! `let = { id = { key = "product" }, person = { feed = "customers" }, note = "{{ word() }}" }`:
//! variables of a journey, or of a step.

use std::time::Duration;

use toml::de::DeValue;

use super::book::{Book, Flow};
use crate::scenario::fields::{Fields, Located};
use crate::scenario::journey::{Binding, BindingFrom};
use crate::scenario::problem::{Place, Problems};

/// Words that templates take for values.
const VALUES: [&str; 6] = ["true", "false", "none", "True", "False", "None"];
/// How long a value of a queue is waited for.
const TAKE_WITHIN: Duration = Duration::from_secs(10);

/// Reads `let` of a journey or a step, and notes what it needs, and as `gives` what it gives.
pub(super) fn read(
    table: &mut Fields<'_>,
    book: &mut Book<'_>,
    flow: &mut Vec<Flow>,
    gives: fn(String) -> Flow,
) -> Vec<Binding> {
    let Some(table) = table.table("let") else { return Vec::new() };
    let problems = table.problems;
    let mut bindings = Vec::new();
    for (variable, value) in table.entries() {
        check_variable(problems, &variable);
        let place = Place { file: table.file(), span: value.span() };
        let from = match value.get_ref() {
            DeValue::Table(_) => {
                Fields::of(value, table.file(), "a variable", problems).and_then(|t| drawn(t, book))
            }
            _ => book.computed(value, &place, flow).map(BindingFrom::Value),
        };
        flow.push(gives(variable.value.clone()));
        bindings.extend(from.map(|from| Binding { variable: variable.value, from }));
    }
    bindings
}

/// Notes a variable's name that no template could say.
pub(super) fn check_variable(problems: &Problems, name: &Located<String>) {
    let word = name.value.as_str();
    let is_word = word.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !word.starts_with(|c: char| c.is_numeric())
        && !VALUES.contains(&word)
        && minijinja::Environment::new().compile_expression(word).is_ok();
    if !is_word {
        let title = format!("`{word}` cannot be the name of a variable");
        let label = "expected letters, digits and `_`, not beginning with a digit, and not a word reserved in templates";
        problems.add(&name.place, title, label);
    }
}

fn drawn(mut table: Fields<'_>, book: &mut Book<'_>) -> Option<BindingFrom> {
    let (key, feed) = (table.text("key"), table.text("feed"));
    let (count, take) = (table.name("count"), table.name("take"));
    let from = match (key, feed, count, take) {
        (Some(name), None, None, None) => {
            let names: Vec<&str> = book.keys.iter().map(|k| k.name.as_str()).collect();
            place(&table, "list of keys", &name, &names).map(BindingFrom::Key)
        }
        (None, Some(name), None, None) => {
            let names: Vec<&str> = book.feeders.iter().map(|f| f.name.as_str()).collect();
            place(&table, "feeder", &name, &names).map(BindingFrom::Feed)
        }
        (None, None, Some(counter), None) => Some(BindingFrom::Count(book.counter(&counter.value))),
        (None, None, None, Some(queue)) => {
            let within = table.duration("within").unwrap_or(TAKE_WITHIN);
            Some(BindingFrom::Take { queue: book.drain_queue(&queue), within })
        }
        _ => {
            let label = "needs a value, `{ key = … }`, `{ feed = … }`, `{ count = … }` or `{ take = … }`";
            table.problems.add(&table.place, "a variable needs exactly one source", label);
            None
        }
    };
    table.finish();
    from
}

fn place(table: &Fields<'_>, what: &str, name: &Located<String>, names: &[&str]) -> Option<usize> {
    let found = names.iter().position(|known| *known == name.value);
    if found.is_none() {
        table.problems.add_unknown(&name.place, what, &name.value, names);
    }
    found
}
