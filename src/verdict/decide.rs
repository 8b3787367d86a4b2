//! From the values of a claim's rounds to its verdict.

use crate::claim::{Bound, Claim, Errs, Evaluated, Rule, Seen, Statistic, Stretch};
use crate::stats::lag;
use crate::stats::ledger::LEAST_ROUNDS;
use crate::stats::quantile::median;

use super::conclusion::Verdict;
use super::decided::{Decided, inputs};
use super::estimate::{Estimate, Scale, estimate};
use super::evidence::HIGH_QUANTILE;
use super::needed::needed;
use super::side::{beyond, edge_text, interval_text, side_of, supports};
use super::survivors::Survivors;

/// Clusters beyond a high quantile that every run needs: in simulations, intervals over fewer had no
/// end in half of the runs (9 clusters), and from 19 on in less than one of a hundred.
const LEAST_CLUSTERS: usize = 20;
/// Up to so many rounds a claim about a high quantile is supported only if every round supports it:
/// logarithms of such ratios may be skewed, and an interval alone passes too often at the first looks.
const GUARDED_ROUNDS: usize = 10;

/// What decides besides the values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms<'a> {
    /// Profile whose claim it is.
    pub(super) profile: &'a str,
    /// Alpha of the claim's interval.
    pub(super) alpha: f64,
    /// The same at the last look: for planning.
    pub(super) last_alpha: f64,
    /// Whether it is about one run by itself, not about the system: then one run can decide it.
    pub(super) about_one_run: bool,
    /// Whether the load is closed.
    pub(super) closed_load: bool,
    /// What it came to in each round with response times corrected for coordinated omission, where that matters.
    pub(super) corrected: Option<&'a [Result<Evaluated, String>]>,
    /// Why its times are those of survivors, if they are.
    pub(super) survivors: Option<&'a Survivors>,
    /// The runs of its arms that `abort_when` has ended, in a sentence, if there are any.
    pub(super) aborted: Option<&'a str>,
    /// Why the rounds can only indicate, if so.
    pub(super) only_indicates: Option<&'a str>,
    /// The reason why nothing may be concluded, if there is one.
    pub(super) invalid: Option<&'a str>,
    /// A run that never became steady, if there is one.
    pub(super) unsteady: Option<&'a str>,
}

/// Decides a claim. `rounds`: what it came to in each round, in order.
pub(super) fn decide(claim: &Claim, rounds: &[Result<Evaluated, String>], terms: &Terms<'_>) -> Decided {
    let decided = decided(claim, rounds, terms);
    Decided { word: decided.called(), ..decided }
}

fn decided(claim: &Claim, rounds: &[Result<Evaluated, String>], terms: &Terms<'_>) -> Decided {
    // A ratio to a time without an end would be a change of −100 %, which nobody has seen.
    let is_bounded = |e: &&Evaluated| e.seen.iter().all(|seen| seen.found.value.is_finite());
    let values: Vec<Option<f64>> =
        rounds.iter().map(|r| r.as_ref().ok().filter(is_bounded).map(|e| e.value)).collect();
    let mut decided = Decided {
        claim: claim.clone(),
        formula: claim.formula(),
        profile: terms.profile.to_owned(),
        verdict: Verdict::Undecided,
        word: "",
        reason: String::new(),
        indicative: false,
        is_objective: terms.about_one_run,
        values: values.iter().map(|v| v.filter(|v| v.is_finite())).collect(),
        estimate: None,
        low: None,
        high: None,
        alpha: terms.alpha,
        scale: Scale::Log,
        rounds_needed: None,
        supports: None,
        inputs: inputs(rounds),
        wanders: None,
        notes: notes(claim, rounds, terms),
    };
    let missing = rounds.iter().zip(1..).find_map(|(r, round)| r.as_ref().err().map(|e| (round, e)));
    if let Some(reason) = terms.invalid {
        reason.clone_into(&mut decided.reason);
        decided.verdict = Verdict::Invalid;
    }
    if let Some((round, reason)) = missing {
        decided.verdict = Verdict::Invalid;
        decided.reason = if rounds.len() > 1 { format!("{reason} (round {round})") } else { reason.clone() };
        return decided;
    }
    let evaluated: Vec<&Evaluated> = rounds.iter().flatten().collect();
    if evaluated.is_empty() {
        decided.verdict = Verdict::Invalid;
        terms.aborted.or(terms.invalid).unwrap_or("no round is complete").clone_into(&mut decided.reason);
        return decided;
    }
    let (verdict, reason) = by_rule(&mut decided, &evaluated, terms);
    let (verdict, reason) = match terms.corrected {
        Some(corrected) => under_both(&mut decided, (verdict, reason), corrected, terms),
        None => (verdict, reason),
    };
    let (verdict, reason) = voided(&mut decided, (verdict, reason), &evaluated, terms);
    if terms.invalid.is_none() {
        (decided.verdict, decided.reason) = (verdict, reason);
    }
    decided
}

