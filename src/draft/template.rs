//! Texts of a scenario as literals and expressions, so that what was recorded never becomes a template by accident.

/// A text of literal pieces and of expressions that are evaluated for each request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Expression(String),
}

/// Characters around the number of an expression in a marked text; both are for private use.
pub(super) const OPEN: char = '\u{e000}';
/// See [`OPEN`].
pub(super) const CLOSE: char = '\u{e001}';

/// What begins a template's syntax.
const MARKS: [&str; 3] = ["{{", "{%", "{#"];

impl Template {
    /// A text that stands for itself.
    pub(super) fn literal(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::default() } else { Self(vec![Piece::Literal(text)]) }
    }

    /// The value of an expression.
    pub(super) fn expression(expression: impl Into<String>) -> Self {
        Self(vec![Piece::Expression(expression.into())])
    }

    /// An environment variable.
    pub(super) fn env(name: &str) -> Self {
        Self::expression(format!("env(\"{name}\")"))
    }

    /// This text, and another behind it.
    #[must_use]
    pub(super) fn then(mut self, other: Self) -> Self {
        for piece in other.0 {
            match (self.0.last_mut(), piece) {
                (Some(Piece::Literal(last)), Piece::Literal(text)) => last.push_str(&text),
                (_, piece) => self.0.push(piece),
            }
        }
        self
    }

    /// The text, if there is no expression in it.
    pub(super) fn as_literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Its expressions, in order.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Expression(expression) => Some(expression.as_str()),
            Piece::Literal(_) => None,
        })
    }

    /// The variable or function with which its first expression begins.
    pub(super) fn first_word(&self) -> Option<&str> {
        let first = self.expressions().next()?;
        let end = first.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(first.len());
        Some(&first[..end])
    }

    /// The text with marks in the place of expressions, for readers that know none, and the expressions.
    pub(super) fn marked(&self) -> (String, Vec<String>) {
        let (mut text, mut expressions) = (String::new(), Vec::new());
        for piece in &self.0 {
            match piece {
                Piece::Literal(literal) => {
                    text.extend(literal.chars().filter(|c| ![OPEN, CLOSE].contains(c)));
                }
                Piece::Expression(expression) => {
                    text.push_str(&format!("{OPEN}{}{CLOSE}", expressions.len()));
                    expressions.push(expression.clone());
                }
            }
        }
        (text, expressions)
    }

    /// A text with marks as a template again.
    pub(super) fn unmarked(text: &str, expressions: &[String]) -> Self {
        let mut template = Self::default();
        for (at, part) in text.split(OPEN).enumerate() {
            let (number, rest) = part.split_once(CLOSE).unwrap_or(("", part));
            if let Some(expression) =
                number.parse::<usize>().ok().and_then(|n| expressions.get(n)).filter(|_| at > 0)
            {
                template = template.then(Self::expression(expression));
            }
            template = template.then(Self::literal(rest));
        }
        template
    }

    /// The text as scenarios have it: what looks like a template in a literal is escaped.
    pub(super) fn source(&self) -> String {
        let mut source = String::new();
        for (at, piece) in self.0.iter().enumerate() {
            match piece {
                Piece::Expression(expression) => source.push_str(&format!("{{{{ {expression} }}}}")),
                Piece::Literal(text) => {
                    let is_before_expression = at + 1 < self.0.len();
                    escape(text, is_before_expression, &mut source);
                }
            }
        }
        source
    }
}

fn escape(text: &str, is_before_expression: bool, source: &mut String) {
    let mut rest = text;
    while let Some(at) = MARKS.iter().filter_map(|mark| rest.find(mark)).min() {
        let (before, after) = rest.split_at(at);
        let (mark, after) = after.split_at(2);
        source.push_str(&format!("{before}{{{{ \"{mark}\" }}}}"));
        rest = after;
    }
    match rest.strip_suffix('{') {
        // A brace would become one of the expression's.
        Some(before) if is_before_expression => source.push_str(&format!("{before}{{{{ \"{{\" }}}}")),
        _ => source.push_str(rest),
    }
}

/// A text between the quotes of an expression.
pub(super) fn quoted(text: &str) -> String {
    // `}}` and `{{` would be taken for the expression's own braces by readers that look for its end.
    let escaped: String = text
        .chars()
        .map(|c| match c {
            '"' | '\\' => format!("\\{c}"),
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            '{' | '}' => format!("\\u{:04x}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rendered(template: &Template) -> String {
        let environment = minijinja::Environment::new();
        environment.render_str(&template.source(), minijinja::context! { x => "X" }).unwrap()
    }

    #[test]
    fn marks_stand_for_expressions() {
        let text = Template::literal("/a/").then(Template::expression("b")).then(Template::literal("?c"));
        let (marked, expressions) = text.marked();
        assert_eq!(marked, "/a/\u{e000}0\u{e001}?c");
        assert_eq!(Template::unmarked(&marked, &expressions), text);
    }

    #[test]
    fn pieces_become_a_source() {
        let id = Template::literal("/a/").then(Template::expression("id")).then(Template::literal("/b"));
        assert_eq!(id.source(), "/a/{{ id }}/b");
        assert_eq!(id.first_word(), Some("id"));
        assert_eq!(id.as_literal(), None);
        assert_eq!(Template::literal("a {{ b }}").source(), "a {{ \"{{\" }} b }}");
        assert_eq!(Template::env("TOKEN").source(), "{{ env(\"TOKEN\") }}");
    }

    proptest! {
        #[test]
        fn literals_stand_for_themselves(before in "[a{}%#\" -]{0,12}", after in "[a{}%#\" -]{0,12}") {
            let text = Template::literal(&before).then(Template::expression("x")).then(Template::literal(&after));
            prop_assert_eq!(rendered(&text), format!("{before}X{after}"));
        }

        #[test]
        fn quoted_texts_stand_for_themselves(text in "[a-z{}%\"\\\\\n\t é]{0,12}") {
            prop_assert_eq!(rendered(&Template::expression(quoted(&text))), text);
        }
    }
}
