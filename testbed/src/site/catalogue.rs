//! What the shop sells, and how it is divided into pages.

use std::num::NonZeroU32;

use serde_json::json;

use super::fields::Fields;
use crate::random::bits;

const SEED: u64 = 30;

/// Ids begin after this one: of 20 digits, beyond what a float or an `i64` holds exactly.
const FIRST: u64 = 12_345_678_901_234_567_000;

/// Most items on a page.
const LARGEST_PAGE: u32 = 100;

const COLOURS: [&str; 6] = ["Red", "Blue", "Green", "Grey", "Black & white", "Crème"];
const THINGS: [&str; 6] = ["shirt", "mug", "lamp", "chair", "salt & pepper mill", "café table"];

/// Everything that is sold.
pub(crate) struct Catalogue {
    items: Vec<Item>,
}

/// Something that is sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) price_cents: u32,
    weight_grams: u32,
    in_stock: bool,
}

/// A page of the catalogue.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page<'a> {
    /// From 1.
    pub(crate) number: u32,
    /// Pages there are.
    pub(crate) of: u32,
    /// Items on a full page.
    pub(crate) size: u32,
    /// Items on all pages.
    pub(crate) count: usize,
    pub(crate) items: &'a [Item],
}

impl Catalogue {
    /// The first `count` items, always the same.
    pub(crate) fn new(count: NonZeroU32) -> Catalogue {
        Catalogue { items: (1..=count.get()).map(Item::new).collect() }
    }

    pub(crate) fn item(&self, id: u64) -> Option<&Item> {
        let number = usize::try_from(id.checked_sub(FIRST)?).ok()?;
        self.items.get(number.checked_sub(1)?)
    }

    /// The page that a query's `page` and `per_page` ask for; none if there is no such page.
    pub(crate) fn page(&self, query: &Fields) -> Option<Page<'_>> {
        let number: u32 = query.number("page", 1).ok()?;
        let size: u32 = query.number("per_page", 20).ok()?;
        if !(1..=LARGEST_PAGE).contains(&size) {
            return None;
        }
        let mut pages = self.items.chunks(size as usize);
        let of = u32::try_from(pages.len()).ok()?;
        let items = pages.nth(number.checked_sub(1)? as usize)?;
        Some(Page { number, of, size, count: self.items.len(), items })
    }
}

impl Page<'_> {
    pub(crate) fn next(&self) -> Option<u32> {
        (self.number < self.of).then(|| self.number + 1)
    }

    pub(crate) fn previous(&self) -> Option<u32> {
        (self.number > 1).then(|| self.number - 1)
    }
}

impl Item {
    fn new(number: u32) -> Item {
        let draw = |salt: u64, below: u32| {
            u32::try_from(bits(SEED + salt, number.into()) % u64::from(below)).unwrap_or(0)
        };
        let colour = COLOURS[draw(0, 6) as usize];
        let thing = THINGS[draw(1, 6) as usize];
        Item {
            id: FIRST + u64::from(number),
            name: format!("{colour} {thing} no. {number}"),
            // Ends in 0, so that a price that has passed through a float has lost a digit.
            price_cents: 500 + 10 * draw(2, 3000),
            weight_grams: 100 + draw(3, 5000),
            in_stock: draw(4, 8) > 0,
        }
    }

    /// JSON, whose decimals have all their places.
    pub(crate) fn json(&self) -> String {
        let Item { id, name, price_cents, weight_grams, in_stock } = self;
        format!(
            r#"{{"id":{id},"name":{},"price":{},"weight_kg":{}.{:03},"in_stock":{in_stock},"discount":null,"url":"/api/items/{id}"}}"#,
            json!(name),
            euros((*price_cents).into()),
            weight_grams / 1000,
            weight_grams % 1000,
        )
    }
}

/// An amount of cents with its two decimal places.
pub(crate) fn euros(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests {
    use axum::http::Uri;

    use super::*;

    fn page_of<'a>(catalogue: &'a Catalogue, query: &str) -> Option<Page<'a>> {
        catalogue.page(&Fields::of_query(&format!("/?{query}").parse::<Uri>().unwrap()))
    }

    #[test]
    fn pages_hold_every_item_once() {
        let catalogue = Catalogue::new(NonZeroU32::new(45).unwrap());
        let pages: Vec<_> = (1..=3).filter_map(|n| page_of(&catalogue, &format!("page={n}"))).collect();
        assert_eq!(pages.iter().map(|page| page.items.len()).collect::<Vec<_>>(), [20, 20, 5]);
        assert_eq!(pages.iter().map(Page::next).collect::<Vec<_>>(), [Some(2), Some(3), None]);
        assert_eq!(pages.iter().map(Page::previous).collect::<Vec<_>>(), [None, Some(1), Some(2)]);
        for page in pages {
            for item in page.items {
                assert_eq!(catalogue.item(item.id), Some(item));
            }
        }
        for nothing in ["page=4", "page=0", "page=x", "per_page=0", "per_page=101"] {
            assert_eq!(page_of(&catalogue, nothing), None, "{nothing}");
        }
    }

    #[test]
    fn numbers_in_json_keep_their_digits() {
        let json = Item::new(7).json();
        assert!(json.contains(r#""id":12345678901234567007,"#), "{json}");
        let price = json.split(r#""price":"#).nth(1).and_then(|rest| rest.split(',').next());
        assert!(price.is_some_and(|price| price.ends_with('0') && price.contains('.')), "{json}");
        assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{json}");
    }
}
