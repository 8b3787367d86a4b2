//! The spool: a file in which an agent keeps every batch of a run until the coordinator has sealed the run.
//!
//! Whatever lies between agent and coordinator may lose what it has acknowledged. So no acknowledgement but the
//! coordinator's own lets go of a batch, and that comes when its SQLite store has it.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::frame::{self, HEAD};

/// Bytes of the longest first line of a spool.
const LONGEST_HEADER: usize = 64 << 10;
/// Most frames of a spool: at 1024 samples each, more than a run may have.
const MOST_FRAMES: usize = 1 << 26;

/// What a spool is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    /// What the run is known by.
    pub(super) token: String,
    /// The agent's number in it.
    pub(super) agent: u16,
}

/// How an agent's part in a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Finished {
    /// Samples that it took.
    pub(super) taken: u64,
    /// Batches that they are in.
    pub(super) batches: u64,
    /// Why it ended before its share of the load was made, if it did.
    pub(super) cut_short: Option<String>,
}

/// Appends the batches of a run to its spool.
pub(super) struct Spool {
    file: File,
    end: u64,
    kept: Arc<Kept>,
}

/// The batches of a spool, for delivering them.
pub(super) struct Kept {
    header: Header,
    path: PathBuf,
    file: File,
    /// Where each frame begins, and its length.
    places: Mutex<Vec<(u64, u32)>>,
    /// How many frames there are.
    count: watch::Sender<u64>,
}

impl Spool {
    /// Makes a new one in a folder.
    pub(super) fn create(folder: &Path, header: Header) -> std::io::Result<Self> {
        let path = folder.join(format!("{}-{}.spool", header.token, header.agent));
        let mut file = OpenOptions::new().create_new(true).read(true).append(true).open(&path)?;
        let mut line = serde_json::to_string(&header)?;
        line.push('\n');
        file.write_all(line.as_bytes())?;
        let end = line.len() as u64;
        let kept = Kept::new(header, path, file.try_clone()?, Vec::new());
        Ok(Self { file, end, kept: Arc::new(kept) })
    }

    /// What it holds.
    pub(super) fn kept(&self) -> Arc<Kept> {
        Arc::clone(&self.kept)
    }

    /// The number of the next frame.
    pub(super) fn next(&self) -> u64 {
        self.kept.count()
    }

    /// Appends a frame.
    pub(super) fn append(&mut self, frame: &[u8]) -> std::io::Result<()> {
        self.file.write_all(frame)?;
        self.kept.add(self.end, u32::try_from(frame.len()).unwrap_or(u32::MAX));
        self.end += frame.len() as u64;
        Ok(())
    }
}

impl Kept {
    fn new(header: Header, path: PathBuf, file: File, places: Vec<(u64, u32)>) -> Self {
        let count = watch::Sender::new(places.len() as u64);
        Self { header, path, file, places: Mutex::new(places), count }
    }

    /// Opens the spool that an earlier process has left. What it was writing as it ended is cut off.
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut reader = BufReader::new(file.try_clone()?);
        let header = header(&mut reader)?;
        let mut at = header.1;
        let (mut places, mut bytes) = (Vec::new(), Vec::new());
        while places.len() < MOST_FRAMES {
            let mut head = [0; HEAD];
            if reader.read_exact(&mut head).is_err() {
                break;
            }
            let Ok(length) = frame::length(&head) else { break };
            bytes.clear();
            bytes.extend_from_slice(&head);
            bytes.resize(length, 0);
            if reader.read_exact(&mut bytes[HEAD..]).is_err() {
                break;
            }
            match frame::decode(&bytes) {
                Ok(frame) if frame.number == places.len() as u64 => {}
                _ => break,
            }
            places.push((at, u32::try_from(length).unwrap_or(u32::MAX)));
            at += length as u64;
        }
        file.set_len(at)?;
        Ok(Self::new(header.0, path.to_owned(), file, places))
    }

    /// What it is of.
    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    /// How many frames there are.
    pub(super) fn count(&self) -> u64 {
        *self.count.borrow()
    }

    /// Tells when there are more.
    pub(super) fn counted(&self) -> watch::Receiver<u64> {
        self.count.subscribe()
    }

    /// A frame by its number; none if there is none yet.
    pub(super) fn frame(&self, number: u64) -> std::io::Result<Option<Vec<u8>>> {
        let place = {
            let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            usize::try_from(number).ok().and_then(|number| places.get(number).copied())
        };
        let Some((at, length)) = place else { return Ok(None) };
        let mut bytes = vec![0; length as usize];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(Some(bytes))
    }

    /// How the run ended for it: as it was written down, or, if the process ended before that, by what it holds.
    pub(super) fn finished(&self) -> std::io::Result<Finished> {
        let mut text = String::new();
        if let Ok(file) = File::open(self.end_path()) {
            file.take(LONGEST_HEADER as u64).read_to_string(&mut text)?;
        }
        if let Ok(finished) = serde_json::from_str::<Finished>(&text)
            && finished.batches == self.count()
        {
            return Ok(finished);
        }
        let mut taken = 0;
        for number in 0..self.count() {
            let frame = self.frame(number)?.unwrap_or_default();
            taken += frame::decode(&frame).map_or(0, |frame| frame.batch.samples.len() as u64);
        }
        let cut_short = Some("its process ended during the load".to_owned());
        Ok(Finished { taken, batches: self.count(), cut_short })
    }

    /// Writes down how the run ended for it.
    pub(super) fn finish(&self, finished: &Finished) -> std::io::Result<()> {
        std::fs::write(self.end_path(), serde_json::to_vec(finished)?)
    }

    /// Removes it: the coordinator has everything, and has sealed it.
    pub(super) fn remove(&self) -> std::io::Result<()> {
        let _ = std::fs::remove_file(self.end_path());
        std::fs::remove_file(&self.path)
    }

    fn add(&self, at: u64, length: u32) {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).push((at, length));
        self.count.send_modify(|count| *count += 1);
    }

    fn end_path(&self) -> PathBuf {
        self.path.with_extension("end")
    }
}

