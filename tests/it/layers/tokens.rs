//! Rust's text as the tokens that paths are made of: names, `::`, and single marks. Comments, texts and
//! what is compiled for tests only are left out.

/// The tokens of a file's code.
pub(crate) fn tokens(text: &str) -> Vec<String> {
    without_tests(&split(text))
}

fn split(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let c = chars[i];
        if c == '/' && at(i + 1) == '/' {
            while i < chars.len() && chars[i] != '\n' {
                i += 1;
            }
        } else if c == '/' && at(i + 1) == '*' {
            i = end_of_comment(&chars, i);
        } else if let Some(end) = end_of_text(&chars, i) {
            i = end;
        } else if is_name(c) {
            let end = (i..chars.len()).find(|end| !is_name(chars[*end])).unwrap_or(chars.len());
            tokens.push(chars[i..end].iter().collect());
            i = end;
        } else if c == ':' && at(i + 1) == ':' {
            tokens.push("::".to_owned());
            i += 2;
        } else {
            if !c.is_whitespace() {
                tokens.push(c.to_string());
            }
            i += 1;
        }
    }
    tokens
}

fn end_of_comment(chars: &[char], start: usize) -> usize {
    let (mut i, mut depth) = (start + 2, 1);
    while i < chars.len() && depth > 0 {
        match (chars[i], chars.get(i + 1)) {
            ('/', Some('*')) => (i, depth) = (i + 2, depth + 1),
            ('*', Some('/')) => (i, depth) = (i + 2, depth - 1),
            _ => i += 1,
        }
    }
    i
}

/// Where a text or a character ends that begins here; none if there is none. A lifetime is none.
fn end_of_text(chars: &[char], start: usize) -> Option<usize> {
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let prefix = (start..chars.len()).take_while(|i| matches!(chars[*i], 'b' | 'r' | 'c')).take(2).count();
    let begin = start + prefix;
    let is_raw = chars[start..begin].contains(&'r');
    let hashes = if is_raw { (begin..chars.len()).take_while(|i| chars[*i] == '#').count() } else { 0 };
    match at(begin + hashes) {
        '"' if is_raw => {
            let closing: Vec<char> = std::iter::once('"').chain(vec!['#'; hashes]).collect();
            let rest = begin + hashes + 1;
            let end = (rest..chars.len()).find(|i| chars[*i..].starts_with(&closing));
            Some(end.map_or(chars.len(), |end| end + closing.len()))
        }
        '"' => Some(end_of_quoted(chars, begin + 1, '"')),
        '\'' if at(begin + 1) == '\\' || at(begin + 2) == '\'' => Some(end_of_quoted(chars, begin + 1, '\'')),
        _ => None,
    }
}

fn end_of_quoted(chars: &[char], start: usize, quote: char) -> usize {
    let mut i = start;
    while i < chars.len() && chars[i] != quote {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

/// Leaves out what follows `#[cfg(test)]`: an item up to its `;`, or to the end of its braces.
fn without_tests(tokens: &[String]) -> Vec<String> {
    const TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        if tokens[i..].iter().map(String::as_str).take(TEST.len()).eq(TEST) {
            i += TEST.len();
            let mut depth = 0;
            while i < tokens.len() {
                match tokens[i].as_str() {
                    "{" => depth += 1,
                    "}" => depth -= 1,
                    _ => {}
                }
                let is_over = depth == 0 && matches!(tokens[i].as_str(), ";" | "}");
                i += 1;
                if is_over {
                    break;
                }
            }
        } else {
            kept.push(tokens[i].clone());
            i += 1;
        }
    }
    kept
}

#[test]
fn tokens_leave_out_comments_texts_and_tests() {
    let text = r##"
        //! use crate::a;
        use crate::b; /* use crate::c; /* nested */ crate::d */
        const TEXT: &'static str = "crate::e \" crate::f";
        const RAW: &str = r#"crate::g " crate::h"#; const QUOTE: char = '"'; const B: u8 = b'\'';
        #[cfg(test)]
        mod tests { fn f() { crate::i } }
        fn j() {}
    "##;
    let tokens = tokens(text).join(" ");
    assert_eq!(
        tokens,
        "use crate :: b ; const TEXT : & ' static str = ; const RAW : & str = ; const QUOTE : char = ; \
         const B : u8 = ; fn j ( ) { }"
    );
}
