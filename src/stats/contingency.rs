//! Counts in cells: are they as they should be, or the same in two samples?

use super::distribution::chi_squared_upper;

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
}
