//! Products: details, variants with prices, images, and their life in the catalogue.

use serde_json::{Value, json};

use super::{
    Aggregate,
    command::{Act, Answer, Command, Then, begin, delete, post, put},
    state::{add_part, cents, named_part, number as number_of, parts, remove_part, set, text as text_of},
};
use crate::shopstream::{
    fields::{Field, Object, any_text, flag, mapping, number, text},
    refusal::Refusal,
};

const LEAST_PRICE: f64 = 0.01;

pub(crate) static PRODUCT: Aggregate = Aggregate {
    kind: "product",
    domain: "catalogue",
    name: "Product",
    id: "product_id",
    listed_by: Some("category_id"),
    event_sourced: false,
};

const CURRENCY: Field = text("currency", 3).or_text("USD");

pub(crate) const COMMANDS: &[Command] = &[
    Command {
        fields: &[
            text("sku", 50),
            text("title", 255),
            any_text("seller_id").optional(),
            any_text("description").optional(),
            any_text("category_id").optional(),
            text("brand", 100).optional(),
            mapping("attributes").optional(),
            any_text("visibility").optional(),
            text("meta_title", 70).optional(),
            text("meta_description", 160).optional(),
            text("slug", 200).optional(),
        ],
        to: Some("Draft"),
        then: Then::Try(add),
        ..begin(&PRODUCT, "/products", "ProductCreated")
    },
    Command {
        fields: &[
            text("title", 255).optional(),
            any_text("description").optional(),
            text("brand", 100).optional(),
            text("meta_title", 70).optional(),
            text("meta_description", 160).optional(),
            text("slug", 200).optional(),
            mapping("attributes").optional(),
        ],
        then: Then::TakeOver,
        ..put(&PRODUCT, "/products/{id}/details", "ProductDetailsUpdated")
    },
    Command {
        fields: &[
            text("variant_sku", 50),
            number("base_price"),
            CURRENCY,
            mapping("attributes").optional(),
            number("weight_value").optional(),
            text("weight_unit", 2).optional(),
            number("length").optional(),
            number("width").optional(),
            number("height").optional(),
            text("dimension_unit", 2).optional(),
        ],
        then: Then::Try(add_variant),
        answer: Answer::Status(201, "ok"),
        ..post(&PRODUCT, "/products/{id}/variants", "VariantAdded")
    },
    Command {
        fields: &[number("base_price"), CURRENCY],
        then: Then::Try(set_price),
        ..put(&PRODUCT, "/products/{id}/variants/{part}/price", "VariantPriceChanged")
    },
    Command {
        fields: &[text("tier", 20), number("price")],
        then: Then::Try(set_tier_price),
        ..put(&PRODUCT, "/products/{id}/variants/{part}/tier-price", "TierPriceSet")
    },
    Command {
        fields: &[text("url", 500), text("alt_text", 255).optional(), flag("is_primary").or_flag(false)],
        then: Then::Do(add_image),
        answer: Answer::Status(201, "ok"),
        ..post(&PRODUCT, "/products/{id}/images", "ProductImageAdded")
    },
    Command {
        then: Then::Try(remove_image),
        ..delete(&PRODUCT, "/products/{id}/images/{part}", "ProductImageRemoved")
    },
    Command {
        from: &["Draft"],
        to: Some("Active"),
        then: Then::Try(require_variant),
        ..put(&PRODUCT, "/products/{id}/activate", "ProductActivated")
    },
    Command {
        from: &["Active"],
        to: Some("Discontinued"),
        ..put(&PRODUCT, "/products/{id}/discontinue", "ProductDiscontinued")
    },
    Command {
        from: &["Discontinued"],
        to: Some("Archived"),
        ..put(&PRODUCT, "/products/{id}/archive", "ProductArchived")
    },
];

