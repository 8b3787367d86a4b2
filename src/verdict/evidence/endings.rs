//! How the selected samples of a run ended, and how large their answers were.

use std::collections::BTreeMap;

use super::RoundRuns;
use crate::run::MeasuredRun;
use crate::sample::{Kind, Outcome, Subject};
use crate::stats::quantile::median;

/// How many samples ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::verdict) struct Endings {
    /// All samples, with those that were never begun.
    pub(in crate::verdict) n: u64,
    /// Expected refusals.
    pub(in crate::verdict) rejected: u64,
    /// Never answered, or effects that were given up: they count as times without an end.
    pub(in crate::verdict) unanswered: u64,
    /// Answered wrongly: they have no time.
    pub(in crate::verdict) wrong: u64,
    /// Never begun, because a step before them had failed.
    pub(in crate::verdict) unbegun: u64,
    /// Answered after a redirect: perhaps another page.
    pub(in crate::verdict) redirected: u64,
}

impl Endings {
    /// Those that did not end as expected.
    pub(in crate::verdict) fn unexpected(&self) -> u64 {
        self.unanswered + self.wrong + self.unbegun
    }
}

impl RoundRuns {
    /// Whether a run is one of its arms.
    pub(in crate::verdict) fn holds(&self, run: &MeasuredRun) -> bool {
        [&self.baseline, &self.treatment].into_iter().flatten().any(|arm| arm.facts.id == run.facts.id)
    }

    /// How a run's selected samples ended.
    pub(in crate::verdict) fn endings(&self, run: &MeasuredRun) -> Endings {
        let samples = &run.samples;
        let unbegun = self.unbegun(run, None);
        let mut endings = Endings { n: unbegun, unbegun, ..Endings::default() };
        for i in self.selected(run) {
            let kind = samples.subjects[samples.subject[i] as usize].kind;
            let outcome = samples.outcome[i];
            endings.n += 1;
            endings.rejected += u64::from(outcome == Outcome::Rejected);
            endings.redirected += u64::from(samples.redirects.get(i).is_some_and(|redirects| *redirects > 0));
            if outcome.is_unanswered(kind) {
                endings.unanswered += 1;
            } else if !outcome.is_answered() {
                endings.wrong += 1;
            }
        }
        endings
    }

    /// The median size of the `ok` answers of each selected endpoint, bytes; empty where sizes are not known.
    pub(in crate::verdict) fn answer_sizes<'a>(&self, run: &'a MeasuredRun) -> BTreeMap<&'a Subject, f64> {
        let samples = &run.samples;
        if samples.bytes_in.is_empty() {
            return BTreeMap::new();
        }
        let mut sizes: BTreeMap<&Subject, Vec<f64>> = BTreeMap::new();
        for i in self.selected(run).filter(|i| samples.outcome[*i] == Outcome::Ok) {
            let subject = &samples.subjects[samples.subject[i] as usize];
            if subject.kind == Kind::Request {
                sizes.entry(subject).or_default().push(f64::from(samples.bytes_in[i]));
            }
        }
        sizes.into_iter().filter_map(|(subject, sizes)| Some((subject, median(&sizes)?))).collect()
    }

    /// How many of a run's selected `ok` answers are at most so large, bytes, and of how many whose endpoint is known.
    pub(in crate::verdict) fn answers_up_to(
        &self,
        run: &MeasuredRun,
        most: &BTreeMap<Subject, f64>,
    ) -> (u64, u64) {
        let samples = &run.samples;
        let of_subjects: Vec<Option<f64>> = samples.subjects.iter().map(|s| most.get(s).copied()).collect();
        let sized = self.selected(run).filter(|i| samples.outcome[*i] == Outcome::Ok).filter_map(|i| {
            let most = of_subjects[samples.subject[i] as usize]?;
            Some(f64::from(*samples.bytes_in.get(i)?) <= most)
        });
        sized.fold((0, 0), |(small, all), is_small| (small + u64::from(is_small), all + 1))
    }
}