/// The first line of a spool, and its length.
fn header(reader: &mut impl Read) -> std::io::Result<(Header, u64)> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while byte != *b"\n" {
        if line.len() > LONGEST_HEADER {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        reader.read_exact(&mut byte)?;
        line.extend(byte);
    }
    Ok((serde_json::from_slice(&line)?, line.len() as u64))
}

/// The spools that earlier processes have left in a folder; those that cannot be read are named.
pub(super) fn left_in(folder: &Path) -> std::io::Result<(Vec<Kept>, Vec<String>)> {
    let (mut found, mut damaged) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "spool") {
            match Kept::open(&path) {
                Ok(kept) => found.push(kept),
                Err(error) => damaged.push(format!("cannot read the spool `{}`: {error}", path.display())),
            }
        }
    }
    Ok((found, damaged))
}

#[cfg(test)]
mod tests {
    use super::super::frame::Frame;
    use super::*;
    use crate::reading::{Reading, SignalId};

    fn header() -> Header {
        Header { token: "t".to_owned(), agent: 1 }
    }

    fn bytes(number: u64) -> Vec<u8> {
        let readings = vec![Reading { signal: SignalId(0), at_us: 5, value: 1.5 }];
        frame::encode(&Frame { number, readings, ..Frame::default() })
    }

    #[test]
    fn what_was_appended_is_found_again_and_a_torn_end_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::create(folder.path(), header()).unwrap();
        for number in 0..3 {
            assert_eq!(spool.next(), number);
            spool.append(&bytes(number)).unwrap();
        }
        assert_eq!(spool.kept().frame(1).unwrap(), Some(bytes(1)));
        assert_eq!(spool.kept().frame(3).unwrap(), None);
        let path = spool.kept().path.clone();
        drop(spool);
        // The process was killed while it wrote the fourth.
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(&bytes(3)[..10]).unwrap();
        let (found, damaged) = left_in(folder.path()).unwrap();
        assert_eq!((found.len(), damaged.len()), (1, 0));
        assert_eq!((found[0].count(), found[0].header()), (3, &header()));
        assert_eq!(found[0].frame(2).unwrap(), Some(bytes(2)));
        assert!(found[0].finished().unwrap().cut_short.is_some());
        let finished = Finished { taken: 0, batches: 3, cut_short: None };
        found[0].finish(&finished).unwrap();
        assert_eq!(found[0].finished().unwrap(), finished);
        found[0].remove().unwrap();
        assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
    }

    #[test]
    fn a_damaged_frame_ends_a_spool_and_a_file_of_another_kind_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::create(folder.path(), header()).unwrap();
        (0..3).for_each(|number| spool.append(&bytes(number)).unwrap());
        let path = spool.kept().path.clone();
        drop(spool);
        let mut all = std::fs::read(&path).unwrap();
        let at = all.len() - bytes(2).len() - 1;
        all[at] ^= 1;
        std::fs::write(&path, all).unwrap();
        assert_eq!(Kept::open(&path).unwrap().count(), 1);
        std::fs::write(folder.path().join("x.spool"), "no spool").unwrap();
        assert_eq!(left_in(folder.path()).unwrap().1.len(), 1);
    }
}
