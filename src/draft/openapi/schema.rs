//! Values of a schema: its example where it has one, else drawn ones.

use super::refs::Document;
use super::text;
use crate::draft::model::Findings;
use crate::draft::names;
use crate::draft::template::{Template, quoted};
use crate::draft::tree::Tree;
use crate::redact::is_secret_name;

/// Schemas within schemas at most.
const DEEPEST: usize = 8;
/// Values of an `enum` that are drawn from, at most.
const MOST_CHOICES: usize = 20;
/// Names of fields, without what separates their words, and the functions that draw such values.
const BY_NAME: [(&str, &str); 16] = [
    ("email", "email()"),
    ("firstname", "first_name()"),
    ("givenname", "first_name()"),
    ("lastname", "last_name()"),
    ("surname", "last_name()"),
    ("familyname", "last_name()"),
    ("username", "user_name()"),
    ("login", "user_name()"),
    ("phone", "phone()"),
    ("mobile", "phone()"),
    ("company", "company()"),
    ("street", "street()"),
    ("city", "city()"),
    ("zip", "zip()"),
    ("postalcode", "zip()"),
    ("description", "sentence()"),
];

/// Makes values.
pub(super) struct Values<'m, 'a> {
    pub(super) document: &'m Document<'a>,
    pub(super) findings: &'m mut Findings,
}

