//! A sentence for each gating claim.

use serde::Serialize;

use super::called::called;
use super::{ClaimRow, Judged};
use crate::claim::{Bound, Selection, Side, Statistic, Unit};
use crate::unit;
use crate::verdict::{Decided, Judgement, Verdict};

/// What was found of one claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// `refuted`, `met`, …; empty where no claim stands behind it.
    pub word: &'static str,
    /// Whose colours it has.
    pub tone: &'static str,
    /// `Requests at p95 are 3.20x faster [2.90x, 3.60x]; claimed 1.5x.`
    pub text: String,
}

/// The gating claims in sentences. One reason that voids them all is said once.
pub(super) fn answers(judgement: &Judgement, judged: &Judged) -> Vec<Answer> {
    let is_run = judgement.rounds == 0;
    let both = judgement.claims.iter().zip(&judged.claims).filter(|(decided, _)| decided.claim.gates);
    let mut answers: Vec<Answer> = Vec::new();
    let mut last_reason = None;
    for (decided, row) in both {
        let is_invalid = decided.verdict == Verdict::Invalid;
        if is_invalid && last_reason == Some(&decided.reason) {
            continue;
        }
        last_reason = is_invalid.then_some(&decided.reason);
        let called = called(decided);
        answers.push(Answer { word: called.word, tone: called.tone, text: sentence(decided, row, is_run) });
    }
    answers
}

fn sentence(decided: &Decided, row: &ClaimRow, is_run: bool) -> String {
    if decided.verdict == Verdict::Invalid {
        return format!("{}.", decided.reason);
    }
    if decided.estimate.is_none() {
        return format!("{}: {}.", row.title, decided.reason);
    }
    let says = compared(decided).unwrap_or_else(|| {
        let metrics = format!("{} {}", row.estimate, row.interval);
        let claimed = if is_run { "objective" } else { "claimed" };
        format!("{}: {}; {claimed} {}.", row.title, metrics.trim(), bound_text(decided.claim.bound))
    });
    match why_undecided(decided, row) {
        Some(why) => format!("{says} Undecided: {why}."),
        None => says,
    }
}

/// What is missing to decide a claim: rounds, or else what the metrics do not show.
fn why_undecided<'a>(decided: &'a Decided, row: &'a ClaimRow) -> Option<&'a str> {
    if decided.verdict != Verdict::Undecided || decided.indicative {
        return None;
    }
    match row.needs.as_str() {
        "" => (decided.points_to() == Verdict::Supported).then_some(&decided.reason),
        needs => Some(needs),
    }
}

/// `Requests at p95 are 3.20x faster [2.90x, 3.60x]; claimed 1.5x.` None for a claim that is not about one statistic's
/// ratio between the arms.
fn compared(decided: &Decided) -> Option<String> {
    let ratio = Ratio::of(decided)?;
    let select = &decided.claim.select;
    let (subject, verb) = subject(select, ratio.statistic.is_time());
    let claimed = bound_text(decided.claim.bound);
    let (statistic, better, worse) = match &ratio.statistic {
        Statistic::Throughput => (" throughput".to_owned(), "higher", "lower"),
        statistic => (at(statistic)?, "faster", "slower"),
    };
    if decided.claim.bound.unit() == Unit::Change || matches!(decided.claim.bound, Bound::Within(..)) {
        let (value, interval) = (unit::change(decided.estimate?), interval_text(ratio.raw, unit::change));
        return Some(format!("{subject}{statistic}: {value} {interval}; claimed {claimed}."));
    }
    let times = |value: f64| Unit::Times.text(value);
    let [low, high] = ratio.interval;
    let claimed = match decided.claim.bound {
        Bound::AtLeast(least) if ratio.is_gain => least.to_string(),
        _ => claimed,
    };
    Some(if low > 1.0 {
        let (value, interval) = (times(ratio.gain), interval_text([low, high], times));
        format!("{subject}{statistic} {verb} {value} {better} {interval}; claimed {claimed}.")
    } else if high < 1.0 {
        let (value, interval) = (times(1.0 / ratio.gain), interval_text([1.0 / high, 1.0 / low], times));
        format!("{subject}{statistic} {verb} {value} {worse} {interval}; claimed {claimed}.")
    } else {
        let (value, interval) = (times(ratio.gain), interval_text([low, high], times));
        format!("{subject}{statistic}: no clear difference, {value} {interval}; claimed {claimed}.")
    })
}

