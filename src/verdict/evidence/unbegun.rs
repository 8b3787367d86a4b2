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
struct Instance<'a> {
    /// The first sample in it, of the selected stretch, that did not end as expected and is none of the wanted.
    broken_at: Option<(i64, Step<'a>)>,
    /// Whether any sample in it did not end as expected.
    is_broken: bool,
    /// Whether it has a wanted sample.
    has_wanted: bool,
}

/// What a class of users calls.
type Step<'a> = (u64, &'a Subject);

/// How often journeys with a step came to a wanted sample.
#[derive(Default)]
struct Reach {
    /// Counts in successful journeys: k of n.
    well: (u64, u64),
    /// Counts in journeys that broke at this step: k of n.
    broken: (u64, u64),
}

impl RoundRuns {
    /// How many samples that a statistic is about are missing in a run; 0 where all samples are selected, as those that
    /// broke a journey are among them then, and where it is not known which samples belong together.
    pub(in crate::verdict) fn unbegun(&self, run: &MeasuredRun, statistic: Option<&Statistic>) -> u64 {
        let select = &self.select;
        let names = [&select.endpoint, &select.effect, &select.group, &select.traffic_class];
        let is_all = names.iter().all(|name| name.is_none())
            && select.tags.is_empty()
            && !matches!(statistic, Some(Statistic::CheckShare(_)));
        if run.samples.journey.is_empty() || is_all {
            return 0;
        }
        let instances = self.instances(run, statistic);
        let mut reaches: BTreeMap<Step<'_>, Reach> = BTreeMap::new();
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
        count_well(run, &instances, &mut reaches.iter_mut().collect());
        // What always fails in one arm may go well in the other.
        let mut unknown: BTreeMap<&Step<'_>, &mut Reach> =
            reaches.iter_mut().filter(|(_, reach)| reach.well.1 == 0).collect();
        if !unknown.is_empty() {
            let arms = [&self.baseline, &self.treatment].into_iter().flatten();
            for other in arms.filter(|arm| arm.facts.id != run.facts.id) {
                count_well(other, &self.instances(other, statistic), &mut unknown);
            }
        }
        reaches.values().map(Reach::missing).sum()
    }

    /// The journey instances of a run, by their numbers.
    fn instances<'a>(
        &self,
        run: &'a MeasuredRun,
        statistic: Option<&Statistic>,
    ) -> HashMap<u32, Instance<'a>> {
        let samples = &run.samples;
        let wanted: Vec<bool> = samples.subjects.iter().map(|s| self.wants(run, statistic, s)).collect();
        let is_step = |subject: &Subject| !subject.is_probe() && subject.kind != Kind::Group;
        let steps: Vec<bool> = samples.subjects.iter().map(is_step).collect();
        let is_within = self.is_within(run);
        let mut instances: HashMap<u32, Instance<'_>> = HashMap::new();
        for (i, journey) in samples.journey.iter().enumerate() {
            let instance = instances.entry(*journey).or_default();
            let subject = samples.subject[i] as usize;
            instance.has_wanted |= wanted[subject];
            if wanted[subject] || !steps[subject] || samples.outcome[i].is_answered() {
                continue;
            }
            instance.is_broken = true;
            let at = samples.done_us[i];
            if is_within(i) && instance.broken_at.is_none_or(|(first, _)| at < first) {
                instance.broken_at = Some((at, step(run, i)));
            }
        }
        instances
    }

    /// Whether a subject is one that a statistic is about.
    fn wants(&self, run: &MeasuredRun, statistic: Option<&Statistic>, subject: &Subject) -> bool {
        let is_checked = match statistic {
            Some(Statistic::CheckShare(check)) => {
                run.soft_checks.iter().any(|counted| counted.name == *check && counted.subject == *subject)
            }
            _ => true,
        };
        is_checked && self.selects(run, subject)
    }
}

/// The step that a sample is of.
fn step(run: &MeasuredRun, i: usize) -> Step<'_> {
    let samples = &run.samples;
    let class = samples.caller.get(i).map_or(0, |caller| caller >> 32);
    (class, &samples.subjects[samples.subject[i] as usize])
}

/// Counts how often the journeys of a run that went well came from steps to a wanted sample.
fn count_well<'a>(
    run: &'a MeasuredRun,
    instances: &HashMap<u32, Instance<'a>>,
    reaches: &mut BTreeMap<&Step<'a>, &mut Reach>,
) {
    for (i, journey) in run.samples.journey.iter().enumerate() {
        let instance = &instances[journey];
        if !instance.is_broken
            && let Some(reach) = reaches.get_mut(&step(run, i))
        {
            let (came, all) = &mut reach.well;
            *came += u64::from(instance.has_wanted);
            *all += 1;
        }
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