/// The verdict under two readings of a closed load: as measured, and with what stalled users held back.
fn under_both(
    decided: &mut Decided,
    (verdict, reason): (Verdict, String),
    corrected: &[Result<Evaluated, String>],
    terms: &Terms<'_>,
) -> (Verdict, String) {
    let rounds: Vec<&Evaluated> = corrected.iter().flatten().collect();
    if rounds.len() != corrected.len() || rounds.is_empty() {
        return (verdict, reason);
    }
    let mut other = decided.clone();
    let (corrected, _) = by_rule(&mut other, &rounds, terms);
    let unit = decided.claim.bound.unit();
    let text = |estimate: Option<f64>| estimate.map_or("∞".to_owned(), |value| unit.text(value));
    let both = format!(
        "{} as measured, {} with the requests that stalled users held back",
        text(decided.estimate),
        text(other.estimate)
    );
    decided.notes.push(format!("closed load: {both}"));
    if corrected == verdict {
        return (verdict, reason);
    }
    decided.indicative = false;
    (Verdict::Undecided, format!("a closed load hides stalls: {both}"))
}

/// The verdict in the light of what voids it or weakens it.
fn voided(
    decided: &mut Decided,
    (verdict, reason): (Verdict, String),
    rounds: &[&Evaluated],
    terms: &Terms<'_>,
) -> (Verdict, String) {
    if verdict != Verdict::Refuted
        && let Some(nothing) = rounds.iter().find_map(|round| of_nothing(&round.seen))
    {
        let name = format!("{}.{}", nothing.side.word(), nothing.statistic);
        return (Verdict::Invalid, format!("{name} is of nothing: no such sample was made (n = 0)"));
    }
    let leans_to = if verdict == Verdict::Undecided { decided.points_to() } else { verdict };
    if let Some(doubt) = doubted(&decided.claim, leans_to, rounds) {
        return (Verdict::Invalid, doubt);
    }
    if let Some(survivors) = terms.survivors
        && !(verdict == Verdict::Refuted && survivors.is_counted)
    {
        return (Verdict::Invalid, survivors.reason.clone());
    }
    if verdict != Verdict::Refuted
        && let Some(aborted) = terms.aborted
    {
        return (Verdict::Invalid, aborted.to_owned());
    }
    match terms.only_indicates {
        Some(why) if matches!(verdict, Verdict::Supported | Verdict::Refuted) && !terms.about_one_run => {
            decided.indicative = true;
            decided.rounds_needed = None;
            (Verdict::Undecided, format!("indicative ({}, {reason}): {why}", verdict.word()))
        }
        _ => (verdict, reason),
    }
}

/// Why a verdict, or what an open one leans to, is not known: a statistic leaves something out that may lie on the other
/// side of the bound.
fn doubted(claim: &Claim, leans_to: Verdict, rounds: &[&Evaluated]) -> Option<String> {
    let supports = leans_to == Verdict::Supported;
    if !supports && leans_to != Verdict::Refuted {
        return None;
    }
    let doubt = |round: &&Evaluated| {
        round.seen.iter().find_map(|seen| {
            let doubt = seen.found.doubt.as_ref()?;
            // Within a formula too little may make too much.
            let is_whole = round.seen.len() == 1 && round.value.total_cmp(&seen.found.value).is_eq();
            let errs = if is_whole { doubt.errs } else { Errs::EitherWay };
            errs.may_cross(claim.bound, supports).then(|| doubt.why.clone())
        })
    };
    if supports || claim.rule == Rule::Interval {
        return rounds.iter().find_map(doubt);
    }
    // One violation that is beyond doubt is enough.
    let mut doubts = rounds.iter().filter(|round| !claim.bound.holds(round.value)).map(doubt);
    let first = doubts.next()?;
    first.filter(|_| doubts.all(|other| other.is_some()))
}

