//! When requests were under way, and when none was: a file to which a tool has appended a second run has a pause in it.

use std::collections::BTreeMap;

use crate::unit;

const SECOND_US: i64 = 1_000_000;
/// From this length on a pause is told of, s.
const PAUSE_S: i64 = 60;
/// Requests that a stretch between two pauses has at least on average; users that think for minutes have fewer.
const REQUESTS_A_STRETCH: u64 = 10;

/// The stretches of time in which requests were under way, to the second: where each begins, and its end.
#[derive(Debug, Default)]
pub(super) struct Stretches(BTreeMap<i64, i64>);

/// Pauses without a request under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gaps {
    /// How many there are.
    count: usize,
    /// The longest, s.
    longest_s: i64,
    /// When that began, s since the first request.
    at_s: i64,
}

impl Gaps {
    /// `no request for 2 h, from 5 min after the first on; 3 such pauses`
    pub(super) fn words(self) -> String {
        let (longest, at) = (unit::span(self.longest_s as f64), unit::span(self.at_s as f64));
        let further = if self.count > 1 { format!("; {} such pauses", self.count) } else { String::new() };
        format!("no request for {longest}, from {at} after the first on{further}")
    }
}

impl Stretches {
    /// Adds a request, by its start and end in µs.
    pub(super) fn add(&mut self, start_us: i64, end_us: i64) {
        let (mut start, mut end) = (start_us.div_euclid(SECOND_US), end_us.div_euclid(SECOND_US));
        // Most requests lie within a stretch that is there already.
        if self.0.range(..=start).next_back().is_some_and(|(_, known)| *known >= end) {
            return;
        }
        while let Some((&from, &to)) = self.0.range(..=end + PAUSE_S).next_back() {
            if to + PAUSE_S < start {
                break;
            }
            self.0.remove(&from);
            (start, end) = (start.min(from), end.max(to));
        }
        self.0.insert(start, end);
    }

    /// The pauses between stretches; none if there is no other than a load of few requests has.
    pub(super) fn gaps(&self, requests: u64) -> Option<Gaps> {
        if requests < REQUESTS_A_STRETCH * self.0.len() as u64 {
            return None;
        }
        let first = *self.0.keys().next()?;
        let ends = self.0.values();
        let pauses = ends.zip(self.0.keys().skip(1)).map(|(end, next)| (next - end, end - first));
        let (longest_s, at_s) = pauses.max()?;
        Some(Gaps { count: self.0.len() - 1, longest_s, at_s })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(requests: &[(i64, i64)], count: u64) -> Option<String> {
        let mut stretches = Stretches::default();
        for (start_s, end_s) in requests {
            stretches.add(start_s * SECOND_US, end_s * SECOND_US);
        }
        stretches.gaps(count).map(Gaps::words)
    }

    #[test]
    fn a_pause_lies_between_requests_in_whatever_order_they_come() {
        let two = [(0, 30), (7300, 7310), (20, 100), (7311, 7400)];
        let words = "no request for 2 h, from 1 min 40 s after the first on";
        assert_eq!(gaps(&two, 1000).as_deref(), Some(words));
        let backwards: Vec<(i64, i64)> = two.into_iter().rev().collect();
        assert_eq!(gaps(&backwards, 1000).as_deref(), Some(words));
        let joined = [two.as_slice(), &[(90, 7305)]].concat();
        assert_eq!(gaps(&joined, 1000), None, "one request was under way all the time");
    }

    #[test]
    fn a_load_of_few_requests_pauses_by_itself() {
        let rare: Vec<(i64, i64)> = (0..20).map(|i| (i * 120, i * 120 + 1)).collect();
        assert_eq!(gaps(&rare, 20), None);
        assert_eq!(gaps(&[], 0), None);
    }
}
