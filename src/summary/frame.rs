//! A run's samples as a polars frame: counts per subject, and exact quantiles of their times.

use polars::prelude::*;

use super::subject::{Distribution, OutcomeCounts, QUANTILES, Summary, TOTAL};
use crate::sample::{Kind, Outcome, SampleColumns, Subject};
use crate::stats::quantile::type8;

/// Column of places in the list of subjects.
const SUBJECT: &str = "subject";
/// Column of outcome codes.
const OUTCOME: &str = "outcome";
/// Column of HTTP statuses.
const STATUS: &str = "status";
/// Column of `done − intended`, µs.
const RESPONSE: &str = "response_us";

/// A frame could not be evaluated.
#[derive(Debug, thiserror::Error)]
#[error("cannot summarise the samples: {0}")]
pub struct FrameError(#[from] PolarsError);

/// Sums up a run's samples per subject, in order of subject. Times are those of the
/// answered samples (`ok` and `rejected`), infinite for what was never answered; rates count answers within the load.
///
/// `load_s`: seconds of load, by which rates are divided.
///
/// # Errors
/// If polars refuses, which its own documentation does not foresee for such frames.
pub(super) fn summaries(columns: &SampleColumns, load_s: f64) -> Result<Vec<Summary>, FrameError> {
    let frame = frame(columns)?;
    let mut summaries: Vec<Summary> = columns
        .subjects
        .iter()
        .map(|subject| Summary {
            subject: subject.clone(),
            counts: OutcomeCounts::default(),
            statuses: Vec::new(),
            rate_per_s: 0.0,
            response: None,
            service: None,
        })
        .collect();
    count(&frame, &mut summaries)?;
    for (subject, summary) in (0..).zip(&mut summaries) {
        let of_subject = || (0..columns.subject.len()).filter(move |i| columns.subject[*i] == subject);
        summary.response = distribution(columns, of_subject(), &columns.intended_us);
        summary.service = distribution(columns, of_subject(), &columns.sent_us);
        let is_done =
            |i: &usize| columns.outcome[*i].is_answered() && columns.done_us[*i] as f64 <= load_s * 1e6;
        summary.rate_per_s = of_subject().filter(is_done).count() as f64 / load_s.max(1e-9);
    }
    summaries.sort_by(|a, b| a.subject.cmp(&b.subject));
    Ok(summaries)
}

/// Sums up all requests of a run's users together, whatever they called; none without one. Polling requests of
/// effects are loadproof's own and left out.
///
/// # Errors
/// As `summaries`.
pub fn total(columns: &SampleColumns, load_s: f64) -> Result<Option<Summary>, FrameError> {
    together(columns, load_s, TOTAL, |_| true)
}

/// Sums up the requests of a run's users to some subjects under one name; none without one.
///
/// # Errors
/// As `summaries`.
pub(super) fn together(
    columns: &SampleColumns,
    load_s: f64,
    name: &str,
    belongs: impl Fn(&Subject) -> bool,
) -> Result<Option<Summary>, FrameError> {
    let is_users: Vec<bool> = columns
        .subjects
        .iter()
        .map(|subject| subject.kind == Kind::Request && !subject.is_probe() && belongs(subject))
        .collect();
    let is_wanted = |place: &usize| is_users[columns.subject[*place] as usize];
    let wanted: Vec<usize> = (0..columns.subject.len()).filter(is_wanted).collect();
    let together = SampleColumns {
        subjects: vec![Subject {
            kind: Kind::Request,
            traffic_class: String::new(),
            endpoint: name.to_owned(),
        }],
        subject: vec![0; wanted.len()],
        outcome: wanted.iter().map(|place| columns.outcome[*place]).collect(),
        status: wanted.iter().map(|place| columns.status[*place]).collect(),
        intended_us: wanted.iter().map(|place| columns.intended_us[*place]).collect(),
        sent_us: wanted.iter().map(|place| columns.sent_us[*place]).collect(),
        done_us: wanted.iter().map(|place| columns.done_us[*place]).collect(),
        ..SampleColumns::default()
    };
    Ok(summaries(&together, load_s)?.pop().filter(|summary| summary.counts.total() > 0))
}

fn frame(columns: &SampleColumns) -> PolarsResult<DataFrame> {
    let difference = |from: &[i64]| -> Vec<f64> {
        columns.done_us.iter().zip(from).map(|(done, from)| (done - from) as f64).collect()
    };
    df!(
        SUBJECT => &columns.subject,
        OUTCOME => columns.outcome.iter().map(|o| *o as u32).collect::<Vec<_>>(),
        STATUS => columns.status.iter().map(|s| u32::from(*s)).collect::<Vec<_>>(),
        RESPONSE => difference(&columns.intended_us),
    )
}

/// Fills in counts by outcome and by status.
fn count(frame: &DataFrame, summaries: &mut [Summary]) -> PolarsResult<()> {
    let counts = frame.group_by_stable([SUBJECT, OUTCOME, STATUS])?.select([RESPONSE]).count()?;
    let (subjects, outcomes, statuses) =
        (counts.column(SUBJECT)?.u32()?, counts.column(OUTCOME)?.u32()?, counts.column(STATUS)?.u32()?);
    let numbers = counts.column(&format!("{RESPONSE}_count"))?.u32()?;
    for row in 0..counts.height() {
        let (Some(subject), Some(outcome), Some(status), Some(n)) =
            (subjects.get(row), outcomes.get(row), statuses.get(row), numbers.get(row))
        else {
            continue;
        };
        let summary = &mut summaries[subject as usize];
        if let Some(outcome) = Outcome::ALL.get(outcome as usize) {
            summary.counts.add(*outcome, n.into());
        }
        add_status(&mut summary.statuses, u16::try_from(status).unwrap_or(0), n.into());
    }
    for summary in summaries {
        summary.statuses.sort_unstable();
    }
    Ok(())
}

fn add_status(statuses: &mut Vec<(u16, u64)>, status: u16, n: u64) {
    match statuses.iter_mut().find(|(known, _)| *known == status) {
        Some((_, count)) => *count += n,
        None => statuses.push((status, n)),
    }
}

/// The distribution of a subject's times since `from`. What was never answered took for ever; a wrong answer has no time.
fn distribution(
    columns: &SampleColumns,
    of_subject: impl Iterator<Item = usize>,
    from: &[i64],
) -> Option<Distribution> {
    let time = |i: usize| {
        let kind = columns.subjects[columns.subject[i] as usize].kind;
        match columns.outcome[i] {
            outcome if outcome.is_answered() => Some((columns.done_us[i] - from[i]) as f64),
            outcome => outcome.is_unanswered(kind).then_some(f64::INFINITY),
        }
    };
    let mut times: Vec<f64> = of_subject.filter_map(time).collect();
    times.sort_by(f64::total_cmp);
    let (min_us, max_us) = (*times.first()?, *times.last()?);
    // Where nothing was answered there is nothing to show but that.
    if min_us.is_infinite() {
        return None;
    }
    let mut quantiles_us = [f64::NAN; QUANTILES.len()];
    for (slot, p) in quantiles_us.iter_mut().zip(QUANTILES) {
        *slot = type8(&times, p).unwrap_or(f64::NAN);
    }
    let mean_us = times.iter().sum::<f64>() / times.len() as f64;
    Some(Distribution { n: times.len() as u64, min_us, mean_us, quantiles_us, max_us })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Kind, PROBE_CLASS, Phase, Subject};

    fn columns(rows: &[(u32, Outcome, u16, i64, i64)]) -> SampleColumns {
        let subject = |name: &str| Subject {
            kind: Kind::Request,
            traffic_class: String::new(),
            endpoint: name.to_owned(),
        };
        SampleColumns {
            subjects: vec![subject("GET /b"), subject("GET /a")],
            subject: rows.iter().map(|r| r.0).collect(),
            outcome: rows.iter().map(|r| r.1).collect(),
            phase: rows.iter().map(|_| Phase::Steady).collect(),
            status: rows.iter().map(|r| r.2).collect(),
            intended_us: rows.iter().map(|_| 0).collect(),
            sent_us: rows.iter().map(|r| r.3).collect(),
            done_us: rows.iter().map(|r| r.4).collect(),
            key: Vec::new(),
            ..SampleColumns::default()
        }
    }

    #[test]
    fn outcomes_and_statuses_are_counted_per_subject() {
        let rows = [
            (0, Outcome::Ok, 200, 0, 10),
            (0, Outcome::Rejected, 409, 0, 20),
            (0, Outcome::Failed, 500, 0, 30),
            (1, Outcome::Dropped, 0, 0, 40),
            (0, Outcome::Ok, 200, 0, 50),
        ];
        let summaries = summaries(&columns(&rows), 2.0).unwrap();
        assert_eq!(summaries[0].subject.endpoint, "GET /a");
        assert_eq!(summaries[0].counts.dropped, 1);
        assert_eq!(summaries[0].response, None);
        let b = &summaries[1];
        assert_eq!((b.counts.ok, b.counts.rejected, b.counts.failed, b.counts.total()), (2, 1, 1, 4));
        assert_eq!(b.statuses, [(200, 2), (409, 1), (500, 1)]);
        assert!((b.rate_per_s - 1.5).abs() < 1e-12);
        assert_eq!(b.response.unwrap().n, 3);
    }

    #[test]
    fn quantiles_are_type_7_of_the_answered_samples() {
        let rows: Vec<_> =
            (0..997).map(|i| (0, Outcome::Ok, 200, (i * 13) % 7, (i * 7919) % 10_007 + 100)).collect();
        let summary = &summaries(&columns(&rows), 1.0).unwrap()[1];
        let mut responses: Vec<f64> = rows.iter().map(|r| r.4 as f64).collect();
        let mut services: Vec<f64> = rows.iter().map(|r| (r.4 - r.3) as f64).collect();
        for (distribution, values) in [(summary.response, &mut responses), (summary.service, &mut services)] {
            values.sort_by(f64::total_cmp);
            let distribution = distribution.unwrap();
            for (p, q) in QUANTILES.into_iter().zip(distribution.quantiles_us) {
                assert!((type8(values, p).unwrap() - q).abs() < 1e-9, "p{p}");
            }
            assert!((distribution.min_us - values[0]).abs() < 1e-9);
            assert!((distribution.max_us - values[996]).abs() < 1e-9);
        }
    }

    #[test]
    fn the_total_is_of_all_requests_together_but_for_polling() {
        let mut columns = columns(&[
            (0, Outcome::Ok, 200, 0, 10),
            (1, Outcome::Ok, 200, 0, 30),
            (1, Outcome::Failed, 500, 0, 90),
            (2, Outcome::Ok, 200, 0, 7),
        ]);
        columns.subjects.push(Subject {
            kind: Kind::Request,
            traffic_class: PROBE_CLASS.to_owned(),
            endpoint: "GET /poll".to_owned(),
        });
        let total = total(&columns, 2.0).unwrap().unwrap();
        assert_eq!((total.counts.ok, total.counts.failed), (2, 1));
        assert!((total.rate_per_s - 1.0).abs() < 1e-12);
        assert!((total.response.unwrap().quantiles_us[0] - 20.0).abs() < 1e-9);
    }

    #[test]
    fn no_samples_give_no_summaries() {
        assert_eq!(summaries(&SampleColumns::default(), 1.0).unwrap(), []);
        assert_eq!(total(&SampleColumns::default(), 1.0).unwrap(), None);
    }
}
