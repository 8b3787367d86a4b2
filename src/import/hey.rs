//! hey's `-o csv`: a line per request that was answered, in seconds since the start of the load.

use std::borrow::Cow;

use super::number::{span, status};
use super::row::{Each, Ending, Line, Row};
use super::table::{Fields, Header, Table};
use super::times::Moment;

const SECOND_US: f64 = 1e6;

/// The columns.
pub(super) struct Requests {
    start: usize,
    duration: usize,
    status: usize,
}

impl Table for Requests {
    fn of(first: &Header<'_>) -> Result<Self, String> {
        Ok(Self {
            start: first.required("offset")?,
            duration: first.required("response-time")?,
            status: first.required("status-code")?,
        })
    }

    fn line(&mut self, fields: &Fields<'_>, each: &mut Each<'_>) -> Result<(), String> {
        let status = status(fields.text(self.status)?)?;
        each(Line::Request(Row {
            endpoint: Cow::Borrowed(""),
            user_class: "",
            user: "",
            start: Moment::known(span(fields.text(self.start)?, SECOND_US, "offset")?),
            elapsed_us: span(fields.text(self.duration)?, SECOND_US, "response time")?,
            // Its `Response-delay` begins when the request was written, and not when it was to be.
            first_byte_us: None,
            ending: Ending::of((200..400).contains(&status), status, &[]),
            bytes_in: 0,
            bytes_out: 0,
        }))
    }
}
