//! `[[claim]]`: statements with bounds. A claim says what it is about with one key: `value` for any
//! formula, or a word for the common shapes (`always`, `grows`, `constant`, `drains`,
//! `recovers_after`, `leaks`, `degrades`, `accounts_for`), which stand for formulas.

use std::collections::{BTreeMap, BTreeSet};

use toml::de::DeValue;

use crate::claim::{
    Amount, Bound, Claim, Dimension, DriftOf, Expression, Form, Metric, Rule, Selection, Side, SignalMetric,
    Statistic, Stretch, Unit,
};
use crate::run::RaisedEvent;
use crate::sample::{Kind, Outcome, PROBE_CLASS, Subject};
use crate::scenario::fields::{Fields, Located, number};
use crate::scenario::hook::{Hook, Moment};
use crate::scenario::load::Load;
use crate::scenario::problem::{Place, Problems};
use crate::scenario::profile::Profile;
use crate::scenario::signal::SignalSource;

/// The keys of which a claim has exactly one.
const SUBJECTS: [&str; 9] =
    ["value", "always", "grows", "constant", "drains", "recovers_after", "leaks", "degrades", "accounts_for"];

/// How much a signal may drift over a run, if a claim does not say: at most.
const LEAK: f64 = 0.05;

/// How much a quantile of response times may drift over a run.
const DEGRADATION: f64 = 0.1;

/// How much of a signal's largest reading counts as a change, if a claim does not say.
const TOLERANCE: f64 = 0.1;

/// What claims may speak of.
pub(in crate::scenario) struct Known<'a> {
    pub(in crate::scenario) endpoints: &'a [Subject],
    pub(in crate::scenario) loads: &'a BTreeMap<String, Load>,
    pub(in crate::scenario) profiles: Vec<String>,
    /// Signals that are read, those of processes included.
    pub(in crate::scenario) signals: Vec<String>,
    /// Services with CPU time.
    pub(in crate::scenario) services: Vec<String>,
    /// Hooks that run beside the load, and stages of loads.
    pub(in crate::scenario) events: Vec<String>,
    /// What requests race each other for.
    pub(in crate::scenario) races: &'a [String],
    /// Checks that are counted and decide nothing.
    pub(in crate::scenario) soft_checks: &'a [String],
    /// Streams that requests raise events in.
    pub(in crate::scenario) streams: Vec<String>,
}

impl<'a> Known<'a> {
    pub(in crate::scenario) fn new(
        endpoints: &'a [Subject],
        loads: &'a BTreeMap<String, Load>,
        profiles: &BTreeMap<String, Profile>,
        signals: &[SignalSource],
        hooks: &[Hook],
    ) -> Self {
        let services: BTreeSet<&str> =
            profiles.values().flat_map(|p| &p.services).map(|s| s.name.as_str()).collect();
        let of_processes =
            services.iter().chain(&["loadproof"]).flat_map(|s| [format!("{s} cpu"), format!("{s} memory")]);
        let signals =
            signals.iter().flat_map(SignalSource::names).map(str::to_owned).chain(of_processes).collect();
        let services = services.into_iter().map(str::to_owned).collect();
        let all = hooks.iter().chain(profiles.values().flat_map(|p| &p.hooks));
        let beside = all.filter(|h| matches!(h.moment, Moment::Beside(_))).map(|h| h.name.clone());
        let events = beside.chain(loads.values().flat_map(Load::stage_names)).collect();
        Self {
            endpoints,
            loads,
            profiles: profiles.keys().cloned().collect(),
            signals,
            services,
            events,
            races: &[],
            soft_checks: &[],
            streams: Vec::new(),
        }
    }

    /// The same, with races and the streams of raised events.
    pub(in crate::scenario) fn racing(self, races: &'a [String], raised: &[RaisedEvent]) -> Self {
        let streams: BTreeSet<&String> = raised.iter().map(|r| &r.stream).collect();
        Self { races, streams: streams.into_iter().cloned().collect(), ..self }
    }
}

impl<'a> Known<'a> {
    /// The same, with checks that are counted and decide nothing.
    pub(in crate::scenario) fn checking(self, soft_checks: &'a [String]) -> Self {
        Self { soft_checks, ..self }
    }
}

