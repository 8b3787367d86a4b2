//! Lines that are appended to a file while it is watched.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::bounded;
use crate::scenario::signal::{Question, Signal};

/// The most that one reading takes in; the rest is for the next.
const MOST: u64 = 8 << 20;

/// How far a log was read, and what its lines have come to.
#[derive(Default)]
pub(super) struct Log {
    /// None before the first reading, which begins at the file's end.
    position: Option<u64>,
    /// The beginning of a line whose end is not there yet.
    unfinished: Vec<u8>,
    values: Vec<Option<f64>>,
}

impl Log {
    /// The values of the signals after all lines that there are now.
    pub(super) fn read(&mut self, path: &str, signals: &[Signal]) -> Result<Vec<Option<f64>>, String> {
        if self.values.is_empty() {
            self.values = signals.iter().map(at_first).collect();
        }
        let mut file = bounded::open(Path::new(path), u64::MAX).map_err(|e| e.to_string())?.into_inner();
        let length = file.metadata().map_err(|e| e.to_string())?.len();
        let from = match self.position {
            // Lines from before the run are not the run's.
            None => length,
            // It was cut short, or begun anew.
            Some(position) if position > length => 0,
            Some(position) => position,
        };
        file.seek(SeekFrom::Start(from)).map_err(|e| e.to_string())?;
        let read = file.take(MOST).read_to_end(&mut self.unfinished).map_err(|e| e.to_string())?;
        self.position = Some(from + read as u64);
        let whole = self.unfinished.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let lines: Vec<u8> = self.unfinished.drain(..whole).collect();
        // A line without an end is dropped.
        if self.unfinished.len() as u64 > MOST {
            self.unfinished.clear();
        }
        for line in String::from_utf8_lossy(&lines).lines() {
            for (value, signal) in self.values.iter_mut().zip(signals) {
                *value = after(line, signal, *value);
            }
        }
        Ok(self.values.clone())
    }
}

/// A signal's value before any line: what is counted stands at 0.
fn at_first(signal: &Signal) -> Option<f64> {
    let counts =
        |question: &Question| matches!(question, Question::Lines(pattern) if pattern.captures_len() == 1);
    signal.questions.iter().any(counts).then_some(0.0)
}

/// A signal's value after one more line.
fn after(line: &str, signal: &Signal, before: Option<f64>) -> Option<f64> {
    let patterns = signal.questions.iter().filter_map(|question| match question {
        Question::Lines(pattern) => Some(pattern),
        _ => None,
    });
    for pattern in patterns {
        let is_counted = pattern.captures_len() == 1;
        if let Some(captures) = pattern.captures(line) {
            let number = || captures.get(1)?.as_str().replace(',', "").parse().ok();
            return if is_counted { before.map(|n| n + 1.0) } else { number() };
        }
    }
    before
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use regex::Regex;

    use super::*;

    fn signal(pattern: &str) -> Signal {
        Signal {
            name: pattern.to_owned(),
            unit: String::new(),
            is_counter: false,
            questions: vec![Question::Lines(Regex::new(pattern).unwrap())],
        }
    }

    #[test]
    fn lines_are_counted_and_their_last_number_is_read() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        writeln!(file, "batch 1 saved: 50 messages in 0.9s").unwrap();
        let signals = [signal(r"batch \d+ saved"), signal(r"in ([0-9.]+)s")];
        let mut log = Log::default();
        let mut read = || log.read(&path, &signals).unwrap();
        assert_eq!(read(), [Some(0.0), None], "what was there before does not count");
        write!(file, "batch 2 saved: 50 messages in 0.5s\nnothing\nbatch 3 saved: 50 mess").unwrap();
        assert_eq!(read(), [Some(1.0), Some(0.5)]);
        writeln!(file, "ages in 0.25s").unwrap();
        assert_eq!(read(), [Some(2.0), Some(0.25)], "a line counts once it is whole");
        file.as_file().set_len(0).unwrap();
        assert_eq!(read(), [Some(2.0), Some(0.25)]);
        assert!(Log::default().read("/nowhere/x.log", &signals).is_err());
        let endless = Log::default().read("/dev/zero", &signals).unwrap_err();
        assert!(endless.contains("not a file"), "{endless}");
    }

    #[test]
    fn a_line_without_an_end_is_given_up() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let signals = [signal("x")];
        let mut log = Log::default();
        log.read(&path, &signals).unwrap();
        file.write_all(&vec![b'x'; 2 * usize::try_from(MOST).unwrap() + 2]).unwrap();
        for _ in 0..3 {
            log.read(&path, &signals).unwrap();
            assert!(log.unfinished.len() as u64 <= MOST);
        }
    }
}