/// `[2.90x, 3.60x]`; an end that is not known is open.
fn interval_text([low, high]: [f64; 2], text: impl Fn(f64) -> String) -> String {
    match (low > 0.0, high.is_finite()) {
        (true, true) => format!("[{}, {}]", text(low), text(high)),
        (true, false) => format!("[{}, ∞)", text(low)),
        (false, true) => format!("(…, {}]", text(high)),
        (false, false) => String::new(),
    }
}

/// A ratio of one statistic between the arms, turned so that more is better.
struct Ratio {
    statistic: Statistic,
    /// Whether the claim's own value is the gain, rather than its inverse.
    is_gain: bool,
    gain: f64,
    interval: [f64; 2],
    /// The interval as the claim counts.
    raw: [f64; 2],
}

impl Ratio {
    fn of(decided: &Decided) -> Option<Self> {
        let statistics = decided.claim.value.statistics().ok()?;
        let [(above, statistic), (below, other)] = &statistics[..] else { return None };
        let text: String = decided.claim.value.to_string().split_whitespace().collect();
        let formula = format!("{}.{statistic}/{}.{statistic}", above.word(), below.word());
        let is_between =
            matches!((above, below), (Side::Baseline, Side::Treatment) | (Side::Treatment, Side::Baseline));
        let is_known = statistic.is_time() || *statistic == Statistic::Throughput;
        if statistic != other || !is_between || !is_known || text != formula.replace(' ', "") {
            return None;
        }
        let value = decided.estimate.filter(|value| *value > 0.0)?;
        if decided.low.is_none() && decided.high.is_none() {
            return None;
        }
        let (low, high) = (decided.low.unwrap_or(0.0).max(0.0), decided.high.unwrap_or(f64::INFINITY));
        // Of times the baseline's stands above where more is better, of rates the treatment's.
        let is_gain = (*above == Side::Baseline) == statistic.is_time();
        let (gain, interval) =
            if is_gain { (value, [low, high]) } else { (1.0 / value, [1.0 / high, 1.0 / low]) };
        Some(Self { statistic: statistic.clone(), is_gain, gain, interval, raw: [low, high] })
    }
}

/// What a claim is about, as a sentence begins, and its verb.
fn subject(select: &Selection, is_time: bool) -> (String, &'static str) {
    let verb = |plural: bool| if plural && is_time { "are" } else { "is" };
    let capitalised = super::words::capitalised;
    let tags: Vec<String> = select.tags.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    match (&select.endpoint, &select.effect, &select.traffic_class) {
        (Some(endpoint), ..) => (endpoint.clone(), verb(false)),
        (_, Some(effect), _) => (capitalised(effect), verb(false)),
        _ if !tags.is_empty() => (format!("Requests with {}", tags.join(", ")), verb(true)),
        (.., Some(class)) => (format!("{} requests", capitalised(class)), verb(true)),
        _ if is_time => ("Requests".to_owned(), "are"),
        _ => ("Overall".to_owned(), "is"),
    }
}

/// ` at p95`; none for a statistic that has no short name.
fn at(statistic: &Statistic) -> Option<String> {
    let text = statistic.to_string();
    let is_quantile = statistic.quantile().is_some() && text.starts_with('p');
    let is_word = ["mean", "min", "max"].contains(&text.as_str());
    let text = text.replace('_', ".");
    (is_quantile || is_word).then(|| if is_word { format!(" ({text})") } else { format!(" at {text}") })
}

/// `at most 15 ms`
fn bound_text(bound: Bound) -> String {
    match bound {
        Bound::AtLeast(least) => format!("at least {least}"),
        Bound::AtMost(most) => format!("at most {most}"),
        Bound::Within(low, high) => format!("between {low} and {high}"),
    }
}
