//! From rules, evidence and verdicts to a signature, or none.

use serde::Serialize;

use super::Release;
use super::evidence::{Choice, PassedOver};
use super::rules::{EvidenceKind, Requirement, Rules, Waiver};
use crate::run::Judged;
use crate::utc;
use crate::verdict::{Decided, Judgement, Verdict};

/// What is required of the store, whatever the rules say.
const STORE: &str = "Store";

/// What became of everything that was required.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SignOff {
    /// Every required claim.
    pub items: Vec<Item>,
    /// Evidence that was found and is not used.
    pub passed_over: Vec<PassedOver>,
    /// Waivers that nothing needed, or that hold no more.
    pub idle_waivers: Vec<Waiver>,
}

/// A required claim.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Item {
    /// The requirement's name.
    pub requirement: String,
    /// The claim's title; of a requirement without evidence empty.
    pub claim: String,
    /// How the evidence numbers it: `C2`, or its own id.
    pub id: String,
    /// The evidence.
    pub evidence: Option<Judged>,
    /// The claim as it was decided.
    pub decided: Option<Decided>,
    /// Its number among the claims of its profile, from 1; 0 without one.
    pub number: usize,
    /// Rounds behind it; 0 for a single run.
    pub rounds: usize,
    /// How it stands.
    pub state: State,
    /// Why it is not supported; empty if it is.
    pub why: String,
    /// What lets it pass all the same; never set for a supported one.
    pub waiver: Option<Waiver>,
}

/// How a required claim stands, whether waived or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The evidence supports it.
    Supported,
    /// There is no evidence that counts.
    Missing,
    /// The evidence does not decide it.
    Undecided,
    /// The evidence cannot be trusted.
    Invalid,
    /// The evidence is against it.
    Refuted,
}

impl State {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Supported => "supported",
            Self::Missing => "missing",
            Self::Undecided => "undecided",
            Self::Invalid => "invalid",
            Self::Refuted => "refuted",
        }
    }
}

impl SignOff {
    /// Whether everything is supported, or waived.
    pub fn is_signed(&self) -> bool {
        self.failing().next().is_none()
    }

    /// What is neither supported nor waived.
    pub fn failing(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.state != State::Supported && item.waiver.is_none())
    }

    /// The worst of what is neither supported nor waived.
    pub fn worst(&self) -> Option<State> {
        self.failing().map(|item| item.state).max()
    }

    /// What is not supported, and waived.
    pub fn waived(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.waiver.is_some())
    }
}

