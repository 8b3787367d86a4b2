//! The statistics of which expressions are made: `p95`, `ok_share`, `max('backlog')`.

use std::fmt;

use crate::sample::{Outcome, grpc_status_of_word, status_text};
use crate::unit;

/// Whose statistic is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The baseline's run of the round.
    Baseline,
    /// The treatment's run of the round.
    Treatment,
    /// The run at hand; in an experiment the treatment's.
    Run,
}

impl Side {
    /// All sides.
    pub const ALL: [Self; 3] = [Self::Baseline, Self::Treatment, Self::Run];

    /// The word for it in expressions.
    pub fn word(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Treatment => "treatment",
            Self::Run => "run",
        }
    }
}

/// A number that a run comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Statistic {
    /// A metric of times, ms.
    Time(TimeKind, Metric),
    /// Samples that ended in some way.
    Count(CountOf),
    /// The same as a share of all samples.
    Share(CountOf),
    /// Requests that have passed a check that decides nothing, as a share of all that had it.
    CheckShare(String),
    /// Samples that ended `ok`, per second.
    Throughput,
    /// From the load's end to an empty backlog, ms; infinite if it was not empty in time.
    DrainTime,
    /// CPU time per finished request, ms: of one service, or of all.
    CpuPerRequest(Option<String>),
    /// A metric of a signal's readings.
    Signal(SignalMetric, String),
    /// From the end of an event (a fault, a stage, a hook that runs beside the load, or ms since the start) until
    /// response times and answers are back in the band that they kept before it, ms; infinite if never.
    Recovery(String),
    /// The longest time that a signal was above a level, ms; infinite if it was not back when it was last read.
    Excursion(String, f64),
    /// From the start of an event until response times or answers have left that band, ms; infinite if they
    /// do not before they have recovered from it.
    Detection(String),
    /// From the start of an event until a signal has left the range that it kept before it, ms; infinite if it does
    /// not while the run lasts.
    Reaction {
        /// The signal.
        signal: String,
        /// The event.
        event: String,
    },
    /// From the end of an event until a signal is back in that range and stays there, ms; infinite if never.
    Settling {
        /// The signal.
        signal: String,
        /// The event.
        event: String,
    },
    /// How much a series has moved over the stretch, as a share of where it began: the change along
    /// the least-squares line over that line's start.
    Drift(DriftOf),
    /// Spearman's rank correlation of the seconds' 95 % quantiles of response times with a signal.
    Correlation(String),
    /// How much of a race's requests was under way at one moment, averaged over its races: 1 if all
    /// were, 0 if they came one after another.
    Overlap(String),
    /// Races whose entrants were all `ok`.
    AllOk(String),
    /// Races none of whose entrants was `ok`.
    NoneOk(String),
    /// Events that the run's `ok` requests have raised in a stream, whatever is selected.
    Events(String),
    /// The highest load that meets a search goal (the first one's if none is named): of a search, not of a run.
    Capacity(Option<String>),
}

/// What drifts.
#[derive(Clone, Debug, PartialEq)]
pub enum DriftOf {
    /// A signal.
    Signal(String),
    /// This quantile of response times, window by window.
    Quantile(f64),
}

/// Which time of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimeKind {
    /// From the intended start.
    Response,
    /// From the actual sending.
    Service,
}

/// A metric of a distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Metric {
    /// The type 8 quantile at this place of [0, 1].
    Quantile(f64),
    /// The arithmetic mean.
    Mean,
}

/// Which samples are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountOf {
    /// All.
    All,
    /// Those that ended so.
    Outcome(Outcome),
    /// `ok` and `rejected`.
    Answered,
    /// Those with this HTTP status; 0 for no answer.
    Status(u16),
    /// Those that ended `ok` within so many µs of when they were due: goodput.
    Within(u64),
}

/// A metric of a signal's readings, in the signal's own unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalMetric {
    /// Smallest reading.
    Min,
    /// Largest reading.
    Max,
    /// Mean over time.
    Mean,
    /// First reading.
    First,
    /// Last reading.
    Last,
    /// Last less first reading.
    Delta,
    /// Delta per second.
    Rate,
    /// Slope of the least-squares line, per second.
    Slope,
    /// That line's change over the stretch, as a share of the run's largest reading.
    Growth,
    /// The last reading as a share of the run's largest.
    Remaining,
}

