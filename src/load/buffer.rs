//! Buffers of one thread. Whoever reads has one, and gives it back when what was read is done with: a
//! connection that waits holds none, however many there are.

use std::cell::RefCell;
use std::io::{self, Write};

/// Bytes of a new buffer: most answers fit in.
const SMALL: usize = 8 << 10;
/// Bytes that one grows to for the sake of speed alone.
pub(super) const LARGE: usize = 64 << 10;
/// Buffers that a thread keeps for later.
const MOST_SPARE: usize = 64;

thread_local! {
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Bytes, and room for more behind them.
pub(super) struct Buffer {
    /// All of it is initialised: what is read goes to where something has been before.
    bytes: Vec<u8>,
    filled: usize,
}

impl Buffer {
    /// An empty one.
    pub(super) fn take() -> Self {
        let spare = SPARE.try_with(|spare| spare.borrow_mut().pop()).ok().flatten();
        Self { bytes: spare.unwrap_or_else(|| vec![0; SMALL]), filled: 0 }
    }

    /// What is in it.
    pub(super) fn filled(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    /// The room behind that.
    pub(super) fn room(&mut self) -> &mut [u8] {
        &mut self.bytes[self.filled..]
    }

    /// So many bytes have come into the room.
    pub(super) fn advance(&mut self, count: usize) {
        self.filled += count;
        debug_assert!(self.filled <= self.bytes.len());
    }

    /// Makes room for at least `more` bytes, by doubling.
    pub(super) fn reserve(&mut self, more: usize) {
        let needed = self.filled + more;
        if needed > self.bytes.len() {
            self.bytes.resize(needed.max(self.bytes.len() * 2), 0);
        }
    }

    /// Drops what lies behind the first `count` bytes.
    pub(super) fn truncate(&mut self, count: usize) {
        self.filled = self.filled.min(count);
    }

    /// Drops the first `count` bytes.
    pub(super) fn drop_front(&mut self, count: usize) {
        self.bytes.copy_within(count..self.filled, 0);
        self.filled -= count;
    }

    /// Moves `count` bytes from one place to another before it.
    pub(super) fn pull(&mut self, from: usize, to: usize, count: usize) {
        if from != to {
            self.bytes.copy_within(from..from + count, to);
        }
    }

    /// Puts `head` in the place of the first `count` bytes, which are no fewer.
    pub(super) fn replace_front(&mut self, count: usize, head: &[u8]) {
        self.pull(count, head.len(), self.filled - count);
        self.bytes[..head.len()].copy_from_slice(head);
        self.filled -= count - head.len();
    }

    /// Puts bytes behind those that are there.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.bytes[self.filled..self.filled + bytes.len()].copy_from_slice(bytes);
        self.filled += bytes.len();
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.bytes.len() > LARGE {
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        // A thread that ends has no use for it.
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < MOST_SPARE {
                spare.push(bytes);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_is_given_back_is_the_next_one_unless_it_has_grown_too_large() {
        let mut first = Buffer::take();
        first.push(&[7; SMALL + 1]);
        let grown = first.bytes.len();
        drop(first);
        let mut second = Buffer::take();
        assert_eq!((second.bytes.len(), second.filled()), (grown, &[][..]));
        second.reserve(2 * LARGE);
        drop(second);
        assert_eq!(Buffer::take().bytes.len(), SMALL);
    }

    #[test]
    fn bytes_move_within_it() {
        let mut buffer = Buffer::take();
        buffer.push(b"head|12|34|rest");
        buffer.pull(8, 7, 2);
        buffer.truncate(9);
        assert_eq!(buffer.filled(), b"head|1234");
        buffer.replace_front(5, b"h|");
        assert_eq!(buffer.filled(), b"h|1234");
        buffer.drop_front(2);
        assert_eq!(buffer.filled(), b"1234");
        write!(buffer, "{}", 5).unwrap();
        assert_eq!(buffer.filled(), b"12345");
    }
}