pub(in crate::scenario) fn read(file: &mut Fields<'_>, known: &Known<'_>) -> Vec<Claim> {
    file.tables("claim").into_iter().filter_map(|table| claim(table, known)).collect()
}

/// An expression that is true or false of a single run.
pub(in crate::scenario) fn condition(
    text: &Located<String>,
    known: &Known<'_>,
    problems: &Problems,
) -> Option<Expression> {
    let expression = expression(text, known, problems)?;
    if expression.has_stray_time() {
        let title = "this compares a time with what is none";
        problems.add(&text.place, title, "none of its statistics is a time");
    }
    let others = expression.sides().is_ok_and(|sides| sides.iter().any(|s| *s != Side::Run));
    if others {
        problems.add(
            &text.place,
            "this is about one run",
            "say `run.…` in place of `baseline` or `treatment`",
        );
    }
    Some(expression)
}

/// The same of several, each of what can be had while a run goes on.
pub(in crate::scenario) fn live_conditions(
    texts: &[Located<String>],
    known: &Known<'_>,
    problems: &Problems,
) {
    for text in texts {
        live_condition(text, known, problems);
    }
}

fn live_condition(text: &Located<String>, known: &Known<'_>, problems: &Problems) {
    let Some(expression) = condition(text, known, problems) else { return };
    let statistics = expression.statistics().unwrap_or_default();
    for (_, statistic) in statistics.iter().filter(|(_, s)| !s.is_live()) {
        let title = format!("`{statistic}` is only known after the run");
        let label = "expected quantiles, counts or shares by outcome, or `last('signal')`";
        problems.add(&text.place, title, label);
    }
}

/// Whether a claim gates, and whether it spares single runs.
fn gate(table: &mut Fields<'_>) -> (bool, bool) {
    let gate = table.read("gate", "`true`, `false` or `\"experiments\"`", |value| {
        let only_experiments = value.as_str() == Some("experiments");
        value.as_bool().map(|gates| (gates, false)).or(only_experiments.then_some((true, true)))
    });
    gate.map_or((true, false), |gate| gate.value)
}

fn claim(mut table: Fields<'_>, known: &Known<'_>) -> Option<Claim> {
    let (problems, place) = (table.problems, table.place.clone());
    let id = table.text("id").map_or(String::new(), |l| l.value);
    let title = table.required_text("title");
    let why = table.text("why").map_or(String::new(), |l| l.value);
    let select = select(&mut table, known);
    let (gates, spares_runs) = gate(&mut table);
    let is_selective = select != Selection::default();
    let every_run = table.flag("every_run").unwrap_or(false);
    let tolerates = tolerates(&mut table);
    let answers_differ = table.flag("answers_differ").unwrap_or(false);
    let loads = loads(&mut table, &select, known);
    let profiles = profiles(&mut table, known);
    let deployments = table.texts("deployments").into_iter().map(|l| l.value).collect();
    let subject = subject(&mut table, known);
    if subject.is_none() {
        // What belongs to a subject that cannot be read is no mistake of its own.
        table.know(&SUBJECTS);
        table.know(&["arm", "tolerance", "at_least", "at_most", "within"]);
    }
    table.finish();
    let (value, bound, rule) = subject?;
    let is_cpu = |statistic: &Statistic| matches!(statistic, Statistic::CpuPerRequest(_));
    if is_selective && value.statistics().is_ok_and(|found| found.iter().any(|(_, s)| is_cpu(s))) {
        let title = "CPU time is known of all requests together, not of a selection";
        problems.add(&place, title, "leave out `select`, or `cpu_per_request`");
    }
    let rule = if every_run { Rule::EveryRun } else { rule };
    let loads = if loads.is_empty() { loads_with_stage(&value, known) } else { loads };
    let title = title?.value;
    Some(Claim {
        id,
        title,
        why,
        value,
        bound,
        rule,
        select,
        tolerates,
        answers_differ,
        gates,
        spares_runs,
        loads,
        deployments,
        profiles,
    })
}

/// The loads that have the stage from which a claim's recovery counts; empty if it counts from none.
fn loads_with_stage(value: &Expression, known: &Known<'_>) -> Vec<String> {
    let statistics = value.statistics().unwrap_or_default();
    let events: Vec<&String> = statistics
        .iter()
        .filter_map(
            |(_, statistic)| if let Statistic::Recovery(name) = statistic { Some(name) } else { None },
        )
        .collect();
    let has_stage = |load: &Load| load.stage_names().iter().any(|name| events.contains(&name));
    known.loads.iter().filter(|(_, load)| has_stage(load)).map(|(name, _)| name.clone()).collect()
}

