//! Which samples of JMeter are parts of others: a sampler that follows redirects, or downloads what a page embeds, writes
//! a sample for itself, and behind it one for each of those requests, whose times its own contains.

use std::collections::HashMap;

/// What the message of a transaction's line begins with; it sums up samples of its own.
pub(super) const TRANSACTION: &str = "Number of samples in transaction";

/// The time that a sample took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// When it began, µs since 1970.
    pub(super) start_us: i64,
    /// How long it took, µs.
    pub(super) elapsed_us: i64,
}

impl Span {
    /// Whether another one begins within it. A thread's next sample begins after its end.
    fn begins_within(self, other: Self) -> bool {
        let into_it_us = other.start_us - self.start_us;
        into_it_us == 0 || (0..self.elapsed_us).contains(&into_it_us)
    }
}

/// The last sample of each thread that is no part of another.
#[derive(Debug, Default)]
pub(super) struct Parts {
    last: HashMap<String, (String, Span)>,
}

impl Parts {
    /// Whether a sample is a part of one before it: its label is the other's with a number behind it (`/login-0`,
    /// `/login-0-1`), and it begins within the other's time. Remembers the sample if it is not.
    ///
    /// Files without threads can only go by the label.
    pub(super) fn is_part(&mut self, host: &str, thread: &str, label: &str, span: Span) -> bool {
        let who = |label: &str| match thread {
            "" => format!("{host}\0\0{label}"),
            thread => format!("{host}\0{thread}"),
        };
        let mut whole = label;
        while let Some(shorter) = without_number(whole) {
            whole = shorter;
            let last = self.last.get(&who(whole));
            if last.is_some_and(|(of, time)| of == whole && time.begins_within(span)) {
                return true;
            }
        }
        self.last.insert(who(label), (label.to_owned(), span));
        false
    }
}

/// `/login` of `/login-0`.
fn without_number(label: &str) -> Option<&str> {
    let (whole, number) = label.rsplit_once('-')?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(whole)
}

/// The thread group of `Thread Group 1-3`: what stands before the numbers of group and thread.
pub(super) fn group(thread: &str) -> &str {
    thread.rsplit_once(' ').map_or("", |(group, _)| group)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(samples: &[(&str, &str, i64, i64)]) -> Vec<bool> {
        let mut parts = Parts::default();
        let is_kept = |(thread, label, start_us, elapsed_us): &(&str, &str, i64, i64)| {
            !parts.is_part("", thread, label, Span { start_us: *start_us, elapsed_us: *elapsed_us })
        };
        samples.iter().map(is_kept).collect()
    }

    #[test]
    fn parts_begin_within_the_sample_that_they_are_named_after() {
        let samples = [
            ("t 1-1", "/login", 0, 100),
            ("t 1-1", "/login-0", 0, 40),
            ("t 1-1", "/login-0-0", 10, 5),
            ("t 1-2", "/login", 20, 50),
            ("t 1-1", "/login-1", 40, 60),
            ("t 1-2", "/login-0", 20, 50),
            // Samples of their own: after the other's end, of another thread, of another name.
            ("t 1-1", "/login-2", 100, 10),
            ("t 1-3", "/login-0", 30, 10),
            ("t 1-2", "/logout-0", 30, 10),
        ];
        assert_eq!(kept(&samples), [true, false, false, true, false, false, true, true, true]);
    }

    #[test]
    fn without_threads_the_label_tells() {
        let samples = [("", "/a", 0, 100), ("", "/b", 10, 50), ("", "/a-0", 0, 50), ("", "/b-0", 70, 5)];
        assert_eq!(kept(&samples), [true, true, false, true]);
    }
}
