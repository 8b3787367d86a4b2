//! Words of commands by the rules of a shell: quotes, escapes, continued lines, variables.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

use crate::draft::template::{Template, quoted};

/// A command.
#[derive(Debug, Default)]
pub(super) struct Command {
    pub(super) words: Vec<Template>,
    /// What it reads, where that stands in the text (`<<END`, `<<< word`).
    pub(super) input: Option<Template>,
    /// The file that it reads.
    pub(super) input_file: Option<String>,
}

/// Commands with their words; variables that nothing sets are environment variables.
pub(super) fn commands(text: &str) -> Vec<Command> {
    let mut shell = Shell { rest: text.chars().peekable(), variables: BTreeMap::new() };
    let mut commands = Vec::new();
    while let Some(command) = shell.command() {
        if !shell.assigns(&command.words) && !command.words.is_empty() {
            commands.push(command);
        }
    }
    commands
}

struct Shell<'a> {
    rest: Peekable<Chars<'a>>,
    /// What `NAME=value` has set.
    variables: BTreeMap<String, Template>,
}

impl Shell<'_> {
    /// The words up to the end of the command; none at the end of the text.
    fn command(&mut self) -> Option<Command> {
        self.rest.peek()?;
        let mut command = Command::default();
        let (mut end, mut is_to_skip) = (None::<String>, false);
        while let Some(c) = self.rest.peek().copied() {
            match c {
                '\n' | ';' | '|' | '&' => {
                    self.rest.next();
                    if c != '\n' && end.is_some() {
                        // What the command reads begins on the next line.
                        self.rest.by_ref().take_while(|c| *c != '\n').for_each(drop);
                    }
                    break;
                }
                '<' => end = self.input(&mut command).or(end),
                '>' => {
                    self.rest.next();
                    self.rest.next_if_eq(&'>');
                    is_to_skip = self.rest.next_if_eq(&'&').is_none_or(|_| self.rest.next().is_none());
                }
                '#' => while self.rest.next_if(|c| *c != '\n').is_some() {},
                c if c.is_whitespace() => drop(self.rest.next()),
                '\\' | '^' if self.is_continued() => {}
                _ => {
                    let word = self.word();
                    let is_stream =
                        self.rest.peek() == Some(&'>') && matches!(word.as_literal(), Some("1" | "2"));
                    if !std::mem::take(&mut is_to_skip) && !is_stream {
                        command.words.push(word);
                    }
                }
            }
        }
        if let Some(end) = end {
            command.input = Some(Template::literal(self.lines_until(&end)));
        }
        Some(command)
    }

    /// Where a command reads from: `< file`, `<<< word`, or `<<END`, of which the end is given back.
    fn input(&mut self, command: &mut Command) -> Option<String> {
        let marks = std::iter::from_fn(|| self.rest.next_if_eq(&'<')).take(3).count();
        if marks == 2 {
            self.rest.next_if_eq(&'-');
        }
        while self.rest.next_if(|c| *c == ' ').is_some() {}
        let word = self.word();
        match marks {
            1 => command.input_file = word.as_literal().map(str::to_owned),
            2 => return word.as_literal().map(str::to_owned),
            _ => command.input = Some(word),
        }
        None
    }

    fn lines_until(&mut self, end: &str) -> String {
        let mut lines = String::new();
        while self.rest.peek().is_some() {
            let line: String = self.rest.by_ref().take_while(|c| *c != '\n').collect();
            if line.trim() == end {
                break;
            }
            lines.push_str(&line);
            lines.push('\n');
        }
        lines
    }

    /// Takes a mark at the end of a line away, with the line's end.
    fn is_continued(&mut self) -> bool {
        let mut ahead = self.rest.clone();
        ahead.next();
        ahead.next_if_eq(&'\r');
        if ahead.next() != Some('\n') {
            return false;
        }
        self.rest = ahead;
        true
    }

    fn word(&mut self) -> Template {
        let (mut word, mut text) = (Template::default(), String::new());
        while let Some(c) = self.rest.peek().copied() {
            match c {
                '\\' | '^' if self.is_continued() => break,
                c if c.is_whitespace() || "\n;|&<>".contains(c) => break,
                '\\' => {
                    self.rest.next();
                    text.extend(self.rest.next());
                }
                '\'' => {
                    self.rest.next();
                    text.extend(self.rest.by_ref().take_while(|c| *c != '\''));
                }
                '"' => {
                    self.rest.next();
                    self.double_quoted(&mut word, &mut text);
                }
                '$' => {
                    self.rest.next();
                    self.dollar(&mut word, &mut text, false);
                }
                c => {
                    self.rest.next();
                    text.push(c);
                }
            }
        }
        word.then(Template::literal(text))
    }

    fn double_quoted(&mut self, word: &mut Template, text: &mut String) {
        while let Some(c) = self.rest.next() {
            match c {
                '"' => return,
                '\\' => match self.rest.next() {
                    Some('\n') | None => {}
                    Some(c) if "$`\"\\".contains(c) => text.push(c),
                    Some(c) => text.extend(['\\', c]),
                },
                '$' => self.dollar(word, text, true),
                c => text.push(c),
            }
        }
    }

    /// What stands behind a `$`: a variable, or a text with escapes.
    fn dollar(&mut self, word: &mut Template, text: &mut String, is_quoted: bool) {
        let name = match self.rest.peek().copied() {
            Some('\'') if !is_quoted => {
                self.rest.next();
                return self.escaped(text);
            }
            Some('{') => {
                self.rest.next();
                self.rest.by_ref().take_while(|c| *c != '}').collect()
            }
            Some('(') => {
                self.skip_parentheses();
                "COMMAND_OUTPUT".to_owned()
            }
            _ => {
                let mut name = String::new();
                while let Some(c) = self.rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    name.push(c);
                }
                name
            }
        };
        let (name, default) =
            name.split_once(":-").map_or((name.as_str(), None), |(name, value)| (name, Some(value)));
        let is_name =
            |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name(name) {
            text.push('$');
            return text.push_str(name);
        }
        let value = match (self.variables.get(name), default) {
            (Some(value), _) => value.clone(),
            (None, Some(default)) => Template::expression(format!("env(\"{name}\", {})", quoted(default))),
            (None, None) => Template::env(name),
        };
        let before = std::mem::take(word).then(Template::literal(std::mem::take(text)));
        *word = before.then(value);
    }

    fn skip_parentheses(&mut self) {
        let mut depth = 0_usize;
        for c in self.rest.by_ref() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }

    /// `$'…'` with the escapes of C.
    fn escaped(&mut self, text: &mut String) {
        while let Some(c) = self.rest.next() {
            match c {
                '\'' => return,
                '\\' => {
                    let Some(c) = self.rest.next() else { return };
                    match c {
                        'n' => text.push('\n'),
                        't' => text.push('\t'),
                        'r' => text.push('\r'),
                        'x' => text.extend(self.code(16, 2)),
                        'u' => text.extend(self.code(16, 4)),
                        'U' => text.extend(self.code(16, 8)),
                        c => text.push(c),
                    }
                }
                c => text.push(c),
            }
        }
    }

    fn code(&mut self, radix: u32, digits: usize) -> Option<char> {
        let mut code = 0_u32;
        for _ in 0..digits {
            let Some(digit) = self.rest.peek().and_then(|c| c.to_digit(radix)) else { break };
            code = code.wrapping_mul(radix).wrapping_add(digit);
            self.rest.next();
        }
        // Chrome writes characters beyond 16 bits as two; the halves are no characters.
        char::from_u32(code)
    }

    /// Whether a command does nothing but set variables, which are taken then.
    fn assigns(&mut self, command: &[Template]) -> bool {
        let is_export = |word: &&Template| matches!(word.as_literal(), Some("export" | "local" | "readonly"));
        let words: Vec<&Template> = command.iter().skip_while(is_export).collect();
        let pairs: Option<Vec<(String, Template)>> = words.iter().map(|word| assignment(word)).collect();
        match pairs {
            Some(pairs) if !pairs.is_empty() => {
                self.variables.extend(pairs);
                true
            }
            _ => false,
        }
    }
}

