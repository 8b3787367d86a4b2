//! Signals: what is read from the system while it is loaded.

use std::time::Duration;

use regex::Regex;

/// One place that is read again and again, and the signals found there.
#[derive(Clone, Debug)]
pub struct SignalSource {
    /// Where it is: the first of these that answers counts, for the whole run. Never empty; credentials are hidden wherever
    /// they are shown.
    pub places: Vec<SourcePlace>,
    /// Time between two readings.
    pub every: Duration,
    /// How long one reading may take.
    pub timeout: Duration,
    /// The signals found there.
    pub signals: Vec<Signal>,
    /// The profiles under which it is read; empty for all.
    pub profiles: Vec<String>,
}

/// Where signals are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourcePlace {
    /// The URL of a page in Prometheus text format.
    Prometheus(String),
    /// The URL of an answer in JSON.
    Json(String),
    /// A database file.
    Sqlite(String),
    /// The URL of a database.
    Postgres(String),
    /// The URL of a server.
    Redis(String),
    /// A file that lines are appended to.
    Log(String),
    /// A folder of the control group file system (version 2), such as a unit's or a pod's.
    ControlGroup(String),
    /// A container's name or id.
    Container(String),
}

impl SourcePlace {
    /// Its URL or file.
    pub fn text(&self) -> &str {
        match self {
            Self::Prometheus(text)
            | Self::Json(text)
            | Self::Sqlite(text)
            | Self::Postgres(text)
            | Self::Redis(text)
            | Self::Log(text)
            | Self::ControlGroup(text)
            | Self::Container(text) => text,
        }
    }
}

impl SignalSource {
    /// Whether it is read under a profile.
    pub fn is_of(&self, profile: &str) -> bool {
        self.profiles.is_empty() || self.profiles.iter().any(|name| name == profile)
    }

    /// The names of its signals.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.signals.iter().map(|s| s.name.as_str())
    }
}

/// A signal and the question for it.
#[derive(Clone, Debug)]
pub struct Signal {
    /// Its name.
    pub name: String,
    /// `messages`, `bytes`, `s`; empty if not given.
    pub unit: String,
    /// Whether it is a total that only grows.
    pub is_counter: bool,
    /// What is asked: the first of these that has an answer counts. Systems differ in the names
    /// that they give to the same thing.
    pub questions: Vec<Question>,
}

/// What is asked for a signal's value.
#[derive(Clone, Debug)]
pub enum Question {
    /// Of all series of a Prometheus page that a selector matches, what they come to together.
    Series(Selector, Together),
    /// The number at a JSON pointer.
    Pointer(String),
    /// The first column of the first row that a query gives.
    Query(String),
    /// The number that a command gives; of an answer with fields the sum of this one.
    Command {
        /// Command and arguments.
        words: Vec<String>,
        /// The field.
        field: Option<String>,
    },
    /// Of the lines of a log since the run's start: the number in the first group of this pattern, in
    /// the last line that matches; without a group, how many lines match.
    Lines(Regex),
    /// What a control group has used.
    Usage(Usage),
}

/// What several series come to together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Together {
    /// Their sum.
    #[default]
    Sum,
    /// The largest: for series that tell the same, each for a reader of its own.
    Max,
    /// The smallest.
    Min,
}

