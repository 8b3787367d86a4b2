//! Texts from outside where a character may be taken for more than text: on a terminal, in XML.

use std::borrow::Cow;
use std::fmt::Write;

/// The most parameters of a colour or style.
const MOST_PARAMETERS: usize = 4;

/// A text as it may go to a terminal: control characters, and those that turn the direction of writing, take no room or end a line, are shown by their
/// numbers (`\u001b`, as JSON does it). Line ends and tabs stay, as do colours and styles, which show nothing that is not there.
pub fn for_terminal(text: &str) -> Cow<'_, str> {
    if !text.contains(is_control) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(is_control) {
        shown.push_str(&rest[..at]);
        rest = &rest[at..];
        let harmless = if rest.starts_with("\r\n") { Some(2) } else { style(rest) };
        let taken = match harmless {
            Some(length) => {
                shown.push_str(&rest[..length]);
                length
            }
            None => {
                let control = rest.chars().next().unwrap_or_default();
                let _ = write!(shown, "\\u{:04x}", u32::from(control));
                control.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// A text as it may stand in XML 1.0, whose documents cannot hold every character, not even escaped: each of the others is
/// replaced by U+FFFD.
pub fn for_xml(text: &str) -> Cow<'_, str> {
    let is_foreign = |c: char| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    if text.contains(is_foreign) {
        Cow::Owned(text.replace(is_foreign, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether a terminal may do something at this character rather than show it.
fn is_control(c: char) -> bool {
    let turns_writing =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_unseen = matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}');
    let ends_line = matches!(c, '\u{2028}' | '\u{2029}');
    turns_writing || is_unseen || ends_line || c.is_control() && !matches!(c, '\n' | '\t')
}

/// The length of the colour or style (SGR, ECMA-48) that a text begins with. Hidden text (8) is none of them.
fn style(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    let is_known = |number: &str| {
        matches!(number.parse::<u8>(), Ok(0..=5 | 22 | 30..=37 | 39 | 40..=47 | 49 | 90..=97 | 100..=107))
            || number.is_empty()
    };
    let numbers: Vec<&str> = parameters[..end].split(';').collect();
    let is_style = parameters[end..].starts_with('m')
        && numbers.len() <= MOST_PARAMETERS
        && numbers.iter().all(|number| is_known(number));
    is_style.then_some("\u{1b}[".len() + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        for (text, shown) in [
            ("plain\ttext\r\nover lines\n", "plain\ttext\r\nover lines\n"),
            ("\u{1b}]0;title\u{7}x", "\\u001b]0;title\\u0007x"),
            ("\u{1b}[2J\u{1b}[H", "\\u001b[2J\\u001b[H"),
            ("\u{1b}]8;;http://evil\u{1b}\\link", "\\u001b]8;;http://evil\\u001b\\link"),
            ("VERIFIED\rx\u{8}\u{7f}", "VERIFIED\\u000dx\\u0008\\u007f"),
            ("\u{9b}2J", "\\u009b2J"),
            ("\u{1b}[8mhidden", "\\u001b[8mhidden"),
            ("\u{1b}[1;2;3;4;5m\u{1b}[", "\\u001b[1;2;3;4;5m\\u001b["),
            ("a\u{202e}b", "a\\u202eb"),
            ("a\u{feff}b\u{200b}c\u{2028}", "a\\ufeffb\\u200bc\\u2028"),
        ] {
            assert_eq!(for_terminal(text), shown);
        }
    }

    #[test]
    fn own_colours_and_styles_stay() {
        for text in ["\u{1b}[1m\u{1b}[31m3.1x\u{1b}[0m", "\u{1b}[m", "\u{1b}[1;94mnote\u{1b}[0m"] {
            assert_eq!(for_terminal(text), text);
        }
    }

    #[test]
    fn xml_holds_no_control_characters() {
        assert_eq!(
            for_xml("a\u{1b}[1m\0\u{ffff}b\tc\r\n\u{85}"),
            "a\u{fffd}[1m\u{fffd}\u{fffd}b\tc\r\n\u{85}"
        );
        assert!(matches!(for_xml("plain"), Cow::Borrowed(_)));
    }
}
