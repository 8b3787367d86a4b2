//! Ports for servers of a test's own.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below those that the system gives to clients: none of them can have taken it meanwhile.
const RANGE: std::ops::Range<u32> = 12_000..32_000;

/// A port of 127.0.0.1 that nobody listens on, a different one for each call of a process.
pub(crate) fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let place = std::process::id().wrapping_mul(997).wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(RANGE.start + place % (RANGE.end - RANGE.start)).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
