//! JSON as it was written: numbers keep their digits, so that an id of thirty digits, or a price of
//! `1.50`, goes back as it came.

use std::borrow::Cow;
use std::fmt;

use minijinja::value::Value;

use super::decimal::number;

/// How deep arrays and objects may be nested: other clients read more than `serde_json`'s 128, and every level takes room on
/// the stack.
const DEPTH: usize = 512;

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, by its digits.
    Number(Cow<'a, str>),
    /// A string.
    Text(Cow<'a, str>),
    /// An array.
    List(Vec<Json<'a>>),
    /// An object: names and values in the order in which they stand.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// The value that a text holds; none if the text is not JSON.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut reader = Reader { text, at: 0 };
        let value = reader.value(DEPTH)?;
        reader.skip_space();
        (reader.at == text.len()).then_some(value)
    }

    /// The value at a pointer (RFC 6901).
    pub fn at(&self, pointer: &str) -> Option<&Self> {
        let mut place = self;
        for step in pointer.split('/').skip(1) {
            let step = if step.contains('~') {
                Cow::Owned(step.replace("~1", "/").replace("~0", "~"))
            } else {
                Cow::Borrowed(step)
            };
            place = match place {
                // The last of several equal names counts, as elsewhere.
                Self::Object(members) => &members.iter().rfind(|(name, _)| *name == step)?.1,
                Self::List(items) => {
                    let is_canonical = step == "0" || !step.starts_with(['0', '+']);
                    items.get(step.parse::<usize>().ok().filter(|_| is_canonical)?)?
                }
                _ => return None,
            };
        }
        (pointer.is_empty() || pointer.starts_with('/')).then_some(place)
    }

    /// The same, without the text that it was read from.
    pub fn into_owned(self) -> Json<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Null => Json::Null,
            Self::Bool(truth) => Json::Bool(truth),
            Self::Number(digits) => Json::Number(owned(digits)),
            Self::Text(text) => Json::Text(owned(text)),
            Self::List(items) => Json::List(items.into_iter().map(Json::into_owned).collect()),
            Self::Object(members) => {
                Json::Object(members.into_iter().map(|(n, v)| (owned(n), v.into_owned())).collect())
            }
        }
    }

    /// Whether both are the same value: numbers by what they are worth (`1` is `1.0`), objects whatever
    /// the order of their members.
    pub fn is_same(&self, other: &Json<'_>) -> bool {
        match (self, other) {
            (Self::Null, Json::Null) => true,
            (Self::Bool(a), Json::Bool(b)) => a == b,
            (Self::Number(a), Json::Number(b)) => is_same_number(a, b),
            (Self::Text(a), Json::Text(b)) => a == b,
            (Self::List(a), Json::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_same(b))
            }
            (Self::Object(a), Json::Object(b)) => {
                let member = |name: &str| b.iter().rfind(|(n, _)| n == name);
                a.len() == b.len() && a.iter().all(|(n, v)| member(n).is_some_and(|(_, w)| v.is_same(w)))
            }
            _ => false,
        }
    }

    /// Its worth, for a number.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    /// It for libraries that know another form; a number becomes a double where it is none of 64 bits.
    pub(super) fn to_serde(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(truth) => (*truth).into(),
            Self::Number(digits) => serde_json::from_str(digits).unwrap_or_default(),
            Self::Text(text) => text.as_ref().into(),
            Self::List(items) => items.iter().map(Json::to_serde).collect(),
            Self::Object(members) => {
                let members = members.iter().map(|(name, value)| (name.to_string(), value.to_serde()));
                serde_json::Value::Object(members.collect())
            }
        }
    }

    /// It as a variable of templates; numbers that would lose digits are kept as
    /// decimals that keep their digits.
    pub fn value(&self) -> Value {
        match self {
            Self::Null => Value::from(()),
            Self::Bool(truth) => Value::from(*truth),
            Self::Number(digits) => number(digits),
            Self::Text(text) => Value::from(text.as_ref()),
            Self::List(items) => items.iter().map(Json::value).collect(),
            Self::Object(members) => {
                Value::from_pairs(members.iter().map(|(name, value)| (name.as_ref(), value.value())))
            }
        }
    }
}

