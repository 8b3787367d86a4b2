//! Locust's log of requests, as `locust.contrib.csv_request_logger` writes it: a line per request, with the moment
//! of its sending.

use super::names::endpoint;
use super::number::{count, span, status};
use super::row::{Each, Ending, Line, Row};
use super::table::{Fields, Header, Table};
use super::times::moment;

/// The columns of a log.
pub(super) struct Requests {
    timestamp: usize,
    method: usize,
    name: usize,
    time: usize,
    length: Option<usize>,
    status: Option<usize>,
    exception: Option<usize>,
}

impl Table for Requests {
    fn of(first: &Header<'_>) -> Result<Self, String> {
        Ok(Self {
            timestamp: first.required("timestamp")?,
            method: first.required("request_type")?,
            name: first.required("name")?,
            time: first.required("response_time_ms")?,
            length: first.column("response_length"),
            status: first.column("status_code"),
            exception: first.column("exception"),
        })
    }

    fn line(&mut self, fields: &Fields<'_>, each: &mut Each<'_>) -> Result<(), String> {
        let time = fields.text(self.time)?;
        if time.is_empty() {
            // An event of somebody's own that has no duration.
            return each(Line::LeftOut("requests without a time", 1));
        }
        let exception = fields.optional(self.exception);
        each(Line::Request(Row {
            endpoint: endpoint(fields.text(self.method)?, fields.text(self.name)?),
            user_class: "",
            user: "",
            start: moment(fields.text(self.timestamp)?)?,
            elapsed_us: span(time, 1e3, "response time")?,
            first_byte_us: None,
            ending: Ending::of(exception.is_empty(), status(fields.optional(self.status))?, &[exception]),
            bytes_in: count(fields.optional(self.length), "length")?,
            bytes_out: 0,
        }))
    }
}