impl SignalMetric {
    /// All metrics with their names in expressions.
    pub const ALL: [(&'static str, Self); 10] = [
        ("min", Self::Min),
        ("max", Self::Max),
        ("mean", Self::Mean),
        ("first", Self::First),
        ("last", Self::Last),
        ("delta", Self::Delta),
        ("rate", Self::Rate),
        ("slope", Self::Slope),
        ("growth", Self::Growth),
        ("remaining", Self::Remaining),
    ];
}

/// The names of statistics without an argument, for suggestions; quantiles stand for all of them.
pub(super) const NAMES: [&str; 24] = [
    "p50",
    "p90",
    "p95",
    "p99",
    "p99_9",
    "mean",
    "min",
    "max",
    "service_p50",
    "service_p95",
    "service_p99",
    "service_mean",
    "requests",
    "answered",
    "answered_share",
    "ok",
    "ok_share",
    "failed",
    "failed_share",
    "error_share",
    "throughput",
    "drain_time",
    "cpu_per_request",
    "capacity",
];

/// The names of those that take two arguments, a signal and a level or an event, each with an example.
pub(super) const OF_TWO: [(&str, &str); 3] = [
    ("excursion", "'name of a signal', 2"),
    ("reaction", "'name of a signal', 'name of a fault'"),
    ("settling", "'name of a signal', 'name of a fault'"),
];

/// The names of statistics that take an argument, or two.
pub(super) const METHODS: [&str; 29] = [
    "min",
    "max",
    "mean",
    "first",
    "last",
    "delta",
    "rate",
    "slope",
    "growth",
    "remaining",
    "quantile",
    "service_quantile",
    "status",
    "status_share",
    "check_share",
    "share_within",
    "recovery",
    "excursion",
    "detection",
    "reaction",
    "settling",
    "cpu_per_request",
    "drift",
    "correlation",
    "overlap",
    "all_ok",
    "none_ok",
    "events",
    "capacity",
];

impl Statistic {
    /// The statistic that an attribute names.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let (kind, metric) = match name.strip_prefix("service_") {
            Some(metric) => (TimeKind::Service, metric),
            None => (TimeKind::Response, name),
        };
        if let Some(metric) = Metric::of_name(metric) {
            return Some(Self::Time(kind, metric));
        }
        Some(match name {
            "throughput" => Self::Throughput,
            "drain_time" => Self::DrainTime,
            "cpu_per_request" => Self::CpuPerRequest(None),
            "capacity" => Self::Capacity(None),
            name => match name.strip_suffix("_share") {
                Some(of) => Self::Share(CountOf::of_name(of)?),
                None => Self::Count(CountOf::of_name(name)?),
            },
        })
    }

    /// The statistic that a method with a number names.
    pub(super) fn of_number(method: &str, number: f64) -> Option<Self> {
        let quantile = |kind| {
            (0.0..=100.0)
                .contains(&number)
                .then_some(Self::Time(kind, Metric::Quantile((number * 1e6).round() / 1e8)))
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
        let status = || ((0.0..1000.0).contains(&number)).then_some(CountOf::Status(number as u16));
        match method {
            "quantile" => quantile(TimeKind::Response),
            "service_quantile" => quantile(TimeKind::Service),
            "drift" => match quantile(TimeKind::Response)? {
                Self::Time(_, Metric::Quantile(p)) => Some(Self::Drift(DriftOf::Quantile(p))),
                _ => None,
            },
            "status" => status().map(Self::Count),
            "status_share" => status().map(Self::Share),
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "µs; saturates")]
            "share_within" => {
                (number > 0.0).then_some(Self::Share(CountOf::Within((number * 1e3).round() as u64)))
            }
            _ => None,
        }
    }

    /// The statistic that a method with a name names.
    pub(super) fn of_text(method: &str, text: &str) -> Option<Self> {
        let text = text.to_owned();
        let status = || grpc_status_of_word(&text).map(CountOf::Status);
        match method {
            "status" => status().map(Self::Count),
            "status_share" => status().map(Self::Share),
            "check_share" => Some(Self::CheckShare(text)),
            "share_within" => {
                // A plain number is not a text, and one in quotes would be s where all others are ms.
                let has_unit = text.trim().parse::<f64>().is_err();
                let within = unit::parse_duration(&text).ok().filter(|time| has_unit && !time.is_zero())?;
                Some(Self::Share(CountOf::Within(u64::try_from(within.as_micros()).ok()?)))
            }
            "recovery" => Some(Self::Recovery(text)),
            "detection" => Some(Self::Detection(text)),
            "drift" => Some(Self::Drift(DriftOf::Signal(text))),
            "correlation" => Some(Self::Correlation(text)),
            "overlap" => Some(Self::Overlap(text)),
            "all_ok" => Some(Self::AllOk(text)),
            "none_ok" => Some(Self::NoneOk(text)),
            "events" => Some(Self::Events(text)),
            "capacity" => Some(Self::Capacity(Some(text))),
            "cpu_per_request" => Some(Self::CpuPerRequest(Some(text))),
            _ => SignalMetric::ALL
                .iter()
                .find(|(name, _)| *name == method)
                .map(|(_, metric)| Self::Signal(*metric, text)),
        }
    }

    /// The statistic that a method with a signal and a level names.
    pub(super) fn of_level(method: &str, signal: &str, level: f64) -> Option<Self> {
        (method == "excursion" && level.is_finite()).then(|| Self::Excursion(signal.to_owned(), level))
    }

    /// The statistic that a method with a signal and an event names.
    pub(super) fn of_two(method: &str, signal: &str, event: &str) -> Option<Self> {
        let (signal, event) = (signal.to_owned(), event.to_owned());
        match method {
            "reaction" => Some(Self::Reaction { signal, event }),
            "settling" => Some(Self::Settling { signal, event }),
            _ => None,
        }
    }

    /// Whether it can be had while a run goes on: quantiles of response times, counts and shares by
    /// outcome, and a signal's last reading.
    pub fn is_live(&self) -> bool {
        match self {
            Self::Time(TimeKind::Response, Metric::Quantile(_)) | Self::Signal(SignalMetric::Last, _) => true,
            Self::Count(of) | Self::Share(of) => !matches!(of, CountOf::Status(_) | CountOf::Within(_)),
            _ => false,
        }
    }

    /// Whether it is a time: it then counts in ms.
    pub fn is_time(&self) -> bool {
        let is_measured =
            matches!(self, Self::Time(..) | Self::DrainTime | Self::CpuPerRequest(_) | Self::Excursion(..));
        is_measured || self.event().is_some()
    }

    /// The event that it counts from, if it counts from one.
    pub fn event(&self) -> Option<&str> {
        match self {
            Self::Recovery(event)
            | Self::Detection(event)
            | Self::Reaction { event, .. }
            | Self::Settling { event, .. } => Some(event),
            _ => None,
        }
    }

    /// The quantile's place, for a quantile of times.
    pub fn quantile(&self) -> Option<f64> {
        match self {
            Self::Time(_, Metric::Quantile(p)) => Some(*p),
            _ => None,
        }
    }

    /// The signal that it reads, if it reads one.
    pub fn signal(&self) -> Option<&str> {
        match self {
            Self::Signal(_, name)
            | Self::Excursion(name, _)
            | Self::Drift(DriftOf::Signal(name))
            | Self::Correlation(name)
            | Self::Reaction { signal: name, .. }
            | Self::Settling { signal: name, .. } => Some(name),
            _ => None,
        }
    }
}