/// Whole numbers are compared by their digits, however many; others as doubles.
fn is_same_number(a: &str, b: &str) -> bool {
    let is_whole = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if a == b {
        return true;
    }
    if is_whole(a) && is_whole(b) {
        return a.trim_start_matches('-') == "0" && b.trim_start_matches('-') == "0";
    }
    matches!((a.parse::<f64>(), b.parse::<f64>()), (Ok(a), Ok(b)) if a == b)
}

impl fmt::Display for Json<'_> {
    /// As JSON without spaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Number(digits) => f.write_str(digits),
            Self::Text(text) => f.write_str(&serde_json::Value::from(text.as_ref()).to_string()),
            Self::List(items) => {
                f.write_str("[")?;
                for (place, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if place > 0 { "," } else { "" })?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (place, (name, value)) in members.iter().enumerate() {
                    let comma = if place > 0 { "," } else { "" };
                    write!(f, "{comma}{}:{value}", serde_json::Value::from(name.as_ref()))?;
                }
                f.write_str("}")
            }
        }
    }
}

/// A string with escapes of halves of characters, which is JSON (RFC 8259 §8.2) and no Unicode: each becomes U+FFFD. None if
/// it is not JSON either then.
fn without_lone_surrogates(quoted: &str) -> Option<String> {
    let half = |at: usize| {
        let digits = quoted.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok().filter(|code| (0xd800..0xe000).contains(code))
    };
    let (mut whole, mut at) = (String::with_capacity(quoted.len()), 0);
    while let Some(character) = quoted.get(at..)?.chars().next() {
        let length = match (character, half(at)) {
            ('\\', Some(first)) => {
                let is_pair = first < 0xdc00 && half(at + 6).is_some_and(|second| second >= 0xdc00);
                let length = if is_pair { 12 } else { 6 };
                whole.push_str(if is_pair { &quoted[at..at + length] } else { "\u{fffd}" });
                length
            }
            ('\\', None) => {
                let length = 1 + quoted.get(at + 1..)?.chars().next()?.len_utf8();
                whole.push_str(&quoted[at..at + length]);
                length
            }
            _ => {
                whole.push(character);
                character.len_utf8()
            }
        };
        at += length;
    }
    serde_json::from_str(&whole).ok()
}