impl<'a> Values<'_, 'a> {
    /// The example beside a schema.
    pub(super) fn example(&self, holder: &'a Tree) -> Option<&'a Tree> {
        if holder.has("example") {
            return Some(holder.get("example"));
        }
        let first = match holder.get("examples") {
            // Named examples have a value; those of a schema are a list of values.
            Tree::Table(named) => self.document.resolve(&named.first()?.1).get("value"),
            list => list.items().first()?,
        };
        (*first != Tree::Null).then_some(first)
    }

    /// The value of a parameter as text.
    pub(super) fn parameter(&mut self, parameter: &'a Tree) -> Template {
        self.parameters(parameter).into_iter().next().unwrap_or_default()
    }

    /// The values of a parameter; a list has several.
    pub(super) fn parameters(&mut self, parameter: &'a Tree) -> Vec<Template> {
        let name = parameter.get("name").text().unwrap_or_default();
        let tree = match self.example(parameter) {
            Some(example) => example.with_templates(&|text| Template::literal(text)),
            None => self.value(parameter.get("schema"), name, &mut Vec::new()),
        };
        match &tree {
            Tree::List(items) => items.iter().filter_map(text::of).collect(),
            tree => vec![text::of(tree).unwrap_or_else(|| self.unknown(name))],
        }
    }

    /// A value of which nothing but the name is known.
    pub(super) fn unknown(&mut self, name: &str) -> Template {
        self.findings.note(format!("guessed: the value of `{name}`, which the description does not specify"));
        self.string(&Tree::Null, name)
    }

    /// A value of a schema. `within` holds the schemas around it, so that one within itself comes to an end.
    pub(super) fn value(
        &mut self,
        schema: &'a Tree,
        name: &str,
        within: &mut Vec<&'a Tree>,
    ) -> Tree<Template> {
        let schema = self.document.resolve(schema);
        let is_circle = within.iter().any(|outer| std::ptr::eq(*outer, schema));
        if within.len() >= DEEPEST || is_circle {
            return Tree::Null;
        }
        let fixed = self.example(schema).or_else(|| {
            ["default", "const"].into_iter().map(|key| schema.get(key)).find(|value| **value != Tree::Null)
        });
        if let Some(fixed) = fixed {
            return fixed.with_templates(&|text| Template::literal(text));
        }
        if let Some(chosen) = choice(schema.get("enum").items()) {
            return chosen;
        }
        within.push(schema);
        let value = self.drawn(schema, name, within);
        within.pop();
        value
    }

    fn drawn(&mut self, schema: &'a Tree, name: &str, within: &mut Vec<&'a Tree>) -> Tree<Template> {
        for key in ["oneOf", "anyOf"] {
            let is_null = |one: &&Tree| one.get("type").text() == Some("null");
            if let Some(first) = schema.get(key).items().iter().find(|one| !is_null(one)) {
                let chosen = self.value(first, name, within);
                // What stands beside it holds, too.
                return match (chosen, schema.has("properties")) {
                    (Tree::Table(chosen), true) => self.table(schema, chosen, within),
                    (chosen, _) => chosen,
                };
            }
        }
        let parts = schema.get("allOf").items();
        if !parts.is_empty() {
            let mut entries = Vec::new();
            for part in parts {
                match self.value(part, name, within) {
                    Tree::Table(more) => {
                        for (key, value) in more {
                            if !entries.iter().any(|(known, _)| *known == key) {
                                entries.push((key, value));
                            }
                        }
                    }
                    Tree::Null => {}
                    scalar if parts.len() == 1 => return scalar,
                    _ => {}
                }
            }
            return self.table(schema, entries, within);
        }
        let expression = |text: String| Tree::Text(Template::expression(text));
        match kind(schema) {
            "object" => self.table(schema, Vec::new(), within),
            "array" => {
                let one = name.strip_suffix('s').unwrap_or(name);
                let item = self.value(schema.get("items"), one, within);
                let least = schema.get("minItems").number().unwrap_or(1.0).clamp(1.0, 10.0);
                let is_nothing = item == Tree::Null;
                if is_nothing {
                    Tree::List(Vec::new())
                } else {
                    Tree::List((0..whole(least)).map(|_| item.clone()).collect())
                }
            }
            "integer" => {
                let (least, most) = range(schema, 1.0, 1000.0);
                expression(format!("int({}, {})", whole(least), whole(most.floor().max(least))))
            }
            "number" => {
                let (least, most) = range(schema, 1.0, 1000.0);
                expression(format!("decimal({least:?}, {most:?}, 2)"))
            }
            "boolean" => expression("chance(0.5)".to_owned()),
            "string" => Tree::Text(self.string(schema, name)),
            "null" => Tree::Null,
            _ => Tree::Table(Vec::new()),
        }
    }

    /// The properties that are required; all of them if none is said to be.
    fn table(
        &mut self,
        schema: &'a Tree,
        mut entries: Vec<(String, Tree<Template>)>,
        within: &mut Vec<&'a Tree>,
    ) -> Tree<Template> {
        let required: Vec<&str> = schema.get("required").items().iter().filter_map(Tree::text).collect();
        for (name, property) in schema.get("properties").entries() {
            let is_known = entries.iter().any(|(known, _)| known == name);
            let is_wanted = required.is_empty() || required.contains(&name.as_str());
            let told = self.document.resolve(property);
            if is_known || !is_wanted || told.get("readOnly").is_true() || property.get("readOnly").is_true()
            {
                continue;
            }
            let value = self.value(property, name, within);
            if value != Tree::Null || required.contains(&name.as_str()) {
                entries.push((Template::literal(name).source(), value));
            }
        }
        Tree::Table(entries)
    }

    fn string(&mut self, schema: &Tree, name: &str) -> Template {
        let least =
            schema.get("minLength").number().map_or(0, |n| usize::try_from(whole(n)).unwrap_or(0)).min(1000);
        let most = schema
            .get("maxLength")
            .number()
            .map_or(usize::MAX, |n| usize::try_from(whole(n)).unwrap_or(usize::MAX));
        let format = schema.get("format").text().unwrap_or_default();
        if is_secret_name(name) || format == "password" {
            let wanted = if name.is_empty() { "PASSWORD".to_owned() } else { names::environment(name) };
            return self.findings.secret(&wanted, "", &format!("the field `{name}`"));
        }
        let of_format = match format {
            "uuid" | "guid" => "uuid()",
            "email" | "idn-email" => "email()",
            "date" => "date(\"2026-01-01\", \"2026-12-31\")",
            "date-time" => "date(\"2026-01-01\", \"2026-12-31\") ~ \"T12:00:00Z\"",
            "time" => return Template::literal("12:00:00Z"),
            "duration" => return Template::literal("PT1H"),
            "uri" | "url" | "uri-reference" | "iri" => {
                return Template::literal("https://example.com/").then(Template::expression("hex(8)"));
            }
            "hostname" => return Template::expression("hex(8)").then(Template::literal(".example.com")),
            "ipv4" => return Template::literal("192.0.2.1"),
            "ipv6" => return Template::literal("2001:db8::1"),
            "byte" => return Template::literal("bG9hZHByb29m"),
            _ => "",
        };
        if !of_format.is_empty() {
            return Template::expression(of_format);
        }
        if let Some(pattern) = schema.get("pattern").text() {
            let drawn = digits(pattern);
            if drawn.is_none() {
                self.findings
                    .note(format!("guessed: `{name}` has the pattern `{pattern}`; set a value that matches"));
            }
            if let Some(expression) = drawn {
                return Template::expression(expression);
            }
        }
        let bare: String =
            name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let of_name = BY_NAME.iter().find(|(word, _)| bare.contains(word)).map(|(_, function)| *function);
        match of_name {
            Some(function) if least <= 3 && most >= 60 => Template::expression(function),
            _ if least <= 3 && most >= 20 && !bare.ends_with("id") => Template::expression("word()"),
            _ => Template::expression(format!("hex({})", 8.clamp(least.min(most), most.max(1)))),
        }
    }
}

