//! What is expected of an answer besides its status, and what is taken from it.

use std::ops::RangeInclusive;
use std::time::Duration;

use regex::Regex;

use super::css::ElementPlace;
use super::json::Json;
use super::json_path::JsonPath;
use super::template::{Computed, Text};

/// A condition on an answer.
#[derive(Clone, Debug)]
pub enum Check {
    /// The body as text.
    Body(Test),
    /// A value of the body as JSON.
    Json {
        /// Where it stands.
        at: JsonPlace,
        /// What must hold of it.
        test: Test,
    },
    /// Elements of the body as an HTML page: one of their values must do.
    Css {
        /// Where they stand.
        at: ElementPlace,
        /// What must hold of one of them.
        test: Test,
    },
    /// A header: one of its values must do.
    Header {
        /// Lower-case name.
        name: String,
        /// What must hold of it.
        test: Test,
    },
    /// The body's size, bytes as they came.
    Size(RangeInclusive<u64>),
    /// From sending to the whole answer.
    Time(RangeInclusive<Duration>),
}

impl Check {
    /// Whether the body has to be kept for it.
    pub fn needs_body(&self) -> bool {
        matches!(self, Self::Body(_) | Self::Json { .. } | Self::Css { .. })
    }
}

/// Where in a JSON document a value stands.
#[derive(Clone, Debug)]
pub enum JsonPlace {
    /// At a pointer (RFC 6901).
    Pointer(String),
    /// At the places of a path (RFC 9535).
    Path(JsonPath),
}

impl std::fmt::Display for JsonPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pointer(pointer) => f.write_str(pointer),
            Self::Path(path) => f.write_str(&path.text),
        }
    }
}

/// What must hold of a value.
#[derive(Clone, Debug)]
pub enum Test {
    /// It is this one.
    Equals(Wanted),
    /// It is another one.
    Differs(Wanted),
    /// It is a number of at least this one.
    AtLeast(Wanted),
    /// It is a number of at most this one.
    AtMost(Wanted),
    /// It is a number above this one.
    Above(Wanted),
    /// It is a number below this one.
    Below(Wanted),
    /// Its text contains this one.
    Contains(Text),
    /// Its text matches.
    Matches(Regex),
    /// There is such a value, or there is none.
    Exists(bool),
}

/// What a value is compared with.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Always the same.
    Fixed(Json<'static>),
    /// A text that is rendered to JSON for each request.
    Rendered(Text),
}

/// Checks that are counted and fail no request.
#[derive(Clone, Debug)]
pub struct SoftCheck {
    /// Its place in the scenario's list of their names.
    pub place: u16,
    /// What must hold for it to pass.
    pub checks: Vec<Check>,
}

/// A variable that later steps use.
#[derive(Clone, Debug)]
pub struct Extract {
    /// The variable's name.
    pub variable: String,
    /// Where its value is found.
    pub from: ExtractFrom,
    /// Which of several is taken; the first if nothing is said, or all of a list that a pointer points
    /// at.
    pub which: Option<Which>,
    /// Its value where none is found; without one, that fails the request.
    pub default: Option<Computed>,
}

/// Where in an answer a value stands.
#[derive(Clone, Debug)]
pub enum ExtractFrom {
    /// In the body as JSON.
    Json(JsonPlace),
    /// In elements of the body as an HTML page.
    Css(ElementPlace),
    /// In a header of this lower-case name.
    Header(String),
    /// In the first group, or the whole match, of a regular expression on the body.
    Regex(Regex),
}

/// Which of several values is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The first.
    First,
    /// The last.
    Last,
    /// All of them, as a list; none is an empty one.
    All,
    /// One of them, drawn by chance.
    Random,
}

/// What a regular expression takes from a text: of each match, or only of the first, its first group,
/// or all of it where it has none.
pub fn captured<'t>(regex: &Regex, text: &'t str, is_first: bool) -> Vec<&'t str> {
    let most = if is_first { 1 } else { usize::MAX };
    let matches = regex.captures_iter(text).take(most);
    matches.filter_map(|found| Some(found.get(1).or_else(|| found.get(0))?.as_str())).collect()
}

impl Extract {
    /// Whether the body has to be kept for it.
    pub fn needs_body(&self) -> bool {
        !matches!(self.from, ExtractFrom::Header(_))
    }
}
