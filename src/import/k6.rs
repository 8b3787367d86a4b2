//! k6's `--out csv=…` and `--out json=…`: a line per value of each metric. Requests are the values of
//! `http_req_duration`, from the request's sending to the answer's end; their times are those of their ends.

use std::borrow::Cow;

use serde::Deserialize;

use super::lines::json;
use super::names::endpoint;
use super::number::{span_us, status};
use super::row::{Each, Ending, Line, Row};
use super::table::{Fields, Header, Table};
use super::times::moment;

/// The columns of the CSV; which tags have one depends on k6's version and `--system-tags`.
pub(super) struct Metrics {
    metric: usize,
    timestamp: usize,
    value: usize,
    name: Option<usize>,
    url: Option<usize>,
    method: Option<usize>,
    status: Option<usize>,
    error: Option<usize>,
    error_code: Option<usize>,
    expected_response: Option<usize>,
    scenario: Option<usize>,
    metadata: Option<usize>,
}

impl Table for Metrics {
    fn of(first: &Header<'_>) -> Result<Self, String> {
        Ok(Self {
            metric: first.required("metric_name")?,
            timestamp: first.required("timestamp")?,
            value: first.required("metric_value")?,
            name: first.column("name"),
            url: first.column("url"),
            method: first.column("method"),
            status: first.column("status"),
            error: first.column("error"),
            error_code: first.column("error_code"),
            expected_response: first.column("expected_response"),
            scenario: first.column("scenario"),
            metadata: first.column("metadata"),
        })
    }

    fn line(&mut self, fields: &Fields<'_>, each: &mut Each<'_>) -> Result<(), String> {
        let metadata = fields.optional(self.metadata);
        let tags = Tags {
            name: fields.optional(self.name).into(),
            url: fields.optional(self.url).into(),
            method: fields.optional(self.method).into(),
            status: fields.optional(self.status).into(),
            error: fields.optional(self.error).into(),
            error_code: fields.optional(self.error_code).into(),
            expected_response: fields.optional(self.expected_response).into(),
            scenario: fields.optional(self.scenario).into(),
        };
        each(line_of(&Measured {
            metric: fields.text(self.metric)?,
            time: fields.text(self.timestamp)?,
            value: fields.text(self.value)?.parse().map_err(|_| "the value is not a number")?,
            vu: metadata.split('&').find_map(|pair| pair.strip_prefix("vu=")).unwrap_or_default(),
            tags: &tags,
        })?)
    }
}

/// A line of the JSON. Those that declare a metric have neither time nor value.
#[derive(Deserialize)]
struct Point<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow)]
    metric: Cow<'a, str>,
    #[serde(default, borrow)]
    data: Data<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data<'a> {
    #[serde(borrow)]
    time: Cow<'a, str>,
    value: f64,
    #[serde(borrow)]
    tags: Option<Tags<'a>>,
    #[serde(borrow)]
    metadata: Option<Metadata<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata<'a> {
    #[serde(borrow)]
    vu: Cow<'a, str>,
}

/// What is known of a value besides; empty where it is not.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Tags<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow)]
    error: Cow<'a, str>,
    #[serde(borrow)]
    error_code: Cow<'a, str>,
    #[serde(borrow)]
    expected_response: Cow<'a, str>,
    #[serde(borrow)]
    scenario: Cow<'a, str>,
}

/// Hands a line of the JSON to `each`.
pub(super) fn point(text: &str, each: &mut Each<'_>) -> Result<(), String> {
    let point: Point<'_> = json(text)?;
    if point.kind != "Point" {
        return each(Line::Other);
    }
    let Data { time, value, tags, metadata } = point.data;
    let (tags, metadata) = (tags.unwrap_or_default(), metadata.unwrap_or_default());
    each(line_of(&Measured { metric: &point.metric, time: &time, value, vu: &metadata.vu, tags: &tags })?)
}

/// A value of a metric.
struct Measured<'a> {
    metric: &'a str,
    time: &'a str,
    value: f64,
    vu: &'a str,
    tags: &'a Tags<'a>,
}

fn line_of<'a>(measured: &Measured<'a>) -> Result<Line<'a>, String> {
    match measured.metric {
        "http_req_duration" => request(measured).map(Line::Request),
        "dropped_iterations" => Ok(Line::LeftOut("dropped iterations", whole(measured.value))),
        "grpc_req_duration" => Ok(Line::LeftOut("gRPC calls", 1)),
        _ => Ok(Line::Other),
    }
}

fn request<'a>(measured: &Measured<'a>) -> Result<Row<'a>, String> {
    let tags = measured.tags;
    let elapsed_us = span_us(measured.value * 1e3).ok_or_else(|| {
        format!("`{}` is not a valid duration: expected milliseconds, e.g. `1.5`", measured.value)
    })?;
    let status = status(&tags.status)?;
    let is_ok = match &*tags.expected_response {
        "" => tags.error.is_empty() && (1..400).contains(&status),
        expected => expected == "true",
    };
    let name = if tags.name.is_empty() { &tags.url } else { &tags.name };
    Ok(Row {
        endpoint: endpoint(&tags.method, name),
        user_class: &tags.scenario,
        user: measured.vu,
        start: moment(measured.time)?.before(elapsed_us),
        elapsed_us,
        first_byte_us: None,
        ending: Ending::of(is_ok, status, &[&tags.error, &tags.error_code]),
        bytes_in: 0,
        bytes_out: 0,
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
fn whole(value: f64) -> u64 {
    value.round() as u64
}
