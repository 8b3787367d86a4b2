//! Expressions over the statistics of runs: `baseline.p99 / treatment.p99`.
//!
//! The language is minijinja's; its operators and brackets are what people expect. `baseline`,
//! `treatment` and `run` know the statistics of [`super::statistic`]; `share(k, n)` is `k / n` with
//! the knowledge that both are counts. Numbers may have units: `run.p99 <= 50ms`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::{Object, Value};
use minijinja::{Environment, ErrorKind, State, UndefinedBehavior};
use serde::{Deserialize, Serialize};

use super::doubt::Doubt;
use super::quantity::plain;
use super::statistic::{CountOf, METHODS, NAMES, OF_TWO, Side, Statistic};
use crate::unit;

/// An expression, as text; it is compiled where it is worked out, a few times per run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Expression(String);

/// What a statistic came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Its value; times in ms.
    pub value: f64,
    /// Numerator and denominator, where it is a share of counts.
    pub counts: Option<(f64, f64)>,
    /// How many samples were counted, and out of how many, where it is their number or a rate of them.
    pub trials: Option<(f64, f64)>,
    /// Samples or readings behind it.
    pub n: u64,
    /// Clusters of samples beyond it, for a quantile near the top.
    pub clusters: Option<usize>,
    /// Where it may lie within the run (the interval's ends; none is unbounded), for a quantile.
    pub within_run: Option<(Option<f64>, Option<f64>)>,
    /// The times behind a quantile, ascending, ms; infinite for what was never answered.
    pub times: Option<Arc<Vec<f64>>>,
    /// What it leaves out, if it is not the whole truth.
    pub doubt: Option<Doubt>,
    /// What is to be known of it besides.
    pub note: Option<String>,
}

/// Gives expressions their statistics.
pub trait LookUp: Send + Sync {
    /// The statistic of a side.
    ///
    /// # Errors
    /// The reason why there is none, as the end of `… because`.
    fn look_up(&self, side: Side, statistic: &Statistic) -> Result<Found, String>;
}

/// A statistic that an expression asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Whose.
    pub side: Side,
    /// Which.
    pub statistic: Statistic,
    /// What it came to.
    pub found: Found,
}

impl fmt::Display for Seen {
    /// `max('backlog') was 12`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was {}", self.statistic, shown(self.found.value, self.statistic.is_time()))
    }
}

/// A statistic's value as people read it; times are given in ms.
pub fn shown(value: f64, is_time: bool) -> String {
    if is_time { unit::time(value * 1e3) } else { unit::significant(value) }
}

/// Several of them, one after another.
pub fn seen_text(seen: &[Seen]) -> String {
    seen.iter().map(Seen::to_string).collect::<Vec<_>>().join(", ")
}

/// What an expression came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// Its value; a truth is 1 or 0.
    pub value: f64,
    /// Numerator and denominator, if the value is one share of counts and nothing else.
    pub counts: Option<(f64, f64)>,
    /// The statistics that it asked for, each once.
    pub seen: Vec<Seen>,
}

/// What kind of number an expression gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// A time, in ms.
    Time,
    /// Any other number.
    Number,
}

/// The shape of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Its first statistic over its second; the other way round if it is inverse.
    Ratio {
        /// Whether the second stands above.
        is_inverse: bool,
    },
    /// Its first statistic less its second; the other way round if it is inverse.
    Difference {
        /// Whether the first is taken away.
        is_inverse: bool,
    },
    /// Of times or rates, and never 0 or below: products, sums and ratios of them.
    Positive,
    /// Anything else, such as a count, a share, or a difference of several statistics.
    Other,
}

/// How often an expression is tried with other values to tell its form.
const FORM_TRIES: u32 = 16;

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

