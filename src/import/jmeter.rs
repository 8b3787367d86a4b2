//! JMeter's JTL as CSV: a line per sampler, with the moment of its start in ms. Which columns there are, is set in
//! `jmeter.properties`.

use std::borrow::Cow;

use super::number::{count, moment, span, status};
use super::row::{Each, Ending, Line, Row};
use super::table::{Fields, Header, Table};

/// What the message of a transaction's line begins with; it sums up lines of its own.
const TRANSACTION: &str = "Number of samples in transaction";

/// The columns of a JTL.
pub(super) struct Samples {
    timestamp: usize,
    elapsed: usize,
    label: usize,
    success: usize,
    code: Option<usize>,
    message: Option<usize>,
    failure: Option<usize>,
    thread: Option<usize>,
    bytes: Option<usize>,
    sent_bytes: Option<usize>,
    latency: Option<usize>,
}

impl Table for Samples {
    fn of(first: &Header<'_>) -> Result<Self, String> {
        Ok(Self {
            timestamp: first.required("timeStamp")?,
            elapsed: first.required("elapsed")?,
            label: first.required("label")?,
            success: first.required("success")?,
            code: first.column("responseCode"),
            message: first.column("responseMessage"),
            failure: first.column("failureMessage"),
            thread: first.column("threadName"),
            bytes: first.column("bytes"),
            sent_bytes: first.column("sentBytes"),
            latency: first.column("Latency"),
        })
    }

    fn line(&self, fields: &Fields<'_>, each: &mut Each<'_>) -> Result<(), String> {
        let message = fields.optional(self.message);
        if message.starts_with(TRANSACTION) {
            return each(Line::LeftOut("transactions", 1));
        }
        let code = fields.optional(self.code);
        let latency = fields.optional(self.latency);
        let thread = fields.optional(self.thread);
        each(Line::Request(Row {
            endpoint: Cow::Borrowed(fields.text(self.label)?),
            user_class: group(thread),
            user: thread,
            start_us: moment(fields.text(self.timestamp)?)?,
            elapsed_us: span(fields.text(self.elapsed)?, 1e3, "elapsed time")?,
            first_byte_us: match latency {
                // A sampler that had no answer writes 0.
                "" | "0" => None,
                latency => Some(span(latency, 1e3, "latency")?),
            },
            ending: Ending::of(
                is_success(fields.text(self.success)?)?,
                // `Non HTTP response code: java.net.ConnectException`, or what another sampler calls its codes.
                status(code).unwrap_or(0),
                &[fields.optional(self.failure), message, code],
            ),
            bytes_in: count(fields.optional(self.bytes), "number of bytes")?,
            bytes_out: count(fields.optional(self.sent_bytes), "number of bytes")?,
        }))
    }
}

fn is_success(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(format!("`{other}` is neither `true` nor `false`")),
    }
}

/// The thread group of `Thread Group 1-3`: what stands before the numbers of group and thread.
fn group(thread: &str) -> &str {
    thread.rsplit_once(' ').map_or("", |(group, _)| group)
}
