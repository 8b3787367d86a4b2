//! Seeded data for requests: the functions that templates may call.
//!
//! Every draw comes from the user's own random numbers, so the same seed gives the same requests. Only identifiers differ
//! between runs on a system that keeps what earlier runs have left there: each run salts them.
//! Names, places and words come from the `fake` crate; identifiers and numbers are drawn here.

use std::fmt::Write;

use fake::Fake;
use fake::faker::address::en::{BuildingNumber, CityName, StateAbbr, StreetName, ZipCode};
use fake::faker::company::en::CompanyName;
use fake::faker::lorem::en::{Sentence, Word};
use fake::faker::name::en::{FirstName, LastName};
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, State};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::effort::spend;
use super::scope::{with_rng, with_scope};

/// Mail domains that belong to nobody (RFC 2606).
const MAIL_DOMAINS: [&str; 3] = ["example.com", "example.net", "example.org"];

/// A function without arguments that draws a text.
type Drawer = fn(&mut Pcg64Mcg) -> String;
/// One whose text depends on a salt as well.
type SaltedDrawer = fn(&mut Pcg64Mcg, u64) -> String;

/// Functions whose texts are to be unique, also among runs with the same seed; the number is the run's salt.
const UNIQUE: [(&str, SaltedDrawer); 2] = [("uuid", uuid), ("email", email)];

const PLAIN: [(&str, Drawer); 11] = [
    ("first_name", |rng| FirstName().fake_with_rng(rng)),
    ("last_name", |rng| LastName().fake_with_rng(rng)),
    ("company", |rng| CompanyName().fake_with_rng(rng)),
    ("word", |rng| Word().fake_with_rng(rng)),
    ("sentence", |rng| Sentence(4..10).fake_with_rng(rng)),
    ("street", street),
    ("city", |rng| CityName().fake_with_rng(rng)),
    ("state", |rng| StateAbbr().fake_with_rng(rng)),
    ("zip", |rng| ZipCode().fake_with_rng(rng)),
    ("phone", phone),
    ("user_name", user_name),
];

/// Makes the functions known to an environment.
pub(super) fn register(environment: &mut Environment<'static>) {
    for (name, drawer) in PLAIN {
        environment.add_function(name, move |state: &State<'_, '_>| with_rng(state, drawer));
    }
    for (name, drawer) in UNIQUE {
        environment.add_function(name, move |state: &State<'_, '_>| with_salt(state, drawer));
    }
    environment.add_function("hex", |state: &State<'_, '_>, digits: usize| {
        spend(state, digits)?;
        with_salt(state, |rng, salt| hex(rng, digits, salt))
    });
    environment.add_function("int", |state: &State<'_, '_>, least: i64, most: i64| {
        in_order(least <= most, "int")?;
        with_rng(state, |rng| rng.random_range(least..=most))
    });
    environment.add_function(
        "decimal",
        |state: &State<'_, '_>, least: f64, most: f64, places: Option<u32>| {
            in_order(least <= most, "decimal")?;
            with_rng(state, |rng| decimal(rng, least, most, places.unwrap_or(2)))
        },
    );
    environment.add_function("date", |state: &State<'_, '_>, first: &str, last: &str| {
        let (first, last) = (parse_date(first)?, parse_date(last)?);
        in_order(first <= last, "date")?;
        with_rng(state, |rng| date(rng, first, last))?
    });
    environment.add_function("pick", |state: &State<'_, '_>, choices: Vec<Value>| {
        in_order(!choices.is_empty(), "pick")?;
        with_rng(state, |rng| choices[rng.random_range(0..choices.len())].clone())
    });
    environment.add_function("chance", |state: &State<'_, '_>, probability: f64| {
        with_rng(state, |rng| rng.random_bool(probability.clamp(0.0, 1.0)))
    });
}

/// Runs `draw` with the user's random numbers and the run's salt.
fn with_salt<T>(state: &State<'_, '_>, draw: impl FnOnce(&mut Pcg64Mcg, u64) -> T) -> Result<T, Error> {
    with_scope(state, |scope| scope.draw(|rng| draw(rng, scope.salt())))
}

fn in_order(in_order: bool, function: &str) -> Result<(), Error> {
    if in_order {
        return Ok(());
    }
    let detail = format!("`{function}` has an empty range");
    Err(Error::new(ErrorKind::InvalidOperation, detail))
}

/// Lower-case hexadecimal digits.
fn hex(rng: &mut Pcg64Mcg, digits: usize, salt: u64) -> String {
    let mut text = String::with_capacity(digits + 16);
    while text.len() < digits {
        let _ = write!(text, "{:016x}", rng.random::<u64>() ^ salt);
    }
    text.truncate(digits);
    text
}

