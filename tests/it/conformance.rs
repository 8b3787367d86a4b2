//! Reference series: change points as Apache Otava finds them, and as the trend pipeline has to; or those in
//! the folder that `LOADPROOF_CONFORMANCE` names, of the same form.

use std::path::PathBuf;

use loadproof::stats::otava::{self, ChangePoint, Options};
use loadproof::stats::outliers::hampel;
use loadproof::stats::regimes::{self, Ties};
use serde_json::Value;

fn folder() -> PathBuf {
    std::env::var_os("LOADPROOF_CONFORMANCE")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/conformance"), PathBuf::from)
}

fn document(name: &str) -> Value {
    let path = folder().join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The values of a series' CSV.
fn series(entry: &Value) -> Vec<f64> {
    let path = folder().join(entry["file"].as_str().unwrap());
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse().unwrap()).collect()
}

fn indexes(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|i| usize::try_from(i.as_u64().unwrap()).unwrap()).collect()
}

/// Equal to 1e-7, relative where numbers are large.
fn assert_close(found: f64, expected: &Value, what: &str) {
    let expected = expected.as_f64().unwrap();
    let off = (found - expected).abs();
    assert!(off <= 1e-7 * expected.abs().max(1e-300) || off < 1e-12, "{what}: {found}, not {expected}");
}

fn assert_point(found: &ChangePoint, expected: &Value, what: &str) {
    for (name, value) in [
        ("qhat", found.q),
        ("pvalue", found.p),
        ("mean_before", found.mean_before),
        ("mean_after", found.mean_after),
        ("std_before", found.std_before),
        ("std_after", found.std_after),
    ] {
        if expected[name].is_number() {
            assert_close(value, &expected[name], &format!("{what} {name}"));
        }
    }
}

#[test]
fn split_and_merge_find_what_otava_finds() {
    let expected = document("expected.json");
    let (mut cases, mut points) = (0, 0);
    for entry in expected["series"].as_array().unwrap() {
        let values = series(entry);
        for case in entry["otava"].as_array().unwrap() {
            let options = Options {
                window: usize::try_from(case["window_len"].as_u64().unwrap()).unwrap(),
                max_p: case["max_pvalue"].as_f64().unwrap(),
                min_magnitude: case["min_magnitude"].as_f64().unwrap(),
            };
            let what = format!("{} {options:?}", entry["name"]);
            let split: Vec<usize> = otava::split(&values, options).iter().map(|(index, _)| *index).collect();
            assert_eq!(split, indexes(&case["split_indexes"]), "{what}: split");
            let found = otava::change_points(&values, options);
            let places: Vec<usize> = found.iter().map(|point| point.index).collect();
            assert_eq!(places, indexes(&case["indexes"]), "{what}: merged");
            for (found, expected) in found.iter().zip(case["points"].as_array().unwrap()) {
                assert_point(found, expected, &format!("{what}, point {}", found.index));
                points += 1;
            }
            cases += 1;
        }
    }
    assert!(cases >= 10 && points >= 10, "{cases} cases, {points} points");
    println!("{cases} cases, {points} change points");
}

#[test]
fn the_trend_pipeline_finds_the_regimes_of_every_series() {
    let expected = document("expected_pipeline.json");
    let all = expected["series"].as_array().unwrap();
    for entry in all {
        let values = series(entry);
        let logs: Vec<f64> = values.iter().map(|value| value.ln()).collect();
        let candidates = otava::change_points(&hampel(&logs, 3, 4.0), Options::default());
        let candidates: Vec<usize> = candidates.iter().map(|point| point.index).collect();
        assert_eq!(
            candidates,
            indexes(&entry["after_split_merge_on_ln_hampel"]),
            "{}: candidates",
            entry["name"]
        );
        assert_eq!(
            regimes::begins(&values, Ties::Normal),
            Some(indexes(&entry["indexes"])),
            "{}",
            entry["name"]
        );
    }
    assert!(all.len() >= 5);
    println!("{} series", all.len());
}