/// `tolerates = "5%"`: the share of samples that may end otherwise than expected.
fn tolerates(table: &mut Fields<'_>) -> Option<f64> {
    let (amount, place) = amount(table, "tolerates")?;
    if amount.unit != Unit::Percent || !(0.0..=1.0).contains(&amount.value) {
        table.problems.add(&place, "impossible share", "expected a share such as `\"5%\"`");
    }
    Some(amount.value)
}

fn subject(table: &mut Fields<'_>, known: &Known<'_>) -> Option<(Expression, Bound, Rule)> {
    let problems = table.problems;
    let given: Vec<&'static str> = SUBJECTS.into_iter().filter(|key| table.has(key)).collect();
    let [key] = given[..] else {
        let title = format!("a claim needs exactly one of `{}`", SUBJECTS.join("`, `"));
        problems.add(&table.place, title, "in this claim");
        return None;
    };
    if key == "accounts_for" {
        return accounts(table, known);
    }
    let text = table.required_text(key)?;
    let side = side(table);
    let tolerance = tolerance(table);
    let bound = bound(table);
    let of = |metric: &str| Expression::new(format!("{}.{metric}('{}')", side.word(), text.value));
    if !["value", "recovers_after", "degrades"].contains(&key) {
        check_name(&text, "signal", &known.signals, problems);
    }
    let share = |value| Amount { value, unit: Unit::Percent };
    let claimed = match key {
        "value" => {
            let value = expression(&text, known, problems)?;
            let (bound, place) = needed(bound, table)?;
            check_units(&value, bound, &place, problems);
            check_sense(&value, bound, &place, problems);
            let bound = bound_of_drift(&value, bound);
            (value, bound, Rule::Interval)
        }
        "always" => {
            let (bound, place) = needed(bound, table)?;
            let metric = match bound {
                Bound::AtLeast(_) => "min",
                Bound::AtMost(_) => "max",
                Bound::Within(..) => {
                    problems.add(&place, "`always` takes one bound", "say `at_least` or `at_most`");
                    return None;
                }
            };
            (of(metric), bound, Rule::EveryRun)
        }
        "grows" => (of("growth"), Bound::AtLeast(share(tolerance)), Rule::Interval),
        "constant" => (of("growth"), Bound::Within(share(-tolerance), share(tolerance)), Rule::Interval),
        "drains" => (of("remaining"), Bound::AtMost(share(0.0)), Rule::EveryRun),
        "leaks" => {
            let most =
                bound.map_or(Bound::AtMost(share(LEAK)), |(bound, _)| bound_of_drift(&of("drift"), bound));
            (of("drift"), most, Rule::Interval)
        }
        "degrades" => {
            let value =
                Located { value: format!("{}.drift({})", side.word(), percent(&text, problems)?), ..text };
            let most = bound.map_or(Bound::AtMost(share(DEGRADATION)), |(bound, _)| bound);
            let value = expression(&value, known, problems)?;
            let most = bound_of_drift(&value, most);
            (value, most, Rule::Interval)
        }
        _ => {
            let time = crate::unit::parse_duration(&text.value);
            if time.is_err() {
                check_name(&text, "hook beside the load, nor a stage, nor a time,", &known.events, problems);
            }
            let (bound, place) = needed(bound, table)?;
            let value = of("recovery");
            check_units(&value, bound, &place, problems);
            (value, bound, Rule::EveryRun)
        }
    };
    if ["grows", "constant", "drains"].contains(&key) && table.has_bound() {
        problems.add(
            &table.place,
            format!("`{key}` brings its own bound"),
            "leave the bound out, or use `value`",
        );
    }
    Some(claimed)
}

/// The number in `p95`.
fn percent(text: &Located<String>, problems: &Problems) -> Option<f64> {
    let quantile = Expression::new(format!("run.{}", text.value)).statistics().ok();
    let p = quantile.and_then(|found| found.first()?.1.quantile());
    if p.is_none() {
        problems.add(&text.place, format!("`{}` is not a valid quantile", text.value), "expected e.g. `p95`");
    }
    p.map(|p| (p * 1e8).round() / 1e6)
}

