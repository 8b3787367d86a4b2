//! Faults that are planted on purpose, so that a load test can be held against them.
//!
//! Every draw follows from the truth's seed and a number: that of the request, of the job, or of
//! the server's start. Starts are counted in a file (see [`Faults::starts_file`]).

use std::{num::NonZeroUsize, path::PathBuf, str::FromStr, time::Duration};

use crate::random;

/// Seeds of the sequences; those below are the truth's own.
const FATES: u64 = 3;
const FLAKY_STARTS: u64 = 4;
const FLAKY_REQUESTS: u64 = 5;
const UNAVAILABLE: u64 = 6;
const SLOW_REQUESTS: u64 = 7;
const SLOW_STARTS: u64 = 8;
const LOST_EFFECTS: u64 = 9;

/// Share of its requests that a flaky server fails.
const FLAKY_SHARE: f64 = 0.5;

/// What is wrong with a server. Shares are in [0, 1]; times count from the server's start or its
/// last reset.
#[derive(Clone, Debug)]
pub struct Faults {
    /// Share of the requests that are never answered.
    pub hang: f64,
    /// Share of the requests that are answered with 500 at once, without their service time.
    pub fail_fast: f64,
    /// Share of the requests that are answered with 429 at once; with the two above at most 1.
    pub shed: f64,
    /// Whether all bodies are empty; statuses stay as they are.
    pub empty_bodies: bool,
    /// How many requests are served at a time, while the others queue; all of them if none.
    /// What is answered at once, or never, takes no place.
    pub places: Option<NonZeroUsize>,
    /// Probability that a start gives a server that fails half of its requests for its whole life,
    /// with 500 at once.
    pub flaky_starts: f64,
    /// From when on a server fails half of its requests, whatever its start.
    pub flaky_after: Option<Duration>,
    /// Share of the requests that are answered with 503 at once, from `unavailable_after` on.
    pub unavailable: f64,
    /// When that begins; it never ends.
    pub unavailable_after: Duration,
    /// Share of the requests that take `slow_factor` times their service time.
    pub slow_requests: f64,
    /// Probability that a start gives a server all of whose requests do.
    pub slow_starts: f64,
    /// The factor of both.
    pub slow_factor: f64,
    /// Factor by which each start is slower than the one before it; 1 changes nothing.
    pub slower_per_start: f64,
    /// Share of the jobs that are accepted and never become visible.
    pub lost_effects: f64,
    /// How `/metrics` answers.
    pub metrics_page: MetricsPage,
    /// When the counters on `/metrics` begin again at 0, once.
    pub counters_restart_after: Option<Duration>,
    /// The file in which starts are counted, one byte each; without it every start is the first.
    pub starts_file: Option<PathBuf>,
}

/// How the metrics page answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsPage {
    /// At once.
    Prompt,
    /// With the counts as they are after this time.
    Slow(Duration),
    /// Never; the connection stays open.
    Dead,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It takes its service time.
    Served,
    /// It is answered with this status at once.
    Refused(u16),
    /// It is never answered.
    Hangs,
}

impl Default for Faults {
    /// None at all.
    fn default() -> Self {
        Faults {
            hang: 0.0,
            fail_fast: 0.0,
            shed: 0.0,
            empty_bodies: false,
            places: None,
            flaky_starts: 0.0,
            flaky_after: None,
            unavailable: 0.0,
            unavailable_after: Duration::ZERO,
            slow_requests: 0.0,
            slow_starts: 0.0,
            slow_factor: 1.0,
            slower_per_start: 1.0,
            lost_effects: 0.0,
            metrics_page: MetricsPage::Prompt,
            counters_restart_after: None,
            starts_file: None,
        }
    }
}

impl Faults {
    /// What becomes of request `number`, which arrives at `at`, on start `start` (from 0).
    pub(crate) fn fate(&self, seed: u64, start: u64, number: u64, at: Duration) -> Fate {
        let drawn = unit(seed, FATES, number);
        let is_flaky = is_drawn(self.flaky_starts, seed, FLAKY_STARTS, start)
            || self.flaky_after.is_some_and(|after| at >= after);
        if drawn < self.hang {
            Fate::Hangs
        } else if drawn < self.hang + self.fail_fast {
            Fate::Refused(500)
        } else if drawn < self.hang + self.fail_fast + self.shed {
            Fate::Refused(429)
        } else if is_flaky && is_drawn(FLAKY_SHARE, seed, FLAKY_REQUESTS, number) {
            Fate::Refused(500)
        } else if at >= self.unavailable_after && is_drawn(self.unavailable, seed, UNAVAILABLE, number) {
            Fate::Refused(503)
        } else {
            Fate::Served
        }
    }

