//! Checksums in the one form that files, stores and reports use.

use std::fmt::Write;

use sha2::Digest;

/// The SHA-256 of some bytes, in hex.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    sha2::Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn checksums_are_those_of_other_tools() {
        // printf abc | sha256sum
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(super::sha256("abc"), abc);
    }
}