impl Together {
    /// All of them with their words.
    pub const ALL: [(&'static str, Self); 3] = [("sum", Self::Sum), ("max", Self::Max), ("min", Self::Min)];
}

/// What a control group uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// CPU time, s.
    Cpu,
    /// Memory, bytes.
    Memory,
}

/// Which series of a Prometheus page are meant: `name{label="value",other=~"regex"}`.
#[derive(Clone, Debug)]
pub struct Selector {
    /// The metric's name.
    pub metric: String,
    /// Conditions on labels; all must hold.
    pub labels: Vec<LabelMatch>,
}

/// A condition on a label; a label that is absent reads as an empty text.
#[derive(Clone, Debug)]
pub struct LabelMatch {
    /// The label's name.
    pub name: String,
    /// What its value must be.
    pub rule: LabelRule,
}

/// What a label's value must be.
#[derive(Clone, Debug)]
pub enum LabelRule {
    /// `=`
    Equals(String),
    /// `!=`
    Differs(String),
    /// `=~`: the whole value matches.
    Matches(Regex),
    /// `!~`: the whole value does not match.
    Mismatches(Regex),
}

impl LabelRule {
    /// Whether a label's value fits.
    pub fn accepts(&self, value: &str) -> bool {
        match self {
            Self::Equals(wanted) => value == wanted,
            Self::Differs(unwanted) => value != unwanted,
            Self::Matches(regex) => regex.is_match(value),
            Self::Mismatches(regex) => !regex.is_match(value),
        }
    }
}

/// Why a text is not a selector.
#[derive(Debug, thiserror::Error)]
pub enum SelectorError {
    /// It does not have the form of one.
    #[error("write `name` or `name{{label=\"value\", other=~\"regex\"}}`")]
    Form,
    /// A regular expression in it is wrong.
    #[error("{0}")]
    Regex(#[from] regex::Error),
}

impl std::str::FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let (metric, labels) = match text.trim().split_once('{') {
            None => (text.trim(), ""),
            Some((metric, rest)) => (metric.trim(), rest.strip_suffix('}').ok_or(SelectorError::Form)?),
        };
        if metric.is_empty() || !metric.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':') {
            return Err(SelectorError::Form);
        }
        Ok(Self { metric: metric.to_owned(), labels: label_matches(labels)? })
    }
}

fn label_matches(text: &str) -> Result<Vec<LabelMatch>, SelectorError> {
    let mut matches = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let at = rest.find(['=', '!']).ok_or(SelectorError::Form)?;
        let name = rest[..at].trim().to_owned();
        let operator = ["=~", "!~", "!=", "="]
            .into_iter()
            .find(|o| rest[at..].starts_with(o))
            .ok_or(SelectorError::Form)?;
        let (value, after) = quoted(rest[at + operator.len()..].trim_start())?;
        let rule = match operator {
            "=~" => LabelRule::Matches(whole(&value)?),
            "!~" => LabelRule::Mismatches(whole(&value)?),
            "!=" => LabelRule::Differs(value),
            _ => LabelRule::Equals(value),
        };
        matches.push(LabelMatch { name, rule });
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if after.is_empty() => after,
            None => return Err(SelectorError::Form),
        };
    }
    Ok(matches)
}

/// A regular expression that matches whole values only.
fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    Regex::new(&format!("^(?:{pattern})$"))
}

/// A double-quoted text with `\\`, `\"` and `\n`, and what follows it.
fn quoted(text: &str) -> Result<(String, &str), SelectorError> {
    let inner = text.strip_prefix('"').ok_or(SelectorError::Form)?;
    let mut value = String::new();
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((value, &inner[at + 1..])),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped)) => value.push(escaped),
                None => return Err(SelectorError::Form),
            },
            c => value.push(c),
        }
    }
    Err(SelectorError::Form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_hold_a_name_and_label_rules() {
        let selector: Selector =
            r#"protean_stream_messages{stream=~".*:backfill", domain!="x", status="A\"B"}"#.parse().unwrap();
        assert_eq!(selector.metric, "protean_stream_messages");
        let accepts: Vec<bool> = ["customer:backfill", "y", "A\"B"]
            .iter()
            .zip(&selector.labels)
            .map(|(value, label)| label.rule.accepts(value))
            .collect();
        assert_eq!(accepts, [true, true, true]);
        assert!(!selector.labels[0].rule.accepts("customer:backfill:dlq"));
    }

    #[test]
    fn broken_selectors_are_refused() {
        for text in ["", "a b", "a{x}", "a{x=1}", "a{x=\"1\"", "a{x=\"1\" y=\"2\"}", "a{x=~\"(\"}"] {
            assert!(text.parse::<Selector>().is_err(), "{text}");
        }
    }
}