/// `accounts_for = { stream = "signal", … }`: what each signal has counted since the run's start is what
/// the run's requests have raised.
fn accounts(table: &mut Fields<'_>, known: &Known<'_>) -> Option<(Expression, Bound, Rule)> {
    let problems = table.problems;
    let side = side(table).word();
    let streams = table.table("accounts_for")?;
    let mut terms = Vec::new();
    for (stream, value) in streams.entries() {
        let place = Place { file: streams.file(), span: value.span() };
        let Some(signal) = value.get_ref().as_str() else {
            problems.add(
                &place,
                "a stream needs the signal that counts its events",
                "expected the signal's name",
            );
            continue;
        };
        check_name(&stream, "stream of raised events", &known.streams, problems);
        check_name(&Located { value: signal.to_owned(), place }, "signal", &known.signals, problems);
        terms.push(format!("({side}.delta('{signal}') - {side}.events('{}'))|abs", stream.value));
    }
    if terms.is_empty() {
        problems.add(&streams.place, "`accounts_for` is empty", "needs at least one");
        return None;
    }
    Some((Expression::new(terms.join(" + ")), Bound::AtMost(Amount::plain(0.0)), Rule::EveryRun))
}

fn needed(bound: Option<(Bound, Place)>, table: &Fields<'_>) -> Option<(Bound, Place)> {
    if bound.is_none() && !table.has_bound() {
        let title = "a claim needs exactly one of `at_least`, `at_most`, `within`";
        table.problems.add(&table.place, title, "in this claim");
    }
    bound
}

fn side(table: &mut Fields<'_>) -> Side {
    let Some(text) = table.text("arm") else { return Side::Run };
    let words: Vec<&str> = Side::ALL.iter().map(|s| s.word()).collect();
    Side::ALL.into_iter().find(|s| s.word() == text.value).unwrap_or_else(|| {
        table.problems.add_unknown(&text.place, "arm", &text.value, &words);
        Side::Run
    })
}

fn tolerance(table: &mut Fields<'_>) -> f64 {
    let Some((amount, place)) = amount(table, "tolerance") else { return TOLERANCE };
    if !(amount.value > 0.0 && amount.value < 1.0) {
        table.problems.add(&place, "impossible tolerance", "expected a share such as `\"10%\"`");
    }
    amount.value
}

impl Fields<'_> {
    fn has_bound(&self) -> bool {
        ["at_least", "at_most", "within"].iter().any(|key| self.has(key))
    }
}

/// `at_least = 3.1`, `at_most = "500ms"`, `within = [0.97, 1.03]` or `within = "3%"` of equality.
fn bound(table: &mut Fields<'_>) -> Option<(Bound, Place)> {
    let low = amount(table, "at_least").map(|(a, place)| (Bound::AtLeast(a), place));
    let high = amount(table, "at_most").map(|(a, place)| (Bound::AtMost(a), place));
    let both = within(table);
    let mut given: Vec<(Bound, Place)> = [low, high, both].into_iter().flatten().collect();
    if given.len() > 1 {
        let title = "a claim has one bound; for two edges say `within = [low, high]`";
        table.problems.add(&given[1].1, title, "a second one");
    }
    given.truncate(1);
    given.pop()
}

fn within(table: &mut Fields<'_>) -> Option<(Bound, Place)> {
    let Located { value, place } = table.value("within")?;
    let problems = table.problems;
    let wrong = || {
        let title = "`within` needs two amounts, or one share of equality";
        problems.add(&place, title, "expected `[0.97, 1.03]` or `\"3%\"`");
    };
    let edges: Vec<Amount> = match value.get_ref() {
        DeValue::Array(items) => items.iter().filter_map(|item| amount_of(item.get_ref())).collect(),
        other => match amount_of(other) {
            Some(Amount { value, unit: Unit::Percent }) if value < 1.0 => {
                [1.0 - value, 1.0 + value].map(|value| Amount { value, unit: Unit::Change }).to_vec()
            }
            _ => Vec::new(),
        },
    };
    match edges[..] {
        [low, high] if low.value < high.value && low.unit == high.unit => {
            Some((Bound::Within(low, high), place))
        }
        _ => {
            wrong();
            None
        }
    }
}