/// Decides. `found`: for each requirement, in the rules' order, what was chosen for it and what that says; `breaches`: what
/// was changed in the store that it was chosen from.
pub fn decide(
    rules: &Rules,
    release: &Release,
    found: &[(Choice<'_>, Option<Judgement>)],
    breaches: &[String],
) -> SignOff {
    let mut items: Vec<Item> = Vec::new();
    for (requirement, (choice, judgement)) in rules.require.iter().zip(found) {
        match (choice.candidate, judgement) {
            (Some(candidate), Some(judgement)) => {
                items.extend(required(requirement, candidate.of, judgement));
            }
            _ => items.push(missing(requirement, &choice.passed_over)),
        }
        // Without evidence that is said already.
        let withheld = choice.withheld.iter().filter(|_| choice.candidate.is_some());
        items.extend(withheld.map(|one| of_withheld(requirement, one)));
    }
    items.extend(breaches.iter().map(|breach| of_breach(breach)));
    let today = utc::date(release.at_unix_s);
    for item in items.iter_mut().filter(|item| item.state != State::Supported) {
        let waivers: Vec<&Waiver> = rules.waive.iter().filter(|waiver| is_for(waiver, item)).collect();
        match (waivers.iter().find(|waiver| waiver.until >= today), waivers.first()) {
            (Some(valid), _) => item.waiver = Some((*valid).clone()),
            (None, Some(Waiver { who, until, .. })) => {
                item.why.push_str(&format!("; {who}'s waiver expired after {until}"));
            }
            (None, None) => {}
        }
    }
    let is_idle = |waiver: &&Waiver| !items.iter().any(|item| item.waiver.as_ref() == Some(*waiver));
    SignOff {
        idle_waivers: rules.waive.iter().filter(is_idle).cloned().collect(),
        passed_over: found.iter().flat_map(|(choice, _)| choice.passed_over.clone()).collect(),
        items,
    }
}

fn is_for(waiver: &Waiver, item: &Item) -> bool {
    let is_claim = |name: &String| *name == item.claim || *name == item.id;
    waiver.require == item.requirement && waiver.claim.as_ref().is_none_or(is_claim)
}

/// Evidence that was not given: what it would have said is not known.
fn of_withheld(requirement: &Requirement, withheld: &PassedOver) -> Item {
    let PassedOver { of, why, .. } = withheld;
    let remedy = match of {
        Judged::Experiment(_) => {
            format!("finish it (`experiment … --resume {of}`), or explain it in the rules")
        }
        Judged::Run(_) => "explain it in the rules".to_owned(),
    };
    Item { evidence: Some(*of), why: format!("{of}: {why}: {remedy}"), ..missing(requirement, &[]) }
}

/// Evidence that cannot be trusted as a whole: what is there may be what pleased.
fn of_breach(breach: &str) -> Item {
    Item {
        requirement: STORE.to_owned(),
        claim: "the store is as it was written".to_owned(),
        id: String::new(),
        evidence: None,
        decided: None,
        number: 0,
        rounds: 0,
        state: State::Invalid,
        why: breach.to_owned(),
        waiver: None,
    }
}

fn missing(requirement: &Requirement, passed_over: &[PassedOver]) -> Item {
    let why = match passed_over.first() {
        Some(newest) => format!("{}: {}", newest.of, newest.why),
        None => {
            let what = match requirement.evidence {
                EvidenceKind::Experiment => "experiment",
                EvidenceKind::Run => "run",
            };
            format!("the store has no {what} of {}", requirement.scenario)
        }
    };
    Item {
        requirement: requirement.name.clone(),
        claim: String::new(),
        id: String::new(),
        evidence: None,
        decided: None,
        number: 0,
        rounds: 0,
        state: State::Missing,
        why,
        waiver: None,
    }
}

/// The required claims of some evidence, in its order; those that it does not make come last.
fn required(requirement: &Requirement, of: Judged, judgement: &Judgement) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut profiles: Vec<&str> = judgement.claims.iter().map(|decided| decided.profile.as_str()).collect();
    profiles.dedup();
    profiles.retain(|profile| requirement.profile.as_ref().is_none_or(|wanted| wanted == profile));
    for profile in profiles {
        let claims = judgement.claims.iter().filter(|decided| decided.profile == profile);
        for (number, decided) in (1..).zip(claims) {
            let id = decided.id(number);
            let is_named = requirement.claims.iter().any(|name| *name == decided.claim.title || *name == id);
            if is_named || (requirement.claims.is_empty() && decided.claim.gates) {
                items.push(Item { number, id, rounds: judgement.rounds, ..item(requirement, of, decided) });
            }
        }
    }
    let is_made = |name: &&String| items.iter().any(|item| item.claim == **name || item.id == **name);
    let absent: Vec<&String> = requirement.claims.iter().filter(|name| !is_made(name)).collect();
    let none = |claim: &str, why: String| Item {
        claim: claim.to_owned(),
        evidence: Some(of),
        why,
        ..missing(requirement, &[])
    };
    if items.is_empty() && absent.is_empty() {
        items.push(none("", format!("{of} makes no claim that gates")));
    }
    items.extend(absent.into_iter().map(|name| none(name, format!("{of} makes no such claim"))));
    items
}

fn item(requirement: &Requirement, of: Judged, decided: &Decided) -> Item {
    // Of an experiment, a verdict from too few rounds passes no gate; of a run, the claim is about that run.
    let is_thin = requirement.evidence == EvidenceKind::Experiment && decided.indicative;
    let (state, why) = match decided.verdict {
        Verdict::Supported if is_thin => (State::Undecided, "too few rounds: indicative only".to_owned()),
        Verdict::Supported => (State::Supported, String::new()),
        Verdict::Undecided => (State::Undecided, decided.reason.clone()),
        Verdict::Refuted => (State::Refuted, decided.reason.clone()),
        Verdict::Invalid => (State::Invalid, decided.reason.clone()),
    };
    Item {
        requirement: requirement.name.clone(),
        claim: decided.claim.title.clone(),
        evidence: Some(of),
        decided: Some(decided.clone()),
        state,
        why,
        ..missing(requirement, &[])
    }
}
