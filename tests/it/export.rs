//! Samples in the forms of other tools, through the binary, read as these do.

use crate::support::bench;

use std::fs::File;

use bench::*;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::Value;

/// More rows than a group of Parquet holds, each 1 ms longer than the one before it, up to 100 ms.
const ROWS: usize = 66_000;

/// A bench whose run 1 has so many samples, and run 2 some with reasons.
fn with_runs() -> Bench {
    let bench = Bench::new();
    let line = |i: usize| format!("{},{},Page {},200,true\n", 1_795_276_500_000 + i, i % 100 + 1, i % 2);
    let lines: String = (0..ROWS).map(line).collect();
    bench.write("many.csv", &format!("timeStamp,elapsed,label,responseCode,success\n{lines}"));
    bench.out(&["import", "many.csv"]);
    let vegeta = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/imports/vegeta.csv");
    bench.out(&["import", vegeta]);
    bench
}

fn json_of(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Long(n) => (*n).into(),
        Field::Str(text) => text.clone().into(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn parquet_holds_every_sample_in_typed_columns() {
    let bench = with_runs();
    bench.out(&["export", "2", "--format", "parquet", "--output", "two.parquet"]);
    let file = SerializedFileReader::new(File::open(bench.path("two.parquet")).unwrap()).unwrap();
    let rows: Vec<Value> = file
        .get_row_iter(None)
        .unwrap()
        .map(|row| {
            row.unwrap().get_column_iter().map(|(name, field)| (name.clone(), json_of(field))).collect()
        })
        .collect();
    let lines = bench.out(&["export", "2", "--format", "json"]);
    let expected: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows, expected);
    assert!(rows.iter().any(|row| row["reason"] == "500 Internal Server Error"));

    bench.out(&["export", "1", "--format", "parquet", "--output", "one.parquet"]);
    let file = SerializedFileReader::new(File::open(bench.path("one.parquet")).unwrap()).unwrap();
    assert_eq!(file.metadata().num_row_groups(), 2);
    let sequence = file.get_row_iter(None).unwrap().map(|row| row.unwrap().into_columns()[1].1.clone());
    assert!(sequence.eq((0..i64::try_from(ROWS).unwrap()).map(Field::Long)));

    let output = bench.run(&["export", "2", "--format", "parquet"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("--output samples.parquet"), "{}", stderr(&output));
}

#[test]
fn hdr_text_has_a_block_for_each_endpoint_that_is_asked_for() {
    let bench = with_runs();
    let both = bench.out(&["export", "1", "--format", "hdr"]);
    assert_eq!(both.matches("1/(1-Percentile)").count(), 2);
    // Page 0 takes 1, 3, … 99 ms, each 660 times.
    let text = bench.out(&["export", "1", "--format", "hdr", "--about", "Page 0"]);
    assert!(text.starts_with("# Page 0: response time, ms\n"), "{text}");
    let rows: Vec<Vec<f64>> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_whitespace().filter_map(|word| word.parse().ok()).collect())
        .filter(|row: &Vec<f64>| row.len() >= 3)
        .collect();
    let median = rows.iter().find(|row| row[1] == 0.5).unwrap();
    assert_eq!((median[0], median[2], median[3]), (49.023, 16_500.0, 2.0), "three digits of 49 ms");
    let last = rows.last().unwrap();
    assert_eq!(last[1..], [1.0, 33_000.0], "the last line has no fourth column");
    assert!(text.contains("#[Mean    =       50.0"), "{text}");
    let output = bench.run(&["export", "1", "--format", "hdr", "--about", "Page 7"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("available: Page 0, Page 1"), "{}", stderr(&output));
    let output = bench.run(&["export", "1", "--about", "Page 0"]);
    assert_eq!(code(&output), 2);
}
