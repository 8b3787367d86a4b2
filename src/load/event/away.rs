//! When a subscription had no connection: events of that time may not have been seen.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Whether a connection is lost, and when the last one was back. Clones are about the same connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Away(Arc<Mutex<State>>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    is_lost: bool,
    back: Option<Instant>,
}

impl Away {
    /// The connection is lost.
    pub(super) fn lost(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_lost = true;
    }

    /// There is one again.
    pub(super) fn back(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_lost {
            *state = State { is_lost: false, back: Some(Instant::now()) };
        }
    }

    /// Whether there was none at some time from `since` on.
    pub(super) fn meanwhile(&self, since: Instant) -> bool {
        let state = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_lost || state.back.is_some_and(|back| back >= since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_matters_to_those_who_waited_during_it() {
        let away = Away::default();
        let before = Instant::now();
        away.back();
        assert!(!away.meanwhile(before), "it was never lost");
        away.clone().lost();
        assert!(away.meanwhile(Instant::now()));
        away.back();
        assert!(away.meanwhile(before));
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert!(!away.meanwhile(Instant::now()));
    }
}
