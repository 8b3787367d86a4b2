//! Customers: registration, profile, addresses, account state and loyalty tier.

use serde_json::json;

use super::{
    Aggregate,
    command::{Act, Answer, Command, Then, begin, delete, post, put, take_over},
    state::{add_part, given_text, named_part, parts, remove_part, set, text as text_of},
};
use crate::shopstream::{
    fields::{Field, any_text, text},
    refusal::Refusal,
};

const MOST_ADDRESSES: usize = 10;

/// The tiers, from the lowest on.
const TIERS: [&str; 4] = ["Standard", "Silver", "Gold", "Platinum"];

pub(crate) static CUSTOMER: Aggregate = Aggregate {
    kind: "customer",
    domain: "identity",
    name: "Customer",
    id: "customer_id",
    listed_by: None,
    event_sourced: false,
};

const ADDRESS: &[Field] = &[
    text("label", 20).optional(),
    text("street", 255),
    text("city", 100),
    text("state", 100).optional(),
    text("postal_code", 20),
    text("country", 100),
    any_text("geo_lat").optional(),
    any_text("geo_lng").optional(),
];

const ADDRESS_CHANGES: &[Field] = &[
    text("label", 20).optional(),
    text("street", 255).optional(),
    text("city", 100).optional(),
    text("state", 100).optional(),
    text("postal_code", 20).optional(),
    text("country", 100).optional(),
];

pub(crate) const COMMANDS: &[Command] = &[
    Command {
        fields: &[
            text("external_id", 255),
            text("email", 254),
            text("first_name", 100),
            text("last_name", 100),
            text("phone", 20).optional(),
            text("date_of_birth", 10).optional(),
        ],
        to: Some("Active"),
        unique: Some("external_id"),
        then: Then::Try(register),
        ..begin(&CUSTOMER, "/customers", "CustomerRegistered")
    },
    Command {
        fields: &[
            text("first_name", 100).optional(),
            text("last_name", 100).optional(),
            text("phone", 20).optional(),
            text("date_of_birth", 10).optional(),
        ],
        then: Then::Try(update_profile),
        ..put(&CUSTOMER, "/customers/{id}/profile", "ProfileUpdated")
    },
    Command {
        fields: ADDRESS,
        then: Then::Try(add_address),
        answer: Answer::Status(201, "ok"),
        ..post(&CUSTOMER, "/customers/{id}/addresses", "AddressAdded")
    },
    Command {
        fields: ADDRESS_CHANGES,
        then: Then::Try(update_address),
        ..put(&CUSTOMER, "/customers/{id}/addresses/{part}", "AddressUpdated")
    },
    Command {
        then: Then::Try(remove_address),
        ..delete(&CUSTOMER, "/customers/{id}/addresses/{part}", "AddressRemoved")
    },
    Command {
        then: Then::Try(choose_default_address),
        ..put(&CUSTOMER, "/customers/{id}/addresses/{part}/default", "DefaultAddressChanged")
    },
    Command {
        fields: &[text("reason", 500)],
        from: &["Active"],
        to: Some("Suspended"),
        ..put(&CUSTOMER, "/customers/{id}/suspend", "AccountSuspended")
    },
    Command {
        from: &["Suspended"],
        to: Some("Active"),
        ..put(&CUSTOMER, "/customers/{id}/reactivate", "AccountReactivated")
    },
    Command {
        from: &["Active", "Suspended"],
        to: Some("Closed"),
        ..put(&CUSTOMER, "/customers/{id}/close", "AccountClosed")
    },
    Command {
        fields: &[text("new_tier", 20)],
        then: Then::Try(upgrade_tier),
        ..put(&CUSTOMER, "/customers/{id}/tier", "TierUpgraded")
    },
];

fn register(act: &mut Act<'_>) -> Result<(), Refusal> {
    let email = text_of(act.input, "email");
    if !is_email(email) {
        return Err(Refusal::rule("email", format!("Invalid email address: {email}")));
    }
    check_person(act)?;
    let first = json!({"tier": TIERS[0], "registered_at": act.now, "addresses": []});
    set(act.state, first);
    Ok(())
}

fn update_profile(act: &mut Act<'_>) -> Result<(), Refusal> {
    check_person(act)?;
    take_over(act);
    Ok(())
}

fn check_person(act: &Act<'_>) -> Result<(), Refusal> {
    if let Some(phone) = given_text(act.input, "phone").filter(|phone| !is_phone(phone)) {
        return Err(Refusal::rule("phone", format!("Invalid phone number: {phone}")));
    }
    if let Some(date) = given_text(act.input, "date_of_birth").filter(|date| !is_date(date)) {
        return Err(Refusal::rule("date_of_birth", format!("Invalid date: {date}")));
    }
    Ok(())
}

