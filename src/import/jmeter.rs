//! JMeter's JTL as CSV: a line per sampler, with the moment of its start in ms. Which columns there are, what separates
//! them and whether a first line names them is set in `jmeter.properties`.

use super::jmeter_columns::Columns;
use super::jmeter_parts::{Parts, Span, TRANSACTION, group};
use super::names;
use super::number::{count, status, whole_ms};
use super::row::{Each, Ending, Line, Row};
use super::table::{Fields, Header, Table};
use super::times::Times;

/// The samples of a JTL.
pub(super) struct Samples {
    columns: Columns,
    has_names: bool,
    times: Times,
    parts: Parts,
}

impl Samples {
    fn new(columns: Columns, has_names: bool, first: &Header<'_>) -> Self {
        Self { columns, has_names, times: first.times(), parts: Parts::default() }
    }
}

impl Table for Samples {
    fn of(first: &Header<'_>) -> Result<Self, String> {
        Ok(Self::new(Columns::of(first)?, true, first))
    }

    fn unnamed(first: &Header<'_>) -> Option<Self> {
        Some(Self::new(Columns::guessed(&first.fields())?, false, first))
    }

    fn line(&mut self, fields: &Fields<'_>, each: &mut Each<'_>) -> Result<(), String> {
        let columns = &self.columns;
        if !std::mem::replace(&mut self.has_names, true) {
            each(Line::Note("no header line: columns in JMeter's order"))?;
        }
        let message = fields.optional(columns.message);
        if message.starts_with(TRANSACTION) {
            return each(Line::LeftOut("transactions", 1));
        }
        if count(fields.optional(columns.sample_count), "number of samples")? > 1 {
            return Err(
                "it sums up several samples: let JMeter write each, with `-Jmode=StrippedBatch`".to_owned()
            );
        }
        let (label, thread) = (fields.text(columns.label)?, fields.optional(columns.thread));
        let start = self.times.moment(fields.text(columns.timestamp)?)?;
        let elapsed_us = whole_ms(fields.text(columns.elapsed)?, "elapsed time")?;
        let is_ok = is_success(fields.text(columns.success)?)?;
        let span = Span { start_us: start.us, elapsed_us };
        if self.parts.is_part(fields.optional(columns.host), thread, label, span) {
            return each(Line::LeftOut("sub-results", 1));
        }
        let code = fields.optional(columns.code);
        each(Line::Request(Row {
            endpoint: names::label(label),
            user_class: group(thread),
            user: thread,
            start,
            elapsed_us,
            first_byte_us: match fields.optional(columns.latency) {
                // A sampler that had no answer writes 0.
                "" | "0" => None,
                latency => Some(whole_ms(latency, "latency")?),
            },
            ending: Ending::of(
                is_ok,
                // `Non HTTP response code: java.net.ConnectException`, or what another sampler calls its codes.
                status(code).unwrap_or(0),
                &[fields.optional(columns.failure), message, code],
            ),
            bytes_in: count(fields.optional(columns.bytes), "number of bytes")?,
            bytes_out: count(fields.optional(columns.sent_bytes), "number of bytes")?,
        }))
    }
}

/// A truth as JMeter writes it, and as spreadsheets write it back.
fn is_success(text: &str) -> Result<bool, String> {
    if text.eq_ignore_ascii_case("true") {
        return Ok(true);
    }
    if text.eq_ignore_ascii_case("false") {
        return Ok(false);
    }
    Err(format!("`{text}` is neither `true` nor `false`"))
}
