//! Fields of comma-separated values.

use std::borrow::Cow;

/// A field of text, quoted where it has to be (RFC 4180). One that a spreadsheet would take for a formula gets an apostrophe
/// in front, which shows it as text there; numbers stay numbers.
pub fn field(text: &str) -> Cow<'_, str> {
    let text = if is_formula(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) };
    if text.contains(['"', ',', '\n', '\r']) {
        Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
    } else {
        text
    }
}

/// Spreadsheets begin formulas with these, and skip what is blank before them.
fn is_formula(text: &str) -> bool {
    let begins = text.starts_with(['\t', '\r'])
        || text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    begins && text.parse::<f64>().is_err()
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn fields_with_separators_are_quoted() {
        assert_eq!(field("POST /a"), "POST /a");
        assert_eq!(field("a,b \"c\""), "\"a,b \"\"c\"\"\"");
    }

    #[test]
    fn formulas_become_text_and_numbers_stay_numbers() {
        assert_eq!(field("=HYPERLINK(\"http://evil\")"), "\"'=HYPERLINK(\"\"http://evil\"\")\"");
        for formula in ["+1+cmd", "-1+cmd", "@SUM(A1)", "\tx", " =1", "＝1", "-"] {
            assert_eq!(field(formula), format!("'{formula}"));
        }
        for other in ["-5", "+0.25", "-1e-9", "a=b", "GET /=x", ""] {
            assert_eq!(field(other), other);
        }
    }
}
