//! Rounds: the runs that are compared with each other.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::evidence::{Reading, RoundRuns};
use super::{counts, is_baseline};
use crate::claim::{Claim, Evaluated, LookUp, Stretch};
use crate::run::{Arm, MeasuredRun};
use crate::verdict::audit;

/// One run of each profile.
pub(super) struct Round {
    baseline: Option<Arc<MeasuredRun>>,
    /// In the order of their profiles' names.
    others: BTreeMap<String, Arc<MeasuredRun>>,
    /// Whether there is no other round.
    is_only: bool,
    /// The longest warm-up of its arms, once a claim has asked for it.
    warm_up_us: OnceCell<i64>,
}

/// The rounds that hold a baseline and all the treatments that any round holds, in order. Of two runs
/// of the same arm in the same round (a resumed experiment) the later one counts.
pub(super) fn pair(runs: &[Arc<MeasuredRun>]) -> Vec<Round> {
    let mut rounds: BTreeMap<u32, Round> = BTreeMap::new();
    for run in runs.iter().filter(|r| counts(&r.facts)) {
        let round = rounds.entry(run.facts.start.round.unwrap_or(0)).or_insert_with(|| Round {
            baseline: None,
            others: BTreeMap::new(),
            is_only: false,
            warm_up_us: OnceCell::new(),
        });
        if is_baseline(&run.facts) {
            round.baseline = Some(Arc::clone(run));
        } else {
            round.others.insert(run.facts.start.profile.clone(), Arc::clone(run));
        }
    }
    let most = rounds.values().map(|r| r.others.len()).max().unwrap_or(0);
    let mut complete: Vec<Round> =
        rounds.into_values().filter(|r| r.baseline.is_some() && most > 0 && r.others.len() == most).collect();
    if let [only] = &mut complete[..] {
        only.is_only = true;
    }
    complete
}

impl Round {
    /// A run by itself.
    pub(super) fn single(run: &Arc<MeasuredRun>) -> Self {
        let others = BTreeMap::from([(run.facts.start.profile.clone(), Arc::clone(run))]);
        Self { baseline: None, others, is_only: true, warm_up_us: OnceCell::new() }
    }

    /// Its runs, the baseline first.
    pub(super) fn runs(&self) -> Vec<Arc<MeasuredRun>> {
        self.baseline.iter().chain(self.others.values()).map(Arc::clone).collect()
    }

    /// The profiles of its treatments.
    pub(super) fn treatments(&self) -> Vec<String> {
        self.others.keys().cloned().collect()
    }

    /// What a claim comes to with one of the treatments; `treatment`: none for a claim about one run.
    pub(super) fn evaluate(
        &self,
        claim: &Claim,
        treatment: Option<&str>,
        reading: Reading,
    ) -> Result<Evaluated, String> {
        let statistics: Arc<dyn LookUp> = Arc::new(self.view(claim, treatment, reading)?);
        claim.value.evaluate(&statistics)
    }

    /// The runs that a claim speaks of, and the samples that it means.
    pub(super) fn view(
        &self,
        claim: &Claim,
        treatment: Option<&str>,
        reading: Reading,
    ) -> Result<RoundRuns, String> {
        let (select, warm_up_us) = (claim.select.clone(), self.warm_up_us(claim));
        let Some(treatment) = treatment else {
            let run = self.others.values().next().ok_or("no run was found")?;
            return Ok(RoundRuns {
                baseline: is_baseline(&run.facts).then(|| Arc::clone(run)),
                treatment: (run.facts.start.arm == Some(Arm::Treatment)).then(|| Arc::clone(run)),
                run: Arc::clone(run),
                select,
                warm_up_us,
                within_run: true,
                reading,
            });
        };
        let treatment = self.others.get(treatment).ok_or("the treatment has no run")?;
        Ok(RoundRuns {
            baseline: self.baseline.clone(),
            treatment: Some(Arc::clone(treatment)),
            run: Arc::clone(treatment),
            select,
            warm_up_us,
            within_run: self.is_only,
            reading,
        })
    }

    /// The longest warm-up of its arms: all leave out the same.
    pub(super) fn warm_up_us(&self, claim: &Claim) -> i64 {
        if claim.select.phase != Some(Stretch::Settled) {
            return 0;
        }
        let longest = || self.runs().iter().map(|run| audit::steady::warm_up_us(run)).max();
        *self.warm_up_us.get_or_init(|| longest().unwrap_or(0))
    }
}
