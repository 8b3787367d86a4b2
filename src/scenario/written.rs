//! How templates write values: as JSON and forms have them (`true`, nothing for `null`), and
//! numbers as they came.

use std::borrow::Cow;

use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, escape_formatter, filters};

use super::effort::{spend, spend_long};
use super::scope::with_scope;

/// Makes an environment write values so.
pub(super) fn register(environment: &mut Environment<'static>) {
    environment.set_formatter(|out, state, value| match word(state, value) {
        Some(word) => {
            spend_long(state, &word)?;
            out.write_str(&word).map_err(Error::from)
        }
        None => {
            spend_long(state, value.as_str().unwrap_or_default())?;
            escape_formatter(out, state, value)
        }
    });
    environment.add_filter("string", |state: &State<'_, '_>, value: &Value| text(state, value).into_owned());
    environment.add_filter(
        "tojson",
        |state: &State<'_, '_>, value: &Value, indent: Option<Value>, args: Kwargs| {
            if indent.is_some() || args.args().next().is_some() {
                return filters::tojson(value, indent, args);
            }
            let mut out = String::new();
            write_json(state, value, &mut out)?;
            spend(state, out.len())?;
            Ok(Value::from_safe_string(out))
        },
    );
    environment.add_filter("urlencode", |state: &State<'_, '_>, value: &Value| match value.kind() {
        ValueKind::Map | ValueKind::Bytes => filters::urlencode(value),
        _ => filters::urlencode(&Value::from(text(state, value).as_ref())),
    });
    environment.add_filter("join", |state: &State<'_, '_>, value: &Value, between: Option<Cow<'_, str>>| {
        let items: Vec<String> = value.try_iter()?.map(|item| text(state, &item).into_owned()).collect();
        let between = between.unwrap_or_default();
        spend(state, items.iter().map(|item| item.len() + between.len()).sum())?;
        Ok::<_, Error>(items.join(&between))
    });
}

/// A value as templates write it.
pub(super) fn text<'a>(state: &State<'_, '_>, value: &'a Value) -> Cow<'a, str> {
    match value.as_str() {
        Some(text) => Cow::Borrowed(text),
        None => word(state, value).unwrap_or_else(|| Cow::Owned(value.to_string())),
    }
}

/// A value that is written otherwise than minijinja writes it.
fn word<'a>(state: &State<'_, '_>, value: &Value) -> Option<Cow<'a, str>> {
    match value.kind() {
        ValueKind::None => Some(Cow::Borrowed("")),
        ValueKind::Bool => Some(Cow::Borrowed(if value.is_true() { "true" } else { "false" })),
        ValueKind::Number => digits(state, value).map(Cow::Owned),
        ValueKind::Seq | ValueKind::Map => {
            let mut json = String::new();
            write_json(state, value, &mut json).ok()?;
            Some(Cow::Owned(json))
        }
        _ => None,
    }
}

/// How a number was written that came from an answer or a file.
fn digits(state: &State<'_, '_>, value: &Value) -> Option<String> {
    if value.is_integer() {
        return None;
    }
    let number = f64::try_from(value.clone()).ok()?;
    with_scope(state, |scope| scope.written(number)).ok()?.map(|written| written.to_string())
}

fn write_json(state: &State<'_, '_>, value: &Value, out: &mut String) -> Result<(), Error> {
    match value.kind() {
        ValueKind::None | ValueKind::Undefined => out.push_str("null"),
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number if value.is_integer() => out.push_str(&value.to_string()),
        ValueKind::Number => match digits(state, value) {
            Some(digits) => out.push_str(&digits),
            None => {
                let number = f64::try_from(value.clone())?;
                let number = serde_json::Number::from_f64(number).ok_or_else(|| {
                    Error::new(ErrorKind::InvalidOperation, format!("{value} is not a number of JSON"))
                })?;
                out.push_str(&number.to_string());
            }
        },
        ValueKind::Seq | ValueKind::Iterable => {
            out.push('[');
            for (place, item) in value.try_iter()?.enumerate() {
                out.push_str(if place > 0 { ", " } else { "" });
                write_json(state, &item, out)?;
            }
            out.push(']');
        }
        ValueKind::Map => {
            out.push('{');
            for (place, name) in value.try_iter()?.enumerate() {
                out.push_str(if place > 0 { ", " } else { "" });
                quote(&text(state, &name), out);
                out.push_str(": ");
                write_json(state, &value.get_item(&name)?, out)?;
            }
            out.push('}');
        }
        _ => quote(&value.to_string(), out),
    }
    Ok(())
}

fn quote(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use crate::scenario::json::Json;
    use crate::scenario::scope::Scope;
    use crate::scenario::template::{Templates, Variables};

    /// What a template makes of the variable `x`, given as JSON.
    fn render(source: &str, x: &str) -> String {
        let mut templates = Templates::new(&Variables::default());
        let text = templates.add_text(source).unwrap();
        let scope = Scope::new(1, || 0);
        scope.set("x", &Json::parse(x).unwrap().value());
        String::from_utf8(templates.render(&text, &scope).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn values_of_answers_go_back_as_they_came() {
        for digits in [
            "12345678901234567890123",
            "1.50",
            "7",
            "0.1",
            "1e3",
            "-0",
            "123456789012345678901234567890123456789012",
        ] {
            assert_eq!(render("/a/{{ x }}", digits), format!("/a/{digits}"));
            assert_eq!(render("{{ x | tojson }}", digits), digits);
            assert_eq!(render("{% filter urlencode %}{{ x }}{% endfilter %}", digits), digits);
            assert_eq!(render("{{ x | string }}", digits), digits);
        }
        assert_eq!(render("{{ x }}|{{ x | urlencode }}|{{ x | tojson }}", "true"), "true|true|true");
        assert_eq!(render("{{ x }}|{{ x | urlencode }}|{{ x | tojson }}", "null"), "||null");
        let nested = r#"{"a": [1.50, true, null], "b": "<&'>"}"#;
        assert_eq!(render("{{ x | tojson }}", nested), nested);
        assert_eq!(render("{{ x }}", nested), nested);
        assert_eq!(render("{{ x | join(',') }}", "[1.50, true, 2]"), "1.50,true,2");
    }

    #[test]
    fn they_are_numbers_and_truths_where_they_are_worked_with() {
        assert_eq!(render("{{ x * 2 }}", "1.50"), "3.0");
        assert_eq!(render("{{ x + 1 }}", "12345678901234567890123"), "12345678901234567890124");
        assert_eq!(render("{% if x %}yes{% else %}no{% endif %}", "false"), "no");
        assert_eq!(render("{{ x.a + 1 }}", r#"{"a": 1.50}"#), "2.5");
    }
}
