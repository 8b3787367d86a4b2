//! One context: its aggregates or their events, its outbox, its read models, in its database.

use serde_json::Value;

use super::{
    outbox::{OutboxCount, OutboxRow},
    pool::Pool,
    schema,
};
use crate::{
    clock,
    neighbour::{
        Problem,
        sql::{Cell, Connection, Parameter},
    },
    shopstream::{
        domain::{self, Aggregate, Patch},
        fields::Object,
        refusal::Refusal,
        streams::Message,
    },
};

/// One context of the shop.
pub(crate) struct Context {
    pub(super) domain: &'static str,
    pub(super) pool: Pool,
    pub(super) outbox: OutboxCount,
}

/// An aggregate after a change, and the event that tells of it.
pub(crate) struct Change<'a> {
    pub(crate) aggregate: &'static Aggregate,
    pub(crate) id: &'a str,
    /// The version that the change was decided on; 0 for a new aggregate.
    pub(crate) on_version: i64,
    /// The state that the change was decided on; none for a new aggregate.
    pub(crate) before: Option<&'a Object>,
    pub(crate) state: &'a Object,
    pub(crate) event: &'static str,
}

/// What is written in one transaction, or not at all.
pub(crate) struct Commit<'a> {
    pub(crate) changes: Vec<Change<'a>>,
    /// A field and its value, which no other aggregate may have.
    pub(crate) unique: Option<(&'static str, &'a str)>,
    pub(crate) priority: i64,
    /// Whether an event is appended even to a stream that has moved on meanwhile: overselling.
    pub(crate) ignore_versions: bool,
}

impl Context {
    /// State and version of an aggregate, if there is one of this kind and id.
    pub(crate) fn load(&self, aggregate: &Aggregate, id: &str) -> Result<Option<(Object, i64)>, Problem> {
        self.pool.read(|connection| load(connection, aggregate, id))
    }

    /// Writes changes together with their events. Refused when an aggregate is no longer at the
    /// version that its change was decided on, or a unique value is taken.
    pub(crate) fn commit(&self, commit: &Commit<'_>) -> Result<(), Refusal> {
        self.pool.write(|connection| {
            if let Some((field, value)) = commit.unique {
                claim(connection, commit.changes[0].aggregate, field, value)?;
            }
            commit.changes.iter().try_for_each(|change| record(connection, change, commit))
        })?;
        self.outbox.committed(commit.changes.len());
        Ok(())
    }

    /// Gives pending outbox rows, up to `most` and the oldest first, to `publish`, and marks them
    /// as published once it has succeeded. One thread at a time may do so.
    pub(crate) fn publish(
        &self,
        most: i64,
        publish: impl FnOnce(Vec<OutboxRow>) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        if !self.outbox.has_pending() {
            return Ok(());
        }
        let rows = self.pool.read(|connection| {
            let rows = connection.query(
                "SELECT id, stream, type, aggregate_id, version, payload, priority FROM outbox
                 WHERE status = 'PENDING' ORDER BY id LIMIT $1",
                &[Parameter::Whole(most)],
            )?;
            Ok::<_, Problem>(rows.into_iter().filter_map(OutboxRow::read).collect::<Vec<_>>())
        })?;
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        publish(rows)?;
        self.pool.write(|connection| {
            let now = clock::now_us();
            ids.iter().try_for_each(|id| {
                let sql = "UPDATE outbox SET status = 'PUBLISHED', published_at = $1 WHERE id = $2";
                connection.execute(sql, &[Parameter::Whole(now), Parameter::Whole(*id)]).map(drop)
            })
        })?;
        self.outbox.published(ids.len());
        Ok(())
    }

    /// Brings the read model of a message's aggregate up to the message's version.
    ///
    /// A read model that is newer already stays as it is: lanes may deliver out of order.
    pub(crate) fn project(&self, message: &Message) -> Result<(), Problem> {
        let view: Object = serde_json::from_str(&message.payload)?;
        let aggregate = message.aggregate();
        let text = |field: &str| Parameter::from(view.get(field).and_then(Value::as_str));
        self.pool.write(|connection| {
            connection.execute(
                "INSERT INTO read_models (id, kind, version, status, parent, created_at, view)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (id) DO UPDATE SET
                    version = excluded.version, status = excluded.status,
                    parent = excluded.parent, view = excluded.view
                 WHERE excluded.version > read_models.version",
                &[
                    Parameter::Text(&message.aggregate_id),
                    Parameter::Text(aggregate.kind),
                    Parameter::Whole(message.version),
                    text("status"),
                    aggregate.listed_by.map_or(Parameter::Null, text),
                    text("created_at"),
                    Parameter::Text(&message.payload),
                ],
            )?;
            let processed = "UPDATE outbox SET processed_at = $1 WHERE id = $2";
            let now = Parameter::Whole(clock::now_us());
            connection.execute(processed, &[now, Parameter::Whole(message.outbox_id)]).map(drop)
        })
    }

    /// Makes events pending again that were published and never handled.
    pub(super) fn publish_again(&self) -> Result<(), Problem> {
        let again = self.pool.write(|connection| {
            let sql = "UPDATE outbox SET status = 'PENDING', published_at = NULL
                       WHERE status = 'PUBLISHED' AND processed_at IS NULL";
            connection.execute(sql, &[])
        })?;
        self.outbox.again(again);
        Ok(())
    }