/// The first of a round's numbers that says nothing, because there is nothing that it counts.
fn of_nothing(all: &[Seen]) -> Option<&Seen> {
    let counts = |seen: &&Seen| {
        matches!(
            seen.statistic,
            Statistic::Count(_) | Statistic::Throughput | Statistic::AllOk(_) | Statistic::NoneOk(_)
        )
    };
    // That the system has counted events which nobody raised refutes. That it has counted none proves nothing, unless
    // there were others to count: a short load does not raise every event.
    let events = || all.iter().filter(|seen| matches!(seen.statistic, Statistic::Events(_)));
    let no_event = events().next().filter(|_| events().all(|seen| seen.found.n == 0));
    all.iter().filter(counts).find(|seen| seen.found.n == 0).or(no_event)
}

/// The verdict and its reason; fills in estimate, interval and the rest.
fn by_rule(decided: &mut Decided, rounds: &[&Evaluated], terms: &Terms<'_>) -> (Verdict, String) {
    let values: Vec<f64> = rounds.iter().map(|e| e.value).collect();
    let bound = decided.claim.bound;
    let unit = bound.unit();
    if decided.claim.rule == Rule::EveryRun {
        return in_every_run(decided, &values, terms.about_one_run);
    }
    if let Some(found) = unbounded(decided, rounds, &values, terms) {
        return found;
    }
    if let Some(round) = values.iter().position(|v| v.is_infinite()) {
        decided.scale = Scale::EveryRun;
        decided.estimate = median(&values).filter(|m| m.is_finite());
        let holds = values.iter().all(|v| bound.holds(*v));
        let verdict = if holds { Verdict::Undecided } else { Verdict::Refuted };
        return (verdict, format!("it did not happen within its time in round {}", round + 1));
    }
    let estimated = estimate(rounds, &values, &decided.claim, terms.alpha, terms.about_one_run);
    decided.scale = estimated.scale;
    decided.estimate = Some(estimated.value);
    (decided.low, decided.high) = (estimated.low, estimated.high);
    decided.wanders = wanders(&values, estimated.scale);
    decided.supports = supports(bound, estimated.low, estimated.high, unit);
    if terms.about_one_run {
        return of_one_run(decided, &estimated);
    }
    let enough = rounds.len() >= LEAST_ROUNDS;
    decided.indicative = !enough;
    let verdict = estimated.verdict.unwrap_or_else(|| side_of(bound, estimated.low, estimated.high));
    if !enough {
        decided.rounds_needed = Some(LEAST_ROUNDS);
    }
    if verdict == Verdict::Undecided {
        if enough {
            decided.rounds_needed = needed(&decided.claim, rounds, &estimated, terms.last_alpha);
        }
        if estimated.low.is_none() && estimated.high.is_none() {
            let reason = match (rounds.len(), estimated.scale) {
                (1, _) => "one pair of runs gives this formula no interval",
                (_, Scale::Log) if values.iter().any(|v| *v <= 0.0) => {
                    "a ratio of 0 has no logarithm: claim a difference or a share"
                }
                (_, Scale::Log) => "so few samples give this quantile no interval: lengthen the runs",
                _ => {
                    "the rounds show no spread, which gives this formula no interval: claim a share by itself"
                }
            };
            return (verdict, reason.to_owned());
        }
        let interval = interval_text(&estimated, unit);
        return (verdict, format!("the interval {interval} contains the bound {}", edge_text(bound)));
    }
    let says = format!("{} {}", unit.text(estimated.value), interval_text(&estimated, unit));
    if !enough {
        let rounds =
            if rounds.len() == 1 { "1 round".to_owned() } else { format!("{} rounds", rounds.len()) };
        return (Verdict::Undecided, format!("{rounds}: indicative ({}, {says})", verdict.word()));
    }
    if let Some(doubt) = doubt(&decided.claim, rounds, &values, verdict, terms) {
        return (Verdict::Undecided, doubt);
    }
    (verdict, says)
}

fn wanders(values: &[f64], scale: Scale) -> Option<f64> {
    match scale {
        Scale::Log => lag::visible(&values.iter().map(|value| value.ln()).collect::<Vec<_>>()),
        Scale::Plain | Scale::Share => lag::visible(values),
        Scale::WithinRun | Scale::EveryRun => None,
    }
}

