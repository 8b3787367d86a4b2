//! Claims: statements about a system, each with a bound, that samples and signals decide.
//!
//! Plain values: `scenario` reads them, `store` keeps them with the runs, `verdict` decides them.

mod bound;
mod doubt;
mod expression;
mod quantity;
mod range;
mod symptom;
mod statistic;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use bound::{Amount, Bound, Unit};
pub use doubt::{Doubt, Errs};
pub use expression::{Dimension, Evaluated, Expression, Form, Found, LookUp, Seen, seen_text, shown};
pub use statistic::{CountOf, DriftOf, Metric, Side, SignalMetric, Statistic, TimeKind};
pub use symptom::Symptom;

use crate::sample::{Kind, Outcome, PROBE_CLASS, Phase, Subject};

/// A statement with a bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// The user's own short name for it, such as `G1`; empty if it has none, and is numbered.
    #[serde(default)]
    pub id: String,
    /// What it says, in a sentence.
    pub title: String,
    /// Why it matters; empty if nobody said.
    #[serde(default)]
    pub why: String,
    /// The value, worked out once per round.
    pub value: Expression,
    /// What the value has to keep to.
    pub bound: Bound,
    /// How the rounds' values decide it.
    pub rule: Rule,
    /// Which samples count.
    pub select: Selection,
    /// Share of the samples that may end otherwise than expected, and by which arms may differ in that, in a claim about
    /// times or speed; none for the usual 1 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerates: Option<f64>,
    /// Whether the arms' answers are meant to differ in size.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answers_differ: bool,
    /// Whether a failure fails the whole; other claims are for information.
    pub gates: bool,
    /// Whether it fails experiments and comparisons only: a run by itself that misses it is none the worse.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub spares_runs: bool,
    /// Loads it is about; empty for all.
    #[serde(default)]
    pub loads: Vec<String>,
    /// Deployments (`--deployment`) it is about; empty for all.
    #[serde(default, alias = "environments")]
    pub deployments: Vec<String>,
    /// Profiles it is about: of a run by itself, or of the treatment; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<String>,
}

/// How the rounds' values decide a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The interval of their mean stands on one side of the bound.
    Interval,
    /// The bound holds in every single run; one violation refutes.
    EveryRun,
}

/// Which samples count for a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// Requests to this endpoint; none for all.
    pub endpoint: Option<String>,
    /// Effects of this name, in place of requests.
    pub effect: Option<String>,
    /// Groups of this name, in place of requests.
    pub group: Option<String>,
    /// Requests of this traffic class; none for all but loadproof's own questions.
    #[serde(alias = "class")]
    pub traffic_class: Option<String>,
    /// Samples due in this part of the run; none for the whole run.
    pub phase: Option<Stretch>,
    /// Samples due in this stage of the load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Samples of what has all of these tags.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Samples that ended so; none for the answered ones (`ok` and `rejected`) where times are meant.
    pub outcome: Option<Outcome>,
}

/// A part of a run that a claim may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stretch {
    /// Users are still being added.
    Ramp,
    /// The load is as asked for.
    Steady,
    /// The steady phase without its warm-up (MSER-5, the longer one of the round's arms).
    Settled,
    /// The load has ended; requests under way are awaited.
    CoolDown,
    /// The system works off its backlog.
    Drain,
}

impl Stretch {
    /// All stretches with their words.
    pub const ALL: [(&'static str, Self); 5] = [
        ("ramp", Self::Ramp),
        ("steady", Self::Steady),
        ("settled", Self::Settled),
        ("cool-down", Self::CoolDown),
        ("drain", Self::Drain),
    ];

    /// The phase that its samples carry.
    pub fn phase(self) -> Phase {
        match self {
            Self::Ramp => Phase::Ramp,
            Self::Steady | Self::Settled => Phase::Steady,
            Self::CoolDown => Phase::CoolDown,
            Self::Drain => Phase::Drain,
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, s)| *s == self).map_or("", |(word, _)| *word)
    }
}

