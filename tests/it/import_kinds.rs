//! Files of other tools as people have them: saved by spreadsheets, cut, appended to, in any encoding.

use crate::support::bench;

use bench::*;
use serde_json::{Value, json};

const HEADER: &str = "timeStamp,elapsed,label,responseCode,success";

/// A JTL of so many requests, a second apart.
fn lines(count: u64) -> String {
    let line = |i| format!("{},20,Home,200,true\n", 1_795_276_500_000 + i * 1000);
    (0..count).map(line).collect::<Vec<_>>().concat()
}

fn imported(bench: &Bench, name: &str, flags: &[&str]) -> Value {
    bench.json(&[&["import", name, "--json"], flags].concat())
}

fn refused(bench: &Bench, name: &str) -> String {
    let output = bench.run(&["import", name]);
    assert_eq!(code(&output), 104, "{}", stderr(&output));
    stderr(&output)
}

#[test]
fn a_time_that_a_spreadsheet_has_rounded_is_refused_with_its_line() {
    let bench = Bench::new();
    for (header, line) in [(true, 3), (false, 2)] {
        let header = if header { format!("{HEADER}\n") } else { String::new() };
        bench.write("rounded.jtl", &format!("{header}{}1.79528E+12,20,Home,200,true\n", lines(1)));
        let said = refused(&bench, "rounded.jtl");
        assert!(said.contains(&format!("line {line}: `1.79528E+12` is a rounded time")), "{said}");
        assert!(said.contains("without decimals"), "{said}");
    }
    bench.write("vegeta.csv", "1.79528E+18,200,1500000,0,5,,,a,1\n");
    assert!(refused(&bench, "vegeta.csv").contains("line 1: `1.79528E+18` is a rounded time"));
    bench.write("day.jtl", &format!("{HEADER}\n46347.66145,20,Home,200,true\n"));
    assert!(refused(&bench, "day.jtl").contains("line 2: `46347.66145` is not a plausible time"));
    bench.write("points.jtl", &format!("{HEADER}\n1795276500000,1.234,Home,200,true\n"));
    assert!(refused(&bench, "points.jtl").contains("line 2: `1.234` is not a valid elapsed time"));
    bench.write("shifted.jtl", &format!("{HEADER}\n1795276500000,12,Home, sweet home,200,true\n"));
    assert!(refused(&bench, "shifted.jtl").contains("line 2: it has 6 fields, and the header 5"));
    assert!(!bench.path("reports/loadproof.db").exists(), "nothing is stored of them");
}

#[test]
fn sub_results_and_transactions_are_left_out_and_counted() {
    let bench = Bench::new();
    let named = "timeStamp,elapsed,label,responseCode,responseMessage,threadName,success\n";
    let rows = "1795276500000,100,/login,200,OK,Users 1-1,true\n1795276500000,40,/login-0,302,Found,Users 1-1,true\n\
                1795276500040,60,/login-1,200,OK,Users 1-1,true\n1795276500100,20,/page-1,200,OK,Users 1-1,true\n\
                1795276500120,20,/page-2,200,OK,Users 1-1,true\n1795276500000,140,Shop,200,\"Number of samples in \
                transaction : 3, number of failing samples : 0\",Users 1-1,true\n";
    bench.write("parts.jtl", &format!("{named}{rows}"));
    let said = imported(&bench, "parts.jtl", &[]);
    assert_eq!((&said["samples"], &said["endpoints"]), (&json!(3), &json!(3)));
    assert_eq!(said["left_out"], "2 sub-results, 1 transactions");
    let sums: Vec<&str> = rows.lines().filter(|line| line.contains("Number of")).collect();
    bench.write("sums.jtl", &format!("{named}{}\n", sums.join("\n")));
    let said = refused(&bench, "sums.jtl");
    assert!(
        said.contains("no request but 1 transactions") && said.contains("Generate parent sample"),
        "{said}"
    );
}