fn add_address(act: &mut Act<'_>) -> Result<(), Refusal> {
    if let Some(label) = given_text(act.input, "label")
        && !["Home", "Work", "Other"].contains(&label)
    {
        return Err(Refusal::rule("label", format!("Unknown label: {label}")));
    }
    let geo = ["geo_lat", "geo_lng"].map(|field| given_text(act.input, field));
    if geo[0].is_some() != geo[1].is_some() {
        return Err(Refusal::rule("geo", "Latitude and longitude go together"));
    }
    if geo.into_iter().flatten().any(|degrees| degrees.parse::<f64>().is_err()) {
        return Err(Refusal::rule("geo", "Not a number of degrees"));
    }
    let count = parts(act.state, "addresses").count();
    if count >= MOST_ADDRESSES {
        let message = format!("At most {MOST_ADDRESSES} addresses");
        return Err(Refusal::rule("addresses", message));
    }
    let id = add_part(act, "addresses", "address_id");
    if count == 0 {
        set(act.state, json!({"default_address_id": id}));
    }
    Ok(())
}

fn update_address(act: &mut Act<'_>) -> Result<(), Refusal> {
    let changes = act.input;
    let address = named_part(act, "addresses", "address_id")?;
    for (field, value) in changes.iter().filter(|(_, value)| !value.is_null()) {
        address.insert(field.clone(), value.clone());
    }
    Ok(())
}

fn remove_address(act: &mut Act<'_>) -> Result<(), Refusal> {
    remove_part(act, "addresses", "address_id")
}

fn choose_default_address(act: &mut Act<'_>) -> Result<(), Refusal> {
    let id = text_of(named_part(act, "addresses", "address_id")?, "address_id").to_owned();
    set(act.state, json!({"default_address_id": id}));
    Ok(())
}

fn upgrade_tier(act: &mut Act<'_>) -> Result<(), Refusal> {
    let rank = |tier: &str| TIERS.iter().position(|known| *known == tier);
    let new_tier = text_of(act.input, "new_tier");
    let Some(new_rank) = rank(new_tier) else {
        return Err(Refusal::rule("tier", format!("Unknown tier: {new_tier}")));
    };
    let tier = text_of(act.state, "tier");
    if rank(tier).is_some_and(|rank| new_rank <= rank) {
        let message = format!("Cannot move from {tier} to {new_tier}");
        return Err(Refusal::rule("tier", message));
    }
    let upgraded = json!({"tier": new_tier});
    set(act.state, upgraded);
    Ok(())
}

/// One `@`, no spaces, a dot inside the domain, and no dot where an atom would be empty.
fn is_email(email: &str) -> bool {
    let Some((name, domain)) = email.split_once('@') else {
        return false;
    };
    let has_no_empty_atom = |part: &str| part.split('.').all(|atom| !atom.is_empty());
    !email.contains(char::is_whitespace)
        && !domain.contains('@')
        && domain.contains('.')
        && has_no_empty_atom(name)
        && has_no_empty_atom(domain)
}

/// Digits, spaces, `-` and parentheses after an optional `+`, with a digit among them.
fn is_phone(phone: &str) -> bool {
    let rest = phone.strip_prefix('+').unwrap_or(phone);
    rest.contains(|c: char| c.is_ascii_digit())
        && rest.chars().all(|c| c.is_ascii_digit() || " -()".contains(c))
}

/// `YYYY-MM-DD` with a month and day that some month has.
fn is_date(date: &str) -> bool {
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts[..] else {
        return false;
    };
    let in_range = |part: &str, digits: usize, most: u32| {
        part.len() == digits && part.parse().is_ok_and(|n: u32| (1..=most).contains(&n))
    };
    in_range(year, 4, 9999) && in_range(month, 2, 12) && in_range(day, 2, 31)
}

#[cfg(test)]
mod tests {
    use super::{is_date, is_email, is_phone};

    #[test]
    fn contact_data_is_checked() {
        for good in ["ada@example.com", "a.b@c.d.org"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["ada", "a@b", "a@@b.c", "a b@c.d", ".a@b.c", "a@b..c", "a@b.c@d.e"] {
            assert!(!is_email(bad), "{bad}");
        }
        assert!(is_phone("+1-555-234-5678") && is_phone("(020) 1234"));
        assert!(!is_phone("+") && !is_phone("call me") && !is_phone("1+2"));
        assert!(is_date("1990-12-31"));
        assert!(!is_date("1990-13-01") && !is_date("90-1-1") && !is_date("1990/01/01"));
    }
}
