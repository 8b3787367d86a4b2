//! Bodies of requests, from TOML values to the text of a template.

use toml::Spanned;
use toml::de::{DeInteger, DeValue};

use crate::scenario::json::Json;
use crate::scenario::problem::{FileId, Place, Problems};
use crate::scenario::template::{is_template, single_expression};

/// The template that renders a TOML value as JSON; plain JSON where there is nothing to render.
///
/// A string that is one `{{ expression }}` becomes the expression's JSON value, with its type.
pub(in crate::scenario) fn json_template(value: &DeValue<'_>) -> String {
    let mut source = String::new();
    write_json(&mut source, value);
    source
}

fn write_json(out: &mut String, value: &DeValue<'_>) {
    match value {
        DeValue::String(text) => write_string(out, text),
        DeValue::Array(array) => {
            write_list(out, ['[', ']'], array.iter(), |out, item| write_json(out, item.get_ref()));
        }
        DeValue::Table(table) => write_list(out, ['{', '}'], table.iter(), |out, (key, item)| {
            // Spaces keep `{{` from arising where an object, or one within it, begins with a template.
            if is_template(key.get_ref()) {
                out.push(' ');
            }
            write_string(out, key.get_ref());
            out.push_str(": ");
            write_json(out, item.get_ref());
        }),
        DeValue::Float(number) => out.push_str(&digits(number.as_str())),
        DeValue::Integer(number) => out.push_str(&whole(number)),
        other => out.push_str(&super::plain::json(other).to_string()),
    }
}

/// A whole number in decimal digits, however many; [`check_numbers`] notes those that are too long in another base.
fn whole(number: &DeInteger<'_>) -> String {
    match number.radix() {
        10 => digits(number.as_str()),
        radix => u128::from_str_radix(&number.as_str().replace('_', ""), radix)
            .map_or_else(|_| "null".to_owned(), |n| n.to_string()),
    }
}

/// Notes numbers that JSON cannot write.
pub(super) fn check_numbers(value: &Spanned<DeValue<'_>>, file: FileId, problems: &Problems) {
    let refused =
        |title: String, label: &str| problems.add(&Place { file, span: value.span() }, title, label);
    match value.get_ref() {
        DeValue::Float(number) if digits(number.as_str()) == "null" => {
            refused(format!("JSON has no number `{}`", number.as_str()), "write a finite number, or a text");
        }
        DeValue::Integer(number) if whole(number) == "null" => {
            refused("a number of more than 128 bits".to_owned(), "write it in decimal digits");
        }
        DeValue::Array(items) => items.iter().for_each(|item| check_numbers(item, file, problems)),
        DeValue::Table(table) => table.values().for_each(|item| check_numbers(item, file, problems)),
        _ => {}
    }
}

/// A number as it was written, where JSON can write it so: `1.50`. JSON has no infinity: it has `null`.
fn digits(written: &str) -> String {
    let digits = written.trim_start_matches('+').replace('_', "");
    match Json::parse(&digits) {
        Some(Json::Number(_)) => digits,
        _ => "null".to_owned(),
    }
}

/// A value as the text of a form's field: a text as it is, and anything else as JSON writes it.
pub(super) fn field_text(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Float(number) => digits(number.as_str()),
        DeValue::Integer(number) => whole(number),
        other => super::plain::json(other).to_string(),
    }
}

/// The values of a form's field: the items of a list, one after another, or the one that it is.
pub(super) fn field_values<'a>(value: &'a Spanned<DeValue<'a>>) -> Vec<&'a Spanned<DeValue<'a>>> {
    match value.get_ref() {
        DeValue::Array(values) => values.iter().collect(),
        _ => vec![value],
    }
}

fn write_list<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl Iterator<Item = T>,
    write: impl Fn(&mut String, T),
) {
    out.push(open);
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(close);
}

fn write_string(out: &mut String, text: &str) {
    if let Some(expression) = single_expression(text) {
        out.push_str(&format!("{{{{ ({expression}) | tojson }}}}"));
    } else if is_template(text) {
        out.push_str(&format!("{{% filter tojson %}}{text}{{% endfilter %}}"));
    } else {
        out.push_str(&serde_json::Value::from(text).to_string());
    }
}

/// The template that renders `(name, value)` pairs as a form (`application/x-www-form-urlencoded`).
pub(in crate::scenario) fn form_template(pairs: &[(String, String)]) -> String {
    let part = |text: &str| {
        if is_template(text) {
            format!("{{% filter urlencode %}}{text}{{% endfilter %}}")
        } else {
            encoded(text)
        }
    };
    let parts: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), part(value))).collect();
    parts.join("&")
}

fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::*;

    fn template_of(toml: &str) -> String {
        let root = DeTable::parse(toml).unwrap();
        json_template(root.get_ref().get("v").unwrap().get_ref())
    }

    #[test]
    fn plain_values_become_plain_json() {
        assert_eq!(
            template_of(r#"v = { a = [1, 2.5, true], b = { c = "x\"y" } }"#),
            r#"{"a": [1,2.5,true],"b": {"c": "x\"y"}}"#
        );
    }

    #[test]
    fn whole_numbers_keep_their_digits() {
        assert_eq!(
            template_of(
                "v = [12345678901234567890, -1_0, +7, 0xff, 123456789012345678901234567890123456789012]"
            ),
            "[12345678901234567890,-10,7,255,123456789012345678901234567890123456789012]"
        );
    }

    #[test]
    fn keys_may_hold_templates() {
        assert_eq!(template_of(r#"v = { "{{ a }}" = 1 }"#), "{ {{ (a) | tojson }}: 1}");
    }

    #[test]
    fn expressions_keep_their_type_and_texts_are_quoted() {
        assert_eq!(template_of(r#"v = "{{ int(1, 3) }}""#), "{{ (int(1, 3)) | tojson }}");
        assert_eq!(
            template_of(r#"v = "EXT-{{ hex(8) }}""#),
            "{% filter tojson %}EXT-{{ hex(8) }}{% endfilter %}"
        );
    }

    #[test]
    fn forms_are_percent_encoded() {
        let pairs = [("a b".to_owned(), "1&2".to_owned()), ("c".to_owned(), "{{ x }}".to_owned())];
        assert_eq!(form_template(&pairs), "a%20b=1%262&c={% filter urlencode %}{{ x }}{% endfilter %}");
    }
}
