//! How many separate events lie behind a high quantile.

use super::quantile::type7;

/// `(exceedances, clusters)` of the `p` quantile (type 7) of `values` in order of time.
///
/// An exceedance is strictly above the quantile. It belongs to the cluster before it if it comes at most `gap`
/// places later. One pause of the system makes many exceedances but one cluster, so clusters are what counts
/// as evidence. Source: runs declustering, Smith and Weissman 1994, JRSS B 56(3).
pub fn exceedance_clusters(values: &[f64], p: f64, gap: usize) -> (usize, usize) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(q) = type7(&sorted, p) else { return (0, 0) };
    let places: Vec<usize> = (0..values.len()).filter(|i| values[*i] > q).collect();
    let breaks = places.windows(2).filter(|pair| pair[1] - pair[0] > gap).count();
    (places.len(), if places.is_empty() { 0 } else { breaks + 1 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_gap_splits_only_if_it_is_wider() {
        let mut values = [1.0; 100];
        for i in [10, 12, 22, 33] {
            values[i] = 9.0;
        }
        assert_eq!(exceedance_clusters(&values, 0.9, 10), (4, 2));
        assert_eq!(exceedance_clusters(&values, 0.9, 11), (4, 1));
        assert_eq!(exceedance_clusters(&values, 0.9, 1), (4, 4));
    }

    #[test]
    fn ties_at_the_quantile_do_not_exceed_it() {
        assert_eq!(exceedance_clusters(&[3.0; 50], 0.5, 5), (0, 0));
        assert_eq!(exceedance_clusters(&[], 0.5, 5), (0, 0));
    }

    proptest! {
        #[test]
        fn a_wider_gap_makes_no_more_clusters(
            values in prop::collection::vec(0_u8..50, 1..200), p in 0.01..0.99_f64, gap in 0_usize..50,
        ) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let (exceedances, clusters) = exceedance_clusters(&values, p, gap);
            prop_assert!(clusters <= exceedances && (clusters == 0) == (exceedances == 0));
            prop_assert!(exceedance_clusters(&values, p, gap + 1).1 <= clusters);
        }
    }
}
