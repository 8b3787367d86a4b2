//! `[broker.NAME]`: exactly one of `redis`, `nats` and `kafka`.

use super::Settings;
use crate::scenario::broker::{Broker, BrokerKind};
use crate::scenario::fields::Fields;

pub(in crate::scenario) fn read(file: &mut Fields<'_>, settings: &Settings) -> Vec<Broker> {
    let Some(tables) = file.table("broker") else { return Vec::new() };
    let problems = tables.problems;
    let brokers = tables.entries().into_iter().filter_map(|(name, value)| {
        let mut table = Fields::of(value, tables.file(), "a broker", problems)?;
        let given: Vec<_> =
            BrokerKind::ALL.into_iter().filter_map(|kind| Some((kind, table.text(kind.word())?))).collect();
        let place = table.place.clone();
        table.finish();
        let [(kind, url)] = &given[..] else {
            problems.add(
                &place,
                "a broker needs exactly one of `redis`, `nats`, `kafka`",
                format!("in broker `{}`", name.value),
            );
            problems.note_unread("broker", Some(&name.value));
            return None;
        };
        if *kind == BrokerKind::Kafka && !cfg!(feature = "kafka") {
            let label = "build it with Kafka: `cargo build --release --features kafka`";
            problems.add(&url.place, "this loadproof was built without Kafka", label);
        }
        Some(Broker { name: name.value, kind: *kind, url: settings.fill(url, problems) })
    });
    brokers.collect()
}