fn amount(table: &mut Fields<'_>, key: &'static str) -> Option<(Amount, Place)> {
    let Located { value, place } = table.value(key)?;
    match amount_of(value.get_ref()) {
        Some(amount) => Some((amount, place)),
        None => {
            let expected = "expected e.g. `3.1`, `\"3.1x\"`, `\"92%\"`, `\"+45%\"` or `\"500ms\"`";
            table.problems.add(&place, format!("`{key}` is not a valid amount"), expected);
            None
        }
    }
}

fn amount_of(value: &DeValue<'_>) -> Option<Amount> {
    match value.as_str() {
        Some(text) => text.parse().ok(),
        None => number(value).map(Amount::plain),
    }
}

/// Parses an expression and checks the names in it.
fn expression(text: &Located<String>, known: &Known<'_>, problems: &Problems) -> Option<Expression> {
    let expression = Expression::new(text.value.trim());
    let statistics = match expression.statistics() {
        Ok(statistics) => statistics,
        Err(problem) => {
            problems.add(&text.place, "this formula cannot be evaluated", problem);
            return None;
        }
    };
    if statistics.is_empty() {
        problems.add(&text.place, "this speaks of no run", "expected `baseline.…`, `treatment.…` or `run.…`");
    }
    let scales = ["1000", "1_000", "1e3", "1e6", "0.001"];
    let text_has = |scale: &&str| expression.to_string().contains(*scale);
    if expression.dimension() == Ok(Dimension::Time) && scales.iter().any(text_has) {
        problems.add(
            &text.place,
            "times are in milliseconds, and bounds know their units",
            "leave out the factor",
        );
    }
    for (_, statistic) in statistics {
        let percent = match &statistic {
            Statistic::Time(_, Metric::Quantile(p)) | Statistic::Drift(DriftOf::Quantile(p)) => {
                Some(p * 100.0)
            }
            _ => None,
        };
        if let Some(percent) = percent.filter(|percent| *percent > 0.0 && *percent < 1.0) {
            let percent = crate::unit::plain(percent);
            let title = format!("this is the {percent}th percentile, which hardly any sample is below");
            problems.add(&text.place, title, "percentiles count to 100: did you mean `quantile(99)`?");
        }
        let at = |name: &str| Located { value: name.to_owned(), place: text.place.clone() };
        match &statistic {
            Statistic::Signal(_, name) => check_name(&at(name), "signal", &known.signals, problems),
            Statistic::Drift(DriftOf::Signal(name)) | Statistic::Correlation(name) => {
                check_name(&at(name), "signal", &known.signals, problems);
            }
            Statistic::Overlap(name) | Statistic::AllOk(name) | Statistic::NoneOk(name) => {
                check_name(&at(name), "race", known.races, problems);
            }
            Statistic::CheckShare(name) => check_name(&at(name), "soft check", known.soft_checks, problems),
            Statistic::Events(name) => {
                check_name(&at(name), "stream of raised events", &known.streams, problems);
            }
            Statistic::CpuPerRequest(Some(name)) => {
                check_name(&at(name), "service", &known.services, problems);
            }
            Statistic::Recovery(name) if crate::unit::parse_duration(name).is_err() => {
                check_name(&at(name), "hook beside the load or stage", &known.events, problems);
            }
            _ => {}
        }
    }
    Some(expression)
}

fn check_name(name: &Located<String>, what: &str, known: &[String], problems: &Problems) {
    if !known.contains(&name.value) {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        problems.add_unknown(&name.place, what, &name.value, &known);
    }
}

/// A time needs a bound with a unit, and nothing else may have one.
fn check_units(value: &Expression, bound: Bound, place: &Place, problems: &Problems) {
    let Ok(dimension) = value.dimension() else { return };
    match (dimension, bound.unit()) {
        (Dimension::Time, Unit::Time) => {}
        (Dimension::Time, _) => {
            problems.add(place, "this value is a time", "expected a time such as `\"500ms\"`");
        }
        (Dimension::Number, Unit::Time) => {
            problems.add(place, "this value is not a time", "expected a number, a share or a change");
        }
        (Dimension::Number, _) => {}
    }
}

