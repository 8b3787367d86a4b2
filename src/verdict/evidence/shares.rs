//! How many samples ended in some way, and their share.

use super::times::{Timed, with_held_back};
use super::{BATCHES, Reading, RoundRuns, WITHIN_RUN_ALPHA};
use crate::claim::{CountOf, Found, TimeKind};
use crate::run::MeasuredRun;
use crate::sample::Outcome;
use crate::stats::proportion::Counters;

impl RoundRuns {
    pub(super) fn count(&self, run: &MeasuredRun, of: CountOf) -> Found {
        let (mut count, mut n, counts) = (0_u64, 0, self.counts(run, of));
        for i in self.selected(run) {
            n += 1;
            count += u64::from(counts(i));
        }
        let trials = Some((count as f64, n as f64));
        Found { value: count as f64, trials, n, ..Found::default() }
    }

    pub(super) fn share(&self, run: &MeasuredRun, of: CountOf) -> Result<Found, String> {
        if let CountOf::Within(us) = of
            && self.reading == Reading::Corrected
            && self.is_of_requests()
        {
            return self.corrected_within(run, us);
        }
        let counts = self.counts(run, of);
        let mut hits: Vec<(i64, bool)> =
            self.selected(run).map(|i| (run.samples.intended_us[i], counts(i))).collect();
        if hits.is_empty() {
            return Err(format!("no sample {}in run {}", self.wanted(), run.facts.id));
        }
        let n = hits.len();
        let k = hits.iter().filter(|h| h.1).count();
        let within_run = if self.within_run {
            hits.sort_unstable();
            let cells = hits.chunks(n.div_ceil(BATCHES.0));
            let (k, n): (Vec<f64>, Vec<f64>) =
                cells.map(|c| (c.iter().filter(|h| h.1).count() as f64, c.len() as f64)).unzip();
            Counters::of(&k, &n).map(|c| c.interval(WITHIN_RUN_ALPHA)).map(|i| (Some(i.low), Some(i.high)))
        } else {
            None
        };
        let counts = Some((k as f64, n as f64));
        Ok(Found { value: k as f64 / n as f64, counts, n: n as u64, within_run, ..Found::default() })
    }

    /// Whether the sample at a place is one of those.
    fn counts<'a>(&self, run: &'a MeasuredRun, of: CountOf) -> impl Fn(usize) -> bool + 'a + use<'a> {
        let took_ms = self.took_ms(run, TimeKind::Response);
        move |i| {
            let outcome = run.samples.outcome[i];
            match of {
                CountOf::All => true,
                CountOf::Outcome(wanted) => outcome == wanted,
                CountOf::Answered => outcome.is_answered(),
                CountOf::Status(status) => run.samples.status[i] == status,
                CountOf::Within(us) => outcome == Outcome::Ok && took_ms(i) <= us as f64 / 1e3,
            }
        }
    }

    /// The share of requests that ended `ok` within so many µs, with those that stalled users held back.
    fn corrected_within(&self, run: &MeasuredRun, us: u64) -> Result<Found, String> {
        let took_ms = self.took_ms(run, TimeKind::Response);
        let times: Vec<Timed> = self
            .selected(run)
            .map(|i| {
                let ms = if run.samples.outcome[i] == Outcome::Ok { took_ms(i) } else { f64::INFINITY };
                Timed { place: i, intended_us: run.samples.intended_us[i], ms }
            })
            .collect();
        if times.is_empty() {
            return Err(format!("no sample {}in run {}", self.wanted(), run.facts.id));
        }
        Ok(with_held_back(run, &times, |corrected| {
            let all = corrected.total();
            let within = all - corrected.beyond(us as f64 / 1e3);
            let counts = Some((within as f64, all as f64));
            Found { value: within as f64 / all as f64, counts, n: times.len() as u64, ..Found::default() }
        }))
    }
}
