//! Numbers and texts as bytes: small numbers take one.

/// What is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the batch is damaged")]
pub(super) struct Damaged;

/// Writes values one after another.
#[derive(Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    /// Seven bits a byte, the lowest first (LEB128).
    pub(super) fn uint(&mut self, value: impl Into<u64>) {
        let mut value = value.into();
        while value >= 0x80 {
            self.0.push(low_byte(value) | 0x80);
            value >>= 7;
        }
        self.0.push(low_byte(value));
    }

    /// The sign goes into the lowest bit, so that small negative numbers are short, too.
    pub(super) fn int(&mut self, value: i64) {
        self.uint((value << 1 ^ value >> 63).cast_unsigned());
    }

    /// A length; those of lists in memory fit.
    pub(super) fn length(&mut self, length: usize) {
        self.uint(length as u64);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.length(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(super) fn real(&mut self, value: f64) {
        self.0.extend_from_slice(&value.to_bits().to_le_bytes());
    }
}

fn low_byte(value: u64) -> u8 {
    value.to_le_bytes()[0] & 0x7f
}

/// Reads what a [`Writer`] wrote. The bytes come from outside: nothing about them is taken for granted.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    pub(super) fn uint(&mut self) -> Result<u64, Damaged> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or(Damaged)?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Damaged);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Damaged)
    }

    pub(super) fn int(&mut self) -> Result<i64, Damaged> {
        let value = self.uint()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// A number of a smaller type.
    pub(super) fn small<T: TryFrom<u64>>(&mut self) -> Result<T, Damaged> {
        T::try_from(self.uint()?).map_err(|_| Damaged)
    }

    /// The length of a list whose members take at least one byte each: no more than there are left.
    pub(super) fn length(&mut self) -> Result<usize, Damaged> {
        let length: usize = self.small()?;
        if length > self.0.len() { Err(Damaged) } else { Ok(length) }
    }

    pub(super) fn text(&mut self) -> Result<String, Damaged> {
        let length = self.length()?;
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8(text.to_vec()).map_err(|_| Damaged)
    }

    pub(super) fn real(&mut self) -> Result<f64, Damaged> {
        let (bits, rest) = self.0.split_first_chunk().ok_or(Damaged)?;
        self.0 = rest;
        Ok(f64::from_bits(u64::from_le_bytes(*bits)))
    }

    /// That everything was read.
    pub(super) fn end(&self) -> Result<(), Damaged> {
        if self.0.is_empty() { Ok(()) } else { Err(Damaged) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(uint: u64, int: i64, text: String, real: f64) {
            let mut writer = Writer::default();
            writer.uint(uint);
            writer.int(int);
            writer.text(&text);
            writer.real(real);
            let mut reader = Reader(&writer.0);
            prop_assert_eq!(reader.uint(), Ok(uint));
            prop_assert_eq!(reader.int(), Ok(int));
            prop_assert_eq!(reader.text(), Ok(text));
            prop_assert_eq!(reader.real().map(f64::to_bits), Ok(real.to_bits()));
            prop_assert_eq!(reader.end(), Ok(()));
        }
    }

    #[test]
    fn numbers_are_short_and_bounded() {
        let mut writer = Writer::default();
        writer.int(-64);
        assert_eq!(writer.0.len(), 1);
        assert_eq!(Reader(&[0x80]).uint(), Err(Damaged));
        assert_eq!(Reader(&[0xff; 11]).uint(), Err(Damaged));
        assert_eq!(Reader(&[200, 1]).length(), Err(Damaged), "a list longer than what is left");
    }
}
