//! From an event to the read model of its aggregate.

use rusqlite::{Transaction, params};
use serde_json::Value;

use crate::shopstream::{clock, domain, fields::Object, streams::Message};

/// Brings the read model of a message's aggregate up to the message's version, unless it is newer.
pub(super) fn write(transaction: &Transaction<'_>, message: &Message) -> rusqlite::Result<()> {
    let view: Object =
        serde_json::from_str(&message.payload).expect("the payload was written from an object");
    let aggregate = domain::aggregate(message.stream.aggregate).expect("only known aggregates are published");
    let text = |field: &str| view.get(field).and_then(Value::as_str);
    transaction
        .prepare_cached(
            "INSERT INTO read_models (id, kind, version, status, parent, created_at, view)
             VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET
                version = excluded.version, status = excluded.status,
                parent = excluded.parent, view = excluded.view
             WHERE excluded.version > read_models.version",
        )?
        .execute(params![
            message.aggregate_id,
            aggregate.kind,
            message.version,
            text("status"),
            aggregate.listed_by.and_then(text),
            text("created_at"),
            message.payload,
        ])?;
    transaction
        .prepare_cached("UPDATE outbox SET processed_at = ? WHERE id = ?")?
        .execute(params![clock::now_us(), message.outbox_id])?;
    Ok(())
}