/// What a run came to is a fact: it meets its objective or misses it. How far that speaks for other runs is shown
/// beside it, and decides nothing.
fn of_one_run(decided: &mut Decided, estimated: &Estimate) -> (Verdict, String) {
    let bound = decided.claim.bound;
    let unit = bound.unit();
    let verdict = if bound.holds(estimated.value) { Verdict::Supported } else { Verdict::Refuted };
    let n: u64 = decided.inputs.iter().map(|input| input.n).max().unwrap_or(0);
    // An interval without a width would say that other runs come to the same.
    if estimated.low == estimated.high {
        (decided.low, decided.high) = (None, None);
    }
    let interval = match (decided.low, decided.high) {
        (None, None) => String::new(),
        _ => format!("; other runs may lie in {}", interval_text(estimated, unit)),
    };
    (verdict, format!("{} (n = {}){interval}", unit.text(estimated.value), crate::unit::count(n)))
}

/// The verdict where a quantile has no end in some rounds, because too few requests were answered.
fn unbounded(
    decided: &mut Decided,
    rounds: &[&Evaluated],
    values: &[f64],
    terms: &Terms<'_>,
) -> Option<(Verdict, String)> {
    let endless = |round: &&Evaluated| {
        let found =
            round.seen.iter().find(|s| s.statistic.quantile().is_some() && s.found.value.is_infinite());
        found.map(|seen| format!("{}.{}", seen.side.word(), seen.statistic))
    };
    let name = rounds.iter().find_map(endless)?;
    let bound = decided.claim.bound;
    let of = rounds.iter().filter(|round| endless(round).is_some()).count();
    decided.scale = Scale::EveryRun;
    // Of several statistics nothing is known that the others could be held against.
    let is_of_one = rounds.iter().all(|round| round.seen.len() == 1);
    decided.estimate = median(values).filter(|m| m.is_finite() && is_of_one);
    let enough = terms.about_one_run || rounds.len() >= LEAST_ROUNDS;
    let is_broken = values.iter().all(|value| !bound.holds(*value));
    let in_rounds =
        if rounds.len() == 1 { String::new() } else { format!(" in {of} of {} rounds", rounds.len()) };
    let reason = format!("{name} is unbounded{in_rounds}: too many samples were never answered");
    if is_broken && enough {
        return Some((Verdict::Refuted, reason));
    }
    // What breaks its bound for want of an answer points nowhere else.
    decided.indicative = !enough && values.iter().all(|value| bound.holds(*value));
    Some((Verdict::Undecided, reason))
}

/// One violation refutes; that none was seen counts once there are rounds enough.
fn in_every_run(decided: &mut Decided, values: &[f64], about_one_run: bool) -> (Verdict, String) {
    let bound = decided.claim.bound;
    let unit = bound.unit();
    decided.scale = Scale::EveryRun;
    let worst = values.iter().copied().max_by(|a, b| beyond(bound, *a).total_cmp(&beyond(bound, *b)));
    let violated: Vec<usize> =
        (1..).zip(values).filter(|(_, v)| !bound.holds(**v)).map(|(round, _)| round).collect();
    decided.estimate = worst.filter(|w| w.is_finite());
    let worst = unit.text(worst.unwrap_or(f64::NAN));
    match violated[..] {
        [] => {
            let readings = decided.n();
            let runs = if values.len() == 1 {
                "the run".to_owned()
            } else {
                format!("each of {} runs", values.len())
            };
            let text = format!("held in {runs}; worst value {worst}; {readings} readings");
            if about_one_run || values.len() >= LEAST_ROUNDS {
                return (Verdict::Supported, text);
            }
            decided.indicative = true;
            decided.rounds_needed = Some(LEAST_ROUNDS);
            (Verdict::Undecided, format!("indicative: {text}"))
        }
        [first, ..] if values.len() > 1 => (
            Verdict::Refuted,
            format!(
                "violated in {} of {} rounds, first in round {first} ({}), at worst {worst}",
                violated.len(),
                values.len(),
                unit.text(values[first - 1])
            ),
        ),
        _ => (Verdict::Refuted, format!("violated: {worst}")),
    }
}

