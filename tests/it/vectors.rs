//! Every case of the reference files in `tests/it/vectors/`, or in the folder that `LOADPROOF_VECTORS` names.
//!
//! The files come from other implementations of the same formulas. A number passes within the relative
//! tolerance that its file states, or within 1e-12; whole numbers and nulls are exact.

use std::collections::BTreeSet;
use std::path::PathBuf;

use loadproof::stats::autoregression::{self, Limits as ChangeLimits};
use loadproof::stats::clusters::exceedance_clusters;
use loadproof::stats::decision::{Side, alpha_at, side};
use loadproof::stats::distribution::{normal_quantile, t_quantile, t_two_sided};
use loadproof::stats::interval::Interval;
use loadproof::stats::mann_whitney::{self, MannWhitney};
use loadproof::stats::mean::{Moments, log_ratios};
use loadproof::stats::mover::{self, Limits};
use loadproof::stats::outliers::hampel;
use loadproof::stats::planning::{rounds_needed, sd_upper};
use loadproof::stats::proportion::{Counters, wilson};
use loadproof::stats::quantile::{type7, type8, type8_of};
use loadproof::stats::quantile_claim::{QuantileEvidence, Says};
use loadproof::stats::warm_up::mser5;
use loadproof::stats::woodruff::Woodruff;
use serde_json::Value;

/// Alpha of intervals whose file says nothing else.
const ALPHA: f64 = 0.05;

const FILES: [&str; 14] = [
    "absolute_quantile_claim",
    "exceedance_clusters",
    "mann_whitney",
    "mover_ratio_single_pair",
    "mser5",
    "quantile_type7",
    "quantile_type8",
    "ratio_of_counters",
    "t_dist",
    "t_log_ratio",
    "trend_hampel_postfilter",
    "verdict",
    "wilson",
    "woodruff_deff",
];

// ── What compares ───────────────────────────────────────────────────────────────────────────────

fn folder() -> PathBuf {
    std::env::var_os("LOADPROOF_VECTORS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/vectors"), PathBuf::from)
}

/// Whether the cases may be others than those of `tests/it/vectors/`.
fn other_folder() -> bool {
    std::env::var_os("LOADPROOF_VECTORS").is_some()
}

/// Something with fields and a tolerance: a case of a file, or a part of one.
#[derive(Clone, Copy)]
struct Case<'a> {
    fields: &'a Value,
    /// Largest relative error.
    relative: f64,
    /// Largest error whatever the size.
    absolute: f64,
}

