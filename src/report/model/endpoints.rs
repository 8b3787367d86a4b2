//! The table of endpoints: a line an arm for each of them, and a total.

use serde::Serialize;

use super::Counts;
use crate::sample::{Kind, Subject, status_text};
use crate::stats::interval::Interval;
use crate::summary::compare::ratio;
use crate::summary::{
    ArmSummary, Comparison, CurveShift, Distribution, Evidence, QUANTILES, SubjectComparison, Summary, TOTAL,
};
use crate::unit::{self, TimeScale};

/// Stands where there is no value.
pub(super) const NO_VALUE: &str = "n/a";
/// Quantiles of [`QUANTILES`] that the table shows.
const SHOWN: usize = 4;
/// What is said where a time has no end.
const ENDLESS: &str =
    "∞: the value falls among requests that were never answered; a change from or to ∞ has no size.";
/// Part of a response time that waiting to be sent must make up for service times to be shown, too.
const LEAST_WAITING: f64 = 0.05;

/// Subjects of one kind, with their times in one unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubjectSection {
    /// Anchor within the page.
    pub id: &'static str,
    /// Its heading.
    pub heading: &'static str,
    /// What its metrics mean.
    pub note: &'static str,
    /// What `∞` means, where there is one; empty otherwise.
    pub endless: &'static str,
    /// `µs`, `ms` or `s`.
    pub unit: &'static str,
    /// True for the endpoints, false for tags, groups and effects.
    pub is_of_requests: bool,
    /// Its columns, beside name and arm.
    pub columns: Vec<Column>,
    /// The subjects; of several requests the last is their total.
    pub rows: Vec<SubjectRow>,
}

/// A column of metrics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Tells it from others: `n`, `rate`, `mean`, `p95`, `errors`.
    pub key: &'static str,
    /// Its heading: `p95, ms`
    pub heading: String,
}

/// One subject in all arms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubjectRow {
    /// The endpoint, or the effect.
    pub name: String,
    /// The class of its traffic; empty if none.
    pub traffic_class: String,
    /// Whether it is the total of the others.
    pub is_total: bool,
    /// A line an arm, and further ones for service times where those differ much.
    pub lines: Vec<SubjectLine>,
    /// Its samples by outcome, per arm; none where it was not called.
    pub counts: Vec<Option<Counts>>,
}

/// One subject in one arm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubjectLine {
    /// The arm's place.
    pub arm: usize,
    /// Whether it gives service times, in place of response times.
    pub is_service: bool,
    /// A cell for each column; none where the subject was not called in the arm.
    pub cells: Vec<Cell>,
}

/// A metric.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// Its value, with a `*` where few samples carry it.
    pub value: String,
    /// `−69.0 %`: against the baseline; empty in the baseline itself and for a run.
    pub change: String,
    /// `[−71.2 %, −66.1 %]`; empty where rounds are too few.
    pub interval: String,
    /// Whether it calls for attention.
    pub is_bad: bool,
}

/// A subject with its summaries by arm and what changed between them.
pub(super) struct Compared<'a> {
    pub(super) subject: &'a Subject,
    pub(super) arms: Vec<Option<&'a Summary>>,
    is_total: bool,
    /// The change of its quantiles over the rounds.
    shift: Option<&'a CurveShift>,
}

impl<'a> Compared<'a> {
    /// The subjects of a comparison, then the total of its requests.
    pub(super) fn of_both(comparison: &'a Comparison) -> Vec<Self> {
        let mut rows = Self::of_all(&comparison.subjects, &comparison.shifts);
        let shift = |name: &str| comparison.shifts.iter().find(|shift| shift.name == name);
        let totals = [comparison.baseline.total.as_ref(), comparison.treatment.total.as_ref()];
        // Where all traffic is of one class, that class is the total.
        let class = comparison.baseline.curves.iter().find(|curve| curve.is_class).map(|curve| &curve.name);
        let shift = shift(TOTAL).or_else(|| shift(class?));
        if let Some(summary) = totals.into_iter().flatten().next() {
            rows.push(Self { subject: &summary.subject, arms: totals.to_vec(), is_total: true, shift });
        }
        rows
    }

    /// The tags of a comparison.
    pub(super) fn tags_of_both(comparison: &'a Comparison) -> Vec<Self> {
        Self::of_all(&comparison.tags, &comparison.shifts)
    }

