//! What a file is, seen from how it begins; and what to give in its place, where it holds nothing of use.

use std::io::Read;

use super::jmeter_columns::{Columns, lacks_times};
use super::row::Fault;
use super::table::first_lines;
use super::{Format, gatling, vegeta};

/// Bytes that are looked at.
const LOOKED_AT: u64 = 64 << 10;

/// Words that a file of JSON has near its beginning, and what it is then.
const JSON: [(&[&str], Kind); 7] = [
    (&["\"response_times\"", "\"num_requests\""], Kind::Known(Format::LocustJson)),
    (&["\"type\"", "\"metric\"", "\"data\""], Kind::Known(Format::K6Json)),
    (&["\"timestamp\"", "\"latency\"", "\"code\""], Kind::Known(Format::VegetaJson)),
    (
        &["\"latencyPercentiles\""],
        Kind::Useless("oha's summary", "they contain no samples: run oha with --output-format csv"),
    ),
    (
        &["\"latencies\"", "\"status_codes\""],
        Kind::Useless("vegeta's report", "it contains no samples: use `vegeta encode --to csv results.bin`"),
    ),
    (&["\"metrics\"", "\"http_req_duration\""], Kind::Known(Format::K6Summary)),
    (&["\"metrics\"", "\"root_group\""], Kind::Known(Format::K6Summary)),
];

const LOCUST_LOG: &str = "it contains no samples: use the log of requests (locust.contrib.csv_request_logger), or the \
                          histograms of --json-file";

/// Columns that a header of CSV has, and what the file is then.
const CSV: [(&[&str], Kind); 11] = [
    (&["timestamp", "request_type", "name", "response_time_ms"], Kind::Known(Format::LocustCsv)),
    (&["metric_name", "timestamp", "metric_value"], Kind::Known(Format::K6Csv)),
    (&["timeStamp", "elapsed", "label", "success"], Kind::Known(Format::JMeterCsv)),
    (&["request-start", "request-duration", "status"], Kind::Known(Format::OhaCsv)),
    (&["response-time", "status-code", "offset"], Kind::Known(Format::HeyCsv)),
    (&["Type", "Name", "Request Count"], Kind::Useless("Locust's statistics (_stats.csv)", LOCUST_LOG)),
    (&["Timestamp", "User Count"], Kind::Useless("Locust's history (_stats_history.csv)", LOCUST_LOG)),
    (&["Method", "Name", "Error", "Occurrences"], Kind::Useless("Locust's table of failures", LOCUST_LOG)),
    (&["Count", "Message", "Traceback"], Kind::Useless("Locust's table of exceptions", LOCUST_LOG)),
    (
        &["Label", "# Samples", "Average"],
        Kind::Useless(
            "JMeter's summary",
            "it contains no samples: use the JTL file (`jmeter -l results.jtl`)",
        ),
    ),
    (&["label", "responseCode", "success"], WITHOUT_TIMES),
];

const WITHOUT_TIMES: Kind = Kind::Useless(
    "JMeter's JTL without its times",
    "let JMeter write `timeStamp` and `elapsed`: `-Jjmeter.save.saveservice.time=true \
     -Jjmeter.save.saveservice.timestamp_format=ms`",
);

#[derive(Clone, Copy)]
enum Kind {
    Known(Format),
    /// What it is, and what to give in its place.
    Useless(&'static str, &'static str),
}

impl Kind {
    fn format(self) -> Result<Format, Fault> {
        match self {
            Self::Known(format) => Ok(format),
            Self::Useless(what, hint) => Err(Fault::refused(format!("it is {what}"), hint)),
        }
    }
}

/// What a file is, by its first bytes and its text.
pub(super) fn format(bytes: &[u8], input: impl Read) -> Result<Format, Fault> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(Fault::refused("it is compressed", "unpack it: `gunzip --keep FILE`"));
    }
    if let Some(version) = gatling::binary_version(bytes) {
        let hint = "Gatling's versions before 3.12 write a text log, which can be imported; of a newer one, import the \
                    results of another tool or run the load with loadproof";
        return Err(Fault::refused(
            format!("it is the binary log of Gatling {version}, whose form is not documented"),
            hint,
        ));
    }
    let mut bytes = Vec::new();
    input.take(LOOKED_AT).read_to_end(&mut bytes).map_err(Fault::Read)?;
    if bytes.contains(&0) {
        let hint = "results of vegeta become text with `vegeta encode --to csv`";
        return Err(Fault::refused("it is not text", hint));
    }
    // Cut off within a letter, at worst.
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    match text.chars().next() {
        None => Err(Fault::refused("it is empty", "did the tool end well?")),
        Some('{' | '[') => of_json(text),
        Some('<') if text.contains("<testResults") => Ok(Format::JMeterXml),
        Some('<') => Err(Fault::refused("it is XML, but not of JMeter", supported())),
        Some(_) => of_lines(text),
    }
}

fn of_json(text: &str) -> Result<Format, Fault> {
    let found = JSON.iter().find(|(words, _)| words.iter().all(|word| text.contains(word)));
    found.map_or_else(|| Err(unknown()), |(_, kind)| kind.format())
}

fn of_lines(text: &str) -> Result<Format, Fault> {
    let first = text.lines().next().unwrap_or_default();
    if first.starts_with("Running ") && first.contains(" test @ ") {
        return Ok(Format::WrkText);
    }
    if first.trim() == "Summary:" && text.contains("Requests/sec:") {
        return Ok(Format::HeyText);
    }
    if ["RUN\t", "ASSERTION\t", "USER\t", "REQUEST\t"].iter().any(|word| first.starts_with(word)) {
        return Ok(Format::GatlingLog);
    }
    of_csv(text)
}

fn of_csv(text: &str) -> Result<Format, Fault> {
    let has = |fields: &[&str], columns: &[&str]| columns.iter().all(|column| fields.contains(column));
    for (_, record) in first_lines(text.as_bytes()) {
        let fields: Vec<&str> = record.iter().map(str::trim).collect();
        if let Some((_, kind)) = CSV.iter().find(|(columns, _)| has(&fields, columns)) {
            return kind.format();
        }
    }
    for (_, record) in first_lines(text.as_bytes()) {
        let fields: Vec<&str> = record.iter().collect();
        if vegeta::is_result(&fields) {
            return Ok(Format::VegetaCsv);
        }
        if Columns::guessed(&fields).is_some() {
            return Ok(Format::JMeterCsv);
        }
        if lacks_times(&fields) {
            return WITHOUT_TIMES.format();
        }
    }
    Err(unknown())
}

fn unknown() -> Fault {
    Fault::refused("unknown format", supported())
}

fn supported() -> String {
    let known: Vec<String> = Format::ALL.into_iter().map(Format::text).collect();
    format!("supported formats: {}; docs/EXCHANGE.md shows how to write them", known.join(", "))
}
