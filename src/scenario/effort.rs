//! How much one template may do: a mistake such as a loop in a loop must neither hold up a user for
//! minutes nor take the machine's memory.
//!
//! minijinja counts instructions, and bounds `range` (100,000 items) and repeated texts (100 MB). Here are the
//! bounds on what it does not count: the text that is made, and the work of functions and filters.

use std::io;

use minijinja::value::{Kwargs, Rest, StringInput, Value, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, filters};

use super::scope::find_scope;

/// Instructions of a template at most: tens of milliseconds.
const MOST_STEPS: u64 = 2_000_000;
/// Bytes at most of a template's text, and of what its functions make.
pub(super) const MOST_BYTES: usize = 64 << 20;
/// What a step of a shared body counts, in bytes: all bodies of a template have as many steps as itself.
const BYTES_PER_STEP: u64 = MOST_BYTES as u64 / MOST_STEPS;
/// Lengths from which a written value counts: shorter ones are bounded by the steps that write them.
const LONG: usize = 4096;
/// Columns, slices and digits that filters may be asked for.
const MOST_COLUMNS: usize = 100_000;

/// Bounds the templates of an environment.
pub(super) fn bound(environment: &mut Environment<'static>) {
    environment.set_fuel(Some(MOST_STEPS));
    environment.add_filter(
        "indent",
        |value: StringInput<'_>,
         width: Option<usize>,
         first: Option<bool>,
         blank: Option<bool>,
         named: Kwargs| {
            let asked = width.or(named.get("width").ok());
            check_columns("indent", asked.unwrap_or_default())?;
            filters::indent(value, width, first, blank, named)
        },
    );
    environment.add_filter(
        "slice",
        |state: &State<'_, '_>, value: Value, count: usize, fill: Option<Value>| {
            check_columns("slice", count)?;
            filters::slice(state, value, count, fill)
        },
    );
    environment.add_filter(
        "batch",
        |state: &State<'_, '_>, value: Value, count: usize, fill: Option<Value>| {
            check_columns("batch", count)?;
            filters::batch(state, value, count, fill)
        },
    );
    environment.add_filter(
        "format",
        |state: &mut State<'_, '_>, form: &Value, values: Rest<ValueOrKwargs>| {
            check_columns("format", columns(form.as_str().unwrap_or_default()))?;
            filters::format(state, form, values)
        },
    );
    environment.add_filter(
        "replace",
        |state: &mut State<'_, '_>, value: StringInput<'_>, from: StringInput<'_>, to: StringInput<'_>| {
            let text = value.as_str();
            let found =
                if to.as_str().len() > from.as_str().len() { text.matches(from.as_str()).count() } else { 0 };
            spend(state, text.len().saturating_add(found.saturating_mul(to.as_str().len())))?;
            filters::replace(state, value, from, to)
        },
    );
}

/// Counts bytes that a function makes, before it makes them.
///
/// # Errors
/// If the template has made too much.
pub(super) fn spend(state: &State<'_, '_>, bytes: usize) -> Result<(), Error> {
    // Settings have no user; their functions are bounded by the steps.
    match find_scope(state, |scope| scope.spend(bytes as u64)) {
        Some(spent) if spent > MOST_BYTES as u64 => Err(too_much()),
        _ => Ok(()),
    }
}

/// Counts the bytes of a value that is written, if there are many.
///
/// # Errors
/// As [`spend`].
pub(super) fn spend_long(state: &State<'_, '_>, text: &str) -> Result<(), Error> {
    if text.len() > LONG { spend(state, text.len()) } else { Ok(()) }
}

/// Counts the steps that a shared body has taken in rendering.
///
/// # Errors
/// As [`spend`].
pub(super) fn spend_steps(state: &State<'_, '_>, of_body: &State<'_, '_>) -> Result<(), Error> {
    let steps = of_body.fuel_levels().map_or(0, |(consumed, _)| consumed);
    spend(state, usize::try_from(steps.saturating_mul(BYTES_PER_STEP)).unwrap_or(usize::MAX))
}

