//! Seals: what was written of runs and experiments can be told from what was changed afterwards.
//!
//! The writer of a run sums its rows up block by block as it writes them; the run's end adds what explains them and closes
//! the seal over all of it and over the seal of the run before. A seal can be made anew by whoever can write the store: it
//! proves something where it was also printed, signed or published. What has ended has a seal: nothing in a store that can
//! be written, neither an age nor a form, excuses that one is missing.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::checksum::{self as rows, Block, Part, Which};
use super::{Store, StoreError};
use crate::checksum::{self, Sum};
use crate::run::{Judged, RunId, Seal};

/// The form of seals that is written: which rows they cover, and how. It is part of every seal's sum.
pub(super) const FORM: i64 = 1;
/// Stands among a run's blocks once its writer has ended; its rows are the samples.
const WRITTEN: &str = "written";

/// A block as it was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SealedBlock {
    rows: u64,
    sha256: String,
}

/// Blocks by part and number.
type SealedBlocks = BTreeMap<(String, u64), SealedBlock>;

/// Keeps blocks of a run that is being written.
pub(super) fn keep(connection: &Connection, blocks: &[Block]) -> Result<(), StoreError> {
    let insert =
        "INSERT OR REPLACE INTO seal_block (run, part, number, rows, sha256) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut insert = connection.prepare_cached(insert)?;
    for block in blocks {
        let (number, count) = (block.first / rows::BLOCK, block.last - block.first + 1);
        insert.execute(params![
            block.run.0,
            block.part,
            super::sql_integer(number),
            super::sql_integer(count),
            block.sha256
        ])?;
    }
    Ok(())
}

/// Notes that a run's writer has ended: nothing is measured in it any more.
pub(super) fn note_written(connection: &Connection, run: RunId, samples: u64) -> Result<(), StoreError> {
    connection.execute(
        "INSERT OR REPLACE INTO seal_block (run, part, number, rows, sha256) VALUES (?1, ?2, 0, ?3, '')",
        params![run.0, WRITTEN, super::sql_integer(samples)],
    )?;
    Ok(())
}

/// Seals a run that has ended, if its writer has; within the transaction that ends it.
pub(super) fn close(connection: &Connection, run: RunId) -> Result<(), StoreError> {
    if !is_written(connection, run)? {
        return Ok(());
    }
    sum_up(connection, run, |part| !rows::is_summed_up_by_writer(part))?;
    chain(connection, run)
}

/// Seals a run as it stands.
pub(super) fn anew(connection: &Connection, run: RunId) -> Result<(), StoreError> {
    sum_up(connection, run, |_| true)?;
    chain(connection, run)
}

/// Keeps the blocks of some parts of a run as they stand.
fn sum_up(connection: &Connection, run: RunId, is_meant: impl Fn(&Part) -> bool) -> Result<(), StoreError> {
    for which in [Which::Measured, Which::Words, Which::Facts] {
        keep(connection, &rows::some_summed_up(connection, run, which, &is_meant)?)?;
    }
    Ok(())
}

/// Closes the seal over a run's blocks, and over the seal of the run before.
fn chain(connection: &Connection, run: RunId) -> Result<(), StoreError> {
    let blocks = sealed_blocks(connection, run)?;
    let last = "SELECT number, sha256 FROM seal ORDER BY number DESC LIMIT 1";
    let last = connection.query_row(last, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)));
    let (number, previous) = last.optional()?.unwrap_or_default();
    let (facts, measured) = (digest(&blocks, true), digest(&blocks, false));
    connection.execute(
        "INSERT INTO seal (number, run, form, facts, measured, previous, sha256) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![number + 1, run.0, FORM, facts, measured, previous, sum(run, &facts, &measured, &previous)],
    )?;
    Ok(())
}

fn is_written(connection: &Connection, run: RunId) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM seal_block WHERE run = ?1 AND part = ?2";
    Ok(connection.query_row(sql, params![run.0, WRITTEN], |row| row.get::<_, i64>(0))? > 0)
}

