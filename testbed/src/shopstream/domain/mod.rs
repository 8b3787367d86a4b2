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
mod inventory_item;
mod invoice;
mod order;
mod patch;
mod payment;
mod product;
mod state;
mod warehouse;

pub(crate) use self::{
    command::{Answer, Command, Given, On, Verb, decide},
    inventory_item::RESERVED,
    patch::Patch,
};

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
    /// Whether its events are all that is kept of it: its state is what they add up to.
    pub(crate) event_sourced: bool,
}

/// The contexts, each with a database and an outbox of its own.
pub(crate) const DOMAINS: [&str; 5] = ["identity", "catalogue", "ordering", "inventory", "payments"];

const AGGREGATES: [&Aggregate; 9] = [
    &customer::CUSTOMER,
    &product::PRODUCT,
    &category::CATEGORY,
    &order::ORDER,
    &cart::CART,
    &inventory_item::INVENTORY_ITEM,
    &warehouse::WAREHOUSE,
    &payment::PAYMENT,
    &invoice::INVOICE,
];

const COMMANDS: [&[Command]; 9] = [
    customer::COMMANDS,
    product::COMMANDS,
    category::COMMANDS,
    order::COMMANDS,
    cart::COMMANDS,
    inventory_item::COMMANDS,
    warehouse::COMMANDS,
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

/// The command that leads to this event, of an aggregate that is named by the path: what the shop
/// itself asks for, when an event calls for it.
pub(crate) fn command_on_path(event: &str) -> &'static Command {
    let mut on_path = commands().filter(|command| matches!(command.on, On::Path));
    on_path.find(|command| command.event == event).expect("reactions ask for known events")
}

/// Every command of every aggregate.
pub(crate) fn commands() -> impl Iterator<Item = &'static Command> {
    COMMANDS.into_iter().flatten()
}

#[cfg(test)]
mod tests;