#[test]
fn what_separates_fields_and_whether_they_are_named_is_seen() {
    let bench = Bench::new();
    for delimiter in [",", ";", "|", "\t"] {
        for header in [format!("{HEADER}\n"), String::new()] {
            let text = format!("{header}{}", lines(3)).replace(',', delimiter);
            bench.write("any.jtl", &text);
            let said = imported(&bench, "any.jtl", &[]);
            assert_eq!((&said["format"], &said["samples"]), (&json!("jmeter-csv"), &json!(3)), "{text}");
            let read_as = said["read_as"].as_str().unwrap();
            assert_eq!(read_as.contains("no header line"), header.is_empty(), "{read_as}");
            assert_eq!(read_as.contains("separated by"), delimiter != ",", "{read_as}");
            bench.json(&["import", "any.jtl", "--format", "jmeter-csv", "--json"]);
        }
    }
}

#[test]
fn a_file_that_is_cut_off_is_read_to_there() {
    let bench = Bench::new();
    let whole = format!("{HEADER}\n{}", lines(3));
    for cut in [1, 4, 12, 25] {
        bench.write("cut.jtl", &whole[..whole.len() - cut]);
        let said = imported(&bench, "cut.jtl", &[]);
        let is_whole = cut == 1;
        assert_eq!(said["samples"], if is_whole { 3 } else { 2 }, "cut by {cut}");
        assert_eq!(said["left_out"], if is_whole { "" } else { "1 cut-off last line" }, "cut by {cut}");
    }
    let broken = whole.replace("1795276501000,20", "1795276501000,soon");
    bench.write("broken.jtl", &broken[..broken.len() - 12]);
    assert!(refused(&bench, "broken.jtl").contains("line 3: `soon`"), "only a last line may be cut off");
}

#[test]
fn any_encoding_is_read_and_named() {
    let bench = Bench::new();
    let text = format!("{HEADER}\n{}", lines(2)).replace("Home", "Käse");
    let units: Vec<u16> = text.encode_utf16().collect();
    let utf16: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    for (bytes, read_as) in [
        ([&[0xef, 0xbb, 0xbf], text.as_bytes()].concat(), ""),
        ([&[0xff, 0xfe][..], &utf16].concat(), "text in UTF-16"),
        (utf16, "text in UTF-16"),
        (latin, "text in Latin-1 (Windows-1252), because it is not valid UTF-8"),
    ] {
        std::fs::write(bench.path("letters.jtl"), &bytes).unwrap();
        let said = imported(&bench, "letters.jtl", &[]);
        assert_eq!((&said["samples"], &said["read_as"]), (&json!(2), &json!(read_as)));
        let sql = "SELECT DISTINCT endpoint FROM samples WHERE run = (SELECT max(id) FROM run)";
        assert_eq!(bench.json(&["store", "query", sql, "--format", "json"]), json!([{ "endpoint": "Käse" }]));
    }
}

#[test]
fn local_dates_are_taken_as_utc_and_doubtful_ones_need_a_form() {
    let bench = Bench::new();
    let with = |time: &str| format!("{HEADER}\n{time},20,Home,200,true\n");
    bench.write("local.jtl", &with("2026/04/03 15:52:59.125"));
    imported(&bench, "local.jtl", &[]);
    let sql = "SELECT value FROM environment WHERE name = 'lacks'";
    let lacks = bench.json(&["store", "query", sql, "--format", "json"]);
    assert!(lacks[0]["value"].as_str().unwrap().contains("time zone"), "{lacks}");
    bench.write("doubtful.jtl", &with("03/04/2026 15:52:59"));
    assert!(refused(&bench, "doubtful.jtl").contains("--time-format '%d/%m/%Y %H:%M:%S'"));
    imported(&bench, "doubtful.jtl", &["--time-format", "%d/%m/%Y %H:%M:%S"]);
    let sql = "SELECT DISTINCT started_at AS at FROM run ORDER BY id";
    let days = bench.json(&["store", "query", sql, "--format", "json"]);
    assert_eq!(days, json!([{ "at": "2026-04-03T15:52:59Z" }]));
}

#[test]
fn several_runs_in_one_file_are_not_taken_for_one() {
    let bench = Bench::new();
    let later = lines(40).replace("17952765", "17952965");
    bench.write("two.jtl", &format!("{HEADER}\n{}{HEADER}\n{later}", lines(40)));
    let said = imported(&bench, "two.jtl", &[]);
    assert_eq!(said["left_out"], "1 repeated header lines");
    let gaps = said["gaps"].as_str().unwrap();
    assert!(gaps.starts_with("no request for ") && gaps.ends_with("header line in its middle"), "{said}");
    let report: Value = serde_json::from_slice(&bench.run(&["report", "1", "--json"]).stdout).unwrap();
    let checks = &report["judgement"]["audit"]["runs"][0]["checks"];
    let gaps = checks.as_array().unwrap().iter().find(|check| check["name"] == "gaps").unwrap();
    assert_eq!(gaps["grade"], "INVALID");
}

