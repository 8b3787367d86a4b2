//! From a shopping sentence to what is wanted: a few rules for a few words.

use serde::{Deserialize, Serialize};

const COLOURS: [&str; 8] = ["red", "blue", "green", "black", "white", "yellow", "grey", "brown"];
const NUMBERS: [(&str, u32); 12] = [
    ("a", 1),
    ("an", 1),
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
];
/// In the singular; plurals end in `s` or `ves`.
const PRODUCTS: [&str; 11] =
    ["shirt", "mug", "lamp", "cap", "chair", "bag", "clock", "scarf", "towel", "basket", "sock"];
/// Words that ask for the payment as well.
const PAYING: [&str; 5] = ["check", "checkout", "pay", "buy", "order"];

/// What somebody wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Intent {
    pub(super) items: Vec<Item>,
    /// Whether it is to be paid for, and not only put into the cart.
    pub(super) check_out: bool,
}

/// A number of products of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Item {
    pub(super) quantity: u32,
    /// Empty if any will do.
    pub(super) colour: String,
    pub(super) product: String,
}

/// What a sentence asks for; none if it names no product.
pub(super) fn parse(sentence: &str) -> Option<Intent> {
    let sentence = sentence.to_lowercase();
    let words = sentence.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut intent = Intent { items: Vec::new(), check_out: false };
    let (mut quantity, mut colour) = (1, "");
    for word in words {
        if let Some(number) = number(word) {
            quantity = number;
        } else if let Some(known) = COLOURS.iter().find(|known| **known == word) {
            colour = known;
        } else if let Some(product) = product(word) {
            intent.items.push(Item {
                quantity,
                colour: std::mem::take(&mut colour).to_owned(),
                product: product.to_owned(),
            });
            quantity = 1;
        } else if PAYING.contains(&word) {
            intent.check_out = true;
        }
    }
    (!intent.items.is_empty()).then_some(intent)
}

fn number(word: &str) -> Option<u32> {
    let named = NUMBERS.iter().find(|(name, _)| *name == word).map(|(_, number)| *number);
    named.or_else(|| word.parse().ok()).filter(|number| (1..=1000).contains(number))
}

fn product(word: &str) -> Option<&'static str> {
    PRODUCTS.into_iter().find(|known| {
        let plural = known.strip_suffix('f').map(|stem| format!("{stem}ves"));
        word == *known || word.strip_suffix('s') == Some(known) || plural.as_deref() == Some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::{Item, parse};

    fn items(sentence: &str) -> Vec<(u32, String, String)> {
        let intent = parse(sentence).unwrap();
        intent
            .items
            .into_iter()
            .map(|Item { quantity, colour, product }| (quantity, colour, product))
            .collect()
    }

    fn item(quantity: u32, colour: &str, product: &str) -> (u32, String, String) {
        (quantity, colour.to_owned(), product.to_owned())
    }

    #[test]
    fn sentences_say_what_is_wanted() {
        assert_eq!(items("Add 5 red shirts to cart and check out"), [item(5, "red", "shirt")]);
        let two = items("Buy two blue mugs and a green lamp.");
        assert_eq!(two, [item(2, "blue", "mug"), item(1, "green", "lamp")]);
        assert_eq!(items("Put 3 scarves, black, in my cart"), [item(3, "", "scarf")]);
        assert_eq!(items("I want a chair"), [item(1, "", "chair")]);
    }

    #[test]
    fn paying_is_asked_for_or_not() {
        assert!(parse("Add 5 red shirts to cart and check out").unwrap().check_out);
        assert!(parse("Put a cap in my cart, then pay").unwrap().check_out);
        assert!(!parse("Put a cap in my cart").unwrap().check_out);
        assert_eq!(parse("Tell me a joke"), None);
    }
}