/// A change of a series is a share of its first value: `+10%` of drift is 0.10, not 1.10.
fn bound_of_drift(value: &Expression, bound: Bound) -> Bound {
    let is_change = |statistic: &Statistic| {
        matches!(statistic, Statistic::Drift(_) | Statistic::Signal(SignalMetric::Growth, _))
    };
    let statistics = value.statistics().unwrap_or_default();
    let is_whole = |side: &Side, of: &Statistic| value.to_string().trim() == format!("{}.{of}", side.word());
    // A ratio of two drifts is a ratio.
    if !matches!(&statistics[..], [(side, of)] if is_change(of) && is_whole(side, of)) {
        return bound;
    }
    let plainly = |amount: Amount| match amount.unit {
        Unit::Change => Amount { value: amount.value - 1.0, unit: Unit::Percent },
        _ => amount,
    };
    match bound {
        Bound::AtLeast(low) => Bound::AtLeast(plainly(low)),
        Bound::AtMost(high) => Bound::AtMost(plainly(high)),
        Bound::Within(low, high) => Bound::Within(plainly(low), plainly(high)),
    }
}

/// Refuses bounds that are right by their units and yet hardly what is meant.
fn check_sense(value: &Expression, bound: Bound, place: &Place, problems: &Problems) {
    let statistics = value.statistics().unwrap_or_default();
    let has = |side: fn(&Side) -> bool| statistics.iter().any(|(of, _)| side(of));
    let is_ratio_of_arms = matches!(value.form(), Form::Ratio { .. } | Form::Positive)
        && value.dimension() == Ok(Dimension::Number)
        && has(|side| *side == Side::Baseline)
        && has(|side| *side != Side::Baseline);
    let is_share = matches!(&statistics[..], [(_, Statistic::Share(_) | Statistic::CheckShare(_))]);
    let is_drift = statistics.iter().any(|(_, statistic)| {
        matches!(statistic, Statistic::Drift(_) | Statistic::Signal(SignalMetric::Growth, _))
    });
    let edges = [bound.edges().0, bound.edges().1];
    match bound.unit() {
        Unit::Percent if is_ratio_of_arms => {
            let written = edges.into_iter().flatten().next().unwrap_or(1.0);
            let percent = Unit::Percent.text(written);
            let title = format!("`{percent}` of a ratio is {}", crate::unit::plain(written));
            let hint = format!(
                "did you mean `{}` or `{}`?",
                Unit::Change.text(1.0 + written),
                Unit::Times.text(1.0 + written)
            );
            problems.add(place, title, hint);
        }
        Unit::Change if !is_ratio_of_arms && !is_drift => {
            let title = "a change needs a ratio of the arms, such as `treatment.p95 / baseline.p95`";
            problems.add(
                place,
                title,
                "this value is none: give the bound as a number or a share, e.g. `45%`",
            );
        }
        _ => {}
    }
    let always_holds = match bound {
        Bound::AtMost(most) => most.value >= 1.0,
        Bound::AtLeast(least) => least.value <= 0.0,
        Bound::Within(..) => false,
    };
    let never_holds = matches!(bound, Bound::AtLeast(least) if least.value > 1.0);
    if is_share && bound.unit() != Unit::Change && (always_holds || never_holds) {
        let title =
            if never_holds { "a share never exceeds 100 %" } else { "every share keeps to this bound" };
        let written = edges.into_iter().flatten().next().unwrap_or(1.0);
        problems.add(place, title, format!("did you mean `{}%`?", crate::unit::plain(written)));
    }
}

/// `loads = [...]`; what selects a stage is about the loads that have it, if nothing is said.
pub(super) fn loads(table: &mut Fields<'_>, select: &Selection, known: &Known<'_>) -> Vec<String> {
    let has_stage =
        |load: &Load| select.stage.as_ref().is_none_or(|stage| load.stage_names().contains(stage));
    if select.stage.is_some() && !table.has("loads") {
        let with = known.loads.iter().filter(|(_, load)| has_stage(load));
        return with.map(|(name, _)| name.clone()).collect();
    }
    let names: Vec<&str> = known.loads.keys().map(String::as_str).collect();
    let given = table.texts("loads");
    for name in given.iter().filter(|n| !names.contains(&n.value.as_str())) {
        table.problems.add_unknown(&name.place, "load", &name.value, &names);
    }
    for name in &given {
        if known.loads.get(&name.value).is_some_and(|load| !has_stage(load)) {
            let stage = select.stage.as_deref().unwrap_or_default();
            let title = format!("load `{}` has no phase `{stage}`", name.value);
            table.problems.add(&name.place, title, "leave it out, or select a phase that it has");
        }
    }
    given.into_iter().map(|l| l.value).collect()
}