impl Metric {
    fn of_name(name: &str) -> Option<Self> {
        match name {
            "mean" => return Some(Self::Mean),
            "min" => return Some(Self::Quantile(0.0)),
            "max" => return Some(Self::Quantile(1.0)),
            _ => {}
        }
        let digits = name.strip_prefix('p')?.replace('_', ".");
        let plain = digits.starts_with(|c: char| c.is_ascii_digit());
        let percent: f64 = digits.parse().ok().filter(|p| plain && (0.0..=100.0).contains(p))?;
        Some(Self::Quantile((percent * 1e6).round() / 1e8))
    }
}

impl CountOf {
    fn of_name(name: &str) -> Option<Self> {
        match name {
            "requests" => Some(Self::All),
            "answered" => Some(Self::Answered),
            word => Outcome::ALL.into_iter().find(|o| o.word() == word).map(Self::Outcome),
        }
    }

    fn word(self) -> String {
        match self {
            Self::All => "requests".to_owned(),
            Self::Answered => "answered".to_owned(),
            Self::Outcome(outcome) => outcome.word().to_owned(),
            Self::Status(status) => format!("status({})", status_argument(status)),
            Self::Within(us) => format!("within('{}ms')", us as f64 / 1e3),
        }
    }
}

impl fmt::Display for Statistic {
    /// As it stands in an expression.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(kind, metric) => {
                let prefix = if *kind == TimeKind::Service { "service_" } else { "" };
                match metric {
                    Metric::Mean => write!(f, "{prefix}mean"),
                    Metric::Quantile(0.0) => write!(f, "{prefix}min"),
                    Metric::Quantile(1.0) => write!(f, "{prefix}max"),
                    Metric::Quantile(p) => {
                        // 0.999 · 100 is not quite 99.9.
                        let percent = (p * 1e8).round() / 1e6;
                        write!(f, "{prefix}p{}", percent.to_string().replace('.', "_"))
                    }
                }
            }
            Self::Count(of) => f.write_str(&of.word()),
            Self::Share(CountOf::Status(status)) => write!(f, "status_share({})", status_argument(*status)),
            Self::Share(of @ CountOf::Within(_)) => write!(f, "share_{}", of.word()),
            Self::Share(of) => write!(f, "{}_share", of.word()),
            Self::Throughput => f.write_str("throughput"),
            Self::DrainTime => f.write_str("drain_time"),
            Self::CpuPerRequest(None) => f.write_str("cpu_per_request"),
            Self::CpuPerRequest(Some(service)) => write!(f, "cpu_per_request('{service}')"),
            Self::Signal(metric, name) => {
                let word = SignalMetric::ALL.iter().find(|(_, f)| f == metric).map_or("", |(word, _)| word);
                write!(f, "{word}('{name}')")
            }
            Self::CheckShare(check) => write!(f, "check_share('{check}')"),
            Self::Recovery(event) => write!(f, "recovery('{event}')"),
            Self::Excursion(name, level) => write!(f, "excursion('{name}', {level})"),
            Self::Detection(event) => write!(f, "detection('{event}')"),
            Self::Reaction { signal, event } => write!(f, "reaction('{signal}', '{event}')"),
            Self::Settling { signal, event } => write!(f, "settling('{signal}', '{event}')"),
            Self::Drift(DriftOf::Signal(name)) => write!(f, "drift('{name}')"),
            Self::Drift(DriftOf::Quantile(p)) => write!(f, "drift({})", (p * 1e8).round() / 1e6),
            Self::Correlation(name) => write!(f, "correlation('{name}')"),
            Self::Overlap(race) => write!(f, "overlap('{race}')"),
            Self::AllOk(race) => write!(f, "all_ok('{race}')"),
            Self::NoneOk(race) => write!(f, "none_ok('{race}')"),
            Self::Events(stream) => write!(f, "events('{stream}')"),
            Self::Capacity(None) => f.write_str("capacity"),
            Self::Capacity(Some(goal)) => write!(f, "capacity('{goal}')"),
        }
    }
}

