//! The faults of the server of known truth, as flags.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use humantime::parse_duration;
use testbed::known::{Faults, MetricsPage};

/// Times count from the server's start, or its last reset.
#[derive(clap::Args)]
#[command(next_help_heading = "Faults")]
pub(crate) struct FaultArgs {
    /// Share of the requests that are never answered
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    hang: f64,
    /// Share of the requests that are answered with 500 at once
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    fail_fast: f64,
    /// Share of the requests that are answered with 429 at once
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    shed: f64,
    /// Answer with empty bodies and the same statuses
    #[arg(long)]
    empty_bodies: bool,
    /// Serve so many requests at a time; the others queue [default: all at once]
    #[arg(long, value_name = "N")]
    places: Option<NonZeroUsize>,
    /// Probability that a start fails half of its requests for its whole life
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    flaky_starts: f64,
    /// Fail half of the requests from this moment on
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    flaky_after: Option<Duration>,
    /// Share of the requests that are answered with 503 from a moment on, for good
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    unavailable: f64,
    /// That moment
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "0s")]
    unavailable_after: Duration,
    /// Share of the requests that take longer, by the slow factor
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    slow_requests: f64,
    /// Probability that all requests of a start do
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    slow_starts: f64,
    /// The slow factor
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    slow_factor: f64,
    /// Factor by which each start is slower than the one before
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    slower_per_start: f64,
    /// Share of the jobs that never become visible
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    lost_effects: f64,
    /// How the metrics page answers: `prompt`, `slow:1s`, or `dead` (never)
    #[arg(long, value_name = "HOW", default_value = "prompt")]
    metrics_page: MetricsPage,
    /// Begin the counters on the metrics page again at 0 at this moment
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    counters_restart_after: Option<Duration>,
    /// File in which starts are counted, one byte each [default: every start is the first]
    #[arg(long, value_name = "FILE")]
    starts_file: Option<PathBuf>,
}

impl FaultArgs {
    /// The faults that these arguments stand for.
    pub(crate) fn faults(self) -> Faults {
        Faults {
            hang: self.hang,
            fail_fast: self.fail_fast,
            shed: self.shed,
            empty_bodies: self.empty_bodies,
            places: self.places,
            flaky_starts: self.flaky_starts,
            flaky_after: self.flaky_after,
            unavailable: self.unavailable,
            unavailable_after: self.unavailable_after,
            slow_requests: self.slow_requests,
            slow_starts: self.slow_starts,
            slow_factor: self.slow_factor,
            slower_per_start: self.slower_per_start,
            lost_effects: self.lost_effects,
            metrics_page: self.metrics_page,
            counters_restart_after: self.counters_restart_after,
            starts_file: self.starts_file,
        }
    }
}
