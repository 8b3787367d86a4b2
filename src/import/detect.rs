//! What a file is, seen from how it begins; and what to give in its place, where it holds no samples.

use std::io::Read;

use super::Format;
use super::row::Fault;
use super::vegeta;

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
    (
        &["\"metrics\"", "\"http_req_duration\""],
        Kind::Useless("k6's summary", "it contains no samples: run k6 with --out csv=results.csv"),
    ),
    (
        &["\"metrics\"", "\"root_group\""],
        Kind::Useless("k6's summary", "it contains no samples: run k6 with --out csv=results.csv"),
    ),
];

const LOCUST_LOG: &str = "it contains no samples: use the log of requests (locust.contrib.csv_request_logger), or the \
                          histograms of --json-file";

/// Columns that a header of CSV has, and what the file is then.
const CSV: [(&[&str], Kind); 9] = [
    (&["timestamp", "request_type", "name", "response_time_ms"], Kind::Known(Format::LocustCsv)),
    (&["metric_name", "timestamp", "metric_value"], Kind::Known(Format::K6Csv)),
    (&["timeStamp", "elapsed", "label", "success"], Kind::Known(Format::JMeterCsv)),
    (&["request-start", "request-duration", "status"], Kind::Known(Format::OhaCsv)),
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
];

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

/// What a file is.
pub(super) fn format(input: impl Read) -> Result<Format, Fault> {
    let mut bytes = Vec::new();
    input.take(LOOKED_AT).read_to_end(&mut bytes).map_err(Fault::Read)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(Fault::refused("it is compressed", "unpack it: `gunzip --keep FILE`"));
    }
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
        Some('<') => Err(Fault::refused(
            "it is XML",
            "let JMeter write CSV: `-Jjmeter.save.saveservice.output_format=csv`",
        )),
        Some(_) => of_csv(text),
    }
}

fn of_json(text: &str) -> Result<Format, Fault> {
    let found = JSON.iter().find(|(words, _)| words.iter().all(|word| text.contains(word)));
    found.map_or_else(|| Err(unknown()), |(_, kind)| kind.format())
}

fn of_csv(text: &str) -> Result<Format, Fault> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let first = reader.records().next().and_then(Result::ok).unwrap_or_default();
    let fields: Vec<&str> = first.iter().collect();
    if let Some((_, kind)) = CSV.iter().find(|(columns, _)| columns.iter().all(|c| fields.contains(c))) {
        return kind.format();
    }
    if vegeta::is_result(&fields) { Ok(Format::VegetaCsv) } else { Err(unknown()) }
}

fn unknown() -> Fault {
    let known: Vec<String> = Format::ALL.into_iter().map(Format::text).collect();
    let hint = format!("supported formats: {}; docs/EXCHANGE.md shows how to write them", known.join(", "));
    Fault::refused("unknown format", hint)
}