fn add(act: &mut Act<'_>) -> Result<(), Refusal> {
    let sku = text_of(act.input, "sku");
    if !is_sku(sku) {
        return Err(Refusal::rule("sku", format!("Invalid SKU: {sku}")));
    }
    let visibility = match text_of(act.input, "visibility") {
        "" => "Public",
        visibility @ ("Public" | "Unlisted" | "Tier_Restricted") => visibility,
        other => {
            let message = format!("Unknown visibility: {other}");
            return Err(Refusal::rule("visibility", message));
        }
    };
    let first = json!({
        "visibility": visibility, "variants": [], "images": [], "variant_count": 0,
        "min_price": null, "max_price": null, "currency": "USD", "primary_image_url": null,
    });
    set(act.state, first);
    Ok(())
}

fn add_variant(act: &mut Act<'_>) -> Result<(), Refusal> {
    check_price(act, "base_price")?;
    add_part(act, "variants", "variant_id");
    sum_variants_up(act);
    Ok(())
}

fn set_price(act: &mut Act<'_>) -> Result<(), Refusal> {
    check_price(act, "base_price")?;
    let prices = act.input.clone();
    named_part(act, "variants", "variant_id")?.extend(prices);
    sum_variants_up(act);
    Ok(())
}

fn set_tier_price(act: &mut Act<'_>) -> Result<(), Refusal> {
    check_price(act, "price")?;
    let (tier, price) = (text_of(act.input, "tier"), number_of(act.input, "price"));
    let variant = named_part(act, "variants", "variant_id")?;
    let prices = variant.entry("tier_prices").or_insert_with(|| json!({}));
    prices[tier] = price.into();
    Ok(())
}

fn add_image(act: &mut Act<'_>) {
    add_part(act, "images", "image_id");
    choose_primary_image(act);
}

fn remove_image(act: &mut Act<'_>) -> Result<(), Refusal> {
    remove_part(act, "images", "image_id")?;
    choose_primary_image(act);
    Ok(())
}

fn require_variant(act: &mut Act<'_>) -> Result<(), Refusal> {
    if parts(act.state, "variants").next().is_none() {
        return Err(Refusal::rule("variants", "A product needs a variant to be activated"));
    }
    Ok(())
}

fn check_price(act: &Act<'_>, field: &'static str) -> Result<(), Refusal> {
    if number_of(act.input, field) < LEAST_PRICE {
        return Err(Refusal::rule(field, format!("Must be at least {LEAST_PRICE}")));
    }
    Ok(())
}

/// Keeps the figures of the product's card right: how many variants, from which price to which.
fn sum_variants_up(act: &mut Act<'_>) {
    let prices: Vec<f64> =
        parts(act.state, "variants").map(|variant| cents(number_of(variant, "base_price"))).collect();
    let summary = json!({
        "variant_count": prices.len(),
        "min_price": prices.iter().copied().reduce(f64::min),
        "max_price": prices.iter().copied().reduce(f64::max),
        "currency": text_of(act.input, "currency"),
    });
    set(act.state, summary);
}

/// The last image said to be primary, or else the first.
fn choose_primary_image(act: &mut Act<'_>) {
    let is_primary = |image: &&_| Object::get(image, "is_primary") == Some(&Value::Bool(true));
    let chosen = parts(act.state, "images")
        .filter(is_primary)
        .last()
        .or_else(|| parts(act.state, "images").next())
        .map(|image| text_of(image, "url").to_owned());
    set(act.state, json!({"primary_image_url": chosen}));
}

/// 3 to 50 letters and digits, with single hyphens between them.
fn is_sku(sku: &str) -> bool {
    let is_group = |group: &str| !group.is_empty() && group.chars().all(|c| c.is_ascii_alphanumeric());
    (3..=50).contains(&sku.len()) && sku.split('-').all(is_group)
}

#[cfg(test)]
mod tests {
    use super::is_sku;

    #[test]
    fn a_sku_is_groups_of_letters_and_digits() {
        for good in ["ABC", "PROD-1A2B3C4D", "a-b-c"] {
            assert!(is_sku(good), "{good}");
        }
        for bad in ["AB", "-ABC", "ABC-", "A--B", "A B C", "A_B", &"A".repeat(51)] {
            assert!(!is_sku(bad), "{bad}");
        }
    }
}