impl Expression {
    /// An expression from its text; [`Expression::dimension`] says whether it is one.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Works it out.
    ///
    /// # Errors
    /// What is wrong with it, or why a statistic cannot be had.
    pub fn evaluate(&self, look_up: &Arc<dyn LookUp>) -> Result<Evaluated, String> {
        self.evaluate_with(look_up, |k, n| k / n)
    }

    /// The same with another meaning of `share(k, n)`.
    pub(super) fn evaluate_with(
        &self,
        look_up: &Arc<dyn LookUp>,
        share: fn(f64, f64) -> f64,
    ) -> Result<Evaluated, String> {
        let record = Arc::new(Mutex::new(Record::default()));
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let shares = Arc::clone(&record);
        environment.add_function("share", move |k: f64, n: f64| {
            lock(&shares).shares.push((k, n));
            share(k, n)
        });
        let sides = Side::ALL.map(|side| {
            let arm = Arm { side, look_up: Arc::clone(look_up), record: Arc::clone(&record) };
            (side.word(), Value::from_object(arm))
        });
        let plain = plain(&self.0)?;
        let result = environment
            .compile_expression(&plain.text)
            .and_then(|compiled| compiled.eval(Value::from(BTreeMap::from(sides))));
        let record = std::mem::take(&mut *lock(&record));
        if let Some(problem) = record.problem {
            return Err(problem);
        }
        let value = result.map_err(|error| match error.detail() {
            Some(detail) if detail.starts_with("unable to calculate") && detail.ends_with(" / 0.0") => {
                divides_by_0(self, &record.seen)
            }
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        })?;
        let number = match bool::try_from(value.clone()) {
            Ok(truth) => f64::from(truth),
            Err(_) => f64::try_from(value).map_err(|_| "this gives no number".to_owned())?,
        };
        if number.is_nan() && record.seen.iter().any(|seen| seen.found.value.is_infinite()) {
            return Err(format!(
                "`{self}` compares times that both have no end: too few requests were answered"
            ));
        }
        if number.is_nan() {
            return Err(format!("`{self}` is 0 / 0"));
        }
        Ok(Evaluated { value: number, counts: record.counts_of(number), seen: record.seen })
    }

    /// Checks it, and tells what kind of number it gives: times that are doubled double a time.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn dimension(&self) -> Result<Dimension, String> {
        let at = |time_scale| self.evaluate(&rehearsal(time_scale, 0)).map(|e| e.value);
        let (once, twice) = (at(1.0)?, at(2.0)?);
        let doubled = (twice - 2.0 * once).abs() <= 1e-9 * once.abs();
        Ok(if doubled && once != 0.0 { Dimension::Time } else { Dimension::Number })
    }

    /// Whether it speaks of a time, such as `50ms`, and asks for no statistic that is one.
    pub fn has_stray_time(&self) -> bool {
        let has_times = plain(&self.0).is_ok_and(|plain| plain.has_times);
        has_times && self.statistics().is_ok_and(|all| all.iter().all(|(_, s)| !s.is_time()))
    }

    /// The statistics that it asks for.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn statistics(&self) -> Result<Vec<(Side, Statistic)>, String> {
        let rehearsed = self.evaluate(&rehearsal(1.0, 0))?;
        Ok(rehearsed.seen.into_iter().map(|s| (s.side, s.statistic)).collect())
    }

    /// What shape it has, whatever the values of its statistics: it decides on which scale rounds are averaged.
    pub fn form(&self) -> Form {
        let tries: Vec<Evaluated> =
            (1..=FORM_TRIES).filter_map(|seed| self.evaluate(&rehearsal(1.0, seed)).ok()).collect();
        let all = |is: fn(f64, f64, f64) -> bool| {
            tries.iter().all(|tried| match &tried.seen[..] {
                [a, b] => is(tried.value, a.found.value, b.found.value),
                _ => false,
            })
        };
        let is_positive = tries.iter().all(|tried| tried.value > 0.0);
        let statistics = tries.first().map_or(&[][..], |tried| &tried.seen);
        // A signal that was never above its level was there for no time.
        let may_be_0 = |seen: &Seen| matches!(seen.statistic, Statistic::Excursion(..));
        let is_scaled = |seen: &Seen| {
            (seen.statistic.is_time() && !may_be_0(seen)) || seen.statistic == Statistic::Throughput
        };
        if all(|value, a, b| near(value, a / b)) {
            Form::Ratio { is_inverse: false }
        } else if all(|value, a, b| near(value, b / a)) {
            Form::Ratio { is_inverse: true }
        } else if all(|value, a, b| near(value, a - b)) {
            Form::Difference { is_inverse: false }
        } else if all(|value, a, b| near(value, b - a)) {
            Form::Difference { is_inverse: true }
        } else if is_positive && statistics.iter().any(is_scaled) {
            Form::Positive
        } else {
            Form::Other
        }
    }

    /// The sides that it speaks of.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn sides(&self) -> Result<Vec<Side>, String> {
        let mut sides: Vec<Side> = self.statistics()?.into_iter().map(|(side, _)| side).collect();
        sides.sort_unstable();
        sides.dedup();
        Ok(sides)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why there is no number, and which statistics are to blame.