/// A text of Windows' command line as a shell has it.
pub(super) fn without_carets(text: &str) -> String {
    let (mut plain, mut is_escaped) = (String::with_capacity(text.len()), false);
    for c in text.chars() {
        match c {
            '^' if !is_escaped => is_escaped = true,
            // The line goes on.
            '\r' | '\n' if is_escaped => {
                plain.push(' ');
                is_escaped = c == '\r';
            }
            c => {
                plain.push(c);
                is_escaped = false;
            }
        }
    }
    plain
}

/// `NAME=value`, taken apart.
pub(super) fn assignment(word: &Template) -> Option<(String, Template)> {
    let (text, expressions) = word.marked();
    let (name, value) = text.split_once('=')?;
    let is_name = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then(|| (name.to_owned(), Template::unmarked(value, &expressions)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        commands(text).iter().map(|command| command.words.iter().map(Template::source).collect()).collect()
    }

    #[test]
    fn quotes_and_escapes_are_those_of_a_shell() {
        assert_eq!(
            words(r#"a 'b c' "d \"e\" \n" f\ g h'i'"j""#),
            [["a", "b c", "d \"e\" \\n", "f g", "hij"]]
        );
        assert_eq!(words(r"a $'b\n\u0021\'c'"), [["a", "b\n!'c"]]);
        assert_eq!(words("a ''"), [["a", ""]]);
        assert_eq!(words("a 'open"), [["a", "open"]]);
    }

    #[test]
    fn carets_of_windows_are_taken_away() {
        let text = "curl ^\"http://a/?b=1^&c=2^\" ^\r\n  -H ^\"d: e^\"";
        assert_eq!(words(&without_carets(text)), [["curl", "http://a/?b=1&c=2", "-H", "d: e"]]);
    }

    #[test]
    fn commands_end_at_lines_and_operators() {
        assert_eq!(
            words("a b \\\n c\nd | e && f; g # h\n# i\n"),
            [vec!["a", "b", "c"], vec!["d"], vec!["e"], vec!["f"], vec!["g"]]
        );
        assert_eq!(words("a ^\r\n b"), [["a", "b"]]);
        assert_eq!(words("a > /dev/null 2>&1 b"), [["a", "b"]]);
    }

    #[test]
    fn what_a_command_reads_is_known() {
        let found = commands("a @- <<END | b\n{\n}\nEND\nc < d.txt\n e <<< f\n");
        let inputs: Vec<_> =
            found.iter().map(|c| (c.input.as_ref().map(Template::source), c.input_file.clone())).collect();
        assert_eq!(
            inputs,
            [
                (Some("{\n}\n".to_owned()), None),
                (None, Some("d.txt".to_owned())),
                (Some("f".to_owned()), None)
            ]
        );
    }

    #[test]
    fn variables_are_filled_in_or_come_from_the_environment() {
        assert_eq!(
            words("A=x\nexport B=\"$A y\"\nc $A \"$B\" '$A' ${C} ${D:-e}"),
            [["c", "x", "x y", "$A", "{{ env(\"C\") }}", "{{ env(\"D\", \"e\") }}"]]
        );
        assert_eq!(words("a $(date +%s) $ b$"), [["a", "{{ env(\"COMMAND_OUTPUT\") }}", "$", "b$"]]);
    }
}