/// What a schema's values are; `object` for one with properties.
fn kind(schema: &Tree) -> &str {
    let told = match schema.get("type") {
        // Since 3.1 a list, often with `null`.
        Tree::List(list) => list.iter().filter_map(Tree::text).find(|kind| *kind != "null"),
        one => one.text(),
    };
    told.unwrap_or_else(|| match () {
        () if schema.has("properties") || schema.has("additionalProperties") => "object",
        () if schema.has("items") => "array",
        () if schema.has("format")
            || schema.has("pattern")
            || schema.has("minLength")
            || schema.has("maxLength") =>
        {
            "string"
        }
        () => "",
    })
}

/// One of the values of an `enum`.
fn choice(values: &[Tree]) -> Option<Tree<Template>> {
    let values: Vec<&Tree> = values.iter().filter(|value| **value != Tree::Null).take(MOST_CHOICES).collect();
    if let [only] = values.as_slice() {
        return Some(only.with_templates(&|text| Template::literal(text)));
    }
    let choices: Option<Vec<String>> = values
        .iter()
        .map(|value| match value {
            Tree::Text(text) => Some(quoted(text)),
            other => other.scalar(),
        })
        .collect();
    let choices = choices.filter(|choices| !choices.is_empty())?;
    Some(Tree::Text(Template::expression(format!("pick([{}])", choices.join(", ")))))
}

/// The bounds of a number.
fn range(schema: &Tree, least: f64, most: f64) -> (f64, f64) {
    let step = if kind(schema) == "integer" { 1.0 } else { 0.01 };
    let bound = |key: &str, exclusive: &str, inwards: f64| {
        let is_exclusive = schema.get(exclusive).is_true();
        let beyond = schema.get(exclusive).number().map(|bound| bound + inwards);
        let bound = schema.get(key).number().map(|bound| if is_exclusive { bound + inwards } else { bound });
        beyond.or(bound)
    };
    let low = bound("minimum", "exclusiveMinimum", step);
    let high = bound("maximum", "exclusiveMaximum", -step);
    let (low, high) = match (low, high) {
        (Some(low), Some(high)) => (low, high.max(low)),
        (Some(low), None) => (low, low.max(0.0) + most),
        (None, Some(high)) => (least.min(high), high),
        (None, None) => (least, most),
    };
    // Beyond this a number is not exact, and no field is meant to be that large.
    (low.clamp(-1e15, 1e15), high.clamp(-1e15, 1e15))
}

/// A number of so many digits, for `^\d{5}$` and the like.
fn digits(pattern: &str) -> Option<String> {
    let inner = pattern.trim_start_matches('^').trim_end_matches('$');
    let count = inner.strip_prefix("\\d").or_else(|| inner.strip_prefix("[0-9]"))?;
    let count: u32 = match count {
        "+" | "*" => 6,
        count => count.strip_prefix('{')?.strip_suffix('}')?.split(',').next()?.parse().ok()?,
    };
    (1..=15).contains(&count).then(|| format!("int({}, {})", 10_i64.pow(count - 1), 10_i64.pow(count) - 1))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "bounds of numbers are at most 1e15, and others saturate"
)]
fn whole(number: f64) -> i64 {
    number.ceil() as i64
}
