//! Progress in the one line that load scripts print.

use std::time::Duration;

use super::{Drawn, REDRAW, bar};
use crate::execute::{Moment, Progress};
use crate::sample::Outcome;

/// Redrawn on a terminal; elsewhere a new line from time to time.
pub(super) struct Line {
    drawn: Option<Drawn>,
    interval: Duration,
}

impl Line {
    pub(super) fn new(interval: Duration, terminal: bool) -> Self {
        Self { drawn: terminal.then(Drawn::new), interval: interval.max(Duration::from_millis(100)) }
    }
}

impl Progress for Line {
    fn interval(&self) -> Duration {
        if self.drawn.is_some() { REDRAW } else { self.interval }
    }

    fn show(&mut self, moment: &Moment) {
        if moment.elapsed_s <= 0.0 {
            return;
        }
        match &self.drawn {
            Some(drawn) => drawn.show(&text(moment)),
            None => anstream::eprintln!("{}", text(moment)),
        }
    }

    fn note(&mut self, note: &str) {
        match &self.drawn {
            Some(drawn) => drawn.note(note),
            None => anstream::eprintln!("loadproof: {note}"),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(drawn) = &self.drawn {
            // What was reached stays on the screen.
            drawn.0.abandon();
        }
    }
}

/// `[████░░░░] 5000/10000 (50.0%) | Rate: 234/s | Success: 4998 | Failed: 2 | ETA: 21s`. Of a load that is limited by its
/// time, seconds are counted in place of journeys.
fn text(moment: &Moment) -> String {
    let outcomes = &moment.so_far.outcomes;
    let all: u64 = outcomes.iter().sum();
    let success = outcomes[Outcome::Ok as usize];
    // An expected refusal is neither.
    let failed = all - success - outcomes[Outcome::Rejected as usize];
    let rate = all as f64 / moment.elapsed_s;
    let (share, of, eta_s) = match (moment.journeys, moment.load_s) {
        (Some((begun, planned)), _) => {
            let ended = begun.saturating_sub(moment.users.into());
            let pace = ended as f64 / moment.elapsed_s;
            let eta_s = (ended > 0).then(|| (planned - ended.min(planned)) as f64 / pace);
            (ended as f64 / planned.max(1) as f64, format!("{ended}/{planned}"), eta_s)
        }
        (None, Some(load_s)) => {
            let elapsed_s = moment.elapsed_s.min(load_s);
            (elapsed_s / load_s.max(1e-3), format!("{elapsed_s:.0}s/{load_s:.0}s"), moment.eta_s())
        }
        (None, None) => (0.0, format!("{all}"), None),
    };
    let share = share.clamp(0.0, 1.0);
    let eta = eta_s.map_or_else(|| "?".to_owned(), |eta_s| format!("{eta_s:.0}s"));
    format!(
        "[{}] {of} ({:.1}%) | Rate: {rate:.0}/s | Success: {success} | Failed: {failed} | ETA: {eta}",
        bar(share),
        share * 100.0
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::moment;
    use super::*;

    #[test]
    fn a_line_says_how_many_of_how_many_are_done() {
        let mut moment =
            Moment { load_s: None, journeys: Some((5_200, 10_000)), users: 200, elapsed_s: 21.4, ..moment() };
        moment.so_far.outcomes = [4_998, 0, 1, 1, 0];
        insta::assert_snapshot!(text(&moment), @"[████████████████░░░░░░░░░░░░░░░░] 5000/10000 (50.0%) | Rate: 234/s | Success: 4998 | Failed: 2 | ETA: 21s");
        moment.journeys = Some((100, 10_000));
        assert!(text(&moment).ends_with("| ETA: ?"), "{}", text(&moment));
    }

    #[test]
    fn a_load_of_a_given_time_counts_seconds() {
        let line = text(&moment());
        assert!(
            line.contains("] 68s/136s (50.0%) | Rate: 401/s | Success: 27280 | Failed: 8 | ETA: 68s"),
            "{line}"
        );
    }
}
