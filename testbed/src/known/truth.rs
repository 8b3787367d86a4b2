//! What is true of a server, as a value, and what follows from it for the n-th request.

use std::{str::FromStr, time::Duration};

use super::{Faults, Stalls};
use crate::random;

/// Seeds of the two sequences, so that long requests and failed requests are independent.
const SERVICE_TIMES: u64 = 1;
const ERRORS: u64 = 2;

/// What a measurement of the server should find.
#[derive(Clone, Debug)]
pub struct Truth {
    /// How long a request takes, before `slowdown`.
    pub service_time: ServiceTime,
    /// Multiplies every service time; 1 changes nothing, 2 is a server exactly twice as slow.
    pub slowdown: f64,
    /// When the server stands still, if ever.
    pub stalls: Option<Stalls>,
    /// Share of the requests that are answered with `error_status`, in [0, 1].
    pub errors: f64,
    /// The status of such an answer.
    pub error_status: u16,
    /// The status of every other answer.
    pub status: u16,
    /// The body of every answer that has no better one.
    pub body: String,
    /// From the answer that accepts a job to the job being visible.
    pub effect_delay: Duration,
    /// Which of the possible sequences of service times, errors and faults it is.
    pub seed: u64,
    /// What else is wrong with it.
    pub faults: Faults,
}

/// The distribution that service times are drawn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ServiceTime {
    /// Always the same.
    Constant(Duration),
    /// Every time between `low` and `high` is as likely.
    Uniform {
        /// The shortest.
        low: Duration,
        /// The longest.
        high: Duration,
    },
    /// Logarithms are normal: a long tail to the right, as real services have.
    LogNormal {
        /// Half of the requests take less.
        median: Duration,
        /// Standard deviation of the natural logarithm; p99 is `median * exp(2.326 * sigma)`.
        sigma: f64,
    },
}

impl Default for Truth {
    /// A server that answers `200 ok` at once, always.
    fn default() -> Self {
        Truth {
            service_time: ServiceTime::Constant(Duration::ZERO),
            slowdown: 1.0,
            stalls: None,
            errors: 0.0,
            error_status: 500,
            status: 200,
            body: "ok".to_owned(),
            effect_delay: Duration::ZERO,
            seed: 1,
            faults: Faults::default(),
        }
    }
}

impl Truth {
    /// How long request `number` takes, stalls and faults apart.
    pub fn service_time(&self, number: u64) -> Duration {
        let seed = random::bits(self.seed, SERVICE_TIMES);
        scale(self.service_time.draw(seed, number), self.slowdown)
    }

    /// Whether request `number` is answered with the error.
    pub fn is_error(&self, number: u64) -> bool {
        self.errors > 0.0 && random::unit(random::bits(self.seed, ERRORS), number) < self.errors
    }

    /// Says what is impossible about it, if anything.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !(self.slowdown.is_finite() && self.slowdown >= 0.0) {
            return Err(format!("slow-down `{}` is not a factor", self.slowdown));
        }
        if !(0.0..=1.0).contains(&self.errors) {
            return Err(format!("error share `{}` is not in [0, 1]", self.errors));
        }
        for status in [self.status, self.error_status] {
            if !(200..=599).contains(&status) {
                return Err(format!("status `{status}` is not in 200..=599"));
            }
        }
        if let Some(stalls) = self.stalls
            && (stalls.length.is_zero() || stalls.length >= stalls.period)
        {
            return Err(format!(
                "a stall of `{:?}` does not fit into a period of `{:?}`",
                stalls.length, stalls.period
            ));
        }
        self.faults.check()?;
        self.service_time.check()
    }
}

impl ServiceTime {
    fn draw(self, seed: u64, number: u64) -> Duration {
        match self {
            ServiceTime::Constant(time) => time,
            ServiceTime::Uniform { low, high } => {
                low + scale(high.saturating_sub(low), random::unit(seed, number))
            }
            ServiceTime::LogNormal { median, sigma } => {
                scale(median, (sigma * random::normal(seed, number)).exp())
            }
        }
    }

