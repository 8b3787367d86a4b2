//! A file as text: which encoding it is in, what it begins with, and its checksum.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use encoding_rs_io::{DecodeReaderBytes, DecodeReaderBytesBuilder};

use super::ImportError;
use crate::bounded;
use crate::checksum::Summing;

/// Bytes that are read at a time.
const PIECE: usize = 1 << 18;
/// Bytes of the beginning that are kept as they are.
const KEPT: usize = 64;

/// How the letters of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
    /// What is no UTF-8: Latin-1, as Windows extends it.
    Windows1252,
}

impl Encoding {
    /// The words for one that a reader of the run should know of.
    pub(super) fn note(self) -> Option<&'static str> {
        match self {
            Self::Utf8 => None,
            Self::Utf16Le | Self::Utf16Be => Some("text in UTF-16"),
            Self::Windows1252 => Some("text in Latin-1 (Windows-1252), because it is not valid UTF-8"),
        }
    }

    /// The encoding by the first bytes, with the length of the mark of byte order; none if only more of the file can
    /// tell.
    fn of_beginning(bytes: &[u8]) -> Option<(Self, u64)> {
        let is_letter = |byte: u8| (b' '..0x7f).contains(&byte) || byte.is_ascii_whitespace();
        match bytes {
            [0xff, 0xfe, ..] => Some((Self::Utf16Le, 2)),
            [0xfe, 0xff, ..] => Some((Self::Utf16Be, 2)),
            [a, 0, b, 0, ..] if is_letter(*a) && is_letter(*b) => Some((Self::Utf16Le, 0)),
            [0, a, 0, b, ..] if is_letter(*a) && is_letter(*b) => Some((Self::Utf16Be, 0)),
            _ => None,
        }
    }
}

/// A file that is read several times.
#[derive(Debug)]
pub(super) struct Source {
    path: PathBuf,
    /// Its encoding.
    pub(super) encoding: Encoding,
    /// Bytes of the mark of byte order at its beginning.
    mark: u64,
    /// Its first bytes, as they are.
    pub(super) beginning: Vec<u8>,
    /// Its SHA-256, in hex.
    pub(super) sha256: String,
}

impl Source {
    /// Reads a file once, for what can only be told from all of it.
    pub(super) fn of(path: &Path) -> Result<Self, ImportError> {
        let failed = |error| ImportError::Read { path: path.to_owned(), error };
        // It is read several times: a pipe would be empty by then.
        let mut input = Summing::new(bounded::open(path, u64::MAX).map_err(failed)?);
        let mut look = Look::default();
        let mut piece = vec![0; PIECE];
        loop {
            let read = input.read(&mut piece).map_err(failed)?;
            if read == 0 {
                break;
            }
            look.at(&piece[..read]);
        }
        let (encoding, mark) = look.found();
        Ok(Self { path: path.to_owned(), encoding, mark, beginning: look.beginning, sha256: input.sha256() })
    }

    /// Its text in UTF-8, from the beginning; its last letter may be cut off.
    pub(super) fn open(&self) -> std::io::Result<impl Read + use<>> {
        let mut file = BufReader::with_capacity(PIECE, bounded::open(&self.path, u64::MAX)?);
        std::io::copy(&mut file.by_ref().take(self.mark), &mut std::io::sink())?;
        let encoding = match self.encoding {
            Encoding::Utf8 => UTF_8,
            Encoding::Utf16Le => UTF_16LE,
            Encoding::Utf16Be => UTF_16BE,
            Encoding::Windows1252 => WINDOWS_1252,
        };
        let text: DecodeReaderBytes<_, Vec<u8>> =
            DecodeReaderBytesBuilder::new().encoding(Some(encoding)).build(file);
        Ok(text)
    }
}

/// What was seen of a file so far.
#[derive(Debug, Default)]
struct Look {
    beginning: Vec<u8>,
    /// Bytes of a letter that the next piece ends.
    unfinished: Vec<u8>,
    is_other: bool,
}

impl Look {
    fn at(&mut self, piece: &[u8]) {
        let wanted = KEPT.saturating_sub(self.beginning.len()).min(piece.len());
        self.beginning.extend_from_slice(&piece[..wanted]);
        if self.is_other {
            return;
        }
        self.unfinished.extend_from_slice(piece);
        match std::str::from_utf8(&self.unfinished) {
            Ok(_) => self.unfinished.clear(),
            // A letter that the piece cuts, or the end of the file: that is no other encoding.
            Err(error) if error.error_len().is_none() => {
                self.unfinished.drain(..error.valid_up_to());
            }
            Err(_) => {
                self.is_other = true;
                self.unfinished = Vec::new();
            }
        }
    }

    fn found(&self) -> (Encoding, u64) {
        if let Some(found) = Encoding::of_beginning(&self.beginning) {
            return found;
        }
        let mark = if self.beginning.starts_with(&[0xef, 0xbb, 0xbf]) { 3 } else { 0 };
        (if self.is_other { Encoding::Windows1252 } else { Encoding::Utf8 }, mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (Encoding, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        let source = Source::of(&path).unwrap();
        assert_eq!(source.sha256, crate::checksum::sha256(bytes), "of the bytes, not of the text");
        let mut text = Vec::new();
        source.open().unwrap().read_to_end(&mut text).unwrap();
        (source.encoding, String::from_utf8_lossy(&text).into_owned())
    }

    #[test]
    fn each_encoding_is_read_without_its_mark() {
        let text = "label,näme\r\n";
        let units: Vec<u16> = text.encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        let marked = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
        for (bytes, encoding) in [
            (text.as_bytes().to_vec(), Encoding::Utf8),
            (marked(&[0xef, 0xbb, 0xbf], text.as_bytes()), Encoding::Utf8),
            (little.clone(), Encoding::Utf16Le),
            (marked(&[0xff, 0xfe], &little), Encoding::Utf16Le),
            (big.clone(), Encoding::Utf16Be),
            (marked(&[0xfe, 0xff], &big), Encoding::Utf16Be),
            (b"label,n\xe4me\r\n".to_vec(), Encoding::Windows1252),
        ] {
            assert_eq!(read(&bytes), (encoding, text.to_owned()));
        }
    }

    #[test]
    fn a_letter_that_is_cut_off_makes_no_other_encoding() {
        assert_eq!(read(b"label,n\xc3"), (Encoding::Utf8, "label,n\u{fffd}".to_owned()));
        let long = "ä".repeat(PIECE);
        assert_eq!(read(format!("x{long}").as_bytes()).0, Encoding::Utf8);
    }
}
