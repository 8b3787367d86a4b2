//! Numbers with units in expressions: `50ms`, `2s`, `1m30s`, `5%`, `1.1x`, `512MiB`. They become what expressions count
//! in: times in ms, shares as ratios, sizes in bytes.

use std::borrow::Cow;

use crate::unit;

/// Words that may follow `5%`; anything else that is a value makes `%` the remainder of a division.
const WORDS: [&str; 5] = ["and", "or", "if", "else", "is"];

/// An expression with plain numbers in place of those with units, and whether times are among them.
pub(super) struct Plain<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) has_times: bool,
}

/// Replaces numbers with units. Texts in quotes and names such as `p99` stay as they are.
///
/// # Errors
/// If a number has a unit that there is none of.
pub(super) fn plain(text: &str) -> Result<Plain<'_>, String> {
    let mut plain = String::new();
    let mut has_times = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' | '\'' => rest[1..].find(c).map_or(rest.len(), |end| end + 2),
            c if is_name(c) && !c.is_ascii_digit() => rest.find(|c| !is_name(c)).unwrap_or(rest.len()),
            c if c.is_ascii_digit() => {
                let (word, after) = rest.split_at(number_end(rest));
                let is_percent = after.starts_with('%') && !is_value(after[1..].trim_start());
                let (value, is_time) = value(word, is_percent)?;
                plain.push_str(&value);
                has_times |= is_time;
                rest = &after[usize::from(is_percent)..];
                continue;
            }
            c => c.len_utf8(),
        };
        plain.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    let text = if plain == text { Cow::Borrowed(text) } else { Cow::Owned(plain) };
    Ok(Plain { text, has_times })
}

/// The end of the number, and of the unit on it, that a text begins with: `12`, `1.5e-3`, `1m30s`.
fn number_end(text: &str) -> usize {
    let end = |from: usize| {
        text[from..].find(|c: char| !is_name(c) && c != '.').map_or(text.len(), |length| from + length)
    };
    let first = end(0);
    let mut exponent = text[first..].chars();
    let is_exponent = text[..first].ends_with(['e', 'E'])
        && matches!(exponent.next(), Some('+' | '-'))
        && exponent.next().is_some_and(|c| c.is_ascii_digit());
    if is_exponent { end(first + 1) } else { first }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether a text begins with a value, not with an operator or a bracket that closes.
fn is_value(text: &str) -> bool {
    let word = &text[..text.find(|c| !is_name(c)).unwrap_or(text.len())];
    (!word.is_empty() && !WORDS.contains(&word)) || text.starts_with(['(', '\'', '"'])
}

/// What a number with its unit stands for, and whether it is a time.
fn value(word: &str, is_percent: bool) -> Result<(String, bool), String> {
    let number = |text: &str| text.parse::<f64>().ok().filter(|n| n.is_finite());
    if number(word).is_some() {
        // By its digits: 99.9 / 100 is not 0.999 in binary.
        return Ok((if is_percent { format!("{word}e-2") } else { word.to_owned() }, false));
    }
    if is_percent {
        return Err(unknown(word));
    }
    if let Some(times) = word.strip_suffix('x').and_then(number) {
        return Ok((times.to_string(), false));
    }
    if word.ends_with(['b', 'B'])
        && let Ok(bytes) = unit::parse_size(word)
    {
        return Ok((bytes.to_string(), false));
    }
    match unit::parse_duration(word) {
        Ok(time) => Ok(((time.as_secs_f64() * 1e3).to_string(), true)),
        Err(_) => Err(unknown(word)),
    }
}

fn unknown(word: &str) -> String {
    format!("`{word}` is not a valid number: expected e.g. `12`, `50ms`, `2s`, `5%`, `1.1x` or `512MiB`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_become_plain_ones() {
        for (written, meant, has_times) in [
            ("run.p99 <= 50ms", "run.p99 <= 50", true),
            ("run.p99<=1m30s or run.p99.9 > 1.5s", "run.p99<=90000 or run.p99.9 > 1500", true),
            ("run.failed_share > 5% and x", "run.failed_share > 5e-2 and x", false),
            ("run.ok_share >= 99.9%", "run.ok_share >= 99.9e-2", false),
            ("(run.ok % 3) + 10 % run.ok == 5%2", "(run.ok % 3) + 10 % run.ok == 5%2", false),
            ("run.max('5ms 50% of it') < 512MiB", "run.max('5ms 50% of it') < 536870912", false),
            ("treatment.p95 / baseline.p95 <= 1.1x", "treatment.p95 / baseline.p95 <= 1.1", false),
            ("run.quantile(99.9) < 250us * 2e3 + 1e-3", "run.quantile(99.9) < 0.25 * 2e3 + 1e-3", true),
        ] {
            let plain = plain(written).unwrap();
            assert_eq!((plain.text.as_ref(), plain.has_times), (meant, has_times), "{written}");
        }
    }

    #[test]
    fn a_unit_that_there_is_none_of_is_a_mistake() {
        let error = plain("run.p99 <= 50mss").err().unwrap();
        assert!(error.starts_with("`50mss` is not a valid number"), "{error}");
    }
}
