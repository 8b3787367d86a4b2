//! Stages: how the level of a load, its users or its rate, changes over its time. Piecewise linear.

use std::time::Duration;

use crate::unit;

/// A stretch of a load in which its level stays or changes evenly.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The user's name for it; empty if it has none.
    pub name: String,
    /// From the start of its part of the load.
    pub start: Duration,
    /// Never before its start.
    pub end: Duration,
    /// Level at its start: users, or journeys started per second.
    pub from: f64,
    /// Level at its end.
    pub to: f64,
}

/// Stages one after another, without gaps; the first begins at zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stages(Vec<Stage>);

impl Stage {
    /// Its length, s.
    fn seconds(&self) -> f64 {
        self.end.saturating_sub(self.start).as_secs_f64()
    }

    /// Whether its level stays.
    pub fn is_level(&self) -> bool {
        self.from == self.to
    }

    /// The area under it: of a rate, the journeys that it starts.
    fn area(&self) -> f64 {
        self.from.midpoint(self.to) * self.seconds()
    }

    /// When the area since its start has come to `area`, which lies within it.
    fn reaches(&self, area: f64) -> Duration {
        if area <= 0.0 {
            return self.start;
        }
        // Of a t + s t²/2 = area the root that keeps its digits where the slope is small.
        let slope = (self.to - self.from) / self.seconds();
        let root = (self.from * self.from + 2.0 * slope * area).max(0.0).sqrt();
        let after = Duration::try_from_secs_f64(2.0 * area / (self.from + root)).unwrap_or(Duration::MAX);
        self.start.saturating_add(after).min(self.end)
    }

    /// The stretch of it in which its level lies above `level`.
    fn above(&self, level: f64) -> Option<(Duration, Duration)> {
        if self.from.max(self.to) <= level {
            return None;
        }
        if self.from.min(self.to) >= level && self.from > level {
            return Some((self.start, self.end));
        }
        let share = ((level - self.from) / (self.to - self.from)).clamp(0.0, 1.0);
        let crossed = self.start + self.end.saturating_sub(self.start).mul_f64(share);
        Some(if self.to > self.from { (crossed, self.end) } else { (self.start, crossed) })
    }
}

impl Stages {
    /// The level goes from where it is to `to` within `over`; at once if that is zero.
    pub fn change(&mut self, name: &str, to: f64, over: Duration) {
        let (start, from) = (self.end(), self.level());
        self.0.push(Stage { name: name.to_owned(), start, end: start + over, from, to });
    }

    /// The level stays where it is.
    pub fn hold(&mut self, name: &str, over: Duration) {
        self.change(name, self.level(), over);
    }

    /// The only stage whose level stays, and is above 0; none if there are several.
    pub fn only_hold(&self) -> Option<&Stage> {
        let mut holds = self.iter().filter(|stage| stage.is_level() && stage.to > 0.0);
        holds.next().filter(|_| holds.next().is_none())
    }

    /// Makes the only hold longer; what follows it comes later.
    pub fn lengthen_hold(&mut self, by: Duration) {
        let Some(start) = self.only_hold().map(|hold| hold.start) else { return };
        let is_hold = |stage: &Stage| stage.start == start && stage.end > stage.start;
        let Some(place) = self.0.iter().position(is_hold) else { return };
        for (n, stage) in self.0.iter_mut().enumerate().skip(place) {
            if n > place {
                stage.start += by;
            }
            stage.end += by;
        }
    }

    /// Multiplies all levels.
    pub fn multiply(&mut self, factor: f64) {
        for stage in &mut self.0 {
            stage.from *= factor;
            stage.to *= factor;
        }
    }

