//! Agents of runs: written when a run starts, with each of their batches, and when the run ends; read again.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Store, StoreError, sql_integer};
use crate::run::{AgentFacts, AgentState, Delivered, RunId};

/// The agents of a run that begins.
#[derive(Clone, Copy, Debug)]
pub struct NewAgents<'a> {
    /// What the agents know the run by.
    pub token: &'a str,
    /// The agents, in the order of their numbers.
    pub agents: &'a [AgentFacts],
}

/// Writes the agents of a run down. `words`: what the numbers in their batches mean.
pub(super) fn begin(
    connection: &Connection,
    run: RunId,
    new: NewAgents<'_>,
    words: &str,
) -> Result<(), StoreError> {
    connection.execute(
        "INSERT INTO agent_run (run, token, words) VALUES (?1, ?2, ?3)",
        params![run.0, new.token, words],
    )?;
    for agent in new.agents {
        connection.execute(
            "INSERT INTO agent (run, number, name, machine, processor, kernel, cores, first_worker, workers, offset_us, \
             offset_error_us, drift_us, state, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            params![
                run.0,
                agent.number,
                agent.name,
                agent.machine,
                agent.processor,
                agent.kernel,
                agent.cores,
                agent.first_worker,
                agent.workers,
                agent.offset_us,
                agent.offset_error_us,
                agent.drift_us,
                agent.state.word(),
                agent.note,
            ],
        )?;
    }
    Ok(())
}

/// Notes that a batch is in the store, within the transaction that puts it there. False if it was already, or is not the
/// next one of its agent: then it must not be put there.
pub(super) fn is_next(
    connection: &Connection,
    run: RunId,
    delivered: &Delivered,
) -> Result<bool, StoreError> {
    let changed = connection
        .prepare_cached(
            "UPDATE agent SET batches = batches + 1, samples = samples + ?4 WHERE run = ?1 AND number = ?2 AND batches = ?3",
        )?
        .execute(params![
            run.0,
            delivered.agent,
            sql_integer(delivered.number),
            sql_integer(delivered.batch.samples.len() as u64)
        ])?;
    Ok(changed > 0)
}

/// Writes down what became of agents.
pub(super) fn end(connection: &Connection, run: RunId, agents: &[AgentFacts]) -> Result<(), StoreError> {
    for agent in agents {
        connection.execute(
            "UPDATE agent SET state = ?3, note = ?4, drift_us = ?5, taken = ?6 WHERE run = ?1 AND number = ?2",
            params![
                run.0,
                agent.number,
                agent.state.word(),
                agent.note,
                agent.drift_us,
                agent.taken.map(sql_integer)
            ],
        )?;
    }
    Ok(())
}

/// The agents of a run, in the order of their numbers.
pub(super) fn of(connection: &Connection, run: RunId) -> Result<Vec<AgentFacts>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT * FROM agent WHERE run = ?1 ORDER BY number")?;
    let agents = statement.query_map([run.0], |row| {
        let state: String = row.get("state")?;
        let (batches, samples): (i64, i64) = (row.get("batches")?, row.get("samples")?);
        Ok(AgentFacts {
            number: row.get("number")?,
            name: row.get("name")?,
            machine: row.get("machine")?,
            processor: row.get("processor")?,
            kernel: row.get("kernel")?,
            cores: row.get("cores")?,
            first_worker: row.get("first_worker")?,
            workers: row.get("workers")?,
            offset_us: row.get("offset_us")?,
            offset_error_us: row.get("offset_error_us")?,
            drift_us: row.get("drift_us")?,
            batches: batches.unsigned_abs(),
            samples: samples.unsigned_abs(),
            taken: row.get::<_, Option<i64>>("taken")?.map(i64::unsigned_abs),
            state: AgentState::ALL
                .into_iter()
                .find(|known| known.word() == state)
                .unwrap_or(AgentState::Lost),
            note: row.get("note")?,
        })
    })?;
    Ok(agents.collect::<Result<_, _>>()?)
}

/// What the numbers in the batches of a run's agents mean.
pub(super) fn words(connection: &Connection, run: RunId) -> Result<Option<String>, StoreError> {
    let sql = "SELECT words FROM agent_run WHERE run = ?1";
    Ok(connection.query_row(sql, [run.0], |row| row.get(0)).optional()?)
}

impl Store {
    /// How many batches of each agent of a run have been committed, in the order of their numbers.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn agent_batches(&self, run: RunId) -> Result<Vec<u64>, StoreError> {
        let sql = "SELECT batches FROM agent WHERE run = ?1 ORDER BY number";
        let mut statement = self.connection.prepare_cached(sql)?;
        let batches = statement.query_map([run.0], |row| row.get::<_, i64>(0).map(i64::unsigned_abs))?;
        Ok(batches.collect::<Result<_, _>>()?)
    }

    /// What the agents of a run know it by; none if it was made without agents.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn agent_token(&self, run: RunId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT token FROM agent_run WHERE run = ?1";
        Ok(self.connection.query_row(sql, [run.0], |row| row.get(0)).optional()?)
    }

    /// Writes down what became of the agents of a run that ended without a word, once what they held has been stored, and
    /// seals it as it stands.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn end_collected(&mut self, run: RunId, agents: &[AgentFacts]) -> Result<(), StoreError> {
        let transaction =
            self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        end(&transaction, run, agents)?;
        transaction.execute(
            "UPDATE run SET end_note = 'its process ended without a word; what its agents held was collected afterwards' \
             WHERE id = ?1 AND end_note = ''",
            [run.0],
        )?;
        super::seal::anew(&transaction, run)?;
        transaction.commit()?;
        Ok(())
    }

    /// Brings everything that was committed to the disk: a commit by itself survives the end of the process, and may not
    /// survive a power failure.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn reach_disk(&self) -> Result<(), StoreError> {
        self.connection.query_row("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(()))?;
        Ok(())
    }
}
