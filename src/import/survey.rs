//! The first reading of a file: whether all of it can be understood, and what the run that it becomes has to know
//! before its first sample.

use std::collections::BTreeMap;
use std::io::Read;

use super::names::Names;
use super::row::{Fault, Line, Row};
use super::{ENDPOINTS, Format};
use crate::checksum::Summing;
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
    /// The file's SHA-256, in hex.
    pub(super) sha256: String,
    left_out: BTreeMap<&'static str, u64>,
    lacks: &'static [Lack],
    tells_users: bool,
    tells_fine_times: bool,
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
    pub(super) fn of(format: Format, input: impl Read, in_place: Option<&str>) -> Result<Self, Fault> {
        let mut survey = Self {
            endpoints: Names::default(),
            user_classes: Names::default(),
            requests: 0,
            start_us: i64::MAX,
            end_us: i64::MIN,
            sha256: String::new(),
            left_out: BTreeMap::new(),
            lacks: format.lacks(),
            tells_users: false,
            tells_fine_times: false,
        };
        let mut input = Summing::new(input);
        format.read(&mut input, &mut |line| {
            match line {
                Line::Request(row) => survey.add(&row, in_place)?,
                Line::LeftOut(what, count) => *survey.left_out.entry(what).or_default() += count,
                Line::Other => {}
            }
            Ok(())
        })?;
        survey.sha256 = input.sha256();
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
        self.start_us = self.start_us.min(row.start_us);
        let done_us = row.start_us.checked_add(row.elapsed_us).ok_or("it ends beyond all time")?;
        self.end_us = self.end_us.max(done_us);
        if self.span_us() > LONGEST_US {
            let days = self.span_us() / (86_400 * SECOND_US);
            return Err(format!("it is {days} days apart from other requests: one of the times is wrong"));
        }
        self.tells_users |= !row.user.is_empty();
        self.tells_fine_times |= done_us % SECOND_US != 0;
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
                let is_seen = match lack {
                    Lack::Users => self.tells_users,
                    Lack::FineTimes => self.tells_fine_times,
                    _ => true,
                };
                !is_seen || self.lacks.contains(lack)
            })
            .collect()
    }

    /// What was left out: `12 dropped iterations, 3 transactions`; empty if nothing was.
    pub(super) fn left_out(&self) -> String {
        let words = self.left_out.iter().map(|(what, count)| format!("{} {what}", unit::count(*count)));
        words.collect::<Vec<_>>().join(", ")
    }
}
