//! Starts of journeys as they were recorded: their times, and what each performs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::unit;

/// A start that was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// From the first start on.
    pub after: Duration,
    /// What it performs; none for what the load's user classes draw.
    pub performs: Option<Performed>,
}

/// A journey, and who performs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Performed {
    /// The user class, by its place in the scenario's list.
    pub user_class: usize,
    /// The journey, likewise.
    pub journey: usize,
}

/// Recorded starts, to be made again.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    /// The file as the scenario names it.
    pub file: String,
    /// How many times as fast as they came.
    pub speed_up: f64,
    /// The starts, in the order of their times; never empty.
    #[serde(serialize_with = "as_list", deserialize_with = "of_list")]
    starts: Arc<[Recorded]>,
}

fn as_list<S: Serializer>(starts: &Arc<[Recorded]>, serializer: S) -> Result<S::Ok, S::Error> {
    starts[..].serialize(serializer)
}

fn of_list<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Arc<[Recorded]>, D::Error> {
    Vec::deserialize(deserializer).map(Arc::from)
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replay {{ {} starts of `{}`, {} times as fast }}", self.count(), self.file, self.speed_up)
    }
}

impl Replay {
    /// Recorded starts in the order of their times; none if there are none.
    pub fn new(file: String, speed_up: f64, starts: Vec<Recorded>) -> Option<Self> {
        (!starts.is_empty()).then(|| Self { file, speed_up, starts: starts.into() })
    }

    /// Starts at such times, ms, that draw what they perform.
    #[cfg(test)]
    pub fn of_times(file: &str, times_ms: &[u64], speed_up: f64) -> Self {
        let recorded = |ms: &u64| Recorded { after: Duration::from_millis(*ms), performs: None };
        Self { file: file.to_owned(), speed_up, starts: times_ms.iter().map(recorded).collect() }
    }

    /// How many starts there are.
    pub fn count(&self) -> usize {
        self.starts.len()
    }

    /// When a start is due, from the load's start on; none beyond the last.
    pub fn due(&self, number: u64) -> Option<Duration> {
        self.recorded(number).map(|start| self.scaled(start.after))
    }

    /// What a start performs, if the file says so.
    pub fn performs(&self, number: u64) -> Option<Performed> {
        self.recorded(number)?.performs
    }

    /// How long the load lasts: to the last start, and a mean gap more, in which that has its turn.
    pub fn run_time(&self) -> Duration {
        let last = self.starts.last().map_or(Duration::ZERO, |start| self.scaled(start.after));
        let gaps = u32::try_from(self.count().saturating_sub(1)).unwrap_or(u32::MAX).max(1);
        last + (last / gaps).clamp(Duration::from_millis(1), Duration::from_secs(1))
    }

    /// Starts per second, on average.
    pub fn mean_rate(&self) -> f64 {
        self.count() as f64 / self.run_time().as_secs_f64()
    }

    /// How many of its starts are due in a stretch of the load.
    pub fn due_within(&self, from: Duration, to: Duration) -> usize {
        let before = |end: Duration| self.starts.partition_point(|start| self.scaled(start.after) < end);
        before(to) - before(from)
    }

    /// In words: `1200 starts of `log.csv`, 2 times as fast`.
    pub fn text(&self) -> String {
        let speed = match self.speed_up {
            1.0 => "at their own speed".to_owned(),
            speed_up => format!("{} times as fast", unit::plain(speed_up)),
        };
        let named = self.starts.iter().filter(|start| start.performs.is_some()).count();
        let journeys = if named > 0 { ", each with its own journey" } else { "" };
        format!("{} starts of `{}`, {speed}{journeys}", unit::count(self.count() as u64), self.file)
    }

    /// Everything of it that makes the load what it is.
    pub(super) fn canonical(&self) -> String {
        let starts = self.starts.iter().map(|start| match start.performs {
            Some(Performed { user_class, journey }) => {
                format!("{} {user_class} {journey}", start.after.as_micros())
            }
            None => start.after.as_micros().to_string(),
        });
        let sum = crate::checksum::sha256(starts.collect::<Vec<_>>().join("\n"));
        format!("Replay {sum} {}", self.speed_up)
    }

    fn recorded(&self, number: u64) -> Option<&Recorded> {
        self.starts.get(usize::try_from(number).ok()?)
    }

    fn scaled(&self, after: Duration) -> Duration {
        after.div_f64(self.speed_up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_lasts_until_its_last_start_has_had_its_turn() {
        let replay = Replay::of_times("log.csv", &[0, 500, 2_000], 2.0);
        assert_eq!(replay.run_time(), Duration::from_millis(1_500));
        assert_eq!(replay.mean_rate(), 2.0);
        let s = Duration::from_secs_f64;
        assert_eq!((replay.due_within(s(0.0), s(0.25)), replay.due_within(s(0.25), s(1.5))), (1, 2));
        assert_eq!(Replay::of_times("log.csv", &[0], 1.0).run_time(), Duration::from_millis(1));
    }

    #[test]
    fn another_time_or_journey_is_other_work() {
        let replay = |times: &[u64], speed_up| Replay::of_times("log.csv", times, speed_up).canonical();
        assert_eq!(replay(&[0, 5], 1.0), Replay::of_times("copy.csv", &[0, 5], 1.0).canonical());
        assert_ne!(replay(&[0, 5], 1.0), replay(&[0, 6], 1.0));
        assert_ne!(replay(&[0, 5], 1.0), replay(&[0, 5], 2.0));
    }
}
