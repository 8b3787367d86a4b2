//! What follows from a pilot round: how long runs last, and what is to be said before the time is spent.

use std::time::Duration;

use crate::run::PilotResult;
use crate::scenario::lasting::Lasting;
use crate::unit;
use crate::verdict::pilot::{MARGIN, Pilot};
use crate::verdict::{LEAST_ROUNDS, Ledger};

/// What the pilot's experiment has to make do with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Means<'a> {
    /// The run time of the scenario or the command line; how long the load took, where it has none.
    pub(super) stated: Duration,
    /// What of the load grows.
    pub(super) lasting: &'a Lasting,
    /// Runs of a round.
    pub(super) arms: u32,
    /// How long the pilot round took, starts and drains included.
    pub(super) took: Duration,
    /// The planned looks.
    pub(super) ledger: &'a Ledger,
    /// The time for all that is to come; none without a budget.
    pub(super) left: Option<Duration>,
}

impl Means<'_> {
    /// How long a round takes whose runs last so long.
    fn round(&self, run_time: Duration) -> Duration {
        self.took.saturating_sub(self.stated * self.arms) + run_time * self.arms
    }

    /// Rounds of the first planned look: the fewest that decide anything.
    fn least_rounds(&self) -> u32 {
        let first = self.ledger.planned()[0].0.max(LEAST_ROUNDS);
        u32::try_from(first).unwrap_or(u32::MAX)
    }

    /// The longest run time with which the first look is within the budget.
    fn affordable(&self) -> Option<Duration> {
        let around = self.took.saturating_sub(self.stated * self.arms);
        let for_runs = (self.left? / self.least_rounds()).saturating_sub(around);
        Some(for_runs / self.arms.max(1))
    }
}

/// The run time of the rounds, and what is said of it. Runs are never shortened.
pub(super) fn result(found: &Pilot, means: &Means<'_>) -> PilotResult {
    let lasting = means.lasting;
    let said = |time: Duration| lasting.text(time, means.stated);
    let wanted = whole(lasting, found.run_time_s.max(means.stated.as_secs_f64()), f64::ceil);
    let affordable = means.affordable().map_or(wanted, |most| whole(lasting, most.as_secs_f64(), f64::floor));
    let fixed = match lasting {
        Lasting::Fixed(why) => Some(*why),
        _ => None,
    };
    let run_time = if fixed.is_some() { means.stated } else { wanted.min(affordable).max(means.stated) };
    let mut text = match found.reasons.first() {
        None => match lasting {
            Lasting::Bursts { .. } | Lasting::Iterations { .. } => format!("{} suffice.", said(means.stated)),
            _ => format!("A run time of {} suffices.", said(means.stated)),
        },
        Some(reason) if run_time > means.stated => {
            let verb = match lasting {
                Lasting::Bursts { .. } => "have",
                Lasting::Iterations { .. } => "make",
                _ => "last",
            };
            format!("Runs {verb} {} in place of {}: {reason}.", said(run_time), said(means.stated))
        }
        Some(reason) => format!("Runs stay at {}, though {reason}.", said(means.stated)),
    };
    if let (Some(why), false) = (fixed, found.reasons.is_empty()) {
        text.push_str(&format!(" They are not made longer: {why}."));
        if found.wanted_s.is_finite() {
            let times = found.wanted_s / means.stated.as_secs_f64();
            text.push_str(&format!(
                " {} times as much load would be needed.",
                unit::plain((times * 10.0).ceil() / 10.0)
            ));
        }
    } else if wanted > affordable {
        text.push_str(&format!(
            " The budget leaves too little for runs of {} in {} rounds.",
            said(wanted),
            means.least_rounds()
        ));
    } else if found.wanted_s > found.run_time_s {
        let needed = Duration::try_from_secs_f64(found.wanted_s)
            .map_or(String::new(), |time| format!(" ({} would be needed)", said(time)));
        text.push_str(&format!(" That may be too short{needed}: {}.", lasting.remedy()));
    }
    text.push_str(&times(run_time, means));
    if let Some(rounds) = found.rounds {
        text.push_str(&format!(
            " Claims whose truth lies {} from their bound probably take {rounds} rounds or more.",
            unit::share(MARGIN - 1.0)
        ));
    }
    let run_time_us =
        (run_time > means.stated).then(|| i64::try_from(run_time.as_micros()).unwrap_or(i64::MAX));
    PilotResult { run_time_us, text }
}