    fn of_all(subjects: &'a [SubjectComparison], shifts: &'a [CurveShift]) -> Vec<Self> {
        let row = |both: &'a SubjectComparison| Self {
            subject: &both.subject,
            arms: vec![both.baseline.as_ref(), both.treatment.as_ref()],
            is_total: false,
            shift: shifts.iter().find(|shift| shift.name == both.subject.title()),
        };
        subjects.iter().map(row).collect()
    }

    /// The tags of a run.
    pub(super) fn tags_of_one(arm: &'a ArmSummary) -> Vec<Self> {
        arm.tags.iter().map(|summary| Self::of_summary(summary, false)).collect()
    }

    fn of_summary(summary: &'a Summary, is_total: bool) -> Self {
        Self { subject: &summary.subject, arms: vec![Some(summary)], is_total, shift: None }
    }

    /// The subjects of a run, then the total of its requests.
    pub(super) fn of_one(arm: &'a ArmSummary) -> Vec<Self> {
        let row = |is_total| move |summary: &'a Summary| Self::of_summary(summary, is_total);
        arm.summaries.iter().map(row(false)).chain(arm.total.iter().map(row(true))).collect()
    }

    /// `treatment / baseline` of a metric; none where either is missing.
    fn ratio(&self, of: impl Fn(&Summary) -> Option<f64>) -> Option<f64> {
        let [Some(baseline), Some(treatment)] = self.arms[..] else { return None };
        ratio(of(treatment)?, of(baseline)?)
    }

    /// The change of a quantile, and its interval where rounds give one.
    fn quantile_change(&self, place: usize, time: Time) -> (String, String) {
        let over_rounds = self.shift.filter(|_| time == Time::Response).and_then(|shift| {
            let point = shift.points.iter().find(|point| (point.p - QUANTILES[place]).abs() < 1e-9)?;
            Some((point.ratio, point.interval))
        });
        let carries =
            |summary: &Summary| time.of(summary).is_some_and(|d| d.quantile(place).value().is_some());
        let has_values = self.arms.iter().all(|arm| arm.is_some_and(carries));
        let is_endless =
            |summary: &Summary| time.of(summary).is_some_and(|d| d.quantiles_us[place].is_infinite());
        if has_values && self.arms.iter().flatten().any(|arm| is_endless(arm)) {
            return (NO_VALUE.to_owned(), String::new());
        }
        let ratio = self.ratio(|summary| Some(time.of(summary)?.quantiles_us[place])).filter(|_| has_values);
        match (over_rounds, ratio) {
            (Some((ratio, interval)), _) => {
                (unit::change(ratio), interval.map_or(String::new(), interval_text))
            }
            (None, Some(ratio)) => (unit::change(ratio), String::new()),
            (None, None) => (String::new(), String::new()),
        }
    }
}

/// Which time of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Time {
    Response,
    Service,
}

impl Time {
    fn of(self, summary: &Summary) -> Option<Distribution> {
        match self {
            Self::Response => summary.response,
            Self::Service => summary.service,
        }
    }
}

fn interval_text(interval: Interval) -> String {
    format!("[{}, {}]", unit::change(interval.low), unit::change(interval.high))
}

/// Requests, their tags, groups, then effects; sections without a row are left out.
pub(super) fn sections(rows: &[Compared<'_>], tags: &[Compared<'_>]) -> Vec<SubjectSection> {
    let of_kind = |kind| rows.iter().filter(move |r| r.subject.kind == kind).collect::<Vec<_>>();
    let effects = section(
        "effects",
        "Effects",
        "Effect latency: from a request's answer until its effect is visible. Effects that did not become visible in time \
         are errors. * fewer than ten samples beyond.",
        &of_kind(Kind::Effect),
    );
    let groups = section(
        "groups",
        "Groups",
        "From when the first step of a group was due to the end of its last. Groups in which a step has failed, or that \
         were not finished in time, are errors. * fewer than ten samples beyond.",
        &of_kind(Kind::Group),
    );
    let mut requests = of_kind(Kind::Request);
    // The total of one endpoint is that endpoint again.
    if requests.iter().filter(|row| !row.is_total).count() == 1 {
        requests.retain(|row| !row.is_total);
    }
    let requests = section(
        "requests",
        "Endpoints",
        "Response times of answered requests, from when each was due. Errors are failed, unanswered and dropped requests. \
         * fewer than ten samples beyond.",
        &requests,
    );
    let tags = section(
        "tags",
        "Tags",
        "Requests by their tags, wherever they go. A request with several tags counts in the row of each. * fewer than ten \
         samples beyond.",
        &tags.iter().collect::<Vec<_>>(),
    );
    [requests, tags, groups, effects].into_iter().filter(|s| !s.rows.is_empty()).collect()
}

