//! `tags = { page = "checkout" }`: words by which what is called can be selected and summed up.

use toml::de::DeValue;

use super::book::Book;
use super::context::Tags;
use crate::scenario::fields::{Fields, Located, wrong_type};
use crate::scenario::problem::Place;

/// Tags that a step has at most, those of its journey and its groups included.
const MOST: usize = 8;
/// Characters of a tag's name at most.
const LONGEST_NAME: usize = 40;
/// Characters of a tag's value at most.
const LONGEST_VALUE: usize = 100;

/// The tags of a step or a journey: those around it, and its own, which win.
pub(super) fn read(table: &mut Fields<'_>, around: &Tags, book: &Book<'_>) -> Tags {
    let mut tags = Tags { pairs: around.pairs.clone(), place: table.place.clone() };
    let Some(own) = table.table("tags") else { return tags };
    tags.place = own.place.clone();
    for (name, value) in pairs(&own) {
        if !is_name(&name.value) {
            let title = format!("`{}` is not a valid name of a tag", name.value);
            let label = format!("letters, digits, `_`, `-` and `.`, at most {LONGEST_NAME}");
            own.problems.add(&name.place, title, label);
        }
        if value.value.contains("{{") || value.value.contains("{%") {
            let label = "for values that differ from request to request use `keys` or a feeder";
            own.problems.add(&value.place, "a tag is a fixed word, not a template", label);
        } else if !is_value(&value.value) {
            let title = format!("`{}` is not a valid value of a tag", value.value);
            let label = format!("1 to {LONGEST_VALUE} characters without control characters");
            own.problems.add(&value.place, title, label);
        }
        tags.pairs.insert(name.value, value.value);
    }
    if tags.pairs.len() > MOST {
        let label = format!("at most {MOST}, those of its journey and groups included");
        book.problems.add(&tags.place, format!("{} tags", tags.pairs.len()), label);
    }
    tags
}

/// The names and values of a table of tags; whatever is not a text is a mistake.
pub(super) fn pairs(table: &Fields<'_>) -> Vec<(Located<String>, Located<String>)> {
    let pair = |(name, value): (Located<String>, &toml::Spanned<DeValue<'_>>)| {
        let place = Place { file: table.file(), span: value.span() };
        match value.get_ref() {
            DeValue::String(text) => Some((name, Located { value: text.to_string(), place })),
            other => {
                wrong_type(table.problems, &place, &name.value, "a string", other);
                None
            }
        }
    };
    table.entries().into_iter().filter_map(pair).collect()
}

fn is_name(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || ['_', '-', '.'].contains(&c);
    (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(is_letter)
}

fn is_value(value: &str) -> bool {
    (1..=LONGEST_VALUE).contains(&value.chars().count()) && !value.chars().any(char::is_control)
}
