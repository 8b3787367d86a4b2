//! Checksums in the one form that files, stores and reports use.

use std::fmt::Write;
use std::io::Read;

use sha2::Digest;

/// The SHA-256 of some bytes, in hex.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(&digest(bytes))
}

/// The SHA-256 of some bytes, as it is.
pub fn digest(bytes: impl AsRef<[u8]>) -> [u8; 32] {
    sha2::Sha256::digest(bytes).into()
}

/// The SHA-256 of pieces one after another, as it is.
pub fn digest_of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut sum = sha2::Sha256::new();
    pieces.into_iter().for_each(|piece| sum.update(piece));
    sum.finalize().into()
}

/// Bytes in hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A checksum of bytes that come piece by piece.
#[derive(Debug, Default)]
pub struct Sum(sha2::Sha256);

impl Sum {
    /// Adds the next piece.
    pub fn add(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.update(bytes);
    }

    /// The SHA-256 of the pieces so far, in hex; the next one begins anew.
    pub fn take(&mut self) -> String {
        hex(&self.0.finalize_reset())
    }
}

/// A reader that sums up what goes through it.
#[derive(Debug)]
pub struct Summing<R> {
    source: R,
    sum: Sum,
}

impl<R: Read> Summing<R> {
    /// Sums up what is read of `source` from here on.
    pub fn new(source: R) -> Self {
        Self { source, sum: Sum::default() }
    }

    /// The SHA-256 of all that was read, in hex.
    pub fn sha256(mut self) -> String {
        self.sum.take()
    }
}

impl<R: Read> Read for Summing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.sum.add(&buffer[..read]);
        Ok(read)
    }
}

/// A number that depends on `state` and on each of the parts, and on their order (the finaliser of
/// `SplitMix64`; Steele et al. 2014).
pub fn mix(state: u64, parts: &[u64]) -> u64 {
    parts.iter().fold(state ^ 0x9e37_79b9_7f4a_7c15, |state, part| {
        let mut z = state ^ part.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn checksums_are_those_of_other_tools() {
        // printf abc | sha256sum
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(super::sha256("abc"), abc);
        let mut summing = super::Summing::new(&b"abc"[..]);
        std::io::copy(&mut summing, &mut std::io::sink()).unwrap();
        assert_eq!(summing.sha256(), abc);
        let mut sum = super::Sum::default();
        for piece in ["a", "", "bc"] {
            sum.add(piece);
        }
        assert_eq!(sum.take(), abc);
        sum.add("abc");
        assert_eq!(sum.take(), abc, "it has begun anew");
    }
}