    /// What multiplies the service time of request `number` on start `start` (from 0).
    pub(crate) fn factor(&self, seed: u64, start: u64, number: u64) -> f64 {
        let is_slow = is_drawn(self.slow_requests, seed, SLOW_REQUESTS, number)
            || is_drawn(self.slow_starts, seed, SLOW_STARTS, start);
        let own = if is_slow { self.slow_factor } else { 1.0 };
        own * self.slower_per_start.powf(start as f64)
    }

    /// Whether job `number` never becomes visible.
    pub(crate) fn is_lost(&self, seed: u64, number: u64) -> bool {
        is_drawn(self.lost_effects, seed, LOST_EFFECTS, number)
    }

    /// Whether the counters on the metrics page have begun again by `at`.
    pub(crate) fn has_restarted(&self, at: Duration) -> bool {
        self.counters_restart_after.is_some_and(|after| at >= after)
    }

    /// Says what is impossible about them, if anything.
    pub(crate) fn check(&self) -> Result<(), String> {
        let shares = [
            ("hang", self.hang),
            ("fail-fast", self.fail_fast),
            ("shed", self.shed),
            ("hang, fail-fast and shed together", self.hang + self.fail_fast + self.shed),
            ("flaky-starts", self.flaky_starts),
            ("unavailable", self.unavailable),
            ("slow-requests", self.slow_requests),
            ("slow-starts", self.slow_starts),
            ("lost-effects", self.lost_effects),
        ];
        if let Some((name, share)) = shares.iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            return Err(format!("share `{share}` of {name} is not in [0, 1]"));
        }
        let factors = [self.slow_factor, self.slower_per_start];
        if let Some(factor) = factors.iter().find(|f| !(f.is_finite() && **f > 0.0)) {
            return Err(format!("`{factor}` is not a positive factor"));
        }
        Ok(())
    }
}

impl FromStr for MetricsPage {
    type Err = String;

    /// Reads `prompt`, `slow:1s` or `dead`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "prompt" => Ok(MetricsPage::Prompt),
            None if text == "dead" => Ok(MetricsPage::Dead),
            Some(("slow", time)) => match humantime::parse_duration(time) {
                Ok(time) => Ok(MetricsPage::Slow(time)),
                Err(error) => Err(format!("`{time}`: {error}")),
            },
            _ => Err(format!("`{text}` is not prompt, slow:TIME or dead")),
        }
    }
}

fn is_drawn(share: f64, seed: u64, sequence: u64, number: u64) -> bool {
    share > 0.0 && unit(seed, sequence, number) < share
}

