//! Values as the text of a field, a header or a part of a URL.

use crate::draft::template::Template;
use crate::draft::tree::Tree;

/// A scalar as text; lists as their values between commas, and no text for what is null or a table.
pub(super) fn of(value: &Tree<Template>) -> Option<Template> {
    match value {
        Tree::Null | Tree::Table(_) => None,
        Tree::Bool(value) => Some(Template::literal(value.to_string())),
        Tree::Number(number) => Some(Template::literal(number.to_string())),
        Tree::Text(text) => Some(text.clone()),
        Tree::List(items) => {
            let mut joined = Template::default();
            for (at, item) in items.iter().filter_map(of).enumerate() {
                joined = joined.then(Template::literal(if at == 0 { "" } else { "," })).then(item);
            }
            Some(joined)
        }
    }
}
