//! The first reading of a file: whether all of it can be understood, and what the run that it becomes has to know
//! before its first sample.

use std::collections::BTreeMap;

use super::names::Names;
use super::row::{Each, Fault, Line, Row, SECOND_HEADER, Stated};
use super::source::Encoding;
use super::stretches::{Gaps, Stretches};
use super::{ENDPOINTS, Format, Reading};
use crate::run::imported::Lack;
use crate::unit;

const SECOND_US: i64 = 1_000_000;
/// The longest run, µs: a month. Beyond it a time in the file is wrong.
const LONGEST_US: i64 = 31 * 86_400 * SECOND_US;
/// What a request is called that the file gives no name.
const NAMELESS: &str = "request";

/// What a file holds.
#[derive(Debug)]
pub(super) struct Survey {
    /// What was called.
    pub(super) endpoints: Names,
    /// Who called.
    pub(super) user_classes: Names,
    /// How many requests.
    pub(super) requests: u64,
    /// When the first was sent, µs since 1970 or since the run's start.
    pub(super) start_us: i64,
    /// When the last had its answer.
    pub(super) end_us: i64,
    /// What the tool states of its requests, if the file holds none of them.
    pub(super) stated: Option<Stated>,
    left_out: BTreeMap<&'static str, u64>,
    notes: Vec<&'static str>,
    stretches: Stretches,
    lacks: &'static [Lack],
    tells_users: bool,
    tells_fine_times: bool,
    tells_zone: bool,
}

/// The name that a row's endpoint goes by.
pub(super) fn endpoint<'a>(row: &'a Row<'_>, in_place: Option<&'a str>) -> &'a str {
    match in_place {
        Some(name) => name,
        None if row.endpoint.is_empty() => NAMELESS,
        None => &row.endpoint,
    }
}

impl Survey {
    /// Reads a file. `in_place`: the name of all endpoints, if it is not that in the file.
    pub(super) fn of(reading: &Reading, in_place: Option<&str>) -> Result<Self, Fault> {
        Self::with(reading.format, in_place, |each| reading.each(each))
    }

    /// The same, of what `read` hands on.
    pub(super) fn with(
        format: Format,
        in_place: Option<&str>,
        read: impl FnOnce(&mut Each<'_>) -> Result<(), Fault>,
    ) -> Result<Self, Fault> {
        let mut survey = Self {
            endpoints: Names::default(),
            user_classes: Names::default(),
            requests: 0,
            start_us: i64::MAX,
            end_us: i64::MIN,
            stated: None,
            left_out: BTreeMap::new(),
            notes: Vec::new(),
            stretches: Stretches::default(),
            lacks: format.lacks(),
            tells_users: false,
            tells_fine_times: false,
            tells_zone: true,
        };
        read(&mut |line| {
            match line {
                Line::Request(row) => survey.add(&row, in_place)?,
                Line::LeftOut(what, count) => *survey.left_out.entry(what).or_default() += count,
                Line::Note(note) if !survey.notes.contains(&note) => survey.notes.push(note),
                Line::Stated(stated) => {
                    (survey.start_us, survey.end_us) = (0, stated.span_us);
                    survey.stated = Some(stated);
                }
                Line::Note(_) | Line::Other => {}
            }
            Ok(())
        })?;
        Ok(survey)
    }

    fn add(&mut self, row: &Row<'_>, in_place: Option<&str>) -> Result<(), String> {
        self.endpoints.enter(endpoint(row, in_place));
        if self.endpoints.len() > ENDPOINTS {
            return Err(format!(
                "more than {} different endpoints, so that their names must hold ids: give those a common name in the \
                 tool, or all requests one name here with --endpoint",
                unit::count(ENDPOINTS as u64)
            ));
        }
        if self.user_classes.enter(row.user_class) > usize::from(u16::MAX) {
            return Err("too many user classes".to_owned());
        }
        self.requests += 1;
        self.start_us = self.start_us.min(row.start.us);
        let done_us = row.start.us.checked_add(row.elapsed_us).ok_or("it ends beyond all time")?;
        self.end_us = self.end_us.max(done_us);
        if self.span_us() > LONGEST_US {
            let days = self.span_us() / (86_400 * SECOND_US);
            return Err(format!("it is {days} days apart from other requests: one of the times is wrong"));
        }
        self.tells_users |= !row.user.is_empty();
        self.tells_fine_times |= done_us % SECOND_US != 0;
        self.tells_zone &= row.start.has_zone;
        self.stretches.add(row.start.us, done_us);
        Ok(())
    }

    /// From the first request's start to the last one's end, µs.
    pub(super) fn span_us(&self) -> i64 {
        self.end_us.saturating_sub(self.start_us)
    }

    /// What the file does not tell.
    pub(super) fn lacks(&self) -> Vec<Lack> {
        Lack::ALL
            .into_iter()
            .filter(|lack| {
                if self.stated.is_some() {
                    return self.lacks.contains(lack);
                }
                let is_seen = match lack {
                    Lack::Users => self.tells_users,
                    Lack::FineTimes => self.tells_fine_times,
                    Lack::TimeZone => self.tells_zone,
                    _ => true,
                };
                !is_seen || self.lacks.contains(lack)
            })
            .collect()
    }

    /// How the file had to be read, in words; empty if in the usual way.
    pub(super) fn read_as(&self, encoding: Encoding) -> String {
        let notes = encoding.note().into_iter().chain(self.notes.iter().copied());
        notes.collect::<Vec<_>>().join(", ")
    }

    /// Pauses that speak for several runs in one file, in words; empty if there is none.
    pub(super) fn gaps(&self) -> String {
        let gaps = self.stretches.gaps(self.requests).map(Gaps::words);
        let headers =
            self.left_out.get(SECOND_HEADER).map(|_| "there is a header line in its middle".to_owned());
        gaps.into_iter().chain(headers).collect::<Vec<_>>().join("; ")
    }

    /// What was left out: `12 dropped iterations, 3 transactions`; empty if nothing was.
    pub(super) fn left_out(&self) -> String {
        let words = self.left_out.iter().map(|(what, count)| format!("{} {what}", unit::count(*count)));
        words.collect::<Vec<_>>().join(", ")
    }
}