fn section(
    id: &'static str,
    heading: &'static str,
    note: &'static str,
    rows: &[&Compared<'_>],
) -> SubjectSection {
    let times = rows.iter().flat_map(|row| &row.arms).flatten().filter_map(|summary| summary.response);
    let scale = TimeScale::of_column(times.map(|d| d.quantiles_us[2]));
    let unit = scale.symbol();
    let time = |key: &'static str| Column { key, heading: format!("{key}, {unit}") };
    let amount = |key, heading: &str| Column { key, heading: heading.to_owned() };
    let mut section = SubjectSection {
        id,
        heading,
        note,
        endless: if has_endless_times(rows) { ENDLESS } else { "" },
        unit,
        is_of_requests: id == "requests",
        columns: vec![
            amount("n", "n"),
            amount("rate", "per s"),
            time("mean"),
            time("min"),
            time("p50"),
            time("p90"),
            time("p95"),
            time("p99"),
            time("max"),
            amount("errors", "errors, %"),
        ],
        rows: rows.iter().map(|row| subject_row(row, scale)).collect(),
    };
    leave_out_empty_columns(&mut section);
    section
}

/// Whether a quantile that is shown lies among requests that were never answered.
fn has_endless_times(rows: &[&Compared<'_>]) -> bool {
    let times = rows.iter().flat_map(|row| &row.arms).flatten().filter_map(|summary| summary.response);
    times.into_iter().any(|times| times.quantiles_us[..SHOWN].iter().any(|us| us.is_infinite()))
}

/// Leaves out what too few samples carry in all rows.
fn leave_out_empty_columns(section: &mut SubjectSection) {
    let lines = || section.rows.iter().flat_map(|row| &row.lines).filter(|line| !line.cells.is_empty());
    let is_kept: Vec<bool> = (0..section.columns.len())
        .map(|place| lines().any(|line| ![NO_VALUE, ""].contains(&line.cells[place].value.as_str())))
        .collect();
    let kept = |place: usize| is_kept.get(place).copied().unwrap_or(true);
    let mut place = 0..;
    section.columns.retain(|_| place.next().is_none_or(kept));
    for line in section.rows.iter_mut().flat_map(|row| &mut row.lines) {
        let mut place = 0..;
        line.cells.retain(|_| place.next().is_none_or(kept));
    }
}

fn subject_row(row: &Compared<'_>, scale: TimeScale) -> SubjectRow {
    let is_request = row.subject.kind == Kind::Request;
    let arms = || row.arms.iter().enumerate();
    let mut lines: Vec<SubjectLine> = arms()
        .map(|(arm, summary)| SubjectLine {
            arm,
            is_service: false,
            cells: summary.map_or(Vec::new(), |summary| cells(row, arm, summary, scale)),
        })
        .collect();
    if is_request && row.arms.iter().flatten().any(|summary| waits_show(summary)) {
        lines.extend(arms().filter_map(|(arm, summary)| {
            Some(SubjectLine { arm, is_service: true, cells: service_cells(row, arm, (*summary)?, scale) })
        }));
    }
    SubjectRow {
        name: row.subject.endpoint.clone(),
        traffic_class: row.subject.traffic_class.clone(),
        is_total: row.is_total,
        lines,
        counts: row.arms.iter().map(|arm| arm.map(counts)).collect(),
    }
}

fn cells(row: &Compared<'_>, arm: usize, summary: &Summary, scale: TimeScale) -> Vec<Cell> {
    let counts = &summary.counts;
    let (total, wrong) = (counts.total(), counts.failed + counts.error + counts.dropped);
    let plain = |value: String| Cell { value, ..Cell::default() };
    let rate_change = row.ratio(|summary| Some(summary.rate_per_s)).filter(|_| arm > 0);
    let rate = Cell {
        value: unit::significant(summary.rate_per_s),
        change: rate_change.map_or(String::new(), unit::change),
        ..Cell::default()
    };
    let errors = Cell {
        value: unit::plain(100.0 * wrong as f64 / total.max(1) as f64),
        is_bad: wrong > 0,
        ..Cell::default()
    };
    let mut cells = vec![plain(unit::count(total)), rate];
    cells.extend(times(row, arm, summary, Time::Response, scale));
    cells.push(errors);
    cells
}

/// Service times, in the columns of response times; the others stay empty.
fn service_cells(row: &Compared<'_>, arm: usize, summary: &Summary, scale: TimeScale) -> Vec<Cell> {
    let mut cells = vec![Cell::default(), Cell::default()];
    cells.extend(times(row, arm, summary, Time::Service, scale));
    cells.push(Cell::default());
    cells
}

/// Mean, smallest, quantiles and largest of a time.
fn times(row: &Compared<'_>, arm: usize, summary: &Summary, time: Time, scale: TimeScale) -> Vec<Cell> {
    let times = time.of(summary);
    let plain = |metric: fn(&Distribution) -> f64| Cell {
        value: times.as_ref().map_or(NO_VALUE.to_owned(), |times| scale.text(metric(times))),
        ..Cell::default()
    };
    let quantile = |place: usize| {
        let value = quantile_text(times.map_or(Evidence::None, |d| d.quantile(place)), |us| scale.text(us));
        let (change, interval) =
            if arm == 0 { (String::new(), String::new()) } else { row.quantile_change(place, time) };
        Cell { value, change, interval, is_bad: false }
    };
    let mut cells = vec![plain(|times| times.mean_us), plain(|times| times.min_us)];
    cells.extend((0..SHOWN).map(quantile));
    cells.push(plain(|times| times.max_us));
    cells
}

/// `135`, `135*` where few samples carry it, `n/a` where none does.
pub(super) fn quantile_text(quantile: Evidence, text: impl Fn(f64) -> String) -> String {
    match quantile {
        Evidence::Firm(us) => text(us),
        Evidence::Thin(us) => format!("{}*", text(us)),
        Evidence::None => NO_VALUE.to_owned(),
    }
}

/// Whether waiting to be sent makes up more than 5 % of any quantile that is shown.
fn waits_show(summary: &Summary) -> bool {
    let both = summary.response.zip(summary.service);
    both.is_some_and(|(response, service)| {
        let pairs = response.quantiles_us.iter().zip(service.quantiles_us).take(SHOWN);
        pairs.into_iter().any(|(response, service)| response - service > LEAST_WAITING * response)
    })
}

fn counts(summary: &Summary) -> Counts {
    let counts = &summary.counts;
    let statuses: Vec<String> = summary
        .statuses
        .iter()
        .map(|(status, n)| match status {
            0 => format!("none × {}", unit::count(*n)),
            status => format!("{} × {}", status_text(*status), unit::count(*n)),
        })
        .collect();
    Counts {
        total: unit::count(counts.total()),
        ok: unit::count(counts.ok),
        rejected: unit::count(counts.rejected),
        failed: unit::count(counts.failed),
        error: unit::count(counts.error),
        dropped: unit::count(counts.dropped),
        statuses: statuses.join(", "),
    }
}

/// `Order visible: p95 9.61 s → 38.8 ms (248× lower).` for each effect.
pub(super) fn effect_sentences(rows: &[Compared<'_>]) -> Vec<String> {
    let p95 = 2;
    let sentence = |row: &Compared<'_>| {
        let name = super::words::capitalised(&row.subject.endpoint);
        let text = |arm: Option<&Summary>| {
            let times = arm.and_then(|summary| summary.response);
            quantile_text(times.map_or(Evidence::None, |d| d.quantile(p95)), unit::time)
        };
        let texts: Vec<String> = row.arms.iter().copied().map(text).collect();
        match &texts[..] {
            [only] => format!("{name}: p95 {only}."),
            [baseline, treatment] => {
                let ratio = row.ratio(|summary| Some(summary.response?.quantiles_us[p95]));
                let ratio = ratio.map_or(NO_VALUE.to_owned(), unit::ratio);
                format!("{name}: p95 {baseline} → {treatment} ({ratio}).")
            }
            _ => String::new(),
        }
    };
    rows.iter().filter(|row| row.subject.kind == Kind::Effect).map(sentence).collect()
}
