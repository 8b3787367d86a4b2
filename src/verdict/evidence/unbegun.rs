//! What was never begun, because a step before it had failed or its whole journey was dropped.
//!
//! It has left no sample, and looks better than it is for that: of those who could not log in, nobody failed to buy. How
//! many samples are missing is told by the journeys that went well.

use std::collections::{BTreeMap, HashMap};

use super::RoundRuns;
use crate::claim::Statistic;
use crate::run::MeasuredRun;
use crate::sample::{Kind, Subject};

/// Standard deviations by which wanted samples have to be too few to be missed.
const BEYOND_CHANCE: f64 = 2.0;

/// A journey instance.
#[derive(Default)]
struct Instance {
    /// The first sample in it, of the selected stretch, that did not end as expected and is none of the wanted.
    broken_at: Option<(i64, Step)>,
    /// Whether any sample in it did not end as expected.
    is_broken: bool,
    /// Whether it has a wanted sample.
    has_wanted: bool,
}

/// What a class of users calls: the class and the subject's place.
type Step = (u64, u32);

/// How often journeys with a step came to a wanted sample.
#[derive(Default)]
struct Reach {
    /// Where all went well: so many of so many.
    well: (u64, u64),
    /// Where it broke at this step: so many of so many.
    broken: (u64, u64),
}

impl RoundRuns {
    /// How many samples that a statistic is about are missing in a run; 0 where all samples are selected, as those that
    /// broke a journey are among them then, and where it is not known which samples belong together.
    pub(in crate::verdict) fn unbegun(&self, run: &MeasuredRun, statistic: Option<&Statistic>) -> u64 {
        let samples = &run.samples;
        let select = &self.select;
        let names = [&select.endpoint, &select.effect, &select.group, &select.traffic_class];
        let is_all =
            names.iter().all(|name| name.is_none()) && !matches!(statistic, Some(Statistic::CheckShare(_)));
        if samples.journey.is_empty() || is_all {
            return 0;
        }
        let wanted: Vec<bool> = samples.subjects.iter().map(|s| self.wants(run, statistic, s)).collect();
        let is_within = self.is_within(run);
        let mut instances: HashMap<u32, Instance> = HashMap::new();
        let step = |i: usize| (samples.caller.get(i).map_or(0, |caller| caller >> 32), samples.subject[i]);
        let others: Vec<bool> =
            samples.subjects.iter().map(|s| !s.is_probe() && s.kind != Kind::Group).collect();
        for (i, journey) in samples.journey.iter().enumerate() {
            let instance = instances.entry(*journey).or_default();
            let subject = samples.subject[i] as usize;
            instance.has_wanted |= wanted[subject];
            if wanted[subject] || !others[subject] || samples.outcome[i].is_answered() {
                continue;
            }
            instance.is_broken = true;
            let at = samples.done_us[i];
            if is_within(i) && instance.broken_at.is_none_or(|(first, _)| at < first) {
                instance.broken_at = Some((at, step(i)));
            }
        }
        let mut reaches: BTreeMap<Step, Reach> = BTreeMap::new();
        for instance in instances.values() {
            if let Some((_, step)) = instance.broken_at {
                let (came, all) = &mut reaches.entry(step).or_default().broken;
                *came += u64::from(instance.has_wanted);
                *all += 1;
            }
        }
        if reaches.is_empty() {
            return 0;
        }
        for (i, journey) in samples.journey.iter().enumerate() {
            let instance = &instances[journey];
            if !instance.is_broken
                && let Some(reach) = reaches.get_mut(&step(i))
            {
                let (came, all) = &mut reach.well;
                *came += u64::from(instance.has_wanted);
                *all += 1;
            }
        }
        reaches.values().map(Reach::missing).sum()
    }

    /// Whether a subject is one that a statistic is about.
    fn wants(&self, run: &MeasuredRun, statistic: Option<&Statistic>, subject: &Subject) -> bool {
        let is_checked = match statistic {
            Some(Statistic::CheckShare(check)) => {
                run.soft_checks.iter().any(|counted| counted.name == *check && counted.subject == *subject)
            }
            _ => true,
        };
        is_checked && self.selects(subject)
    }
}

impl Reach {
    /// How many fewer wanted samples there are than journeys that went well let expect.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of samples")]
    fn missing(&self) -> u64 {
        let ((came_well, well), (came, broken)) = (self.well, self.broken);
        if well == 0 {
            return 0;
        }
        let share = came_well as f64 / well as f64;
        let expected = share * broken as f64;
        let missing = expected - came as f64;
        let chance = BEYOND_CHANCE * (expected * (1.0 - share)).sqrt();
        if missing > chance { missing.round() as u64 } else { 0 }
    }
}