fn sealed_blocks(connection: &Connection, run: RunId) -> Result<SealedBlocks, StoreError> {
    let sql = "SELECT part, number, rows, sha256 FROM seal_block WHERE run = ?1 AND part <> ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let blocks = statement.query_map(params![run.0, WRITTEN], |row| {
        let (number, rows): (i64, i64) = (row.get(1)?, row.get(2)?);
        let block = SealedBlock { rows: rows.unsigned_abs(), sha256: row.get(3)? };
        Ok(((row.get(0)?, number.unsigned_abs()), block))
    })?;
    Ok(blocks.collect::<Result<_, _>>()?)
}

fn is_fact(part: &str) -> bool {
    rows::FACTS.iter().any(|fact| fact.name == part)
}

/// The checksum of the blocks of facts, or of all others.
fn digest(blocks: &SealedBlocks, of_facts: bool) -> String {
    let mut sum = Sum::default();
    for ((part, number), SealedBlock { rows, sha256 }) in blocks {
        if is_fact(part) == of_facts {
            sum.add(format!("{part} {number} {rows} {sha256}\n"));
        }
    }
    sum.take()
}

fn sum(run: RunId, facts: &str, measured: &str, previous: &str) -> String {
    checksum::sha256(format!(
        "loadproof seal {FORM}\nrun {run}\nfacts {facts}\nmeasured {measured}\nprevious {previous}\n"
    ))
}

impl Store {
    /// Whether everything that is stored of a run is what was written. `is_whole`: whether the store should have what was
    /// measured in it; a bundle has only the facts of evidence that was passed over.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn seal(&self, run: RunId, is_whole: bool) -> Result<Seal, StoreError> {
        self.seal_over(run, is_whole, None)
    }

    /// The checksum of everything that was measured in a run (SHA-256, in hex, over those of its [`Block`]s), and its seal:
    /// what was measured is read once for both.
    ///
    /// # Errors
    /// If the samples were pruned, or the store cannot be read.
    pub fn checksum_and_seal(&self, run: RunId) -> Result<(String, Seal), StoreError> {
        let blocks = self.blocks(run)?;
        let seal = self.seal_over(run, true, Some(&blocks))?;
        Ok((checksum::sha256(blocks.into_iter().map(|block| block.sha256).collect::<String>()), seal))
    }

    /// The same as [`Store::seal`]. `measured_now`: what was measured in a run that has its samples, where that is summed up
    /// already.
    fn seal_over(
        &self,
        run: RunId,
        is_whole: bool,
        measured_now: Option<&[Block]>,
    ) -> Result<Seal, StoreError> {
        let found = self.connection.query_row(
            "SELECT form, facts, measured, previous, sha256 FROM seal WHERE run = ?1",
            [run.0],
            |row| {
                let form: i64 = row.get(0)?;
                Ok((form, [row.get::<_, String>(1)?, row.get(2)?, row.get(3)?, row.get(4)?]))
            },
        );
        let Some((form, [facts, measured, previous, sha256])) = found.optional()? else {
            return self.without_seal(run);
        };
        if form != FORM {
            return Ok(Seal::of_form(&format!("run {run}"), form));
        }
        let sealed = sealed_blocks(&self.connection, run)?;
        let is_pruned = is_whole && self.pruned(run)?.is_some();
        let mut changed = if is_pruned { self.changed_since_pruning(run)? } else { Vec::new() };
        let which: &[Which] =
            if is_whole { &[Which::Measured, Which::Words, Which::Facts] } else { &[Which::Facts] };
        for which in which {
            let is_meant = |part: &Part| !is_pruned || !rows::rests_on_samples(part);
            let found = match measured_now {
                Some(blocks) if *which == Which::Measured => Cow::Borrowed(blocks),
                _ => Cow::Owned(rows::some_summed_up(&self.connection, run, *which, is_meant)?),
            };
            changed.extend(differences(*which, run, is_meant, &sealed, &found));
        }
        let fits = digest(&sealed, true) == facts
            && (!is_whole || digest(&sealed, false) == measured)
            && sum(run, &facts, &measured, &previous) == sha256;
        if changed.is_empty() && !fits {
            changed.push(format!("the seal of run {run} itself"));
        }
        Ok(match changed.is_empty() {
            true if is_pruned => Seal::Pruned,
            true => Seal::Whole { sha256 },
            false => Seal::Broken { changed },
        })
    }

    /// What is to be said of a run without a seal.
    fn without_seal(&self, run: RunId) -> Result<Seal, StoreError> {
        let state: Option<String> = self
            .connection
            .query_row("SELECT state FROM run WHERE id = ?1", [run.0], |row| row.get(0))
            .optional()?;
        let state = state.unwrap_or_default();
        let has_ended = state == "done" || state != "running" && is_written(&self.connection, run)?;
        // A run that was killed between its last sample and its end has none.
        let is_excused = !has_ended || state == "crashed";
        Ok(if is_excused { Seal::None } else { Seal::gone(&format!("run {run}")) })
    }

    /// Whether this store says that it holds some runs of another one, as that of a bundle does.
    pub(super) fn is_part(&self) -> Result<bool, StoreError> {
        let sql = "SELECT coalesce(max(is_part), 0) FROM seal_start";
        Ok(self.connection.query_row(sql, [], |row| row.get(0))?)
    }

    /// The seal that was written of a run or an experiment, without a look at what it is of.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn written_seal(&self, of: Judged) -> Result<Option<String>, StoreError> {
        let (sql, id) = match of {
            Judged::Run(run) => ("SELECT sha256 FROM seal WHERE run = ?1", run.0),
            Judged::Experiment(id) => ("SELECT sha256 FROM experiment_seal WHERE experiment = ?1", id.0),
        };
        Ok(self.connection.query_row(sql, [id], |row| row.get(0)).optional()?)
    }

    /// Where runs that were sealed in this store are gone: between which others. Those after the last are not missed. The
    /// store of a bundle, which holds some runs of another one, has such gaps.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn gaps(&self) -> Result<Vec<String>, StoreError> {
        let mut statement =
            self.connection.prepare("SELECT number, run, previous, sha256 FROM seal ORDER BY number")?;
        let mut seals = statement.query([])?;
        let (mut before, mut gaps) = ((0_i64, RunId(0), String::new()), Vec::new());
        while let Some(row) = seals.next()? {
            let (number, run) = (row.get::<_, i64>(0)?, RunId(row.get(1)?));
            let since = if before.0 == 0 {
                "before".to_owned()
            } else {
                format!("after run {} and before", before.1)
            };
            match number - before.0 - 1 {
                0 if row.get::<_, String>(2)? == before.2 => {}
                0 => gaps.push(format!("run {run} was sealed after another run than the one before it")),
                1 => gaps.push(format!("a run that was sealed {since} run {run} is gone")),
                missing => gaps.push(format!("{missing} runs that were sealed {since} run {run} are gone")),
            }
            before = (number, run, row.get(3)?);
        }
        Ok(gaps)
    }
}

