//! vegeta's results, as `vegeta encode` writes them: a line per request, with the moment of its sending in ns.

use std::borrow::Cow;

use serde::Deserialize;

use super::lines::json;
use super::names::endpoint;
use super::number::{count, span, span_us, status};
use super::row::{Each, Ending, Line, Row};
use super::table::{Fields, Header, Table};
use super::times::{Moment, moment};

/// Columns of the CSV, which has no header; versions before 12.9 end after the ninth.
const COLUMNS: std::ops::RangeInclusive<usize> = 9..=12;
/// Statuses that vegeta calls a success.
const SUCCESS: std::ops::Range<u16> = 200..400;

/// Whether a first line may be one of vegeta's.
pub(super) fn is_result(fields: &[&str]) -> bool {
    // Numbers that a spreadsheet has rounded are seen here, and refused with their line.
    let is_number = |field: &&str| {
        field.starts_with(|c: char| c.is_ascii_digit()) && field.replace(',', ".").parse::<f64>().is_ok()
    };
    COLUMNS.contains(&fields.len()) && fields[..5].iter().all(is_number)
}

/// The CSV.
pub(super) struct Results;

impl Table for Results {
    /// No file of vegeta's has a line of names.
    fn of(first: &Header<'_>) -> Result<Self, String> {
        Err(fields_missing(first.fields().len()))
    }

    fn unnamed(first: &Header<'_>) -> Option<Self> {
        COLUMNS.contains(&first.fields().len()).then_some(Self)
    }

    fn line(&mut self, fields: &Fields<'_>, each: &mut Each<'_>) -> Result<(), String> {
        if !COLUMNS.contains(&fields.len()) {
            return Err(fields_missing(fields.len()));
        }
        each(request(&Hit {
            start: moment(fields.text(0)?)?,
            status: status(fields.text(1)?)?,
            latency_us: span(fields.text(2)?, 1e-3, "latency")?,
            bytes_out: count(fields.text(3)?, "number of bytes")?,
            bytes_in: count(fields.text(4)?, "number of bytes")?,
            error: fields.text(5)?,
            method: fields.optional(Some(9)),
            url: fields.optional(Some(10)),
        }))
    }
}

fn fields_missing(count: usize) -> String {
    format!("it has {count} fields, and not {} to {}", COLUMNS.start(), COLUMNS.end())
}

/// A line of the JSON.
#[derive(Deserialize)]
struct Answered<'a> {
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    code: u16,
    latency: f64,
    #[serde(default)]
    bytes_out: u64,
    #[serde(default)]
    bytes_in: u64,
    #[serde(default, borrow)]
    error: Cow<'a, str>,
    #[serde(default, borrow)]
    method: Cow<'a, str>,
    #[serde(default, borrow)]
    url: Cow<'a, str>,
}

/// Hands a line of the JSON to `each`.
pub(super) fn result(text: &str, each: &mut Each<'_>) -> Result<(), String> {
    let result: Answered<'_> = json(text)?;
    let latency_us = span_us(result.latency * 1e-3);
    each(request(&Hit {
        start: moment(&result.timestamp)?,
        status: result.code,
        latency_us: latency_us
            .ok_or_else(|| format!("`{}` is not a valid latency: expected nanoseconds", result.latency))?,
        bytes_out: result.bytes_out,
        bytes_in: result.bytes_in,
        error: &result.error,
        method: &result.method,
        url: &result.url,
    }))
}

/// What both forms tell of a request.
struct Hit<'a> {
    start: Moment,
    status: u16,
    latency_us: i64,
    bytes_out: u64,
    bytes_in: u64,
    error: &'a str,
    method: &'a str,
    url: &'a str,
}

fn request<'a>(hit: &Hit<'a>) -> Line<'a> {
    let is_ok = hit.error.is_empty() && SUCCESS.contains(&hit.status);
    Line::Request(Row {
        endpoint: endpoint(hit.method, hit.url),
        user_class: "",
        user: "",
        start: hit.start,
        elapsed_us: hit.latency_us,
        first_byte_us: None,
        ending: Ending::of(is_ok, hit.status, &[hit.error]),
        bytes_in: hit.bytes_in,
        bytes_out: hit.bytes_out,
    })
}
