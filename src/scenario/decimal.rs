//! Numbers of more digits than a variable of templates has, or written otherwise than it would write
//! them: `1.50`, or an amount of forty digits.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr, Value, ValueKind};

/// A number and how it was written. It travels among variables; templates are shown its worth, and
/// write it as it was.
#[derive(Clone, Debug)]
pub(super) struct Decimal {
    pub(super) written: Arc<str>,
    pub(super) worth: f64,
}

impl Object for Decimal {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.worth != 0.0
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// The variable that a number is by its digits.
pub(super) fn number(digits: &str) -> Value {
    let exact = [
        digits.parse::<i64>().ok().map(Value::from),
        digits.parse::<i128>().ok().map(Value::from),
        digits.parse::<u128>().ok().map(Value::from),
    ];
    let worth: f64 = digits.parse().unwrap_or(f64::NAN);
    let candidates = exact.into_iter().flatten().chain([Value::from(worth)]);
    let as_written = candidates.into_iter().find(|value| value.to_string() == digits);
    as_written.unwrap_or_else(|| Value::from_object(Decimal { written: digits.into(), worth }))
}

/// A variable as templates are to see it; hands out every decimal in it.
pub(super) fn plain(value: &Value, note: &mut impl FnMut(&Decimal)) -> Value {
    match value.kind() {
        ValueKind::Plain => match value.downcast_object_ref::<Decimal>() {
            Some(decimal) => {
                note(decimal);
                Value::from(decimal.worth)
            }
            None => value.clone(),
        },
        ValueKind::Seq | ValueKind::Map if holds_decimal(value) => {
            let Ok(items) = value.try_iter() else { return value.clone() };
            if value.kind() == ValueKind::Seq {
                return items.map(|item| plain(&item, note)).collect();
            }
            Value::from_pairs(items.map(|name| {
                let member = value.get_item(&name).unwrap_or_default();
                (name, plain(&member, note))
            }))
        }
        _ => value.clone(),
    }
}

fn holds_decimal(value: &Value) -> bool {
    match value.kind() {
        ValueKind::Plain => value.downcast_object_ref::<Decimal>().is_some(),
        ValueKind::Seq => value.try_iter().is_ok_and(|mut items| items.any(|item| holds_decimal(&item))),
        ValueKind::Map => value.try_iter().is_ok_and(|mut names| {
            names.any(|name| value.get_item(&name).is_ok_and(|member| holds_decimal(&member)))
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_they_came() {
        let huge = "9".repeat(60);
        for digits in ["7", "-3", "12345678901234567890123", "1.5", "1.50", "1e3", "-0", "0.10", &huge] {
            assert_eq!(number(digits).to_string(), digits);
        }
        assert_eq!(number("12345678901234567890123").kind(), ValueKind::Number);
    }

    #[test]
    fn templates_see_what_a_decimal_is_worth_wherever_it_stands() {
        let nested = Value::from_pairs([("prices", Value::from(vec![number("1.50"), number("2")]))]);
        let mut noted = Vec::new();
        let seen = plain(&nested, &mut |decimal: &Decimal| noted.push(decimal.written.to_string()));
        assert_eq!(seen.get_attr("prices").unwrap(), Value::from(vec![1.5, 2.0]));
        assert_eq!(noted, ["1.50"]);
    }
}