/// Why an interval on one side of the bound neither supports nor refutes a claim after all.
fn doubt(
    claim: &Claim,
    rounds: &[&Evaluated],
    values: &[f64],
    verdict: Verdict,
    terms: &Terms<'_>,
) -> Option<String> {
    if verdict == Verdict::Supported
        && claim.select.phase == Some(Stretch::Settled)
        && let Some(run) = terms.unsteady
    {
        return Some(format!("{run} reached no steady state: lengthen the runs"));
    }
    let high = rounds
        .iter()
        .flat_map(|e| &e.seen)
        .filter(|s| s.statistic.quantile().is_some_and(|p| p >= HIGH_QUANTILE));
    let least = high.filter_map(|s| Some((s.found.clusters?, s))).min_by_key(|(clusters, _)| *clusters);
    let (clusters, seen) = least?;
    if clusters < LEAST_CLUSTERS && seen.statistic.quantile() < Some(1.0) {
        let longer = LEAST_CLUSTERS as f64 / clusters.max(1) as f64;
        return Some(format!(
            "{}.{} is based on {clusters} independent events per run; {LEAST_CLUSTERS} are needed: make the runs {} times as long",
            seen.side.word(),
            seen.statistic,
            crate::unit::plain(longer)
        ));
    }
    let one_sided = !matches!(claim.bound, Bound::Within(..));
    let supports = verdict == Verdict::Supported;
    let broken = values.iter().position(|v| claim.bound.holds(*v) != supports);
    match broken {
        Some(round) if one_sided && values.len() <= GUARDED_ROUNDS => Some(format!(
            "round {} is on the other side of the bound ({}): up to 10 rounds, a quantile this high needs agreement of all",
            round + 1,
            claim.bound.unit().text(values[round])
        )),
        _ => None,
    }
}

fn notes(claim: &Claim, rounds: &[Result<Evaluated, String>], terms: &Terms<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    let of_requests = claim.select.effect.is_none();
    let has_quantile =
        rounds.iter().flatten().flat_map(|e| &e.seen).any(|s| s.statistic.quantile().is_some());
    if terms.closed_load && has_quantile && of_requests {
        notes.push("closed load: slow answers reduce the load".to_owned());
    }
    if terms.about_one_run && claim.rule == Rule::Interval && rounds.len() == 1 {
        notes.push("applies to this run only".to_owned());
    }
    // One run tells what all of them do.
    let of_statistics = rounds.iter().flatten().flat_map(|e| &e.seen).find_map(|s| s.found.note.clone());
    notes.extend(of_statistics);
    notes
}

#[cfg(test)]
mod tests {
    use super::super::decided::Input;
    use super::*;
    use crate::claim::{Amount, Expression};

    fn claim(bound: Bound, rule: Rule) -> Claim {
        Claim { rule, ..Claim::new("Stays", Expression::new("run.p95"), bound) }
    }

    fn decided(bound: Bound, values: &[f64]) -> Decided {
        let terms = Terms {
            profile: "a",
            alpha: 0.05,
            last_alpha: 0.05,
            about_one_run: false,
            closed_load: false,
            corrected: None,
            survivors: None,
            aborted: None,
            only_indicates: None,
            invalid: None,
            unsteady: None,
        };
        let round = |value: &f64| Ok(Evaluated { value: *value, counts: None, seen: Vec::new() });
        decide(&claim(bound, Rule::EveryRun), &values.iter().map(round).collect::<Vec<_>>(), &terms)
    }

    #[test]
    fn a_broken_claim_names_the_value_that_broke_it() {
        let within = Bound::Within(Amount::plain(5.0), Amount::plain(10.0));
        let broken = decided(within, &[4.5, 9.16, 3.0, 8.0]);
        assert_eq!(broken.reason, "violated in 2 of 4 rounds, first in round 1 (4.50), at worst 3.00");
        assert_eq!(broken.estimate, Some(3.0));
    }

    #[test]
    fn samples_of_one_arm_count_once() {
        let input = |name: &str, n| Input { name: name.to_owned(), value: 1.0, is_time: true, n };
        let mut decided = decided(Bound::AtMost(Amount::plain(9.0)), &[1.0]);
        decided.inputs = vec![input("run.p95", 141), input("run.p50", 141), input("baseline.p50", 100)];
        assert_eq!(decided.n(), 241);
    }
}
