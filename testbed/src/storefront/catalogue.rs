//! The products that the storefront sells: the same in both forms of each service.

use serde::{Deserialize, Serialize};

use crate::random::bits;

const SEED: u64 = 20;
const COLOURS: [&str; 8] = ["red", "blue", "green", "black", "white", "yellow", "grey", "brown"];
const THINGS: [&str; 10] =
    ["shirt", "mug", "lamp", "cap", "chair", "bag", "clock", "scarf", "towel", "basket"];
const WORDS: [&str; 12] = [
    "light", "sturdy", "handmade", "washable", "foldable", "soft", "bright", "plain", "classic", "small",
    "large", "recycled",
];

/// A product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Product {
    /// `p-1`, `p-2`, …
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) category: String,
    pub(crate) price_cents: u32,
    pub(crate) stock: u32,
    pub(crate) description: String,
}

/// The first `count` products.
pub(crate) fn products(count: u32) -> impl Iterator<Item = Product> {
    (1..=count).map(product)
}

/// Product `number`, from 1: always the same one.
fn product(number: u32) -> Product {
    let draw = |salt: u64, below: usize| {
        usize::try_from(bits(SEED + salt, number.into()) % below as u64).unwrap_or(0)
    };
    let (colour, thing) = (COLOURS[draw(0, COLOURS.len())], THINGS[draw(1, THINGS.len())]);
    let words: Vec<&str> = (0..24).map(|word| WORDS[draw(10 + word, WORDS.len())]).collect();
    Product {
        id: format!("p-{number}"),
        name: format!("{colour} {thing} {number}"),
        category: thing.to_owned(),
        price_cents: 500 + u32::try_from(draw(2, 30_000)).unwrap_or(0),
        stock: u32::try_from(draw(3, 500)).unwrap_or(0),
        description: words.join(" "),
    }
}