/// `profiles = ["embedded"]`: profiles that there are.
pub(super) fn profiles(table: &mut Fields<'_>, known: &Known<'_>) -> Vec<String> {
    let names: Vec<&str> = known.profiles.iter().map(String::as_str).collect();
    let given = table.texts("profiles");
    for name in given.iter().filter(|n| !names.contains(&n.value.as_str())) {
        table.problems.add_unknown(&name.place, "profile", &name.value, &names);
    }
    given.into_iter().map(|l| l.value).collect()
}

/// `select = { endpoint = "…", effect = "…", traffic_class = "…", phase = "steady", outcome = "ok" }`
pub(super) fn select(table: &mut Fields<'_>, known: &Known<'_>) -> Selection {
    let Some(mut select) = table.table("select") else { return Selection::default() };
    let problems = select.problems;
    let names = |kind| {
        let of_kind =
            known.endpoints.iter().filter(move |e| e.kind == kind && e.traffic_class != PROBE_CLASS);
        of_kind.map(|e| e.endpoint.as_str()).collect::<Vec<_>>()
    };
    let mut classes: Vec<&str> = known.endpoints.iter().map(|e| e.traffic_class.as_str()).collect();
    classes.sort_unstable();
    classes.dedup();
    let mut one_of = |key: &'static str, what: &str, known: &[&str]| {
        let text = select.text(key)?;
        if !known.contains(&text.value.as_str()) {
            problems.add_unknown(&text.place, what, &text.value, known);
        }
        Some(text)
    };
    let endpoint = one_of("endpoint", "endpoint", &names(Kind::Request)).map(|l| l.value);
    let effect = one_of("effect", "effect", &names(Kind::Effect));
    let group = one_of("group", "group", &names(Kind::Group));
    let traffic_class = one_of("traffic_class", "traffic class", &classes).map(|l| l.value);
    let stages: Vec<String> = known.loads.values().flat_map(Load::stage_names).collect();
    let words = Stretch::ALL.iter().map(|(word, _)| *word);
    let phases: Vec<&str> = words.chain(stages.iter().map(String::as_str)).collect();
    let (phase, stage) = match one_of("phase", "phase", &phases).map(|l| l.value) {
        None => (None, None),
        Some(name) => match Stretch::ALL.into_iter().find(|(word, _)| *word == name) {
            Some((_, phase)) => (Some(phase), None),
            None => (None, Some(name)),
        },
    };
    let outcomes = Outcome::ALL.map(Outcome::word);
    let outcome = one_of("outcome", "outcome", &outcomes)
        .and_then(|l| Outcome::ALL.into_iter().find(|o| o.word() == l.value));
    let second = match (&endpoint, &effect, &group) {
        (_, Some(_), Some(second)) | (Some(_), _, Some(second)) | (Some(_), Some(second), _) => Some(second),
        _ => None,
    };
    if let Some(second) = second {
        let title = "a claim is about requests, effects or groups";
        problems.add(&second.place, title, "leave out all but one of them");
    }
    select.finish();
    let [effect, group] = [effect, group].map(|name| name.map(|l| l.value));
    Selection { endpoint, effect, group, traffic_class, phase, stage, outcome }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_on_a_drift_is_a_share_of_where_the_series_began() {
        let ten_percent = Bound::AtMost("+10%".parse().unwrap());
        for (text, is_share) in [
            ("run.drift(95)", true),
            ("treatment.drift('memory')", true),
            ("run.p95", false),
            ("treatment.drift(95) / baseline.drift(95)", false),
        ] {
            let Bound::AtMost(most) = bound_of_drift(&Expression::new(text), ten_percent) else {
                panic!("{text}")
            };
            assert_eq!(most.unit == Unit::Percent, is_share, "{text}");
            assert_eq!(Bound::AtMost(most).holds(0.88), !is_share, "{text}");
        }
    }
}
