//! JSON and YAML as one tree that keeps the order of keys; bodies are such trees with templates for texts.

use std::fmt;

use serde::de::{Deserialize, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde_json::Number;

use super::template::Template;

/// A value of JSON or YAML.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree<T = String> {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(T),
    /// Values in order.
    List(Vec<Tree<T>>),
    /// Named values, in the order in which they were written.
    Table(Vec<(String, Tree<T>)>),
}

static NULL: Tree = Tree::Null;

impl Tree {
    /// The value of a key; null if there is none.
    pub(super) fn get(&self, key: &str) -> &Self {
        self.entries().iter().find(|(name, _)| name == key).map_or(&NULL, |(_, value)| value)
    }

    /// The value at keys, one below the other; null if there is none.
    pub(super) fn at(&self, keys: &[&str]) -> &Self {
        keys.iter().fold(self, |tree, key| tree.get(key))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        *self.get(key) != Self::Null
    }

    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// A text, or what a number or a truth value is as one.
    pub(super) fn scalar(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Number(number) => Some(number.to_string()),
            Self::Bool(value) => Some(value.to_string()),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        if let Self::Number(number) = self { number.as_f64() } else { None }
    }

    pub(super) fn is_true(&self) -> bool {
        *self == Self::Bool(true)
    }

    pub(super) fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    pub(super) fn entries(&self) -> &[(String, Self)] {
        if let Self::Table(entries) = self { entries } else { &[] }
    }

    /// The same with templates for texts; keys are their sources.
    pub(super) fn with_templates(&self, of: &dyn Fn(&str) -> Template) -> Tree<Template> {
        match self {
            Self::Null => Tree::Null,
            Self::Bool(value) => Tree::Bool(*value),
            Self::Number(number) => Tree::Number(number.clone()),
            Self::Text(text) => Tree::Text(of(text)),
            Self::List(items) => Tree::List(items.iter().map(|item| item.with_templates(of)).collect()),
            Self::Table(entries) => {
                let entries = entries.iter().map(|(key, value)| (of(key).source(), value.with_templates(of)));
                Tree::Table(entries.collect())
            }
        }
    }

    /// Whether TOML can say the same: no key twice.
    pub(super) fn is_expressible(&self) -> bool {
        match self {
            Self::List(items) => items.iter().all(Self::is_expressible),
            Self::Table(entries) => {
                let mut keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
                keys.sort_unstable();
                keys.windows(2).all(|pair| pair[0] != pair[1])
                    && entries.iter().all(|(_, value)| value.is_expressible())
            }
            _ => true,
        }
    }
}

impl<T> Tree<T> {
    /// Visits all texts.
    pub(super) fn each_text(&self, each: &mut dyn FnMut(&T)) {
        match self {
            Self::Text(text) => each(text),
            Self::List(items) => items.iter().for_each(|item| item.each_text(each)),
            Self::Table(entries) => entries.iter().for_each(|(_, value)| value.each_text(each)),
            Self::Null | Self::Bool(_) | Self::Number(_) => {}
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Tree;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Tree, E> {
        // YAML has `.nan` and `.inf`, which neither JSON nor a request has.
        Ok(Number::from_f64(value).map_or(Tree::Null, Tree::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Tree, E> {
        Ok(Tree::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        // Keys of YAML may be numbers (`200:`).
        while let Some(key) = table.next_key::<Tree>()? {
            entries.push((key.scalar().unwrap_or_default(), table.next_value()?));
        }
        Ok(Tree::Table(entries))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<Tree, A::Error> {
        let (_, value) = tagged.variant::<String>()?;
        value.newtype_variant()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_yaml_are_the_same_tree_in_their_order() {
        let json: Tree =
            serde_json::from_str(r#"{"b": [1, 2.5, null], "a": {"200": "x"}, "c": true}"#).unwrap();
        let yaml: Tree = serde_yaml_ng::from_str("b: [1, 2.5, null]\na:\n  200: x\nc: !tag true\n").unwrap();
        assert_eq!(json, yaml);
        assert_eq!(json.at(&["a", "200"]).text(), Some("x"));
        assert_eq!(json.get("b").items().len(), 3);
        assert_eq!(json.entries()[0].0, "b");
        assert_eq!(*json.at(&["a", "no", "thing"]), Tree::Null);
    }

    #[test]
    fn what_toml_cannot_say_is_known() {
        let of = |text: &str| serde_json::from_str::<Tree>(text).unwrap().is_expressible();
        assert!(of(r#"{"a": [1, -2, 1.5e300, null]}"#));
        assert!(!of(r#"{"a": 1, "a": 2}"#) && of("[18446744073709551615]"));
    }
}
