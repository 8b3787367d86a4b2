//! A circuit breaker: who does not answer for a while is left alone for a while.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Failures in a row that open it.
const THRESHOLD: u32 = 5;
/// How long it stays open; then one call may try.
const OPEN_FOR: Duration = Duration::from_millis(50);

/// Closed, open, or trying (half-open).
#[derive(Debug, Default)]
pub(in crate::storefront) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures_in_a_row: u32,
    open_until: Option<Instant>,
}

impl Breaker {
    /// Whether a call may be made now.
    pub(in crate::storefront) fn allows(&self, now: Instant) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.open_until {
            Some(until) if now < until => false,
            // One may try; the others wait until it is known how that went.
            Some(_) => {
                state.open_until = Some(now + OPEN_FOR);
                true
            }
            None => true,
        }
    }

    /// Takes down how a call went; whether that has opened the breaker.
    pub(in crate::storefront) fn note(&self, answered: bool, now: Instant) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answered {
            *state = State::default();
            return false;
        }
        state.failures_in_a_row += 1;
        let opens = state.failures_in_a_row >= THRESHOLD;
        let was_open = state.open_until.is_some();
        if opens {
            state.open_until = Some(now + OPEN_FOR);
        }
        opens && !was_open
    }

    /// Whether calls are held back, but for one that tries.
    pub(in crate::storefront) fn is_open(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).open_until.is_some()
    }

    pub(in crate::storefront) fn reset(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{Breaker, OPEN_FOR, THRESHOLD};

    #[test]
    fn failures_in_a_row_open_it_and_one_answer_closes_it() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 1..THRESHOLD {
            assert!(breaker.allows(now) && !breaker.note(false, now));
        }
        assert!(breaker.note(false, now), "opens");
        assert!(!breaker.allows(now + OPEN_FOR / 2));
        let later = now + OPEN_FOR;
        assert!(breaker.allows(later), "one may try");
        assert!(!breaker.allows(later), "and no other meanwhile");
        breaker.note(true, later);
        assert!(breaker.allows(later));
    }
}