impl<'a> Case<'a> {
    fn field(&self, key: &str) -> &'a Value {
        self.fields.get(key).unwrap_or_else(|| panic!("no field {key}"))
    }

    fn number(&self, key: &str) -> f64 {
        self.field(key).as_f64().unwrap()
    }

    fn numbers(&self, key: &str) -> Vec<f64> {
        numbers(self.field(key))
    }

    fn count(&self, key: &str) -> usize {
        usize::try_from(self.field(key).as_u64().unwrap()).unwrap()
    }

    fn counts(&self, key: &str) -> Vec<usize> {
        let values = self.field(key).as_array().unwrap();
        values.iter().map(|v| usize::try_from(v.as_u64().unwrap()).unwrap()).collect()
    }

    fn parts(&self, key: &str) -> impl Iterator<Item = Case<'a>> {
        let whole = *self;
        self.field(key).as_array().unwrap().iter().map(move |fields| Case { fields, ..whole })
    }

    fn close(&self, what: &str, got: f64, expected: f64) {
        let error = (got - expected).abs();
        let allowed = (self.relative * expected.abs()).max(self.absolute);
        assert!(error <= allowed, "{what}: {got:e} for {expected:e}, off by {error:e} of {allowed:e}");
    }

    fn expect(&self, key: &str, got: f64) {
        self.close(key, got, self.number(key));
    }

    fn expect_all(&self, key: &str, got: &[f64]) {
        let expected = self.numbers(key);
        assert_eq!(got.len(), expected.len(), "{key}");
        for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
            self.close(&format!("{key}[{i}]"), *got, expected);
        }
    }

    fn expect_interval(&self, key: &str, got: Interval) {
        self.expect_all(key, &[got.low, got.high]);
    }

    fn expect_bound(&self, key: &str, got: Option<f64>) {
        self.bound(key, got, self.field(key));
    }

    fn bound(&self, what: &str, got: Option<f64>, expected: &Value) {
        match (got, expected.as_f64()) {
            (Some(got), Some(expected)) => self.close(what, got, expected),
            (None, None) if expected.is_null() => {}
            _ => panic!("{what}: {got:?} for {expected}"),
        }
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// Runs `check` on every case of a file, given with its place.
fn for_each_case(name: &str, mut check: impl FnMut(usize, Case)) {
    let path = folder().join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file: Value = serde_json::from_str(&text).unwrap();
    let relative = file["meta"]["rel_tol_suggested"].as_f64().unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert!(!cases.is_empty(), "{name} has no cases");
    for (place, fields) in cases.iter().enumerate() {
        // The harness prints what a panicking test wrote.
        println!("{name}, case {place}");
        check(place, Case { fields, relative, absolute: 1e-12 });
    }
    println!("{name}: {} cases", cases.len());
}

// ── The files ───────────────────────────────────────────────────────────────────────────────────

#[test]
fn every_file_of_the_folder_is_known_and_there() {
    let found: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let known: BTreeSet<String> = FILES.iter().map(|name| format!("{name}.json")).collect();
    assert_eq!(found, known);
}

#[test]
fn absolute_claims_about_a_quantile() {
    for_each_case("absolute_quantile_claim", |_, case| {
        let unanswered = case.counts("unanswered");
        let runs: Vec<Vec<f64>> = case
            .field("runs")
            .as_array()
            .unwrap()
            .iter()
            .zip(unanswered)
            .map(|(run, more)| {
                let mut run = numbers(run);
                run.extend(std::iter::repeat_n(f64::INFINITY, more));
                sorted(run)
            })
            .collect();
        let (p, alpha, at_most) = (case.number("p"), case.number("alpha"), case.number("at_most"));
        let got = QuantileEvidence::of(&runs, p, alpha).unwrap();
        for (got, expected) in got.quantiles.iter().zip(case.field("quantile_per_run").as_array().unwrap()) {
            case.bound("quantile_per_run", Some(*got).filter(|q| q.is_finite()), expected);
        }
        if case.field("t_interval").is_null() {
            assert_eq!(got.t_interval, None);
        } else {
            case.expect_interval("t_interval", got.t_interval.unwrap());
        }
        for (key, found) in [("inverted", got.inverted), ("interval", got.interval)] {
            case.bound(key, found.low, &case.field(key)[0]);
            case.bound(key, found.high, &case.field(key)[1]);
        }
        let bound = got.against(&runs, p, alpha, at_most).unwrap();
        let beyond: Vec<usize> = bound.beyond.iter().map(|k| usize::try_from(*k).unwrap()).collect();
        assert_eq!(beyond, case.counts("beyond"));
        case.expect("share", bound.share.ratio);
        case.expect("deff", bound.share.deff);
        case.expect_interval("share_interval", bound.share_interval);
        let verdict = match bound.says() {
            Says::Supports => "supported",
            Says::Refutes => "refuted",
            Says::Neither => "undecided",
        };
        assert_eq!(verdict, case.field("verdict").as_str().unwrap());
    });
}

#[test]
fn clusters_of_exceedances() {
    let mut values = Vec::new();
    for_each_case("exceedance_clusters", |_, case| {
        if !case.field("x").is_null() {
            values = case.numbers("x");
        }
        let got = exceedance_clusters(&values, case.number("p"), case.count("gap"));
        assert_eq!(got, (case.count("exceedances"), case.count("clusters")));
    });
}

#[test]
fn mann_whitney_exact_and_asymptotic() {
    for_each_case("mann_whitney", |_, case| {
        let got = MannWhitney::of(&case.numbers("x"), &case.numbers("y")).unwrap();
        assert_eq!(got.has_ties(), case.field("ties").as_bool().unwrap());
        case.expect("u_x", got.u);
        case.expect("p_asymptotic_cc_tiecorrected", got.p_asymptotic());
        // The reference counts ranks out only where none are equal.
        assert_eq!(case.fields.get("p_exact_less").is_some(), !got.has_ties());
        if !got.has_ties() {
            let p = mann_whitney::exact(&case.numbers("x"), &case.numbers("y")).unwrap();
            case.expect("p_exact_two-sided", p.two_sided);
            case.expect("p_exact_less", p.less);
            case.expect("p_exact_greater", p.greater);
        }
    });
}

/// A quantile and its limits.
fn limits(of: &Woodruff) -> Limits {
    Limits { estimate: of.q, lower: of.lower, upper: of.upper }
}

#[test]
fn ratio_of_two_runs() {
    for_each_case("mover_ratio_single_pair", |_, case| {
        let arms = ["baseline", "treatment"].map(|arm| case.numbers(arm));
        for out in case.parts("out") {
            let p = out.number("p");
            let [baseline, treatment] =
                [&arms[0], &arms[1]].map(|x| Woodruff::of(x, p, case.count("K"), ALPHA).unwrap());
            for (key, got) in [("baseline", &baseline), ("treatment", &treatment)] {
                let expected = out.field(key);
                out.bound(key, Some(got.q), &expected[0]);
                out.bound(key, got.lower, &expected[1]);
                out.bound(key, got.upper, &expected[2]);
            }
            // The baseline is on top in this file.
            let ratio = mover::ratio(&limits(&baseline), &limits(&treatment)).unwrap();
            out.expect("ratio_b_over_t", ratio.estimate);
            out.expect_bound("lower", ratio.lower);
            out.expect_bound("upper", ratio.upper);
            for (key, values) in [("clusters_b_gap25", &arms[0]), ("clusters_t_gap25", &arms[1])] {
                assert_eq!(exceedance_clusters(values, p, 25).1, out.count(key));
            }
        }
    });
}

#[test]
fn warm_up_by_mser5() {
    for_each_case("mser5", |_, case| {
        let trim = mser5(&case.numbers("cells_median_latency"), case.count("m"), case.number("max_fraction"));
        assert_eq!(trim.cells, case.count("trim_cells"));
    });
}

#[test]
fn quantiles_of_type_7() {
    for_each_case("quantile_type7", |_, case| {
        let values = sorted(case.numbers("x"));
        let got: Vec<f64> = case.numbers("p").into_iter().map(|p| type7(&values, p).unwrap()).collect();
        case.expect_all("q", &got);
    });
}

#[test]
fn quantiles_of_type_8() {
    for_each_case("quantile_type8", |_, case| {
        let mut values = case.numbers("x");
        let by_selection: Vec<f64> =
            case.numbers("p").into_iter().map(|p| type8_of(&mut values, p).unwrap()).collect();
        case.expect_all("q", &by_selection);
        let values = sorted(values);
        let got: Vec<f64> = case.numbers("p").into_iter().map(|p| type8(&values, p).unwrap()).collect();
        case.expect_all("q", &got);
    });
}

#[test]
fn ratio_of_counters() {
    // The intervals that verdicts use are not in the file; given to eleven decimals.
    const WITH_WILSON: [[f64; 2]; 3] = [
        [0.885_233_115_13, 0.977_916_432_20],
        [0.899_768_078_33, 0.932_181_386_35],
        [0.921_962_212_00, 0.948_020_485_25],
    ];
    for_each_case("ratio_of_counters", |place, case| {
        let got = Counters::of(&case.numbers("k"), &case.numbers("n")).unwrap();
        case.expect("ratio", got.ratio);
        case.expect("var_linearised", got.variance);
        case.expect("deff", got.deff);
        // The plain interval, symmetric and not kept within [0, 1], which no verdict uses.
        let t = t_quantile(1.0 - ALPHA / 2.0, got.clusters as f64 - 1.0);
        case.expect_interval("ci95_t", Interval::around(got.ratio, t * got.variance.sqrt()));
        if !other_folder() {
            let (interval, [low, high]) = (got.interval(ALPHA), WITH_WILSON[place]);
            assert!(
                (interval.low - low).abs() < 6e-12 && (interval.high - high).abs() < 6e-12,
                "{interval:?}"
            );
        }
    });
}

#[test]
fn student_s_t() {
    for_each_case("t_dist", |_, case| {
        // Tails down to 5e-46 count in full.
        let case = Case { absolute: 0.0, ..case };
        let (t, df) = (case.number("t"), case.number("df"));
        case.expect("quantile", t_quantile(case.number("p"), df));
        case.expect("sf2", t_two_sided(t, df));
    });
}

#[test]
fn ratios_of_paired_rounds() {
    for_each_case("t_log_ratio", |_, case| {
        let (baseline, treatment) = (case.numbers("baseline"), case.numbers("treatment"));
        let moments = Moments::of(&log_ratios(&baseline, &treatment)).unwrap();
        case.expect("mean_log", moments.mean);
        case.expect("sd_log", moments.sd);
        case.expect("ratio", moments.mean.exp());
        for (key, alpha) in [("ci90", 0.10), ("ci95", 0.05), ("ci99", 0.01)] {
            case.expect_interval(key, moments.interval(alpha).map(f64::exp));
        }
    });
}

#[test]
fn filters_of_a_trend() {
    // Correlation and objections before anything is dropped are not in the file.
    const AT_FIRST: [(f64, [f64; 2]); 5] = [
        (0.066_246_171_568_55, [0.378_938_718_385_13, 0.311_685_306_865_14]),
        (0.0, [0.662_126_258_735_17, -1.0]),
        (0.562_240_532_303_06, [0.517_928_195_435_6, 0.590_594_316_545_24]),
        (0.322_321_887_228_28, [0.420_159_844_598_59, -1.0]),
        (0.154_198_883_896_61, [0.160_109_072_599_82, -1.0]),
    ];
    let limits = ChangeLimits { p: 0.001, change: 1.03_f64.ln() };
    for_each_case("trend_hampel_postfilter", |place, case| {
        let logs: Vec<f64> = case.numbers("x").iter().map(|x| x.ln()).collect();
        let clean = hampel(&logs, 3, 4.0);
        case.expect_all("ln_hampel", &clean);
        let candidates = case.counts("candidates");
        if !other_folder() {
            let (correlation, objections) = AT_FIRST[place];
            case.close("correlation", autoregression::correlation(&clean, &candidates), correlation);
            let got = autoregression::objections(&clean, &candidates, limits);
            assert_eq!(got.len(), objections.len());
            for (got, expected) in got.into_iter().zip(objections) {
                case.close("objection", got, expected);
            }
        }
        let kept = autoregression::keep(&clean, &candidates, limits);
        assert_eq!(kept, case.counts("kept_p0.001_m0.03"));
    });
}

#[test]
fn verdicts() {
    for_each_case("verdict", |_, case| {
        let moments = Moments::of(&case.numbers("log_ratios")).unwrap();
        let alpha = alpha_at(moments.n);
        assert_eq!(moments.n, case.count("N"));
        assert_eq!(alpha, case.number("alpha_two_sided"));
        case.expect("ratio", moments.mean.exp());
        let interval = moments.interval(alpha);
        case.expect_interval("ci", interval.map(f64::exp));
        case.expect("sd_upper80", sd_upper(&moments));

        let threshold = case.number("threshold_ratio_ge").ln();
        let side = side(interval, threshold);
        let verdict = match side {
            Side::Above => "PASS",
            Side::Below => "FAIL",
            Side::Across => "INCONCLUSIVE",
        };
        assert_eq!(verdict, case.field("verdict").as_str().unwrap());
        let needed = (side == Side::Across).then(|| rounds_needed(&moments, threshold, 0.025)).flatten();
        assert_eq!(needed.map(|n| n as u64), case.field("needed_repeats_total").as_u64());
    });
}

#[test]
fn wilson_s_interval() {
    for_each_case("wilson", |_, case| {
        let z = normal_quantile(f64::midpoint(1.0, case.number("conf")));
        let got = wilson(case.number("k"), case.number("n"), z, case.number("deff"));
        case.expect("low", got.low);
        case.expect("high", got.high);
    });
}

#[test]
fn woodruff_s_limits() {
    let mut values: Vec<Vec<f64>> = Vec::new();
    for_each_case("woodruff_deff", |_, case| {
        if case.fields.get("x").is_some() {
            assert_eq!(values.len(), case.count("x_ref"), "series come in order");
            values.push(case.numbers("x"));
        }
        let x = &values[case.count("x_ref")];
        assert_eq!(x.len(), case.count("case_n"));
        let got = Woodruff::of(x, case.number("p"), case.count("K"), ALPHA).unwrap();
        case.expect("q", got.q);
        case.expect("batch_var_of_mean", got.batch_variance);
        case.expect("deff", got.deff);
        case.expect("se_F", got.se);
        case.expect_bound("lower", got.lower);
        case.expect_bound("upper", got.upper);
    });
}
