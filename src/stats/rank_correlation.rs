//! Whether two series rise and fall together, by ranks.

/// Spearman's rank correlation of pairs, ties by mean ranks; none below three pairs, or where one of the two
/// does not vary.
///
/// Source: Spearman 1904, American Journal of Psychology 15; as Pearson's correlation of the ranks.
pub fn spearman(pairs: &[(f64, f64)]) -> Option<f64> {
    if pairs.len() < 3 {
        return None;
    }
    let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let (x, y) = (ranks(&x), ranks(&y));
    let middle = f64::midpoint(pairs.len() as f64, 1.0);
    let product =
        |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| (a - middle) * (b - middle)).sum() };
    let spread = (product(&x, &x) * product(&y, &y)).sqrt();
    (spread > 0.0).then(|| product(&x, &y) / spread)
}

/// The rank of each value, from 1; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for group in order.chunk_by(|a, b| values[*a].total_cmp(&values[*b]).is_eq()) {
        let rank = before as f64 + f64::midpoint(group.len() as f64, 1.0);
        for place in group {
            ranks[*place] = rank;
        }
        before += group.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_decides_and_ties_share_their_ranks() {
        let rising = [(1.0, 10.0), (2.0, 11.0), (3.0, 500.0)];
        assert_eq!(spearman(&rising), Some(1.0));
        let falling: Vec<_> = rising.iter().map(|(x, y)| (-x, *y)).collect();
        assert_eq!(spearman(&falling), Some(-1.0));
        assert_eq!(ranks(&[5.0, 1.0, 5.0, 9.0]), [2.5, 1.0, 2.5, 4.0]);
        // 1 − 6·Σd²/(n(n²−1)) with d = 1, 1, 0.
        assert!((spearman(&[(1.0, 2.0), (2.0, 1.0), (3.0, 3.0)]).unwrap() - 0.5).abs() < 1e-12);
        assert_eq!(spearman(&rising[..2]), None);
        assert_eq!(spearman(&[(1.0, 1.0), (2.0, 1.0), (3.0, 1.0)]), None);
    }
}