fn divides_by_0(expression: &Expression, seen: &[Seen]) -> String {
    let zeros = seen.iter().filter(|seen| seen.found.value == 0.0);
    let zeros: Vec<String> = zeros.map(|s| format!("{}.{} is 0", s.side.word(), s.statistic)).collect();
    let why = if zeros.is_empty() { String::new() } else { format!(": {}", zeros.join(" and ")) };
    format!("`{expression}` divides by 0{why}")
}

/// What an evaluation met on its way.
#[derive(Default)]
struct Record {
    seen: Vec<Seen>,
    shares: Vec<(f64, f64)>,
    problem: Option<String>,
}

impl Record {
    /// The counts behind `value`, if it is a share, or what a share leaves of 1.
    fn counts_of(&self, value: f64) -> Option<(f64, f64)> {
        let of_statistics = self.seen.iter().filter_map(|s| s.found.counts);
        let mut all: Vec<(f64, f64)> = self.shares.iter().copied().chain(of_statistics).collect();
        let is = |share: f64| (share - value).abs() <= 1e-12;
        let union = union_of(&self.seen).or_else(|| {
            all.dedup();
            if let [one] = all[..] { Some(one) } else { None }
        });
        let (k, n) = union.or_else(|| self.counted())?;
        if is(k / n) { Some((k, n)) } else { is(1.0 - k / n).then_some((n - k, n)) }
    }

    /// A count out of the number of the same requests: `failed / requests` is a share.
    fn counted(&self) -> Option<(f64, f64)> {
        let [part, all] = &self.seen[..] else { return None };
        let is_count = |seen: &Seen| matches!(seen.statistic, Statistic::Count(_));
        let is_all = all.statistic == Statistic::Count(CountOf::All);
        (is_count(part) && is_all && part.side == all.side).then_some((part.found.value, all.found.value))
    }
}

/// The counts of all shares together, where several of one side exclude each other: the share of their union.
fn union_of(seen: &[Seen]) -> Option<(f64, f64)> {
    let first = seen.first()?;
    let is_outcome = |seen: &Seen| matches!(seen.statistic, Statistic::Share(CountOf::Outcome(_)));
    let is_status = |seen: &Seen| matches!(seen.statistic, Statistic::Share(CountOf::Status(_)));
    let exclude = seen.iter().all(is_outcome) || seen.iter().all(is_status);
    if seen.len() < 2 || !exclude || seen.iter().any(|seen| seen.side != first.side) {
        return None;
    }
    let counts: Vec<(f64, f64)> = seen.iter().filter_map(|seen| seen.found.counts).collect();
    let n = first.found.counts?.1;
    let k = counts.iter().map(|(k, _)| k).sum::<f64>();
    (counts.len() == seen.len() && counts.iter().all(|(_, of)| *of == n) && k <= n).then_some((k, n))
}