fn unit(seed: u64, sequence: u64, number: u64) -> f64 {
    random::unit(random::bits(seed, sequence), number)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Fate, Faults, MetricsPage};

    const SEED: u64 = 1;
    const SECOND: Duration = Duration::from_secs(1);

    fn count(faults: &Faults, start: u64, at: Duration, fate: Fate) -> usize {
        (0..1000).filter(|n| faults.fate(SEED, start, *n, at) == fate).count()
    }

    #[test]
    fn each_fate_takes_its_share_and_the_rest_is_served() {
        let faults = Faults { hang: 0.1, fail_fast: 0.2, shed: 0.3, ..Faults::default() };
        let shares =
            [(Fate::Hangs, 100), (Fate::Refused(500), 200), (Fate::Refused(429), 300), (Fate::Served, 400)];
        for (fate, expected) in shares {
            let found = count(&faults, 0, Duration::ZERO, fate);
            assert!(found.abs_diff(expected) < 50, "{fate:?}: {found}");
        }
        assert_eq!(count(&Faults::default(), 0, SECOND, Fate::Served), 1000);
    }

    #[test]
    fn the_same_seed_gives_the_same_fates_and_another_seed_others() {
        let faults = Faults { hang: 0.3, ..Faults::default() };
        let of = |seed| (0..100).map(|n| faults.fate(seed, 0, n, SECOND)).collect::<Vec<_>>();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn a_share_of_the_starts_is_flaky_for_its_whole_life() {
        let faults = Faults { flaky_starts: 0.5, ..Faults::default() };
        let failed: Vec<usize> =
            (0..40).map(|start| count(&faults, start, SECOND, Fate::Refused(500))).collect();
        let flaky = failed.iter().filter(|n| **n > 0).count();
        assert!((10..30).contains(&flaky), "{flaky} of 40");
        assert!(failed.iter().all(|n| *n == 0 || n.abs_diff(500) < 60), "{failed:?}");
    }

    #[test]
    fn what_begins_at_a_moment_begins_then_and_stays() {
        let faults = Faults { unavailable: 0.9, unavailable_after: SECOND, ..Faults::default() };
        assert_eq!(count(&faults, 0, Duration::from_millis(999), Fate::Served), 1000);
        for at in [SECOND, 1000 * SECOND] {
            let refused = count(&faults, 0, at, Fate::Refused(503));
            assert!((860..940).contains(&refused), "{refused}");
        }
        let flaky = Faults { flaky_after: Some(SECOND), ..Faults::default() };
        assert_eq!(count(&flaky, 0, Duration::ZERO, Fate::Served), 1000);
        assert!(count(&flaky, 0, SECOND, Fate::Refused(500)).abs_diff(500) < 60);
        let restart = Faults { counters_restart_after: Some(SECOND), ..Faults::default() };
        assert!(!restart.has_restarted(Duration::ZERO) && restart.has_restarted(SECOND));
    }

    #[test]
    fn slow_requests_and_slow_starts_multiply_by_the_factor() {
        let requests = Faults { slow_requests: 0.1, slow_factor: 3.0, ..Faults::default() };
        let slow = (0..1000).filter(|n| requests.factor(SEED, 0, *n) == 3.0).count();
        assert!(slow.abs_diff(100) < 40, "{slow}");
        let starts = Faults { slow_starts: 0.5, slow_factor: 3.0, ..Faults::default() };
        let slow: Vec<bool> = (0..40).map(|start| starts.factor(SEED, start, 0) == 3.0).collect();
        assert!(slow.contains(&true) && slow.contains(&false));
        assert!((0..100).all(|n| starts.factor(SEED, 7, n) == starts.factor(SEED, 7, 0)));
    }

    #[test]
    fn each_start_is_slower_than_the_one_before_by_the_same_factor() {
        let faults = Faults { slower_per_start: 1.1, ..Faults::default() };
        assert_eq!(faults.factor(SEED, 0, 0), 1.0);
        for start in 0..9 {
            let ratio = faults.factor(SEED, start + 1, 5) / faults.factor(SEED, start, 5);
            assert!((ratio - 1.1).abs() < 1e-12, "{ratio}");
        }
    }

    #[test]
    fn a_share_of_the_jobs_is_lost() {
        let faults = Faults { lost_effects: 0.3, ..Faults::default() };
        let lost = (0..1000).filter(|n| faults.is_lost(SEED, *n)).count();
        assert!(lost.abs_diff(300) < 50, "{lost}");
    }

    #[test]
    fn impossible_faults_are_refused() {
        assert!(Faults::default().check().is_ok());
        assert!(Faults { hang: 0.6, shed: 0.6, ..Faults::default() }.check().is_err());
        assert!(Faults { lost_effects: -0.1, ..Faults::default() }.check().is_err());
        assert!(Faults { slow_requests: f64::NAN, ..Faults::default() }.check().is_err());
        assert!(Faults { slow_factor: 0.0, ..Faults::default() }.check().is_err());
    }

    #[test]
    fn metrics_pages_are_read_from_text() {
        assert_eq!("prompt".parse(), Ok(MetricsPage::Prompt));
        assert_eq!("slow:1s".parse(), Ok(MetricsPage::Slow(SECOND)));
        assert_eq!("dead".parse(), Ok(MetricsPage::Dead));
        for text in ["", "slow", "slow:1", "late:1s"] {
            assert!(text.parse::<MetricsPage>().is_err(), "{text}");
        }
    }
}