/// Reads a text from its start.
struct Reader<'a> {
    text: &'a str,
    /// Bytes that were read.
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn skip_space(&mut self) {
        self.at += self.rest().iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
    }

    /// Whether `wanted` comes next; it is read if so.
    fn has(&mut self, wanted: &str) -> bool {
        let found = self.rest().starts_with(wanted.as_bytes());
        self.at += if found { wanted.len() } else { 0 };
        found
    }

    fn value(&mut self, depth: usize) -> Option<Json<'a>> {
        self.skip_space();
        match self.rest().first()? {
            b'"' => self.string().map(Json::Text),
            b'[' => self.list(depth.checked_sub(1)?),
            b'{' => self.object(depth.checked_sub(1)?),
            b't' => self.has("true").then_some(Json::Bool(true)),
            b'f' => self.has("false").then_some(Json::Bool(false)),
            b'n' => self.has("null").then_some(Json::Null),
            _ => self.number(),
        }
    }

    fn list(&mut self, depth: usize) -> Option<Json<'a>> {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.has("]") {
            return Some(Json::List(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.skip_space();
            if self.has("]") {
                return Some(Json::List(items));
            }
            self.has(",").then_some(())?;
        }
    }

    fn object(&mut self, depth: usize) -> Option<Json<'a>> {
        self.at += 1;
        let mut members = Vec::new();
        self.skip_space();
        if self.has("}") {
            return Some(Json::Object(members));
        }
        loop {
            self.skip_space();
            let name = self.string()?;
            self.skip_space();
            self.has(":").then_some(())?;
            members.push((name, self.value(depth)?));
            self.skip_space();
            if self.has("}") {
                return Some(Json::Object(members));
            }
            self.has(",").then_some(())?;
        }
    }

    /// A string; what has no escapes is not copied.
    fn string(&mut self) -> Option<Cow<'a, str>> {
        let start = self.at;
        self.has("\"").then_some(())?;
        let mut is_plain = true;
        loop {
            match *self.rest().first()? {
                b'"' => break,
                b'\\' => {
                    is_plain = false;
                    self.at += 2;
                    (self.at < self.text.len()).then_some(())?;
                }
                0..=0x1f => return None,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        if is_plain {
            return self.text.get(start + 1..self.at - 1).map(Cow::Borrowed);
        }
        let quoted = self.text.get(start..self.at)?;
        let text = serde_json::from_str(quoted).ok().or_else(|| without_lone_surrogates(quoted));
        text.map(Cow::Owned)
    }

    fn number(&mut self) -> Option<Json<'a>> {
        let start = self.at;
        self.has("-");
        if !self.has("0") {
            self.digits()?;
        }
        if self.has(".") {
            self.digits()?;
        }
        if self.has("e") || self.has("E") {
            let _ = self.has("+") || self.has("-");
            self.digits()?;
        }
        Some(Json::Number(Cow::Borrowed(&self.text[start..self.at])))
    }

    fn digits(&mut self) -> Option<()> {
        let found = self.rest().iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += found;
        (found > 0).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        let text = r#"{"id":12345678901234567890123,"price":1.50,"e":1e3,"n":-0}"#;
        let json = Json::parse(text).unwrap();
        assert_eq!(json.to_string(), text);
        assert_eq!(json.at("/price"), Some(&Json::Number("1.50".into())));
    }

    #[test]
    fn numbers_are_the_same_by_what_they_are_worth() {
        let is_same = |a, b| Json::parse(a).unwrap().is_same(&Json::parse(b).unwrap());
        assert!(is_same("1", "1.0") && is_same("10e-1", "1") && is_same("-0", "0"));
        assert!(is_same(r#"{"a": 1, "b": [2.50]}"#, r#"{"b": [2.5], "a": 1}"#));
        assert!(!is_same("12345678901234567890123", "12345678901234567890124"), "no digit is lost");
        assert!(
            !is_same("1", "\"1\"") && !is_same("[1]", "[1, 2]") && !is_same(r#"{"a": 1}"#, r#"{"b": 1}"#)
        );
    }

    #[test]
    fn pointers_find_members_items_and_escaped_names() {
        let json = Json::parse(r#"{"a": [{"b/c": 1, "d~": 2}], "": 3, "a\u0062": 4}"#).unwrap();
        let at = |pointer| json.at(pointer).map(Json::to_string);
        assert_eq!(at("/a/0/b~1c").as_deref(), Some("1"));
        assert_eq!(at("/a/0/d~0").as_deref(), Some("2"));
        assert_eq!(at("/").as_deref(), Some("3"));
        assert_eq!(at("/ab").as_deref(), Some("4"));
        assert_eq!([at("/a/1"), at("/a/00"), at("/a/+0"), at("a"), at("/a/0/x/y")], [const { None }; 5]);
        assert_eq!(at("").map(|all| all.len() > 20), Some(true));
    }

    #[test]
    fn halves_of_characters_are_no_reason_to_refuse_a_document() {
        for (text, read) in [
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\udc00\ud83d\ude00\n""#, "\u{fffd}\u{1f600}\n"),
            (r#""\ud83d\u0041""#, "\u{fffd}A"),
            (r#""\\ud83d\ud83d""#, "\\ud83d\u{fffd}"),
        ] {
            assert_eq!(Json::parse(text), Some(Json::Text(read.into())), "{text}");
        }
        for text in [r#""\ud83d\x""#, r#""\ud83""#, r#""\ud83g""#] {
            assert_eq!(Json::parse(text), None, "{text}");
        }
    }

    #[test]
    fn nesting_has_a_limit() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Json::parse(&nested(500)).is_some());
        assert!(Json::parse(&nested(100_000)).is_none());
    }

    proptest! {
        #[test]
        fn texts_are_json_where_serde_says_so(text in r#"[\[\]{}:,"\\ a-f0-9.eE+\-tnrls]{0,20}"#) {
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text);
            prop_assert_eq!(Json::parse(&text).is_some(), theirs.is_ok());
        }

        #[test]
        fn values_come_back_as_serde_has_them(texts in proptest::collection::vec(".{0,8}", 0..4), n: i64, x in -1e9..1e9_f64) {
            let wanted = serde_json::json!({ "texts": texts, "n": n, "x": x, "none": null, "is": true });
            let text = serde_json::to_string_pretty(&wanted).unwrap();
            let again: serde_json::Value = serde_json::from_str(&Json::parse(&text).unwrap().to_string()).unwrap();
            prop_assert_eq!(again, wanted);
        }
    }
}
