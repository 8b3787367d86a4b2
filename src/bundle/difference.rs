//! What differs between a document as it was written and as it comes out again.

use serde_json::Value;

/// Keys of decisions: `NOT SIGNED` is a different decision from `SIGNED, 1 WAIVED`, not another wording.
const DECISIONS: [&str; 6] = ["word", "verdict", "state", "grade", "tone", "audit"];

/// A value that is not what it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Where it stands: `judgement.claims[1].estimate`.
    pub place: String,
    /// As it was written; none if it was not there.
    pub written: Option<Value>,
    /// As it comes out again; none if it does not.
    pub made_again: Option<Value>,
}

impl Difference {
    /// Whether it is a sentence that reads otherwise. Numbers, names and what a decision is called are none.
    pub fn is_wording(&self) -> bool {
        let key = self.place.rsplit('.').next().unwrap_or_default();
        if DECISIONS.contains(&key) {
            return false;
        }
        let is_sentence = |value: &Option<Value>| {
            value.as_ref().and_then(Value::as_str).is_some_and(|text| text.contains(' '))
        };
        is_sentence(&self.written) && is_sentence(&self.made_again)
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |value: &Option<Value>| match value {
            None => "nothing".to_owned(),
            Some(Value::Array(_) | Value::Object(_)) => "a part of its own".to_owned(),
            Some(value) => value.to_string(),
        };
        write!(f, "{}: written {}, made again {}", self.place, shown(&self.written), shown(&self.made_again))
    }
}

/// What became of a document that was made again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Differences {
    /// Numbers that both have, equal or not.
    pub numbers: usize,
    /// Values that are not what they were.
    pub changed: Vec<Difference>,
    /// Values that only one of the two has.
    pub one_sided: Vec<Difference>,
}

/// Compares two documents value by value.
pub fn of_json(written: &Value, made_again: &Value) -> Differences {
    let mut differences = Differences::default();
    compare(String::new(), written, made_again, &mut differences);
    differences
}

fn compare(place: String, written: &Value, made_again: &Value, found: &mut Differences) {
    match (written, made_again) {
        (Value::Object(left), Value::Object(right)) => {
            for (key, value) in left {
                let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                match right.get(key) {
                    Some(other) => compare(place, value, other, found),
                    None => found.one_sided.push(only(place, Some(value), None)),
                }
            }
            for (key, value) in right.iter().filter(|(key, _)| !left.contains_key(*key)) {
                found.one_sided.push(only(format!("{place}.{key}"), None, Some(value)));
            }
        }
        (Value::Array(left), Value::Array(right)) => {
            for index in 0..left.len().max(right.len()) {
                let place = format!("{place}[{index}]");
                match (left.get(index), right.get(index)) {
                    (Some(value), Some(other)) => compare(place, value, other, found),
                    (value, other) => found.changed.push(only(place, value, other)),
                }
            }
        }
        (left, right) => {
            found.numbers += usize::from(left.is_number() && right.is_number());
            if left != right {
                found.changed.push(only(place, Some(left), Some(right)));
            }
        }
    }
}

fn only(place: String, written: Option<&Value>, made_again: Option<&Value>) -> Difference {
    Difference { place, written: written.cloned(), made_again: made_again.cloned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_value_is_compared_and_named_by_its_place() {
        let written = json!({ "a": [1, 2.5, { "b": "x" }], "old": true, "n": 7 });
        let again = json!({ "a": [1, 2.25, { "b": "y" }, 4], "new": null, "n": 7 });
        let differences = of_json(&written, &again);
        assert_eq!(differences.numbers, 3);
        let said = |all: &[Difference]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(said(&differences.changed), @r#"
        a[1]: written 2.5, made again 2.25
        a[2].b: written "x", made again "y"
        a[3]: written nothing, made again 4
        "#);
        insta::assert_snapshot!(said(&differences.one_sided), @"
        old: written true, made again nothing
        .new: written nothing, made again null
        ");
    }

    #[test]
    fn sentences_may_be_worded_otherwise_and_verdicts_may_not() {
        let written = json!({ "text": "L = 2 under way", "verdict": "supported", "n": 1, "empty": "" });
        let again = json!({ "text": "2 are under way", "verdict": "refuted", "n": 2, "empty": "a b" });
        let differences = of_json(&written, &again);
        let places = differences.changed.iter().filter(|d| !d.is_wording()).map(|d| d.place.as_str());
        assert_eq!(places.collect::<Vec<_>>(), ["empty", "n", "verdict"]);
    }
}
