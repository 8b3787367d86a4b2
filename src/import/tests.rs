//! No text makes a reader panic, and what is read of one is what stands there.

use proptest::prelude::*;

use super::row::{Fault, Line};
use super::survey::Survey;
use super::times::Times;
use super::{Format, detect};
use crate::sample::Outcome;

/// Headers with which lines get as far as they can.
const HEADERS: [&str; 5] = [
    "",
    "timestamp,request_type,name,response_time_ms,response_length,status_code,exception\r\n",
    "metric_name,timestamp,metric_value,error,expected_response,method,name,status,metadata\nhttp_req_duration,",
    "timeStamp,elapsed,label,responseCode,threadName,success,bytes,Latency\n",
    "request-start,DNS,DNS+dialup,Response-delay,request-duration,bytes,status\n",
];

fn survey(format: Format, text: &str) -> Result<Survey, Fault> {
    Survey::with(format, None, |each| format.read(text.as_bytes(), &Times::default(), each))
}

/// How each request of a text ended, and how long it took, µs.
fn read(format: Format, text: &str) -> Result<Vec<(String, Outcome, u16, i64)>, String> {
    let mut found = Vec::new();
    let read = format.read(text.as_bytes(), &Times::default(), &mut |line| {
        if let Line::Request(row) = line {
            found.push((row.endpoint.into_owned(), row.ending.outcome, row.ending.status, row.elapsed_us));
        }
        Ok(())
    });
    match read {
        Ok(()) => Ok(found),
        Err(Fault::Line { line, what }) => Err(format!("{line}: {what}")),
        Err(other) => Err(format!("{other:?}")),
    }
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(
        text in any::<String>(),
        fields in proptest::collection::vec("[0-9.eE:,\"\\-]{0,24}|true|false|NaN|\\PC{0,6}", 0..14),
        header in proptest::sample::select(&HEADERS[..]),
    ) {
        let _ = detect::format(text.as_bytes(), text.as_bytes());
        let under_header = format!("{header}{}\n{text}", fields.join(","));
        for format in Format::ALL {
            let _ = survey(format, &text);
            let _ = survey(format, &under_header);
        }
    }

    #[test]
    fn no_object_makes_a_reader_panic(number in any::<f64>(), text in "\\PC{0,12}", big in any::<u64>()) {
        let text = serde_json::to_string(&text).unwrap();
        let number = serde_json::to_string(&number).unwrap();
        let k6 = format!(
            "{{\"metric\":\"http_req_duration\",\"type\":\"Point\",\"data\":{{\"time\":{text},\"value\":{number},\
             \"tags\":{{\"status\":\"{big}\",\"name\":{text}}}}}}}"
        );
        let vegeta = format!("{{\"timestamp\":{text},\"code\":1,\"latency\":{number},\"bytes_in\":{big}}}");
        let locust = format!(
            "[{{\"name\":{text},\"num_failures\":0,\"response_times\":{{\"{big}\":{big}}},\
             \"num_reqs_per_sec\":{{\"{big}\":3}}}}]"
        );
        for (format, text) in [(Format::K6Json, k6), (Format::VegetaJson, vegeta), (Format::LocustJson, locust)] {
            let _ = survey(format, &text);
        }
    }

    #[test]
    fn what_stands_in_a_line_is_what_is_read(ms in 0_u32..10_000_000, status in 200_u16..600, name in "[a-z/]{1,12}") {
        let text = format!("{}1795276379.06917,GET,{name},{ms}.25,7,{status},\r\n", HEADERS[1]);
        let expected = (format!("GET {name}"), Outcome::Ok, status, i64::from(ms) * 1000 + 250);
        prop_assert_eq!(read(Format::LocustCsv, &text), Ok(vec![expected]));
    }
}

#[test]
fn broken_lines_are_named() {
    let lines = |lines: &str| read(Format::LocustCsv, &format!("{}{lines}", HEADERS[1])).unwrap_err();
    assert_eq!(
        lines("1795276379,GET,/,1.5,7,200,\r\nsoon,GET,/,1.5,7,200,\r\n"),
        "3: `soon` is not a valid time: expected e.g. `1795276379` or `2026-11-21T18:32:59Z`; another form is named with \
         --time-format"
    );
    assert_eq!(lines("1795276379,GET,/\r\n"), "2: it ends after 3 fields");
    assert_eq!(lines("1795276379,GET,/,-1,7,200,\r\n"), "2: `-1` is not a valid response time");
    assert_eq!(
        read(Format::JMeterCsv, "elapsed,label\n1,a\n"),
        Err("1: column `timeStamp` is missing".to_owned())
    );
    assert_eq!(read(Format::VegetaCsv, "1,2\n"), Err("1: it has 2 fields, and not 9 to 12".to_owned()));
    let not_json = read(Format::K6Json, "{\"type\":\"Metric\"}\n{\"type\":\n").unwrap_err();
    assert!(not_json.starts_with("2: EOF while parsing"), "{not_json}");
}

#[test]
fn a_month_is_the_longest_run() {
    let line = |second: u64| format!("{second},GET,/,1,7,200,\r\n");
    let text = format!("{}{}{}", HEADERS[1], line(1_000_000_000), line(1_795_276_379));
    let Err(Fault::Line { line: 3, what }) = survey(Format::LocustCsv, &text) else { panic!() };
    assert_eq!(what, "it is 9204 days apart from other requests: one of the times is wrong");
}
