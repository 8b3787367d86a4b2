//! Where a series of readings was interrupted.

use super::quantile::median;

/// Usual intervals without a reading that are an interruption.
const USUAL_INTERVALS: f64 = 3.0;
/// What is shorter than this, in seconds, is none: the one who reads may have been held up.
const LEAST_S: f64 = 1.0;

/// The longest time without a reading between `from_s` and `until_s`, as `(start, end)` in seconds, if it is longer than
/// three usual intervals (their median) and a second. None where it is not known what is usual: with fewer than
/// three readings.
///
/// `times_s`: of the readings, ascending. What is missing after the last reading is not told.
pub fn longest(times_s: &[f64], from_s: f64, until_s: f64) -> Option<(f64, f64)> {
    let steps: Vec<f64> = times_s.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let least = (USUAL_INTERVALS * median(&steps).filter(|_| steps.len() > 1)?).max(LEAST_S);
    let before_first = (f64::NEG_INFINITY, *times_s.first()?);
    let between = times_s.windows(2).map(|pair| (pair[0], pair[1]));
    std::iter::once(before_first)
        .chain(between)
        .map(|(start, end)| (start.max(from_s), end.min(until_s)))
        .filter(|(start, end)| end - start > least)
        .max_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reading twice a second from `from` to `until`, s.
    fn every_half_second(from: f64, until: f64) -> impl Iterator<Item = f64> {
        (0..100).map(move |i| from + f64::from(i) / 2.0).take_while(move |at| *at <= until)
    }

    #[test]
    fn a_source_that_was_dead_for_a_while_is_seen() {
        let dead: Vec<f64> = every_half_second(0.0, 4.0).chain(every_half_second(7.5, 12.0)).collect();
        assert_eq!(longest(&dead, 0.0, 12.0), Some((4.0, 7.5)));
        assert_eq!(longest(&dead, 8.0, 12.0), None, "that was before");
        assert_eq!(longest(&dead, 0.0, 5.0), None, "only a second of it counts");
    }

    #[test]
    fn a_source_that_came_late_is_seen() {
        let late: Vec<f64> = every_half_second(4.0, 12.0).collect();
        assert_eq!(longest(&late, 0.0, 12.0), Some((0.0, 4.0)));
    }

    #[test]
    fn what_is_usual_is_no_interruption() {
        let usual: Vec<f64> = every_half_second(-1.0, 12.0).collect();
        assert_eq!(longest(&usual, 0.0, 12.0), None);
        // Ten readings a second, of which one came half a second late.
        let held_up = [0.0, 0.1, 0.2, 0.3, 0.9, 1.0, 1.1];
        assert_eq!(longest(&held_up, 0.0, 1.1), None);
        assert_eq!(longest(&[0.0, 60.0, 120.0, 180.0], 0.0, 180.0), None);
        assert_eq!(longest(&[9.0], 0.0, 9.0), None);
    }
}