impl Claim {
    /// A claim about all samples of every run, decided by the interval of its values, that gates.
    pub fn new(title: impl Into<String>, value: Expression, bound: Bound) -> Self {
        Self {
            id: String::new(),
            title: title.into(),
            why: String::new(),
            value,
            bound,
            rule: Rule::Interval,
            select: Selection::default(),
            tolerates: None,
            answers_differ: false,
            gates: true,
            spares_runs: false,
            loads: Vec::new(),
            deployments: Vec::new(),
            profiles: Vec::new(),
        }
    }

    /// Whether runs of this load of this deployment (none if none was named) can decide it. What is claimed of a capacity
    /// is decided by a search.
    pub fn is_about(&self, load: &str, deployment: Option<&str>) -> bool {
        self.is_meant_for(load, deployment) && !self.is_of_capacity()
    }

    /// Whether a search for capacity with this load of this deployment can decide it.
    pub fn is_about_capacity(&self, load: &str, deployment: Option<&str>) -> bool {
        self.is_meant_for(load, deployment) && self.is_of_capacity()
    }

    fn is_of_capacity(&self) -> bool {
        let is_capacity = |(_, statistic): &(Side, Statistic)| matches!(statistic, Statistic::Capacity(_));
        self.value.statistics().is_ok_and(|all| all.iter().any(is_capacity))
    }

    fn is_meant_for(&self, load: &str, deployment: Option<&str>) -> bool {
        let loads = self.loads.is_empty() || self.loads.iter().any(|l| l == load);
        let here = self.deployments.is_empty()
            || deployment.is_some_and(|name| self.deployments.iter().any(|d| d == name));
        loads && here
    }

    /// Whether it is about this profile: that of a run by itself, or of a treatment.
    pub fn is_of(&self, profile: &str) -> bool {
        self.profiles.is_empty() || self.profiles.iter().any(|name| name == profile)
    }

    /// Whether a single run can decide it: it speaks of no other than the run at hand, which plays
    /// this side (none if it plays none).
    pub fn is_decided_by(&self, side: Option<Side>) -> bool {
        self.value.sides().is_ok_and(|sides| sides.iter().all(|s| *s == Side::Run || Some(*s) == side))
    }

    /// The rule in symbols: `baseline.p99 / treatment.p99 ≥ 3.1x`.
    pub fn formula(&self) -> String {
        let every = if self.rule == Rule::EveryRun { ", in every run" } else { "" };
        match self.bound {
            Bound::AtLeast(low) => format!("{} ≥ {low}{every}", self.value),
            Bound::AtMost(high) => format!("{} ≤ {high}{every}", self.value),
            Bound::Within(low, high) => format!("{low} ≤ {} ≤ {high}{every}", self.value),
        }
    }
}

impl Selection {
    /// Whether a subject is of the selected kind, name and traffic class, whatever its tags.
    pub fn has(&self, subject: &Subject) -> bool {
        let is_of_class = match &self.traffic_class {
            Some(class) => subject.traffic_class == *class,
            None => subject.traffic_class != PROBE_CLASS,
        };
        let (kind, name) = match (&self.endpoint, &self.effect, &self.group) {
            (_, _, Some(group)) => (Kind::Group, Some(group)),
            (_, Some(effect), None) => (Kind::Effect, Some(effect)),
            (endpoint, None, None) => (Kind::Request, endpoint.as_ref()),
        };
        is_of_class && subject.kind == kind && name.is_none_or(|name| subject.endpoint == *name)
    }
}

impl std::fmt::Display for Selection {
    /// `effect order visible, traffic class production, phase steady`; empty for everything.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [
            self.endpoint.clone(),
            self.effect.as_ref().map(|e| format!("effect {e}")),
            self.group.as_ref().map(|g| format!("group {g}")),
            self.traffic_class.as_ref().map(|c| format!("traffic class {c}")),
            self.phase.map(|p| format!("phase {}", p.word())),
            self.stage.as_ref().map(|s| format!("phase {s}")),
        ];
        let tags = self.tags.iter().map(|(name, value)| Some(format!("tag {name} = {value}")));
        let outcome = self.outcome.map(|o| format!("outcome {}", o.word()));
        let parts = parts.into_iter().chain(tags).chain([outcome]);
        f.write_str(&parts.flatten().collect::<Vec<_>>().join(", "))
    }
}