    /// Deletes all data; the schema stays.
    pub(super) fn truncate(&self) -> Result<(), Problem> {
        self.pool.write(schema::truncate)?;
        self.outbox.reset();
        Ok(())
    }
}

fn load(
    connection: &mut Connection,
    aggregate: &Aggregate,
    id: &str,
) -> Result<Option<(Object, i64)>, Problem> {
    let key = [Parameter::Text(id), Parameter::Text(aggregate.kind)];
    if !aggregate.event_sourced {
        let rows =
            connection.query("SELECT state, version FROM aggregates WHERE id = $1 AND kind = $2", &key)?;
        let Some([state, version]) = first(rows) else { return Ok(None) };
        return Ok(Some((serde_json::from_str(&state.text())?, version.whole())));
    }
    let sql = "SELECT data, version FROM events WHERE aggregate_id = $1 AND kind = $2 ORDER BY version";
    let (mut state, mut version) = (Object::new(), 0);
    for row in connection.query(sql, &key)? {
        let Some([data, of]) = first(vec![row]) else { continue };
        serde_json::from_str::<Patch>(&data.text())?.apply(&mut state);
        version = of.whole();
    }
    Ok((version > 0).then_some((state, version)))
}

fn first<const COLUMNS: usize>(rows: Vec<Vec<Cell>>) -> Option<[Cell; COLUMNS]> {
    rows.into_iter().next()?.try_into().ok()
}

fn claim(
    connection: &mut Connection,
    aggregate: &Aggregate,
    field: &'static str,
    value: &str,
) -> Result<(), Refusal> {
    let sql = "INSERT INTO unique_values (field, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    if connection.execute(sql, &[Parameter::Text(field), Parameter::Text(value)])? == 1 {
        return Ok(());
    }
    let message = format!("{} with {field} '{value}' is already present.", aggregate.name);
    Err(Refusal::rule(field, message))
}

/// Writes one change and its event.
fn record(connection: &mut Connection, change: &Change<'_>, commit: &Commit<'_>) -> Result<(), Refusal> {
    let aggregate = change.aggregate;
    let (mut state, mut version) = (write_json(change.state), change.on_version + 1);
    if !write(connection, change, version, &state)? {
        let conflict = || Refusal::Conflict { kind: aggregate.name, id: change.id.to_owned() };
        if !(commit.ignore_versions && aggregate.event_sourced) {
            return Err(conflict());
        }
        // The defect that can be asked for: what was decided on an old state is appended to a newer one.
        let (mut newer, head) = load(connection, aggregate, change.id)?.ok_or_else(conflict)?;
        patch(change).apply(&mut newer);
        (state, version) = (write_json(&newer), head + 1);
        if !write(connection, change, version, &state)? {
            return Err(conflict());
        }
    }
    connection.execute(
        "INSERT INTO outbox (stream, type, aggregate_id, version, payload, priority, status, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'PENDING', $7)",
        &[
            Parameter::Text(aggregate.kind),
            Parameter::Text(change.event),
            Parameter::Text(change.id),
            Parameter::Whole(version),
            Parameter::Text(&state),
            Parameter::Whole(commit.priority),
            Parameter::Whole(clock::now_us()),
        ],
    )?;
    Ok(())
}

/// Writes an aggregate, or its event; false when there is this version of it already.
fn write(
    connection: &mut Connection,
    change: &Change<'_>,
    version: i64,
    state: &str,
) -> Result<bool, Problem> {
    let (id, kind) = (Parameter::Text(change.id), Parameter::Text(change.aggregate.kind));
    let (version, state) = (Parameter::Whole(version), Parameter::Text(state));
    let written = if change.aggregate.event_sourced {
        let data = write_json(&patch(change));
        connection.execute(
            "INSERT INTO events (aggregate_id, version, kind, type, data, created_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            &[
                id,
                version,
                kind,
                Parameter::Text(change.event),
                Parameter::Text(&data),
                Parameter::Whole(clock::now_us()),
            ],
        )?
    } else if change.on_version == 0 {
        let sql = "INSERT INTO aggregates (id, kind, version, state) VALUES ($1, $2, $3, $4)
                   ON CONFLICT DO NOTHING";
        connection.execute(sql, &[id, kind, version, state])?
    } else {
        let sql = "UPDATE aggregates SET version = $1, state = $2 WHERE id = $3 AND version = $4";
        connection.execute(sql, &[version, state, id, Parameter::Whole(change.on_version)])?
    };
    Ok(written == 1)
}

fn patch(change: &Change<'_>) -> Patch {
    Patch::between(change.before.unwrap_or(&Object::new()), change.state)
}

fn write_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("a JSON object can always be written")
}

impl OutboxRow {
    fn read(row: Vec<Cell>) -> Option<OutboxRow> {
        let [id, stream, event, aggregate_id, version, payload, priority]: [Cell; 7] = row.try_into().ok()?;
        Some(OutboxRow {
            id: id.whole(),
            aggregate: domain::aggregate(&stream.text())?,
            event: event.text(),
            aggregate_id: aggregate_id.text(),
            version: version.whole(),
            payload: payload.text(),
            priority: priority.whole(),
        })
    }
}