    fn check(self) -> Result<(), String> {
        match self {
            ServiceTime::Uniform { low, high } if low > high => {
                Err(format!("`{low:?}` is longer than `{high:?}`"))
            }
            ServiceTime::LogNormal { sigma, .. } if !(sigma.is_finite() && sigma >= 0.0) => {
                Err(format!("sigma `{sigma}` is not a deviation"))
            }
            _ => Ok(()),
        }
    }
}

impl FromStr for ServiceTime {
    type Err = String;

    /// Reads `1ms`, `uniform:1ms..3ms` or `lognormal:1ms,0.5` (median and sigma).
    fn from_str(text: &str) -> Result<Self, String> {
        let read = |part: &str| humantime::parse_duration(part).map_err(|error| format!("`{part}`: {error}"));
        let (name, values) = text.split_once(':').unwrap_or(("constant", text));
        let time = match name {
            "constant" => ServiceTime::Constant(read(values)?),
            "uniform" => {
                let (low, high) = values
                    .split_once("..")
                    .ok_or_else(|| format!("`{values}` is no range such as `1ms..3ms`"))?;
                ServiceTime::Uniform { low: read(low)?, high: read(high)? }
            }
            "lognormal" => {
                let (median, sigma) = values
                    .split_once(',')
                    .ok_or_else(|| format!("`{values}` lacks a sigma, as in `1ms,0.5`"))?;
                ServiceTime::LogNormal {
                    median: read(median)?,
                    sigma: sigma.parse().map_err(|error| format!("sigma `{sigma}`: {error}"))?,
                }
            }
            _ => return Err(format!("`{name}` is not constant, uniform or lognormal")),
        };
        time.check()?;
        Ok(time)
    }
}

/// `time * factor`, as long as a duration can be where that is too long.
pub(super) fn scale(time: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(time.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ServiceTime, Stalls, Truth};

    const MS: Duration = Duration::from_millis(1);

    fn of(service_time: ServiceTime) -> Truth {
        Truth { service_time, ..Truth::default() }
    }

    #[test]
    fn the_slow_down_multiplies_the_service_time_exactly() {
        let slow = Truth { slowdown: 2.0, ..of(ServiceTime::Constant(MS)) };
        assert_eq!(slow.service_time(0), 2 * MS);
    }

    #[test]
    fn a_log_normal_service_time_has_the_stated_median() {
        let truth = of(ServiceTime::LogNormal { median: 10 * MS, sigma: 0.5 });
        let shorter = (0..10_000).filter(|n| truth.service_time(*n) < 10 * MS).count();
        assert!((4_850..5_150).contains(&shorter), "{shorter} of 10000");
    }

    #[test]
    fn a_uniform_service_time_stays_in_its_range() {
        let truth = of(ServiceTime::Uniform { low: MS, high: 3 * MS });
        assert!((0..1000).all(|n| (MS..=3 * MS).contains(&truth.service_time(n))));
    }

    #[test]
    fn the_same_seed_gives_the_same_errors_and_another_seed_others() {
        let errors = |seed| -> Vec<u64> {
            let truth = Truth { errors: 0.1, seed, ..Truth::default() };
            (0..1000).filter(|n| truth.is_error(*n)).collect()
        };
        assert_eq!(errors(1), errors(1));
        assert_ne!(errors(1), errors(2));
        assert!((70..130).contains(&errors(1).len()));
    }

    #[test]
    fn service_times_are_read_from_text() {
        let cases = [
            ("1ms", ServiceTime::Constant(MS)),
            ("0s", ServiceTime::Constant(Duration::ZERO)),
            ("uniform:1ms..3ms", ServiceTime::Uniform { low: MS, high: 3 * MS }),
            ("lognormal:1ms,0.5", ServiceTime::LogNormal { median: MS, sigma: 0.5 }),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse(), Ok(expected));
        }
        for text in ["", "1", "uniform:3ms..1ms", "lognormal:1ms", "normal:1ms,1"] {
            assert!(text.parse::<ServiceTime>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_impossible_truth_is_refused() {
        let endless = Truth { stalls: Some(Stalls { period: MS, length: MS }), ..Truth::default() };
        assert!(endless.check().is_err());
        assert!(Truth { errors: 1.5, ..Truth::default() }.check().is_err());
        assert!(Truth { status: 20, ..Truth::default() }.check().is_err());
        assert!(Truth { slowdown: f64::NAN, ..Truth::default() }.check().is_err());
    }
}