fn too_much() -> Error {
    let size = crate::unit::size(MOST_BYTES as u64);
    Error::new(ErrorKind::InvalidOperation, format!("the template makes more than {size} of text"))
}

/// What is said of a template that takes too many steps.
pub(super) fn too_many_steps() -> String {
    let millions = MOST_STEPS / 1_000_000;
    format!("the template takes more than {millions} million steps: its loops are too long")
}

fn check_columns(filter: &str, asked: usize) -> Result<(), Error> {
    if asked <= MOST_COLUMNS {
        return Ok(());
    }
    let detail = format!("`{filter}` takes at most {MOST_COLUMNS}, not {asked}");
    Err(Error::new(ErrorKind::InvalidOperation, detail))
}

/// The longest number in a format string: a width or a precision.
fn columns(form: &str) -> usize {
    let numbers = form.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    numbers.map(|digits| digits.parse().unwrap_or(usize::MAX)).max().unwrap_or_default()
}

/// A text that takes no more than [`MOST_BYTES`].
pub(super) struct Bounded(pub(super) Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST_BYTES {
            return Err(io::Error::other(too_much()));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An error as it is to be told: that of a text that is too long stands behind one of writing.
pub(super) fn told(error: Error) -> Error {
    if error.kind() == ErrorKind::WriteFailure { too_much() } else { error }
}

#[cfg(test)]
mod tests {
    use crate::scenario::scope::Scope;
    use crate::scenario::template::{Templates, Variables};

    fn render(source: &str) -> Result<usize, String> {
        let mut templates = Templates::new(&Variables::default());
        let text = templates.add_text(source).unwrap();
        templates.render(&text, &Scope::new(1, || 0)).map(|text| text.len()).map_err(|e| e.to_string())
    }

    #[test]
    fn what_templates_do_without_end_is_refused() {
        let refused = |source: &str, why: &str| {
            let error = render(source).unwrap_err();
            assert!(error.contains(why), "{source}: {error}");
        };
        let nested = "{% for i in range(99999) %}{% for j in range(9999) %}BODY{% endfor %}{% endfor %}";
        refused(&nested.replace("BODY", ""), "more than 2 million steps");
        refused(&nested.replace("BODY", "{% set x = hex(1000) %}"), "more than 64 MiB");
        refused(&nested.replace("BODY", &"x".repeat(1000)), "more than 64 MiB");
        refused("{{ hex(100000000) }}", "more than 64 MiB");
        refused("{{ ('x' * 40000000) }}{{ ('x' * 40000000) }}", "more than 64 MiB");
        refused("{% set t %}{{ 'x' * 90000000 }}{% endset %}", "more than 64 MiB");
        refused("{{ ('x' * 1000000) | replace('x', 'y' * 1000) }}", "more than 64 MiB");
        refused("{{ 'x' * 3000000000 }}", "too large");
        refused("{{ range(1000000000) }}", "too many");
        refused("{{ 'x' | indent(9999999999) }}", "`indent` takes at most");
        refused("{{ 'x' | indent(width=9999999999) }}", "`indent` takes at most");
        refused("{{ [1] | slice(1000000000) }}", "`slice` takes at most");
        refused("{{ '%999999999d' | format(1) }}", "`format` takes at most");
    }

    #[test]
    fn long_bodies_are_made() {
        assert_eq!(render("{{ hex(1000000) }}"), Ok(1_000_000));
        assert_eq!(render("{% for i in range(10000) %}{{ hex(10) }}{% endfor %}"), Ok(100_000));
        assert_eq!(render("{{ 'a\nb' | indent(2) }}{{ '%05d' | format(7) }}"), Ok(10));
        assert_eq!(render("{{ 'aba' | replace('a', 'cd') }}"), Ok(5));
    }

    #[test]
    fn each_rendering_begins_anew() {
        let mut templates = Templates::new(&Variables::default());
        let text = templates.add_text("{{ hex(20000000) }}").unwrap();
        let scope = Scope::new(1, || 0);
        for _ in 0..4 {
            assert_eq!(templates.render(&text, &scope).unwrap().len(), 20_000_000);
        }
    }
}
