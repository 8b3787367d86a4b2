//! The rules of the shop, as tables: what each aggregate can be asked, when, and what follows.
//!
//! An aggregate is a JSON object with a `status`. A [`Command`] is a row: the endpoint, the
//! fields it needs, the states it is allowed in, the state it leads to, the event that tells of
//! it. What a row cannot say is in the small function of its `then`. [`decide`] is all the logic,
//! and pure: no clock, no database.

mod cart;
mod category;
mod command;
mod customer;
mod invoice;
mod order;
mod payment;
mod product;
mod state;

pub(crate) use self::command::{Answer, Command, Given, On, Verb, decide};

/// One kind of thing that has a state of its own.
pub(crate) struct Aggregate {
    /// Its name in streams and tables.
    pub(crate) kind: &'static str,
    /// The context that it belongs to.
    pub(crate) domain: &'static str,
    /// Its name in answers.
    pub(crate) name: &'static str,
    /// The field with its id.
    pub(crate) id: &'static str,
    /// The field of its state that lists of it are asked for by.
    pub(crate) listed_by: Option<&'static str>,
}

/// The contexts, each with an outbox of its own.
pub(crate) const DOMAINS: [&str; 4] = ["identity", "catalogue", "ordering", "payments"];

const AGGREGATES: [&Aggregate; 7] = [
    &customer::CUSTOMER,
    &product::PRODUCT,
    &category::CATEGORY,
    &order::ORDER,
    &cart::CART,
    &payment::PAYMENT,
    &invoice::INVOICE,
];

const COMMANDS: [&[Command]; 7] = [
    customer::COMMANDS,
    product::COMMANDS,
    category::COMMANDS,
    order::COMMANDS,
    cart::COMMANDS,
    payment::COMMANDS,
    invoice::COMMANDS,
];

/// Every kind of aggregate.
pub(crate) fn aggregates() -> impl Iterator<Item = &'static Aggregate> {
    AGGREGATES.into_iter()
}

/// The aggregate of this kind.
pub(crate) fn aggregate(kind: &str) -> Option<&'static Aggregate> {
    aggregates().find(|aggregate| aggregate.kind == kind)
}

/// Every command of every aggregate.
pub(crate) fn commands() -> impl Iterator<Item = &'static Command> {
    COMMANDS.into_iter().flatten()
}

#[cfg(test)]
mod tests;
