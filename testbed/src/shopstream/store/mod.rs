//! The shop's database: aggregates and their outbox on one side, read models on the other.
//!
//! One connection writes, behind a mutex, so that a transaction never meets a locked database;
//! others read beside it (WAL). The mutex also puts publishing, projecting and resetting in an
//! order, which is what makes a reset safe while events are on their way.

mod outbox;
mod projection;
mod read;
mod schema;
mod session;

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError, atomic::Ordering::Relaxed},
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use self::outbox::OutboxCount;
pub(crate) use self::{
    outbox::{OutboxDepth, OutboxRow},
    read::{Filter, Page},
    session::{Change, Session},
};
use super::{
    domain,
    refusal::Refusal,
    streams::{Message, Streams},
};

/// The database, and counts of its outbox that need no query.
pub(crate) struct Store {
    path: PathBuf,
    writer: Mutex<Writer>,
    idle_readers: Mutex<Vec<Connection>>,
    outbox: Vec<OutboxCount>,
}

struct Writer {
    connection: Connection,
    /// Grows with every reset; an event of an older age is not projected any more.
    age: u64,
}

impl Store {
    /// Opens the database at `path`, creating it where there is none.
    ///
    /// Streams do not outlive the process, so events that no engine had handled when it ended
    /// are pending again.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Store> {
        let connection = Connection::open(path)?;
        schema::prepare(&connection)?;
        let outbox = domain::DOMAINS
            .into_iter()
            .map(|domain| OutboxCount::read(&connection, domain))
            .collect::<rusqlite::Result<_>>()?;
        Ok(Store {
            path: path.to_owned(),
            writer: Mutex::new(Writer { connection, age: 0 }),
            idle_readers: Mutex::default(),
            outbox,
        })
    }

    /// Does `work` in one transaction: all of it is kept, or nothing where it is refused.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&mut Session<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut writer = self.writer();
        let mut session = Session::new(begin(&mut writer.connection)?);
        let done = work(&mut session)?;
        // Subtle: still under the lock, so no row is published before it is counted.
        for domain in session.commit()? {
            self.count(domain).pending.fetch_add(1, Relaxed);
        }
        Ok(done)
    }

    /// Gives up to `most` pending rows of a context to `publish`, the oldest first, together
    /// with the age of the data.
    pub(crate) fn publish(
        &self,
        domain: &'static str,
        most: i64,
        mut publish: impl FnMut(OutboxRow, u64),
    ) -> rusqlite::Result<()> {
        let count = self.count(domain);
        if count.pending.load(Relaxed) == 0 {
            return Ok(());
        }
        let mut writer = self.writer();
        let age = writer.age;
        let transaction = begin(&mut writer.connection)?;
        let rows = outbox::pending_rows(&transaction, domain, most)?;
        outbox::mark_published(&transaction, &rows)?;
        transaction.commit()?;
        let moved = rows.len() as u64;
        count.pending.fetch_sub(moved, Relaxed);
        count.published.fetch_add(moved, Relaxed);
        for row in rows {
            publish(row, age);
        }
        Ok(())
    }

    /// Brings the read model of a message's aggregate up to the message's version.
    ///
    /// A read model that is newer already stays as it is: lanes may deliver out of order.
    pub(crate) fn project(&self, message: &Message) -> rusqlite::Result<()> {
        let mut writer = self.writer();
        if writer.age != message.age {
            return Ok(());
        }
        let transaction = begin(&mut writer.connection)?;
        projection::write(&transaction, message)?;
        transaction.commit()
    }

    /// Deletes all data and empties the streams; the schema stays.
    pub(crate) fn reset(&self, streams: &Streams) -> rusqlite::Result<()> {
        let mut writer = self.writer();
        schema::truncate(&mut writer.connection)?;
        writer.age += 1;
        // Subtle: all under the lock, so no event of the old age comes in between.
        streams.reset(writer.age);
        for count in &self.outbox {
            count.pending.store(0, Relaxed);
            count.published.store(0, Relaxed);
        }
        Ok(())
    }

    /// How much is in the outbox of every context.
    pub(crate) fn outbox_depths(&self) -> Vec<(&'static str, OutboxDepth)> {
        self.outbox.iter().map(|count| (count.domain, count.depth())).collect()
    }

    fn count(&self, domain: &'static str) -> &OutboxCount {
        let found = self.outbox.iter().find(|count| count.domain == domain);
        found.expect("every aggregate belongs to one of the contexts")
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        // A panic inside a transaction has rolled it back, so the connection is still good.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Refusal::Broken(error.to_string())
    }
}

fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

#[cfg(test)]
mod tests;
