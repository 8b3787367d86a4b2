//! oha's `--output-format csv`: a line per request that was answered, in seconds since the start of the load.

use std::borrow::Cow;

use super::number::{count, span, status};
use super::row::{Each, Ending, Line, Row};
use super::table::{Fields, Header, Table};
use super::times::Moment;

const SECOND_US: f64 = 1e6;

/// The columns.
pub(super) struct Requests {
    start: usize,
    duration: usize,
    first_byte: Option<usize>,
    bytes: Option<usize>,
    status: usize,
}

impl Table for Requests {
    fn of(first: &Header<'_>) -> Result<Self, String> {
        Ok(Self {
            start: first.required("request-start")?,
            duration: first.required("request-duration")?,
            first_byte: first.column("Response-delay"),
            bytes: first.column("bytes"),
            status: first.required("status")?,
        })
    }

    fn line(&mut self, fields: &Fields<'_>, each: &mut Each<'_>) -> Result<(), String> {
        let status = status(fields.text(self.status)?)?;
        each(Line::Request(Row {
            endpoint: Cow::Borrowed(""),
            user_class: "",
            user: "",
            start: Moment::known(span(fields.text(self.start)?, SECOND_US, "start")?),
            elapsed_us: span(fields.text(self.duration)?, SECOND_US, "duration")?,
            first_byte_us: match fields.optional(self.first_byte) {
                // What oha writes for an answer that it has seen no first byte of.
                "" | "0" => None,
                delay => Some(span(delay, SECOND_US, "response delay")?),
            },
            ending: Ending::of((1..400).contains(&status), status, &[]),
            bytes_in: count(fields.optional(self.bytes), "number of bytes")?,
            bytes_out: 0,
        }))
    }
}