#[test]
fn jmeters_xml_and_gatlings_log_are_read_as_their_csv_is() {
    let bench = Bench::new();
    let sample = |label: &str, ok: bool, within: &str| {
        format!(
            "<httpSample t=\"20\" lt=\"16\" ts=\"1795276500000\" s=\"{ok}\" lb=\"{label}\" rc=\"200\" rm=\"OK\" \
             tn=\"Users 1-1\" by=\"5\" sby=\"7\">{within}</httpSample>\n"
        )
    };
    let samples = sample("Home", true, &sample("Home-0", true, "")) + &sample("Cart", false, "");
    bench.write(
        "results.xml",
        &format!("<?xml version=\"1.0\"?>\n<testResults version=\"1.2\">\n{samples}</testResults>"),
    );
    let said = imported(&bench, "results.xml", &[]);
    assert_eq!(
        (&said["format"], &said["samples"], &said["left_out"]),
        (&json!("jmeter-xml"), &json!(2), &json!("1 sub-results"))
    );
    bench.write(
        "simulation.log",
        "RUN\tshop.Basic\tbasic\t1795276500000\t \t3.9.5\nUSER\tShop\tSTART\t1795276500100\nREQUEST\tCheckout\tpay\t\
         1795276500100\t1795276500150\tOK\t\nREQUEST\t\thome\t1795276500150\t1795276500180\tKO\tstatus.find.is(200), but \
         actually found 503\nGROUP\tCheckout\t1795276500100\t1795276500150\t50\tOK\nUSER\tShop\tEND\t1795276500180\n",
    );
    let said = imported(&bench, "simulation.log", &[]);
    assert_eq!(
        (&said["format"], &said["samples"], &said["left_out"]),
        (&json!("gatling-log"), &json!(2), &json!("1 groups"))
    );
    std::fs::write(bench.path("binary.log"), b"\0\0\0\0\x063.14.3\0\0\0\0\x0acom.shop.A").unwrap();
    assert!(refused(&bench, "binary.log").contains("it is the binary log of Gatling 3.14.3"));
}

#[test]
fn metrics_without_samples_are_shown_and_decide_nothing() {
    let bench = Bench::new();
    bench.write(
        "wrk.txt",
        "Running 2s test @ http://127.0.0.1:8080/\n  2 threads and 10 connections\n  Thread Stats   Avg      Stdev     \
         Max   +/- Stdev\n    Latency   635.91us    0.89ms  12.92ms   93.69%\n    Req/Sec    56.20k     8.07k   62.00k    \
         86.54%\n  Latency Distribution\n     50%  250.00us\n     99%    2.70ms\n  12000 requests in 2.00s, 17.76MB \
         read\nRequests/sec:   6000.00\nTransfer/sec:      8.88MB\n",
    );
    let text = std::fs::read_to_string(bench.path("scenario.toml")).unwrap();
    let claim = "[[claim]]\ntitle = \"fast\"\nvalue = \"treatment.p95\"\nat_most = \"1s\"\n";
    bench.write("claims.toml", &format!("{text}\n{claim}"));
    let said =
        imported(&bench, "wrk.txt", &["--scenario", "claims.toml", "--load", "short", "--profile", "b"]);
    assert_eq!((&said["samples"], &said["stated"]["p99"]), (&json!(0), &json!("2.70 ms")));
    let report = bench.run(&["report", "1"]);
    let text = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(text.contains("INVALID") && text.contains("p99 2.70 ms"), "{text}");
    assert!(text.contains("no samples, so nothing can be decided from it"), "{text}");
    let report: Value = serde_json::from_slice(&bench.run(&["report", "1", "--json"]).stdout).unwrap();
    assert_eq!(report["judgement"]["claims"][0]["verdict"], "invalid", "{}", report["judgement"]["claims"]);
}