/// A run time in whole bursts, or in whole seconds where these hardly matter.
fn whole(lasting: &Lasting, seconds: f64, rounded: fn(f64) -> f64) -> Duration {
    let seconds = match lasting {
        Lasting::Bursts { every } => rounded(seconds / every.as_secs_f64()) * every.as_secs_f64(),
        // Journeys are rounded themselves.
        Lasting::Iterations { .. } => seconds,
        _ if seconds < 10.0 => seconds,
        _ => rounded(seconds),
    };
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// A time as it is said: to a tenth of a second below a minute.
fn span(time: Duration) -> String {
    unit::span((time.as_secs_f64() * 10.0).round() / 10.0)
}

/// How long the planned looks take to reach, and which of them the budget does not allow.
fn times(run_time: Duration, means: &Means<'_>) -> String {
    let round = means.round(run_time);
    let looks: Vec<u32> =
        means.ledger.planned().iter().map(|look| u32::try_from(look.0).unwrap_or(u32::MAX)).collect();
    let time = |rounds: u32| round.saturating_mul(rounds);
    let took = |rounds: &u32| format!("{rounds} rounds take {}", span(time(*rounds)));
    let mut text = format!(" {}", looks.iter().map(took).collect::<Vec<_>>().join(", "));
    if let Some(left) = means.left {
        let rounds = if round.is_zero() { f64::INFINITY } else { left.as_secs_f64() / round.as_secs_f64() };
        let is_beyond = looks.iter().any(|rounds| time(*rounds) > left);
        if is_beyond {
            text.push_str(&format!(
                "; the {} that are left of the budget allow {}",
                span(left),
                unit::plain(rounds.floor())
            ));
        }
    }
    text + "."
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn found(run_time_s: f64, wanted_s: f64) -> Pilot {
        let reasons =
            vec!["`baseline.p99` is based on 12 independent events per run, and 30 are wanted".to_owned()];
        Pilot { run_time_s, wanted_s, reasons, rounds: Some(10) }
    }

    /// Runs of 60 s, with 5 s around each.
    fn means(ledger: &Ledger, left: Option<Duration>) -> Means<'_> {
        Means { stated: 60 * S, lasting: &Lasting::RunTime, arms: 2, took: 130 * S, ledger, left }
    }

    #[test]
    fn runs_get_longer_and_the_time_is_said() {
        let ledger = Ledger::new(20);
        let result = result(&found(150.0, 150.0), &means(&ledger, None));
        assert_eq!(result.run_time_us, Some(150_000_000));
        assert_eq!(
            result.text,
            "Runs last 2 min 30 s in place of 1 min: `baseline.p99` is based on 12 independent events per run, and 30 are \
             wanted. 5 rounds take 25 min 50 s, 10 rounds take 51 min 40 s, 20 rounds take 1 h 43 min. Claims whose truth \
             lies 10 % from their bound probably take 10 rounds or more."
        );
    }

    #[test]
    fn a_budget_shortens_what_would_exceed_it_but_not_below_what_was_stated() {
        let ledger = Ledger::new(20);
        // Five rounds of 200 s: 10 s around two runs of 95 s.
        let some = result(&found(150.0, 150.0), &means(&ledger, Some(1000 * S)));
        assert_eq!(some.run_time_us, Some(95_000_000));
        assert!(
            some.text.contains("The budget leaves too little for runs of 2 min 30 s in 5 rounds"),
            "{}",
            some.text
        );
        assert!(some.text.contains("left of the budget allow 5."), "{}", some.text);
        let none = result(&found(150.0, 150.0), &means(&ledger, Some(300 * S)));
        assert_eq!(none.run_time_us, None);
        assert!(none.text.starts_with("Runs stay at 1 min, though"), "{}", none.text);
        assert!(none.text.contains("allow 2."), "{}", none.text);
    }

    #[test]
    fn what_four_times_the_time_does_not_meet_is_said() {
        let ledger = Ledger::exactly(8);
        let text = |wanted| result(&found(240.0, wanted), &means(&ledger, None)).text;
        assert!(
            text(600.0).contains("may be too short (10 min would be needed): state a longer `run_time`"),
            "{}",
            text(600.0)
        );
        assert!(text(f64::INFINITY).contains("may be too short: state"), "{}", text(f64::INFINITY));
        assert!(text(240.0).contains(" 8 rounds take "), "{}", text(240.0));
        let enough = Pilot { run_time_s: 60.0, wanted_s: 60.0, reasons: Vec::new(), rounds: None };
        let result = result(&enough, &means(&ledger, None));
        assert_eq!(result.run_time_us, None);
        assert!(
            result.text.starts_with("A run time of 1 min suffices. 8 rounds take 17 min"),
            "{}",
            result.text
        );
    }

    #[test]
    fn counts_grow_and_stages_say_why_they_do_not() {
        let ledger = Ledger::exactly(8);
        let with = |lasting: &Lasting, run_time_s, wanted_s| {
            result(&found(run_time_s, wanted_s), &Means { lasting, ..means(&ledger, None) })
        };
        let journeys = with(&Lasting::Iterations { stated: 1_000 }, 150.0, 150.0);
        assert!(
            journeys.text.starts_with("Runs make 2500 journeys in place of 1000 journeys: "),
            "{}",
            journeys.text
        );
        assert_eq!(journeys.run_time_us, Some(150_000_000));
        let bursts = with(&Lasting::Bursts { every: 20 * S }, 110.0, 900.0);
        assert!(bursts.text.starts_with("Runs have 6 bursts in place of 3 bursts: "), "{}", bursts.text);
        assert!(
            bursts.text.contains("(45 bursts would be needed): state more bursts (`times`)"),
            "{}",
            bursts.text
        );
        assert_eq!(bursts.run_time_us, Some(120_000_000));
        let fixed = with(&Lasting::Fixed("its stages keep their times"), 150.0, 150.0);
        assert_eq!(fixed.run_time_us, None);
        assert!(
            fixed.text.starts_with(
                "Runs stay at 1 min, though `baseline.p99` is based on 12 independent events per run, and 30 are wanted. \
                 They are not made longer: its stages keep their times. 2.5 times as much load would be needed. 8 rounds take"
            ),
            "{}",
            fixed.text
        );
    }
}
