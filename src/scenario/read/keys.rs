//! `[keys.NAME]`: `of`, and one of `zipf` and `hot`, or neither.

use crate::scenario::fields::Fields;
use crate::scenario::keys::{KeyList, Popularity};

pub(in crate::scenario) fn read(file: &mut Fields<'_>) -> Vec<KeyList> {
    let Some(tables) = file.table("keys") else { return Vec::new() };
    let problems = tables.problems;
    let lists = tables.entries().into_iter().filter_map(|(name, value)| {
        let mut table = Fields::of(value, tables.file(), "a list of keys", problems)?;
        table.require("of");
        let of = table.count("of", 1);
        let popularity = popularity(&mut table, of.unwrap_or(u64::MAX));
        let is_scattered = table.flag("scatter").unwrap_or(false);
        table.finish();
        if of.is_none() {
            problems.note_unread("list of keys", Some(&name.value));
        }
        // More keys than this are not told apart in a sample.
        let of = of?.min(crate::sample::Key::MOST);
        Some(KeyList { name: name.value, of, popularity, is_scattered })
    });
    lists.collect()
}

fn popularity(table: &mut Fields<'_>, of: u64) -> Popularity {
    let problems = table.problems;
    if table.has("zipf") && table.has("hot") {
        let place = table.key_place("hot");
        problems.add(&place, "a popularity is `zipf` or `hot`, not both", "a second one");
    }
    if let Some(exponent) = table.number("zipf") {
        if exponent.value > 0.0 && exponent.value.is_finite() {
            return Popularity::Zipf(exponent.value);
        }
        problems.add(
            &exponent.place,
            format!("impossible exponent `{}`", exponent.value),
            "expected above 0",
        );
    }
    if let Some(mut hot) = table.table("hot") {
        hot.require("keys");
        hot.require("share");
        let (keys, share) = (hot.count("keys", 1), hot.number("share"));
        let place = hot.place.clone();
        hot.finish();
        if let (Some(keys), Some(share)) = (keys, share) {
            if keys >= of {
                problems.add(&place, "all keys would be hot", format!("`keys` has to be below {of}"));
            } else if share.value > 0.0 && share.value < 1.0 {
                return Popularity::Hot { keys, share: share.value };
            } else {
                problems.add(
                    &share.place,
                    format!("impossible share `{}`", share.value),
                    "expected 0 < share < 1",
                );
            }
        }
    }
    Popularity::Even
}