/// A version 4 UUID (RFC 9562).
fn uuid(rng: &mut Pcg64Mcg, salt: u64) -> String {
    let salt = u128::from(salt);
    let bits = (rng.random::<u128>() ^ (salt << 64 | salt)) & !(0xf << 76) & !(0b11 << 62)
        | (0x4 << 76)
        | (0b10 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// A decimal number between two, both included, rounded to `places`.
fn decimal(rng: &mut Pcg64Mcg, least: f64, most: f64, places: u32) -> f64 {
    let scale = 10_f64.powi(i32::try_from(places.min(9)).unwrap_or(9));
    (rng.random_range(least..=most) * scale).round() / scale
}

fn street(rng: &mut Pcg64Mcg) -> String {
    let number: String = BuildingNumber().fake_with_rng(rng);
    let name: String = StreetName().fake_with_rng(rng);
    format!("{number} {name}")
}

/// Lower-case letters of a name, at most 20.
fn user_name(rng: &mut Pcg64Mcg) -> String {
    let (first, last): (String, String) = (FirstName().fake_with_rng(rng), LastName().fake_with_rng(rng));
    first
        .chars()
        .take(1)
        .chain(last.chars())
        .filter(char::is_ascii_alphabetic)
        .take(20)
        .collect::<String>()
        .to_ascii_lowercase()
}

fn email(rng: &mut Pcg64Mcg, salt: u64) -> String {
    let user = user_name(rng);
    let tag = hex(rng, 4, salt);
    format!("{user}.{tag}@{}", MAIL_DOMAINS[rng.random_range(0..MAIL_DOMAINS.len())])
}

/// A North American number: `+1-555-234-5678`.
fn phone(rng: &mut Pcg64Mcg) -> String {
    let (area, exchange) = (rng.random_range(200..=999), rng.random_range(200..=999));
    format!("+1-{area}-{exchange}-{}", rng.random_range(1000..=9999))
}

fn parse_date(text: &str) -> Result<jiff::civil::Date, Error> {
    text.parse().map_err(|_| {
        Error::new(ErrorKind::InvalidOperation, format!("`{text}` is not a date such as `2026-01-31`"))
    })
}

fn date(rng: &mut Pcg64Mcg, first: jiff::civil::Date, last: jiff::civil::Date) -> Result<String, Error> {
    let days = first.until(last).map_or(0, |span| span.get_days());
    let offset = jiff::Span::new().days(rng.random_range(0..=days));
    let date = first.checked_add(offset);
    date.map(|d| d.to_string())
        .map_err(|e| Error::new(ErrorKind::InvalidOperation, format!("date out of range: {e}")))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn rng() -> Pcg64Mcg {
        Pcg64Mcg::seed_from_u64(42)
    }

    #[test]
    fn identifiers_have_their_form() {
        let mut rng = rng();
        assert_eq!(hex(&mut rng, 20, 0).len(), 20);
        let id = uuid(&mut rng, 0);
        assert_eq!((id.len(), &id[14..15]), (36, "4"));
        assert!("89ab".contains(&id[19..20]));
    }

    #[test]
    fn a_salt_makes_other_identifiers_of_the_same_form_and_nothing_else() {
        let drawn = |salt| {
            let mut rng = rng();
            (hex(&mut rng, 8, salt), uuid(&mut rng, salt), email(&mut rng, salt), phone(&mut rng))
        };
        let (plain, salted) = (drawn(0), drawn(crate::checksum::mix(0, &[1_795_276_500_000_000])));
        assert!(plain.0 != salted.0 && plain.1 != salted.1 && plain.2 != salted.2);
        assert_eq!((&salted.1[14..15], plain.3), ("4", salted.3), "{}", salted.1);
    }

    #[test]
    fn people_can_be_written_to_and_called() {
        let mut rng = rng();
        for _ in 0..200 {
            let mail = email(&mut rng, 0);
            let (user, domain) = mail.split_once('@').unwrap();
            assert!(user.len() <= 25 && MAIL_DOMAINS.contains(&domain), "{mail}");
            assert_eq!(phone(&mut rng).len(), "+1-555-234-5678".len());
        }
    }

    #[test]
    fn numbers_stay_in_their_range() {
        let mut rng = rng();
        for _ in 0..1000 {
            let price = decimal(&mut rng, 9.99, 299.99, 2);
            assert!((9.99..=299.99).contains(&price));
        }
    }
}
