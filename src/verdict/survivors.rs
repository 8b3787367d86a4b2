//! Whether a claim about times or speed speaks of all requests, or only of those that fared well.
//!
//! A wrong answer, a refusal or an empty body is fast. A treatment that gives more of them looks faster than it is,
//! so the outcomes of the arms, and the sizes of their answers, have to be alike before their times are compared.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::evidence::{Endings, Reading, RoundRuns};
use super::rounds::Round;
use crate::claim::{Claim, DriftOf, Side, Statistic};
use crate::run::MeasuredRun;
use crate::sample::Subject;
use crate::stats::contingency::fisher;
use crate::stats::quantile::median;
use crate::stats::shares::{self, Share};
use crate::stats::sizes::SHRUNK;
use crate::unit;

/// Share of requests that may end otherwise than expected, and by which the arms may differ, where a claim does not say
/// what it tolerates.
pub(super) const TOLERATED: f64 = 0.01;
/// Level at which a difference between arms is more than chance.
const ALPHA: f64 = 0.05;

/// How one says that arms are meant to end differently.
const MEANT_OUTCOMES: &str = "`tolerates` or `select.outcome` say that this is meant";
/// How one says that they are meant to answer differently.
const MEANT_ANSWERS: &str = "`answers_differ = true` says that this is meant";

/// Why a claim's times are those of survivors.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Survivors {
    /// Why, in a sentence.
    pub(super) reason: String,
    /// Whether all that did not end as expected is counted in the times, as never answered: then what they
    /// refute is refuted.
    pub(super) is_counted: bool,
}

/// A side's run in each round.
struct OfSide {
    side: Side,
    profile: String,
    runs: Vec<(Arc<MeasuredRun>, Endings)>,
}

/// Why a claim may not be decided by its values, if so. `treatment`: its profile, for a claim of rounds.
pub(super) fn look(claim: &Claim, rounds: &[Round], treatment: Option<&str>) -> Option<Survivors> {
    let statistics = claim.value.statistics().ok()?;
    if claim.select.outcome.is_some() || !is_about_work(&statistics, treatment.is_some()) {
        return None;
    }
    let views: Vec<RoundRuns> =
        rounds.iter().filter_map(|round| round.view(claim, treatment, Reading::Measured).ok()).collect();
    let is_of_arms = treatment.is_some();
    let mut names: Vec<Side> = statistics
        .iter()
        .map(|(side, _)| if is_of_arms && *side == Side::Run { Side::Treatment } else { *side })
        .collect();
    names.sort_unstable();
    names.dedup();
    let (tolerated, of) = (tolerated(claim, &statistics), Of::these(&statistics));
    let sides = names.iter().filter_map(|side| of_side(&views, *side));
    if let Some(found) = sides.into_iter().find_map(|side| unexpected(&side, tolerated, of)) {
        return Some(found);
    }
    if !is_of_arms {
        return None;
    }
    // A claim about one arm, too: what its times are those of shows beside the other.
    let both = [of_side(&views, Side::Baseline)?, of_side(&views, Side::Treatment)?];
    let arms = Arms { both, names: &names, tolerated, of };
    let of_endings =
        |of: fn(&Endings) -> u64| move |_: &MeasuredRun, endings: &Endings| (of(endings), endings.n);
    arms.differ("did not end as expected", of_endings(Endings::unexpected), MEANT_OUTCOMES)
        .or_else(|| arms.differ("were rejected", of_endings(|endings| endings.rejected), MEANT_OUTCOMES))
        .or_else(|| if claim.answers_differ { None } else { arms.are_other_answers(&views) })
}

/// Which share may end otherwise than expected: of a claim about a tail no more than the tail, which could hide there.
fn tolerated(claim: &Claim, statistics: &[(Side, Statistic)]) -> f64 {
    let tails = statistics.iter().filter_map(|(_, statistic)| Some(1.0 - statistic.quantile()?));
    claim.tolerates.unwrap_or_else(|| tails.fold(TOLERATED, f64::min))
}

