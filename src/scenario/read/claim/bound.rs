//! Bounds, tolerances and the amounts in them.

use toml::de::DeValue;

use crate::claim::{Amount, Bound, Unit};
use crate::scenario::fields::{Fields, Located, number};
use crate::scenario::problem::Place;

/// How much of a signal's largest reading counts as a change, if a claim does not say.
const TOLERANCE: f64 = 0.1;

/// `tolerates = "5%"`: the share of samples that may end otherwise than expected.
pub(super) fn tolerates(table: &mut Fields<'_>) -> Option<f64> {
    let (amount, place) = amount(table, "tolerates")?;
    if amount.unit != Unit::Percent || !(0.0..=1.0).contains(&amount.value) {
        table.problems.add(&place, "impossible share", "expected a share such as `\"5%\"`");
    }
    Some(amount.value)
}

pub(super) fn tolerance(table: &mut Fields<'_>) -> f64 {
    let Some((amount, place)) = amount(table, "tolerance") else { return TOLERANCE };
    if !(amount.value > 0.0 && amount.value < 1.0) {
        table.problems.add(&place, "impossible tolerance", "expected a share such as `\"10%\"`");
    }
    amount.value
}

impl Fields<'_> {
    pub(super) fn has_bound(&self) -> bool {
        ["at_least", "at_most", "within"].iter().any(|key| self.has(key))
    }
}

/// `at_least = 3.1`, `at_most = "500ms"`, `within = [0.97, 1.03]` or `within = "3%"` of equality.
pub(super) fn bound(table: &mut Fields<'_>) -> Option<(Bound, Place)> {
    let low = amount(table, "at_least").map(|(a, place)| (Bound::AtLeast(a), place));
    let high = amount(table, "at_most").map(|(a, place)| (Bound::AtMost(a), place));
    let both = within(table);
    let mut given: Vec<(Bound, Place)> = [low, high, both].into_iter().flatten().collect();
    if given.len() > 1 {
        let title = "a claim has one bound; for two edges say `within = [low, high]`";
        table.problems.add(&given[1].1, title, "a second one");
    }
    given.truncate(1);
    given.pop()
}

fn within(table: &mut Fields<'_>) -> Option<(Bound, Place)> {
    let Located { value, place } = table.value("within")?;
    let problems = table.problems;
    let wrong = || {
        let title = "`within` needs two amounts, or one share of equality";
        problems.add(&place, title, "expected `[0.97, 1.03]` or `\"3%\"`");
    };
    let edges: Vec<Amount> = match value.get_ref() {
        DeValue::Array(items) => items.iter().filter_map(|item| amount_of(item.get_ref())).collect(),
        other => match amount_of(other) {
            Some(Amount { value, unit: Unit::Percent }) if value < 1.0 => {
                [1.0 - value, 1.0 + value].map(|value| Amount { value, unit: Unit::Change }).to_vec()
            }
            _ => Vec::new(),
        },
    };
    match edges[..] {
        [low, high] if low.value < high.value && low.unit == high.unit => {
            Some((Bound::Within(low, high), place))
        }
        _ => {
            wrong();
            None
        }
    }
}

fn amount(table: &mut Fields<'_>, key: &'static str) -> Option<(Amount, Place)> {
    let Located { value, place } = table.value(key)?;
    match amount_of(value.get_ref()) {
        Some(amount) => Some((amount, place)),
        None => {
            let expected = "expected e.g. `3.1`, `\"3.1x\"`, `\"92%\"`, `\"+45%\"` or `\"500ms\"`";
            table.problems.add(&place, format!("`{key}` is not a valid amount"), expected);
            None
        }
    }
}

fn amount_of(value: &DeValue<'_>) -> Option<Amount> {
    match value.as_str() {
        Some(text) => text.parse().ok(),
        None => number(value).map(Amount::plain),
    }
}
