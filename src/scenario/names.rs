//! The names that a template uses: filters, tests and methods are looked up only when it is
//! rendered, and should be known before.

/// What a template uses by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Used<'a> {
    /// `… | name`, `{% filter name %}`, `map("name")`.
    Filter(&'a str),
    /// `… is name`, `select("name")`.
    Test(&'a str),
    /// `….name()`.
    Method(&'a str),
    /// `{% name … %}` of another template's file.
    File(&'a str),
    /// `env("name")`, without a default.
    Variable(&'a str),
}

/// Statements that need other templates' files.
const OF_FILES: [&str; 4] = ["include", "import", "from", "extends"];
/// What has methods.
const WITH_METHODS: [&str; 2] = ["loop", "self"];

/// The names that a template uses, in the order in which they stand. It must be one.
pub(super) fn used(source: &str) -> Vec<Used<'_>> {
    let mut found = Vec::new();
    each_part(source, &mut |tokens, is_statement| note(tokens, is_statement, &mut found));
    found
}

/// What a template uses of a variable that holds others by name: `name` of `variable.name` and `variable["name"]`; none
/// for the variable as a whole.
pub(super) fn parts_of<'a>(source: &'a str, variable: &str) -> Vec<Option<&'a str>> {
    use Token::{Sign, Text, Word};
    let mut found = Vec::new();
    each_part(source, &mut |tokens, _| {
        for (at, token) in tokens.iter().enumerate() {
            let is_part = at > 0 && matches!(tokens[at - 1], Sign('.'));
            if *token == Word(variable) && !is_part {
                found.push(match &tokens[at + 1..] {
                    [Sign('.'), Word(name), ..] | [Sign('['), Text(name), Sign(']'), ..] => Some(*name),
                    _ => None,
                });
            }
        }
    });
    found
}

/// Whether a template calls a function.
pub(super) fn calls(source: &str, function: &str) -> bool {
    let mut found = false;
    // Most do not even name it.
    if source.contains(function) {
        each_part(source, &mut |tokens, _| {
            let pairs = tokens.windows(2).enumerate();
            found |= pairs.into_iter().any(|(at, pair)| {
                let is_method = at > 0 && tokens[at - 1] == Token::Sign('.');
                pair == [Token::Word(function), Token::Sign('(')] && !is_method
            });
        });
    }
    found
}

/// Hands over the tokens of each `{{ … }}` and `{% … %}`, and whether they are a statement.
fn each_part<'a>(source: &'a str, then: &mut impl FnMut(&[Token<'a>], bool)) {
    let mut rest = source;
    while let Some(at) = rest.find('{') {
        rest = &rest[at..];
        let mark = rest.get(..2).unwrap_or_default();
        rest = match mark {
            "{#" => rest.split_once("#}").map_or("", |(_, after)| after),
            "{{" | "{%" => {
                let (tokens, after) = tokens(&rest[2..], if mark == "{{" { "}}" } else { "%}" });
                then(&tokens, mark == "{%");
                if mark == "{%" && tokens.first() == Some(&Token::Word("raw")) {
                    behind_raw(after)
                } else {
                    after
                }
            }
            _ => &rest[1..],
        };
    }
}

/// What follows a raw block, whose text is no template.
fn behind_raw(text: &str) -> &str {
    let Some(at) = text.find("endraw") else { return "" };
    text[at..].split_once("%}").map_or("", |(_, after)| after)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
    Sign(char),
}

/// The tokens up to `close`, and what follows it.
fn tokens<'a>(source: &'a str, close: &str) -> (Vec<Token<'a>>, &'a str) {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens = Vec::new();
    let mut rest = source;
    let mut depth = 0_usize;
    while let Some(c) = rest.chars().next() {
        if depth == 0 && rest.starts_with(close) {
            return (tokens, &rest[close.len()..]);
        }
        let length = match c {
            '"' | '\'' => {
                let length = quoted_length(rest, c);
                tokens.push(Token::Text(rest.get(1..length.saturating_sub(1)).unwrap_or_default()));
                length
            }
            c if is_word(c) => {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                tokens.push(Token::Word(&rest[..length]));
                length
            }
            c => {
                match c {
                    '{' => depth += 1,
                    '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                // Marks of white space stand at the edges of a block and mean nothing here.
                let is_mark = tokens.is_empty() && matches!(c, '-' | '+');
                if !c.is_whitespace() && !is_mark {
                    tokens.push(Token::Sign(c));
                }
                c.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    (tokens, "")
}

/// The length of a text in quotes, with them.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn note<'a>(tokens: &[Token<'a>], is_statement: bool, found: &mut Vec<Used<'a>>) {
    use Token::{Sign, Text, Word};
    match tokens {
        [Word("filter"), Word(name), ..] if is_statement => found.push(Used::Filter(name)),
        [Word(statement), ..] if is_statement && OF_FILES.contains(statement) => {
            found.push(Used::File(statement));
        }
        _ => {}
    }
    for (at, token) in tokens.iter().enumerate() {
        let after = &tokens[at + 1..];
        match (token, after) {
            (Sign('|'), [Word(name), args @ ..]) => {
                found.push(Used::Filter(name));
                match (*name, args) {
                    ("map", [Sign('('), Text(filter), ..]) => found.push(Used::Filter(filter)),
                    ("select" | "reject", [Sign('('), Text(test), ..])
                    | ("selectattr" | "rejectattr", [Sign('('), Text(_), Sign(','), Text(test), ..]) => {
                        found.push(Used::Test(test));
                    }
                    _ => {}
                }
            }
            (Word("is"), [Word("not"), Word(name), ..] | [Word(name), ..]) if *name != "not" => {
                found.push(Used::Test(name));
            }
            (Word("env"), [Sign('('), Text(name), Sign(')'), ..])
                if at.checked_sub(1).is_none_or(|before| tokens[before] != Sign('.')) =>
            {
                found.push(Used::Variable(name));
            }
            (Sign('.'), [Word(name), Sign('('), ..]) => {
                let of = at.checked_sub(1).map(|before| tokens[before]);
                if !matches!(of, Some(Word(of)) if WITH_METHODS.contains(&of)) {
                    found.push(Used::Method(name));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Used::{File, Filter, Method, Test, Variable};
    use super::*;

    #[test]
    fn filters_tests_and_methods_are_found_wherever_a_template_uses_them() {
        assert_eq!(used("/a/{{ x | upper|b64encode }}"), [Filter("upper"), Filter("b64encode")]);
        assert_eq!(used("{% if x is not odd and y is defined %}{% endif %}"), [Test("odd"), Test("defined")]);
        assert_eq!(used("{%- filter tojson -%}a{% endfilter %}"), [Filter("tojson")]);
        assert_eq!(
            used("{{ [1] | map('abs') | select(\"even\") }}"),
            [Filter("map"), Filter("abs"), Filter("select"), Test("even")]
        );
        assert_eq!(
            used("{{ x.upper() }}{{ loop.cycle(1, 2) }}{{ x.y | e }}"),
            [Method("upper"), Filter("e")]
        );
        assert_eq!(used("{% include 'a' %}"), [File("include")]);
        assert_eq!(used("env('A') {{ env('B') ~ env(\"C\", 'c') ~ x.env }}"), [Variable("B")]);
    }

    #[test]
    fn parts_of_a_variable_are_found_where_it_is_one() {
        let source =
            "vars.a {{ vars.b ~ x.vars.c ~ vars['d'] }}{% if vars | length %}{{ 'vars.e' }}{% endif %}";
        assert_eq!(parts_of(source, "vars"), [Some("b"), Some("d"), None]);
    }

    #[test]
    fn calls_of_a_function_are_found() {
        assert!(calls("x{{ a ~ cookie ('b') }}", "cookie"));
        for none in ["{{ cookie }}", "cookie('b')", "{{ x.cookie('b') }}", "{{ \"cookie('b')\" }}"] {
            assert!(!calls(none, "cookie"), "{none}");
        }
    }

    #[test]
    fn texts_comments_and_raw_blocks_are_not_templates() {
        assert_eq!(
            used("a | b is c {# x | d #} {% raw %}{{ e | f }}{% endraw %}{{ '| g is h' | trim }}"),
            [Filter("trim")]
        );
        assert_eq!(
            used(r#"{{ {"a": {"b": x | first}} | tojson }} | y"#),
            [Filter("first"), Filter("tojson")]
        );
        assert_eq!(used(r"{{ 'it\'s | no' ~ x }}"), []);
        assert_eq!(used("é{ {é{{ é | ü }}"), [Filter("ü")]);
    }
}