/// A status as it stands in a formula: `404`, `'NOT_FOUND'`.
fn status_argument(status: u16) -> String {
    let text = status_text(status);
    if text.starts_with(|c: char| c.is_ascii_digit()) { text } else { format!("'{text}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_is_suggested_exists_and_is_written_back() {
        for name in NAMES {
            let statistic = Statistic::of_name(name).unwrap_or_else(|| panic!("{name}"));
            let again = Statistic::of_name(&statistic.to_string()).unwrap();
            assert_eq!(again, statistic, "{name}");
        }
        for method in METHODS {
            let found = Statistic::of_text(method, "x")
                .or_else(|| Statistic::of_number(method, 50.0))
                .or_else(|| Statistic::of_level(method, "x", 50.0))
                .or_else(|| Statistic::of_two(method, "x", "y"));
            assert!(found.is_some(), "{method}");
        }
    }

    #[test]
    fn a_share_within_a_time_takes_a_duration_or_ms_and_is_written_back() {
        let within = |us| Some(Statistic::Share(CountOf::Within(us)));
        assert_eq!(Statistic::of_text("share_within", "200ms"), within(200_000));
        assert_eq!(Statistic::of_number("share_within", 0.5), within(500));
        for us in [1, 500, 200_000, 3_000_000] {
            let text = within(us).unwrap().to_string();
            let argument = text.strip_prefix("share_within('").unwrap().strip_suffix("')").unwrap();
            assert_eq!(Statistic::of_text("share_within", argument), within(us), "{text}");
        }
        for text in ["soon", "0s", "200"] {
            assert_eq!(Statistic::of_text("share_within", text), None, "{text}");
        }
        assert_eq!(Statistic::of_number("share_within", 0.0), None);
    }

    #[test]
    fn quantiles_are_written_with_an_underscore_for_the_point() {
        assert_eq!(Statistic::of_name("p99_9").unwrap().quantile(), Some(0.999));
        assert_eq!(Statistic::Time(TimeKind::Response, Metric::Quantile(0.999)).to_string(), "p99_9");
        for wrong in ["p", "p101", "p9x", "pinf", "p-1", "percentile"] {
            assert_eq!(Statistic::of_name(wrong), None, "{wrong}");
        }
    }
}
