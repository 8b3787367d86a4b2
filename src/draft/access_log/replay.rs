//! The requests of a log in the order of their times, as a file that a load replays.

use std::fmt::Write as _;

use super::line::Hit;
use super::shape::{Endpoint, without_secrets};

/// The variable that holds a journey's line of the file.
pub(in crate::draft) const HIT: &str = "hit";
/// The column of what is requested, without the slash that a request's path begins with.
pub(in crate::draft) const TARGET: &str = "target";

/// The requests of a log that are kept for a replay.
#[derive(Default)]
pub(super) struct Recorded {
    /// When, what method, and what path.
    hits: Vec<(i64, String, String)>,
    /// Requests whose time is not known.
    timeless: usize,
}

impl Recorded {
    pub(super) fn add(&mut self, hit: &Hit) {
        match hit.at_us {
            Some(at_us) => self.hits.push((at_us, hit.method.clone(), without_secrets(&hit.path))),
            None => self.timeless += 1,
        }
    }

    /// How many have no time.
    pub(super) fn timeless(&self) -> usize {
        self.timeless
    }

    /// The file, with what each start performs; and how many starts it has, over which time, s.
    pub(super) fn file(mut self, endpoints: &[Endpoint]) -> (String, usize, f64) {
        // Servers log an answer when it ends, and the time is that of the request.
        self.hits.sort_by_key(|(at_us, ..)| *at_us);
        let mut text = format!("at,journey,{TARGET}\n");
        let (mut starts, mut first_us, mut last_us) = (0, None, 0);
        for (at_us, method, path) in &self.hits {
            let Some(endpoint) = endpoints.iter().find(|endpoint| endpoint.has(method, path)) else {
                continue;
            };
            let after_us = at_us - *first_us.get_or_insert(*at_us);
            let target = path.strip_prefix('/').unwrap_or(path);
            let at = format!("{}.{:06}", after_us / 1_000_000, after_us % 1_000_000);
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{at},{},{}", field(&endpoint.title()), field(target));
            starts += 1;
            last_us = after_us;
        }
        (text, starts, last_us as f64 / 1e6)
    }
}

/// A field of CSV.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r', '#']) || text.trim() != text {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}
