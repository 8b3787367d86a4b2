//! Counts in cells: are they as they should be, or the same in two samples?

use super::distribution::{chi_squared_upper, ln_choose};

/// How far counts are from what they should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deviation {
    /// Pearson's chi-square.
    pub chi_squared: f64,
    /// How probable so large a one is by chance.
    pub p: f64,
    /// Its size whatever the number of counts: Cramér's V of two samples, Cohen's w of one.
    pub size: f64,
}

/// Two samples over the same cells; none if one of them is empty, or there is but one cell.
///
/// Source: Pearson 1900; Cramér 1946, Mathematical Methods of Statistics.
pub fn two_samples(cells: &[[f64; 2]]) -> Option<Deviation> {
    let totals = cells.iter().fold([0.0, 0.0], |sum: [f64; 2], c| [sum[0] + c[0], sum[1] + c[1]]);
    let all = totals[0] + totals[1];
    if totals.contains(&0.0) {
        return None;
    }
    let mut terms = Vec::new();
    for cell in cells {
        let row = cell[0] + cell[1];
        for sample in 0..2 {
            let expected = row * totals[sample] / all;
            terms.push((cell[sample], expected));
        }
    }
    let filled = cells.iter().filter(|c| c[0] + c[1] > 0.0).count();
    deviation(&terms, filled, all)
}

/// One sample against the shares that its cells should have; none if it is empty, or there is but
/// one cell. Cells that should hold fewer than five counts are put together with the next ones, as
/// the approximation demands.
///
/// Source: Cohen 1988, Statistical Power Analysis, ch. 7.
pub fn one_sample(counts: &[f64], shares: &[f64]) -> Option<Deviation> {
    let all: f64 = counts.iter().sum();
    let mut terms: Vec<(f64, f64)> = Vec::new();
    let mut open = (0.0, 0.0);
    for (count, share) in counts.iter().zip(shares) {
        open = (open.0 + count, open.1 + share * all);
        if open.1 >= 5.0 {
            terms.push(std::mem::take(&mut open));
        }
    }
    if let Some(last) = terms.last_mut() {
        *last = (last.0 + open.0, last.1 + open.1);
    }
    deviation(&terms, terms.len(), all)
}

/// Fisher's exact test of a 2×2 table, two-sided: whether counts fall on one column more often than chance allows.
///
/// The probability, with all margins given, of tables that are at most as probable as this one. 1 where a row or
/// a column is empty, since there is but one table then. The rows may be, say, repeated and not repeated runs, the
/// columns the arms.
///
/// Source: Fisher 1922, JRSS 85(1); the two-sided form is that of R's `fisher.test`.
pub fn fisher(table: [[u64; 2]; 2]) -> f64 {
    /// Tables as probable as this one may differ from it by rounding.
    const SLACK: f64 = 1e-7;
    let [[a, b], [c, d]] = table;
    let (row, column, all) = (a + b, a + c, a + b + c + d);
    let probability = |first: u64| {
        (ln_choose(column, first) + ln_choose(all - column, row - first) - ln_choose(all, row)).exp()
    };
    let limit = probability(a) * (1.0 + SLACK);
    let tables = (row + column).saturating_sub(all)..=row.min(column);
    tables.map(probability).filter(|p| *p <= limit).sum::<f64>().min(1.0)
}

/// `terms`: counts seen and expected.
fn deviation(terms: &[(f64, f64)], cells: usize, all: f64) -> Option<Deviation> {
    if cells < 2 {
        return None;
    }
    let chi_squared: f64 = terms
        .iter()
        .filter(|(_, expected)| *expected > 0.0)
        .map(|(seen, expected)| (seen - expected).powi(2) / expected)
        .sum();
    let p = chi_squared_upper(chi_squared, (cells - 1) as f64);
    Some(Deviation { chi_squared, p, size: (chi_squared / all).sqrt() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_two_by_two_table_has_the_chi_square_of_the_books() {
        // ad - bc squared, times n, over the product of the margins: 90·40 against 60·10.
        let found = two_samples(&[[90.0, 60.0], [10.0, 40.0]]).unwrap();
        assert!((found.chi_squared - 24.0).abs() < 1e-12);
        assert!(found.p < 1e-5 && (found.size - (24.0_f64 / 200.0).sqrt()).abs() < 1e-12);
        assert_eq!(two_samples(&[[1.0, 0.0], [3.0, 0.0]]), None);
        assert_eq!(two_samples(&[[1.0, 4.0]]), None);
    }

    #[test]
    fn counts_as_they_should_be_deviate_by_nothing() {
        let exact = one_sample(&[500.0, 300.0, 200.0], &[0.5, 0.3, 0.2]).unwrap();
        assert!(exact.chi_squared < 1e-12 && exact.p > 0.999_999);
        let off = one_sample(&[600.0, 200.0, 200.0], &[0.5, 0.3, 0.2]).unwrap();
        assert!((off.chi_squared - (20.0 + 100.0 / 3.0)).abs() < 1e-9);
    }

    #[test]
    fn fisher_s_test_has_the_p_of_the_books() {
        // Fisher's tea; R's help page of `fisher.test`; Agresti.
        assert!((fisher([[3, 1], [1, 3]]) - 0.485_714_285_714_286).abs() < 1e-12);
        assert!((fisher([[10, 2], [3, 15]]) - 0.000_536_724_119).abs() < 1e-11);
        assert!((fisher([[8, 2], [1, 5]]) - 0.034_965_034_965).abs() < 1e-11);
        // Six repetitions of twenty on one arm, none on the other.
        assert!(fisher([[6, 0], [14, 20]]) < 0.05 && fisher([[3, 0], [17, 20]]) > 0.05);
    }

    #[test]
    fn fisher_s_test_of_empty_rows_says_nothing() {
        assert_eq!(fisher([[0, 0], [0, 0]]), 1.0);
        assert_eq!(fisher([[0, 0], [20, 20]]), 1.0);
        assert!((fisher([[5, 0], [20, 0]]) - 1.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn fisher_s_p_does_not_depend_on_which_row_or_column_comes_first(
            a in 0_u64..60, b in 0_u64..60, c in 0_u64..60, d in 0_u64..60,
        ) {
            let p = fisher([[a, b], [c, d]]);
            prop_assert!((0.0..=1.0).contains(&p));
            for other in [[[b, a], [d, c]], [[c, d], [a, b]], [[a, c], [b, d]]] {
                prop_assert!((fisher(other) - p).abs() < 1e-9);
            }
        }
    }
}