    /// The stages that take time, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Stage> {
        self.0.iter().filter(|stage| stage.end > stage.start)
    }

    /// When the last of them ends.
    pub fn end(&self) -> Duration {
        self.0.last().map_or(Duration::ZERO, |stage| stage.end)
    }

    /// The level at their end.
    pub fn level(&self) -> f64 {
        self.0.last().map_or(0.0, |stage| stage.to)
    }

    /// The highest level that lasts for any time.
    pub fn peak(&self) -> f64 {
        self.iter().map(|stage| stage.from.max(stage.to)).fold(0.0, f64::max)
    }

    /// The area under them: of a rate, the journeys that they start.
    pub fn area(&self) -> f64 {
        self.iter().map(Stage::area).sum()
    }

    /// When the area under them has come to `area`; none if it never comes to more.
    pub fn reaches(&self, area: f64) -> Option<Duration> {
        let mut before = 0.0;
        for stage in self.iter() {
            if area < before + stage.area() {
                return Some(stage.reaches(area - before));
            }
            before += stage.area();
        }
        None
    }

    /// The stretches in which the level lies above `level`, in order: when user number `level` is there.
    pub fn above(&self, level: f64) -> Vec<(Duration, Duration)> {
        let mut all: Vec<(Duration, Duration)> = Vec::new();
        for (start, end) in self.iter().filter_map(|stage| stage.above(level)) {
            match all.last_mut() {
                Some(last) if last.1 == start => last.1 = end,
                _ => all.push((start, end)),
            }
        }
        all
    }

    /// In words: `0 to 20 users over 30 s, 20 users for 1 min`.
    pub fn text(&self, unit: &str) -> String {
        let stage = |stage: &Stage| {
            let time = unit::span(stage.seconds());
            let level = if stage.is_level() {
                let unit = if stage.to == 1.0 { unit.trim_end_matches('s') } else { unit };
                format!("{} {unit} for {time}", unit::plain(stage.to))
            } else {
                format!("{} to {} {unit} over {time}", unit::plain(stage.from), unit::plain(stage.to))
            };
            if stage.name.is_empty() { level } else { format!("{level} ({})", stage.name) }
        };
        self.iter().map(stage).collect::<Vec<_>>().join(", ")
    }

    /// A text that is equal for equal work: names do not enter.
    pub(super) fn canonical(&self) -> String {
        let stage = |s: &Stage| format!("{:?}-{:?}: {:?}-{:?}", s.start, s.end, s.from, s.to);
        self.iter().map(stage).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn s(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// Up to 4 in 4 s, 4 for 2 s, down to 1 at once and for 1 s, down to 0 in 1 s.
    fn stages() -> Stages {
        let mut stages = Stages::default();
        stages.change("up", 4.0, s(4.0));
        stages.hold("", s(2.0));
        stages.change("", 1.0, Duration::ZERO);
        stages.hold("low", s(1.0));
        stages.change("", 0.0, s(1.0));
        stages
    }

    #[test]
    fn users_come_and_go_with_the_level() {
        let stages = stages();
        assert_eq!(stages.above(0.0), [(s(0.0), s(8.0))]);
        assert_eq!(stages.above(1.0), [(s(1.0), s(6.0))]);
        assert_eq!(stages.above(3.0), [(s(3.0), s(6.0))]);
        assert_eq!(stages.above(4.0), []);
        assert_eq!((stages.peak(), stages.end()), (4.0, s(8.0)));
    }

    #[test]
    fn a_user_that_has_left_comes_again_with_the_next_rise() {
        let mut stages = Stages::default();
        stages.change("", 2.0, Duration::ZERO);
        stages.hold("", s(1.0));
        stages.change("", 0.0, s(2.0));
        stages.change("", 2.0, s(2.0));
        assert_eq!(stages.above(0.0), [(s(0.0), s(5.0))], "the level touches zero for no time");
        assert_eq!(stages.above(1.0), [(s(0.0), s(2.0)), (s(4.0), s(5.0))]);
    }

    #[test]
    fn journeys_start_where_the_area_under_the_rate_is_whole() {
        let stages = stages();
        assert_eq!(stages.area(), 8.0 + 8.0 + 1.0 + 0.5);
        assert_eq!(stages.reaches(0.0), Some(s(0.0)));
        // t²/2 = 2
        assert_eq!(stages.reaches(2.0), Some(s(2.0)));
        assert_eq!(stages.reaches(8.0), Some(s(4.0)));
        assert_eq!(stages.reaches(12.0), Some(s(5.0)));
        assert_eq!(stages.reaches(16.0), Some(s(6.0)));
        // t - t²/2 = 1/4
        let late = stages.reaches(17.25).unwrap().as_secs_f64();
        assert!((late - (8.0 - 0.5_f64.sqrt())).abs() < 1e-6, "{late}");
        assert_eq!(stages.reaches(17.5), None);
    }

    #[test]
    fn a_text_names_levels_times_and_stages() {
        let text = stages().text("users");
        assert_eq!(
            text,
            "0 to 4 users over 4 s (up), 4 users for 2 s, 1 user for 1 s (low), 1 to 0 users over 1 s"
        );
    }

    proptest! {
        #[test]
        fn starts_are_in_order_and_within_the_stages(
            levels in prop::collection::vec((0_u32..50, 0_u32..4), 1..6)
        ) {
            let mut stages = Stages::default();
            for (level, seconds) in levels {
                stages.change("", f64::from(level), Duration::from_secs(seconds.into()));
            }
            let all: Vec<Duration> = (0..).map_while(|n| stages.reaches(f64::from(n))).collect();
            prop_assert!(all.is_sorted());
            prop_assert!(all.iter().all(|at| *at <= stages.end()));
            prop_assert!((all.len() as f64 - stages.area()).abs() <= 1.0);
            // As many users as the level says, at any time.
            for user in 0..50_u32 {
                let above = stages.above(user.into());
                prop_assert!(above.iter().all(|(start, end)| start <= end && *end <= stages.end()));
                prop_assert!(above.windows(2).all(|pair| pair[0].1 <= pair[1].0));
            }
        }
    }
}
