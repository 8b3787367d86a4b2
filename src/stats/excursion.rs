//! How long a series stays above a level.

/// The longest time that a series was above `level`, in seconds: from the first value above it to the next that is not.
/// 0 if it never was; infinite if the last value is still above it.
///
/// `points`: `(time in s, value)` in order of time. Only excursions that begin from `from_s` to `until_s` count, wherever
/// they end. What is above the level at the first point has begun there.
pub fn longest(points: &[(f64, f64)], level: f64, from_s: f64, until_s: f64) -> f64 {
    let mut begun: Option<f64> = None;
    let mut longest = 0.0_f64;
    let counts = |start: f64| (from_s..=until_s).contains(&start);
    for (at, value) in points {
        match begun {
            None if *value > level => begun = Some(*at),
            Some(start) if *value <= level => {
                if counts(start) {
                    longest = longest.max(at - start);
                }
                begun = None;
            }
            _ => {}
        }
    }
    if begun.is_some_and(counts) { f64::INFINITY } else { longest }
}

#[cfg(test)]
mod tests {
    use super::longest;

    const ALL: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

    fn of(values: &[f64], level: f64) -> f64 {
        let points: Vec<(f64, f64)> = (0..).map(f64::from).zip(values.iter().copied()).collect();
        longest(&points, level, ALL.0, ALL.1)
    }

    #[test]
    fn the_longest_time_above_the_level_counts() {
        assert_eq!(of(&[0.0, 3.0, 0.0, 3.0, 4.0, 3.0, 1.0], 2.0), 3.0);
        assert_eq!(of(&[0.0, 1.0, 2.0], 2.0), 0.0, "at the level it is not above it");
        assert_eq!(of(&[], 2.0), 0.0);
    }

    #[test]
    fn one_that_does_not_end_lasts_for_ever() {
        assert_eq!(of(&[0.0, 3.0, 3.0], 2.0), f64::INFINITY);
        assert_eq!(of(&[3.0, 0.0], 2.0), 1.0, "one that was there already has begun at the first value");
    }

    #[test]
    fn only_those_that_begin_in_a_stretch_count_and_they_may_end_after_it() {
        let points = [(0.0, 9.0), (4.0, 0.0), (5.0, 9.0), (7.0, 0.0), (8.0, 9.0)];
        assert_eq!(longest(&points, 2.0, 4.5, 6.0), 2.0);
        assert_eq!(longest(&points, 2.0, 0.0, 4.5), 4.0);
        assert_eq!(longest(&points, 2.0, 6.0, 7.5), 0.0);
    }
}
