//! Checksums in the one form that files, stores and reports use.

use std::fmt::Write;
use std::io::Read;

use sha2::Digest;

/// The SHA-256 of some bytes, in hex.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(&sha2::Sha256::digest(bytes))
}

/// Bytes in hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A reader that sums up what goes through it.
#[derive(Debug)]
pub struct Summing<R> {
    source: R,
    sum: sha2::Sha256,
}

impl<R: Read> Summing<R> {
    /// Sums up what is read of `source` from here on.
    pub fn new(source: R) -> Self {
        Self { source, sum: sha2::Sha256::new() }
    }

    /// The SHA-256 of all that was read, in hex.
    pub fn sha256(self) -> String {
        hex(&self.sum.finalize())
    }
}

impl<R: Read> Read for Summing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.sum.update(&buffer[..read]);
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
    }
}
