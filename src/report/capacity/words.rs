//! What was found, in sentences and rows.

use super::{ArmReport, CapacityReport};
use crate::capacity::{Broken, Goal, GoalResult, Point};
use crate::run::{CapacityEnding, FailureReason};
use crate::unit;

impl CapacityReport {
    /// `between 5 and 6 users`
    pub(super) fn shown(&self, load: f64) -> String {
        format!("{} {}", unit::significant(load), self.unit())
    }

    /// What loads are counted in.
    pub(super) fn unit(&self) -> &'static str {
        self.searched.terms.limits.unit.text()
    }

    /// Its profiles, in words.
    pub(super) fn profiles(&self) -> String {
        self.searched.profiles.join(" against ")
    }

    /// How it was searched.
    pub(super) fn setting(&self) -> String {
        let terms = &self.searched.terms;
        let trials: usize = self.arms.iter().map(|arm| arm.trials).sum();
        let ended = match self.ended {
            Some(CapacityEnding::Found) => "",
            Some(CapacityEnding::Budget) if self.searched.budget_s.is_none() => {
                ", ended by its number of trials"
            }
            Some(CapacityEnding::Budget) => ", ended by the budget",
            Some(CapacityEnding::Interrupted) => ", interrupted",
            Some(CapacityEnding::Failed) | None => ", not complete",
        };
        let disturbed = match self.arms.iter().map(|arm| arm.disturbed).sum::<usize>() {
            0 => String::new(),
            1 => ", one more was disturbed and repeated".to_owned(),
            n => format!(", {n} more were disturbed and repeated"),
        };
        let time = unit::span(terms.trial_s);
        format!("load {} · {trials} trials of {time}{disturbed}{ended}", self.searched.load)
    }

    /// The goals, a line each.
    pub(super) fn goals(&self) -> Vec<String> {
        let terms = &self.searched.terms;
        let goal = |goal: &Goal| {
            let name = if goal.name.is_empty() { String::new() } else { format!("{}: ", goal.name) };
            format!(
                "{name}{} · duration sum {}, exceed ratio {}, width {}",
                goal.text(),
                unit::span(goal.duration_sum_s),
                unit::share(goal.exceed_ratio),
                unit::share(goal.width)
            )
        };
        terms.goals.iter().map(goal).collect()
    }

    /// What was found, in sentences: of each profile and goal.
    pub(super) fn sentences(&self) -> Vec<String> {
        let mut sentences: Vec<String> =
            self.results().flat_map(|(arm, goal)| self.of_result(arm, goal)).collect();
        for arm in &self.arms {
            if let Some(knee) = arm.capacity.knee {
                sentences.push(format!(
                    "{}Knee: {}, where throughput per response time is greatest; above it, response times grow faster than throughput.",
                    self.named(arm, None),
                    self.shown(knee)
                ));
            }
        }
        sentences
    }

    /// `before, strict: `; empty where there is no other.
    fn named(&self, arm: &ArmReport, goal: Option<&GoalResult>) -> String {
        let profile = if self.arms.len() > 1 { arm.profile.as_str() } else { "" };
        let goal = goal.map_or("", |goal| goal.goal.as_str());
        let names: Vec<&str> = [profile, goal].into_iter().filter(|name| !name.is_empty()).collect();
        if names.is_empty() { String::new() } else { format!("{}: ", names.join(", ")) }
    }

    /// What was found of a profile and goal.
    pub(super) fn of_result(&self, arm: &ArmReport, goal: &GoalResult) -> Vec<String> {
        let name = self.named(arm, Some(goal));
        let mut sentences = vec![format!("{name}{}", self.bounds(goal))];
        if let Some(interval) = self.interval(goal) {
            sentences.push(format!("{name}{interval}"));
        }
        if let Some(throughput) = goal.conditional_throughput_per_s {
            sentences.push(format!(
                "{name}Conditional throughput there: {} requests per second answered ok.",
                unit::significant(throughput)
            ));
        }
        if let Some(first) = goal.broke_first.first() {
            sentences.push(format!("{name}First condition missed: {}.", broken(first)));
        }
        if let Some(reason) = &arm.not_held {
            sentences.push(format!("{name}INVALID: {reason}."));
        } else if goal.is_of_generator {
            sentences.push(format!(
                "{name}This is the limit of loadproof on this machine, not of the system: give it dedicated cores."
            ));
        }
        sentences
    }

    fn bounds(&self, goal: &GoalResult) -> String {
        match (goal.lower_bound, goal.upper_bound) {
            (Some(lower), Some(upper)) if goal.is_regular => {
                format!("Capacity: {}. The objective is missed at {}.", self.shown(lower), self.shown(upper))
            }
            (Some(lower), Some(upper)) => format!(
                "Capacity: from {} to {}: the search ended before these were within the goal's width.",
                self.shown(lower),
                self.shown(upper)
            ),
            (Some(lower), None) if lower >= self.searched.terms.limits.to => format!(
                "Capacity: at least {}, the highest load of the search; no limit was found.",
                self.shown(lower)
            ),
            (Some(lower), None) => {
                format!(
                    "Capacity: at least {}; the search ended before a load missed the objective.",
                    self.shown(lower)
                )
            }
            (None, Some(upper)) if self.ended != Some(CapacityEnding::Found) => {
                format!(
                    "Capacity: below {}; the search ended before a load met the objective.",
                    self.shown(upper)
                )
            }
            (None, Some(upper)) => {
                format!("No load meets the objective; the lowest that misses it is {}.", self.shown(upper))
            }
            (None, None) => "The search ended before any load was classified.".to_owned(),
        }
    }

    /// Where it is shown to lie, and by how many trials at its bounds.
    fn interval(&self, goal: &GoalResult) -> Option<String> {
        let level = unit::share(1.0 - self.searched.terms.alpha);
        let ends = match (goal.low, goal.high) {
            (Some(low), Some(high)) => format!("{} to {}", unit::significant(low), self.shown(high)),
            (Some(low), None) => format!("{} or more", self.shown(low)),
            (None, Some(high)) => format!("{} or less", self.shown(high)),
            (None, None) => return None,
        };
        let at = |of: (usize, usize), what: &str| {
            (of.1 > 0).then(|| format!("{} of {} trials {what}", of.0, of.1))
        };
        let confirmed: Vec<String> =
            [at(goal.met, "met it at the lower bound"), at(goal.missed, "missed it at the upper")]
                .into_iter()
                .flatten()
                .collect();
        Some(format!("{level} interval: {ends}; {}.", confirmed.join(", ")))
    }

    /// What stands in the table of a profile, load by load.
    pub(super) fn rows(&self, arm: &ArmReport) -> Vec<[String; 7]> {
        arm.capacity.curve.points.iter().map(|point| self.row(point)).collect()
    }

    /// Load, achieved rate, p50, p99, share not ok, trials that met, what was missed.
    fn row(&self, point: &Point) -> [String; 7] {
        let time = |ms: f64| if ms.is_nan() { "n/a".to_owned() } else { unit::time(ms * 1000.0) };
        let goals = &self.searched.terms.goals;
        let met = goals.iter().zip(&point.met).map(|(goal, met)| {
            let name = if goal.name.is_empty() { String::new() } else { format!("{} ", goal.name) };
            format!("{name}{met} of {}", point.trials)
        });
        let first = point.missed.iter().flatten().min_by_key(|b| b.mode);
        [
            unit::significant(point.load),
            unit::significant(point.achieved_per_s),
            time(point.p50_ms),
            time(point.p99_ms),
            unit::share(point.not_ok_share),
            met.collect::<Vec<_>>().join(", "),
            first.map_or(String::new(), |b| format!("{}: {}", b.mode.word(), b.seen)),
        ]
    }
}

fn broken(broken: &Broken) -> String {
    format!("{}, `{}`: {}", broken.mode.word(), broken.condition, broken.seen)
}

/// Reasons of failed requests at the highest load that was tried.
pub(super) fn error_modes(arm: &ArmReport) -> Vec<String> {
    let Some(worst) = arm.capacity.curve.points.last() else { return Vec::new() };
    let line = |reason: &FailureReason| {
        format!(
            "  {} {}: {}, {} times",
            reason.outcome,
            reason.endpoint,
            reason.reason,
            unit::count(reason.count)
        )
    };
    worst.reasons.iter().take(5).map(line).collect()
}
