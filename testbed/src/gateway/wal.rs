//! The write-ahead log: a file of JSON lines that is only appended to.

use std::{
    fs::File,
    io::{BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::event::Event;
use crate::{clock, neighbour::Problem};

pub(super) struct Wal {
    file: PathBuf,
    end: Mutex<File>,
    /// Bytes that are in the file.
    length: AtomicU64,
}

impl Wal {
    pub(super) fn open(file: &Path) -> Result<Wal, Problem> {
        let end = File::options().create(true).append(true).open(file)?;
        let length = end.metadata()?.len();
        Ok(Wal { file: file.to_owned(), end: Mutex::new(end), length: AtomicU64::new(length) })
    }

    /// Appends an event, whose time it sets.
    pub(super) fn append(&self, event: &mut Event) -> Result<(), Problem> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        // Within the lock: times in the log ascend.
        event.wal_timestamp = clock::now_us();
        let line = serde_json::to_string(event)? + "\n";
        end.write_all(line.as_bytes())?;
        self.length.fetch_add(line.len() as u64, Relaxed);
        Ok(())
    }

    /// Up to `most` events from a position on, and the position after them.
    pub(super) fn read(&self, position: u64, most: usize) -> Result<(Vec<Event>, u64), Problem> {
        if position >= self.length() {
            return Ok((Vec::new(), position));
        }
        let mut file = File::open(&self.file)?;
        file.seek(SeekFrom::Start(position))?;
        let mut lines = BufReader::new(file);
        let (mut events, mut at) = (Vec::new(), position);
        while events.len() < most {
            let mut line = String::new();
            lines.read_line(&mut line)?;
            // A line that is just being written comes whole the next time.
            if !line.ends_with('\n') {
                break;
            }
            at += line.len() as u64;
            events.push(serde_json::from_str(&line)?);
        }
        Ok((events, at))
    }

    pub(super) fn length(&self) -> u64 {
        self.length.load(Relaxed)
    }

    /// Empties it.
    pub(super) fn clear(&self) -> Result<(), Problem> {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        end.set_len(0)?;
        self.length.store(0, Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_in_order_from_a_position_on() {
        let folder = tempfile::tempdir().unwrap();
        let wal = Wal::open(&folder.path().join("memory.wal")).unwrap();
        let event = |n: u64| Event {
            id: n.to_string(),
            session_id: "s".to_owned(),
            tenant: None,
            persona_id: None,
            message: "line\nbreak".to_owned(),
            wal_timestamp: 0,
        };
        for n in 0..3 {
            wal.append(&mut event(n)).unwrap();
        }
        let ids = |events: Vec<Event>| events.into_iter().map(|event| event.id).collect::<Vec<_>>();
        let (first, position) = wal.read(0, 2).unwrap();
        assert_eq!(ids(first), ["0", "1"]);
        let (second, end) = wal.read(position, 2).unwrap();
        assert_eq!((ids(second), end), (vec!["2".to_owned()], wal.length()));
        assert!(wal.read(end, 2).unwrap().0.is_empty());
        wal.clear().unwrap();
        assert!(wal.read(0, 2).unwrap().0.is_empty());
    }
}
