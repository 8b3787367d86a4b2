//! Windows of time: points that fall into them, and the median of each.

use std::collections::BTreeMap;

use crate::stats::quantile::median;

#[expect(clippy::cast_possible_truncation, reason = "windows of a run are far fewer than 2^63")]
/// Values of `(seconds, value)` by the window that their second lies in.
pub(super) fn by_window(points: &[(f64, f64)], window_s: f64) -> BTreeMap<i64, Vec<f64>> {
    let mut windows: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for (at, value) in points {
        windows.entry((at / window_s).floor() as i64).or_default().push(*value);
    }
    windows
}

/// The median of each window, placed at the window's middle.
pub(super) fn medians(windows: BTreeMap<i64, Vec<f64>>, window_s: f64) -> Vec<(f64, f64)> {
    windows
        .into_iter()
        .filter_map(|(window, values)| Some(((window as f64 + 0.5) * window_s, median(&values)?)))
        .collect()
}