fn lock(record: &Mutex<Record>) -> std::sync::MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A side, as expressions see it.
struct Arm {
    side: Side,
    look_up: Arc<dyn LookUp>,
    record: Arc<Mutex<Record>>,
}

impl fmt::Debug for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.side.word())
    }
}

impl Arm {
    fn look_up(&self, statistic: Statistic) -> Option<Value> {
        match self.look_up.look_up(self.side, &statistic) {
            Ok(found) => {
                let value = found.value;
                let seen = Seen { side: self.side, statistic, found };
                let mut record = lock(&self.record);
                if !record.seen.contains(&seen) {
                    record.seen.push(seen);
                }
                Some(Value::from(value))
            }
            Err(reason) => {
                self.note(format!("{}.{statistic} has no value: {reason}", self.side.word()));
                None
            }
        }
    }

    fn note(&self, problem: String) {
        lock(&self.record).problem.get_or_insert(problem);
    }
}

impl Object for Arm {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let Some(statistic) = Statistic::of_name(name) else {
            self.note(unknown("statistic", name, &NAMES));
            return None;
        };
        self.look_up(statistic)
    }

    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        arguments: &[Value],
    ) -> Result<Value, minijinja::Error> {
        let statistic = match arguments {
            [argument] => match argument.as_str() {
                Some(text) => Statistic::of_text(method, text),
                None => f64::try_from(argument.clone()).ok().and_then(|n| Statistic::of_number(method, n)),
            },
            [signal, second] => signal.as_str().and_then(|signal| match second.as_str() {
                Some(event) => Statistic::of_two(method, signal, event),
                None => Statistic::of_level(method, signal, f64::try_from(second.clone()).ok()?),
            }),
            _ => None,
        };
        let found = match statistic {
            Some(statistic) => self.look_up(statistic),
            None if let Some((_, example)) = OF_TWO.iter().find(|(name, _)| *name == method) => {
                self.note(format!("`{method}` needs two arguments, as in `{method}({example})`"));
                None
            }
            None if METHODS.contains(&method) => {
                let example = match method {
                    "share_within" => "'200ms'",
                    quantile if quantile.contains("quantile") => "99.9",
                    _ => "'name of a signal'",
                };
                self.note(format!("`{method}` needs one argument, as in `{method}({example})`"));
                None
            }
            None => {
                self.note(unknown("statistic with an argument", method, &METHODS));
                None
            }
        };
        found.ok_or_else(|| minijinja::Error::from(ErrorKind::UnknownMethod))
    }
}

fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(name, k), k))
        .min()
        .filter(|(distance, _)| *distance <= 2);
    match nearest {
        Some((_, k)) => format!("unknown {what} `{name}`; did you mean `{k}`?"),
        None => format!("unknown {what} `{name}`; known: {}", known.join(", ")),
    }
}

/// Gives every statistic some value, so that an expression can be tried without a run.
struct Rehearsal {
    time_scale: f64,
    /// Other seeds give other values; from 1 on they are far apart.
    seed: u32,
}

fn rehearsal(time_scale: f64, seed: u32) -> Arc<dyn LookUp> {
    Arc::new(Rehearsal { time_scale, seed })
}