/// Whether some statistics look better when requests fare badly: times and speed, and the time that a backlog takes, which is
/// shorter if part of the work was never taken on. Signals do so between arms that are meant to have done the same work;
/// those of one run may well be about requests that fare badly.
fn is_about_work(statistics: &[(Side, Statistic)], is_of_arms: bool) -> bool {
    let has_baseline = statistics.iter().any(|(side, _)| *side == Side::Baseline);
    let has_other = statistics.iter().any(|(side, _)| *side != Side::Baseline);
    let compares = is_of_arms && has_baseline && has_other;
    statistics.iter().any(|(_, statistic)| match statistic {
        Statistic::Time(..)
        | Statistic::Throughput
        | Statistic::CpuPerRequest(_)
        | Statistic::DrainTime
        | Statistic::Drift(DriftOf::Quantile(_)) => true,
        Statistic::Signal(..)
        | Statistic::Excursion(..)
        | Statistic::Drift(DriftOf::Signal(_))
        | Statistic::Settling { .. } => compares,
        _ => false,
    })
}

/// What a claim's values are those of, if part of the requests did not fare well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// Times and speed: one without an answer counts as endless.
    Times,
    /// Signals and backlogs: what was not done is not in them at all.
    Work,
}

impl Of {
    fn these(statistics: &[(Side, Statistic)]) -> Self {
        let is_of_work = |(_, statistic): &(Side, Statistic)| {
            matches!(
                statistic,
                Statistic::DrainTime
                    | Statistic::Signal(..)
                    | Statistic::Excursion(..)
                    | Statistic::Drift(DriftOf::Signal(_))
                    | Statistic::Settling { .. }
            )
        };
        if statistics.iter().any(is_of_work) { Self::Work } else { Self::Times }
    }

    fn of_the_rest(self) -> &'static str {
        match self {
            Self::Times => "the times are those of the rest",
            Self::Work => "the values are those of the rest of the work",
        }
    }

    fn of_both(self) -> &'static str {
        match self {
            Self::Times => "times of arms that fare differently say nothing of speed",
            Self::Work => "arms that fare differently have not done the same work",
        }
    }
}

fn of_side(views: &[RoundRuns], side: Side) -> Option<OfSide> {
    let runs: Vec<_> = views
        .iter()
        .filter_map(|view| {
            let run = Arc::clone(view.run_of(side)?);
            let endings = view.endings(&run);
            (endings.n > 0).then_some((run, endings))
        })
        .collect();
    let profile = runs.first()?.0.facts.start.profile.clone();
    Some(OfSide { side, profile, runs })
}

/// The run of an arm in which most did not end as expected, if it is more than is tolerated.
fn unexpected(side: &OfSide, tolerated: f64, of: Of) -> Option<Survivors> {
    let share = |endings: &Endings| endings.unexpected() as f64 / endings.n as f64;
    let (run, worst) = side.runs.iter().max_by(|a, b| share(&a.1).total_cmp(&share(&b.1)))?;
    if share(worst) <= tolerated + 1e-9 {
        return None;
    }
    let is_counted =
        of == Of::Times && side.runs.iter().all(|(_, endings)| endings.wrong + endings.unbegun == 0);
    let unbegun = match worst.unbegun {
        0 => String::new(),
        unbegun => format!("{} never began, because a step before them had failed, ", unit::count(unbegun)),
    };
    let reason = format!(
        "{} of {} samples of {} ended as expected in run {} ({}), {unbegun}{} are needed: {} \
         ({MEANT_OUTCOMES})",
        unit::count(worst.n - worst.unexpected()),
        unit::count(worst.n),
        side.profile,
        run.facts.id,
        unit::share(1.0 - share(worst)),
        unit::share(1.0 - tolerated),
        of.of_the_rest(),
    );
    Some(Survivors { reason, is_counted })
}

/// Both arms, and what a claim says of them.
struct Arms<'a> {
    /// Baseline and treatment.
    both: [OfSide; 2],
    /// Of which of them the claim speaks.
    names: &'a [Side],
    tolerated: f64,
    of: Of,
}

