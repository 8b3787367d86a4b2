//! The shop's databases, one per context: aggregates and their outbox on one side, read models
//! on the other.
//!
//! A command reads, decides and writes without holding anything in between; what it writes is
//! kept only if nobody has written meanwhile. That is what makes races real.

mod context;
mod outbox;
mod place;
mod pool;
mod read;
mod schema;

use std::{
    path::Path,
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

pub(crate) use self::{
    context::{Change, Commit, Context},
    outbox::OutboxDepth,
    read::{Filter, Page},
};
use self::{outbox::OutboxCount, place::Place, pool::Pool};
use super::{domain, refusal::Refusal};
use crate::neighbour::Problem;

/// The databases of all contexts.
pub(crate) struct Store {
    contexts: Vec<Context>,
    /// Grows with every reset. Whoever writes holds it for reading, a reset for writing, so that
    /// no event of an older age comes into a newer one.
    age: RwLock<u64>,
}

impl Store {
    /// Opens a SQLite database per context in a folder.
    pub(crate) fn in_folder(folder: &Path) -> Result<Store, Problem> {
        Store::open(|domain| Place::in_folder(folder, domain))
    }

    /// Opens a database per context on a PostgreSQL server.
    pub(crate) fn on_server(url: &str) -> Result<Store, Problem> {
        Store::open(|domain| Place::on_server(url, domain))
    }

    fn open(place: impl Fn(&'static str) -> Result<Place, Problem>) -> Result<Store, Problem> {
        let context = |domain| {
            let pool = Pool::new(place(domain)?);
            let outbox = OutboxCount::read(&pool)?;
            Ok::<_, Problem>(Context { domain, pool, outbox })
        };
        let contexts = domain::DOMAINS.into_iter().map(context).collect::<Result<_, _>>()?;
        Ok(Store { contexts, age: RwLock::new(0) })
    }

    /// Follows up on an earlier process: on streams that have kept its messages, of this age, or
    /// on new ones, to which its unhandled events have to be published again.
    pub(crate) fn follow_up(&mut self, kept_age: Option<u64>) -> Result<(), Problem> {
        match kept_age {
            Some(age) => {
                self.age = RwLock::new(age);
                Ok(())
            }
            None => self.contexts.iter().try_for_each(Context::publish_again),
        }
    }

    /// The context of this name.
    pub(crate) fn context(&self, domain: &str) -> &Context {
        let found = self.contexts.iter().find(|context| context.domain == domain);
        found.expect("every aggregate belongs to one of the contexts")
    }

    /// The age of the data, which stays what it is while the answer is held.
    pub(crate) fn age(&self) -> RwLockReadGuard<'_, u64> {
        self.age.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deletes all data, and lets `others` follow with the new age before anybody goes on.
    pub(crate) fn reset(&self, others: impl FnOnce(u64) -> Result<(), Problem>) -> Result<(), Problem> {
        let mut age = self.age.write().unwrap_or_else(PoisonError::into_inner);
        self.contexts.iter().try_for_each(Context::truncate)?;
        *age += 1;
        others(*age)
    }

    /// How much is in the outbox of every context.
    pub(crate) fn outbox_depths(&self) -> Vec<(&'static str, OutboxDepth)> {
        self.contexts.iter().map(|context| (context.domain, context.outbox.depth())).collect()
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Refusal::Broken(problem.to_string())
    }
}

#[cfg(test)]
mod tests;