impl LookUp for Rehearsal {
    fn look_up(&self, side: Side, statistic: &Statistic) -> Result<Found, String> {
        // Different for each, so that no difference is 0 by chance.
        let text = format!("{}{}{statistic}", self.seed, side.word());
        let mark = text.bytes().fold(7_u32, |sum, b| sum.wrapping_mul(31).wrapping_add(b.into()));
        let place = f64::from(mark % 9973) / 9973.0;
        let value = if self.seed == 0 { 1.0 + place } else { (6.0 * place - 3.0).exp() };
        Ok(match statistic {
            Statistic::Share(_) | Statistic::CheckShare(_) => {
                let n = if self.seed == 0 { 4.0 } else { 25.0 };
                Found { value: value / n, counts: Some((value, n)), ..Found::default() }
            }
            s if s.is_time() => Found { value: value * self.time_scale, ..Found::default() },
            _ => Found { value, ..Found::default() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl LookUp for Fixed {
        fn look_up(&self, side: Side, statistic: &Statistic) -> Result<Found, String> {
            let of = |value, counts| Ok(Found { value, counts, ..Found::default() });
            match (side, statistic.to_string().as_str()) {
                (Side::Baseline, "p99") => of(310.0, None),
                (Side::Treatment, "p99") => of(100.0, None),
                (_, "ok_share") => of(0.9, Some((9.0, 10.0))),
                (_, "delta('hits')") => of(90.0, None),
                (_, "delta('lookups')") => of(120.0, None),
                (_, "failed") => of(0.0, None),
                _ => Err("no sample was measured".to_owned()),
            }
        }
    }

    fn evaluate(text: &str) -> Result<Evaluated, String> {
        let fixed: Arc<dyn LookUp> = Arc::new(Fixed);
        Expression::new(text).evaluate(&fixed)
    }

    #[test]
    fn any_formula_over_both_sides_is_worked_out() {
        let ratio = evaluate("baseline.p99 / treatment.p99").unwrap();
        assert_eq!((ratio.value, ratio.counts, ratio.seen.len()), (3.1, None, 2));
        assert_eq!(evaluate("(baseline.p99 - treatment.p99) * 2 > 400").unwrap().value, 1.0);
    }

    #[test]
    fn a_division_by_0_names_what_is_0() {
        let reason = evaluate("treatment.p99 / baseline.failed").unwrap_err();
        assert_eq!(reason, "`treatment.p99 / baseline.failed` divides by 0: baseline.failed is 0");
    }

    #[test]
    fn shares_keep_their_counts() {
        assert_eq!(evaluate("run.ok_share").unwrap().counts, Some((9.0, 10.0)));
        assert_eq!(evaluate("1 - run.ok_share").unwrap().counts, Some((1.0, 10.0)));
        let hits = evaluate("share(treatment.delta('hits'), treatment.delta('lookups'))").unwrap();
        assert_eq!((hits.value, hits.counts), (0.75, Some((90.0, 120.0))));
        assert_eq!(evaluate("run.ok_share * 2").unwrap().counts, None);
    }

    #[test]
    fn mistakes_say_what_is_meant_perhaps() {
        for (text, words) in [
            ("baseline.p9x", "unknown statistic `p9x`; did you mean `p90`?"),
            ("run.maxx('x')", "unknown statistic with an argument `maxx`; did you mean `max`?"),
            ("run.quantile(101)", "`quantile` needs one argument, as in `quantile(99.9)`"),
            (
                "run.excursion('lag')",
                "`excursion` needs two arguments, as in `excursion('name of a signal', 2)`",
            ),
            ("run.mean", "run.mean has no value: no sample was measured"),
        ] {
            assert_eq!(evaluate(text).unwrap_err(), words, "{text}");
        }
        assert!(evaluate("baseline.p99 /").is_err());
        assert!(evaluate("other.p99").is_err());
        assert!(evaluate("'text'").is_err());
    }

    #[test]
    fn times_are_told_from_other_numbers() {
        for (text, dimension) in [
            ("treatment.p95", Dimension::Time),
            ("treatment.p95 - baseline.p95", Dimension::Time),
            ("baseline.p99 / treatment.p99", Dimension::Number),
            ("treatment.throughput", Dimension::Number),
            ("run.max('backlog')", Dimension::Number),
            ("run.drain_time", Dimension::Time),
            ("run.excursion('backlog', 2)", Dimension::Time),
        ] {
            assert_eq!(Expression::new(text).dimension(), Ok(dimension), "{text}");
        }
    }
}
