//! TOML as people lay it out: values on one line where they fit, else a line each.

use toml_edit::{Key, Value};

use super::template::Template;
use super::tree::Tree;

/// Characters of a line before a value is broken up.
const WIDTH: usize = 110;

/// A value of TOML, not yet laid out.
pub(super) enum Item {
    /// A value as it is written.
    Plain(String),
    /// Values in order.
    List(Vec<Item>),
    /// Named values.
    Table(Vec<(String, Item)>),
}

impl Item {
    pub(super) fn text(text: &str) -> Self {
        Self::Plain(Value::from(text).to_string().trim().to_owned())
    }

    pub(super) fn template(template: &Template) -> Self {
        Self::text(&template.source())
    }

    pub(super) fn integer(n: i64) -> Self {
        Self::Plain(n.to_string())
    }

    pub(super) fn texts<'a>(pairs: impl IntoIterator<Item = &'a (String, Template)>) -> Self {
        Self::Table(pairs.into_iter().map(|(name, value)| (name.clone(), Self::template(value))).collect())
    }

    /// A body of JSON.
    pub(super) fn tree(tree: &Tree<Template>) -> Self {
        match tree {
            // TOML has no null; an expression without a value becomes one.
            Tree::Null => Self::text("{{ none }}"),
            Tree::Bool(value) => Self::Plain(value.to_string()),
            Tree::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(n), _) => Self::integer(n),
                // Larger than TOML's integers; an expression keeps its digits.
                (None, _) if number.is_u64() => Self::text(&format!("{{{{ {number} }}}}")),
                (None, Some(x)) => Self::Plain(Value::from(x).to_string().trim().to_owned()),
                (None, None) => Self::text(&number.to_string()),
            },
            Tree::Text(text) => Self::template(text),
            Tree::List(items) => Self::List(items.iter().map(Self::tree).collect()),
            Tree::Table(entries) => {
                Self::Table(entries.iter().map(|(key, value)| (key.clone(), Self::tree(value))).collect())
            }
        }
    }

    /// The value behind a key, or within another, from a column on.
    pub(super) fn lay_out(&self, indent: usize, column: usize) -> String {
        let line = self.line();
        if column + line.chars().count() <= WIDTH {
            return line;
        }
        let inner = " ".repeat(indent + 2);
        let (open, close, parts): (_, _, Vec<String>) = match self {
            Self::Plain(_) => return line,
            Self::List(items) => {
                ('[', ']', items.iter().map(|item| item.lay_out(indent + 2, indent + 2)).collect())
            }
            Self::Table(entries) => {
                let part = |(name, item): &(String, Item)| {
                    let name = key(name);
                    let column = indent + 5 + name.chars().count();
                    format!("{name} = {}", item.lay_out(indent + 2, column))
                };
                ('{', '}', entries.iter().map(part).collect())
            }
        };
        let parts: Vec<String> = parts.iter().map(|part| format!("{inner}{part},\n")).collect();
        format!("{open}\n{}{}{close}", parts.concat(), " ".repeat(indent))
    }

    fn line(&self) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::line).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Table(entries) if entries.is_empty() => "{}".to_owned(),
            Self::Table(entries) => {
                let entries: Vec<String> =
                    entries.iter().map(|(name, item)| format!("{} = {}", key(name), item.line())).collect();
                format!("{{ {} }}", entries.join(", "))
            }
        }
    }
}

/// A key, between quotes where it needs them.
pub(super) fn key(name: &str) -> String {
    Key::new(name).to_string().trim().to_owned()
}

/// A text as lines of comments.
pub(super) fn comment(text: &str, indent: &str) -> String {
    let mut lines = String::new();
    let words =
        text.split_whitespace().map(|word| word.chars().filter(|c| !c.is_control()).collect::<String>());
    let mut line = String::new();
    for word in words.take(200) {
        if !line.is_empty() && line.chars().count() + word.chars().count() > 96 {
            lines.push_str(&format!("# {line}\n"));
            indent.clone_into(&mut line);
        } else if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if line.is_empty() { lines } else { format!("{lines}# {line}\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_have_a_line_each() {
        let long = "x".repeat(60);
        let table =
            Item::Table(vec![("a".to_owned(), Item::text(&long)), ("b c".to_owned(), Item::text(&long))]);
        assert_eq!(table.lay_out(0, 7), format!("{{\n  a = \"{long}\",\n  \"b c\" = \"{long}\",\n}}"));
        let table = Item::Table(vec![("a".to_owned(), Item::List(vec![Item::integer(1), Item::integer(2)]))]);
        assert_eq!(table.lay_out(0, 7), "{ a = [1, 2] }");
    }

    #[test]
    fn comments_hold_no_line_of_their_text() {
        assert_eq!(comment("a\nb = 1\u{1}", ""), "# a b = 1\n");
        assert_eq!(comment(" ", ""), "");
    }
}
