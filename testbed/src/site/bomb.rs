//! A body that becomes a thousand times larger when it is decoded.

/// Most bytes that one symbol of deflate copies.
const COPIED: u32 = 258;

/// `count` zeros, from 1 on, as zlib's format (RFC 1950) has them at their smallest.
///
/// Written here and not by an encoder, which would have to read them all.
pub(crate) fn zeros(count: u32) -> Vec<u8> {
    let mut coded = Bits { bytes: vec![0x78, 0x9c], used: 0 };
    // One block, the last, of the fixed codes (RFC 1951, section 3.2.6).
    coded.push(0b1, 1);
    coded.push(0b10, 2);
    let (copies, rest) = ((count - 1) / COPIED, (count - 1) % COPIED);
    for _ in 0..=rest {
        coded.push(0b0011_0000, 8);
    }
    for _ in 0..copies {
        // Length 258, from one byte back.
        coded.push(0b1100_0101, 8);
        coded.push(0, 5);
    }
    // The end of the block.
    coded.push(0, 7);
    // Adler-32 of zeros: the first sum stays 1, the second one counts.
    let mut bytes = coded.bytes;
    bytes.extend_from_slice(&((count % 65_521) << 16 | 1).to_be_bytes());
    bytes
}

/// Bytes that are filled from their lowest bit.
struct Bits {
    bytes: Vec<u8>,
    /// Bits of the last byte that are in use; at 0, and at 8, the next bit begins a byte.
    used: u32,
}

impl Bits {
    /// Adds the lowest `length` bits of a code, the highest of them first.
    fn push(&mut self, code: u8, length: u32) {
        for place in (0..length).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
                self.used = 0;
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= (code >> place & 1) << self.used;
            }
            self.used += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::ZlibDecoder;

    use super::zeros;

    #[test]
    fn a_bomb_becomes_what_it_says() {
        for count in [1, 2, 258, 259, 260, 70_000, 1 << 20] {
            let mut decoded = Vec::new();
            ZlibDecoder::new(&*zeros(count)).read_to_end(&mut decoded).unwrap();
            assert!(decoded.len() == count as usize && decoded.iter().all(|byte| *byte == 0), "{count}");
        }
        assert!(zeros(64 << 20).len() < 500_000);
    }
}