impl Arms<'_> {
    /// Whether more of one arm's samples fared in a way than of the other's, beyond what is tolerated and beyond
    /// chance. Of a claim about one arm it matters only if that is the arm with more. `of`: how many, and of how many.
    fn differ(
        &self,
        words: &str,
        of: impl Fn(&MeasuredRun, &Endings) -> (u64, u64),
        meant: &str,
    ) -> Option<Survivors> {
        let counted = |arm: &OfSide| -> Vec<(u64, u64)> {
            arm.runs.iter().map(|(run, endings)| of(run, endings)).collect()
        };
        let [first, second] = [counted(&self.both[0]), counted(&self.both[1])];
        let total =
            |runs: &[(u64, u64)]| runs.iter().fold((0, 0), |(all_k, all_n), (k, n)| (all_k + k, all_n + n));
        let ((k1, n1), (k2, n2)) = (total(&first), total(&second));
        if n1 == 0 || n2 == 0 {
            return None;
        }
        let (share1, share2) = (k1 as f64 / n1 as f64, k2 as f64 / n2 as f64);
        let has_more = if share1 > share2 { self.both[0].side } else { self.both[1].side };
        if (share1 - share2).abs() <= self.tolerated + 1e-9 || !self.names.contains(&has_more) {
            return None;
        }
        let share = |(k, n): &(u64, u64)| Share { k: *k as f64, n: *n as f64 };
        let rounds: Vec<[Share; 2]> = first.iter().zip(&second).map(|(a, b)| [share(a), share(b)]).collect();
        let is_chance = match shares::difference(&rounds, ALPHA) {
            Some(difference) => difference.interval.contains(0.0),
            None => fisher([[k1, n1 - k1], [k2, n2 - k2]]) >= ALPHA,
        };
        if is_chance {
            return None;
        }
        let reason = format!(
            "{} of the samples of {} {words}, and {} of {}: {} ({meant})",
            unit::share(share1),
            self.both[0].profile,
            unit::share(share2),
            self.both[1].profile,
            self.of.of_both(),
        );
        Some(Survivors { reason, is_counted: false })
    }

    /// Whether the arms' answers are other ones, although they ended alike.
    fn are_other_answers(&self, views: &[RoundRuns]) -> Option<Survivors> {
        let redirected = |_: &MeasuredRun, endings: &Endings| (endings.redirected, endings.n);
        if let Some(found) = self.differ("were redirected", redirected, MEANT_ANSWERS) {
            return Some(found);
        }
        if self.names.contains(&Side::Treatment)
            && let Some(found) = shrunk(views)
        {
            return Some(found);
        }
        let is_sized = |(_, before, _): &(Subject, f64, f64)| *before >= 1.0;
        let half = |(subject, before, _)| (subject, before * SHRUNK);
        let half: BTreeMap<Subject, f64> = sizes(views).into_iter().filter(is_sized).map(half).collect();
        let of = |run: &MeasuredRun| views.iter().find(|view| view.holds(run));
        let small =
            |run: &MeasuredRun, _: &Endings| of(run).map_or((0, 0), |view| view.answers_up_to(run, &half));
        self.differ("were answers of at most half the usual size", small, MEANT_ANSWERS)
    }
}

/// An endpoint whose answers shrank to half or less.
fn shrunk(views: &[RoundRuns]) -> Option<Survivors> {
    let (subject, before, after) = sizes(views)
        .into_iter()
        .filter(|(_, before, after)| *before >= 1.0 && *after <= before * SHRUNK)
        .min_by(|a, b| (a.2 / a.1).total_cmp(&(b.2 / b.1)))?;
    let reason = format!(
        "answers to {} shrank from {} to {} bytes (medians): smaller answers cannot be compared in speed ({MEANT_ANSWERS})",
        subject.title(),
        unit::significant(before),
        unit::significant(after),
    );
    Some(Survivors { reason, is_counted: false })
}

/// Each endpoint's median answer in baseline and treatment, bytes: medians over runs of their medians.
fn sizes(views: &[RoundRuns]) -> Vec<(Subject, f64, f64)> {
    let mut of_subjects: BTreeMap<Subject, [Vec<f64>; 2]> = BTreeMap::new();
    for view in views {
        for (arm, run) in [&view.baseline, &view.treatment].into_iter().enumerate() {
            for (subject, size) in run.iter().flat_map(|run| view.answer_sizes(run)) {
                of_subjects.entry(subject.clone()).or_default()[arm].push(size);
            }
        }
    }
    let medians = |(subject, [before, after]): (Subject, [Vec<f64>; 2])| {
        Some((subject, median(&before)?, median(&after)?))
    };
    of_subjects.into_iter().filter_map(medians).collect()
}