/// What is not as it was sealed, in words.
fn differences(
    which: Which,
    run: RunId,
    is_meant: impl Fn(&Part) -> bool,
    sealed: &SealedBlocks,
    found: &[Block],
) -> Vec<String> {
    let mut differences = Vec::new();
    for part in which.parts().iter().filter(|part| is_meant(part)) {
        let of_part = found.iter().filter(|block| block.part == part.name);
        let mut now: BTreeMap<u64, &Block> =
            of_part.map(|block| (block.first / rows::BLOCK, block)).collect();
        let before = sealed.range((part.name.to_owned(), 0)..=(part.name.to_owned(), u64::MAX));
        let mut changed = Vec::new();
        for ((_, number), block) in before {
            let first = number * rows::BLOCK;
            let last = first + block.rows - block.rows.min(1);
            match now.remove(number) {
                Some(now) if now.sha256 == block.sha256 => {}
                Some(_) => changed.push(format!("{} {run}:{first} to {run}:{last}", part.name)),
                None => changed.push(format!("{} {run}:{first} to {run}:{last} (gone)", part.name)),
            }
        }
        changed.extend(now.values().map(|block| format!("{block} (added)")));
        if which == Which::Measured {
            differences.append(&mut changed);
        } else if !changed.is_empty() {
            differences.push(format!("{} of run {run}", part.name));
        }
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::ExperimentId;
    use crate::run::{RunEnd, RunStart, RunState, Source};
    use crate::sample::tests::PLAIN;
    use crate::sample::{Batch, EndpointId, Key, Kind, Outcome, ReasonId, Sample, Subject};
    use crate::store::{Ending, NewExperiment, RunWords, RunWriter};

    const SAMPLES: u32 = 600;

    struct Sealed {
        _folder: tempfile::TempDir,
        store: Store,
    }

    impl Sealed {
        /// A store with two runs of an experiment.
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let mut store = Store::open(&folder.path().join("store.db")).unwrap();
            let experiment = store.begin_experiment(&NewExperiment::default()).unwrap();
            for _ in 0..2 {
                run(&mut store, experiment);
            }
            store.end_experiment(experiment, Some(Ending::Rounds)).unwrap();
            Self { _folder: folder, store }
        }

        fn change(&self, sql: &str) {
            if sql.contains(" sample ") {
                crate::store::change_samples(&self.store.connection, sql);
            } else {
                self.store.connection.execute_batch(sql).unwrap();
            }
        }

        /// What is said of the first run.
        fn breach(&self) -> String {
            self.store.seal(RunId(1), true).unwrap().breach().unwrap_or_default()
        }
    }

    fn run(store: &mut Store, experiment: ExperimentId) {
        let start = RunStart {
            experiment: Some(experiment),
            environment: [("kernel".to_owned(), "6.1".to_owned())].into(),
            ..RunStart::default()
        };
        let source = Source { path: "shop.toml".to_owned(), text: "name = \"shop\"".to_owned() };
        let run = store.begin_run(&start, &[source]).unwrap();
        let subject = |endpoint: &str| Subject {
            kind: Kind::Request,
            traffic_class: String::new(),
            endpoint: endpoint.to_owned(),
        };
        let endpoints = [subject("GET /a"), subject("GET /never"), subject("GET /b")];
        let words = RunWords { endpoints: &endpoints, user_classes: vec!["User"], ..RunWords::default() };
        let writer = RunWriter::start(store.path(), run, &words, Box::new(|_| {})).unwrap();
        let sample = |n: u32| Sample {
            endpoint: EndpointId(if n.is_multiple_of(2) { 0 } else { 2 }),
            journey: n,
            outcome: if n == 7 { Outcome::Failed } else { Outcome::Ok },
            reason: if n == 7 { ReasonId(1) } else { ReasonId::default() },
            intended_us: n.into(),
            sent_us: n.into(),
            first_byte_us: n.into(),
            done_us: (n + 10).into(),
            key: if n == 8 { Key::from_code(5) } else { Key::NONE },
            bytes_in: 1,
            bytes_out: 1,
            ..PLAIN
        };
        let batch = Batch {
            worker: 0,
            samples: (0..SAMPLES).map(sample).collect(),
            new_reasons: vec!["status 500".to_owned()],
            exchanges: Vec::new(),
            soft_checks: Vec::new(),
        };
        writer.sink()(batch);
        writer.finish().unwrap();
        store.end_run(run, &RunEnd { state: RunState::Done, ..RunEnd::default() }).unwrap();
    }

    #[test]
    fn what_was_written_fits_its_seal_and_any_change_is_named() {
        let whole = Sealed::new();
        assert!(whole.store.seal(RunId(1), true).unwrap().sha256().is_some());
        assert!(whole.store.experiment_seal(ExperimentId(1)).unwrap().sha256().is_some());
        for (sql, named) in [
            ("UPDATE sample SET done_us = done_us - 1 WHERE id = (1 << 32) + 300", "sample 1:256 to 1:511"),
            (
                "DELETE FROM sample WHERE id >= (1 << 32) + 512 AND id < 2 << 32",
                "sample 1:512 to 1:599 (gone)",
            ),
            ("UPDATE sample_block SET samples = 257 WHERE id = (1 << 32) + 256", "sample 1:256 to 1:511"),
            ("UPDATE sample_block SET service_us_least = 1 WHERE id = 1 << 32", "sample 1:0 to 1:255"),
            ("DELETE FROM sample_block WHERE id = (1 << 32) + 256", "sample 1:256 to 1:511 (gone)"),
            ("UPDATE sample SET id = id + 1 WHERE id = (1 << 32) + 599", "sample 1:512 to 1:599"),
            ("UPDATE endpoint SET name = 'GET /c' WHERE name = 'GET /b'", "endpoints of run 1"),
            ("UPDATE reason SET text = 'status 200'", "reasons of run 1"),
            ("UPDATE user_class SET name = 'Other'", "user classes of run 1"),
            ("UPDATE environment SET value = '6.2'", "environment of run 1"),
            ("UPDATE run SET claims = '[ ]'", "facts of run 1"),
            ("UPDATE source SET text = ''", "scenario files of run 1"),
            ("UPDATE seal_block SET sha256 = '' WHERE part = 'facts'", "facts of run 1"),
            ("UPDATE seal SET previous = 'x' WHERE run = 1", "the seal of run 1 itself"),
            ("DELETE FROM seal WHERE run = 1", "the seal of run 1 is gone"),
            ("UPDATE seal SET form = 99", "the seal of run 1 has the form 99"),
            ("UPDATE seal SET form = 2", "the seal of run 1 has the form 2"),
            ("UPDATE seal SET form = 0", "the seal of run 1 has the form 0"),
            ("UPDATE seal SET form = -1", "the seal of run 1 has the form -1"),
            (
                "UPDATE seal_start SET is_part = 1; DELETE FROM seal; DELETE FROM seal_block",
                "the seal of run 1 is gone",
            ),
            ("DELETE FROM seal_block WHERE run = 1", "sample 1:0 to 1:255 (added)"),
            ("INSERT INTO reading VALUES (1 << 32, 1, 0, 0.5)", "reading 1:0 to 1:0 (added)"),
        ] {
            let changed = Sealed::new();
            changed.change(sql);
            assert!(changed.breach().contains(named), "{sql}: {}", changed.breach());
        }
    }

    #[test]
    fn what_changes_of_a_run_by_itself_breaks_no_seal() {
        let sealed = Sealed::new();
        sealed.change("UPDATE run SET heartbeat_unix_us = 0, process = 9");
        sealed.change(
            "INSERT INTO endpoint (kind, traffic_class, name) VALUES ('request', '', 'of another run')",
        );
        assert_eq!(sealed.breach(), "");
    }

    #[test]
    fn looks_are_part_of_an_experiment_and_mend_no_broken_seal() {
        let sealed = Sealed::new();
        let look = |rounds| crate::store::LookRow { rounds, alpha: 0.01, occasion: "planned".to_owned() };
        let seal = || sealed.store.experiment_seal(ExperimentId(1)).unwrap();
        let before = seal();
        sealed.store.add_look(ExperimentId(1), 0, &look(5)).unwrap();
        assert!(seal().sha256().is_some() && seal() != before);
        sealed.change("UPDATE look SET alpha = 0.05");
        assert!(seal().breach().is_some());
        sealed.store.add_look(ExperimentId(1), 1, &look(10)).unwrap();
        assert!(seal().breach().is_some());
    }

    #[test]
    fn a_run_that_is_gone_leaves_a_gap() {
        let sealed = Sealed::new();
        assert_eq!(sealed.store.gaps().unwrap(), Vec::<String>::new());
        sealed.change(
            "PRAGMA foreign_keys = OFF; DELETE FROM seal WHERE run = 1; DELETE FROM run WHERE id = 1",
        );
        assert_eq!(sealed.store.gaps().unwrap(), ["a run that was sealed before run 2 is gone"]);
        assert!(sealed.store.experiment_seal(ExperimentId(1)).unwrap().breach().is_some());
    }

    #[test]
    fn seals_go_with_the_runs_into_a_store_of_their_own() {
        let sealed = Sealed::new();
        let path = sealed.store.path().with_file_name("part.db");
        sealed.store.extract(&path, &[RunId(2)], &[RunId(1)]).unwrap();
        let part = Store::open(&path).unwrap();
        assert!(part.seal(RunId(2), true).unwrap().sha256().is_some());
        assert!(part.seal(RunId(1), false).unwrap().sha256().is_some());
        assert!(part.seal(RunId(1), true).unwrap().breach().is_some());
        assert!(part.experiment_seal(ExperimentId(1)).unwrap().sha256().is_some());
        assert_eq!(part.check(true).unwrap().problems, Vec::<String>::new());
        assert!(!part.check(false).unwrap().problems.is_empty());
    }
}
